"""`separate_file`: from an audio file of any length to one file per stem, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import AudioInfo, probe, read_blocks
from descant.audio.writer import AudioWriter
from descant.errors import InvalidOption
from descant.files import PathLike, as_path, require_distinct
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.separate.api import RESIDUAL, Separator
from descant.separate.session import Running, Separates

_BLOCK_S = 5.0
_FETCHING = 0.05
_GREATEST_GAIN_DB = 60.0


@dataclass(frozen=True, slots=True)
class StemOptions:
    """Which stems are written, and how.

    Attributes:
        format: Suffix of the files, with or without its dot: "wav", "flac", "mp3", "ogg", "opus", "m4a" ...
        subtype: Sample format or codec ("PCM_16", "PCM_24", "FLOAT"); None is 32-bit float for WAV, which neither
            clips nor rounds, and the format's default for the others.
        bitrate: Bits per second of a lossy codec; None is its default.
        stems: Names of the stems to write, of those the separator has (and "residual", which implies `residual`);
            empty writes all.
        residual: Whether to give the residual too.
        gain_db: One gain for all stems. Stems may peak higher than the mix did.
    """

    format: str = "wav"
    subtype: str | None = None
    bitrate: int | None = None
    stems: tuple[str, ...] = ()
    residual: bool = False
    gain_db: float = 0.0

    def __post_init__(self) -> None:
        if not abs(self.gain_db) <= _GREATEST_GAIN_DB:
            raise InvalidOption(f"A gain of {self.gain_db} dB is not sensible.", "Choose one within 60 dB.")

    @property
    def suffix(self) -> str:
        """The files' suffix with its dot."""
        return f".{self.format.lower().removeprefix('.')}"

    def names(self, stems: tuple[str, ...]) -> tuple[str, ...]:
        """The stems that are written, of those a separator has.

        Raises:
            InvalidOption: One is asked for that there is not.
        """
        for name in self.stems:
            if name not in (*stems, RESIDUAL):
                raise InvalidOption(f"There is no stem {name!r}.", f"Choose of {', '.join((*stems, RESIDUAL))}.")
        everything = (*stems, RESIDUAL) if self.residual else stems
        return tuple(dict.fromkeys(self.stems)) or everything

    def paths(self, folder: Path, stems: tuple[str, ...]) -> dict[str, Path]:
        """Stem to the file it is written to."""
        return {name: folder / f"{name}{self.suffix}" for name in self.names(stems)}


@dataclass(frozen=True, slots=True)
class SeparatedFile:
    """What was written.

    Attributes:
        paths: Stem to file.
        duration_s: Length of each.
        peak_db: Highest sample of all stems in dB of full scale; -inf for silence.
        clipped_samples: How many samples lay beyond what the format can hold and were clipped.
        remark: What else the user should know; may be empty.
    """

    paths: Mapping[str, Path]
    duration_s: float
    peak_db: float
    clipped_samples: int
    remark: str


def separate_file(
    path: PathLike,
    out: PathLike,
    options: StemOptions | None = None,
    *,
    separator: Separates | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> SeparatedFile:
    """Separate a file into `<out>/<stem>.<format>`, block by block.

    No stem appears under its name before all are finished; after an error or a cancellation there is none.

    Args:
        path: Any audio file.
        out: Folder for the stems; created if needed. Stems of that name in it are replaced.
        options: Which stems, in what format.
        separator: A loaded separator, or a chain of them; None loads the default card.
        progress: Receives the share that is done.
        cancel: Stops within a block (well under two seconds).

    Returns:
        The files and what is worth knowing about them.

    Raises:
        DescantError: The input cannot be read, the output cannot be written or would overwrite the input, the
            weights cannot be fetched, or memory ran out.

    Example:
        >>> separate_file("song.mp3", "stems/song", StemOptions(format="flac"))  # doctest: +SKIP
    """
    options = options or StemOptions()
    source, folder = as_path(path), as_path(out)
    info = probe(source)
    monitor = Monitor(progress, cancel, "separating")
    start = 0.0
    if separator is None:
        separator = Separator.load(progress=monitor.part("loading", 0.0, _FETCHING).sink, cancel=cancel)
        start = _FETCHING
    paths = options.paths(folder, separator.stems)
    for target in paths.values():
        require_distinct(source, target)
    session = separator.session(info.sample_rate, info.channels, residual=options.residual or RESIDUAL in options.stems)
    return _stream(info, paths, options, session, monitor.part("separating", start, 1.0))


def _stream(
    info: AudioInfo, paths: Mapping[str, Path], options: StemOptions, session: Running, monitor: Monitor
) -> SeparatedFile:
    gain = np.float32(10.0 ** (options.gain_db / 20.0))
    frames, peak = 0, 0.0
    with ExitStack() as stack:
        writers = {name: stack.enter_context(_writer(target, info, options)) for name, target in paths.items()}

        def store(block: Clip, *, last: bool) -> None:
            nonlocal peak
            finished = session.push(block, last=last)
            for name, writer in writers.items():
                samples = finished[name] * gain
                peak = max(peak, float(np.abs(samples).max(initial=0.0)))
                writer.write(Clip(samples, info.sample_rate))

        monitor.report(0.0)
        for block in read_blocks(info.path, round(_BLOCK_S * info.sample_rate)):
            store(block, last=False)
            frames += block.frames
            monitor.report(frames / max(info.frames, frames + 1), session.remark)
        store(Clip.silence(0, info.sample_rate, info.channels), last=True)
    monitor.report(1.0, session.remark)
    return SeparatedFile(
        paths=dict(paths),
        duration_s=frames / info.sample_rate,
        peak_db=20.0 * float(np.log10(peak)) if peak > 0 else float("-inf"),
        clipped_samples=sum(writer.clipped_samples for writer in writers.values()),
        remark=session.remark,
    )


def _writer(path: Path, info: AudioInfo, options: StemOptions) -> AudioWriter:
    subtype = options.subtype or ("FLOAT" if options.suffix in {".wav", ".rf64", ".w64"} else None)
    return AudioWriter(
        path, info.sample_rate, info.channels, subtype=subtype, bitrate=options.bitrate, frames=info.frames
    )
