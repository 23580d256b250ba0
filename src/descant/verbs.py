"""The verbs as functions on values, each with its default model: the command line's names, in Python.

    from descant import verbs

    song = verbs.read("song.flac")
    stems = verbs.separate(song)
    facts = verbs.analyze(song, vocals=stems["vocals"])
    takes = verbs.accompany(song)

Importing this module is free too; a verb's code and PyTorch are loaded when it is first used. (They are not attributes
of `descant` itself because the tasks' packages have those names.)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from descant.analyze.api import analyze as analyze
    from descant.audio.io import probe as probe
    from descant.audio.io import read as read
    from descant.audio.io import write as write
    from descant.compose.api import compose as compose
    from descant.compose.continuation.api import continue_score as continue_score
    from descant.instrument.api import play as play
    from descant.instrument.blend.api import blend as blend
    from descant.mark.api import verify as verify
    from descant.mix.api import mix as mix
    from descant.pipelines.accompany import accompany as accompany
    from descant.pipelines.align.api import align as align
    from descant.pipelines.align.api import align_file as align_file
    from descant.separate.api import separate as separate
    from descant.transcribe.api import transcribe as transcribe
    from descant.transcribe.api import transcribe_melody as transcribe_melody
    from descant.transcribe.api import transcribe_words as transcribe_words

_HOMES = {
    "accompany": "descant.pipelines.accompany",
    "align": "descant.pipelines.align.api",
    "align_file": "descant.pipelines.align.api",
    "analyze": "descant.analyze.api",
    "blend": "descant.instrument.blend.api",
    "compose": "descant.compose.api",
    "continue_score": "descant.compose.continuation.api",
    "mix": "descant.mix.api",
    "play": "descant.instrument.api",
    "probe": "descant.audio.io",
    "read": "descant.audio.io",
    "separate": "descant.separate.api",
    "transcribe": "descant.transcribe.api",
    "transcribe_melody": "descant.transcribe.api",
    "transcribe_words": "descant.transcribe.api",
    "verify": "descant.mark.api",
    "write": "descant.audio.io",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'descant.verbs' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
