"""The listening lesson: beats, downbeats, singing, chords, bass and key of stored features of songs.

Songs are played faster or slower, transposed and with another tone on the fly. What the folder holds when a training
begins is learned; songs that recipes/analysis/build.py adds later count from the next start on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from descant.analyze.features import PITCH_FPS, PULSE_FPS
from descant.analyze.level import FILE as LEVEL_FILE
from descant.analyze.meter import CONFIG as METER_CONFIG
from descant.analyze.meter import WEIGHTS as METER_WEIGHTS
from descant.data.listening_item import UNKNOWN, ListeningItem, item_from_song
from descant.errors import InputNotFound
from descant.hub.card import TrainingData
from descant.nets.listener import NO_CHORD_INDEX, QUALITIES, Listener
from descant.train.config import check_numbers
from descant.train.lesson import on_device_of
from descant.train.plan import Draft, Hears, Plan, copy_shipped, required, write_config
from descant.train.tones import tone_songs

Array = NDArray[Any]

_KINDS = ("song", "album", "sung")
_PULSE_LOSSES = ("beat", "downbeat", "voice")
_HARMONY_LOSSES = ("chord", "bass", "key")
_SHARES = ("chord_right", "key_right", "voice_right", "beat_precision", "songs")


@dataclass(frozen=True, slots=True)
class ListeningConfig:
    """What is learned from how much at a time."""

    source: Literal["features", "tones"] = "features"
    """What build.py stored, or songs of plain tones, which need no data."""
    pulse_channels: int = 48
    """Width of the branch for beats, downbeats and singing."""
    pulse_layers: int = 9
    """Its pairs of dilated convolutions."""
    harmony_channels: int = 48
    """Width of the branch for chords, bass and key."""
    harmony_layers: int = 4
    """Its layers."""
    batch: int = 8
    """Stretches in a batch."""
    seconds: float = 16.0
    """Length of a stretch."""
    album_share: float = 0.12
    """Stretches of real songs."""
    sung_share: float = 0.13
    """Stretches of a voice alone."""
    stretch: float = 0.2
    """Largest change of tempo, as a natural logarithm."""
    pulse_only: bool = False
    """Leaves the harmony branch as it is: for going on with the beats of a trained net."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"seconds": 1.0})


class ListeningLesson:
    """Stretches of songs, played faster or slower and with other tone, and the losses of all heads.

    Args:
        config: Net and data.
        items: Name -> song to learn from; a name begins with song, album or sung.
        held_out: To measure on.
        seed: Of the net's first weights.
    """

    def __init__(
        self,
        config: ListeningConfig,
        items: Mapping[str, ListeningItem],
        held_out: Sequence[ListeningItem],
        seed: int,
    ) -> None:
        torch.manual_seed(seed)
        self.config = config
        self.model = Listener(
            config.pulse_channels, config.pulse_layers, config.harmony_channels, config.harmony_layers
        )
        if config.pulse_only:
            self.model.harmony.requires_grad_(False)
        self._pools = [[item for name, item in items.items() if name.startswith(kind)] for kind in _KINDS]
        self._held_out = list(held_out)

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """Features and labels of a few stretches."""
        rows = []
        for _ in range(self.config.batch):
            draw = generator.random()
            album, sung = self.config.album_share, self.config.sung_share
            kind = 1 if draw < album else 2 if draw < album + sung else 0
            pool = self._pools[kind] or self._pools[0]
            rows.append(self._cut(pool[generator.integers(len(pool))], generator, augment=True))
        return _stacked(rows)

    def _cut(self, item: ListeningItem, generator: np.random.Generator, *, augment: bool) -> tuple[Array, ...]:
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
        """The weighted sum of all heads' losses."""
        return torch.stack(list(self._losses(batch).values())).sum()

    def _losses(self, batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        mel, pitch, beat, downbeat, voice, chord, bass, key = batch
        pulse = self.model.pulse(mel)
        harmony = None if self.config.pulse_only else self.model.harmony(pitch)
        known = (voice >= 0).float()
        singing = F.binary_cross_entropy_with_logits(pulse.voice, voice.clamp(min=0), reduction="none")
        losses = {
            "beat": _unbalanced(pulse.beat, beat, 3.0),
            "downbeat": _unbalanced(pulse.downbeat, downbeat, 4.0),
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
        """Losses, and shares of frames that are right, on a stretch of each held-out song."""
        self.model.eval()
        generator = np.random.default_rng(1)
        rows = [self._cut(item, generator, augment=False) for item in self._held_out]
        batch = on_device_of(self.model, _stacked(rows))
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
        losses["songs"] = float(sum(map(len, self._pools)))
        return losses


def _unbalanced(logits: Tensor, target: Tensor, weight: float) -> Tensor:
    """Cross entropy in which what is there weighs more than what is not."""
    return F.binary_cross_entropy_with_logits(logits, target, pos_weight=torch.tensor(weight, device=logits.device))


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    if not (target != UNKNOWN).any():
        return logits.sum() * 0.0
    return F.cross_entropy(logits, target, ignore_index=UNKNOWN)


def _targets(times_s: Array, start_s: float, speed: float, frames: int) -> Array:
    """1 on the nearest frame, half beside it."""
    target = np.zeros(frames + 2, np.float32)
    at = np.round((times_s - start_s) * PULSE_FPS / speed).astype(int)
    at = at[(at >= 0) & (at < frames)] + 1
    target[at - 1] = target[at + 1] = 0.5
    target[at] = 1.0
    return target[1:-1]


def _retoned(bands: Array, generator: np.random.Generator) -> Array:
    """Another level and tone: a random gain that varies smoothly over the bands."""
    knots = generator.normal(0.0, 0.18, 6)
    gain = np.interp(np.linspace(0, 5, bands.shape[1]), np.arange(6), knots) + generator.normal(0.0, 0.15)
    return (bands * np.exp(gain)).astype(np.float32)


def _transposed(pitch: Array, chord: Array, bass: Array, key: int, shift: int) -> tuple[Array, Array, Array, int]:
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


def _stacked(rows: Sequence[tuple[Array, ...]]) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))


def _stored(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.glob("*.npz")) if ".part" not in p.name]


_SHIPPED = "descant-analysis"
_ARGUMENTS = ("pulse_channels", "pulse_layers", "harmony_channels", "harmony_layers")
_TONE_SONGS = 6
_TONES_HELD_OUT = 2


def build_lesson(config: ListeningConfig, data: Path | None, seed: int) -> ListeningLesson:
    """The lesson on the features in `train/` and `validation/` of the data folder, or on songs of plain tones.

    Raises:
        InputNotFound: Features are needed and not there.
    """
    if config.source == "tones":
        items = [item_from_song(song) for song in tone_songs(_TONE_SONGS, seed)]
        named = {f"song{number:05d}": item for number, item in enumerate(items[_TONES_HELD_OUT:])}
        return ListeningLesson(config, named, items[:_TONES_HELD_OUT], seed)
    folder = required(data, "a folder with train/ and validation/, each filled by recipes/analysis/build.py")
    for part in ("train", "validation"):
        if not _stored(folder / part):
            raise InputNotFound(f"{folder / part} holds no features (.npz).", "recipes/analysis/README.md makes them.")
    held_out = [ListeningItem.load(path) for path in _stored(folder / "validation")]
    stored = {path.stem: ListeningItem.load(path) for path in _stored(folder / "train")}
    return ListeningLesson(config, stored, held_out, seed)


def _furnish(config: ListeningConfig, folder: Path) -> None:
    """The level chooser and the reader of metres are those of the shipped card."""
    write_config(folder / "config.json", {"arguments": {name: getattr(config, name) for name in _ARGUMENTS}})
    copy_shipped(_SHIPPED, (LEVEL_FILE, METER_CONFIG, METER_WEIGHTS), folder)


def _data(config: ListeningConfig) -> tuple[TrainingData, ...]:
    if config.source == "tones":
        return (TrainingData("songs invented by rules, played by plain tones", "Apache-2.0", "The Descant authors"),)
    return (TrainingData("features made by recipes/analysis/build.py", "see recipes/analysis/package.py"),)


def _measures(config: ListeningConfig) -> tuple[str, ...]:
    return (*_PULSE_LOSSES, *(() if config.pulse_only else _HARMONY_LOSSES), *_SHARES)


PLAN = Plan(
    ListeningConfig,
    build_lesson,
    Draft(
        title="A listener",
        task="analyze",
        summary="Beats, downbeats and singing 50 times a second, chords, bass and key 10 times a second.",
        architecture="analysis-net",
        data=_data,
        hears=lambda _config: Hears(sample_rate=22_050, channels=1),
    ),
    _furnish,
    _measures,
)
