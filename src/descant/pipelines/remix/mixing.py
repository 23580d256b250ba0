"""The step that puts everything together: the voice, old or new, with the band, old or new."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from descant.audio.clip import Clip, Stems
from descant.audio.io import read
from descant.audio.loudness import integrated_lufs
from descant.audio.resample import resample
from descant.mix.api import MixReport, mix
from descant.mix.options import MixOptions
from descant.pipelines.accompany import one_length
from descant.pipelines.page import Part
from descant.pipelines.parts import MIX, write_parts
from descant.pipelines.records import write_record
from descant.pipelines.remix.band import MIN_RATE
from descant.pipelines.remix.listening import VOCALS, read_stems
from descant.pipelines.remix.singing import comment_of
from descant.progress import Monitor

if TYPE_CHECKING:  # who calls a step is no part of its address
    from descant.pipelines.graph import Inputs

MIXED = "mix.record.json"
PLAYED_ON = "-on"
"""What the stems of a band that plays on are called beside those of the song."""


@dataclass(frozen=True, slots=True)
class MixingOptions:
    """Loudness of the whole, and the balance for a new band; a kept one keeps its own."""

    lufs: float
    mix: MixOptions


@dataclass(frozen=True, slots=True)
class Mixed:
    """How the mix was made, and its files.

    Attributes:
        report: Gains and loudness.
        parts: The mix and its stems, with paths relative to the step's folder.
        remarks: For people.
    """

    report: MixReport
    parts: tuple[Part, ...]
    remarks: tuple[str, ...]


def mix_new_band(inputs: Inputs, options: MixingOptions, folder: Path, monitor: Monitor) -> None:
    """The voice over the band that was played."""
    band = read_band(inputs["play"])
    rate = band.sample_rate
    voice = resample(_voice(inputs), rate).to_channels(2)
    _finish(inputs, one_length(voice, band), options, folder, monitor)


def mix_old_band(inputs: Inputs, options: MixingOptions, folder: Path, monitor: Monitor) -> None:
    """The voice over the song's own band, in the song's own balance."""
    _finish(inputs, _song(inputs), _keeping(options), folder, monitor)


def mix_played_on(inputs: Inputs, options: MixingOptions, folder: Path, monitor: Monitor) -> None:
    """The song as it is, and after it the band that was played, balanced in itself and as loud as the song's own."""
    song = _song(inputs)
    own_lufs = integrated_lufs(Stems({name: clip for name, clip in song.items() if name != VOCALS}).mix())
    more = mix(
        read_band(inputs["play"]), lead="", options=options.mix, progress=monitor.part("mixing", 0.0, 0.4).sink,
        cancel=monitor.cancel,
    )  # fmt: skip
    gain_db = own_lufs - more.report.lufs
    gain_db = gain_db if math.isfinite(gain_db) else 0.0
    stems = {**song, **{f"{name}{PLAYED_ON}": clip.gain(gain_db) for name, clip in more.stems.items()}}
    frames = max(clip.frames for clip in stems.values())
    whole = {name: clip.pad_to(frames) for name, clip in stems.items()}
    _finish(inputs, whole, _keeping(options), folder, monitor.part("mixing", 0.4, 1.0))


def _keeping(options: MixingOptions) -> MixingOptions:
    return replace(options, mix=replace(options.mix, keep_balance=True))


def _song(inputs: Inputs) -> Stems:
    """The song's stems with the voice that is wanted, stereo."""
    own = read_stems(inputs["separate"])
    stems = {VOCALS: _voice(inputs), **{name: clip for name, clip in own.items() if name != VOCALS}}
    rate = max(stems[VOCALS].sample_rate, MIN_RATE)
    return Stems({name: resample(clip, rate).to_channels(2) for name, clip in stems.items()})


def read_band(folder: Path) -> Stems:
    """What was played, track by track."""
    paths = sorted(path for path in folder.iterdir() if path.suffix == ".wav")
    return Stems({path.stem: read(path) for path in paths})


def _voice(inputs: Inputs) -> Clip:
    last = next(step for step in ("rejoin", "convert", "separate") if step in inputs)
    return read_stems(inputs[last])[VOCALS]


def _comments(inputs: Inputs) -> dict[str, str]:
    """What the files say in which a converted voice sounds."""
    comment = comment_of(inputs["convert"]) if "convert" in inputs else ""
    return {MIX: comment, VOCALS: comment} if comment else {}


def _finish(inputs: Inputs, stems: Mapping[str, Clip], options: MixingOptions, folder: Path, monitor: Monitor) -> None:
    mixed = mix(
        stems,
        lead=VOCALS,
        lufs=options.lufs,
        options=options.mix,
        progress=monitor.part("mixing", 0.0, 0.8).sink,
        cancel=monitor.cancel,
    )
    monitor.part("writing", 0.8, 1.0).report(0.0)
    parts, remarks = write_parts(folder, mixed, comments=_comments(inputs), cancel=monitor.cancel)
    write_record(folder / MIXED, Mixed(mixed.report, parts, remarks))
