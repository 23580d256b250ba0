"""The published sets in miniature, as fixtures."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from descant.data.sets.catalogue import CATALOGUE
from miniature_sets import BUILDERS, sound, write_lpd, write_stem_mp4


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Builds the miniature of a set and returns its folder; as large as the miniature is, it counts as whole."""

    def make(name: str) -> Path:
        root = tmp_path / name
        root.mkdir()
        BUILDERS[name](root)
        module, _, loader = CATALOGUE[name].loader.partition(":")
        monkeypatch.setattr(getattr(import_module(module), loader), "published", {})
        return root

    return make


@pytest.fixture(params=sorted(BUILDERS))
def every_set(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def audio_of() -> Callable[..., Path]:
    return sound


@pytest.fixture
def lpd_file() -> Callable[..., Path]:
    return write_lpd


@pytest.fixture
def stem_mp4() -> Callable[..., Path]:
    return write_stem_mp4
