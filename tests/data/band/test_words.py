import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.data.band.words import Mora, divide, mora, place_lyrics, place_words, texts, words_of


@pytest.mark.parametrize(
    ("word", "syllables"),
    [("sunlight", ("sun", "light")), ("apple", ("ap", "ple")), ("bridge", ("bridge",)), ("canoe", ("ca", "noe")),
     ("crocodile", ("cro", "co", "dile")), ("tree", ("tree",))],
)  # fmt: skip
def test_words_are_divided(word: str, syllables: tuple[str, ...]) -> None:
    assert divide(word) == syllables


@given(st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=14))
def test_dividing_loses_no_letter(word: str) -> None:
    assert "".join(divide(word)) == word


@pytest.mark.parametrize(
    ("syllable", "language", "sound"),
    [("sa", "ja", Mora("s", "a")), ("shi", "ja", Mora("sh", "i")), ("n", "ja", Mora("", "n")),
     ("Rös", "de", Mora("r", "e")), ("lein", "de", Mora("r", "a")), ("schön", "de", Mora("sh", "e")),
     ("sweet", "en", Mora("w", "i")), ("th'", "en", Mora("", "u")), ("prê", "fr", Mora("r", "e")),
     ("jour", "fr", Mora("j", "u")), ("a,", "it", Mora("", "a"))],
)  # fmt: skip
def test_syllables_have_a_consonant_and_one_of_five_vowels(syllable: str, language: str, sound: Mora) -> None:
    assert mora(syllable, language) == sound


def test_every_syllable_of_every_text_can_be_sung() -> None:
    for text in texts():
        assert text.author
        for word in text.words:
            assert "".join(word.syllables) == word.text
            assert all(mora(s, text.language).vowel in "aeioun" for s in word.syllables)


@given(st.lists(st.tuples(st.floats(0.05, 1.0), st.sampled_from([0.0, 0.0, 0.0, 0.6])), min_size=1, max_size=60),
       st.integers(0, 5))  # fmt: skip
def test_every_note_is_sung_once_and_words_keep_their_syllables(notes: list[tuple[float, float]], seed: int) -> None:
    starts, ends, now = [], [], 0.0
    for length, pause in notes:
        starts.append(now)
        ends.append(now + length)
        now += length + pause
    words = texts()[5].words
    placed = place_words(words, starts, ends, np.random.default_rng(seed))
    assert [n for p in placed for n in p.notes] == list(range(len(notes)))
    for p in placed:
        assert words[p.word % len(words)].syllables[p.index] == p.text
    assert all(b.word == a.word + 1 or (b.word == a.word and b.index == a.index + 1)
               for a, b in itertools.pairwise(placed))  # fmt: skip


def test_lyrics_of_a_score_keep_their_words_and_melismas() -> None:
    placed = place_lyrics(["", "A-", "-ma-", "", "-zing", "grace"])
    assert [(p.text, p.word, p.index, p.count, p.notes) for p in placed] == [
        ("A", 0, 0, 3, (1,)), ("ma", 0, 1, 3, (2, 3)), ("zing", 0, 2, 3, (4,)), ("grace", 1, 0, 1, (5,)),
    ]  # fmt: skip


def test_lines_are_counted() -> None:
    assert [w.line for w in words_of(["a b", "c-d"])] == [0, 0, 1]
