"""Sample-rate conversion with soxr, whole clips or streams; both give the same samples."""

from __future__ import annotations

import numpy as np
import soxr

from descant.audio.clip import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, Clip, Samples
from descant.errors import InvalidOption

_QUALITY = "HQ"


def resampled_frames(frames: int, from_rate: int, to_rate: int) -> int:
    """Length of a clip after resampling: `round(frames * to_rate / from_rate)`."""
    return round(frames * to_rate / from_rate)


def resample(clip: Clip, sample_rate: int) -> Clip:
    """The clip at another rate: linear phase, exact length, onsets where they were.

    Args:
        clip: Any clip, also an empty one.
        sample_rate: The new rate in Hz.

    Returns:
        A clip of `round(clip.frames * sample_rate / clip.sample_rate)` frames; the same clip if the rate is the same.

    Example:
        >>> resample(Clip.silence(44_100, 44_100), 48_000).frames
        48000
    """
    if sample_rate == clip.sample_rate:
        return clip
    return Resampler(clip.sample_rate, sample_rate, clip.channels).push(clip, last=True)


class Resampler:
    """Converts a stream block by block; the blocks joined equal `resample` of the whole, bit for bit.

    Args:
        from_rate: Rate of what is pushed, in Hz.
        to_rate: Rate of what is returned, in Hz.
        channels: Channel count of both.

    Raises:
        InvalidOption: A rate is impossible.
    """

    def __init__(self, from_rate: int, to_rate: int, channels: int) -> None:
        for rate in (from_rate, to_rate):
            if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
                raise InvalidOption(
                    f"A sample rate of {rate} Hz is impossible.",
                    f"Choose one from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz.",
                )
        self._from_rate = from_rate
        self._to_rate = to_rate
        self._stream = None
        if from_rate != to_rate:
            self._stream = soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32", quality=_QUALITY)
        self._pushed = 0
        self._returned = 0

    def push(self, clip: Clip, *, last: bool = False) -> Clip:
        """Take the next block and return what is ready, possibly nothing; `last` flushes the rest.

        Args:
            clip: The next block, at `from_rate`; may be empty.
            last: Whether this block ends the stream.
        """
        if clip.sample_rate != self._from_rate:
            raise InvalidOption(f"A block has {clip.sample_rate} Hz, the stream {self._from_rate} Hz.")
        if self._stream is None:
            return clip
        interleaved = self._stream.resample_chunk(np.ascontiguousarray(clip.samples.T), last=last)
        self._pushed += clip.frames
        ready: Samples = np.ascontiguousarray(np.asarray(interleaved, np.float32).reshape(-1, clip.channels).T)
        if last:
            due = resampled_frames(self._pushed, self._from_rate, self._to_rate) - self._returned
            # soxr rounds halves its own way: at most one frame is missing or over.
            ready = ready[:, : max(due, 0)]
            ready = np.pad(ready, ((0, 0), (0, max(due, 0) - ready.shape[1])))
        self._returned += ready.shape[1]
        return Clip(ready, self._to_rate)
