"""Files and folders in, folders out: one bad file does not stop the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from descant.audio.formats import AUDIO_SUFFIXES
from descant.cli.terminal import say
from descant.errors import (
    AudioReadError,
    BatchFailed,
    Cancelled,
    DescantError,
    InputNotFound,
    InvalidAudio,
    NothingHeard,
    ScoreReadError,
)

_ABOUT_THE_FILE = (AudioReadError, InvalidAudio, NothingHeard, ScoreReadError)
Job = tuple[Path, Path]
"""A file and its output folder."""

_RESOURCE_FORK = "._"  # macOS writes one beside each file on foreign disks, with its suffix but no sound


def run_batch(
    inputs: Sequence[Path],
    out: Path | None,
    one: Callable[[Path, Path], None],
    *,
    done: Callable[[Path], bool] = lambda _: False,
    suffixes: frozenset[str] = AUDIO_SUFFIXES,
) -> None:
    """Call `one(file, folder)` for each input file.

    A single named file goes straight to `out`; several files, or a folder's, get `out/<name>` each, folders mirrored.

    Args:
        inputs: Files and folders.
        out: Output folder; None where nothing is written.
        one: The work; its errors are reported and the next file is taken.
        done: Whether an output folder is finished already, so that its file is skipped.
        suffixes: What is picked up from folders.

    Raises:
        InputNotFound: A folder holds nothing to work on.
        BatchFailed: Some of several files failed.
        DescantError: The only file failed.
    """
    if len(inputs) == 1 and not inputs[0].is_dir():
        folder = out or Path()
        if not done(folder):
            _named_in_errors(one, inputs[0], folder)
        return

    def one_by_one(jobs: Sequence[Job]) -> Iterator[tuple[Job, DescantError | None]]:
        for job in jobs:
            try:
                _named_in_errors(one, *job)
            except Cancelled:
                raise
            except DescantError as error:
                yield job, error
            else:
                yield job, None

    run_jobs(inputs, out, one_by_one, done=done, suffixes=suffixes)


def run_jobs(
    inputs: Sequence[Path],
    out: Path | None,
    work: Callable[[Sequence[Job]], Iterator[tuple[Job, DescantError | None]]],
    *,
    done: Callable[[Path], bool] = lambda _: False,
    suffixes: frozenset[str] = AUDIO_SUFFIXES,
) -> None:
    """Hand all files and their output folders to `work`, and report what it says went wrong.

    Args:
        inputs: Files and folders.
        out: Output folder; each file gets `out/<name>`, folders are mirrored. None where nothing is written.
        work: Yields each job as it ends, with its error if there was one.
        done: Whether an output folder is finished already, so that its file is skipped.
        suffixes: What is picked up from folders.

    Raises:
        InputNotFound: A folder holds nothing to work on.
        BatchFailed: Some files failed.
    """
    jobs = [(file, (out or Path()) / name) for given in inputs for file, name in _named(given, suffixes, out)]
    jobs = _without_clashes(jobs)
    failures: list[Path] = []
    for (file, _), error in work([job for job in jobs if not done(job[1])]):
        if error is not None:
            failures.append(file)
            say(_naming(error, file))
    if failures:
        names = ", ".join(file.name for file in failures[:5])
        raise BatchFailed(
            f"{len(failures)} of {len(jobs)} files failed: {names}{' ...' if len(failures) > 5 else ''}.",
            "The others are finished; see the messages above.",
        )


def _named_in_errors(one: Callable[[Path, Path], None], file: Path, folder: Path) -> None:
    """Work on a file; what is wrong with it names it."""
    try:
        one(file, folder)
    except _ABOUT_THE_FILE as error:
        named = _naming(error, file)
        if named is error:
            raise
        raise named from error


def _naming(error: DescantError, file: Path) -> DescantError:
    """The error with the file's name in it, if it is about the file."""
    if not isinstance(error, _ABOUT_THE_FILE) or file.name in error.message:
        return error
    return type(error)(f"{file}: {error.message}", error.hint)


def _named(given: Path, suffixes: frozenset[str], out: Path | None) -> list[tuple[Path, Path]]:
    if not given.is_dir():
        return [(given, Path(given.stem))]
    found = [p for p in sorted(given.rglob("*")) if p.suffix.lower() in suffixes and _is_work(p)]
    if out is not None and out.resolve() != given.resolve():
        # An output folder inside the input folder: what an earlier run wrote there is no input.
        found = [p for p in found if out.resolve() not in p.resolve().parents]
    if not found:
        raise InputNotFound(f"{given} holds no files to work on.", f"Looked for {' '.join(sorted(suffixes))}.")
    return [(file, file.relative_to(given).with_suffix("")) for file in found]


def _is_work(path: Path) -> bool:
    try:
        return path.is_file() and not path.name.startswith(_RESOURCE_FORK)
    except OSError:  # in a folder that may not be entered; it is tried, so that the error is told
        return True


def _without_clashes(jobs: list[tuple[Path, Path]]) -> list[tuple[Path, Path]]:
    """Two inputs of one name ("a/song.wav", "b/song.wav", "song.mp3") get different folders."""
    taken: set[Path] = set()
    result = []
    for file, folder in jobs:
        free, number = folder, 1
        while free in taken:
            number += 1
            free = folder.with_name(f"{folder.name} {number}")
        taken.add(free)
        result.append((file, free))
    return result
