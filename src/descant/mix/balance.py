"""The balance of a mix: every stem in its place, at its level, in the room, out of the lead's way."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.effects.dynamics import ducking_gain
from descant.audio.effects.reverb import room_impulse
from descant.audio.loudness import LoudnessMeter, integrated_lufs
from descant.audio.spans import spans
from descant.mix.channel import REFERENCE_LUFS, SILENCE_LUFS, Place, gain_to_reach, level, place, polish, stand, tone
from descant.mix.options import MixOptions
from descant.mix.roles import LEAD, role_of
from descant.parallel import side_by_side
from descant.progress import CancelToken, Monitor

_ROOM_SEED = 7
_ROOM_SIZE_M = 5.0


@dataclass(frozen=True, slots=True)
class StemReport:
    """What was done to one stem.

    Attributes:
        role: "lead", "drums", "bass", ...
        lufs: Loudness after its filters and before its gain; -inf for silence.
        gain_db: Its static gain before the master's, trims included.
        pan: -1 left to 1 right.
    """

    role: str
    lufs: float
    gain_db: float
    pan: float


Balance = tuple[dict[str, Clip], dict[str, StemReport]]
"""The stems as they stand before the master's gain, stereo, and what was done to each."""


def keep_balance(stems: Mapping[str, Clip], lead: str | None, options: MixOptions, monitor: Monitor) -> Balance:
    """Levels and places as they come, but for trims that were asked for."""
    places = _places(stems, lead)
    standing: dict[str, Clip] = {}
    reports: dict[str, StemReport] = {}
    for name, clip in stems.items():
        monitor.report(len(standing) / len(stems))
        trim_db = options.trim_db.get(name, 0.0)
        standing[name] = level(clip.to_channels(2), _factor(trim_db))
        reports[name] = StemReport(places[name].role.name, integrated_lufs(clip), trim_db, 0.0)
    return standing, reports


def find_balance(stems: Mapping[str, Clip], lead: str | None, options: MixOptions, monitor: Monitor) -> Balance:
    """The balance that `descant.mix.api.mix` describes."""
    monitor.report(0.0)
    places = _places(stems, lead)

    def prepare(name: str, stop: CancelToken) -> Clip:
        is_polished = name == lead and options.polish_lead
        toned = polish(stems[name], cancel=stop) if is_polished else tone(stems[name], places[name].role)
        return place(toned, places[name])

    def measure(clip: Clip, _stop: CancelToken) -> float:
        return integrated_lufs(clip)

    ready = dict(zip(stems, side_by_side(prepare, stems, cancel=monitor.cancel), strict=True))
    monitor.report(0.3)
    loudness = dict(zip(ready, side_by_side(measure, ready.values(), cancel=monitor.cancel), strict=True))
    monitor.report(0.4)
    gains = _gains_db(ready, loudness, lead, places, options)
    monitor.report(0.5)
    ducking = _ducking(ready, lead, options)
    room = room_impulse(
        next(iter(ready.values())).sample_rate, decay_s=options.room_decay_s, size_m=_ROOM_SIZE_M, seed=_ROOM_SEED
    )

    def finish(name: str, _stop: CancelToken) -> Clip:
        role = places[name].role
        gives_way = None if ducking is None or not role.ducking else ducking**role.ducking
        clip = ready.pop(name)  # so that no stem is held twice for long
        return stand(clip, _factor(gains[name]), level(room, options.room * role.room), gives_way)

    standing = dict(zip(stems, side_by_side(finish, stems, cancel=monitor.cancel), strict=True))
    reports = {
        name: StemReport(
            places[name].role.name, loudness[name], gains[name] if clip.peak > 0 else 0.0, places[name].pan
        )
        for name, clip in stems.items()
    }
    return standing, reports


def _places(stems: Mapping[str, Clip], lead: str | None) -> dict[str, Place]:
    """Roles, and sides: parts that stand aside take turns, the first of each role on its role's usual side."""
    turns: dict[str, int] = defaultdict(int)
    places: dict[str, Place] = {}
    side = -1.0
    for name in stems:
        role = LEAD if name == lead else role_of(name)
        if role.pan:
            side = -side if turns["all"] else side
            turns["all"] += 1
            places[name] = Place(role, side * role.pan)
        else:
            places[name] = Place(role, 0.0)
    return places


def _gains_db(
    ready: Mapping[str, Clip],
    loudness: Mapping[str, float],
    lead: str | None,
    places: Mapping[str, Place],
    options: MixOptions,
) -> dict[str, float]:
    """The gain of each stem: to its role's loudness, the band as a whole `band_lu` from the lead, then trims."""
    gains: dict[str, float] = {}
    for name in ready:
        target = REFERENCE_LUFS + (0.0 if name == lead else places[name].role.level_lu)
        gains[name] = gain_to_reach(target, loudness[name])
    if lead is not None and loudness[lead] > SILENCE_LUFS:
        band = {name: gains[name] for name in ready if name != lead}
        together = _lufs_together(ready, band) if band else -math.inf
        if math.isfinite(together):
            for name in band:
                gains[name] += REFERENCE_LUFS + options.band_lu - together
    return {name: gain_db + options.trim_db.get(name, 0.0) for name, gain_db in gains.items()}


def _lufs_together(clips: Mapping[str, Clip], gains_db: Mapping[str, float]) -> float:
    """Loudness of the sum of some clips, each with a gain."""
    first = next(iter(clips.values()))
    meter = LoudnessMeter(first.sample_rate, first.channels, with_true_peak=False)
    for span in spans(first.frames):
        parts = (clips[name].samples[:, span] * np.float32(_factor(gain_db)) for name, gain_db in gains_db.items())
        meter.push(Clip(np.sum(list(parts), axis=0), first.sample_rate))
    return meter.integrated_lufs()


def _ducking(ready: Mapping[str, Clip], lead: str | None, options: MixOptions) -> NDArray[np.float32] | None:
    if lead is None or options.ducking_db == 0 or ready[lead].peak == 0:
        return None
    return ducking_gain(
        ready[lead], depth_db=options.ducking_db, attack_ms=options.attack_ms, release_ms=options.release_ms
    )


def _factor(gain_db: float) -> float:
    return float(10.0 ** (gain_db / 20.0))
