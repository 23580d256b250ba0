"""Basic Pitch (Bittner et al., ICASSP 2022, arXiv 2203.09893): audio to note, onset and contour maps, streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import Resampler
from descant.nets.onnx import fetch_network, open_session

Floats = NDArray[np.float32]

SAMPLE_RATE = 22_050
HOP = 256
LOWEST_PITCH = 21
PITCHES = 88
BINS_PER_SEMITONE = 3

_WINDOW = 43_844
_WINDOW_FRAMES = 172
_EDGE_FRAMES = 15  # frames at either side of a window that lack context and are dropped
_KEPT_FRAMES = _WINDOW_FRAMES - 2 * _EDGE_FRAMES
_STEP = _WINDOW - 2 * _EDGE_FRAMES * HOP
_BATCH = 4

# A window's frames span a little more than its samples; the published mapping takes this back once per window length.
_DRIFT_S = HOP / SAMPLE_RATE * (_WINDOW_FRAMES - _WINDOW / HOP) + 0.0018
# The published length rule counts 86 frames a second (22,050 // 256).
_COUNTED_FRAMES_PER_S = SAMPLE_RATE // HOP


@dataclass(frozen=True, slots=True, eq=False)
class NoteMaps:
    """What the net hears, frame by frame (86.13 frames/s), each value 0..1.

    Attributes:
        notes: Whether a pitch sounds, shape [frames, 88], MIDI 21..108.
        onsets: Whether it starts, shape [frames, 88].
        contours: Fine pitch, three bins to the semitone, shape [frames, 264].
    """

    notes: Floats
    onsets: Floats
    contours: Floats

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.notes)

    def slice(self, start: int, end: int | None = None) -> NoteMaps:
        """Some of the frames."""
        return NoteMaps(self.notes[start:end], self.onsets[start:end], self.contours[start:end])

    @classmethod
    def join(cls, parts: Iterable[NoteMaps]) -> NoteMaps:
        """Maps one after the other."""
        listed = list(parts)
        if not listed:
            return cls(*(np.zeros((0, width), np.float32) for width in (PITCHES, PITCHES, PITCHES * BINS_PER_SEMITONE)))
        return cls(
            np.concatenate([p.notes for p in listed]),
            np.concatenate([p.onsets for p in listed]),
            np.concatenate([p.contours for p in listed]),
        )


def frame_times(frames: NDArray[np.int64]) -> NDArray[np.float64]:
    """Seconds of frame numbers, as the published package maps them."""
    times: NDArray[np.float64] = frames * (HOP / SAMPLE_RATE) - _DRIFT_S * (frames // _WINDOW_FRAMES)
    return times


class BasicPitch:
    """The net with its weights loaded.

    Args:
        path: The ONNX file.
        threads: Threads of the runtime; None takes at most two.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        self._session = open_session(path, card="basic-pitch", threads=threads)

    @classmethod
    def load(cls, name: str = "basic-pitch") -> BasicPitch:
        """From a card's name; the weights are fetched when they are not in the cache yet."""
        return cls(fetch_network(name))

    def __call__(self, clip: Clip) -> NoteMaps:
        """Maps of a whole clip, of any rate and channel count."""
        return NoteMaps.join(self.stream([clip]))

    def stream(self, blocks: Iterable[Clip]) -> Iterator[NoteMaps]:
        """Maps of a recording that arrives block by block; memory follows the block, not the recording.

        Args:
            blocks: Consecutive clips of one rate and channel count.

        Yields:
            Consecutive maps; joined they equal those of the whole.
        """
        waiting: list[Floats] = [np.zeros(_EDGE_FRAMES * HOP, np.float32)]
        held = len(waiting[0])
        heard = frames = 0
        batch = (_BATCH - 1) * _STEP + _WINDOW
        for mono in _mono_22k(blocks):
            waiting.append(mono)
            held += len(mono)
            heard += len(mono)
            while held >= batch:
                joined = np.concatenate(waiting)
                maps = self._run(joined[:batch])
                frames += maps.frames
                yield maps
                waiting = [joined[_BATCH * _STEP :]]
                held = len(waiting[0])
        rest = np.concatenate(waiting)
        due = int(heard * (_COUNTED_FRAMES_PER_S / SAMPLE_RATE)) - frames
        while due > 0:
            # Beyond the end the net hears silence, as in the published package.
            part = np.pad(rest[:batch], (0, max(0, batch - len(rest))))
            maps = self._run(part).slice(0, due)
            due -= maps.frames
            yield maps
            rest = rest[_BATCH * _STEP :]

    def _run(self, samples: Floats) -> NoteMaps:
        windows = np.stack([samples[i * _STEP : i * _STEP + _WINDOW] for i in range(_BATCH)])
        names = ["StatefulPartitionedCall:1", "StatefulPartitionedCall:2", "StatefulPartitionedCall:0"]
        inputs = {"serving_default_input_2:0": windows[:, :, np.newaxis]}
        outputs = (
            np.asarray(x)[:, _EDGE_FRAMES : _EDGE_FRAMES + _KEPT_FRAMES].reshape(_BATCH * _KEPT_FRAMES, -1)
            for x in self._session.run(names, inputs)
        )
        return NoteMaps(*outputs)


def _mono_22k(blocks: Iterable[Clip]) -> Iterator[Floats]:
    resampler: Resampler | None = None
    rate = SAMPLE_RATE
    for block in blocks:
        mono = block.to_mono()
        if resampler is None:
            rate = mono.sample_rate
            resampler = Resampler(rate, SAMPLE_RATE, 1)
        # Short blocks keep the resampled copy of a long clip from standing beside it in memory.
        for start in range(0, mono.frames, 1 << 20):
            part = Clip(mono.samples[:, start : start + (1 << 20)], rate)
            yield resampler.push(part).samples[0]
    if resampler is not None:
        yield resampler.push(Clip.silence(0, rate), last=True).samples[0]
