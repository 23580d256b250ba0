"""`Analysis`: what is heard in a recording, as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descant.dsp.pitch import PitchTrack
from descant.score.harmony import ChordSpan, Key
from descant.score.notes import Section
from descant.score.tempo import BeatGrid, TempoMap

FORMAT = 1
"""Version of the JSON layout."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in seconds."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class LoudnessCurve:
    """Loudness over time.

    Attributes:
        times_s: Centres of the 400 ms windows, shape [points].
        lufs: Momentary loudness (ITU-R BS.1770-4), shape [points]; at least -100.
    """

    times_s: NDArray[np.float64]
    lufs: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """Everything `analyze` hears. Fields that could not be heard are empty and `remarks` says so.

    Attributes:
        duration_s: Length of the recording.
        melody: f0 of the voice (of `vocals` if that was given, else of the recording itself).
        beats: Beats and bar positions; empty when there is no pulse.
        beat_confidence: 0..1, how clearly the beats stand out.
        bpm: Median tempo in beats per minute; 0 without beats.
        key: Main key; None when nothing has a pitch.
        key_confidence: 0..1, the key's share among all 24.
        chords: On beats, in quarters of `beats.tempo_map()`; empty without beats, and for a bare voice, whose chords
            are the composer's to find.
        sections: Parts of the song, equal labels for repeats, in quarters likewise.
        loudness: Momentary loudness curve.
        vocals: Where someone sings.
        is_bare_voice: Whether the recording is one voice without accompaniment.
        tuning_cents: Deviation from A = 440 Hz, -50..50.
        remarks: What a reader should know, in sentences.
        confirmed_s: For how long, in seconds, a voice is heard in the recording where `vocals` has one; None where the
            voice was not given apart from it, or nothing was trained to hear it.
    """

    duration_s: float
    melody: PitchTrack
    beats: BeatGrid
    beat_confidence: float
    bpm: float
    key: Key | None
    key_confidence: float
    chords: tuple[ChordSpan, ...]
    sections: tuple[Section, ...]
    loudness: LoudnessCurve
    vocals: tuple[Span, ...]
    is_bare_voice: bool
    tuning_cents: float
    remarks: tuple[str, ...] = ()
    confirmed_s: float | None = None

    def tempo_map(self) -> TempoMap | None:
        """The beats as a tempo map; None with fewer than two beats."""
        return self.beats.tempo_map() if len(self.beats.times_s) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: times in seconds rounded to the millisecond, chords and sections in both units."""
        tempo = self.tempo_map()
        flats = self.key is not None and self.key.uses_flats

        def seconds(start: float, end: float) -> dict[str, float]:
            times = {"start_quarter": round(start, 3), "end_quarter": round(end, 3)}
            if tempo is not None:
                times |= {"start_s": round(tempo.seconds(start), 3), "end_s": round(tempo.seconds(end), 3)}
            return times

        return {
            "format": FORMAT,
            "duration_s": round(self.duration_s, 3),
            "bpm": round(self.bpm, 2),
            "beats_per_bar": self.beats.beats_per_bar if self.beats.times_s else None,
            "beat_confidence": round(self.beat_confidence, 3),
            "key": None if self.key is None else self.key.name,
            "key_confidence": round(self.key_confidence, 3),
            "tuning_cents": round(self.tuning_cents, 1),
            "is_bare_voice": self.is_bare_voice,
            "remarks": list(self.remarks),
            "beats": [
                {"time_s": round(t, 3), "position": p}
                for t, p in zip(self.beats.times_s, self.beats.bar_positions, strict=True)
            ],
            "chords": [
                {**seconds(c.start, c.end), "chord": c.chord.label(flats=flats), "symbol": c.chord.symbol(flats=flats)}
                for c in self.chords
            ],
            "sections": [{**seconds(s.start, s.end), "label": s.label} for s in self.sections],
            "vocals": [{"start_s": round(v.start_s, 3), "end_s": round(v.end_s, 3)} for v in self.vocals],
            "melody": {
                "hop_s": self.melody.hop_s,
                "f0_hz": [
                    round(float(hz), 2) if on else None
                    for hz, on in zip(self.melody.f0_hz, self.melody.voiced, strict=True)
                ],
                "confidence": np.round(self.melody.confidence, 3).tolist(),
            },
            "loudness": {
                "times_s": np.round(self.loudness.times_s, 3).tolist(),
                "lufs": np.round(self.loudness.lufs, 1).tolist(),
            },
        }
