"""`Voice`: what must be known of a person's voice to sing with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.convert.alone import aloneness
from descant.convert.content import ContentEncoder
from descant.convert.features import features_of
from descant.convert.speaker import SpeakerEmbedder
from descant.errors import InvalidAudio
from descant.nets.source_filter import FPS
from descant.nets.swift_f0 import SwiftF0
from descant.nets.whisper_encoder import SAMPLE_RATE

Floats = NDArray[np.float32]

SHORTEST_S = 3.0
"""Less voice than this is refused as a reference."""

_FOURTH = 5.0
_VOICED_SHARE = 0.15
# benchmarks/sung_or_spoken.py: hardly any speech is taken for singing, but much singing for speech.
_SUNG_STILL_SHARE = 0.35
_STILL_SEMITONES, _RESTING_SEMITONES = 0.35, 0.25
_STILL_FRAMES, _VIBRATO_FRAMES = 12, 20
_LOUD_DB, _SILENT_DB = 35.0, -70.0


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """See the module.

    Attributes:
        speaker: GE2E embedding, [256].
        pool: Content of its recordings, [frames, width], for retrieval.
        middle: Median pitch in MIDI numbers.
        low: Pitch that 5 % of it lie below.
        high: Pitch that 5 % of it lie above.
        is_sung: Whether the recordings are singing; speech lies lower in a voice's range than song.
    """

    speaker: Floats
    pool: NDArray[np.float16]
    middle: float
    low: float
    high: float
    is_sung: bool

    def middle_for(self, *, singing: bool) -> float:
        """Where the voice would sing, or speak: a speaker's median lies about a fourth below a singer's."""
        return self.middle + _FOURTH * (float(singing) - float(self.is_sung))


def voice_of(clip: Clip, encoder: ContentEncoder, tracker: SwiftF0, embedder: SpeakerEmbedder) -> Voice:
    """A voice from a reference recording.

    Args:
        clip: 3 s or more of one voice, speaking or singing, without instruments.
        encoder: For the pool.
        tracker: For the range.
        embedder: For whose voice it is.

    Raises:
        InvalidAudio: There are less than three seconds of voice, nothing with a pitch, or a band.
    """
    if clip.duration_s < SHORTEST_S:
        raise InvalidAudio(
            f"A reference of {clip.duration_s:.1f} s is too short to know a voice by.",
            "Give 10 to 60 s of one voice; 3 s at least.",
        )
    found = features_of(clip, encoder, tracker)
    sounding = found.level_db > max(float(np.quantile(found.level_db, 0.95)) - _LOUD_DB, _SILENT_DB)
    voiced = (found.voiced > 0.5) & sounding
    if sounding.sum() < SHORTEST_S * FPS:
        raise InvalidAudio(
            f"Of {clip.duration_s:.1f} s only {sounding.sum() / FPS:.1f} s are not silent.",
            "Give 10 to 60 s of one voice; 3 s at least.",
        )
    if voiced.sum() < _VOICED_SHARE * sounding.sum():
        raise InvalidAudio("There is hardly any pitch in the reference: noise, a whisper, or music.",
                           "Give a recording of one voice without instruments.")  # fmt: skip
    if not aloneness(resample(clip.to_mono(), SAMPLE_RATE).samples[0], found.f0_hz, voiced).is_alone:
        raise InvalidAudio(
            "More sounds in the reference than one voice: it is music, or has music under it.",
            "Give a recording of one voice without instruments; `descant separate` takes one out of a song.",
        )
    midi = 69.0 + 12.0 * np.log2(found.f0_hz[voiced] / 440.0)
    low, middle, high = (float(value) for value in np.quantile(midi, (0.05, 0.5, 0.95)))
    kept = sounding[: 2 * len(found.content) : 2][: len(found.content)]
    pool = found.content[: len(kept)][kept].astype(np.float16)
    return Voice(embedder(clip), pool, middle, low, high, is_sung(found.f0_hz, found.voiced))


def is_sung(f0_hz: Floats, voicing: Floats) -> bool:
    """Whether pitch, or its mean over a period of vibrato, often stands still, as it does on notes and not in speech.

    Args:
        f0_hz: 100 a second, [frames].
        voicing: 0..1, [frames].
    """
    span = _STILL_FRAMES + _VIBRATO_FRAMES - 1
    if len(f0_hz) < span:
        return False
    windows = np.lib.stride_tricks.sliding_window_view
    midi, voiced = 12.0 * np.log2(f0_hz), voicing > 0.5
    is_whole = windows(voiced, _STILL_FRAMES).all(axis=1)
    if is_whole.sum() < _STILL_FRAMES:
        return False
    is_still = np.ptp(windows(midi, _STILL_FRAMES), axis=1) < _STILL_SEMITONES
    middle = windows(midi, _VIBRATO_FRAMES).mean(axis=1)
    rests = (np.ptp(windows(middle, _STILL_FRAMES), axis=1) < _RESTING_SEMITONES) & windows(voiced, span).all(axis=1)
    first = (span - _STILL_FRAMES) // 2
    is_still[first : first + len(rests)] |= rests
    return bool(is_still[is_whole].mean() > _SUNG_STILL_SHARE)
