"""The arms: trainings with their seeds, and measurements."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from descant.data.music21_corpus import chorales, fiddle_tunes, find_corpus
from descant.data.note_audio import Classes, encode_mu_law, render_notes
from descant.data.piano_rolls import PianoRoll, Splits, split
from descant.errors import Cancelled
from descant.instrument.api import find_soundfont
from descant.nets.causal import parameter_count
from descant.nets.seq_u_net_residual import SeqUNetResidual
from descant.nets.wavenet import WaveNet
from descant.progress import Monitor, Progress
from descant.reproduce.best_weights import BestWeights
from descant.reproduce.claims import Arm, Result
from descant.reproduce.seq_u_net import exact, step_costs
from descant.reproduce.seq_u_net.lessons import (
    AudioLesson,
    LagLesson,
    RollLesson,
    frame_nats,
    roll_tensor,
    sample_bits,
    symbol_nats,
)
from descant.reproduce.seq_u_net.pairs import NetConfig, audio_pair, lag_pair, make_net, roll_pair
from descant.reproduce.seq_u_net.scale import RollScale, SeqUNetScale
from descant.reproduce.systems import Options
from descant.score.notes import Score
from descant.train.loop import Lesson, LoopConfig, load_weights, train

CHORALE_FRAME, TUNE_FRAME = 1.0, 0.25
"""Quarters of a frame."""
_SHORTEST_TUNE = 64
_FINAL_RATE = 0.02
_DATA_VERSION = 1  # part of every fingerprint: raise it when the data change


class Material:
    """The data, read when an arm first asks for them."""

    def __init__(self, scale: SeqUNetScale, options: Options) -> None:
        self._scale = scale
        self._options = options

    @cached_property
    def _chorale_scores(self) -> dict[str, Score]:
        return dict(chorales(find_corpus(self._options.data)))

    @cached_property
    def chorales(self) -> Splits:
        """One frame a quarter."""
        return split(self._chorale_scores.items(), CHORALE_FRAME)

    @cached_property
    def tunes(self) -> Splits:
        """One frame a sixteenth."""
        return split(fiddle_tunes(find_corpus(self._options.data)), TUNE_FRAME, fewest_frames=_SHORTEST_TUNE)

    @cached_property
    def audio(self) -> dict[str, Classes]:
        """Chorales played by the SoundFont's piano; training, validation and test are other chorales."""
        scale = self._scale.audio
        font = find_soundfont(self._options.soundfont)
        music = {}
        for part in ("training", "validation", "test"):
            pieces: tuple[PianoRoll, ...] = getattr(self.chorales, part)
            seconds = scale.training_s if part == "training" else scale.held_out_s
            played = render_notes(
                [self._chorale_scores[p.name] for p in pieces], font, seconds=seconds, sample_rate=scale.sample_rate
            )
            music[part] = encode_mu_law(played)
        return music


def make_arms(scale: SeqUNetScale, options: Options) -> tuple[Arm, ...]:
    """All arms of a scale: the quick measurements first."""
    material = Material(scale, options)
    return (
        Arm("exact/causality", {}, _measured(exact.causality), 0.2),
        Arm("exact/caching", {}, _measured(exact.caching), 0.2),
        *_cost_arms(scale, options),
        *_lag_arms(scale, options),
        *_audio_arms(scale, options, material),
        *_roll_arms("chorales", scale.chorales, lambda: material.chorales, scale.seeds, options),
        *_roll_arms("tunes", scale.tunes, lambda: material.tunes, scale.seeds, options),
    )


def _measured(work: Callable[[], dict[str, Any]]) -> Callable[[Path, Monitor], Result]:
    """What an arm runs that leaves nothing behind and is too short to be stopped."""

    def run(_folder: Path, _monitor: Monitor) -> Result:
        return work()

    return run


def _cost_arms(scale: SeqUNetScale, options: Options) -> Iterator[Arm]:
    costs, threads = scale.costs, options.threads
    settings = {"costs": dataclasses.asdict(costs), "threads": threads}

    for name, rolls in (("chorales", scale.chorales), ("tunes", scale.tunes)):
        for net, config in roll_pair(rolls).configs.items():
            work = partial(step_costs.roll_costs, config, costs, threads)
            yield Arm(f"costs/{name}/{net}", {**settings, "net": _described(config)}, _measured(work), 3.0)
    for net in ("tcn", "seq_u_net"):
        yield Arm(f"costs/depth/{net}", settings, _measured(partial(step_costs.depth_costs, net, costs, threads)), 3.0)
    for net, config in audio_pair(scale.audio).configs.items():
        said = {**settings, "net": _described(config)}
        work = partial(step_costs.audio_costs, config, costs, threads)
        yield Arm(f"costs/audio/{net}", said, _measured(work), 5.0)
        said = {"net": _described(config), "samples": scale.audio.generated, "threads": threads}
        work = partial(exact.generation, net, scale.audio, threads)
        yield Arm(f"generation/{net}", said, _measured(work), 1.0)


def _lag_arms(scale: SeqUNetScale, options: Options) -> Iterator[Arm]:
    lag = scale.lag
    for speed, hold in (("fast", 1), ("slow", lag.hold)):
        for net, config in lag_pair(lag).configs.items():
            for seed in range(scale.seeds):
                loop = _loop(lag.steps, lag.learning_rate, 1.0, seed, options, validations=4)

                def run(
                    folder: Path,
                    monitor: Monitor,
                    config: NetConfig = config,
                    hold: int = hold,
                    loop: LoopConfig = loop,
                ) -> Result:
                    torch.manual_seed(loop.seed)
                    lesson = LagLesson(make_net(config), lag, hold)
                    _train(lesson, loop, folder, monitor)
                    load_weights(lesson.model, folder / "checkpoint")
                    return {
                        "test_nats_per_symbol": symbol_nats(lesson.model, lag, hold),
                        "parameters": parameter_count(lesson.model),
                    }

                settings = _settings(config, loop, lag=dataclasses.asdict(lag), hold=hold)
                yield Arm(f"lag/{speed}/{net}/seed-{seed}", settings, run, 2.0)


def _audio_arms(scale: SeqUNetScale, options: Options, material: Material) -> Iterator[Arm]:
    audio = scale.audio
    for seed in range(min(scale.seeds, audio.seeds)):
        for net, config in audio_pair(audio).configs.items():
            loop = _loop(audio.steps, audio.learning_rate, 1.0, seed, options, validations=4)

            def run(folder: Path, monitor: Monitor, config: NetConfig = config, loop: LoopConfig = loop) -> Result:
                music = material.audio
                torch.manual_seed(loop.seed)
                model = make_net(config)
                assert isinstance(model, (WaveNet, SeqUNetResidual))
                best = BestWeights(folder / "best")
                _train(AudioLesson(model, music["training"], music["validation"], audio, best), loop, folder, monitor)
                best.load(model)
                return {
                    "test_bits_per_sample": sample_bits(model, music["test"]),
                    "unigram_bits_per_sample": _unigram_bits(music["training"], music["test"]),
                    "parameters": parameter_count(model),
                    "receptive_field": model.config.receptive_field,
                }

            settings = _settings(config, loop, audio=dataclasses.asdict(audio))
            yield Arm(f"audio/{net}/seed-{seed}", settings, run, 40.0 if net == "wavenet" else 15.0)


def _unigram_bits(training: Classes, test: Classes) -> float:
    """What a model that knows only how often each class occurs would need."""
    counts = np.bincount(training, minlength=256) + 1.0
    return float(-np.log2(counts / counts.sum())[test].mean())


def _roll_arms(
    name: str, rolls: RollScale, splits: Callable[[], Splits], seeds: int, options: Options
) -> Iterator[Arm]:
    for seed in range(seeds):
        for net, config in roll_pair(rolls).configs.items():

            def run(folder: Path, monitor: Monitor, config: NetConfig = config, seed: int = seed) -> Result:
                parts = [_some(part, rolls.pieces) for part in _parts(splits())]
                steps = max(1, round(rolls.epochs * len(parts[0])))
                loop = _loop(steps, rolls.learning_rate, rolls.clip, seed, options, validations=rolls.validations)
                torch.manual_seed(seed)
                model = make_net(config)
                best = BestWeights(folder / "best")
                _train(RollLesson(model, parts[0], parts[1], best), loop, folder, monitor)
                best.load(model)
                train_nats, valid_nats, test_nats = (frame_nats(model, [roll_tensor(p) for p in q]) for q in parts)
                return {
                    "test_nats_per_frame": test_nats,
                    "validation_nats_per_frame": valid_nats,
                    "training_nats_per_frame": train_nats,
                    "frequency_nats_per_frame": _frequency_nats(parts[0], parts[2]),
                    "parameters": parameter_count(model),
                    "steps": steps,
                    "data": splits().describe(),
                }

            settings = {
                "net": _described(config),
                "rolls": dataclasses.asdict(rolls),
                "seed": seed,
                "data": _DATA_VERSION,
            }
            yield Arm(f"{name}/{net}/seed-{seed}", settings, run, 30.0)


def _parts(splits: Splits) -> tuple[tuple[PianoRoll, ...], ...]:
    return splits.training, splits.validation, splits.test


def _some(pieces: tuple[PianoRoll, ...], most: int) -> tuple[PianoRoll, ...]:
    return pieces[:most] if most else pieces


def _frequency_nats(training: tuple[PianoRoll, ...], test: tuple[PianoRoll, ...]) -> float:
    """What a model that knows only how often each key sounds would need."""
    counts = np.sum([p.frames.sum(0) for p in training], axis=0)
    share = (counts + 0.5) / (sum(len(p.frames) for p in training) + 1.0)
    frames = np.concatenate([p.frames[1:] for p in test])
    return float(-(np.log(share) * frames + np.log1p(-share) * ~frames).sum(1).mean())


def _loop(
    steps: int, learning_rate: float, clip: float, seed: int, options: Options, *, validations: int
) -> LoopConfig:
    often = max(1, steps // validations)
    return LoopConfig(
        steps=steps,
        learning_rate=learning_rate,
        final_rate=_FINAL_RATE,
        weight_decay=0.0,
        clip=clip,
        seed=seed,
        threads=options.threads,
        report_every=often,
        validate_every=often,
        checkpoint_every_s=60.0,
    )


def _train(lesson: Lesson, loop: LoopConfig, folder: Path, monitor: Monitor) -> None:
    def report(event: Progress) -> None:  # the arm's own name says more than the loop's
        with suppress(Cancelled):  # the loop stops by itself, after it has written a checkpoint
            monitor.report(event.fraction, event.message)

    train(lesson, loop, folder, progress=report, cancel=monitor.cancel)


def _settings(config: NetConfig, loop: LoopConfig, **more: Any) -> dict[str, Any]:
    said = {"steps": loop.steps, "learning_rate": loop.learning_rate, "clip": loop.clip, "seed": loop.seed}
    return {"net": _described(config), "loop": said, "data": _DATA_VERSION, **more}


def _described(config: NetConfig) -> dict[str, Any]:
    return {"kind": type(config).__name__, **dataclasses.asdict(config)}
