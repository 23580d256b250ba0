"""Notes as a list in seconds: CSV that spreadsheets, Sonic Visualiser and evaluation tools read."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from descant.dsp.pitch import hz_to_midi, midi_to_hz
from descant.errors import ScoreReadError
from descant.files import atomic_output, input_error
from descant.score.notes import Note, Track
from descant.score.tempo import TempoMap

_COLUMNS = ("onset_s", "offset_s", "pitch", "pitch_exact", "frequency_hz", "velocity", "track")
_LARGEST_BYTES = 64 << 20
_TIME_NAMES = {"onset", "onset_s", "start", "start_s", "time"}


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

    Without a heading a row is (onset, frequency or MIDI number, duration) as in vocadito and Tony, or (onset, offset,
    frequency or MIDI number) as in the Molina and MIR-ST500 sets; which of them is told by whether the last column is
    a duration. Values above 128 are Hz.

    Raises:
        InputNotFound: The file is not there.
        ScoreReadError: It is not such a list.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ScoreReadError(f"{path} is too large for a list of notes.", "Check that it is the right file.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise input_error(error, path) from error
    except UnicodeDecodeError as error:
        raise ScoreReadError(f"{path} is not a list of notes.", "Expected CSV.") from error
    rows = [row.replace(";", ",").replace("\t", ",").replace(" ", ",").split(",") for row in text.splitlines()]
    rows = [[cell for cell in row if cell != ""] for row in rows if row and row[0].strip()]
    try:
        if rows and rows[0][0].strip().lower() in _TIME_NAMES:
            return tuple(ListedNote(float(r[0]), float(r[1]), float(r[3])) for r in rows[1:])
        table = np.asarray([[float(cell) for cell in row[:3]] for row in rows], float).reshape(-1, 3)
    except (ValueError, IndexError) as error:
        raise ScoreReadError(f"{path} is not a list of notes.", "Rows are onset, offset, pitch.") from error
    return _from_table(table, path)


def _from_table(table: np.ndarray[tuple[int, int], np.dtype[np.float64]], path: Path) -> tuple[ListedNote, ...]:
    if not len(table):
        return ()
    start, second, third = table.T
    ends_are_second = bool((second > start).all() and (np.diff(second) >= -1.0).all() and (third > 10.0).all())
    end, pitch = (second, third) if ends_are_second else (start + third, second)
    if not np.isfinite(table).all() or (end <= start).any() or (pitch <= 0).any():
        raise ScoreReadError(f"{path} holds notes without length or pitch.", "Rows are onset, offset, pitch.")
    midi = hz_to_midi(pitch) if pitch.max() > 128.0 else pitch
    return tuple(ListedNote(*map(float, row)) for row in zip(start, end, midi, strict=True))
