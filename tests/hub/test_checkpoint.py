"""Safetensors: byte-stable writing that the library reads, and strict reading."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import CheckpointError, OutputError
from descant.hub import checkpoint
from descant.hub.checkpoint import load_into, load_metadata, load_tensors, save_tensors

_DTYPES = [np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8, np.uint8, np.bool_]
_arrays = st.sampled_from(_DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), _arrays, max_size=5))
def test_the_library_reads_what_we_write(tmp_path_factory: pytest.TempPathFactory, arrays: dict) -> None:
    arrays.pop("__metadata__", None)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    path = tmp_path_factory.mktemp("x") / "a.safetensors"
    save_tensors(path, tensors, metadata={"b": "2", "a": "ä"})
    for back in (safetensors.torch.load_file(path), load_tensors(path)):
        assert back.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert back[name].dtype == tensor.dtype
            assert back[name].shape == tensor.shape
            assert back[name].contiguous().numpy().tobytes() == tensor.contiguous().numpy().tobytes()
    assert load_metadata(path) == {"a": "ä", "b": "2"}


def test_the_same_tensors_give_the_same_bytes(tmp_path: Path) -> None:
    a, b = torch.arange(6.0).reshape(2, 3), torch.ones(3, dtype=torch.bfloat16)
    save_tensors(tmp_path / "1", {"a": a, "b": b}, metadata={"x": "1", "y": "2", "z": "3"})
    save_tensors(tmp_path / "2", {"b": b, "a": a.t().contiguous().t()}, metadata={"z": "3", "y": "2", "x": "1"})
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert torch.equal(load_tensors(tmp_path / "2")["b"], b)


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="complex"):
        save_tensors(tmp_path / "a", {"c": torch.zeros(2, dtype=torch.complex64)})
    with pytest.raises(OutputError):
        save_tensors(tmp_path / "no folder" / "a", {"c": torch.zeros(2)})
    assert list(tmp_path.iterdir()) == []


_OVERWRITTEN = """
import sys
from pathlib import Path
from descant.hub.checkpoint import load_tensors
path = Path(sys.argv[1])
tensors = load_tensors(path)
path.write_bytes(b"")
print(float(tensors["a"].sum()))
"""


def test_a_file_that_is_cut_later_does_not_kill_who_loaded_it(tmp_path: Path) -> None:
    path = save_tensors(tmp_path / "a", {"a": torch.ones(100_000)})
    done = subprocess.run([sys.executable, "-c", _OVERWRITTEN, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "100000.0\n")  # mapped: -SIGBUS


def test_large_files_are_mapped_and_hold_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = {"net.a": torch.arange(6.0), "other": torch.ones(2, 3, dtype=torch.bfloat16)}
    path = save_tensors(tmp_path / "a", tensors)
    small = load_tensors(path, prefix="net.")
    monkeypatch.setattr(checkpoint, "_MOST_READ", 10)
    assert small.keys() == load_tensors(path, prefix="net.").keys() == {"a"}
    assert torch.equal(load_tensors(path)["other"], tensors["other"])
    _damage(path, "cut")
    with pytest.raises(CheckpointError):
        load_tensors(path)


def _damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    broken = {
        "empty": b"",
        "cut": data[:-1],
        "text": b"<html>not weights</html>",
        "huge header": (2**62).to_bytes(8, "little") + data[8:],
    }
    path.write_bytes(broken[how])


@pytest.mark.parametrize("how", ["empty", "cut", "text", "huge header"])
def test_damaged_files_are_refused(tmp_path: Path, how: str) -> None:
    path = save_tensors(tmp_path / "a.safetensors", {"a": torch.ones(4)})
    _damage(path, how)
    for read in (load_tensors, load_metadata):
        with pytest.raises(CheckpointError, match="not a readable safetensors"):
            read(path)


def test_a_missing_file_and_overlapping_tensors(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        load_tensors(tmp_path / "absent")
    entry = {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}
    header = json.dumps({"a": entry, "b": entry}).encode()
    (tmp_path / "twice").write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    with pytest.raises(CheckpointError):
        load_tensors(tmp_path / "twice")


def test_shapes_are_checked_strictly(tmp_path: Path) -> None:
    path = save_tensors(tmp_path / "a.safetensors", {"a": torch.ones(2, 3), "b": torch.ones(1)})
    assert load_tensors(path, shapes={"a": (2, 3), "b": (1,)}).keys() == {"a", "b"}
    with pytest.raises(CheckpointError) as caught:
        load_tensors(path, shapes={"a": (3, 2), "c": (1,)})
    for part in ("missing: c", "unexpected: b", "misshapen: a is (2, 3), not (3, 2)"):
        assert part in caught.value.message


def test_long_lists_of_faults_stay_readable(tmp_path: Path) -> None:
    path = save_tensors(tmp_path / "a.safetensors", {f"t{n}": torch.ones(1) for n in range(20)})
    with pytest.raises(CheckpointError, match="and 16 more"):
        load_tensors(path, shapes={})


def test_load_into_fills_a_module_and_refuses_any_other(tmp_path: Path) -> None:
    def net() -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))

    torch.manual_seed(1)
    source, target = net(), net()
    state = {f"vocals.{k}": v for k, v in source.state_dict().items() if not k.endswith("num_batches_tracked")}
    path = save_tensors(tmp_path / "a.safetensors", {**state, "drums.x": torch.ones(1)})
    load_into(target, path, prefix="vocals.")
    assert all(torch.equal(target.state_dict()[k], v) for k, v in source.state_dict().items())
    with pytest.raises(CheckpointError, match=r"missing: 0\.bias"):
        load_into(target, path, prefix="drums.")
    with pytest.raises(CheckpointError, match="misshapen"):
        load_into(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(2)), path, prefix="vocals.")


def test_half_precision_weights_fill_a_full_precision_module(tmp_path: Path) -> None:
    module = torch.nn.Linear(2, 2)
    half = {name: value.half() for name, value in torch.nn.Linear(2, 2).state_dict().items()}
    load_into(module, save_tensors(tmp_path / "a.safetensors", half))
    assert module.weight.dtype == torch.float32
    assert torch.equal(module.weight.half(), half["weight"])
