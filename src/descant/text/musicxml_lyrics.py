"""MusicXML with lyrics: a melody on staves, with a syllable under each note that begins one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from descant.errors import InvalidOption, ScoreReadError, TextReadError
from descant.score.musicxml_reader import score_from_musicxml, unpack
from descant.score.musicxml_writer import score_to_musicxml
from descant.score.notes import HELD, OWN_HYPHEN, Note, Score, Track
from descant.score.tempo import TempoMap
from descant.text.lyrics import Line, Lyrics, SungNote
from descant.text.pieces import Piece, on_one_row, sung_lines, words_of

_MAX_BYTES = 64 * 2**20
_UNPITCHED = 71  # B4, the middle of the staff
_STEP_QUARTERS = 0.25
_VOICE_PROGRAM = 52  # choir aahs: a part of General MIDI, which is not a keyboard's two staves
_LINE_BREAK_QUARTERS = 2.0


@dataclass(frozen=True, slots=True)
class MusicXmlLyricsFormat:
    """A lead sheet in 4/4: a part for each singer, syllables as begin, middle, end or single, melismas extended.

    Times are quantised for reading, to sixteenths (or triplet eighths) at the given tempo: at 120 BPM a start moves by
    up to 63 ms, and syllables that fall on one sixteenth are put on the following ones. Give the song's tempo, and do
    not expect to align by such a file.

    Kept: the text, pitches, syllables and melismas, singers (names of parts), the title; times to the grid. Lost:
    lines (a file is read with a new line after each rest of half a bar), exact times, which words had no notes (they
    stand on B4), confidences, artist, language.

    Attributes:
        tempo_bpm: Quarter notes per minute.
    """

    name: ClassVar[str] = "musicxml"
    suffix: ClassVar[str] = ".lyrics.musicxml"
    other_suffixes: ClassVar[tuple[str, ...]] = (".musicxml", ".mxl", ".xml")

    tempo_bpm: float = 120.0

    def __post_init__(self) -> None:
        if not 10.0 <= self.tempo_bpm <= 1000.0:
            raise InvalidOption(f"A tempo of {self.tempo_bpm:g} BPM is outside 10 to 1000.", "Give beats per minute.")

    def read_bytes(self, data: bytes, name: str) -> Lyrics:
        """Lyrics of the first verse of each part, from .musicxml, .xml or .mxl.

        Raises:
            TextReadError: It is no MusicXML, damaged, or has no words.
        """
        if not data:
            return Lyrics()
        try:
            score = score_from_musicxml(unpack(data, name, max_bytes=_MAX_BYTES), name)
        except ScoreReadError as error:
            raise TextReadError(error.message, error.hint) from error
        sung = [track for track in score.tracks if any(note.lyric for note in track.notes)]
        if not sung:
            raise TextReadError(f"{name} has no words, only notes.", "Choose a score with lyrics.")
        lines = [line for track in sung for line in _lines(track, score.tempo, track.name if len(sung) > 1 else "")]
        return Lyrics(tuple(sorted(lines, key=lambda line: line.start_s or 0.0)))

    def write_bytes(self, lyrics: Lyrics) -> bytes:
        """A .musicxml file.

        Raises:
            TextReadError: A word has no time, or the song is too long to be written as bars.
        """
        lines = sung_lines(lyrics)
        if not lines:
            return b""
        tempo = TempoMap.constant(self.tempo_bpm)
        tracks = []
        for singer in dict.fromkeys(timed.line.singer for timed in lines):
            pieces = [piece for timed in lines if timed.line.singer == singer for piece in timed.pieces]
            tracks.append(Track(on_one_row(singer) or "voice", tuple(_notes(pieces, tempo)), _VOICE_PROGRAM))
        try:
            return score_to_musicxml(Score(tuple(tracks), tempo), title=on_one_row(lyrics.title))
        except InvalidOption as error:
            raise TextReadError(f"The lyrics are no score: {error.message}", error.hint) from error


def _notes(pieces: Sequence[Piece], tempo: TempoMap) -> Iterator[Note]:
    """Notes whose lyrics say with hyphens how words go on, each on a sixteenth of its own."""
    rows: list[tuple[float, float, int, str]] = []
    for index, piece in enumerate(pieces):
        begins = index == 0 or pieces[index - 1].ends_word
        is_odd = piece.text == HELD or "-" in (piece.text[0], piece.text[-1])
        body = f"{OWN_HYPHEN}{piece.text}{OWN_HYPHEN}" if is_odd else piece.text
        lyric = f"{'' if begins else '-'}{body}{'' if piece.ends_word else '-'}"
        sung = piece.spanning_notes or (SungNote(_UNPITCHED, piece.start_s, piece.end_s),)
        for position, note in enumerate(sung):
            start, end = (tempo.quarter(at) for at in (note.start_s, note.end_s))
            rows.append((start, end, note.pitch, HELD if position else lyric))
    at = 0.0
    starts = []
    for start, *_ in rows:
        at = max(round(start / _STEP_QUARTERS) * _STEP_QUARTERS, at)
        starts.append(at)
        at += _STEP_QUARTERS
    for index, (_, end, pitch, lyric) in enumerate(rows):
        start = starts[index]
        until = starts[index + 1] if index + 1 < len(starts) else end
        yield Note(start, max(min(end, until) - start, _STEP_QUARTERS), pitch, lyric=lyric)


def _lines(track: Track, tempo: TempoMap, singer: str) -> Iterable[Line]:
    """Words, with a new line after each long rest."""
    rows: list[list[Piece]] = [[]]
    last_end = 0.0
    for note in track.notes:
        start_s, end_s = tempo.seconds(note.start), tempo.seconds(note.end)
        sung = SungNote(note.pitch, start_s, end_s)
        if not note.lyric:
            # Notes without words right after a syllable hold it on; later ones are hummed.
            if rows[-1] and note.start - last_end < _LINE_BREAK_QUARTERS:
                held = rows[-1][-1]
                rows[-1][-1] = replace(held, end_s=max(held.end_s, end_s), notes=(*held.notes, sung))
                last_end = note.end
            continue
        if rows[-1] and rows[-1][-1].ends_word and note.start - last_end >= _LINE_BREAK_QUARTERS:
            rows.append([])
        goes_on = note.lyric.endswith("-")
        text = note.lyric.removeprefix("-").removesuffix("-").strip(OWN_HYPHEN)
        rows[-1].append(Piece(text, start_s, end_s, not goes_on, (sung,)))
        last_end = note.end
    return [Line(words_of(row), singer=singer) for row in rows if row]
