"""`descant evaluate continuation`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from torch import nn


def evaluate_continuation(
    *,
    data: Path,
    songs: int = 20,
    bars: int = 64,
    primer: int = 16,
    library: int = 10_000,
    weights: Path | None = None,
    lstm: Path | None = None,
    seed: int = 0,
    out: Annotated[Path, Parameter(alias="-o")] = Path("out/evaluation"),
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Continuations of POP909's test songs against counted models, an LSTM, the looped primer and the songs themselves.

    Args:
        data: pop909.zip, or the unpacked folder.
        songs: How many test songs, from the first on that is long enough.
        bars: Bars to write after each primer.
        primer: Bars of each song that are given.
        library: How many training songs the counted models count.
        weights: A folder with config.json and weights.safetensors in place of the shipped model.
        lstm: A run of `descant train recipes/continuation/lstm.toml`, for the table of likelihoods.
        seed: Of all that is sampled.
        out: Folder for continuation.md and continuation.json.
        quiet: Print only the report.
    """
    from itertools import islice

    from descant.cli.terminal import progress_bar
    from descant.compose.continuation.api import model_from
    from descant.data.pop909 import Pop909
    from descant.errors import InvalidOption
    from descant.evaluate.continuation import evaluate_continuation as measure
    from descant.evaluate.continuation import primed
    from descant.evaluate.report import require_counts, require_place
    from descant.hub.store import fetch

    require_counts(songs=songs, bars=bars, primer=primer, library=library)
    require_place(out, "continuation")
    model, context = model_from(fetch("descant-continuation") if weights is None else weights)
    baseline = None if lstm is None else _lstm(lstm)
    pop909 = Pop909(data)
    begun = (primed(name, pop909.load(name), primer, bars) for name in pop909.songs("test"))
    tested = list(islice((song for song in begun if song is not None), songs))
    if not tested:
        raise InvalidOption(f"No test song has {primer + bars} bars.", "Ask for fewer with --bars and --primer.")
    known = [pop909.load(name) for name in islice(pop909.songs("train"), library)]
    command = (
        f"descant evaluate continuation --data pop909.zip --songs {songs} --bars {bars} --primer {primer}"
        f" --library {library} --seed {seed}"
        + (f" --weights {weights.name}" if weights else "")
        + (f" --lstm {lstm.name}" if lstm else "")
    )
    with progress_bar("evaluate continuation", quiet=quiet) as progress:
        report = measure(
            model, context, tested, known, bars=bars, seed=seed, lstm=baseline, command=command, progress=progress
        )
    report.save(out)
    print(report.to_markdown())


def _lstm(run: Path) -> nn.Module:
    from descant.errors import InvalidOption
    from descant.train.checkpoint import CHECKPOINT, CONFIG, load_weights, read_json
    from descant.train.continuation import ContinuationConfig
    from descant.train.recipe import build

    described = read_json(run / CONFIG)
    config = build(ContinuationConfig, described.get("continuation", {}), run / CONFIG, "continuation")
    if config.net != "lstm":
        raise InvalidOption(f"{run} is no run of an LSTM.", "Train recipes/continuation/lstm.toml.")
    net = config.build()
    load_weights(net, run / CHECKPOINT)
    return net
