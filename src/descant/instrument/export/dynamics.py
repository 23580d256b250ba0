"""How loud an instrument is at each velocity, as steps that every player of SFZ understands.

Players agree neither on curves of velocity nor on `amp_veltrack` between 0 and 100. So each layer, at 0, is cut into
spans of velocities over which the instrument's level changes by 2 dB at most, each with a `volume`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LARGEST_STEP_DB = 2.0
_QUIETEST_DB, _LOUDEST_DB = -60.0, 6.0
_PROBED = (1, 2, 3, 5, 8, 12, 18, 26, 36, 48, 64, 80, 96, 112, 127)
_PROBE_S = 0.5
_SILENT_DB = -140.0
_UNHEARD_DB = -110.0

Floats = NDArray[np.float32]
PlayNote = Callable[[float, int, float, float | None], Floats]


@dataclass(frozen=True, slots=True)
class VelocitySpan:
    """Velocities that sound alike.

    Attributes:
        layer: The velocity whose recording is played.
        velocities: Lowest and highest.
        volume_db: Added to the recording.
    """

    layer: int
    velocities: tuple[int, int]
    volume_db: float


@dataclass(frozen=True, slots=True)
class Dynamics:
    """Levels of an instrument.

    Attributes:
        velocities: Rising.
        levels_db: Of each.
    """

    velocities: tuple[int, ...]
    levels_db: tuple[float, ...]

    def level_db(self, velocity: int) -> float:
        """Between the measured ones, the level is a line over the logarithm of the velocity; silence has no slope."""
        above = int(np.searchsorted(self.velocities, velocity))
        around = self.levels_db[max(above - 1, 0) : above + 1]
        if velocity not in self.velocities and min(around) <= _UNHEARD_DB:
            return _SILENT_DB
        return float(np.interp(np.log(velocity), np.log(self.velocities), self.levels_db))


def dynamics_of(note: PlayNote, key: int, layers: Sequence[int]) -> Dynamics:
    """Measure half a second of a key, struck with fifteen velocities and those of the layers."""
    velocities = tuple(sorted({*_PROBED, *layers}))
    levels = []
    for velocity in velocities:
        samples = note(key, velocity, _PROBE_S, _PROBE_S).astype(np.float64)
        power = float(np.square(samples).mean()) if samples.size else 0.0
        levels.append(max(10.0 * np.log10(max(power, 1e-20)), _SILENT_DB))
    return Dynamics(velocities, tuple(levels))


def velocity_spans(dynamics: Dynamics, layers: dict[int, tuple[int, int]]) -> tuple[VelocitySpan, ...]:
    """Cut layers into spans of 2 dB; velocities at which the instrument is silent are left out.

    Args:
        dynamics: Of the instrument.
        layers: Velocity of each recording to the velocities that it is played for.
    """
    spans: list[VelocitySpan] = []
    for layer, (lowest, highest) in layers.items():
        own = dynamics.level_db(layer)
        levels = {
            v: min(max(dynamics.level_db(v) - own, _QUIETEST_DB), _LOUDEST_DB) for v in range(lowest, highest + 1)
        }
        cut: list[list[int]] = []
        for velocity in levels:
            if cut and _spread([levels[v] for v in (*cut[-1], velocity)]) <= _LARGEST_STEP_DB:
                cut[-1].append(velocity)
            else:
                cut.append([velocity])
        for span in cut:
            inside = [levels[v] for v in span]
            middle = 0.0 if layer in span else (min(inside) + max(inside)) / 2.0
            if any(dynamics.level_db(v) > _UNHEARD_DB for v in span):
                spans.append(VelocitySpan(layer, (span[0], span[-1]), round(middle, 2)))
    return tuple(spans)


def _spread(levels: list[float]) -> float:
    return max(levels) - min(levels)
