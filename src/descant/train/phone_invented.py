"""Windows whose phones are points in a small space: a reader learns them in seconds, to prove that a lesson runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from descant.align.chain import WORDLESS
from descant.data.phone_windows import FPS, Part, PhoneWindow, Said
from descant.text.phones import PHONES, spoken_syllables

_SYLLABLES = ("ma", "ne", "li", "to", "su", "pa", "re", "ko", "fi", "du")
_PARTS: tuple[Part, ...] = ("train", "texts", "voices", "songs")
_HELD_OUT = 4
_NOISE, _VOICE = 1.0, 0.25


def invented_windows(seed: int, states: int, *, windows: int = 32) -> tuple[PhoneWindow, ...]:
    """Windows of random words, with as many for training as asked and four of each held-out part.

    Args:
        seed: Of everything.
        states: Width of a frame.
        windows: For training.
    """
    rng = np.random.default_rng(seed)
    points = rng.normal(0.0, 1.0, (WORDLESS + 1, states))
    voice, stranger = _VOICE * rng.normal(0.0, 1.0, (2, states))
    counts = {part: windows if part == "train" else _HELD_OUT for part in _PARTS}
    return tuple(
        _window(points + (stranger if part in ("voices", "songs") else voice), part, rng)
        for part, count in counts.items()
        for _ in range(count)
    )


def _window(points: np.ndarray, part: Part, rng: np.random.Generator) -> PhoneWindow:
    classes: list[int] = []
    said = []
    for _ in range(4):
        classes += [WORDLESS] * int(rng.integers(5, 15))
        text = " ".join(_word(part, rng) for _ in range(int(rng.integers(1, 4))))
        first = len(classes)
        classes += _sounds(text, rng)
        said.append(Said(text, first / FPS, len(classes) / FPS))
    classes += [WORDLESS] * 5
    states = points[classes] + _NOISE * rng.normal(0.0, 1.0, (len(classes), points.shape[1]))
    return PhoneWindow(states.astype(np.float16), tuple(said), "it", part, part)


def _word(part: Part, rng: np.random.Generator) -> str:
    """Held-out texts have longer words than any in training."""
    return "".join(rng.choice(_SYLLABLES, 4 if part in ("texts", "songs") else int(rng.integers(1, 4))))


def _sounds(text: str, rng: np.random.Generator) -> Sequence[int]:
    heard: list[int] = []
    for word in text.split():
        for syllable in spoken_syllables(word, "it"):
            for phone in syllable.phones:
                heard += [PHONES.index(phone)] * int(rng.integers(3, 9))
        heard += [WORDLESS] * int(rng.integers(0, 3))
    return heard
