"""`descant evaluate transcribe`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

SINGERS = ("alys_001", "alys_002")
"""Voices held out from all tuning; `yuki` and `erithacus` were tuned on."""


def evaluate_transcribe(
    *,
    data: Path | None = None,
    annotations: Path | None = None,
    singers: str = ",".join(SINGERS),
    songs: int = 12,
    seed: int = 1,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Measure notes against rendered scores, re-sung melodies and human annotations.

    Args:
        data: Folder with pop909.zip, singing/ and rooms/.
        annotations: Folder of recordings with lists of notes: song.wav beside song.csv (or song_A1.csv, song_A2.csv).
        singers: Folders of singing/ that re-sing the melodies, separated by commas.
        songs: How many excerpts of each kind.
        seed: Another seed gives other excerpts.
        out: Folder for transcribe.md and transcribe.json.
        quiet: Print no progress.
    """
    from descant.cli.lists import names_in
    from descant.cli.terminal import progress_bar
    from descant.evaluate.report import require_counts, require_place
    from descant.evaluate.transcribe import TranscribeTest
    from descant.evaluate.transcribe import evaluate_transcribe as measure

    require_counts(songs=songs)
    if out is not None:
        require_place(out, "transcribe")
    given = [f"--data {data.name}"] if data else []
    given += [f"--annotations {annotations.name}"] if annotations else []
    command = " ".join(["descant evaluate transcribe", *given, f"--songs {songs} --seed {seed}"])
    test = TranscribeTest(
        pop909=data / "pop909.zip" if data else None,
        voices=tuple(data / "singing" / name for name in names_in(singers)) if data else (),
        rooms=data / "rooms" if data else None,
        annotations=annotations,
        songs=songs,
        seed=seed,
    )
    with progress_bar("evaluate transcribe", quiet=quiet) as progress:
        report = measure(test, command=command, progress=progress)
    print(report.to_markdown())
    if out is not None:
        report.save(out)
