"""How well a voice was converted: does it sing the melody asked for, sound like the target, and keep the rests.

Conventions: the source and the converted clip have one rate and length. Pitch is compared where both are voiced, after
the transposition that was asked for. Likeness is the cosine of speaker embeddings, from whatever encoder is given.
Silence is where the source lies below -65 dB of full scale for a tenth of a second and more.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.dsp.pitch import PitchTrack
from descant.errors import InvalidAudio
from descant.evaluate.scores import Metric, Scores, defined, held_db

METRICS = (
    Metric("f0 correlation", "of the melodies in semitones, over frames that both voice"),
    Metric("f0 error, cents", "median distance from the melody asked for", False),
    Metric("voicing", "share of frames in which both are voiced or both are not"),
    Metric("likeness", "cosine of speaker embeddings of the result and the target"),
    Metric("likeness before", "the same of the source and the target", None),
    Metric("floor, dB", "RMS of the result where the source is silent, dB of full scale", False, "median"),
)

_SILENT_DB, _SILENT_S, _FRAME_S = -65.0, 0.1, 0.01
_FEWEST_FRAMES = 10

Embed = Callable[[Clip], NDArray[np.float32]]


def validate(source: Clip, converted: Clip) -> None:
    """Refuse clips that cannot be compared.

    Raises:
        InvalidAudio: Rate or length differ.
    """
    if source.sample_rate != converted.sample_rate or source.frames != converted.frames:
        raise InvalidAudio(
            f"{source.frames} frames at {source.sample_rate} Hz against {converted.frames} at {converted.sample_rate}.",
            "A converted voice keeps rate and length.",
        )


def melody_scores(asked: PitchTrack, sung: PitchTrack, semitones: float) -> Scores:
    """Correlation, median error in cents and voicing of two tracks with the same frames."""
    both = asked.voiced & sung.voiced
    scores: Scores = {"voicing": float(np.mean(asked.voiced == sung.voiced))}
    if both.sum() < _FEWEST_FRAMES:
        return {**scores, "f0 correlation": None, "f0 error, cents": None}
    wanted, found = asked.midi[both] + semitones, sung.midi[both]
    correlation = float("nan") if np.ptp(wanted) < 1e-6 else float(np.corrcoef(wanted, found)[0, 1])
    error = float(np.median(np.abs(found - wanted)) * 100.0)
    return {**scores, "f0 correlation": defined(correlation), "f0 error, cents": error}


def floor_db(source: Clip, converted: Clip) -> float:
    """RMS of the result where the source is silent, in dB of full scale; NaN if it never is."""
    power, floor = (_powers(clip) for clip in (source, converted))
    silent = power < 10.0 ** (_SILENT_DB / 10.0)
    inner = scipy.ndimage.binary_opening(silent, np.ones(round(_SILENT_S / _FRAME_S), bool))
    inner = scipy.ndimage.binary_erosion(inner, np.ones(3, bool))
    if not inner.any():
        return float("nan")
    return float(10.0 * np.log10(max(float(floor[inner].mean()), 1e-15)))


def evaluate(
    source: Clip,
    converted: Clip,
    target: NDArray[np.float32],
    semitones: float,
    *,
    track: Callable[[Clip], PitchTrack],
    embed: Embed,
) -> Scores:
    """All measures of one conversion by the names in `METRICS`.

    Args:
        source: What was converted.
        converted: What came out.
        target: Embedding of the voice that was asked for.
        semitones: The transposition that was asked for.
        track: The pitch of a clip.
        embed: The embedding of a clip.

    Raises:
        InvalidAudio: They cannot be compared.
    """
    validate(source, converted)
    before, after = embed(source), embed(converted)
    return {
        **melody_scores(track(source), track(converted), semitones),
        "likeness": _cosine(after, target),
        "likeness before": _cosine(before, target),
        "floor, dB": held_db(floor_db(source, converted)),
    }


def _powers(clip: Clip) -> NDArray[np.float64]:
    size = round(_FRAME_S * clip.sample_rate)
    frames = clip.frames // size
    cut = clip.samples[:, : frames * size].astype(np.float64).reshape(clip.channels, frames, size)
    powers: NDArray[np.float64] = np.square(cut).mean(axis=(0, 2))
    return powers


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
