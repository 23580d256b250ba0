"""Changing time without pitch: a constant factor, or a voice moved onto another time line (Signalsmith Stretch)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import python_stretch
from numpy.typing import NDArray

from descant.audio.clip import Clip, Samples
from descant.errors import InvalidOption

_CROSSFADE_S = 0.04
_SAME_FACTOR = 0.005
_LIMITS = (0.25, 4.0)
_MOST_SEMITONES = 24.0
_RANDOM_FROM = 1.95
"""Signalsmith draws random phases from twice the length on, other ones each time; more is made in passes below that."""


def time_stretch(clip: Clip, ratio: float, *, semitones: float = 0.0) -> Clip:
    """The clip made `ratio` times as long, pitch kept or moved in the same pass.

    Args:
        clip: Any rate and channel count.
        ratio: New length over old length, 0.25 to 4; 1 with `semitones` is a change of pitch alone.
        semitones: How much higher it sounds, -24 to 24.

    Returns:
        A clip of round(frames * ratio) frames.

    Raises:
        InvalidOption: The ratio or the interval is outside the limits.
    """
    _check(ratio)
    if not abs(semitones) <= _MOST_SEMITONES:
        raise InvalidOption(f"A transposition by {semitones} semitones is too much.", "Stay within two octaves.")
    return Clip(_stretch(clip.samples, clip.sample_rate, round(clip.frames * ratio), semitones), clip.sample_rate)


def retime(clip: Clip, from_s: Sequence[float], to_s: Sequence[float]) -> Clip:
    """The clip with the times `from_s` moved to `to_s`; between them time is stretched evenly, pitch kept.

    Args:
        clip: Any rate and channel count.
        from_s: Rising times in the clip (seconds), at least two; what lies outside keeps the outer factors.
        to_s: Where they go, rising, as many.

    Returns:
        A clip that ends where the end of the input lands.

    Raises:
        InvalidOption: The times do not rise, or a stretch beyond four times either way would be needed.
    """
    source, target = np.asarray(from_s, float), np.asarray(to_s, float)
    if len(source) != len(target) or len(source) < 2 or (np.diff(source) <= 0).any() or (np.diff(target) <= 0).any():
        raise InvalidOption("Retiming needs two equally long lists of rising times.")
    source, target = _cover(source, target, clip.duration_s)
    source, target = _merge(source, target)
    rate = clip.sample_rate
    total = round(target[-1] * rate)
    output = np.zeros((clip.channels, total), np.float32)
    fade = round(_CROSSFADE_S * rate)
    for index, (s0, s1, t0, t1) in enumerate(zip(source, source[1:], target, target[1:], strict=False)):
        ratio = (t1 - t0) / (s1 - s0)
        _check(ratio)
        start, end = round(t0 * rate), round(t1 * rate)
        # Each piece is made half a cross-fade longer on both sides, from the audio that really lies there.
        before = fade // 2 if index else 0
        after = fade - fade // 2 if index < len(source) - 2 else 0
        from_frame, to_frame = (s0 - before / rate / ratio) * rate, (s1 + after / rate / ratio) * rate
        piece = _stretch(_padded(clip.samples, round(from_frame), round(to_frame)), rate, end - start + before + after)
        _add_faded(output, piece, start - before, fade if index else 0, fade if after else 0)
    return Clip(output, rate)


def _check(ratio: float) -> None:
    if not _LIMITS[0] <= ratio <= _LIMITS[1]:
        raise InvalidOption(
            f"A stretch to {ratio:.2f} times the length is beyond what keeps a voice intelligible.",
            f"Stay within {_LIMITS[0]} to {_LIMITS[1]}: choose a tempo nearer to the singer's.",
        )


def _stretch(samples: Samples, rate: int, frames: int, semitones: float = 0.0) -> Samples:
    if samples.shape[1] == 0 or frames <= 0:
        return np.zeros((samples.shape[0], max(frames, 0)), np.float32)
    if samples.shape[1] == frames and semitones == 0:
        return samples
    ratio = frames / samples.shape[1]
    if ratio >= _RANDOM_FROM:
        part = _stretch(samples, rate, round(samples.shape[1] * ratio**0.5))
        return _stretch(part, rate, frames, semitones)
    stretcher = python_stretch.Signalsmith.Stretch()
    stretcher.preset(samples.shape[0], rate)
    stretcher.setTimeFactor(samples.shape[1] / frames)
    stretcher.setTransposeSemitones(semitones)
    # The binding refuses read-only arrays, which the samples of a clip are: hence the copy.
    made = np.asarray(stretcher.process(np.array(samples, np.float32, order="C")), np.float32)
    return _padded(made, 0, frames)


def _padded(samples: Samples, start: int, end: int) -> Samples:
    """Frames start..end, with zeros where there are none."""
    inside = samples[:, max(start, 0) : max(min(end, samples.shape[1]), 0)]
    left = max(0, min(-start, end - start))
    right = max(0, end - start - left - inside.shape[1])
    return np.pad(inside, ((0, 0), (left, right)))


def _add_faded(output: Samples, piece: Samples, at: int, fade_in: int, fade_out: int) -> None:
    piece = piece.copy()
    length = piece.shape[1]
    if fade_in:
        n = min(fade_in, length)
        piece[:, :n] *= np.sin(np.linspace(0, np.pi / 2, n, dtype=np.float32)) ** 2
    if fade_out:
        n = min(fade_out, length)
        piece[:, length - n :] *= np.cos(np.linspace(0, np.pi / 2, n, dtype=np.float32)) ** 2
    start, end = max(at, 0), min(at + length, output.shape[1])
    if end > start:
        output[:, start:end] += piece[:, start - at : end - at]


def _cover(
    source: NDArray[np.float64], target: NDArray[np.float64], duration_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Anchors that begin at 0 and end at the end of the clip."""
    first = (target[1] - target[0]) / (source[1] - source[0])
    last = (target[-1] - target[-2]) / (source[-1] - source[-2])
    inside = (source > 1e-6) & (source < duration_s - 1e-6)
    head = max(0.0, float(target[0] - source[0] * first)) if source[0] > 0 else float(np.interp(0.0, source, target))
    if duration_s > source[-1]:
        tail = float(target[-1] + (duration_s - source[-1]) * last)
    else:
        tail = float(np.interp(duration_s, source, target))
    new_source = np.concatenate([[0.0], source[inside], [duration_s]])
    new_target = np.concatenate([[head], target[inside], [tail]])
    new_target[0] = 0.0 if source[0] > 0 and head == 0.0 else new_target[0]
    return new_source, new_target


def _merge(source: NDArray[np.float64], target: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Neighbouring pieces of nearly one factor become one piece, since each joint costs a cross-fade."""
    keep = [0]
    for index in range(1, len(source) - 1):
        before = (target[index] - target[keep[-1]]) / (source[index] - source[keep[-1]])
        after = (target[index + 1] - target[index]) / (source[index + 1] - source[index])
        if abs(before - after) > _SAME_FACTOR * before:
            keep.append(index)
    keep.append(len(source) - 1)
    return source[keep], target[keep]
