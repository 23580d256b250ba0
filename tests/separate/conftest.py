"""Separators for these tests: one whose result can be calculated, and the real one."""

from __future__ import annotations

import pytest
from stand_ins import Below, separator_of

from descant.separate.api import Separator


@pytest.fixture
def split() -> Separator:
    """Vocals are what lies below bin 100 (1,077 Hz), accompaniment the rest up to 11 kHz and beyond."""
    return separator_of(Below(100), Below(100, inside=0.02, outside=0.98))


@pytest.fixture(scope="session")
def spleeter() -> Separator:
    return Separator.load()
