"""The separation lesson: U-Nets that mask stems out of what is heard, on crops that the data engine cuts and augments.

The loss is the L1 distance of masked to true magnitudes (Jansson et al., "Singing Voice Separation with Deep U-Net
Convolutional Networks", ISMIR 2017), a net for each stem. What is heard is the sum of the crop's stems after the
chain `heard` of its table: with a room in it the same lesson learns to take reverberation away, with noise to clean.
"""

from __future__ import annotations

import math
import shutil
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from descant.data.augment.crops import CropOptions, StemCrops, items_with
from descant.data.augment.loader import Batch as Arrays
from descant.data.augment.loader import Loader, LoaderOptions, Position, example_generator
from descant.data.augment.recipe import crop_options_from_table
from descant.data.sets.catalogue import CATALOGUE, open_set
from descant.data.sets.item import Item
from descant.errors import InputNotFound, InvalidOption
from descant.hub.card import TrainingData
from descant.nets.u_net import U_NET_STRIDE, UNet, UNets
from descant.separate.config import SeparationConfig
from descant.separate.masks import MaskEstimator
from descant.separate.weights import CONFIG, OWN
from descant.train.config import check_numbers
from descant.train.lesson import Picture, Sound, on_device_of
from descant.train.plan import Draft, Hears, Plan, required, write_config
from descant.train.tones import write_tone_stems

_TONES = "tones"
_CHANNELS = 2  # `MaskEstimator` shows its nets two channels, of mono the same one twice
_TONE_SONGS = {"train": 6, "validation": 2}
_CROP_KEYS = ("remix", "speed", "semitones", "stretched", "unpitched", "each", "own", "heard", "active", "active_db")
_SPECTRUM = SeparationConfig(fft_size=2048, hop_samples=512, level_db=-30.0)
_MEASURES = ("validation_loss", "sdr", "sdr_of_shares", "gain")
_HELD_DB = 40.0
_TINY = 1e-10


@dataclass(frozen=True, slots=True)
class SeparationLessonConfig:
    """What is separated, by how large a net, from which examples."""

    set: str = "band"
    """A set of `descant data list` that has stems, or `tones`: songs of plain tones, which need no data."""
    stems: tuple[str, ...] = ("vocals", "drums", "bass", "other")
    """What is added up to be heard."""
    targets: tuple[str, ...] = ("vocals",)
    """Those of the stems that get a net each; all of them if there is no `rest`."""
    rest: str = "accompaniment"
    """Name of what remains of what is heard, which gets a net too; empty if nothing remains."""
    width: int = 8
    """Filters of the first convolution of each net."""
    frames: int = 128
    """Spectra in an example; a multiple of 64."""
    batch: int = 4
    """Examples in a batch."""
    examples_per_item: int = 8
    """How many examples of each song an epoch has."""
    workers: int = 0
    """Processes that cut and augment; 0 does it in the training's own."""
    validation_crops: int = 16
    """Held-out examples to measure on."""
    crops: dict[str, Any] = field(default_factory=dict)
    """How examples are cut and augmented: `remix`, `speed`, `semitones`, `stretched`, `each`, `own`, `heard`,
    `active`; docs/data_sets.md explains them."""
    spectrum: SeparationConfig = _SPECTRUM
    """The spectrogram, and how long files are cut when the net is used."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"workers": 0})
        if self.frames % U_NET_STRIDE:
            raise InvalidOption(f"frames = {self.frames} does not fit the net.", f"Use a multiple of {U_NET_STRIDE}.")
        if not self.targets or not set(self.targets) <= set(self.stems) or self.rest in self.stems:
            raise InvalidOption(
                f"targets = {list(self.targets)} and rest = {self.rest!r} do not fit the stems {list(self.stems)}.",
                "Targets are among the stems, and the rest has a name of its own.",
            )
        if len(self.names) < 2:  # masks are shares of what is heard
            raise InvalidOption(f"Only {self.names[0]!r} would come out.", "Name a rest, or more targets.")
        if len({*self.names}) != len(self.names) or any("." in name for name in self.names):
            raise InvalidOption(f"{', '.join(self.names)} cannot be told apart.", "Each needs a name, without dots.")
        if self.set not in (*CATALOGUE, _TONES):
            raise InvalidOption(f"There is no data set {self.set!r}.", f"Known: {', '.join((*CATALOGUE, _TONES))}.")
        self.options()

    @property
    def names(self) -> tuple[str, ...]:
        """What comes out, in order."""
        return (*self.targets, *((self.rest,) if self.rest else ()))

    def options(self) -> CropOptions:
        """How training examples are made."""
        for key in self.crops:
            if key not in _CROP_KEYS:
                raise InvalidOption(f"crops has no key {key!r}.", f"It has {', '.join(_CROP_KEYS)}.")
        spectrum = self.spectrum
        fixed = {
            "seconds": (self.frames - 1) * spectrum.hop_samples / spectrum.sample_rate,
            "sample_rate": spectrum.sample_rate,
            "channels": _CHANNELS,
            "stems": list(self.stems),
        }
        return crop_options_from_table({**self.crops, **fixed})

    def network(self) -> UNets:
        """The nets, untrained."""
        return UNets(self.names, _CHANNELS, self.width)


class SeparationLesson:
    """See the module.

    Args:
        config: Nets and examples.
        training: Songs to learn from.
        validation: Songs to measure on.
        seed: Of the nets' first weights and of the examples.
    """

    def __init__(
        self,
        config: SeparationLessonConfig,
        training: Sequence[Item],
        validation: Sequence[Item],
        seed: int,
    ) -> None:
        torch.manual_seed(seed)
        self.config = config
        self.model = config.network()
        self._make = StemCrops(tuple(training), config.options())
        self._validation = tuple(validation)
        self._seed = seed
        self._window = torch.hann_window(config.spectrum.fft_size)
        self._begin(Position(), 0, 1)

    def _begin(self, position: Position, rank: int, world: int) -> None:
        config = self.config
        options = LoaderOptions(
            config.batch, config.workers, seed=self._seed, ahead=2, rank=rank, world=world
        )  # a batch in use and two on their way
        size = config.examples_per_item * len(self._make.items)
        self._rank = (rank, world)
        self._loader = Loader(self._make, size, options, position)
        self._batches: Iterator[Arrays] = iter(self._loader)

    def share_out(self, rank: int, world: int) -> None:
        """See `train.lesson.SharesOut`."""
        self._begin(self._loader.position, rank, world)

    def position(self) -> Mapping[str, Any]:
        """Epoch and batch; see `train.lesson.KeepsPosition`."""
        return asdict(self._loader.position)

    def go_to(self, position: Mapping[str, Any]) -> None:
        """Continue from there."""
        self._loader.close()
        self._begin(Position(**position), *self._rank)

    def close(self) -> None:
        """End the workers."""
        self._loader.close()

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:  # noqa: ARG002 - the loader has its own
        """What is heard, [batch, channels, samples], and its stems, [batch, stems, channels, samples]."""
        arrays = next(self._batches)
        return torch.from_numpy(arrays["mix"]), torch.from_numpy(arrays["stems"])

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Mean over stems, bins and examples of |mask * heard - true| in magnitude."""
        heard, stems = batch
        gain = self._gain(heard)
        with torch.autocast(heard.device.type, enabled=False):  # a Fourier transform in bfloat16 is noise
            seen = self._magnitudes(heard * gain)
            true = self._magnitudes(self._wanted(heard, stems) * gain.unsqueeze(1))
        masks = self.model(seen.contiguous(memory_format=torch.channels_last)).transpose(0, 1)
        distance: Tensor = (masks * seen.unsqueeze(1) - true).abs().mean()
        return distance

    def _wanted(self, heard: Tensor, stems: Tensor) -> Tensor:
        """[batch, names, channels, samples]: the targets, and what remains of what is heard."""
        wanted = stems[:, [self.config.stems.index(name) for name in self.config.targets]]
        if not self.config.rest:
            return wanted
        return torch.cat((wanted, (heard - wanted.sum(dim=1)).unsqueeze(1)), dim=1)

    def _gain(self, heard: Tensor) -> Tensor:
        """What brings each example to the level that `MaskEstimator` gives the nets, [batch, 1, 1]."""
        spectrum = self.config.spectrum
        if spectrum.level_db is None:
            return torch.ones(len(heard), 1, 1, device=heard.device)
        rms = heard.square().mean(dim=(1, 2), keepdim=True).sqrt()
        wanted, quietest = (math.pow(10.0, db / 20.0) for db in (spectrum.level_db, spectrum.quietest_db))
        gain: Tensor = wanted / rms.clamp_min(quietest)
        return gain

    def _spectra(self, samples: Tensor) -> Tensor:
        """[..., samples] to complex [..., frames, bins]."""
        size, hop = self.config.spectrum.fft_size, self.config.spectrum.hop_samples
        flat = samples.flatten(0, -2)
        window = self._window.to(samples.device)
        spectra = torch.stft(flat, size, hop, window=window, pad_mode="constant", return_complex=True)
        return spectra.transpose(-1, -2).reshape(*samples.shape[:-1], -1, size // 2 + 1)

    def _magnitudes(self, samples: Tensor) -> Tensor:
        return self._spectra(samples).abs()[..., : self.config.spectrum.net_bins]

    @cached_property
    def _held_out(self) -> tuple[tuple[Tensor, Tensor], ...]:
        """The same examples each time: plain cuts of the validation songs, heard as in training."""
        plain = replace(self._make.options, remix=0.0, stretched=0.0, **_no_steps(self._make.options))
        make = StemCrops(self._validation, plain)
        examples = [make(i, example_generator(self._seed + 1, 0, i)) for i in range(self.config.validation_crops)]
        return tuple((torch.tensor(one["mix"]), torch.tensor(one["stems"])) for one in examples)

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Loss, and SDR in dB over examples and stems: of the masked stems, and of equal shares of what is heard."""
        self.model.eval()
        losses, found, shares = [], [], []
        for example in self._held_out:
            heard, stems = on_device_of(self.model, tuple(one.unsqueeze(0) for one in example))
            losses.append(float(self.loss((heard, stems))))
            true = self._spectra(self._wanted(heard, stems)[0])
            mix = self._spectra(heard[0])
            found += _sdr(true, self._masks(mix) * mix)
            shares += _sdr(true, (mix / len(true)).expand_as(true))
        measured = {"validation_loss": np.mean(losses), "sdr": np.mean(found), "sdr_of_shares": np.mean(shares)}
        return {name: float(value) for name, value in measured.items()} | {
            "gain": float(np.mean(found) - np.mean(shares))
        }

    def _masks(self, mix: Tensor) -> Tensor:
        """Masks as `descant separate` makes them, [stems, channels, frames, bins]."""
        spectrum = replace(self.config.spectrum, block_frames=self.config.frames, overlap_frames=2, edge_frames=0)
        nets = [cast("UNet", self.model[name]) for name in self.config.names]
        return MaskEstimator(nets, spectrum)(mix.abs())

    @torch.no_grad()
    def examples(self) -> Sequence[Sound | Picture]:
        """The first held-out example: what is heard, and what is found of each stem."""
        heard = on_device_of(self.model, self._held_out[0])[0]
        mix = self._spectra(heard)
        masks = self._masks(mix)
        shown: list[Sound | Picture] = [self._sound("heard", heard)]
        for name, mask in zip(self.config.names, masks, strict=True):
            spectrum = self.config.spectrum
            window = self._window.to(heard.device)
            part = torch.istft((mask * mix).transpose(-1, -2), spectrum.fft_size, spectrum.hop_samples, window=window)
            shown.append(self._sound(name, part))
            shown.append(Picture(f"mask of {name}", mask.mean(dim=0).T.float().cpu().numpy()))
        return shown

    def _sound(self, name: str, samples: Tensor) -> Sound:
        return Sound(name, samples.float().clamp(-1, 1).cpu().numpy(), self.config.spectrum.sample_rate)


def _no_steps(options: CropOptions) -> dict[str, Any]:
    """Held-out stems are as they are; what is done to the mix is the task itself."""
    return {"each": type(options.each)(), "own": {}}


def _sdr(true: Tensor, found: Tensor) -> list[float]:
    """Of each stem that sounds, in dB held within +-40, from spectra [stems, channels, frames, bins]."""
    signal = true.abs().square().sum(dim=(1, 2, 3))
    error = (found - true).abs().square().sum(dim=(1, 2, 3))
    sounds = signal > _TINY * signal.sum() + _TINY
    ratio = 10.0 * torch.log10(signal[sounds] / error[sounds].clamp_min(_TINY))
    return [float(value) for value in ratio.clamp(-_HELD_DB, _HELD_DB)]


def build_lesson(config: SeparationLessonConfig, data: Path | None, seed: int) -> SeparationLesson:
    """The lesson on a set, or on songs of plain tones.

    Raises:
        InputNotFound: The set is needed and not given, or has no songs with these stems to learn from or to measure on.
    """
    if config.set == _TONES:
        folder = Path(mkdtemp(prefix="descant-tones-"))
        write_tone_stems(folder, _TONE_SONGS, seed)
        lesson = _on(config, "stems", folder, seed)
        weakref.finalize(lesson, shutil.rmtree, folder, ignore_errors=True)
        return lesson
    return _on(config, config.set, required(data, f"the folder of the set {config.set!r}"), seed)


def _on(config: SeparationLessonConfig, name: str, folder: Path, seed: int) -> SeparationLesson:
    dataset = open_set(name, folder, whole=False)
    training, validation = (
        items_with(dataset.items(split), config.stems) if split in dataset.splits else ()
        for split in ("train", "validation")
    )
    if not training or not validation:
        split = "validation" if training else "train"
        raise InputNotFound(
            f"{folder} has no {split} songs with the stems {', '.join(config.stems)} "
            f"({len(training)} to train on, {len(validation)} to validate on).",
            "It takes a larger set, or one with these stems: [separation] says which it uses.",
        )
    return SeparationLesson(config, training, validation, seed)


def _furnish(config: SeparationLessonConfig, folder: Path) -> None:
    write_config(folder / CONFIG, {"width": config.width, "separation": asdict(config.spectrum)})


def _data(config: SeparationLessonConfig) -> tuple[TrainingData, ...]:
    if config.set == _TONES:
        return (TrainingData("songs invented by rules, played by plain tones", "Apache-2.0", "The Descant authors"),)
    card = CATALOGUE[config.set]
    return (TrainingData(card.title, card.licence, "see the set"),)


PLAN = Plan(
    SeparationLessonConfig,
    build_lesson,
    Draft(
        title="A separator",
        task="separate",
        summary="Masks stems out of what is heard: a U-Net for each, on magnitudes.",
        architecture=OWN,
        data=_data,
        hears=lambda config: Hears(config.spectrum.sample_rate, _CHANNELS, config.names),
    ),
    _furnish,
    lambda _config: _MEASURES,
)
