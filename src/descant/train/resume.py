"""Going on with a run: what may be asked for anew, and what to do when its checkpoint is broken."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from descant.errors import CheckpointError, InputNotFound, InvalidOption
from descant.hub.checkpoint import load_tensors
from descant.train.best import FOLDER as BEST
from descant.train.checkpoint import CONFIG, STATE, read_json, weights_file
from descant.train.config import LoopConfig

MAY_CHANGE = frozenset(
    {
        "recipe",  # the file's name; what is in it is compared key by key
        "changes",  # likewise
        "loop.steps",
        "loop.minutes",
        "loop.prefetch",
        "loop.threads",
        "loop.report_every",
        "loop.checkpoint_every_s",
        "loop.tensorboard",
        "loop.machine.device",
        "loop.machine.devices",
        "loop.machine.nodes",
        "loop.machine.strategy",
        "loop.watch.keep",
        "loop.watch.stop_after",
    }
)
"""How long, where, and what is written down. All else decides what is learned, and holds for the whole of a run."""


def asked_for(config: LoopConfig, described: Mapping[str, Any] | None) -> dict[str, Any]:
    """All that a training was asked for, as its `config.json` holds it."""
    return {"loop": asdict(config), **(described or {})}


def refuse_other_settings(checkpoint: Path, asked: Mapping[str, Any]) -> None:
    """Refuse to go on from a checkpoint with settings that would make another training of it.

    Keys that only one side knows are not compared: they came or went with a version of Descant.

    Args:
        checkpoint: `checkpoint/` of a run; one that is not there refuses nothing.
        asked: See `asked_for`.

    Raises:
        InvalidOption: Names each key with its value then and now.
        CheckpointError: The checkpoint's settings are damaged.
    """
    if not (checkpoint / CONFIG).is_file():
        return
    with way_out(checkpoint):
        before = dict(_leaves(read_json(checkpoint / CONFIG)))
    now = dict(_leaves(json.loads(json.dumps(asked))))  # as JSON spells them: tuples are lists there
    changed = [key for key in now if key in before and key not in MAY_CHANGE and now[key] != before[key]]
    if changed:
        said = ", ".join(f"{key} = {json.dumps(before[key])} (now {json.dumps(now[key])})" for key in changed)
        raise InvalidOption(
            f"The run in {checkpoint.parent} was begun with other settings: {said}.",
            f"Ask for what it was begun with, or begin afresh in another --out; --start {checkpoint} takes its weights "
            "along where the model is the same.",
        )


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield above + name, value


@contextmanager
def way_out(checkpoint: Path) -> Iterator[None]:
    """Say what can be done when a checkpoint turns out to be broken while it is read.

    Raises:
        CheckpointError: In place of what was raised, with a hint that names the weights of the run that are whole.
    """
    try:
        yield
    except (CheckpointError, InputNotFound) as error:
        run = checkpoint.parent
        hint = f"There is no earlier one. Remove {run} to begin anew."
        if (weights := _whole_weights(run, checkpoint)) is not None:
            hint += (
                f" Or keep what was learned: another --out with --start {weights}, which lets the optimiser begin anew."
            )
        raise CheckpointError(f"The checkpoint of {run} is broken. {error.message}", hint) from error


def _whole_weights(run: Path, checkpoint: Path) -> Path | None:
    """The newest folder of a run whose weights can be read."""
    for folder in (checkpoint, *sorted((path.parent for path in (run / BEST).glob(f"*/{STATE}")), reverse=True)):
        try:
            load_tensors(weights_file(folder))
        except (CheckpointError, InputNotFound):
            continue
        return folder
    return None
