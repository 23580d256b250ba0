"""Reading the tensors of a CTranslate2 model file, whose own library runs a model but does not show its layers.

The format, version 6, little-endian: u32 version, name of the specification, u32 revision, u32 count; then per
variable its name, u8 rank, u32 dimensions, u8 type, u32 bytes, data; then u32 count of aliases and pairs of names.
A name is u16 length with a closing zero.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch

from descant.errors import CheckpointError
from descant.files import input_error

_VERSIONS = range(6, 7)
_TYPES: Mapping[int, str] = {0: "<f4", 1: "|i1", 2: "<i2", 3: "<i4", 4: "<f2"}
_MOST_DIMENSIONS = 8
_MOST_VARIABLES = 100_000


def read_tensors(path: Path, prefix: str) -> dict[str, torch.Tensor]:
    """The variables whose names begin with a prefix, which is cut off; the others are skipped, not read.

    Args:
        path: `model.bin`.
        prefix: Such as "encoder/".

    Raises:
        InputNotFound, PermissionRefused: The file cannot be opened.
        CheckpointError: It is another format or version, or damaged.
    """
    try:
        with path.open("rb") as file:
            return _read(file, prefix, path)
    except OSError as error:
        raise input_error(error, path) from error
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        raise CheckpointError(f"{path} is no whole CTranslate2 model: {error}.", "Get the file again.") from error


def _read(file: BinaryIO, prefix: str, path: Path) -> dict[str, torch.Tensor]:
    (version,) = struct.unpack("<I", file.read(4))
    if version not in _VERSIONS:
        raise CheckpointError(f"{path} has CTranslate2's format {version}, not 6.", "Convert the model again.")
    _name(file)
    _revision, count = struct.unpack("<II", file.read(8))
    if count > _MOST_VARIABLES:
        raise ValueError(f"it announces {count} variables")
    size = path.stat().st_size
    found = {}
    for _ in range(count):
        name = _name(file)
        (rank,) = struct.unpack("<B", file.read(1))
        if rank > _MOST_DIMENSIONS:
            raise ValueError(f"{name} has {rank} dimensions")
        shape = struct.unpack(f"<{rank}I", file.read(4 * rank))
        kind, length = struct.unpack("<BI", file.read(5))
        code = _TYPES.get(kind, "")
        if not code or math.prod(shape) * np.dtype(code).itemsize != length or file.tell() + length > size:
            raise ValueError(f"{name} is cut off or of an unknown type")
        if name.startswith(prefix):
            values = np.frombuffer(file.read(length), code).reshape(shape)
            found[name.removeprefix(prefix)] = torch.from_numpy(values.astype(np.dtype(code).newbyteorder("=")))
        else:
            file.seek(length, 1)
    return found


def _name(file: BinaryIO) -> str:
    (length,) = struct.unpack("<H", file.read(2))
    text = file.read(length)
    if len(text) != length or not text.endswith(b"\0"):
        raise ValueError("a name is cut off")
    return text[:-1].decode()
