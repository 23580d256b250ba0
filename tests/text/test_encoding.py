"""Encodings of people's files: told without asking where that is safe, refused with what to do where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import TextReadError
from descant.text.encoding import decode
from descant.text.formats import read_lyrics, read_text

WESTERN = "Ça fait déjà naïf\nMädchen – “schöner” Größe’s\n¿Mañana, señor? œuvre €5\n"


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\ufeff"), max_size=60))
def test_utf8_is_always_right(text: str) -> None:
    assert decode(text.encode(), "x").text == text
    assert not decode(text.encode("utf-8-sig"), "x").is_guessed
    assert decode(text.encode("utf-16"), "x").text == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["plain words", WESTERN, "[00:01.00]ключ и слово\n[00:02.00]да\n"])
def test_utf16_without_a_mark_is_told_by_its_zero_bytes(encoding: str, text: str) -> None:
    found = decode(text.encode(encoding), "x")
    assert (found.text, found.encoding, found.is_guessed) == (text, encoding, True)


def test_windows_1252_and_latin_1_are_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "old.txt"
    path.write_bytes(WESTERN.encode("cp1252").replace(b"\n", b"\r\n"))
    found = read_text(path)
    assert (found.text, found.encoding, found.is_guessed) == (WESTERN, "cp1252", True)
    assert read_lyrics(path).lines[1].words[0].text == "Mädchen"
    assert decode("é\nLa la été".encode("latin-1"), "x").text == "é\nLa la été"


@pytest.mark.parametrize(
    "data",
    [
        "Черный ворон, что ты вьешься".encode("cp1251"),
        "桜の花が咲く".encode("shift_jis"),
        "月亮代表我的心".encode("gbk"),
        "Zażółć gęślą jaźń".encode("cp1250"),
        b"text \x81\x8d and \xe9",
        b"caf\xe9 \x01\x02\x03",
        "caf\N{LATIN SMALL LETTER E WITH ACUTE} \x85".encode("latin-1")[:-1] + b"\x9d",
        b"RIFF\0\0\0\0WAVE",
        b"\xff\xfe\x00",
        bytes(range(256)) * 4,
    ],
)
def test_other_encodings_and_no_texts_are_refused(data: bytes) -> None:
    with pytest.raises(TextReadError) as error:
        decode(data, "song.txt")
    assert "song.txt" in error.value.message
    assert error.value.hint
