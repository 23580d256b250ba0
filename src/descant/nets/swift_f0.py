"""SwiftF0: fundamental frequency of a single voice by a small convolutional net (Nieradzik 2025, MIT), as ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.dsp.octaves import repair_octaves
from descant.dsp.pitch import PitchTrack
from descant.errors import InvalidAudio
from descant.nets.onnx import fetch_network, open_session
from descant.progress import CancelToken, Monitor, ProgressSink

SAMPLE_RATE = 16_000
HOP = 256
LOWEST_HZ, HIGHEST_HZ = 46.875, 2093.75
VOICED_CONFIDENCE = 0.5

# A frame depends on 11 frames before and 10 after it (2048-sample window and seven frames of convolution), so
# windows with these margins give the numbers of one long run, in bounded memory.
_LEFT_FRAMES, _RIGHT_FRAMES = 11, 10
_WINDOW_FRAMES = 1875
# Below this peak a frame is digital silence, on which the net answers at random.
_SILENCE_PEAK = 1e-3


class SwiftF0:
    """The tracker with its weights loaded.

    Args:
        path: The ONNX file.
        threads: Threads of the runtime; None takes at most two.
    """

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        self._session = open_session(path, card="swift-f0", threads=threads)

    @classmethod
    def load(cls, name: str = "swift-f0") -> SwiftF0:
        """From a card's name; the weights are fetched when they are not in the cache yet."""
        return cls(fetch_network(name))

    def __call__(
        self,
        clip: Clip,
        *,
        repair: bool = True,
        lowest_hz: float = LOWEST_HZ,
        highest_hz: float = HIGHEST_HZ,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> PitchTrack:
        """Track the pitch of one voice, a frame every 16 ms.

        Args:
            clip: Any rate and channel count; it is mixed to mono and resampled to 16 kHz.
            repair: Whether short octave errors are moved back (`dsp.octaves.repair_octaves`).
            lowest_hz: Lowest frequency that is considered.
            highest_hz: Highest frequency that is considered.
            progress: Receives `Progress` events.
            cancel: Stops the work when raised.

        Returns:
            The track; frames with a confidence of 0.5 or more are voiced.

        Raises:
            InvalidAudio: The clip has no samples.
        """
        if clip.frames == 0:
            raise InvalidAudio("The recording has no samples.", "Check that the export was complete.")
        monitor = Monitor(progress, cancel, "melody")
        mono = _mono_16k(clip)
        total = max(1, len(mono) // HOP)
        f0 = np.zeros(total)
        confidence = np.zeros(total)
        for start in range(0, total, _WINDOW_FRAMES):
            monitor.report(start / total)
            end = min(start + _WINDOW_FRAMES, total)
            left = max(0, start - _LEFT_FRAMES)
            stop = (end + _RIGHT_FRAMES) * HOP if end < total else len(mono)
            pitch, voicing = self._run(mono[left * HOP : stop], lowest_hz, highest_hz)
            f0[start:end] = pitch[start - left : end - left]
            confidence[start:end] = voicing[start - left : end - left]
        monitor.report(1.0)
        times = np.arange(total, dtype=np.float64) * (HOP / SAMPLE_RATE)
        track = PitchTrack(times, f0, confidence, confidence >= VOICED_CONFIDENCE)
        return repair_octaves(track) if repair else track

    def _run(
        self, mono: NDArray[np.float32], lowest_hz: float, highest_hz: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        inputs = {"audio": mono[np.newaxis], "fmin": np.float32(lowest_hz), "fmax": np.float32(highest_hz)}
        inputs = {name: np.asarray(value, np.float32) for name, value in inputs.items()}
        pitch, confidence = (np.asarray(x[0], np.float64) for x in self._session.run(["pitch", "confidence"], inputs))
        count = len(confidence)
        hops = mono[: count * HOP].reshape(count, HOP) if len(mono) >= HOP else mono[np.newaxis]
        confidence[np.abs(hops).max(axis=1) < _SILENCE_PEAK] = 0.0
        return pitch, confidence


def _mono_16k(clip: Clip) -> NDArray[np.float32]:
    mono = np.ascontiguousarray(clip.to_mono().samples[0])
    if clip.sample_rate != SAMPLE_RATE:
        mono = np.asarray(soxr.resample(mono, clip.sample_rate, SAMPLE_RATE), np.float32)
    return mono if len(mono) else np.zeros(1, np.float32)
