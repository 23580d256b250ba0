"""The arms: measurements that need no training, autoencoders, the generators that begin with them, what they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from descant.nets.sing import SingConfig
from descant.progress import Monitor
from descant.reproduce.claims import Arm, Result
from descant.reproduce.provenance import machine
from descant.reproduce.runner import fingerprint, work_folder
from descant.reproduce.sing import baselines, speed
from descant.reproduce.sing.material import Material
from descant.reproduce.sing.scale import SingScale
from descant.reproduce.sing.trainings import AutoencoderTraining, GeneratorTraining, Loss
from descant.train.checkpoint import CHECKPOINT

_HERE = "descant.reproduce.sing"
_TRAININGS = (f"{_HERE}.trainings",)
GENERATORS: Mapping[str, tuple[Loss, bool]] = {
    "spectral": ("spectral", True),
    "wave": ("wave", True),
    "no_time": ("spectral", False),
}
"""Loss, and whether there is a time table."""
AUTOENCODERS: tuple[Loss, ...] = ("spectral", "wave")


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and on what the arms work.

    Attributes:
        scale: Sizes and budgets.
        material: The notes.
        out: The reproduction's folder.
        threads: CPU threads.
    """

    scale: SingScale
    material: Material
    out: Path
    threads: int

    def network(self) -> SingConfig:
        """Of the trained generators."""
        net = self.scale.net
        return SingConfig(
            instruments=len(self.material.instruments), channels=net.channels, hidden=net.hidden, layers=net.layers
        )


def make_arms(setting: Setting) -> tuple[Arm, ...]:
    """All arms of a scale, the quick ones first; a generator comes after its autoencoder."""
    seeds = range(setting.scale.seeds)
    return (
        *_measurements(setting),
        *(arm for seed in seeds for arm in _trainings(setting, seed)),
    )


def _quick(name: str, settings: dict[str, Any], work: Callable[[], Result], code: str) -> Arm:
    """An arm that leaves nothing behind and is too short to be stopped."""

    def run(_folder: Path, _monitor: Monitor) -> Result:
        return work()

    return Arm(name, settings, run, 1.0, (f"{_HERE}.{code}",))


def _measurements(setting: Setting) -> Iterator[Arm]:
    measure, material = setting.scale.measure, setting.material
    data = {"data": material.digest, "notes": measure.notes}
    yield _quick(
        "baseline/silence", data, lambda: baselines.measure_silence(material, SingConfig(), measure.notes), "baselines"
    )
    if setting.scale.source == "notes":  # tones are no recordings that a sampler could play
        yield _quick(
            "baseline/nearest_pitch",
            data,
            lambda: baselines.measure_sampler(material, SingConfig(), measure.notes),
            "baselines",
        )
    timing = {"timed": measure.timed, "repeats": measure.repeats, "threads": setting.threads, "machine": machine()}
    sizes = {"trained": setting.network} if material.digest else {}
    if setting.scale.source == "notes":
        sizes = {"published": SingConfig, **sizes}
    for name, config in sizes.items():
        work = partial(_speed, config, setting)
        yield _quick(f"speed/{name}", {**timing, "net": asdict(config())}, work, "speed")


def _speed(config: Callable[[], SingConfig], setting: Setting) -> Result:
    measure = setting.scale.measure
    return speed.generation_speed(config(), notes=measure.timed, repeats=measure.repeats, threads=setting.threads)


def _trainings(setting: Setting, seed: int) -> Iterator[Arm]:
    scale, material, threads = setting.scale, setting.material, setting.threads
    autoencoders = {}
    for loss in AUTOENCODERS:
        first = AutoencoderTraining(scale, loss, seed, threads, material)
        autoencoders[loss] = Arm(f"autoencoder/{loss}/seed-{seed}", first.settings, first, 40.0, _TRAININGS)
        yield autoencoders[loss]
    for name, (loss, has_time) in GENERATORS.items():
        begin = partial(_checkpoint, autoencoders[loss], setting.out)
        known = fingerprint(autoencoders[loss])
        later = GeneratorTraining(scale, loss, has_time, seed, threads, material, known, begin)
        yield Arm(f"generator/{name}/seed-{seed}", later.settings, later, 90.0, _TRAININGS)


def _checkpoint(arm: Arm, out: Path) -> Path:
    return work_folder(arm, out) / CHECKPOINT
