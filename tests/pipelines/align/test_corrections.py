from __future__ import annotations

from pathlib import Path

import pytest

from descant.align.config import Anchor
from descant.errors import InputNotFound, InvalidOption, TextReadError
from descant.pipelines.align.corrections import Correction, anchors_of, extended, read_corrections

WORDS = ["Don’t", "stop,", "-", "the", "Café", "don't", "stop", "the", "rain"]


def _never() -> list[float]:
    raise AssertionError("one place alone needs no alignment")


def _parsed(*texts: str) -> list[Correction]:
    return [Correction.parse(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "start_s", "words"),
    [
        ("12.34 some words", 12.34, "some words"),
        ("  1:02.5   some   words ", 62.5, "some words"),
        ("3,5 Wörter", 3.5, "Wörter"),
        ("0 oh", 0.0, "oh"),
        ("61:00 oh", 3660.0, "oh"),
    ],
)
def test_what_people_write(text: str, start_s: float, words: str) -> None:
    found = Correction.parse(text)
    assert (found.start_s, found.words) == (start_s, words)
    assert Correction.parse(found.text) == found


@pytest.mark.parametrize(
    "text", ["", "12.34", "words 12.34", "-3 words", "nan words", "1e3 words", "12.34 ...", "1:2:3 a"]
)
def test_what_fixes_no_point(text: str) -> None:
    with pytest.raises(InvalidOption, match="fixes no point") as caught:
        Correction.parse(text)
    assert "12.34 some words" in caught.value.hint


def test_words_are_found_without_case_accents_and_signs() -> None:
    assert anchors_of(_parsed("4 the cafe"), WORDS, _never) == (Anchor(3, 4.0),)
    assert anchors_of(_parsed("2 STOP THE café"), WORDS, _never) == (Anchor(1, 2.0),)
    assert anchors_of(_parsed("9 Cafe dont"), WORDS, _never) == (Anchor(4, 9.0),)


def test_of_repeated_words_the_nearest_are_meant() -> None:
    starts = [1.0, 1.5, 1.6, 2.0, 2.5, 9.0, 9.5, 10.0, 11.0]
    assert anchors_of(_parsed("8 don't stop"), WORDS, lambda: starts) == (Anchor(5, 8.0),)
    assert anchors_of(_parsed("2 don't stop"), WORDS, lambda: starts) == (Anchor(0, 2.0),)


def test_the_last_correction_of_a_word_counts_and_words_come_in_order() -> None:
    found = anchors_of(_parsed("9 rain", "1 café", "9.5 rain"), WORDS, _never)
    assert found == (Anchor(4, 1.0), Anchor(8, 9.5))


@pytest.mark.parametrize("words", ["sunshine", "rain the", "the café the", "stop stop"])
def test_words_that_the_lyrics_do_not_have(words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        anchors_of(_parsed(f"3 {words}"), WORDS, _never)


def test_a_file_is_extended_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "song.anchors.txt"
    path.write_bytes(extended(path, _parsed("1:02 Café du Monde", "3 oh")).encode())
    assert [each.text for each in read_corrections(path)] == ["62 Café du Monde", "3 oh"]
    path.write_text(path.read_text("utf-8") + "\n# mine\n4.5 the rain", "utf-8")
    longer = extended(path, _parsed("3 oh", "5 oh"))
    assert "# mine\n4.5 the rain\n5 oh\n" in longer
    assert longer.count("3 oh") == 1
    path.write_text(longer, "utf-8")
    assert read_corrections(path)[-1].source.endswith("song.anchors.txt, line 7")


def test_a_broken_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("# fine\n\n1 oh\nsoon oh\n")
    with pytest.raises(TextReadError, match=r"a\.txt, line 4: 'soon oh' fixes no point"):
        read_corrections(path)
    with pytest.raises(InputNotFound):
        read_corrections(tmp_path / "none.txt")
