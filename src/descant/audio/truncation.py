"""Whether a file ends before its own headers say it should."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

# Sizes a program writes when it does not know them (streams, recorders that were killed).
_PLACEHOLDERS = {0, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x7FFF_F000, 0xFFFF_F000, 0x7FFF_FFDB, 0xFFFF_FFDB}
_XING_WITHIN_BYTES = 64
_OGG_TAIL_BYTES = 1 << 17  # a page has at most 65,307 bytes


def missing_bytes(file: BinaryIO) -> int:
    """How many bytes a WAV, RF64, AIFF, Ogg or tagged MP3 file lacks at its end; 0 if whole or of another format.

    Args:
        file: Open at its start.
    """
    head = file.read(12)
    size = os.fstat(file.fileno()).st_size
    if head[:4] in {b"RIFF", b"RIFX", b"RF64"} and head[8:12] == b"WAVE":
        return max(0, _riff_end(file, head[:4]) - size)
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return max(0, _chunk_end(file, ">", b"SSND") - size)
    if head[:4] == b"OggS":
        return _ogg_missing(file, size)
    return _mp3_missing(file, size)


def states_mp3_length(file: BinaryIO) -> bool:
    """Whether an MP3 tells its length; if not, what decoders report is a guess from its first bitrate."""
    return _mp3_tagged_end(file) is not None


def _riff_end(file: BinaryIO, form: bytes) -> int:
    if form != b"RF64":
        return _chunk_end(file, ">" if form == b"RIFX" else "<", b"data")
    header = file.read(24)
    if len(header) < 24 or header[:4] != b"ds64":
        return 0
    data_bytes = int(struct.unpack("<Q", header[16:24])[0])
    file.seek(12)
    start = _chunk_start(file, "<", b"data")
    return start[0] + data_bytes if start else 0


def _chunk_end(file: BinaryIO, order: str, wanted: bytes) -> int:
    found = _chunk_start(file, order, wanted)
    if found is None or found[1] in _PLACEHOLDERS:
        return 0
    return found[0] + found[1]


def _chunk_start(file: BinaryIO, order: str, wanted: bytes) -> tuple[int, int] | None:
    """Position and stated size of a chunk's content."""
    while len(header := file.read(8)) == 8:
        name, size = header[:4], int(struct.unpack(order + "I", header[4:])[0])
        if name == wanted:
            return file.tell(), size
        file.seek(size + size % 2, os.SEEK_CUR)
    return None


def _mp3_missing(file: BinaryIO, size: int) -> int:
    stated = _mp3_tagged_end(file)
    return 0 if stated is None else max(0, stated - size)


def _mp3_tagged_end(file: BinaryIO) -> int | None:
    """Where an MP3 ends by its first frame (the Xing or Info tag); None if it has no such tag."""
    file.seek(0)
    head = file.read(10)
    start = 0
    if head[:3] == b"ID3" and len(head) == 10:
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        file.seek(start)
        head = file.read(2)
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    file.seek(start)
    frame = file.read(_XING_WITHIN_BYTES)
    at = max(frame.find(b"Xing"), frame.find(b"Info"))
    if at < 0 or len(frame) < at + 16:
        return None
    flags, _, stated = struct.unpack(">III", frame[at + 4 : at + 16])
    return start + int(stated) if flags & 0b11 == 0b11 else None


def _ogg_missing(file: BinaryIO, size: int) -> int:
    """Bytes missing of the last page; a stream without an end mark is whole if its last page is."""
    start = max(0, size - _OGG_TAIL_BYTES)
    file.seek(start)
    tail = file.read()
    at = len(tail)
    while (at := tail.rfind(b"OggS", 0, at)) >= 0:
        page = tail[at:]
        # Audio data may hold the four letters by chance: a real page goes on with version 0.
        if len(page) > 4 and page[4] != 0:
            continue
        if len(page) < 27 or len(page) < 27 + page[26]:
            return 27 - min(len(page), 26)
        return max(0, 27 + page[26] + sum(page[27 : 27 + page[26]]) - len(page))
    return 0
