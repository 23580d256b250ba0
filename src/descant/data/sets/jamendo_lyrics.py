"""JamendoLyrics 1.1 (Stoller et al. 2019, Durand et al. 2023): songs in four languages with every word timed.

It exists to test alignment: all of its songs are "test". One row of `annotations/words` is one word of
`lyrics/<name>.words.txt`; the last word of a line carries the line's end.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from descant.data.sets.dataset import Dataset
from descant.data.sets.item import AudioRef, Facts, Item, Later, Split, known
from descant.data.sets.layout import number, read_csv, read_text, wrong_folder
from descant.errors import TextReadError
from descant.text.lyrics import Line, Lyrics, Word

INDEX = "JamendoLyrics.csv"
FLAGS = ("LyricOverlap", "Polyphonic", "NonLexical")
LANGUAGE_CODES = {"English": "en", "German": "de", "Spanish": "es", "French": "fr"}


class JamendoLyrics(Dataset):
    """The folder with JamendoLyrics.csv, mp3/, lyrics/ and annotations/words/."""

    name = "jamendo-lyrics"
    title = "JamendoLyrics"

    @property
    def splits(self) -> tuple[Split, ...]:
        """Only "test"."""
        return ("test",)

    def _open(self) -> None:
        if not (self.root / INDEX).is_file():
            raise wrong_folder(self.title, self.root, f"{INDEX}, mp3/, lyrics/ and annotations/words/")

    def _read(self, split: Split | None) -> Iterator[Item]:
        assert split in (None, "test")
        index = self.root / INDEX
        columns = ("Filepath", "Artist", "Title", "Genre", "LicenseType", "Language", *FLAGS)
        for row in sorted(read_csv(index, columns), key=lambda row: row["Filepath"]):
            name = row["Filepath"].removesuffix(".mp3")
            if not name or Path(name).name != name:
                raise TextReadError(f"{index}: {row['Filepath'][:60]!r} names no song.", "Download it again.")
            text = self.root / "lyrics" / f"{name}.words.txt"
            times = self.root / "annotations" / "words" / f"{name}.csv"
            language = row["Language"]
            yield Item(
                id=name,
                dataset=self.name,
                split="test",
                mix=AudioRef(self.root / "mp3" / f"{name}.mp3"),
                lyrics=Later(
                    read_timed_words, (text, times, LANGUAGE_CODES.get(language, ""), row["Title"], row["Artist"])
                ),
                genre=known(row["Genre"]),
                facts=Facts(
                    title=row["Title"],
                    artist=row["Artist"],
                    language=language,
                    licence=row["LicenseType"],
                    tags=tuple(flag for flag in FLAGS if row[flag].strip().lower() == "true"),
                ),
            )


def read_timed_words(text: Path, times: Path, language: str = "", title: str = "", artist: str = "") -> Lyrics:
    """Words with their times, in lines.

    Args:
        text: One word per line.
        times: CSV of word_start, word_end, line_end in seconds; line_end is nan but on the last word of a line. The
            first edition (tag `original`) has no word_end: there only the last word of a line has an end.
        language: Its code.
        title: Of the song.
        artist: Of the song.

    Raises:
        TextReadError: The files have different numbers of words, or times go backwards.
    """
    words = [line.strip() for line in read_text(text).splitlines() if line.strip()]
    rows = read_csv(times, ("word_start", "line_end"))
    if len(words) != len(rows):
        raise TextReadError(f"{text} has {len(words)} words, {times} {len(rows)}.", "Download both again.")
    lines: list[Line] = []
    line: list[Word] = []
    last = 0.0
    for word, row in zip(words, rows, strict=True):
        start = number(row["word_start"], times, "word_start")
        line_end = _float_or_nan(row["line_end"])
        end = number(row["word_end"], times, "word_end") if "word_end" in row else _known(line_end)
        if start < last or (end is not None and end < start):
            raise TextReadError(f"{times}: {word!r} at {start} s goes backwards.", "Download it again.")
        last = start
        line.append(Word(word, start, end))
        if not math.isnan(line_end):
            lines.append(Line(tuple(line)))
            line = []
    if line:
        lines.append(Line(tuple(line)))
    return Lyrics(tuple(lines), language, title, artist)


def _float_or_nan(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _known(seconds: float) -> float | None:
    return None if math.isnan(seconds) else seconds
