r"""MIDI files with lyric events: what karaoke players and notation programs sing from.

Written after RP-017 of the MIDI Manufacturers Association: one lyric event a syllable, a space after the end of each
word, a carriage return at the end of each line. Read: that, text events of .kar files (a space before each word, `/`
before a line, `\` before a verse), and `Hal-`, `le-`, `lu` where a file has neither spaces nor line ends.

A MIDI file does not say how its letters are written. RP-017 knows ASCII alone, RP-026 takes Latin-1 for granted, and
players on Windows take the system's code page; newer programs try UTF-8 first. So quotation marks, dashes and dots are
those of ASCII, and the rest is Windows-1252 where that has every letter of the song, else UTF-8.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from descant.errors import InvalidOption, ScoreReadError, TextReadError
from descant.score.smf import (
    META,
    META_LYRIC,
    META_NAME,
    META_TEMPO,
    META_TEXT,
    NOTE_OFF,
    NOTE_ON,
    Event,
    MidiFile,
    format_midi,
    parse_midi,
)
from descant.score.tempo import TempoMap
from descant.text.lyrics import Line, Lyrics, SungNote, Word
from descant.text.pieces import Piece, TimedLine, on_one_row, spaced_pieces, sung_lines, words_of
from descant.text.protocol import require_size

_TICKS = 960
_VELOCITY = 80
_UNKNOWN = "Unknown"
_MOST_TICKS = 0x0FFFFFFF  # what a delta time holds
_TOGETHER_S = 1e-3
_EARLY_S = 0.03
"""A note may start this much before its syllable: some programs write the event after the note."""

ASCII_SIGNS = str.maketrans(
    dict.fromkeys("‘’‚‛′", "'") | dict.fromkeys("“”„‟″", '"') | dict.fromkeys("‐‑‒–—", "-") | {"…": "..."}
)
"""Quotation marks, dashes and dots as every player shows them; a table for `str.translate`."""

_LIKE_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


@dataclass(frozen=True, slots=True)
class MidiLyricsFormat:
    """A type 1 MIDI file: a track with the tempo, and one for each singer with notes and lyric events.

    Times are on a grid of 960 ticks a quarter: about half a millisecond at 120 BPM. A syllable starts with its first
    note and ends with its last one.

    Kept: the text (with the quotation marks and dashes of ASCII), lines, starts of syllables, notes with pitch, start
    and end, ends of syllables that have notes, singers where there are several (names of tracks), title and artist (as
    .kar files have them: `@T`). Lost: starts and ends of lines (they are those of their words), ends of syllables
    without notes, pauses within a syllable at its ends, confidences, language.

    Attributes:
        tempo_bpm: Quarter notes per minute.
    """

    name: ClassVar[str] = "midi"
    suffix: ClassVar[str] = ".lyrics.mid"
    other_suffixes: ClassVar[tuple[str, ...]] = (".mid", ".midi", ".kar")

    tempo_bpm: float = 120.0

    def __post_init__(self) -> None:
        if not 4.0 <= self.tempo_bpm <= 10_000.0:  # a tempo event holds at least 3.58 BPM
            raise InvalidOption(f"A tempo of {self.tempo_bpm:g} BPM is outside 4 to 10000.", "Give beats per minute.")

    def read_bytes(self, data: bytes, name: str) -> Lyrics:
        """Lyrics from a MIDI or .kar file; lines of several tracks by start.

        Raises:
            TextReadError: It is no MIDI file, or damaged.
        """
        if not data:
            return Lyrics()
        require_size(len(data), name)
        try:
            file = parse_midi(data, name)
            tempo = _tempo(file)
        except ScoreReadError as error:
            raise TextReadError(error.message, error.hint) from error
        sources = [_TrackLyrics.of(events, tempo, file.ticks_per_quarter) for events in file.tracks]
        has_lyrics = any(source.lyrics for source in sources)
        lines = [line for source in sources for line in _lines(source, sources, is_kar=not has_lyrics)]
        if not lines:
            raise TextReadError(f"{name} has no words, only notes.", "Choose a MIDI file with lyric events.")
        titles = [text[2:].strip() for source in sources for _, text in source.texts if text.startswith("@T")]
        title, artist = ("" if each == _UNKNOWN else each for each in (*titles, "", "")[:2])
        return Lyrics(tuple(sorted(lines, key=lambda line: line.start_s or 0.0)), title=title, artist=artist)

    def write_bytes(self, lyrics: Lyrics) -> bytes:
        """A MIDI file.

        Raises:
            TextReadError: A word has no time, or the song is too long for the format (some days).
        """
        lines = sung_lines(lyrics)
        if not lines:
            return b""
        conductor = [Event(0, META, META_TEMPO, round(60e6 / self.tempo_bpm).to_bytes(3, "big"))]
        title, artist = on_one_row(lyrics.title), on_one_row(lyrics.artist)
        titles = (title or _UNKNOWN, artist) if artist else (title,)  # the first is the title, whatever it says
        encoding = midi_encoding([lyrics.text, *titles, *(timed.line.singer for timed in lines)])
        conductor += [Event(0, META, META_TEXT, midi_text(f"@T{each}", encoding)) for each in titles if each]
        voices = {
            singer: [t for t in lines if t.line.singer == singer]
            for singer in dict.fromkeys(t.line.singer for t in lines)
        }
        tracks = [conductor, *(self._track(on_one_row(singer), sung, encoding) for singer, sung in voices.items())]
        if max(event.tick for track in tracks for event in track) > _MOST_TICKS:
            raise TextReadError("The lyrics are too long for a MIDI file.", "Look for a time that is wrong.")
        return format_midi(tracks, _TICKS)

    def _track(self, singer: str, lines: Sequence[TimedLine], encoding: str) -> list[Event]:
        events: list[tuple[int, int, Event]] = []  # at one tick: notes end, words are sung, notes start
        for timed in lines:
            for index, piece in enumerate(timed.pieces):
                is_last = index + 1 == len(timed.pieces)
                mark = "\r" if is_last else " " if piece.ends_word else ""
                at = self._tick(piece.start_s)
                events.append((at, 1, Event(at, META, META_LYRIC, midi_text(piece.text + mark, encoding))))
                for note in piece.spanning_notes:
                    start = self._tick(note.start_s)
                    end = max(self._tick(note.end_s), start + 1)
                    events.append((end, 0, Event(end, NOTE_OFF, 0, bytes((note.pitch, 64)))))
                    events.append((start, 2, Event(start, NOTE_ON, 0, bytes((note.pitch, _VELOCITY)))))
        name = [Event(0, META, META_NAME, midi_text(singer, encoding))] if singer else []
        return [*name, *(event for _, _, event in sorted(events, key=lambda e: e[:2]))]

    def _tick(self, seconds: float) -> int:
        per_quarter_s = round(60e6 / self.tempo_bpm) / 1e6  # as the file will say
        return round(seconds * _TICKS / per_quarter_s)


def midi_encoding(texts: Iterable[str]) -> str:
    """How a file's texts are written: "cp1252" where it has their letters, and nobody could take them for UTF-8."""
    try:
        data = midi_text("\n".join(texts), "cp1252")
    except UnicodeEncodeError:
        return "utf-8"
    return "utf-8" if _LIKE_UTF8.search(data) else "cp1252"


def midi_text(text: str, encoding: str) -> bytes:
    """The text of an event, in what `midi_encoding` found for the file."""
    plain = text.translate(ASCII_SIGNS)
    return plain.encode(encoding, errors="replace" if encoding == "utf-8" else "strict")


@dataclass(frozen=True, slots=True)
class _TrackLyrics:
    """What one track has, with times in seconds.

    Attributes:
        name: Of the track.
        lyrics: Lyric events.
        texts: Text events.
        notes: By start.
    """

    name: str
    lyrics: tuple[tuple[float, str], ...]
    texts: tuple[tuple[float, str], ...]
    notes: tuple[SungNote, ...]

    @classmethod
    def of(cls, events: Sequence[Event], tempo: TempoMap, ticks_per_quarter: float) -> _TrackLyrics:
        seconds = [float(s) for s in tempo.seconds_at([event.tick / ticks_per_quarter for event in events])]
        found: dict[int, list[tuple[float, str]]] = {META_LYRIC: [], META_TEXT: [], META_NAME: []}
        sounding: dict[tuple[int, int], float] = {}
        notes: list[SungNote] = []
        for event, at in zip(events, seconds, strict=True):
            if event.status == META and event.channel in found:
                found[event.channel].append((at, _text(event.data)))
            elif event.status in (NOTE_ON, NOTE_OFF):
                key = event.channel, event.data[0]
                begun = sounding.pop(key, None)
                if begun is not None:
                    notes.append(SungNote(event.data[0], begun, at))
                if event.status == NOTE_ON and event.data[1]:
                    sounding[key] = at
        name = next((on_one_row(text) for _, text in found[META_NAME]), "")
        notes.sort(key=lambda note: (note.start_s, note.pitch))
        return cls(name, tuple(found[META_LYRIC]), tuple(found[META_TEXT]), tuple(notes))


def _tempo(file: MidiFile) -> TempoMap:
    if file.is_smpte:
        return TempoMap.constant(120.0)
    tempi = {
        event.tick / file.ticks_per_quarter: 60e6 / max(int.from_bytes(event.data, "big"), 1)
        for events in file.tracks
        for event in events
        if event.status == META and event.channel == META_TEMPO and len(event.data) == 3
    }
    return TempoMap.from_tempi([(0.0, 120.0), *tempi.items()] if min(tempi, default=1.0) > 0 else tempi.items())


def _lines(source: _TrackLyrics, sources: Sequence[_TrackLyrics], *, is_kar: bool) -> Iterable[Line]:
    """The lines of one track; its notes, or those of the only other track that could be meant."""
    found = [(at, text) for at, text in source.texts if not text.startswith("@")] if is_kar else source.lyrics
    rows = _rows(found, is_kar=is_kar)
    notes = source.notes or _melody([at for row in rows for at, _ in row], sources)
    starts = [note.start_s for note in notes]
    onsets = sorted(at for row in rows for at, _ in row)
    singer = source.name if sum(bool(each.lyrics) for each in sources) > 1 else ""
    for row in rows:
        chunks = []
        for at, text in row:
            after = bisect_right(onsets, at)
            until = onsets[after] if after < len(onsets) else float("inf")
            sung = notes[bisect_left(starts, _opening(at, starts)) : bisect_left(starts, _opening(until, starts))]
            sung = tuple(replace(n, start_s=min(max(n.start_s, at), n.end_s)) for n in sung)
            end = max((note.end_s for note in sung), default=at)
            chunks.append(Piece(text, at, max(end, at), ends_word=False, notes=sung))
        if words := tuple(_without_guessed_ends(word) for word in words_of(spaced_pieces(chunks))):
            yield Line(words, singer=singer)


def _opening(at: float, starts: Sequence[float]) -> float:
    """From when on notes belong to the syllable at `at`: a little earlier, unless one starts with it."""
    near = bisect_left(starts, at - _TOGETHER_S)
    starts_with_it = near < len(starts) and starts[near] <= at + _TOGETHER_S
    return at - (_TOGETHER_S if starts_with_it else _EARLY_S)


def _without_guessed_ends(word: Word) -> Word:
    """Without notes nobody knows how long a syllable is sung."""
    syllables = tuple(each if each.notes else replace(each, end_s=None) for each in word.syllables)
    has_end = bool(syllables) and bool(syllables[-1].notes)
    return replace(word, end_s=word.end_s if has_end else None, syllables=syllables)


def _melody(onsets: Sequence[float], sources: Sequence[_TrackLyrics]) -> tuple[SungNote, ...]:
    """The notes of the track that starts a note with most syllables; none when it is fewer than half of them."""
    best: tuple[SungNote, ...] = ()
    most = len(onsets) / 2.0
    for source in sources:
        starts = [note.start_s for note in source.notes]
        hits = sum(bisect_left(starts, at - _EARLY_S) < bisect_right(starts, at + _EARLY_S) for at in onsets)
        if hits > most:
            best, most = source.notes, hits
    return best


def _rows(found: Sequence[tuple[float, str]], *, is_kar: bool) -> list[list[tuple[float, str]]]:
    """Syllables by lines, with spaces where words end, whichever of the conventions the file has."""
    has_spaces = is_kar or any(set(text) & set(" \r\n") for _, text in found)
    has_hyphens = any("-" in (text[:1], text.rstrip()[-1:]) for _, text in found if len(text.strip()) > 1)
    rows: list[list[tuple[float, str]]] = [[]]
    for at, text in found:
        if is_kar and text[:1] in ("/", "\\"):
            rows.append([])
            text = text[1:]
        if text[:1] in ("\r", "\n") and text.strip():
            rows.append([])
        body = text.strip("\r\n")
        if not has_spaces:
            body = _unhyphenated(body.strip()) if has_hyphens else body + " "
        if body:
            rows[-1].append((at, body))
        if text[-1:] in ("\r", "\n"):
            rows.append([])
    return [row for row in rows if any(text.strip() for _, text in row)]


def _unhyphenated(text: str) -> str:
    """A syllable of the convention `Hal- -le- -lu- -ja` or `Hal- le- lu- ja`, with a space where a word ends."""
    goes_on = text.endswith("-") and len(text) > 1
    body = text[:-1] if goes_on else text + " "
    return body[1:] if body.startswith("-") and len(body.strip()) > 1 else body


def _text(data: bytes) -> str:
    r"""A meta event's text; \r and \n mean something here, so they stay as they are."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
