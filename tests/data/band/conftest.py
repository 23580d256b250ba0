"""A small set, built once: a SoundFont made of a sine, invented songs, synthetic singers."""

from __future__ import annotations

from pathlib import Path

import pytest

from descant.data.band.build import build_band
from descant.data.band.options import BandOptions
from tiny_soundfont import build_soundfont


@pytest.fixture(scope="session")
def soundfont(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sounds") / "tiny.sf2"
    path.write_bytes(build_soundfont())
    return path


@pytest.fixture(scope="session")
def asked(soundfont: Path) -> BandOptions:
    return BandOptions(songs=2, seed=7, seconds=10.0, soundfonts=(soundfont,), sung=1.0)


@pytest.fixture(scope="session")
def built(asked: BandOptions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of two sung items, made in this process."""
    root = tmp_path_factory.mktemp("band") / "set"
    build_band(asked, root, workers=1)
    return root
