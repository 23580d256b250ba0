"""Files of two folders that belong together, matched by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from descant.errors import InputNotFound, InvalidOption
from descant.files import input_error

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Pair:
    """A file and its partner.

    Attributes:
        name: What they have in common: the path below the folder, without suffix.
        reference: The true one.
        estimate: The one that is judged.
    """

    name: str
    reference: Path
    estimate: Path


@dataclass(frozen=True, slots=True)
class Matching:
    """All pairs of two folders.

    Attributes:
        pairs: One for each file of the reference, sorted by name.
        extra: Files of the estimate that no reference asks for; they are not judged.
    """

    pairs: tuple[Pair, ...]
    extra: tuple[Path, ...]


def match_folders(
    reference: Path,
    estimate: Path,
    suffixes: Iterable[str],
    *,
    endings: Iterable[str] = (),
    leave_out: Iterable[str] = (),
) -> Matching:
    """Match every file of the reference with one of the estimate.

    Two files match when their paths below the folders are the same but for the suffix: `a/song.wav` and `a/song.flac`.
    Two single files match whatever their names.

    Args:
        reference: Folder with the truth, or one file.
        estimate: Folder with what is judged, or one file.
        suffixes: What the task reads (".wav"); other files are not looked at.
        endings: Kinds that names may end with: ".beats" makes `song.beats.csv` the song `song`.
        leave_out: Names (without suffix, in any folder) that are not looked at.

    Raises:
        InputNotFound: A folder is missing or holds no such files, or a file has no partner; the message names it.
        InvalidOption: Two files of one folder have the same name, or a folder stands against a file.
    """
    known = frozenset(suffixes)
    for path in (reference, estimate):
        if not path.exists():
            raise InputNotFound(f"{path} does not exist.", "Check the spelling of the path.")
    if reference.is_file() and estimate.is_file():
        return Matching((Pair(reference.stem, reference, estimate),), ())
    if reference.is_file() or estimate.is_file():
        raise InvalidOption(f"{reference} and {estimate} are a file and a folder.", "Give two folders, or two files.")
    true = _by_name(reference, known, tuple(endings), frozenset(leave_out))
    if not true:
        raise InputNotFound(f"{reference} holds nothing to compare with.", f"Looked for {' '.join(sorted(known))}.")
    return match_names(true, estimate, known, endings=endings, leave_out=leave_out)


def match_names(
    true: Mapping[str, Path],
    estimate: Path,
    suffixes: Iterable[str],
    *,
    endings: Iterable[str] = (),
    leave_out: Iterable[str] = (),
) -> Matching:
    """Match the songs of a data set, whose names its index knows, with the files of a folder.

    Args:
        true: Name to the file that holds the truth.
        estimate: Folder with what is judged.
        suffixes: As in `match_folders`; so are the others.
        endings: Kinds that names may end with.
        leave_out: Names that are not looked at.

    Raises:
        InputNotFound, InvalidOption: As `match_folders`.
    """
    known = frozenset(suffixes)
    if not estimate.is_dir():
        raise InputNotFound(f"{estimate} is no folder.", "Give the folder of a system: one file for each song.")
    found = _by_name(estimate, known, tuple(endings), frozenset(leave_out))
    missing = [name for name in true if name not in found]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise InputNotFound(
            f"{true[missing[0]]} has no partner in {estimate}{more}.",
            f"Expected {missing[0]} with one of {' '.join(sorted(known))}. {_listing(estimate, found)}",
        )
    pairs = tuple(Pair(name, path, found[name]) for name, path in true.items())
    return Matching(pairs, tuple(path for name, path in found.items() if name not in true))


def _by_name(
    folder: Path, suffixes: frozenset[str], endings: tuple[str, ...], leave_out: frozenset[str]
) -> dict[str, Path]:
    try:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    except OSError as error:
        raise input_error(error, folder) from error
    found: dict[str, Path] = {}
    for path in paths:
        name = path.relative_to(folder).with_suffix("").as_posix()
        for ending in endings:
            name = name.removesuffix(ending)
        if name.rpartition("/")[2] in leave_out:
            continue
        if name in found:
            raise InvalidOption(f"{found[name]} and {path} have the same name.", "Keep one of them.")
        found[name] = path
    return found


def _listing(folder: Path, found: dict[str, Path]) -> str:
    names = ", ".join(list(found)[:_SHOWN]) or "nothing"
    return f"{folder} holds {names}{' ...' if len(found) > _SHOWN else ''}."
