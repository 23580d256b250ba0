from __future__ import annotations

from pathlib import Path

import pytest

from descant.align.config import Anchor
from descant.errors import InputNotFound, InvalidOption, TextReadError
from descant.pipelines.align.corrections import (
    Correction,
    Fixed,
    anchors_of,
    extended,
    read_corrections,
    require_in_song,
    require_words,
)

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
    "text",
    [
        "",
        "12.34",
        "words 12.34",
        "-3 words",
        "nan words",
        "1e3 words",
        "12.34 ...",
        "inf words",
        "nonsense",
        "1:2:3 a",
    ],
)
def test_what_fixes_no_point(text: str) -> None:
    with pytest.raises(InvalidOption, match="fixes no point") as caught:
        Correction.parse(text)
    assert "12.34 some words" in caught.value.hint


def test_words_are_found_without_case_accents_and_signs() -> None:
    for text, anchor in (
        ("4 the cafe", Anchor(3, 4.0)),
        ("2 STOP THE café", Anchor(1, 2.0)),
        ("9 Cafe dont", Anchor(4, 9.0)),
    ):
        assert anchors_of(_parsed(text), WORDS, _never) == Fixed((anchor,))


def test_of_repeated_words_the_nearest_are_meant() -> None:
    starts = [1.0, 1.5, 1.6, 2.0, 2.5, 9.0, 9.5, 10.0, 11.0]
    found = anchors_of(_parsed("8 don't stop"), WORDS, lambda: starts)
    assert found.anchors == (Anchor(5, 8.0),)
    (said,) = found.remarks
    assert said == (
        '"don\'t stop" is sung 2 times: #2, which was at 0:09.0, was taken as the nearest to 0:08.0; '
        'another one is named so: "8 don\'t stop #1".'
    )
    assert anchors_of(_parsed("2 don't stop"), WORDS, lambda: starts).anchors == (Anchor(0, 2.0),)


def test_of_repeated_words_another_one_can_be_named() -> None:
    assert anchors_of(_parsed("8 don't stop #1"), WORDS, _never) == Fixed((Anchor(0, 8.0),))
    assert anchors_of(_parsed("8 don't stop #2"), WORDS, _never) == Fixed((Anchor(5, 8.0),))
    assert Correction.parse("8 don't stop #2").text == "8 don't stop #2"
    with pytest.raises(InvalidOption, match="sung only 2 times, so there is no #3"):
        require_words(_parsed("8 don't stop #3"), WORDS)
    with pytest.raises(InvalidOption, match="sung only once, so there is no #2"):
        require_words(_parsed("8 rain #2"), WORDS)


def test_points_after_the_end_are_refused() -> None:
    require_in_song(_parsed("59.9 rain"), 60.0)
    for text in ("60 rain", "1:00 rain", "999999 rain"):
        with pytest.raises(InvalidOption, match=r"--anchor: 'rain' cannot start at .*: the recording lasts 1:00\.0"):
            require_in_song(_parsed(text), 60.0)


def test_points_that_run_backwards_are_refused_but_not_what_is_corrected_anew() -> None:
    require_words(_parsed("5 café", "2 rain", "9 rain"), WORDS)
    require_words(_parsed("5 café", "2 stop"), WORDS)  # which of the two stops is meant shows when they are heard
    with pytest.raises(InvalidOption, match=r"'rain' cannot start at 0:02\.0: 'café', which comes before it"):
        require_words(_parsed("5 café", "2 rain"), WORDS)


def test_words_that_are_nearly_there_are_named() -> None:
    with pytest.raises(InvalidOption) as caught:
        require_words(_parsed("5 the caffee"), WORDS)
    assert "Did you mean 'the Café'?" in caught.value.hint


def test_the_last_correction_of_a_word_counts_and_words_come_in_order() -> None:
    found = anchors_of(_parsed("9 rain", "1 café", "9.5 rain"), WORDS, _never)
    assert found.anchors == (Anchor(4, 1.0), Anchor(8, 9.5))


@pytest.mark.parametrize("words", ["sunshine", "rain the", "the café the", "stop stop"])
def test_words_that_the_lyrics_do_not_have(words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        anchors_of(_parsed(f"3 {words}"), WORDS, _never)
    with pytest.raises(InvalidOption, match=words):
        require_words(_parsed(f"3 {words}"), WORDS)


def test_a_file_is_extended_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "song.anchors.txt"
    path.write_bytes(extended(path, _parsed("1:02 Café du Monde", "3 oh")).encode())
    assert [each.text for each in read_corrections(path)] == ["62 Café du Monde", "3 oh"]
    path.write_text(path.read_text("utf-8") + "\n# mine\n4.5 the rain", "utf-8")
    longer = extended(path, _parsed("3 oh", "5 oh"))
    assert "# mine\n4.5 the rain\n5 oh\n" in longer
    assert longer.count("3 oh") == 1
    path.write_text(longer, "utf-8")
    assert read_corrections(path)[-1].source.endswith("song.anchors.txt, line 8")


def test_a_broken_file_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("# fine\n\n1 oh\nsoon oh\n")
    with pytest.raises(TextReadError, match=r"a\.txt, line 4: 'soon oh' fixes no point"):
        read_corrections(path)
    with pytest.raises(InputNotFound):
        read_corrections(tmp_path / "none.txt")
