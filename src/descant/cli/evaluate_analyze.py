"""`descant evaluate analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def evaluate_analyze(
    *,
    data: Path,
    songs: int = 36,
    seed: int = 1,
    soundfont: Path | None = None,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Measure beats, tempo, key, chords and melody on held-out rendered songs.

    Args:
        data: Folder with pop909.zip, symbolic/, singing/ and album/.
        songs: How many full songs are rendered; a third as many voices alone.
        seed: Another seed gives other songs.
        soundfont: What plays them; TimGM6mb from the hub when left out, which the net was not trained with.
        out: Folder for analyze.md and analyze.json.
        quiet: Print no progress.
    """
    from descant.cli.terminal import progress_bar
    from descant.evaluate.analyze import evaluate_analyze as measure
    from descant.evaluate.report import require_counts, require_place
    from descant.hub.store import fetch

    require_counts(songs=songs)
    if out is not None:
        require_place(out, "analyze")
    font = soundfont or next(iter(sorted(fetch("timgm6mb").rglob("*.sf2"))))
    command = f"descant evaluate analyze --data {data.name} --songs {songs} --seed {seed}"
    with progress_bar("evaluate analyze", quiet=quiet) as progress:
        report = measure(data, font, songs=songs, seed=seed, command=command, progress=progress)
    print(report.to_markdown())
    if out is not None:
        report.save(out)
