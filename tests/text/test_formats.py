from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.errors import InputNotFound, InvalidOption, TextReadError, UnsupportedFormat
from descant.text.formats import FORMATS, format_of, read_lyrics, text_format, write_lyrics
from descant.text.lyrics import Line, Lyrics, Syllable, Word

SONG = Lyrics(
    (
        Line((Word("Fine", 1.0, 1.4, 0.9), Word("bog,", 1.5, 1.9, 0.8))),
        Line(
            (
                Word("down", 3.0, 3.3, 0.7, (Syllable("do", 3.0, 3.1), Syllable("wn", 3.1, 3.3))),
                Word("<&>", 3.4, 4.0),
            ),
            singer="Ann",
        ),
    ),
    "en",
    "Bog",
    "Trad.",
)

texts = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="<>[]{}"), min_size=1, max_size=8)


@st.composite
def songs(draw: st.DrawFn) -> Lyrics:
    lines, at = [], 0
    for _ in range(draw(st.integers(1, 5))):
        words = []
        for _ in range(draw(st.integers(1, 5))):
            at += draw(st.integers(1, 500))
            length = draw(st.integers(1, 200))
            words.append(Word(draw(texts), at / 100, (at + length) / 100))
            at += length
        lines.append(Line(tuple(words)))
    return Lyrics(tuple(lines))


def words_of(lyrics: Lyrics) -> list[list[str]]:
    return [[w.text for w in line.words] for line in lyrics.lines]


def test_json_keeps_everything() -> None:
    assert text_format("json").read(text_format("json").write(SONG)) == SONG


@given(songs())
def test_json_keeps_any_song(song: Lyrics) -> None:
    assert text_format("json").read(text_format("json").write(song)) == song


@pytest.mark.parametrize("name", ["lrc", "elrc", "srt", "vtt"])
@given(song=songs())
def test_timed_formats_keep_words_and_line_starts(name: str, song: Lyrics) -> None:
    again = text_format(name).read(text_format(name).write(song))
    assert words_of(again) == words_of(song)
    for line, back in zip(song.lines, again.lines, strict=True):
        assert back.start_s == pytest.approx(line.start_s, abs=0.0051)


@pytest.mark.parametrize("name", ["elrc", "vtt"])
@given(song=songs())
def test_word_formats_keep_word_starts(name: str, song: Lyrics) -> None:
    again = text_format(name).read(text_format(name).write(song))
    for word, back in zip(song.words, again.words, strict=True):
        if len(song.words) > len(song.lines):
            assert back.start_s is None or back.start_s == pytest.approx(word.start_s, abs=0.0051)
    assert all(w.start_s is not None for w in again.words) or name == "vtt"


@given(song=songs())
def test_srt_keeps_line_ends(song: Lyrics) -> None:
    again = text_format("srt").read(text_format("srt").write(song))
    for line, back in zip(song.lines, again.lines, strict=True):
        assert line.end_s is not None
        assert line.start_s is not None
        assert back.end_s == pytest.approx(max(line.end_s, line.start_s + 0.3), abs=0.001)


def test_files_as_people_know_them() -> None:
    assert text_format("lrc").write(SONG) == (
        "[ti:Bog]\n[ar:Trad.]\n[00:01.00]Fine bog,\n[00:03.00]down <&>\n[00:04.00]\n"
    )
    assert "[00:01.00]<00:01.00> Fine <00:01.50> bog, <00:01.90>" in text_format("elrc").write(SONG)
    assert text_format("srt").write(SONG).startswith("1\n00:00:01,000 --> 00:00:01,900\nFine bog,\n\n2\n")
    vtt = text_format("vtt").write(SONG)
    assert vtt.startswith("WEBVTT\n\n00:00:01.000 --> 00:00:01.900\nFine <00:00:01.500>bog,\n")
    assert "<v Ann>down <00:00:03.400>&lt;&amp;&gt;" in vtt
    back = text_format("vtt").read(vtt)
    assert back.lines[1].singer == "Ann"
    assert back.words[3].text == "<&>"


def test_lrc_of_other_programs() -> None:
    text = "[ar: Someone ]\n[offset:+500]\n[00:10.5][01:10:50]Again\n[00:12.345]once\n[00:15.00]\nnoise without time"
    lyrics = text_format("lrc").read(text)
    assert lyrics.artist == "Someone"
    assert [(line.text, line.start_s) for line in lyrics.lines] == [
        ("Again", 10.0),
        ("once", pytest.approx(11.845)),
        ("Again", 70.0),
    ]
    assert lyrics.lines[1].end_s == pytest.approx(14.5)


def test_srt_of_other_programs() -> None:
    text = "1\n0:00:01,5 --> 0:00:02,000 X1:1\n<i>two</i>\nrows\n\n00:00:03.000 --> 00:00:04.000\n{\\an8}more"
    lyrics = text_format("srt").read(text)
    assert words_of(lyrics) == [["two", "rows"], ["more"]]
    assert lyrics.lines[0].start_s == 1.5


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lrc", "just words\nand more"),
        ("srt", "no cue at all"),
        ("srt", "1\n00:00:05,000 --> 00:00:01,000\nbackwards"),
        ("vtt", "00:00:01.000 --> 00:00:02.000\nno header"),
        ("json", "{"),
        ("json", "[]"),
        ("json", '{"lines": [{"words": [{"start_s": 1}]}]}'),
        ("json", '{"lines": [{"words": [{"text": "a", "start_s": 2, "end_s": 1}]}]}'),
        ("json", '{"lines": [{"words": [{"text": "a", "start_s": "x"}]}]}'),
        ("json", '{"version": 99, "lines": []}'),
        ("json", '{"lines": [{"words": [], "unsung": [{"text": "a"}]}]}'),
        ("json", '{"lines": [{"words": [], "unsung": [{"text": "a", "before": 1}]}]}'),
        ("json", '{"lines": [{"words": [], "unsung": [{"text": "a", "before": 0.0}]}]}'),
        ("json", "[" * 100_000),
    ],
)
def test_damaged_files_are_refused(name: str, text: str) -> None:
    with pytest.raises(TextReadError):
        text_format(name).read(text)


@pytest.mark.parametrize("name", sorted(FORMATS))
@settings(max_examples=40)
@given(text=st.text(max_size=200))
def test_strangers_files_give_lyrics_or_a_clear_error(name: str, text: str) -> None:
    with contextlib.suppress(TextReadError):
        assert isinstance(text_format(name).read_bytes(text.encode(), name), Lyrics)


@pytest.mark.parametrize("name", ["lrc", "elrc", "srt", "vtt"])
def test_times_are_needed(name: str) -> None:
    with pytest.raises(TextReadError, match="has no time"):
        text_format(name).write(Lyrics.from_text("no times"))


def test_nothing_sung_writes_and_reads(tmp_path: Path) -> None:
    for name, each in FORMATS.items():
        path = write_lyrics(tmp_path / f"empty{each.suffix}", Lyrics(), format_name=name)
        assert read_lyrics(path) == Lyrics()


def test_files_in_odd_encodings(tmp_path: Path) -> None:
    path = tmp_path / "слова 🎤.lrc"
    path.write_bytes("\ufeff[00:01.00]naïve\r\n[00:02.00]ключ\r\n".encode())
    assert read_lyrics(path).text == "naïve\nключ"
    path.write_bytes("[00:01.00]ключ".encode("utf-16"))
    assert read_lyrics(path).text == "ключ"
    path.write_bytes(b"[00:01.00]\xff\xfa\x80")
    with pytest.raises(TextReadError, match="UTF-8"):
        read_lyrics(path)
    path.write_bytes(b"RIFF\0\0\0\0WAVE")
    with pytest.raises(TextReadError):
        read_lyrics(path)


def test_names_and_suffixes(tmp_path: Path) -> None:
    assert format_of("a.b.SRT").name == "srt"
    with pytest.raises(UnsupportedFormat):
        format_of("song.doc")
    with pytest.raises(UnsupportedFormat):
        format_of("song")
    with pytest.raises(InvalidOption) as error:
        text_format("docx")
    assert "elrc" in error.value.hint
    with pytest.raises(InputNotFound):
        read_lyrics(tmp_path / "none.lrc")
    with pytest.raises(InputNotFound):
        read_lyrics(tmp_path, format_name="lrc")


def test_failed_writes_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(TextReadError):
        write_lyrics(tmp_path / "new" / "x.lrc", Lyrics.from_text("no times"))
    assert not list(tmp_path.iterdir())
