"""Key scores against mir_eval, over every pair of keys."""

from __future__ import annotations

import itertools

import mir_eval

from descant.evaluate.key_metrics import METRICS, evaluate
from descant.score.harmony import FLAT_NAMES, Key, key_score

KEYS = [Key(tonic, mode) for tonic in range(12) for mode in ("major", "minor")]


def test_every_pair_of_keys_scores_as_in_mir_eval() -> None:
    for true, found in itertools.product(KEYS, KEYS):
        names = [f"{FLAT_NAMES[k.tonic]} {k.mode}" for k in (true, found)]
        assert key_score(true, found) == mir_eval.key.weighted_score(*names)
    assert key_score(KEYS[0], None) == 0.0


def test_no_key_in_the_reference_asks_nothing() -> None:
    assert evaluate(None, KEYS[0]) == {"key, MIREX": None, "key right": None}
    assert evaluate(KEYS[0], None) == {"key, MIREX": 0.0, "key right": 0.0}
    assert list(evaluate(KEYS[0], KEYS[0])) == [metric.name for metric in METRICS]
