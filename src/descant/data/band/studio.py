"""The studio: tone, dynamics, place, room and level of each stem by chance, and a mix that is exactly their sum."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.effects.dynamics import compress
from descant.audio.effects.equalizer import high_pass, high_shelf, low_shelf, peak
from descant.audio.effects.reverb import convolve, room_impulse
from descant.audio.effects.stereo import pan
from descant.audio.loudness import integrated_lufs
from descant.data.band.vocoder import SAMPLE_RATE
from descant.data.rooms import impulse_response, room_files
from descant.mix.roles import LEAD, Role, role_of
from descant.progress import CancelToken

_REFERENCE_LUFS = -22.0
_LONGEST_ROOM_S = 3.0
_HIGHEST_PEAK = 0.97
_FULL_SCALE = 32_767
_TALLEST_GAIN_DB = 60.0

Pcm = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Room:
    """Where a song is played.

    Attributes:
        name: "measured/emt_140_dark_3", "synthetic/4711".
        decay_s: Reverberation time of a synthetic room; 0 of a measured one.
        size_m: Its size; 0 of a measured one.
        path: Impulse response of a measured one.
    """

    name: str
    decay_s: float = 0.0
    size_m: float = 0.0
    path: Path | None = None

    def impulse(self) -> Clip:
        """Its stereo answer to a click, energy one per channel."""
        if self.path is None:
            seed = int(self.name.rsplit("/", 1)[1])
            return room_impulse(SAMPLE_RATE, decay_s=self.decay_s, size_m=self.size_m, seed=seed)
        return impulse_response(self.path, SAMPLE_RATE, _LONGEST_ROOM_S).to_channels(2)


@dataclass(frozen=True, slots=True)
class Treatment:
    """What was done to a stem, in the order in which it was done; 0 and None where it was not."""

    low_shelf_db: float
    bell_hz: float
    bell_db: float
    high_shelf_db: float
    ratio: float
    pan: float
    send: float
    level_lu: float


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """A finished mix as integers.

    Attributes:
        stems: int16, shape [frames, 2], by name.
        mixture: Their sum, sample by sample.
        gain_db: The one gain of all stems.
        lufs: Loudness of the mixture; -inf for silence.
    """

    stems: Mapping[str, Pcm]
    mixture: Pcm
    gain_db: float
    lufs: float


def find_rooms(folder: Path | None) -> tuple[Room, ...]:
    """Measured rooms: the sound files below a folder.

    Raises:
        InputNotFound: The folder holds none.
    """
    if folder is None:
        return ()
    return tuple(Room(f"measured/{path.stem}", path=path) for path in room_files(folder))


def draw_room(rooms: Sequence[Room], rng: np.random.Generator) -> Room:
    """A measured room, or in a third of the cases (always where none is given) an imagined one."""
    number = int(rng.integers(1 << 30))
    decay, size = float(np.exp(rng.uniform(np.log(0.25), np.log(2.4)))), float(rng.uniform(3.0, 20.0))
    if rooms and rng.random() < 2 / 3:
        return rooms[number % len(rooms)]
    return Room(f"synthetic/{number}", decay, size)


def draw_treatment(role: Role, rng: np.random.Generator) -> Treatment:
    """How a stem is set, around the habits of its role."""
    side = float(rng.choice([-1.0, 1.0]))
    is_low = role.name in ("bass", "lead")
    return Treatment(
        low_shelf_db=float(rng.normal(0.0, 2.0)),
        bell_hz=float(np.exp(rng.uniform(np.log(250.0), np.log(6_000.0)))),
        bell_db=float(rng.normal(0.0, 2.5)),
        high_shelf_db=float(rng.normal(0.0, 2.5)),
        ratio=float(rng.uniform(1.5, 5.0)) if rng.random() < 0.6 else 0.0,
        pan=float(np.clip(side * role.pan * rng.uniform(0.3, 2.0), -0.9, 0.9)),
        send=float(0.1 * role.room * rng.uniform(0.0, 3.0)) if not is_low or role is LEAD else 0.0,
        level_lu=float(role.level_lu + rng.normal(0.0, 2.5)),
    )


def treat(clip: Clip, role: Role, treatment: Treatment, impulse: Clip, cancel: CancelToken | None = None) -> Clip:
    """A stem as it stands in the mix, stereo, at its level; `cancel` stops the work."""
    stop = cancel or CancelToken()
    stop.check()
    even = level_to(clip.to_channels(2), _REFERENCE_LUFS)
    shaped = high_pass(even, role.high_pass_hz) if role.high_pass_hz else even
    shaped = low_shelf(shaped, 200.0, treatment.low_shelf_db)
    shaped = peak(shaped, treatment.bell_hz, treatment.bell_db)
    shaped = high_shelf(shaped, 6_000.0, treatment.high_shelf_db)
    stop.check()
    if treatment.ratio:
        shaped = compress(shaped, _REFERENCE_LUFS - 2.0, treatment.ratio, attack_ms=12.0, release_ms=140.0)
    shaped = pan(shaped, treatment.pan)
    stop.check()
    if treatment.send > 0:
        shaped = Clip(shaped.samples + np.float32(treatment.send) * convolve(shaped, impulse).samples, SAMPLE_RATE)
    return level_to(shaped, _REFERENCE_LUFS + treatment.level_lu)


def level_to(clip: Clip, lufs: float) -> Clip:
    """The clip at a loudness; silence stays silence."""
    now = integrated_lufs(clip)
    return clip.gain(min(lufs - now, _TALLEST_GAIN_DB)) if math.isfinite(now) else clip


def mix_down(stems: Mapping[str, Clip], lufs: float, *, beside: Sequence[Clip] = ()) -> Mixed:
    """One gain for all stems, then whole numbers, so that the mixture is the sum of the stems to the last bit.

    Args:
        stems: Stereo clips of one length; those that must sum to the mixture.
        lufs: Wanted loudness of the mixture; what would clip is set lower.
        beside: Other clips that get the same gain and must not clip either: sums of some stems, the dry lead.
    """
    total: NDArray[np.float32] = np.asarray([clip.samples for clip in stems.values()]).sum(axis=0)
    highest = max([float(np.abs(total).max(initial=0.0)), *(clip.peak for clip in (*stems.values(), *beside))])
    if highest == 0.0:
        return Mixed({n: to_pcm(c, 1.0) for n, c in stems.items()}, np.zeros(total.T.shape, np.int16), 0.0, -math.inf)
    loudness = integrated_lufs(Clip(total, SAMPLE_RATE))
    wanted = 10.0 ** ((lufs - loudness) / 20.0) if math.isfinite(loudness) else 1.0
    factor = min(wanted, _HIGHEST_PEAK / highest)
    quantised = {name: to_pcm(clip, factor) for name, clip in stems.items()}
    mixture = add_up(list(quantised.values()))
    return Mixed(quantised, mixture, 20.0 * math.log10(factor), loudness + 20.0 * math.log10(factor))


def to_pcm(clip: Clip, factor: float) -> Pcm:
    """16-bit samples, shape [frames, channels]; what does not fit is held at full scale."""
    scaled = np.rint(clip.samples.T.astype(np.float64) * (factor * _FULL_SCALE))
    return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE).astype(np.int16)


def add_up(stems: Sequence[Pcm]) -> Pcm:
    """The exact sum of stems whose sum fits 16 bits."""
    total: NDArray[np.int32] = np.asarray(stems).sum(axis=0, dtype=np.int32)
    assert np.abs(total).max(initial=0) <= _FULL_SCALE + 1
    return total.astype(np.int16)


def role_of_part(part: str) -> Role:
    """The role of a part of the band; a melody that is played stands in front like a lead."""
    return LEAD if part in ("lead", "melody") else role_of(part)
