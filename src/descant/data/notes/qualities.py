"""Which of NSynth's words for a note's sound hold, by measurement.

NSynth's own were told by people and by the synthesizers' settings. Four of the ten can be heard by simple rules, which
are stated here; the others (distortion, multiphonic, nonlinear envelope, percussive, reverb, tempo-synced) are never
said of notes made by Descant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from descant.data.notes.families import QUALITIES
from descant.data.notes.rendering import HELD_S

_BRIGHT_HZ, _BRIGHT_DB = 3000.0, -12.0
_DARK_HZ, _DARK_DB = 1000.0, -26.0
_DECAYED_DB = -20.0
_RINGING_DB = -20.0
_FRAME_S = 0.05


def qualities_of(mono: NDArray[np.float32], sample_rate: int, *, held_s: float = HELD_S) -> tuple[str, ...]:
    """Of bright, dark, fast_decay and long_release, those that hold.

    bright: what lies above 3 kHz is at most 12 dB softer than the whole. dark: what lies above 1 kHz is 26 dB softer
    or more. fast_decay: just before the key is let go the level has fallen by 20 dB. long_release: at the end the
    level is less than 20 dB below that.

    Args:
        mono: [samples], a note with some time after its release.
        sample_rate: In Hz.
        held_s: When the key was let go.
    """
    power = np.square(np.abs(np.fft.rfft(mono.astype(np.float64))))
    hz = np.fft.rfftfreq(len(mono), 1.0 / sample_rate)
    whole = max(float(power.sum()), 1e-20)

    def above(limit: float) -> float:
        return 10.0 * float(np.log10(max(float(power[hz >= limit].sum()) / whole, 1e-12)))

    size = round(_FRAME_S * sample_rate)
    frames = mono[: len(mono) // size * size].astype(np.float64).reshape(-1, size)
    levels = 10.0 * np.log10(np.square(frames).mean(axis=1) + 1e-12)
    held = max(1, round(held_s / _FRAME_S))
    before = float(levels[max(0, held - 4) : held].mean())
    found = {
        "bright": above(_BRIGHT_HZ) > _BRIGHT_DB,
        "dark": above(_DARK_HZ) < _DARK_DB,
        "fast_decay": before - float(levels.max()) < _DECAYED_DB,
        "long_release": float(levels[-4:].mean()) - before > _RINGING_DB and before > -70.0,
    }
    return tuple(name for name in QUALITIES if found.get(name, False))
