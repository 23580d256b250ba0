"""Likeness by CAM++, a speaker encoder that no voice here was trained with."""

from __future__ import annotations

from functools import cache
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.convert.speaker import SHORTEST_S, without_pauses
from descant.errors import InvalidAudio
from descant.hub.checkpoint import load_into
from descant.hub.store import fetch
from descant.nets.cam_plus_plus import SAMPLE_RATE, CamPlusPlus, fbank

CARD = "cam-plus-plus"


@torch.inference_mode()
def embed(clip: Clip) -> NDArray[np.float32]:
    """The embedding of a recording, pauses left out, of unit length, [192].

    Args:
        clip: Any rate and channel count.

    Raises:
        InvalidAudio: It holds less than 0.6 s of sound.
    """
    voiced = without_pauses(resample(clip.to_mono(), SAMPLE_RATE).samples[0])
    if len(voiced) < SHORTEST_S * SAMPLE_RATE:
        raise InvalidAudio("There is too little sound to know a voice by.", "Give at least three seconds of one voice.")
    found = _net()(fbank(torch.from_numpy(voiced)[None]))[0]
    return cast("NDArray[np.float32]", (found / found.norm()).numpy().copy())


@cache
def _net() -> CamPlusPlus:
    net = CamPlusPlus().eval().requires_grad_(requires_grad=False)
    load_into(net, fetch(CARD) / "weights.safetensors")
    return net
