"""`descant analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def analyze(
    songs: Annotated[list[Path], Parameter(negative=())],
    *,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    json: Annotated[bool, Parameter(negative=())] = False,
    csv: Annotated[bool, Parameter(negative=())] = False,
    labels: Annotated[bool, Parameter(negative=())] = False,
    vocals: Path | None = None,
    bpm: float | None = None,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Melody, beats, tempo, key, chords, sections, loudness and vocal activity of recordings.

    Prints a summary; with -o or any of --json, --csv, --labels it writes files too (JSON when none is chosen).

    Args:
        songs: Recordings, or folders of them; each gets a folder of its own when there are several.
        out: Output folder; "out" when only a format is given.
        json: Write analysis.json with everything.
        csv: Write tables: melody, beats, chords, sections, vocals, loudness.
        labels: Write label tracks for Audacity: beats, chords, sections, vocals.
        vocals: The voice of the (single) song alone, such as vocals.wav from `descant separate`.
        bpm: The tempo, if you know it: beats are sought within 6 % of it.
        skip_existing: Leave recordings alone whose output is there.
        quiet: Print nothing but errors.
    """
    from descant.analyze.api import analyze_file, summary
    from descant.analyze.export import write_csv, write_json, write_labels
    from descant.cli.batch import run_batch
    from descant.cli.terminal import progress_bar

    writes = out is not None or json or csv or labels
    everything_in_json = json or not (csv or labels)

    def one(song: Path, folder: Path) -> None:
        with progress_bar(song.name, quiet=quiet) as progress:
            analysis = analyze_file(song, vocals=vocals, bpm=bpm, progress=progress)
        if not quiet:
            print(f"{song}\n{summary(analysis)}")
        if writes and everything_in_json:
            write_json(folder / "analysis.json", analysis)
        if csv:
            write_csv(folder, analysis)
        if labels:
            write_labels(folder / "labels" if csv else folder, analysis)

    def done(folder: Path) -> bool:
        return skip_existing and folder.is_dir() and any(folder.iterdir())

    run_batch(songs, out or Path("out"), one, done=done)
