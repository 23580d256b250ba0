"""Settings of a mix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from descant.errors import InvalidOption


@dataclass(frozen=True, slots=True)
class MixOptions:
    """What can be set about a mix; the defaults are a safe start."""

    band_lu: float = -0.5
    """Loudness of the band as a whole relative to the lead, in LU; higher buries the voice."""

    ducking_db: float = 2.5
    """How far the band gives way while the lead sounds; 0 is off, 2 to 4 are not heard as pumping."""

    attack_ms: float = 15.0
    """How fast the band gives way."""

    release_ms: float = 250.0
    """How fast it returns."""

    room: float = 0.12
    """Level of the common room relative to the dry parts; 0 is dry."""

    room_decay_s: float = 0.5
    """Reverberation time of that room."""

    polish_lead: bool = True
    """Whether the lead gets a high-pass at 80 Hz, gentle compression and de-essing."""

    keep_balance: bool = False
    """Whether levels, places and tone are left as they come, and only the loudness of the whole is set."""

    trim_db: Mapping[str, float] = field(default_factory=dict)
    """Extra gain of single stems by name, on top of their balance."""

    def __post_init__(self) -> None:
        checks = (
            ("band_lu", -40.0, 20.0),
            ("ducking_db", 0.0, 24.0),
            ("attack_ms", 0.1, 1000.0),
            ("release_ms", 1.0, 5000.0),
            ("room", 0.0, 1.0),
            ("room_decay_s", 0.05, 10.0),
        )
        for name, low, high in checks:
            value = getattr(self, name)
            if not low <= value <= high:
                raise InvalidOption(f"The mix option {name} = {value} is out of range.", f"Use {low:g} to {high:g}.")
        for name, trim in self.trim_db.items():
            if not -96.0 <= trim <= 24.0:
                raise InvalidOption(f"A trim of {trim} dB for {name!r} is out of range.", "Use -96 to 24 dB.")


def parse_trims(texts: Iterable[str]) -> dict[str, float]:
    """Trims written as "name=decibels".

    Raises:
        InvalidOption: A text is not of that form.
    """
    trims: dict[str, float] = {}
    for text in texts:
        name, _, decibels = text.rpartition("=")
        try:
            trims[name.strip()] = float(decibels)
        except ValueError:
            name = ""
        if not name.strip():
            raise InvalidOption(f"{text!r} is not a trim.", 'Write it as "drums=-2".')
    return trims
