"""`Lyrics`: words as values, with the times at which they are sung."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from descant.errors import TextReadError


@dataclass(frozen=True, slots=True)
class SungNote:
    """A note on which a syllable, or a part of it, is sung.

    Attributes:
        pitch: Semitones, 60 is C4.
        start_s: Where it starts in seconds.
        end_s: Where it ends in seconds.
    """

    pitch: int
    start_s: float
    end_s: float

    def __post_init__(self) -> None:
        if not 0 <= self.pitch <= 127:
            raise TextReadError(f"A sung note has the impossible pitch {self.pitch}.")
        _check_times(f"The note {self.pitch}", self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Syllable:
    """A part of a word that is sung on its own.

    Attributes:
        text: Its letters.
        start_s: Where it starts in seconds; None when unknown.
        end_s: Where it ends in seconds; None when unknown.
        notes: What it is sung on, in order: one note, several in a melisma, none when unknown or spoken.
    """

    text: str
    start_s: float | None = None
    end_s: float | None = None
    notes: tuple[SungNote, ...] = ()

    def __post_init__(self) -> None:
        _check_times(self.text, self.start_s, self.end_s)


@dataclass(frozen=True, slots=True)
class Word:
    """One word.

    Attributes:
        text: The word with its punctuation, without spaces around it.
        start_s: Where it starts in seconds; None when unknown.
        end_s: Where it ends in seconds; None when unknown.
        confidence: 0..1 that it is this word at this time; None when nobody measured it.
        syllables: Its syllables; empty when it is not divided.
    """

    text: str
    start_s: float | None = None
    end_s: float | None = None
    confidence: float | None = None
    syllables: tuple[Syllable, ...] = ()

    def __post_init__(self) -> None:
        _check_times(self.text, self.start_s, self.end_s)
        _check_confidence(self.text, self.confidence)


@dataclass(frozen=True, slots=True)
class Unsung:
    """A word that is written and not sung: it has no times, so it is none of its line's words.

    Attributes:
        text: As written.
        before: Number of the word of its line that it stands before, from 0; as many as the line has for its end.
    """

    text: str
    before: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of words.

    Attributes:
        words: In order; may be empty (a pause that a format marks, or nothing of the line is sung).
        start_s: Where the line starts; None takes the first timed word's start.
        end_s: Where it ends; None takes the last timed word's end.
        singer: Who sings it, where a format tells; may be empty.
        confidence: 0..1 that its words are sung at its times; None when nobody measured it.
        unsung: Words that are written here and not sung, in order.
    """

    words: tuple[Word, ...]
    start_s: float | None = None
    end_s: float | None = None
    singer: str = ""
    confidence: float | None = None
    unsung: tuple[Unsung, ...] = ()

    def __post_init__(self) -> None:
        starts = [w.start_s for w in self.words if w.start_s is not None]
        ends = [w.end_s for w in self.words if w.end_s is not None]
        if self.start_s is None and starts:
            object.__setattr__(self, "start_s", min(starts))
        if self.end_s is None and ends:
            object.__setattr__(self, "end_s", max(ends))
        _check_times(self.text, self.start_s, self.end_s)
        _check_confidence(self.text, self.confidence)
        places = [word.before for word in self.unsung]
        if places != sorted(places) or (places and not 0 <= places[0] <= places[-1] <= len(self.words)):
            raise TextReadError(f"The words of {self.text!r} that are not sung stand in impossible places: {places}.")

    @property
    def text(self) -> str:
        """The words with spaces between them."""
        return " ".join(word.text for word in self.words)

    @property
    def written(self) -> str:
        """The same with the words that are not sung, in their places."""
        texts = [word.text for word in self.words]
        for missing in reversed(self.unsung):
            texts.insert(missing.before, missing.text)
        return " ".join(texts)

    @property
    def has_word_times(self) -> bool:
        """Whether every word has a start."""
        return bool(self.words) and all(word.start_s is not None for word in self.words)


@dataclass(frozen=True, slots=True)
class Lyrics:
    """The words of a song.

    Attributes:
        lines: In order of singing.
        language: Its code ("en"); empty when unknown.
        title: Of the song; may be empty.
        artist: Of the song; may be empty.
    """

    lines: tuple[Line, ...] = ()
    language: str = ""
    title: str = ""
    artist: str = ""

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in order."""
        return tuple(word for line in self.lines for word in line.words)

    @property
    def text(self) -> str:
        """One line of text per line."""
        return "\n".join(line.text for line in self.lines)

    @property
    def written(self) -> str:
        """The same with the words that are not sung, in their places."""
        return "\n".join(line.written for line in self.lines)

    @property
    def is_timed(self) -> bool:
        """Whether every line with words has a start."""
        sung = [line for line in self.lines if line.words]
        return bool(sung) and all(line.start_s is not None for line in sung)

    def with_lines(self, lines: Iterable[Line]) -> Lyrics:
        """The same song with other lines."""
        return replace(self, lines=tuple(lines))

    @classmethod
    def from_text(cls, text: str) -> Lyrics:
        """Untimed lyrics, one line per line of text; blank lines are kept as lines without words."""
        rows = text.strip("\n").split("\n") if text.strip() else []
        return cls(tuple(Line(tuple(Word(word) for word in row.split())) for row in rows))


def _check_times(text: str, start_s: float | None, end_s: float | None) -> None:
    for value in (start_s, end_s):
        if value is not None and not 0.0 <= value < 1e7:
            raise TextReadError(f"{text!r} has an impossible time: {value} s.", "Times are seconds from 0 on.")
    if start_s is not None and end_s is not None and end_s < start_s:
        raise TextReadError(f"{text!r} ends at {end_s} s, before it starts at {start_s} s.")


def _check_confidence(text: str, confidence: float | None) -> None:
    if confidence is not None and not 0.0 <= confidence <= 1.0:
        raise TextReadError(f"The confidence of {text!r} must lie between 0 and 1; got {confidence}.")
