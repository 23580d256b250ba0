"""Words placed anew from evidence: fixed points, refusals; on sounds that are heard without doubt."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.align.api import Evidence, realign
from descant.align.chain import Chain
from descant.align.config import AlignOptions, Anchor
from descant.errors import Cancelled, InvalidOption, NothingHeard, TextReadError
from descant.progress import CancelToken
from descant.text.lyrics import Lyrics
from descant.text.sheet import Sheet, SheetLine, SheetWord
from heard_words import as_sung, chain_of, heard, starts

TEXT = "all my love\nis here tonight"
ENGLISH = AlignOptions("en")


def _evidence(text: str = TEXT, chain: Chain | None = None) -> Evidence:
    chain = chain or chain_of(text)
    return Evidence(heard(as_sung(chain)), (), chain)


def test_each_word_where_it_is_sung() -> None:
    found = realign(_evidence(), Lyrics.from_text(TEXT), options=ENGLISH)
    assert [word.start_s for word in found.lyrics.words] == pytest.approx(np.array(starts(chain_of(TEXT))) / 50)
    assert found.fit == 1.0
    assert found.unsure == ()
    assert found.lyrics.language == "en"
    assert all(word.syllables and word.confidence > 0.5 for word in found.lyrics.words)


@given(st.dictionaries(st.integers(0, 5), st.floats(0.0, 3.3), min_size=1, max_size=4), st.sets(st.integers(0, 5)))
def test_fixed_words_start_at_their_times_or_are_refused(fixed: dict[int, float], backing: set[int]) -> None:
    rows = iter(enumerate(TEXT.split()))
    lines = tuple(
        SheetLine(tuple(SheetWord(word, next(rows)[0] in backing) for word in line.split()), row)
        for row, line in enumerate(TEXT.split("\n"), 1)
    )
    anchors = [Anchor(word, at) for word, at in fixed.items()]
    try:
        found = realign(_evidence(), Sheet(lines), options=ENGLISH, anchors=anchors)
    except InvalidOption:
        by_word = [0.0, *(fixed[word] for word in sorted(fixed)), 3.34]
        # A word needs at most 0.12 s of phones here; six words with 0.75 s of room each could be sung.
        assert min(after - before for before, after in pairwise(by_word)) < 0.75
        return
    for word, at in fixed.items():
        assert found.guessed.words[word].start_s == pytest.approx(at, abs=0.0101)
        assert not found.placed[word].is_unsung
    times = [at for word in found.lyrics.words for at in (word.start_s, word.end_s)]
    assert times == sorted(times)


def test_a_fixed_word_moves_the_others() -> None:
    """The line is sung twice, written once: which time is meant only a person knows."""
    chain = chain_of("all my love")
    once = as_sung(chain)
    evidence = Evidence(heard([*once, *once]), (), chain)
    lyrics = Lyrics.from_text("all my love")
    length = sum(frames for _, frames in once)
    for shift in (0, length):
        expected = (np.array(starts(chain)) + shift) / 50
        found = realign(evidence, lyrics, options=ENGLISH, anchors=[Anchor(1, float(expected[1]))])
        assert [word.start_s for word in found.lyrics.words] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("anchors", "reason"),
    [
        ([Anchor(6, 1.0)], "no word 7"),
        ([Anchor(-1, 1.0)], "no word 0"),
        ([Anchor(0, -0.1)], "the recording lasts"),
        ([Anchor(0, 99.0)], "the recording lasts"),
        ([Anchor(0, float("nan"))], "the recording lasts"),
        ([Anchor(0, 1.0), Anchor(0, 1.0)], "do not fit"),
        ([Anchor(1, 1.0), Anchor(0, 1.5)], "do not fit"),
        ([Anchor(0, 1.0), Anchor(3, 1.1)], "do not fit"),
        ([Anchor(5, 0.1)], "do not fit between it and the start"),
        ([Anchor(0, 3.2)], "do not fit into the"),
    ],
)
def test_impossible_points_are_refused_with_the_reason(anchors: list[Anchor], reason: str) -> None:
    with pytest.raises(InvalidOption, match=reason):
        realign(_evidence(), Lyrics.from_text(TEXT), options=ENGLISH, anchors=anchors)


def test_a_dash_cannot_be_fixed() -> None:
    text = "all — my love"
    with pytest.raises(InvalidOption, match="no sound"):
        realign(_evidence(text), Lyrics.from_text(text), options=ENGLISH, anchors=[Anchor(1, 0.5)])


def test_lyrics_of_another_song_are_refused_with_the_measure() -> None:
    other = "speak softly to the children\nbeside your garden house"
    evidence = Evidence(
        heard(as_sung(chain_of("wo die blauen Hügel uns rufen\nund niemand mehr wartet", "de"))), (), chain_of(other)
    )
    with pytest.raises(NothingHeard, match=r"\d+% of the words are heard .* at least 25%"):
        realign(evidence, Lyrics.from_text(other), options=ENGLISH)
    found = realign(evidence, Lyrics.from_text(other), options=AlignOptions("en", lowest_fit=0.0))
    assert found.fit < 0.35
    assert found.unsure == (0, 1)


def test_signs_do_not_count_against_the_fit() -> None:
    text = "— — my — — love — —"
    found = realign(_evidence(text), Lyrics.from_text(text), options=ENGLISH)
    assert found.fit == 1.0
    assert found.unsure == ()


def test_other_words_than_those_that_were_read_are_refused() -> None:
    with pytest.raises(InvalidOption, match="others than those"):
        realign(_evidence(), Lyrics.from_text("all your love"), options=ENGLISH)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), ("\n\n", "empty"), ("— 🎵", "no word that can be sung"), (" ".join(["la"] * 999), "more than can")],
)
def test_what_cannot_be_sung_is_refused(text: str, reason: str) -> None:
    with pytest.raises(TextReadError, match=reason):
        realign(_evidence(), Lyrics.from_text(text), options=ENGLISH)


def test_as_many_phones_as_frames_just_fit() -> None:
    chain = chain_of("strength")
    phones = len(chain) - 2
    options = AlignOptions("en", lowest_fit=0.0)
    exactly = Evidence(heard([(phone, 1) for phone, _ in as_sung(chain) if phone]), (), chain)
    word = realign(exactly, Lyrics.from_text("strength"), options=options).lyrics.words[0]
    assert (word.start_s, word.end_s) == (0.0, phones / 50)
    too_few = Evidence(heard([("s", phones - 1)]), (), chain)
    with pytest.raises(TextReadError, match="more than can be sung"):
        realign(too_few, Lyrics.from_text("strength"), options=options)


def test_cancel_stops_it_and_the_evidence_is_as_before() -> None:
    token = CancelToken()
    token.cancel()
    evidence = _evidence()
    before = evidence.heard.phones.copy()
    with pytest.raises(Cancelled):
        realign(evidence, Lyrics.from_text(TEXT), options=ENGLISH, cancel=token)
    first, second = (realign(evidence, Lyrics.from_text(TEXT), options=ENGLISH).lyrics for _ in range(2))
    assert first == second
    assert np.array_equal(evidence.heard.phones, before)
