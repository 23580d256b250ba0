"""What steps hand each other comes back bit by bit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from descant.errors import CheckpointError
from descant.pipelines.records import read_record, write_record
from descant.score.harmony import Chord, ChordSpan, Key
from descant.score.notes import Bend, Note, Score, Section, Track
from descant.score.tempo import TempoMap


@dataclass(frozen=True, eq=False)
class Kept:
    curve: NDArray[np.float32]
    flags: NDArray[np.bool_]
    levels: Mapping[str, float]
    key: Key | None
    pairs: tuple[tuple[int, float], ...]


notes = st.builds(
    Note,
    st.floats(0, 1e4),
    st.floats(1e-6, 1e3),
    st.integers(0, 127),
    st.integers(1, 127),
    st.lists(st.builds(Bend, st.floats(0, 9), st.floats(-2, 2)), max_size=3).map(tuple),
    st.text(max_size=5),
)


@given(st.lists(notes, max_size=8).map(tuple), st.floats(20.0, 300.0))
def test_a_score_comes_back_equal(
    tmp_path_factory: pytest.TempPathFactory, written: tuple[Note, ...], bpm: float
) -> None:
    path = tmp_path_factory.mktemp("record") / "score.json"
    chords = (ChordSpan(0.0, 1 / 3, Chord(0, "min7", 3)), ChordSpan(1 / 3, 2.0, Chord(None)))
    score = Score(
        (Track("melody", written, 4),), TempoMap.constant(bpm), key=Key(3, "minor"), chords=chords,
        sections=(Section(0.0, 0.1 + 0.2, "A"),),
    )  # fmt: skip
    write_record(path, score)
    assert read_record(path, Score) == score
    first = path.read_bytes()
    write_record(path, read_record(path, Score))
    assert path.read_bytes() == first


def test_arrays_keep_their_type_and_odd_numbers_survive(tmp_path: Path) -> None:
    kept = Kept(
        np.array([1 / 3, math.nan, -math.inf], np.float32), np.array([True, False]), {"a": -math.inf, "b": 0.1}, None,
        ((1, 0.1), (2, 1e-320)),
    )  # fmt: skip
    write_record(tmp_path / "x", kept)
    back = read_record(tmp_path / "x", Kept)
    assert back.curve.dtype == np.float32
    np.testing.assert_array_equal(back.curve, kept.curve)
    assert back.flags.dtype == np.bool_
    assert (back.levels, back.key, back.pairs) == (kept.levels, None, kept.pairs)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"curve": 1}', '{"tracks": 3}', "null"])
def test_damage_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(CheckpointError, match="cannot be used"):
        read_record(tmp_path / "x", Score)
    with pytest.raises(CheckpointError):
        read_record(tmp_path / "gone", Score)
