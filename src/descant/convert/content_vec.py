"""The content that voices of other programs were trained on: ContentVec's states, from a file the user brought."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from descant.errors import CheckpointError, ModelNotFound
from descant.hub.card import all_cards
from descant.hub.checkpoint import load_onto
from descant.hub.store import locate
from descant.nets.hubert import FIELD, HOP, Hubert, HubertConfig

Floats = NDArray[np.float32]

PUBLISHED = (
    "ContentVec, github.com/auspicious3000/contentvec (checkpoint_best_legacy_500.pt); the same net lies at "
    "huggingface.co/lj1995/VoiceConversionWebUI (hubert_base.pt) and huggingface.co/lengyue233/content-vec-best"
)
"""Where the features that are needed come from."""


@dataclass(frozen=True, slots=True)
class ContentKind:
    """Which of the states a voice was trained on.

    Attributes:
        name: As so-vits-svc calls it.
        width: Dimensions.
        layer: Of the transformer, from 1.
        is_projected: Through the projection that ContentVec's training ended with.
    """

    name: str
    width: int
    layer: int
    is_projected: bool

    def is_made_by(self, config: HubertConfig) -> bool:
        """Whether a net of these sizes has such states."""
        width = config.projected if self.is_projected else config.width
        return config.layers >= self.layer and width == self.width


KINDS = {kind.width: kind for kind in (ContentKind("vec256l9", 256, 9, True), ContentKind("vec768l12", 768, 12, False))}
"""Width -> kind: no two published kinds have the same."""


class ContentVec:
    """Audio to states, 50 a second.

    Args:
        net: With its weights.
        kind: Which states.
    """

    def __init__(self, net: Hubert, kind: ContentKind) -> None:
        self.net = net.eval().requires_grad_(requires_grad=False)
        self.kind = kind

    @classmethod
    def load(cls, width: int) -> ContentVec:
        """From the cache.

        Args:
            width: Dimensions that the voice wants.

        Raises:
            ModelNotFound: No file that makes such content was imported; the message says where it is published.
            CheckpointError: What was imported is damaged, or no content is so wide.
        """
        kind = KINDS.get(width)
        if kind is None:
            raise CheckpointError(f"No content of {width} dimensions is known.", "Import the voice again.")
        folder = find(kind)
        if folder is None:
            raise ModelNotFound(
                f"The voice needs the content features {kind.name}, and no net that makes them is here. "
                f"Published: {PUBLISHED}.",
                "Bring the file: descant models import FILE --licence MIT.",
            )
        return cls(_net(folder), kind)

    @torch.inference_mode()
    def __call__(self, mono: Floats) -> Floats:
        """States; state k is about the samples from k * 320 on.

        Args:
            mono: [samples] at 16 kHz.

        Returns:
            [ceil(samples / 320), width].
        """
        frames = -(-len(mono) // HOP)
        padded = np.pad(mono, (0, frames * HOP + FIELD - HOP - len(mono)))
        states = self.net(torch.from_numpy(padded)[None], self.kind.layer, is_projected=self.kind.is_projected)[0]
        return cast("Floats", states.numpy().copy())


def find(kind: ContentKind) -> Path | None:
    """The folder of an imported net that makes such content; None where there is none."""
    for card in all_cards(skip_broken=True):
        if card.architecture == "hubert" and (folder := locate(card)) is not None:
            try:
                if kind.is_made_by(_config(folder)):
                    return folder
            except CheckpointError:
                continue  # another one may be sound
    return None


def _config(folder: Path) -> HubertConfig:
    path = folder / "config.json"
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))["network"]
        return HubertConfig(**{field.name: int(stated[field.name]) for field in fields(HubertConfig)})
    except (OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be used: {error}.", "Import the file again.") from error


@cache
def _net(folder: Path) -> Hubert:
    with torch.device("meta"):
        net = Hubert(_config(folder))
    load_onto(net, folder / "weights.safetensors")
    return net
