"""Training examples of multitracks: a random stretch of a song, or of several songs at once, stem by stem.

Remixing stems of different songs multiplies the songs there are (Uhlich et al., ICASSP 2017), at the price of the
correlation between stems, which Stoller et al. (ICASSP 2018) warn of: so it is a share, not a rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip, Samples, Stems
from descant.audio.stretch import time_stretch
from descant.data.augment.speed import interval
from descant.data.augment.step import EMPTY, Chain, Range, check_range, draw
from descant.data.sets.item import AudioRef, Item
from descant.errors import InvalidAudio, InvalidOption

_SPEEDS = (0.25, 4.0)
"""What `audio.stretch` can do."""
_LARGEST_DB = 200.0


@dataclass(frozen=True, slots=True)
class CropOptions:
    """How examples are cut and augmented.

    Attributes:
        seconds: Length of an example.
        sample_rate: In Hz; songs of other rates are converted.
        channels: Channel count; songs with another are mixed to it.
        stems: Which stems, in this order.
        remix: Share of the examples whose stems come from different songs (and places), 0 to 1.
        speed: Range of the tempo factor, 0.25 to 4; (1, 1) leaves the tempo alone.
        semitones: Range of the transposition in whole semitones; (0, 0) leaves the pitch alone.
        stretched: Share of the examples that get another tempo and pitch: by far the dearest step.
        unpitched: Stems whose pitch stays (their tempo follows the others).
        each: Steps for every stem.
        own: Steps for some stems by name, after `each`.
        heard: Steps for the mix that the model hears, not for its targets (codec, noise).
        active: A stem that should sound: its crop is drawn again, up to `tries` times, while it is silent.
        active_db: What counts as sounding: RMS of its loudest 50 ms in dB below full scale. (SingSong keeps clips
            whose vocals reach -25, as an independent implementer reports.)
        tries: How often another place is tried; the last is taken as it is.
    """

    seconds: float = 6.0
    sample_rate: int = 44_100
    channels: int = 2
    stems: tuple[str, ...] = ("vocals", "drums", "bass", "other")
    remix: float = 0.5
    speed: Range = (1.0, 1.0)
    semitones: Range = (0.0, 0.0)
    stretched: float = 1.0
    unpitched: tuple[str, ...] = ("drums",)
    each: Chain = EMPTY
    own: Mapping[str, Chain] = field(default_factory=dict)
    heard: Chain = EMPTY
    active: str = ""
    active_db: float = -25.0
    tries: int = 8

    def __post_init__(self) -> None:
        check_range("speed", self.speed, *_SPEEDS)
        check_range("semitones", self.semitones, -24.0, 24.0)
        if not 0 < self.seconds <= 3600 or self.channels < 1 or not self.stems:
            raise InvalidOption("A crop needs a length up to an hour, a channel and a stem.", "Check its options.")
        if len({*self.stems}) != len(self.stems):
            raise InvalidOption(f"{', '.join(self.stems)}: a stem is named twice.", "Name each once.")
        if not isinstance(self.unpitched, tuple) or not all(isinstance(name, str) for name in self.unpitched):
            raise InvalidOption(f"unpitched = {self.unpitched!r} is no list of stems.", "Write their names in a list.")
        is_level = isinstance(self.active_db, int | float) and not isinstance(self.active_db, bool)
        if not is_level or not abs(self.active_db) <= _LARGEST_DB or not isinstance(self.active, str):
            raise InvalidOption(
                f"active = {self.active!r} at active_db = {self.active_db!r} cannot be looked for.",
                "Give a stem's name and a level in dB.",
            )
        for name, share in (("remix", self.remix), ("stretched", self.stretched)):
            if not 0.0 <= share <= 1.0:
                raise InvalidOption(f"{name} = {share} is no probability.", "Give a number from 0 to 1.")
        unknown = {*self.own, *filter(None, (self.active,))} - set(self.stems)
        if unknown:
            raise InvalidOption(f"{min(unknown)!r} is none of the stems.", f"They are {', '.join(self.stems)}.")

    @property
    def frames(self) -> int:
        """Length of an example in frames."""
        return round(self.seconds * self.sample_rate)


@dataclass(frozen=True, slots=True)
class Take:
    """One example with its story.

    Attributes:
        stems: The targets, all of one shape.
        heard: What the model hears: their sum, after the steps of `CropOptions.heard`.
        sources: For each stem the item it came from and where in it the crop begins, in seconds.
        speed: How much faster than the original it is: a label at `t` seconds of the item lies at
            (t - start) / speed of the crop.
        semitones: How much higher the pitched stems are.
    """

    stems: Stems
    heard: Clip
    sources: Mapping[str, tuple[str, float]]
    speed: float = 1.0
    semitones: float = 0.0


@dataclass(frozen=True, slots=True)
class StemCrops:
    """Makes examples of items; a pure function of the items, the options, an index and a generator.

    Attributes:
        items: What to cut from; each must have the stems asked for.
        options: How.

    Raises:
        InvalidOption: There are no items, or one lacks a stem.
    """

    items: tuple[Item, ...]
    options: CropOptions = CropOptions()

    def __post_init__(self) -> None:
        if not self.items:
            raise InvalidOption("There are no items to cut from.", "Choose another split.")
        for item in self.items:
            for name in self.options.stems:
                item.stem(name)

    def take(self, index: int, rng: np.random.Generator) -> Take:
        """One example.

        Args:
            index: Which item (modulo their number); the stems of a remix come from any.
            rng: Where everything else comes from.

        Raises:
            InvalidAudio: Stems of one item differ in rate or length.
            DescantError: A file cannot be read.
        """
        options = self.options
        stretched = rng.random() < options.stretched
        speed = draw(rng, options.speed, scale="log") if stretched else 1.0
        semitones = interval(rng, options.semitones, whole=True) if stretched else 0.0
        places = self._places(index % len(self.items), speed, rng)
        clips: dict[str, Clip] = {}
        for name, (item, start) in places.items():
            clip = self._read(self.items[item].stem(name).audio, start, speed)
            clip = self._stretched(clip, 0.0 if name in options.unpitched else semitones)
            clip = options.each(clip, rng)
            clips[name] = options.own[name](clip, rng) if name in options.own else clip
        stems = Stems(clips)
        sources = {name: (self.items[item].id, start) for name, (item, start) in places.items()}
        return Take(stems, options.heard(stems.mix(), rng), sources, speed, semitones)

    def __call__(self, index: int, rng: np.random.Generator) -> dict[str, NDArray[np.float32]]:
        """The example as arrays for a net: "mix" [channels, frames] and "stems" [stems, channels, frames]."""
        take = self.take(index, rng)
        return {"mix": take.heard.samples, "stems": np.stack([clip.samples for clip in take.stems.values()])}

    def _places(self, index: int, speed: float, rng: np.random.Generator) -> dict[str, tuple[int, float]]:
        """Item and start of each stem's crop."""
        options = self.options
        anchor = options.active or options.stems[0]
        places = {anchor: (index, self._start(index, anchor, speed, rng))}
        remixed = rng.random() < options.remix
        for name in options.stems:
            if name == anchor:
                continue
            if remixed:
                item = int(rng.integers(len(self.items)))
                places[name] = (item, self._start(item, name, speed, rng))
            else:
                places[name] = places[anchor]
        return {name: places[name] for name in options.stems}

    def _start(self, index: int, name: str, speed: float, rng: np.random.Generator) -> float:
        item = self.items[index]
        _check_once(item)
        room = max(0.0, song_seconds(item.stem(name).audio) - self.options.seconds * speed)
        start = float(rng.uniform(0.0, room))
        if name == self.options.active:
            for _ in range(self.options.tries - 1):
                if self._sounds(self._read(item.stem(name).audio, start, speed)):
                    break
                start = float(rng.uniform(0.0, room))
        return start

    def _sounds(self, clip: Clip) -> bool:
        hop = max(1, clip.sample_rate // 20)
        whole = clip.samples[:, : clip.frames - clip.frames % hop] if clip.frames >= hop else clip.samples
        power = np.square(whole, dtype=np.float64).mean(axis=0).reshape(-1, min(hop, max(whole.shape[1], 1)))
        loudest = float(power.mean(axis=1).max(initial=0.0))
        return bool(loudest >= 10.0 ** (self.options.active_db / 10.0))

    def _read(self, audio: AudioRef, start: float, speed: float) -> Clip:
        """The crop before it is stretched; a song that ends early is followed by silence."""
        options = self.options
        clip = audio.read(
            sample_rate=options.sample_rate,
            channels=options.channels,
            start_s=start,
            end_s=start + options.seconds * speed,
        )
        frames = round(options.frames * speed)
        return Clip(_fit(clip.samples, frames), clip.sample_rate)

    def _stretched(self, clip: Clip, semitones: float) -> Clip:
        if clip.frames == self.options.frames and semitones == 0.0:
            return clip
        made = time_stretch(clip, self.options.frames / clip.frames, semitones=semitones)
        return Clip(_fit(made.samples, self.options.frames), made.sample_rate)


def _fit(samples: Samples, frames: int) -> Samples:
    return np.pad(samples[:, :frames], ((0, 0), (0, max(0, frames - samples.shape[1]))))


@lru_cache(maxsize=1 << 16)
def song_seconds(audio: AudioRef) -> float:
    """Length of a recording; its header is read once per process.

    Raises:
        InvalidAudio: It is empty.
    """
    seconds = audio.duration_s
    if seconds <= 0:
        raise InvalidAudio(f"{audio.path} holds no audio: its length is zero.", "Get the file again.")
    return seconds


@lru_cache(maxsize=1 << 16)
def _check_once(item: Item) -> None:
    """Stems that do not belong together are refused, not padded; headers are read once per process."""
    item.check_audio()


def items_with(items: Sequence[Item], stems: Sequence[str]) -> tuple[Item, ...]:
    """Those items that have all of the stems."""
    return tuple(item for item in items if set(stems) <= {stem.name for stem in item.stems})
