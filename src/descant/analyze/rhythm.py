"""How melodies move within the bar: the probability of each step in sixteenths from each place.

Counted on the training melodies of POP909 (`recipes/analysis/rhythm.py`), smoothed for what was never seen there and
for notes that the listener misses.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PER_BEAT = 4
LONGEST_STEP = 128
_COUNTED = 48
_CONFIDENCE = 50.0
_MISSED = 0.1
_ANYTHING = 0.01


@lru_cache(maxsize=2)
def step_log_probabilities(beats_per_bar: int) -> tuple[Floats, Floats]:
    """Where melodies start and how they go on.

    Args:
        beats_per_bar: 4 or 3.

    Returns:
        Log-probability of each sixteenth of the bar, shape [places]; and of each step to the next heard note, counted
        in sixteenths, from each place, shape [places, LONGEST_STEP + 1]; step 0 is as good as impossible.
    """
    tables = json.loads((files("descant.analyze") / "rhythm.json").read_text(encoding="utf-8"))
    shares = {bar: _step_shares(np.asarray(table, float)) for bar, table in tables.items()}
    counts = np.asarray(tables[str(beats_per_bar)], float)
    places = len(counts)
    common = counts.sum(axis=1) / counts.sum()
    steps = shares[str(beats_per_bar)]
    to = (np.arange(places)[:, np.newaxis] + np.arange(LONGEST_STEP + 1)) % places
    usual = steps * common[to]
    usual /= usual.sum(axis=1, keepdims=True)
    seen = np.zeros_like(usual)
    seen[:, :_COUNTED] = counts[:, :_COUNTED]
    sung = seen + _CONFIDENCE * usual
    # Songs in three happen to have slower notes here; that must not decide the metre, only the places may.
    sung *= np.mean(list(shares.values()), axis=0) / np.maximum(steps, 1e-12)
    sung /= sung.sum(axis=1, keepdims=True)
    heard = (1.0 - _MISSED) * sung + _MISSED * _with_one_missed(sung)
    heard *= 1.0 - _ANYTHING
    heard[:, 1:] += _ANYTHING / 64
    return np.log(common), np.log(np.maximum(heard, 1e-9))


def _step_shares(counts: Floats) -> Floats:
    """Share of each step wherever it starts; those beyond what was counted fall off slowly."""
    counted = counts.sum(axis=0) / counts.sum()
    shares = np.zeros(LONGEST_STEP + 1)
    shares[1:_COUNTED] = counted[1:_COUNTED] + 2e-4
    tail = np.exp(-np.arange(LONGEST_STEP + 1 - _COUNTED) / 32.0)
    shares[_COUNTED:] = counted[_COUNTED] * tail / tail.sum() + 1e-5
    return shares


def _with_one_missed(sung: Floats) -> Floats:
    """Two steps as one, for a note between them that is not heard."""
    places = len(sung)
    double = np.zeros_like(sung)
    for place in range(places):
        for first in np.flatnonzero(sung[place, :65] > 1e-5).tolist():
            after = sung[(place + first) % places, : LONGEST_STEP + 1 - first]
            double[place, first:] += sung[place, first] * after
    return double
