"""`descant evaluate separate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def evaluate_separate(
    *,
    data: Path,
    seconds: float = 45.0,
    gain_db: float = 0.0,
    model: str = "spleeter-2stems",
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Stems against true stems, beside no separation, the net without our additions, and the ideal mask.

    Args:
        data: Folder with a folder per song that holds vocals.*, drums.*, bass.*, other.* (as MUSDB18-HQ does).
        seconds: Length of the excerpt of each song, the part that sings most.
        gain_db: Make the songs louder or quieter before they are separated.
        model: Card of the separator.
        out: Also write separate.md and separate.json into this folder.
        quiet: Show no progress.
    """
    from descant.cli.terminal import progress_bar
    from descant.evaluate.report import require_place
    from descant.evaluate.separate import evaluate_separate as measure

    if out is not None:
        require_place(out, "separate")
    command = f"descant evaluate separate --data DIR --seconds {seconds:g} --gain-db {gain_db:g} --model {model}"
    with progress_bar("evaluate separate", quiet=quiet) as progress:
        report = measure(data, seconds=seconds, gain_db=gain_db, model=model, command=command, progress=progress)
    print(report.to_markdown())
    if out is not None:
        report.save(out)
