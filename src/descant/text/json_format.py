"""Lyrics as JSON, with everything that is known."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from descant.errors import TextReadError
from descant.text.lyrics import Line, Lyrics, SungNote, Syllable, Unsung, Word
from descant.text.protocol import WORDY_BYTES, TextFormat

_VERSION = 2
_READ = (1, 2)
"""Version 1 had no sung notes and no confidence of lines; what it has means the same."""


class JsonFormat(TextFormat):
    """Descant's own: lines of words of syllables of notes, with times and confidences.

    Kept: everything, also words that are written and not sung; times and confidences to four decimals (a tenth of a
    millisecond).
    """

    name: ClassVar[str] = "json"
    suffix: ClassVar[str] = ".json"
    largest_bytes: ClassVar[int] = WORDY_BYTES

    def read(self, text: str) -> Lyrics:
        """Lyrics from JSON.

        Raises:
            TextReadError: It is not JSON, or not of this shape.
        """
        try:
            table = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise TextReadError("The lyrics file is not JSON.", "Check that it was saved whole.") from error
        if not isinstance(table, dict) or not isinstance(table.get("lines"), list):
            raise TextReadError('The JSON holds no lyrics: "lines" is missing.', "Is it another program's file?")
        if table.get("version", 1) not in _READ:
            raise TextReadError(
                f"The lyrics are of version {table['version']}; this Descant reads up to {_VERSION}.", "Update Descant."
            )
        try:
            lines = tuple(_line(each) for each in table["lines"])
            return Lyrics(lines, *(_text(table.get(key, "")) for key in ("language", "title", "artist")))
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            raise TextReadError(f"The JSON's lyrics are damaged ({error}).", "Write the file again.") from error

    def write(self, lyrics: Lyrics) -> str:
        """JSON with one entry per line; what is unknown is left out."""
        table: dict[str, Any] = {"version": _VERSION}
        table.update(
            {k: v for k, v in (("language", lyrics.language), ("title", lyrics.title), ("artist", lyrics.artist)) if v}
        )
        table["lines"] = [_line_table(line) for line in lyrics.lines]
        return json.dumps(table, ensure_ascii=False, indent=1) + "\n"


def _line_table(line: Line) -> dict[str, Any]:
    table = _known(
        {
            "start_s": line.start_s,
            "end_s": line.end_s,
            "confidence": line.confidence,
            "singer": line.singer or None,
            "text": line.text,
        }
    )
    table["words"] = [_word_table(word) for word in line.words]
    if line.unsung:
        table["unsung"] = [{"text": word.text, "before": word.before} for word in line.unsung]
    return table


def _word_table(word: Word) -> dict[str, Any]:
    return _known(
        {
            "text": word.text,
            "start_s": word.start_s,
            "end_s": word.end_s,
            "confidence": word.confidence,
            "syllables": [_syllable_table(each) for each in word.syllables] or None,
        }
    )


def _syllable_table(syllable: Syllable) -> dict[str, Any]:
    notes = [_known({"pitch": n.pitch, "start_s": n.start_s, "end_s": n.end_s}) for n in syllable.notes]
    return _known({"text": syllable.text, "start_s": syllable.start_s, "end_s": syllable.end_s, "notes": notes or None})


def _known(table: dict[str, Any]) -> dict[str, Any]:
    return {key: round(v, 4) if isinstance(v, float) else v for key, v in table.items() if v is not None}


def _line(table: dict[str, Any]) -> Line:
    return Line(
        tuple(_word(word) for word in table["words"]),
        _number(table.get("start_s")),
        _number(table.get("end_s")),
        _text(table.get("singer", "")),
        _number(table.get("confidence")),
        tuple(Unsung(_text(each["text"]), _whole(each["before"])) for each in table.get("unsung", ())),
    )


def _word(table: dict[str, Any]) -> Word:
    return Word(
        _text(table["text"]),
        _number(table.get("start_s")),
        _number(table.get("end_s")),
        _number(table.get("confidence")),
        tuple(_syllable(each) for each in table.get("syllables", ())),
    )


def _syllable(table: dict[str, Any]) -> Syllable:
    return Syllable(
        _text(table["text"]),
        _number(table.get("start_s")),
        _number(table.get("end_s")),
        tuple(_note(each) for each in table.get("notes", ())),
    )


def _note(table: dict[str, Any]) -> SungNote:
    return SungNote(_whole(table["pitch"]), float(table["start_s"]), float(table["end_s"]))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"a whole number says {value!r}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text says {value!r}")
    return value
