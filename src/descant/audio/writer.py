"""`AudioWriter`: streaming output that is whole or not there."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from descant.audio.clip import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, Clip, Samples
from descant.audio.formats import PCM_BITS, OutputFormat, output_format
from descant.audio.resample import Resampler, resampled_frames
from descant.audio.truncation import missing_bytes
from descant.errors import InvalidAudio, InvalidOption, OutputError, UnsupportedFormat
from descant.files import PathLike, as_path, atomic_output

_log = logging.getLogger(__name__)
_MIN_BITRATE = 6_000
_MAX_BITRATE = 4_096_000
_ENCODER_FRAMES = 1 << 14
_FLOAT32_BITS = 24
_HEADER_BYTES = 8192
_WITHOUT_COMMENTS = {"W64"}
_FLAC_LEVEL = 0.5  # a fifth faster than the default level, and as small to a thousandth


class AudioWriter:
    """Writes a file block by block: to a temporary file beside it, renamed when the block ends without an error.

    - Integer formats: samples are rounded to the nearest step without dither, so that integer audio read and
      written again is bit-identical. Samples beyond full scale are clipped, never wrapped; how many is in
      `clipped_samples` and, as a warning, in the log. Float and lossy formats keep them.
    - Rates a codec does not know (44.1 kHz in Opus, 96 kHz in MP3) are converted to the next higher one it does
      know, else to its highest; everything else keeps its rate.
    - WAV and AIFF end at 4 GiB. Tell `frames`, and a WAV that would be longer is written as RF64 instead.

    Args:
        path: Target; the suffix decides the format, parent folders are created.
        sample_rate: Rate of the clips that will be written, in Hz.
        channels: Their channel count.
        subtype: Sample format or codec ("PCM_16", "FLOAT", "OPUS"); None is the format's default.
        bitrate: Bits per second of a lossy codec; None is its default.
        frames: How many frames will be written, if known.
        comment: A text to keep in the file; Wave64 has no place for one and goes without.

    Raises:
        UnsupportedFormat: The suffix is unknown or cannot hold so many channels.
        InvalidOption: Subtype, bitrate or rate are impossible.
        OutputError: The disk is full, the path is a folder, or the file outgrows its format.
        PermissionRefused: The folder may not be written to.

    Example:
        >>> with AudioWriter("noise.wav", 44_100, 2) as writer:  # doctest: +SKIP
        ...     for block in blocks:
        ...         writer.write(block)
    """

    def __init__(
        self,
        path: PathLike,
        sample_rate: int,
        channels: int,
        *,
        subtype: str | None = None,
        bitrate: int | None = None,
        frames: int | None = None,
        comment: str = "",
    ) -> None:
        self.path = as_path(path)
        self.sample_rate = sample_rate
        self.channels = channels
        self.clipped_samples = 0
        self._format, self._subtype = output_format(self.path, subtype)
        self._bitrate = bitrate
        self._comment = comment
        self._written = 0
        self._held = np.zeros((channels, 0), np.float32)
        self._check()
        self._stored_rate = self._format.rate_for(sample_rate)
        self._resampler = Resampler(sample_rate, self._stored_rate, channels)
        if frames is not None and self._bytes(frames) > self._format.max_bytes and self._format.name == "WAV":
            self._format, _ = output_format(Path("a.rf64"), self._subtype)
        self._cleanup = ExitStack()
        self._sink: _Sink | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_output(self.path))
            if self._format.through_media:
                from descant.audio.media import MediaSink

                sink: _Sink = MediaSink(temporary, self._stored_rate, self.channels, self._bitrate, self._comment)
            else:
                settings = encoder_settings(
                    self._format, self._subtype, self._stored_rate, self.channels, self._bitrate
                )
                sink = _SoundFileSink(
                    temporary, self._stored_rate, self.channels, self._subtype, settings, self._comment
                )
            stack.push(self._finish)
            self._sink = sink
            self._cleanup = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._cleanup.__exit__(kind, error, trace)

    def write(self, clip: Clip) -> None:
        """Append a clip of the writer's rate and channel count."""
        if (clip.sample_rate, clip.channels) != (self.sample_rate, self.channels):
            raise InvalidOption(
                f"A block of {clip.channels} channels at {clip.sample_rate} Hz does not fit into {self.path}, "
                f"which has {self.channels} at {self.sample_rate} Hz."
            )
        self._written += clip.frames
        if self._bytes(self._written) > self._format.max_bytes:
            raise OutputError(f"{self.path} would outgrow the 4 GiB its format can hold.", "Write .flac or .rf64.")
        self._store(self._resampler.push(clip))

    def _store(self, clip: Clip) -> None:
        if self._sink is None:
            raise InvalidOption(f"{self.path} is not open.", "Use the writer in a with statement.")
        if clip.frames == 0:
            return
        bits = PCM_BITS.get(self._subtype)
        if bits is None:
            self._encode(clip.samples, last=False)
            return
        steps, clipped = quantise(clip.samples, bits)
        self.clipped_samples += clipped
        self._sink.write(np.ascontiguousarray(steps.T))

    def _encode(self, samples: Samples, *, last: bool) -> None:
        """Feed float formats in blocks of one size: Vorbis encodes its start by how much of it it is given."""
        assert self._sink is not None
        held = np.concatenate([self._held, samples], axis=1)
        whole = held.shape[1] if last else held.shape[1] - held.shape[1] % _ENCODER_FRAMES
        for start in range(0, whole, _ENCODER_FRAMES):
            self._sink.write(np.ascontiguousarray(held[:, start : min(start + _ENCODER_FRAMES, whole)].T))
        self._held = held[:, whole:].copy()

    def _finish(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        sink = self._sink
        assert sink is not None
        try:
            if kind is not None:
                sink.abandon()
                return
            if self._written == 0:
                raise InvalidAudio(f"{self.path} was not written: there is no audio in it.", "Write at least a frame.")
            self._store(self._resampler.push(Clip.silence(0, self.sample_rate, self.channels), last=True))
            self._encode(self._held[:, :0], last=True)
            sink.close(resampled_frames(self._written, self.sample_rate, self._stored_rate))
        except BaseException:
            sink.abandon()
            raise
        finally:
            self._sink = None
        if self.clipped_samples:
            _log.warning("%s: %d samples beyond full scale were clipped", self.path, self.clipped_samples)

    def _check(self) -> None:
        if not MIN_SAMPLE_RATE <= self.sample_rate <= MAX_SAMPLE_RATE:
            raise InvalidOption(f"A sample rate of {self.sample_rate} Hz is impossible.")
        if not 1 <= self.channels <= self._format.max_channels:
            raise UnsupportedFormat(
                f"{self.path.suffix} files hold at most {self._format.max_channels} channels, not {self.channels}.",
                "Write .wav or .caf, or mix down first.",
            )
        if self._bitrate is None:
            return
        if self._subtype in PCM_BITS or self._subtype in {"FLOAT", "DOUBLE"}:
            raise InvalidOption(f"{self.path.suffix} files have no bitrate to choose.", "Leave the bitrate out.")
        if not _MIN_BITRATE <= self._bitrate <= _MAX_BITRATE:
            raise InvalidOption(
                f"A bitrate of {self._bitrate} bit/s is impossible.", "It is in bits per second, for instance 192000."
            )

    def _bytes(self, frames: int) -> int:
        bits = {"FLOAT": 32, "DOUBLE": 64}.get(self._subtype) or PCM_BITS.get(self._subtype, 0)
        return frames * self.channels * bits // 8


def quantise(samples: Samples, bits: int) -> tuple[NDArray[np.int16] | NDArray[np.int32], int]:
    """Samples as integers in the upper bits of int16 (8 and 16 bits) or int32, as libsndfile wants them.

    Returns:
        The integers, and how many samples had to be clipped. +1.0 itself is one step beyond the largest integer and
        counts as full scale, not as clipped.
    """
    full = 1 << (bits - 1)
    clipped = int(np.count_nonzero(samples > 1.0) + np.count_nonzero(samples < -1.0))
    # Powers of two and whole numbers of up to 24 bits are exact in float32.
    precision = np.float32 if bits <= _FLOAT32_BITS else np.float64
    steps = samples * precision(full)
    np.rint(steps, out=steps)
    np.clip(steps, -full, full - 1, out=steps)
    if bits <= 16:
        return np.left_shift(steps.astype(np.int16), 16 - bits), clipped
    return np.left_shift(steps.astype(np.int32), 32 - bits), clipped


class _Sink(Protocol):
    def write(self, interleaved: NDArray[np.generic]) -> None: ...

    def close(self, frames: int) -> None:
        """Finish the file and make sure that it holds `frames` frames."""

    def abandon(self) -> None: ...


class _SoundFileSink:
    def __init__(
        self,
        path: Path,
        sample_rate: int,
        channels: int,
        subtype: str,
        settings: dict[str, str | float],
        comment: str,
    ) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            self._file = soundfile.SoundFile(
                self._descriptor, "w", sample_rate, channels, subtype, closefd=False, **settings
            )
            if comment and settings["format"] not in _WITHOUT_COMMENTS:
                self._file.comment = comment
        except soundfile.LibsndfileError as error:
            cause = self._cause(error)
            os.close(self._descriptor)
            raise cause from error

    def write(self, interleaved: NDArray[np.generic]) -> None:
        try:
            self._file.write(interleaved)
        except soundfile.LibsndfileError as error:
            raise self._cause(error) from error

    def close(self, frames: int) -> None:
        try:
            self._file.close()
        except soundfile.LibsndfileError as error:
            raise self._cause(error) from error
        _clear_time(self._descriptor)
        # libsndfile does not report every failed flush: only a file that reads back whole is whole.
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        with self._path.open("rb") as file:
            missing = missing_bytes(file)
        try:
            found = soundfile.SoundFile(self._descriptor, closefd=False).frames
        except soundfile.LibsndfileError as error:
            raise self._cause(error) from error
        if missing or found != frames:
            raise self._cause(None)
        os.close(self._descriptor)
        self._descriptor = -1

    def abandon(self) -> None:
        if self._descriptor < 0:
            return
        with suppress(soundfile.LibsndfileError, AssertionError):  # the file is about to be removed
            self._file.close()
        os.close(self._descriptor)
        self._descriptor = -1

    def _cause(self, error: soundfile.LibsndfileError | None) -> Exception:
        """Why libsndfile failed: it says only "System error", so the operating system is asked again.

        An `OSError` becomes the fitting `DescantError` in `atomic_output`, which knows the target's name.
        """
        try:
            end = os.lseek(self._descriptor, 0, os.SEEK_END)
            os.pwrite(self._descriptor, bytes(1 << 16), end)
        except OSError as cause:
            return cause
        if error is None:
            return OutputError("The file was not written whole.", "Check the disk, and try another format.")
        return OutputError(f"The file cannot be written: {error.error_string.rstrip('.')}.", "Try another format.")


def _clear_time(descriptor: int) -> None:
    """Set the hour that libsndfile writes into float WAV and AIFF files to zero: the same audio is the same bytes.

    It stands in the chunk of peaks, after its name, length and version of 4 bytes each.
    """
    os.lseek(descriptor, 0, os.SEEK_SET)
    header = os.read(descriptor, _HEADER_BYTES)
    samples = min((place for name in (b"data", b"SSND") if (place := header.find(name)) >= 0), default=0)
    peaks = header.find(b"PEAK", 0, samples)
    if peaks >= 0:
        os.lseek(descriptor, peaks + 12, os.SEEK_SET)
        os.write(descriptor, bytes(4))


def encoder_settings(
    form: OutputFormat, subtype: str, sample_rate: int, channels: int, bitrate: int | None
) -> dict[str, str | float]:
    """Arguments of `SoundFile`: libsndfile knows no bitrates, only a level from 0 (best) to 1 (smallest)."""
    settings: dict[str, str | float] = {"format": form.name}
    if form.name == "FLAC":
        settings["compression_level"] = _FLAC_LEVEL
    elif subtype == "VORBIS":
        settings["compression_level"] = 1.0 - _vorbis_quality(96_000 if bitrate is None else bitrate / channels)
    elif subtype == "OPUS":
        per_channel = 96_000 if bitrate is None else bitrate / channels
        settings["compression_level"] = min(max(1.0 - (per_channel - 6_000) / 250_000, 0.0), 1.0)
    elif subtype == "MPEG_LAYER_III" and bitrate is None:
        settings |= {"bitrate_mode": "VARIABLE", "compression_level": 0.2}  # LAME's V2, about 190 kbit/s in stereo
    elif subtype == "MPEG_LAYER_III":
        assert bitrate is not None
        settings |= {"bitrate_mode": "CONSTANT", "compression_level": _mp3_level(bitrate, sample_rate)}
    return settings


def _vorbis_quality(bitrate_per_channel: float) -> float:
    """The quality setting whose usual rate at 44.1 kHz this is."""
    kbit = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 250)
    return float(np.interp(bitrate_per_channel / 1000, kbit, np.arange(11) / 10))


def _mp3_level(bitrate: int, sample_rate: int) -> float:
    lowest, highest = (32, 320) if sample_rate >= 32_000 else (8, 160) if sample_rate >= 16_000 else (8, 64)
    return min(max((highest - bitrate / 1000) / (highest - lowest), 0.0), 0.999)
