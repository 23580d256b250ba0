"""What a recording says about words before anybody knows which: phones in every frame, states to read along with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descant.nets.phone_reader import PhoneReader
from descant.nets.whisper_encoder import FPS, LONGEST_S, SAMPLE_RATE, WhisperEncoder, log_mel
from descant.progress import Monitor

Floats = NDArray[np.float32]

_PER_FRAME = SAMPLE_RATE // FPS
_HALF = torch.backends.cpu.get_cpu_capability() == "AVX512"
"""Whether the encoder runs in bfloat16, as fast there as it is slow elsewhere; alignments differ by a frame at most."""
_WINDOW = round(LONGEST_S * FPS)
_HOP = 22 * FPS
_SHORTEST = 10
"""Frames of the shortest sound that the encoder is given; shorter ones are padded."""


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A stretch of the recording as the decoder can look at it.

    Attributes:
        first: Its first frame.
        states: The encoder's last output, float16, shape [frames, width].
    """

    first: int
    states: NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A recording, listened to.

    Attributes:
        phones: Logarithm of each class's likelihood less that of the likeliest, 50 frames a second, [frames, classes].
        windows: Overlapping, in order.
    """

    phones: Floats
    windows: tuple[Window, ...]

    @property
    def frames(self) -> int:
        """Length."""
        return len(self.phones)


def hear(mono: Floats, encoder: WhisperEncoder, reader: PhoneReader, *, prior: float, monitor: Monitor) -> Heard:
    """Listen to a recording in windows of 30 s that share 8 s, in whose middle one fades into the next.

    Args:
        mono: The voice, best without its band, [samples] at 16 kHz.
        encoder: Whisper's.
        reader: From its states to phones.
        prior: Power of a phone's frequency in training by which its posterior is divided.
        monitor: Reports progress, can cancel.
    """
    frames = max(1, -(-len(mono) // _PER_FRAME))
    posteriors = np.zeros((frames, reader.config.classes), np.float32)
    weights = np.zeros((frames, 1), np.float32)
    windows = []
    for first in range(0, max(1, frames - (_WINDOW - _HOP)), _HOP):
        monitor.report(first / frames)
        found, states = _listen(mono[first * _PER_FRAME : (first + _WINDOW) * _PER_FRAME], encoder, reader)
        found, states = found[: frames - first], states[: frames - first]
        weight = _fade(len(found), is_first=not first, is_last=first + _WINDOW >= frames)
        posteriors[first : first + len(found)] += found * weight
        weights[first : first + len(found)] += weight
        windows.append(Window(first, states))
    likelihoods = np.log(posteriors / weights + 1e-8) - prior * reader.log_prior.numpy()
    return Heard(likelihoods - likelihoods.max(axis=1, keepdims=True), tuple(windows))


@torch.inference_mode()
def encode(part: Floats, encoder: WhisperEncoder) -> tuple[Tensor, ...]:
    """An encoder's states of a stretch: of each layer and of the last norm, [1, frames at 50 a second, width].

    Args:
        part: At most 30 s, [samples] at 16 kHz; padded to whole frames, and to 0.2 s.
        encoder: Whisper's.
    """
    padded = np.pad(part, (0, max(0, _SHORTEST * _PER_FRAME - len(part)) + -len(part) % _PER_FRAME))
    with torch.autocast("cpu", torch.bfloat16, enabled=_HALF):
        return cast("tuple[Tensor, ...]", encoder(log_mel(torch.from_numpy(padded)[None])))


@torch.inference_mode()
def _listen(part: Floats, encoder: WhisperEncoder, reader: PhoneReader) -> tuple[Floats, NDArray[np.float16]]:
    states = encode(part, encoder)
    seen = torch.cat([states[layer][0] for layer in reader.config.layers], dim=-1).float()
    posteriors = reader(seen[None])[0].softmax(dim=-1)
    return cast("Floats", posteriors.numpy()), states[-1][0].to(torch.float16).numpy()


def _fade(frames: int, *, is_first: bool, is_last: bool) -> Floats:
    """Weight of a window's frames, [frames, 1]: seconds at an inner edge count little, their context is cut off."""
    shared = _WINDOW - _HOP
    rise = np.clip((np.arange(shared) - 0.3 * shared) / (0.4 * shared), 1e-3, 1.0).astype(np.float32)
    weight = np.ones(frames, np.float32)
    if not is_first:
        weight[:shared] = rise[:frames]
    if not is_last:
        weight[-shared:] *= rise[::-1]
    return weight[:, np.newaxis]
