"""How near an estimated key is: the weighted score of MIREX.

Conventions: one key per song, a tonic and major or minor; no key at all is an answer and scores 0.
"""

from __future__ import annotations

from descant.evaluate.scores import Metric, Scores
from descant.score.harmony import Key, key_score

METRICS = (
    Metric("key, MIREX", "1 right, 0.5 a fifth above, 0.3 relative, 0.2 parallel"),
    Metric("key right", "tonic and mode right"),
)


def evaluate(reference: Key | None, estimated: Key | None) -> Scores:
    """All measures of one song by the names in `METRICS`; None when the reference has no key."""
    if reference is None:
        return {metric.name: None for metric in METRICS}
    return {"key, MIREX": key_score(reference, estimated), "key right": float(reference == estimated)}
