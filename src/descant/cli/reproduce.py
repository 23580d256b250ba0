"""`descant reproduce`: measure a published system's claims."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def reproduce(
    system: str,
    *,
    scale: str = "cpu",
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    data: Path | None = None,
    soundfont: Path | None = None,
    seeds: int | None = None,
    only: str = "",
    threads: int = 1,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Train what a system's claims need, measure each claim, and say which held.

    Run it again with the same folder to go on where it was stopped.

    Args:
        system: Which: lyrics, seq_u_net or sing.
        scale: smoke (seconds, proves that it runs), cpu (at most 90 minutes on two cores) or paper.
        out: Folder for claims.json, claims.md, plots/ and the arms; without it reproduce-<system>-<scale>.
        data: The system's data set in place of its usual one (seq_u_net: music21's corpus folder;
            sing: a set of `descant data notes`, which it needs;
            lyrics: what recipes/lyrics_contrastive/build.py stored, which it needs).
        soundfont: An .sf2 or .sf3 file that renders notes; without it the one that `play` takes.
        seeds: Trainings of each net in place of the scale's.
        only: Beginnings of the names of the arms to run, separated by commas ("chorales,exact"); others that are
            finished still count.
        threads: CPU threads.
        quiet: No progress.
    """
    from descant.cli.lists import names_in
    from descant.cli.terminal import progress_bar
    from descant.reproduce.runner import reproduce as run
    from descant.reproduce.systems import Options, folder_of, make_system

    given = [f"--seeds {seeds}"] if seeds is not None else []
    given += [f"--only {only}"] if only else []
    given += [f"--threads {threads}"] if threads != 1 else []
    given += [f"--data {data.name}"] if data is not None else []
    command = " ".join([f"descant reproduce {system} --scale {scale}", *given])
    folder = folder_of(system, scale, out)
    made = make_system(system, Options(scale, data, soundfont, seeds, threads, folder))
    with progress_bar(f"reproduce {system}", quiet=quiet) as progress:
        findings = run(
            made,
            folder,
            command=command,
            scale=scale,
            only=names_in(only),
            progress=progress,
        )
    for finding in findings:
        print(f"{finding.claim.id}: {finding.verdict}. {finding.said}")
    print(folder / "claims.md")
