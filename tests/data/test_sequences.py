"""Piano rolls and their splits, rendered audio in mu-law, and the copying task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.data import music21_corpus
from descant.data.lagged_symbols import SYMBOLS, lagged_symbols
from descant.data.note_audio import decode_mu_law, encode_mu_law, render_notes
from descant.data.piano_rolls import LOWEST_KEY, roll_from_score, split
from descant.errors import InputNotFound, InvalidOption, MissingDependency
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap
from tiny_corpus import write_corpus
from tiny_soundfont import build_soundfont


def score(*notes: tuple[float, float, int]) -> Score:
    return Score((Track("t", tuple(Note(*n) for n in notes)),), TempoMap.constant(60.0))


def test_a_frame_holds_what_sounds_at_its_start() -> None:
    frames = roll_from_score(score((0.0, 2.0, 60), (0.5, 1.0, 64), (2.0, 1.0, 20), (2.0, 1.0, 108)), 1.0)
    sounding = [[int(k) + LOWEST_KEY for k in np.flatnonzero(f)] for f in frames]
    assert sounding == [[60], [60, 64], [108]]  # key 20 is on no piano
    with pytest.raises(InvalidOption):
        roll_from_score(score((0.0, 1.0, 60)), 0.0)


def test_drums_are_left_out() -> None:
    drums = Score((Track("d", (Note(0.0, 1.0, 36),), is_drum=True),), TempoMap.constant(60.0))
    assert not roll_from_score(drums, 1.0).any()


def walk(seed: int, shift: int = 0) -> Score:
    steps = np.random.default_rng(seed).integers(-3, 4, 40).cumsum() + 60 + shift
    return score(*((float(i), 1.0, int(p)) for i, p in enumerate(steps)))


def test_pieces_are_split_by_name_and_twins_in_other_keys_left_out() -> None:
    pieces = [(f"piece{i}", walk(i)) for i in range(60)]
    twins = [(f"twin{i}", walk(i, shift=5)) for i in range(60)]
    short = [("short", score((0.0, 4.0, 60)))]
    parts = split([*pieces, *twins, *short], 1.0)
    names = [p.name for part in (parts.training, parts.validation, parts.test) for p in part]
    assert sorted(names) == sorted(name for name, _ in pieces)
    assert len(parts.training) > len(parts.test) > 0 < len(parts.validation)
    assert split(reversed(pieces), 1.0).test[0].name in {p.name for p in parts.test}  # whatever the order
    described = parts.describe()
    assert described["training_frames"] == 40 * len(parts.training)
    assert described["notes_per_frame"] == 1.0


def test_mu_law_is_the_standards_curve() -> None:
    # By hand: sign(x) ln(1 + 255 |x|) / ln 256, in 255 steps.
    assert encode_mu_law(np.array([-1.0, 0.0, 1.0, 0.01, 2.0])).tolist() == [0, 128, 255, 157, 255]
    classes = np.arange(256, dtype=np.uint8)
    assert (encode_mu_law(decode_mu_law(classes)) == classes).all()


@given(st.floats(-1, 1))
def test_mu_law_is_finest_where_it_is_quiet(x: float) -> None:
    back = float(decode_mu_law(encode_mu_law(np.array([x])))[0])
    assert abs(back - x) <= 0.012 * (abs(x) + 1 / 255) * 2


def test_notes_are_rendered_to_the_length_asked(tmp_path: Path) -> None:
    font = tmp_path / "tiny.sf2"
    font.write_bytes(build_soundfont())
    audio = render_notes([walk(1), walk(2)], font, seconds=10.0, bpm=120.0)
    assert audio.shape == (80_000,)
    assert np.abs(audio).max() == pytest.approx(0.9, abs=1e-6)
    assert (audio == render_notes([walk(1), walk(2)], font, seconds=10.0, bpm=120.0)).all()
    with pytest.raises(InvalidOption):
        render_notes([walk(1)], font, seconds=600.0)


@pytest.mark.parametrize("hold", [1, 8])
def test_the_answer_is_the_symbol_of_some_steps_ago(hold: int) -> None:
    heard, answers = lagged_symbols(np.random.default_rng(0), batch=50, steps=200, lag=16, hold=hold)
    assert heard.shape == (50, 216)
    assert answers.shape == (50, 200)
    now = heard[:, 16:]  # what is heard when an answer is due
    assert (answers[:, 16:] == now[:, :-16]).all()
    assert (answers == now).mean() < 0.6  # and not what is heard now
    changes = (np.diff(heard, axis=1) != 0).mean()
    assert changes == pytest.approx((1 - 1 / SYMBOLS) / hold, rel=0.1)


def test_the_corpus_is_read_by_our_own_readers(tmp_path: Path) -> None:
    corpus = music21_corpus.find_corpus(write_corpus(tmp_path / "corpus", 3))
    found = dict(music21_corpus.chorales(corpus))
    assert sorted(found) == ["bwv0", "bwv1", "bwv2"]
    assert all(len(s.tracks) == 4 and s.end == 48.0 for s in found.values())
    assert sorted(n for n, _ in music21_corpus.fiddle_tunes(corpus)) == ["Tune0", "Tune1", "Tune2"]


def test_a_missing_corpus_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputNotFound):
        music21_corpus.find_corpus(tmp_path)
    monkeypatch.setattr(music21_corpus, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="music21"):
        music21_corpus.find_corpus()


@pytest.mark.slow
def test_the_installed_corpus_has_the_tunes_that_the_recipe_states() -> None:
    """As recipes/seq_u_net/README.md states them; the chorales, which take longer to read, have their command there."""
    pytest.importorskip("music21")
    scores = dict(music21_corpus.fiddle_tunes(music21_corpus.find_corpus()))
    assert len(scores) == 1_059
    parts = split(scores.items(), 0.25, fewest_frames=64)
    assert tuple(map(len, (parts.training, parts.validation, parts.test))) == (602, 210, 198)
