"""Songs whose words are timed: what alignment is measured on, from the layouts such songs come in.

A folder is one of these: JamendoLyrics (either edition, with or without its audio), a set that `descant data band`
made, or files side by side: `NAME.mp3`, `NAME.txt` and `NAME.reference.json` (or any other suffixes).
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from descant.audio.formats import AUDIO_SUFFIXES
from descant.data.band.folder import ABOUT
from descant.data.sets.band_set import BandSet
from descant.data.sets.item import AudioRef, Later, Split
from descant.data.sets.jamendo_lyrics import FLAGS, INDEX, LANGUAGE_CODES
from descant.data.sets.jamendo_lyrics import read_timed_words as read_jamendo
from descant.data.sets.layout import read_csv
from descant.errors import InputNotFound, InvalidOption, TextReadError
from descant.evaluate.pairs import Matching, match_folders, match_names
from descant.evaluate.readers import read_timed_lyrics, with_file
from descant.text.formats import FORMATS, read_lyrics
from descant.text.lyrics import Line, Lyrics

SUFFIXES = frozenset({f".{each.suffix.rpartition('.')[2]}" for each in FORMATS.values()} | {".csv"}) - {".txt"}
"""Files that may hold timed words; plain text never does."""

ENDINGS = (".reference", ".words", ".lyrics", "_align")
"""Kinds that names may end with: `song.reference.json` and `song_align.csv` are both `song`."""

_WORDS = Path("annotations", "words")
_REFERENCE = ".reference"


@dataclass(frozen=True, slots=True)
class TimedSong:
    """A song with its true word times; nothing is read before it is asked for.

    Attributes:
        name: Unique in its set.
        source: The file that holds the truth, for messages.
        reference: The words with their times.
        text: What an aligner is given; None is the reference without its times.
        audio: The recording; None where only the words are at hand.
        language: Its code; empty when the set does not say.
        kinds: What else the set says of it: its genre, and what is hard about it ("Polyphonic").
    """

    name: str
    source: Path
    reference: Later[Lyrics]
    text: Later[Lyrics] | None = None
    audio: AudioRef | None = None
    language: str = ""
    kinds: tuple[str, ...] = ()


def song_set(root: Path, *, split: Split | None = None) -> tuple[TimedSong, ...]:
    """All songs of a folder with timed words, sorted by name.

    Args:
        root: The folder, in one of the layouts above.
        split: Of a band: only the songs of this split.

    Raises:
        InputNotFound: It is not there or holds no such songs.
        InvalidOption: A split is asked for that the set does not have, or two references have one name.
        TextReadError: Its index is damaged.
    """
    if not root.is_dir():
        raise InputNotFound(f"{root} is no folder.", "Give a folder with songs, lyrics and references.")
    if (root / ABOUT).is_file():
        return tuple(_band(root, split))
    if split is not None:
        raise InvalidOption(f"{root} is not divided into splits.", "Leave --split out; only sets of a band have them.")
    songs = tuple(_jamendo(root) if (root / _WORDS).is_dir() else _side_by_side(root))
    if not songs:
        raise InputNotFound(
            f"{root} holds no songs with timed words.",
            "Expected JamendoLyrics, a set of `descant data band`, or NAME.mp3, NAME.txt and NAME.reference.json.",
        )
    return songs


def reference_songs(reference: Path, estimate: Path) -> tuple[tuple[TimedSong, ...], Matching]:
    """The songs of a reference, each with the file of an estimate that belongs to it.

    Args:
        reference: A song set (see `song_set`), a folder of lyrics files, or one such file.
        estimate: A folder of lyrics files whose names are those of the songs, or one file.

    Raises:
        InputNotFound: A file is missing, or has no partner; the message names it.
        InvalidOption: Two files of one folder have the same name, or a folder stands against a file.
    """
    if reference.is_dir() and estimate.exists() and _is_set(reference):
        songs = song_set(reference)
        return songs, match_names({song.name: song.source for song in songs}, estimate, SUFFIXES, endings=ENDINGS)
    matching = match_folders(reference, estimate, SUFFIXES, endings=ENDINGS)
    songs = tuple(
        TimedSong(
            pair.name, pair.reference, Later(read_timed_lyrics, (pair.reference,)), audio=_audio_beside(pair.reference)
        )
        for pair in matching.pairs
    )
    return songs, matching


def read_reference(times: Path, text: Path | None) -> Lyrics:
    """The true words of a song beside its recording.

    Args:
        times: Lyrics with times, or a table of word starts alone.
        text: The words, for a table that has none: one time a word, in order.

    Raises:
        TextReadError: The table has another number of words than the text, or one of them is damaged.
    """
    timed = with_file(times, lambda: read_timed_lyrics(times))
    if text is None or any(word.text for word in timed.words):
        return timed
    written = with_file(text, lambda: read_lyrics(text))
    if len(written.words) != len(timed.words):
        raise TextReadError(
            f"{times} times {len(timed.words)} words, {text} has {len(written.words)}.",
            "Write one row for each word of the text.",
        )
    stamps = iter(timed.words)
    lines = (
        Line(tuple(replace(next(stamps), text=word.text) for word in line.words), singer=line.singer)
        for line in written.lines
    )
    return written.with_lines(lines)


def _is_set(folder: Path) -> bool:
    return (
        (folder / ABOUT).is_file()
        or (folder / _WORDS).is_dir()
        or next(folder.rglob(f"*{_REFERENCE}.*"), None) is not None
    )


def _band(root: Path, split: Split | None) -> Iterator[TimedSong]:
    for item in BandSet(root).items(split):
        if item.lyrics is None or item.mix is None:
            continue
        source = next(value for value in item.lyrics.arguments if isinstance(value, Path))
        yield TimedSong(
            item.id,
            source,
            item.lyrics,
            audio=item.mix,
            language=item.facts.language,
            kinds=(item.genre(),) if item.genre else (),
        )


def _jamendo(root: Path) -> Iterator[TimedSong]:
    index = root / INDEX
    rows: Mapping[str, Mapping[str, str]] = {}
    if index.is_file():
        rows = {row["Filepath"].removesuffix(".mp3"): row for row in read_csv(index, ("Filepath",))}
    for times in sorted((root / _WORDS).glob("*.csv")):
        name, row = times.stem, rows.get(times.stem, {})
        text, audio = root / "lyrics" / f"{name}.words.txt", root / "mp3" / f"{name}.mp3"
        language = LANGUAGE_CODES.get(row.get("Language", ""), "")
        about = (language, row.get("Title", ""), row.get("Artist", ""))
        flags = tuple(flag for flag in FLAGS if row.get(flag, "").strip().lower() == "true")
        yield TimedSong(
            name,
            times,
            Later(read_jamendo, (text, times, *about)) if text.is_file() else Later(read_timed_lyrics, (times,)),
            audio=AudioRef(audio) if audio.is_file() else None,
            language=language,
            kinds=(*((row["Genre"],) if row.get("Genre") else ()), *flags),
        )


def _side_by_side(root: Path) -> Iterator[TimedSong]:
    seen: dict[str, Path] = {}
    for times in sorted(path for path in root.rglob(f"*{_REFERENCE}.*") if path.suffix.lower() in SUFFIXES):
        name = times.relative_to(root).with_suffix("").as_posix().removesuffix(_REFERENCE)
        if name in seen:
            raise InvalidOption(f"{seen[name]} and {times} have the same name.", "Keep one of them.")
        seen[name] = times
        text = times.with_name(f"{Path(name).name}.txt")
        written = text if text.is_file() else None
        yield TimedSong(
            name,
            times,
            Later(read_reference, (times, written)),
            text=None if written is None else Later(read_lyrics, (written,)),
            audio=_audio_beside(times),
        )


def _audio_beside(times: Path) -> AudioRef | None:
    """The recording of the same name in the same folder."""
    name = times.stem
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    found = sorted(p for p in times.parent.glob(f"{glob.escape(name)}.*") if p.suffix.lower() in AUDIO_SUFFIXES)
    return next((AudioRef(path) for path in found if path.stem == name), None)
