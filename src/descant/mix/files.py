"""`mix_files`: audio files of any rate, length and channel count to one mix."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from descant.audio.clip import Clip
from descant.audio.formats import output_format
from descant.audio.io import read, write
from descant.audio.resample import resample
from descant.errors import InvalidOption
from descant.files import PathLike, as_path, require_distinct
from descant.mix.api import DEFAULT_LUFS, DEFAULT_TRUE_PEAK_DB, MixReport, mix
from descant.mix.options import MixOptions
from descant.parallel import Tally, side_by_side
from descant.progress import CancelToken, Monitor, ProgressSink

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MixedFiles:
    """What `mix_files` wrote.

    Attributes:
        path: The mix.
        stems: Each stem as it stands in the mix, where asked for.
        report: How it was made.
        notes: What had to be changed about the files so that they fit together.
    """

    path: Path
    stems: tuple[Path, ...]
    report: MixReport
    notes: tuple[str, ...]


def mix_files(
    files: Sequence[PathLike],
    out: PathLike,
    *,
    lead: str = "vocals",
    lufs: float = DEFAULT_LUFS,
    true_peak_db: float = DEFAULT_TRUE_PEAK_DB,
    stems: PathLike | None = None,
    options: MixOptions | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> MixedFiles:
    """Mix audio files; a stem's name is its file's name without the suffix.

    Files of another rate are resampled to the highest rate among them, shorter ones get silence at their end, and
    more than two channels are mixed down; each is said in the notes.

    Args:
        files: At least one audio file.
        out: Audio file to write; its suffix is the format.
        lead: Name of the lead, or a part of it, in any case ("vocals" finds "My Song - Vocals.wav").
        lufs: Loudness of the mix.
        true_peak_db: Its ceiling.
        stems: Folder for each stem as it stands in the mix, in the format of `out`.
        options: See `MixOptions`.
        progress: Receives progress events.
        cancel: Stops the work.

    Raises:
        DescantError: As `mix`, `descant.audio.io.read` and `write` do.
    """
    sources, targets = _sources_and_targets(files, as_path(out), None if stems is None else as_path(stems))
    monitor = Monitor(progress, cancel)
    fitted, notes = fit_together(_read_all(sources, monitor.part("reading", 0.0, 0.3)))
    for note in notes:
        _log.info(note)
    mixed = mix(
        fitted,
        lead=find_lead(tuple(fitted), lead) or lead,
        lufs=lufs,
        true_peak_db=true_peak_db,
        options=_named_trims(options, tuple(fitted)),
        progress=monitor.part("mixing", 0.3, 0.9).sink,
        cancel=cancel,
    )
    results = {as_path(out): mixed.clip, **{target: mixed.stems[name] for name, target in targets.items()}}
    path, *written = _write_all(results, monitor.part("writing", 0.9, 1.0))
    return MixedFiles(path, tuple(written), mixed.report, notes)


def _sources_and_targets(
    files: Sequence[PathLike], out: Path, stems: Path | None
) -> tuple[dict[str, Path], dict[str, Path]]:
    """Each stem's file, and where it goes (nowhere without a folder for stems); what cannot be is refused."""
    if not files:
        raise InvalidOption("There is nothing to mix.", "Name at least one audio file.")
    output_format(out, None)  # a wrong suffix is said before the work, not after
    names = _free_names(files)
    targets = {} if stems is None else {name: stems / f"{name}{out.suffix}" for name in names}
    for file in files:
        for target in (out, *targets.values()):
            require_distinct(file, target)
    return dict(zip(names, map(as_path, files), strict=True)), targets


def _read_all(sources: Mapping[str, Path], monitor: Monitor) -> dict[str, Clip]:
    tally = Tally(monitor, len(sources))

    def read_one(path: Path, _stop: CancelToken) -> Clip:
        clip = read(path)
        tally.add(1)
        return clip

    return dict(zip(sources, side_by_side(read_one, sources.values(), cancel=monitor.cancel), strict=True))


def _write_all(clips: Mapping[Path, Clip], monitor: Monitor) -> list[Path]:
    tally = Tally(monitor, len(clips))

    def write_one(path: Path, _stop: CancelToken) -> Path:
        written = write(path, clips[path])
        tally.add(1)
        return written

    return side_by_side(write_one, clips, cancel=monitor.cancel)


def fit_together(clips: dict[str, Clip]) -> tuple[dict[str, Clip], tuple[str, ...]]:
    """Clips brought to one rate and length and at most two channels, and what was done to them."""
    notes: list[str] = []
    rate = max(c.sample_rate for c in clips.values())
    fitted: dict[str, Clip] = {}
    for name, clip in clips.items():
        ready = clip
        if clip.channels > 2:
            notes.append(f"{name}: {clip.channels} channels mixed down to two.")
            ready = ready.to_channels(2)
        if clip.sample_rate != rate:
            notes.append(f"{name}: resampled from {clip.sample_rate} to {rate} Hz.")
            ready = resample(ready, rate)
        fitted[name] = ready
    frames = max(c.frames for c in fitted.values())
    for name, clip in fitted.items():
        if clip.frames < frames:
            notes.append(f"{name}: {(frames - clip.frames) / rate:.2f} s of silence added at the end.")
            fitted[name] = clip.pad_to(frames)
    return fitted, tuple(notes)


def find_lead(names: tuple[str, ...], lead: str) -> str | None:
    """The stem meant by a name or a part of it."""
    if lead in names:
        return lead
    return next((n for n in names if lead and lead.lower() in n.lower()), None)


def _named_trims(options: MixOptions | None, names: tuple[str, ...]) -> MixOptions | None:
    """Trims given for parts of names ("drums") as trims of whole names."""
    if options is None or not options.trim_db:
        return options
    trims: dict[str, float] = {}
    for wanted, gain_db in options.trim_db.items():
        found = find_lead(names, wanted)
        if found is None:
            raise InvalidOption(f"No stem is named {wanted!r}.", f"There are: {', '.join(names)}.")
        trims[found] = gain_db
    return replace(options, trim_db=trims)


def _free_names(files: Sequence[PathLike]) -> list[str]:
    """File names without suffix, numbered where two are the same."""
    names: list[str] = []
    for file in files:
        base = as_path(file).stem
        name, number = base, 1
        while name in names:
            number += 1
            name = f"{base} {number}"
        names.append(name)
    return names
