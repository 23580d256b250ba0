"""The continuation lesson: a song's tokens, each given those before it (Huang et al., "Music Transformer", ICLR 2019).

Songs are POP909's and, for a share of the crops, the chorales and fiddle tunes of music21's corpus. A crop begins at
any bar; on the fly it is moved to its home key or, less often, to any of the twelve. The net is the transformer with
relative attention, or the LSTM that it is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.compose.continuation.counted import CountedModel
from descant.compose.continuation.crops import Stretch, encode_stretch, segments, stack, whole_song
from descant.compose.continuation.sheet import Sheet, sheet_of
from descant.compose.continuation.tokens import VOCABULARY, at_home, token_features
from descant.data.arrange import arrange
from descant.data.invent import invent_song
from descant.data.music21_corpus import chorales, fiddle_tunes, find_corpus
from descant.data.pop909 import Pop909
from descant.data.splits import split_of
from descant.errors import InvalidOption
from descant.hub.card import TrainingData
from descant.nets.relative_transformer import RelativeTransformer, RelativeTransformerConfig
from descant.nets.token_lstm import TokenLstm, TokenLstmConfig
from descant.train.config import check_numbers
from descant.train.lesson import on_device_of
from descant.train.plan import Draft, Plan, required, write_config

_BARS_AT_LEAST = 4
_TOKENS_IN_BAR = 6
_INVENTED, _HELD_OUT, _INVENTED_BARS = 24, 4, 16
_MARKOV_ORDER = 2


@dataclass(frozen=True, slots=True)
class ContinuationConfig:
    """Model and data of the lesson."""

    source: Literal["pop909", "invented"] = "pop909"
    """Where the songs come from; `invented` needs no data."""
    corpus_share: float = 0.0
    """Crops from the chorales and fiddle tunes of the package music21."""
    net: Literal["transformer", "lstm"] = "transformer"
    """What is trained; `lstm` is the baseline, and no card can be made of it."""
    layers: int = 4
    """Blocks, or LSTM layers."""
    width: int = 192
    """Size of the residual stream, or of the LSTM's states."""
    heads: int = 4
    """Attention heads."""
    feed_forward: int = 768
    """Hidden size of the position-wise network."""
    dropout: float = 0.0
    """In training."""
    length: int = 512
    """Tokens in a crop."""
    max_distance: int = 0
    """Distances with vectors of their own; 0 gives one to each in a crop."""
    batch: int = 4
    """Crops in a batch."""
    home_share: float = 0.7
    """Crops in C major or A minor; the others are moved by -6..5 semitones at random."""
    validation_songs: int = 12
    """Whole songs in a validation."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"length": 64, "max_distance": 0})

    def network(self) -> RelativeTransformerConfig:
        """Shape of the transformer."""
        return RelativeTransformerConfig(
            vocabulary=VOCABULARY,
            layers=self.layers,
            width=self.width,
            heads=self.heads,
            feed_forward=self.feed_forward,
            max_distance=self.max_distance or self.length,
            dropout=self.dropout,
        )

    def build(self) -> nn.Module:
        """The net, with random weights."""
        features = torch.from_numpy(token_features())
        if self.net == "lstm":
            return TokenLstm(TokenLstmConfig(VOCABULARY, self.layers, self.width, self.dropout), features)
        return RelativeTransformer(self.network(), features)


def stream_loss(model: nn.Module, tokens: Tensor, companions: Tensor, is_wanted: Tensor) -> Tensor:
    """Mean nats of the wanted tokens, each given all before it; [B, L], [B, L, C] and [B, L]."""
    logits = model(tokens[:, :-1], companions[:, :-1])
    nats = F.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    wanted = is_wanted[:, 1:].flatten()
    return (nats * wanted).sum() / wanted.sum().clamp(min=1)


@dataclass(eq=False)
class ContinuationLesson:
    """See the module.

    Args:
        config: Model and data.
        training: Collections of songs to learn from.
        shares: Of the crops, for each collection.
        validation: Songs to measure on.
        seed: Of the model's first weights.
    """

    config: ContinuationConfig
    training: Sequence[Sequence[Sheet]]
    shares: Sequence[float]
    validation: Sequence[Sheet]
    seed: int = 0
    model: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        torch.manual_seed(self.seed)
        self.model = self.config.build()
        sizes = [np.array([len(sheet.bars) for sheet in sheets], float) for sheets in self.training]
        self._odds = [size / size.sum() for size in sizes]
        held_out = [whole_song(sheet) for sheet in self.validation[: self.config.validation_songs]]
        self._pieces = [piece for stream in held_out for piece in segments(stream, self.config.length)]
        self._floors = floors([whole_song(s).tokens for s in chain(*self.training)], [s.tokens for s in held_out])

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """[batch, length + 1] tokens, their companions and which are to be predicted."""
        return stack([self._crop(generator) for _ in range(self.config.batch)], self.config.length + 1)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Mean nats a token."""
        return stream_loss(self.model, *batch)

    def _crop(self, generator: np.random.Generator) -> Stretch:
        which = int(generator.choice(len(self.training), p=self.shares))
        sheet = self.training[which][int(generator.choice(len(self.training[which]), p=self._odds[which]))]
        first = int(generator.integers(0, max(1, len(sheet.bars) - _BARS_AT_LEAST)))
        at_home_now = generator.random() < self.config.home_share
        shift = sheet.home_shift if at_home_now else int(generator.integers(-6, 6))
        stop = first + self.config.length // _TOKENS_IN_BAR  # a bar has six tokens or more
        needed = Sheet(sheet.bars[:stop], sheet.key, sheet.bpm, sheet.tracks)
        bars, key = at_home(needed, shift)
        return encode_stretch(bars, key, sheet.bpm, first=first, most=self.config.length + 1)

    def validate(self) -> Mapping[str, float]:
        """Nats a token of whole held-out songs in their home key, each token predicted once; the floors beside."""
        self.model.eval()
        total = count = 0.0
        with torch.no_grad():
            for first in range(0, len(self._pieces), self.config.batch):
                batch = stack(self._pieces[first : first + self.config.batch], self.config.length + 1)
                wanted = float(batch[2][:, 1:].sum())
                total += wanted * float(self.loss(on_device_of(self.model, batch)))
                count += wanted
        return {"nats": total / max(count, 1.0), **self._floors}


def floors(training: Sequence[Sequence[int]], held_out: Sequence[Sequence[int]]) -> dict[str, float]:
    """Nats a token of what can be counted in the training songs: tokens alone, and after two others."""
    orders = (("unigram", 0), ("markov", _MARKOV_ORDER))
    return {name: CountedModel(training, VOCABULARY, order).mean_nats(held_out) for name, order in orders}


def build_lesson(config: ContinuationConfig, data: Path | None, seed: int) -> ContinuationLesson:
    """The lesson on POP909 and music21's corpus, or on invented songs.

    Raises:
        InputNotFound: POP909 is needed and not given.
        MissingDependency: `corpus_share` is not 0 and the package music21 is not installed.
    """
    if config.source == "invented":
        songs = invented_sheets(_INVENTED, seed)
        return ContinuationLesson(config, [songs[_HELD_OUT:]], [1.0], songs[:_HELD_OUT], seed)
    pop = Pop909(required(data, "POP909's zip file or folder"))
    collections = [[sheet_of(pop.load(song)) for song in pop.songs("train")]]
    shares = [1.0]
    if config.corpus_share:
        collections.append(corpus_sheets())
        shares = [1.0 - config.corpus_share, config.corpus_share]
    validation = [sheet_of(pop.load(song)) for song in pop.songs("validation")]
    return ContinuationLesson(config, collections, shares, validation, seed)


def corpus_sheets() -> list[Sheet]:
    """The training part of the chorales and fiddle tunes of the package music21, split by a hash of their names.

    Raises:
        MissingDependency: The package is not installed.
    """
    corpus = find_corpus()
    scores = chain(chorales(corpus), fiddle_tunes(corpus))
    return [sheet_of(score) for name, score in scores if split_of(f"music21/{name}") == "train" and score.end > 0]


def invented_sheets(count: int, seed: int) -> list[Sheet]:
    """Invented songs with bass and chords below the melody."""
    sheets = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        score = arrange(invent_song(rng, bars=_INVENTED_BARS), rng)
        sheets.append(sheet_of(score.with_tracks(t for t in score.tracks if t.name != "pad")))
    return sheets


def _furnish(config: ContinuationConfig, folder: Path) -> None:
    if config.net != "transformer":
        raise InvalidOption("No verb loads an LSTM: it is a baseline.", "Export a run of the transformer.")
    write_config(folder / "config.json", {"network": asdict(config.network()), "context": config.length})


def _data(config: ContinuationConfig) -> tuple[TrainingData, ...]:
    if config.source == "invented":
        return (TrainingData("songs invented by rules (descant.data.invent)", "Apache-2.0", "The Descant authors"),)
    licence = "MIT; arrangements of commercial songs whose melodies belong to their owners"
    pop = TrainingData("POP909 (train split)", licence, "Ziyu Wang et al.: POP909, ISMIR 2020")
    corpus = TrainingData(
        "Bach's chorales and Ryan's Mammoth Collection in music21's corpus (train split by a hash of their names)",
        "public domain music; BSD-3-Clause encodings",
        "Michael Scott Asato Cuthbert and the encoders of music21's corpus",
    )
    return (pop, corpus) if config.corpus_share else (pop,)


PLAN = Plan(
    ContinuationConfig,
    build_lesson,
    Draft(
        title="A songwriter who goes on",
        task="compose",
        summary="Continues a song in bass, chords, second voice and melody: a transformer with relative attention.",
        architecture="relative-transformer",
        data=_data,
    ),
    _furnish,
    lambda _config: ("nats", "unigram", "markov"),
)
