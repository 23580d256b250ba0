"""A checkpoint is a folder that is whole or not there: weights, average, optimisers, generators, place in the data.

weights.safetensors            the lesson's model
average.safetensors            its averaged weights, if the run keeps an average
weights-<player>.safetensors   what a player learns outside the lesson's model (a critic)
optimisers.safetensors         "<player>.<parameter>.<name>"
generators.safetensors         PyTorch's random generators, "torch.<process>"
state.json                     step, seconds, losses since the last row, patience, each process's place in the data
config.json                    all that was asked for
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from descant.errors import CardError, CheckpointError, InputNotFound
from descant.files import output_error
from descant.hub.checkpoint import load_tensors, save_tensors
from descant.train.machine import laid_out_like, whole

CHECKPOINT = "checkpoint"
"""The folder in a run's folder."""
WEIGHTS = "weights.safetensors"
AVERAGE = "average.safetensors"
OPTIMISERS = "optimisers.safetensors"
GENERATORS = "generators.safetensors"
STATE = "state.json"
CONFIG = "config.json"


def write_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Replace a folder by a new one, so that a kill at any moment leaves the old or the new one to `recover`.

    Args:
        folder: Its place.
        fill: Writes the new one's files into the empty folder that it is given.

    Raises:
        OutputError: The disk is full, or the folder cannot be written.
        PermissionRefused: It may not be written.
    """
    fresh, old = _beside(folder)
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        fill(fresh)
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.replace(old)
        # A kill here leaves no folder, but a whole fresh one beside an old one.
        fresh.replace(folder)
    except OSError as error:
        raise output_error(error, folder) from error
    shutil.rmtree(old, ignore_errors=True)


def recover(folder: Path) -> None:
    """Finish or undo what a killed `write_folder` left behind."""
    fresh, old = _beside(folder)
    if not folder.exists() and old.exists():
        (fresh if fresh.exists() else old).replace(folder)
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")


def whole_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict on the CPU, gathered from all processes; all of them must call it."""
    return {name: whole(tensor) for name, tensor in state.items()}


def optimiser_state(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's memory as tensors "<parameter>.<name>", gathered; the rates are the schedule's business."""
    return {
        f"{index}.{name}": whole(torch.as_tensor(value))
        for index, values in optimiser.state_dict()["state"].items()
        for name, value in values.items()
        if value is not None
    }


def set_optimiser_state(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor], where: Path) -> None:
    """Continue an optimiser.

    Raises:
        CardError: The state is another optimiser's.
    """
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    memory: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        if int(index) >= len(parameters) or value.shape not in (torch.Size([]), parameters[int(index)].shape):
            raise _of_another_model(where)
        memory.setdefault(int(index), {})[name] = laid_out_like(value, parameters[int(index)])
    try:
        optimiser.load_state_dict({**optimiser.state_dict(), "state": memory})
    except ValueError as error:
        raise _of_another_model(where) from error


def load_weights(model: nn.Module, folder: Path, *, average: bool = True) -> None:
    """Load the weights of a checkpoint folder into a model of the same shape.

    Args:
        model: Filled in place.
        folder: `checkpoint/` of a run, or one in its `best/`.
        average: Take the averaged weights where the run kept some.

    Raises:
        InputNotFound: No weights are there.
        CardError: They belong to another model.
    """
    path = weights_file(folder, average=average)
    load_module(model, path)


def weights_file(folder: Path, *, average: bool = True) -> Path:
    """The file with a checkpoint's weights: the average where there is one and it is wanted.

    Raises:
        InputNotFound: No weights are there.
    """
    names = (AVERAGE, WEIGHTS) if average else (WEIGHTS,)
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InputNotFound(f"{folder} holds no {WEIGHTS}.", "Give a run's checkpoint folder.")


def load_module(module: nn.Module, path: Path) -> None:
    """Fill a module from a file of a checkpoint.

    Raises:
        CardError: They belong to another model.
    """
    try:
        module.load_state_dict(load_tensors(path))
    except RuntimeError as error:
        raise _of_another_model(path.parent) from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a run.

    Raises:
        InputNotFound: There is none.
        CheckpointError: It is damaged.
    """
    if not path.is_file():
        raise InputNotFound(f"There is no {path}.", "Give the folder that `descant train --out` made.")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise CheckpointError(f"{path} is damaged: {error}.", "Take it from a copy, or train again.") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path} is damaged: it is no object.", "Take it from a copy, or train again.")
    return found


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object so that a kill leaves the old or the new file."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(path)


def save_files(folder: Path, files: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Write safetensors files, name -> tensors."""
    for name, tensors in files.items():
        save_tensors(folder / name, tensors)


def _of_another_model(folder: Path) -> CardError:
    return CardError(
        f"The checkpoint in {folder} belongs to another model.", "Train into another folder, or use its recipe."
    )
