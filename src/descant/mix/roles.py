"""What part a stem plays in a mix, told from its name, and how such parts are usually set.

The numbers are engineering habits of popular music, not measurements: each is a starting point that
`MixOptions.trim_db` moves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """How a kind of stem is set in a mix.

    Attributes:
        name: "lead", "drums", "bass", ...
        level_lu: Loudness relative to the other parts of the band; see `MixOptions.band_lu` for the band as a whole.
        high_pass_hz: What lies below is removed; 0 keeps everything.
        presence_db: Bell at 3 kHz, where words are understood; negative makes room for the voice.
        pan: Place to the side (0 centre, 1 at the edge); parts of one role take turns left and right.
        width: Stereo width, 1 as it is.
        room: Share of the common room, relative to `MixOptions.room`.
        ducking: Share of the ducking under the lead.
    """

    name: str
    level_lu: float
    high_pass_hz: float
    presence_db: float
    pan: float
    width: float
    room: float
    ducking: float


LEAD = Role("lead", 0.0, 80.0, 0.0, 0.0, 1.0, 1.0, 0.0)

ROLES = {
    role.name: role
    for role in (
        Role("drums", -3.0, 0.0, 0.0, 0.0, 1.0, 0.4, 0.5),
        Role("bass", -4.0, 0.0, 0.0, 0.0, 0.3, 0.0, 0.5),
        Role("keys", -6.0, 90.0, -2.0, 0.25, 1.0, 0.8, 1.0),
        Role("guitar", -6.5, 90.0, -1.5, 0.35, 1.0, 0.8, 1.0),
        Role("pad", -10.0, 150.0, -2.0, 0.0, 1.2, 1.2, 1.0),
        Role("brass", -7.0, 110.0, -1.5, 0.3, 1.0, 1.0, 1.0),
        Role("voices", -6.0, 120.0, -1.0, 0.3, 1.1, 1.2, 0.5),
        Role("other", -4.0, 0.0, -1.0, 0.0, 1.0, 0.0, 1.0),
    )
}
"""All roles but the lead; "other" is a whole band, or something whose name says nothing."""

_NAMES = (
    ("voices", r"backing ?voc|back(ing)? ?vox|choir|harmon(y|ies)|voices"),
    ("drums", r"drum|perc|kick|snare|hat|cymbal|beat"),
    ("bass", r"bass"),
    ("guitar", r"guit|gtr|banjo|ukulele|mandolin"),
    ("pad", r"pad|string|ensemble|synth|atmos|drone"),
    ("keys", r"piano|key|organ|rhodes|clav|harp|bells|vibra|marimba|bridge"),
    ("brass", r"brass|horn|trump|trombone|sax|flute|clarinet|oboe|reed|pipe|violin|cello|lead|solo"),
    ("voices", r"voc|voice|sing|vox"),
)


def role_of(name: str) -> Role:
    """The role a stem's name suggests; "other" when it says nothing."""
    text = name.lower()
    return next((ROLES[role] for role, pattern in _NAMES if re.search(pattern, text)), ROLES["other"])
