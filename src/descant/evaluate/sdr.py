"""How close estimated stems are to the true ones: the measures of source separation campaigns.

SDR is that of BSS Eval version 4 as SiSEC 2018 used it (Stoeter, Liutkus, Ito: "The 2018 Signal Separation Evaluation
Campaign", LVA/ICA 2018): the plain ratio of energies in windows of one second, and then medians, because a few nearly
silent windows would rule any mean. SI-SDR is Le Roux et al., "SDR - half-baked or well done?" (ICASSP 2019).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip

Decibels = NDArray[np.float64]

_SILENCE_DB = -60.0


def sdr_windows(
    references: Mapping[str, Clip], estimates: Mapping[str, Clip], *, window_s: float = 1.0
) -> dict[str, Decibels]:
    """Signal-to-distortion ratio of every stem in every whole window.

    Args:
        references: The true stems, scored as one group.
        estimates: Under the same names, of the same shape.
        window_s: Length of a window in seconds; a shorter rest is ignored.

    Returns:
        Stem to decibels, shape [windows]. A window in which any stem of the group, true or estimated, is exactly
        zero is NaN for all of them, and so is a perfect one.
    """
    energies: dict[str, tuple[Decibels, Decibels]] = {}
    is_scored: NDArray[np.bool_] | None = None
    for name, reference in references.items():
        size = round(window_s * reference.sample_rate)
        signal = _window_energies(reference.samples, size)
        error = _window_energies(estimates[name].samples.astype(np.float64) - reference.samples, size)
        sounds = (signal > 0) & (_window_energies(estimates[name].samples, size) > 0)
        is_scored = sounds if is_scored is None else is_scored & sounds
        energies[name] = (signal, error)
    result = {}
    for name, (signal, error) in energies.items():
        assert is_scored is not None
        usable = is_scored & (error > 0)
        ratio = np.full(signal.shape, np.nan)
        ratio[usable] = 10.0 * np.log10(signal[usable] / error[usable])
        result[name] = ratio
    return result


def median_sdr(windows: Decibels) -> float:
    """The median over windows that have a value; NaN if none has."""
    scored = windows[~np.isnan(windows)]
    return float(np.median(scored)) if scored.size else float("nan")


def si_sdr(reference: Clip, estimate: Clip) -> float:
    """Scale-invariant SDR in decibels over the whole clip, all channels together: no credit and no blame for gain."""
    truth = reference.samples.astype(np.float64).ravel()
    guess = estimate.samples.astype(np.float64).ravel()
    energy = float(truth @ truth)
    if energy == 0.0:
        return float("nan")
    projection = truth * (float(guess @ truth) / energy)
    error = float(np.square(guess - projection).sum())
    return _ratio_db(float(projection @ projection), error)


def leakage_db(reference: Clip, estimate: Clip, *, window_s: float = 1.0) -> float:
    """RMS of the estimate, in dB of full scale, over the windows in which the true stem is below -60 dB.

    This is what SDR cannot see: what is heard where nothing should be. NaN if the stem is never silent.
    """
    size = round(window_s * reference.sample_rate)
    samples = size * reference.channels
    is_silent = _window_energies(reference.samples, size) / samples < 10.0 ** (_SILENCE_DB / 10.0)
    if not is_silent.any():
        return float("nan")
    return _ratio_db(float(_window_energies(estimate.samples, size)[is_silent].mean()) / samples, 1.0)


def sum_error_db(mix: Clip, stems: Mapping[str, Clip]) -> float:
    """Energy of what the stems' sum misses of the mix, in dB of the mix's; -inf if nothing."""
    total = np.zeros(mix.samples.shape)
    for stem in stems.values():
        total += stem.samples
    energy = float(np.square(mix.samples, dtype=np.float64).sum())
    return _ratio_db(float(np.square(total - mix.samples).sum()), energy)


def _window_energies(samples: NDArray[np.floating], size: int) -> Decibels:
    windows = samples.shape[1] // size
    cut = samples[:, : windows * size].astype(np.float64).reshape(samples.shape[0], windows, size)
    energies: Decibels = np.square(cut).sum(axis=(0, 2))
    return energies


def _ratio_db(numerator: float, denominator: float) -> float:
    if denominator == 0.0:
        return float("inf") if numerator > 0.0 else float("nan")
    return 10.0 * float(np.log10(numerator / denominator)) if numerator > 0.0 else float("-inf")
