"""The arms that train a net and align the held-out songs with it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from descant.data.lyrics_set import Piece
from descant.errors import Cancelled
from descant.nets.lyrics_contrastive import LyricsContrastive, contexts_of
from descant.progress import Monitor, Progress
from descant.reproduce.lyrics.material import MIXES, Material
from descant.reproduce.lyrics.measures import song_measures
from descant.reproduce.lyrics.scale import LyricsScale, TrainingScale
from descant.text.sung_symbols import SungSymbols, Units, sung_symbols
from descant.train.checkpoint import CHECKPOINT
from descant.train.config import Machine
from descant.train.loop import LoopConfig, load_weights, train
from descant.train.lyrics_align import Evidence, hear_contrastive, hear_ctc, starts_of, word_errors
from descant.train.lyrics_contrastive import ContrastiveLesson, ContrastiveLessonConfig
from descant.train.lyrics_ctc import CtcLesson, CtcLessonConfig

if TYPE_CHECKING:
    from descant.reproduce.claims import Result

Lesson = ContrastiveLesson | CtcLesson
_PLACE = "training"


@dataclass(frozen=True)
class Variant:
    """What is trained.

    Attributes:
        kind: "contrastive", "ctc" (the same audio encoder) or "wave_u_net".
        units: Letters or phonemes.
        context: Neighbours of a symbol that a contrastive net reads with it.
        languages: Learned from; empty is all.
    """

    kind: str
    units: Units = "characters"
    context: int = 1
    languages: tuple[str, ...] = ()


@dataclass(frozen=True)
class LyricsTraining:
    """One training and its measurements.

    Attributes:
        scale: Sizes and budgets.
        variant: What is trained.
        seed: Of weights and batches.
        threads: CPU threads.
        material: The pieces.
    """

    scale: LyricsScale
    variant: Variant
    seed: int
    threads: int
    material: Material

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the result."""
        lesson = lesson_of(self.scale, self.variant)
        loop = loop_of(self.scale, self.variant, self.seed, self.threads)
        measured = {"data": self.material.digest, "songs": self.scale.songs}
        return {"lesson": asdict(lesson), "loop": asdict(loop), "kind": self.variant.kind, **measured}

    def __call__(self, folder: Path, monitor: Monitor) -> Result:
        """Train, and align all held-out songs."""
        started = time.process_time()
        lesson = self._lesson()
        seconds = self._train(lesson, folder / _PLACE, monitor.part("training", 0.0, 0.9))
        model = lesson.model.eval()
        held = [self._errors(model, piece)[0] for piece in self.material.validation]
        bias_s = float(np.median(np.concatenate(held))) if held else 0.0
        ways: dict[str, dict[str, dict[str, float]]] = {}
        for mix in MIXES:
            for song in self.material.songs:
                if mix not in song:
                    continue
                masked, plain = self._errors(model, song[mix])
                ways.setdefault(f"{mix}/masked", {})[song[mix].song] = song_measures(masked)
                ways.setdefault(f"{mix}/plain", {})[song[mix].song] = song_measures(plain)
                ways.setdefault(f"{mix}/unbiased", {})[song[mix].song] = song_measures(masked - bias_s)
        found: dict[str, Any] = {
            "songs": ways,
            "bias_s": bias_s,
            "parameters": sum(p.numel() for p in model.parameters()),
            "training_s": seconds,
            "processor_s": time.process_time() - started,
        }
        if isinstance(model, LyricsContrastive):
            found |= self._inside_lines(model)
        return found

    def _lesson(self) -> Lesson:
        config = lesson_of(self.scale, self.variant)
        if isinstance(config, ContrastiveLessonConfig):
            return ContrastiveLesson(config, self.material.learned, self.seed)
        return CtcLesson(config, self.material.learned, self.seed)

    def _train(self, lesson: Lesson, folder: Path, monitor: Monitor) -> float:
        def report(event: Progress) -> None:  # the arm's own name says more than the loop's
            with suppress(Cancelled):  # the loop stops by itself, after it has written a checkpoint
                monitor.report(event.fraction, event.message)

        loop = loop_of(self.scale, self.variant, self.seed, self.threads)
        outcome = train(lesson, loop, folder, progress=report, cancel=monitor.cancel)
        load_weights(lesson.model, folder / CHECKPOINT)
        lesson.model.cpu()
        return outcome.elapsed_s

    def _errors(self, model: nn.Module, piece: Piece) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """How far word starts are off, with the line mask and without."""
        units, words = self.variant.units, len(piece.lyrics.words)
        text = sung_symbols(piece.lyrics, units)
        evidence = self._evidence(model, piece, text)
        masked, plain = (starts_of(evidence, text, words, units, is_masked=is_masked) for is_masked in (True, False))
        return word_errors(masked, piece.lyrics), word_errors(plain, piece.lyrics)

    def _evidence(self, model: nn.Module, piece: Piece, text: SungSymbols) -> Evidence:
        if isinstance(model, LyricsContrastive):
            return hear_contrastive(model, piece, text)
        return hear_ctc(model, piece)

    def _inside_lines(self, model: LyricsContrastive) -> dict[str, float]:
        """Where the most similar frame of each symbol lies: in a line that has the symbol in its context, or not."""
        inside, expected = [], []
        net = model.config
        for song in self.material.songs:
            piece = song["vocals"]
            text = sung_symbols(piece.lyrics, self.variant.units)
            evidence = hear_contrastive(model, piece, text)
            best = evidence.scores.argmax(0)
            spans = np.array([[ln.start_s, ln.end_s] for ln in piece.lyrics.lines], float) * evidence.frames_per_s
            contexts = contexts_of(torch.from_numpy(text.symbols), net.context, net.space).numpy()
            for token in np.flatnonzero(text.words >= 0):
                same = (contexts == contexts[token]).all(1)
                lows, highs = spans[np.unique(text.lines[same])].T
                inside.append(bool(((lows <= best[token]) & (best[token] <= highs)).any()))
                expected.append(float((highs - lows).sum() / len(evidence.scores)))
        return {"inside": float(np.mean(inside)), "inside_by_chance": float(np.mean(expected)), "symbols": len(inside)}


def lesson_of(scale: LyricsScale, variant: Variant) -> ContrastiveLessonConfig | CtcLessonConfig:
    """A variant's lesson."""
    net, loop = scale.net, scale.loop
    shared: dict[str, Any] = {
        "source": scale.source,
        "units": variant.units,
        "languages": variant.languages,
        "width": net.width,
        "blocks": net.blocks,
        "halvings": net.halvings,
        "shortest_line_s": loop.shortest_line_s,
        "backed_share": loop.backed_share,
        "validation_batches": 2,
        "aligned_pieces": 2,
    }
    budget = budget_of(scale, variant)
    shared |= {"batch": budget.batch, "seconds": budget.seconds}
    if variant.kind == "contrastive":
        return ContrastiveLessonConfig(**shared, context=variant.context, negatives=loop.negatives)
    return CtcLessonConfig(**shared, net="residual" if variant.kind == "ctc" else "wave_u_net", growth=net.growth)


def budget_of(scale: LyricsScale, variant: Variant) -> TrainingScale:
    """How long a variant learns."""
    kinds = {"contrastive": scale.contrastive, "ctc": scale.ctc, "wave_u_net": scale.wave_u_net}
    return kinds[variant.kind]


def loop_of(scale: LyricsScale, variant: Variant, seed: int, threads: int) -> LoopConfig:
    """A variant's training: Adam."""
    budget = budget_of(scale, variant)
    often = max(1, budget.steps // scale.loop.validations)
    is_cosine = scale.loop.schedule == "cosine"
    return LoopConfig(
        steps=budget.steps,
        optimiser="adam",
        learning_rate=budget.learning_rate,
        schedule=scale.loop.schedule,
        warmup=0.03 if is_cosine else 0.0,
        weight_decay=0.0,
        betas=(0.9, 0.999),
        clip=1.0,
        seed=seed,
        threads=threads,
        report_every=min(often, 25),
        validate_every=often,
        checkpoint_every_s=60.0,
        tensorboard=False,  # log.csv has it
        machine=Machine(precision=scale.loop.precision),
    )
