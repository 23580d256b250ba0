"""Opening ONNX networks the same way everywhere: on the CPU, at most two threads, no spinning, no chatter."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from descant.errors import CheckpointError, ModelNotFound
from descant.hub.store import fetch


def open_session(path: Path, *, card: str, threads: int | None = None) -> Any:
    """An onnxruntime session of a network.

    Args:
        path: The ONNX file.
        card: The card that brings it, for the hint when the file is missing.
        threads: Threads of the runtime; None takes at most two.

    Raises:
        ModelNotFound: The file is not there.
        CheckpointError: It holds no network, or a damaged one.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as raised

    if not path.is_file():
        raise ModelNotFound(f"{path} is not there.", f"Run `descant models fetch {card}`.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or min(2, os.cpu_count() or 1)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except (raised.Fail, raised.InvalidArgument, raised.InvalidGraph, raised.InvalidProtobuf) as error:
        raise CheckpointError(
            f"{path} holds no sound network.", f"`descant models verify {card}` says what is damaged."
        ) from error


def fetch_network(card: str) -> Path:
    """The ONNX file of a card, fetched when it is not in the cache yet."""
    folder = fetch(card)
    return next(iter(sorted(folder.rglob("*.onnx"))), folder / "model.onnx")
