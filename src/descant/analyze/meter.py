"""What a trained reader makes of a sung melody: where in the bar each note lies, and how fast it goes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from descant.hub.checkpoint import load_into
from descant.nets.meter_reader import BINS_PER_OCTAVE, LOWEST_BPM, TEMPO_BINS, MeterReader

Floats = NDArray[np.float64]

WEIGHTS, CONFIG = "meter.safetensors", "meter.json"
WINDOW = 128
"""Notes that are read at once."""

_HOP = 64


@dataclass(frozen=True, slots=True, eq=False)
class MeterEvidence:
    """Log-probabilities for each note.

    Attributes:
        place: Of each output of `nets.meter_reader`, shape [notes, 29].
        tempo: Of the tempi in `tempo_bins()`, shape [notes, 60].
    """

    place: Floats
    tempo: Floats


def tempo_bins() -> Floats:
    """Beats per minute of the tempo outputs."""
    bins: Floats = LOWEST_BPM * 2.0 ** (np.arange(TEMPO_BINS) / BINS_PER_OCTAVE)
    return bins


def load_meter_reader(folder: Path) -> MeterReader:
    """The reader from the folder of the listening net, ready for inference.

    Raises:
        CheckpointError: The weights are damaged or do not fit their config.
    """
    net = MeterReader(**json.loads((folder / CONFIG).read_text(encoding="utf-8"))["arguments"])
    load_into(net, folder / WEIGHTS)
    return net.eval()


def note_features(starts_s: Floats, ends_s: Floats, pitches: Floats) -> NDArray[np.float32]:
    """What the reader sees of each note besides its time: steps, lengths, rests and intervals.

    Args:
        starts_s: Rising, shape [notes].
        ends_s: Likewise.
        pitches: Fractional MIDI numbers, shape [notes].

    Returns:
        Shape [notes, 8], about -2..2.
    """
    steps = np.diff(starts_s)
    before, after = np.append(1.5, steps), np.append(steps, 1.5)
    rests = np.append(starts_s[1:] - ends_s[:-1], 1.0)
    intervals = np.diff(pitches)
    columns = (
        _log_seconds(before),
        _log_seconds(after),
        _log_seconds(ends_s - starts_s),
        np.clip(rests, 0.0, 1.5),
        np.append(0.0, np.clip(rests[:-1], 0.0, 1.5)),
        np.clip(np.append(0.0, intervals) / 6.0, -2.0, 2.0),
        np.clip(np.append(intervals, 0.0) / 6.0, -2.0, 2.0),
        np.clip((pitches - np.median(pitches)) / 6.0, -2.0, 2.0),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def _log_seconds(seconds: Floats) -> Floats:
    logarithm: Floats = np.log2(np.clip(seconds, 0.04, 8.0) / 0.4)
    return logarithm


def read_meter(net: MeterReader, starts_s: Floats, ends_s: Floats, pitches: Floats) -> MeterEvidence:
    """Read a melody, in overlapping windows when it is long.

    Args:
        net: From `load_meter_reader`.
        starts_s: Rising, shape [notes], one note or more.
        ends_s: Likewise.
        pitches: Fractional MIDI numbers.
    """
    count = len(starts_s)
    places, tempi, weights = np.zeros((count, net.place.out_features)), np.zeros((count, TEMPO_BINS)), np.zeros(count)
    for first in range(0, max(1, count - (WINDOW - _HOP)), _HOP):
        part = slice(first, min(first + WINDOW, count))
        size = part.stop - part.start
        features = torch.from_numpy(note_features(starts_s[part], ends_s[part], pitches[part]))
        times = torch.from_numpy((starts_s[part] - starts_s[first]).astype(np.float32))
        with torch.inference_mode():
            read = net(times[None], features[None], torch.ones(1, size, dtype=torch.bool))
        # Windows count most in their middle, where they see both sides.
        weight = np.minimum(np.arange(size) + 1.0, size - np.arange(size))
        places[part] += weight[:, np.newaxis] * read.place[0].log_softmax(-1).numpy()
        tempi[part] += weight[:, np.newaxis] * read.tempo[0].log_softmax(-1).numpy()
        weights[part] += weight
    return MeterEvidence(places / weights[:, np.newaxis], tempi / weights[:, np.newaxis])
