"""Measure how fast training examples are made. Run `python benchmarks/augment.py [--data FOLDER_OF_STEMS]`.

Three tables: what each augmentation costs, what reading a crop costs by format, and what the worker pool delivers end
to end. Without `--data`, songs of a minute are made. Per-core figures count the time of the core, not of the clock, so
that other work on the machine does not change them; those of pools go by the clock.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
from audio_files import music

from descant.audio import io
from descant.audio.clip import Clip
from descant.data.augment.codec import Codec
from descant.data.augment.crops import CropOptions, StemCrops, items_with
from descant.data.augment.levels import FlipSign, Gain, SwapChannels
from descant.data.augment.loader import Loader, LoaderOptions, Make
from descant.data.augment.noise import SINGSONG_NOISE, Noise
from descant.data.augment.rooms import ImaginedRoom, MeasuredRoom
from descant.data.augment.speed import Transpose
from descant.data.augment.step import Chain, Step
from descant.data.augment.tone import BandLimit, Equalise
from descant.data.sets.catalogue import open_set
from descant.data.sets.item import Item
from descant.evaluate.report import Report, Table

RATE = 44_100
SECONDS = 6.0
STEMS = ("vocals", "drums", "bass", "other")
BATCH = 4
BATCHES = 6
FORMATS = ((".wav", "PCM_16"), (".wav", "FLOAT"), (".flac", "PCM_16"), (".opus", None), (".mp3", None), (".m4a", None))

LIGHT = CropOptions(
    seconds=SECONDS,
    stems=STEMS,
    each=Chain((Gain(gain_db=(-6.0, 3.0)), FlipSign(), SwapChannels())),
)
USUAL = CropOptions(
    seconds=SECONDS,
    stems=STEMS,
    speed=(0.88, 1.14),
    semitones=(-2.0, 2.0),
    stretched=0.2,
    each=Chain((Gain(gain_db=(-6.0, 3.0)), FlipSign(), SwapChannels(), Equalise(chance=0.3))),
    own={"vocals": Chain((ImaginedRoom(chance=0.2),))},
    heard=Chain((Noise(chance=0.2), Codec(chance=0.1))),
)
HEAVY = CropOptions(
    seconds=SECONDS,
    stems=STEMS,
    speed=(0.88, 1.14),
    semitones=(-2.0, 2.0),
    each=Chain((Gain(gain_db=(-6.0, 3.0)), FlipSign(), SwapChannels(), Equalise())),
    own={"vocals": Chain((ImaginedRoom(),))},
    heard=Chain((Noise(), Codec())),
)
RECIPES = (
    ("remix, gain, sign, channels", LIGHT),
    ("usual: and 20 % stretched, 30 % EQ, 20 % rooms and noise, 10 % codecs", USUAL),
    ("heavy: every step on every example", HEAVY),
)


def steps(folder: Path) -> list[tuple[str, Step]]:
    """Each augmentation, applied always."""
    io.write(folder / "room.flac", Clip(0.5 * np.exp(-np.arange(3 * RATE) / 9_000)[None].astype(np.float32), RATE))
    return [
        ("gain", Gain()),
        ("sign", FlipSign(chance=1.0)),
        ("channel swap", SwapChannels(chance=1.0)),
        ("equaliser (4 filters)", Equalise()),
        ("band limit", BandLimit()),
        ("white noise at -40 dB (SingSong)", SINGSONG_NOISE),
        ("pink noise", Noise(colour="pink")),
        ("imagined room, 0.1 to 2 s", ImaginedRoom()),
        ("measured room, 3 s", MeasuredRoom(files=(folder / "room.flac",))),
        ("transpose", Transpose(semitones=(3.0, 3.0))),
        ("MP3", Codec(codecs=("mp3",))),
        ("Opus", Codec(codecs=("opus",))),
        ("Vorbis", Codec(codecs=("vorbis",))),
        ("AAC", Codec(codecs=("aac",))),
    ]


def per_core_second(work: Callable[[int], object], seconds_each: float, *, at_least_s: float = 1.0) -> float:
    """Seconds of audio per second of one core's time; the first call, which warms caches, is not counted."""
    work(0)
    count, started = 0, time.process_time()
    while time.process_time() - started < at_least_s:
        count += 1
        work(count)
    return count * seconds_each / (time.process_time() - started)


def step_table(clip: Clip, folder: Path) -> Table:
    """Each step on crops of six seconds in stereo."""
    rows = []
    for name, step in steps(folder):
        speed = per_core_second(lambda k, step=step: step(clip, np.random.default_rng(k)), clip.duration_s)  # type: ignore[misc]
        rows.append((name, round(speed), round(1000.0 * clip.duration_s / speed, 2)))
    title = f"One augmentation on {clip.duration_s:g} s of stereo at 44.1 kHz, on one core"
    return Table(title, ("augmentation", "s of audio per core second", "ms per crop"), tuple(rows))


def reading_table(folder: Path) -> Table:
    """A random crop of a three-minute file, by format."""
    part = music(RATE)
    song = Clip(np.tile(part.samples, -(-180 * RATE // part.frames))[:, : 180 * RATE], RATE)
    rows = []
    for suffix, subtype in FORMATS:
        path = io.write(folder / f"song{suffix}", song, subtype=subtype)

        def crop(seed: int, path: Path = path) -> Clip:
            start = float(np.random.default_rng(seed).uniform(0.0, 170.0))
            return io.read(path, start_s=start, end_s=start + SECONDS, sample_rate=RATE)

        speed = per_core_second(crop, SECONDS)
        name = f"{suffix.lstrip('.')} {subtype or ''}".strip()
        rows.append((name, round(speed), round(1000.0 * SECONDS / speed, 1)))
    title = f"Reading {SECONDS:g} s at a random place of a three-minute stereo file, on one core"
    return Table(title, ("format", "s of audio per core second", "ms per crop"), tuple(rows))


def loader_table(items: tuple[Item, ...], cores: int) -> Table:
    """Examples per second: what one core makes in its own time, and what pools deliver by the clock."""
    rows = []
    for name, options in RECIPES:
        make = _Repeated(StemCrops(items, options))
        alone, cpu = _timed(make, LoaderOptions(batch_size=BATCH), time.process_time)
        per_core = alone / cpu
        pools = []
        for kind in ("thread", "process"):
            made = LoaderOptions(batch_size=BATCH, workers=cores, kind=kind)  # type: ignore[arg-type]
            count, wall = _timed(make, made, time.perf_counter)
            pools.append(round(count / wall, 1))
        audio = round(per_core * SECONDS * len(STEMS))
        rows.append((name, round(per_core, 1), audio, *pools, round(16 * per_core, 1)))
    head = (
        "examples",
        "per core second",
        "s of stem audio per core second",
        f"per second, {cores} threads",
        f"per second, {cores} processes",
        "per second from 16 such cores (reckoned)",
    )
    title = f"Examples of {SECONDS:g} s, four stereo stems and their mix at 44.1 kHz, in batches of {BATCH}"
    return Table(title, head, tuple(rows))


def ceiling_table(cores: int) -> Table:
    """What a pool can hand over at most: examples that cost nothing to make."""
    megabytes = (len(STEMS) + 1) * 2 * round(SECONDS * RATE) * 4 / 1e6
    rows = []
    for kind in ("thread", "process"):
        options = LoaderOptions(batch_size=BATCH, workers=cores, kind=kind)  # type: ignore[arg-type]
        count, wall = _timed(nothing, options, time.perf_counter)
        _, cpu = _timed(nothing, options, time.process_time)
        name = f"{cores} threads" if kind == "thread" else f"{cores} processes"
        rows.append((name, round(count / wall), round(1000 * cpu / count, 1)))
    title = f"The pool itself: ready examples of {megabytes:.1f} MB"
    return Table(title, ("workers", "examples per second", "ms of the loop's process per example"), tuple(rows))


def nothing(index: int, rng: np.random.Generator) -> dict[str, np.ndarray]:  # noqa: ARG001 - it is a `Make`
    """An example of the usual size."""
    frames = round(SECONDS * RATE)
    return {"mix": np.zeros((2, frames), np.float32), "stems": np.zeros((len(STEMS), 2, frames), np.float32)}


def _timed(make: Make, options: LoaderOptions, clock: Callable[[], float]) -> tuple[int, float]:
    """How many examples came, and in how many seconds, when the workers had begun."""
    with Loader(make, 10_000, options) as loader:
        batches = iter(loader)
        for _ in islice(batches, 1 + loader_ahead(options)):  # those were under way while workers started
            pass
        started = clock()
        count = sum(len(batch["mix"]) for batch in islice(batches, BATCHES))
        return count, clock() - started


def loader_ahead(options: LoaderOptions) -> int:
    """Batches that a pool makes ahead: they must not be counted."""
    return options.ahead + 1 if options.workers else 0


class _Repeated:
    """The items again and again, for epochs longer than a small set."""

    def __init__(self, crops: StemCrops) -> None:
        self.crops = crops

    def __call__(self, index: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        return self.crops(index, rng)


def made_songs(folder: Path) -> None:
    """Four songs of a minute as FLAC stems."""
    part = music(RATE)
    for song in range(4):
        for index, stem in enumerate(STEMS):
            samples = np.roll(np.tile(part.samples, 3), (song * 7 + index * 3) * RATE // 10, axis=1)
            io.write(folder / f"song {song}" / f"{stem}.flac", Clip(0.3 * samples, RATE), subtype="PCM_16")


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = Clip(music(RATE).samples[:, : round(SECONDS * RATE)], RATE)
        tables = [step_table(clip, folder)]
        print("steps measured", file=sys.stderr)
        tables.append(reading_table(folder))
        print("reading measured", file=sys.stderr)
        if given.data is None:
            made_songs(folder / "songs")
        items = items_with(open_set("stems", given.data or folder / "songs").items(), STEMS)
        tables.append(loader_table(items, given.workers))
        print("examples measured", file=sys.stderr)
        tables.append(ceiling_table(given.workers))
    print(Report("augment", "python benchmarks/augment.py", tuple(tables)).to_markdown())


if __name__ == "__main__":
    main()
