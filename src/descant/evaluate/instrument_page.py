"""The files of a measurement of instruments: tables, every note's scores, and a page to look at and listen to."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from string import Template
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.data.notes.note_set import NoteItem
from descant.dsp.rainbowgram import RainbowOptions, rainbowgram
from descant.evaluate.instrument import NAME, InstrumentResult, truth_of
from descant.evaluate.instrument_metrics import METRICS
from descant.evaluate.instrument_systems import NoteMaker
from descant.evaluate.plots import can_draw, draw_rainbowgrams
from descant.evaluate.report import Report, make_folder
from descant.evaluate.scores import Scores
from descant.files import atomic_output
from descant.progress import CancelToken, Monitor, ProgressSink

MOST_NOTES = 8

_TYPICAL_VELOCITY = 100
_TRUTH = "recording"
_LOW_OCTAVES, _HIGH_OCTAVES = 6, 8
_SHOWN = ("SING 48k", "multi-resolution", "cents off")


@dataclass(frozen=True, slots=True)
class _Row:
    """A system's note on the page."""

    system: str
    sound: str
    picture: str | None
    scores: Scores


def save_instrument(
    result: InstrumentResult,
    makers: Sequence[NoteMaker],
    folder: Path,
    *,
    plots: bool | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Report:
    """Write `instrument.md`, `.json`, `.csv` (every note), `.html`, and a folder with sounds and pictures of the page.

    Args:
        result: What was measured.
        makers: Systems that the page shows beside the recordings, by the names that they have in the result.
        folder: Made if needed.
        plots: None paints rainbowgrams if matplotlib is there, True insists, False paints none.
        progress: Receives `Progress` events.
        cancel: Stops the work when raised.

    Returns:
        The report as written.

    Raises:
        MissingDependency: Pictures are insisted on and matplotlib is missing.
        OutputError, PermissionRefused: The folder cannot be written.
        Cancelled: `cancel` was raised.
    """
    monitor = Monitor(progress, cancel, "page")
    make_folder(folder / NAME)
    is_painted = bool(plots) or (plots is None and can_draw())
    report = result.report
    if plots is None and not is_painted:
        report = replace(report, notes=(*report.notes, 'No pictures: they need pip install "descant[train]".'))
    shown = shown_notes(result.notes)
    sections = []
    for done, place in enumerate(shown):
        monitor.report(done / len(shown))
        rows = _rows(result, place, makers, folder, is_painted=is_painted)
        sections.append(_section(result.notes[place], list(rows)))
    _write_csv(result, folder / f"{NAME}.csv")
    with atomic_output(folder / f"{NAME}.html") as temporary:
        temporary.write_text(_page(report, sections), encoding="utf-8")
    report.save(folder)
    monitor.report(1.0)
    return report


def shown_notes(notes: Sequence[NoteItem], most: int = MOST_NOTES) -> tuple[int, ...]:
    """Places of notes for people: one a family, of a velocity as near 100 as there is, at most so many families."""
    best: dict[str, int] = {}
    for place, note in enumerate(notes):
        known = best.get(note.family)
        if known is None or _distance(note) < _distance(notes[known]):
            best[note.family] = place
    return tuple(best[family] for family in sorted(best))[:most]


def _distance(note: NoteItem) -> int:
    return abs(note.velocity - _TYPICAL_VELOCITY)


def _rows(
    result: InstrumentResult, place: int, makers: Sequence[NoteMaker], folder: Path, *, is_painted: bool
) -> Iterator[_Row]:
    note = result.notes[place]
    scores = {system.name: system.scores[place] for system in result.systems}
    clips: dict[str, Clip] = {_TRUTH: truth_of(note).full}
    clips |= {maker.name: maker.play(note.instrument, note.pitch, note.velocity) for maker in makers}
    for number, (system, clip) in enumerate(clips.items()):
        stem = f"{NAME}/{note.name}-{number}"
        write(folder / f"{stem}.flac", clip, subtype="PCM_16")
        picture = f"{stem}.png" if is_painted else None
        if picture is not None:
            _paint(clip, folder / picture)
        yield _Row(system, f"{stem}.flac", picture, scores.get(system, {}))


def _paint(clip: Clip, path: Path) -> None:
    octaves = _HIGH_OCTAVES if clip.sample_rate >= 48_000 else _LOW_OCTAVES
    picture = rainbowgram(clip.samples.mean(axis=0), clip.sample_rate, RainbowOptions(octaves=octaves))
    draw_rainbowgrams({f"{clip.sample_rate / 1000:g} kHz, {_channels(clip)}": picture}, path)


def _channels(clip: Clip) -> str:
    return "stereo" if clip.channels == 2 else "mono"


def _section(note: NoteItem, rows: Sequence[_Row]) -> str:
    figures = "".join(_figure(row) for row in rows)
    title = f"{note.family}: {note.instrument}, pitch {note.pitch}, velocity {note.velocity}"
    return f'<h2>{escape(title)}</h2><div class="systems">{figures}</div>'


def _figure(row: _Row) -> str:
    image = ""
    if row.picture is not None:
        image = (
            f"<img src={quoteattr(quote(row.picture))} alt={quoteattr(f'rainbowgram: {row.system}')} loading='lazy'>"
        )
    numbers = ", ".join(f"{name} {_number(row.scores[name])}" for name in _SHOWN if name in row.scores)
    player = f'<audio controls preload="none" src={quoteattr(quote(row.sound))}></audio>'
    return f"<figure>{image}{player}<figcaption><b>{escape(row.system)}</b><br>{escape(numbers)}</figcaption></figure>"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _page(report: Report, sections: Sequence[str]) -> str:
    template = Template(files("descant.evaluate").joinpath("instrument_page.html").read_text(encoding="utf-8"))
    return template.substitute(
        command=escape(report.command),
        floor=f"{-RainbowOptions().floor_db:.0f}",
        notes="".join(sections),
        tables="".join(f'<div class="wide">{table.to_html()}</div>' for table in report.tables),
        remarks="".join(f"<li>{escape(note)}</li>" for note in report.notes),
    )


def _write_csv(result: InstrumentResult, path: Path) -> None:
    """Every system's scores of every note; empty where there was nothing to measure."""
    names = [metric.name for metric in METRICS]
    with atomic_output(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("system", "note", "instrument", "family", "pitch", "velocity", *names))
        for system in result.systems:
            for note, scores in zip(result.notes, system.scores, strict=True):
                about = (system.name, note.name, note.instrument, note.family, note.pitch, note.velocity)
                rows.writerow((*about, *_cells(scores, names)))


def _cells(scores: Mapping[str, float | None], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        value = scores[name]
        yield "" if value is None else f"{value:.6g}"
