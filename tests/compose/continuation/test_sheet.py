"""Scores as bars of four parts: who plays what, the left hand, the key, and what is no music."""

from __future__ import annotations

from dataclasses import replace

import pytest
from continuation_songs import song

from descant.compose.continuation.sheet import ROLES, cast_of, left_hand, sheet_of
from descant.errors import NothingHeard, ScoreReadError
from descant.score.harmony import Key
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap, TimeSignature


def line(name: str, pitch: int, program: int = 0, *, chordal: bool = False) -> Track:
    notes = [Note(float(i), 1.0, pitch + i % 3) for i in range(8)]
    notes += [Note(float(i), 1.0, pitch + 7) for i in range(8)] if chordal else []
    return Track(name, tuple(notes), program)


@pytest.mark.parametrize(
    ("tracks", "roles"),
    [
        ([line("Melody", 72), line("BRIDGE", 76), line("piano", 60, chordal=True)], ["melody", "bridge", "chords"]),
        ([line("Soprano", 72), line("Alto", 67), line("Tenor", 60), line("Bass", 48)],
         ["melody", "chords", "chords", "bass"]),
        ([line("", 60, chordal=True), line("", 40, 33), line("", 70), line("", 80)],
         ["chords", "bass", "chords", "melody"]),  # the higher of two lines leads
        ([line("Piano", 60, chordal=True)], ["chords"]),
        ([line("Flute", 60)], ["melody"]),
        ([line("Voice", 60), line("Vocals", 62)], ["bridge", "melody"]),
    ],
)  # fmt: skip
def test_who_plays_what(tracks: list[Track], roles: list[str]) -> None:
    assert cast_of(tracks) == roles


def test_the_left_hand_is_the_lowest_of_what_starts_together_if_it_is_low() -> None:
    together = [Note(0.0, 1.0, 40), Note(0.01, 1.0, 55), Note(0.0, 1.0, 60)]
    high = [Note(1.0, 1.0, 60), Note(1.0, 1.0, 64)]
    low, rest = left_hand([*together, *high])
    assert [note.pitch for note in low] == [40]
    assert sorted(note.pitch for note in rest) == [55, 60, 60, 64]


def test_bars_hold_the_notes_where_they_stand() -> None:
    sheet = sheet_of(song(4))
    assert len(sheet.bars) == 4
    assert [note.pitch for note in sheet.bars[1].parts[ROLES.index("bass")]] == [45]
    assert [n.position for n in sheet.bars[1].parts[ROLES.index("chords")]] == [
        0,
        0,
        0,
        12,
        12,
        12,
        24,
        24,
        24,
        36,
        36,
        36,
    ]
    assert sheet.bpm == pytest.approx(100.0)
    assert sheet.tracks == (2, 1, None, 0)


HOMES = {(0, "major"): 0, (9, "minor"): 0, (2, "major"): -2, (7, "major"): 5, (0, "minor"): -3, (6, "major"): -6}


@pytest.mark.parametrize(("key", "shift"), [(Key(*key), shift) for key, shift in HOMES.items()])  # type: ignore[arg-type]
def test_the_way_home(key: Key, shift: int) -> None:
    assert sheet_of(Score((line("x", 60),), TempoMap.constant(100.0), key=key)).home_shift == shift


def test_without_a_key_the_notes_tell_it() -> None:
    score = song()
    assert sheet_of(Score(score.tracks, score.tempo, score.time_signatures)).key == Key(0, "major")


def test_after_a_modulation_the_last_key_counts() -> None:
    low, high = song(40), song(40)
    moved = [
        replace(t, notes=tuple(replace(n, start=n.start + 160.0, pitch=n.pitch + 2) for n in t.notes))
        for t in high.tracks[:3]
    ]
    both = [replace(a, notes=(*a.notes, *b.notes)) for a, b in zip(low.tracks[:3], moved, strict=True)]
    assert sheet_of(Score(tuple(both), low.tempo, low.time_signatures)).key == Key(2, "major")


def test_what_cannot_be_continued() -> None:
    drums = Track("kit", (Note(0.0, 1.0, 36),), is_drum=True)
    for tracks in ((), (drums,), (Track("melody", ()),)):
        with pytest.raises(NothingHeard):
            sheet_of(Score(tracks, TempoMap.constant(100.0)))
    stray = Track("melody", (Note(0.0, 1.0, 60), Note(1e6, 1.0, 60)))
    with pytest.raises(ScoreReadError):
        sheet_of(Score((stray,), TempoMap.constant(100.0), (TimeSignature(0.0, 4, 4),)))
