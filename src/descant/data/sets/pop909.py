"""POP909 as a `Dataset`: the scores of `descant.data.pop909`, with beats, chords and keys in seconds.

No split is published; that of `Pop909.split` (a hash of the song's number) is Descant's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from descant.data.pop909 import Pop909
from descant.data.sets.dataset import Dataset
from descant.data.sets.item import SPLITS, Item, Later, Split, TimedChord
from descant.errors import ScoreReadError
from descant.score.harmony import Key
from descant.score.notes import Score
from descant.score.tempo import BeatGrid

_NUMBERS = tuple(f"{number:03d}" for number in range(1, 910))


class Pop909Set(Dataset):
    """`pop909.zip`, or the unpacked folder."""

    name = "pop909"
    title = "POP909"
    published: ClassVar = {None: len(_NUMBERS), **Counter(Pop909.split(song) for song in _NUMBERS)}

    @property
    def splits(self) -> tuple[Split, ...]:
        """All three."""
        return SPLITS

    def _open(self) -> None:
        self._songs = tuple(_archive(self.root).songs())

    def _read(self, split: Split | None) -> Iterator[Item]:
        for song in self._songs:
            place = Pop909.split(song)
            if split in (None, place):
                which = (self.root, song)
                yield Item(
                    id=song,
                    dataset=self.name,
                    split=place,
                    score=Later(read_score, which),
                    beats=Later(read_beats, which),
                    chords=Later(read_chords, which),
                    key=Later(read_key, which),
                )


@lru_cache(maxsize=2)
def _archive(path: Path) -> Pop909:
    return Pop909(path)


@lru_cache(maxsize=4)  # score, beats, chords and key of a song are mostly asked for together
def read_score(path: Path, song: str) -> Score:
    """The score of one song; raises as `Pop909.load`."""
    return _archive(path).load(song)


def read_beats(path: Path, song: str) -> BeatGrid:
    """Its beats from the first to the last, in seconds; raises as `Pop909.load`."""
    return beats_of(read_score(path, song))


def read_chords(path: Path, song: str) -> tuple[TimedChord, ...]:
    """Its chords in seconds; raises as `Pop909.load`."""
    score = read_score(path, song)
    return tuple(TimedChord(score.tempo.seconds(c.start), score.tempo.seconds(c.end), c.chord) for c in score.chords)


def read_key(path: Path, song: str) -> Key:
    """Its main key.

    Raises:
        ScoreReadError: None is annotated.
    """
    key = read_score(path, song).key
    if key is None:
        raise ScoreReadError(f"POP909 has no key for song {song}.", "Get the set again.")
    return key


def beats_of(score: Score) -> BeatGrid:
    """The quarter notes of a score up to the end of its last note, with their places in bars that may change length."""
    starts = [round(signature.start) for signature in score.time_signatures]
    lengths = [max(1, round(signature.bar_quarters)) for signature in score.time_signatures]
    positions, at = [], 0
    quarters = range(int(score.end) + 1)
    for quarter in quarters:
        at += at + 1 < len(starts) and quarter >= starts[at + 1]
        positions.append((quarter - starts[at]) % lengths[at] + 1)
    times = score.tempo.seconds_at(list(quarters))
    return BeatGrid(tuple(times.tolist()), tuple(positions))
