"""Annotations from files, in the units of the metrics: notes, beats, chords, key, pitch and words in seconds.

Every error names the file, and where it can the line and the field. Each reader takes what `descant analyze` and
`descant transcribe` write and the text formats of the usual data sets.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from descant.dsp.pitch import PitchTrack
from descant.errors import DescantError, InvalidAudio, ScoreReadError, TextReadError
from descant.evaluate.chord_metrics import TimedChord
from descant.evaluate.chord_metrics import validate as validate_chords
from descant.files import input_error
from descant.score.harmony import Chord, Key
from descant.score.midi import read_midi
from descant.score.tempo import BeatGrid
from descant.text.formats import lyrics_text, read_lyrics
from descant.text.lrc import require_rising_stamps
from descant.text.lyrics import Lyrics
from descant.text.tables import LabelRow, finite, label_table
from descant.transcribe.beats_file import read_beats as read_beat_grid
from descant.transcribe.note_list import ListedNote, listed_notes, read_note_list

if TYPE_CHECKING:
    pass

T = TypeVar("T")

_LARGEST_BYTES = 64 << 20
_HIGHEST_HZ = 20_000.0
_FRAMES = "Rows are time in seconds, rising from 0, and frequency in Hz; unvoiced is 0."
_BACKWARDS = "Sort them by time, as they are sung."


def with_file(path: Path, read: Callable[[], T]) -> T:
    """What `read` gives; an error that does not name the file with its folder gets that in front.

    The folder matters: the files of reference and estimate have the same names.
    """
    try:
        return read()
    except DescantError as error:
        if str(path) in error.message:
            raise
        raise type(error)(f"{path}: {error.message}", error.hint or "Check what this file holds.") from error


def read_notes(path: Path) -> tuple[ListedNote, ...]:
    """Notes of all pitched tracks of a MIDI file as they sound, or of a list (see `read_note_list`).

    Raises:
        InputNotFound, ScoreReadError: The file is not there, or is not such a file.
    """
    if path.suffix.lower() not in (".mid", ".midi"):
        return read_note_list(path)
    score = with_file(path, lambda: read_midi(path, as_played=True))
    notes = [note for track in score.tracks if not track.is_drum for note in listed_notes(track, score.tempo)]
    return tuple(sorted(notes, key=lambda note: (note.start_s, note.pitch)))


def read_beats(path: Path) -> BeatGrid:
    """Beats from an analysis, one time a line, or Audacity labels; bar positions where they are given.

    Raises:
        InputNotFound, ScoreReadError: The file is not there, or is not such a file.
    """
    return read_beat_grid(path)


def read_timed_chords(path: Path) -> tuple[TimedChord, ...]:
    """Chords with their times: MIREX `.lab`, CSV or Audacity labels of start, end, label; or an analysis.

    Raises:
        InputNotFound, ScoreReadError: The file is not there, or is not such a file; the message names the line.
    """
    text = _text(path, ScoreReadError)
    if text.lstrip().startswith("{"):
        spans = _analysed(path, text, lambda table: tuple(_analysed_chord(each) for each in table["chords"]))
    else:
        spans = tuple(_listed_chord(path, row) for row in label_table(text).rows)
    with_file(path, lambda: validate_chords(spans))
    return spans


def read_key(path: Path) -> Key | None:
    """A key from an analysis or a text of one line that names it; "none" or an empty file is no key.

    Raises:
        InputNotFound, ScoreReadError: The file is not there, or names no key or several.
    """
    text = _text(path, ScoreReadError).strip()
    if text.startswith("{"):
        return _analysed(path, text, lambda table: None if table["key"] is None else Key.parse(table["key"]))
    named = [(number, row.strip()) for number, row in enumerate(text.split("\n"), 1) if row.strip()]
    if len(named) > 1:
        raise ScoreReadError(f"{path}, line {named[1][0]}: a second key.", "Keep one key to a file: the song's own.")
    if not named or named[0][1].lower() in ("none", "n", "x", "-"):
        return None
    return with_file(path, lambda: Key.parse(named[0][1]))


def read_pitch_track(path: Path) -> PitchTrack:
    """Pitch from CSV: time, frequency in Hz, then if given confidence and whether it is voiced.

    Frequencies of 0 or less are unvoiced; where the file has no column for it, all others are voiced. Columns may be
    separated by semicolons, commas, tabs or spaces; a heading is skipped.

    Raises:
        InputNotFound, InvalidAudio: The file is not there, or is not such a table, a time lies below 0 s or does not
            rise, or a frequency is above 20 kHz; the message names the line and the field.
    """
    rows: list[tuple[float, float, float, float]] = []
    for row in label_table(_text(path, InvalidAudio)).rows:
        time, hz, *rest = _frame(path, row)
        last = rows[-1][0] if rows else -math.inf
        if time < 0.0 or time <= last:
            what = "lies before 0 s" if time < 0.0 else "is not after the one before it"
            raise InvalidAudio(f"{path}, line {row.number}: the time, {time:g} s, {what}.", _FRAMES)
        if abs(hz) > _HIGHEST_HZ:
            raise InvalidAudio(f"{path}, line {row.number}: the frequency, {hz:g} Hz, is not a pitch.", _FRAMES)
        voiced = float(hz > 0 and rest[1] > 0) if len(rest) > 1 else float(hz > 0)
        rows.append((time, abs(hz), rest[0] if rest else 1.0, voiced))
    if not rows:
        raise InvalidAudio(f"{path} holds no frames.", _FRAMES)
    table = np.asarray(rows)
    return PitchTrack(table[:, 0], table[:, 1], table[:, 2], table[:, 3] > 0)


def read_timed_lyrics(path: Path) -> Lyrics:
    """Lyrics in any format of `descant.text`; tables of words (JamendoLyrics, predictions of S19) are `WordsCsvFormat`.

    Raises:
        InputNotFound, TextReadError: The file is not there, is not such a file, or its times run backwards; the message
            names the line.
    """
    if path.suffix.lower() in (".lrc", ".elrc"):
        with_file(path, lambda: require_rising_stamps(lyrics_text(path)))
    lyrics = with_file(path, lambda: read_lyrics(path))
    for before, line in pairwise(line for line in lyrics.lines if line.start_s is not None):
        if (line.start_s or 0.0) < (before.start_s or 0.0):
            raise TextReadError(
                f"{path}: the line {line.text!r} starts at {line.start_s:g} s, before the one above it.", _BACKWARDS
            )
    return lyrics


def _frame(path: Path, row: LabelRow) -> list[float]:
    """Time, frequency and what follows; two to four numbers."""
    values: list[float] = []
    cells = row.cells if len(row.cells) > 1 else (*row.cells, "")
    for field, cell in zip(("time", "frequency", "confidence", "voicing"), cells, strict=False):
        value = finite(cell)
        if value is None:
            raise InvalidAudio(f"{path}, line {row.number}: the {field} is not a finite number.", _FRAMES)
        values.append(value)
    return values


def _listed_chord(path: Path, row: LabelRow) -> TimedChord:
    start, end = (finite(cell) for cell in (*row.cells, "", "")[:2])
    if len(row.cells) != 3 or start is None or end is None:
        raise ScoreReadError(f"{path}, line {row.number}: expected start, end and chord.", "Times are in seconds.")
    if start < 0.0 or end <= start:
        raise ScoreReadError(
            f"{path}, line {row.number}: the chord lasts from {start:g} to {end:g} s.", "Times are seconds from 0."
        )
    try:
        return start, end, Chord.parse(row.cells[2])
    except ScoreReadError as error:
        raise ScoreReadError(f"{path}, line {row.number}: {error.message}", error.hint) from error


def _analysed(path: Path, text: str, pick: Callable[[dict[str, Any]], T]) -> T:
    try:
        return pick(json.loads(text))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError, ScoreReadError) as error:
        field = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise ScoreReadError(f"{path} is not an analysis: {field}.", "Use what `descant analyze` wrote.") from error


def _analysed_chord(table: dict[str, Any]) -> TimedChord:
    return float(table["start_s"]), float(table["end_s"]), Chord.parse(table["chord"])


def _text(path: Path, refused: type[DescantError]) -> str:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise refused(f"{path} is too large for an annotation.", "Check that it is the right file.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise input_error(error, path) from error
    except UnicodeDecodeError as error:
        raise refused(f"{path} is not a text file.", "Save it as UTF-8 in a text editor.") from error
