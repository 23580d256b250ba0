"""`BandOptions`: what a person may ask of the band."""

from __future__ import annotations

from dataclasses import dataclass

from descant.compose.arrange.styles import style_named
from descant.errors import InvalidOption
from descant.score.harmony import ChordSpan

INSTRUMENTS = ("piano", "guitar", "bass", "drums", "pad", "answer")
"""Who may be in the band; "answer" is a second voice that replies to the singer."""


@dataclass(frozen=True, slots=True)
class BandOptions:
    """What is asked of the band."""

    style: str = "pop"
    """pop, rock, ballad, folk, bossa, latin, electronic or swing."""
    density: float = 0.5
    """0 (sparse) to 1 (full)."""
    seed: int = 0
    """Same input, options and seed give the same band."""
    takes: int = 1
    """How many bands to write; the best comes first."""
    instruments: tuple[str, ...] | None = None
    """Who plays, of `INSTRUMENTS`; None lets the style choose."""
    chords: tuple[ChordSpan, ...] | None = None
    """Chords to play, in quarters; None takes the score's, or infers them from the melody."""
    temperature: float = 0.9
    """How freely the model chooses: 0.5 is careful, 1.2 is wild."""
    whole: bool = False
    """Play from the first chord to the end of the last section, not only around the melody."""

    def __post_init__(self) -> None:
        style_named(self.style)
        if not 0.0 <= self.density <= 1.0:
            raise InvalidOption(f"A density of {self.density} is impossible.", "Give a number from 0 to 1.")
        if not 1 <= self.takes <= 32:
            raise InvalidOption(f"{self.takes} takes cannot be written at once.", "Ask for 1 to 32.")
        if not 0.05 <= self.temperature <= 2.0:
            raise InvalidOption(f"A temperature of {self.temperature} is out of range.", "Give 0.05 to 2.")
        unknown = [name for name in self.instruments or () if name not in INSTRUMENTS]
        if unknown:
            raise InvalidOption(f"Nobody plays the {unknown[0]!r}.", f"Choose from {', '.join(INSTRUMENTS)}.")
        if self.instruments is not None and not self.instruments:
            raise InvalidOption("A band without instruments cannot play.", f"Choose from {', '.join(INSTRUMENTS)}.")

    def players(self) -> tuple[str, ...]:
        """Who plays."""
        if self.instruments is not None:
            return self.instruments
        return (style_named(self.style).comping, "bass", "drums", "pad", "answer")
