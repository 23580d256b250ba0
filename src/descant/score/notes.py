"""`Note`, `Track`, `Score`: music as values. Positions are in quarter notes; a `TempoMap` places them in seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from descant.score.harmony import ChordSpan, Key
from descant.score.tempo import TempoMap, TimeSignature

HELD = "_"
OWN_HYPHEN = "\N{WORD JOINER}"


@dataclass(frozen=True, slots=True, order=True)
class Bend:
    """A point of a pitch curve: `semitones` above the note's pitch, `offset` quarters after its start."""

    offset: float
    semitones: float


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One note.

    Attributes:
        start: Quarter notes from the beginning of the score (>= 0).
        duration: Quarter notes (> 0).
        pitch: MIDI number, 60 is middle C; for drums the General MIDI drum key.
        velocity: 1..127.
        bends: Pitch curve, sorted by offset; empty for a straight note.
        lyric: The syllable sung on it; hyphens at its ends say that the word goes on there, `HELD` that the syllable
            of the note before lasts. A hyphen of the word's own at an end has `OWN_HYPHEN` on its outside.
    """

    start: float
    duration: float
    pitch: int
    velocity: int = 80
    bends: tuple[Bend, ...] = ()
    lyric: str = ""

    @property
    def end(self) -> float:
        """Quarter notes from the beginning at which the note stops."""
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Track:
    """Notes for one instrument.

    Attributes:
        name: For people and file names: "melody", "piano", "bass", "drums", "pad".
        notes: Sorted by start, then pitch.
        program: General MIDI program 0..127; ignored for drums.
        is_drum: Whether pitches are drum keys.
    """

    name: str
    notes: tuple[Note, ...]
    program: int = 0
    is_drum: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))

    @property
    def end(self) -> float:
        """End of the last note in quarters; 0 when empty."""
        return max((n.end for n in self.notes), default=0.0)


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a song ("A", "B", "intro"), in quarter notes."""

    start: float
    end: float
    label: str


@dataclass(frozen=True, slots=True)
class Score:
    """A piece: tracks on one time line, with what is known of its harmony and form.

    Attributes:
        tracks: The parts.
        tempo: Where each quarter note lies in seconds.
        time_signatures: Sorted by start; the first at 0.
        key: Main key, if known.
        chords: Sorted, not overlapping; may be empty.
        sections: Sorted, not overlapping; may be empty.
    """

    tracks: tuple[Track, ...]
    tempo: TempoMap
    time_signatures: tuple[TimeSignature, ...] = (TimeSignature(0.0, 4, 4),)
    key: Key | None = None
    chords: tuple[ChordSpan, ...] = ()
    sections: tuple[Section, ...] = ()

    @property
    def end(self) -> float:
        """End of the last note in quarters."""
        return max((t.end for t in self.tracks), default=0.0)

    @property
    def duration_s(self) -> float:
        """End of the last note in seconds."""
        return self.tempo.seconds(self.end)

    def track(self, name: str) -> Track | None:
        """The first track of that name."""
        return next((t for t in self.tracks if t.name == name), None)

    def with_tracks(self, tracks: Iterable[Track]) -> Score:
        """The same time line with other tracks."""
        return replace(self, tracks=tuple(tracks))
