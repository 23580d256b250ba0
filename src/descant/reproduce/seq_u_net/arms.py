"""The arms: measurements, and trainings with their seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from descant.data.piano_rolls import Splits
from descant.progress import Monitor
from descant.reproduce.claims import Arm, Result
from descant.reproduce.provenance import machine
from descant.reproduce.seq_u_net import exact, step_costs
from descant.reproduce.seq_u_net.material import Material
from descant.reproduce.seq_u_net.pairs import audio_pair, lag_pair, roll_pair
from descant.reproduce.seq_u_net.scale import RollScale, SeqUNetScale
from descant.reproduce.seq_u_net.trainings import AudioTraining, LagTraining, RollTraining, described
from descant.reproduce.systems import Options

_HERE = "descant.reproduce.seq_u_net"
# Whose code decides an arm's result; what reads and renders the data counts only where it is used.
_EXACT = (f"{_HERE}.exact",)
_COSTS = (f"{_HERE}.step_costs",)
_TRAININGS = (f"{_HERE}.trainings",)
_ROLLS = (*_TRAININGS, "descant.data.music21_corpus", "descant.data.piano_rolls")
_AUDIO = (*_TRAININGS, f"{_HERE}.material")


def make_arms(scale: SeqUNetScale, options: Options) -> tuple[Arm, ...]:
    """All arms of a scale: the quick ones first, and both nets of a seed before the next seed."""
    material = Material(scale.audio, options.data, options.soundfont)
    return (
        _measurement("exact/causality", {}, exact.causality, 0.2),
        _measurement("exact/caching", {}, exact.caching, 0.2),
        *_costs(scale, options.threads),
        *_lag(scale, options.threads),
        *_audio(scale, options.threads, material),
        *_rolls("chorales", scale.chorales, scale.seeds, options.threads, material, lambda: material.chorales),
        *_rolls("tunes", scale.tunes, scale.seeds, options.threads, material, lambda: material.tunes),
    )


def _measurement(
    name: str, settings: dict[str, Any], work: Callable[[], Result], weight: float, code: tuple[str, ...] = _EXACT
) -> Arm:
    """An arm that leaves nothing behind and is too short to be stopped."""

    def run(_folder: Path, _monitor: Monitor) -> Result:
        return work()

    return Arm(name, settings, run, weight, code)


def _costs(scale: SeqUNetScale, threads: int) -> Iterator[Arm]:
    costs = scale.costs
    settings = {"costs": asdict(costs), "threads": threads, "machine": machine()}
    for name, rolls in (("chorales", scale.chorales), ("tunes", scale.tunes)):
        for net, config in roll_pair(rolls).configs.items():
            work = partial(step_costs.roll_costs, config, costs, threads)
            yield _measurement(f"costs/{name}/{net}", {**settings, "net": described(config)}, work, 3.0, _COSTS)
    for net in ("tcn", "seq_u_net"):
        work = partial(step_costs.depth_costs, net, costs, threads)
        yield _measurement(f"costs/depth/{net}", settings, work, 3.0, _COSTS)
    for net, config in audio_pair(scale.audio).configs.items():
        work = partial(step_costs.audio_costs, config, costs, threads)
        yield _measurement(f"costs/audio/{net}", {**settings, "net": described(config)}, work, 5.0, _COSTS)
        said = {"net": described(config), "samples": scale.audio.generated, "threads": threads, "machine": machine()}
        yield _measurement(f"generation/{net}", said, partial(exact.generation, net, scale.audio, threads), 1.0)


def _lag(scale: SeqUNetScale, threads: int) -> Iterator[Arm]:
    for speed, hold in (("fast", 1), ("slow", scale.lag.hold)):
        for net, config in lag_pair(scale.lag).configs.items():
            for seed in range(scale.seeds):
                work = LagTraining(config, scale.lag, hold, seed, threads)
                yield Arm(f"lag/{speed}/{net}/seed-{seed}", work.settings, work, 2.0, _TRAININGS)


def _audio(scale: SeqUNetScale, threads: int, material: Material) -> Iterator[Arm]:
    for seed in range(min(scale.seeds, scale.audio.seeds)):
        for net, config in audio_pair(scale.audio).configs.items():
            work = AudioTraining(config, scale.audio, seed, threads, material)
            yield Arm(f"audio/{net}/seed-{seed}", work.settings, work, 40.0 if net == "wavenet" else 15.0, _AUDIO)


def _rolls(
    name: str, rolls: RollScale, seeds: int, threads: int, material: Material, splits: Callable[[], Splits]
) -> Iterator[Arm]:
    for seed in range(seeds):
        for net, config in roll_pair(rolls).configs.items():
            work = RollTraining(config, rolls, seed, threads, material, splits)
            yield Arm(f"{name}/{net}/seed-{seed}", work.settings, work, 30.0, _ROLLS)
