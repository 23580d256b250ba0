"""Bars to tokens and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.compose.grid import Bar, BarSpan, GridNote
from descant.compose.tokens import (
    DURATIONS,
    END,
    ID,
    NAMES,
    PAD,
    PIANO,
    PITCHES,
    POSITIONS,
    TUNE_PITCHES,
    VELOCITIES,
    VOCABULARY,
    Controls,
    companions,
    decode_music,
    encode_condition,
    encode_music,
    fold,
    home_shift,
    measure,
    token_features,
    with_companions,
)
from descant.errors import ScoreReadError
from descant.score.harmony import QUALITIES, Chord

notes = st.builds(
    GridNote,
    st.sampled_from(POSITIONS),
    st.integers(PITCHES[0], PITCHES[-1]),
    st.sampled_from(DURATIONS),
    st.sampled_from(VELOCITIES),
)
parts = st.lists(notes, max_size=12, unique_by=lambda n: (n.position, n.pitch)).map(lambda ns: tuple(sorted(ns)))


@given(parts, parts)
def test_music_of_the_grid_comes_back_unchanged(piano: tuple[GridNote, ...], bridge: tuple[GridNote, ...]) -> None:
    bar = Bar(BarSpan(0, 4), piano=piano, bridge=bridge)
    assert decode_music(encode_music(bar)) == (piano, bridge)


@given(
    st.lists(
        st.builds(GridNote, st.integers(0, 47), st.integers(0, 127), st.integers(1, 200), st.integers(1, 127)),
        max_size=10,
    )
)
def test_any_music_comes_back_as_music_that_is_kept_from_then_on(played: list[GridNote]) -> None:
    first = decode_music(encode_music(Bar(BarSpan(0, 4), piano=tuple(sorted(played)))))
    again = decode_music(encode_music(Bar(BarSpan(0, 4), piano=first[0], bridge=first[1])))
    assert again == first
    assert {n.pitch % 12 for n in first[0]} == {n.pitch % 12 for n in played}


def test_a_condition_tells_bar_controls_chords_melody_and_what_comes_next() -> None:
    bar = Bar(BarSpan(0, 4), ((0, Chord(0)), (24, Chord(5, "maj7", 9))), (GridNote(0, 72, 12), GridNote(16, 74, 4)))
    following = Bar(BarSpan(4, 4), ((0, Chord(7, "9")),), (GridNote(6, 67, 6),))
    names = [NAMES[t] for t in encode_condition(bar, following, Controls(density=3))]
    assert names == [
        "Bar_4", "Density_3", "Dynamics_?", "Register_?", "Answer_?", "Pos_0", "Chord_0_maj", "Pos_24",
        "Chord_5_maj7", "Bass_9", "Melody", "Pos_0", "Tune_72_long", "Pos_16", "Tune_74_short", "Next", "Chord_7_7",
        "Pos_6", "Tune_67_short", "Piano",
    ]  # fmt: skip
    assert NAMES[encode_condition(bar, None, Controls())[-2]] == "Last"


def test_tokens_are_read_together_with_the_chord_and_note_that_sound_there() -> None:
    bar = Bar(
        BarSpan(0, 4), ((0, Chord(0)), (24, Chord(9, "min"))), (GridNote(12, 72, 12),), (GridNote(24, 57, 6, 80),)
    )
    pairs = with_companions(bar, [PIANO, *encode_music(bar)])
    assert pairs[0] == (ID["Chord_0_maj"], PAD)
    assert pairs[1] == pairs[2] == pairs[3] == (ID["Chord_9_min"], PAD)
    assert companions(bar)[POSITIONS.index(18)] == (ID["Chord_0_maj"], ID["Tune_72_long"])


@given(st.integers(0, 127))
def test_folding_keeps_the_pitch_class_and_reaches_the_range(pitch: int) -> None:
    assert fold(pitch, TUNE_PITCHES) in TUNE_PITCHES
    assert fold(pitch, TUNE_PITCHES) % 12 == pitch % 12


@pytest.mark.parametrize("tonic", range(12))
def test_home_is_the_white_keys_whatever_the_key(tonic: int) -> None:
    tune = [0, 2, 4, 5, 7, 9, 11, 12, 7, 4, 0]
    bar = Bar(BarSpan(0, 4), (), tuple(GridNote(i, 60 + tonic + p, 6) for i, p in enumerate(tune)))
    assert (home_shift([bar]) + tonic) % 12 == 0
    assert -6 <= home_shift([bar]) <= 5


def test_what_is_measured_is_what_was_asked() -> None:
    piano = tuple(GridNote(p, 60, 6, 92) for p in range(0, 48, 6))
    assert measure(Bar(BarSpan(0, 4), piano=piano)) == Controls(density=2, dynamics=3, register=1, answer=0)


@pytest.mark.parametrize("text", [[], ["End"], ["Pitch_60"], ["Pos_0", "Bridge"], ["Bridge", "Bridge", "End"]])
def test_damaged_sequences_are_refused(text: list[str]) -> None:
    with pytest.raises(ScoreReadError):
        decode_music([ID[name] for name in text])


def test_every_token_has_features_and_every_quality_a_token() -> None:
    features = token_features()
    assert features.shape[0] == VOCABULARY == len(set(NAMES))
    assert (features.sum(1) > 0).all()
    for quality in QUALITIES:
        bar = Bar(BarSpan(0, 4), ((0, Chord(3, quality)),))
        assert encode_condition(bar, None, Controls())[-1] == PIANO
    assert encode_music(Bar(BarSpan(0, 4)))[-1] == END
