"""`verify`: whether a recording carries Descant's mark, which one, and what its file says about where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from descant.audio.clip import Clip
from descant.audio.io import probe, read_blocks
from descant.audio.provenance import Provenance, read_provenance
from descant.audio.resample import Resampler
from descant.dsp.watermark import KEY, SAMPLE_RATE
from descant.errors import InvalidAudio
from descant.files import PathLike, as_path
from descant.mark.detect import SPEEDS, Detector, Finding
from descant.progress import CancelToken, Monitor, ProgressSink

LOG10_P = -6.0
"""At most one unmarked recording in a million is called marked."""

_BLOCK_S = 10.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a recording.

    Attributes:
        is_marked: Whether it carries a mark.
        mark: Its 32 bits; None where there is none or they cannot be read.
        log10_p: Decimal logarithm of a bound on the chance that an unmarked recording looks like this.
        speed: Of this copy against the marked one.
        provenance: What the file says; None for clips, and where it says nothing. Anyone can write it.
    """

    is_marked: bool
    mark: int | None
    log10_p: float
    speed: float
    provenance: Provenance | None = None

    @property
    def mark_text(self) -> str:
        """The mark as eight hexadecimal digits; empty where it cannot be read."""
        return "" if self.mark is None else f"{self.mark:08x}"


def verify(
    clip: Clip, *, key: bytes = KEY, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> Verdict:
    """Look for the mark in a clip.

    Args:
        clip: Any rate, channel count and length; a second of voice alone is enough, beside a band it takes more.
        key: Which marks.
        progress: Receives the share that is done.
        cancel: Stops within a block.

    Raises:
        InvalidAudio: The clip has no samples.
        Cancelled: It was asked to stop.

    Example:
        >>> verify(read("song.mp3")).is_marked  # doctest: +SKIP
    """
    if clip.frames == 0:
        raise InvalidAudio("There is no audio to verify: its length is zero.", "Record or export it again.")
    search = _Search(clip.sample_rate, clip.channels, key)
    monitor = Monitor(progress, cancel, "verifying")
    step = round(_BLOCK_S * clip.sample_rate)
    for start in range(0, clip.frames, step):
        monitor.report(start / clip.frames)
        search.push(Clip(clip.samples[:, start : start + step], clip.sample_rate))
    verdict = search.verdict()
    monitor.report(1.0)
    return verdict


def verify_file(
    path: PathLike, *, key: bytes = KEY, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> Verdict:
    """Look for the mark in a file of any length, in memory that does not grow with it, and read what the file says.

    Args:
        path: Any audio file.
        key: Which marks.
        progress: Receives the share that is done.
        cancel: Stops within a block.

    Raises:
        DescantError: The file cannot be read.
    """
    place: Path = as_path(path)
    info = probe(place)
    search = _Search(info.sample_rate, info.channels, key)
    monitor = Monitor(progress, cancel, "verifying")
    frames = 0
    for block in read_blocks(place, round(_BLOCK_S * info.sample_rate)):
        monitor.report(min(1.0, frames / max(1, info.frames)))
        search.push(block)
        frames += block.frames
    verdict = search.verdict(read_provenance(place))
    monitor.report(1.0)
    return verdict


class _Search:
    def __init__(self, sample_rate: int, channels: int, key: bytes) -> None:
        self._down = Resampler(sample_rate, SAMPLE_RATE, channels)
        self._empty = Clip.silence(0, sample_rate, channels)
        self._detector = Detector(channels, key=key, speeds=SPEEDS)

    def push(self, block: Clip) -> None:
        self._detector.push(self._down.push(block).samples)

    def verdict(self, provenance: Provenance | None = None) -> Verdict:
        self._detector.push(self._down.push(self._empty, last=True).samples)
        found: Finding = self._detector.find()
        is_marked = found.log10_p <= LOG10_P
        return Verdict(is_marked, found.mark if is_marked else None, found.log10_p, found.speed, provenance)
