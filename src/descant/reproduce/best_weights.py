"""`BestWeights`: the weights with which validation was best, kept on disk so that a kill does not lose them."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from descant.files import atomic_output
from descant.train.loop import load_weights


class BestWeights:
    """Keeps a model's best weights in a folder.

    Args:
        folder: `weights.safetensors` and `best.json`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said = folder / "best.json"
        self.value: float | None = None
        if self._said.is_file():
            self.value = float(json.loads(self._said.read_text(encoding="utf-8"))["value"])

    def offer(self, model: nn.Module, value: float) -> None:
        """Keep the weights if `value` (a loss) is the lowest so far."""
        if self.value is not None and not value < self.value:
            return
        self.value = value
        with atomic_output(self._folder / "weights.safetensors") as temporary:
            save_file({k: v.contiguous() for k, v in model.state_dict().items()}, temporary)
        with atomic_output(self._said) as temporary:
            temporary.write_text(json.dumps({"value": value}) + "\n", encoding="utf-8")

    def load(self, model: nn.Module) -> None:
        """Give a model the best weights."""
        load_weights(model, self._folder)
