"""Files to a blended file, a grid of blends, or the keys of a blended instrument."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descant.audio.clip import Clip
from descant.audio.formats import output_format
from descant.audio.io import read, write
from descant.audio.loudness import integrated_lufs
from descant.errors import InvalidOption
from descant.files import PathLike, as_path, atomic_folder, require_distinct
from descant.instrument.blend.api import Blender, Sound, caveats
from descant.instrument.blend.keys import BlendedInstrument
from descant.instrument.blend.options import DEFAULT_OPTIONS, BlendOptions, Mode
from descant.instrument.blend.weights import grid_points, weights_at
from descant.instrument.export.api import export_instrument
from descant.instrument.export.options import ExportOptions
from descant.progress import CancelToken, Monitor, ProgressSink

_LISTENING = 0.4
INDEX_JSON, INDEX_CSV = "index.json", "index.csv"


@dataclass(frozen=True, slots=True)
class BlendedFiles:
    """What was written.

    Attributes:
        paths: The audio files, in order.
        mode: How they were made.
        duration_s: Of the longest.
        lufs: Loudness of the first; -inf where it is too short to be measured.
        caveats: What should be known of the sounds that were given.
    """

    paths: tuple[Path, ...]
    mode: Mode
    duration_s: float
    lufs: float
    caveats: tuple[str, ...]


def blend_files(
    sources: Sequence[PathLike],
    out: PathLike,
    at: Sequence[float] | None = None,
    options: BlendOptions = DEFAULT_OPTIONS,
    *,
    blender: Blender | None = None,
    subtype: str | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> BlendedFiles:
    """Blend files into one.

    Args:
        sources: Two to four audio files.
        out: The file to write; its suffix is the format.
        at: See `weights.weights_at`.
        options: How.
        blender: A loaded one; None loads the default.
        subtype: Sample format; None is the format's default.
        progress: Receives the share that is done.
        cancel: Stops within a block.

    Raises:
        DescantError: As `Blender`, `descant.audio.io.read` and `write` do.
    """
    weights = weights_at(len(sources), at)
    target = as_path(out)
    output_format(target, subtype)
    for source in sources:
        require_distinct(source, target)
    monitor = Monitor(progress, cancel, "blending")
    blender, sounds = _heard(sources, blender, monitor)
    made = blender.blend(sounds, weights, options, monitor=monitor.part("blending", _LISTENING, 1.0))
    write(target, made.clip, subtype=subtype)
    return _report([target], made.mode, [made.clip], sounds)


def blend_grid(
    sources: Sequence[PathLike],
    folder: PathLike,
    size: int,
    options: BlendOptions = DEFAULT_OPTIONS,
    *,
    blender: Blender | None = None,
    file_format: str = "wav",
    subtype: str | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> BlendedFiles:
    """Blends at all points of a grid, with index.json and index.csv that tell the weights of each file.

    Args:
        sources: Four files: north-west, north-east, south-west, south-east; or two, for a line.
        folder: A new or empty folder; it appears when all of it is there.
        size: Points on a side.
        options: How.
        blender: See `blend_files`.
        file_format: Of the files.
        subtype: See `blend_files`.
        progress: Likewise.
        cancel: Likewise.

    Raises:
        InvalidOption: Three sounds have no grid, or the folder is not empty.
        DescantError: As `blend_files` does.
    """
    points = grid_points(len(sources), size)
    suffix = _suffix(file_format, subtype)
    monitor = Monitor(progress, cancel, "blending")
    target = as_path(folder)
    with atomic_folder(target) as place:
        blender, sounds = _heard(sources, blender, monitor)
        steps = monitor.part("blending", _LISTENING, 1.0)
        rows: list[dict[str, Any]] = []
        clips = []
        for done, point in enumerate(points):
            share = steps.part("blending", done / len(points), (done + 1) / len(points))
            made = blender.blend(sounds, point.weights, options, monitor=share)
            name = f"blend_x{round(point.x * 100):03d}_y{round(point.y * 100):03d}{suffix}"
            write(place / name, made.clip, subtype=subtype)
            clips.append(made.clip)
            rows.append({"file": name, "x": point.x, "y": point.y, "weights": list(point.weights)})
        _write_index(place, sounds, made.mode, rows)
    return _report([target / row["file"] for row in rows], made.mode, clips, sounds)


def blend_keys(
    sources: Sequence[PathLike],
    folder: PathLike,
    export: ExportOptions,
    at: Sequence[float] | None = None,
    options: BlendOptions = DEFAULT_OPTIONS,
    *,
    blender: Blender | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> BlendedFiles:
    """A blend as an instrument: what `descant instrument export` writes, of the blend.

    Args:
        sources: Two to four files of single lines or notes.
        folder: A new or empty folder; it appears when all of it is there.
        export: Which keys, velocities and formats.
        at: See `weights.weights_at`.
        options: How.
        blender: See `blend_files`.
        progress: Likewise.
        cancel: Likewise.

    Raises:
        InvalidOption: The sounds are no single notes or lines, the folder is not empty, or a number is out of range.
        DescantError: As `blend_files` and `export_instrument` do.
    """
    weights = weights_at(len(sources), at)
    target = as_path(folder)
    monitor = Monitor(progress, cancel, "blending")
    blender, sounds = _heard(sources, blender, monitor)
    instrument = BlendedInstrument(blender, sounds, weights, options, name=target.resolve().name)
    playing = monitor.part("playing", _LISTENING, 1.0)
    done = export_instrument(instrument, target, export, progress=playing.sink, cancel=cancel)
    written = (*done.samples, *(path for path in (done.mapping, done.table) if path is not None))
    return _report(written, "tone", [read(written[0])], sounds)


def _heard(sources: Sequence[PathLike], blender: Blender | None, monitor: Monitor) -> tuple[Blender, list[Sound]]:
    clips = [read(as_path(source)) for source in sources]  # a mistake in any of them is said before the long work
    blender = blender or Blender.load()
    listening = monitor.part("listening", 0.0, _LISTENING)
    sounds = []
    for done, (source, clip) in enumerate(zip(sources, clips, strict=True)):
        listening.report(done / len(clips))
        sounds.append(blender.listen(clip, as_path(source).name))
    return blender, sounds


def _report(paths: Sequence[Path], mode: Mode, clips: Sequence[Clip], sounds: Sequence[Sound]) -> BlendedFiles:
    said = tuple(text for sound in sounds if (text := caveats(sound)))
    longest = max(clip.duration_s for clip in clips)
    return BlendedFiles(tuple(paths), mode, longest, integrated_lufs(clips[0]), said)


def _suffix(file_format: str, subtype: str | None) -> str:
    suffix = f".{file_format.lower().removeprefix('.')}"
    output_format(Path(f"a{suffix}"), subtype)  # a wrong format is said before the work
    return suffix


def _write_index(place: Path, sounds: Sequence[Sound], mode: Mode, rows: list[dict[str, Any]]) -> None:
    index = {"sounds": [sound.name for sound in sounds], "mode": mode, "files": rows}
    (place / INDEX_JSON).write_text(json.dumps(index, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    with (place / INDEX_CSV).open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "x", "y", *(f"weight of {sound.name}" for sound in sounds)])
        for row in rows:
            table.writerow([row["file"], row["x"], row["y"], *row["weights"]])


def parse_at(text: str) -> tuple[float, ...]:
    """Numbers of "0.3,0.7".

    Raises:
        InvalidOption: They are none.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidOption(f"--at {text!r} is not a list of numbers.", "Write 0.3 or 0.3,0.7.") from error
