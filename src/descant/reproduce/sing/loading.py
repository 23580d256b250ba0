"""Trained generators of a finished reproduction."""

from __future__ import annotations

import json
from pathlib import Path

from torch import nn

from descant.errors import CheckpointError, InputNotFound
from descant.hub.checkpoint import load_tensors
from descant.nets.sing import Sing, SingConfig
from descant.reproduce.sing.trainings import LAST_STAGE, NETS
from descant.train.checkpoint import CHECKPOINT, WEIGHTS

_PART = "sing."


def load_arm(folder: Path, name: str = "spectral", *, seed: int = 0) -> tuple[Sing, tuple[str, ...]]:
    """A generator that `descant reproduce sing` has trained.

    Args:
        folder: The reproduction's folder.
        name: "spectral", "wave" or "no_time".
        seed: Of the training.

    Returns:
        The net, ready to play at 16 kHz, and the names of its instruments in the order of their rows.

    Raises:
        InputNotFound: There is no such finished arm.
        CheckpointError: Its files are damaged.
    """
    arm = folder / "arms" / "generator" / name / f"seed-{seed}"
    try:
        made = json.loads((arm / "result.json").read_text(encoding="utf-8"))["fingerprint"]
        work = arm / made
        said = json.loads((work / NETS).read_text(encoding="utf-8"))
        net, instruments = Sing(SingConfig(**said["config"])), tuple(map(str, said["instruments"]))
    except FileNotFoundError as error:
        raise InputNotFound(
            f"{folder} holds no trained generator {name!r} with seed {seed}.", "Make one: `descant reproduce sing`."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{arm} is damaged: {error}.", "Run `descant reproduce sing` again.") from error
    return _filled(net, work / LAST_STAGE / CHECKPOINT / WEIGHTS), instruments


def _filled(net: Sing, weights: Path) -> Sing:
    if not weights.is_file():
        raise InputNotFound(f"There are no weights at {weights}.", "Run `descant reproduce sing` again.")
    tensors = {n.removeprefix(_PART): value for n, value in load_tensors(weights).items() if n.startswith(_PART)}
    module: nn.Module = net
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise CheckpointError(f"{weights} belongs to another net.", "Run `descant reproduce sing` again.") from error
    return net.eval()
