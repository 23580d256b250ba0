"""`descant evaluate instrument`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from descant.evaluate.instrument_systems import NoteMaker

_LAST_STAGE = "end_to_end"


def evaluate_instrument(
    *,
    data: Path,
    sing: Path | None = None,
    rendered: str = "",
    notes: int = 0,
    speed: bool = True,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    plots: bool | None = None,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Measure instruments on notes of held-out pitches, beside a sampler.

    Args:
        data: A set that `descant data notes` wrote, or NSynth.
        sing: A run of recipes/sing on that set, or an arm of `descant reproduce sing`: SING as published.
        rendered: Folders with the held-out notes as other programs made them ("a_note-060-075.wav"), with commas.
        notes: How many held-out notes, drawn evenly; 0 takes all.
        speed: Also time the systems.
        out: Folder for instrument.md, .json, .csv, and .html with sounds and rainbowgrams.
        plots: Insist on rainbowgrams, or paint none; by default they are painted if matplotlib is installed.
        quiet: Print no progress.
    """
    from descant.cli.lists import names_in
    from descant.cli.terminal import progress_bar
    from descant.evaluate.instrument import NAME, InstrumentTest, held_out, standard_makers
    from descant.evaluate.instrument import evaluate_instrument as measure
    from descant.evaluate.instrument_page import save_instrument
    from descant.evaluate.instrument_systems import RenderedNotes
    from descant.evaluate.plots import require_plots
    from descant.evaluate.report import require_place

    require_plots(plots, out)
    test = InstrumentTest(data, notes, speed)
    if out is not None:
        require_place(out, NAME)
    training, asked = held_out(data, notes)
    makers: list[NoteMaker] = [RenderedNotes(Path(folder)) for folder in names_in(rendered)]
    if sing is not None:
        makers.append(_sing(sing, data))
    command = f"descant evaluate instrument --data {shlex.quote(data.name)}"
    command += f" --sing {shlex.quote(sing.name)}" if sing is not None else ""
    command += f" --rendered {shlex.quote(rendered)}" if rendered else ""
    command += f" --notes {notes}" if notes else ""
    with progress_bar("evaluate instrument", quiet=quiet) as progress:
        result = measure(test, makers, command=command, progress=progress)
    report = result.report
    if out is not None:
        shown = [*makers, standard_makers(training, asked)[0]]
        with progress_bar("page", quiet=quiet) as progress:
            report = save_instrument(result, shown, out, plots=plots, progress=progress)
    print(report.to_markdown())


def _sing(run: Path, data: Path) -> NoteMaker:
    """SING with the weights of a run that was trained on the set; an arm's are those of its last stage."""
    from descant.data.notes.note_set import NoteSet
    from descant.evaluate.instrument_systems import load_sing
    from descant.train.checkpoint import CHECKPOINT, weights_file

    instruments = sorted({note.instrument for note in NoteSet(data).notes})
    last = run / _LAST_STAGE
    return load_sing(weights_file((last if last.is_dir() else run) / CHECKPOINT), instruments)
