"""Whatever is drawn: well-formed, the players asked, about as many notes, about as loud."""

from __future__ import annotations

import numpy as np
import pytest
from continuation_songs import song
from hypothesis import given
from hypothesis import strategies as st

from descant.compose.continuation.grammar import BarGrammar
from descant.compose.continuation.habits import Habits, free_habits, habits_of
from descant.compose.continuation.outline import Asked, outline
from descant.compose.continuation.sheet import ROLES, SheetBar, sheet_of
from descant.compose.continuation.tokens import CLOSE, NAMES, NOTE_PITCHES, Head, decode_bar, encode_bar, loudness
from descant.compose.grid import BarSpan, GridNote
from descant.score.harmony import Key


def walk(grammar: BarGrammar, seed: int) -> SheetBar:
    rng = np.random.default_rng(seed)
    while not grammar.is_closed:
        grammar.advance(int(rng.choice(grammar.allowed())))
    return SheetBar(BarSpan(0.0, 4.0), decode_bar(grammar.tokens))


def asked(notes: int, velocity: float = 80.0, cast: int = 15) -> Asked:
    return Asked(BarSpan(0.0, 4.0), 0, Head(4, 3, 3, cast), notes, velocity, 0)


@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(0, 15), st.sampled_from([12, 24, 36, 42, 48]))
def test_random_bars(seed: int, notes: int, cast: int, ticks: int) -> None:
    wanted = asked(notes, cast=cast)
    bar = walk(BarGrammar(wanted.head, ticks, wanted, free_habits()), seed)
    assert all(note.position < ticks for part in bar.parts for note in part)
    assert all(not part or cast >> role & 1 for role, part in enumerate(bar.parts))
    assert bar.count <= np.ceil(1.15 * notes)
    if cast and ticks == 48 and 0 < notes <= 30:
        assert bar.count >= min(np.floor(0.8 * notes), 2)
    assert decode_bar(encode_bar(bar)) == bar.parts


def test_notes_come_as_asked_and_are_spread() -> None:
    for notes in (6, 12, 24):
        bars = [walk(BarGrammar(asked(notes).head, 48, asked(notes), free_habits()), seed) for seed in range(40)]
        counts = [bar.count for bar in bars]
        assert 0.7 * notes <= np.mean(counts) <= 1.15 * notes
        most_at_once = max(sum(n.position == 0 for part in bar.parts for n in part) for bar in bars)
        assert most_at_once <= 8


@pytest.mark.parametrize("velocity", [45.0, 80.0, 104.0])
def test_a_bar_is_as_loud_as_asked(velocity: float) -> None:
    wanted = asked(20, velocity)
    found = [loudness(walk(BarGrammar(wanted.head, 48, wanted, free_habits()), seed)) for seed in range(20)]
    assert np.mean(found) == pytest.approx(velocity, abs=6.0)
    free = [loudness(walk(BarGrammar(wanted.head, 48, None, free_habits()), seed)) for seed in range(20)]
    assert np.mean(free) == pytest.approx(74.0, abs=6.0)  # the mean of all levels


def test_habits_of_a_song() -> None:
    sheet = sheet_of(song())
    habits = habits_of(sheet.bars, sheet.key)
    melody = Head(4, 3, 3, 1 << ROLES.index("melody"))
    for seed in range(20):
        for note in walk(BarGrammar(melody, 48, None, habits), seed).parts[ROLES.index("melody")]:
            assert note.position % 12 in (0, 6)  # the song has no sixteenths and no triplets
            assert 63 <= note.pitch <= 83
            assert note.velocity == 106  # the token nearest to 100
    assert habits.velocities[ROLES.index("melody"), 106] == 100
    assert habits.velocities[ROLES.index("chords"), 56] == 60
    strange = BarGrammar(melody, 48, None, habits)
    strange.advance(int(strange.allowed()[0]))
    tokens = strange.allowed()
    classes = {int(NAMES[t].split("_")[1]) % 12 for t in tokens[strange.bias(tokens, push=2.0, pull=0.0) < 0]}
    assert classes == {1, 3, 6, 8, 10}
    pulled = strange.bias(tokens, push=0.0, pull=0.4)
    by_class = {int(NAMES[t].split("_")[1]) % 12: round(float(b), 3) for t, b in zip(tokens, pulled, strict=True)}
    assert by_class[0] > by_class[11] > by_class[1] == -0.4  # in this song C sounds more than B, and C sharp never
    assert not strange.bias(np.array([CLOSE]), push=2.0, pull=0.4).any()


def test_used_pitch_classes_are_not_strange() -> None:
    bars = [SheetBar(BarSpan(0.0, 4.0), ((), (), (), (GridNote(0, 70, 12, 80), GridNote(12, 72, 12, 80))))]
    habits: Habits = habits_of(bars, Key(0, "major"))
    assert not habits.strange[NOTE_PITCHES % 12 == 10].any()
    assert habits.strange[NOTE_PITCHES % 12 == 8].all()


def test_the_outline_deals_each_period_as_often() -> None:
    bars = sheet_of(song(24)).bars
    spans = [BarSpan(96.0 + 4.0 * i, 4.0) for i in range(48)]
    plan = outline(bars, spans, np.random.default_rng(0))
    assert sorted(one.after for one in plan) == sorted([*range(24)] * 2)
    assert [one.after % 8 for one in plan] == [*range(8)] * 6
    assert [one.turn for one in plan] == [*range(24, 72)]
    assert all(one.notes == bars[one.after].count for one in plan)
    other = outline(bars, spans, np.random.default_rng(1))
    assert [one.after for one in plan] != [one.after for one in other]


def test_periods_return_by_half() -> None:
    bars = sheet_of(song(32)).bars
    spans = [BarSpan(128.0 + 4.0 * i, 4.0) for i in range(64)]
    assert all(one.again is None for one in outline(bars, spans, np.random.default_rng(0)))
    plan = outline(bars, spans, np.random.default_rng(0), returns=1.0)
    assert [one.again for one in plan[:16]] == [None] * 16
    assert [one.again for one in plan[16:24]] == [0, 1, 2, 3, None, None, None, None]
    assert [one.again for one in plan[32:40]] == [16, 17, 18, 19, None, None, None, None]
    assert [one.after for one in plan[16:32]] == [one.after for one in plan[:16]]
    some = outline(bars, spans, np.random.default_rng(0), returns=0.4)
    assert 0 < sum(one.again is not None for one in some) < 24


def test_the_outline_of_an_odd_song() -> None:
    silent = SheetBar(BarSpan(0.0, 4.0), ((), (), (), ()))
    one = SheetBar(BarSpan(4.0, 4.0), ((), (), (), (GridNote(0, 60, 12, 80),) * 1))
    plan = outline([silent, one, silent], [BarSpan(12.0, 3.0)] * 5, np.random.default_rng(0))
    assert [a.after for a in plan] == [1] * 5  # no silence because the song had some
    assert [a.head.beats for a in plan] == [3] * 5
    assert [a.notes for a in plan] == [1] * 5
