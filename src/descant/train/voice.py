"""The voice lesson: from content, pitch, level and a speaker back to the voice that they were taken from.

Most of the time the content is that of a throat of another size (`train.voice_pieces`), so that it says nothing of
whose voice it was and the decoder must ask the speaker's embedding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descant.convert.content import LAYER
from descant.convert.features import VoiceFeatures
from descant.convert.speaker import SpeakerEmbedder, likeness
from descant.errors import InputNotFound
from descant.hub.card import TrainingData
from descant.nets.source_filter import FPS, HOP, SAMPLE_RATE
from descant.nets.voice_decoder import VoiceDecoder, VoiceDecoderConfig
from descant.train.config import check_numbers
from descant.train.hums import hummed_pieces
from descant.train.lesson import Picture, Sound, on_device_of
from descant.train.plan import Draft, Hears, Plan, required, write_config
from descant.train.spectral_loss import spectral_distance
from descant.train.voice_pieces import Piece, load_pieces

_SPEECH_TOP = 0.345
"""Speech at hand was recorded at 16 kHz: up to 7.6 kHz of 22.05."""
Row = tuple[Any, ...]
"""One stretch: content, f0, voicing, level, speaker, sound, the share of its spectrum that counts, noise."""

_HELD_OUT_EVERY = 15
_HUMS = 5
_SHOWN = 8
_MEASURES = ("distance", "distance_to_strangers", "likeness", "likeness_before")


@dataclass(frozen=True, slots=True)
class VoiceLessonConfig:
    """Net and batches."""

    source: Literal["pieces", "hums"] = "pieces"
    """What recipes/voice/build.py stored, or voices made by arithmetic, which need no data."""
    width: int = 256
    """See `nets.voice_decoder.VoiceDecoderConfig`."""
    blocks: int = 8
    """Likewise."""
    bottleneck: int = 96
    """Likewise."""
    batch: int = 12
    """Stretches in a batch."""
    seconds: float = 1.2
    """Length of a stretch."""
    sung_share: float = 0.4
    """Stretches of singing."""
    own_share: float = 0.25
    """Stretches whose content comes from the voice itself, not from a throat of another size."""
    validation_pieces: int = 24
    """Held-out pieces to measure on."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"seconds": 0.2})

    def network(self) -> VoiceDecoderConfig:
        """Shape of the net."""
        return VoiceDecoderConfig(width=self.width, blocks=self.blocks, bottleneck=self.bottleneck)


class VoiceLesson:
    """See the module.

    Args:
        config: Net and batches.
        training: Pieces of each voice.
        validation: Pieces to measure on.
        seed: Of the net's first weights.
        embedder: For how alike converted voices are to their targets; None leaves that out.
    """

    def __init__(
        self,
        config: VoiceLessonConfig,
        training: Sequence[Sequence[Piece]],
        validation: Sequence[Piece],
        seed: int,
        embedder: SpeakerEmbedder | None = None,
    ) -> None:
        torch.manual_seed(seed)
        self.config = config
        self.model = VoiceDecoder(config.network())
        self._frames = round(config.seconds * FPS)
        pools: dict[bool, list[Sequence[Piece]]] = {True: [], False: []}
        for pieces in training:
            long = [piece for piece in pieces if piece.frames > self._frames]
            if long:
                pools[long[0].is_sung].append(long)
        self._pools = pools
        # Many minutes of one person teach less than as many of several.
        self._odds = {kind: _odds([sum(p.frames for p in pieces) for pieces in pool]) for kind, pool in pools.items()}
        self._validation = [p for p in validation if p.frames > self._frames][: config.validation_pieces]
        self._embedder = embedder

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """Content, f0, voicing, level, speaker, sound, the share of its spectrum that counts, and noise."""
        return stacked([self._stretch(self._draw(generator), generator) for _ in range(self.config.batch)])

    def _draw(self, generator: np.random.Generator) -> Piece:
        is_sung = generator.random() < self.config.sung_share
        if not self._pools[is_sung]:
            is_sung = not is_sung
        pool, odds = self._pools[is_sung], self._odds[is_sung]
        pieces = pool[int(generator.choice(len(pool), p=odds))]
        return pieces[int(generator.integers(len(pieces)))]

    def _stretch(self, piece: Piece, generator: np.random.Generator) -> Row:
        return cut(piece, *self._place(piece, generator), generator)

    def _place(self, piece: Piece, generator: np.random.Generator) -> tuple[int, int, int]:
        """Where a stretch begins, how long it is, and which version of the content it has."""
        start = 2 * int(generator.integers((piece.frames - self._frames) // 2 + 1))
        own = generator.random() < self.config.own_share or len(piece.content) < 2
        return start, self._frames, 0 if own else int(generator.integers(1, len(piece.content)))

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Spectral distance."""
        return self.returned(batch)[1]

    def returned(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """What the decoder makes of a batch, [batch, samples], and its spectral distance."""
        found = self.made(batch)
        _, _, _, _, _, sound, top, _ = batch
        with torch.autocast(sound.device.type, enabled=False):  # a Fourier transform in bfloat16 is noise
            return found, spectral_distance(sound, found, top)

    def made(self, batch: tuple[Tensor, ...]) -> Tensor:
        """What the decoder makes of a batch, [batch, samples]."""
        content, f0, voiced, level, speaker, _, _, noise = batch
        filters = self.model(content, f0, voiced, level, speaker)
        with torch.autocast(noise.device.type, enabled=False):
            sound: Tensor = self.model.render(filters, f0, voiced, noise)
        return sound

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Distance to the true voice; the same with a stranger's embedding; and how alike conversions are."""
        self.model.eval()
        measured = {"distance": self.distance(), "distance_to_strangers": self.distance(strangers=1)}
        if self._embedder is not None:
            measured |= self._likenesses(self._embedder)
        return measured

    @torch.no_grad()
    def distance(self, *, strangers: int = 0) -> float:
        """Loss on the same stretches of the held-out pieces each time.

        Args:
            strangers: By how many pieces the embeddings are moved on: 0 leaves each its own.
        """
        generator = np.random.default_rng(0)
        batch = list(stacked([self._stretch(piece, generator) for piece in self._validation]))
        batch[4] = batch[4].roll(strangers, dims=0)
        return float(self.returned(on_device_of(self.model, tuple(batch)))[1])

    def _likenesses(self, embedder: SpeakerEmbedder) -> dict[str, float]:
        """Cosines of converted pieces, and of the unconverted ones, to the voice that was asked for."""
        shown = self._validation[:_SHOWN]
        before, after = [], []
        for source, target in zip(shown, [*shown[1:], *shown[:1]], strict=True):
            sound = self._said_by(source, target)
            low = np.interp(np.arange(0, len(sound), SAMPLE_RATE / 16_000), np.arange(len(sound)), sound)
            after.append(likeness(embedder.embed(low.astype(np.float32)), target.speaker))
            before.append(likeness(source.speaker, target.speaker))
        return {"likeness": float(np.mean(after)), "likeness_before": float(np.mean(before))}

    def _said_by(self, source: Piece, target: Piece) -> NDArray[np.float32]:
        """A piece in the voice of another, at the pitch that this one has on average."""
        rows = cut(source, 0, source.frames // 2 * 2, 0, np.random.default_rng(0))
        content, f0, voiced, level, _, _, _, noise = on_device_of(self.model, stacked([rows]))
        f0 = f0 * 2.0 ** ((_middle(target) - _middle(source)) / 12.0)
        speaker = torch.from_numpy(target.speaker)[None].to(content.device)
        filters = self.model(content, f0, voiced, level, speaker)
        return np.asarray(self.model.render(filters, f0, voiced, noise)[0].float().cpu())

    @torch.no_grad()
    def examples(self) -> Sequence[Sound | Picture]:
        """Two held-out pieces, as they are and in each other's voice."""
        one, other = self._validation[0], self._validation[1]
        pairs = [("first", one, one), ("first by the second", one, other), ("second by the first", other, one)]
        return [Sound(name, self._said_by(a, b).clip(-1, 1).astype(np.float32), SAMPLE_RATE) for name, a, b in pairs]


def _odds(frames: list[int]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.sqrt(np.asarray(frames, float))
    return weights / max(float(weights.sum()), 1e-9)


def _middle(piece: Piece) -> float:
    """Median pitch in semitones."""
    f0 = piece.f0_hz[piece.voiced > 0.5]
    return float(12.0 * np.log2(np.median(f0 if len(f0) else piece.f0_hz)))


def cut(piece: Piece, start: int, frames: int, version: int, generator: np.random.Generator) -> Row:
    """A stretch as arrays.

    Args:
        piece: What to cut.
        start: First frame at 100 a second; even.
        frames: How many; even.
        version: Whose throat the content comes from: 0 is the piece's own.
        generator: Of the noise.
    """
    stop = start + frames
    sound = piece.samples[start * HOP : stop * HOP].astype(np.float32) / 32768.0
    sound = np.pad(sound, (0, frames * HOP - len(sound)))
    noise = generator.standard_normal(frames * HOP, np.float32)
    states = piece.content[version, start // 2 : stop // 2 + 1].astype(np.float32)
    span = slice(start, stop)
    features = VoiceFeatures(states, piece.f0_hz[span], piece.voiced[span], piece.level_db[span])
    return (
        features.contents(),
        piece.f0_hz[span],
        piece.voiced[span],
        piece.level_db[span],
        piece.speaker,
        sound,
        top_of(piece),
        noise,
    )


def top_of(piece: Piece) -> np.float32:
    """Share of the spectrum, from 0 Hz, that its recording has."""
    return np.float32(1.0 if piece.is_sung else _SPEECH_TOP)


def stacked(rows: Sequence[Row]) -> tuple[Tensor, ...]:
    """Rows to tensors of a column each."""
    return tuple(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))


Pieces = tuple[list[list[Piece]], list[Piece]]
"""Of each voice to learn from, and to measure on."""


def pieces_of(config: VoiceLessonConfig, data: Path | None, seed: int) -> Pieces:
    """What recipes/voice/build.py has stored, or voices made by arithmetic.

    Raises:
        InputNotFound: It is not there.
    """
    if config.source == "hums":
        hums = hummed_pieces(_HUMS, 4, seed)
        return [list(pieces[:-1]) for pieces in hums[:-1]], [pieces[-1] for pieces in hums]
    folder = required(data, "a folder filled by recipes/voice/build.py")
    voices = [load_pieces(path) for path in sorted(folder.glob("*.npz"))]
    if not voices:
        raise InputNotFound(f"{folder} holds no voices (.npz).", "recipes/voice/README.md says how to make them.")
    training = [[p for n, p in enumerate(pieces) if (n + 1) % _HELD_OUT_EVERY] for pieces in voices]
    validation = [p for pieces in voices for n, p in enumerate(pieces) if (n + 1) % _HELD_OUT_EVERY == 0]
    order = np.random.default_rng(0).permutation(len(validation))
    return training, [validation[i] for i in order]


def build_lesson(config: VoiceLessonConfig, data: Path | None, seed: int) -> VoiceLesson:
    """The lesson on `pieces_of`."""
    training, validation = pieces_of(config, data, seed)
    embedder = SpeakerEmbedder.load() if config.source == "pieces" else None
    return VoiceLesson(config, training, validation, seed, embedder)


def _furnish(config: VoiceLessonConfig, folder: Path) -> None:
    write_config(folder / "config.json", {"network": asdict(config.network()), "content": {"layer": LAYER}})


def _data(config: VoiceLessonConfig) -> tuple[TrainingData, ...]:
    if config.source == "hums":
        return (TrainingData("voices made by arithmetic (descant.train.hums)", "Apache-2.0", "The Descant authors"),)
    return (TrainingData("recordings of speech and singing, see recipes/voice/README.md", "several", "see the recipe"),)


PLAN = Plan(
    VoiceLessonConfig,
    build_lesson,
    Draft(
        title="A voice decoder",
        task="convert",
        summary="Content, pitch, level and a speaker to a source-filter voice at 44.1 kHz.",
        architecture="voice-decoder",
        data=_data,
        hears=lambda _config: Hears(SAMPLE_RATE, 1),
    ),
    _furnish,
    lambda config: _MEASURES if config.source == "pieces" else _MEASURES[:2],
)
