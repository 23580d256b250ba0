"""`RemixOptions`: what a person decides about a remix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from descant.analyze.beats import check_tempo
from descant.compose.config import BandOptions
from descant.errors import InvalidOption
from descant.files import PathLike
from descant.instrument.line_up import Sound, line_up_for
from descant.mix.api import DEFAULT_LUFS
from descant.mix.options import MixOptions
from descant.separate.api import DEFAULT_CARD

Band = Literal["new", "keep", "continue"]

BANDS: tuple[Band, ...] = ("new", "keep", "continue")
SKIPPABLE = ("separate", "transcribe", "part", "convert", "report")


@dataclass(frozen=True, slots=True)
class RemixOptions:
    """What a person decides about a remix.

    Attributes:
        band: "new" composes an arrangement in the song's key, tempo and form; "keep" keeps the song's own band;
            "continue" keeps it and lets it play on after the song's end.
        arrangement: Style, density, seed, takes and instruments of a new band.
        bars: How many bars "continue" plays on.
        voice: Name of the voice to sing with, of `descant voice list`; None keeps the singer's.
        bpm: The song's tempo, where it is known (30 to 300).
        separator: Card of the separator.
        lufs: Integrated loudness of the mix.
        mix: Its balance, for a new band.
        soundfont: A SoundFont file; None takes what `play` takes.
        sound: "soundfont", or "neural": Descant's own instruments play all of a new band but its drums.
        skip: Steps that are left out, of "separate" (the recording is a voice alone), "transcribe" (with "keep"
            only), "part" (backing voices and room are converted with the lead voice), "convert" and "report".
    """

    band: Band = "new"
    arrangement: BandOptions = field(default_factory=lambda: BandOptions(whole=True))
    bars: int = 16
    voice: str | None = None
    bpm: float | None = None
    separator: str = DEFAULT_CARD
    lufs: float = DEFAULT_LUFS
    mix: MixOptions = field(default_factory=MixOptions)
    soundfont: PathLike | None = None
    sound: Sound = "soundfont"
    skip: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        check_tempo(self.bpm)
        line_up_for(self.sound)
        if self.band not in BANDS:
            raise InvalidOption(f"There is no band {self.band!r}.", f"Choose from {', '.join(BANDS)}.")
        if not 1 <= self.bars <= 256:
            raise InvalidOption(f"{self.bars} bars cannot be played on.", "Ask for 1 to 256.")
        for name in sorted(self.skip):
            if name not in SKIPPABLE:
                raise InvalidOption(
                    f"The step {name!r} cannot be skipped.", f"What can be skipped: {', '.join(SKIPPABLE)}."
                )
        if "transcribe" in self.skip and self.band != "keep":
            raise InvalidOption(
                f"A {self.band} band is written from the song's notes.", 'Skip "transcribe" only with --band keep.'
            )
        if "separate" in self.skip and self.band != "new":
            raise InvalidOption(
                "A voice alone has no band to keep.", 'Leave "separate" out of --skip, or take --band new.'
            )
