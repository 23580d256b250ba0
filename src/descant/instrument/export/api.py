"""`export_instrument`: any `Playable` as files that samplers and synthesizers load."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from descant.audio.riff import write_wave
from descant.errors import NothingHeard
from descant.files import PathLike, as_path, atomic_folder, atomic_output
from descant.instrument.api import file_name
from descant.instrument.export.chunks import inst_chunk, smpl_chunk
from descant.instrument.export.dynamics import dynamics_of, velocity_spans
from descant.instrument.export.mapping import sfz_text
from descant.instrument.export.notes import Renderer, SampledNote, layers_of, sampled_notes
from descant.instrument.export.options import ExportOptions
from descant.instrument.export.wavetable import table_frames, write_table
from descant.instrument.playable import Playable
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.wav_folder import name_of_note

SAMPLES = "samples"
"""Folder of the notes within an export."""

PEAK_DB = -1.0
_TABLE_KEY = 48
_TABLE_VELOCITY = 100


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Attributes:
        folder: Where.
        samples: The notes' files.
        mapping: The .sfz file.
        table: The wavetable.
        gain_db: The one gain of all notes.
        looped: How many notes have a loop.
        audible: Files of those whose loop may be heard: its seam is beyond the bounds of `loops`.
    """

    folder: Path
    samples: tuple[Path, ...] = ()
    mapping: Path | None = None
    table: Path | None = None
    gain_db: float = 0.0
    looped: int = 0
    audible: tuple[Path, ...] = ()


def export_instrument(
    playable: Playable,
    out: PathLike,
    options: ExportOptions | None = None,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Exported:
    """Export an instrument: `samples/*.wav`, `NAME.sfz`, `NAME wavetable.wav`, by the formats that are asked for.

    Notes are 24-bit WAV files in stereo under one gain, the highest peak at -1 dBFS, so that velocities and keys keep
    their distances. Nothing appears under the folder's name before all is written.

    Args:
        playable: The instrument.
        out: A new or empty folder.
        options: What is exported; None is an SFZ over four octaves.
        progress: Receives progress events.
        cancel: Stops between notes.

    Raises:
        NothingHeard: It is silent on all keys.
        InvalidOption: The folder holds something else, or the instrument plays none of the keys.
        OutputError, PermissionRefused: The folder cannot be written.
        Cancelled: By `cancel`.
        DescantError: As the instrument's `note`.

    Example:
        >>> from descant.instrument.find import find_playable
        >>> export_instrument(find_playable("FluidR3_GM.sf2:48"), "strings")  # doctest: +SKIP
    """
    options = options or ExportOptions()
    monitor = Monitor(progress, cancel, "rendering")
    target = as_path(out)
    name = file_name(playable.name)
    done = Exported(target)
    with atomic_folder(target) as folder:
        if {"sfz", "wav"} & {*options.formats}:
            done = _export_notes(playable, folder, name, options, monitor.part("rendering", 0.0, 0.9))
        if "wavetable" in options.formats:
            monitor.part("wavetable", 0.9, 1.0).report(0.0)
            table = folder / f"{name} wavetable.wav"
            write_table(table, _table(playable, options))
            done = replace(done, table=table)
        done = _moved(done, folder, target)
        monitor.report(1.0)
    return done


def wavetable(playable: Playable, path: PathLike, options: ExportOptions | None = None) -> Path:
    """Write an instrument's note as a wavetable, for Serum and what reads its tables.

    Args:
        playable: The instrument.
        path: The .wav file; an existing one is replaced.
        options: `table_key`, `table_frames` and `held_s` count.

    Raises:
        NothingHeard: The note is silent.
        InvalidAudio: Its key is too high or too low for a table.
        OutputError, PermissionRefused: The file cannot be written.
        DescantError: As the instrument's `note`.
    """
    table = _table(playable, options or ExportOptions())
    with atomic_output(path) as part:
        write_table(part, table)
    return as_path(path)


def _export_notes(playable: Playable, folder: Path, name: str, options: ExportOptions, monitor: Monitor) -> Exported:
    renderer = Renderer(playable, options)
    kept = folder / ".kept"
    kept.mkdir()
    notes = sampled_notes(renderer, kept, monitor.part("rendering", 0.0, 0.8))
    if not notes:
        raise NothingHeard(f"{playable.name} is silent on all keys.", "Choose others with --keys.")
    gain = 10.0 ** (PEAK_DB / 20.0) / max(note.peak for note in notes)
    (folder / SAMPLES).mkdir()
    files = []
    for number, note in enumerate(notes):
        monitor.part("writing", 0.8, 0.9).report(number / len(notes))
        files.append(_write_note(folder / SAMPLES, name, note, gain))
    shutil.rmtree(kept)
    mapping = None
    if "sfz" in options.formats:
        mapping = folder / f"{name}.sfz"
        named = [(note, file.name) for note, file in zip(notes, files, strict=True)]
        monitor.part("mapping", 0.9, 1.0).report(0.0)
        mapping.write_text(_mapping(renderer, playable.name, named), "utf-8")
    audible = [f for note, f in zip(notes, files, strict=True) if note.loop and not note.loop.seam.is_seamless]
    return Exported(
        folder,
        tuple(files),
        mapping,
        gain_db=float(20.0 * np.log10(gain)),
        looped=sum(note.loop is not None for note in notes),
        audible=tuple(audible),
    )


def _write_note(folder: Path, name: str, note: SampledNote, gain: float) -> Path:
    path = folder / f"{name}_{name_of_note(note.zone.root, note.velocity)}.wav"
    loop = (note.loop.start, note.loop.end) if note.loop else None
    chunks = (smpl_chunk(note.zone, note.sample_rate, loop), inst_chunk(note.zone))
    write_wave(path, note.samples * np.float32(gain), note.sample_rate, "PCM_24", chunks)
    return path


def _mapping(renderer: Renderer, title: str, named: Sequence[tuple[SampledNote, str]]) -> str:
    keys = sorted({note.zone.root for note, _ in named})
    layers = layers_of(renderer.options.velocities)
    dynamics = dynamics_of(renderer.note, keys[len(keys) // 2], tuple(layers))
    return sfz_text(title, named, velocity_spans(dynamics, layers), f"{SAMPLES}/")


def _table(playable: Playable, options: ExportOptions) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    key = options.table_key
    if key is None:
        well = playable.pitches
        key = min(max(_TABLE_KEY, well.start), well.stop - 1)
    samples = playable.note(key, _TABLE_VELOCITY, options.held_s, options.held_s)
    return table_frames(samples, playable.sample_rate, key, options.table_frames)


def _moved(done: Exported, folder: Path, target: Path) -> Exported:
    """The same, as it is found once the folder has its name."""

    def there(path: Path | None) -> Path | None:
        return None if path is None else target / path.relative_to(folder)

    return replace(
        done,
        folder=target,
        samples=tuple(target / path.relative_to(folder) for path in done.samples),
        mapping=there(done.mapping),
        table=there(done.table),
        audible=tuple(target / path.relative_to(folder) for path in done.audible),
    )
