"""How near an estimated key is: the weighted score of MIREX.

Conventions: one key per song, a tonic and major or minor; no key at all is an answer and scores 0.
"""

from __future__ import annotations

from descant.evaluate.scores import Metric, Scores
from descant.score.harmony import Key

METRICS = (
    Metric("key, MIREX", "1 right, 0.5 a fifth above, 0.3 relative, 0.2 parallel"),
    Metric("key right", "tonic and mode right"),
)


def key_score(reference: Key, estimated: Key | None) -> float:
    """MIREX weighted key score: 1 right, 0.5 a fifth above, 0.3 relative, 0.2 parallel, else 0."""
    if estimated is None:
        return 0.0
    if estimated == reference:
        return 1.0
    if estimated.mode == reference.mode:
        return 0.5 if (estimated.tonic - reference.tonic) % 12 == 7 else 0.0
    if estimated.tonic == reference.tonic:
        return 0.2
    relative = (reference.tonic + (9 if reference.mode == "major" else 3)) % 12
    return 0.3 if estimated.tonic == relative else 0.0


def evaluate(reference: Key | None, estimated: Key | None) -> Scores:
    """All measures of one song by the names in `METRICS`; None when the reference has no key."""
    if reference is None:
        return {metric.name: None for metric in METRICS}
    return {"key, MIREX": key_score(reference, estimated), "key right": float(reference == estimated)}
