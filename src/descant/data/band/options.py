"""`BandOptions`: what a synthetic set is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from descant.errors import InvalidOption

FORMATS = ("flac", "opus")
FORMAT = 2
"""Of the labels: rises when what they hold changes, so that no set has items of two kinds."""


@dataclass(frozen=True, slots=True)
class BandOptions:
    """What is asked of a set; equal values give equal bytes, whatever the number of workers."""

    songs: int = 200
    """How many items."""
    seed: int = 1
    """Decides on everything; item k depends on the seed and k alone."""
    seconds: float = 60.0
    """About how long an item is; 0 takes songs as long as they are in one metre."""
    audio: str = "flac"
    """flac (44.1 kHz, 16 bit, stems sum to the mixture exactly) or opus (48 kHz, 128 kbit/s)."""
    scores: tuple[str, ...] = ("invented",)
    """Paths of score sets, "music21", "invented"."""
    soundfonts: tuple[Path, ...] = ()
    """SoundFonts; empty takes TimGM6mb alone, on every machine."""
    samples: Path | None = None
    """Folder of recorded sample sets (.sfz)."""
    voices: Path | None = None
    """Folder of recorded speech and singing; without it the synthetic singers sing."""
    rooms: Path | None = None
    """Folder of impulse responses."""
    sung: float = 0.85
    """Share of items with a singer; the others are instrumental."""

    def __post_init__(self) -> None:
        if not 1 <= self.songs <= 10_000_000:
            raise InvalidOption(f"{self.songs} songs cannot be made.", "Ask for 1 or more with --songs.")
        if self.seed < 0:
            raise InvalidOption(f"A seed of {self.seed} is impossible.", "Give 0 or more with --seed.")
        if self.seconds != 0 and not 10.0 <= self.seconds <= 600.0:
            raise InvalidOption(f"{self.seconds:g} seconds an item is out of range.", "Use 10 to 600, or 0 for all.")
        if self.audio not in FORMATS:
            raise InvalidOption(f"Sets are not written as {self.audio!r}.", f"Use one of {', '.join(FORMATS)}.")
        if not self.scores:
            raise InvalidOption("There are no scores to play.", 'Name a set with --scores, or "invented".')
        if not 0.0 <= self.sung <= 1.0:
            raise InvalidOption(f"A share of {self.sung} sung items is impossible.", "Use 0 to 1.")

    def described(self) -> dict[str, Any]:
        """What decides on the bytes of an item, as JSON; the number of items does not."""
        facts = {name: _plain(value) for name, value in asdict(self).items()}
        facts.pop("songs")
        return facts | {"format": FORMAT}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value
