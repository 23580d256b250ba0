"""`descant evaluate align`: timed words on disk against references, or aligners run on songs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def evaluate_align(
    *,
    reference: Path | None = None,
    estimate: Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative=())] = (),
    data: Path | None = None,
    aligner: str = "",
    split: Literal["train", "validation", "test"] | None = None,
    songs: int | None = None,
    delay: float = 0.0,
    seed: int = 0,
    plots: bool | None = None,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Measure the times of words: files of any system (--reference, --estimate), or aligners on songs (--data).

    Args:
        reference: Timed lyrics: one file, a folder, JamendoLyrics, or a set of `descant data band`.
        estimate: Folder (or file) of a system, named like the songs; several to test each against the first.
        data: Songs with lyrics and references: JamendoLyrics, a set of `descant data band`, or a folder of NAME.mp3,
            NAME.txt and NAME.reference.json.
        aligner: With --data: what is run, names separated by commas; all when left out.
        split: With --data: only the songs of this split of a band.
        songs: With --data: at most so many, spread over the set.
        delay: Seconds added to all estimated times first (S19's authors add 0.18).
        seed: Of intervals and tests.
        plots: Draw plots into the output folder (needs matplotlib); left out: if matplotlib is there.
        out: Also write align.md, align.json, align.png and align_errors.png into this folder.
        quiet: Show no progress.
    """
    from descant.cli.lists import names_in
    from descant.cli.terminal import progress_bar
    from descant.errors import InvalidOption
    from descant.evaluate.align import align_files, align_set, evenly
    from descant.evaluate.align_baselines import contenders
    from descant.evaluate.align_report import NAME, align_report, save_alignments
    from descant.evaluate.align_songs import song_set
    from descant.evaluate.plots import require_plots
    from descant.evaluate.report import require_counts, require_place

    if (data is None) == (reference is None) or (reference is None) != (not estimate):
        raise InvalidOption(
            "Either files are compared or aligners are run.", "Give --reference and --estimate, or --data alone."
        )
    if data is None and (aligner or split or songs is not None):
        raise InvalidOption("--aligner, --split and --songs are for --data.", "Leave them out to compare files.")
    require_counts(songs=1 if songs is None else songs)
    require_plots(plots, out)
    if out is not None:
        require_place(out, NAME)
    options = [f"--delay {delay:g}"] if delay else []
    notes = [f"{delay:g} s were added to all estimated times."] if delay else []
    with progress_bar("evaluate align", quiet=quiet) as progress:
        if data is not None:
            chosen = contenders(names_in(aligner))
            measured = evenly(song_set(data, split=split), songs)
            systems = align_set(measured, chosen, delay_s=delay, progress=progress)
            given = [f"--data {shlex.quote(data.name)}", f"--aligner {','.join(each.name for each in chosen)}"]
            given += [f"--split {split}"] if split else []
            given += [f"--songs {songs}"] if songs is not None else []
        elif reference is not None:
            measured, systems = align_files(reference, estimate, delay_s=delay, progress=progress)
            given = [f"--reference {shlex.quote(reference.name)}"]
            given += [f"--estimate {shlex.quote(path.name)}" for path in estimate]
        command = " ".join(["descant evaluate align", *given, *options, f"--seed {seed}"])
        report = align_report(measured, systems, command, notes=notes, seed=seed)
        if out is not None:
            report = save_alignments(report, systems, out, plots=plots)
    print(report.to_markdown())
