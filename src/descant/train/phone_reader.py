"""The phone lesson: from an encoder's states to the phone that sounds in each frame, learned from texts without times.

Labels are found while learning (`train.phone_labels`): the reader begins with phones spread evenly over each utterance,
and after given epochs the texts are placed anew by what it then says. `[loop]` must not draw ahead (`prefetch`), since
the reader that places the texts must be the one of that step.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from descant.align.chain import WORDLESS
from descant.data.phone_windows import PhoneWindow, WindowSet, load_windows
from descant.errors import InputNotFound, InvalidOption
from descant.hub.card import TrainingData
from descant.nets.phone_reader import PhoneReader, PhoneReaderConfig
from descant.nets.whisper_encoder import SAMPLE_RATE
from descant.text.phones import PHONES
from descant.train.config import check_numbers
from descant.train.lesson import Batch
from descant.train.phone_invented import invented_windows
from descant.train.phone_labels import (
    CLASSES,
    IGNORED,
    Floats,
    Labels,
    Spoken,
    first_labels,
    heard_labels,
    log_prior,
    phone_errors,
    read_freely,
    spoken_in,
)
from descant.train.plan import Draft, Hears, Plan, required, write_config

_HELD_OUT = ("texts", "voices", "songs")
_MEASURES = tuple(f"{part}_{name}" for part in _HELD_OUT for name in ("frame_accuracy", "phone_errors"))


@dataclass(frozen=True, slots=True)
class PhoneLessonConfig:
    """Net and batches."""

    source: Literal["windows", "invented"] = "windows"
    """What recipes/phones/build.py stored, or points in a small space, which need no data."""
    states: int = 1024
    """See `nets.phone_reader.PhoneReaderConfig`; as stored."""
    layers: tuple[int, ...] = (3, 6)
    """Likewise."""
    width: int = 192
    """See `nets.phone_reader.PhoneReaderConfig`."""
    kernel: int = 5
    """Likewise; odd."""
    dropout: float = 0.15
    """Likewise."""
    batch: int = 16
    """Stretches in a batch."""
    frames: int = 700
    """Length of a stretch, 50 a second."""
    place_after: tuple[int, ...] = (3, 6, 9, 14, 22, 27, 35)
    """Epochs after which the texts are placed anew; an epoch has as many stretches as there are windows."""
    prior: float = 0.6
    """Power of a class's frequency by which its posterior is divided where texts are placed and phones are read."""
    smoothing: float = 0.05
    """Share of a label that is spread over all classes."""
    change: float = 1.0
    """Price of a change of phone where held-out utterances are read without their text."""
    validation_windows: int = 24
    """Windows of each held-out part to measure on, at most, spread over it."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"frames": 16})
        if self.kernel % 2 == 0:
            raise InvalidOption(f"kernel = {self.kernel} has no middle.", "It may be an odd number.")
        if any(after <= before for before, after in pairwise((0, *self.place_after))):
            raise InvalidOption("place_after must be rising epochs, from 1.", "Such as [3, 6, 9].")
        if not 0.0 <= self.smoothing < 1.0:
            raise InvalidOption(f"smoothing = {self.smoothing} is impossible.", "It may be 0 to below 1.")

    def network(self) -> PhoneReaderConfig:
        """Sizes of the net."""
        return PhoneReaderConfig(self.states, self.width, self.kernel, CLASSES, self.layers, self.dropout)


class PhoneLesson:
    """See the module.

    Args:
        config: Net and batches.
        windows: Those of the held-out parts measure only.
        seed: Of the net's first weights.

    Raises:
        InvalidOption: The states are of another width than the net reads.
        InputNotFound: No window is for training, or a held-out part has none with words.
    """

    def __init__(self, config: PhoneLessonConfig, windows: Sequence[PhoneWindow], seed: int) -> None:
        torch.manual_seed(seed)
        self.config = config
        self.model = PhoneReader(config.network())
        widths = {window.states.shape[1] for window in windows}
        if widths - {config.states}:
            raise InvalidOption(
                f"The states are {sorted(widths)} wide, not {config.states}.",
                "Set states to what was stored.",
            )
        self._windows = [window for window in windows if window.part == "train"]
        if not self._windows:
            raise InputNotFound("No window is for training.", "Build them: recipes/phones.")
        self._spoken = [spoken_in(window) for window in self._windows]
        held = {part: [(w, spoken_in(w)) for w in windows if w.part == part and w.said] for part in _HELD_OUT}
        for part, some in held.items():
            if not some:
                raise InputNotFound(f"No window is of the held-out {part}.", "Build them: recipes/phones.")
        self._held = {part: some[:: -(-len(some) // config.validation_windows)] for part, some in held.items()}
        epoch = -(-len(self._windows) // config.batch)
        self._turns = frozenset(epoch * after for after in config.place_after)
        self._drawn = 0
        pairs = zip(self._windows, self._spoken, strict=True)
        self._take([first_labels(len(window.states), spoken) for window, spoken in pairs])

    @property
    def labels(self) -> Sequence[Labels]:
        """Of the windows for training, as they are believed at present."""
        return self._labels

    def batch(self, generator: np.random.Generator) -> Batch:
        """Stretches of states and their labels; after some epochs the texts are placed anew before."""
        if self._drawn in self._turns:
            self._place()
        self._drawn += 1
        rows = [
            self._stretch(int(n), generator) for n in generator.integers(len(self._windows), size=self.config.batch)
        ]
        states, labels = (np.stack(column) for column in zip(*rows, strict=True))
        return torch.from_numpy(states), torch.from_numpy(labels)

    def _stretch(self, number: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        length, found, known = self.config.frames, self._windows[number].states, self._labels[number]
        first = int(generator.integers(max(1, len(known) - length)))
        states = np.zeros((length, self.config.states), np.float32)
        labels = np.full(length, IGNORED, np.int64)
        count = len(known[first : first + length])
        states[:count] = found[first : first + length]
        labels[:count] = known[first : first + length]
        return states, labels

    def _place(self) -> None:
        """Find all labels anew by the reader as it is."""
        self.model.eval()
        pairs = zip(self._windows, self._spoken, strict=True)
        self._take([heard_labels(self._likelihoods(window), spoken) for window, spoken in pairs])
        self.model.train()

    def _take(self, labels: Sequence[Labels]) -> None:
        self._labels = tuple(labels)
        self.model.log_prior.copy_(torch.from_numpy(log_prior(labels)))

    @torch.no_grad()
    def _likelihoods(self, window: PhoneWindow) -> Floats:
        """What the reader says, in float32 whatever the training computes in, [frames, classes]."""
        device = self.model.log_prior.device
        states = torch.from_numpy(window.states.astype(np.float32)).to(device)
        with torch.autocast(device.type, enabled=False):
            scores = self.model(states[None])[0].log_softmax(-1) - self.config.prior * self.model.log_prior
        return np.asarray(scores.cpu().numpy(), np.float32)

    def loss(self, batch: Batch) -> Tensor:
        """Cross entropy of the frames whose label is known."""
        states, labels = batch
        scores = self.model(states).float()
        return F.cross_entropy(
            scores.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, label_smoothing=self.config.smoothing
        )

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Of held-out texts, voices and songs: how well phones are told.

        The share of frames with a phone that are told as the reader itself places the text; and the errors of reading
        without the text, as a share of its phones.
        """
        self.model.eval()
        found = (self._measure(self._held[part]) for part in _HELD_OUT)
        return dict(zip(_MEASURES, (value for pair in found for value in pair), strict=True))

    def _measure(self, held: Sequence[tuple[PhoneWindow, tuple[Spoken, ...]]]) -> tuple[float, float]:
        right = frames = errors = phones = 0
        prior = self.config.prior * self.model.log_prior.cpu().numpy()
        for window, spoken in held:
            likelihoods = self._likelihoods(window)
            labels = heard_labels(likelihoods, spoken)
            sung = (labels != IGNORED) & (labels != WORDLESS)
            right += int(((likelihoods + prior).argmax(-1) == labels)[sung].sum())
            frames += int(sung.sum())
            for one in spoken:
                if one.chain is not None:
                    wrong, count = phone_errors(read_freely(likelihoods[one.frames], self.config.change), one.chain)
                    errors, phones = errors + wrong, phones + count
        return right / max(1, frames), errors / max(1, phones)

    def position(self) -> Mapping[str, Any]:
        """Batches drawn, and the labels: those that a resumed run would find are of another reader."""
        packed = zlib.compress(np.concatenate(self._labels).tobytes())
        return {"drawn": self._drawn, "labels": base64.b64encode(packed).decode("ascii")}

    def go_to(self, position: Mapping[str, Any]) -> None:
        """Continue from there.

        Raises:
            ValueError: The labels are of other windows.
        """
        labels = np.frombuffer(zlib.decompress(base64.b64decode(position["labels"])), np.int8)
        ends = np.cumsum([len(window.states) for window in self._windows])
        if len(labels) != ends[-1]:
            raise ValueError("its labels are of other windows")
        self._drawn = int(position["drawn"])
        self._take(np.split(labels, ends[:-1]))


def windows_of(config: PhoneLessonConfig, data: Path | None, seed: int) -> Sequence[PhoneWindow]:
    """What recipes/phones/build.py has stored, or invented windows.

    Raises:
        InputNotFound: It is not there.
        TextReadError: It is damaged.
        InvalidOption: The states are of other layers than the net is said to read.
    """
    if config.source == "invented":
        return invented_windows(seed, config.states)
    found: WindowSet = load_windows(required(data, "a folder filled by recipes/phones/build.py"))
    if found.layers != config.layers:
        raise InvalidOption(
            f"The states are of the layers {found.layers}, not {config.layers}.", f"Set layers = {list(found.layers)}."
        )
    return found.windows


def build_lesson(config: PhoneLessonConfig, data: Path | None, seed: int) -> PhoneLesson:
    """The lesson on `windows_of`."""
    return PhoneLesson(config, windows_of(config, data, seed), seed)


def _furnish(config: PhoneLessonConfig, folder: Path) -> None:
    named = {name: getattr(config, name) for name in ("states", "width", "kernel", "layers")}
    write_config(folder / "config.json", {**named, "phones": PHONES})


def _data(config: PhoneLessonConfig) -> tuple[TrainingData, ...]:
    if config.source == "invented":
        made = "points in a small space (descant.train.phone_invented)"
        return (TrainingData(made, "Apache-2.0", "The Descant authors"),)
    return (
        TrainingData(
            "Asterisk core sounds: prompts in English, Spanish, French, Italian and Russian",
            "CC-BY-SA-3.0; Italian and Russian CC-BY-3.0",
            "Allison Smith, June Wallack, Carlo Flora, Ivrvoice; Digium",
        ),
        TrainingData(
            "GCompris voices: English and Brazilian Portuguese words",
            "GPL; parts CC-BY-SA-3.0",
            "The GCompris contributors",
        ),
        TrainingData(
            "OpenScore Lieder: words and melodies in German, English, French, Portuguese, Italian and Spanish",
            "CC0-1.0",
            "The OpenScore community",
        ),
        TrainingData("Kokoro-82M, which says the words of these songs", "Apache-2.0", "hexgrad"),
        TrainingData("Bands of `descant data band`", "see `descant data band`", "POP909, FluidR3 and others"),
    )


PLAN = Plan(
    PhoneLessonConfig,
    build_lesson,
    Draft(
        title="A phone reader",
        task="align",
        summary="Which phone sounds in each frame, 50 times a second, on the states of Whisper base.",
        architecture="phone-reader",
        data=_data,
        hears=lambda _config: Hears(SAMPLE_RATE, 1),
    ),
    _furnish,
    lambda _config: _MEASURES,
)
