"""One stem on its way into the mix: tone, place, level, room; each step a pure function of a clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.effects.dynamics import compress
from descant.audio.effects.equalizer import high_pass, peak
from descant.audio.effects.reverb import convolve
from descant.audio.effects.stereo import pan, width
from descant.audio.loudness import integrated_lufs
from descant.audio.spans import spans
from descant.mix.roles import Role
from descant.progress import CancelToken

REFERENCE_LUFS = -20.0
"""Loudness at which the lead passes its compressor, so that soft and loud recordings are treated alike."""

SILENCE_LUFS = -70.0
"""What measures at or below counts as silent."""

_PRESENCE_HZ, _PRESENCE_Q = 3_000.0, 0.8
_SIBILANCE_HZ = 5_500.0
_HIGHEST_GAIN_DB = 36.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stem stands: pan -1..1."""

    role: Role
    pan: float


def gain_to_reach(target_lufs: float, lufs: float) -> float:
    """The gain from one loudness to another; 0 for what is silent, and never so much that only noise is heard."""
    return min(target_lufs - lufs, _HIGHEST_GAIN_DB) if lufs > SILENCE_LUFS else 0.0


def polish(clip: Clip, *, cancel: CancelToken | None = None) -> Clip:
    """A voice made ready: rumble removed, at the reference loudness, gently compressed, de-essed."""
    if clip.peak == 0.0:
        return clip
    check = (cancel or CancelToken()).check
    clean = _without_rumble(clip, 80.0)
    check()
    even = clean.gain(gain_to_reach(REFERENCE_LUFS, integrated_lufs(clean)))
    check()
    dense = compress(even, threshold_db=REFERENCE_LUFS - 8.0, ratio=2.2, knee_db=8.0, attack_ms=8.0, release_ms=120.0)
    check()
    return _without_sibilance(dense)


def tone(clip: Clip, role: Role) -> Clip:
    """The filters of a role: what it does not need below, and a dip where the words of the lead are."""
    shaped = _without_rumble(clip, role.high_pass_hz)
    if role.presence_db and clip.sample_rate > 2.2 * _PRESENCE_HZ:
        shaped = peak(shaped, _PRESENCE_HZ, role.presence_db, q=_PRESENCE_Q)
    return shaped


def place(clip: Clip, at: Place) -> Clip:
    """A stem in the stereo picture."""
    stereo = clip.to_channels(2)
    if at.role.width != 1.0:
        stereo = width(stereo, at.role.width)
    return pan(stereo, at.pan) if at.pan else stereo


def level(clip: Clip, gain: float) -> Clip:
    """A clip times a factor."""
    return Clip(clip.samples * np.float32(gain), clip.sample_rate)


def stand(clip: Clip, gain: float, room: Clip, gives_way: NDArray[np.float32] | None) -> Clip:
    """A clip as it stands in the mix.

    Args:
        clip: Stereo.
        gain: Its factor.
        room: What the room answers to it; silence is no room.
        gives_way: A factor for each frame, None for ones.
    """
    wet = convolve(clip, level(room, gain)).samples if room.peak > 0 else None
    samples = np.empty(clip.samples.shape, np.float32)
    for span in spans(clip.frames):
        part = clip.samples[:, span] * np.float32(gain)
        if wet is not None:
            part += wet[:, span]
        if gives_way is not None:
            part *= gives_way[span]
        samples[:, span] = part
    return Clip(samples, clip.sample_rate)


def _without_rumble(clip: Clip, frequency_hz: float) -> Clip:
    return high_pass(clip, frequency_hz) if frequency_hz and clip.sample_rate > 2.2 * frequency_hz else clip


def _without_sibilance(clip: Clip) -> Clip:
    """The band of "s" compressed on its own: where it is not loud the clip stays as it is, to the bit almost."""
    if clip.sample_rate < 2.2 * _SIBILANCE_HZ:
        return clip
    bright = high_pass(clip, _SIBILANCE_HZ)
    tamed = compress(bright, threshold_db=REFERENCE_LUFS - 8.0, ratio=4.0, attack_ms=1.5, release_ms=50.0)
    samples = np.empty(clip.samples.shape, np.float32)
    for span in spans(clip.frames):
        samples[:, span] = clip.samples[:, span] - bright.samples[:, span] + tamed.samples[:, span]
    return Clip(samples, clip.sample_rate)
