"""The contrastive lyrics lesson (Durand, Stoller and Ewert, ICASSP 2023, arXiv 2306.07744).

A stretch of 5 s and the bag of symbols of the lines that are sung in it: each should be alike to at least one frame,
and 1,000 symbols of other texts to none. Nothing says where in the stretch, or in which order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descant.data.lyrics_set import LyricsSet, Piece
from descant.hub.card import TrainingData
from descant.nets.lyrics_contrastive import SAMPLE_RATE, ContrastiveConfig, LyricsContrastive, contexts_of
from descant.text.sung_symbols import Units, sung_symbols, symbol_count
from descant.train.config import check_numbers
from descant.train.lesson import Batch, on_device_of
from descant.train.lyrics_align import align_contrastive, word_errors
from descant.train.lyrics_invented import invented_pieces
from descant.train.lyrics_segments import Hearing, Stretch, Stretches, log_spectra, lyrics_of
from descant.train.plan import Draft, Hears, Plan, required, write_config

_VALIDATION_SEED = 0


@dataclass(frozen=True, slots=True)
class ContrastiveLessonConfig:
    """Net and batches."""

    source: Literal["set", "invented"] = "set"
    """What recipes/lyrics_contrastive/build.py stored, or tones that spell letters, which need no data."""
    units: Units = "characters"
    """Letters or phonemes."""
    languages: tuple[str, ...] = ()
    """Learn from these alone; empty takes all."""
    is_conditioned: bool = False
    """Whether the text encoder is told the language."""
    width: int = 64
    """See `nets.lyrics_contrastive.ContrastiveConfig`."""
    blocks: int = 10
    """Likewise."""
    context: int = 1
    """Likewise."""
    halvings: int = 0
    """Likewise; 0 is as published."""
    batch: int = 8
    """Stretches in a batch."""
    seconds: float = 5.0
    """Length of a stretch."""
    shortest_line_s: float = 0.0
    """Lines are divided at words whose time is known, into parts of at least this; 0 leaves them whole."""
    backed_share: float = 0.6
    """Of the stretches that have a band under the voice."""
    negatives: int = 1000
    """Symbols of other texts, shared by a batch's stretches; those that a stretch has are left out of its own."""
    validation_batches: int = 4
    """Batches of held-out texts to measure on."""
    aligned_pieces: int = 6
    """Held-out pieces that are aligned, to measure times."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"context": 0, "halvings": 0, "aligned_pieces": 0})

    def network(self, languages: int) -> ContrastiveConfig:
        """Shape of the net."""
        return ContrastiveConfig(
            symbols=symbol_count(self.units),
            width=self.width,
            blocks=self.blocks,
            context=self.context,
            languages=languages if self.is_conditioned else 0,
            halvings=self.halvings,
        )


class ContrastiveLesson:
    """See the module.

    Args:
        config: Net and batches.
        pieces: Voices and bands; those of the part "validation" measure only.
        seed: Of the net's first weights.
    """

    def __init__(self, config: ContrastiveLessonConfig, pieces: Sequence[Piece], seed: int) -> None:
        torch.manual_seed(seed)
        self.config = config
        hearing = Hearing(SAMPLE_RATE, config.languages, config.shortest_line_s, config.backed_share)
        self._train, self._held = (Stretches(pieces, split, hearing) for split in ("train", "validation"))
        self.languages = tuple(sorted({p.lyrics.language for p in self._train.pieces}))
        self.model = LyricsContrastive(config.network(len(self.languages)))
        self._contexts, self._odds = self._corpus()

    def _corpus(self) -> tuple[Tensor, NDArray[np.float64]]:
        """Every symbol in its context that the training texts have, and how often it comes."""
        net = self.model.config
        read = [sung_symbols(p.lyrics, self.config.units).symbols for p in self._train.pieces]
        all_of_them = torch.cat([contexts_of(torch.from_numpy(s), net.context, net.space) for s in read])
        contexts, counts = torch.unique(all_of_them, dim=0, return_counts=True)
        return contexts, counts.double().numpy() / float(counts.sum())

    def batch(self, generator: np.random.Generator) -> Batch:
        """Spectra, positives with the stretch of each, negatives with where they count, and languages."""
        return self._batch(self._train, generator)

    def _batch(self, source: Stretches, rng: np.random.Generator) -> Batch:
        stretches: list[Stretch] = []
        while len(stretches) < self.config.batch:
            drawn = source.draw(self.config.seconds, rng)
            if drawn.lines:
                stretches.append(drawn)
        bags = [self._bag(stretch) for stretch in stretches]
        chosen = rng.choice(len(self._contexts), self.config.negatives, p=self._odds)
        negatives = self._contexts[torch.from_numpy(chosen)]
        counted = torch.stack([~(negatives[:, None] == bag[None]).all(-1).any(1) for bag in bags])
        spectra = torch.from_numpy(np.stack([log_spectra(s.samples) for s in stretches]))
        owners = torch.repeat_interleave(torch.arange(len(bags)), torch.tensor([len(bag) for bag in bags]))
        told = torch.tensor([self._language(s.language) for s in stretches])
        return spectra, torch.cat(bags), owners, negatives, counted, told

    def _language(self, code: str) -> int:
        return self.languages.index(code) if code in self.languages else 0

    def _bag(self, stretch: Stretch) -> Tensor:
        net = self.model.config
        symbols = torch.from_numpy(sung_symbols(lyrics_of(stretch), self.config.units).symbols)
        bag: Tensor = torch.unique(contexts_of(symbols, net.context, net.space), dim=0)
        return bag

    def loss(self, batch: Batch) -> Tensor:
        """How far the best frame of each symbol that is sung is from alike, and of those that are not from unlike."""
        spectra, positives, owners, negatives, counted, told = batch
        heard = self.model.hear(spectra)
        with torch.autocast(heard.device.type, enabled=False):
            return self._distance(heard, positives, owners, negatives, counted, told)

    def _distance(
        self, heard: Tensor, positives: Tensor, owners: Tensor, negatives: Tensor, counted: Tensor, told: Tensor
    ) -> Tensor:
        is_told = self.model.config.languages > 0
        read = self.model.read(positives, told[owners] if is_told else None)
        sung = torch.einsum("pte,pe->pt", heard[owners], read).amax(1)
        if is_told:
            each = [self.model.read(negatives, told[n].expand(len(negatives))) for n in range(len(heard))]
            best = torch.stack([h @ e.T for h, e in zip(heard, each, strict=True)]).amax(1)
        else:
            best = (heard @ self.model.read(negatives).T).amax(1)
        # every stretch counts alike, however much is sung in it
        weights = 1.0 / torch.bincount(owners, minlength=len(heard))[owners]
        hits = ((sung - 1.0).square() * weights).sum() / len(heard)
        misses = (best.square() * counted).sum(1) / counted.sum(1).clamp(min=1)
        return hits + misses.mean()

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Loss on held-out texts, and the mean absolute error of word starts in held-out songs, in seconds."""
        self.model.eval()
        rng = np.random.default_rng(_VALIDATION_SEED)
        batches = (self._batch(self._held, rng) for _ in range(self.config.validation_batches))
        losses = [float(self.loss(on_device_of(self.model, batch))) for batch in batches]
        errors = [self._error(piece) for piece in self._held.pieces[: self.config.aligned_pieces]]
        return {"held_loss": float(np.mean(losses)), "aae_s": float(np.mean(errors)) if errors else 0.0}

    def _error(self, piece: Piece) -> float:
        starts = align_contrastive(self.model, piece, self.config.units, self._language(piece.lyrics.language))
        return float(np.abs(word_errors(starts, piece.lyrics)).mean())


def pieces_of(source: str, data: Path | None, seed: int) -> Sequence[Piece]:
    """The pieces of a set's folder `train`, or invented ones.

    Raises:
        InputNotFound: There is no such set.
        TextReadError: It is damaged.
    """
    if source == "invented":
        return invented_pieces(seed)
    folder = required(data, "a folder that recipes/lyrics_contrastive/build.py filled")
    return LyricsSet(required(folder / "train", "a folder that recipes/lyrics_contrastive/build.py filled")).pieces


def build_lesson(config: ContrastiveLessonConfig, data: Path | None, seed: int) -> ContrastiveLesson:
    """The lesson on `pieces_of`."""
    return ContrastiveLesson(config, pieces_of(config.source, data, seed), seed)


def trained_on(source: str) -> tuple[TrainingData, ...]:
    """What cards of both lyrics lessons say of their data."""
    if source == "invented":
        return (
            TrainingData(
                "tones that spell letters (descant.train.lyrics_invented)", "Apache-2.0", "The Descant authors"
            ),
        )
    made = "prompts, words, sung scores and the synthetic band's singers, see recipes/lyrics_contrastive/README.md"
    return (TrainingData(made, "several", "see the recipe"),)


def _furnish(config: ContrastiveLessonConfig, folder: Path) -> None:
    network = asdict(config.network(0))
    write_config(folder / "config.json", {"network": network, "units": config.units})


PLAN = Plan(
    ContrastiveLessonConfig,
    build_lesson,
    Draft(
        title="A lyrics net",
        task="align",
        summary="Sung frames and written letters in one space, to find where known words are sung.",
        architecture="lyrics-contrastive",
        data=lambda config: trained_on(config.source),
        hears=lambda _config: Hears(SAMPLE_RATE, 1),
    ),
    _furnish,
    lambda _config: ("held_loss", "aae_s"),
)
