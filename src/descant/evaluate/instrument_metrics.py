"""How near a made note comes to the recording of the same instrument, pitch and velocity.

Conventions: two clips of one rate, channel count and length, both beginning when the key is pressed and let go at the
same time; the reference is the recording. Spectra do not ask for phases; levels, times and pitches are differences to
the recording's own, never to what a tuner or a textbook says, since real instruments are out of tune and late, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.data.notes.rendering import HELD_S
from descant.dsp.pitch import midi_to_hz
from descant.evaluate.scores import Metric, Scores
from descant.evaluate.sdr import require_same_shape
from descant.nets.sing import SAMPLE_RATE as LOW_RATE
from descant.nets.sing import log_spectral_distance

Doubles = NDArray[np.float64]

HIGH_RATE = 48_000
IN_TUNE_CENTS = 20.0
OCTAVE_CENTS = 1200.0

METRICS = (
    Metric("SING 16k", "SING's log-spectral distance at 16 kHz mono, as published: FFT 1,024, hop 256", False),
    Metric(
        "SING 48k",
        "the same at the full rate, mean of the channels: FFT 3,072, hop 768 at 48 kHz, spectra divided by 3 so that "
        "what lies below 8 kHz counts as it does at 16 kHz",
        False,
    ),
    Metric(
        "multi-resolution",
        "DDSP's spectral loss: mean distance of magnitudes plus that of their logarithms (at least 1e-5), summed over "
        "FFTs of 6,144 to 192 at 48 kHz, hop a quarter, mean of the channels",
        False,
    ),
    Metric("cents off", "distance from the recording's pitch; 1,200 for a wrong octave", False),
    Metric("in tune", f"share of notes within {IN_TUNE_CENTS:.0f} cents of the recording; no pitch is out of tune"),
    Metric("onset 10 %, ms", "how much earlier or later the level first reaches a tenth of its maximum", False),
    Metric("onset 50 %, ms", "the same for half of the maximum", False),
    Metric("slope, dB/s", "difference of the slopes of level over time while the key is held", False),
    Metric("release, ms", "difference of the times to fall by 20 dB after the key is let go", False),
    Metric("width, dB", "difference of the levels of side against mid, each held within 40 dB", False),
    Metric("level, dB", "difference of levels while the key is held", False),
)

_RESOLUTIONS = (6144, 3072, 1536, 768, 384, 192)
_LOG_FLOOR = 1e-5
_STEP_S = 0.001
_SMOOTHED_STEPS = 11
_RISE_WITHIN_S = 1.0
_SLOPE_FROM_S, _SLOPE_STEPS, _FEWEST_POINTS = 0.3, 20, 10
_AUDIBLE = 1e-3  # of the loudest: -60 dB
_FALLEN = 0.1  # -20 dB
_WIDEST_DB, _SOFTEST_DB = 40.0, -100.0
_PITCH_S, _PARTIALS, _HIGHEST_HZ = 0.7, 8, 10_000.0
_REACH_CENTS, _GRID_CENTS, _PARTIAL_CENTS, _VIBRATO_CENTS = 120.0, 2.0, 50.0, 80.0
_LEAST_PEAK, _MOST_ELSEWHERE = 1.1, 0.3
_OCTAVE_HAS, _OCTAVE_LACKS = 0.05, 0.002


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A note in both forms of a set of notes.

    Attributes:
        low: 16 kHz, mono.
        full: As rich as the set has it: 48 kHz stereo, or the same as `low`.
    """

    low: Clip
    full: Clip


@dataclass(frozen=True, slots=True)
class NotePitch:
    """The pitch of a note that is expected near some pitch.

    Attributes:
        cents: Against the expected one.
        odd: Share of the odd partials in the power of all: almost nothing where the note is an octave too high.
        between: Power halfway between partials over that of the partials: much where it is an octave too low.
    """

    cents: float
    odd: float
    between: float


def heard(clip: Clip, truth: Clip) -> Heard:
    """A made note in the forms that a recording has.

    Args:
        clip: Any rate, one or two channels.
        truth: The recording in its full form, for rate, channels and length.

    Returns:
        What is longer than the recording is cut, what is shorter is followed by silence.
    """
    full = _fitted(resample(clip, truth.sample_rate).to_channels(truth.channels), truth.frames)
    mono = resample(Clip(clip.samples.mean(axis=0, keepdims=True), clip.sample_rate), LOW_RATE)
    return Heard(_fitted(mono, round(truth.duration_s * LOW_RATE)), full)


def validate(reference: Clip, estimated: Clip) -> None:
    """Refuse clips that cannot be compared sample by sample.

    Raises:
        InvalidAudio: Rate, channels or length differ; the message names the field.
    """
    require_same_shape("The note", reference, estimated)


def evaluate(reference: Heard, estimated: Heard, pitch: float, *, held_s: float = HELD_S) -> Scores:
    """All measures of one note by the names in `METRICS`; None where there is nothing to measure.

    Args:
        reference: The recording.
        estimated: What was made.
        pitch: MIDI number of the key, near which pitches are looked for.
        held_s: When the key is let go.

    Raises:
        InvalidAudio: The notes cannot be compared (see `validate`).
    """
    true, found = reference.full, estimated.full
    for one, other in ((reference.low, estimated.low), (true, found)):
        validate(one, other)
    levels, made = (envelope(clip) for clip in (true, found))
    true_pitch = note_pitch(true, pitch)
    off = cents_off(true_pitch, note_pitch(found, pitch))
    return {
        "SING 16k": sing_distance(reference.low, estimated.low),
        "SING 48k": sing_distance(true, found) if true.sample_rate != LOW_RATE else None,
        "multi-resolution": multi_resolution_distance(true, found),
        "cents off": off,
        "in tune": float(off is not None and off <= IN_TUNE_CENTS) if true_pitch is not None else None,
        "onset 10 %, ms": _distance_ms(rise_s(levels, 0.1), rise_s(made, 0.1)),
        "onset 50 %, ms": _distance_ms(rise_s(levels, 0.5), rise_s(made, 0.5)),
        "slope, dB/s": slope_distance(levels, made, held_s),
        "release, ms": _distance_ms(release_s(levels, held_s), release_s(made, held_s)),
        "width, dB": abs(width_db(true) - width_db(found)) if true.channels == 2 and made.any() else None,
        "level, dB": abs(_held_db(true, held_s) - _held_db(found, held_s)),
    }


def sing_distance(reference: Clip, estimated: Clip) -> float:
    """SING's log-spectral distance (Défossez et al. 2018), as published at 16 kHz; 0 for equal notes.

    At higher rates the window lasts as long, and spectra are scaled to what they are at 16 kHz.
    """
    factor = reference.sample_rate / LOW_RATE
    true, found = (torch.from_numpy(clip.samples / np.float32(factor)) for clip in (reference, estimated))
    return float(log_spectral_distance(true, found, size=round(1024 * factor)).mean())


def multi_resolution_distance(reference: Clip, estimated: Clip) -> float:
    """DDSP's multi-scale spectral loss (Engel et al., ICLR 2020), windows as long as those of its 48 kHz models."""
    total = 0.0
    true, found = (torch.from_numpy(clip.samples.copy()) for clip in (reference, estimated))
    for size in _RESOLUTIONS:
        one, other = (_magnitudes(x, round(size * reference.sample_rate / HIGH_RATE)) for x in (true, found))
        logs = torch.log(one.clamp(min=_LOG_FLOOR)) - torch.log(other.clamp(min=_LOG_FLOOR))
        total += float((one - other).abs().mean() + logs.abs().mean())
    return total


def note_pitch(clip: Clip, pitch: float) -> NotePitch | None:
    """The pitch of a note by its first eight partials, within 120 cents of a key.

    The sum of the magnitudes at multiples of a frequency, over 0.7 s from where the note has begun, is greatest at the
    pitch. The octave is judged apart, since a comb of partials fits notes an octave above it, too.

    Returns:
        None where there is no clear pitch near the key.
    """
    mono = clip.samples.mean(axis=0).astype(np.float64)
    begin = rise_s(envelope(clip), 0.5)
    if begin is None:
        return None
    size = round(_PITCH_S * clip.sample_rate)
    part = mono[round(begin * clip.sample_rate) :][:size]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 4 * size))
    per_hz = 4 * size / clip.sample_rate
    key_hz = float(midi_to_hz(pitch))
    highest = min(_HIGHEST_HZ, 0.45 * clip.sample_rate)
    partials = np.arange(1, max(1, min(_PARTIALS, int(highest / key_hz))) + 1)
    edge = _REACH_CENTS + _VIBRATO_CENTS
    steps = np.arange(-edge, edge + 1, _GRID_CENTS)
    hz = key_hz * 2.0 ** (steps / OCTAVE_CENTS)
    sums = np.interp(np.outer(partials, hz) * per_hz, np.arange(len(spectrum)), spectrum).sum(axis=0)
    # Vibrato stays longest at its two ends: without this one of them would be taken for the pitch.
    width = np.hanning(2 * round(_VIBRATO_CENTS / _GRID_CENTS) + 1)
    steps, sums = (np.convolve(x, width / width.sum(), "valid") for x in (steps, sums))
    top = int(np.argmax(sums))
    if not 0 < top < len(sums) - 1 or sums[top] < _LEAST_PEAK * float(sums.mean()):
        return None
    below, middle, above = sums[top - 1 : top + 2]
    cents = float(steps[top] + _GRID_CENTS * 0.5 * (below - above) / min(below - 2 * middle + above, -1e-12))
    found_hz = key_hz * 2.0 ** (cents / OCTAVE_CENTS)
    powers, halfway, quarters = (
        _powers_about(spectrum, (partials - offset) * found_hz * per_hz) for offset in (0.0, 0.5, 0.25)
    )
    whole, between = max(float(powers.sum()), 1e-20), float(halfway.sum())
    if float(quarters.sum()) > _MOST_ELSEWHERE * (whole + between):
        return None
    return NotePitch(cents, float(powers[::2].sum()) / whole, between / whole)


def cents_off(true: NotePitch | None, found: NotePitch | None) -> float | None:
    """Distance of two pitches; an octave if one is missing the partials that tell it, None where one has no pitch."""
    if true is None or found is None:
        return None
    is_high = true.odd > _OCTAVE_HAS and found.odd < _OCTAVE_LACKS
    is_low = true.between < _OCTAVE_HAS and found.between > 10 * _OCTAVE_HAS
    return OCTAVE_CENTS if is_high or is_low else abs(true.cents - found.cents)


def envelope(clip: Clip) -> Doubles:
    """Level (RMS over channels) every millisecond, smoothed over eleven of them, shape [milliseconds]."""
    size = round(_STEP_S * clip.sample_rate)
    whole = clip.samples[:, : clip.frames // size * size].astype(np.float64)
    power = np.square(whole).reshape(clip.channels, -1, size).mean(axis=(0, 2))
    window = np.hanning(_SMOOTHED_STEPS + 2)[1:-1]
    return np.sqrt(np.convolve(power, window / window.sum(), "same")) if len(power) else power


def rise_s(levels: Doubles, share: float) -> float | None:
    """When the level first reaches a share of its maximum within the first second; None of silence."""
    early = levels[: round(_RISE_WITHIN_S / _STEP_S)]
    top = float(early.max(initial=0.0))
    if top < 10.0 ** (_SOFTEST_DB / 20.0):
        return None
    first = int(np.argmax(early >= share * top))
    if first == 0:
        return 0.0
    below, above = early[first - 1], early[first]
    return float((first - 1 + (share * top - below) / (above - below)) * _STEP_S)


def slope_distance(true: Doubles, found: Doubles, held_s: float) -> float | None:
    """Difference of the slopes of two envelopes, in dB a second, from 0.3 s to the release, where the first is heard.

    None where the first is not within 60 dB of its loudest for 0.2 s, or the second is silent.
    """
    start, stop = round(_SLOPE_FROM_S / _STEP_S), round(held_s / _STEP_S)
    points = np.arange(start, min(stop, len(true)), _SLOPE_STEPS)
    heard_at = points[true[points] > _AUDIBLE * true.max(initial=1e-12)]
    if len(heard_at) < _FEWEST_POINTS or found.max(initial=0.0) < 10.0 ** (_SOFTEST_DB / 20.0):
        return None
    # A sound that has ended cannot fall further: it is held 20 dB below what still counts.
    floor = 0.1 * _AUDIBLE * float(true.max())
    slopes = [
        np.polyfit(heard_at * _STEP_S, 20 * np.log10(np.maximum(x[heard_at], floor)), 1)[0] for x in (true, found)
    ]
    return abs(float(slopes[0] - slopes[1]))


def release_s(levels: Doubles, held_s: float) -> float | None:
    """How long after the release a note has fallen by 20 dB; the rest of the note if it never does.

    None where it was 60 dB below its loudest already.
    """
    held = round(held_s / _STEP_S)
    before = float(levels[max(0, held - 50) : max(1, held - 10)].mean()) if held <= len(levels) else 0.0
    if before <= max(_AUDIBLE * float(levels.max(initial=0.0)), 10.0 ** (_SOFTEST_DB / 20.0)):
        return None
    after = levels[held:]
    fallen = np.flatnonzero(after <= _FALLEN * before)
    return float(fallen[0] if len(fallen) else len(after)) * _STEP_S


def width_db(clip: Clip) -> float:
    """Level of the side (half the difference of the channels) against the mid, within 40 dB; -40 is mono."""
    left, right = clip.samples.astype(np.float64)
    mid, side = float(np.square(left + right).sum()), float(np.square(left - right).sum())
    ratio = 10.0 * float(np.log10(max(side, 1e-12) / max(mid, 1e-12)))
    return min(max(ratio, -_WIDEST_DB), _WIDEST_DB)


def _fitted(clip: Clip, frames: int) -> Clip:
    return Clip(clip.samples[:, :frames], clip.sample_rate).pad_to(frames)


def _magnitudes(samples: Tensor, size: int) -> Tensor:
    window = torch.hann_window(size)
    magnitudes: Tensor = torch.stft(samples, size, size // 4, window=window, return_complex=True).abs()
    return magnitudes


def _powers_about(spectrum: Doubles, places: Doubles) -> Doubles:
    """The greatest power within 50 cents of each place."""
    reach = 2.0 ** (_PARTIAL_CENTS / OCTAVE_CENTS)
    spans = [(int(place / reach), int(place * reach) + 2) for place in places]
    return np.array([np.square(spectrum[low:high]).max(initial=0.0) for low, high in spans])


def _held_db(clip: Clip, held_s: float) -> float:
    held = clip.samples[:, : round(held_s * clip.sample_rate)]
    power = float(np.square(held, dtype=np.float64).mean()) if held.size else 0.0
    return max(_SOFTEST_DB, 10.0 * float(np.log10(max(power, 1e-20))))


def _distance_ms(true: float | None, found: float | None) -> float | None:
    return None if true is None or found is None else 1000.0 * abs(true - found)
