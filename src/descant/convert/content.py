"""What is said or sung, 50 times a second: hidden states of Whisper's encoder, over audio of any length."""

from __future__ import annotations

from functools import cache
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from descant.errors import CheckpointError
from descant.hub.ctranslate2 import read_tensors
from descant.hub.store import fetch
from descant.nets.whisper_encoder import FPS, SAMPLE_RATE, WhisperEncoder, log_mel

Floats = NDArray[np.float32]

CARD = "whisper-tiny-en"
LAYER = 3
"""Which state: that before the last layer, which is about tokens more than about sounds."""

_SHARED_S, _WINDOW_S = 1.0, 10.0
_PER_FRAME = SAMPLE_RATE // FPS


class ContentEncoder:
    """Audio to states; windows of 10 s share a second, over whose middle one fades into the next.

    Args:
        net: With its weights.
        layer: Which of its states, from 1.
    """

    def __init__(self, net: WhisperEncoder, layer: int = LAYER) -> None:
        self.net = net.eval().requires_grad_(requires_grad=False)
        self.layer = layer

    @classmethod
    def load(cls, layer: int = LAYER) -> ContentEncoder:
        """With Whisper's weights; they are fetched when they are not in the cache yet.

        Raises:
            CheckpointError: The file holds another model, or no such layer.
            DescantError: As for `hub.store.fetch`.
        """
        net = _net()
        if not 1 <= layer <= net.config.layers:
            raise CheckpointError(
                f"The content encoder has {net.config.layers} layers, and layer {layer} is asked for.",
                "The voice or decoder is damaged, or of another version: fetch or add it again.",
            )
        return cls(net, layer)

    @property
    def width(self) -> int:
        """Dimensions of a state."""
        return self.net.config.width

    @torch.inference_mode()
    def __call__(self, mono: Floats) -> Floats:
        """States.

        Args:
            mono: [samples] at 16 kHz.

        Returns:
            [ceil(samples / 320), width].
        """
        frames = -(-len(mono) // _PER_FRAME)
        found = np.zeros((frames, self.width), np.float32)
        shared, window = round(_SHARED_S * FPS), round(_WINDOW_S * FPS)
        rise = ((np.arange(shared) + 0.5) / shared)[:, np.newaxis].astype(np.float32)
        for start in range(0, max(frames - shared, 1), window - shared):
            part = mono[start * _PER_FRAME : (start + window) * _PER_FRAME]
            states = self._window(part)[: frames - start]
            if start:
                states[:shared] = found[start : start + shared] * (1 - rise[: len(states)]) + states[:shared] * rise
            found[start : start + len(states)] = states
        return found

    def _window(self, part: Floats) -> Floats:
        length = -(-len(part) // _PER_FRAME) * _PER_FRAME
        padded = np.pad(part, (0, max(length, 2 * _PER_FRAME) - len(part)))
        states = self.net(log_mel(torch.from_numpy(padded)[None]))[self.layer - 1][0]
        return cast("Floats", states[: length // _PER_FRAME].numpy().copy())


@cache
def _net() -> WhisperEncoder:
    path = fetch(CARD) / "model.bin"
    net = WhisperEncoder()
    try:
        net.load_converted(read_tensors(path, "encoder/"))
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} is not Whisper tiny: {error}.", f"Run `descant models remove {CARD}`."
        ) from error
    return net
