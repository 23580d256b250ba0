"""Conversion of audio of any length in blocks: no seams, little memory, the length kept to the sample.

Pitch is tracked ahead of time, over everything, because the transposition depends on it and the pulses' phase must go
on from block to block. The rest is done in blocks of 20 s that share half a second. As pulses and breath are the same
at every place whatever block they are made in, neighbours fade into each other without a beat.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
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
from descant.nets.source_filter import SAMPLE_RATE as VOICE_RATE
from descant.nets.voice_decoder import VoiceDecoder
from descant.nets.whisper_encoder import SAMPLE_RATE

Floats = NDArray[np.float32]

_BLOCK, SHARED, MARGIN = 2000, 50, 100
"""Frames of a block, those that neighbours share, and those beside it that only inform the nets."""
PER_FRAME = SAMPLE_RATE // FPS
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


class Blocks(ABC):
    """A conversion, block by block: what all kinds of nets have in common.

    Args:
        frames: Of the whole, 100 a second.
        block: Of a block.
        sample_rate: Of the sound, in hertz.
    """

    def __init__(self, frames: int, block: int, sample_rate: int) -> None:
        self.frames, self.sample_rate = frames, sample_rate
        self._block = block
        self._hop = sample_rate // FPS
        self._tail = np.zeros(SHARED * self._hop, np.float32)

    def plan(self) -> Iterator[tuple[int, int]]:
        """First frame and end of each block."""
        for start in range(0, max(self.frames - SHARED, 1), self._block - SHARED):
            yield start, min(start + self._block, self.frames)

    def window(self, start: int, stop: int) -> tuple[int, int]:
        """Which samples at 16 kHz a block needs; the first may lie before the beginning of the audio."""
        return (start - MARGIN) * PER_FRAME, (stop + MARGIN) * PER_FRAME

    @torch.inference_mode()
    def __call__(self, start: int, stop: int, mono: Floats) -> Floats:
        """Convert a block.

        Args:
            start: Its first frame.
            stop: Its end.
            mono: The samples of its `window`, zeros where there is no audio.

        Returns:
            Finished samples at `sample_rate`: all but those that the next block shares.
        """
        sound = self._render(start, stop, mono)
        shared = SHARED * self._hop
        if start:
            rise = (np.arange(shared, dtype=np.float32) + 0.5) / shared
            sound[:shared] = self._tail * (1.0 - rise) + sound[:shared] * rise
        if stop == self.frames:
            return sound
        finished, self._tail = sound[:-shared], sound[-shared:]
        return finished

    @abstractmethod
    def _render(self, start: int, stop: int, mono: Floats) -> Floats:
        """The sound of a block's frames; raises nothing of its own."""


class BlockConverter(Blocks):
    """One conversion by Descant's own decoder.

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
        super().__init__(len(melody.f0_hz), _BLOCK, VOICE_RATE)
        self._decoder, self._encoder, self._options, self._melody = decoder, encoder, options, melody
        self._pool = Pool(voice.pool)
        self._speaker = torch.from_numpy(voice.speaker)[None]
        self._cycles = melody.cycles()

    def _render(self, start: int, stop: int, mono: Floats) -> Floats:
        first, last = max(0, start - MARGIN), min(len(self._melody.f0_hz), stop + MARGIN)
        content = self._pool(self._encoder(mono), self._options.retrieval)
        count = last - first
        level = level_frames(mono, len(mono) // PER_FRAME)[first - (start - MARGIN) :][:count]
        f0_hz, voiced = self._melody.f0_hz[first:last], self._melody.voiced[first:last]
        part = VoiceFeatures(content[(first - (start - MARGIN)) // 2 :], f0_hz, voiced, level)
        arrays = (part.contents(), f0_hz, voiced, level)
        tensors = [torch.from_numpy(np.ascontiguousarray(one))[None] for one in arrays]
        filters = self._decoder(*tensors, self._speaker)
        filters = self._decoder.with_formants(filters, 2.0 ** (self._options.formant / 12.0))
        noise = torch.from_numpy(np.concatenate([self._breath(frame) for frame in range(first, last)]))[None]
        phase = torch.tensor([self._cycles[first]])
        sound = self._decoder.render(filters, tensors[1], tensors[2], noise, phase)[0].numpy()
        sound = sound * gate(level, HOP)
        wanted: Floats = sound[(start - first) * HOP : (stop - first) * HOP].astype(np.float32)
        return wanted

    def _breath(self, frame: int) -> Floats:
        """Noise of one frame, the same in whatever block it is asked for."""
        return noise_of(self._options.seed, frame, HOP)


def noise_of(seed: int, frame: int, count: int) -> Floats:
    """Noise of one frame, of unit variance, the same in whatever block it is asked for."""
    return np.random.default_rng(seed * _SEED_STEP + frame).standard_normal(count, np.float32)


def gate(level_db: Floats, hop: int) -> Floats:
    """What makes silence of silence: 0 where the source is silent, 1 where it sounds, [frames * hop].

    Args:
        level_db: Of the source, [frames].
        hop: Samples of a frame.
    """
    opened = np.clip((level_db - _SILENT_DB) / (_FADED_DB - _SILENT_DB), 0.0, 1.0)
    at = np.arange(len(level_db) * hop) / hop
    opening: Floats = np.interp(at, np.arange(len(level_db)), opened).astype(np.float32)
    return opening


def middle_of(melody: Melody) -> float:
    """Median pitch as a MIDI number; NaN where nothing is voiced."""
    voiced = melody.f0_hz[melody.voiced > 0.5]
    return float(69.0 + 12.0 * np.log2(np.median(voiced) / 440.0)) if len(voiced) else math.nan
