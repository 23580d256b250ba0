"""What a lossy codec leaves of a clip: encoded and decoded in memory, as long as before and aligned to the sample."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile

from descant.audio.clip import Clip, Samples
from descant.audio.formats import output_format
from descant.audio.resample import resample
from descant.audio.writer import encoder_settings
from descant.data.augment.step import Range, Step, check_range, draw
from descant.errors import InvalidOption, MissingDependency

CodecName = Literal["mp3", "opus", "vorbis", "aac"]
CODECS: tuple[CodecName, ...] = ("mp3", "opus", "vorbis", "aac")

_FILES: dict[CodecName, tuple[str, str]] = {
    "mp3": (".mp3", "MPEG_LAYER_III"),
    "opus": (".opus", "OPUS"),
    "vorbis": (".ogg", "VORBIS"),
    "aac": (".m4a", "AAC"),
}
_ENCODER_FRAMES = 1 << 14  # Vorbis encodes its start by how much of it it is given: blocks of one size
_AAC_FRAMES = 1024
_MAX_CHANNELS = 2
_LOUDEST = 1.0  # what is louder is encoded softer, as encoders may clip, and made louder again


def round_trip(clip: Clip, codec: CodecName, kbps: float) -> Clip:
    """The clip after a codec.

    MP3, Opus and Vorbis go through libsndfile, AAC through FFmpeg's own encoder (the extra `media`). Rates that a
    codec does not know are converted to the next one it does, and back.

    Args:
        clip: One or two channels.
        codec: "mp3", "opus", "vorbis" or "aac".
        kbps: Bitrate in kbit/s for all channels together; codecs take the nearest they have.

    Returns:
        A clip of the same length, rate and channel count, without the codec's delay.

    Raises:
        InvalidOption: No such codec, a bitrate outside 6 to 512 kbit/s, or more than two channels.
        MissingDependency: AAC without PyAV.
    """
    if codec not in CODECS or not 6.0 <= kbps <= 512.0:
        raise InvalidOption(
            f"{codec} at {kbps} kbit/s is impossible.", f"Codecs: {', '.join(CODECS)}; 6 to 512 kbit/s."
        )
    if clip.channels > _MAX_CHANNELS:
        raise InvalidOption(f"A clip of {clip.channels} channels does not pass through {codec}.", "Mix it down to two.")
    if clip.frames == 0 or clip.peak == 0.0:
        return clip
    form, subtype = output_format(Path("a" + _FILES[codec][0]), _FILES[codec][1])
    loud = max(1.0, clip.peak / _LOUDEST)
    stored = resample(Clip(clip.samples / np.float32(loud), clip.sample_rate), form.rate_for(clip.sample_rate))
    if stored.frames == 0:  # a frame at 192 kHz is less than one at 48 kHz
        return clip
    if codec == "aac":
        decoded = _through_aac(stored, round(1000 * kbps))
    else:
        settings = encoder_settings(form, subtype, stored.sample_rate, stored.channels, round(1000 * kbps))
        decoded = _through_soundfile(stored, subtype, settings)
    back = resample(Clip(_fit(decoded, stored.frames), stored.sample_rate), clip.sample_rate)
    return Clip(np.float32(loud) * _fit(back.samples, clip.frames), clip.sample_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec(Step):
    """A round trip through one of several codecs at a random bitrate.

    Attributes:
        codecs: Which ones, equally likely.
        kbps: Range of the bitrate per channel, in kbit/s, equal ratios equally likely.
    """

    codecs: tuple[CodecName, ...] = ("mp3", "opus", "vorbis")
    kbps: Range = (24.0, 128.0)

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """See `Step.apply`."""
        codec = self.codecs[int(rng.integers(len(self.codecs)))]
        return round_trip(clip, codec, clip.channels * draw(rng, self.kbps, scale="log"))

    def _check(self) -> None:
        check_range("kbps", self.kbps, 6.0, 256.0)
        if not self.codecs or not set(self.codecs) <= set(CODECS):
            raise InvalidOption(f"codecs = {self.codecs} are not known.", f"Choose from {', '.join(CODECS)}.")


def _fit(samples: Samples, frames: int) -> Samples:
    """Cut or padded with silence: decoders return whole packets."""
    return np.pad(samples[:, :frames], ((0, 0), (0, max(0, frames - samples.shape[1]))))


def _through_soundfile(clip: Clip, subtype: str, settings: dict[str, str | float]) -> Samples:
    file = io.BytesIO()
    interleaved = np.ascontiguousarray(clip.samples.T)
    with soundfile.SoundFile(file, "w", clip.sample_rate, clip.channels, subtype, **settings) as sink:
        for start in range(0, clip.frames, _ENCODER_FRAMES):
            sink.write(interleaved[start : start + _ENCODER_FRAMES])
    file.seek(0)
    decoded, _ = soundfile.read(file, dtype="float32", always_2d=True)
    return np.ascontiguousarray(decoded.T, np.float32)


def _through_aac(clip: Clip, bitrate: int) -> Samples:
    """Packets go from the encoder to the decoder without a container; the encoder starts one packet early."""
    try:
        import av
    except ImportError as error:
        raise MissingDependency("The AAC codec needs PyAV.", "Run `pip install descant[media]`.") from error
    layout = "mono" if clip.channels == 1 else "stereo"
    encoder: Any = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = clip.sample_rate, layout, "fltp"
    encoder.bit_rate, encoder.time_base = bitrate, Fraction(1, clip.sample_rate)
    encoder.open()
    packets = []
    for start in range(0, clip.frames, _AAC_FRAMES):
        block = np.ascontiguousarray(clip.samples[:, start : start + _AAC_FRAMES])
        frame: Any = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = clip.sample_rate, start, encoder.time_base
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    decoder: Any = av.CodecContext.create("aac", "r")
    decoder.extradata, decoder.sample_rate, decoder.layout = encoder.extradata, clip.sample_rate, layout
    blocks = [frame.to_ndarray() for packet in (*packets, None) for frame in decoder.decode(packet)]
    decoded: Samples = np.concatenate(blocks, axis=1).astype(np.float32)[:, _AAC_FRAMES:]
    return decoded
