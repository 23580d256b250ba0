"""`mix`: stems to a finished stereo piece, true in loudness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from descant.audio.clip import Clip, Stems
from descant.audio.normalize import normalize
from descant.errors import InvalidAudio, InvalidOption
from descant.mix.balance import StemReport, find_balance, keep_balance
from descant.mix.options import MixOptions
from descant.progress import CancelToken, Monitor, ProgressSink

DEFAULT_LUFS = -14.0
DEFAULT_TRUE_PEAK_DB = -1.0


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
    lead_name = lead if lead in stems else None
    balance = keep_balance if options.keep_balance else find_balance
    standing, reports = balance(stems, lead_name, options, monitor.part("balancing", 0.0, 0.6))
    mastering = monitor.part("mastering", 0.6, 1.0)
    mastering.report(0.0)
    finished = normalize(Stems(standing).mix(), lufs, true_peak_db, cancel=cancel)
    mastering.report(0.9)
    for name in standing:  # one after the other, so that no stem is held twice for long
        standing[name] = standing[name].gain(finished.gain_db)
    report = MixReport(
        stems=reports,
        lead=lead_name,
        gain_db=finished.gain_db,
        limiter_db=finished.reduction_db,
        lufs=finished.lufs,
        true_peak_db=finished.true_peak_db,
    )
    monitor.report(1.0)
    return Mix(finished.clip, Stems(standing), report)


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
