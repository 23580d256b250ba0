"""Measured processes: known work gives known numbers, and what fails or hangs is said and gone."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from descant.errors import BatchFailed, InputNotFound
from descant.evaluate.child import measure_child


def _python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def test_sleep_costs_wall_time_only() -> None:
    usage = measure_child(_python("import time; time.sleep(0.4); print('done')"))
    assert 0.4 <= usage.wall_s < 5.0
    assert usage.processor_s < 0.35
    assert usage.output == "done\n"


def test_work_costs_processor_time() -> None:
    usage = measure_child(_python("import time\nwhile time.process_time() < 0.4: pass"))
    assert 0.4 <= usage.processor_s < 1.0
    assert usage.wall_s >= 0.39


def test_peak_memory_is_that_of_the_child() -> None:
    small = measure_child(_python("pass")).peak_mib
    large = measure_child(_python("x = bytearray(100 * 2**20)")).peak_mib
    assert large - small == pytest.approx(100, abs=5)


def test_memory_of_this_process_is_not_counted() -> None:
    """A process hands its own peak to what it starts; without the launcher in between this would read 300 MiB."""
    held = np.ones(300 * 2**17)
    usage = measure_child(_python("pass"))
    assert held.nbytes == 300 * 2**20
    assert usage.peak_mib < 60


def test_processor_time_of_grandchildren_counts() -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}], check=True)"
    assert measure_child([sys.executable, "-c", code]).processor_s >= 0.3


def test_failures_have_their_last_words() -> None:
    with pytest.raises(BatchFailed, match=r"status 3: goodbye$"):
        measure_child(_python("import sys; print('goodbye', file=sys.stderr); sys.exit(3)"))
    with pytest.raises(BatchFailed, match="status -9"):
        measure_child(_python("import os; os.kill(os.getpid(), 9)"))
    with pytest.raises(InputNotFound, match="no-such-program"):
        measure_child(["/nowhere/no-such-program"])


def test_a_run_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = f"import os, time; open({str(file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(BatchFailed, match=r"longer than 1\.5 s"):
        measure_child(_python(code), timeout_s=1.5)
    assert time.monotonic() - began < 20
    process = int(file.read_text())
    for _ in range(50):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{process}/stat").read_text().split(") ")[-1].startswith("Z"):
            return  # dead, and not yet collected
        time.sleep(0.1)
    pytest.fail("the child is still running")
