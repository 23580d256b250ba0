"""Notes as a list in seconds: CSV that spreadsheets, Sonic Visualiser and evaluation tools read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from descant.dsp.pitch import hz_to_midi, midi_to_hz
from descant.errors import ScoreReadError
from descant.files import atomic_output, input_error
from descant.score.notes import Note, Track
from descant.score.tempo import TempoMap
from descant.text.tables import LabelRow, LabelTable, finite, label_table

_COLUMNS = ("onset_s", "offset_s", "pitch", "pitch_exact", "frequency_hz", "velocity", "track")
_LARGEST_BYTES = 64 << 20
_LAST_KEY = 127.0

_STARTS = ("onset_s", "onset", "start_s", "start", "time_s", "time", "onset_time", "start_time")
_ENDS = ("offset_s", "offset", "end_s", "end", "offset_time", "end_time")
_LENGTHS = ("duration_s", "duration", "length_s", "length")
_KEYS = ("pitch_exact", "pitch", "midi", "midi_pitch", "midi_note", "note", "key", "number")
_FREQUENCIES = ("frequency_hz", "frequency", "pitch_hz", "freq", "hz", "f0_hz", "f0")

_HINT = "Rows are onset, offset and pitch, or a heading names such columns; times are in seconds."


@dataclass(frozen=True, slots=True)
class ListedNote:
    """A note of a list: start and end in seconds, pitch as a fractional MIDI number."""

    start_s: float
    end_s: float
    pitch: float


def exact_pitch(note: Note) -> float:
    """The pitch a note is held at: its number, with the median of its curve where it has one."""
    if not note.bends:
        return float(note.pitch)
    offsets = np.linspace(0.0, note.duration, 101)
    curve = np.interp(offsets, [b.offset for b in note.bends], [b.semitones for b in note.bends])
    return note.pitch + float(np.median(curve))


def listed_notes(track: Track, tempo: TempoMap) -> tuple[ListedNote, ...]:
    """A track's notes in seconds, with exact pitches."""
    return tuple(ListedNote(tempo.seconds(n.start), tempo.seconds(n.end), exact_pitch(n)) for n in track.notes)


def write_note_list(path: Path, tracks: Sequence[Track], tempo: TempoMap) -> Path:
    """Write all notes of some tracks, sorted by time.

    Args:
        path: The CSV file.
        tracks: What to write.
        tempo: Where quarters lie in seconds.
    """
    rows = []
    for track in tracks:
        for note in track.notes:
            exact = exact_pitch(note)
            times = (f"{tempo.seconds(note.start):.4f}", f"{tempo.seconds(note.end):.4f}")
            hz = f"{float(midi_to_hz(exact)):.3f}"
            rows.append((*times, note.pitch, f"{exact:.3f}", hz, note.velocity, track.name))
    rows.sort(key=lambda row: (float(row[0]), row[2]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    with atomic_output(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
    return path


def read_note_list(path: Path) -> tuple[ListedNote, ...]:
    """Notes of a list: what `write_note_list` wrote, or annotations as data sets keep them.

    Where a heading names the columns they may stand in any order: a start (onset, start, time), an end (offset, end) or
    a duration, and a pitch as a MIDI number (pitch_exact, pitch, midi, note) or in Hz (frequency, hz, f0).

    Without names a row is (onset, frequency or MIDI number, duration) as in vocadito and Tony, or (onset, offset,
    frequency or MIDI number) as in the Molina and MIR-ST500 sets; which of them is told by whether the last column is
    a duration. A list with a value above 128 is in Hz throughout.

    Raises:
        InputNotFound: The file is not there.
        ScoreReadError: It is not such a list, a note starts before 0 s or ends before it starts, or its pitch is no
            MIDI number of 0 to 127 (in Hz 8 to 12,500); the message names line and field.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ScoreReadError(f"{path} is too large for a list of notes.", "Check that it is the right file.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise input_error(error, path) from error
    except UnicodeDecodeError as error:
        raise ScoreReadError(f"{path} is not a list of notes.", "Expected CSV.") from error
    table = label_table(text)
    named = any(table.column(*names) is not None for names in (_STARTS, _ENDS, _LENGTHS, _KEYS, _FREQUENCIES))
    if table.heading and not named and not table.rows:
        raise ScoreReadError(f"{path} is not a list of notes.", _HINT)
    notes = _by_name(path, table) if named else _by_place(path, table)
    return tuple(_checked(path, row, note) for row, note in notes)


def _by_name(path: Path, table: LabelTable) -> Iterator[tuple[LabelRow, ListedNote]]:
    start, end, length = (table.column(*names) for names in (_STARTS, _ENDS, _LENGTHS))
    key, hz = table.column(*_KEYS), table.column(*_FREQUENCIES)
    for field, column, names in (
        ("start", start, _STARTS),
        ("end", length if end is None else end, _ENDS + _LENGTHS),
        ("pitch", hz if key is None else key, _KEYS + _FREQUENCIES),
    ):
        if column is None:
            raise ScoreReadError(f"{path}: no column is named as the {field}.", f"Known: {', '.join(names)}.")
    for row in table.rows:
        begins = _number(path, row, start, "start")
        ends = begins + _number(path, row, length, "duration") if end is None else _number(path, row, end, "end")
        pitch = float(hz_to_midi(_number(path, row, hz, "frequency"))) if key is None else None
        yield row, ListedNote(begins, ends, _number(path, row, key, "pitch") if pitch is None else pitch)


def _by_place(path: Path, table: LabelTable) -> Iterator[tuple[LabelRow, ListedNote]]:
    cells = [[_number(path, row, place, f"number {place + 1}") for place in range(3)] for row in table.rows]
    start, second, third = np.asarray(cells, float).reshape(-1, 3).T
    ends_are_second = bool((second > start).all() and (np.diff(second) >= -1.0).all() and (third > 10.0).all())
    end, pitch = (second, third) if ends_are_second else (start + third, second)
    midi = hz_to_midi(pitch) if pitch.max(initial=0.0) > 128.0 else pitch
    for row, *values in zip(table.rows, start, end, midi, strict=True):
        yield row, ListedNote(*map(float, values))


def _number(path: Path, row: LabelRow, column: int | None, field: str) -> float:
    value = finite(row.cells[column]) if column is not None and column < len(row.cells) else None
    if value is None:
        raise ScoreReadError(f"{path} is not a list of notes: line {row.number}, the {field} is no number.", _HINT)
    return value


def _checked(path: Path, row: LabelRow, note: ListedNote) -> ListedNote:
    where = f"{path}, line {row.number}"
    if note.start_s < 0.0:
        raise ScoreReadError(f"{where}: the start, {note.start_s:g} s, lies before 0 s.", _HINT)
    if note.end_s <= note.start_s:
        raise ScoreReadError(f"{where}: the end, {note.end_s:g} s, is not after the start, {note.start_s:g} s.", _HINT)
    if not 0.0 <= note.pitch <= _LAST_KEY:
        raise ScoreReadError(
            f"{where}: the pitch is no MIDI number of 0 to 127 (in Hz 8.2 to 12,543).",
            "Is it Hz? Then name the column so.",
        )
    return note
