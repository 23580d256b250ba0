"""NSynth's words for instruments, and which of them a General MIDI program or a name deserves."""

from __future__ import annotations

import re

FAMILIES = (
    "bass", "brass", "flute", "guitar", "keyboard", "mallet", "organ", "reed", "string", "synth_lead", "vocal",
)  # fmt: skip
SOURCES = ("acoustic", "electronic", "synthetic")
QUALITIES = (
    "bright", "dark", "distortion", "fast_decay", "long_release", "multiphonic", "nonlinear_env", "percussive",
    "reverb", "tempo-synced",
)  # fmt: skip

_LAST_PLAYED = 119
"""Programs above it are sound effects."""

_FAMILY_OF = (
    (7, "keyboard"), (15, "mallet"), (23, "organ"), (31, "guitar"), (39, "bass"), (46, "string"), (47, "mallet"),
    (51, "string"), (54, "vocal"), (55, "string"), (63, "brass"), (71, "reed"), (79, "flute"), (103, "synth_lead"),
    (108, "guitar"), (109, "reed"), (110, "string"), (111, "reed"), (_LAST_PLAYED, "mallet"),
)  # fmt: skip
"""Last program of each run. NSynth has no family of pads: they are leads here; plucked strings are guitars."""

_SYNTHETIC = frozenset((38, 39, 50, 51, 54, 62, 63, *range(80, 104)))
_ELECTRONIC = frozenset((2, 4, 5, 7, 16, 17, 18, 26, 27, 28, 29, 30, 31, 33, 34, 35, 36, 37))

_NAMES = (
    ("bass", r"bass(?!oon)|contrabass|double ?bass"),
    ("brass", r"trumpet|trombone|tuba|horn|brass|cornet"),
    ("flute", r"flute|piccolo|recorder|ocarina|whistle"),
    ("organ", r"organ|accordion|harmonica|harmonium"),
    ("reed", r"sax|clarinet|oboe|bassoon|reed|bagpipe"),
    ("guitar", r"guit|gtr|banjo|ukulele|mandolin|harp(?!s)|lute|koto|sitar"),
    ("mallet", r"marimba|vibra|xylo|glock|celesta|bell|mallet|kalimba|timpani|steel"),
    ("string", r"violin|viola|cello|string|fiddle"),
    ("vocal", r"voice|vocal|choir|vox|sing"),
    ("synth_lead", r"synth|lead|pad|saw|square"),
    ("keyboard", r"piano|key|rhodes|clav|harpsi|celeste"),
)

_DRUMS = (113, 115, 116, 117, 118, 119)
"""Agogo, woodblock, taiko, toms and the reversed cymbal."""


def is_played(program: int) -> bool:
    """Whether a General MIDI program is an instrument on which keys have pitches: no drum and no sound effect."""
    return 0 <= program <= _LAST_PLAYED and program not in _DRUMS


def family_of_program(program: int) -> str:
    """The family of a General MIDI program, 0 to 119."""
    return next(family for last, family in _FAMILY_OF if program <= last)


def source_of_program(program: int) -> str:
    """How a General MIDI program's sound comes about."""
    if program in _SYNTHETIC:
        return "synthetic"
    return "electronic" if program in _ELECTRONIC else "acoustic"


def family_of_name(name: str) -> str:
    """The family that a name tells of; "keyboard" where it tells nothing."""
    low = name.lower()
    return next((family for family, pattern in _NAMES if re.search(pattern, low)), "keyboard")
