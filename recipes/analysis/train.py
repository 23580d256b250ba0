"""Train the listening net on the features that build.py stored.

    python recipes/analysis/train.py recipes/analysis/cpu.toml --features FEATURES --validation FEATURES --out RUN

Songs that appear in the folder while it trains are taken in too. The run resumes when it is started again.
"""

import argparse
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from descant.analyze.features import PITCH_FPS, PULSE_FPS
from descant.data.listening import UNKNOWN, ListeningItem
from descant.hub.checkpoint import load_into
from descant.nets.listener import NO_CHORD_INDEX, QUALITIES, Listener
from descant.train.loop import train
from descant.train.recipe import build, read_recipe

RESCAN_S = 120.0


@dataclass(frozen=True)
class ListeningConfig:
    """What is learned from how much at a time."""

    pulse_channels: int = 48
    pulse_layers: int = 9
    harmony_channels: int = 48
    harmony_layers: int = 4
    batch: int = 8
    seconds: float = 16.0
    album_share: float = 0.12
    sung_share: float = 0.13
    stretch: float = 0.2
    bfloat16: bool = True
    pulse_only: bool = False
    """Leaves the harmony branch as it is: for going on with the beats of a trained net."""


class ListeningLesson:
    """Stretches of songs, played faster or slower and with other tone, and the losses of all heads."""

    def __init__(
        self, config: ListeningConfig, features: Path, validation: Path, start_from: Path | None = None
    ) -> None:
        self.config = config
        self.model = Listener(
            config.pulse_channels, config.pulse_layers, config.harmony_channels, config.harmony_layers
        )
        if start_from is not None:
            load_into(self.model, start_from)
        if config.pulse_only:
            self.model.harmony.requires_grad_(False)
        self._folder = features
        self._items: dict[str, ListeningItem] = {}
        self._scanned = -math.inf
        self._held_out = [ListeningItem.load(p) for p in sorted(validation.glob("*.npz")) if ".part" not in p.name]
        self._scan()

    def _scan(self) -> None:
        if time.monotonic() - self._scanned < RESCAN_S:
            return
        for path in sorted(self._folder.glob("*.npz")):
            if path.stem not in self._items and ".part" not in path.name:
                self._items[path.stem] = ListeningItem.load(path)
        self._pools = [
            [item for name, item in self._items.items() if name.startswith(kind)] for kind in ("song", "album", "sung")
        ]
        self._scanned = time.monotonic()

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        self._scan()
        rows = []
        for _ in range(self.config.batch):
            draw = generator.random()
            kind = (
                1
                if draw < self.config.album_share
                else 2
                if draw < self.config.album_share + self.config.sung_share
                else 0
            )
            pool = self._pools[kind] or self._pools[0]
            rows.append(self._cut(pool[generator.integers(len(pool))], generator, augment=True))
        return tuple(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))

    def _cut(self, item: ListeningItem, generator: np.random.Generator, *, augment: bool) -> tuple[np.ndarray, ...]:
        seconds = self.config.seconds
        speed = float(np.exp(generator.uniform(-self.config.stretch, self.config.stretch))) if augment else 1.0
        length_s = len(item.mel) / PULSE_FPS
        start_s = float(generator.uniform(0.0, max(length_s - seconds * speed, 0.0)))
        frames, slow_frames = round(seconds * PULSE_FPS), round(seconds * PITCH_FPS)
        at = start_s * PULSE_FPS + np.arange(frames) * speed
        whole = np.minimum(at.astype(int), len(item.mel) - 1)
        share = (at - whole).clip(0, 1)[:, np.newaxis].astype(np.float32)
        mel = item.mel[whole] * (1 - share) + item.mel[np.minimum(whole + 1, len(item.mel) - 1)] * share
        beyond = at >= len(item.mel)
        mel[beyond] = 0.0
        slow_at = start_s * PITCH_FPS + np.arange(slow_frames) * speed
        slow = np.minimum(np.round(slow_at).astype(int), len(item.pitch) - 1)
        pitch = item.pitch[slow].astype(np.float32)
        chord, bass, key = item.chord[slow].astype(np.int64), item.bass[slow].astype(np.int64), item.key
        outside = slow_at >= len(item.pitch)
        chord[outside], bass[outside], pitch[outside] = UNKNOWN, UNKNOWN, 0.0
        voice = np.where(beyond, UNKNOWN, item.voice[whole]).astype(np.float32)
        if augment:
            mel = _retoned(mel, generator)
            pitch = _retoned(pitch, generator)
            shift = int(generator.integers(-5, 7))
            pitch, chord, bass, key = _transposed(pitch, chord, bass, key, shift)
        pulse = [_targets(times, start_s, speed, frames) for times in (item.beats_s, item.downbeats_s)]
        return mel.astype(np.float32), pitch, *pulse, voice, chord, bass, np.int64(key)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        return torch.stack(list(self._losses(batch).values())).sum()

    def _losses(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        mel, pitch, beat, downbeat, voice, chord, bass, key = batch
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.bfloat16):
            pulse = self.model.pulse(mel)
            harmony = None if self.config.pulse_only else self.model.harmony(pitch)
        known = (voice >= 0).float()
        singing = F.binary_cross_entropy_with_logits(pulse.voice, voice.clamp(min=0), reduction="none")
        losses = {
            "beat": F.binary_cross_entropy_with_logits(pulse.beat, beat, pos_weight=torch.tensor(3.0)),
            "downbeat": F.binary_cross_entropy_with_logits(pulse.downbeat, downbeat, pos_weight=torch.tensor(4.0)),
            "voice": 0.2 * (singing * known).sum() / known.sum().clamp(min=1),
        }
        if harmony is None:
            return losses
        keys = harmony.key.mean(dim=1)
        return losses | {
            "chord": 0.3 * _cross_entropy(harmony.chord.flatten(0, 1), chord.flatten()),
            "bass": 0.1 * _cross_entropy(harmony.bass.flatten(0, 1), bass.flatten()),
            "key": 0.1 * _cross_entropy(keys, key),
        }

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        self.model.eval()
        generator = np.random.default_rng(1)
        rows = [self._cut(item, generator, augment=False) for item in self._held_out]
        batch = tuple(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))
        losses = {name: float(value) for name, value in self._losses(batch).items()}
        mel, pitch, beat, _, voice, chord, _, key = batch
        heard = self.model.harmony(pitch)
        known = chord != UNKNOWN
        losses["chord_right"] = float((heard.chord.argmax(-1) == chord)[known].float().mean())
        known_key = key != UNKNOWN
        losses["key_right"] = float((heard.key.mean(1).argmax(-1) == key)[known_key].float().mean())
        pulse = self.model.pulse(mel)
        losses["voice_right"] = float(((pulse.voice > 0) == (voice > 0.5))[voice >= 0].float().mean())
        peaks = (pulse.beat > 0) & (pulse.beat >= F.max_pool1d(pulse.beat.unsqueeze(1), 7, 1, 3).squeeze(1))
        near = F.max_pool1d((beat > 0.9).float().unsqueeze(1), 5, 1, 2).squeeze(1) > 0
        losses["beat_precision"] = float(near[peaks].float().mean()) if peaks.any() else 0.0
        losses["songs"] = float(len(self._items))
        return losses


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    if not (target != UNKNOWN).any():
        return logits.sum() * 0.0
    return F.cross_entropy(logits, target, ignore_index=UNKNOWN)


def _targets(times_s: np.ndarray, start_s: float, speed: float, frames: int) -> np.ndarray:
    """1 on the nearest frame, half beside it."""
    target = np.zeros(frames + 2, np.float32)
    at = np.round((times_s - start_s) * PULSE_FPS / speed).astype(int)
    at = at[(at >= 0) & (at < frames)] + 1
    target[at - 1] = target[at + 1] = 0.5
    target[at] = 1.0
    return target[1:-1]


def _retoned(bands: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Another level and tone: a random gain that varies smoothly over the bands."""
    knots = generator.normal(0.0, 0.18, 6)
    gain = np.interp(np.linspace(0, 5, bands.shape[1]), np.arange(6), knots) + generator.normal(0.0, 0.15)
    return (bands * np.exp(gain)).astype(np.float32)


def _transposed(
    pitch: np.ndarray, chord: np.ndarray, bass: np.ndarray, key: int, shift: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    moved = np.zeros_like(pitch)
    bands = 3 * shift
    if bands >= 0:
        moved[:, bands:] = pitch[:, : pitch.shape[1] - bands]
    else:
        moved[:, :bands] = pitch[:, -bands:]
    is_chord = (chord != UNKNOWN) & (chord != NO_CHORD_INDEX)
    chord = np.where(is_chord, (chord + shift * len(QUALITIES)) % NO_CHORD_INDEX, chord)
    bass = np.where(bass != UNKNOWN, (bass + shift) % 12, bass)
    if key != UNKNOWN:
        key = (key % 12 + shift) % 12 + (12 if key >= 12 else 0)
    return moved, chord, bass, key


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start-from", type=Path, help="weights.safetensors of a trained net to go on with")
    args = parser.parse_args()
    recipe = read_recipe(args.recipe)
    config = build(ListeningConfig, recipe.options, args.recipe)
    lesson = ListeningLesson(config, args.features, args.validation, args.start_from)
    print(f"{sum(p.numel() for p in lesson.model.parameters()):,} parameters", flush=True)
    train(lesson, recipe.loop, args.out, described={"listening": asdict(config)})


if __name__ == "__main__":
    main()
