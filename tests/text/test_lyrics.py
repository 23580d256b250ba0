from __future__ import annotations

import pytest

from descant.errors import TextReadError
from descant.text.lyrics import Line, Lyrics, Syllable, Unsung, Word


def test_lines_take_their_times_from_words() -> None:
    line = Line((Word("a"), Word("b", 2.0, 3.0), Word("c", 3.0, 4.5)))
    assert (line.start_s, line.end_s, line.text) == (2.0, 4.5, "a b c")
    assert not line.has_word_times
    assert Line(line.words[1:]).has_word_times
    assert Line((), 1.0).start_s == 1.0


def test_untimed_text_keeps_its_lines() -> None:
    lyrics = Lyrics.from_text("one two\n\nthree\n")
    assert [len(line.words) for line in lyrics.lines] == [2, 0, 1]
    assert lyrics.text == "one two\n\nthree"
    assert not lyrics.is_timed
    assert Lyrics.from_text(" \n ") == Lyrics()
    assert not Lyrics().is_timed


def test_lyrics_with_times() -> None:
    lyrics = Lyrics.from_text("x").with_lines([Line((Word("a", 1.0),)), Line(())])
    assert lyrics.is_timed
    assert [w.text for w in lyrics.words] == ["a"]


@pytest.mark.parametrize(("start", "end"), [(-1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_impossible_times_are_refused(start: float, end: float) -> None:
    for make in (Word, Syllable):
        with pytest.raises(TextReadError):
            make("a", start, end)
    with pytest.raises(TextReadError):
        Line((Word("a"),), start, end)


def test_impossible_confidence_is_refused() -> None:
    with pytest.raises(TextReadError):
        Word("a", 0.0, 1.0, 1.5)


def test_words_that_are_not_sung_are_written_but_have_no_times() -> None:
    title = Line((), unsung=(Unsung("My"), Unsung("Song")))
    line = Line((Word("b", 1.0, 2.0), Word("d", 2.0, 3.0)), unsung=(Unsung("a"), Unsung("c", 1), Unsung("e", 2)))
    lyrics = Lyrics((title, Line(()), line))
    assert (title.text, title.written, title.start_s) == ("", "My Song", None)
    assert (line.text, line.written, line.start_s, line.end_s) == ("b d", "a b c d e", 1.0, 3.0)
    assert (lyrics.text, lyrics.written) == ("\n\nb d", "My Song\n\na b c d e")
    assert [word.text for word in lyrics.words] == ["b", "d"]
    assert lyrics.is_timed


@pytest.mark.parametrize("places", [(-1,), (2,), (1, 0)])
def test_words_that_are_not_sung_stand_somewhere_in_their_line(places: tuple[int, ...]) -> None:
    with pytest.raises(TextReadError, match="impossible places"):
        Line((Word("a"),), unsung=tuple(Unsung("x", place) for place in places))
