"""Content replaced by the target's own sounds (Baas et al., "Voice Conversion With Just Nearest Neighbors", 2023)."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from descant.errors import CheckpointError

Floats = NDArray[np.float32]

NEIGHBOURS = 4
_MOST_FRAMES = 12_000
_ROWS = 512


class Pool:
    """Frames of the target's content to choose from.

    Args:
        frames: [frames, width]; of more than 12,000 (four minutes) every n-th is kept.
    """

    def __init__(self, frames: NDArray[np.float16]) -> None:
        step = -(-len(frames) // _MOST_FRAMES) or 1
        self._frames = torch.from_numpy(np.ascontiguousarray(frames[::step]).astype(np.float32))
        self._directions = F.normalize(self._frames, dim=1)

    @torch.inference_mode()
    def __call__(self, content: Floats, share: float) -> Floats:
        """Content moved towards the mean of its four nearest neighbours, by cosine.

        Args:
            content: [frames, width].
            share: 0 leaves it as it is, 1 takes the neighbours' mean alone.

        Raises:
            CheckpointError: The target's frames are of another width.
        """
        if share == 0.0 or len(self._frames) < NEIGHBOURS:
            return content
        if content.shape[1] != self._frames.shape[1]:
            raise CheckpointError(
                f"The voice's sounds have {self._frames.shape[1]} dimensions, the encoder's {content.shape[1]}.",
                "It is damaged, or was made for another encoder: add it again.",
            )
        rows = []
        for part in torch.split(torch.from_numpy(content), _ROWS):
            nearest = (F.normalize(part, dim=1) @ self._directions.T).topk(NEIGHBOURS, dim=1).indices
            rows.append(torch.lerp(part, self._frames[nearest].mean(dim=1), share))
        moved: Floats = torch.cat(rows).numpy() if rows else content
        return moved
