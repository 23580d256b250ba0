"""Aligners that can be measured: Descant's own, and what any aligner must beat.

The latter is the text spread evenly over a song, where it is sung, or within its true lines.
Times are shared out by letters: a word of six lasts twice as long as one of three. What does not beat the spread within
true lines (0.26 s and 71 % within 0.3 s over the 79 songs of JamendoLyrics) has no skill below the line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from descant.align.api import Aligner
from descant.align.config import AlignOptions
from descant.analyze.api import NET
from descant.analyze.evidence import load_listener, net_evidence
from descant.analyze.features import extract_features, mono_for_listening
from descant.analyze.voice import spans_of
from descant.audio.clip import Clip
from descant.errors import InvalidOption
from descant.hub.store import fetch
from descant.nets.listener import Listener
from descant.progress import Monitor
from descant.separate.api import Separator
from descant.text.lyrics import Line, Lyrics, Word

_VOICE_PROBABILITY = 0.5
_ANY_FIT = AlignOptions(lowest_fit=0.0)

Floats = NDArray[np.float64]
Span = tuple[float, float]
Side = Literal["left", "right"]


class SongAligner(Protocol):
    """Whatever puts times to the words of a song."""

    def __call__(self, clip: Clip, lyrics: Lyrics, /) -> Lyrics:
        """The same words in the same order, each with a start and, if it can, an end.

        Raises:
            NothingHeard, InvalidAudio, TextReadError: This song cannot be aligned.
        """


@dataclass(frozen=True, slots=True)
class Contender:
    """An aligner that can be measured.

    Attributes:
        name: What commands call it.
        title: For people.
        load: Makes it ready, weights and all.
        shown: What of the true lyrics it is shown: the words alone, but for those that are told where lines lie. None
            gives it the text as people wrote it, where the set has one.
    """

    name: str
    title: str
    load: Callable[[], SongAligner]
    shown: Callable[[Lyrics], Lyrics] | None = None


def untimed(lyrics: Lyrics) -> Lyrics:
    """The words in their lines, without any time."""
    return lyrics.with_lines(Line(_texts(line), singer=line.singer) for line in lyrics.lines)


def with_line_starts(lyrics: Lyrics) -> Lyrics:
    """The words without times, the lines with their starts."""
    return lyrics.with_lines(Line(_texts(line), line.start_s, singer=line.singer) for line in lyrics.lines)


def with_line_bounds(lyrics: Lyrics) -> Lyrics:
    """The words without times, the lines with their starts and ends."""
    return lyrics.with_lines(Line(_texts(line), line.start_s, line.end_s, line.singer) for line in lyrics.lines)


def spread_over_song(clip: Clip, lyrics: Lyrics) -> Lyrics:
    """All words from the first second to the last, by their letters."""
    return _spread(lyrics, [(0.0, clip.duration_s)])


class SpreadOverVoice:
    """All words over the stretches in which the listening net hears a voice in the mix.

    Args:
        listener: The net of `analyze`.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    @classmethod
    def load(cls) -> SpreadOverVoice:
        """With the weights of `analyze`.

        Raises:
            ModelNotFound, CheckpointError: They are not there, or damaged.
        """
        return cls(load_listener(fetch(NET)))

    def __call__(self, clip: Clip, lyrics: Lyrics) -> Lyrics:
        """Where no voice is heard at all, over the whole song."""
        evidence = net_evidence(extract_features(mono_for_listening(clip)), self._listener, Monitor())
        heard = None if evidence.voice is None else evidence.voice > _VOICE_PROBABILITY
        spans = () if heard is None else spans_of(heard, evidence.pulse_fps, clip.duration_s)
        return _spread(lyrics, [(span.start_s, span.end_s) for span in spans] or [(0.0, clip.duration_s)])


class OwnAligner:
    """`descant align` as it is: the separated voice and the mix are listened to, the one that the words fit decides.

    Lyrics that fit badly are placed, not refused: a lost song must count.

    Args:
        aligner: With its weights.
        separator: Takes the voice out first; None lets it listen to the mix alone.
    """

    def __init__(self, aligner: Aligner, separator: Separator | None) -> None:
        self._aligner = aligner
        self._separator = separator

    @classmethod
    def load(cls, *, separate: bool = True) -> OwnAligner:
        """With the weights of `align`, and of `separate` where the voice is taken out.

        Raises:
            ModelNotFound, CheckpointError: They are not there, or damaged.
        """
        return cls(Aligner.load(), Separator.load() if separate else None)

    def __call__(self, clip: Clip, lyrics: Lyrics) -> Lyrics:
        """Times for all words, those that are not heard too: a lost word must count; raises as `Aligner`."""
        heard = (clip,) if self._separator is None else (self._separator(clip)["vocals"], clip)
        return self._aligner.best_of(heard, lyrics, options=_ANY_FIT).guessed


def spread_from_line_starts(clip: Clip, lyrics: Lyrics) -> Lyrics:
    """Each line from its given start to the next one's; the last for as long as lines mostly take."""
    starts = [_start(line) for line in lyrics.lines if line.words]
    steps = np.diff(starts)
    last = min(clip.duration_s, starts[-1] + float(np.median(steps))) if len(steps) else clip.duration_s
    following = iter([*starts[1:], max(last, starts[-1])])
    return lyrics.with_lines(
        Line(_placed(line.words, [(_start(line), next(following))]), singer=line.singer) if line.words else line
        for line in lyrics.lines
    )


def spread_in_lines(_: Clip, lyrics: Lyrics) -> Lyrics:
    """Each line between its given start and end."""
    return lyrics.with_lines(
        Line(_placed(line.words, [(_start(line), line.end_s if line.end_s is not None else _start(line))]))
        if line.words
        else line
        for line in lyrics.lines
    )


CONTENDERS: Mapping[str, Contender] = MappingProxyType(
    {
        each.name: each
        for each in (
            Contender("even", "spread over the song", lambda: spread_over_song),
            Contender("voice", "spread over the voice", SpreadOverVoice.load),
            Contender(
                "line-starts", "true line starts, spread to the next", lambda: spread_from_line_starts, with_line_starts
            ),
            Contender("lines", "true lines, spread inside", lambda: spread_in_lines, with_line_bounds),
            Contender("descant", "descant", OwnAligner.load),
            Contender("descant-mix", "descant on the mix", lambda: OwnAligner.load(separate=False)),
        )
    }
)
"""Aligners by name."""


def contenders(names: Sequence[str]) -> tuple[Contender, ...]:
    """Those of these names, all when there are none.

    Raises:
        InvalidOption: A name is unknown or given twice.
    """
    for name in names:
        if name not in CONTENDERS:
            raise InvalidOption(f"There is no aligner {name!r}.", f"Choose from {', '.join(CONTENDERS)}.")
        if names.count(name) > 1:
            raise InvalidOption(f"The aligner {name!r} is named twice.", "Name each once.")
    return tuple(CONTENDERS[name] for name in names or CONTENDERS)


def _texts(line: Line) -> tuple[Word, ...]:
    return tuple(Word(word.text) for word in line.words)


def _start(line: Line) -> float:
    if line.start_s is None:
        raise InvalidOption(f"The line {line.text!r} has no start.", "This baseline needs references with line times.")
    return line.start_s


def _spread(lyrics: Lyrics, spans: Sequence[Span]) -> Lyrics:
    placed = iter(_placed(lyrics.words, spans))
    return lyrics.with_lines(Line(tuple(next(placed) for _ in line.words), singer=line.singer) for line in lyrics.lines)


def _placed(words: Sequence[Word], spans: Sequence[Span]) -> tuple[Word, ...]:
    """Words over stretches of time, by their letters and the space after each but the last.

    Args:
        words: Their own times do not matter.
        spans: Stretches in order, in seconds, that do not overlap; as if there were no time between them.
    """
    sizes = np.array([max(1, len(word.text)) for word in words], float)
    before = np.concatenate([[0.0], np.cumsum(sizes[:-1] + 1.0)])
    starts, ends = np.array(spans, float).T
    reached = np.concatenate([[0.0], np.cumsum(ends - starts)])
    scale = reached[-1] / (before[-1] + sizes[-1])

    def at(active_s: Floats, side: Side) -> list[float]:
        """When so much of the stretches has passed; at a seam, words start after it and end before it."""
        span = np.clip(np.searchsorted(reached, active_s, side) - 1, 0, len(spans) - 1)
        times: list[float] = np.minimum(starts[span] + active_s - reached[span], ends[span]).tolist()
        return times

    begins, stops = at(before * scale, "right"), at((before + sizes) * scale, "left")
    return tuple(
        replace(word, start_s=begin, end_s=max(begin, stop))
        for word, begin, stop in zip(words, begins, stops, strict=True)
    )
