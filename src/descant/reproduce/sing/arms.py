"""The arms: measurements that need no training, autoencoders, the generators that begin with them, what they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from descant.reproduce.sing.embeddings import family_likeness, map_of
from descant.reproduce.sing.loading import load_arm
from descant.reproduce.sing.material import Material
from descant.reproduce.sing.pictures import make_notes
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
    trained = [_trainings(setting, seed) for seed in seeds]
    shown = [arm for seed in seeds for arm in _shown(setting, seed, trained[seed])]
    return (*_measurements(setting), *(arm for arms in trained for arm in arms), *shown)


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


def _trainings(setting: Setting, seed: int) -> tuple[Arm, ...]:
    scale, material, threads = setting.scale, setting.material, setting.threads
    autoencoders = {}
    for loss in AUTOENCODERS:
        first = AutoencoderTraining(scale, loss, seed, threads, material)
        autoencoders[loss] = Arm(f"autoencoder/{loss}/seed-{seed}", first.settings, first, 40.0, _TRAININGS)
    generators = []
    for name, (loss, has_time) in GENERATORS.items():
        begin = partial(_checkpoint, autoencoders[loss], setting.out)
        known = fingerprint(autoencoders[loss])
        later = GeneratorTraining(scale, loss, has_time, seed, threads, material, known, begin)
        generators.append(Arm(f"generator/{name}/seed-{seed}", later.settings, later, 90.0, _TRAININGS))
    return (*autoencoders.values(), *generators)


def _shown(setting: Setting, seed: int, trained: Sequence[Arm]) -> Iterator[Arm]:
    """What is looked at: the map of instruments and some notes, by what was trained with this seed."""
    known = {arm.name: fingerprint(arm) for arm in trained if arm.name.startswith("generator/")}
    settings = {"trained": known, "pictures": setting.scale.measure.pictures}

    def embed(_folder: Path, _monitor: Monitor) -> Result:
        sing, instruments = load_arm(setting.out, "spectral", seed=seed)
        table = sing.generator.instrument.weight.detach().double().numpy()
        families = setting.material.families
        return {
            "points": map_of(table).round(4).tolist(),
            "instruments": list(instruments),
            "families": list(families),
            **family_likeness(table, families),
        }

    def show(folder: Path, _monitor: Monitor) -> Result:
        sings = {name: load_arm(setting.out, name, seed=seed)[0] for name in GENERATORS}
        return make_notes(sings, setting.material, setting.scale.measure.pictures, folder)

    yield Arm(f"embeddings/seed-{seed}", settings, embed, 1.0, (f"{_HERE}.embeddings",))
    yield Arm(f"pictures/seed-{seed}", settings, show, 1.0, (f"{_HERE}.pictures",))


def _checkpoint(arm: Arm, out: Path) -> Path:
    return work_folder(arm, out) / CHECKPOINT
