"""Names of General MIDI: the 16 families of programs, and the drum keys with their place on a staff."""

from __future__ import annotations

FAMILIES = (
    "piano", "chromatic percussion", "organ", "guitar", "bass", "strings", "ensemble", "brass", "reed", "pipe",
    "synth lead", "pad", "synth effects", "ethnic", "percussive", "sound effects",
)  # fmt: skip
"""Eight programs make a family: program // 8 is its index."""

DRUMS: dict[int, tuple[str, str, int, str]] = {
    35: ("Acoustic Bass Drum", "E", 4, "normal"),
    36: ("Bass Drum", "F", 4, "normal"),
    37: ("Side Stick", "C", 5, "x"),
    38: ("Snare", "C", 5, "normal"),
    39: ("Hand Clap", "C", 5, "triangle"),
    40: ("Electric Snare", "C", 5, "normal"),
    41: ("Low Floor Tom", "G", 4, "normal"),
    42: ("Closed Hi-Hat", "G", 5, "x"),
    43: ("High Floor Tom", "A", 4, "normal"),
    44: ("Pedal Hi-Hat", "D", 4, "x"),
    45: ("Low Tom", "B", 4, "normal"),
    46: ("Open Hi-Hat", "G", 5, "circle-x"),
    47: ("Low-Mid Tom", "D", 5, "normal"),
    48: ("High-Mid Tom", "E", 5, "normal"),
    49: ("Crash Cymbal", "A", 5, "x"),
    50: ("High Tom", "F", 5, "normal"),
    51: ("Ride Cymbal", "F", 5, "x"),
    52: ("Chinese Cymbal", "C", 6, "x"),
    53: ("Ride Bell", "F", 5, "diamond"),
    54: ("Tambourine", "B", 5, "triangle"),
    55: ("Splash Cymbal", "B", 5, "x"),
    56: ("Cowbell", "E", 5, "triangle"),
    57: ("Crash Cymbal 2", "B", 5, "x"),
    59: ("Ride Cymbal 2", "F", 5, "x"),
}
"""Drum key to name, staff step and octave (as if in treble clef), and note head, after common drum-set notation."""


def family(program: int) -> str:
    """The family a program belongs to."""
    return FAMILIES[min(max(program, 0), 127) // 8]
