"""Frame-wise evidence for beats, harmony and singing: from the trained net, or from plain signal processing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from descant.analyze.features import LOWEST_PITCH, PER_SEMITONE, PITCH_FPS, PULSE_FPS, Features
from descant.dsp.chroma import chroma_from_pitch_bands
from descant.dsp.onset import normalized_onsets, onset_strength
from descant.nets.listener import NO_CHORD_INDEX, QUALITIES, Listener
from descant.progress import Monitor
from descant.score.harmony import QUALITIES as INTERVALS
from descant.score.tonality import profile_key

Floats = NDArray[np.float64]

_BLOCK_S, _MARGIN_S = 60, 12


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What speaks for what, frame by frame.

    Attributes:
        beat: Probability of a beat, shape [frames at `pulse_fps`].
        downbeat: Probability of a downbeat, likewise.
        voice: Probability that someone sings, likewise; None when this source cannot tell.
        chord: Log-probabilities of the 97 chords of `nets.listener`, shape [frames at `harmony_fps`, 97].
        bass: Log-probabilities of the bass pitch class, shape [frames, 12]; None when not told.
        key: Log-probabilities of 24 keys, majors first, shape [24].
    """

    beat: Floats
    downbeat: Floats
    voice: Floats | None
    chord: Floats
    bass: Floats | None
    key: Floats
    pulse_fps: float = PULSE_FPS
    harmony_fps: float = PITCH_FPS


def load_listener(folder: Path) -> Listener:
    """The net from a folder with config.json and weights.safetensors, ready for inference.

    Raises:
        CheckpointError: The files are damaged or do not fit each other.
    """
    import json

    from descant.hub.checkpoint import load_into

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    net = Listener(**config["arguments"])
    load_into(net, folder / "weights.safetensors")
    return net.eval()


def net_evidence(features: Features, net: Listener, monitor: Monitor) -> Evidence:
    """Evidence from the trained net, run in overlapping blocks so that memory does not grow with the recording."""
    pulse: list[NDArray[np.float32]] = []
    harmony: list[NDArray[np.float32]] = []
    with torch.inference_mode():
        for start, end, low, high in _blocks(len(features.mel), PULSE_FPS):
            monitor.report(0.6 * start / len(features.mel))
            out = net.pulse(torch.from_numpy(features.mel[np.newaxis, low:high]))
            pulse.append(torch.stack(out, dim=2)[0, start - low : end - low].numpy())
        for start, end, low, high in _blocks(len(features.pitch), PITCH_FPS):
            monitor.report(0.6 + 0.4 * start / len(features.pitch))
            heard = net.harmony(torch.from_numpy(features.pitch[np.newaxis, low:high]))
            harmony.append(torch.cat(heard, dim=2)[0, start - low : end - low].numpy())
    probabilities = 1.0 / (1.0 + np.exp(-np.concatenate(pulse).astype(np.float64)))
    logits = np.concatenate(harmony).astype(np.float64)
    chord, bass, key = np.split(logits, [NO_CHORD_INDEX + 1, NO_CHORD_INDEX + 13], axis=1)
    loud = features.pitch.mean(axis=1)
    weights = (loud > 0.25 * float(np.quantile(loud, 0.95))).astype(float) + 1e-6
    return Evidence(
        probabilities[:, 0],
        probabilities[:, 1],
        probabilities[:, 2],
        _log_softmax(chord),
        _log_softmax(bass),
        _log_softmax(np.average(key, axis=0, weights=weights)),
    )


def _blocks(frames: int, frames_per_s: float) -> Iterator[tuple[int, int, int, int]]:
    """(start, end, start with margin, end with margin) of blocks that cover `frames`."""
    block, margin = round(_BLOCK_S * frames_per_s), round(_MARGIN_S * frames_per_s)
    for start in range(0, frames, block):
        end = min(start + block, frames)
        yield start, end, max(0, start - margin), min(frames, end + margin)


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


# --- plain signal processing: the baseline that the net has to beat ----------------------------------------------

_COMMONNESS = {"maj": 0.0, "min": 0.0, "7": -0.7, "maj7": -0.9, "min7": -0.7, "dim": -1.2, "hdim7": -1.5, "sus4": -1.2}


def signal_evidence(features: Features) -> Evidence:
    """Evidence without any training: spectral flux, chord templates, Krumhansl's key profiles."""
    onsets = normalized_onsets(onset_strength(features.mel), PULSE_FPS).astype(np.float64)
    low = normalized_onsets(onset_strength(features.mel[:, :12]), PULSE_FPS).astype(np.float64)
    octaves = features.pitch[:, : 6 * 12 * PER_SEMITONE]
    chroma = chroma_from_pitch_bands(octaves**2, lowest=LOWEST_PITCH, per_semitone=PER_SEMITONE).astype(np.float64)
    level = features.pitch.mean(axis=1)
    loud = level > 0.15 * float(np.quantile(level, 0.95)) + 1e-3
    return Evidence(
        0.9 * onsets,
        0.2 + 0.5 * onsets * low,
        None,
        _template_chords(chroma, loud),
        None,
        profile_key(chroma[loud].mean(axis=0) if loud.any() else np.zeros(12)),
    )


def _template_chords(chroma: Floats, loud: NDArray[np.bool_]) -> Floats:
    centred = chroma - chroma.mean(axis=1, keepdims=True)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True) + 1e-9
    scores = np.zeros((len(chroma), NO_CHORD_INDEX + 1))
    for root in range(12):
        for index, quality in enumerate(QUALITIES):
            template = np.zeros(12)
            template[[(root + i) % 12 for i in INTERVALS[quality]]] = 1.0
            template[root] += 0.3
            template -= template.mean()
            scores[:, root * len(QUALITIES) + index] = (
                8.0 * centred @ (template / np.linalg.norm(template)) + _COMMONNESS[quality]
            )
    scores[:, NO_CHORD_INDEX] = np.where(loud, 1.5, 12.0)
    return _log_softmax(scores)
