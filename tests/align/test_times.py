"""From paths to times: syllables, ends of words, what was not sung."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.align.chain import Chain, Kind, SungWord, build_chain
from descant.align.config import Costs
from descant.align.scores import SongScores
from descant.align.times import Placed, Said, place_words, sung_lyrics, timed_lyrics
from descant.text.lyrics import Line, Lyrics, Syllable, Unsung, Word
from heard_words import as_sung, chain_of, heard


def _placed(chain: Chain, path: list[int]) -> tuple[Placed, ...]:
    """Placed by a path through sounds that follow it."""
    phones = chain.phones[path]
    song = heard([("", len(path))])
    song.phones[:] = -8.0
    song.phones[np.arange(len(path)), phones] = 0.0
    return place_words(np.array(path, np.int32), chain, SongScores(song, chain, Costs()))


def test_syllables_start_with_their_first_phone_and_words_end_with_their_last() -> None:
    chain = chain_of("mano blu", "it")  # rest m a n o gap b l u rest
    mano, blu = _placed(chain, [0, 1, 1, 2, 2, 2, 3, 4, 4, 5, 5, 6, 7, 8, 8, 9])
    assert mano.starts_s == pytest.approx((0.02, 0.12))
    assert mano.end_s == pytest.approx(0.18)  # not through the gap
    assert blu.starts_s == pytest.approx((0.22,))
    assert blu.end_s == pytest.approx(0.30)


def test_a_word_passed_over_stands_where_the_one_before_it_ends() -> None:
    chain = chain_of("my (my) love", backing=(1,))
    gap, next_gap, *_ = chain.jumps[0]
    after = chain.first_states()[2]
    path = [0, 1, 2, 3, 3, gap, next_gap, *range(after, len(chain))]
    first, missing, last = _placed(chain, path)
    assert missing == Placed((first.end_s,), first.end_s)
    assert missing.confidence == 0.0
    assert last.starts_s[0] == pytest.approx(7 / 50)


def test_words_passed_over_at_the_start_stand_where_the_first_one_starts() -> None:
    chain = chain_of("(hey) love", backing=(0,))
    _, to, *_ = chain.jumps[0]
    missing, love = _placed(chain, [0, 0, 0, to, *range(to + 1, len(chain))])
    assert missing.starts_s == love.starts_s == (4 / 50,)


def test_nobody_hears_a_dash() -> None:
    chain = chain_of("— love —")
    lyrics = timed_lyrics(Lyrics.from_text("— love —"), _placed(chain, [0, 0, 1, 2, 2, 3, 4]), chain)
    assert [word.confidence is None for word in lyrics.words] == [True, False, True]
    assert [word.start_s for word in lyrics.words] == pytest.approx([0.04, 0.04, 0.12])
    assert lyrics.lines[0].confidence == lyrics.words[1].confidence


def test_a_syllable_that_is_not_sung_is_empty() -> None:
    chain = chain_of("que nuit", "fr")
    que, _ = _placed(chain, [0, 1, 1, *range(4, len(chain))])  # k, no vowel, straight to the next word
    assert que.end_s == pytest.approx(3 / 50)


def test_what_is_heard_wrongly_is_less_sure() -> None:
    chain = chain_of("love")
    path = np.repeat(np.arange(len(chain)), 10).astype(np.int32)
    sure = [
        place_words(path, chain, SongScores(heard(sounds), chain, Costs()))[0].confidence
        for sounds in (
            [("", 10), ("l", 10), ("ʌ", 10), ("v", 10), ("", 10)],
            [("", 10), ("l", 10), ("ʌ", 10), ("s", 10), ("", 10)],
            [("", 10), ("k", 10), ("i", 10), ("s", 10), ("", 10)],
        )
    ]
    assert 1 > sure[0] > sure[1] > sure[2] > 0
    assert sure[0] > 0.5 > sure[2]


def test_titles_singers_and_empty_lines_are_kept() -> None:
    text = Lyrics(
        (Line((Word("my"), Word("love")), singer="Anna"), Line(()), Line((Word("so"),))), "en", "Song", "Band"
    )
    chain = chain_of("my love\nso")
    timed = timed_lyrics(text, _placed(chain, list(range(len(chain)))), chain)
    assert (timed.language, timed.title, timed.artist) == ("en", "Song", "Band")
    assert timed.text == text.text
    assert [line.singer for line in timed.lines] == ["Anna", "", ""]
    assert timed.lines[1] == Line(())
    assert timed.lines[0].start_s == timed.words[0].start_s


def test_an_empty_word_has_no_syllables() -> None:
    chain = build_chain([SungWord("", 0), SungWord("love", 0)], "en")
    text = Lyrics((Line((Word(""), Word("love"))),))
    empty, love = timed_lyrics(text, _placed(chain, list(range(len(chain)))), chain).words
    assert empty.syllables == ()
    assert empty.start_s == love.start_s


@given(st.lists(st.integers(1, 6), min_size=40, max_size=40), st.sets(st.integers(0, 6)), st.booleans())
def test_times_go_forward_and_fill_words(lengths: list[int], backing: set[int], is_skipping: bool) -> None:
    chain = chain_of("elle — chante encore\nbelle et (42) nuit", "fr", backing=backing)
    states = list(range(len(chain)))
    if is_skipping:
        for source, target, *_ in (jump for jump in chain.jumps if jump.is_backing):
            states = [state for state in states if not source < state < target]
        states = [state for state in states if chain.kinds[state] != Kind.PHONE or not chain.optional[state]]
    path = [state for state, length in zip(states, lengths * 2, strict=False) for _ in range(length)]
    placed = _placed(chain, path)
    assert len(placed) == 8
    for spoken, word in zip(chain.spoken, placed, strict=True):
        assert len(word.starts_s) == max(1, len(spoken))
        assert list(word.starts_s) == sorted(word.starts_s)
        assert word.starts_s[-1] <= word.end_s <= len(path) / 50
    for before, after in pairwise(placed):
        assert before.end_s <= after.starts_s[0]
    sounding = sum(word.end_s - word.starts_s[0] for word in placed)
    assert sounding * 50 == pytest.approx(np.count_nonzero(chain.kinds[path] == Kind.PHONE))
    lyrics = timed_lyrics(Lyrics.from_text("elle — chante encore\nbelle et (42) nuit"), placed, chain)
    assert ["".join(part.text for part in word.syllables) for word in lyrics.words] == [w.text for w in lyrics.words]


def test_as_sung() -> None:
    """A whole round: sounds of known length, and their times back."""
    chain = chain_of("my love")
    path = [state for state, (_, frames) in enumerate(as_sung(chain)) for _ in range(frames)]
    my, love = _placed(chain, path)
    assert (my.starts_s[0], my.end_s) == pytest.approx((0.4, 0.7))
    assert (love.starts_s[0], love.end_s) == pytest.approx((0.76, 1.06))


def _sung_of(text: str, kept: str) -> Line:
    """A line of which the words that have a "+" are heard."""
    said = Said(0.0, 1.0)
    words = tuple(Word(word, n, n + 1, 0.8, (Syllable(word, n, n + 1),)) for n, word in enumerate(text.split()))
    places = [Placed((n,), n + 1, said if sign == "+" else None) for n, sign in enumerate(kept)]
    (line,) = sung_lyrics(Lyrics((Line(words),)), places).lines
    return line


def test_brackets_that_are_parted_are_closed() -> None:
    """Else the rest of the line would be backing vocals."""
    line = _sung_of("(ooh yeah) my love", "+-++")
    assert (line.text, line.unsung) == ("(ooh) my love", (Unsung("(yeah)", 1),))
    assert [word.syllables[0].text for word in line.words] == ["(ooh)", "my", "love"]
    line = _sung_of("my (ooh (la) yeah)", "+-+-")
    assert (line.text, line.written) == ("my ((la))", "my (ooh) ((la)) (yeah)")


def test_brackets_that_are_whole_stay() -> None:
    line = _sung_of("my (ooh yeah) love :) so", "+--+++")
    assert (line.text, line.written) == ("my love :) so", "my (ooh yeah) love :) so")
