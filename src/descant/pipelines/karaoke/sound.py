"""The sound: the song without its voice or with less of it, and the guide melody, block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import probe, read, read_blocks
from descant.audio.writer import AudioWriter
from descant.errors import AudioReadError, InvalidOption
from descant.pipelines.karaoke.guide import GuideVoice, one_at_a_time
from descant.pipelines.karaoke.rows import Row
from descant.progress import CancelToken, Monitor
from descant.separate.files import StemOptions, separate_file
from descant.text.lyrics import SungNote

BLOCK_S = 5.0
VOCALS = "vocals.flac"
_HALF_DB = -6.0205999132796239  # kept at half its height: a stem may peak beyond the song's full scale
_LOUDEST_DB = 12.0
_LISTEN_S = 120.0
_HIGHEST_PITCH = 127
_EARLY_S, _LATE_S = 0.25, 0.25


def vocals_gain(text: str) -> float:
    """The factor of the voice: "off" is 0, "on" is 1, "-12dB" is 0.25.

    Raises:
        InvalidOption: It is none of these.
    """
    plain = text.strip().lower()
    if plain in {"off", "on"}:
        return float(plain == "on")
    try:
        level_db = float(plain.removesuffix("db"))
    except ValueError:
        level_db = math.nan
    if not level_db <= _LOUDEST_DB:
        raise InvalidOption(f"{text!r} is not a level of the voice.", 'Write "off", "on", or for instance "-12dB".')
    return float(10.0 ** (level_db / 20.0))


def keep_vocals(song: Path, folder: Path, *, monitor: Monitor) -> None:
    """Take the voice out of a song and keep it in a folder."""
    options = StemOptions("flac", "PCM_24", stems=("vocals",), gain_db=_HALF_DB)
    separate_file(song, folder, options, progress=monitor.sink, cancel=monitor.cancel)


@dataclass(frozen=True, slots=True)
class Backing:
    """What a karaoke singer sings to.

    Attributes:
        song: The recording.
        vocals: Its voice as `keep_vocals` left it; None if the song stays as it is.
        gain: Factor of the voice.
        notes: The guide melody to mix in; empty without one.
        guide_gain: Its factor.
    """

    song: Path
    vocals: Path | None
    gain: float
    notes: tuple[SungNote, ...] = ()
    guide_gain: float = 1.0

    def blocks(self) -> Iterator[Clip]:
        """Stereo, at the song's rate, as long as the song.

        Raises:
            AudioReadError: The voice that was kept is not of this song.
        """
        rate = probe(self.song).sample_rate
        size = round(BLOCK_S * rate)
        guide = GuideVoice(self.notes, rate)
        voices: Iterator[Clip | None] = repeat(None) if self.vocals is None else read_blocks(self.vocals, size)
        first = 0
        for block in read_blocks(self.song, size):
            samples = block.samples
            voice = next(voices, None)
            if voice is not None:
                if voice.samples.shape != samples.shape:
                    raise AudioReadError(
                        f"The voice taken out of {self.song} is damaged.", "Empty the cache; try again."
                    )
                # What is left of the song is its sum without the voice, so that nothing else of it can be lost.
                samples = samples + np.float32(2.0 * (self.gain - 1.0)) * voice.samples
            clip = Clip(samples, rate).to_channels(2)
            if self.notes:
                clip = Clip(clip.samples + np.float32(self.guide_gain) * guide.block(first, clip.frames).samples, rate)
            first += clip.frames
            yield clip


def write_backing(path: Path, backing: Backing, *, monitor: Monitor) -> int:
    """Write the sound; returns how many samples lay beyond full scale and were clipped."""
    info = probe(backing.song)
    with AudioWriter(path, info.sample_rate, 2, frames=info.frames) as writer:
        done = 0
        for block in backing.blocks():
            writer.write(block)
            done += block.frames
            monitor.report(done / max(done, info.frames))
    return writer.clipped_samples


def write_guide(path: Path, notes: Sequence[SungNote], song: Path, *, gain: float, monitor: Monitor) -> None:
    """Write the guide melody alone, mono, as long as the song."""
    info = probe(song)
    voice = GuideVoice(notes, info.sample_rate)
    size = round(BLOCK_S * info.sample_rate)
    with ExitStack() as stack:
        writer = stack.enter_context(AudioWriter(path, info.sample_rate, 1, frames=info.frames))
        for first in range(0, info.frames, size):
            writer.write(voice.block(first, min(size, info.frames - first)).gain(20.0 * math.log10(gain)))
            monitor.report(first / info.frames)


def heard_notes(
    vocals: Path, rows: Sequence[Row], *, monitor: Monitor, cancel: CancelToken | None = None
) -> tuple[SungNote, ...]:
    """What the voice sings while there are words, listened to a few minutes at a time.

    Args:
        vocals: The voice alone.
        rows: Where words are.
        monitor: Receives the share that is done.
        cancel: Stops the work.
    """
    from descant.transcribe.melody import sung_notes

    duration = probe(vocals).duration_s
    stretches = _stretches(rows, duration)
    found: list[SungNote] = []
    for index, (start, end) in enumerate(stretches):
        part = monitor.part("guide melody", index / len(stretches), (index + 1) / len(stretches))
        clip = read(vocals, start_s=start, end_s=end, channels=1)
        heard = sung_notes(clip, progress=part.sink, cancel=cancel)
        found += [
            SungNote(n.number, start + n.start_s, start + n.end_s) for n in heard if 0 <= n.number <= _HIGHEST_PITCH
        ]
    sung = [(row.start_s - _EARLY_S, row.end_s + _LATE_S) for row in rows]
    kept = [note for note in found if any(a <= 0.5 * (note.start_s + note.end_s) <= b for a, b in sung)]
    return one_at_a_time(sorted(kept, key=lambda note: note.start_s))


def _stretches(rows: Sequence[Row], duration_s: float) -> list[tuple[float, float]]:
    """Parts of the song with words, cut between rows, short enough to be held in memory."""
    parts: list[tuple[float, float]] = []
    for row in rows:
        start, end = max(0.0, row.start_s - _EARLY_S), min(duration_s, row.end_s + _LATE_S)
        if start >= duration_s:
            continue
        if parts and end - parts[-1][0] <= _LISTEN_S:
            parts[-1] = (parts[-1][0], max(parts[-1][1], end))
        elif end > (parts[-1][1] if parts else 0.0):
            parts.append((max(start, parts[-1][1]) if parts else start, end))
    return [(a, b) for a, b in parts if b - a > 0.1]
