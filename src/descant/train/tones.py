"""Songs with true labels played by plain tones: what a smoke recipe learns from where no data are at hand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.compose.grid import Bar, bars_of
from descant.data.arrange import arrange
from descant.data.invent import invent_song
from descant.data.songs import Band, LabelledSong, SongOptions, make_song
from descant.score.notes import Track
from descant.score.tempo import TempoMap

_BARS = 8
_PARTIALS = 5
_DECAY = 3.0
_HIT_S = 0.12
_PEAK = 0.9


class ToneBand(Band):
    """Plays notes as decaying harmonic tones and drums as bursts of noise; needs no SoundFont."""

    def __init__(self) -> None:
        super().__init__(Path())

    def play(self, track: Track, tempo: TempoMap, frames: int, *, jitter_s: NDArray[np.float64] | None = None) -> Any:
        """See `Band.play`."""
        sound = np.zeros(frames, np.float32)
        late_s = np.zeros(len(track.notes)) if jitter_s is None else jitter_s
        starts = np.round((tempo.seconds_at([n.start for n in track.notes]) + late_s) * self.sample_rate).astype(int)
        ends = np.round(tempo.seconds_at([n.end for n in track.notes]) * self.sample_rate).astype(int)
        for note, start, end in zip(track.notes, starts, ends, strict=True):
            length = int(_HIT_S * self.sample_rate) if track.is_drum else max(int(end - start), 64)
            length = min(length, frames - int(start))
            if length > 0:
                tone = self._hit(note.pitch, length) if track.is_drum else self._tone(note.pitch, length)
                sound[start : start + length] += np.float32(note.velocity / 127) * tone
        return sound

    def _tone(self, pitch: int, length: int) -> NDArray[np.float32]:
        time = np.arange(length) / self.sample_rate
        hertz = 440.0 * 2.0 ** ((pitch - 69) / 12)
        partials = [k for k in range(1, _PARTIALS + 1) if k * hertz < 0.45 * self.sample_rate]
        wave = sum((np.sin(2 * np.pi * k * hertz * time) / k for k in partials), np.zeros(length))
        fade = np.minimum(1.0, np.minimum(np.arange(length), np.arange(length)[::-1]) / 64)
        return (wave * np.exp(-_DECAY * time) * fade).astype(np.float32)

    def _hit(self, key: int, length: int) -> NDArray[np.float32]:
        time = np.arange(length) / self.sample_rate
        if key in (35, 36):
            return (np.sin(2 * np.pi * 55 * time) * np.exp(-30 * time)).astype(np.float32)
        noise = np.random.default_rng(key).standard_normal(length)
        return (0.3 * noise * np.exp(-40 * time)).astype(np.float32)


def tone_songs(count: int, seed: int) -> list[LabelledSong]:
    """Invented songs of eight bars, arranged at random, clean and at a steady tempo."""
    options = SongOptions(a_cappella=0.0, sung=0.3, drift=False, dirt=False)
    band = ToneBand()
    return [
        make_song(f"song{number:05d}", invent_song(rng, bars=_BARS), band, rng, options=options)
        for number in range(count)
        for rng in [np.random.default_rng([seed, number])]
    ]


_STEM_OF = {"melody": "vocals", "drums": "drums", "bass": "bass"}


def write_tone_stems(folder: Path, counts: Mapping[str, int], seed: int) -> None:
    """Invented songs as folders of stems: <split>/<song>/<vocals|drums|bass|other>.wav, 22,050 Hz mono.

    Args:
        folder: Where to.
        counts: Songs of each split.
        seed: Which songs.

    Raises:
        OutputError, PermissionRefused: They cannot be written.
    """
    band = ToneBand()
    for number, split in enumerate(split for split, count in counts.items() for _ in range(count)):
        rng = np.random.default_rng([seed, number])
        score = arrange(invent_song(rng, bars=_BARS), rng)
        frames = round(score.duration_s * band.sample_rate)
        stems = {name: np.zeros(frames, np.float32) for name in ("vocals", "drums", "bass", "other")}
        for track in score.tracks:
            stems[_STEM_OF.get(track.name, "other")] += band.play(track, score.tempo, frames)
        loudest = max(1e-9, float(np.abs(sum(stems.values())).max()))
        song = folder / split / f"{number:03d}"
        song.mkdir(parents=True, exist_ok=True)
        for name, samples in stems.items():
            write(song / f"{name}.wav", Clip(np.float32(_PEAK / loudest) * samples[np.newaxis], band.sample_rate))


def invented_bars(count: int, seed: int) -> list[tuple[Bar, ...]]:
    """Invented songs with a piano that accompanies them, as bars."""
    songs = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        score = arrange(invent_song(rng), rng)
        named = [Track("piano" if t.name == "comp" else t.name, t.notes) for t in score.tracks]
        songs.append(bars_of(score.with_tracks(t for t in named if t.name in ("melody", "piano"))))
    return songs
