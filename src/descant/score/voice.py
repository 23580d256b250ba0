"""One voice of a sampler: a looped recording read at another speed, through a filter and an envelope.

What does not depend on a note's length or velocity (`oscillate`) is apart from what does (`shape`), so that all notes
of one key share the costly part. Times run at the output rate; every function is pure.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from descant.audio.spans import spans
from descant.score.zones import Envelope, Oscillation, Region

Wave = NDArray[np.float32]

_TAPS = 8
_PHASES = 1024
_SILENT_DB = 96.0
_MIN_RELEASE_S = 0.008
_MIN_ATTACK_S = 0.001
_FILTER_STEP_CENTS = 600
_OPEN_CENTS = 13_400
_FARTHEST_CENTS = 9_600.0


def oscillate(wave: Wave, region: Region, key: int, *, frames: int, sample_rate: int, bend: Wave | None = None) -> Wave:
    """A region at the pitch of a key, filtered, before its envelope.

    Args:
        wave: The whole recording, shape [frames of the sample].
        region: How it is played.
        key: MIDI key 0..127.
        frames: How much is wanted.
        sample_rate: Output rate in Hz.
        bend: Semitones above the key for each output frame, shape [frames].

    Returns:
        float32, shape [frames]; zeros after the end of a recording without loop.
    """
    sounding = region.fixed_key if region.fixed_key >= 0 else key
    times = np.arange(frames) / sample_rate
    cents = np.float64((sounding - region.root_key) * region.cents_per_key + region.tuning_cents)
    moving = _moving_cents(region, sounding, times, bend)
    speed = region.sample.sample_rate / sample_rate
    if moving is None:
        positions = np.arange(frames) * (speed * 2.0 ** (np.clip(cents, -_FARTHEST_CENTS, _FARTHEST_CENTS) / 1200))
    else:
        steps = speed * np.exp2(np.clip(cents + moving, -_FARTHEST_CENTS, _FARTHEST_CENTS) / 1200)
        positions = np.concatenate(([0.0], np.cumsum(steps[:-1]))) if frames else steps
    signal = _filter(_read(wave, region, positions), region, sounding, sample_rate)
    if region.tremolo_db:
        signal *= np.exp2(_triangle(region.tremolo, times) * (region.tremolo_db / 6.0206)).astype(np.float32)
    return signal


def release_frames(region: Region, sample_rate: int) -> int:
    """How long a voice can sound after its note has ended, in frames."""
    return int(np.ceil(max(region.volume.release_s, _MIN_RELEASE_S) * sample_rate)) + 1


def shape(envelope: Envelope, *, held: int, frames: int, sample_rate: int, release_s: float | None = None) -> Wave:
    """A volume envelope as gains.

    Args:
        envelope: For the key (see `Envelope.scaled`).
        held: Frames from the start of the note to its end.
        frames: Length wanted, release included.
        sample_rate: Output rate in Hz.
        release_s: Another release time than the envelope's, for voices that are choked.

    Returns:
        float32, shape [frames]: linear attack; decay and release at 100 dB per decay or release time.
    """
    attack_s = max(envelope.attack_s, _MIN_ATTACK_S)
    knees_s = np.cumsum([envelope.delay_s, attack_s, envelope.hold_s])
    marks = [min(round(t * sample_rate), held, frames) for t in knees_s]
    gains = np.ones(frames, np.float32)
    gains[: marks[0]] = 0.0
    gains[marks[0] : marks[1]] = np.arange(1, marks[1] - marks[0] + 1, dtype=np.float32) / np.float32(
        attack_s * sample_rate
    )
    stop = min(held, frames)
    _fall(gains[marks[2] : stop], envelope.decay_s * sample_rate, envelope.sustain)
    if stop < frames:
        last = float(gains[stop - 1]) if stop else 0.0
        release = max(envelope.release_s if release_s is None else release_s, _MIN_RELEASE_S)
        gains[stop:] = last
        _fall(gains[stop:], release * sample_rate, np.inf)
    return gains


def _fall(gains: Wave, frames_per_100_db: float, floor_db: float) -> None:
    """Multiply gains in place by a fall of 100 dB in a given time, down to a floor; a floor below hearing is 0."""
    if not len(gains):
        return
    per_frame = 100.0 / max(frames_per_100_db, 1.0)
    until = len(gains) if floor_db == np.inf else min(len(gains), int(np.ceil(floor_db / per_frame)))
    silent = min(until, int(np.ceil(_SILENT_DB / per_frame)))
    slope = np.float32(-per_frame * np.log(10.0) / 20.0)
    gains[:silent] *= np.exp(np.arange(1, silent + 1, dtype=np.float32) * slope)
    gains[silent:until] = 0.0
    gains[until:] *= 0.0 if floor_db > _SILENT_DB else np.float32(10.0 ** (-floor_db / 20.0))


def _moving_cents(region: Region, key: int, times: NDArray[np.float64], bend: Wave | None) -> Wave | None:
    """What makes the pitch move: bends, vibrato, and the modulation envelope; None when it stands still."""
    parts: list[NDArray[np.floating]] = []
    if bend is not None:
        parts.append(100.0 * bend)
    if region.vibrato_cents:
        parts.append(region.vibrato_cents * _triangle(region.vibrato, times))
    if region.tremolo_cents:
        parts.append(region.tremolo_cents * _triangle(region.tremolo, times))
    if region.modulation_cents:
        parts.append(region.modulation_cents * _modulation(region.modulation.scaled(key), times))
    return np.sum(parts, axis=0) if parts else None


def _triangle(oscillation: Oscillation, times: NDArray[np.float64]) -> NDArray[np.float64]:
    phase = np.maximum(0.0, times - oscillation.delay_s) * oscillation.frequency_hz
    phase += 0.25
    phase -= np.floor(phase)
    triangle: NDArray[np.float64] = 1.0 - 4.0 * np.abs(phase - 0.5)
    return triangle


def _modulation(envelope: Envelope, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """A modulation envelope 0..1 while the note is held (its release would only colour a dying tone)."""
    knees = np.cumsum([envelope.delay_s, max(envelope.attack_s, 1e-4), envelope.hold_s])
    low = 1.0 - envelope.sustain
    end = knees[2] + max(envelope.decay_s * envelope.sustain, 1e-4)
    return np.interp(times, [knees[0], knees[1], knees[2] + 1e-6, end + 1e-6], [0.0, 1.0, 1.0, low])


@lru_cache(maxsize=1)
def _sinc_table() -> Wave:
    """Windowed-sinc interpolation kernels, shape [taps, phases]; each phase sums to 1."""
    phases = np.arange(_PHASES) / _PHASES
    offsets = np.arange(_TAPS)[:, None] - (_TAPS // 2 - 1) - phases[None]
    window = np.cos(np.pi * offsets / (_TAPS + 1)) ** 2
    kernels = np.sinc(offsets) * window
    table: Wave = (kernels / kernels.sum(axis=0)).astype(np.float32)
    return table


def _read(wave: Wave, region: Region, positions: NDArray[np.float64]) -> Wave:
    """The recording at fractional positions counted from the region's first frame, looped where it has a loop."""
    first, last = region.frames
    margin = _TAPS // 2
    loop = region.loop if region.loop is not None and region.loop[1] <= len(wave) else None
    if loop is None:
        source = wave[first:last]
        sounding = int(np.searchsorted(positions, len(source)))
        source = np.concatenate([np.zeros(margin - 1, np.float32), source, np.zeros(_TAPS, np.float32)])
    else:
        loop_start, loop_end = loop[0] - first, loop[1] - first
        length = loop_end - loop_start
        body = wave[first : loop[1]]
        # Past its end the loop goes on for as many frames as the kernel looks ahead and the wrap looks back.
        ahead = np.resize(body[loop_start:], 3 * _TAPS)
        source = np.concatenate([np.zeros(margin - 1, np.float32), body, ahead])
        sounding = len(positions)
        turn = loop_start + margin
        wrapped = turn + (positions - turn) % length
        positions = np.where(positions >= loop_end + margin, wrapped, positions)
    result = np.zeros(len(positions), np.float32)
    for span in spans(sounding):
        whole = positions[span].astype(np.intp)
        phase = ((positions[span] - whole) * _PHASES).astype(np.intp)
        total = result[span]
        values, weights = np.empty_like(total), np.empty_like(total)
        for tap, kernel in enumerate(_sinc_table()):
            # No place is outside; "clip" only spares the check.
            source[tap:].take(whole, mode="clip", out=values)
            kernel.take(phase, mode="clip", out=weights)
            values *= weights
            total += values
    return result


def _filter(signal: Wave, region: Region, key: int, sample_rate: int) -> Wave:
    """The region's resonant low-pass, whose cutoff may move with the modulation envelope and the tremolo.

    A moving filter is a cross-fade between fixed ones, at most half an octave apart: smooth, and no loop over frames.
    """
    if not len(signal):
        return signal
    cutoff: NDArray[np.float64] | float = float(region.cutoff_cents)
    if region.modulation_cutoff_cents or region.tremolo_cutoff_cents:
        times = np.arange(len(signal)) / sample_rate
        cutoff = (
            region.cutoff_cents
            + region.modulation_cutoff_cents * _modulation(region.modulation.scaled(key), times)
            + region.tremolo_cutoff_cents * _triangle(region.tremolo, times)
        )
    low, high = float(np.min(cutoff)), float(np.max(cutoff))
    low, high = (min(max(c, 1500.0), 13_500.0) for c in (low, high))
    if low >= _OPEN_CENTS and region.resonance_db == 0:
        return signal
    if high - low < 50:
        return _low_pass(signal, (low + high) / 2, region.resonance_db, sample_rate)
    count = int(np.ceil((high - low) / _FILTER_STEP_CENTS)) + 1
    levels = np.linspace(low, high, count)
    place = (np.clip(cutoff, low, high) - low) / (high - low) * (count - 1)
    result = np.zeros_like(signal)
    for index, level in enumerate(levels):
        weight = np.maximum(0.0, 1.0 - np.abs(place - index)).astype(np.float32)
        if weight.any():
            result += weight * _low_pass(signal, float(level), region.resonance_db, sample_rate)
    return result


def _low_pass(signal: Wave, cutoff_cents: float, resonance_db: float, sample_rate: int) -> Wave:
    frequency = 8.176 * 2.0 ** (cutoff_cents / 1200)
    if frequency >= 0.45 * sample_rate:
        return signal
    quality = 10.0 ** ((resonance_db - 3.01) / 20.0)
    omega = 2.0 * np.pi * frequency / sample_rate
    alpha = np.sin(omega) / (2.0 * quality)
    cosine = np.cos(omega)
    # The peak of a resonant filter is paid for with half its height in level, as the specification asks.
    gain = 1.0 / np.sqrt(max(1.0, 10.0 ** (resonance_db / 20.0)))
    b = np.array([(1 - cosine) / 2, 1 - cosine, (1 - cosine) / 2]) * gain / (1 + alpha)
    a = np.array([1.0, -2 * cosine / (1 + alpha), (1 - alpha) / (1 + alpha)])
    return lfilter(b, a, signal).astype(np.float32)
