"""What loaders share: reading a set's small files, and saying what is wrong with a folder in its own words."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from descant.errors import InputNotFound, MissingDependency, TextReadError
from descant.files import input_error

_MAX_TEXT_BYTES = 1 << 20
_MAX_INDEX_BYTES = 1 << 30  # NSynth describes 289,205 notes in one file
_SHOWN = 5
_MAX_DEPTH = 50


def wrong_folder(what: str, root: Path, expected: str) -> InputNotFound:
    """The error for a folder that holds something else."""
    names = sorted(path.name for path in root.iterdir())[: _SHOWN + 1] if root.is_dir() else ["a file"]
    found = (", ".join(names[:_SHOWN]) or "nothing") + (" and more" if len(names) > _SHOWN else "")
    return InputNotFound(f"{root} is not {what}: expected {expected}; found {found}.", "Give the folder it unpacks to.")


def not_whole(what: str, root: Path, missing: Sequence[Path]) -> InputNotFound:
    """The error for a set of which files are missing."""
    names = ", ".join(_inside(path, root) for path in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    return InputNotFound(
        f"{what} in {root} is not whole: {len(missing)} files are missing: {names}{more}.",
        "Finish the download, or open it with whole=False (--partial) to use the items that are there.",
    )


def half_downloaded(what: str, root: Path, found: int, published: int, part: str | None) -> InputNotFound:
    """The error for a set that has fewer items than were published, though no file of those is missing."""
    return InputNotFound(
        f"{what} in {root} is half-downloaded: {found} of {published} items{f' of the {part} split' if part else ''}.",
        "Finish the download, or open it with whole=False (--partial) to use the items that are there.",
    )


def missing_files(files: Iterable[Path]) -> tuple[Path, ...]:
    """Those that are not there, in order; each folder is listed once, which a set of 300,000 files needs."""
    listed: dict[Path, frozenset[str]] = {}
    missing = []
    for file in files:
        parent = file.parent
        if parent not in listed:
            listed[parent] = _names(parent, folders=True)
        if file.name not in listed[parent]:
            missing.append(file)
    return tuple(dict.fromkeys(missing))


def file_names(folder: Path) -> frozenset[str]:
    """Names of the files in a folder; none if it is not there."""
    return _names(folder, folders=False)


def _names(folder: Path, *, folders: bool) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if folders or not entry.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except OSError as error:
        raise input_error(error, folder) from error


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, sorted; none if it is not there. Hidden ones are no part of any set."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise input_error(error, folder) from error


def read_text(path: Path, *, max_bytes: int = _MAX_TEXT_BYTES) -> str:
    """A small text file (UTF-8, with or without a mark).

    Raises:
        InputNotFound, PermissionRefused: It cannot be opened.
        TextReadError: It is too large for what it should be, or not UTF-8.
    """
    try:
        if path.stat().st_size > max_bytes:
            raise TextReadError(f"{path} is too large to be what its name says.", "Get the set's own file.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise input_error(error, path) from error
    except UnicodeDecodeError as error:
        raise TextReadError(f"{path} is not UTF-8 text.", "Get the set's own file again.") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        TextReadError: It is damaged, or something else than an object.
        DescantError: As `read_text`.
    """
    try:
        value = json.loads(read_text(path, max_bytes=_MAX_INDEX_BYTES))
    except (ValueError, RecursionError) as error:
        raise TextReadError(f"{path} is not whole JSON: {error}.", "Download it again.") from error
    if not isinstance(value, dict):
        raise TextReadError(f"{path} is no JSON object.", "Get the set's own index.")
    return value


def read_csv(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file by the names in its header.

    Args:
        path: The file.
        columns: Names that must be there; others are kept too.

    Raises:
        TextReadError: A column is missing, or a row has another number of cells.
        DescantError: As `read_text`.
    """
    reader = csv.DictReader(io.StringIO(read_text(path, max_bytes=_MAX_INDEX_BYTES), newline=""))
    absent = [name for name in columns if name not in (reader.fieldnames or ())]
    if absent:
        raise TextReadError(f"{path} has no column {absent[0]!r}.", f"Its header must name {', '.join(columns)}.")
    rows = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise TextReadError(f"{path}, line {reader.line_num}: another number of cells.", "Get it again.")
            rows.append(row)
    except csv.Error as error:
        raise TextReadError(f"{path}, line {reader.line_num}: {error}.", "Download it again.") from error
    return rows


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML mapping of plain values (never of Python objects).

    Raises:
        MissingDependency: PyYAML is not installed.
        TextReadError: It is damaged, or something else than a mapping.
        DescantError: As `read_text`.
    """
    try:
        import yaml
    except ImportError as error:
        raise MissingDependency(
            f"{path} needs PyYAML, which is not installed.", "Run `pip install descant[data]`."
        ) from error
    text = read_text(path)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where libyaml is there
    try:
        _refuse_deep(yaml.parse(text, Loader=loader), path)
        value = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise TextReadError(f"{path} is not whole YAML.", "Download it again.") from error
    if not isinstance(value, dict):
        raise TextReadError(f"{path} is no YAML mapping.", "Get the set's own file.")
    return value


def _refuse_deep(events: Iterable[Any], path: Path) -> None:
    """The recursion of libyaml ends the process where Python's would raise: so depth is counted first."""
    depth = 0
    for event in events:
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if depth > _MAX_DEPTH:
            raise TextReadError(f"{path} is nested deeper than any index.", "Get the set's own file.")


def number(text: str, path: Path, field: str) -> float:
    """A cell as a number.

    Raises:
        TextReadError: It is none, or not finite.
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise TextReadError(f"{path}: {field} is {text.strip()[:40]!r}, not a number.", "Download the file again.")
    return value


def _inside(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
