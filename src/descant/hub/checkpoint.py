"""Checkpoints: safetensors files, read strictly and written so that the same tensors give the same bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load as tensors_of

from descant.errors import CheckpointError, OutputError

Shapes = Mapping[str, tuple[int, ...]]

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
_ALIGNMENT = 8
_MOST_READ = 256 << 20
"""Bytes of the largest file that is read at once; those of all cards are smaller."""


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor], *, metadata: Mapping[str, str] | None = None) -> Path:
    """Write tensors as safetensors, by way of a temporary file.

    The safetensors library writes metadata in an order that changes from run to run; cards carry the digest of
    the file, so this writer sorts everything.

    Args:
        path: The file to write; its folder must exist.
        tensors: Name -> tensor, on any device.
        metadata: Name -> text, kept in the header.

    Returns:
        The path.

    Raises:
        CheckpointError: A tensor has a dtype that safetensors does not know.
        OutputError: The file cannot be written.
    """
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    ordered = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    start = 0
    for name in ordered:
        tensor = tensors[name]
        if tensor.dtype not in _DTYPES:
            raise CheckpointError(f"The tensor '{name}' has the type {tensor.dtype}.", "Convert it to a plain type.")
        end = start + tensor.numel() * tensor.element_size()
        header[name] = {"dtype": _DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as out:
            out.write(len(text).to_bytes(8, "little") + text)
            for name in ordered:
                if tensors[name].numel():
                    flat = tensors[name].detach().cpu().contiguous().reshape(-1)
                    out.write(flat.view(torch.uint8).numpy().tobytes())
        unfinished.replace(path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error}", "Check the folder and the free space.") from error
    finally:
        if unfinished.exists():
            unfinished.unlink()
    return path


def load_tensors(path: Path, *, shapes: Shapes | None = None, prefix: str = "") -> dict[str, torch.Tensor]:
    """Read a safetensors file into memory.

    Tensors of a file up to 256 MiB have memory of their own. Those of a larger one lie in the mapped file, which must
    neither be cut nor overwritten while they are used: a process that reaches for what is gone is killed (SIGBUS).

    Args:
        path: The file.
        shapes: Name -> shape of exactly the tensors that must be there; None takes what comes.
        prefix: Only names that begin with this are read, and it is cut off.

    Returns:
        Name -> tensor on the CPU, in the file's dtype.

    Raises:
        CheckpointError: The file is damaged or missing, or its names or shapes differ from `shapes`.
    """
    try:
        found = tensors_of(path.read_bytes()) if path.stat().st_size <= _MOST_READ else _mapped(path)
        tensors = {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a readable safetensors file: {error}", "Fetch it again: `descant models verify --repair`."
        ) from error
    if shapes is not None:
        check_shapes(tensors, shapes, where=str(path))
    return tensors


def _mapped(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def load_metadata(path: Path) -> dict[str, str]:
    """The name -> text pairs in a safetensors file's header."""
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a readable safetensors file: {error}", "Fetch it again: `descant models verify --repair`."
        ) from error


def load_into(module: torch.nn.Module, path: Path, *, prefix: str = "") -> None:
    """Fill a module's parameters and buffers from a safetensors file: every name, no other, each of its shape.

    BatchNorm's `num_batches_tracked` counters are training bookkeeping: they may be absent from the file.

    Args:
        module: Filled in place; keeps its own dtype and device.
        path: The file.
        prefix: Part of the names in the file that the module's own names lack.

    Raises:
        CheckpointError: The file is damaged, or its names or shapes are not the module's.
    """
    state = module.state_dict()
    tensors = load_tensors(path, prefix=prefix)
    counters = {name for name in state if name.endswith("num_batches_tracked") and name not in tensors}
    shapes = {name: tuple(value.shape) for name, value in state.items() if name not in counters}
    check_shapes(tensors, shapes, where=str(path))
    module.load_state_dict({**tensors, **{name: state[name] for name in counters}})


def load_onto(module: torch.nn.Module, path: Path) -> None:
    """Fill a module that was made on the device "meta", in float32; names and shapes are compared first.

    Unlike with `load_into`, sizes that a stranger stated cost no memory before the file is known to hold as much.

    Args:
        module: Without storage; has it on the CPU afterwards.
        path: The file.

    Raises:
        CheckpointError: The file is damaged, or its names or shapes are not the module's.
    """
    shapes = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    tensors = load_tensors(path, shapes=shapes)
    module.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)


def check_shapes(tensors: Mapping[str, torch.Tensor], shapes: Shapes, *, where: str) -> None:
    """Raise `CheckpointError` that lists every missing, unexpected or misshapen tensor (the first few of each)."""
    missing = sorted(set(shapes) - set(tensors))
    unexpected = sorted(set(tensors) - set(shapes))
    misshapen = [
        f"{name} is {tuple(tensors[name].shape)}, not {tuple(shapes[name])}"
        for name in sorted(set(shapes) & set(tensors))
        if tuple(tensors[name].shape) != tuple(shapes[name])
    ]
    faults = [
        f"{label}: {', '.join(names[:4])}{f' and {len(names) - 4} more' if len(names) > 4 else ''}"
        for label, names in (("missing", missing), ("unexpected", unexpected), ("misshapen", misshapen))
        if names
    ]
    if faults:
        raise CheckpointError(
            f"{where} does not fit the architecture ({'; '.join(faults)}).",
            "These weights belong to another model or another version of it.",
        )
