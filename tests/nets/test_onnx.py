"""Opening networks: what is broken or missing is said with its card."""

from __future__ import annotations

from pathlib import Path

import pytest

from descant.errors import CheckpointError, ModelNotFound
from descant.nets.onnx import fetch_network, open_session


@pytest.mark.parametrize("content", [b"", b"no network" * 50, "half"])
def test_a_damaged_network_is_refused(tmp_path: Path, content: bytes | str) -> None:
    whole = fetch_network("swift-f0").read_bytes()
    path = tmp_path / "model.onnx"
    path.write_bytes(content if isinstance(content, bytes) else whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="no sound network") as caught:
        open_session(path, card="swift-f0")
    assert "swift-f0" in str(caught.value.hint)


def test_a_missing_network_names_its_card(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound) as caught:
        open_session(tmp_path / "model.onnx", card="swift-f0")
    assert "descant models fetch swift-f0" in str(caught.value.hint)
