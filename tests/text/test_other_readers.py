"""What Descant writes, read by independent libraries; and what they write, read by Descant."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import mido
import music21
import pylrc
import pysubs2
import pytest
import textgrid
import webvtt
from lyric_songs import DUET, rows_of
from praatio import textgrid as praat

from descant.score.musicxml_writer import score_to_musicxml
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap
from descant.text.ass import AssFormat
from descant.text.formats import FORMATS, format_of, read_lyrics, text_format, write_lyrics
from descant.text.lyrics import Line, Lyrics, Word


@pytest.mark.parametrize("name", ["ass", "srt"])
def test_pysubs2_reads_what_is_written(name: str, tmp_path: Path) -> None:
    path = write_lyrics(tmp_path / f"song{text_format(name).suffix}", DUET)
    events = pysubs2.load(str(path)).events
    first, second = events
    assert (first.start, first.end, second.start, second.end) == (750, 3750, 8000, 9500)
    assert (first.plaintext, second.plaintext) == ("Halleluja, <&>", 'naïve well- "q"')
    if name == "ass":
        assert (first.name, second.name) == ("Ann", "Bob")
    path.write_text(pysubs2.load(str(path)).to_string(name))
    assert len(read_lyrics(path).lines) == 2


def test_webvtt_reads_what_is_written(tmp_path: Path) -> None:
    first, second = webvtt.read(write_lyrics(tmp_path / "song.vtt", DUET))
    assert (first.start, first.end, second.start) == ("00:00:00.750", "00:00:03.750", "00:00:08.000")
    assert (first.voice, second.voice) == ("Ann", "Bob")
    assert second.text == 'naïve well- "q"'


def test_pylrc_reads_what_is_written() -> None:
    text = text_format("lrc").write_bytes(DUET).decode()
    found = pylrc.parse(text)
    assert (found.title, found.artist) == ("Bog", "Trad.")
    words = [(line.time, line.text) for line in found if line.text]
    assert words == [(0.75, "Halleluja, <&>"), (8.0, 'naïve well- "q"')]


def test_textgrid_readers_read_what_is_written(tmp_path: Path) -> None:
    path = write_lyrics(tmp_path / "song.TextGrid", DUET)
    grid = textgrid.TextGrid.fromFile(str(path))
    words = {i.mark: (i.minTime, i.maxTime) for i in grid.getFirst("Ann - words") if i.mark}
    assert words == {"Halleluja,": (1.0, 3.0), "<&>": (3.25, 3.5)}
    assert [i.mark for i in grid.getFirst("Ann - notes") if i.mark] == ["60", "62", "64", "65", "67", "60"]
    other = praat.openTextgrid(str(path), includeEmptyIntervals=False)
    assert other.tierNames[:4] == ("Ann - lines", "Ann - words", "Ann - syllables", "Ann - notes")
    assert [(e.start, e.end, e.label) for e in other.getTier("Bob - words").entries] == [
        (8.0, 8.5, "naïve"), (8.75, 9.25, "well-"), (9.25, 9.5, '"q"'),
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["short_textgrid", "long_textgrid"])
def test_textgrids_of_praatio_are_read(form: str, tmp_path: Path) -> None:
    path = tmp_path / "other.TextGrid"
    grid = praat.Textgrid()
    grid.addTier(praat.IntervalTier("words", [(0.5, 1.0, 'say "hi"'), (1.5, 2.0, "ß")], 0, 3))
    grid.save(str(path), form, includeBlankSpaces=True)
    path.write_bytes(path.read_text("utf-8").encode("utf-16"))
    assert [(w.text, w.start_s, w.end_s) for w in read_lyrics(path).words] == [('say "hi"', 0.5, 1.0), ("ß", 1.5, 2.0)]


def test_mido_reads_what_is_written(tmp_path: Path) -> None:
    path = write_lyrics(tmp_path / "song.lyrics.mid", DUET)
    file = mido.MidiFile(path, charset="cp1252")
    conductor, ann, bob = file.tracks
    assert [m.text for m in conductor if m.type == "text"] == ["@TBog", "@TTrad."]
    assert (ann.name, bob.name) == ("Ann", "Bob")
    at, lyrics, notes = 0, [], []
    for message in ann:
        at += message.time
        if message.type == "lyrics":
            lyrics.append((mido.tick2second(at, 960, 500_000), message.text))
        elif message.type == "note_on":
            notes.append((mido.tick2second(at, 960, 500_000), message.note))
    assert lyrics == [(1.0, "Hal"), (1.5, "le"), (2.0, "lu"), (2.5, "ja, "), (3.25, "<&>\r")]
    assert notes == [(1.0, 60), (1.5, 62), (1.75, 64), (2.0, 65), (2.5, 67), (3.25, 60)]


def test_other_programs_read_the_letters_of_a_midi_file(tmp_path: Path) -> None:
    def read(text: str, charset: str) -> list[str]:
        path = write_lyrics(tmp_path / "x.lyrics.mid", Lyrics((Line((Word(text, 1.0, 2.0),)),), title=text))
        assert read_lyrics(path).title == read_lyrics(path).text
        messages = (m for track in mido.MidiFile(path, charset=charset).tracks for m in track)
        return [m.text for m in messages if m.type in ("text", "lyrics")]

    assert read("“L’été…” – là", "latin-1") == ['@T"L\'été..." - là', '"L\'été..." - là\r']
    assert read("cœur", "cp1252") == ["@Tcœur", "cœur\r"]
    assert read("Zażółć’s", "utf-8") == ["@TZażółć's", "Zażółć's\r"]
    assert read("Ã©", "utf-8") == ["@TÃ©", "Ã©\r"]  # as Windows-1252 it would be taken for an é in UTF-8


def kar(texts: list[str], kind: str) -> bytes:
    """A file with notes in one track and words in another, a quarter apart, at 60 BPM."""
    words = mido.MidiTrack(
        [mido.MetaMessage("text", text="@KMIDI KARAOKE FILE"), mido.MetaMessage("text", text="@TSong")]
    )
    melody = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=1_000_000)])
    for text in texts:
        words.append(mido.MetaMessage(kind, text=text, time=0))
        words.append(mido.MetaMessage("marker", text="", time=480))
        melody.append(mido.Message("note_on", note=62, time=0))
        melody.append(mido.Message("note_off", note=62, time=480))
    file = mido.MidiFile(tracks=[melody, words], ticks_per_beat=480)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "texts", "rows"),
    [
        ("text", ["\\Hap", "py", " birth", "day", "/to", " you"], [["Happy", "birthday"], ["to", "you"]]),
        ("lyrics", ["Hap", "py ", "birth", "day\r", "to ", "you\r"], [["Happy", "birthday"], ["to", "you"]]),
        ("lyrics", ["Hap-", "py", "birth-", "-day", "to", "you"], [["Happy", "birthday", "to", "you"]]),
        ("lyrics", ["Happy", "day", "/", "-", "to", "you"], [["Happy", "day", "/", "-", "to", "you"]]),
    ],
)
def test_karaoke_files_of_other_programs(kind: str, texts: list[str], rows: list[list[str]]) -> None:
    back = text_format("midi").read_bytes(kar(texts, kind), "x.kar")
    assert (rows_of(back), back.title) == (rows, "Song")
    starts = [s.start_s for w in back.words for s in w.syllables]
    assert starts == [0, 1, 2, 3, 4, 5]
    assert all(n.pitch == 62 for w in back.words for s in w.syllables for n in s.notes)
    assert back.words[-1].end_s == 6.0


def test_music21_reads_the_score() -> None:
    data = text_format("musicxml").write_bytes(DUET)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = music21.converter.parseData(data, format="musicxml")
    notes = list(score.parts[0].flatten().notes)
    sung = [(n.pitch.midi, n.lyrics[0].text, n.lyrics[0].syllabic) for n in notes if n.lyrics and n.lyrics[0].text]
    assert sung == [
        (60, "Hal", "begin"), (62, "le", "middle"), (65, "lu", "middle"), (67, "ja,", "end"), (60, "<&>", "single"),
    ]  # fmt: skip
    assert float(notes[0].offset) == 2.0
    assert [p.partName for p in score.parts] == ["Ann", "Bob"]
    assert data.count(b'<extend type="start"') == data.count(b'<extend type="stop"') == 1
    well = [n.lyrics[0] for n in score.parts[1].flatten().notes if n.lyrics][1]
    assert (well.rawText, well.syllabic) == ("well-", "single") or (well.text, well.syllabic) == ("well-", "single")


def test_scores_hold_melismas_and_hyphens_only_where_they_are() -> None:
    notes = (Note(0, 1, 60, lyric="_"), Note(1, 1, 62, lyric="la"), Note(2, 1, 64), Note(3, 1, 65, lyric="_"))
    data = score_to_musicxml(Score((Track("m", notes),), TempoMap.constant(120)), title="")
    assert b"extend" not in data
    assert data.count(b"<lyric") == 1


def test_names_tell_formats_and_texts_are_looked_at(tmp_path: Path) -> None:
    for name, form in FORMATS.items():
        assert format_of(f"a song{form.suffix.upper()}").name == name
        assert format_of(tmp_path / f"a{form.suffix}").name == name
    assert {format_of(f"x{s}").name for s in (".mid", ".kar", ".midi")} == {"midi"}
    path = tmp_path / "song.txt"
    for name in ("ultrastar", "labels"):
        path.write_bytes(text_format(name).write_bytes(DUET))
        assert read_lyrics(path).words[0].start_s == 1.0
        assert read_lyrics(path, format_name="txt").words[0].start_s is None
    path.write_text("#1: a list\n1 2 three\n")
    assert read_lyrics(path).words[0].start_s is None
    write_lyrics(path, DUET, form=AssFormat(tag="ko"))
    assert r"\ko50" in path.read_text("utf-8")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_long_files_take_reasonable_time(name: str) -> None:
    """Thousands of lines: quadratic work would take minutes."""
    count = 200 if name == "musicxml" else 2000
    song = Lyrics(tuple(Line((Word("la", float(i), i + 0.5), Word("lu", i + 0.5, i + 1.0))) for i in range(count)))
    back = text_format(name).read_bytes(text_format(name).write_bytes(song), "long")
    assert len(back.words) == 2 * count
