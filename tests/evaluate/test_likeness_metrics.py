"""Likeness orders recordings as the sheet `remix_pipeline.md` (section 6) demands; Qmax against its plain recursion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.dsp.likeness import chroma, cross_recurrence, likeness, qmax
from descant.errors import InvalidAudio, NothingHeard
from descant.evaluate.likeness_metrics import METRICS, evaluate
from synthetic_song import Recipe, song

SAME = {
    "itself": Recipe(),
    "other phases": Recipe(phases=1),
    "other timbre": Recipe(brightness=0.7),
    "2 % faster": Recipe(bpm=122.4),
    "a semitone up": Recipe(transpose=1.0),
    "a quarter tone up": Recipe(transpose=0.4),
}
COVER = {
    "other key, tempo and timbre": Recipe(transpose=3.0, bpm=132.0, brightness=0.7, phases=2),
    "a fifth down, slower": Recipe(transpose=-5.0, bpm=110.0),
}
OTHER = {
    "other tune, same key and tempo": Recipe(tune=1),
    "other tune, key and tempo": Recipe(tune=2, bpm=104.0),
}


@pytest.fixture(scope="module")
def original() -> np.ndarray:
    return chroma(song())


def test_same_song_above_cover_above_other_song(original: np.ndarray) -> None:
    """The table of the sheet: 0.97 to 0.99, then 0.90, then 0.26 to 0.33."""
    scores = {
        kind: {name: likeness(original, chroma(song(recipe))).qmax for name, recipe in recipes.items()}
        for kind, recipes in (("same", SAME), ("cover", COVER), ("other", OTHER))
    }
    same, cover, other = (list(scores[kind].values()) for kind in ("same", "cover", "other"))
    assert min(same) > 0.9, scores
    assert min(cover) > 0.6, scores
    assert max(other) < 0.45, scores
    assert min(same) >= max(cover), scores
    assert min(cover) > max(other) + 0.2, scores


def test_noise_and_delay_do_not_hide_a_song(original: np.ndarray) -> None:
    clip = song()
    noise = np.random.default_rng(0).standard_normal(clip.samples.shape)
    level = np.sqrt(np.mean(np.square(clip.samples)) / 10.0)
    assert likeness(original, chroma(Clip(clip.samples + level * noise, clip.sample_rate))).qmax > 0.85
    late = Clip(np.pad(clip.samples, ((0, 0), (round(0.35 * clip.sample_rate), 0))), clip.sample_rate)
    assert likeness(original, chroma(late)).qmax > 0.9


@pytest.mark.parametrize("semitones", [-5, -2, 1, 4, 6])
def test_the_transposition_is_found(original: np.ndarray, semitones: int) -> None:
    assert likeness(original, chroma(song(Recipe(transpose=float(semitones))))).transposition == semitones


def test_chroma_has_five_frames_a_second_of_length_one() -> None:
    frames = chroma(song(Recipe(seconds=12.0)))
    assert len(frames) == pytest.approx(60, abs=2)
    np.testing.assert_allclose(np.linalg.norm(frames, axis=1), 1.0, rtol=1e-5)


def test_rate_channels_and_level_do_not_matter() -> None:
    clip = song(Recipe(seconds=12.0))
    scores = evaluate(clip, resample(clip.gain(-20.0).to_channels(2), 44_100))
    assert list(scores) == [metric.name for metric in METRICS]
    assert scores["Qmax"] is not None
    assert scores["Qmax"] > 0.95
    assert scores["transposition"] == 0.0


def _plain_qmax(recurrence: np.ndarray) -> float:
    """The recursion as Serra et al. print it, cell by cell, with zeros before the first row and column."""
    rows, columns = recurrence.shape
    q = np.zeros((rows + 2, columns + 2))

    def gap(i: int, j: int) -> float:
        return 5.0 if i >= 2 and j >= 2 and recurrence[i - 2, j - 2] else 0.5

    for i in range(2, rows + 2):
        for j in range(2, columns + 2):
            before = [(i - 1, j - 1), (i - 2, j - 1), (i - 1, j - 2)]
            if recurrence[i - 2, j - 2]:
                q[i, j] = 1 + max(q[p] for p in before)
            else:
                q[i, j] = max(0.0, *(q[p] - gap(*p) for p in before))
    return float(q.max() / min(rows, columns))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 10_000), st.floats(0.1, 0.9))
def test_qmax_equals_its_recursion(rows: int, columns: int, seed: int, share: float) -> None:
    recurrence = np.random.default_rng(seed).random((rows, columns)) < share
    assert qmax(recurrence) == pytest.approx(_plain_qmax(recurrence))


def test_qmax_by_hand() -> None:
    assert qmax(np.eye(10, dtype=bool)) == 1.0
    assert qmax(np.zeros((4, 4), bool)) == 0.0
    assert qmax(np.zeros((0, 4), bool)) == 0.0


@pytest.mark.parametrize(
    ("missing", "longest"),
    [
        ((), 16),
        ((7,), 7 - 5 + 8),  # a gap opens for 5
        ((7, 8), 7 - 5 + 7),  # two cells are passed by a step of one and two, then two and one
        ((7, 8, 9), 7 - 5 - 0.5 + 6),  # a third one costs 0.5
        ((3,), 12),  # what is lost by a gap may be more than what came before: it starts anew
        ((7, 8, 9, 10, 11), 7),
    ],
)
def test_a_broken_diagonal_pays_for_its_gap(missing: tuple[int, ...], longest: float) -> None:
    broken = np.eye(16, dtype=bool)
    broken[list(missing), list(missing)] = False
    assert qmax(broken) == pytest.approx(longest / 16)


def test_recurrence_is_mutual() -> None:
    random = np.random.default_rng(0)
    first, second = random.standard_normal((40, 5)), random.standard_normal((60, 5))
    found = cross_recurrence(first.astype(np.float32), second.astype(np.float32))
    assert found.shape == (40, 60)
    np.testing.assert_array_equal(found, cross_recurrence(second.astype(np.float32), first.astype(np.float32)).T)
    assert 0 < found.mean() <= 0.1


def test_what_holds_no_music_is_refused() -> None:
    good = song(Recipe(seconds=6.0))
    with pytest.raises(NothingHeard):
        evaluate(good, Clip.silence(80_000, 8_000))
    with pytest.raises(InvalidAudio, match="lasts 30 min"):
        evaluate(good, Clip(np.ones((1, 1_800 * 1_000), np.float32), 1_000))
    with pytest.raises(InvalidAudio, match=r"lasts 2\.0 s"):
        evaluate(good.slice(0.0, 2.0), good)
