"""Whose voice it is: the GE2E embedding of a recording, and how alike two are."""

from __future__ import annotations

from functools import cache
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.errors import InvalidAudio
from descant.hub.checkpoint import check_shapes, load_tensors
from descant.hub.store import fetch
from descant.nets.speaker_encoder import SAMPLE_RATE, WINDOW_FRAMES, SpeakerEncoder, mel_power

Floats = NDArray[np.float32]

CARD = "ge2e-speaker"
SHORTEST_S = 0.6
"""Less voice than this says nothing about whose it is."""

_LEVEL_DB, _QUIET_DB = -30.0, 35.0
_FRAME = SAMPLE_RATE // 100
_PAUSE_FRAMES = 20
_STEP_FRAMES = 80
_BATCH = 64


class SpeakerEmbedder:
    """Recordings to unit vectors.

    Args:
        net: With its weights.
    """

    def __init__(self, net: SpeakerEncoder) -> None:
        self.net = net.eval().requires_grad_(requires_grad=False)

    @classmethod
    def load(cls) -> SpeakerEmbedder:
        """With Resemblyzer's weights; they are fetched when they are not in the cache yet."""
        return cls(_net())

    def __call__(self, clip: Clip) -> Floats:
        """The embedding of a recording: the mean over windows of 1.6 s, pauses left out, of unit length.

        Args:
            clip: Any rate and channel count.

        Returns:
            [256].

        Raises:
            InvalidAudio: It holds less than 0.6 s of sound.
        """
        mono = resample(clip.to_mono(), SAMPLE_RATE).samples[0]
        return self.embed(mono)

    @torch.inference_mode()
    def embed(self, mono: Floats) -> Floats:
        """The same for samples at 16 kHz."""
        voiced = without_pauses(mono)
        if len(voiced) < SHORTEST_S * SAMPLE_RATE:
            raise InvalidAudio(
                f"{len(voiced) / SAMPLE_RATE:.1f} s of sound are too little to know a voice by.",
                "Give at least three seconds of one voice.",
            )
        rms = float(np.sqrt(np.mean(np.square(voiced, dtype=np.float64))))
        with torch.autocast("cpu", enabled=False):  # likenesses are compared to a hundredth
            levelled = voiced * np.float32(10.0 ** (_LEVEL_DB / 20.0) / max(rms, 1e-9))
            mel = mel_power(torch.from_numpy(levelled)[None])[0]
            if len(mel) < WINDOW_FRAMES:  # said over and over, as no window holds silence in training
                mel = mel.repeat(-(-WINDOW_FRAMES // len(mel)), 1)
            windows = mel.unfold(0, WINDOW_FRAMES, _STEP_FRAMES).transpose(1, 2)
            rows = torch.cat([self.net(windows[i : i + _BATCH]) for i in range(0, len(windows), _BATCH)])
        mean = rows.mean(dim=0)
        return cast("Floats", (mean / mean.norm()).numpy().copy())


def likeness(one: Floats, other: Floats) -> float:
    """Cosine of two embeddings."""
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


def without_pauses(mono: Floats) -> Floats:
    """What lies within 35 dB of the loud parts; pauses up to 0.2 s stay, as they belong to words.

    Args:
        mono: [samples] at 16 kHz.
    """
    frames = len(mono) // _FRAME
    power = np.square(mono[: frames * _FRAME], dtype=np.float64).reshape(frames, _FRAME).mean(axis=1)
    if not frames or power.max() <= 0.0:
        return mono[:0]
    loud = power > np.quantile(power, 0.95) * 10.0 ** (-_QUIET_DB / 10.0)
    near = np.convolve(loud, np.ones(_PAUSE_FRAMES), "same") > 0
    return mono[: frames * _FRAME].reshape(frames, _FRAME)[near].ravel()


@cache
def _net() -> SpeakerEncoder:
    net = SpeakerEncoder()
    path = fetch(CARD) / "weights.safetensors"
    # Two more numbers scale similarities in its own training.
    tensors = {name: tensor for name, tensor in load_tensors(path).items() if not name.startswith("similarity_")}
    check_shapes(tensors, {name: tuple(value.shape) for name, value in net.state_dict().items()}, where=str(path))
    net.load_state_dict(tensors)
    return net
