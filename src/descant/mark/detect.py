"""Finding the mark of `dsp.watermark`: at any offset, a little faster or slower, in memory that does not grow.

Nothing is assumed about the sound. Whatever it is, its cells add up to some numbers; the signs of a mark that was not
put there know nothing of them. So the sum of the cells by their signs is a sum with random signs, and Hoeffding's
inequality bounds how often it reaches z times its spread: exp(-z^2 / 2). All ways, places, speeds and marks that were
tried are counted. So the stated probability is an upper bound, whatever the recording, and no threshold was tuned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import Resampler
from descant.dsp import tail_biting
from descant.dsp.watermark import (
    BANDS,
    EDGES,
    HALF,
    HOP,
    ID_BITS,
    KEY,
    PERIOD,
    SAMPLE_RATE,
    SIZE,
    SLOTS,
    Layout,
    read_message,
)

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SPEEDS = tuple(1.0 + step / 500 for step in (0, -1, 1, -2, 2, -3, 3, -4, 4, -5, 5))
"""Speeds that are tried, from 1 % slower to 1 % faster."""

_CANDIDATES = 6
_LIMIT_DB = 2.5
_NEAR = 6
_FLOOR_DB = -80.0
_EARS = 2
_FLOOR_SHARE, _CLEAR_DB, _LEAST = 0.15, 8.0, 0.25
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found.

    Attributes:
        mark: The mark's 32 bits; None where they cannot be read.
        log10_p: Decimal logarithm of a bound on the probability of finding as much in a recording without the mark.
        speed: Of the copy against the marked one.
        offset_s: Where in its period of 0.93 s the mark begins.
        guess: The likeliest 32 bits, also where their check sum is wrong.
    """

    mark: int | None
    log10_p: float
    speed: float
    offset_s: float
    guess: int


class Detector:
    """Takes a recording block by block.

    Args:
        channels: Of the recording; they are heard together.
        key: As for `Marker`.
        speeds: Which are tried.
    """

    def __init__(self, channels: int, *, key: bytes = KEY, speeds: tuple[float, ...] = SPEEDS) -> None:
        self._layout = Layout.of_key(key)
        self._speeds = speeds
        self._window = np.hanning(SIZE + 1)[:-1].astype(np.float32)
        self._held = np.zeros((channels, 0), np.float32)
        self._bands = [_Folding(speed) for speed in speeds]

    def push(self, samples: Floats) -> None:
        """Take the next samples at 44.1 kHz, [channels, n]."""
        held = np.concatenate([self._held, samples], axis=1)
        count = max(0, (held.shape[1] - SIZE) // HOP + 1)
        for start in range(0, count, 2048):
            stop = min(count, start + 2048)
            part = held[:, start * HOP : (stop - 1) * HOP + SIZE]
            frames = np.lib.stride_tricks.sliding_window_view(part, SIZE, axis=1)[:, ::HOP]
            spectra = np.fft.rfft(frames * self._window, axis=2)[:, :, : EDGES[-1] + 8]
            power = (spectra.real**2 + spectra.imag**2).sum(axis=0, dtype=np.float64)
            for folding in self._bands:
                folding.push(power)
        self._held = held[:, count * HOP :]

    def find(self) -> Finding:
        """The likeliest mark in what was pushed."""
        tests = _EARS * PERIOD * len(self._speeds)
        best: Finding | None = None
        places = []
        for speed, folding in zip(self._speeds, self._bands, strict=True):
            for cells in folding.cells():
                scores = _scores(cells, np.where(self._layout.bits < 0, self._layout.signs, 0))
                places += [(float(scores[offset]), speed, int(offset), cells) for offset in range(PERIOD)]
        places.sort(key=lambda place: -place[0])
        for score, speed, offset, cells in places[:_CANDIDATES]:
            where = cells[:, _slots(offset)]
            bits = self._bits(where)
            mark = read_message(bits)
            log_p = math.log(tests) - score * max(score, 0.0) / 2.0
            if mark is not None:
                whole = _score(where, self._layout.pattern(mark))
                log_p = min(log_p, math.log(tests) + ID_BITS * math.log(2.0) - whole * max(whole, 0.0) / 2.0)
            # Twice: the known signs alone, and all of them.
            log10_p = min(0.0, (log_p + math.log(2.0)) / math.log(10.0))
            if best is None or (mark is not None, -log10_p) > (best.mark is not None, -best.log10_p):
                guess = int.from_bytes(np.packbits(bits.view(np.uint8))[:4].tobytes(), "big")
                best = Finding(mark, log10_p, speed, offset * HOP / SAMPLE_RATE, guess)
        assert best is not None
        return best

    def _bits(self, cells: Doubles) -> NDArray[np.int8]:
        carries = self._layout.bits >= 0
        doubts = np.bincount(self._layout.bits[carries], (cells * self._layout.signs)[carries]).astype(np.float64)
        return tail_biting.decode(doubts)


class _Folding:
    """Differences of the halves of slots that begin at each frame, added up over the periods, in two ways.

    One counts all alike. The other counts less what is hardly louder than the softest in its band, which in a noisy
    recording is noise and in a clean one the voice's own breath.
    """

    def __init__(self, speed: float) -> None:
        self._edges = EDGES * speed
        self._speed = speed
        self._power = np.zeros((0, BANDS))
        self._frame = 0
        self._sums = np.zeros((_EARS, PERIOD, BANDS))

    def push(self, power: Doubles) -> None:
        """Frames of power, [frames, bins]."""
        total = np.pad(np.cumsum(power, axis=1), ((0, 0), (1, 0)))
        low = self._edges.astype(int)
        share = self._edges - low
        at = total[:, low] * (1 - share) + total[:, np.minimum(low + 1, total.shape[1] - 1)] * share
        self._power = np.concatenate([self._power, np.diff(at, axis=1)])
        ready = len(self._power) - 2 * HALF
        if ready <= 0:
            return
        sums = np.pad(np.cumsum(self._power, axis=0), ((1, 0), (0, 0)))
        halves = sums[HALF:] - sums[:-HALF]
        level = 10.0 * np.log10(halves + halves.max(initial=1e-12) * 10.0 ** (_FLOOR_DB / 10.0))
        differences = level[:ready] - level[HALF : HALF + ready]
        differences -= _around(differences)
        np.clip(differences, -_LIMIT_DB, _LIMIT_DB, out=differences)
        places = np.rint((self._frame + np.arange(ready)) * self._speed).astype(int) % PERIOD
        softer = np.minimum(level[:ready], level[HALF : HALF + ready])
        above_db = softer - np.quantile(level, _FLOOR_SHARE, axis=0)
        np.add.at(self._sums[0], places, differences)
        np.add.at(self._sums[1], places, differences * np.clip(above_db / _CLEAR_DB, _LEAST, 1.0))
        self._power = self._power[ready:]
        self._frame += ready

    def cells(self) -> Doubles:
        """[ways, bands, frames of a period]."""
        return self._sums.transpose(0, 2, 1)


def _around(differences: Doubles) -> Doubles:
    """Mean over the bands near each: what changes all of them at once is no mark."""
    total = np.pad(np.cumsum(differences, axis=1), ((0, 0), (1, 0)))
    centre = np.arange(BANDS)
    low, high = np.maximum(centre - _NEAR, 0), np.minimum(centre + _NEAR + 1, BANDS)
    mean: Doubles = (total[:, high] - total[:, low]) / (high - low)
    return mean


def _slots(offset: int) -> NDArray[np.int64]:
    return (offset + 2 * HALF * np.arange(SLOTS)) % PERIOD


def _scores(cells: Doubles, signs: NDArray[np.int8]) -> Doubles:
    """For each offset the sum by the signs, in units of its spread."""
    return np.array([_score(cells[:, _slots(offset)], signs) for offset in range(PERIOD)])


def _score(cells: Doubles, signs: NDArray[np.int8]) -> float:
    spread = math.sqrt(float(np.square(cells[signs != 0]).sum()))
    return float((cells * signs).sum()) / spread if spread > 0.0 else 0.0


def detect(clip: Clip, *, key: bytes = KEY, speeds: tuple[float, ...] = SPEEDS) -> Finding:
    """The likeliest mark in a clip of any rate, channel count and length."""
    detector = Detector(clip.channels, key=key, speeds=speeds)
    down = Resampler(clip.sample_rate, SAMPLE_RATE, clip.channels)
    for start in range(0, clip.frames, _BLOCK):
        part = Clip(clip.samples[:, start : start + _BLOCK], clip.sample_rate)
        detector.push(down.push(part, last=start + _BLOCK >= clip.frames).samples)
    return detector.find()
