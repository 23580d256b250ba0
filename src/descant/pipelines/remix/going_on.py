"""The step that lets the song's band play on: the one place where a remix meets the model that continues songs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from descant.compose.continuation.api import Continuer
from descant.pipelines.records import write_record
from descant.pipelines.remix.band import MELODY, PLAYED, Piece, write_piece
from descant.pipelines.remix.listening import read_score
from descant.progress import Monitor
from descant.score.notes import Track

if TYPE_CHECKING:  # who calls a step is no part of its address
    from descant.pipelines.graph import Inputs

CONTINUER = "descant-continuation"
_LEAD, _LEAD_PROGRAM = "lead", 65  # nobody sings what was not written: an alto saxophone takes the tune


@dataclass(frozen=True, slots=True)
class OnOptions:
    """How many bars more, and which."""

    bars: int
    seed: int


def compose_on(inputs: Inputs, options: OnOptions, folder: Path, monitor: Monitor) -> None:
    """The bars that follow on the song's last one, from its own notes.

    Raises:
        NothingHeard: The song has no pitched notes.
    """
    song = read_score(inputs["transcribe"])
    continuer = Continuer.load(CONTINUER, progress=monitor.part("loading", 0.0, 0.1).sink, cancel=monitor.cancel)
    part = monitor.part("composing", 0.1, 1.0)
    found = continuer(song, options.bars, seed=options.seed, progress=part.sink, cancel=monitor.cancel)
    write_piece(folder, found.score, Piece(CONTINUER, options.seed, (), options.bars))
    new = (_only_after(track, found.start) for track in found.score.tracks)
    write_record(folder / PLAYED, found.score.with_tracks(track for track in new if track.notes))


def _only_after(track: Track, start: float) -> Track:
    notes = tuple(note for note in track.notes if note.start >= start - 1e-6)
    if track.name == MELODY:
        return Track(_LEAD, notes, _LEAD_PROGRAM)
    return replace(track, notes=notes)
