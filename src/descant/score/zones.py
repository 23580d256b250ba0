"""Zones of a SoundFont resolved into flat `Region`s: which sample, for which keys, tuned and shaped how.

Generator numbers, units and defaults are those of section 8.1 of the SoundFont 2.04 specification. Attenuations count
as 0.4 of what is written, as in the hardware for which the common sound sets were made.
"""

from __future__ import annotations

from dataclasses import dataclass

DRUM_BANK = 128

_ATTENUATION_FACTOR = 0.4
_NEVER = -12_000
_DEFAULTS = {
    8: 13_500, 21: _NEVER, 23: _NEVER, 25: _NEVER, 26: _NEVER, 27: _NEVER, 28: _NEVER, 30: _NEVER,
    33: _NEVER, 34: _NEVER, 35: _NEVER, 36: _NEVER, 38: _NEVER, 46: -1, 47: -1, 56: 100, 58: -1,
}  # fmt: skip
_FULL_RANGE = 127 << 8


@dataclass(frozen=True, slots=True)
class Zone:
    """Generators of one zone (signed amounts) and the row of the instrument or sample it plays."""

    generators: dict[int, int]
    target: int

    def range(self, generator: int) -> tuple[int, int]:
        """A range of keys (43) or velocities (44), both ends included."""
        amount = self.generators.get(generator, _FULL_RANGE) & 0xFFFF
        return amount & 0xFF, amount >> 8


@dataclass(frozen=True, slots=True)
class Sample:
    """Where a recording lies in the file; `start` and `end` count frames, or bytes when it is compressed."""

    row: int
    name: str
    start: int
    end: int
    loop_start: int
    loop_end: int
    sample_rate: int
    key: int
    correction_cents: int
    is_vorbis: bool


@dataclass(frozen=True, slots=True)
class Envelope:
    """Delay, attack, hold, decay, sustain, release; times in seconds at key 60.

    `sustain` is dB below full for a volume envelope, and 0..1 below full for a modulation envelope. Hold and decay
    shrink by `2 ** (cents * (key - 60) / 1200)`.
    """

    delay_s: float
    attack_s: float
    hold_s: float
    decay_s: float
    sustain: float
    release_s: float
    hold_cents_per_key: int
    decay_cents_per_key: int

    def scaled(self, key: int) -> Envelope:
        """The envelope for one key."""
        return Envelope(
            self.delay_s, self.attack_s, self.hold_s * 2 ** (self.hold_cents_per_key * (60 - key) / 1200),
            self.decay_s * 2 ** (self.decay_cents_per_key * (60 - key) / 1200), self.sustain, self.release_s, 0, 0,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Oscillation:
    """A triangle wave that starts after a delay: vibrato or tremolo."""

    delay_s: float
    frequency_hz: float


@dataclass(frozen=True, slots=True)
class Region:
    """A sample as one zone plays it.

    Attributes:
        sample: The recording.
        keys: Lowest and highest key.
        velocities: Lowest and highest velocity.
        frames: First and last frame (exclusive) within the sample; the last is None for "to the end".
        loop: First and last frame (exclusive) of the loop within the sample; None plays once.
        root_key: Key at which the recording sounds as recorded.
        cents_per_key: Keyboard tracking, 100 for the tempered scale.
        tuning_cents: Added to the pitch.
        gain_db: Level.
        pan: -1 left to 1 right.
        volume: Envelope of the level.
        modulation: Envelope of pitch and filter.
        vibrato: Oscillation of the pitch.
        tremolo: Oscillation of pitch, filter and level.
        vibrato_cents: Depth of the vibrato.
        tremolo_cents: Depth in pitch.
        tremolo_db: Depth in level.
        tremolo_cutoff_cents: Depth in the filter.
        modulation_cents: What the modulation envelope adds to the pitch.
        modulation_cutoff_cents: What it adds to the filter.
        cutoff_cents: Low-pass cutoff above 8.176 Hz.
        resonance_db: Peak of the filter.
        exclusive_class: A note stops sounding notes of the same class (hi-hats); 0 for none.
        fixed_key: Key that sounds whatever is played, or -1.
        fixed_velocity: Likewise for the velocity.
    """

    sample: Sample
    keys: tuple[int, int]
    velocities: tuple[int, int]
    frames: tuple[int, int | None]
    loop: tuple[int, int] | None
    root_key: int
    cents_per_key: int
    tuning_cents: float
    gain_db: float
    pan: float
    volume: Envelope
    modulation: Envelope
    vibrato: Oscillation
    tremolo: Oscillation
    vibrato_cents: int
    tremolo_cents: int
    tremolo_db: float
    tremolo_cutoff_cents: int
    modulation_cents: int
    modulation_cutoff_cents: int
    cutoff_cents: int
    resonance_db: float
    exclusive_class: int
    fixed_key: int
    fixed_velocity: int

    def sounds(self, key: int, velocity: int) -> bool:
        """Whether the region plays for this key and velocity."""
        return self.keys[0] <= key <= self.keys[1] and self.velocities[0] <= velocity <= self.velocities[1]


def resolve_region(outer: Zone, inner: Zone, sample: Sample) -> Region | None:
    """A preset zone over an instrument zone; None when no key or velocity is left."""
    keys, velocities = (_meet(outer.range(i), inner.range(i)) for i in (43, 44))
    if keys[0] > keys[1] or velocities[0] > velocities[1]:
        return None

    def amount(generator: int) -> int:
        own = inner.generators.get(generator, _DEFAULTS.get(generator, 0))
        return own + outer.generators.get(generator, 0)

    def only_inner(generator: int) -> int:
        return inner.generators.get(generator, _DEFAULTS.get(generator, 0))

    def seconds(generator: int) -> float:
        cents = amount(generator)
        return 0.0 if cents <= _NEVER else float(2.0 ** (min(cents, 8000) / 1200))

    def envelope(first: int, sustain: float, to_hold: int) -> Envelope:
        delay_s, attack_s, hold_s, decay_s = (seconds(first + i) for i in range(4))
        release_s = seconds(first + 5)
        return Envelope(delay_s, attack_s, hold_s, decay_s, sustain, release_s, amount(to_hold), amount(to_hold + 1))

    def oscillation(delay: int) -> Oscillation:
        return Oscillation(seconds(delay), 8.176 * 2.0 ** (max(-16_000, min(amount(delay + 1), 4500)) / 1200))

    root = only_inner(58)
    root = root if 0 <= root <= 127 else (sample.key if sample.key <= 127 else 60)
    start = max(0, only_inner(0) + 32_768 * only_inner(4))
    # The length of a compressed sample is known only once it is decoded.
    end = None if sample.is_vorbis else sample.end - sample.start + min(0, only_inner(1) + 32_768 * only_inner(12))
    loop_start = sample.loop_start + only_inner(2) + 32_768 * only_inner(45)
    loop_end = sample.loop_end + only_inner(3) + 32_768 * only_inner(50)
    has_loop = only_inner(54) & 3 in (1, 3) and start <= loop_start and loop_end - loop_start >= 2
    if end is not None:
        has_loop = has_loop and loop_end <= end
        if start >= end:
            return None
    return Region(
        sample=sample,
        keys=keys,
        velocities=velocities,
        frames=(start, end),
        loop=(loop_start, loop_end) if has_loop else None,
        root_key=root,
        cents_per_key=amount(56),
        tuning_cents=100.0 * amount(51) + amount(52) + sample.correction_cents,
        gain_db=-0.1 * _ATTENUATION_FACTOR * max(0, amount(48)),
        pan=max(-1.0, min(amount(17) / 500.0, 1.0)),
        volume=envelope(33, max(0, min(amount(37), 1440)) / 10.0, 39),
        modulation=envelope(25, max(0, min(amount(29), 1000)) / 1000.0, 31),
        vibrato=oscillation(23),
        tremolo=oscillation(21),
        vibrato_cents=amount(6),
        tremolo_cents=amount(5),
        tremolo_db=max(-960, min(amount(13), 960)) / 10.0,
        tremolo_cutoff_cents=amount(10),
        modulation_cents=amount(7),
        modulation_cutoff_cents=amount(11),
        cutoff_cents=max(1500, min(amount(8), 13_500)),
        resonance_db=max(0, min(amount(9), 960)) / 10.0,
        exclusive_class=only_inner(57),
        fixed_key=only_inner(46),
        fixed_velocity=only_inner(47),
    )


def _meet(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return max(a[0], b[0]), min(a[1], b[1])
