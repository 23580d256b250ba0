"""`descant evaluate accompany`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def evaluate_accompany(
    *,
    data: Path,
    songs: int = 20,
    library: int = 200,
    style: str = "pop",
    seed: int = 0,
    out: Annotated[Path, Parameter(alias="-o")] = Path("out/evaluation"),
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """The band against retrieval, a shuffled pairing and the human arrangement, on POP909's test songs.

    Args:
        data: pop909.zip, or the unpacked folder.
        songs: How many test songs, from the first on.
        library: How many training songs retrieval may choose from.
        style: Style of the band.
        seed: Of the band and of the shuffled pairing.
        out: Folder for accompany.md and accompany.json.
        quiet: Print only the report.
    """
    from itertools import islice

    from descant.cli.terminal import progress_bar
    from descant.compose.api import Composer
    from descant.compose.config import BandOptions
    from descant.data.pop909 import Pop909
    from descant.evaluate.accompany import Song
    from descant.evaluate.accompany import evaluate_accompany as measure

    pop909 = Pop909(data)
    tested = [Song(name, pop909.load(name)) for name in islice(pop909.songs("test"), songs)]
    known = [Song(name, pop909.load(name)) for name in islice(pop909.songs("train"), library)]
    command = f"descant evaluate accompany --data pop909.zip --songs {songs} --library {library}"
    command += f" --style {style} --seed {seed}"
    with progress_bar("evaluate accompany", quiet=quiet) as progress:
        report = measure(
            Composer.load(), tested, known, options=BandOptions(style=style, seed=seed), command=command,
            progress=progress,
        )  # fmt: skip
    report.save(out)
    print(report.to_markdown())
