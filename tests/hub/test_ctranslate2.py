"""The reader of CTranslate2 files: what a file of the format holds, and errors for what is none."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from descant.errors import CheckpointError, InputNotFound
from descant.hub.ctranslate2 import read_tensors


def name(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"


def model(*, version: int = 6, kind: int = 4) -> bytes:
    """Two variables: a 2 x 3 matrix of half precision, and a whole number."""
    values = np.arange(6, dtype="<f2").reshape(2, 3)
    out = struct.pack("<I", version) + name("Spec") + struct.pack("<II", 3, 2)
    out += name("encoder/weight") + struct.pack("<BII", 2, 2, 3) + struct.pack("<BI", kind, 12) + values.tobytes()
    out += name("decoder/heads") + struct.pack("<B", 0) + struct.pack("<BI", 2, 2) + struct.pack("<h", 6)
    return out + struct.pack("<I", 0)


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(data)
    return path


def test_variables_come_out_by_prefix(tmp_path: Path) -> None:
    path = written(tmp_path, model())
    found = read_tensors(path, "encoder/")
    assert list(found) == ["weight"]
    assert found["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert int(read_tensors(path, "decoder/")["heads"]) == 6


@pytest.mark.parametrize("length", range(0, 70, 3))
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    with pytest.raises(CheckpointError, match=r"model\.bin"):
        read_tensors(written(tmp_path, model()[:length]), "encoder/")


def test_another_version_or_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="format 5"):
        read_tensors(written(tmp_path, model(version=5)), "")
    with pytest.raises(CheckpointError, match="unknown type"):
        read_tensors(written(tmp_path, model(kind=77)), "")
    with pytest.raises(InputNotFound):
        read_tensors(tmp_path / "nowhere.bin", "")


@given(st.integers(0, 92), st.integers(0, 255))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_gives_tensors_or_an_error(tmp_path: Path, place: int, value: int) -> None:
    data = bytearray(model())
    data[min(place, len(data) - 1)] = value
    with suppress(CheckpointError):
        assert all(tensor.numel() <= 6 for tensor in read_tensors(written(tmp_path, bytes(data)), "encoder/").values())
