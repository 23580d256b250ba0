"""Broken and strange audio files, made on the spot: one maker per case of the error table."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

Maker = Callable[[Path], Path]

_RATE = 44_100
_TONE = (0.4 * np.sin(2 * np.pi * 330 * np.arange(_RATE) / _RATE)).astype(np.float32)


def tone_file(path: Path, subtype: str = "PCM_16", form: str = "WAV") -> Path:
    """About one second of a tone."""
    rate = 48_000 if subtype == "OPUS" else _RATE
    soundfile.write(path, np.stack([_TONE, 0.5 * _TONE], axis=1), rate, subtype=subtype, format=form)
    return path


def missing(folder: Path) -> Path:
    return folder / "missing.wav"


def a_folder(folder: Path) -> Path:
    path = folder / "folder.wav"
    path.mkdir()
    return path


def empty(folder: Path) -> Path:
    path = folder / "empty.mp3"
    path.touch()
    return path


def text_renamed(folder: Path) -> Path:
    path = folder / "notes.wav"
    path.write_text("remember to buy strings\n" * 50)
    return path


def web_page(folder: Path) -> Path:
    path = folder / "download.mp3"
    path.write_text("<!DOCTYPE html><html><body>Please log in to the hotel's network</body></html>")
    return path


def midi_renamed(folder: Path) -> Path:
    path = folder / "song.wav"
    path.write_bytes(b"MThd\0\0\0\x06\0\x01\0\x01\0\x60MTrk\0\0\0\x04\0\xff\x2f\0")
    return path


def picture(folder: Path) -> Path:
    path = folder / "cover.flac"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    return path


def noise_named_mp3(folder: Path) -> Path:
    path = folder / "noise.mp3"
    path.write_bytes(bytes([1, 2, 3]) + np.random.default_rng(0).bytes(5_000))
    return path


def unknown_format(folder: Path) -> Path:
    path = folder / "song.xyz"
    path.write_bytes(bytes([1, 2, 3]) + np.random.default_rng(1).bytes(5_000))
    return path


def header_only(folder: Path) -> Path:
    path = folder / "stub.wav"
    path.write_bytes(b"RIFF\x24\0\0\0WAVE")
    return path


def truncated(form: str, subtype: str, suffix: str, share: float = 0.5) -> Maker:
    def make(folder: Path) -> Path:
        path = tone_file(folder / f"cut{suffix}", subtype, form)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])
        return path

    return make


def truncated_m4a(folder: Path) -> Path:
    from descant.audio.clip import Clip
    from descant.audio.io import write

    path = write(folder / "cut.m4a", Clip(_TONE, _RATE))
    path.write_bytes(path.read_bytes()[:-2_000])
    return path


def protected(folder: Path) -> Path:
    """The outline of a bought song: an MP4 whose sample entry says that it is encrypted."""
    entry = b"drms" + bytes(40) + b"sinf" + bytes(20)
    moov = struct.pack(">I", len(entry) + 8) + b"moov" + entry
    path = folder / "bought.m4p"
    path.write_bytes(struct.pack(">I", 24) + b"ftypM4P \0\0\0\0M4P isom" + moov + bytes(1_000))
    return path


def video_without_sound(folder: Path) -> Path:
    import av

    path = folder / "silent film.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return path


def with_nan(folder: Path) -> Path:
    samples = _TONE.copy()
    samples[22_050] = np.nan
    path = folder / "nan.wav"
    soundfile.write(path, samples, _RATE, subtype="FLOAT")
    return path


def with_infinity(folder: Path) -> Path:
    samples = _TONE.copy()
    samples[-1] = -np.inf
    path = folder / "inf.wav"
    soundfile.write(path, samples, _RATE, subtype="FLOAT")
    return path


def no_frames(folder: Path) -> Path:
    path = folder / "nothing.wav"
    soundfile.write(path, np.zeros((0, 2), np.float32), _RATE)
    return path


def impossible_rate(folder: Path) -> Path:
    path = tone_file(folder / "slow.wav")
    content = bytearray(path.read_bytes())
    content[24:28] = struct.pack("<I", 7)
    path.write_bytes(content)
    return path


def named_pipe(folder: Path) -> Path:
    import os

    path = folder / "pipe.wav"
    os.mkfifo(path)
    return path
