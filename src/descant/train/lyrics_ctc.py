"""The CTC lyrics lesson (Stoller, Durand and Ewert, ICASSP 2019, arXiv 1902.06797): characters heard in a mix.

A window begins shortly before a line. Its text is that of the lines that lie wholly in its middle; the frames from the
first line on that is cut off there do not count, since nobody says which part of that line they hold (how the paper
treats such lines is not known).

Two nets: the paper's Wave-U-Net on samples, and the audio encoder of Durand et al. (2023) with a layer that tells
symbols, which is the CTC model that their contrastive one is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.data.lyrics_set import Piece
from descant.nets.lyrics_contrastive import FRAMES_PER_S
from descant.nets.lyrics_contrastive import SAMPLE_RATE as SPECTRA_RATE
from descant.nets.lyrics_ctc import (
    INPUT_SAMPLES,
    MARGIN_SAMPLES,
    SAMPLE_RATE,
    LyricsWaveUNet,
    ResidualCtc,
    ResidualCtcConfig,
    WaveUNetConfig,
)
from descant.text.lyrics import Line, Lyrics
from descant.text.sung_symbols import Units, sung_symbols, symbol_count
from descant.train.config import check_numbers
from descant.train.lesson import Batch, on_device_of
from descant.train.lyrics_align import align_ctc, word_errors
from descant.train.lyrics_contrastive import pieces_of, trained_on
from descant.train.lyrics_segments import Hearing, Stretch, Stretches, log_spectra
from descant.train.plan import Draft, Hears, Plan, write_config

_VALIDATION_SEED = 0


@dataclass(frozen=True, slots=True)
class CtcLessonConfig:
    """Net and batches."""

    source: Literal["set", "invented"] = "set"
    """See `train.lyrics_contrastive.ContrastiveLessonConfig`."""
    net: Literal["wave_u_net", "residual"] = "wave_u_net"
    """Stoller's on samples, or Durand's audio encoder on spectra."""
    units: Units = "characters"
    """Letters or phonemes."""
    languages: tuple[str, ...] = ()
    """Learn from these alone; empty takes all."""
    growth: int = 24
    """Of the Wave-U-Net: channels that a level has more than the one above."""
    width: int = 64
    """Of the residual net, see `nets.lyrics_contrastive.ContrastiveConfig`."""
    blocks: int = 10
    """Likewise."""
    halvings: int = 0
    """Likewise."""
    batch: int = 8
    """Windows in a batch."""
    seconds: float = 8.0
    """Length of a residual net's window; the Wave-U-Net has its own."""
    shortest_line_s: float = 0.0
    """See `train.lyrics_contrastive.ContrastiveLessonConfig`."""
    backed_share: float = 0.6
    """Likewise."""
    validation_batches: int = 4
    """Batches of held-out texts to measure on."""
    aligned_pieces: int = 6
    """Held-out pieces that are aligned, to measure times."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"halvings": 0, "aligned_pieces": 0})

    def network(self) -> LyricsWaveUNet | ResidualCtc:
        """The net, with random weights."""
        symbols = symbol_count(self.units) + 1
        if self.net == "wave_u_net":
            return LyricsWaveUNet(WaveUNetConfig(symbols, growth=self.growth))
        return ResidualCtc(ResidualCtcConfig(symbols, width=self.width, blocks=self.blocks, halvings=self.halvings))


class CtcLesson:
    """See the module.

    Args:
        config: Net and batches.
        pieces: Voices and bands; those of the part "validation" measure only.
        seed: Of the net's first weights.
    """

    def __init__(self, config: CtcLessonConfig, pieces: Sequence[Piece], seed: int) -> None:
        torch.manual_seed(seed)
        self.config = config
        rate = SAMPLE_RATE if config.net == "wave_u_net" else SPECTRA_RATE
        hearing = Hearing(rate, config.languages, config.shortest_line_s, config.backed_share)
        self._train, self._held = (Stretches(pieces, split, hearing) for split in ("train", "validation"))
        self.model: nn.Module = config.network()
        self._blank = symbol_count(config.units)

    def batch(self, generator: np.random.Generator) -> Batch:
        """Sound, frames that count, texts end to end, and their lengths."""
        return self._batch(self._train, generator)

    def _batch(self, source: Stretches, rng: np.random.Generator) -> Batch:
        sounds: list[Tensor] = []
        counted: list[int] = []
        texts: list[Tensor] = []
        while len(sounds) < self.config.batch:
            stretch, inside_s = self._draw(source, rng)
            frames, text = self._told(stretch, inside_s)
            if len(text) and frames >= len(text) + int((text[1:] == text[:-1]).sum()):
                counted.append(frames)
                texts.append(text)
                sounds.append(torch.from_numpy(self._input(stretch)))
        lengths = torch.tensor([len(text) for text in texts])
        return torch.stack(sounds), torch.tensor(counted), torch.cat(texts), lengths

    def _draw(self, source: Stretches, rng: np.random.Generator) -> tuple[Stretch, float]:
        if self.config.net == "residual":
            return source.draw(self.config.seconds, rng, at_line=True), self.config.seconds
        margin_s = MARGIN_SAMPLES / SAMPLE_RATE
        whole_s = INPUT_SAMPLES / SAMPLE_RATE
        return source.draw(whole_s, rng, at_line=True, margin_s=margin_s), whole_s - 2.0 * margin_s

    def _input(self, stretch: Stretch) -> np.ndarray:
        return stretch.samples if self.config.net == "wave_u_net" else log_spectra(stretch.samples)

    def _told(self, stretch: Stretch, inside_s: float) -> tuple[int, Tensor]:
        """The frames that count, and the text that is sung in them."""
        whole: list[Line] = []
        until_s = inside_s
        for start_s, end_s, line in stretch.lines:
            if end_s > inside_s:
                until_s = max(start_s, 0.0)
                break
            if start_s >= 0.0:
                whole.append(line)
        wave = self.config.net == "wave_u_net"
        frames = int(until_s * (SAMPLE_RATE / WaveUNetConfig().step if wave else FRAMES_PER_S))
        if not whole:
            return frames, torch.zeros(0, dtype=torch.int64)
        text = sung_symbols(Lyrics(tuple(whole), stretch.language), self.config.units).symbols
        return frames, torch.from_numpy(text[1:-1])

    def loss(self, batch: Batch) -> Tensor:
        """CTC, in nats a symbol."""
        sounds, counted, texts, lengths = batch
        told = self.model(sounds).float().transpose(0, 1)
        counted = counted.clamp(max=len(told))
        return F.ctc_loss(told, texts, counted, lengths, blank=self._blank, zero_infinity=True)

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
        return float(np.abs(word_errors(align_ctc(self.model, piece, self.config.units), piece.lyrics)).mean())


def build_lesson(config: CtcLessonConfig, data: Path | None, seed: int) -> CtcLesson:
    """The lesson on `train.lyrics_contrastive.pieces_of`."""
    return CtcLesson(config, pieces_of(config.source, data, seed), seed)


def _furnish(config: CtcLessonConfig, folder: Path) -> None:
    write_config(
        folder / "config.json", {"net": config.net, "network": asdict(config.network().config), "units": config.units}
    )


PLAN = Plan(
    CtcLessonConfig,
    build_lesson,
    Draft(
        title="A lyrics net that tells characters",
        task="align",
        summary="Characters heard in a song, to find where known words are sung.",
        architecture="lyrics-ctc",
        data=lambda config: trained_on(config.source),
        hears=lambda config: Hears(SAMPLE_RATE if config.net == "wave_u_net" else SPECTRA_RATE, 1),
    ),
    _furnish,
    lambda _config: ("held_loss", "aae_s"),
)
