"""What made a result: the machine and versions that ran it; `fingerprint` says from which code it came."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import descant

_CPUINFO = Path("/proc/cpuinfo")


def conditions() -> dict[str, str]:
    """Versions and machine, by name."""
    versions = {name: version(name) for name in ("torch", "numpy")}
    return {"descant": descant.__version__, **versions, "python": platform.python_version(), "machine": machine()}


def machine() -> str:
    """The processor, how many cores of it, and the system."""
    return f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def _processor() -> str:
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "processor without a name")
