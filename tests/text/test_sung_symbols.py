"""Words as letters and phonemes, with a way back to the words."""

from __future__ import annotations

import pytest

from descant.errors import InvalidOption
from descant.text.lyrics import Lyrics
from descant.text.sung_symbols import CHARACTERS, alphabet, letters, sung_symbols, symbol_count


def test_there_are_27_characters_and_a_space() -> None:
    assert len(alphabet("characters")) == 27
    assert symbol_count("characters") == 28
    assert symbol_count("phonemes") == len(alphabet("phonemes")) + 1


@pytest.mark.parametrize(
    ("word", "spelled"),
    [
        ("Don’t", "don't"),
        ("Été,", "ete"),
        ("Straße", "strasse"),
        ("cœur", "coeur"),
        ("señor!", "senor"),
        ("東京", ""),
        ("--", ""),
    ],
)
def test_letters_lose_their_accents(word: str, spelled: str) -> None:
    assert letters(word) == spelled


def test_a_space_stands_before_between_and_after() -> None:
    text = sung_symbols(Lyrics.from_text("go on\nup"), "characters")
    spelled = "".join((*CHARACTERS, "_")[n] for n in text.symbols)
    assert spelled == "_go_on_up_"
    assert text.words.tolist() == [-1, 0, 0, -1, 1, 1, -1, 2, 2, -1]
    assert text.lines.tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]
    assert text.word_tokens(3).tolist() == [1, 4, 7]


def test_a_word_without_letters_shares_what_follows() -> None:
    text = sung_symbols(Lyrics.from_text("a -- b ..."), "characters")
    assert text.word_tokens(4).tolist() == [1, 3, 3, 4]


def test_phonemes_are_by_language() -> None:
    english = sung_symbols(Lyrics(Lyrics.from_text("chair").lines, "en"), "phonemes")
    french = sung_symbols(Lyrics(Lyrics.from_text("chair").lines, "fr"), "phonemes")
    assert english.symbols.tolist() != french.symbols.tolist()
    assert max(english.symbols) == symbol_count("phonemes") - 1


def test_a_text_of_another_script_is_refused() -> None:
    with pytest.raises(InvalidOption, match="No word"):
        sung_symbols(Lyrics.from_text("東京 特許"), "characters")
