"""Pickles from strangers: tensors, arrays and plain values come out, everything else is refused unexecuted."""

from __future__ import annotations

import contextlib
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import CheckpointError, UnsafeCheckpoint
from descant.hub.pickles import read_pickle


class Evil:
    """Runs a command when unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


class Harmless:
    """Not evil, but not a tensor either."""


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_malicious_pickle_is_refused_unexecuted(tmp_path: Path, is_zip: bool) -> None:
    marker, path = tmp_path / "executed", tmp_path / "a.pth"
    torch.save({"w": torch.ones(2), "evil": Evil(marker)}, path, _use_new_zipfile_serialization=is_zip)
    with pytest.raises(UnsafeCheckpoint) as caught:
        read_pickle(path)
    assert "system" in caught.value.message
    assert not marker.exists()
    assert caught.value.code == 36


def test_a_plain_malicious_pickle_is_refused_unexecuted(tmp_path: Path) -> None:
    marker, path = tmp_path / "executed", tmp_path / "a.pth"
    path.write_bytes(pickle.dumps(Evil(marker)))
    with pytest.raises((UnsafeCheckpoint, CheckpointError)):
        read_pickle(path)
    assert not marker.exists()


def test_objects_of_other_classes_are_refused(tmp_path: Path) -> None:
    torch.save({"config": Harmless()}, tmp_path / "a.pth")
    with pytest.raises(UnsafeCheckpoint, match="Harmless"):
        read_pickle(tmp_path / "a.pth")


def test_what_trainers_leave_beside_tensors_is_dropped(tmp_path: Path) -> None:
    from argparse import Namespace

    options = Namespace(rate=3, inner=[Namespace()], state=torch.ones(2))
    torch.save({"args": options, "more": [options], "w": torch.ones(2)}, tmp_path / "a.pth")
    held = read_pickle(tmp_path / "a.pth")
    assert isinstance(held, dict)
    assert (held["args"], held["more"]) == (None, [None])
    torch.save({"args": Namespace(evil=Evil(tmp_path / "executed"))}, tmp_path / "a.pth")
    with pytest.raises(UnsafeCheckpoint, match="system"):
        read_pickle(tmp_path / "a.pth")
    assert not (tmp_path / "executed").exists()


def test_a_torchscript_program_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch.jit")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(tmp_path / "a.pt"))
        with pytest.raises(UnsafeCheckpoint, match="TorchScript"):
            read_pickle(tmp_path / "a.pt")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(50), b"\x80\x02}q\x00(", bytes(1000)])
def test_damaged_checkpoints_are_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.ckpt").write_bytes(content)
    with pytest.raises(CheckpointError):
        read_pickle(tmp_path / "a.ckpt")


def test_a_truncated_checkpoint_is_told(tmp_path: Path) -> None:
    torch.save({"w": torch.ones(1000)}, tmp_path / "a.pth")
    data = (tmp_path / "a.pth").read_bytes()
    for share in (0.3, 0.6, 0.95):
        (tmp_path / "a.pth").write_bytes(data[: int(len(data) * share)])
        with pytest.raises(CheckpointError):
            read_pickle(tmp_path / "a.pth")


@given(
    is_zip=st.booleans(),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_any_damage_gives_a_typed_error_or_plain_values(tmp_path_factory, is_zip: bool, changes: list) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.pth"
    content = {"w": torch.ones(3), "a": np.ones(2), "n": {"b": [1, 2.5, "c"]}}
    torch.save(content, path, _use_new_zipfile_serialization=is_zip)
    data = bytearray(path.read_bytes())
    for place, value in changes:
        data[int(place * len(data))] = value
    path.write_bytes(data)
    with contextlib.suppress(CheckpointError, UnsafeCheckpoint, MemoryError):
        read_pickle(path)


def test_numpy_arrays_and_scalars_are_read(tmp_path: Path) -> None:
    content = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "step": np.float64(3), "plain": [1, "two", None]}
    torch.save(content, tmp_path / "a.pth")
    back = read_pickle(tmp_path / "a.pth")
    assert isinstance(back, dict)
    assert np.array_equal(back["a"], content["a"])
    assert back["plain"] == [1, "two", None]


def test_the_allow_list_does_not_leak(tmp_path: Path) -> None:
    torch.save({"a": np.ones(2)}, tmp_path / "a.pth")
    read_pickle(tmp_path / "a.pth")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "a.pth", weights_only=True)


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3, dtype=">f4"),
        np.array(2, dtype=np.int16),
        np.zeros((0, 3), dtype=np.float16),
        np.array([True, False]),
        np.arange(10)[::2],
    ],
)
def test_arrays_of_every_kind_survive(tmp_path: Path, array: np.ndarray) -> None:
    torch.save({"a": array}, tmp_path / "a.pth")
    back = read_pickle(tmp_path / "a.pth")
    assert isinstance(back, dict)
    assert back["a"].shape == array.shape
    assert np.array_equal(back["a"], array)


@pytest.mark.parametrize(
    "array", [np.array([Harmless()]), np.array(["text"]), np.array([1 + 2j]), np.zeros(2, "f4,i4")]
)
def test_arrays_of_anything_but_numbers_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    torch.save({"a": array}, tmp_path / "a.pth")
    with pytest.raises(UnsafeCheckpoint):
        read_pickle(tmp_path / "a.pth")


class Forged:
    """Claims to be a NumPy array of a shape that its bytes do not fill."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def __reduce__(self) -> tuple[object, ...]:
        rebuild = np.zeros(1).__reduce__()[0]
        return rebuild, (np.ndarray, (0,), b"b"), (1, self.shape, np.dtype("f4"), False, b"\x00" * 8)


@pytest.mark.parametrize("shape", [(3,), (2**62, 2**62), (-1,), ("a",), (1,)])
def test_forged_arrays_are_told(tmp_path: Path, shape: tuple) -> None:
    torch.save({"a": Forged((2,))}, tmp_path / "a.pth")
    assert np.array_equal(read_pickle(tmp_path / "a.pth")["a"], [0, 0])
    torch.save({"a": Forged(shape)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError):
        read_pickle(tmp_path / "a.pth")
