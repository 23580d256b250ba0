"""What was written is read back: the same text, and times within half of the format's unit."""

from __future__ import annotations

import itertools
import re
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lyric_songs import DUET, rows_of, songs

from descant.errors import InvalidOption, TextReadError
from descant.text.ass import AssFormat, AssStyle
from descant.text.formats import FORMATS, text_format
from descant.text.lrc import require_rising_stamps
from descant.text.lyrics import Line, Lyrics, SungNote, Syllable, Unsung, Word
from descant.text.midi_lyrics import ASCII_SIGNS, MidiLyricsFormat
from descant.text.musicxml_lyrics import MusicXmlLyricsFormat
from descant.text.pieces import LONGEST_GUESS_S, timed_lines, timed_words
from descant.text.protocol import LyricsFormat
from descant.text.ultrastar import UltraStarFormat
from descant.text.words_csv import WordsCsvFormat, with_texts

ULTRASTAR_BEAT_S = 15.0 / 1920.0
MIDI_TICK_S = 0.5 / 960

any_text = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=8)


def again(form: LyricsFormat, lyrics: Lyrics) -> Lyrics:
    return form.read_bytes(form.write_bytes(lyrics), "song")


def assert_near(found: float | None, true: float | None, half_unit: float) -> None:
    assert found == pytest.approx(true, abs=half_unit + 1e-9)


@pytest.mark.parametrize(
    ("form", "half_unit", "lines_too"),
    [
        (AssFormat(), 0.005, True),
        (AssFormat(tag="k"), 0.005, True),
        (UltraStarFormat(), ULTRASTAR_BEAT_S / 2, True),
        (UltraStarFormat(tempo_bpm=87.3), 0.0075, True),
        (text_format("textgrid"), 5e-7, True),
        (text_format("labels"), 5e-7, False),
        (WordsCsvFormat(word_column=True), 5e-5, True),
        (text_format("json"), 5e-5, True),
    ],
    ids=lambda value: getattr(value, "name", None),
)
@settings(max_examples=25)
@given(data=st.data())
def test_words_come_back_at_their_times(
    form: LyricsFormat, half_unit: float, lines_too: bool, data: st.DataObject
) -> None:
    written_without_brackets = form.name == "ass"
    song = data.draw(songs() if written_without_brackets else songs(words=any_text))
    back = again(form, song)
    assert rows_of(back) == (rows_of(song) if lines_too else [[word.text for word in song.words]])
    for word, found in zip(song.words, back.words, strict=True):
        assert_near(found.start_s, word.start_s, half_unit)
        assert_near(found.end_s, word.end_s, half_unit)


@pytest.mark.parametrize("name", ["ass", "ultrastar", "textgrid", "midi", "json"])
@settings(max_examples=25)
@given(song=songs(with_notes=True))
def test_syllables_and_notes_come_back(name: str, song: Lyrics) -> None:
    half_unit = {"ass": 0.005, "ultrastar": ULTRASTAR_BEAT_S / 2, "midi": MIDI_TICK_S / 2}.get(name, 5e-5)
    for word, found in zip(song.words, again(text_format(name), song).words, strict=True):
        if name == "ass":
            if len(word.syllables) > 1:
                assert [s.text for s in found.syllables] == [s.text for s in word.syllables]
            continue
        for syllable, back in zip(word.syllables, found.syllables, strict=True):
            assert back.text == (syllable.text.translate(ASCII_SIGNS) if name == "midi" else syllable.text)
            assert_near(back.start_s, syllable.start_s, half_unit)
            assert_near(back.end_s, syllable.end_s, half_unit)
            assert [n.pitch for n in back.notes] == [n.pitch for n in syllable.notes]
            for note, heard in zip(syllable.notes, back.notes, strict=True):
                assert_near(heard.start_s, note.start_s, half_unit)
                assert_near(heard.end_s, note.end_s, half_unit)


@settings(max_examples=25)
@given(song=songs(words=any_text))
def test_midi_keeps_lines_and_starts_without_notes(song: Lyrics) -> None:
    back = again(text_format("midi"), song)
    assert rows_of(back) == [[text.translate(ASCII_SIGNS) for text in row] for row in rows_of(song)]
    for word, found in zip(song.words, back.words, strict=True):
        assert_near(found.start_s, word.start_s, MIDI_TICK_S / 2)
        assert found.end_s is None


@settings(max_examples=15)
@given(song=songs(with_notes=True))
def test_musicxml_keeps_words_syllables_and_pitches(song: Lyrics) -> None:
    back = again(MusicXmlLyricsFormat(), song)
    assert [w.text for w in back.words] == [w.text for w in song.words]
    for word, found in zip(song.words, back.words, strict=True):
        assert [s.text for s in found.syllables] == [s.text for s in word.syllables]
        assert [n.pitch for s in found.syllables for n in s.notes] == [n.pitch for s in word.syllables for n in s.notes]


def test_a_duet_in_each_format() -> None:
    for name in FORMATS:
        back = again(text_format(name), DUET)
        words = [word.text for word in back.words]
        assert words == (["", ""] if name == "csv" else ["Halleluja,", "<&>"]) + (
            [""] * 3 if name == "csv" else ["naïve", "well-", '"q"']
        ), name
        if name in ("vtt", "ass", "ultrastar", "textgrid", "midi", "musicxml", "json"):
            assert [line.singer for line in back.lines] == ["Ann", "Bob"], name
        if name not in ("txt", "labels", "textgrid", "csv", "srt", "vtt", "musicxml"):
            assert back.title == "Bog", name
    assert again(text_format("json"), DUET) == DUET


def test_json_of_version_1_is_read() -> None:
    old = '{"version": 1, "lines": [{"start_s": 1, "words": [{"text": "a", "syllables": [{"text": "a"}]}]}]}'
    assert text_format("json").read_bytes(old.encode(), "old") == Lyrics(
        (Line((Word("a", syllables=(Syllable("a"),)),), 1.0),)
    )


@pytest.mark.parametrize("name", ["lrc", "elrc", "srt", "vtt", "ass"])
def test_5995_hundredths_carry_to_the_next_minute(name: str) -> None:
    song = Lyrics((Line((Word("on", 59.9996, 60.5), Word("time", 3599.99951, 3600.5)), 59.9996, 3601.0),))
    text = text_format(name).write_bytes(song).decode()
    assert re.search(r"\b01:00[.,]00|0:01:00[.,]00", text)
    assert ":60" not in text
    assert_near(again(text_format(name), song).lines[0].start_s, 60.0, 0)


@settings(max_examples=30)
@given(song=songs(), tag=st.sampled_from(["k", "kf", "ko"]))
def test_karaoke_lengths_add_up_to_the_event(song: Lyrics, tag: str) -> None:
    for row in AssFormat(tag=tag).write(song).split("\n"):
        if not row.startswith("Dialogue"):
            continue
        start, end = (
            round(360_000 * int(h) + 6000 * int(m) + 100 * float(s))
            for h, m, s in (clock.split(":") for clock in row.split(",")[1:3])
        )
        lengths = [int(each) for each in re.findall(r"\\k[fo]?(\d+)", row)]
        assert sum(lengths) == end - start


def test_ass_as_players_read_it() -> None:
    text = AssFormat(style=AssStyle(sung="#112233")).write(DUET)
    assert "Dialogue: 0,0:00:00.75,0:00:03.75,Karaoke,Ann,0,0,0,," in text
    assert r"{\k25}{\kf50}Hal{\kf50}le{\kf50}lu{\kf50}ja, {\k25}{\kf25}<&>{\k25}" in text
    assert "&H00332211" in text
    with pytest.raises(InvalidOption):
        AssStyle(sung="red")
    with pytest.raises(InvalidOption):
        AssFormat(tag="kx")  # type: ignore[arg-type]


def test_ass_keeps_braces_and_backslashes() -> None:
    song = Lyrics((Line((Word(r"a\Nb", 1, 2), Word("{x}", 2, 3), Word("\\", 3, 4))),))
    assert rows_of(again(AssFormat(), song)) == rows_of(song)


def test_ass_of_other_programs() -> None:
    text = (
        "[Script Info]\nTitle: T\n; a comment\n[Events]\nFormat: Layer, Start, End, Style, Name, Effect, Text\n"
        r"Dialogue: 0,0:00:05.00,0:00:06.00,D,,,{\i1}later\Nrows{\i0}" + "\n"
        r"Dialogue: 0,0:00:01.00,0:00:03.00,D,Ann,,{\k10}{\K40}so{\kf50\i1}me {\c&H00&}thing, {\kt150\ko20}new" + "\n"
        r"Dialogue: 0,0:00:07.00,0:00:08.00,D,,,{\p1}m 0 0 l 1 1{\p0}" + "\n"
    )
    back = AssFormat().read(text)
    assert (back.title, rows_of(back)) == ("T", [["some", "thing,", "new"], ["later", "rows"]])
    times = [(s.start_s, s.end_s) for s in back.words[0].syllables]
    # "me thing, " lasts 0.5 s, of which "me" has 2 letters of 8.
    assert times == [(pytest.approx(1.1), pytest.approx(1.5)), (pytest.approx(1.5), pytest.approx(1.625))]
    assert back.words[2].start_s == pytest.approx(2.5)
    assert back.words[3].start_s is None


def test_ultrastar_as_games_read_it() -> None:
    rows = UltraStarFormat(audio="bog.mp3").write(DUET).split("\n")
    assert rows[:10] == [
        "#VERSION:1.0.0", "#TITLE:Bog", "#ARTIST:Trad.", "#LANGUAGE:en", "#MP3:bog.mp3", "#AUDIO:bog.mp3",
        "#BPM:1920", "#GAP:1000", "#P1:Ann", "#P2:Bob",
    ]  # fmt: skip
    # A beat is 15/1920 s: 0.5 s are 64 beats, 0.25 s 32.
    assert rows[10:16] == ["P1", ": 0 64 0 Hal", ": 64 32 2 le", ": 96 32 4 ~", ": 128 64 5 lu", ": 192 64 7 ja,"]
    assert rows[16:] == [": 288 32 0  <&>", "P2", "F 896 64 0 naïve", "F 992 64 0  well-", 'F 1056 32 0  "q"', "E", ""]


@pytest.mark.parametrize("tempo", [1.0, 59.0, 120.0, 1000.0, 4000.0])
def test_ultrastar_beats_are_fine_and_fit_the_tempo(tempo: float) -> None:
    bpm = UltraStarFormat(tempo_bpm=tempo).file_bpm
    assert 15.0 / bpm <= 0.015
    assert (bpm / tempo).is_integer()
    assert bpm == tempo or 15.0 / bpm > 0.0075 - 1e-9


def test_ultrastar_of_other_programs() -> None:
    text = (
        "#title:T\n#Artist:A\n#BPM:300,0\n#GAP:1000\n#RELATIVE:yes\n"
        ": 0 10 4 Hel\n* 10 10 5 lo \nF 20 5 0 world\n- 30 40\nR 0 5 0 yo\n: 10 5 -3 ~ \n: 20 4 0 man\nE\n: 0 1 0 gone"
    )
    back = UltraStarFormat().read(text)
    assert (back.title, back.artist, rows_of(back)) == ("T", "A", [["Hello", "world"], ["yo", "man"]])
    assert [s.notes[0].pitch for s in back.words[0].syllables] == [64, 65]
    assert back.words[1].syllables == ()
    # The second line counts from beat 40 on; a beat is 15/300 s.
    assert back.words[2].start_s == pytest.approx(1.0 + 40 * 0.05)
    assert back.words[2].end_s == pytest.approx(1.0 + 55 * 0.05)
    assert [n.pitch for n in back.words[2].syllables[0].notes] == [57]


@pytest.mark.parametrize(
    "text",
    [
        "#TITLE:x\n: 0 1 2 a", "#BPM:0\n: 0 1 2 a", "#BPM:nan\n: 0 1 2 a", "#BPM:x\n: 0 1 2 a", "#BPM:120\nB 0 140",
        "#BPM:120\n: 0 1 200 a", "#BPM:120\n: 99999999999999999999 1 2 a", "#BPM:120\nwords",
        "#BPM:0.1\n: 99999999 1 0 a",
        "#BPM:120\n#GAP:inf\n: 0 1 0 a",
    ],
)  # fmt: skip
def test_damaged_ultrastar_is_refused(text: str) -> None:
    with pytest.raises(TextReadError, match=r"Line|impossible"):
        UltraStarFormat().read(text)


def test_three_singers_do_not_fit_ultrastar() -> None:
    with pytest.raises(TextReadError, match="3 singers"):
        UltraStarFormat().write(Lyrics(tuple(Line((Word("a", 1, 2),), singer=s) for s in "abc")))


def test_textgrid_intervals_tile_the_time() -> None:
    overlapping = Lyrics(
        (Line((Word("a", 1.0, 2.0), Word("b", 1.5, 1.5))), Line((Word('"c"', 1.5, 4.0), Word("d", 9.0)), 1.2, 10.0))
    )
    text = text_format("textgrid").write_bytes(overlapping).decode()
    assert '"""c"""' in text
    for tier in text.split('class = "IntervalTier"')[1:]:
        edges = [(float(a), float(b)) for a, b in re.findall(r"xmin = (\S+)\s+xmax = (\S+)", tier)]
        (start, end), *tiles = edges
        assert (tiles[0][0], tiles[-1][1]) == (start, end) == (0.0, 10.0)
        assert all(a < b for a, b in tiles)
        assert all(one[1] == two[0] for one, two in itertools.pairwise(tiles))
    back = text_format("textgrid").read_bytes(text.encode("utf-16"), "x")
    assert [w.text for w in back.words] == ["a", "b", '"c"', "d"]


def test_short_textgrids_and_comments_are_read() -> None:
    text = (
        'File type = "ooTextFile short"\n"TextGrid"\n\n0\n2.5\n<exists>\n2\n"TextTier"\n"beats"\n0\n2.5\n1\n1\n"x"\n'
        '"IntervalTier"\n"Word"\n0\n2.5\n3\n0\n1\n""\n1\n2 ! a comment "with" 3\n"say ""hi"""\n2\n2.5\n"you"\n'
    )
    back = text_format("textgrid").read_bytes(text.encode(), "x")
    assert [(w.text, w.start_s, w.end_s) for w in back.words] == [('say "hi"', 1, 2), ("you", 2, 2.5)]


@pytest.mark.parametrize(
    "text",
    [
        "words", '"ooTextFile"\n"TextGrid"\n0 1 <exists> 99999999999', '"ooTextFile"\n"TextGrid"\n0 1 <exists> 1',
        '"ooTextFile" "TextGrid" 0 1 <exists> 1 "IntervalTier" "words" 0 1 1 5 1 "a"',
        '"ooTextFile" "TextGrid" 0 1 <exists> 1 "IntervalTier" "words" 0 1 1 0 1e99 "a"',
        '"ooTextFile" "TextGrid" 0 1 <exists> 2 "IntervalTier" "x" 0 1 1 0 1 "a" "IntervalTier" "y" 0 1 0',
        '"ooTextFile" "TextGrid" 0 1 <exists> 1 "SpellingTier" "words" 0 1 1 0 1 "a"',
    ],
)  # fmt: skip
def test_damaged_textgrids_are_refused(text: str) -> None:
    with pytest.raises(TextReadError):
        text_format("textgrid").read_bytes(text.encode(), "x")


def test_labels_and_tables_as_people_have_them() -> None:
    labels = text_format("labels").read_bytes(b"1.5\t2\tb\n\\\t100\t200\n0.5\t1\ta\n3\t3\t\n", "x")
    assert [(w.text, w.start_s) for w in labels.words] == [("a", 0.5), ("b", 1.5)]
    lines = text_format("labels").read_bytes(b"1\t2\tone line\n3\t4\tword\n", "x")
    assert [(line.text, line.start_s, line.words[0].start_s) for line in lines.lines] == [
        ("one line", 1, None),
        ("word", 3, 3),
    ]
    assert text_format("csv").write_bytes(DUET).decode().split("\n")[:4] == [
        "word_start,word_end,line_end", "1.0000,3.0000,nan", "3.2500,3.5000,3.5000", "8.0000,8.5000,nan",
    ]  # fmt: skip
    bare = again(text_format("csv"), DUET)
    assert rows_of(with_texts(bare, [w.text for w in DUET.words])) == rows_of(DUET)
    with pytest.raises(TextReadError, match="times 5 words, the text has 1"):
        with_texts(bare, ["one"])
    other = WordsCsvFormat().read('Start, End, Text\n1, 2, "a, b"\n\n2.5,nan,c\n')
    assert [(w.text, w.start_s, w.end_s) for w in other.words] == [("a, b", 1, 2), ("c", 2.5, None)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels", "1\tx\ta"), ("labels", "2\t1\ta"), ("labels", "nan\t1\ta"), ("labels", "-1\t1\ta"),
        ("labels", "a word"),
        ("csv", "a,b\n1,2"), ("csv", "word_start\nnan"), ("csv", "word_start\n2\n1"),
        ("csv", "word_start,word_end\n2,1"),
        ("csv", "word_start\n-1"), ("csv", "word_start\n1e99"), ("ass", "nothing"),
        ("ass", "[Events]\nDialogue: 0,0:00:02.00,0:00:01.00,D,,0,0,0,,a"),
        ("ass", "[Events]\nDialogue: 0,x,y,D,,0,0,0,,a"),
        ("ass", "[Events]\nFormat: Text\nDialogue: a"), ("lrc", "[offset:nan]\nx"), ("midi", "MThd"),
        ("musicxml", "<a/>"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(TextReadError, match="the file"):
        text_format(name).read_bytes(text.encode(), "the file")


def test_a_row_of_stamps_is_read_in_linear_time() -> None:
    begun = time.process_time()
    require_rising_stamps("[00:01.00] " * 150_000 + "la")
    assert time.process_time() - begun < 4.0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ass", "[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,," + "{" * 400_000),
        ("srt", "00:01,000 --> 00:02,000\n" + "{\\k1" * 100_000),
        ("srt", "00:01,000 --> 00:02,000\n" + "<b " * 100_000),
        ("vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "<a" * 200_000),
        ("vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "<v " * 100_000),
        ("vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n<v" + " " * 200_000),
        ("vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n" + "<v." * 100_000),
    ],
)
def test_markup_that_never_ends_is_read_in_linear_time(name: str, text: str) -> None:
    begun = time.process_time()
    text_format(name).read(text)
    assert time.process_time() - begun < 4.0


def test_braces_that_never_close_are_words() -> None:
    event = "[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,D,,0,0,0,,"
    assert text_format("ass").read(event + "{\\k10}one {\\k20}two {\\k30").text == "one two {\\k30"


@pytest.mark.parametrize("name", ["midi", "lrc", "elrc", "srt", "vtt", "ass", "ultrastar", "labels", "csv", "txt"])
def test_a_file_far_larger_than_any_song_is_refused_unread(name: str) -> None:
    with pytest.raises(TextReadError, match=r"the file is too large .*2 MiB"):
        text_format(name).read_bytes(b"MThd" + bytes(3 << 20), "the file")


def test_wordy_formats_may_be_larger() -> None:
    lyrics = Lyrics((Line((Word("one", 1.0, 2.0),)),))
    padded = text_format("json").write_bytes(lyrics) + b" " * (3 << 20)
    assert text_format("json").read_bytes(padded, "the file") == lyrics
    with pytest.raises(TextReadError, match=r"the file is too large .*16 MiB"):
        text_format("textgrid").read_bytes(b" " * (17 << 20), "the file")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lrc", "[ti:a]\n[00:01.00]a\n[999999:00.00]b"),
        ("lrc", "[ti:a]\n\n[00:01.00]a <999999:00.00>b"),
        ("srt", "\n1\n0:02 --> 0:01\na"),
        ("srt", "\n1\n0:02 --> 0:1:1:1:03\na"),
        ("srt", "\n1\n9999:00:00 --> 9999:00:01\na"),
        ("vtt", "WEBVTT\n\n0:02 --> 0:01\na"),
        ("ass", "\n[Events]\nDialogue: 0,9999:0:0.0,9999:0:1.0,D,,0,0,0,,a"),
        ("vtt", "WEBVTT - a song\n\n0:01 --> 0:02\na <1:2:3:4:5>b"),
    ],
)
def test_damaged_lines_are_named(name: str, text: str) -> None:
    with pytest.raises(TextReadError, match=r"^the file: Line 3: "):
        text_format(name).read_bytes(text.encode(), "the file")


@pytest.mark.parametrize(
    "text",
    [
        "00:00:03.000 --> 00:00:04.000\nthree\n\n00:00:01.000 --> 00:00:02.000\none\n",
        "00:00:03.000 --> 00:00:04.000\r\nthree\r\n\t\r\n2\r\n00:00:01.000 --> 00:00:02.000\r\none",
    ],
)
@pytest.mark.parametrize(("name", "heading"), [("srt", ""), ("vtt", "WEBVTT\n\n")])
def test_cues_out_of_order_are_read_by_their_starts(name: str, heading: str, text: str) -> None:
    found = text_format(name).read_bytes((heading + text).encode(), "the file")
    assert [(line.text, line.start_s) for line in found.lines] == [("one", 1.0), ("three", 3.0)]


@pytest.mark.parametrize("name", ["ultrastar", "midi", "musicxml", "labels", "csv"])
def test_words_need_times(name: str) -> None:
    with pytest.raises(TextReadError, match="'two' in the line 'one two'"):
        text_format(name).write_bytes(Lyrics((Line((Word("one", 1.0), Word("two")), 1.0),)))


def test_webvtt_stamps_rise_within_their_cue_and_signs_are_escaped() -> None:
    words = (
        Word("a", 1.0),
        Word("b", 1.0),
        Word("c", 0.5),
        Word("-->", 1.5, 2.0),
        Word("&lt;", 1.5001),
        Word("e", 2.0),
    )
    vtt = text_format("vtt").write_bytes(Lyrics((Line(words, 0.5, 2.0, "A > B"),))).decode()
    assert "<v A &gt; B><00:00:01.000>a b c <00:00:01.500>--&gt; &amp;lt; <00:00:02.000>e" in vtt
    back = text_format("vtt").read_bytes(vtt.encode(), "x")
    assert (rows_of(back), back.lines[0].singer) == ([["a", "b", "c", "-->", "&lt;", "e"]], "A > B")


def test_unknown_ends_are_estimated_never_over_the_next_start() -> None:
    line = Line((Word("a", 1.0), Word("b", 1.25), Word("c", 5.0)), end_s=5.5)
    assert [w.end_s for w in timed_words(line, None)] == [1.25, 1.25 + LONGEST_GUESS_S, 5.5]
    assert [w.end_s for w in timed_words(Line((Word("c", 5.0),)), 5.25)] == [5.25]
    (timed,) = timed_lines(Lyrics((Line((Word("abcd", 1.0, 3.0, None, (Syllable("a"), Syllable("bcd"))),)),)))
    assert [(p.start_s, p.end_s) for p in timed.pieces] == [(1.0, 1.5), (1.5, 3.0)]
    assert 0.5 <= LONGEST_GUESS_S <= 1.0


@pytest.mark.parametrize("name", sorted(FORMATS))
@settings(max_examples=20)
@given(data=st.data())
def test_odd_lyrics_are_written_and_read_or_refused(name: str, data: st.DataObject) -> None:
    """Overlaps, wrong order, no ends, stray notes, texts with line breaks: never a crash."""
    times = st.one_of(st.none(), st.floats(0, 1000), st.just(9_999_999.0))
    texts = st.text(max_size=6)

    def span(make: object, *more: object) -> object:
        start, end = data.draw(times), data.draw(times)
        if start is not None and end is not None and end < start:
            start, end = end, start
        return make(data.draw(texts), start, end, *more)  # type: ignore[operator]

    notes = (SungNote(data.draw(st.integers(0, 127)), 1.0, 2.0),) * data.draw(st.integers(0, 2))
    words = tuple(
        span(Word, None, (span(Syllable, notes), span(Syllable))) for _ in range(data.draw(st.integers(0, 3)))
    )
    song = Lyrics((Line(words, data.draw(st.none() | st.just(0.0)), None, data.draw(texts)), Line(())))
    try:
        back = again(text_format(name), song)
    except TextReadError:
        return
    assert isinstance(back, Lyrics)


def test_options_out_of_range_are_refused() -> None:
    for make in (UltraStarFormat, MidiLyricsFormat, MusicXmlLyricsFormat):
        for tempo in (0.0, float("nan"), 1e9):
            with pytest.raises(InvalidOption):
                make(tempo_bpm=tempo)


UNSUNG = Lyrics(
    (
        Line((), unsung=(Unsung("My"), Unsung("Song"))),
        Line(()),
        Line((Word("all", 1.0, 1.5), Word("here", 2.0, 2.5)), unsung=(Unsung("(ooh)", 1),)),
    ),
    "en",
)


def test_json_keeps_words_that_are_not_sung() -> None:
    assert again(text_format("json"), UNSUNG) == UNSUNG


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"json"}))
def test_no_other_format_shows_words_that_are_not_sung(name: str) -> None:
    data = text_format(name).write_bytes(UNSUNG)
    shown = text_format(name).write_bytes(UNSUNG.with_lines(replace(line, unsung=()) for line in UNSUNG.lines))
    assert data == shown
    assert not any(text.encode() in data for text in ("Song", "ooh"))
