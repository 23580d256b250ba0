"""What the tests of scores share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiny_soundfont import build_soundfont


@pytest.fixture(scope="session")
def soundfont(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small SoundFont in a file."""
    path = tmp_path_factory.mktemp("soundfont") / "tiny.sf2"
    path.write_bytes(build_soundfont())
    return path
