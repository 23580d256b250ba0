"""Pickles from strangers: tensors and plain values come out, everything else is refused unexecuted."""

from __future__ import annotations

import contextlib
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import CheckpointError, UnsafeCheckpoint
from descant.hub.checkpoint import load_tensors
from descant.hub.convert import as_tensor, spleeter_pickles, state_dict
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


def test_what_counts_as_a_tensor() -> None:
    view = torch.arange(10.0)[2:4]
    copy = as_tensor(view)
    assert copy is not None
    assert copy.untyped_storage().nbytes() == 8
    assert as_tensor(np.array(["text"])) is None
    assert as_tensor(np.array([object()])) is None
    assert as_tensor(torch.ones(2, 2).to_sparse()) is None
    assert as_tensor(3.0) is None
    big_endian = as_tensor(np.array([1.0, 2.0], dtype=">f4"))
    assert big_endian is not None
    assert torch.equal(big_endian, torch.tensor([1.0, 2.0]))


def test_the_state_dict_is_found_in_its_wrapping() -> None:
    weights = OrderedDict(w=torch.ones(2), version=3)
    assert state_dict(weights).keys() == {"w"}
    assert state_dict({"state_dict": weights, "optimizer": {"m": torch.ones(9)}}, usual=("state_dict",)).keys() == {"w"}
    assert state_dict({"only": weights, "epoch": 3}).keys() == {"w"}
    assert state_dict({"state_dict": {"model": weights}, "s": torch.ones(1)}, usual=("state_dict",)).keys() == {"w"}
    assert state_dict({"g": {"a": weights}, "d": {"a": {}}}, part="g.a").keys() == {"w"}
    assert state_dict({1: weights}).keys() == {"w"}


def test_an_unclear_or_absent_state_dict_asks_for_the_part() -> None:
    two = {"generator": {"w": torch.ones(1)}, "discriminator": {"w": torch.ones(1)}}
    with pytest.raises(CheckpointError, match="generator, discriminator"):
        state_dict(two)
    for bad, part in (([1, 2], ""), ({"a": 1}, ""), (two, "encoder"), (two, "generator.w.x")):
        with pytest.raises(CheckpointError) as caught:
            state_dict(bad, part=part)
        assert "--part" in caught.value.hint


def test_spleeter_pickles_become_one_file(tmp_path: Path) -> None:
    raw, ready = tmp_path / "raw", tmp_path / "ready"
    raw.mkdir()
    ready.mkdir()
    for stem, value in (("vocals", 1.0), ("accompaniment", 2.0)):
        torch.save({"up7.0.bias": np.full(2, value, np.float32)}, raw / f"{stem}.ckpt")
    spleeter_pickles(raw, ready)
    tensors = load_tensors(ready / "weights.safetensors")
    assert {name: tensor[0].item() for name, tensor in tensors.items()} == {
        "vocals.up7.0.bias": 1.0,
        "accompaniment.up7.0.bias": 2.0,
    }
    for bad in ([1], {"a": "text"}):
        torch.save(bad, raw / "vocals.ckpt")
        with pytest.raises(CheckpointError):
            spleeter_pickles(raw, ready)
