"""The notes of an export: rendered, tuned, looped or rung out, and kept on disk until their common gain is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from descant.dsp.pitch import midi_to_hz
from descant.errors import InvalidOption, NothingHeard
from descant.instrument.export.chunks import Zone
from descant.instrument.export.levels import held_slope, release_time
from descant.instrument.export.loops import Loop, looped
from descant.instrument.export.options import ExportOptions
from descant.instrument.export.tuning import cents_off
from descant.instrument.playable import Playable
from descant.progress import Monitor
from descant.score.wav_folder import key_zones

Floats = NDArray[np.float32]

_DECAYING_DB_PER_S = -3.0
_PROBES = 5
_SILENT = 1e-5
_HEARD_CENTS = 0.5
_RUNG_OUT = 10.0 ** (-72.0 / 20.0)
_END_FADE_S = 0.05
_RELEASE_PROBE_S = 1.0
_FARTHEST = 12


@dataclass(frozen=True, slots=True)
class SampledNote:
    """A note of the set.

    Attributes:
        velocity: With which it was struck.
        zone: Where a player uses it.
        sample_rate: In Hz.
        loop: None where it has none.
        release_s: The release that a player gives it; see `release_time`.
        peak: Its highest sample, before the gain of the set.
        kept: The file with its samples.
    """

    velocity: int
    zone: Zone
    sample_rate: int
    loop: Loop | None
    release_s: float
    peak: float
    kept: Path

    @property
    def samples(self) -> Floats:
        """[2, frames], before the gain of the set."""
        loaded: Floats = np.load(self.kept)
        return loaded


class Renderer:
    """Renders notes of an instrument at the rate of the export.

    Args:
        playable: The instrument.
        options: What is exported.

    Attributes:
        sample_rate: In Hz.
        keys: Those asked for that the instrument plays well.

    Raises:
        InvalidOption: There are none.
    """

    def __init__(self, playable: Playable, options: ExportOptions) -> None:
        self._playable = playable
        self.options = options
        self.sample_rate = options.sample_rate or playable.sample_rate
        well = playable.pitches
        self.keys = tuple(key for key in options.keys if key in well)
        if not self.keys:
            raise InvalidOption(
                f"{playable.name} plays the keys {well.start} to {well.stop - 1}, and none of those asked for.",
                f"Ask for some with --keys {well.start}:{well.stop - 1}.",
            )

    def note(self, pitch: float, velocity: int, held_s: float, length_s: float | None = None) -> Floats:
        """See `Playable.note`."""
        samples = self._playable.note(pitch, velocity, held_s, length_s)
        if self.sample_rate == self._playable.sample_rate:
            return samples
        converted = soxr.resample(samples.T, self._playable.sample_rate, self.sample_rate, quality="VHQ").T
        return np.ascontiguousarray(converted, np.float32)

    def tuned_note(self, pitch: int, velocity: int, held_s: float) -> tuple[Floats, float]:
        """A note until it has rung out, and by how many cents it is off: played again in tune, unless told not to."""
        samples = self.note(pitch, velocity, held_s)
        cents = cents_off(samples, self.sample_rate, pitch, held_s)
        if abs(cents) < _HEARD_CENTS or self.options.own_tuning:
            return samples, cents if self.options.own_tuning else 0.0
        return self.note(pitch - cents / 100.0, velocity, held_s), 0.0

    def is_decaying(self) -> bool:
        """Whether held notes decay: by more than 3 dB a second, in the middle of five keys spread over the export."""
        keys = self.keys
        chosen = sorted({keys[round(place)] for place in np.linspace(0, len(keys) - 1, _PROBES)})
        held = self.options.held_s
        notes = [self.note(key, self.options.velocities[-1], held, held) for key in chosen]
        slopes = [held_slope(note, self.sample_rate, held) for note in notes if np.abs(note).max(initial=0) > _SILENT]
        if not slopes:
            raise NothingHeard(
                f"{self._playable.name} is silent on the keys {keys[0]} to {keys[-1]}.", "Choose others with --keys."
            )
        return float(np.median(slopes)) < _DECAYING_DB_PER_S

    def release_s(self, key: int, velocity: int) -> float:
        """How long a player lets a note ring when its key is let go; see `release_time`."""
        released = self.note(key, velocity, _RELEASE_PROBE_S)
        length_s = released.shape[1] / self.sample_rate
        held_on = self.note(key, velocity, length_s, length_s)
        return release_time(released, held_on, self.sample_rate, _RELEASE_PROBE_S)


def sampled_notes(renderer: Renderer, folder: Path, monitor: Monitor) -> tuple[SampledNote, ...]:
    """Render all notes of an export; keys that stay silent leave theirs to their neighbours.

    Args:
        renderer: Of the instrument.
        folder: Where their samples are kept.
        monitor: Receives progress.

    Raises:
        NothingHeard: The instrument is silent.
        DescantError: As its `note`.
    """
    options = renderer.options
    monitor.report(0.0)
    decays = renderer.is_decaying()
    loops = options.loop == "always" or (options.loop == "auto" and not decays)
    held_s = options.longest_s if decays and not loops else options.held_s
    layers = layers_of(options.velocities)
    wanted = [(key, velocity) for key in renderer.keys for velocity in layers]
    notes = []
    for done, (key, velocity) in enumerate(wanted):
        monitor.report(done / len(wanted), f"{done} of {len(wanted)} notes")
        samples, cents = renderer.tuned_note(key, velocity, held_s)
        if np.abs(samples).max(initial=0.0) <= _SILENT:
            continue
        loop = None
        if loops:
            hertz = float(midi_to_hz(key + cents / 100.0))
            found = looped(samples, renderer.sample_rate, hertz, held_s)
            samples, loop = found if found is not None else (samples, None)
        ended = _ended(samples, renderer.sample_rate)
        kept = folder / f"{key:03d}-{velocity:03d}.npy"
        np.save(kept, ended)
        zone = Zone(key, cents, (key, key), layers[velocity])
        release_s = renderer.release_s(key, velocity)
        peak = float(np.abs(ended).max())
        notes.append(SampledNote(velocity, zone, renderer.sample_rate, loop, release_s, peak, kept))
    zones = _reaching(key_zones(sorted({note.zone.root for note in notes})))
    return tuple(replace(note, zone=replace(note.zone, keys=zones[note.zone.root])) for note in notes)


def layers_of(velocities: tuple[int, ...]) -> dict[int, tuple[int, int]]:
    """Each velocity with the span it is played for: up to itself, the highest up to 127."""
    lowest = [1, *(velocity + 1 for velocity in velocities[:-1])]
    return {
        velocity: (low, 127 if velocity == velocities[-1] else velocity)
        for low, velocity in zip(lowest, velocities, strict=True)
    }


def _reaching(zones: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Zones that end an octave away from their root: what is transposed further is another instrument."""
    return {root: (max(low, root - _FARTHEST), min(high, root + _FARTHEST)) for root, (low, high) in zones.items()}


def _ended(samples: Floats, sample_rate: int) -> Floats:
    """What is heard of a note, its end faded."""
    loud = np.flatnonzero(np.abs(samples).max(axis=0) > _RUNG_OUT * np.abs(samples).max())
    fade = round(_END_FADE_S * sample_rate)
    ended = samples[:, : int(loud[-1]) + 1 + fade].copy()
    fade = min(fade, ended.shape[1])
    ended[:, -fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return ended
