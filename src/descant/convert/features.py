"""What a voice does, apart from whose it is: content, pitch, voicing and level, a hundred times a second."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.convert.content import ContentEncoder
from descant.dsp.octaves import fill_short_gaps
from descant.dsp.pitch import PitchTrack
from descant.nets.source_filter import FPS
from descant.nets.swift_f0 import SwiftF0
from descant.nets.whisper_encoder import FPS as CONTENT_FPS
from descant.nets.whisper_encoder import SAMPLE_RATE

Floats = NDArray[np.float32]

LOWEST_HZ, HIGHEST_HZ = 55.0, 1400.0
SILENT_DB = -100.0
NO_PITCH_HZ = 150.0
"""What stands where nothing has been voiced yet."""

_LEVEL_WINDOW_S = 0.03
_GAP_FRAMES = 3


@dataclass(frozen=True, slots=True, eq=False)
class VoiceFeatures:
    """Frame k is centred on k / 100 s.

    Attributes:
        content: Whisper's states, [frames at 50 a second, width].
        f0_hz: Fundamental in Hz, [frames]; between voiced stretches it goes on in a straight line (of its logarithm).
        voiced: 0..1, [frames].
        level_db: RMS of the 16 kHz signal in dB of full scale, [frames]; -100 in silence.
    """

    content: Floats
    f0_hz: Floats
    voiced: Floats
    level_db: Floats

    @property
    def frames(self) -> int:
        """How many, at 100 a second."""
        return len(self.f0_hz)

    def transpose(self, semitones: float) -> VoiceFeatures:
        """Sung higher."""
        return replace(self, f0_hz=(self.f0_hz * 2.0 ** (semitones / 12.0)).astype(np.float32))

    def contents(self) -> Floats:
        """Content at 100 frames a second, by straight lines, [frames, width]."""
        at = np.arange(self.frames) * CONTENT_FPS / FPS
        low = np.minimum(at.astype(int), len(self.content) - 1)
        share = (at - low).astype(np.float32)[:, np.newaxis]
        following = self.content[np.minimum(low + 1, len(self.content) - 1)]
        states: Floats = self.content[low] * (1 - share) + following * share
        return states


def frame_count(clip: Clip) -> int:
    """Frames of a clip: one for each 10 ms begun."""
    return -(-clip.frames * FPS // clip.sample_rate)


def features_of(clip: Clip, encoder: ContentEncoder, tracker: SwiftF0) -> VoiceFeatures:
    """All features of a clip.

    Args:
        clip: One voice; any rate and channel count, at least one sample.
        encoder: For the content.
        tracker: For the pitch; short octave errors are repaired.

    Raises:
        InvalidAudio: The clip has no samples.
    """
    frames = frame_count(clip)
    low = resample(clip.to_mono(), SAMPLE_RATE)
    mono = low.samples[0]
    track = tracker(low, lowest_hz=LOWEST_HZ, highest_hz=HIGHEST_HZ)
    f0_hz, voiced = pitch_frames(track, frames)
    return VoiceFeatures(encoder(mono), f0_hz, voiced, level_frames(mono, frames))


def pitch_frames(track: PitchTrack, frames: int) -> tuple[Floats, Floats]:
    """f0 and voicing of a track at 100 frames a second.

    Returns:
        f0 in Hz, continued through what is unvoiced, and voicing 0..1; each [frames].
    """
    voiced = fill_short_gaps(track.voiced, _GAP_FRAMES)
    at = np.arange(frames) / FPS
    known = np.flatnonzero(track.voiced)
    if not len(known):
        return np.full(frames, NO_PITCH_HZ, np.float32), np.zeros(frames, np.float32)
    f0 = np.exp(np.interp(at, track.times_s[known], np.log(track.f0_hz[known])))
    share = np.interp(at, track.times_s, voiced.astype(float), left=0.0, right=0.0)
    return f0.astype(np.float32), share.astype(np.float32)


def level_frames(mono: Floats, frames: int) -> Floats:
    """RMS under a Hann window of 30 ms, in dB of full scale.

    Args:
        mono: [samples] at 16 kHz.
        frames: How many, at 100 a second.
    """
    hop, size = SAMPLE_RATE // FPS, round(_LEVEL_WINDOW_S * SAMPLE_RATE)
    window = np.hanning(size + 2)[1:-1]
    padded = np.pad(np.square(mono, dtype=np.float64), (0, max(0, frames * hop - len(mono))))
    power = scipy.ndimage.convolve1d(padded, window / window.sum(), mode="constant")[: frames * hop : hop]
    return np.maximum(10.0 * np.log10(np.maximum(power, 1e-10)), SILENT_DB).astype(np.float32)
