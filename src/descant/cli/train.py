"""`descant train`: train a recipe's weights."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from descant.cli.terminal import progress_bar

if TYPE_CHECKING:
    from descant.train.loop import Lesson
    from descant.train.recipe import Recipe


def train(
    recipe: Path,
    *,
    data: Path,
    out: Path,
    start: Path | None = None,
    minutes: float | None = None,
    threads: int | None = None,
    quiet: bool = False,
) -> None:
    """Train a recipe's weights; run it again to continue where it was stopped.

    Args:
        recipe: A TOML file below recipes/.
        data: The data set that the recipe's README names (a zip file or folder).
        out: The run's folder: log.csv, config.json and checkpoint/.
        start: A checkpoint folder whose weights to begin with, in place of random ones.
        minutes: Wall-clock budget in place of the recipe's.
        threads: CPU threads in place of the recipe's.
        quiet: No progress.
    """
    from descant.train.loop import load_weights
    from descant.train.loop import train as run
    from descant.train.recipe import read_recipe

    asked = read_recipe(recipe)
    loop = replace(
        asked.loop,
        minutes=asked.loop.minutes if minutes is None else minutes,
        threads=asked.loop.threads if threads is None else threads,
    )
    with progress_bar("train", quiet=quiet) as progress:
        lesson, described = _lesson(asked, recipe, data)
        if start is not None:
            load_weights(lesson.model, start)
        run(lesson, loop, out, described=described, progress=progress)


def _lesson(asked: Recipe, recipe: Path, data: Path) -> tuple[Lesson, dict[str, object]]:
    from descant.errors import InvalidOption

    if asked.lesson != "accompaniment":
        raise InvalidOption(f"{recipe} asks for an unknown lesson {asked.lesson!r}.", "Known: accompaniment.")
    from descant.compose.grid import bars_of
    from descant.data.pop909 import Pop909
    from descant.train.accompaniment import AccompanimentConfig, AccompanimentLesson
    from descant.train.recipe import build

    songs = Pop909(data)
    config = build(AccompanimentConfig, asked.options, recipe)
    lesson = AccompanimentLesson(
        config,
        training=[bars_of(songs.load(song)) for song in songs.songs("train")],
        validation=[bars_of(songs.load(song)) for song in songs.songs("validation")],
        seed=asked.loop.seed,
    )
    return lesson, {"lesson": "accompaniment", "accompaniment": asdict(config)}
