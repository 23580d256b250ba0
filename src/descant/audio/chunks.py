"""Long audio in overlapping chunks: a plan, a sliding reader, and cross-faded reassembly in bounded memory.

A model that maps chunks to chunks is run over any length like this:

    joined = OverlapAdd(overlap)
    for chunk, samples in slide(read_blocks(path, 65_536), size, overlap):
        writer.write(Clip(joined.push(model(samples), chunk.start), sample_rate))
    writer.write(Clip(joined.finish(), sample_rate))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip, Samples
from descant.errors import InvalidOption


@dataclass(frozen=True, slots=True)
class Chunk:
    """One stretch of a longer piece of audio.

    Attributes:
        index: Position in the plan, from 0.
        start: First frame.
        stop: Frame after the last one.
    """

    index: int
    start: int
    stop: int

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.stop - self.start


def plan_chunks(frames: int, size: int, overlap: int) -> tuple[Chunk, ...]:
    """Chunks of `size` frames that cover `frames` frames, neighbours sharing `overlap`; the last may be shorter.

    Args:
        frames: Length of the whole; 0 needs no chunk.
        size: Frames of a chunk.
        overlap: Frames shared by neighbours, at least 0 and less than `size`.

    Raises:
        InvalidOption: The numbers contradict each other.

    Example:
        >>> [(c.start, c.stop) for c in plan_chunks(10, 5, 2)]
        [(0, 5), (3, 8), (6, 10)]
    """
    _check(size, overlap)
    if frames < 0:
        raise InvalidOption(f"A length of {frames} frames is impossible.")
    if frames == 0:
        return ()
    step = size - overlap
    count = 1 + max(0, -(-(frames - size) // step))
    return tuple(Chunk(i, i * step, min(i * step + size, frames)) for i in range(count))


def slide(blocks: Iterable[Clip], size: int, overlap: int) -> Iterator[tuple[Chunk, Samples]]:
    """Cut a stream of blocks into the chunks of `plan_chunks`, without knowing its length beforehand.

    Args:
        blocks: Consecutive blocks of any lengths, for instance from `read_blocks`.
        size: Frames of a chunk.
        overlap: Frames shared by neighbours.

    Yields:
        Each chunk with its samples, shape [channels, chunk.frames]. Memory holds one chunk and one block.
    """
    _check(size, overlap)
    step = size - overlap
    held: list[Samples] = []
    held_frames = index = 0
    for block in blocks:
        held.append(block.samples)
        held_frames += block.frames
        # One frame beyond the chunk must exist, else it may be the last one and end the plan.
        if held_frames <= size:
            continue
        joined = np.concatenate(held, axis=1)
        offset = 0
        while joined.shape[1] - offset > size:
            start = index * step
            yield Chunk(index, start, start + size), joined[:, offset : offset + size]
            index += 1
            offset += step
        held = [joined[:, offset:].copy()]
        held_frames = held[0].shape[1]
    if held_frames:
        start = index * step
        yield Chunk(index, start, start + held_frames), np.concatenate(held, axis=1)


class OverlapAdd:
    """Joins overlapping chunks with linear cross-fades whose weights sum to one everywhere.

    If every chunk is a part of the same signal, the result is that signal (error below 1e-6 of its peak). Memory
    holds the frames that later chunks can still change: about one chunk.

    Args:
        overlap: Length in frames of the fade at both ends of a chunk.
    """

    def __init__(self, overlap: int) -> None:
        if overlap < 0:
            raise InvalidOption(f"An overlap of {overlap} frames is impossible.")
        self._overlap = overlap
        self._sum: NDArray[np.float64] | None = None
        self._weight = np.zeros(0)
        self._position = 0

    def push(self, samples: NDArray[np.floating], start: int) -> Samples:
        """Add a chunk and return the frames that are now final.

        Args:
            samples: Shape [..., frames]; the leading shape (channels, or stems and channels) stays the same.
            start: Frame of the whole at which the chunk begins: not before the last chunk's start, and without a gap.

        Returns:
            float32 [..., ready]: everything from where the previous call ended up to `start`.
        """
        if self._sum is None:
            self._sum = np.zeros((*samples.shape[:-1], 0))
            self._position = start
        ready = self._take(start - self._position)
        frames = samples.shape[-1]
        grown = frames - self._weight.shape[0]
        if grown > 0:
            edges = [(0, 0)] * (self._sum.ndim - 1)
            self._sum = np.pad(self._sum, [*edges, (0, grown)])
            self._weight = np.pad(self._weight, (0, grown))
        weight = _trapezoid(frames, self._overlap)
        self._sum[..., :frames] += samples * weight
        self._weight[:frames] += weight
        return ready

    def finish(self) -> Samples:
        """The rest, after the last chunk."""
        return self._take(self._weight.shape[0])

    def _take(self, count: int) -> Samples:
        if self._sum is None:
            return np.zeros((1, 0), np.float32)
        if not 0 <= count <= self._weight.shape[0]:
            raise InvalidOption("Chunks must be pushed in order and without gaps.")
        ready = (self._sum[..., :count] / self._weight[:count]).astype(np.float32)
        self._sum = self._sum[..., count:]
        self._weight = self._weight[count:]
        self._position += count
        return ready


def _trapezoid(frames: int, overlap: int) -> NDArray[np.float64]:
    """Weights that rise over `overlap` frames, stay at one and fall; never zero, so a lone chunk is kept whole."""
    rise = np.arange(1, frames + 1) / (overlap + 1)
    return np.minimum(1.0, np.minimum(rise, rise[::-1]))


def _check(size: int, overlap: int) -> None:
    if size < 1 or not 0 <= overlap < size:
        raise InvalidOption(
            f"Chunks of {size} frames cannot overlap by {overlap}.",
            "The overlap must be at least 0 and smaller than the chunk.",
        )
