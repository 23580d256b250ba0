"""`Key`, `Chord`, `ChordSpan`: harmony as values, in the spelling of MIREX ("C:maj", "F#:min7/5", "N")."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from descant.errors import ScoreReadError

Mode = Literal["major", "minor"]

SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "maj6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9),
    "dim7": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "minmaj7": (0, 3, 7, 11),
    "9": (0, 4, 7, 10, 2),
    "maj9": (0, 4, 7, 11, 2),
    "min9": (0, 3, 7, 10, 2),
    "5": (0, 7),
    "1": (0,),
}
"""Chord qualities and their intervals above the root in semitones."""

_DEGREES = {"1": 0, "2": 2, "3": 4, "4": 5, "5": 7, "6": 9, "7": 11, "9": 2, "11": 5, "13": 9}
_POPULAR = {  # spellings of lead sheets
    "": "maj", "M": "maj", "m": "min", "-": "min", "mi": "min", "ma": "maj", "M7": "maj7", "ma7": "maj7", "Δ": "maj7",
    "m7": "min7", "-7": "min7", "mi7": "min7", "o": "dim", "°": "dim", "o7": "dim7", "°7": "dim7", "ø": "hdim7",
    "m7b5": "hdim7", "+": "aug", "sus": "sus4", "6": "maj6", "m6": "min6", "mM7": "minmaj7", "m9": "min9",
    "M9": "maj9", "7sus4": "sus4", "add9": "maj", "sus4(b7)": "sus4", "11": "9", "13": "9", "min11": "min9",
    "maj11": "maj9", "maj13": "maj9", "min13": "min9", "minmaj9": "minmaj7",
}  # fmt: skip


def pitch_class_from_name(name: str) -> int:
    """Pitch class of a name: "Eb" is 3.

    Raises:
        ScoreReadError: The name is not a letter A..G with accidentals.
    """
    match = re.fullmatch(r"([A-G])([#b♯♭]*)", name)
    if not match:
        raise ScoreReadError(f"{name!r} is not the name of a note.", "Write a letter A to G with # or b.")
    accidentals = sum(1 if sign in "#♯" else -1 for sign in match[2])
    return (_LETTERS[match[1]] + accidentals) % 12


@dataclass(frozen=True, slots=True)
class Key:
    """A key: `tonic` is a pitch class 0..11 (C is 0)."""

    tonic: int
    mode: Mode

    @property
    def fifths(self) -> int:
        """Sharps (positive) or flats (negative) of the signature, -6..5 so that six are flats."""
        major_tonic = self.tonic if self.mode == "major" else (self.tonic + 3) % 12
        return (major_tonic * 7 + 6) % 12 - 6

    @property
    def uses_flats(self) -> bool:
        """Whether its signature is written with flats."""
        return self.fifths < 0

    @property
    def name(self) -> str:
        """For people: "Eb major"."""
        return f"{(FLAT_NAMES if self.uses_flats else SHARP_NAMES)[self.tonic]} {self.mode}"

    @property
    def scale(self) -> tuple[int, ...]:
        """Pitch classes of the major or natural minor scale."""
        steps = (0, 2, 4, 5, 7, 9, 11) if self.mode == "major" else (0, 2, 3, 5, 7, 8, 10)
        return tuple((self.tonic + s) % 12 for s in steps)

    @classmethod
    def parse(cls, text: str) -> Key:
        """From "Eb major", "F# minor", "C:maj", "Am" or "G"."""
        match = re.fullmatch(r"\s*([A-G][#b♯♭]?)[\s:]*(major|maj|minor|min|m|M)?\s*", text)
        if not match:
            raise ScoreReadError(f"{text!r} is not a key.", 'Write it as "Eb major" or "F# minor".')
        mode: Mode = "minor" if match[2] in ("minor", "min", "m") else "major"
        return cls(pitch_class_from_name(match[1]), mode)


def key_score(reference: Key, estimated: Key | None) -> float:
    """MIREX weighted key score: 1 right, 0.5 a fifth above, 0.3 relative, 0.2 parallel, else 0."""
    if estimated is None:
        return 0.0
    if estimated == reference:
        return 1.0
    if estimated.mode == reference.mode:
        return 0.5 if (estimated.tonic - reference.tonic) % 12 == 7 else 0.0
    if estimated.tonic == reference.tonic:
        return 0.2
    relative = (reference.tonic + (9 if reference.mode == "major" else 3)) % 12
    return 0.3 if estimated.tonic == relative else 0.0


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord symbol.

    Attributes:
        root: Pitch class 0..11, or None for "no chord".
        quality: A key of `QUALITIES`.
        bass: Pitch class of the lowest note, when it is not the root.
    """

    root: int | None
    quality: str = "maj"
    bass: int | None = None

    def __post_init__(self) -> None:
        if self.quality not in QUALITIES:
            raise ScoreReadError(f"{self.quality!r} is not a chord quality.", f"Known: {', '.join(QUALITIES)}.")

    @property
    def is_none(self) -> bool:
        """Whether this is "no chord"."""
        return self.root is None

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes that sound, the bass included; empty for no chord."""
        if self.root is None:
            return frozenset()
        tones = {(self.root + i) % 12 for i in QUALITIES[self.quality]}
        return frozenset(tones | ({self.bass} if self.bass is not None else set()))

    @property
    def majmin(self) -> Chord:
        """Reduced to major, minor or none by its third (suspended and power chords count as major)."""
        if self.root is None:
            return NO_CHORD
        return Chord(self.root, "min" if 3 in QUALITIES[self.quality] else "maj")

    def transpose(self, semitones: int) -> Chord:
        """The chord moved by semitones."""
        if self.root is None:
            return self
        bass = None if self.bass is None else (self.bass + semitones) % 12
        return Chord((self.root + semitones) % 12, self.quality, bass)

    def label(self, *, flats: bool = False) -> str:
        """MIREX spelling, with the bass as a note name after a slash: "A:min7", "C:maj/E", "N"."""
        if self.root is None:
            return "N"
        names = FLAT_NAMES if flats else SHARP_NAMES
        slash = "" if self.bass is None or self.bass == self.root else f"/{names[self.bass]}"
        return f"{names[self.root]}:{self.quality}{slash}"

    def symbol(self, *, flats: bool = False) -> str:
        """Lead-sheet spelling for people: "Am7", "C/E"; empty for no chord."""
        if self.root is None:
            return ""
        names = FLAT_NAMES if flats else SHARP_NAMES
        short = {"maj": "", "min": "m", "min7": "m7", "maj6": "6", "min6": "m6", "hdim7": "m7b5", "minmaj7": "mM7",
                 "min9": "m9", "1": ""}.get(self.quality, self.quality)  # fmt: skip
        slash = "" if self.bass is None or self.bass == self.root else f"/{names[self.bass]}"
        return f"{names[self.root]}{short}{slash}"

    @classmethod
    def parse(cls, text: str) -> Chord:
        """From MIREX ("Bb:min7/b3", "N") or lead-sheet ("Bbm7/Db", "Am", "NC") spelling.

        Raises:
            ScoreReadError: Not a chord.
        """
        text = text.strip()
        if text in ("N", "X", "NC", "N.C.", ""):
            return NO_CHORD
        match = re.fullmatch(r"([A-G][#b♯♭]*):?([^/]*)(?:/(.+))?", text)
        if not match:
            raise ScoreReadError(f"{text!r} is not a chord.", 'Write it as "Am7", "C/E" or "A:min7".')
        root = pitch_class_from_name(match[1])
        quality = _parse_quality(match[2], text)
        return cls(root, quality, _parse_bass(match[3], root, text))


NO_CHORD = Chord(None)


def _parse_quality(text: str, chord: str) -> str:
    base = re.sub(r"\(.*\)$", "", text.strip())
    for candidate in (text.strip(), base):
        if candidate in QUALITIES and candidate != "":
            return candidate
        if candidate in _POPULAR:
            return _POPULAR[candidate]
    raise ScoreReadError(f"{chord!r} has an unknown chord quality {text!r}.", f"Known: {', '.join(QUALITIES)}.")


def _parse_bass(text: str | None, root: int, chord: str) -> int | None:
    if not text:
        return None
    if text[0] in _LETTERS:
        return pitch_class_from_name(text)
    match = re.fullmatch(r"([#b]*)(\d+)", text)
    if not match or match[2] not in _DEGREES:
        raise ScoreReadError(
            f"{chord!r} has an unknown bass {text!r}.", 'Write a note ("C/E") or a degree ("C:maj/3").'
        )
    shift = match[1].count("#") - match[1].count("b")
    return (root + _DEGREES[match[2]] + shift) % 12


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord that sounds from `start` to `end` (quarter notes)."""

    start: float
    end: float
    chord: Chord
