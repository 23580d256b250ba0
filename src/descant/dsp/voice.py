"""What the note segmenter looks at: pitch, confidence, loudness and syllable onsets of one voice, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.dsp.filters import mel_filters
from descant.dsp.onset import onset_strength
from descant.dsp.pitch import PitchTrack, hz_to_midi
from descant.dsp.stft import filtered

Doubles = NDArray[np.float64]

_SAMPLE_RATE = 16_000
_WINDOW = 512
_HOP = 128
_BANDS = 40
_FLOOR_DB = -70.0
_VALLEY_FRAMES = 4
_PER_DIP_DB, _PER_FLUX_DB, _ONSET_BAR = 0.45, 0.25, 3.2


@dataclass(frozen=True, slots=True, eq=False)
class VoiceFrames:
    """One voice, on the frames of its pitch track.

    Attributes:
        times_s: Frame centres in seconds, shape [frames].
        midi: Fractional MIDI number, a best guess also where unvoiced, shape [frames].
        confidence: 0..1 that a pitch sounds, shape [frames].
        level_db: Loudness, dB below full scale, shape [frames].
        flux_db: How much the spectrum grows, dB per band over 16 ms, shape [frames].
    """

    times_s: Doubles
    midi: Doubles
    confidence: Doubles
    level_db: Doubles
    flux_db: Doubles

    @property
    def hop_s(self) -> float:
        """Distance between frames in seconds."""
        return float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 0.016


def voice_frames(track: PitchTrack, clip: Clip | None) -> VoiceFrames:
    """The features of a voice; without a clip loudness is taken as constant and no syllable onset is heard."""
    midi = np.nan_to_num(hz_to_midi(track.f0_hz), nan=0.0)
    confidence = np.where(track.voiced, np.maximum(track.confidence, 1e-3), np.minimum(track.confidence, 0.49))
    if clip is None or clip.frames == 0:
        flat = np.zeros(len(midi))
        return VoiceFrames(track.times_s, midi, confidence, flat, flat)
    level, flux = _loudness(clip, track.times_s)
    return VoiceFrames(track.times_s, midi, confidence, level, flux)


def onset_evidence(frames: VoiceFrames) -> Doubles:
    """How clearly a syllable starts at each frame, about 0..1; not zero only at the frames where it would start.

    A syllable that starts within a voiced stretch dips in loudness (its consonant) and rises again, and the vowel is
    where the rise ends; people put the beat and the note there.
    """
    level = frames.level_db
    if len(level) < 3:
        return np.zeros(len(level))
    per_frame = 0.016 / frames.hop_s
    back, ahead = max(2, round(6 * per_frame)), max(2, round(4 * per_frame))
    growth = level - np.concatenate([np.repeat(level[:1], 2), level[:-2]])
    is_peak = (growth == scipy.ndimage.maximum_filter1d(growth, 5)) & (growth > 0.0)
    dip = _dip(level, back, ahead)
    strength = 1.0 / (1.0 + np.exp(-(_PER_DIP_DB * dip + _PER_FLUX_DB * frames.flux_db - _ONSET_BAR)))
    evidence: Doubles = np.where(is_peak, strength, 0.0)
    return evidence


def _dip(level: Doubles, back: int, ahead: int) -> Doubles:
    """Depth in dB of the valley before each frame, below the lower of its two banks."""
    before = _windows_before(level, back + _VALLEY_FRAMES)[:, : back + 1].max(axis=1)
    valley = _windows_before(level, _VALLEY_FRAMES).min(axis=1)
    after = scipy.ndimage.maximum_filter1d(level, ahead, origin=-(ahead // 2), mode="nearest")
    depth: Doubles = np.minimum(before, after) - valley
    return np.clip(depth, 0.0, 30.0)


def _windows_before(values: Doubles, width: int) -> Doubles:
    """For each frame the `width` frames before it and itself, shape [frames, width + 1]."""
    padded = np.pad(values, (width, 0), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, width + 1)


def _loudness(clip: Clip, times_s: Doubles) -> tuple[Doubles, Doubles]:
    mono = resample(clip.to_mono(), _SAMPLE_RATE).samples[0]
    filters = mel_filters(_SAMPLE_RATE, _WINDOW, _BANDS, 80.0, 7_600.0)
    bands = filtered(mono, _WINDOW, _HOP, filters)
    power = np.sqrt((bands.astype(float) ** 2).sum(axis=1))
    level = np.maximum(20.0 * np.log10(power + 1e-9), _FLOOR_DB)
    floor = 1e-4 * float(bands.max(initial=0.0)) + 1e-6
    flux = onset_strength((20.0 * np.log10(bands + floor)).astype(np.float32), lag=2).astype(float)
    centres = np.arange(len(level)) * (_HOP / _SAMPLE_RATE)
    flux = scipy.ndimage.maximum_filter1d(flux, 3)
    return np.interp(times_s, centres, level), np.interp(times_s, centres, flux)
