"""Training items for the listening net: features of a rendered or real song with its labels frame by frame."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.analyze.features import (
    PITCH_FPS,
    PULSE_FPS,
    PULSE_HOP,
    SAMPLE_RATE,
    extract_features,
    mono_for_listening,
)
from descant.data.album import AlbumSong
from descant.data.songs import LabelledSong
from descant.nets.listener import chord_index
from descant.score.harmony import Key

UNKNOWN = -1
"""A label that the loss leaves out."""

_VOICE_ON = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class ListeningItem:
    """One song as the net learns from it.

    Attributes:
        mel: float16, shape [frames at 50 per second, 80].
        pitch: float16, shape [frames at 10 per second, 252].
        beats_s: Times of the beats.
        downbeats_s: Times of the downbeats.
        voice: Whether someone sings, int8, shape [frames at 50 per second]; -1 unknown.
        chord: Chord outputs, int16, shape [frames at 10 per second]; -1 unknown.
        bass: Bass pitch classes, int16, likewise.
        key: 0..11 major, 12..23 minor, -1 unknown.
    """

    mel: NDArray[np.float16]
    pitch: NDArray[np.float16]
    beats_s: NDArray[np.float64]
    downbeats_s: NDArray[np.float64]
    voice: NDArray[np.int8]
    chord: NDArray[np.int16]
    bass: NDArray[np.int16]
    key: int

    def save(self, path: Path) -> None:
        """Write as .npz (a temporary file first, so that a reader never meets half a file)."""
        part = path.with_suffix(".part.npz")
        np.savez(part, **asdict(self))
        part.rename(path)

    @classmethod
    def load(cls, path: Path) -> ListeningItem:
        """Read what `save` wrote."""
        with np.load(path) as data:
            arrays = {name: data[name] for name in data.files if name != "key"}
            return cls(**arrays, key=int(data["key"]))


def key_index(key: Key | None) -> int:
    """The output that stands for a key."""
    return UNKNOWN if key is None else key.tonic + (12 if key.mode == "minor" else 0)


def item_from_song(song: LabelledSong) -> ListeningItem:
    """Features and labels of a rendered song."""
    mono = mono_for_listening(song.clip)
    features = extract_features(mono)
    frames = len(features.pitch)
    chord = np.full(frames, UNKNOWN, np.int16)
    bass = np.full(frames, UNKNOWN, np.int16)
    if song.chords_sound and song.score.chords:
        quarters = song.score.tempo.quarters_at(np.arange(frames) / PITCH_FPS)
        spans = song.score.chords
        which = np.searchsorted([s.start for s in spans], quarters, side="right") - 1
        for frame, index in enumerate(which):
            if index < 0 or quarters[frame] >= spans[index].end:
                continue
            found = spans[index].chord
            chord[frame] = chord_index(found)
            root = found.bass if found.bass is not None else found.root
            bass[frame] = UNKNOWN if root is None else root
    return ListeningItem(
        features.mel.astype(np.float16),
        features.pitch.astype(np.float16),
        np.asarray(song.beats.times_s),
        np.asarray(song.beats.downbeats_s),
        np.zeros(len(features.mel), np.int8)
        if song.vocals is None
        else voice_activity(mono_for_listening(song.vocals), len(features.mel)),
        chord,
        bass,
        key_index(song.score.key),
    )


def item_from_album(
    song: AlbumSong, stems: dict[str, NDArray[np.float32]], gains: dict[str, float], *, speed: float = 1.0
) -> ListeningItem:
    """Features and labels of a mix of an album song's stems (mono, at 22.05 kHz), as if played `speed` times as fast.

    Beats are labelled where something sounds; chords are not known.
    """
    mix = np.sum([stems[name] * np.float32(gain) for name, gain in gains.items()], axis=0).astype(np.float32)
    if speed != 1.0:
        mix = _faster(mix, speed)
    features = extract_features(mix)
    frames = len(features.mel)
    period = 60.0 / (song.bpm * speed)
    beats = np.arange(int(len(mix) / SAMPLE_RATE / period) + 1, dtype=np.float64) * period
    sounding = features.mel.mean(axis=1)
    around = np.round(beats * PULSE_FPS).astype(int)
    heard = [sounding[max(0, k - 100) : k + 100].max(initial=0.0) > 0.15 for k in around]
    vocals = stems["vocals"] if gains.get("vocals", 0.0) > 0 else np.zeros(1, np.float32)
    return ListeningItem(
        features.mel.astype(np.float16),
        features.pitch.astype(np.float16),
        beats[heard],
        beats[[h and i % 4 == 0 for i, h in enumerate(heard)]],
        voice_activity(_faster(vocals, speed) if speed != 1.0 else vocals, frames),
        np.full(len(features.pitch), UNKNOWN, np.int16),
        np.full(len(features.pitch), UNKNOWN, np.int16),
        UNKNOWN if speed != 1.0 else key_index(song.key),
    )


def _faster(samples: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    import soxr

    return np.asarray(soxr.resample(samples, SAMPLE_RATE * speed, SAMPLE_RATE), np.float32)


def voice_activity(vocals: NDArray[np.float32], frames: int) -> NDArray[np.int8]:
    """Where a vocal stem sounds, per frame at 50 per second; short rests inside a phrase count as singing."""
    import scipy.ndimage

    padded = np.pad(np.abs(vocals), (0, max(0, frames * PULSE_HOP - len(vocals))))[: frames * PULSE_HOP]
    level = np.sqrt((padded.reshape(frames, PULSE_HOP).astype(np.float64) ** 2).mean(axis=1))
    loud = level > _VOICE_ON * max(float(np.quantile(level, 0.99)), 1e-5) * 2.0
    closed = scipy.ndimage.binary_closing(np.pad(loud, 20), np.ones(15, bool))[20:-20]
    return closed.astype(np.int8)
