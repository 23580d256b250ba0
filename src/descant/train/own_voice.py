"""A person's own voice: the shipped decoder, trained further on some minutes of one person.

What a zero-shot voice lacks is what an embedding of 256 numbers does not say: the decoder learns it from the recordings
themselves, by giving them back, and by singing and saying with this voice what others sang and said (`train.foreign`),
against critics who know the person. It stops when neither gets any better.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.audio.resample import resample
from descant.convert.api import Converter
from descant.convert.speaker import likeness
from descant.convert.voice import Voice
from descant.errors import InvalidAudio, InvalidOption
from descant.hub.checkpoint import save_tensors
from descant.nets.source_filter import FPS, SAMPLE_RATE
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.train.adversarial_voice import (
    AdversarialVoiceConfig,
    AdversarialVoiceLesson,
    Stretch,
    converted_to,
)
from descant.train.best import best_weights
from descant.train.checkpoint import load_weights
from descant.train.config import LoopConfig, Machine, Watch
from descant.train.foreign import foreign_pieces
from descant.train.lesson import on_device_of
from descant.train.loop import Outcome, train
from descant.train.voice import Row, stacked
from descant.train.voice_pieces import Analyst, Piece, load_pieces, save_pieces

PIECES, PREVIEWS = "pieces.npz", "previews"
ENOUGH_S, USUAL_S = 30.0, 120.0
"""Less sound than the first is refused; less than the second is said."""

_ALIKE = 0.6
_PIECE_S, _SHORTEST_S = 10.0, 1.6
_HELD_OUT_EVERY = 8
_FOREIGN_HELD_OUT_EVERY = 5
_PREPARING = 0.1


@dataclass(frozen=True, slots=True)
class OwnVoiceOptions:
    """How long and how fast.

    Attributes:
        minutes: Wall-clock budget of the training.
        learning_rate: At its highest.
        threads: CPU threads.
        seed: Of batches.
    """

    minutes: float = 15.0
    learning_rate: float = 4e-4
    threads: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 < self.minutes <= 600.0 or not 0.0 < self.learning_rate < 0.1 or self.threads < 1:
            raise InvalidOption(
                f"{self.minutes:g} minutes at a rate of {self.learning_rate:g} on {self.threads} threads: impossible.",
                "A voice is trained for up to 600 minutes, at a rate below 0.1, on one thread or more.",
            )


@dataclass(frozen=True, slots=True, eq=False)
class OwnVoice:
    """What came of it.

    Attributes:
        voice: The person.
        decoder: The trained decoder's state, for `VoiceDecoder.load_state_dict`.
        outcome: How the training ended.
    """

    voice: Voice
    decoder: Mapping[str, torch.Tensor]
    outcome: Outcome


class OwnVoiceLesson(AdversarialVoiceLesson):
    """The adversarial voice lesson on one person, with something to hear after each validation.

    Args:
        base: The decoder to begin with, its shape, and the ears.
        pieces: Of the person.
        foreign: Of others: what is converted.
        previews: Folder for what it sounds like.
        seed: Of the batches.
    """

    def __init__(
        self, base: Converter, pieces: Sequence[Piece], foreign: Sequence[Piece], previews: Path, seed: int
    ) -> None:
        config = base.decoder.config
        shape = AdversarialVoiceConfig(
            width=config.width,
            blocks=config.blocks,
            bottleneck=config.bottleneck,
            batch=5,
            conversions=3,
            sung_share=float(pieces[0].is_sung),
        )
        learned = [piece for n, piece in enumerate(pieces) if (n + 1) % _HELD_OUT_EVERY]
        held_out = [piece for n, piece in enumerate(pieces) if (n + 1) % _HELD_OUT_EVERY == 0] or learned[-1:]
        super().__init__(shape, [learned], held_out, seed, base.embedder, base.encoder)
        self.model.load_state_dict(base.decoder.state_dict())
        long = [piece for piece in foreign if piece.frames > self._frames]
        self._foreign = [piece for n, piece in enumerate(long) if (n + 1) % _FOREIGN_HELD_OUT_EVERY]
        self._judged = [piece for n, piece in enumerate(long) if (n + 1) % _FOREIGN_HELD_OUT_EVERY == 0]
        self._previews = previews
        self._made = len(list(previews.glob("*.wav"))) if previews.is_dir() else 0

    def _to_convert(self, drawn: Sequence[Stretch], generator: np.random.Generator) -> list[Row]:
        """What others say and sing, for the person's voice."""
        rows = []
        for target in drawn[: self._asked.conversions]:
            piece = self._foreign[int(generator.integers(len(self._foreign)))]
            start, frames, _ = self._place(piece, generator)
            rows.append(converted_to(target, Stretch(piece, start, frames), generator))
        return rows

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """How far held-out pieces come back changed, and conversions are from the voice and from what was said.

        Writes a piece as the voice says it now, and one of somebody else.
        """
        self.model.eval()
        generator = np.random.default_rng(0)
        target = Stretch(self._validation[0], 0, self._frames)
        rows = [
            converted_to(target, Stretch(piece, start, self._frames), generator)
            for piece in self._judged
            for start in range(0, piece.frames - self._frames, 2 * self._frames)
        ]
        likeness_, content = self.conversion(on_device_of(self.model, stacked(rows)))
        distance = self.distance()
        measured = {"distance": distance, "likeness": float(likeness_), "content": float(content)}
        self._preview(Stretch(self._validation[0], 0, self._frames), generator)
        weights = self._asked
        fault = distance + weights.likeness * (1 - measured["likeness"]) + weights.content * (1 - measured["content"])
        return {**measured, "fault": fault}

    def _preview(self, target: Stretch, generator: np.random.Generator) -> None:
        """The held-out piece itself, then a piece of somebody else, in the voice as it is now."""
        self._previews.mkdir(parents=True, exist_ok=True)
        parts = [self._said_by(target.piece, target.piece)]
        for piece in self._judged[:1]:
            whole = Stretch(piece, 0, piece.frames // 2 * 2)
            row = converted_to(Stretch(target.piece, 0, target.piece.frames), whole, generator)
            parts.append(self.made(on_device_of(self.model, stacked([row])))[0].float().cpu().numpy())
        sound = np.concatenate(parts).clip(-1, 1).astype(np.float32)
        write(self._previews / f"{self._made:03d}.wav", Clip(sound[np.newaxis], SAMPLE_RATE))
        self._made += 1


def train_own_voice(
    clips: Iterable[Clip],
    run: Path,
    base: Converter,
    options: OwnVoiceOptions,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> OwnVoice:
    """Train a decoder on one person; called again with the same folder it goes on where it was stopped.

    Args:
        clips: Recordings of the person alone, speaking or singing: two to ten minutes.
        run: Folder for pieces, checkpoints and previews.
        base: What to begin with.
        options: How long.
        progress: Receives the share that is done.
        cancel: Stops with a checkpoint.

    Raises:
        InvalidAudio: There is too little sound, or it is of two people.
        InvalidOption: The folder holds a training with other options.
        Cancelled: `cancel` was raised.
        DescantError: As `train.loop.train`.
    """
    monitor = Monitor(progress, cancel, "voice")
    voice, pieces = prepared(clips, run, base, monitor.part("listening", 0.0, _PREPARING))
    lesson = OwnVoiceLesson(base, pieces, foreign_pieces(base), run / PREVIEWS, options.seed)
    outcome = train(
        lesson, loop_of(options), run, progress=monitor.part("learning", _PREPARING, 1.0).sink, cancel=cancel
    )
    load_weights(lesson.model, best_weights(run))
    return OwnVoice(voice, lesson.model.state_dict(), outcome)


def loop_of(options: OwnVoiceOptions) -> LoopConfig:
    """The loop's settings."""
    return LoopConfig(
        minutes=options.minutes,
        learning_rate=options.learning_rate,
        warmup=0.05,
        weight_decay=0.0,
        average=0.99,
        seed=options.seed,
        threads=options.threads,
        report_every=25,
        validate_every=75,
        checkpoint_every_s=60.0,
        tensorboard=False,
        machine=Machine("cpu", precision="bf16"),
        watch=Watch("fault", keep=1, stop_after=6),
    )


def prepared(clips: Iterable[Clip], run: Path, base: Converter, monitor: Monitor) -> tuple[Voice, tuple[Piece, ...]]:
    """The person and the pieces to learn from; they are analysed once and kept in the run's folder.

    Raises:
        InvalidAudio: There is too little sound, or it is of two people.
    """
    whole = [clip for clip in (_mono(clip) for clip in clips) if clip.frames]
    seconds = sum(clip.duration_s for clip in whole)
    if seconds < ENOUGH_S:
        raise InvalidAudio(
            f"{seconds:.0f} s of recordings are too little to learn a voice from.",
            f"Give {USUAL_S / 60:.0f} to 10 minutes; {ENOUGH_S:.0f} s at least.",
        )
    voice = base.voice(Clip(np.concatenate([clip.samples for clip in whole], axis=1), SAMPLE_RATE))
    path = run / PIECES
    if not path.is_file():
        run.mkdir(parents=True, exist_ok=True)
        save_pieces(path, _analysed(whole, voice, base, monitor))
    pieces = load_pieces(path)
    sounding = sum(piece.frames for piece in pieces) / FPS
    if sounding < ENOUGH_S or len(pieces) < 2:
        raise InvalidAudio(
            f"Of {seconds:.0f} s only {sounding:.0f} s can be learned from.", "Leave out silence, noise and music."
        )
    return voice, pieces


def _analysed(whole: Sequence[Clip], voice: Voice, base: Converter, monitor: Monitor) -> list[Piece]:
    analyst = Analyst(base.encoder, base.tracker, base.embedder)
    generator = np.random.default_rng(0)
    size = round(_PIECE_S * SAMPLE_RATE)
    parts = [Clip(c.samples[:, start : start + size], SAMPLE_RATE) for c in whole for start in range(0, c.frames, size)]
    pieces: list[Piece] = []
    for done, part in enumerate(parts):
        monitor.report(done / len(parts))
        if part.duration_s < _SHORTEST_S:
            continue
        try:
            piece = analyst(part, generator, is_sung=voice.is_sung)
        except InvalidAudio:
            continue  # a stretch of silence teaches nothing
        alike = likeness(piece.speaker, voice.speaker)
        if alike < _ALIKE:
            raise InvalidAudio(
                f"The recordings are of different voices: {part.duration_s:.0f} s of them are {alike:.2f} alike to the "
                f"others, less than {_ALIKE}.",
                "Give recordings of one person, without music.",
            )
        pieces.append(replace(piece, speaker=voice.speaker))
    return pieces


def write_decoder(folder: Path, own: OwnVoice, base: Converter, audio_sha256: str) -> None:
    """The trained decoder as `Converter.from_folder` reads it, in half precision.

    Args:
        folder: Where to.
        own: What came of the training.
        base: What it began with.
        audio_sha256: Digest of the recordings: only a consent for these lets it sing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {name: getattr(base.decoder.config, name) for name in base.decoder.config.__slots__}
    stated = {
        "network": config, "content": {"layer": base.encoder.layer}, "voice": {"audio_sha256": audio_sha256},
    }  # fmt: skip
    text = json.dumps(stated, indent=1)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")
    save_tensors(folder / "weights.safetensors", {name: value.half() for name, value in own.decoder.items()})


def _mono(clip: Clip) -> Clip:
    return resample(clip.to_mono(), SAMPLE_RATE)
