"""In which windows words are to be read: where they were found, or wherever they could be."""

from __future__ import annotations

import numpy as np
import pytest

from descant.align.api import _moves, _places
from descant.align.chain import Kind, SungWord
from descant.align.config import Costs
from descant.align.lattice import best_path
from descant.align.scores import SongScores
from heard_words import as_sung, chain_of, heard

LOVE = [("l", 5), ("ʌ", 5), ("v", 5)]


def _words(text: str) -> list[SungWord]:
    return [SungWord(word, line) for line, row in enumerate(text.split("\n")) for word in row.split()]


def test_a_line_that_is_passed_over_may_be_anywhere_between_its_neighbours() -> None:
    text = "all my love\nis here tonight\nso long"
    chain = chain_of(text)
    song = heard(as_sung(chain, without=(3, 4, 5)))
    scores = SongScores(song, chain, Costs())
    path = best_path(scores, song.frames, _moves(chain, Costs()))
    places = _places(path, chain, _words(text), scores)
    love, so = (np.flatnonzero((chain.words[path] == n) & (chain.kinds[path] == Kind.PHONE)) / 50 for n in (2, 6))
    assert places[2] == pytest.approx((love[0] + love[-1] + 0.02) / 2)
    assert places[3:6] == pytest.approx(np.tile([love[-1] + 0.02, so[0]], (3, 1)))
    assert (places[:3, 0] == places[:3, 1]).all()
    assert (np.diff(places, axis=0) >= 0).all()


@pytest.mark.parametrize(("before", "after"), [(5000, 200), (200, 5000), (5000, 5000), (100, 100)])
def test_a_line_that_is_not_heard_where_it_was_placed_may_be_half_a_minute_away(before: int, after: int) -> None:
    """As far as the nearest lines that are sure."""
    text = "love\nlove\nlove"
    chain = chain_of(text)
    song = heard([("", 10), *LOVE, ("", before + 15 + after), *LOVE, ("", 10)])
    lengths = np.full(len(chain), 5)
    lengths[chain.kinds == Kind.REST] = 10, before, after, 10
    path = np.repeat(np.arange(len(chain)), lengths).astype(np.int32)
    places = _places(path, chain, _words(text), SongScores(song, chain, Costs())) * 50
    middle = 25 + before + 7.5
    assert places[1] == pytest.approx([max(25, middle - 1500), min(25 + before + 15 + after, middle + 1500)])
    assert places[0] == pytest.approx([17.5, 17.5])
    assert places[2] == pytest.approx([middle + after + 15] * 2)


def test_signs_lie_anywhere_between_the_words_around_them() -> None:
    text = "— love —"
    chain = chain_of(text)
    song = heard([("", 10), *LOVE, ("", 10)])
    path = np.repeat(np.arange(len(chain)), [10, 5, 5, 5, 10]).astype(np.int32)
    places = _places(path, chain, _words(text), SongScores(song, chain, Costs())) * 50
    assert places == pytest.approx(np.array([[0, 10], [17.5, 17.5], [25, 35]]))
