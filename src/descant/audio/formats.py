"""Which audio formats there are: what can be written under each suffix, and what a file is by its first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from descant.errors import InvalidOption, UnsupportedFormat

_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
_AAC_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000)


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """What a kind of file can hold.

    Attributes:
        name: Name of the container ("WAV"), as libsndfile spells it.
        subtypes: Sample formats or codecs, the default first.
        max_channels: The most channels it holds.
        rates: The only rates it holds; empty if any.
        max_bytes: Where the format's size fields end.
        through_media: Whether PyAV writes it rather than libsndfile.
    """

    name: str
    subtypes: tuple[str, ...]
    max_channels: int = 1024
    rates: tuple[int, ...] = ()
    max_bytes: int = 1 << 62
    through_media: bool = False

    def rate_for(self, sample_rate: int) -> int:
        """The rate to store `sample_rate` at: itself, or the next higher one the codec knows, or its highest."""
        if not self.rates or sample_rate in self.rates:
            return sample_rate
        return min((rate for rate in self.rates if rate > sample_rate), default=self.rates[-1])


_PCM = ("PCM_24", "PCM_16", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE")
_WAV = OutputFormat("WAV", _PCM, max_bytes=(1 << 32) - (1 << 16))
_AIFF = OutputFormat("AIFF", ("PCM_24", "PCM_16", "PCM_32", "PCM_S8", "FLOAT", "DOUBLE"), max_bytes=_WAV.max_bytes)
_VORBIS = OutputFormat("OGG", ("VORBIS",), max_channels=255)
_OPUS = OutputFormat("OGG", ("OPUS",), max_channels=255, rates=_OPUS_RATES)
_M4A = OutputFormat("MP4", ("AAC",), max_channels=7, rates=_AAC_RATES, through_media=True)

OUTPUT_FORMATS: dict[str, tuple[OutputFormat, ...]] = {
    ".wav": (_WAV,),
    ".flac": (OutputFormat("FLAC", ("PCM_24", "PCM_16", "PCM_S8"), max_channels=8),),
    ".aiff": (_AIFF,),
    ".aif": (_AIFF,),
    ".ogg": (_VORBIS, _OPUS),
    ".oga": (_VORBIS, _OPUS),
    ".opus": (_OPUS,),
    ".mp3": (OutputFormat("MP3", ("MPEG_LAYER_III",), max_channels=2, rates=_MP3_RATES),),
    ".m4a": (_M4A,),
    ".caf": (OutputFormat("CAF", ("PCM_24", "PCM_16", "PCM_32", "FLOAT", "DOUBLE")),),
    ".rf64": (OutputFormat("RF64", _PCM),),
    ".w64": (OutputFormat("W64", _PCM),),
}
"""What each suffix can be written as."""

PCM_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
"""Bits of the integer sample formats."""

RAREST_SUFFIXES = (
    ".mp4",
    ".webm",
    ".mkv",
    ".mka",
    ".mov",
    ".3gp",
    ".aac",
    ".wma",
    ".amr",
    ".ac3",
    ".m4b",
    ".m4p",
    ".au",
)
AUDIO_SUFFIXES = frozenset((*OUTPUT_FORMATS, *RAREST_SUFFIXES))
"""Suffixes that claim to be audio (or video with audio)."""


def output_format(path: Path, subtype: str | None) -> tuple[OutputFormat, str]:
    """The format and sample format to write `path` in.

    Args:
        path: Target, whose suffix decides.
        subtype: Wanted sample format, for instance "PCM_16"; None takes the suffix's default.

    Raises:
        UnsupportedFormat: Nothing is written under this suffix.
        InvalidOption: The suffix cannot hold the sample format.
    """
    formats = OUTPUT_FORMATS.get(path.suffix.lower())
    if formats is None:
        suffix = f"{path.suffix} files" if path.suffix else "files without a suffix"
        raise UnsupportedFormat(
            f"{path} cannot be written: {suffix} are not supported.",
            f"Use one of {', '.join(OUTPUT_FORMATS)}.",
        )
    wanted = formats[0].subtypes[0] if subtype is None else subtype.upper()
    for each in formats:
        if wanted in each.subtypes:
            return each, wanted
    known = ", ".join(name for each in formats for name in each.subtypes)
    raise InvalidOption(f"{path.suffix} files cannot hold the sample format {subtype!r}.", f"Use one of {known}.")


class Reader(Enum):
    """Which library reads a kind of content."""

    SOUNDFILE = "soundfile"
    MEDIA = "media"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Content:
    """What a file is, by its first bytes.

    Attributes:
        what: For people ("a WAV file", "text").
        reader: Who can read it.
    """

    what: str
    reader: Reader


_MAGIC: tuple[tuple[int, bytes, Content], ...] = (
    (0, b"fLaC", Content("a FLAC file", Reader.SOUNDFILE)),
    (0, b"OggS", Content("an Ogg file", Reader.SOUNDFILE)),
    (0, b"caff", Content("a CAF file", Reader.SOUNDFILE)),
    (0, b".snd", Content("an AU file", Reader.SOUNDFILE)),
    (0, b"RF64", Content("an RF64 file", Reader.SOUNDFILE)),
    (0, b"BW64", Content("a BW64 file", Reader.MEDIA)),
    (0, b"riff\x2e\x91\xcf\x11", Content("a Wave64 file", Reader.SOUNDFILE)),
    (0, b"ID3", Content("an MP3 file", Reader.SOUNDFILE)),
    (4, b"ftyp", Content("an MP4 file", Reader.MEDIA)),
    (4, b"moov", Content("a QuickTime file", Reader.MEDIA)),
    (4, b"mdat", Content("a QuickTime file", Reader.MEDIA)),
    (0, b"\x1a\x45\xdf\xa3", Content("a WebM or Matroska file", Reader.MEDIA)),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Content("a Windows Media file", Reader.MEDIA)),
    (0, b"#!AMR", Content("an AMR file", Reader.MEDIA)),
    (0, b"FLV\x01", Content("a Flash video", Reader.MEDIA)),
    (0, b"wvpk", Content("a WavPack file", Reader.MEDIA)),
    (0, b"MAC ", Content("a Monkey's Audio file", Reader.MEDIA)),
    (0, b"\x0b\x77", Content("an AC-3 file", Reader.MEDIA)),
    (0, b"MThd", Content("a MIDI file", Reader.NONE)),
    (0, b"%PDF", Content("a PDF document", Reader.NONE)),
    (0, b"PK\x03\x04", Content("a ZIP archive", Reader.NONE)),
    (0, b"\x89PNG", Content("a PNG picture", Reader.NONE)),
    (0, b"\xff\xd8\xff", Content("a JPEG picture", Reader.NONE)),
    (0, b"GIF8", Content("a GIF picture", Reader.NONE)),
    (0, b"\x7fELF", Content("a program", Reader.NONE)),
    (0, b"\x1f\x8b", Content("a gzip archive", Reader.NONE)),
)
_RIFF = {
    b"WAVE": Content("a WAV file", Reader.SOUNDFILE),
    b"AVI ": Content("an AVI video", Reader.MEDIA),
    b"RMID": Content("a MIDI file", Reader.NONE),
    b"sfbk": Content("a SoundFont", Reader.NONE),
    b"WEBP": Content("a WebP picture", Reader.NONE),
}
_UNKNOWN = Content("of no known format", Reader.UNKNOWN)


def recognise(head: bytes) -> Content:
    """What a file is.

    Args:
        head: Its first bytes; 512 are enough.
    """
    if head[:4] in {b"RIFF", b"RIFX"}:
        return _RIFF.get(head[8:12], _UNKNOWN)
    if head[:4] == b"FORM":
        is_aiff = head[8:12] in {b"AIFF", b"AIFC"}
        return Content("an AIFF file", Reader.SOUNDFILE) if is_aiff else _UNKNOWN
    for offset, magic, content in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return content
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        # Layer bits 00 are not MPEG audio but ADTS, the bare stream of AAC.
        if head[1] & 0x06 == 0:
            return Content("an AAC stream", Reader.MEDIA)
        return Content("an MP3 file", Reader.SOUNDFILE)
    return _text(head) or _UNKNOWN


def _text(head: bytes) -> Content | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return Content("a web page", Reader.NONE)
    try:
        # The last few bytes may be a character cut in half.
        text = head.decode("utf-8") if len(head) < 8 else head[:-4].decode("utf-8", "strict")
    except UnicodeDecodeError:
        return None
    printable = all(character.isprintable() or character in "\r\n\t\f" for character in text)
    return Content("text", Reader.NONE) if text and printable else None
