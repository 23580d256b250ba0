"""`descant evaluate instrument`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from descant.data.notes.note_set import NoteItem
    from descant.evaluate.instrument_systems import NoteMaker

_LAST_STAGE = "end_to_end"


def evaluate_instrument(
    *,
    data: Path,
    instruments: str = "descant-instruments",
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
        instruments: A card of neural instruments, or a folder that `descant export` wrote; "" leaves them out.
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
    if instruments:
        makers.append(_neural(instruments, asked))
    if sing is not None:
        makers.append(_sing(sing, data))
    command = f"descant evaluate instrument --data {shlex.quote(data.name)}"
    command += f" --instruments {shlex.quote(Path(instruments).name)}" if instruments != "descant-instruments" else ""
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


def _neural(name: str, notes: Sequence[NoteItem]) -> NoteMaker:
    """The instruments of a card or a folder, as far as they were made from the set's recordings."""
    from descant.errors import InvalidOption
    from descant.evaluate.instrument_systems import NeuralMaker, rows_of
    from descant.instrument.neural import NeuralInstruments

    folder = Path(name)
    found = NeuralInstruments.from_folder(folder) if folder.is_dir() else NeuralInstruments.load(name)
    rows = rows_of(notes, found)
    if missing := sorted({note.instrument for note in notes} - {*rows}):
        raise InvalidOption(
            f"{name} plays none of {len(missing)} instruments of the set ({', '.join(missing[:4])}).",
            'Give the set that it was trained on, or --instruments "".',
        )
    return NeuralMaker(found, rows)


def _sing(run: Path, data: Path) -> NoteMaker:
    """SING with the weights of a run that was trained on the set; an arm's are those of its last stage."""
    from descant.data.notes.note_set import NoteSet
    from descant.evaluate.instrument_systems import load_sing
    from descant.train.checkpoint import CHECKPOINT, weights_file

    instruments = sorted({note.instrument for note in NoteSet(data).notes})
    last = run / _LAST_STAGE
    return load_sing(weights_file((last if last.is_dir() else run) / CHECKPOINT), instruments)
