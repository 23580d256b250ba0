"""The band: bars with a written piano part to the tracks that are played."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from descant.compose.arrange.bass import bass_notes
from descant.compose.arrange.comping import answer_notes, guitar_notes, piano_notes
from descant.compose.arrange.drums import DrumBar, Grooves, drum_bars, drum_notes
from descant.compose.arrange.form import BarPlan
from descant.compose.arrange.pad import pad_notes
from descant.compose.arrange.styles import Style
from descant.compose.grid import Bar
from descant.score.notes import Note, Track


def arrange(
    bars: Sequence[Bar],
    plans: Sequence[BarPlan],
    style: Style,
    grooves: Grooves,
    players: Sequence[str],
    generator: np.random.Generator,
) -> tuple[Track, ...]:
    """The band's tracks, in the order of `players`, without those that have nothing to play.

    Args:
        bars: With chords, melody, piano and bridge.
        plans: What is asked of each bar.
        style: How the style plays.
        grooves: Drum patterns.
        players: Names of `compose.config.INSTRUMENTS`.
        generator: Chooses patterns and fills.
    """
    kit = drum_bars(bars, plans, style, grooves, generator)
    has_drums = "drums" in players
    parts: dict[str, tuple[Note, ...]] = {}
    for player in players:
        parts[player] = _part(player, bars, plans, style, kit if has_drums or player == "drums" else None, players)
    return tuple(
        Track(name, notes, 0 if name == "drums" else style.programs[name], is_drum=name == "drums")
        for name, notes in parts.items()
        if notes
    )


def _part(
    player: str,
    bars: Sequence[Bar],
    plans: Sequence[BarPlan],
    style: Style,
    kit: Sequence[DrumBar] | None,
    players: Sequence[str],
) -> tuple[Note, ...]:
    silent_kit = [DrumBar()] * len(bars)
    if player == "piano":
        return piano_notes(bars, plans, has_bass="bass" in players)
    if player == "guitar":
        return guitar_notes(bars, plans)
    if player == "bass":
        return bass_notes(bars, plans, kit or silent_kit, style.bass)
    if player == "drums":
        return drum_notes(bars, plans, kit or silent_kit, style)
    if player == "pad":
        return pad_notes(bars, plans, style.pad_from)
    return answer_notes(bars, plans)
