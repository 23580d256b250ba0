"""Writing files so that nothing is ever half-written, and operating-system errors as errors for people."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from descant.errors import DescantError, InputNotFound, InvalidOption, OutputError, OutputIsInput, PermissionRefused

PathLike = str | os.PathLike[str]

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def atomic_output(path: PathLike) -> Iterator[Path]:
    """A temporary file beside `path` that takes its name when the block ends, and vanishes if it fails.

    The file exists (empty) when the block starts, with the permissions any new file would get; parent folders are
    created. Its name is short, so that targets with names of up to 255 bytes work.

    Args:
        path: Where the finished file goes; an existing file is replaced only at the very end, and a link stays a link
            to the file that is written.

    Yields:
        The temporary path to write to.

    Raises:
        OutputError: The disk is full, `path` is a folder, pipe or device, or one of its parents is a file.
        PermissionRefused: The folder cannot be written to.
    """
    target = as_path(path)
    with ExitStack() as undo:
        with _as_output_error(target):
            place = _destination(target)
            temporary = place.parent / f".descant-{secrets.token_hex(6)}.part"
            created: list[Path] = []
            undo.callback(_remove, temporary, created)
            _create_parents(place.parent, created)
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
        with _as_output_error(target, only_about=temporary):
            yield temporary
        with _as_output_error(target):
            temporary.replace(place)
        undo.pop_all()


@contextmanager
def atomic_folder(path: PathLike) -> Iterator[Path]:
    """A temporary folder beside `path` that takes its name when the block ends, and vanishes if it fails.

    Args:
        path: Where the finished folder goes: new, or empty. Parent folders are created.

    Yields:
        The temporary folder to write into.

    Raises:
        InvalidOption: `path` holds something.
        OutputError: The disk is full, or `path` or one of its parents is a file.
        PermissionRefused: The folder cannot be written to.
    """
    target = as_path(path)
    with ExitStack() as undo:
        with _as_output_error(target):
            place = Path(os.path.realpath(target))
            if place.is_dir() and any(place.iterdir()):
                raise InvalidOption(f"{target} holds something else.", "Choose a new folder.")
            if place.exists() and not place.is_dir():
                raise OutputError(f"{target} is a file, not a folder.", "Give the name of a folder to write.")
            temporary = place.parent / f".descant-{secrets.token_hex(6)}.part"
            created: list[Path] = []
            undo.callback(_remove, temporary, created)
            _create_parents(place.parent, created)
            temporary.mkdir()
        with _as_output_error(target, only_about=temporary):
            yield temporary
        with _as_output_error(target):
            if place.is_dir():
                place.rmdir()  # an empty one is in the way on some systems
            temporary.rename(place)
        undo.pop_all()


def as_path(path: PathLike) -> Path:
    """The path as a `Path`; refuses what no operating system can name."""
    text = os.fspath(path)
    if not text or "\0" in text:
        raise InvalidOption(f"{text!r} is not a file name.", "Give the path of a file.")
    return Path(text)


def title_of(path: Path) -> str:
    """A file's name without its suffix, as text for pages: bytes that are no text become question marks."""
    return os.fsencode(path.stem).decode(errors="replace")


def output_error(error: OSError, path: Path) -> DescantError:
    """What an operating-system error means when writing `path`."""
    if error.errno in _FULL:
        return OutputError(f"The disk is full: {path} was not written.", "Free some space or write to another disk.")
    if error.errno in _REFUSED:
        return PermissionRefused(f"{path} cannot be written: {_reason(error)}.", "Choose a folder you may write to.")
    if error.errno in {errno.ENOTDIR, errno.EEXIST}:
        return OutputError(f"{path} cannot be written: a part of its path is a file.", "Choose another folder.")
    if error.errno == errno.ENAMETOOLONG:
        return OutputError(f"{path} cannot be written: the name is too long.", "Choose a name under 255 bytes.")
    return OutputError(f"{path} cannot be written: {_reason(error)}.", "Choose another place to write to.")


def input_error(error: OSError, path: Path) -> DescantError:
    """What an operating-system error means when reading `path`."""
    if error.errno in _REFUSED:
        return PermissionRefused(f"{path} cannot be read: {_reason(error)}.", "Check who may read the file.")
    if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}:
        return InputNotFound(f"{path} does not exist.", "Check the spelling of the path.")
    if error.errno == errno.EISDIR:
        return InputNotFound(f"{path} is a folder, not a file.", "Name a file inside it.")
    return InputNotFound(f"{path} cannot be read: {_reason(error)}.", "Check the disk the file is on.")


def text_of(path: Path) -> str:
    """A text file; what is no UTF-8 in it is replaced, and left to its reader to refuse.

    Raises:
        InputNotFound, PermissionRefused: It cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise input_error(error, path) from error


def is_there(path: PathLike) -> bool:
    """Whether something has this name; a name that nothing can have is not there."""
    try:
        return as_path(path).exists()
    except OSError:
        return False


def require_folder(path: PathLike) -> None:
    """Refuse an output folder that cannot be one, before the work for it.

    Raises:
        OutputError: It is a file, or nothing can have its name.
    """
    folder = as_path(path)
    with _as_output_error(folder):
        if folder.exists() and not folder.is_dir():
            raise OutputError(f"{folder} is a file, and a folder is needed.", "Choose another name with -o.")


def require_file(path: PathLike) -> None:
    """Refuse an output file that cannot be one, before the work for it.

    Raises:
        OutputError: It is a folder, pipe or device, or nothing can have its name.
    """
    target = as_path(path)
    with _as_output_error(target):
        _destination(target)


def require_distinct(source: PathLike, target: PathLike) -> None:
    """Refuse to write over the file that is being read, also through links.

    Raises:
        OutputIsInput: Both paths are the same file.
    """
    first, second = as_path(source), as_path(target)
    if first.absolute() == second.absolute() or _is_same_file(first, second):
        raise OutputIsInput(f"Writing {second} would overwrite the input.", "Choose another name for the output.")


@contextmanager
def _as_output_error(target: Path, only_about: Path | None = None) -> Iterator[None]:
    """Turn operating-system errors into ours; `only_about` lets those pass that are not about this path or in it."""
    try:
        yield
    except OSError as error:
        if only_about is None or error.errno in _FULL or _is_within(error.filename, only_about):
            raise output_error(error, target) from error
        raise


def _is_within(name: object, folder: Path) -> bool:
    return isinstance(name, str | os.PathLike) and Path(name).is_relative_to(folder)


def _destination(path: Path) -> Path:
    """The file that writing `path` makes or replaces: what a link points to, never a pipe, device or folder."""
    place = Path(os.path.realpath(path)) if path.is_symlink() else path
    try:
        mode = place.lstat().st_mode
    except FileNotFoundError:
        return place
    if stat.S_ISLNK(mode):
        raise OutputError(f"{path} is a link that leads back to itself.", "Remove it, or choose another name.")
    if stat.S_ISDIR(mode):
        raise OutputError(f"{path} is a folder, not a file.", "Give the name of a file to write.")
    if not stat.S_ISREG(mode):
        raise OutputError(f"{path} is a pipe or device, not a file.", "Give the name of a file to write.")
    return place


def _is_same_file(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:  # one of them is not there, or cannot be: whoever opens it says so
        return False


def _remove(temporary: Path, created: list[Path]) -> None:
    """Take back what a failed output has made; what went wrong before matters more than a failed clean-up."""
    with suppress(OSError):
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        temporary.unlink(missing_ok=True)
    with suppress(OSError):
        for folder in reversed(created):
            _remove_if_empty(folder)


def _create_parents(folder: Path, created: list[Path]) -> None:
    """Make a folder and the missing ones above it, and note each as soon as it is there."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        created.append(each)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
