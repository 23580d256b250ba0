"""Hear notes, voices and music for the timbre lesson, into one file.

    python recipes/timbre/build.py --notes NOTES --data DATA --out FOLDER

NOTES is what `descant data notes` made; DATA holds `singing/` and `album/` (see recipes/timbre/README.md). Kept for
measuring: the pitches that SING's split holds out, the singer Erithacus and the song Sodium.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from descant.audio.io import read
from descant.data.notes.note_set import NoteSet
from descant.data.voices import find_voices
from descant.instrument.blend.bands import SAMPLE_RATE
from descant.instrument.blend.pitch import PitchListener
from descant.nets.onnx import fetch_network
from descant.nets.swift_f0 import SwiftF0
from descant.train.timbre_frames import HeardSound, as_note, as_whole, hear, save_sounds

_WHOLE_SHARE = 0.3
_CHORDS = {"train": 250, "validation": 30}
_MUSIC_S, _PIECE_S = 60.0, 10.0
_HELD_OUT_SONG = "3_sodium"
_STEMS = ("drums", "bass", "other", "vocals")


def notes(folder: Path, listener: PitchListener, rng: np.random.Generator) -> Iterator[HeardSound]:
    """Each note as a note; some as a whole, too; and chords of them."""
    for split, items in NoteSet(folder).splits("pitches").items():
        if split == "test":
            continue
        held_out = split == "validation"
        for item in items:
            samples = read(item.high or item.low, sample_rate=SAMPLE_RATE).samples
            yield from hear(samples, as_note(samples, item.pitch, listener), is_held_out=held_out)
            if rng.random() < _WHOLE_SHARE:
                yield from hear(samples, as_whole(samples), is_held_out=held_out)
        for _ in range(_CHORDS[split]):
            chosen = rng.choice(len(items), int(rng.integers(2, 5)), replace=False)
            some = [read(items[i].high or items[i].low, sample_rate=SAMPLE_RATE).samples for i in chosen]
            most = max(part.shape[1] for part in some)
            chord = np.zeros((2, most), np.float32)
            for part in some:
                chord[:, : part.shape[1]] += part / len(some)
            yield from hear(chord, as_whole(chord), is_held_out=held_out)


def voices(folder: Path, listener: PitchListener, rng: np.random.Generator) -> Iterator[HeardSound]:
    """Singing as one line; some as a whole, too."""
    for voice in find_voices(folder):
        if voice.kind != "singing":
            continue
        for clip in voice.pieces(sample_rate=SAMPLE_RATE):
            yield from hear(clip.samples, listener(clip.samples), is_held_out=voice.is_held_out)
            if rng.random() < 0.5 * _WHOLE_SHARE:
                yield from hear(clip.samples, as_whole(clip.samples), is_held_out=voice.is_held_out)


def music(folder: Path) -> Iterator[HeardSound]:
    """A minute of each stem of each song, as a whole."""
    for song in sorted(path for path in folder.iterdir() if path.is_dir()):
        for stem in _STEMS:
            clip = read(song / f"{stem}.opus", sample_rate=SAMPLE_RATE)
            middle = max(0.0, 0.5 * clip.duration_s - 0.5 * _MUSIC_S)
            for start in np.arange(middle, middle + _MUSIC_S, _PIECE_S):
                part = clip.slice(start, start + _PIECE_S).samples
                if part.shape[1] and np.abs(part).max() > 1e-3:
                    yield from hear(part, as_whole(part), is_held_out=song.name == _HELD_OUT_SONG)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("notes", "data", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    asked = parser.parse_args()
    listener = PitchListener(SwiftF0(fetch_network("swift-f0"), threads=1))
    rng = np.random.default_rng(0)
    started = time.time()
    parts = {
        "notes": lambda: notes(asked.notes, listener, rng),
        "voices": lambda: voices(asked.data, listener, rng),
        "music": lambda: music(asked.data / "album"),
    }
    for name, part in parts.items():
        count = save_sounds(asked.out / f"{name}.npz", part())
        print(f"{name}: {count} sounds, {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
