from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.errors import TextReadError
from descant.text.sheet import read_sheet


def sung(text: str) -> list[str]:
    return [line.text for line in read_sheet(text).lyrics.lines if line.words]


PASTED = """12 ContributorsMy Song Lyrics
[Verse 1: Anna]
C        G    Am
Hello my [Am]darling (ooh, yeah)
It’s a&nbsp;lovely day \u2014 to\u200bday (x2)

[Chorus]
Sing, sing a song
♪
Make it simple

[Guitar solo]
*laughs*
ANNA: I love you
She said: come
You might also like
Verse 2
1. Last words of mine
|: again and again
and again :|

Chorus x2

(instrumental)
Bridge: la la la
Chorus
[Outro]
Good bye12Embed"""


def test_a_pasted_text_is_read_to_what_is_sung() -> None:
    chorus = ["Sing, sing a song", "Make it simple"]
    assert sung(PASTED) == [
        *("Hello my darling (ooh, yeah)", "It’s a lovely day today", "It’s a lovely day today"),
        *chorus,
        *("I love you", "She said: come"),
        *("Last words of mine", "again and again", "and again", "again and again", "and again"),
        *chorus,
        *chorus,
        "la la la",
        *chorus,
        "Good bye",
    ]
    sheet = read_sheet(PASTED, language="en")
    assert sheet.lyrics.language == "en"
    assert [line.singer for line in sheet.lines if line.singer] == ["ANNA"]
    first = sheet.lines[0]
    assert [word.text for word in first.words if word.is_backing] == ["(ooh,", "yeah)"]
    repeats = [line.row for line in sheet.lines if line.is_repeat and line.words]
    assert repeats == [5, 19, 20, 8, 10, 8, 10, 8, 10]
    assert any("Line 22" in note and "sung again" in note for note in sheet.notes)


@pytest.mark.parametrize(
    ("head", "language"),
    [
        ("[Refrain]", "de"),
        ("Refrain:", "fr"),
        ("(Refrain)", "fr"),
        ("Estribillo", "es"),
        ("Ritornello:", "it"),
        ("[Refrão]", "pt"),
        ("CHORUS", "en"),
        ("[Hook: Someone & Other]", "en"),
    ],
)
def test_a_chorus_named_again_is_sung_again(head: str, language: str) -> None:
    text = f"{head}\nuna linea\notra linea\n\n[Verse 2]\nwords\n\n{head}\n"
    assert sung(text) == ["una linea", "otra linea", "words", "una linea", "otra linea"], language


@pytest.mark.parametrize(
    "head", ["Strophe 2", "Couplet 1:", "[Estrofa 2]", "Verse 3", "2. Strophe", "[Strofa]", "Verso 1:"]
)
def test_heads_of_verses_are_not_sung(head: str) -> None:
    assert sung(f"{head}\nla la\n") == ["la la"]


@pytest.mark.parametrize(
    ("row", "times"),
    [("la la x3", 3), ("la la (2x)", 2), ("la la (bis)", 2), ("la la [x4]", 4), ("|: la la :|", 2), ("la la ×2", 2)],
)
def test_lines_that_say_how_often_they_are_sung(row: str, times: int) -> None:
    assert sung(row) == ["la la"] * times


def test_a_row_that_repeats_what_is_above() -> None:
    assert sung("one\ntwo\n(x2)\n\nthree") == ["one", "two", "one", "two", "three"]
    assert sung("[Chorus]\none\n\nrepeat 3x") == ["one"] * 3


@pytest.mark.parametrize(
    "row", ["She bis", "I am x", "A", "Solo", "Final", "Am Brunnen vor dem Tore", "A B C", "E", "10 little", "me too"]
)
def test_words_that_look_like_marks_are_sung(row: str) -> None:
    assert sung(f"first line\n{row}\nlast line")[1:-1] == ([row] if row != "A B C" else [])


def test_line_ends_and_encodings_of_all_kinds() -> None:
    assert sung("\ufeffone\r\ntwo\rthree\u2028four<br>five\tsix") == ["one", "two", "three", "four", "five six"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("... !!! ♪", "no letters"),
        ("שלום עולם", "Hebrew"),
        ("مرحبا بالعالم", "Arabic"),
        ("你好世界", "Chinese"),
        ("안녕하세요", "Korean"),
        ("[Chorus]\n[Solo]", "only headers"),
    ],
)
def test_what_cannot_be_sung_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(TextReadError, match=says) as caught:
        read_sheet(text)
    assert caught.value.hint


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        sheet = read_sheet(text)
    except TextReadError:
        return
    assert all(
        word.text and not any(sign.isspace() for sign in word.text) for line in sheet.lines for word in line.words
    )


MARKS = st.sampled_from(["[Chorus]", "Chorus x3", "la la (x20)", "|:", ":|", "x20", "oh (yeah", "C G Am", "", "words"])


@given(st.lists(MARKS, max_size=12))
@settings(max_examples=300, deadline=None)
def test_marks_in_any_order_are_read_or_refused(rows: list[str]) -> None:
    try:
        sheet = read_sheet("\n".join(rows))
    except TextReadError:
        return
    assert all(1 <= line.row <= len(rows) for line in sheet.lines)


_HOSTILE = {
    "chords in a row": "A--" * 5_000 + " love!",
    "signs in a row": "A" + "-." * 5_000 + "!",
    "headers alone": "[Chorus]\nla la\n\n" + "[Chorus]\n\n" * 9_000,
    "one word": "bcdfghjklmnpqrstvwxz" * 5_000,
    "words without lines": "love you the night " * 25_000,
}


@pytest.mark.parametrize("name", _HOSTILE)
def test_the_time_grows_with_the_text_alone(name: str) -> None:
    began = time.process_time()
    assert read_sheet(_HOSTILE[name]).lines
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize(
    "text", ["la\n" + "x20\n" * 8, "|: la\n" + ":|\n" * 40, "[Chorus]\n" + "la\n" * 999 + "\n[Chorus]\n" * 999]
)
def test_repeats_of_repeats_are_refused_before_they_fill_the_memory(text: str) -> None:
    began = time.process_time()
    with pytest.raises(TextReadError, match="more than 20000 lines"):
        read_sheet(text)
    assert time.process_time() - began < 2.0


def test_how_a_text_was_taken_is_said_in_a_few_words() -> None:
    sheet = read_sheet("[Chorus]\nla la (ooh yeah)\n\n(guitar solo)\nC G Am\nHello\n\n[Chorus]\n")
    assert sheet.left_out == ("[Chorus]", "(guitar solo)", "C G Am", "[Chorus]")
    assert sheet.summary == (
        "4 lines left out as not sung (the first: [Chorus]); 1 line repeated where the text says so; "
        "4 words in brackets taken as backing vocals, which may be missing"
    )
    assert read_sheet("Hello\nyou").summary == ""
