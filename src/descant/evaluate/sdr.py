"""How close estimated stems are to the true ones: the measures of source separation campaigns.

SDR is that of BSS Eval version 4 as SiSEC 2018 used it (Stoeter, Liutkus, Ito: "The 2018 Signal Separation Evaluation
Campaign", LVA/ICA 2018): the plain ratio of energies in windows of one second, and then medians, because a few nearly
silent windows would rule any mean. SI-SDR is Le Roux et al., "SDR - half-baked or well done?" (ICASSP 2019).

Conventions: a song is a mapping from stem names to clips, true and estimated under the same names, all of one rate,
length and channel count. A window in which any stem is exactly zero says nothing about separation and is left out for
all stems; what is heard of a stem where it should be silent is measured by itself (`leakage_db`). In `evaluate` a stem
below -60 dB throughout (nothing but a codec's noise) has no ratio either. Songs are summarised by medians.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.errors import InvalidAudio
from descant.evaluate.scores import Metric, Scores, held_db

Decibels = NDArray[np.float64]

_SILENCE_DB = -60.0

METRICS = (
    Metric(
        "SDR", "energy of the stem over that of the error, dB, median over windows of 1 s (museval 4)", summary="median"
    ),
    Metric("SI-SDR", "the same over the whole song after the best gain, dB", summary="median"),
    Metric(
        "RMS where silent",
        "level of the estimate while the true stem is below -60 dB, dB of full scale",
        False,
        "median",
    ),
)


def validate(references: Mapping[str, Clip], estimates: Mapping[str, Clip]) -> None:
    """Refuse stems that cannot be compared.

    Raises:
        InvalidAudio: A stem is missing, or differs in rate, channels or length; the message names stem and field.
    """
    for name, reference in references.items():
        estimate = estimates.get(name)
        if estimate is None:
            raise InvalidAudio(f"The stem {name!r} has no estimate.", f"Estimated: {', '.join(estimates) or 'none'}.")
        require_same_shape(name, reference, estimate)
    first, *others = references.items()
    for name, reference in others:
        require_same_shape(f"{first[0]} and {name}", first[1], reference)


def require_same_shape(name: str, reference: Clip, estimate: Clip) -> None:
    """Refuse two clips that cannot be subtracted.

    Raises:
        InvalidAudio: Rate, channel count or length differ; the message names the field and both values.
    """
    for field, true, found in (
        ("sample rate", f"{reference.sample_rate} Hz", f"{estimate.sample_rate} Hz"),
        ("channel count", str(reference.channels), str(estimate.channels)),
        ("length", f"{reference.frames} frames", f"{estimate.frames} frames"),
    ):
        if true != found:
            raise InvalidAudio(
                f"{name}: the {field} differs, {true} against {found}.", "Export both alike, uncut and unconverted."
            )


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
    if not guess.any():
        return _ratio_db(0.0, energy)  # silence where something sounds is as wrong as can be, not undefined
    projection = truth * (float(guess @ truth) / energy)
    error = float(np.square(guess - projection).sum())
    return _ratio_db(float(projection @ projection), error)


def leakage_db(reference: Clip, estimate: Clip, *, window_s: float = 1.0) -> float:
    """RMS of the estimate, in dB of full scale, over the windows in which the true stem is below -60 dB.

    This is what SDR cannot see: what is heard where nothing should be. NaN if the stem is never silent.
    """
    is_silent = _silent_windows(reference, window_s)
    if not is_silent.any():
        return float("nan")
    size = round(window_s * reference.sample_rate)
    energy = float(_window_energies(estimate.samples, size)[is_silent].mean())
    return _ratio_db(energy / (size * reference.channels), 1.0)


def sum_error_db(mix: Clip, stems: Mapping[str, Clip]) -> float:
    """Energy of what the stems' sum misses of the mix, in dB of the mix's; -inf if nothing."""
    total = np.zeros(mix.samples.shape)
    for stem in stems.values():
        total += stem.samples
    energy = float(np.square(mix.samples, dtype=np.float64).sum())
    return _ratio_db(float(np.square(total - mix.samples).sum()), energy)


def evaluate(references: Mapping[str, Clip], estimates: Mapping[str, Clip]) -> dict[str, Scores]:
    """All measures of every stem of a song.

    Returns:
        Stem to scores by the names in `METRICS`, in decibels held within +-120.

    Raises:
        InvalidAudio: The stems cannot be compared (see `validate`).
    """
    validate(references, estimates)
    windows = sdr_windows(references, estimates)
    scores: dict[str, Scores] = {}
    for name, reference in references.items():
        sounds = not _silent_windows(reference, 1.0).all()
        scores[name] = {
            "SDR": held_db(median_sdr(windows[name])) if sounds else None,
            "SI-SDR": held_db(si_sdr(reference, estimates[name])) if sounds else None,
            "RMS where silent": held_db(leakage_db(reference, estimates[name])),
        }
    return scores


def _silent_windows(clip: Clip, window_s: float) -> NDArray[np.bool_]:
    """Which whole windows lie below -60 dB of full scale."""
    size = round(window_s * clip.sample_rate)
    silent: NDArray[np.bool_] = _window_energies(clip.samples, size) / (size * clip.channels) < 10.0 ** (
        _SILENCE_DB / 10.0
    )
    return silent


def _window_energies(samples: NDArray[np.floating], size: int) -> Decibels:
    windows = samples.shape[1] // size
    cut = samples[:, : windows * size].astype(np.float64).reshape(samples.shape[0], windows, size)
    energies: Decibels = np.square(cut).sum(axis=(0, 2))
    return energies


def _ratio_db(numerator: float, denominator: float) -> float:
    if denominator == 0.0:
        return float("inf") if numerator > 0.0 else float("nan")
    return 10.0 * float(np.log10(numerator / denominator)) if numerator > 0.0 else float("-inf")
