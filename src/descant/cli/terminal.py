"""What every command shares with the terminal: errors in words, and a progress bar that also works in a log file."""

from __future__ import annotations

import math
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
def progress_bar(title: str, *, quiet: bool = False, every_s: float = math.inf) -> Iterator[ProgressSink | None]:
    """A `ProgressSink` drawn on standard error: a live bar with an estimate on a terminal, sparse lines elsewhere.

    Args:
        title: Stands before all else; kept on its line.
        quiet: Draw nothing.
        every_s: In a log file, write a line at least this often (of hours of work, 10 % are too sparse), and in both
            places say what the events' messages say.
    """
    title = one_line(title)
    if quiet:
        yield None
    elif sys.stderr.isatty():
        yield from _live(title, with_messages=every_s < math.inf)
    else:
        yield _log_lines(title, every_s)


def _live(title: str, *, with_messages: bool) -> Iterator[ProgressSink]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=1.0)

        def draw(event: Progress) -> None:
            said = event.message if with_messages else event.stage
            bar.update(task, completed=event.fraction, description=f"{title}: {said}")

        yield draw


def _log_lines(title: str, every_s: float) -> ProgressSink:
    started = time.monotonic()
    last_fraction = -_LOG_STEP
    last_stage = ""
    last_line = started

    def write(event: Progress) -> None:
        nonlocal last_fraction, last_stage, last_line
        now = time.monotonic()
        due = event.fraction - last_fraction >= _LOG_STEP or event.fraction >= 1.0 > last_fraction
        if due or event.stage != last_stage or now - last_line >= every_s:
            last_fraction, last_stage, last_line = event.fraction, event.stage, now
            said = event.message if every_s < math.inf and event.message else event.stage
            print(f"{title}: {event.fraction:4.0%} {said} ({now - started:.1f} s)", file=sys.stderr)

    return write
