"""`Clip`: audio as a value, and `Stems`: parts of one piece of audio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from descant.audio.spans import spans
from descant.errors import InvalidAudio

Samples = NDArray[np.float32]
"""float32 samples of shape [channels, frames], nominally within -1..1 (larger values are kept, not clipped)."""

MIN_SAMPLE_RATE = 1_000
MAX_SAMPLE_RATE = 768_000

_CANCELLED = 0.05  # a mean 13 dB below its channels: songs as they are meant stay within 7 dB in every second


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Samples with their rate. Immutable: the array is read-only.

    Attributes:
        samples: float32, shape [channels, frames]; one-dimensional input becomes one channel.
        sample_rate: Frames per second.

    Raises:
        InvalidAudio: The array is not one- or two-dimensional, has no channel, holds NaN or infinity, or the rate
            is impossible. Zero frames are allowed; tasks that need sound refuse them.
    """

    samples: Samples
    sample_rate: int

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples)
        if samples.ndim == 1:
            samples = samples[np.newaxis]
        if samples.ndim != 2 or samples.shape[0] == 0:
            raise InvalidAudio(
                f"Audio must have the shape [channels, frames]; got {list(samples.shape)}.",
                "Transpose it if the channels are last.",
            )
        if not MIN_SAMPLE_RATE <= self.sample_rate <= MAX_SAMPLE_RATE:
            raise InvalidAudio(f"A sample rate of {self.sample_rate} Hz is impossible.", "Check the file's header.")
        samples = samples.astype(np.float32, copy=False)
        if not np.isfinite(samples).all():
            raise InvalidAudio(
                "The audio holds NaN or infinite samples.", "Export it again from the program that made it."
            )
        view = samples.view()
        view.flags.writeable = False
        object.__setattr__(self, "samples", view)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.samples.shape[0])

    @property
    def frames(self) -> int:
        """Number of frames (samples per channel)."""
        return int(self.samples.shape[1])

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate

    @property
    def peak(self) -> float:
        """Largest absolute sample; 0 for an empty clip."""
        return float(max(self.samples.max(), -self.samples.min())) if self.frames else 0.0

    def slice(self, start_s: float, end_s: float | None = None) -> Clip:
        """The part between two times in seconds (clamped to the clip)."""
        start = max(0, round(start_s * self.sample_rate))
        end = self.frames if end_s is None else max(start, round(end_s * self.sample_rate))
        return Clip(self.samples[:, start:end], self.sample_rate)

    def to_mono(self) -> Clip:
        """The mean of all channels; where they cancel each other (a miswired side), of all turned to one polarity."""
        if self.channels == 1:
            return self
        mean = self.samples.mean(axis=0, keepdims=True)
        with np.errstate(over="ignore"):  # beyond what a float32 can sum, nothing has cancelled
            power = np.array([np.vdot(channel, channel) for channel in self.samples])
            if np.vdot(mean, mean) < _CANCELLED * power.mean():
                products = self.samples @ self.samples[power.argmax()]
                polarity = np.where(products < 0, -1.0, 1.0).astype(np.float32)
                mean = (polarity[:, np.newaxis] * self.samples).mean(axis=0, keepdims=True)
        return Clip(mean, self.sample_rate)

    def to_channels(self, channels: int) -> Clip:
        """The clip with another channel count: copied from mono, or mixed to mono and copied."""
        if channels == self.channels:
            return self
        return Clip(np.repeat(self.to_mono().samples, channels, axis=0), self.sample_rate)

    def pad_to(self, frames: int) -> Clip:
        """The clip with silence appended until it has `frames` frames; a longer clip stays as it is."""
        if frames <= self.frames:
            return self
        return Clip(np.pad(self.samples, ((0, 0), (0, frames - self.frames))), self.sample_rate)

    def gain(self, gain_db: float) -> Clip:
        """The clip louder by `gain_db` decibels."""
        return Clip(self.samples * np.float32(10.0 ** (gain_db / 20.0)), self.sample_rate)

    @classmethod
    def silence(cls, frames: int, sample_rate: int, channels: int = 1) -> Clip:
        """A clip of zeros."""
        return cls(np.zeros((channels, frames), np.float32), sample_rate)


@dataclass(frozen=True, slots=True, eq=False)
class Stems(Mapping[str, Clip]):
    """Named parts of one piece of audio, all of one length, rate and channel count.

    Raises:
        InvalidAudio: No stem is given or the stems differ in shape or rate.
    """

    clips: Mapping[str, Clip]

    def __post_init__(self) -> None:
        shapes = {(c.channels, c.frames, c.sample_rate) for c in self.clips.values()}
        if len(shapes) != 1:
            raise InvalidAudio(f"Stems must agree in channels, frames and rate; got {sorted(shapes)}.")
        object.__setattr__(self, "clips", MappingProxyType(dict(self.clips)))

    def __getitem__(self, name: str) -> Clip:
        return self.clips[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.clips)

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def sample_rate(self) -> int:
        """The rate all stems share."""
        return next(iter(self.clips.values())).sample_rate

    @property
    def channels(self) -> int:
        """The channel count all stems share."""
        return next(iter(self.clips.values())).channels

    @property
    def frames(self) -> int:
        """The length all stems share."""
        return next(iter(self.clips.values())).frames

    def mix(self) -> Clip:
        """The plain sum of all stems."""
        samples = np.empty((self.channels, self.frames), np.float32)
        for span in spans(self.frames):
            samples[:, span] = np.sum([clip.samples[:, span] for clip in self.clips.values()], axis=0, dtype=np.float64)
        return Clip(samples, self.sample_rate)
