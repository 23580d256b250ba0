"""Chains from tables, as a recipe in TOML states them: `[[data.vocals]] kind = "noise"`, `level_db = [-40, -40]`.

Fields that a step does not have, and kinds that do not exist, are errors that name them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from descant.data.augment.codec import Codec
from descant.data.augment.crops import CropOptions
from descant.data.augment.levels import FlipSign, Gain, SwapChannels
from descant.data.augment.noise import Noise
from descant.data.augment.rooms import ImaginedRoom, MeasuredRoom
from descant.data.augment.speed import Transpose
from descant.data.augment.step import Chain, Step
from descant.data.augment.tone import BandLimit, Equalise
from descant.data.rooms import room_files
from descant.errors import InvalidOption

STEPS: dict[str, type[Step]] = {
    "gain": Gain,
    "flip_sign": FlipSign,
    "swap_channels": SwapChannels,
    "equalise": Equalise,
    "band_limit": BandLimit,
    "noise": Noise,
    "codec": Codec,
    "imagined_room": ImaginedRoom,
    "measured_room": MeasuredRoom,
    "transpose": Transpose,
}
"""Every step by the name it has in recipes."""


def chain_from_tables(tables: Sequence[Mapping[str, Any]]) -> Chain:
    """A chain from its description.

    Args:
        tables: One per step: `kind` and the fields of the step; a measured room takes `folder` in place of `files`.

    Raises:
        InvalidOption: A kind or a field is unknown, missing, or has an impossible value.
        InputNotFound: The folder of rooms holds none.
    """
    if not isinstance(tables, list | tuple) or not all(isinstance(table, Mapping) for table in tables):
        raise InvalidOption(f"{tables!r} is no chain of augmentations.", 'Write [{ kind = "gain", ... }, ...].')
    return Chain(tuple(_step(dict(table)) for table in tables))


def crop_options_from_table(table: Mapping[str, Any]) -> CropOptions:
    """Options of crops from their description: the fields of `CropOptions`, with chains as lists of tables.

    Args:
        table: `each` and `heard` are lists of steps, `own` a table of such lists by stem.

    Raises:
        InvalidOption: A field is unknown or has an impossible value.
        InputNotFound: A folder of rooms holds none.
    """
    known = [field.name for field in fields(CropOptions)]
    for name in table:
        if name not in known:
            raise InvalidOption(f"Crops have no option {name!r}.", f"They have {', '.join(known)}.")
    values = {name: _frozen(value) for name, value in table.items() if name not in {"each", "heard", "own"}}
    values |= {name: chain_from_tables(table[name]) for name in ("each", "heard") if name in table}
    if "own" in table:
        if not isinstance(table["own"], Mapping):
            raise InvalidOption(f"own = {table['own']!r} is no table.", "Write own.<stem> = [steps].")
        values["own"] = {stem: chain_from_tables(tables) for stem, tables in table["own"].items()}
    try:
        return CropOptions(**values)
    except TypeError as error:  # a text where a number belongs
        raise InvalidOption(f"The crops cannot be made: {error}.", "Check the types of their options.") from error


def chain_to_tables(chain: Chain) -> list[dict[str, Any]]:
    """The description that gives the same chain; paths become text."""
    names = {kind: name for name, kind in STEPS.items()}
    return [{"kind": names[type(step)], **{k: _plain(v) for k, v in asdict(step).items()}} for step in chain.steps]


def _step(table: dict[str, Any]) -> Step:
    kind = table.pop("kind", None)
    if kind not in STEPS:
        near = difflib.get_close_matches(str(kind), STEPS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(STEPS)}."
        raise InvalidOption(f"There is no augmentation {kind!r}.", hint)
    step = STEPS[kind]
    if step is MeasuredRoom and "folder" in table:
        table["files"] = room_files(Path(str(table.pop("folder"))))
    known = [field.name for field in fields(step)]
    for name in table:
        if name not in known:
            raise InvalidOption(f"The augmentation {kind} has no field {name!r}.", f"It has {', '.join(known)}.")
    values = {name: _frozen(value) for name, value in table.items()}
    if "files" in values:
        values["files"] = tuple(Path(file) for file in values["files"])
    try:
        return step(**values)
    except TypeError as error:  # a text where a number belongs, or a field left out
        raise InvalidOption(
            f"The augmentation {kind} cannot be made: {error}.", "Check the types of its fields."
        ) from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
