"""`convert_file`: an audio file of any length in another voice, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.io import AudioInfo, probe, read_blocks
from descant.audio.provenance import Provenance
from descant.audio.resample import Resampler
from descant.audio.writer import AudioWriter
from descant.convert.api import VoiceConverter
from descant.convert.consent import Permit, require_permit
from descant.convert.options import DEFAULT_OPTIONS, ConvertOptions
from descant.convert.voice import Voice
from descant.errors import InvalidAudio
from descant.files import PathLike, as_path, output_error, require_distinct
from descant.nets.source_filter import SAMPLE_RATE as VOICE_RATE
from descant.nets.whisper_encoder import SAMPLE_RATE
from descant.progress import CancelToken, Monitor, ProgressSink

Floats = NDArray[np.float32]

_BLOCK_S = 10.0
_READING = 0.05


@dataclass(frozen=True, slots=True)
class ConvertedFile:
    """What was written.

    Attributes:
        path: The file.
        duration_s: Its length.
        semitones: By how much it was transposed.
        provenance: What the file says.
    """

    path: Path
    duration_s: float
    semitones: float
    provenance: Provenance


def convert_file(
    path: PathLike,
    out: PathLike,
    voice: Voice,
    permit: Permit,
    options: ConvertOptions = DEFAULT_OPTIONS,
    *,
    converter: VoiceConverter,
    subtype: str | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> ConvertedFile:
    """Convert a file; rate, channel count and length stay what they were.

    Args:
        path: One voice, dry and alone, in any audio format.
        out: The file to write; it appears when all of it is there.
        voice: Whose voice to sing with.
        permit: By whose consent.
        options: How.
        converter: A loaded one.
        subtype: Sample format; None is the format's default.
        progress: Receives the share that is done.
        cancel: Stops within a block.

    Raises:
        ConsentMissing, ConsentInvalid, ConsentExpired, ConsentRevoked: The permit does not hold for the voice.
        DescantError: The input cannot be read or holds no voice, or the output cannot be written.
    """
    require_permit(permit, voice)  # before any work
    source, target = as_path(path), as_path(out)
    require_distinct(source, target)
    info = probe(source)
    monitor = Monitor(progress, cancel, "converting")
    with TemporaryDirectory(prefix="descant-convert-") as folder:
        low = _low(source, info, Path(folder) / "low.f32", monitor.part("reading", 0.0, _READING))
        job = converter.job(low, voice, permit, options, monitor.part("singing", _READING, 1.0))
        up = Resampler(VOICE_RATE, info.sample_rate, 1)
        written = 0
        comment = job.provenance.to_comment()
        with AudioWriter(target, info.sample_rate, info.channels, subtype=subtype, comment=comment) as writer:
            for mono in _resampled(job.blocks, up):
                part = mono[:, : info.frames - written]
                written += part.shape[1]
                writer.write(Clip(np.repeat(part, info.channels, axis=0), info.sample_rate))
            if written < info.frames:
                writer.write(Clip(np.zeros((info.channels, info.frames - written), np.float32), info.sample_rate))
    return ConvertedFile(target, info.duration_s, job.semitones, job.provenance)


def _resampled(blocks: Iterator[Floats], up: Resampler) -> Iterator[Floats]:
    for sound in blocks:
        yield up.push(Clip(sound[np.newaxis], VOICE_RATE)).samples
    yield up.push(Clip(np.zeros((1, 0), np.float32), VOICE_RATE), last=True).samples


def _low(source: Path, info: AudioInfo, place: Path, monitor: Monitor) -> Floats:
    """The whole at 16 kHz, mono, in a file that is read where it is needed.

    Raises:
        InvalidAudio: There are no samples.
        OutputError: The disk is full.
    """
    down = Resampler(info.sample_rate, SAMPLE_RATE, 1)
    frames = 0
    try:
        with place.open("wb") as file:
            for block in read_blocks(source, round(_BLOCK_S * info.sample_rate)):
                frames += block.frames
                file.write(down.push(block.to_mono()).samples.tobytes())
                monitor.report(min(1.0, frames / max(info.frames, 1)))
            file.write(down.push(Clip(np.zeros((1, 0), np.float32), info.sample_rate), last=True).samples.tobytes())
    except OSError as error:
        raise output_error(error, place) from error
    if not place.stat().st_size:
        raise InvalidAudio(f"{source} holds no audio: its length is zero.", "Record or export it again.")
    return np.memmap(place, np.float32, "r")
