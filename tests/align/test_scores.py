"""What frames are worth in states: against a search through all sequences, and against what a song needs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.align.api import _moves
from descant.align.chain import WORDLESS, Chain, Kind
from descant.align.config import Anchor, Costs
from descant.align.hearing import Heard
from descant.align.lattice import best_path
from descant.align.reading import Read
from descant.align.scores import SongScores, any_words
from heard_words import as_sung, chain_of, heard, starts

COSTS = Costs()


@given(
    st.integers(1, 3).flatmap(
        lambda classes: st.lists(
            st.lists(st.integers(-9, 0), min_size=classes, max_size=classes), min_size=1, max_size=6
        )
    ),
    st.integers(0, 6),
)
def test_any_words_is_the_best_of_all_sequences(rows: list[list[int]], change: int) -> None:
    phones = np.array(rows, np.float32)
    found = any_words(phones, change)
    frames = np.arange(len(rows))
    every = itertools.product(range(phones.shape[1]), repeat=len(rows))
    best = max(phones[frames, each].sum() - change * np.count_nonzero(np.diff(each)) for each in every)
    assert found.sum() == best
    assert (found <= phones.max(axis=1)).all()


def _path(scores: SongScores, song: Heard, chain: Chain, costs: Costs = COSTS) -> np.ndarray:
    return best_path(scores, song.frames, _moves(chain, costs))


def _first_frames(path: np.ndarray, chain: Chain) -> list[int | None]:
    """Where each word's first phone is, None where the path passed over the word."""
    sung = np.flatnonzero(chain.kinds[path] == Kind.PHONE)
    words = chain.words[path[sung]].tolist()
    return [int(sung[words.index(n)]) if n in words else None for n in range(len(chain.spoken))]


def test_words_are_found_where_they_are_sung() -> None:
    chain = chain_of("all my love\nis here tonight")
    song = heard(as_sung(chain))
    assert _first_frames(_path(SongScores(song, chain, COSTS), song, chain), chain) == starts(chain)


def test_a_rest_holds_a_held_vowel_but_not_changing_words() -> None:
    chain = chain_of("love")
    words = as_sung(chain_of("all his dogs want bread"))
    song = heard([("u", 60), *[pair for pair in words if pair[0]], ("", 60)])
    rest = SongScores(song, chain, COSTS)(0, song.frames)[:, 0]
    assert rest[5:55] == pytest.approx(-COSTS.rest)
    assert rest[-50:] == pytest.approx(-COSTS.rest)
    assert rest[70:-70].max() < -1.0


def test_a_long_vowel_before_the_words_stays_in_the_rest() -> None:
    """An "ooh" of two seconds, then the line; the first word has that vowel, too."""
    chain = chain_of("you and me")
    song = heard([("", 10), ("u", 100), ("", 25), *as_sung(chain)])
    found = _first_frames(_path(SongScores(song, chain, COSTS), song, chain), chain)
    assert found == [frame + 135 for frame in starts(chain)]


def test_words_of_which_a_third_is_heard_wrongly_stay_words() -> None:
    chain = chain_of("all my love is here tonight")
    sounds = [("f" if n % 3 == 0 and phone else phone, frames) for n, (phone, frames) in enumerate(as_sung(chain))]
    song = heard(sounds)
    found = _first_frames(_path(SongScores(song, chain, COSTS), song, chain), chain)
    assert np.abs(np.subtract(found, starts(chain))).max() <= 6


def test_a_bracketed_word_that_is_not_sung_is_passed_over() -> None:
    chain = chain_of("all my love (tomorrow) is here", backing=(3,))
    for missing in ((), (3,)):
        song = heard(as_sung(chain, without=missing))
        found = _first_frames(_path(SongScores(song, chain, COSTS), song, chain), chain)
        assert [n for n, frame in enumerate(found) if frame is None] == list(missing)


@pytest.mark.parametrize("frames", [1, 2, 4, 8, 9, 10, 50])
def test_constant_sound_is_worth_the_same_at_all_times_however_short(frames: int) -> None:
    scores = SongScores(heard([("a", frames)]), chain_of("love"), COSTS)(0, frames)
    assert scores.shape == (frames, 5)
    assert np.ptp(scores, axis=0) == pytest.approx(0.0, abs=1e-6)


def test_blocks_are_parts_of_the_whole() -> None:
    chain = chain_of("all my love")
    song = heard(as_sung(chain))
    rng = np.random.default_rng(2)
    read = Read(7, (1, 6), rng.normal(size=(30, 5)).astype(np.float16), np.linspace(0.1, 1, 30, dtype=np.float32))
    scores = SongScores(song, chain, COSTS, reads=(read,), anchors=(Anchor(1, 0.7),))
    whole = scores(0, song.frames)
    parts = [scores(first, min(song.frames, first + 11)) for first in range(0, song.frames, 11)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_two_readings_of_a_frame_are_weighed() -> None:
    chain = chain_of("love")
    song = heard([("", 40)])
    one, two = (
        Read(0, (1, 4), np.full((40, 3), look, np.float16), np.full(40, weight, np.float32))
        for look, weight in ((2.0, 0.75), (-1.0, 0.25))
    )
    gained = SongScores(song, chain, COSTS, reads=(one, two))(0, 40) - SongScores(song, chain, COSTS)(0, 40)
    assert gained[:, 1:4] == pytest.approx(COSTS.attention * (0.75 * 2.0 - 0.25))
    assert np.all(gained[:, [0, 4]] == 0.0)
    looks = SongScores(song, chain, COSTS, reads=(one, two)).looks_along(np.repeat([0, 1, 2, 4], 10))
    assert looks == pytest.approx(np.repeat([0.0, 1.25, 1.25, 0.0], 10))


@pytest.mark.parametrize("sung", [0, 1])
def test_where_phones_cannot_tell_the_reader_decides(sung: int) -> None:
    """The same line twice in the sound and once in the text: by the usual prices, it is where the decoder looks."""
    twice, chain = chain_of("tonight\ntonight"), chain_of("tonight")
    song = heard(as_sung(twice))
    at = starts(twice)[sung]
    looks = np.full((song.frames, len(chain)), -0.5, np.float16)
    looks[at : at + 12, chain.kinds == Kind.PHONE] = 2.0
    read = Read(0, (0, len(chain)), looks, np.ones(song.frames, np.float32))
    assert _first_frames(_path(SongScores(song, chain, COSTS, reads=(read,)), song, chain), chain) == [at]


def test_along_a_path_no_prices_are_paid() -> None:
    chain = chain_of("love")
    song = heard([("l", 2), ("ʌ", 2), ("v", 2)])
    scores = SongScores(song, chain, COSTS)
    assert scores.along(np.array([1, 1, 2, 2, 2, 3]), 0, 6).tolist() == [0.0, 0.0, 0.0, 0.0, COSTS.floor, 0.0]


@given(st.integers(0, 5), st.integers(0, 140), st.sets(st.integers(0, 5)))
def test_a_fixed_word_starts_in_its_frame_or_nothing_can(word: int, frame: int, backing: set[int]) -> None:
    chain = chain_of("all my love\nis here tonight", backing=backing)
    song = heard(as_sung(chain))
    scores = SongScores(song, chain, COSTS, anchors=(Anchor(word, frame / 50),))
    try:
        path = _path(scores, song, chain)
    except ValueError:
        assert frame < 4 * word or song.frames - frame < 20
    else:
        assert _first_frames(path, chain)[word] == frame


def _ends(path: np.ndarray, chain: Chain) -> list[int]:
    """The frame behind each word's last phone."""
    sung = np.flatnonzero(chain.kinds[path] == Kind.PHONE)
    return [int(sung[chain.words[path[sung]] == n][-1]) + 1 for n in range(len(chain.spoken))]


def _faint(chain: Chain, score: float) -> Heard:
    """As it is sung, so softly that silence is a little likelier than each of its phones."""
    song = heard(as_sung(chain))
    song.phones[song.phones == 0.0] = score
    song.phones[:, WORDLESS] = 0.0
    return song


def test_a_long_silence_lies_between_lines_rather_than_in_one() -> None:
    """Of "la", silence, "la la", the line "la la" is what belongs together."""
    chain = chain_of("la la")
    la = [("l", 5), ("a", 5)]
    song = heard([("", 20), *la, ("", 100), *la, ("", 3), *la, ("", 20)])
    found = _path(SongScores(song, chain, COSTS), song, chain)
    assert _first_frames(found, chain) == [130, 143]


def test_a_breath_inside_a_line_is_no_part_of_a_word() -> None:
    chain = chain_of("my love")
    my, love = as_sung(chain_of("my"))[1:-1], as_sung(chain_of("love"))[1:-1]
    for pause in ([("", 30)], [("u", 30)]):  # a breath, or somebody else's "ooh"
        song = heard([("", 20), *my, *pause, *love, ("", 20)])
        path = _path(SongScores(song, chain, COSTS), song, chain)
        length = sum(frames for _, frames in my)
        assert _first_frames(path, chain) == [20, 20 + length + 30]
        assert _ends(path, chain)[0] == 20 + length


def test_other_voices_lie_between_lines_rather_than_in_one() -> None:
    """An "ooh" of a second inside the line is believed less than a last word that is heard badly."""
    chain = chain_of("la la")
    la, poor = [("l", 5), ("a", 5)], [("k", 8), ("s", 3)]
    song = heard([("", 20), *la, ("u", 60), *la, ("", 3), *poor, ("", 20)])
    first, second = _first_frames(_path(SongScores(song, chain, COSTS), song, chain), chain)
    assert first == 90
    assert 90 < second <= 103


def test_a_line_that_is_hardly_heard_is_kept_and_one_that_is_not_there_passed_over() -> None:
    both, one = chain_of("all my love\nis here tonight"), chain_of("is here tonight")
    song = _faint(both, -0.08)
    found = _first_frames(_path(SongScores(song, both, COSTS), song, both), both)
    assert None not in found
    song = heard(as_sung(one))
    found = _first_frames(_path(SongScores(song, both, COSTS), song, both), both)
    assert found == [None, None, None, *starts(one)]


@pytest.mark.parametrize("alone", [False, True])
def test_bracketed_words_are_kept_where_they_are_hardly_heard_and_passed_over_where_not(alone: bool) -> None:
    text, backing = ("(all my love)\nis here", (0, 1, 2)) if alone else ("all my love (is here)", (3, 4))
    chain = chain_of(text, backing=backing)
    song = _faint(chain, -0.06)
    assert None not in _first_frames(_path(SongScores(song, chain, COSTS), song, chain), chain)
    song = heard(as_sung(chain, without=backing))
    found = _first_frames(_path(SongScores(song, chain, COSTS), song, chain), chain)
    assert tuple(n for n, frame in enumerate(found) if frame is None) == backing


def test_two_lines_for_one_that_is_sung() -> None:
    """A chorus that is written once too often: one of the two is passed over, and the other keeps its time."""
    chain, once = chain_of("all my love\nall my love\nis here"), chain_of("all my love\nis here")
    song = heard(as_sung(once))
    found = _first_frames(_path(SongScores(song, chain, COSTS), song, chain), chain)
    assert [frame for frame in found if frame is not None] == starts(once)
    assert found[:3].count(None) in (0, 3)
