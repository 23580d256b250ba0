"""Rooms: a clip heard through measured impulse responses, or through imagined rooms."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.effects import convolve, reverb
from descant.data.augment.step import Range, Step, check_range, draw
from descant.data.rooms import impulse_response
from descant.errors import InvalidOption

_SEEDS = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ImaginedRoom(Step):
    """A synthetic room (`descant.audio.effects.reverb`), another one each time.

    Attributes:
        decay_s: Range of the reverberation time in seconds, equal ratios equally likely.
        size_m: Range of the room's size in metres.
        amount: Range of the room's level; 1 is as loud as the clip itself.
    """

    decay_s: Range = (0.1, 2.0)
    size_m: Range = (2.0, 20.0)
    amount: Range = (0.05, 0.5)

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """See `Step.apply`."""
        return reverb(
            clip,
            draw(rng, self.amount),
            decay_s=draw(rng, self.decay_s, scale="log"),
            size_m=draw(rng, self.size_m),
            seed=int(rng.integers(_SEEDS)),
        )

    def _check(self) -> None:
        check_range("decay_s", self.decay_s, 0.05, 20.0)
        check_range("size_m", self.size_m, 0.1, 1000.0)
        check_range("amount", self.amount, 0.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRoom(Step):
    """One of several recorded rooms, mixed under the dry clip.

    Attributes:
        files: Impulse responses, equally likely (`room_files` lists a folder). One with more than two channels, or
            with more channels than the clip, is heard through its first ones.
        amount: Range of the room's level; responses are scaled to unit energy, so 1 is about as loud as the clip.
        longest_s: Responses are cut (and faded) to this length, which bounds the work.
    """

    files: tuple[Path, ...]
    amount: Range = (0.05, 0.5)
    longest_s: float = 3.0

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """See `Step.apply`."""
        amount = draw(rng, self.amount)
        room = impulse_response(self.files[int(rng.integers(len(self.files)))], clip.sample_rate, self.longest_s)
        if room.channels not in {1, clip.channels}:
            count = clip.channels if clip.channels <= room.channels else 1
            room = Clip(room.samples[:count], room.sample_rate)
        return Clip(clip.samples + np.float32(amount) * convolve(clip, room).samples, clip.sample_rate)

    def _check(self) -> None:
        check_range("amount", self.amount, 0.0, 10.0)
        if not self.files or not 0.01 <= self.longest_s <= 60.0:
            raise InvalidOption("A measured room needs files, and a length of 0.01 to 60 s.", "Use room_files(folder).")
