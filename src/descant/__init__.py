"""Descant: sing a tune and it answers with a band; give it a song and it takes it apart.

    import descant
    from descant import verbs

    song = descant.read("song.flac")
    stems = verbs.separate(song)

Importing this package is free: code and PyTorch are loaded at the first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from descant.audio.clip import Clip as Clip
    from descant.audio.clip import Stems as Stems
    from descant.audio.io import read as read
    from descant.audio.io import write as write

__version__ = "0.1.0"

_LAZY = {
    "Clip": "descant.audio.clip",
    "Stems": "descant.audio.clip",
    "read": "descant.audio.io",
    "write": "descant.audio.io",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'descant' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted([*_LAZY, "__version__"])
