"""Choose how strongly continuations are pulled to their song's key, on validation songs.

    python recipes/continuation/safeguards.py --data pop909.zip [--songs 30] [--pulls 0 0.4 0.8 1.2] [--weights FOLDER]

writes 64 bars after the first 16 of POP909's validation songs with each setting of `Sampling.key_pull` and prints what
came of it. The rule, fixed before anything was measured: the highest mean key score (MIREX) wins, and of equal ones the
weakest pull, as the least that is done to the model's own choice. Test songs are for `descant evaluate continuation`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from descant.compose.continuation.api import Continuer
from descant.compose.continuation.scribe import Sampling
from descant.data.pop909 import Pop909
from descant.evaluate.continuation import primed
from descant.evaluate.continuation_metrics import COLUMNS, behaviour
from descant.evaluate.report import Report, Table

TIED = 1e-9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="pop909.zip, or the unpacked folder")
    parser.add_argument("--pulls", type=float, nargs="+", default=[0.0, 0.4, 0.8, 1.2], help="what to choose from")
    parser.add_argument("--weights", type=Path, help="a folder in place of the shipped model")
    for name, default in (("songs", 30), ("bars", 64), ("primer", 16), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    continuer = Continuer.load() if asked.weights is None else Continuer.from_folder(asked.weights)
    pop909 = Pop909(asked.data)
    begun = (primed(name, pop909.load(name), asked.primer, asked.bars) for name in pop909.songs("validation"))
    songs = list(islice((song for song in begun if song is not None), asked.songs))
    found: dict[float, list[tuple[float, ...]]] = {pull: [] for pull in sorted(asked.pulls)}
    for song in songs:
        for pull, rows in found.items():
            sampling = replace(Sampling(), key_pull=pull)
            score = continuer(song.primer, asked.bars, seed=asked.seed, sampling=sampling).score
            rows.append(behaviour(score, song.bars, asked.bars, song.key)[0].cells())
            print(song.name, pull, *(f"{value:.3f}" for value in rows[-1]), flush=True)
    means = {pull: np.nanmean(np.asarray(rows, float), axis=0) for pull, rows in found.items()}
    chosen = chosen_of({pull: float(row[COLUMNS.index("key, MIREX")]) for pull, row in means.items()})
    title = f"{asked.bars} bars after the first {asked.primer} of {len(songs)} validation songs, means"
    rows = tuple((f"pull {pull:g}", *(float(value) for value in row)) for pull, row in means.items())
    now = Sampling().key_pull
    note = f"Chosen: {chosen:g}, which is {'what' if chosen == now else f'not the {now:g} that'} the sampler has."
    command = f"python recipes/continuation/safeguards.py --data {asked.data.name} --songs {asked.songs}"
    print(Report("safeguards", command, (Table(title, ("", *COLUMNS), rows),), (note,)).to_markdown())


def chosen_of(keys: dict[float, float]) -> float:
    """The weakest pull among those with the highest key score."""
    highest = max(keys.values())
    return min(pull for pull, score in keys.items() if score >= highest - TIED)


if __name__ == "__main__":
    main()
