"""A text as a chain of states."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.align.chain import WORDLESS, Chain, Kind, SungWord, build_chain
from descant.text.phones import LANGUAGES, PHONES
from heard_words import chain_of

P, G, R = Kind.PHONE, Kind.GAP, Kind.REST


def _phones(chain: Chain, word: int) -> list[str]:
    return [PHONES[phone] for phone in chain.phones[(chain.words == word) & (chain.kinds == P)]]


def test_rests_between_lines_gaps_between_words() -> None:
    chain = chain_of("my love\nso")
    assert chain.kinds.tolist() == [R, P, P, P, G, P, P, P, R, P, P, P, R]
    assert chain.words.tolist() == [-1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert [_phones(chain, n) for n in range(3)] == [["m", "a", "ɪ"], ["l", "ʌ", "v"], ["s", "o", "ʊ"]]
    assert (chain.phones[chain.kinds != P] == WORDLESS).all()
    assert chain.first_states().tolist() == [1, 5, 9]
    assert np.array_equal(chain.optional, chain.kinds != P)
    assert chain.places[1:4].tolist() == pytest.approx([0, 1 / 3, 2 / 3])


def test_syllables_are_numbered_and_are_the_word() -> None:
    chain = chain_of("Götterfunken", "de")
    assert [part.text for part in chain.spoken[0]] == ["Göt", "ter", "fun", "ken"]
    assert chain.syllables[chain.kinds == P].tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_the_last_e_of_french_may_stay_silent() -> None:
    chain = chain_of("belle nuit", "fr")
    assert _phones(chain, 0) == ["b", "ɛ", "l", "ə"]
    assert chain.optional[:6].tolist() == [True, False, False, False, True, True]


def test_numbers_have_sounds() -> None:
    assert _phones(chain_of("42"), 0) == ["f", "ɔ", "ɹ", "t", "i", "t", "u"]


@pytest.mark.parametrize("sign", ["—", "🎵", "...", "愛"])
def test_a_sign_without_sounds_leaves_no_trace(sign: str) -> None:
    plain = chain_of("my love\nso long")
    signs = build_chain(
        [
            SungWord(text, line)
            for line, row in enumerate([f"{sign} my {sign} love {sign}", f"so {sign} long {sign}"])
            for text in row.split()
        ],
        "en",
    )
    assert signs.kinds.tolist() == plain.kinds.tolist()  # a line that ends in a dash ends in a rest, too
    assert signs.phones.tolist() == plain.phones.tolist()
    assert [signs.is_sounding(n) for n in range(9)] == [False, True, False, True, False, True, False, True, False]
    first = plain.first_states().tolist()
    last_rest = len(plain) - 1
    assert signs.first_states().tolist() == [
        *(first[0], first[0], first[1], first[1], first[2]),
        *(first[2], first[3], first[3], last_rest),
    ]


def test_nothing_but_signs_is_one_rest() -> None:
    chain = chain_of("— 🎵\n...")
    assert chain.kinds.tolist() == [R]
    assert chain.first_states().tolist() == [0, 0, 0]


def test_a_bracketed_word_can_be_jumped_over() -> None:
    chain = chain_of("my (my) love\n(ooh)", backing=(1, 3))
    states = chain.first_states()
    my, ooh = 3, 1
    assert [jump for jump in chain.jumps if jump.is_backing] == [
        (states[1] - 1, states[2] - 1, my, True),
        (states[3] - 1, len(chain) - 1, ooh, True),
    ]


def test_a_bracketed_word_at_the_start() -> None:
    chain = chain_of("(hey) you", backing=(0,))
    assert chain.jumps == ((0, chain.first_states()[1] - 1, 3, True), (0, len(chain) - 1, 5, False))


def test_each_line_can_be_passed_over_once() -> None:
    chain = chain_of("my love\n(so long)\n— (ooh)\n42", backing=(2, 3, 5))
    rests = np.flatnonzero(chain.kinds == R).tolist()
    lines = [jump for jump in chain.jumps if chain.kinds[jump.source] == chain.kinds[jump.target] == R]
    assert [(jump.source, jump.target) for jump in lines] == list(pairwise(rests))
    assert [jump.is_backing for jump in lines] == [False, True, True, False]
    phones = [np.count_nonzero(chain.kinds[jump.source : jump.target] == P) for jump in chain.jumps]
    assert [jump.phones for jump in chain.jumps] == phones


_WORDS = st.text("abcdeéghilmnoprstuüvyßñ'’-0159.,!?()—🎵愛", max_size=8)
_ROWS = st.lists(st.tuples(_WORDS, st.integers(0, 1), st.booleans()), max_size=8)


@given(_ROWS, st.sampled_from([*LANGUAGES, "sv", ""]))
def test_any_text(rows: list[tuple[str, int, bool]], language: str) -> None:
    lines = np.cumsum([0, *(step for _, step, _ in rows)])
    words = [SungWord(text, int(line), backing) for (text, _, backing), line in zip(rows, lines, strict=False)]
    chain = build_chain(words, language)
    assert ["".join(part.text for part in spoken) for spoken in chain.spoken] == [word.text for word in words]
    assert chain.kinds[0] == chain.kinds[-1] == R
    assert (np.diff(chain.words) >= 0).all()
    sounding = [n for n in range(len(words)) if chain.is_sounding(n)]
    assert sorted(set(chain.words[chain.kinds == P].tolist())) == sounding
    for before, after in pairwise(sounding):
        between = chain.kinds[(chain.words == before) & (chain.kinds != P)]
        assert between.tolist() == [G if words[before].line == words[after].line else R]
    for n in sounding:
        inside = (chain.words == n) & (chain.kinds == P)
        phones = tuple(phone for part in chain.spoken[n] for phone in part.phones)
        assert tuple(_phones(chain, n)) == phones
        assert (np.diff(chain.syllables[inside]) >= 0).all()
        assert np.allclose(chain.places[inside], np.arange(len(phones)) / len(phones))
        assert chain.first_states()[n] == np.flatnonzero(inside)[0]
    assert len({jump[:2] for jump in chain.jumps}) == len(chain.jumps)
    for jump in chain.jumps:
        over = set(chain.words[jump.source + 1 : jump.target + 1].tolist())
        assert jump.is_backing == all(words[n].is_backing for n in over)
        assert len(over) == 1 or over == {n for n in sounding if words[n].line == words[min(over)].line}
    missing = {n for jump in chain.jumps if jump.is_backing for n in chain.words[jump.source + 1 : jump.target + 1]}
    assert missing == {n for n in sounding if words[n].is_backing}
