"""What Descant must know of a kind of lesson: how it is built, and what card its weights get."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from descant.errors import InputNotFound
from descant.hub.card import SHIPPED_WEIGHTS, TrainingData
from descant.train.lesson import Lesson

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, slots=True)
class Hears:
    """The audio a model works on, where it works on audio; see `hub.card.Card`."""

    sample_rate: int | None = None
    channels: int | None = None
    stems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """The part of a card that every run of a lesson shares; see `hub.card.Card`.

    Attributes:
        data: The lesson's configuration -> what it was trained on.
        hears: The lesson's configuration -> the audio it works on.
    """

    title: str
    task: str
    summary: str
    architecture: str
    data: Callable[[Any], tuple[TrainingData, ...]]
    hears: Callable[[Any], Hears] = lambda _config: Hears()


@dataclass(frozen=True)
class Plan:
    """One kind of lesson.

    Attributes:
        config: Dataclass behind the recipe's table of the lesson's name.
        build: (config, what `--data` names or None, seed) -> the lesson.
        draft: For its cards; None, and no `furnish`, where no verb loads such weights: they cannot be exported.
        furnish: (config, folder) writes what the card's loader needs beside the weights (`config.json`).
        measures: The lesson's configuration -> the names of what its `validate` returns: what a recipe expects and
            watches is checked against them before any data is read.
        weights: Name of the weights' file in the card.
    """

    config: type[Any]
    build: Callable[[Any, Path | None, int], Lesson]
    draft: Draft | None
    furnish: Callable[[Any, Path], None] | None = field(repr=False)
    measures: Callable[[Any], tuple[str, ...]]
    weights: str = WEIGHTS


def required(data: Path | None, what: str) -> Path:
    """The data that a lesson cannot do without.

    Raises:
        InputNotFound: `--data` was not given, or nothing is there.
    """
    if data is None:
        raise InputNotFound("This recipe needs data.", f"Give --data: {what}.")
    if not data.exists():
        raise InputNotFound(f"There is nothing at {data}.", f"Give --data: {what}.")
    return data


def copy_shipped(card: str, names: Iterable[str], folder: Path) -> None:
    """Copy files of a card that ships with Descant, to go along with new weights."""
    for name in names:
        shutil.copyfile(SHIPPED_WEIGHTS / card / name, folder / name)


def shipped_config(card: str) -> dict[str, Any]:
    """The `config.json` of a card that ships with Descant."""
    config: dict[str, Any] = json.loads((SHIPPED_WEIGHTS / card / "config.json").read_text(encoding="utf-8"))
    return config


def write_config(path: Path, config: Mapping[str, Any]) -> None:
    """A card's `config.json`."""
    path.write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
