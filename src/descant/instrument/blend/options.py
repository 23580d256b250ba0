"""How sounds are blended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from descant.errors import InvalidOption

Mode = Literal["tone", "texture"]
AskedMode = Literal["auto", "tone", "texture"]
Length = Literal["auto", "mixed", "longest", "shortest"]


@dataclass(frozen=True, slots=True)
class BlendOptions:
    """See the fields."""

    mode: AskedMode = "auto"
    """`tone` makes everything anew, with one pitch; `texture` lends each sound's fine structure the mixed timbre and
    loudness; `auto` takes `tone` where all sounds are single lines or notes."""
    length: Length = "auto"
    """`mixed` is the weighted mean of the lengths, `auto` that for sounds under 5 s and else the longest."""
    seed: int = 0
    """Of the noise that is made."""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("mode", self.mode, get_args(AskedMode)),
            ("length", self.length, get_args(Length)),
        ):
            if value not in known:
                raise InvalidOption(f"There is no {name} {value!r}.", f"Known: {', '.join(known)}.")
        if not 0 <= self.seed < 1 << 63:
            raise InvalidOption(f"A seed of {self.seed} is impossible.", "Use 0 or more.")


DEFAULT_OPTIONS = BlendOptions()
