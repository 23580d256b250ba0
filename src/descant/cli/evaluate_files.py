"""`descant evaluate stems|notes|beats|chords|key|pitch|lyrics|similarity|sets`: files on disk against files on disk."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Files:
    """What is compared, and where the report goes."""

    reference: Path
    """Folder with the truth, or one file. Files match by name: their path below the folder, whatever the suffix."""

    estimate: Annotated[tuple[Path, ...], Parameter(consume_multiple=True, negative=())]
    """Folder (or file) of a system; several to test each against the first, song by song."""

    seed: int = 0
    """Of intervals and tests."""

    plots: bool | None = None
    """Draw a plot into the output folder (needs matplotlib); left out: if matplotlib is there."""

    out: Annotated[Path | None, Parameter(alias="-o")] = None
    """Also write <task>.md, <task>.json and <task>.png into this folder."""

    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False
    """Show no progress."""

    def command(self, task: str, *more: str) -> str:
        """The command line that measures this again."""
        estimates = [f"--estimate {shlex.quote(path.name)}" for path in self.estimate]
        reference = f"--reference {shlex.quote(self.reference.name)}"
        return " ".join(["descant evaluate", task, reference, *estimates, *more, f"--seed {self.seed}"])


def evaluate_stems(files: Files, *, stems: str = "") -> None:
    """Separated stems on disk: SDR of museval 4, SI-SDR, what is heard where a stem should be silent.

    Args:
        files: A folder of stems per song (vocals.wav, drums.wav ...), or the stems of one song.
        stems: Only these, separated by commas; all of the reference when left out. Files named mixture or mix are no
            stems.
    """
    from descant.cli.lists import names_in
    from descant.errors import InvalidOption

    only = names_in(stems)
    if stems and not only:
        raise InvalidOption(f"{stems!r} names no stem.", "Write names, as in vocals,drums.")
    _compare("stems", files, only)


def evaluate_notes(files: Files) -> None:
    """Notes on disk (MIDI, CSV): note F with and without ends as mir_eval, onset F."""
    _compare("notes", files)


def evaluate_beats(files: Files) -> None:
    """Beats on disk (a time a line, CSV, analysis.json): beat and downbeat F, continuity, tempo."""
    _compare("beats", files)


def evaluate_chords(files: Files) -> None:
    """Chords on disk (.lab, CSV, analysis.json): overlap in five vocabularies, segmentation."""
    _compare("chords", files)


def evaluate_key(files: Files) -> None:
    """Keys on disk (a line of text, analysis.json): the MIREX score."""
    _compare("key", files)


def evaluate_pitch(files: Files) -> None:
    """Pitch on disk (CSV of time and f0): raw pitch and chroma accuracy, voicing, correlation, cents."""
    _compare("pitch", files)


def evaluate_lyrics(files: Files) -> None:
    """Timed words on disk (LRC, SRT, VTT, JSON, CSV): alignment errors, word and character error rate."""
    _compare("lyrics", files)


def evaluate_similarity(files: Files) -> None:
    """Recordings on disk, pair by pair: is it the same music (Qmax), how far apart are spectra and loudness."""
    _compare("similarity", files)


def evaluate_sets(files: Files, *, embedding: str = "listener") -> None:
    """Two folders of recordings as sets: Frechet and kernel distance on a stated embedding; names need not match.

    Args:
        files: Folders of recordings, searched through.
        embedding: "listener" (our own net), "whisper" (its encoder; needs descant[words]), or an ONNX network that
            takes
            VGGish's patches or plain samples.
    """
    from descant.cli.terminal import progress_bar
    from descant.errors import InvalidOption
    from descant.evaluate.embeddings import load_embedder
    from descant.evaluate.report import require_place
    from descant.evaluate.sets import evaluate_sets as measure

    if files.plots:
        raise InvalidOption("There is no plot of sets.", "Leave --plots out.")
    if files.out is not None:
        require_place(files.out, "sets")
    command = files.command("sets", f"--embedding {shlex.quote(Path(embedding).name)}")
    with progress_bar("evaluate sets", quiet=files.quiet) as progress:
        report = measure(
            files.reference,
            files.estimate,
            load_embedder(embedding),
            command=command,
            seed=files.seed,
            progress=progress,
        )
    if files.out is not None:
        report.save(files.out)
    print(report.to_markdown())


def _compare(name: str, files: Files, only: tuple[str, ...] = ()) -> None:
    from descant.cli.terminal import progress_bar
    from descant.evaluate.compare import compare_folders, file_task
    from descant.evaluate.compare_report import comparison_report, save_comparison
    from descant.evaluate.plots import require_plots
    from descant.evaluate.report import require_place

    task = file_task(name)
    require_plots(files.plots, files.out)
    if files.out is not None:
        require_place(files.out, task.name)
    more = [f"--stems {','.join(only)}"] if only else []
    with progress_bar(f"evaluate {name}", quiet=files.quiet) as progress:
        systems = compare_folders(task, files.reference, files.estimate, only=only, progress=progress)
        report = comparison_report(task, systems, files.command(name, *more), seed=files.seed)
        if files.out is not None:
            report = save_comparison(report, task, systems, files.out, plots=files.plots)
    print(report.to_markdown())
