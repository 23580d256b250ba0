"""The systems whose claims can be measured, each loaded when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from descant.errors import InvalidOption
from descant.reproduce.claims import SCALES, System

SYSTEMS = {
    "seq_u_net": "Seq-U-Net against TCN and WaveNet (IJCAI 2020).",
    "lyrics": "Lyrics alignment by characters (ICASSP 2019) and by contrastive embeddings (ICASSP 2023).",
    "sing": "SING, notes from instrument, pitch and velocity (NeurIPS 2018).",
}
"""Each lives in `descant.reproduce.<name>.system` as a function `make(options)`."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a system is made with.

    Attributes:
        scale: "smoke", "cpu" or "paper".
        data: The system's data set, where it is not at its usual place.
        soundfont: To render notes with, where a system does.
        seeds: How many seeds in place of the scale's.
        threads: CPU threads.
        out: The reproduction's folder, for arms that begin with what others have trained.
    """

    scale: str = "cpu"
    data: Path | None = None
    soundfont: Path | None = None
    seeds: int | None = None
    threads: int = 1
    out: Path | None = None

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise InvalidOption(f"There is no scale {self.scale!r}.", f"Known: {', '.join(SCALES)}.")
        if self.threads < 1 or (self.seeds is not None and self.seeds < 1):
            raise InvalidOption("Seeds and threads of a reproduction must be positive.")


def folder_of(system: str, scale: str, out: Path | None) -> Path:
    """Of a reproduction: the one that is asked for, or one here with the system's name."""
    return out if out is not None else Path(f"reproduce-{system}-{scale}")


def make_system(name: str, options: Options) -> System:
    """A system at a scale.

    Raises:
        InvalidOption: No such system.
    """
    if name not in SYSTEMS:
        raise InvalidOption(f"There is no system {name!r} to reproduce.", f"Known: {', '.join(SYSTEMS)}.")
    system: System = import_module(f"descant.reproduce.{name}.system").make(options)
    return system
