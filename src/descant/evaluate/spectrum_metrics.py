"""How alike two recordings sound spectrum by spectrum, phase aside, and how loud they are.

Conventions: two clips of one rate, channel count and length, aligned to the sample; channels are averaged over. These
distances find defects of a copy, a codec or a generated note. They do not tell whether two recordings are the same
music: see `likeness_metrics` for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.loudness import integrated_lufs, true_peak_db
from descant.evaluate.scores import Metric, Scores, held_db
from descant.evaluate.sdr import require_same_shape

Floats = NDArray[np.float64]

SING_SIZE, SING_HOP = 1024, 256
RESOLUTIONS = (512, 1024, 2048)

METRICS = (
    Metric("SING", "SING's log-spectral loss: mean |log(1 + power)| difference, FFT 1024, hop 256", False),
    Metric("log STFT", "mean absolute difference of log magnitudes, mean of FFT 512, 1024, 2048", False),
    Metric("convergence", "spectral convergence: norm of the difference over that of the truth, same FFTs", False),
    Metric("loudness difference", "estimate minus reference, LU", None),
    Metric("true peak", "of the estimate, dBTP", None),
)

_FLOOR = 1e-7  # magnitude: 140 dB below a full-scale sine of the shortest window
_BLOCK_FRAMES = 1024


def validate(reference: Clip, estimated: Clip) -> None:
    """Refuse clips that cannot be compared sample by sample.

    Raises:
        InvalidAudio: Rate, channels or length differ; the message names the field.
    """
    require_same_shape("The recording", reference, estimated)


def sing_loss(reference: Clip, estimated: Clip) -> float:
    """SING's spectral loss, as its authors' code computes it (Defossez et al. 2018, arXiv 1810.09785).

    Mean absolute difference of log(1 + |STFT|^2) with a periodic Hann window of 1,024 samples every 256, neither
    centred nor padded nor normalised; 0 for clips shorter than a window.
    """
    total, count = 0.0, 0
    for true, found in _spectra(reference, estimated, SING_SIZE, SING_HOP):
        total += float(np.abs(np.log1p(np.square(found)) - np.log1p(np.square(true))).sum())
        count += true.size
    return total / count if count else 0.0


def multi_resolution_stft(reference: Clip, estimated: Clip) -> tuple[float, float]:
    """Log-magnitude distance and spectral convergence, means over three resolutions (Yamamoto et al. 2020).

    Windows are periodic Hann of 512, 1,024 and 2,048 samples, a quarter of that apart. Magnitudes are taken as at least
    1e-7, so silence against silence is 0. The convergence is NaN if the reference is silent.
    """
    distances, convergences = [], []
    for size in RESOLUTIONS:
        log_total, count, missed, energy = 0.0, 0, 0.0, 0.0
        for true, found in _spectra(reference, estimated, size, size // 4):
            log_total += float(np.abs(np.log(np.maximum(found, _FLOOR)) - np.log(np.maximum(true, _FLOOR))).sum())
            count += true.size
            missed += float(np.square(found - true).sum())
            energy += float(np.square(true).sum())
        distances.append(log_total / count if count else 0.0)
        convergences.append(np.sqrt(missed / energy) if energy > 0 else np.nan)
    return float(np.mean(distances)), float(np.mean(convergences))


def evaluate(reference: Clip, estimated: Clip) -> Scores:
    """All measures of one recording by the names in `METRICS`.

    Raises:
        InvalidAudio: The clips cannot be compared (see `validate`).
    """
    validate(reference, estimated)
    distance, convergence = multi_resolution_stft(reference, estimated)
    return {
        "SING": sing_loss(reference, estimated),
        "log STFT": distance,
        "convergence": None if np.isnan(convergence) else convergence,
        **level_scores(reference, estimated),
    }


def level_scores(reference: Clip, estimated: Clip) -> Scores:
    """Loudness difference (None if either is silent) and true peak; of clips of any shape."""
    difference = integrated_lufs(estimated) - integrated_lufs(reference)
    return {
        "loudness difference": difference if np.isfinite(difference) else None,
        "true peak": held_db(true_peak_db(estimated)),
    }


def _spectra(reference: Clip, estimated: Clip, size: int, hop: int) -> Iterator[tuple[Floats, Floats]]:
    """Magnitudes of both, a channel and a block of frames at a time, each of shape [frames, size // 2 + 1]."""
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size)
    for true, found in zip(reference.samples, estimated.samples, strict=True):
        frames = 1 + (len(true) - size) // hop if len(true) >= size else 0
        for first in range(0, frames, _BLOCK_FRAMES):
            span = slice(first * hop, (min(first + _BLOCK_FRAMES, frames) - 1) * hop + size)
            yield _magnitudes(true[span], window, hop), _magnitudes(found[span], window, hop)


def _magnitudes(samples: NDArray[np.float32], window: Floats, hop: int) -> Floats:
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), len(window))[::hop]
    return cast(Floats, np.abs(scipy.fft.rfft(frames * window, axis=1)))
