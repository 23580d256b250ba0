"""What is wrong with a recording before anything is heard in it: silence, clipping, dead channels, DC, telephones."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from descant.audio.clip import Clip

Floats = NDArray[np.float32]

_SILENT = 1e-3
_SHORTEST_S = 0.15
_DEAD = 1e-3
_DC_SHARE = 0.05
_FLAT, _FLAT_RUN, _CLIP_PEAK, _CLIP_SHARE = 1e-4, 6, 0.5, 2e-3
_TELEPHONE_RATE = 12_000
_CLIFF = ((2500.0, 3600.0), (4300.0, 5500.0))
_CLIFF_DB = 30.0


def condition(clip: Clip) -> tuple[Floats, tuple[str, ...], str]:
    """A recording made fit to listen to, and what there is to say about it.

    Args:
        clip: Any rate and channel count.

    Returns:
        [2, samples] without DC, a dead channel replaced by the live one; caveats; and why it cannot be used at all,
        which is empty where it can.
    """
    if clip.frames < _SHORTEST_S * clip.sample_rate:
        fault = f"lasts {clip.duration_s:.2f} s, and less than {_SHORTEST_S:g} s tells too little."
        return clip.to_channels(2).samples, (), fault
    caveats = []
    samples = clip.samples[:2] if clip.channels > 1 else np.repeat(clip.samples, 2, axis=0)
    centre = samples.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    free = samples - centre
    if float(np.abs(free).max()) < _SILENT:
        return free, (), "is silent."
    if float(np.abs(centre).max()) > _DC_SHARE * float(np.abs(free).max()):
        caveats.append("is off the zero line (DC); that was taken out.")
    power = np.sqrt(np.square(free, dtype=np.float64).mean(axis=1))
    if power.min() < _DEAD * power.max():
        side = "left" if power[0] < power[1] else "right"
        caveats.append(f"is silent on the {side}; the other side is used for both.")
        free = np.repeat(free[[int(np.argmax(power))]], 2, axis=0)
    clipped = clipped_share(clip.samples)
    if clipped > _CLIP_SHARE:
        caveats.append(f"is clipped ({clipped:.1%} of it is cut off flat): the distortion is learned with the note.")
    if clip.sample_rate <= _TELEPHONE_RATE or _has_cliff(free, clip.sample_rate):
        caveats.append("has nothing above 4 kHz, like a telephone: the instrument will sound as dull.")
    return free, tuple(caveats), ""


def clipped_share(samples: Floats) -> float:
    """Share of samples that lie in flat runs at the peak of their channel, 0 to 1."""
    most = 0.0
    for channel in samples:
        peak = float(np.abs(channel).max())
        if peak < _CLIP_PEAK:
            continue
        for sign in (1.0, -1.0):
            at_top = np.concatenate(([False], sign * channel >= (1.0 - _FLAT) * peak, [False]))
            edges = np.flatnonzero(np.diff(at_top.astype(np.int8)))
            lengths = edges[1::2] - edges[::2]
            most = max(most, float(lengths[lengths >= _FLAT_RUN].sum()) / len(channel))
    return most


def _has_cliff(samples: Floats, sample_rate: int) -> bool:
    """Whether the spectrum ends at 4 kHz, as that of an enlarged telephone recording does."""
    if sample_rate < 2 * _CLIFF[1][1]:
        return True
    hz, power = scipy.signal.welch(samples.mean(axis=0), sample_rate, nperseg=min(4096, samples.shape[1]))
    # Between the partials of a clean note it is silent anyway: what is compared is what lies there, not the partials.
    below, above = (float(np.median(power[(hz >= low) & (hz < high)])) for low, high in _CLIFF)
    audible = below > 1e-7 * float(power.max())
    return audible and below > 10.0 ** (_CLIFF_DB / 10.0) * above
