"""From a lead sheet to the band's score: missing parts by the accompaniment engine, then a human tempo."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from descant.compose.api import Composer
from descant.compose.arrange.styles import styles
from descant.compose.config import BandOptions
from descant.data.band.sources import top_line
from descant.data.songs import perform, transpose
from descant.errors import ScoreReadError
from descant.score.notes import Score, Track

_SHARE_OF_HUMAN_PARTS = 0.6
_PLAYERS = ("bass", "drums", "pad", "answer")


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A song for the band.

    Attributes:
        score: Tracks "melody" (one voice), then the band's; chords, key, sections; the tempo as played.
        style: Of the engine.
        key_is_given: Whether the score said its key, else the harmoniser inferred it.
        chords_are_given: Likewise the chords; either way they are what the band plays.
        human_parts: Parts of the score that were kept.
    """

    score: Score
    style: str
    key_is_given: bool
    chords_are_given: bool
    human_parts: tuple[str, ...]


def arrange_song(sheet: Score, composer: Composer, rng: np.random.Generator) -> Arrangement:
    """Write what is missing and play it at a human tempo.

    Args:
        sheet: Track "melody", perhaps "piano" and "bridge"; one metre.
        composer: The engine.
        rng: Source of all choices.
    """
    moved = transpose(sheet, int(rng.integers(-5, 7)))
    melody = replace(moved.tracks[0], notes=top_line(moved.tracks[0].notes))
    style = str(rng.choice(sorted(styles())))
    players = (str(rng.choice(["piano", "guitar"])), *(p for p in _PLAYERS if rng.random() < 0.8))
    options = BandOptions(
        style=style,
        density=float(rng.uniform(0.25, 0.95)),
        seed=int(rng.integers(2**31)),
        instruments=players,
        temperature=float(rng.uniform(0.7, 1.05)),
    )
    take = composer(moved.with_tracks([melody]), options)[0]
    kept = [t for t in moved.tracks[1:] if sheet.chords and rng.random() < _SHARE_OF_HUMAN_PARTS]
    score = _with_human_parts(take.score, kept)
    if len(score.tracks) < 2:
        raise ScoreReadError("The band has nothing to play there.")
    performed = perform(score, rng, bpm_factor=float(np.exp(rng.uniform(-0.18, 0.18))))
    return Arrangement(performed, style, sheet.key is not None, bool(sheet.chords), tuple(t.name for t in kept))


def _with_human_parts(score: Score, kept: list[Track]) -> Score:
    """The given piano in place of the engine's, up to the last bar, whose chord is the engine's."""
    bar = score.time_signatures[0].bar_quarters
    last = (max(c.end for c in score.chords) - 1e-6) // bar * bar if score.chords else score.end
    tracks = list(score.tracks)
    for part in kept:
        notes = tuple(replace(n, duration=min(n.duration, last - n.start)) for n in part.notes if n.start < last - 0.1)
        replaced = {"piano": ("piano", "guitar"), "bridge": ("answer",)}[part.name]
        tails = [replace(t, notes=tuple(n for n in t.notes if n.start >= last)) for t in tracks if t.name in replaced]
        tracks = [t for t in tracks if t.name not in replaced]
        tail = tuple(n for t in tails[:1] for n in t.notes) if part.name == "piano" else ()
        tracks.append(Track(part.name, (*notes, *tail), part.program))
    return score.with_tracks(t for t in tracks if t.notes)
