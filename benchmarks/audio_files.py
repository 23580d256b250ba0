"""Measure every audio format: is the length exact, is the onset in place, how much is lost, how fast is it?

Run `python benchmarks/audio_files.py`; the table of docs/audio.md is its output. A file is written and read back by
Descant, read by PyAV as other programs would, and, where other encoders are common, written by PyAV (FFmpeg and LAME)
and read by Descant.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import probe, read, write
from descant.audio.resample import resample
from descant.evaluate.report import Report, Table

SECONDS = 20
ONSETS = (1_000, 44_100, 333_333, 800_001)


@dataclass(frozen=True)
class Way:
    """One way to write a file: by Descant with options, or by PyAV with a codec."""

    name: str
    suffix: str
    subtype: str | None = None
    bitrate: int | None = None
    sample_rate: int = 44_100
    foreign_codec: str | None = None
    container: str | None = None


WAYS = (
    Way("WAV 16 bit", ".wav", "PCM_16"),
    Way("WAV 24 bit", ".wav", "PCM_24"),
    Way("WAV 32 bit float", ".wav", "FLOAT"),
    Way("FLAC 24 bit", ".flac", "PCM_24"),
    Way("AIFF 24 bit", ".aiff", "PCM_24"),
    Way("CAF 24 bit", ".caf", "PCM_24"),
    Way("Ogg Vorbis", ".ogg"),
    Way("Opus", ".opus", sample_rate=48_000),
    Way("Opus of 44.1 kHz", ".opus"),
    Way("MP3", ".mp3"),
    Way("MP3 128 kbit/s", ".mp3", bitrate=128_000),
    Way("M4A (AAC)", ".m4a"),
    Way("MP3 by FFmpeg", ".mp3", foreign_codec="libmp3lame", container="mp3"),
    Way("M4A by FFmpeg", ".m4a", foreign_codec="aac", container="ipod"),
    Way("WebM (Opus) by FFmpeg", ".webm", sample_rate=48_000, foreign_codec="libopus", container="webm"),
)


def music(sample_rate: int) -> Clip:
    """Chords with decaying partials and a click at each of `ONSETS`, in stereo, at half of full scale."""
    frames = SECONDS * sample_rate
    seconds = np.arange(frames) / sample_rate
    random = np.random.default_rng(0)
    sound = np.zeros((2, frames))
    for hz in (110.0, 138.6, 164.8, 220.0, 329.6):
        for partial in range(1, 9):
            phases = random.uniform(0, 2 * np.pi, (2, 1))
            sound += np.sin(2 * np.pi * hz * partial * seconds + phases) / partial**1.5 * np.exp(-(seconds % 2.0))
    return Clip((sound / np.abs(sound).max() * 0.5).astype(np.float32), sample_rate)


def clicks(sample_rate: int) -> Clip:
    """Silence with a click at each of `ONSETS`."""
    samples = np.zeros((2, SECONDS * sample_rate), np.float32)
    samples[:, ONSETS] = 0.8
    return Clip(samples, sample_rate)


def encode(way: Way, clip: Clip, path: Path) -> None:
    """Write the clip in the given way."""
    if way.foreign_codec is None:
        write(path, clip, subtype=way.subtype, bitrate=way.bitrate)
        return
    with av.open(str(path), "w", format=way.container) as container:
        stream = container.add_stream(way.foreign_codec, rate=clip.sample_rate, layout="stereo")
        form = "flt" if way.foreign_codec == "libopus" else "fltp"
        samples = clip.samples if form == "fltp" else np.ascontiguousarray(clip.samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format=form, layout="stereo")
        frame.sample_rate, frame.pts = clip.sample_rate, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def decode_elsewhere(path: Path) -> Clip:
    """What PyAV alone makes of a file, as any program built on FFmpeg."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp")
        parts = [out.to_ndarray() for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        return Clip(np.concatenate(parts, axis=1), container.streams.audio[0].codec_context.sample_rate)


def onset_errors(decoded: Clip, sample_rate: int) -> int:
    """The largest distance in frames between a click and where it is found."""
    at_rate = resample(decoded, sample_rate)
    errors = []
    for onset in ONSETS:
        part = np.abs(at_rate.samples[0, max(0, onset - 3_000) : onset + 3_000])
        errors.append(abs(int(part.argmax()) + max(0, onset - 3_000) - onset))
    return max(errors)


def measure(way: Way, folder: Path) -> tuple[str | float | int | None, ...]:
    """One row of the table."""
    click, song = clicks(way.sample_rate), music(way.sample_rate)
    path = folder / f"clicks{way.suffix}"
    encode(way, click, path)
    decoded, stated = read(path), probe(path)
    expected = round(click.frames * decoded.sample_rate / click.sample_rate)
    elsewhere = decode_elsewhere(path)
    song_path = folder / f"song{way.suffix}"
    started = time.process_time()
    encode(way, song, song_path)
    written = time.process_time()
    back = read(song_path)
    done = time.process_time()
    heard = resample(back, way.sample_rate).samples[:, : song.frames].astype(float)
    error = heard - song.samples[:, : heard.shape[1]]
    snr = 10 * np.log10(np.mean(song.samples.astype(float) ** 2) / max(float(np.mean(error**2)), 1e-20))
    return (
        way.name,
        stated.frames - expected,
        decoded.frames - expected,
        onset_errors(decoded, way.sample_rate),
        elsewhere.frames - expected,
        onset_errors(elsewhere, way.sample_rate),
        "exact" if not error.any() else f"{snr:.0f}",
        round(song_path.stat().st_size * 8 / SECONDS / 1_000),
        round(SECONDS / (written - started)),
        round(SECONDS / (done - written)),
    )


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="folder for audio_files.md and audio_files.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = tuple(measure(way, Path(folder)) for way in WAYS)
    columns = (
        "format",
        "probe: frames over",
        "length error",
        "onset error",
        "length error in FFmpeg",
        "onset error in FFmpeg",
        "SNR dB",
        "kbit/s",
        "writing, x real time",
        "reading, x real time",
    )
    title = f"{SECONDS} s in stereo, four clicks; errors in frames; speed in seconds of audio per second of CPU"
    report = Report("audio_files", "python benchmarks/audio_files.py", (Table(title, columns, rows),))
    print(report.to_markdown())
    if arguments.out:
        report.save(arguments.out)


if __name__ == "__main__":
    main()
