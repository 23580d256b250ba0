"""The shipped composer."""

from __future__ import annotations

import pytest

from descant.compose.api import Composer


@pytest.fixture(scope="session")
def composer() -> Composer:
    return Composer.load()
