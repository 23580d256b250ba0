"""How MusicXML calls chords, keys and dynamics."""

from __future__ import annotations

KINDS = {
    "maj": "major", "min": "minor", "7": "dominant", "maj7": "major-seventh", "min7": "minor-seventh",
    "dim": "diminished", "aug": "augmented", "sus2": "suspended-second", "sus4": "suspended-fourth",
    "maj6": "major-sixth", "min6": "minor-sixth", "dim7": "diminished-seventh", "hdim7": "half-diminished",
    "minmaj7": "major-minor", "9": "dominant-ninth", "maj9": "major-ninth", "min9": "minor-ninth", "5": "power",
    "1": "pedal",
}  # fmt: skip
"""Chord quality to the `kind` of a harmony."""

QUALITIES_OF_KINDS = {
    **{kind: quality for quality, kind in KINDS.items()},
    "augmented-seventh": "aug", "dominant-11th": "9", "major-11th": "maj9", "minor-11th": "min9",
    "dominant-13th": "9", "major-13th": "maj9", "minor-13th": "min9", "other": "maj", "Neapolitan": "maj",
    "Italian": "7", "French": "7", "German": "7", "Tristan": "min7", "": "maj",
}  # fmt: skip
"""Every kind of MusicXML 4.0 to the nearest quality."""

DYNAMICS = ((30, "pp"), (46, "p"), (62, "mp"), (78, "mf"), (98, "f"), (128, "ff"))
"""Velocities below which a passage is marked so."""

DYNAMIC_VELOCITIES = {
    "pppp": 10, "ppp": 16, "pp": 26, "p": 40, "mp": 56, "mf": 72, "f": 90, "ff": 110, "fff": 120, "ffff": 127,
    "sf": 100, "sfz": 100, "fz": 100, "fp": 80,
}  # fmt: skip
"""What a mark is played as."""


def dynamic_of(velocity: float) -> str:
    """The mark for a mean velocity."""
    return next(mark for limit, mark in DYNAMICS if velocity < limit)
