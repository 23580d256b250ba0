"""Reading PyTorch checkpoints from strangers: what is not a tensor, an array or a plain value is refused unexecuted.

PyTorch's restricted unpickler (`weights_only=True`) does the reading. NumPy arrays, which many checkpoints hold, are
rebuilt by stand-ins: NumPy's own functions trust the pickle, and a damaged one can corrupt memory through them.
"""

from __future__ import annotations

import math
import pickle
import re
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.serialization import safe_globals

from descant.errors import CheckpointError, UnsafeCheckpoint

NUMERIC_CODES = ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "b1")
"""NumPy's codes of the element types that become tensors."""

_MOST_ELEMENTS = 1 << 33
_MOST_GROWTH, _ALWAYS_UNPACKED = 4, 64 << 20
_REFUSED = re.compile(r"GLOBAL (\S+)|unrecognized function (\S+)|but got (.+)")
"""How PyTorch's restricted unpickler names what it refuses."""

_ON_DAMAGE = (
    *(EOFError, OSError, LookupError, ValueError, TypeError, AttributeError, AssertionError, ArithmeticError),
    *(ImportError, struct.error),
)
"""What the restricted unpickler raises on damaged and hostile streams."""


def read_pickle(path: Path) -> object:
    """Read a checkpoint that may hold tensors, numeric NumPy arrays and plain values, and nothing else.

    Args:
        path: A file that `torch.save` wrote, of any age.

    Returns:
        What it holds; arrays are `numpy.ndarray`, and a trainer's options and dictionaries are None.

    Raises:
        UnsafeCheckpoint: It holds anything else; nothing of it was executed.
        CheckpointError: It is damaged or no checkpoint.
    """
    advice = "Ask its author for a safetensors file, or for a checkpoint of the state dict alone."
    _refuse_bomb(path)
    try:
        with safe_globals(_STAND_INS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the pickle's protocol: what matters is refused, not warned of
            return _as_arrays(torch.load(path, map_location="cpu", weights_only=True), {})
    except pickle.UnpicklingError as error:
        if named := _REFUSED.search(str(error)):
            what = named[named.lastindex or 0]
            message = f"{path.name} holds more than tensors and plain values ({what}), so it is not loaded."
            raise UnsafeCheckpoint(message, advice) from error
        raise _damaged(path, error) from error
    except RuntimeError as error:
        if "TorchScript" in str(error):
            message = f"{path.name} is a TorchScript program, not a checkpoint, so it is not loaded."
            raise UnsafeCheckpoint(message, advice) from error
        raise _damaged(path, error) from error
    except _ON_DAMAGE as error:
        raise _damaged(path, error) from error


def _refuse_bomb(path: Path) -> None:
    """Refuse an archive that grows when it is unpacked: `torch.save` packs nothing, so its files hold what they say.

    Raises:
        CheckpointError: It would.
    """
    try:
        size = path.stat().st_size
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, *_ON_DAMAGE):
        return  # of the older kind, or damaged: the unpickler says so
    if unpacked > _MOST_GROWTH * size + _ALWAYS_UNPACKED:
        raise CheckpointError(
            f"{path.name} has {size / 1e6:,.1f} MB, and would unpack to {unpacked / 1e6:,.0f} MB.",
            "Get the file again from its author.",
        )


def _damaged(path: Path, error: Exception) -> CheckpointError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return CheckpointError(f"{path.name} is damaged or not a checkpoint: {reason}", "Get the file again.")


class _Dtype:
    """Stands in for `numpy.dtype`: one of the numeric element types, in either byte order."""

    def __init__(self, code: str, *_: object) -> None:
        if code not in NUMERIC_CODES:
            raise pickle.UnpicklingError(f"Expected numbers, but got an array of NumPy's type {code!r}")
        self.code = code
        self.order = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] not in ("<", ">", "=", "|"):
            raise ValueError(f"unknown byte order {state[1]!r}")
        self.order = state[1]

    def to_numpy(self) -> np.dtype[Any]:
        return np.dtype(self.order + self.code)


class _Array:
    """Stands in for `numpy.ndarray`: its elements are copied out of the pickle's bytes, and their number is checked."""

    value: np.ndarray[Any, Any] | None = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, is_fortran, data = state
        if not isinstance(dtype, _Dtype) or not isinstance(data, bytes):
            raise TypeError("an array without numbers")
        if not all(isinstance(side, int) and side >= 0 for side in shape) or math.prod(shape) > _MOST_ELEMENTS:
            raise ValueError(f"an array of the impossible shape {shape!r}")
        flat = np.frombuffer(data, dtype.to_numpy())
        self.value = flat.reshape(shape, order="F" if is_fortran else "C").copy()


def _reconstruct(kind: object, *_: object) -> _Array:
    """Stands in for `numpy.core.multiarray._reconstruct`, which makes the empty array that is then filled."""
    if kind is not _Array:
        raise TypeError("an array of an unknown class")
    return _Array()


def _scalar(dtype: object, data: object) -> float | int | bool:
    """Stands in for `numpy.core.multiarray.scalar`: a plain number."""
    if not isinstance(dtype, _Dtype) or not isinstance(data, bytes):
        raise TypeError("a scalar that is no number")
    (value,) = np.frombuffer(data, dtype.to_numpy()).tolist()
    number: float | int | bool = value
    return number


class _Leftover:
    """Stands in for what trainers leave beside their tensors, and nobody needs: its contents are dropped."""

    def __setstate__(self, _state: object) -> None:
        pass


def _no_bytes() -> bytes:
    """Stands in for `bytes`, which old pickle protocols call for an empty array's elements."""
    return b""


_STAND_INS: list[Any] = [
    (_Array, "numpy.ndarray"),
    (_Dtype, "numpy.dtype"),
    (_Leftover, "argparse.Namespace"),
    (_Leftover, "fairseq.data.dictionary.Dictionary"),  # in every HuBERT and ContentVec that fairseq trained
    # Both homes of the same functions: NumPy 1 pickles name numpy.core, NumPy 2 pickles numpy._core.
    *((_reconstruct, f"numpy.{home}.multiarray._reconstruct") for home in ("core", "_core")),
    *((_no_bytes, f"{home}.bytes") for home in ("builtins", "__builtin__")),
    *((_scalar, f"numpy.{home}.multiarray.scalar") for home in ("core", "_core")),
]


def _as_arrays(value: object, known: dict[int, object]) -> object:
    """The value with every stand-in replaced by the array it holds.

    Args:
        value: Of a pickle.
        known: What was made of containers, by their identity: a few lines can nest one in itself, or twice in each of
            forty others.

    Raises:
        ValueError: A container holds itself.
    """
    if id(value) in known:
        if known[id(value)] is known:
            raise ValueError("a list that holds itself")
        return known[id(value)]
    if isinstance(value, _Array):
        if value.value is None:
            raise ValueError("an array without elements")
        return value.value
    if isinstance(value, _Leftover):
        return None
    if isinstance(value, (dict, list, tuple)):
        known[id(value)] = known  # under way
        if isinstance(value, dict):
            known[id(value)] = {key: _as_arrays(item, known) for key, item in value.items()}
        else:
            known[id(value)] = [_as_arrays(item, known) for item in value]
        return known[id(value)]
    return value
