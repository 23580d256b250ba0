"""The index of a set: one row an item in Parquet, made of the items' own labels."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from descant.data.band.folder import INDEX, items_of, read_labels
from descant.errors import InputNotFound, MissingDependency
from descant.files import atomic_output

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMNS = ("number", "folder", "split", "song", "singer", "person", "singer_kind", "backing_singers",
            "backing_persons", "instruments", "language",
            "pronunciation", "duration_s", "frames", "sample_rate", "audio", "bpm", "meter", "key", "style", "words",
            "lufs", "room", "caption", "digest")  # fmt: skip


def row_of(root: Path, folder: Path, labels: dict[str, Any]) -> dict[str, Any]:
    """An item's row."""
    singer = labels["singer"]
    return {
        "number": labels["number"],
        "folder": folder.relative_to(root).as_posix(),
        "split": labels["split"],
        "song": labels["song"],
        "singer": "" if singer is None else singer["id"],
        "person": "" if singer is None else singer["person"],
        "singer_kind": "" if singer is None else singer["kind"],
        "backing_singers": labels["backing_singers"],
        "backing_persons": labels["backing_persons"],
        "instruments": [i["id"] for i in labels["instruments"] if i["id"]],
        "language": labels["language"],
        "pronunciation": labels["pronunciation"],
        "duration_s": labels["duration_s"],
        "frames": labels["frames"],
        "sample_rate": labels["sample_rate"],
        "audio": labels["audio"],
        "bpm": labels["bpm"],
        "meter": "/".join(str(n) for n in labels["meter"]),
        "key": labels["key"] or "",
        "style": labels["style"],
        "words": len(labels["words"]),
        "lufs": labels["lufs"],
        "room": labels["room"]["name"],
        "caption": labels["caption"],
        "digest": labels["files"][f"mixture.{labels['audio']}"],
    }


def write_index(root: Path) -> int:
    """Index all finished items; returns how many there are.

    Raises:
        MissingDependency: pyarrow is not installed.
    """
    rows = [row_of(root, folder, read_labels(folder)) for folder in items_of(root)]
    _save(root / INDEX, rows)
    return len(rows)


def read_index(root: Path) -> list[dict[str, Any]]:
    """The rows of a set's index.

    Raises:
        InputNotFound: There is no index, or it is damaged or lacks a column.
        MissingDependency: pyarrow is not installed.
    """
    path = root / INDEX
    if not path.is_file():
        raise InputNotFound(f"{path} does not exist.", "Is this a folder that `descant data band` made?")
    arrow = require_arrow()
    import pyarrow.parquet

    try:
        table: pa.Table = pyarrow.parquet.read_table(path)
    except (arrow.ArrowException, OSError) as error:
        raise InputNotFound(f"{path} is damaged: {error}.", "Build the set again: finished items are kept.") from error
    missing = [name for name in _COLUMNS if name not in table.column_names]
    if missing:
        raise InputNotFound(f"{path} lacks the column {missing[0]!r}.", "Build the set again: finished items are kept.")
    return list(table.to_pylist())


def require_arrow() -> Any:
    """The pyarrow package.

    Raises:
        MissingDependency: It is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise MissingDependency("The index of a set needs pyarrow.", 'pip install "descant[data]"') from error
    return pa


def _save(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    arrow = require_arrow()
    import pyarrow.parquet

    listed = list(rows)
    lists = {"backing_singers", "backing_persons", "instruments"}
    whole = {"number", "frames", "sample_rate", "words"}
    kinds = {
        name: arrow.list_(arrow.string()) if name in lists else arrow.int64() if name in whole
        else arrow.float64() if name in {"duration_s", "bpm", "lufs"} else arrow.string()
        for name in _COLUMNS
    }  # fmt: skip
    schema = arrow.schema(list(kinds.items()))
    with atomic_output(path) as part:
        pyarrow.parquet.write_table(arrow.Table.from_pylist(listed, schema=schema), part)
