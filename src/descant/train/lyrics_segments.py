"""Stretches of singing over a band, drawn from a set of pieces with words: what both lyrics lessons hear."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from descant.data.lyrics_set import SAMPLE_RATE, Piece, as_float
from descant.data.sets.item import Split
from descant.dsp.stft import magnitude_blocks
from descant.errors import InputNotFound
from descant.nets.lyrics_contrastive import FFT_SIZE, HOP
from descant.text.lyrics import Line, Lyrics
from descant.text.lyrics import Word as Sung

Floats = NDArray[np.float32]

_VOICE_DB = (-2.0, 14.0)
_GAIN_DB = (-12.0, 6.0)
_FASTEST = 1.12
_SUM_OF_WINDOW = FFT_SIZE / 2.0
"""Brings the project's spectra, in which a full sine is 1, to those of a plain transform, which log(1 + x) was made
for."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """What is heard, and the lines that are sung in it, with times in it (a line may begin before it, or go on)."""

    samples: Floats
    lines: tuple[tuple[float, float, Line], ...]
    language: str


@dataclass(frozen=True, slots=True)
class Hearing:
    """How pieces are heard.

    Attributes:
        sample_rate: Of what is drawn.
        languages: Only pieces in these; empty takes all.
        shortest_line_s: Lines are divided at words whose time is known, into parts of at least this; 0 divides none.
        backed_share: Of the stretches that have a band under the voice.
    """

    sample_rate: int
    languages: tuple[str, ...] = ()
    shortest_line_s: float = 0.0
    backed_share: float = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class _Voice:
    piece: Piece
    lines: tuple[Line, ...]
    samples: NDArray[np.int16]


class Stretches:
    """Draws stretches.

    Args:
        pieces: Voices alone and bands alone.
        split: Which part of them is heard.
        hearing: How.

    Raises:
        InputNotFound: No piece is left.
    """

    def __init__(self, pieces: Sequence[Piece], split: Split, hearing: Hearing) -> None:
        self.hearing = hearing
        languages, sample_rate = hearing.languages, hearing.sample_rate
        wanted = [p for p in pieces if p.split == split and p.mix == "vocals"]
        wanted = [p for p in wanted if not languages or p.lyrics.language in languages]
        if not wanted:
            raise InputNotFound(
                f"No voices of the part {split} are in this set.", "Build it: recipes/lyrics_contrastive."
            )
        self._voices = [
            _Voice(p, tuple(_divided(p.lyrics, hearing.shortest_line_s)), _at_rate(p, sample_rate)) for p in wanted
        ]
        self._bands = [_at_rate(p, sample_rate) for p in pieces if p.mix == "backing"]
        lengths = np.array([p.duration_s for p in wanted])
        self._odds = lengths / lengths.sum()

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The voices."""
        return tuple(voice.piece for voice in self._voices)

    def draw(
        self, seconds: float, rng: np.random.Generator, *, at_line: bool = False, margin_s: float = 0.0
    ) -> Stretch:
        """A stretch of a song as it could be heard: a little faster or slower, often over a band.

        Args:
            seconds: How long it is.
            rng: Draws everything.
            at_line: Whether it begins shortly before a line; anywhere otherwise.
            margin_s: Of `seconds`, how much lies before that beginning and after the end, heard but not counted:
                times are those after it.
        """
        voice = self._voices[int(rng.choice(len(self._voices), p=self._odds))]
        faster = float(_FASTEST ** rng.uniform(-1.0, 1.0))
        lines = voice.lines
        spare = voice.piece.duration_s - faster * (seconds - 2 * margin_s)
        begins = float(rng.uniform(0.0, max(spare, 0.0)))
        if at_line and lines:
            ahead = float(rng.uniform(0.05, 0.6))
            begins = max(0.0, (lines[int(rng.integers(len(lines)))].start_s or 0.0) - ahead)
        count = round(seconds * self.hearing.sample_rate)
        at: NDArray[np.float64] = np.arange(count, dtype=np.float64) * faster
        at += (begins - faster * margin_s) * self.hearing.sample_rate
        samples = _read_at(voice.samples, at)
        if self._bands and rng.random() < self.hearing.backed_share:
            samples = self._with_band(samples, rng)
        samples *= np.float32(10.0 ** (rng.uniform(*_GAIN_DB) / 20.0))
        ends = seconds - 2 * margin_s
        placed = (((_s(ln.start_s) - begins) / faster, (_s(ln.end_s) - begins) / faster, ln) for ln in lines)
        return Stretch(
            samples, tuple(row for row in placed if row[0] < ends and row[1] > 0), voice.piece.lyrics.language
        )

    def _with_band(self, samples: Floats, rng: np.random.Generator) -> Floats:
        band = self._bands[int(rng.integers(len(self._bands)))]
        first = int(rng.integers(max(1, len(band) - len(samples))))
        under = as_float(np.resize(band[first : first + len(samples)], len(samples)))
        loud = float(np.sqrt(np.mean(np.square(samples)))) or 0.03
        gain = 10.0 ** (-rng.uniform(*_VOICE_DB) / 20.0) * loud / max(float(np.sqrt(np.mean(np.square(under)))), 1e-5)
        return samples + np.float32(min(gain, 30.0)) * under


def log_spectra(samples: Floats) -> Floats:
    """What the contrastive net hears: log(1 + magnitude) of samples at its rate, [bins, 1 + samples // hop]."""
    blocks = magnitude_blocks(samples, FFT_SIZE, HOP)
    return np.log1p(_SUM_OF_WINDOW * np.concatenate(list(blocks))).T


def heard_at(piece: Piece, sample_rate: int) -> Floats:
    """All of a piece, at this rate, as loud as stretches are on average."""
    samples = as_float(_at_rate(piece, sample_rate))
    return samples * np.float32(10.0 ** (np.mean(_GAIN_DB) / 20.0))


def lyrics_of(stretch: Stretch) -> Lyrics:
    """The lines of a stretch as a text of their own."""
    return Lyrics(tuple(Line(tuple(Sung(w.text) for w in ln.words)) for _, _, ln in stretch.lines), stretch.language)


def _divided(lyrics: Lyrics, shortest_s: float) -> Iterator[Line]:
    """Lines as parts that begin with words whose time is known; the last part of a line may be shorter."""
    for line in lyrics.lines:
        words: list[Sung] = []
        begins = _s(line.start_s)
        for word in line.words:
            if words and shortest_s and word.start_s is not None and word.start_s - begins >= shortest_s:
                yield Line(tuple(words), begins, word.start_s)
                words, begins = [], word.start_s
            words.append(word)
        yield Line(tuple(words), begins, line.end_s)


def _at_rate(piece: Piece, sample_rate: int) -> NDArray[np.int16]:
    if sample_rate == SAMPLE_RATE:
        return np.asarray(piece.samples)
    assert SAMPLE_RATE % sample_rate == 0, "rates of the nets divide that of the set"
    down = scipy.signal.resample_poly(as_float(piece.samples), 1, SAMPLE_RATE // sample_rate)
    return np.round(np.clip(down, -1.0, 1.0) * 32_767.0).astype(np.int16)


def _read_at(samples: NDArray[np.int16], at: NDArray[np.float64]) -> Floats:
    """Samples between samples, by straight lines; silence outside."""
    low = np.floor(at).astype(np.int64)
    share = (at - low).astype(np.float32)
    inside = (low >= 0) & (low < len(samples) - 1)
    low = np.where(inside, low, 0)
    left, right = samples[low].astype(np.float32), samples[np.minimum(low + 1, len(samples) - 1)].astype(np.float32)
    return np.where(inside, left + share * (right - left), 0.0).astype(np.float32) / np.float32(32_768.0)


def _s(value: float | None) -> float:
    assert value is not None, "lines of a set have times"
    return value
