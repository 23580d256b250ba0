"""`descant data check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

_SHOWN = 50


def data_check(folder: Path, *, quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False) -> None:
    """Validate a set that `descant data band` made: files, lengths, sums, labels, splits, index.

    Args:
        folder: The set.
        quiet: Show no progress.
    """
    from descant.cli.terminal import one_line, progress_bar
    from descant.data.band.check import check_band
    from descant.errors import BatchFailed

    with progress_bar("data check", quiet=quiet) as progress:
        report = check_band(folder, progress=progress)
    splits = ", ".join(f"{count} {split}" for split, count in report.splits.items())
    print(f"{report.items} items, {report.hours:.2f} hours ({splits})")
    for complaint in report.complaints[:_SHOWN]:
        print(one_line(str(complaint)))
    if len(report.complaints) > _SHOWN:
        print(f"and {len(report.complaints) - _SHOWN} more")
    if report.complaints:
        raise BatchFailed(
            f"{len(report.complaints)} things are wrong with {folder}.",
            "Remove the folders of damaged items and run `descant data band` again with the same options.",
        )
