"""`descant data list` and `descant data check-set`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

Flag = Annotated[bool, Parameter(negative=())]
_SHOWN = 20


def list_sets(*, as_json: Annotated[bool, Parameter(name="--json", negative=())] = False) -> None:
    """The data sets Descant reads, with the layout of their folders and where their splits come from.

    Args:
        as_json: Print JSON.
    """
    from dataclasses import asdict

    from descant.data.sets.catalogue import CATALOGUE

    if as_json:
        print(json.dumps([asdict(card) for card in CATALOGUE.values()], indent=2, ensure_ascii=False))
        return
    for card in CATALOGUE.values():
        print(f"{card.name:17} {card.title}: {card.holds}")
        for what, said in (("folder", card.layout), ("splits", card.splits), ("licence", card.licence)):
            print(f"{'':17}   {what}: {said}")


def check_set(
    name: str,
    folder: Path,
    *,
    split: Literal["train", "validation", "test"] | None = None,
    partial: Flag = False,
    samples: bool = True,
    labels: bool = True,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Read every recording and every label of a data set, and say what is wrong with it.

    Args:
        name: As `descant data list` names it ("musdb18-hq").
        folder: Where it was unpacked (of POP909: or its zip file).
        split: Only this one.
        partial: Whether files and items may be missing (a part of the set, taken on purpose).
        samples: Whether to decode recordings; their headers alone are read much faster, and do not show all damage.
        labels: Whether to read labels (scores, words, beats) too.
        as_json: Print JSON.
        quiet: Print no progress.
    """
    from descant.cli.terminal import one_line, progress_bar
    from descant.data.sets import dataset as sets
    from descant.data.sets.catalogue import open_set
    from descant.errors import BatchFailed

    with progress_bar(f"check {name}", quiet=quiet) as progress:
        report = sets.check_set(
            open_set(name, folder, whole=False), split=split, samples=samples, labels=labels, progress=progress
        )
    if as_json:
        facts = {
            "name": name,
            "items": report.items,
            "published": report.published,
            "splits": report.by_split,
            "recordings": report.audio_files,
            "hours": report.hours,
            "labels": report.labels,
            "missing": [str(path) for path in report.missing],
            "problems": [{"item": problem.item, "message": problem.message} for problem in report.problems],
        }
        print(json.dumps(facts, indent=2, ensure_ascii=False))
    else:
        splits = ", ".join(f"{split} {count}" for split, count in report.by_split.items())
        print(f"{report.items} items ({splits}), {report.audio_files} recordings, {report.hours:.2f} h")
        print("".join(f"{label}: {count} items\n" for label, count in report.labels.items()), end="")
        if report.is_half_downloaded:
            print(f"half-downloaded: {report.items} of {report.published} items")
        for path in report.missing[:_SHOWN]:
            print(f"missing: {one_line(str(path))}")
        for problem in report.problems[:_SHOWN]:
            print(one_line(f"{problem.item}: {problem.message}"))
    if report.problems or not (report.is_whole or partial):
        half = f"half-downloaded ({report.items} of {report.published} items), " if report.is_half_downloaded else ""
        raise BatchFailed(
            f"{name} in {folder} is not sound: {half}{len(report.missing)} files missing, "
            f"{len(report.problems)} problems in {report.items} items.",
            "Finish the download (or say --partial if a part is meant); get damaged files again.",
        )
