"""A one-node ONNX network, written byte by byte: the `onnx` package is not among the tests' tools."""

from __future__ import annotations


def _varint(value: int) -> bytes:
    out = bytearray()
    while True:
        out.append((value & 0x7F) | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _tensor(name: str, shape: list[int | str]) -> bytes:
    dimensions = b"".join(_bytes(1, _bytes(2, d) if isinstance(d, str) else _number(1, d)) for d in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, dimensions)))  # float32


def mean_over_time(shape: list[int | str], *, axis: int) -> bytes:
    """A network that averages its input over one axis and keeps it (as a length of one where nothing would be left)."""
    keep = len(shape) == 2
    kept = [1 if i == axis else length for i, length in enumerate(shape)]
    left = kept if keep else [length for i, length in enumerate(shape) if i != axis]
    attributes = _bytes(5, _bytes(1, "axes") + _number(8, axis) + _number(20, 7))  # integers
    attributes += _bytes(5, _bytes(1, "keepdims") + _number(3, int(keep)) + _number(20, 2))  # an integer
    node = _bytes(1, _bytes(1, "x") + _bytes(2, "y") + _bytes(4, "ReduceMean") + attributes)
    graph = node + _bytes(2, "tiny") + _bytes(11, _tensor("x", shape)) + _bytes(12, _tensor("y", left))
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _number(2, 13))
