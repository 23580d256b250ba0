"""Measuring a command in a process of its own: wall time, processor time, peak memory.

Peak memory is what the operating system counted for that process alone. On Linux a process that starts another hands it
its own peak for a moment, so a program that holds a gigabyte would measure a gigabyte for `true`; a bare interpreter of
some 10 MiB is therefore put in between, and it does the measuring.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from descant.errors import BatchFailed, InputNotFound, UnsupportedFormat

_LAUNCHER = """
import json, os, sys, time
began = time.perf_counter()
try:
    process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
except OSError as error:
    sys.exit(f"{sys.argv[2]}: {error.strerror}")
_, status, used = os.wait4(process, 0)
took = [time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status)]
with open(sys.argv[1], "w") as file:
    json.dump(took, file)
"""
_LONGEST_COMPLAINT = 300


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run of a command took.

    Attributes:
        wall_s: From its start to its end, in seconds.
        processor_s: Of all its threads and of the processes it waited for.
        peak_mib: Largest resident memory of the process, or of the largest of those it waited for.
        output: What it printed on standard output.
    """

    wall_s: float
    processor_s: float
    peak_mib: float
    output: str


def measure_child(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, timeout_s: float | None = None
) -> Usage:
    """Run a command in a fresh process and measure it.

    Args:
        command: Program and arguments.
        environment: Its environment; this process' own if None.
        timeout_s: It is stopped, with all it started, after this long.

    Raises:
        BatchFailed: It ended with an error or took too long; the message has its last words.
        InputNotFound: There is no such program.
        UnsupportedFormat: The operating system does not count memory per process (Windows).
    """
    if not hasattr(os, "wait4"):
        raise UnsupportedFormat(
            "This system does not say how much memory a process took.", "Measure on Linux or macOS."
        )
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "usage.json"
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(result), *command]
        process = subprocess.Popen(
            launcher, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, start_new_session=True
        )
        try:
            output, complaint = process.communicate(timeout=timeout_s)
        except BaseException as error:  # whatever ends us ends what we started
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise BatchFailed(f"{_name(command)} took longer than {timeout_s:g} s.", "Give it less.") from error
            raise
        if not result.exists():
            raise InputNotFound(f"{_name(command)} cannot be started: {_last_words(complaint)}", "Check its path.")
        wall_s, processor_s, peak, status = json.loads(result.read_text())
    if status != 0:
        raise BatchFailed(f"{_name(command)} failed with status {status}: {_last_words(complaint)}", "Run it by hand.")
    unit = 2**20 if sys.platform == "darwin" else 2**10  # macOS counts bytes, others KiB
    return Usage(wall_s, processor_s, peak / unit, output.decode(errors="replace"))


def _name(command: Sequence[str]) -> str:
    """The command for people: without the interpreter's path, and not whole."""
    words = [Path(command[0]).name, *command[1:]]
    text = " ".join(words)
    return text if len(text) <= _LONGEST_COMPLAINT else text[:_LONGEST_COMPLAINT] + " ..."


def _last_words(complaint: bytes) -> str:
    lines = complaint.decode(errors="replace").strip().splitlines()
    return " / ".join(line.strip() for line in lines[-2:])[:_LONGEST_COMPLAINT] or "it said nothing"
