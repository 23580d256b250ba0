"""How a voice is converted."""

from __future__ import annotations

import math
from dataclasses import dataclass

from descant.errors import InvalidOption

_OCTAVE = 12.0


@dataclass(frozen=True, slots=True)
class ConvertOptions:
    """See the module.

    Attributes:
        semitones: Transposition; None finds it: what brings the melody nearest to where the voice sings.
        keep_key: Whether a transposition that is found must be whole octaves, so that a band goes on fitting.
        formant: Semitones by which the throat is made smaller (up) or larger (down).
        retrieval: Share of the target's own sounds in what is sung, 0 to 1: more likeness, less clarity.
        seed: Of the breath.
    """

    semitones: float | None = None
    keep_key: bool = True
    formant: float = 0.0
    retrieval: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, most in (("semitones", self.semitones or 0.0, 36.0), ("formant", self.formant, 12.0)):
            if not -most <= value <= most:
                raise InvalidOption(f"{name} = {value:g} is out of range.", f"Use -{most:g} to {most:g}.")
        if not 0.0 <= self.retrieval <= 1.0:
            raise InvalidOption(f"retrieval = {self.retrieval:g} is no share.", "Use 0 (off) to 1.")

    def transposition(self, source_middle: float, target_middle: float) -> float:
        """Semitones to move by.

        Args:
            source_middle: Median pitch of what is converted, as a MIDI number.
            target_middle: Where the target sings, or speaks.
        """
        if self.semitones is not None:
            return self.semitones
        away = target_middle - source_middle
        if not self.keep_key:
            return float(round(away))
        # A little more than half an octave away is nearer than the next octave to most singers' comfort.
        octaves = math.floor(abs(away) / _OCTAVE + 0.42)
        return _OCTAVE * (octaves if away > 0 else -octaves)


DEFAULT_OPTIONS = ConvertOptions()
