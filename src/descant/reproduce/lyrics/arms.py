"""The arms: floors and exact sizes, which need no training, and the trainings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from descant.nets.lyrics_contrastive import FRAMES_PER_S, ContrastiveConfig, LyricsContrastive
from descant.nets.lyrics_ctc import INPUT_SAMPLES, OUTPUT_SAMPLES, LyricsWaveUNet, WaveUNetConfig
from descant.progress import Monitor
from descant.reproduce.claims import Arm, Result
from descant.reproduce.lyrics.material import Material
from descant.reproduce.lyrics.measures import floors
from descant.reproduce.lyrics.scale import LyricsScale
from descant.reproduce.lyrics.trainings import LyricsTraining, Variant

_HERE = "descant.reproduce.lyrics"
VARIANTS: Mapping[str, Variant] = {
    "contrastive": Variant("contrastive"),
    "ctc": Variant("ctc"),
    "no_context": Variant("contrastive", context=0),
    "english_characters": Variant("contrastive", languages=("en",)),
    "english_phonemes": Variant("contrastive", units="phonemes", languages=("en",)),
    "wave_u_net": Variant("wave_u_net"),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and on what the arms work.

    Attributes:
        scale: Sizes and budgets.
        material: The pieces.
        out: The reproduction's folder.
        threads: CPU threads.
    """

    scale: LyricsScale
    material: Material
    out: Path
    threads: int


def make_arms(setting: Setting) -> tuple[Arm, ...]:
    """All arms of a scale, the quick ones first."""
    return (*_measurements(setting), *_trainings(setting))


def _measurements(setting: Setting) -> Iterator[Arm]:
    material = setting.material

    def spread(_folder: Path, _monitor: Monitor) -> Result:
        return floors([song["vocals"] for song in material.songs])

    def measure(_folder: Path, _monitor: Monitor) -> Result:
        return exact_sizes()

    yield Arm("sizes", {}, measure, 1.0, (f"{_HERE}.arms",))
    yield Arm("floors", {"data": material.digest, "songs": setting.scale.songs}, spread, 1.0, (f"{_HERE}.measures",))


def _trainings(setting: Setting) -> Iterator[Arm]:
    for seed in range(setting.scale.seeds):
        for name, variant in VARIANTS.items():
            work = LyricsTraining(setting.scale, variant, seed, setting.threads, setting.material)
            yield Arm(f"{name}/seed-{seed}", work.settings, work, 60.0, (f"{_HERE}.trainings",))


def exact_sizes() -> dict[str, Any]:
    """What both publications state of their nets, measured on ours at the published sizes."""
    net = LyricsContrastive(ContrastiveConfig())
    wave = WaveUNetConfig()
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "reach_frames": reach_of(net),
        "frame_ms": 1000.0 / FRAMES_PER_S,
        "wave_parameters": sum(p.numel() for p in LyricsWaveUNet(wave).parameters()),
        "frames": wave.frames(INPUT_SAMPLES),
        "frames_of_one_less": wave.frames(INPUT_SAMPLES - 1),
        "step": wave.step,
        "frames_told": OUTPUT_SAMPLES / wave.step,
    }


def reach_of(net: LyricsContrastive, frames: int = 101) -> int:
    """Frames to each side that an embedding's convolutions depend on, by gradients; norms, which see all, are out."""
    bare = LyricsContrastive(net.config)
    for block in bare.audio.blocks:
        for name in ("first_norm", "second_norm"):
            setattr(block, name, nn.Identity())
    spectra = torch.rand(1, net.config.bins, frames, requires_grad=True)
    bare.audio(spectra)[0, frames // 2].sum().backward()
    assert spectra.grad is not None, "it was asked for"
    reached = torch.nonzero(spectra.grad.abs().sum((0, 1))).flatten()
    return int(reached.max() - reached.min()) // 2
