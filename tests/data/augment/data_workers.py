"""Functions that data workers run in tests; in a module of their own, as spawned processes import them by name."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np

from descant.data.augment.loader import Loader, LoaderOptions
from descant.errors import InvalidAudio


def numbers(item: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {"item": np.array(item), "noise": rng.standard_normal(5).astype(np.float32)}


def uneven(item: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Later examples are often ready before earlier ones."""
    time.sleep(0.004 * (item * 7 % 5))
    return numbers(item, rng)


def failing(item: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    if item == 5:
        raise InvalidAudio("song five is damaged.", "Get it again.")
    return numbers(item, rng)


def killed(item: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    os.kill(os.getpid(), signal.SIGKILL)
    return numbers(item, rng)


def who(item: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {"pid": np.array(os.getpid())}


def ragged(item: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {"samples": np.zeros(item + 1)}


if __name__ == "__main__":  # a training script whose process is about to be killed
    with Loader(who, 100, LoaderOptions(batch_size=4, workers=2, shuffle=False)) as loader:
        batches = iter(loader)
        print(*sorted({int(p) for _ in range(6) for p in next(batches)["pid"]}), flush=True)
        sys.stdin.read()
