"""Which metrical level is the beat: a small trained listener compares a pulse with its half and its double.

The beat search finds a steady pulse, but eighths or half notes are as steady as quarters. What tells them apart is
learned: the tempo itself, what lies on, between and half-way between the beats (the net's evidence; kick, snare and
hi-hat bands), whether neighbouring beats differ, and after how many beats the music comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.analyze.evidence import Evidence
from descant.analyze.features import PULSE_FPS
from descant.analyze.harmony import beat_means
from descant.errors import CheckpointError
from descant.hub.checkpoint import load_tensors

Floats = NDArray[np.float64]

FILE = "level.safetensors"
LOWEST_BPM, HIGHEST_BPM = 40.0, 240.0
"""A half or double outside is not considered."""

_TENSORS = ("mean", "scale", "hidden", "hidden_bias", "output")
_FEWEST_BEATS = 8
_REACH_S = (-0.02, 0.0, 0.02)
_BANDS = ((0, 10), (10, 40), (55, 80))
"""Mel bands of the kick, of the snare and most notes, of the hi-hat."""
_TEMPO_KNOTS = np.arange(45.0, 240.0, 15.0)
_LAGS = (1, 2, 3, 4, 6, 8)
_CLOSE = 0.2
"""Probability from which another tempo is worth a word."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """A metrical level.

    Attributes:
        times_s: Its beats.
        rival_bpm: Another tempo that is nearly as probable; None where there is none.
    """

    times_s: Floats
    rival_bpm: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LevelChooser:
    """An ensemble of perceptrons that score a level by what `describe_level` says of it.

    Attributes:
        mean: Of each feature over the training songs, shape [features].
        scale: Its standard deviation, likewise.
        hidden: Weights of the hidden layers, shape [members, features, units].
        hidden_bias: Shape [members, units].
        output: Weights of the scores, shape [members, units].
    """

    mean: Floats
    scale: Floats
    hidden: Floats
    hidden_bias: Floats
    output: Floats

    @classmethod
    def load(cls, folder: Path) -> LevelChooser:
        """From the folder of the listening net.

        Raises:
            CheckpointError: The file is damaged, or made for other features.
        """
        path = folder / FILE
        tensors = load_tensors(path)
        if sorted(tensors) != sorted(_TENSORS) or tensors["mean"].shape != (len(describe_level_names()),):
            raise CheckpointError(f"{path} does not hold a chooser of metrical levels.", "Fetch the weights again.")
        return cls(*(tensors[name].double().numpy() for name in _TENSORS))

    def log_probabilities(self, described: Floats) -> Floats:
        """Of each candidate, from their features of shape [candidates, features]."""
        normal = np.clip((described - self.mean) / self.scale, -4.0, 4.0)
        units = np.tanh(np.einsum("cf,mfu->mcu", normal, self.hidden) + self.hidden_bias[:, np.newaxis])
        scores = np.einsum("mcu,mu->mc", units, self.output)
        scores = scores - scores.max(axis=1, keepdims=True)
        mean: Floats = (scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))).mean(axis=0)
        return mean

    def __call__(self, mel: NDArray[np.floating], evidence: Evidence, times_s: Floats) -> Choice:
        """The pulse, every second of it, or twice as many beats.

        Args:
            mel: Compressed mel spectrum, shape [frames at 50 per second, 80].
            evidence: What the net heard.
            times_s: The pulse, as `follow_beats` found it.

        Returns:
            The most probable level, and the tempo beside it where that is probable, too: songs change into half time.
        """
        levels = candidate_levels(times_s)
        if len(levels) == 1:
            return Choice(levels[0])
        described = np.stack([describe_level(mel, evidence, level) for level in levels])
        probabilities = np.exp(self.log_probabilities(described))
        chosen = levels[int(probabilities.argmax())]
        octaves = [round(np.log2(_bpm(level) / _bpm(chosen))) for level in levels]
        # Both halves of a pulse are one tempo.
        beside = {at: sum(probabilities[np.equal(octaves, at)]) for at in octaves if at != 0}
        rival = max(beside, key=lambda at: float(beside[at]), default=0)
        return Choice(chosen, _bpm(chosen) * 2.0**rival if beside.get(rival, 0.0) >= _CLOSE else None)


def candidate_levels(times_s: Floats) -> list[Floats]:
    """The pulse itself, both halves of it and its double, as far as their tempi are plausible."""
    if len(times_s) < _FEWEST_BEATS:
        return [times_s]
    bpm = _bpm(times_s)
    levels = [times_s]
    if bpm / 2 >= LOWEST_BPM:
        levels += [times_s[::2], times_s[1::2]]
    if bpm * 2 <= HIGHEST_BPM:
        levels.append(np.sort(np.concatenate([times_s, (times_s[1:] + times_s[:-1]) / 2])))
    return levels


def _bpm(times_s: Floats) -> float:
    return 60.0 / float(np.median(np.diff(times_s)))


def describe_level_names() -> tuple[str, ...]:
    """Names of what `describe_level` tells, in its order."""
    signals = ("beat", "downbeat", "low", "middle", "high")
    places = ("on", "quarter", "half", "three quarters")
    return (
        *(f"tempo near {bpm:.0f}" for bpm in _TEMPO_KNOTS),
        *(f"{signal} {place}" for signal in signals for place in places),
        *(f"{signal} differs by {period}" for signal in (*signals, "harmony") for period in (2, 3, 4)),
        "beats without downbeat",
        "harmony turns on",
        "harmony turns half-way",
        *(f"comes back after {lag}" for lag in _LAGS),
        "onsets a beat",
    )


def describe_level(mel: NDArray[np.floating], evidence: Evidence, times_s: Floats) -> Floats:
    """What speaks for beats at these times.

    Args:
        mel: Compressed mel spectrum, shape [frames at 50 per second, 80].
        evidence: What the net heard.
        times_s: Four beat times or more.

    Returns:
        One value for each of `describe_level_names()`.
    """
    periods = np.diff(times_s)
    log_bpm = np.log2(60.0 / float(np.median(periods)))
    tempo = np.exp(-0.5 * ((log_bpm - np.log2(_TEMPO_KNOTS)) / 0.15) ** 2)
    signals = [_logit(evidence.beat), _logit(evidence.downbeat), *_onsets(mel)]
    # Four places in each beat: the music at and between the beats, shape [signals, beats, places].
    places = times_s[:-1, np.newaxis] + periods[:, np.newaxis] * np.arange(4) / 4
    sampled = np.stack([_sample(signal, places) for signal in signals])
    ends = np.sort(np.concatenate([times_s, (times_s[1:] + times_s[:-1]) / 2]))
    halves = np.sqrt(beat_means(np.exp(evidence.chord), evidence.harmony_fps, ends))
    turns = 1.0 - (halves[1:] * halves[:-1]).sum(axis=1)  # at each half beat but the first
    on_turns, half_turns = turns[1::2], turns[::2]
    contrasts = [_differ(values, period) for values in (*sampled[:, :, 0], on_turns) for period in (2, 3, 4)]
    onsets = sampled[2:].transpose(1, 0, 2).reshape(len(places), -1)
    strong = _peaks(np.mean(signals[2:], axis=0))
    return np.asarray(
        [
            *tempo,
            *sampled.mean(axis=1).ravel(),
            *contrasts,
            float((sampled[0, :, 0] - sampled[1, :, 0]).mean()),
            float(on_turns.mean()) if len(on_turns) else 0.0,
            float(half_turns.mean()),
            *(_return(onsets, lag) for lag in _LAGS),
            float(strong.mean()) * PULSE_FPS * float(np.median(periods)),
        ]
    )


def _onsets(mel: NDArray[np.floating]) -> list[Floats]:
    """Rises of the spectrum in three bands, shape [frames], of mean 0 and deviation 1."""
    rises = np.maximum(np.diff(mel.astype(np.float64), axis=0, prepend=mel[:1].astype(np.float64)), 0.0)
    curves = [rises[:, low:high].mean(axis=1) for low, high in _BANDS]
    return [(curve - curve.mean()) / (float(curve.std()) + 0.01) for curve in curves]


def _logit(probability: Floats) -> Floats:
    clipped = np.clip(probability, 0.01, 0.99)
    logit: Floats = np.log(clipped) - np.log1p(-clipped)
    return logit


def _sample(signal: Floats, times_s: Floats) -> Floats:
    at = np.arange(len(signal)) / PULSE_FPS
    nearest: Floats = np.max([np.interp(times_s + shift, at, signal) for shift in _REACH_S], axis=0)
    return nearest


def _differ(values: Floats, period: int) -> float:
    """How far the strongest of every `period` beats stands above the others, in deviations of the beats."""
    if len(values) < 2 * period:
        return 0.0
    means = np.sort([float(values[start::period].mean()) for start in range(period)])
    return float(means[-1] - means[:-1].mean()) / (float(values.std()) + 0.05)


def _return(rows: Floats, lag: int) -> float:
    """How alike the beats are to those `lag` beats later: correlation, -1..1."""
    if len(rows) < lag + 2:
        return 0.0
    centred = rows - rows.mean(axis=0)
    product = float((centred[lag:] * centred[:-lag]).sum())
    return product / (float(np.sqrt((centred[lag:] ** 2).sum() * (centred[:-lag] ** 2).sum())) + 1e-9)


def _peaks(curve: Floats) -> NDArray[np.bool_]:
    inner = (curve[1:-1] > curve[:-2]) & (curve[1:-1] >= curve[2:]) & (curve[1:-1] > 0.3)
    return np.pad(inner, 1) if len(curve) > 2 else np.zeros(len(curve), bool)
