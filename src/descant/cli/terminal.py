"""What every command shares with the terminal: errors in words, and a progress bar that also works in a log file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from descant.errors import DescantError
from descant.progress import Progress, ProgressSink

_LOG_STEP = 0.1


def say(error: DescantError) -> None:
    """Print an error: one line that says what happened and one that says what to do."""
    print(f"descant: {one_line(error.message)}", file=sys.stderr)
    if error.hint:
        print(f"  {one_line(error.hint)}", file=sys.stderr)


def one_line(text: str) -> str:
    """Text that stays on its line and cannot steer the terminal, whatever a file's name holds."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def hide_library_messages() -> None:
    """Keep what decoders and runtimes written in C print past Python off the screen; errors reach it through Python.

    For the process of a command line only: it turns file descriptor 2 into a bin and gives Python the terminal.
    """
    try:
        terminal = os.dup(2)
    except OSError:  # started without a standard error
        return
    sys.stderr.flush()
    sys.stderr = os.fdopen(terminal, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


@contextmanager
def progress_bar(title: str, *, quiet: bool = False) -> Iterator[ProgressSink | None]:
    """A `ProgressSink` drawn on standard error: a live bar with an estimate on a terminal, sparse lines elsewhere."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        yield from _live(title)
    else:
        yield _log_lines(title)


def _live(title: str) -> Iterator[ProgressSink]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)

        def draw(event: Progress) -> None:
            bar.update(task, completed=event.fraction, description=f"{title}: {event.stage}")

        yield draw


def _log_lines(title: str) -> ProgressSink:
    started = time.monotonic()
    last_fraction = -_LOG_STEP
    last_stage = ""

    def write(event: Progress) -> None:
        nonlocal last_fraction, last_stage
        due = event.fraction - last_fraction >= _LOG_STEP or event.fraction >= 1.0 > last_fraction
        if due or event.stage != last_stage:
            last_fraction, last_stage = event.fraction, event.stage
            seconds = time.monotonic() - started
            print(f"{title}: {event.fraction:4.0%} {event.stage} ({seconds:.1f} s)", file=sys.stderr)

    return write
