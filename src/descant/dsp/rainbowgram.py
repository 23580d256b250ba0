"""`Rainbowgram`: a note as a picture, how strong each frequency is and how its phase turns (Engel et al., ICML 2017).

Brightness is the magnitude of a constant-Q transform, colour the instantaneous frequency: by how much the phase moves
from frame to frame. A steady partial keeps one colour, vibrato makes waves of colours, noise speckles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from descant.errors import InvalidAudio, InvalidOption

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_LOBES = 24.0  # beyond so many the transform of a Hann window is 90 dB down


@dataclass(frozen=True, slots=True)
class RainbowOptions:
    """How the picture is made; the defaults are those of NSynth's authors.

    Attributes:
        lowest_hz: Of the lowest bin: C2.
        octaves: Covered by the bins.
        per_octave: Bins of an octave.
        filter_scale: Length of the windows, times the one at which neighbours just meet.
        frames_per_s: Of the picture: 16,000 / 256.
        floor_db: What is so far below the loudest is black.
        demodulated: Whether colour is the frequency against each bin's own, as in librosa's gallery, and not the plain
            movement of the phase: what is in tune with its bin then has the middle colour.
    """

    lowest_hz: float = 65.40639132514966
    octaves: int = 6
    per_octave: int = 40
    filter_scale: float = 0.8
    frames_per_s: float = 62.5
    floor_db: float = -70.0
    demodulated: bool = False

    def __post_init__(self) -> None:
        for name in ("lowest_hz", "octaves", "per_octave", "filter_scale", "frames_per_s"):
            if not 0 < getattr(self, name) < 1e5:
                raise InvalidOption(f"{name} must be positive; got {getattr(self, name)}.")
        if not -300.0 <= self.floor_db < 0.0:
            raise InvalidOption(f"floor_db must lie between -300 and 0; got {self.floor_db}.")

    @property
    def bins_hz(self) -> Doubles:
        """Centres of the bins, rising, shape [bins]."""
        steps: Doubles = np.arange(self.octaves * self.per_octave) / self.per_octave
        hz: Doubles = self.lowest_hz * 2.0**steps
        return hz


@dataclass(frozen=True, slots=True, eq=False)
class Rainbowgram:
    """A note as a picture.

    Attributes:
        magnitude: 0 at the floor, 1 at the loudest point, shape [bins, frames].
        deviation: Movement of the phase since the frame before, in half turns, -1..1, shape [bins, frames]; the first
            frame repeats the second.
        hz: Centres of the bins, shape [bins].
        times_s: Centres of the frames, shape [frames].
    """

    magnitude: Floats
    deviation: Floats
    hz: Doubles
    times_s: Doubles


def rainbowgram(mono: Floats, sample_rate: int, options: RainbowOptions = RainbowOptions()) -> Rainbowgram:
    """The picture of a note.

    Args:
        mono: [samples].
        sample_rate: In Hz.
        options: Bins, frames and colours.

    Raises:
        InvalidAudio: There are no samples.
        InvalidOption: The bins reach beyond half the sample rate, or frames do not start at samples.
    """
    if not mono.size:
        raise InvalidAudio("The note has no samples.", "Check that the file is complete.")
    hop = sample_rate / options.frames_per_s
    if hop != round(hop):
        raise InvalidOption(f"{options.frames_per_s:g} frames a second do not start at samples of {sample_rate} Hz.")
    hz = options.bins_hz
    transform = constant_q(mono, sample_rate, hz, hop=round(hop), width=_relative_width(options))
    strength = np.abs(transform)
    top = float(strength.max())
    level_db = 20.0 * np.log10(np.maximum(strength / top, 1e-20)) if top > 0 else np.full(strength.shape, -np.inf)
    turns = np.diff(np.angle(transform), axis=1, prepend=np.angle(transform[:, :1])) / (2.0 * np.pi)
    if options.demodulated:
        turns = turns - (hz / options.frames_per_s)[:, np.newaxis]
    turns = turns - np.round(turns)
    if turns.shape[1] > 1:
        turns[:, 0] = turns[:, 1]
    return Rainbowgram(
        np.clip(1.0 - level_db / options.floor_db, 0.0, 1.0).astype(np.float32),
        (2.0 * turns).astype(np.float32),
        hz,
        np.arange(strength.shape[1]) / options.frames_per_s,
    )


def constant_q(mono: Floats, sample_rate: int, hz: Doubles, *, hop: int, width: float) -> NDArray[np.complex128]:
    """The constant-Q transform (Brown 1991) with Hann windows, exact at every frame.

    Each bin's filter is applied to the spectrum of the whole; what is left of it is folded to the rate of the frames
    before it is turned back, so a bin costs no more than its band.

    Args:
        mono: [samples]; silence beyond both ends.
        sample_rate: In Hz.
        hz: Centres of the bins, each below half the rate.
        hop: Samples between frames; frame k is centred on sample k * hop.
        width: Distance of neighbouring bins over their frequency, times what shortens the windows: a bin's window has
            1 / width periods.

    Returns:
        Phases at the frames' centres, a sine of amplitude 1 reads 1, shape [bins, 1 + samples // hop].

    Raises:
        InvalidOption: A bin lies beyond half the sample rate.
    """
    if hz.max() >= sample_rate / 2:
        raise InvalidOption(f"A bin of {hz.max():.0f} Hz is beyond half of {sample_rate} Hz.", "Ask for fewer octaves.")
    count = 1 + len(mono) // hop
    longest = 1.0 / (width * float(hz.min()))
    frames = scipy.fft.next_fast_len(count + int(np.ceil(longest * sample_rate / hop)) + 1)
    size = frames * hop
    spectrum = scipy.fft.fft(mono.astype(np.float64), size)[: size // 2 + 1]
    step = sample_rate / size
    found = np.empty((len(hz), count), np.complex128)
    for row, centre in enumerate(hz):
        length_s = 1.0 / (width * centre)
        first = max(0, int(np.ceil((centre - _LOBES / length_s) / step)))
        last = min(len(spectrum), int((centre + _LOBES / length_s) / step) + 1)
        at = np.arange(first, last)
        lobes = (at * step - centre) * length_s
        response = np.sinc(lobes) + 0.5 * (np.sinc(lobes - 1.0) + np.sinc(lobes + 1.0))
        padded = np.zeros(-(-(last - first) // frames) * frames + frames, np.complex128)
        start = first % frames
        padded[start : start + last - first] = spectrum[first:last] * response
        folded = padded.reshape(-1, frames).sum(axis=0)
        found[row] = scipy.fft.ifft(folded)[:count] * (2.0 / hop)
    return found


def _relative_width(options: RainbowOptions) -> float:
    """Bandwidth over frequency at which neighbours just meet, widened by the filter scale."""
    ratio: float = 2.0 ** (2.0 / options.per_octave)
    return (ratio - 1.0) / (ratio + 1.0) / options.filter_scale
