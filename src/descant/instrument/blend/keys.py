"""A blend as an instrument: every key at its pitch, held as long as it is held.

Its own attack and its own release are kept; between them time goes to and fro over the sustained middle, while loudness
goes on as it did there: a piano fades, an organ stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from descant.errors import InvalidOption
from descant.instrument.blend.bands import SAMPLE_RATE
from descant.instrument.blend.frames import FINE_HOP, FINER, HOP, Contours
from descant.instrument.blend.heard import Heard, read_between
from descant.instrument.blend.options import BlendOptions
from descant.instrument.blend.tone import render

if TYPE_CHECKING:
    from descant.instrument.blend.api import Blender, Sound

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_LOWEST, _HIGHEST = 21, 108
_ATTACK_S, _SHORTEST_MIDDLE_S = 0.2, 0.08
_HEARD_DB, _STEEPER_DB_PER_S, _STEEP_DB_PER_S = 45.0, 20.0, 30.0
_RELEASE_S, _RELEASE_DB = 0.25, 70.0
_LONGEST_S = 60.0
_STEP_S = FINE_HOP / SAMPLE_RATE
_REFERENCE = 100
_STEADY_DB_PER_S = 3.0


class BlendedInstrument:
    """See the module; a `descant.instrument.playable.Playable`.

    Args:
        blender: What heard the sounds.
        sounds: Two to four, single notes or lines.
        weights: As many, sum 1.
        options: The seed counts.
        name: Its name.

    Raises:
        InvalidOption: The sounds are chords, drums or noise, which have no pitch that a key could set.
    """

    def __init__(
        self,
        blender: Blender,
        sounds: Sequence[Sound],
        weights: Sequence[float],
        options: BlendOptions,
        *,
        name: str = "blend",
    ) -> None:
        if blender.mode_of(sounds, options) != "tone":
            raise InvalidOption(
                "Keys need sounds that are single notes or lines.", "These are not; --mode tone takes them as such."
            )
        self._name = name
        self._seed = options.seed
        self._coder = blender.coder
        self._line, self._gain_db = blender.mixed_line(sounds, weights, options)
        self._parts = _parts(self._line)
        sounding = self._line.contours
        loud = (sounding.pitched > 0.5) & (sounding.level_db > sounding.level_db.max() - 20.0)
        self._own_pitch = float(np.median(69.0 + 12.0 * np.log2(sounding.hz[loud if loud.any() else ...] / 440.0)))

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def sample_rate(self) -> int:
        """48 kHz."""
        return SAMPLE_RATE

    @property
    def pitches(self) -> range:
        """All keys of a piano."""
        return range(_LOWEST, _HIGHEST + 1)

    def note(self, pitch: float, velocity: int, held_s: float, length_s: float | None = None) -> Floats:
        """One note, see `Playable.note`.

        Raises:
            InvalidOption: A number is out of range.
        """
        if not 0 <= pitch <= 127 or not 1 <= velocity <= 127 or not 0.0 < held_s <= _LONGEST_S:
            raise InvalidOption(
                f"There is no note of pitch {pitch}, velocity {velocity} and {held_s} s.",
                f"Pitch is 0 to 127, velocity 1 to 127, and a key is held up to {_LONGEST_S:g} s.",
            )
        parts = self._parts
        whole_s = held_s + parts.release_s
        steps = -(-round(whole_s * SAMPLE_RATE) // HOP) * FINER + 1
        time: Doubles = np.arange(steps, dtype=np.float64) * _STEP_S
        places, shift_db = parts.walk(time, held_s)
        contours = self._line.contours
        fine = places * SAMPLE_RATE / FINE_HOP
        higher = 2.0 ** ((pitch - self._own_pitch) / 12.0)
        loudness = read_between(contours.level_db, fine) + shift_db + self._gain_db
        loudness = loudness + 20.0 * np.log10(velocity / _REFERENCE)
        played = Contours(
            (higher * np.exp(read_between(np.log(contours.hz), fine))).astype(np.float32),
            read_between(contours.pitched, fine),
            loudness.astype(np.float32),
        )
        codes = read_between(self._line.codes, places[::FINER] * SAMPLE_RATE / HOP)
        sound = render(self._coder.decode(codes, played.pitched[::FINER]), played, seed=self._seed)
        wanted = round((whole_s if length_s is None else length_s) * SAMPLE_RATE)
        return np.pad(sound[:, :wanted], ((0, 0), (0, max(0, wanted - sound.shape[1]))))


@dataclass(frozen=True, slots=True)
class _Parts:
    """Where a sound's parts are, in seconds, and how its loudness goes on while it is held."""

    onset_s: float
    middle_s: float
    release_at_s: float
    end_s: float
    falls: bool
    slope_db_per_s: float
    level_db: Floats

    @property
    def release_s(self) -> float:
        """How long it sounds after the key is let go."""
        return self.end_s - self.release_at_s if self.falls else _RELEASE_S

    def walk(self, time: Doubles, held_s: float) -> tuple[Doubles, Doubles]:
        """Where in the sound each moment of a note is, and by how many dB its loudness is moved."""
        let_go = time >= held_s
        place = self.onset_s + time
        # What is held longer than the sound lasts goes to and fro over its middle.
        width = self.release_at_s - self.middle_s
        over = np.maximum(place - self.release_at_s, 0.0)
        phase = np.mod(over, 2.0 * width)
        held = np.where(place > self.release_at_s, self.release_at_s - np.minimum(phase, 2.0 * width - phase), place)
        # There its own slope is taken out, and goes on from where it was.
        shift = np.where(over > 0, self.slope_db_per_s * (place - held), 0.0)
        after = np.maximum(time - held_s, 0.0)
        if self.falls:
            released: Doubles = np.minimum(self.release_at_s + after, self.end_s)
            release_shift: Doubles = np.full_like(
                time, np.interp(held_s, time, shift) + self._above_release(float(np.interp(held_s, time, held)))
            )
        else:
            released = np.full_like(time, np.interp(held_s, time, held))
            release_shift = np.interp(held_s, time, shift) - after / _RELEASE_S * _RELEASE_DB
        return np.where(let_go, released, held), np.where(let_go, release_shift, shift)

    def _above_release(self, at_s: float) -> float:
        """By how many dB the sound is louder at a moment than where its release begins."""
        now, then = np.interp([at_s, self.release_at_s], np.arange(len(self.level_db)) * _STEP_S, self.level_db)
        return float(now - then)


def _parts(line: Heard) -> _Parts:
    level = line.contours.level_db
    step = _STEP_S
    onset = max(0.0, line.onset_s - 0.02)
    heard = np.flatnonzero(level > float(level.max()) - _HEARD_DB)
    end = min(line.length_s, float(heard[-1]) * step + step)
    attack = min(_ATTACK_S, 0.25 * (end - onset))
    first = int((onset + attack) / step)
    rows = np.arange(first, max(first + 2, min(int(end / step), len(level))))
    rows = rows[rows < len(level)] if first + 2 < len(level) else np.array([0, len(level) - 1])
    time: Doubles = rows.astype(np.float64) * step
    at, slope, later = _bend(time, level[rows].astype(float))
    falls = later < min(slope - _STEEPER_DB_PER_S, -_STEEP_DB_PER_S)
    release = at if falls else end
    if not falls:
        slope, _ = _line(time, level[rows].astype(float))
    middle = min(onset + attack, release - step)
    held = 0.0 if slope > -_STEADY_DB_PER_S else slope
    return _Parts(onset, middle, release, max(end, release), falls, held, level)


def _bend(time: Doubles, level: Doubles) -> tuple[float, float, float]:
    """Two straight lines that follow a loudness best: where the second begins, and both slopes in dB per second."""
    best = (np.inf, float(time[-1]), 0.0, 0.0)
    least = max(3, round(_SHORTEST_MIDDLE_S * SAMPLE_RATE / FINE_HOP))
    for cut in range(least, len(time) - least, max(1, len(time) // 200)):
        first, second = (_line(time[part], level[part]) for part in (slice(cut), slice(cut, None)))
        if first[1] + second[1] < best[0]:
            best = (first[1] + second[1], float(time[cut]), first[0], second[0])
    return best[1:]


def _line(time: Doubles, level: Doubles) -> tuple[float, float]:
    """The slope of a straight line through points, and the sum of squares it leaves."""
    off, high = time - time.mean(), level - level.mean()
    slope = float((off * high).sum() / max(float((off * off).sum()), 1e-12))
    return slope, float(((high - slope * off) ** 2).sum())
