"""`mix`: stems to a finished stereo piece, true in loudness."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip, Stems
from descant.audio.effects.dynamics import ducking_gain
from descant.audio.effects.reverb import room_impulse
from descant.audio.loudness import integrated_lufs
from descant.errors import InvalidAudio, InvalidOption
from descant.mix.channel import (
    REFERENCE_LUFS,
    SILENCE_LUFS,
    Place,
    gain_to_reach,
    level,
    place,
    polish,
    tone,
    with_room,
)
from descant.mix.master import master
from descant.mix.options import MixOptions
from descant.mix.roles import LEAD, role_of
from descant.progress import CancelToken, Monitor, ProgressSink

DEFAULT_LUFS = -14.0
DEFAULT_TRUE_PEAK_DB = -1.0
_WORKERS = 2
_ROOM_SEED = 7


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


@dataclass(frozen=True, slots=True)
class MixReport:
    """How a mix was made.

    Attributes:
        stems: By name.
        lead: Name of the lead, or None where no stem has it.
        gain_db: The one gain of the master, before its limiter.
        limiter_db: The most that the limiter took away.
        lufs: Loudness of the mix; -inf for silence.
        true_peak_db: Its true peak in dBTP; -inf for silence.
    """

    stems: Mapping[str, StemReport]
    lead: str | None
    gain_db: float
    limiter_db: float
    lufs: float
    true_peak_db: float


@dataclass(frozen=True, slots=True, eq=False)
class Mix:
    """A finished mix.

    Attributes:
        clip: Stereo, limited.
        stems: Each stem as it stands in the mix; their sum is the mix before the limiter.
        report: What was done.
    """

    clip: Clip
    stems: Stems
    report: MixReport


def mix(
    stems: Mapping[str, Clip],
    *,
    lead: str = "vocals",
    lufs: float = DEFAULT_LUFS,
    true_peak_db: float = DEFAULT_TRUE_PEAK_DB,
    options: MixOptions | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Mix:
    """Mix stems: balance by loudness, tone, place, a common room, ducking under the lead, then the master.

    The lead goes through its polish and stays in the centre. The other stems are set to loudnesses that fit their
    roles (told from their names, see `descant.mix.roles`), and all of them together to `options.band_lu` below the
    lead, measured while anything sounds. One gain then brings the whole to `lufs`, and a look-ahead limiter on the sum
    holds the true peak. The length stays; a mono set becomes stereo.

    Args:
        stems: Clips of one length and rate, mono or stereo, by name. They are not changed.
        lead: Name of the stem that must be heard; without it all stems are the band.
        lufs: Integrated loudness of the mix, -60 to -5.
        true_peak_db: Ceiling in dBTP, at most 0.
        options: All else.
        progress: Receives progress events.
        cancel: Stops the work.

    Raises:
        InvalidAudio: There are no stems, they differ in length or rate, or one has more than two channels.
        InvalidOption: A target is out of range.

    Example:
        >>> result = mix({"vocals": voice, "piano": piano})  # doctest: +SKIP
    """
    options = options or MixOptions()
    _check(stems, lufs, true_peak_db)
    monitor = Monitor(progress, cancel, "mixing")
    monitor.report(0.0)
    lead_name = lead if lead in stems else None
    places = _places(stems, lead_name)
    if options.keep_balance:
        standing = {n: level(c.to_channels(2), _factor(options.trim_db.get(n, 0.0))) for n, c in stems.items()}
        reports = {n: StemReport(places[n].role.name, integrated_lufs(c), options.trim_db.get(n, 0.0), 0.0)
                   for n, c in stems.items()}  # fmt: skip
    else:
        standing, reports = _balanced(stems, lead_name, places, options, monitor.part("balancing", 0.0, 0.6))
    monitor.part("mastering", 0.6, 1.0).report(0.0)
    summed = Stems(standing)
    finished = master(summed.mix(), lufs, true_peak_db)
    monitor.report(0.95)
    result = Mix(
        finished.clip,
        Stems({name: clip.gain(finished.gain_db) for name, clip in standing.items()}),
        MixReport(
            stems=reports,
            lead=lead_name,
            gain_db=finished.gain_db,
            limiter_db=finished.reduction_db,
            lufs=finished.lufs,
            true_peak_db=finished.true_peak_db,
        ),
    )
    monitor.report(1.0)
    return result


def _check(stems: Mapping[str, Clip], lufs: float, true_peak_db: float) -> None:
    if not -60.0 <= lufs <= -5.0:
        raise InvalidOption(f"A loudness of {lufs} LUFS is out of range.", "Use -60 to -5; streaming wants -14.")
    if not -20.0 <= true_peak_db <= 0.0:
        raise InvalidOption(f"A ceiling of {true_peak_db} dBTP is out of range.", "Use -20 to 0, for instance -1.")
    if not stems:
        raise InvalidAudio("There is nothing to mix.", "Give at least one stem.")
    shapes = {(c.frames, c.sample_rate) for c in stems.values()}
    if len(shapes) > 1:
        raise InvalidAudio(
            f"Stems must agree in frames and rate; got {sorted(shapes)}.", "Resample and pad them, or use mix_files."
        )
    for name, clip in stems.items():
        if clip.channels > 2:
            raise InvalidAudio(f"The stem {name!r} has {clip.channels} channels.", "Mix it down to one or two.")


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


def _balanced(
    stems: Mapping[str, Clip], lead: str | None, places: Mapping[str, Place], options: MixOptions, monitor: Monitor
) -> tuple[dict[str, Clip], dict[str, StemReport]]:

    def prepare(name: str) -> Clip:
        monitor.report(0.1)
        clip, at = stems[name], places[name]
        if name == lead and options.polish_lead:
            return place(polish(clip), at)
        return place(tone(clip, at.role), at)

    with ThreadPoolExecutor(_WORKERS) as pool:
        ready = dict(zip(stems, pool.map(prepare, stems), strict=True))
        monitor.report(0.4)
        loudness = dict(zip(ready, pool.map(integrated_lufs, ready.values()), strict=True))
    gains: dict[str, float] = {}
    for name in ready:
        target = REFERENCE_LUFS + (0.0 if name == lead else places[name].role.level_lu)
        gains[name] = gain_to_reach(target, loudness[name])
    for name, shift in _band_shift_db(ready, gains, lead, loudness, options).items():
        gains[name] += shift
    for name in ready:
        gains[name] += options.trim_db.get(name, 0.0)
    monitor.report(0.7)
    ducking = None
    if lead is not None and options.ducking_db > 0 and ready[lead].peak > 0:
        ducking = ducking_gain(
            ready[lead], depth_db=options.ducking_db, attack_ms=options.attack_ms, release_ms=options.release_ms
        )
    rate = next(iter(ready.values())).sample_rate
    room = room_impulse(rate, decay_s=options.room_decay_s, size_m=5.0, seed=_ROOM_SEED)

    def finish(name: str) -> Clip:
        monitor.report(0.8)
        role = places[name].role
        wet = with_room(level(ready[name], _factor(gains[name])), room, options.room * role.room)
        return wet if ducking is None or not role.ducking else level(wet, _partly(ducking, role.ducking))

    with ThreadPoolExecutor(_WORKERS) as pool:
        standing = dict(zip(ready, pool.map(finish, ready), strict=True))
    reports = {
        name: StemReport(places[name].role.name, loudness[name], _reported(stems[name], gains[name]), places[name].pan)
        for name in ready
    }
    return standing, reports


def _reported(clip: Clip, gain_db: float) -> float:
    return gain_db if clip.peak > 0 else 0.0


def _band_shift_db(
    ready: Mapping[str, Clip],
    gains: Mapping[str, float],
    lead: str | None,
    loudness: Mapping[str, float],
    options: MixOptions,
) -> dict[str, float]:
    """One more gain for all of the band, so that it stands `band_lu` from the lead however many parts it has."""
    band = [name for name in ready if name != lead]
    if lead is None or not band or loudness[lead] <= SILENCE_LUFS:
        return {}
    total = np.zeros(ready[lead].samples.shape, np.float32)
    for name in band:
        total += ready[name].samples * np.float32(_factor(gains[name]))
    together = integrated_lufs(Clip(total, ready[lead].sample_rate))
    if not math.isfinite(together):
        return {}
    shift = REFERENCE_LUFS + options.band_lu - together
    return dict.fromkeys(band, shift)


def _factor(gain_db: float) -> float:
    return float(10.0 ** (gain_db / 20.0))


def _partly(ducking: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    return ducking if share == 1.0 else (ducking**share).astype(np.float32)
