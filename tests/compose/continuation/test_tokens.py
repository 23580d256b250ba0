"""The language: a bar by hand, and any bar there and back."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.compose.continuation.crops import encode_stretch, segments, stack
from descant.compose.continuation.sheet import ROLES, SheetBar
from descant.compose.continuation.tokens import (
    CLOSE,
    HEADER,
    ID,
    NAMES,
    PAD,
    VOCABULARY,
    companions_of,
    decode_bar,
    encode_bar,
    header,
    spoken,
    token_features,
)
from descant.compose.grid import OFFSETS, TICKS, BarSpan, GridNote
from descant.errors import ScoreReadError
from descant.score.harmony import Key

NOTES = st.builds(
    GridNote,
    position=st.sampled_from([beat * TICKS + offset for beat in range(4) for offset in OFFSETS]),
    pitch=st.integers(0, 127),
    duration=st.integers(1, 96),
    velocity=st.integers(1, 127),
)
BARS = st.builds(
    SheetBar,
    st.just(BarSpan(0.0, 4.0)),
    st.tuples(*[st.lists(NOTES, max_size=8).map(tuple) for _ in ROLES]),
)


def names(tokens: list[int]) -> list[str]:
    return [NAMES[token] for token in tokens]


def test_a_bar_by_hand() -> None:
    bass = (GridNote(0, 36, 48, 70),)
    chords = (GridNote(0, 60, 12, 60), GridNote(12, 64, 12, 60))
    melody = (GridNote(12, 72, 6, 100),)
    tokens = encode_bar(SheetBar(BarSpan(8.0, 4.0), (bass, chords, (), melody)))
    assert names(tokens) == [
        "Bar_4", "Density_1", "Level_2", "Cast_11",  # four notes in four quarters, mean velocity 72 in tokens
        "Pos_0", "Bass_36", "Sound_48_2", "Chords_60", "Sound_12_1",
        "Pos_12", "Chords_64", "Sound_12_1", "Melody_72", "Sound_6_5", "Close",
    ]  # fmt: skip
    read = [tuple(NAMES[token] for token in each) for each in companions_of(tokens, 9)]
    assert read[0] == ("Pad", "Turn_1", "Pad", "Pad", "Pad")
    assert read[4] == ("Pos_0", "Turn_1", "Pad", "Pad", "Pad")
    assert read[5] == read[8] == ("Pos_0", "Turn_1", "Bass_36", "Pad", "Pad")
    assert read[12] == read[13] == ("Pos_12", "Turn_1", "Bass_36", "Pad", "Melody_72")
    assert read[-1] == ("Pad", "Turn_1", "Bass_36", "Pad", "Melody_72")


def test_the_header() -> None:
    assert names(header(Key(9, "minor"), 100.0)) == ["Start", "Key_9_minor", "Tempo_4"]
    assert names(header(None, 20.0)) == ["Start", "Key_?", "Tempo_0"]


@given(BARS)
def test_any_bar_there_and_back(bar: SheetBar) -> None:
    tokens = encode_bar(bar)
    assert decode_bar(tokens) == spoken(bar).parts
    assert encode_bar(SheetBar(bar.span, decode_bar(tokens))) == tokens


@pytest.mark.parametrize(
    "music",
    [
        ["Bass_36", "Sound_12_1"],
        ["Pos_0", "Sound_12_1"],
        ["Pos_0", "Bass_36", "Pos_12", "Sound_12_1"],
        ["Pos_0", "End"],
    ],
)
def test_damaged_bars(music: list[str]) -> None:
    head = ["Bar_4", "Density_1", "Level_2", "Cast_1"]
    with pytest.raises(ScoreReadError):
        decode_bar([ID[name] for name in [*head, *music, "Close"]])
    with pytest.raises(ScoreReadError):
        decode_bar([ID[name] for name in [*head, "Pos_0", "Bass_36", "Sound_12_1"]])
    with pytest.raises(ScoreReadError):
        decode_bar([ID[name] for name in head])


def test_every_token_is_described_and_no_two_notes_alike() -> None:
    features = token_features()
    assert len(features) == VOCABULARY == len(set(NAMES))
    notes = features[ID["Bass_24"] : ID["Sound_3_0"]]
    assert len({row.tobytes() for row in notes}) == len(notes)


@given(st.lists(BARS, min_size=1, max_size=5), st.integers(8, 60))
def test_in_pieces_each_token_is_predicted_once(bars: list[SheetBar], length: int) -> None:
    stretch = encode_stretch(bars, Key(0, "major"), 100.0)
    pieces = segments(stretch, length)
    assert [token for piece in pieces for token in piece.tokens[piece.given :]] == stretch.tokens[HEADER:]
    assert [pair for piece in pieces for pair in piece.companions[piece.given :]] == stretch.companions[HEADER:]
    assert all(len(piece.tokens) <= length + 1 for piece in pieces)
    for before, piece in pairwise(pieces):
        assert piece.tokens[HEADER] == before.tokens[-1]
    tokens, together, is_wanted = stack(pieces, length + 1)
    assert int(is_wanted.sum()) == len(stretch.tokens) - HEADER
    assert not bool((is_wanted & (tokens == PAD)).any())
    assert together.shape == (*tokens.shape, 5)


def test_a_stretch_begins_with_the_header_and_goes_on_counting() -> None:
    bars = [SheetBar(BarSpan(4.0 * i, 4.0), ((GridNote(0, 36 + i, 12, 80),), (), (), ())) for i in range(4)]
    whole = encode_stretch(bars, None, 100.0)
    part = encode_stretch(bars, None, 100.0, first=2, most=HEADER + 8)
    assert NAMES[whole.tokens[-1]] == "End"
    assert part.tokens[:HEADER] == whole.tokens[:HEADER]
    assert part.tokens[HEADER:] == encode_bar(bars[2])
    assert part.tokens[-1] == CLOSE
    assert NAMES[part.companions[-1][1]] == "Turn_2"
