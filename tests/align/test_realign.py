"""Words placed anew from evidence: fixed points, refusals; on sounds that are heard without doubt."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.align.api import Evidence, realign
from descant.align.chain import Chain
from descant.align.config import AlignOptions, Anchor, Costs
from descant.errors import Cancelled, InvalidOption, NothingHeard, TextReadError
from descant.progress import CancelToken
from descant.text.lyrics import Line, Lyrics, Unsung
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
    with pytest.raises(NothingHeard, match=r"\d+% of the words are heard .* at least 58%"):
        realign(evidence, Lyrics.from_text(other), options=ENGLISH)
    found = realign(evidence, Lyrics.from_text(other), options=AlignOptions("en", lowest_fit=0.0))
    assert found.fit < 0.35
    assert found.unsure == (0, 1)


SUNG_S = np.array(starts(chain_of(TEXT))) / 50


def _without(text: str, rows: set[int], language: str = "en") -> Evidence:
    """A recording in which some rows of the text are not sung."""
    sung = "\n".join(row for n, row in enumerate(text.split("\n")) if n not in rows)
    return Evidence(heard(as_sung(chain_of(sung, language))), (), chain_of(text, language))


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (f"Summer in Berlin\nby Thomas Brown\n{TEXT}", {0, 1}),
        ("all my love\nwe could never stop dreaming\nthe garden of his children\nis here tonight", {1, 2}),
        (f"{TEXT}\nCopyright 2014 by Example Records", {2}),
    ],
    ids=["title", "verse", "credits"],
)
def test_lines_that_nobody_sings_have_no_times(text: str, missing: set[int]) -> None:
    lyrics = Lyrics.from_text(text)
    found = realign(_without(text, missing), lyrics, options=ENGLISH)
    assert set(found.unsung) == missing
    assert found.unsure == ()
    assert found.lyrics.text.split() == TEXT.split()
    assert [word.start_s for word in found.lyrics.words] == pytest.approx(SUNG_S)
    assert found.lyrics.written == text
    for number, line in enumerate(found.lyrics.lines):
        if number in missing:
            assert line == Line((), unsung=tuple(Unsung(word.text) for word in lyrics.lines[number].words))
    assert found.lyrics.is_timed
    assert found.fit == pytest.approx(6 / len(lyrics.words))  # what is not heard counts
    assert [word.text for word in found.guessed.words] == text.split()
    assert all(word.start_s is not None for word in found.guessed.words)


def test_backing_words_that_nobody_sings_are_taken_out_of_their_line() -> None:
    text = "all my love (so long) tonight (ooh)"
    rows = [SheetWord(word, n in (3, 4, 6)) for n, word in enumerate(text.split())]
    chain = chain_of(text, backing=(3, 4, 6))
    evidence = Evidence(heard(as_sung(chain, without=(3, 4, 6))), (), chain)
    found = realign(evidence, Sheet((SheetLine(tuple(rows), 1),)), options=ENGLISH)
    (line,) = found.lyrics.lines
    assert line.text == "all my love tonight"
    assert line.unsung == (Unsung("(so", 3), Unsung("long)", 3), Unsung("(ooh)", 4))
    assert line.written == text
    assert found.fit == 1.0  # they may be missing


def test_a_fixed_word_brings_its_line_back() -> None:
    """The line is not heard anywhere; whoever fixes its word knows better."""
    text = "all my love\nthe garden of his children\nis here tonight"
    evidence, lyrics = _without(text, {1}), Lyrics.from_text(text)
    assert realign(evidence, lyrics, options=ENGLISH).unsung == (1,)
    found = realign(evidence, lyrics, options=ENGLISH, anchors=[Anchor(4, 1.3)])
    assert found.unsung == ()
    assert found.lyrics.lines[1].words[1].start_s == pytest.approx(1.3, abs=0.0101)
    assert found.unsure == (1,)


def test_a_recording_without_any_of_the_lines_is_refused_and_none_of_them_has_a_time() -> None:
    other = "speak softly to the children\nbeside your garden house"
    evidence = Evidence(heard([("", 400)]), (), chain_of(other))
    with pytest.raises(NothingHeard, match=r" 0% of the words are heard"):
        realign(evidence, Lyrics.from_text(other), options=ENGLISH)
    found = realign(evidence, Lyrics.from_text(other), options=AlignOptions("en", lowest_fit=0.0))
    assert (found.fit, found.unsung, found.unsure, found.lyrics.words) == (0.0, (0, 1), (), ())


def test_every_line_is_placed_where_passing_over_has_no_price_that_can_be_paid() -> None:
    text = f"Summer in Berlin\n{TEXT}"
    options = AlignOptions("en", costs=Costs(unsung=np.inf))
    assert realign(_without(text, {0}), Lyrics.from_text(text), options=options).unsung == ()


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


def test_few_words_must_fit_better_than_many() -> None:
    options = AlignOptions()
    needed = [options.fit_needed(words) for words in (1, 4, 16, 100, 400, 10_000)]
    assert needed == pytest.approx([0.75, 0.75, 0.5, 0.35, 0.3, 0.26])
    assert AlignOptions(lowest_fit=0.0).fit_needed(3) == 0.0
    assert AlignOptions(lowest_fit=0.9).fit_needed(3) == 0.9
