"""From a run to a card: weights in the wanted precision, what their loader needs beside them, and the card itself."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from descant.errors import CheckpointError, InputNotFound, InvalidOption, OutputError
from descant.hub.card import SHIPPED_CARDS, Card, Quality, Source, parse_card
from descant.hub.card_writer import write_card
from descant.hub.checkpoint import load_tensors, save_tensors
from descant.hub.files import sha256_of
from descant.hub.foreign import describe_folder
from descant.hub.toml_table import is_slug
from descant.train.best import FOLDER as BEST
from descant.train.best import best_weights
from descant.train.checkpoint import CHECKPOINT, CONFIG, STATE, read_json, weights_file, write_folder
from descant.train.plan import Draft
from descant.train.recipe import build
from descant.train.registry import plan_of

CARD = "card.toml"
PRECISIONS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What a run does not know about its card.

    Attributes:
        name: Lower-case name with dashes.
        licence: Of the weights.
        credit: Whose work they are.
        precision: fp32, fp16 or bf16.
        weights: `best`: the best by the watched measure; `average`: the averaged ones of the last checkpoint; `last`:
            its own; `auto`: the first of these that the run has.
    """

    name: str
    licence: str
    credit: str = ""
    precision: Literal["fp32", "fp16", "bf16"] = "fp16"
    weights: Literal["auto", "best", "average", "last"] = "auto"

    def __post_init__(self) -> None:
        if not is_slug(self.name):
            raise InvalidOption(f"The name '{self.name}' cannot be used.", "Use lower-case letters, digits, dashes.")
        if (SHIPPED_CARDS / f"{self.name}.toml").exists():
            raise InvalidOption(f"'{self.name}' is the name of a card that ships with Descant.", "Choose another name.")
        if not self.licence.strip():
            raise InvalidOption("The licence is missing.", "Name it (Apache-2.0, 'for my own use'): --licence.")


def export_run(run: Path, out: Path, options: ExportOptions) -> Card:
    """Write a run's weights as a folder that `descant models import` takes.

    Args:
        run: The folder that `descant train --out` made.
        out: The folder to write; an earlier export there is replaced, anything else refused.
        options: Name, licence, precision, which weights.

    Returns:
        The card, in `out` as `card.toml`.

    Raises:
        InputNotFound: The run has no such weights.
        CheckpointError: They cannot be said in this precision.
        OutputError: `out` is in the way.
    """
    asked = read_json(run / CONFIG)
    lesson = asked.get("lesson")
    if not isinstance(lesson, str) or not isinstance(asked.get(lesson), dict):
        raise InvalidOption(f"{run / CONFIG} names no lesson.", "Only runs of `descant train` can be exported.")
    plan = plan_of(lesson, run / CONFIG)
    draft, furnish = plan.draft, plan.furnish
    if draft is None or furnish is None:
        raise InvalidOption(
            f"Weights of the lesson '{lesson}' get no card: no verb loads them.",
            "descant.train.loop.load_weights puts a run's checkpoint into its net.",
        )
    config = build(plan.config, asked[lesson], run / CONFIG, lesson)
    path = _chosen(run, options.weights)
    if out.exists() and not (out / CARD).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} holds something else.", "Choose a folder that is empty or does not exist.")
    state = read_json(path.parent / STATE)
    tensors = _in_precision(load_tensors(path), options.precision, path)
    made: list[Card] = []

    def fill(folder: Path) -> None:
        save_tensors(folder / plan.weights, tensors)
        furnish(config, folder)
        card = _card(folder, draft, config, options, state, asked, path)
        (folder / CARD).write_text(card.text, encoding="utf-8")
        made.append(card)

    write_folder(out, fill)
    return made[0]


def _chosen(run: Path, weights: str) -> Path:
    best = sorted((run / BEST).glob(f"*/{STATE}"))
    if weights == "best" or (weights == "auto" and best):
        return weights_file(best_weights(run))
    if weights == "average":
        path = weights_file(run / CHECKPOINT)
        if path.name == weights_file(run / CHECKPOINT, average=False).name:
            raise InputNotFound(f"{run} kept no averaged weights.", "Set average in [loop], and train.")
        return path
    return weights_file(run / CHECKPOINT, average=weights == "auto")


def _in_precision(tensors: dict[str, Tensor], precision: str, path: Path) -> dict[str, Tensor]:
    """Floating-point tensors in this type; the others as they are."""
    changed = {}
    for name, tensor in tensors.items():
        changed[name] = tensor.to(PRECISIONS[precision]) if tensor.is_floating_point() else tensor
        if tensor.is_floating_point() and tensor.isfinite().all() and not changed[name].isfinite().all():
            raise CheckpointError(f"'{name}' in {path} is too large for {precision}.", "Export it in bf16 or fp32.")
    return changed


def _card(
    folder: Path,
    draft: Draft,
    config: Any,
    options: ExportOptions,
    state: dict[str, Any],
    asked: dict[str, Any],
    path: Path,
) -> Card:
    command = _command(asked)
    measured = sorted((k, v) for k, v in dict(state.get("measured", {})).items() if isinstance(v, int | float))
    card = Card(
        name=options.name,
        title=draft.title,
        task=draft.task,
        summary=draft.summary,
        architecture=draft.architecture,
        licence=options.licence,
        credit=options.credit,
        files=describe_folder(folder),
        sources=(Source("import", sha256=sha256_of(path), obtain=f"{path.name}, step {state.get('step')}"),),
        **asdict(draft.hears(config)),
        data=draft.data(config),
        quality=tuple(
            Quality(f"{name} in {'training' if name == 'loss' else 'its validation'}", f"{value:.4g}", command)
            for name, value in measured
        ),
    )
    return parse_card(write_card(card))


def _command(asked: dict[str, Any]) -> str:
    """What trains such weights again; the recipe by its last three names, as folders of this machine help nobody."""
    recipe = "/".join(Path(str(asked.get("recipe", asked["lesson"]))).parts[-3:])
    given = asked.get("changes")
    changes = [f"--set {shlex.quote(str(change))}" for change in given] if isinstance(given, list) else []
    return " ".join(["descant train", recipe, "--data DATA", *changes])
