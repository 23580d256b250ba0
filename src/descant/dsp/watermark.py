"""An inaudible mark that carries 32 bits: gains of a fraction of a decibel over time and frequency.

The spectrum from 0.5 to 12 kHz is cut into cells, bands by slots of 46 ms. In the first half of a slot a cell is a
little louder and in the second a little softer, or the other way round: that is its sign. What is added is the sound
itself, so it follows the sound's spectrum cell for cell and is masked by it, and where there is silence nothing is
added. How much depends on what is there: tones, on which a change is heard first, change by 0.4 dB, noise, whose own
level wavers more than that, by up to 1.8 dB. A level that does not change within 46 ms (the tone of a voice, an
equaliser, the balance of a mix) does not touch the difference of the halves, which is what is read.

Twenty slots carry everything once; then it is repeated. Of their cells a quarter has a known sign, by which the mark is
found; the others carry the 192 bits of a code for 32 bits and their check sum. Which cell does what, and its sign,
follow from a key. The idea is spread spectrum (Cox et al., "Secure spread spectrum watermarking for multimedia", 1997)
on differences of levels (the patchwork of Bender et al., "Techniques for data hiding", 1996).
"""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.dsp import tail_biting
from descant.errors import InvalidOption

Floats = NDArray[np.float32]

SAMPLE_RATE = 44_100
SIZE, HOP = 1024, 256
HALF = 4
"""Frames of half a slot."""

SLOTS = 20
PERIOD = 2 * HALF * SLOTS
"""Frames after which everything is repeated: 0.93 s."""

KEY = b"descant mark 1"
"""The key of this release's marks."""

TONE_DB, NOISE_DB = 0.4, 1.8
"""By how much tones and noise change; what is in between changes by something in between."""

ID_BITS, CHECK_BITS = 32, 16
_CODED = tail_biting.RATE * (ID_BITS + CHECK_BITS)

_STEPS = ((12, 46, 3), (46, 94, 4), (94, 162, 6), (162, 280, 8))
"""First bin, end, and bins of a band: of 129 Hz to 2 kHz, 172 to 4, 258 to 7, and 345 to 12 kHz."""

EDGES = np.array([*(edge for first, end, step in _STEPS for edge in range(first, end - step + 1, step)), 280])
BANDS = len(EDGES) - 1
_PILOT_SHARE = 4
_BINS = int(EDGES[-1]) + 8
_FLAT_DB, _FLATTER_DB = -9.0, -3.0
_AROUND_BINS, _PAST_FRAMES = 6, 8
_SHARED = SIZE // HOP - 1
_MOST_FRAMES = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What each cell does.

    Attributes:
        signs: -1 or 1, [bands, slots].
        bits: Which coded bit each cell carries, -1 where its sign is known, [bands, slots].
    """

    signs: NDArray[np.int8]
    bits: NDArray[np.int64]

    @classmethod
    def of_key(cls, key: bytes) -> Layout:
        """The layout that a key makes; the same on every machine."""
        count = BANDS * SLOTS
        stream = hashlib.shake_256(key).digest(9 * count)
        order = np.argsort(np.frombuffer(stream[: 8 * count], "<u8"), kind="stable")
        roles = np.arange(count) - count // _PILOT_SHARE
        bits = np.empty(count, np.int64)
        bits[order] = np.where(roles < 0, -1, roles % _CODED)
        signs = (np.frombuffer(stream[8 * count :], np.uint8) & 1).astype(np.int8) * 2 - 1
        return cls(signs.reshape(BANDS, SLOTS), bits.reshape(BANDS, SLOTS))

    def pattern(self, mark: int) -> NDArray[np.int8]:
        """Signs with a mark's bits in them, [bands, slots]."""
        coded = tail_biting.encode(message(mark))
        return np.where(self.bits < 0, self.signs, self.signs * coded[self.bits]).astype(np.int8)


def message(mark: int) -> NDArray[np.int8]:
    """The bits of a mark followed by those of their check sum (CRC-16 of CCITT), [48].

    Raises:
        InvalidOption: It is no number of 32 bits.
    """
    if not 0 <= mark < 1 << ID_BITS:
        raise InvalidOption(f"{mark} is no mark.", "A mark is a number of 32 bits.")
    raw = mark.to_bytes(4, "big")
    return np.unpackbits(np.frombuffer(raw + binascii.crc_hqx(raw, 0xFFFF).to_bytes(2, "big"), np.uint8)).view(np.int8)


def read_message(bits: NDArray[np.int8]) -> int | None:
    """The mark in 48 bits, None where the check sum is another."""
    raw = np.packbits(bits.view(np.uint8)).tobytes()
    return (
        int.from_bytes(raw[:4], "big") if binascii.crc_hqx(raw[:4], 0xFFFF) == int.from_bytes(raw[4:], "big") else None
    )


class Marker:
    """Puts a mark into a stream at 44.1 kHz, block by block; the blocks joined do not depend on how it was cut.

    Args:
        mark: 32 bits.
        channels: Of the stream; all get the same gains.
        key: Another one makes marks that this release does not find.
        strength: Multiplies the changes in decibels.

    Raises:
        InvalidOption: The mark is no number of 32 bits.
    """

    def __init__(self, mark: int, channels: int = 1, *, key: bytes = KEY, strength: float = 1.0) -> None:
        self._pattern = Layout.of_key(key).pattern(mark)
        self._strength = strength
        window = np.hanning(SIZE + 1)[:-1]
        self._window = window.astype(np.float32)
        self._synthesis = (window / np.square(window).sum() * HOP).astype(np.float32)
        self._held = np.zeros((channels, SIZE - HOP), np.float32)
        self._tail = np.zeros((channels, _SHARED, SIZE), np.float32)
        self._past = np.zeros((_PAST_FRAMES - 1, _BINS))
        self._frame = 0
        self._pushed = self._returned = 0

    def push(self, samples: Floats, *, last: bool = False) -> Floats:
        """Take the next samples and return those that are ready; `last` flushes the rest.

        Args:
            samples: [channels, n].
            last: Whether the stream ends with them.

        Returns:
            [channels, m]; all together as many as were pushed.
        """
        self._pushed += samples.shape[1]
        held = np.concatenate([self._held, samples], axis=1)
        if last:
            held = np.pad(held, ((0, 0), (0, SIZE + HOP)))
        count = (held.shape[1] - SIZE) // HOP + 1
        ready = [self._add(held[:, start * HOP :], min(_MOST_FRAMES, count - start))
                 for start in range(0, count, _MOST_FRAMES)]  # fmt: skip
        self._held = held[:, max(count, 0) * HOP :].copy()
        joined = np.concatenate([held[:, :0], *ready], axis=1)
        if last:
            joined = joined[:, : self._pushed - self._returned]
        self._returned += joined.shape[1]
        return joined

    def _add(self, held: Floats, count: int) -> Floats:
        """The next hops, finished: one for each frame, but for those that lie before the stream."""
        frames = np.lib.stride_tricks.sliding_window_view(held, SIZE, axis=1)[:, : count * HOP : HOP]
        spectra = np.fft.rfft(frames * self._window, axis=2)
        spectra[:, :, :_BINS] *= self._gains(spectra[:, :, :_BINS])
        spectra[:, :, _BINS:] = 0.0
        added = (np.fft.irfft(spectra, SIZE, axis=2) * self._synthesis).astype(np.float32)
        parts = np.concatenate([self._tail, added], axis=1)
        ready = held[:, : count * HOP].reshape(len(held), count, HOP).copy()
        for lag in range(_SHARED + 1):
            ready += parts[:, _SHARED - lag : _SHARED - lag + count, lag * HOP : (lag + 1) * HOP]
        before = max(0, _SHARED - self._frame)  # the first frame begins three hops before the stream
        self._tail = parts[:, -_SHARED:]
        self._frame += count
        return ready.reshape(len(held), -1)[:, before * HOP :]

    def _gains(self, spectra: NDArray[np.complexfloating]) -> Floats:
        """By what each bin is multiplied to make what is added.

        Args:
            spectra: [channels, frames, bins].
        """
        number = self._frame + np.arange(spectra.shape[1])
        slot, is_second = number // (2 * HALF) % SLOTS, number // HALF % 2
        signs = np.repeat((self._pattern[:, slot] * (1 - 2 * is_second)).T, np.diff(EDGES), axis=1)
        db = self._strength * (TONE_DB + (NOISE_DB - TONE_DB) * self._noisiness(spectra))
        gains = np.zeros(db.shape, np.float32)
        gains[:, EDGES[0] : EDGES[-1]] = 10.0 ** (signs * db[:, EDGES[0] : EDGES[-1]] / 20.0) - 1.0
        return gains

    def _noisiness(self, spectra: NDArray[np.complexfloating]) -> NDArray[np.float64]:
        """0 for tones to 1 for noise, by the flatness of the last 46 ms within 260 Hz on either side."""
        power = np.concatenate([self._past, np.square(np.abs(spectra, dtype=np.float64)).sum(axis=0)])
        count = spectra.shape[1]
        recent = sum((power[lag : lag + count] for lag in range(_PAST_FRAMES)), start=np.full((count, _BINS), 1e-20))
        self._past = power[count:]
        flatness_db = (_around(10.0 * np.log10(recent)) - 10.0 * np.log10(np.maximum(_around(recent), 1e-20))).clip(
            _FLAT_DB, _FLATTER_DB
        )
        return (flatness_db - _FLAT_DB) / (_FLATTER_DB - _FLAT_DB)


def _around(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the bins near each."""
    total = np.pad(np.cumsum(values, axis=1), ((0, 0), (1, 0)))
    centre = np.arange(values.shape[1])
    low, high = np.maximum(centre - _AROUND_BINS, 0), np.minimum(centre + _AROUND_BINS + 1, values.shape[1])
    mean: NDArray[np.float64] = (total[:, high] - total[:, low]) / (high - low)
    return mean


def marked(clip: Clip, mark: int, *, key: bytes = KEY, strength: float = 1.0) -> Clip:
    """A clip with a mark; rate, channels and length stay, and so does what lies above 12 kHz.

    Args:
        clip: Any rate; bands that it cannot hold carry nothing.
        mark: 32 bits.
        key: As for `Marker`.
        strength: As for `Marker`.

    Raises:
        InvalidOption: The mark is no number of 32 bits.
    """
    low = resample(clip, SAMPLE_RATE)
    sounding = Marker(mark, clip.channels, key=key, strength=strength).push(low.samples, last=True)
    added = resample(Clip(sounding - low.samples, SAMPLE_RATE), clip.sample_rate).samples[:, : clip.frames]
    samples = clip.samples.copy()
    samples[:, : added.shape[1]] += added
    return Clip(samples, clip.sample_rate)
