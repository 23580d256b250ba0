"""`descant export`: a training's weights as a card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def export(
    run: Path,
    *,
    out: Annotated[Path, Parameter(alias="-o")],
    name: str,
    licence: str,
    credit: str = "",
    precision: Literal["fp32", "fp16", "bf16"] = "fp16",
    weights: Literal["auto", "best", "average", "last"] = "auto",
) -> None:
    """Write a training's weights with their card, as a folder that `descant models import` takes.

    Args:
        run: The folder that `descant train --out` made.
        out: The folder to write.
        name: The card's name, lower-case with dashes.
        licence: Of the weights (Apache-2.0, "for my own use").
        credit: Whose work they are.
        precision: Of the weights in the file.
        weights: best by the watched measure, average of the last checkpoint, last as they were, or the first of these
            that the run has.
    """
    from descant.train.export import ExportOptions, export_run

    card = export_run(run, out, ExportOptions(name, licence, credit, precision, weights))
    print(f"{out}: {card.name}, {card.size / 1e6:.1f} MB; bring it into the cache with: descant models import {out}")
