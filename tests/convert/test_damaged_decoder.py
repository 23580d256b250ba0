from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from descant.convert.api import adapted_to, load_decoder
from descant.convert.foreign import is_foreign
from descant.convert.retrieval import Pool
from descant.errors import CheckpointError

SOUND: dict[str, Any] = {"network": {"content": 24, "width": 16, "blocks": 1}, "content": {"layer": 1}}


def network(**sizes: float) -> str:
    return json.dumps(SOUND | {"network": sizes})


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "null", "{}", "[" * 100_000),
        *(network(width=value) for value in (0, -1, 10**7, 10**12, float("inf"), float("nan"))),
        *(network(blocks=10**9), network(kernel=0), network(unknown=1)),
        json.dumps(SOUND | {"content": {"layer": float("inf")}}),
        json.dumps(SOUND),  # its weights are not there
    ],
)
def test_configurations_of_decoders_that_are_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CheckpointError):
        load_decoder(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 100_000, '{"voice": []}'])
def test_what_does_not_say_whose_voice_it_is(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CheckpointError):
        adapted_to(tmp_path)


def test_whose_program_it_is_of_cannot_be_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(CheckpointError):
        is_foreign(tmp_path)


@pytest.mark.parametrize("width", [3, 999])
def test_sounds_of_another_width(width: int) -> None:
    with pytest.raises(CheckpointError, match="dimensions"):
        Pool(np.ones((50, width), np.float16))(np.ones((7, 24), np.float32), 0.3)
