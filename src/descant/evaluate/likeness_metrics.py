"""Whether two recordings are the same music: `dsp.likeness` as scores.

Conventions: two clips of any rate, channel count and length; see `dsp.likeness` for the measure and its paper.
"""

from __future__ import annotations

from descant.audio.clip import Clip
from descant.dsp.likeness import chroma, likeness
from descant.errors import InvalidAudio, NothingHeard
from descant.evaluate.scores import Metric, Scores

METRICS = (
    Metric("Qmax", "longest common course of harmony, share of the shorter recording, best of 12 keys"),
    Metric("transposition", "semitones by which the estimate lies higher in that best key, -5 to 6", None),
)

_SHORTEST_S, _LONGEST_S = 4.0, 1_200.0


def validate(clip: Clip) -> None:
    """Refuse recordings that hold no music to compare.

    Raises:
        InvalidAudio: Shorter than 4 s, or longer than 20 minutes (work and memory grow with the square).
        NothingHeard: Silent throughout.
    """
    if clip.duration_s < _SHORTEST_S:
        raise InvalidAudio(
            f"It lasts {clip.duration_s:.1f} s; likeness needs {_SHORTEST_S:g} s.", "Give a longer part."
        )
    if clip.duration_s > _LONGEST_S:
        raise InvalidAudio(f"It lasts {clip.duration_s / 60:.0f} min; likeness takes 20.", "Give it song by song.")
    if clip.peak == 0.0:
        raise NothingHeard("It is silent throughout.", "Check that the right track was exported.")


def evaluate(reference: Clip, estimated: Clip) -> Scores:
    """All measures of one pair by the names in `METRICS`.

    Raises:
        InvalidAudio, NothingHeard: A clip holds no music to compare (see `validate`).
    """
    validate(reference)
    validate(estimated)
    found = likeness(chroma(reference), chroma(estimated))
    return {"Qmax": found.qmax, "transposition": float(found.transposition)}
