"""The transformers of compose's cards, and what their tokens have in common."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descant.errors import CardError
from descant.hub.checkpoint import load_tensors
from descant.nets.relative_transformer import RelativeTransformer, RelativeTransformerConfig


def feature_table(described: Sequence[Sequence[str]]) -> NDArray[np.float32]:
    """Which token has which feature.

    Args:
        described: The features of each token, by name.

    Returns:
        0 or 1, shape [tokens, features], the features in the alphabet's order.
    """
    columns = {feature: i for i, feature in enumerate(sorted({f for row in described for f in row}))}
    table = np.zeros((len(described), len(columns)), np.float32)
    for number, row in enumerate(described):
        for feature in row:
            table[number, columns[feature]] = 1.0
    return table


def load_transformer(folder: Path, features: NDArray[np.float32]) -> tuple[RelativeTransformer, dict[str, Any]]:
    """The transformer of a card's folder, ready for inference, and the card's whole `config.json`.

    Args:
        folder: With config.json and weights.safetensors.
        features: Of the tokens, [vocabulary, features].

    Raises:
        CardError: The weights are not what the configuration says.
    """
    import torch

    described: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config = RelativeTransformerConfig(**described["network"])
    if config.vocabulary != len(features):
        raise CardError(f"The weights in {folder} speak another vocabulary.", "Update Descant or the weights.")
    model = RelativeTransformer(config, torch.from_numpy(features))
    weights = load_tensors(folder / "weights.safetensors")
    try:
        model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    except RuntimeError as error:
        raise CardError(f"The weights in {folder} belong to another model.", "Fetch them again.") from error
    return model.eval(), described
