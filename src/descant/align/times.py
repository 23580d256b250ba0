"""From a path to times: where each word and syllable starts and ends, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from descant.align.chain import Chain, Kind
from descant.align.scores import SongScores
from descant.nets.whisper_encoder import FPS
from descant.text.lyrics import Line, Lyrics, Syllable, Unsung, Word
from descant.text.phones import SpokenSyllable

_HEARD, _LOOKS, _ODDS = 0.97, 2.66, -2.52
_HEARD_ALONE, _ODDS_ALONE = 1.39, 2.06
"""Logistic regression of "is this word sung here" on how well its phones are heard and looked at.

Fitted on the six album songs with their own words and with those of another one (`python benchmarks/align.py fit`):
96 % of the first and 5 % of the second then count as heard; 88 % and 27 % where only the phones are known.
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What the recording says for a word at its place.

    Attributes:
        heard: Mean score of its phones, 0 where each is the likeliest.
        looks: How strongly the reader looks there, in standard deviations over the words; None where nothing was read.
    """

    heard: float
    looks: float | None

    @property
    def confidence(self) -> float:
        """0..1 that the word is sung there."""
        if self.looks is None:
            odds = _HEARD_ALONE * self.heard + _ODDS_ALONE
        else:
            odds = _HEARD * self.heard + _LOOKS * self.looks + _ODDS
        return float(1.0 / (1.0 + np.exp(-odds)))


@dataclass(frozen=True, slots=True)
class Placed:
    """A word in the recording.

    Attributes:
        starts_s: Of its syllables; that of the word first.
        end_s: Where its last phone ends.
        said: What the recording says for it; None where the path passed over it.
        is_sounding: False for a dash or an emoji, which nobody can hear.
    """

    starts_s: tuple[float, ...]
    end_s: float
    said: Said | None = None
    is_sounding: bool = True

    @property
    def is_unsung(self) -> bool:
        """Whether it could be heard, and the path passed over it."""
        return self.is_sounding and self.said is None

    @property
    def confidence(self) -> float | None:
        """0..1 that it is sung there; None where nobody could hear it."""
        if self.said is not None:
            return self.said.confidence
        return 0.0 if self.is_sounding else None


def place_words(path: NDArray[np.int32], chain: Chain, scores: SongScores) -> tuple[Placed, ...]:
    """Times and confidences of all words of a chain.

    A word that the path passed over, or that has no sounds, stands where the word before it ends.

    Args:
        path: State of each frame.
        chain: What the states are.
        scores: Those that the path was found by.
    """
    sung = np.flatnonzero(chain.kinds[path] == Kind.PHONE)
    words = chain.words[path[sung]]
    heard = scores.along(path, 0, len(path))
    looks = scores.looks_along(path)
    borders = np.searchsorted(words, np.arange(len(chain.spoken) + 1))
    placed: list[Placed] = []
    for number, spoken in enumerate(chain.spoken):
        first, last = borders[number : number + 2]
        frames = sung[first:last]
        if not len(frames):
            at = placed[-1].end_s if placed else (sung[0] / FPS if len(sung) else 0.0)
            placed.append(Placed((at,) * max(1, len(spoken)), at, is_sounding=chain.is_sounding(number)))
            continue
        syllables = chain.syllables[path[frames]]
        starts = np.searchsorted(syllables, np.arange(len(spoken)))
        times = np.append(frames, frames[-1] + 1)[starts] / FPS
        said = Said(float(heard[frames].mean()), None if looks is None else float(looks[frames].mean()))
        placed.append(Placed(tuple(times.tolist()), float(frames[-1] + 1) / FPS, said))
    return tuple(placed)


def timed_lyrics(lyrics: Lyrics, placed: Sequence[Placed], chain: Chain) -> Lyrics:
    """The lyrics with the times of all words and syllables, and a confidence for each line.

    Args:
        lyrics: Without times; its words are those of the chain, in order.
        placed: Where the words are.
        chain: For the texts of syllables.
    """
    found = iter(zip(placed, chain.spoken, strict=True))
    lines = []
    for line in lyrics.lines:
        words = tuple(_timed(word, *next(found)) for word in line.words)
        lines.append(Line(words, singer=line.singer, confidence=_confidence(words)))
    return lyrics.with_lines(lines)


def sung_lyrics(timed: Lyrics, placed: Sequence[Placed]) -> Lyrics:
    """Only what is sung: words that the path passed over lose their times, and their lines keep them as `unsung`.

    A line of which nothing is sung stays as one without words, so that lines keep their numbers; its dashes go with it.
    Brackets that are parted are closed and opened again ("(ooh yeah)" of which "yeah)" is passed over becomes "(ooh)"
    and "(yeah)"): else all that follows in the line would stand in them.

    Args:
        timed: As `timed_lyrics` gives them.
        placed: Where the words are.
    """
    places = iter(placed)
    lines = []
    for line in timed.lines:
        here = [next(places) for _ in line.words]
        if not any(place.is_unsung for place in here):
            lines.append(line)
            continue
        is_sung = any(place.said is not None for place in here)
        kept = [is_sung and not place.is_unsung for place in here]
        words: list[Word] = []
        unsung: list[Unsung] = []
        for word, is_kept in zip(_bracketed(line.words, kept), kept, strict=True):
            if is_kept:
                words.append(word)
            else:
                unsung.append(Unsung(word.text, len(words)))
        lines.append(Line(tuple(words), singer=line.singer, confidence=_confidence(words), unsung=tuple(unsung)))
    return timed.with_lines(lines)


def _bracketed(words: Sequence[Word], kept: Sequence[bool]) -> list[Word]:
    """The words with their brackets closed and opened where those that are kept and those that are not meet."""
    found = list(words)
    depth = 0
    for number in range(len(found) - 1):
        depth = max(0, depth + words[number].text.count("(") - words[number].text.count(")"))
        if depth and kept[number] != kept[number + 1]:
            found[number] = _with_signs(found[number], "", ")" * depth)
            found[number + 1] = _with_signs(found[number + 1], "(" * depth, "")
    return found


def _with_signs(word: Word, before: str, after: str) -> Word:
    """The word with signs at its ends, in its syllables too."""
    if not (parts := list(word.syllables)):
        return replace(word, text=before + word.text + after)
    parts[0] = replace(parts[0], text=before + parts[0].text)
    parts[-1] = replace(parts[-1], text=parts[-1].text + after)
    return replace(word, text=before + word.text + after, syllables=tuple(parts))


def _confidence(words: Iterable[Word]) -> float | None:
    sure = [word.confidence for word in words if word.confidence is not None]
    return round(float(np.mean(sure)), 3) if sure else None


def _timed(word: Word, placed: Placed, spoken: Sequence[SpokenSyllable]) -> Word:
    ends = (*placed.starts_s[1:], placed.end_s)
    times = zip(placed.starts_s, ends, strict=True) if spoken else ()
    syllables = tuple(Syllable(part.text, *each) for part, each in zip(spoken, times, strict=True))
    sure = None if placed.confidence is None else round(placed.confidence, 3)
    return Word(word.text, placed.starts_s[0], placed.end_s, sure, syllables)
