"""Importing is free, and what breaks an offline CPU install stays out."""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import subprocess
import sys

import pytest

import descant

FORBIDDEN = ("torchaudio", "torchvision", "torchcodec", "tensorflow", "fairseq", "xformers", "madmom")
HEAVY = ("torch", "scipy", "onnxruntime", "soundfile", "symusic", "numba", "librosa", "rich.progress")


def _modules_after(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(run.stdout.split())


def test_import_loads_nothing_heavy() -> None:
    assert not _modules_after("import descant").intersection({*HEAVY, "numpy", "cyclopts"})


def test_help_loads_nothing_heavy() -> None:
    loaded = _modules_after(
        "import descant.cli.app, io, contextlib\n"
        "with contextlib.redirect_stdout(io.StringIO()): descant.cli.app.run(['--help'])"
    )
    assert not loaded.intersection(HEAVY)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden_libraries_are_not_installed(name: str) -> None:
    with pytest.raises(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version(name)


def test_every_module_imports_without_forbidden_or_oracle_libraries() -> None:
    names = [m.name for m in pkgutil.walk_packages(descant.__path__, "descant.") if not m.name.endswith("__main__")]
    assert len(names) > 40
    loaded = _modules_after("; ".join(f"import {name}" for name in names))
    assert not loaded.intersection({*FORBIDDEN, "librosa", "numba", "mir_eval", "music21", "swift_f0"})


def test_lazy_names_resolve() -> None:
    for name in dir(descant):
        assert getattr(descant, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = importlib.import_module("descant").nonsense
