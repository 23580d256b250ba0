"""Lyrics as JSON, with everything that is known."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from descant.errors import TextReadError
from descant.text.lyrics import Line, Lyrics, Syllable, Word

_VERSION = 1


class JsonFormat:
    """Descant's own: lines of words of syllables, with times and confidences."""

    name: ClassVar[str] = "json"
    suffix: ClassVar[str] = ".json"

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
        if table.get("version", _VERSION) != _VERSION:
            raise TextReadError(
                f"The lyrics are of version {table['version']}; this Descant reads {_VERSION}.", "Update Descant."
            )
        try:
            lines = tuple(_line(each) for each in table["lines"])
            return Lyrics(lines, *(str(table.get(key, "")) for key in ("language", "title", "artist")))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
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
    table = _known({"start_s": line.start_s, "end_s": line.end_s, "singer": line.singer or None, "text": line.text})
    table["words"] = [
        _known(
            {
                "text": word.text,
                "start_s": word.start_s,
                "end_s": word.end_s,
                "confidence": word.confidence,
                "syllables": [_known({"text": s.text, "start_s": s.start_s, "end_s": s.end_s}) for s in word.syllables]
                or None,
            }
        )
        for word in line.words
    ]
    return table


def _known(table: dict[str, Any]) -> dict[str, Any]:
    return {key: round(v, 4) if isinstance(v, float) else v for key, v in table.items() if v is not None}


def _line(table: dict[str, Any]) -> Line:
    words = tuple(
        Word(
            str(word["text"]),
            _number(word.get("start_s")),
            _number(word.get("end_s")),
            _number(word.get("confidence")),
            tuple(
                Syllable(str(s["text"]), _number(s.get("start_s")), _number(s.get("end_s")))
                for s in word.get("syllables", ())
            ),
        )
        for word in table["words"]
    )
    return Line(words, _number(table.get("start_s")), _number(table.get("end_s")), str(table.get("singer", "")))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
