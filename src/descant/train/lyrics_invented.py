"""Tones that spell letters: songs whose words can be learned in seconds, to prove that a lesson runs."""

from __future__ import annotations

import numpy as np

from descant.data.lyrics_set import SAMPLE_RATE, Piece, as_samples
from descant.data.sets.item import Split
from descant.text.lyrics import Line, Lyrics, Word

_LETTERS = "aeioklmst"
_LETTER_S = 0.15
_LINES = 4


def invented_pieces(seed: int, *, songs: int = 12) -> tuple[Piece, ...]:
    """Songs in which every letter has a pitch of its own; a sixth of them are for validation."""
    return tuple(_song(number, np.random.default_rng([seed, number]), songs) for number in range(songs))


def _song(number: int, rng: np.random.Generator, songs: int) -> Piece:
    sound: list[np.ndarray] = []
    lines = []

    def now() -> float:
        return sum(map(len, sound)) / SAMPLE_RATE

    def pause(seconds: float) -> None:
        sound.append(np.zeros(round(seconds * SAMPLE_RATE)))

    pause(float(rng.uniform(0.3, 1.0)))
    for _ in range(_LINES):
        words = []
        for _ in range(int(rng.integers(2, 5))):
            text = "".join(rng.choice(list(_LETTERS), int(rng.integers(2, 5))))
            begins = now()
            sound += [_tone(letter) for letter in text]
            words.append(Word(text, begins, now()))
            pause(0.1)
        lines.append(Line(tuple(words)))
        pause(float(rng.uniform(0.3, 1.0)))
    pause(max(0.0, 6.0 - now()))
    split: Split = "validation" if number >= songs - max(1, songs // 6) else "train"
    samples = as_samples(np.concatenate(sound))
    return Piece(f"invented-{number}", "vocals", "invented", "tones", split, Lyrics(tuple(lines), "en"), samples)


def _tone(letter: str) -> np.ndarray:
    hertz = 300.0 * 2.0 ** (_LETTERS.index(letter) / 3.0)
    time = np.arange(round(_LETTER_S * SAMPLE_RATE)) / SAMPLE_RATE
    tone: np.ndarray = 0.2 * np.sin(2.0 * np.pi * hertz * time) * np.minimum(1.0, 40.0 * np.minimum(time, time[::-1]))
    return tone
