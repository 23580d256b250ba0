"""Conversion of audio of any length in blocks: no seams, little memory, the length kept to the sample.

Pitch is tracked ahead of time, over everything, because the transposition depends on it and the pulses' phase must go
on from block to block. The rest is done in blocks of 20 s that share half a second. As pulses and breath are the same
at every place whatever block they are made in, neighbours fade into each other without a beat.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from descant.convert.content import ContentEncoder
from descant.convert.features import VoiceFeatures, level_frames
from descant.convert.options import ConvertOptions
from descant.convert.retrieval import Pool
from descant.convert.voice import Voice
from descant.nets.source_filter import FPS, HOP
from descant.nets.voice_decoder import VoiceDecoder
from descant.nets.whisper_encoder import SAMPLE_RATE

Floats = NDArray[np.float32]

_BLOCK, _SHARED, _MARGIN = 2000, 50, 100
"""Frames of a block, those that neighbours share, and those beside it that only inform the nets."""
_PER_FRAME = SAMPLE_RATE // FPS
_SILENT_DB, _FADED_DB = -72.0, -64.0
_SEED_STEP = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Melody:
    """Pitch of the whole, already transposed.

    Attributes:
        f0_hz: [frames at 100 a second].
        voiced: 0..1, [frames].
    """

    f0_hz: Floats
    voiced: Floats

    def cycles(self) -> NDArray[np.float64]:
        """Phase of the pulses at the start of each frame, in cycles, as `nets.source_filter.pulses` counts them."""
        logs = np.log(np.maximum(self.f0_hz.astype(np.float64), 20.0))
        slope = np.append(np.diff(logs), 0.0)
        # The sum over a frame's samples is that of a geometric series; where the pitch stands, all of them are equal.
        stands = np.abs(slope) < 1e-9
        grows = np.where(stands, 1.0, slope)
        each = np.exp(logs) * np.where(stands, HOP, np.expm1(grows) / np.expm1(grows / HOP)) / (FPS * HOP)
        return np.concatenate([[0.0], np.cumsum(each)[:-1]]) % 1.0


class BlockConverter:
    """One conversion.

    Args:
        decoder: In evaluation mode.
        encoder: For the content.
        voice: Whose voice.
        options: How.
        melody: Pitch of the whole.
    """

    def __init__(
        self, decoder: VoiceDecoder, encoder: ContentEncoder, voice: Voice, options: ConvertOptions, melody: Melody
    ) -> None:
        self._decoder, self._encoder, self._options, self._melody = decoder, encoder, options, melody
        self._pool = Pool(voice.pool)
        self._speaker = torch.from_numpy(voice.speaker)[None]
        self._cycles = melody.cycles()
        self._tail = np.zeros(_SHARED * HOP, np.float32)

    def plan(self) -> Iterator[tuple[int, int]]:
        """First frame and end of each block."""
        frames = len(self._melody.f0_hz)
        for start in range(0, max(frames - _SHARED, 1), _BLOCK - _SHARED):
            yield start, min(start + _BLOCK, frames)

    def window(self, start: int, stop: int) -> tuple[int, int]:
        """Which samples at 16 kHz a block needs; the first may lie before the beginning of the audio."""
        return (start - _MARGIN) * _PER_FRAME, (stop + _MARGIN) * _PER_FRAME

    @torch.inference_mode()
    def __call__(self, start: int, stop: int, mono: Floats) -> Floats:
        """Convert a block.

        Args:
            start: Its first frame.
            stop: Its end.
            mono: The samples of its `window`, zeros where there is no audio.

        Returns:
            Finished samples at 44.1 kHz: all but those that the next block shares.
        """
        sound = self._render(start, stop, mono)
        shared = _SHARED * HOP
        if start:
            rise = (np.arange(shared, dtype=np.float32) + 0.5) / shared
            sound[:shared] = self._tail * (1.0 - rise) + sound[:shared] * rise
        if stop == len(self._melody.f0_hz):
            return sound
        finished, self._tail = sound[:-shared], sound[-shared:]
        return finished

    def _render(self, start: int, stop: int, mono: Floats) -> Floats:
        first, last = max(0, start - _MARGIN), min(len(self._melody.f0_hz), stop + _MARGIN)
        content = self._pool(self._encoder(mono), self._options.retrieval)
        count = last - first
        level = level_frames(mono, len(mono) // _PER_FRAME)[first - (start - _MARGIN) :][:count]
        f0_hz, voiced = self._melody.f0_hz[first:last], self._melody.voiced[first:last]
        part = VoiceFeatures(content[(first - (start - _MARGIN)) // 2 :], f0_hz, voiced, level)
        arrays = (part.contents(), f0_hz, voiced, level)
        tensors = [torch.from_numpy(np.ascontiguousarray(one))[None] for one in arrays]
        filters = self._decoder(*tensors, self._speaker)
        filters = self._decoder.with_formants(filters, 2.0 ** (self._options.formant / 12.0))
        noise = torch.from_numpy(np.concatenate([self._breath(frame) for frame in range(first, last)]))[None]
        phase = torch.tensor([self._cycles[first]])
        sound = self._decoder.render(filters, tensors[1], tensors[2], noise, phase)[0].numpy()
        gate = np.clip((level - _SILENT_DB) / (_FADED_DB - _SILENT_DB), 0.0, 1.0).astype(np.float32)
        at = np.arange(count * HOP) / HOP
        sound = sound * np.interp(at, np.arange(count), gate).astype(np.float32)
        wanted: Floats = sound[(start - first) * HOP : (stop - first) * HOP].astype(np.float32)
        return wanted

    def _breath(self, frame: int) -> Floats:
        """Noise of one frame, the same in whatever block it is asked for."""
        return np.random.default_rng(self._options.seed * _SEED_STEP + frame).standard_normal(HOP, np.float32)


def middle_of(melody: Melody) -> float:
    """Median pitch as a MIDI number; NaN where nothing is voiced."""
    voiced = melody.f0_hz[melody.voiced > 0.5]
    return float(69.0 + 12.0 * np.log2(np.median(voiced) / 440.0)) if len(voiced) else math.nan
