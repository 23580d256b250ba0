"""Shared by all tests: no network but the package index, no stray threads, a seeded world."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile(
    "descant", deadline=None, max_examples=40, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("descant")


@pytest.fixture(autouse=True)
def _restore_torch_threads() -> object:
    """Give every test the same number of PyTorch threads, whatever the last one set."""
    import sys

    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def _hear_interrupts() -> None:
    """Let Ctrl-C reach the tests and what they start: a shell that runs them in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
