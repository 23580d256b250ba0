"""`Coder`: frames of timbre to codes and back, by the trained net, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from descant.errors import CheckpointError
from descant.hub.checkpoint import load_into
from descant.hub.store import fetch
from descant.instrument.blend.frames import FEATURES, TimbreFrames
from descant.nets.one_thread import one_thread
from descant.nets.timbre import TimbreConfig, TimbreNet

Floats = NDArray[np.float32]

DEFAULT_CARD = "descant-timbre"
_BLOCK = 2048
_LARGEST = 4096
_ON_DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, OverflowError)


class Coder:
    """See the module.

    Args:
        net: Trained.
    """

    def __init__(self, net: TimbreNet) -> None:
        self._net = net.eval().requires_grad_(requires_grad=False)

    @classmethod
    def load(cls, name: str = DEFAULT_CARD) -> Coder:
        """From a card's name; the weights are fetched when they are not in the cache yet."""
        return cls.from_folder(fetch(name))

    @classmethod
    def from_folder(cls, folder: Path) -> Coder:
        """From a folder with config.json and weights.safetensors.

        Raises:
            CheckpointError: They do not fit together, or are damaged.
        """
        try:
            sizes = json.loads((folder / "config.json").read_text(encoding="utf-8"))["network"]
            config = TimbreConfig(**sizes)
            if config.features != FEATURES or max(config.embedding, config.width, config.blocks) > _LARGEST:
                raise ValueError("its sizes are impossible")
            net = TimbreNet(config)
        except _ON_DAMAGE as error:
            raise CheckpointError(f"{folder} holds no timbre net: {error}.", "Fetch it again.") from error
        load_into(net, folder / "weights.safetensors")
        return cls(net)

    @one_thread()
    @torch.no_grad()
    def encode(self, timbre: TimbreFrames) -> Floats:
        """Codes, [frames, numbers of a code]."""
        features = timbre.features()
        return self._blockwise(lambda rows: self._net.encode(torch.from_numpy(features[rows])[None])[0], len(features))

    @one_thread()
    @torch.no_grad()
    def decode(self, codes: Floats, pitched: Floats) -> TimbreFrames:
        """Frames of timbre.

        Args:
            codes: [frames, numbers of a code].
            pitched: How pitched, 0..1, [frames].
        """

        def one(rows: slice) -> torch.Tensor:
            return self._net.decode(torch.from_numpy(codes[rows])[None], torch.from_numpy(pitched[rows])[None])[0]

        made = self._blockwise(one, len(codes))
        return TimbreFrames.of(np.concatenate([made, pitched[:, np.newaxis]], axis=1))

    def _blockwise(self, one: Callable[[slice], torch.Tensor], frames: int) -> Floats:
        """Blocks with the neighbours that they depend on: the numbers are those of one long run."""
        reach = self._net.reach
        parts = []
        for first in range(0, frames, _BLOCK):
            last = min(first + _BLOCK, frames)
            left = max(0, first - reach)
            found = one(slice(left, min(last + reach, frames))).numpy()
            parts.append(found[first - left : last - left])
        return np.concatenate(parts)
