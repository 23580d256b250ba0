"""Annotations from files, in the units of the metrics: notes, beats, chords, key, pitch and words in seconds.

Every error names the file, and where it can the line and the field. Each reader takes what `descant analyze` and
`descant transcribe` write and the text formats of the usual data sets.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from descant.dsp.pitch import PitchTrack
from descant.errors import DescantError, InvalidAudio, ScoreReadError, TextReadError
from descant.evaluate.chord_metrics import TimedChord
from descant.files import input_error
from descant.score.harmony import Chord, Key
from descant.score.midi import read_midi
from descant.score.tempo import BeatGrid
from descant.text.formats import read_lyrics
from descant.text.lyrics import Line, Lyrics, Word
from descant.transcribe.beats_file import read_beats as read_beat_grid
from descant.transcribe.note_list import ListedNote, listed_notes, read_note_list

T = TypeVar("T")

_LARGEST_BYTES = 64 << 20
_START_NAMES = ("start_s", "start", "word_start", "onset", "time", "time_s")
_END_NAMES = ("end_s", "end", "word_end", "offset")
_WORD_NAMES = ("word", "text", "label")


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
        return _analysed(path, text, lambda table: tuple(_analysed_chord(each) for each in table["chords"]))
    spans: list[TimedChord] = []
    may_be_heading = True
    for number, row in enumerate(text.splitlines(), 1):
        cells = row.replace(",", " ").replace("\t", " ").split()
        if not cells or row.lstrip().startswith("#"):
            continue
        is_heading, may_be_heading = may_be_heading and not _looks_like_number(cells[0]), False
        if is_heading:
            continue
        start, end = (_number(cell) for cell in (*cells, "", "")[:2])
        if len(cells) != 3 or start is None or end is None:
            raise ScoreReadError(f"{path}, line {number}: expected start, end and chord.", "Times are in seconds.")
        try:
            spans.append((start, end, Chord.parse(cells[2])))
        except ScoreReadError as error:
            raise ScoreReadError(f"{path}, line {number}: {error.message}", error.hint) from error
    return tuple(spans)


def read_key(path: Path) -> Key | None:
    """A key from an analysis or a text whose first line names it; "none" or an empty file is no key.

    Raises:
        InputNotFound, ScoreReadError: The file is not there, or names no key.
    """
    text = _text(path, ScoreReadError).strip()
    if text.startswith("{"):
        return _analysed(path, text, lambda table: None if table["key"] is None else Key.parse(table["key"]))
    first = text.splitlines()[0].strip() if text else ""
    if first.lower() in ("", "none", "n", "x", "-"):
        return None
    return with_file(path, lambda: Key.parse(first))


def read_pitch_track(path: Path) -> PitchTrack:
    """Pitch from CSV: time, frequency in Hz, then if given confidence and whether it is voiced.

    Frequencies of 0 or less are unvoiced; where the file has no column for it, all others are voiced. Columns may be
    separated by commas, tabs or spaces; a heading is skipped.

    Raises:
        InputNotFound, InvalidAudio: The file is not there, or is not such a table; the message names the line.
    """
    rows: list[tuple[float, float, float, float]] = []
    for number, row in enumerate(_text(path, InvalidAudio).splitlines(), 1):
        cells = row.replace(",", " ").replace("\t", " ").replace(";", " ").split()
        if not cells or row.lstrip().startswith("#") or (not rows and not _looks_like_number(cells[0])):
            continue
        values = [_number(cell) for cell in cells[:4]]
        if len(values) < 2 or None in values:
            field = "frequency" if len(values) > 1 and values[0] is not None else "time"
            raise InvalidAudio(
                f"{path}, line {number}: the {field} is not a finite number.",
                "Rows are time and frequency; unvoiced is 0.",
            )
        time, hz, *rest = (value for value in values if value is not None)
        confidence = rest[0] if rest else 1.0
        voiced = float(hz > 0 and rest[1] > 0) if len(rest) > 1 else float(hz > 0)
        rows.append((time, abs(hz), confidence, voiced))
    if not rows:
        raise InvalidAudio(f"{path} holds no frames.", "Rows are time and frequency; unvoiced is 0.")
    table = np.asarray(rows)
    return PitchTrack(table[:, 0], table[:, 1], table[:, 2], table[:, 3] > 0)


def read_timed_lyrics(path: Path) -> Lyrics:
    """Lyrics in any format of `descant.text`, or CSV with a heading: a start, and if known an end and the word.

    The heading's names are start_s, start, word_start or onset; end_s, end, word_end or offset; word, text or label
    (JamendoLyrics' word tables are such CSV).

    Raises:
        InputNotFound, TextReadError: The file is not there, or is not such a file; the message names the line.
    """
    if path.suffix.lower() != ".csv":
        return with_file(path, lambda: read_lyrics(path))
    rows = csv.reader(io.StringIO(_text(path, TextReadError)), skipinitialspace=True)
    heading = [name.strip().lower() for name in next(rows, [])]
    start, end, word = (
        next((heading.index(name) for name in names if name in heading), None)
        for names in (_START_NAMES, _END_NAMES, _WORD_NAMES)
    )
    if start is None:
        raise TextReadError(f"{path}, line 1: no column is named as a start.", f"Known: {', '.join(_START_NAMES)}.")
    words = []
    for cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        number = rows.line_num
        begins = _number(cells[start]) if start < len(cells) else None
        ends = _number(cells[end]) if end is not None and end < len(cells) else None
        if begins is None:
            raise TextReadError(f"{path}, line {number}: the start is not a number.", "Times are in seconds.")
        text = cells[word].strip() if word is not None and word < len(cells) else ""
        try:
            words.append(Word(text, begins, ends))
        except TextReadError as error:
            raise TextReadError(f"{path}, line {number}: {error.message}", "Times are in seconds.") from error
    return with_file(path, lambda: Lyrics((Line(tuple(words)),)))


def _analysed(path: Path, text: str, pick: Callable[[dict[str, Any]], T]) -> T:
    try:
        return pick(json.loads(text))
    except (ValueError, KeyError, TypeError, RecursionError, ScoreReadError) as error:
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


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _looks_like_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
