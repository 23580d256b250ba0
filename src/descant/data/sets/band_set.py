"""The sets that `descant data band` makes, as a `Dataset`: by MUSDB's four stems, or by single parts.

Every item is rendered from its score, so its labels are exact. What an item holds is said in its own `item.json`; the
Parquet index is not needed to read a set.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from descant.data.band.folder import ABOUT, F0, LABELS, SCORE, items_of
from descant.data.band.item import STEMS
from descant.data.band.labels import F0_HOP_S
from descant.data.sets.dataset import Dataset
from descant.data.sets.item import SPLITS, AudioRef, Facts, Item, Later, Split, Stem, TimedChord, known, pitch_track
from descant.data.sets.layout import read_json, wrong_folder
from descant.dsp.pitch import PitchTrack
from descant.errors import DescantError, TextReadError
from descant.score.harmony import Chord, Key
from descant.score.midi import read_midi
from descant.score.tempo import BeatGrid
from descant.text.lyrics import Line, Lyrics, Syllable, Word

_PARTS = "parts/"
_NEVER_EMPTY = ("beats", "chords")
_AGAIN = "Remove the item's folder and build the set again."

T = TypeVar("T")


class BandSet(Dataset):
    """A folder that `descant data band -o` filled: mixture, vocals, drums, bass, other, and every label.

    The four stems sum to the mixture to the last bit.
    """

    name = "band"
    title = "a synthetic band"

    @property
    def splits(self) -> tuple[Split, ...]:
        """Those that at least one item is in: a small set may lack one."""
        found = {_value(labels, path, "split", str) for path, labels in self._labels()}
        return tuple(split for split in SPLITS if split in found)

    def _open(self) -> None:
        if not (self.root / ABOUT).is_file() or next(items_of(self.root), None) is None:
            raise wrong_folder(self.title, self.root, f"{ABOUT} and items/0000/0000000/{LABELS}")

    def _labels(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        for folder in items_of(self.root):
            yield folder / LABELS, _read_labels(folder / LABELS)

    def _read(self, split: Split | None) -> Iterator[Item]:
        for path, labels in self._labels():
            place = _value(labels, path, "split", str)
            if place not in SPLITS:
                raise TextReadError(f"{path}: split is {place!r}.", _AGAIN)
            if split in (None, place):
                yield self._item(path, labels, next(each for each in SPLITS if each == place))

    def _item(self, path: Path, labels: Mapping[str, Any], split: Split) -> Item:
        sung = None if labels.get("singer") is None else _value(labels, path, "singer", dict)
        return Item(
            id=path.parent.name,
            dataset=self.name,
            split=split,
            mix=AudioRef(path.parent / _file(labels, path, STEMS[0])),
            stems=tuple(self._stems(path, labels)),
            score=Later(read_midi, (path.parent / SCORE,)),
            beats=Later(read_beats, (path,)),
            chords=Later(read_chords, (path,)),
            key=None if labels.get("key") is None else Later(read_key, (path,)),
            tempo_bpm=known(_made(path, "bpm", lambda: _number(_value(labels, path, "bpm", (int, float))))),
            melody=None if sung is None else Later(read_f0, (path.parent / F0,)),
            lyrics=None if sung is None else Later(read_words, (path,)),
            captions=known((_value(labels, path, "caption", str),)),
            genre=known(_value(labels, path, "style", str)),
            facts=Facts(
                title=_value(labels, path, "song", str),
                artist="" if sung is None else str(sung.get("id", "")),
                language=_value(labels, path, "language", str),
                licence="" if sung is None else str(sung.get("licence", "")),
            ),
        )

    def _stems(self, path: Path, labels: Mapping[str, Any]) -> Iterator[Stem]:
        for name in STEMS[1:]:
            yield Stem(name, AudioRef(path.parent / _file(labels, path, name)), is_drum=name == "drums")


class BandParts(BandSet):
    """The same folder by single parts: the lead voice wet and dry, the backing voices, every instrument.

    All of them are as loud as they are in the mix. `lead_dry`, the lead before equaliser, compressor and room, stands
    beside `lead` and is not in the sum of the others, which is the mixture.
    """

    name = "band-parts"
    title = "a synthetic band, by parts"

    def _stems(self, path: Path, labels: Mapping[str, Any]) -> Iterator[Stem]:
        players = dict(_rows(path, "instruments", lambda one: (str(one["part"]), str(one["id"]))))
        drums_and_bass = [name for name in STEMS[2:4] if name in players]
        parts = [Path(file).stem for file in sorted(_files(labels, path)) if file.startswith(_PARTS)]
        for name in [*parts, *drums_and_bass]:
            file = _file(labels, path, name if name in drums_and_bass else _PARTS + name)
            instrument = players.get(name, "")
            yield Stem(name, AudioRef(path.parent / file), instrument, role=name, is_drum=name == "drums")


def read_beats(path: Path) -> BeatGrid:
    """Beats and downbeats of an item.

    Args:
        path: Its `item.json`.

    Raises:
        TextReadError: They are missing or damaged; so for all readers here.
    """
    rows = _rows(path, "beats", lambda row: (_number(row[0]), int(row[1])))
    return _made(path, "beats", lambda: BeatGrid(tuple(t for t, _ in rows), tuple(p for _, p in rows)))


def read_chords(path: Path) -> tuple[TimedChord, ...]:
    """Chords of an item, in seconds."""
    return _rows(path, "chords", lambda row: TimedChord(_number(row[0]), _number(row[1]), Chord.parse(str(row[2]))))


def read_key(path: Path) -> Key:
    """Key of an item."""
    return _made(path, "key", lambda: Key.parse(_value(_read_labels(path), path, "key", str)))


def read_words(path: Path) -> Lyrics:
    """Words and syllables of an item, with their times, in lines."""
    labels = _read_labels(path)
    lines: dict[int, list[Word]] = {}
    for number, word in _rows(path, "words", lambda row: (int(row["line"]), _word(row))):
        lines.setdefault(number, []).append(word)
    language = _value(labels, path, "language", str)
    return Lyrics(tuple(Line(tuple(words)) for words in lines.values()), language, _value(labels, path, "text", str))


def read_f0(path: Path) -> PitchTrack:
    """f0 of the lead voice, every 10 ms.

    Args:
        path: Its `f0.npy`.
    """
    try:
        # mapped, so that a header which promises more than the file holds asks for no memory
        hertz = np.lib.format.open_memmap(path, mode="r")
    except (OSError, ValueError, EOFError, OverflowError) as error:
        raise TextReadError(f"{path} holds no f0: {error}.", _AGAIN) from error
    if hertz.ndim != 1 or not len(hertz) or hertz.dtype.kind != "f" or not (np.isfinite(hertz) & (hertz >= 0)).all():
        raise TextReadError(f"{path} holds no f0.", _AGAIN)
    return pitch_track((np.arange(len(hertz)) * F0_HOP_S).tolist(), hertz.tolist())


def _word(row: Mapping[str, Any]) -> Word:
    syllables = tuple(Syllable(str(s["text"]), _number(s["start_s"]), _number(s["end_s"])) for s in row["syllables"])
    return Word(str(row["text"]), _number(row["start_s"]), _number(row["end_s"]), syllables=syllables)


@lru_cache(maxsize=64)  # the labels of an item are mostly asked for together
def _read_labels(path: Path) -> Mapping[str, Any]:
    return read_json(path)


def _rows(path: Path, name: str, made: Callable[[Any], T]) -> tuple[T, ...]:
    rows = _value(_read_labels(path), path, name, list)
    if not rows and name in _NEVER_EMPTY:
        raise TextReadError(f"{path}: {name} is empty.", _AGAIN)
    return _made(path, name, lambda: tuple(made(row) for row in rows))


def _made(path: Path, name: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except (DescantError, ValueError, TypeError, LookupError, OverflowError) as error:
        raise TextReadError(f"{path}: {name} cannot be read: {error}.", _AGAIN) from error


def _number(value: Any) -> float:
    """A time or tempo, not negative; JSON as Python reads it may say NaN or Infinity."""
    number = float(value)
    if not 0.0 <= number < math.inf:
        raise ValueError(f"{number} is no time or tempo")
    return number


def _value(labels: Mapping[str, Any], path: Path, name: str, kind: Any) -> Any:
    value = labels.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TextReadError(f"{path}: {name} is missing or damaged.", _AGAIN)
    return value


def _files(labels: Mapping[str, Any], path: Path) -> Mapping[str, str]:
    files: Mapping[str, str] = _value(labels, path, "files", dict)
    return files


def _file(labels: Mapping[str, Any], path: Path, name: str) -> str:
    """The file of a stem, as its format names it; never one outside of the item's folder."""
    file = f"{name}.{_value(labels, path, 'audio', str)}"
    if file not in _files(labels, path) or ".." in Path(file).parts:
        raise TextReadError(f"{path} names no file of the stem {name!r}.", _AGAIN)
    return file
