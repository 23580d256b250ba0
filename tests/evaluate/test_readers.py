"""Annotations from files, and the words for those that are none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from descant.errors import DescantError, InputNotFound, InvalidAudio, ScoreReadError, TextReadError
from descant.evaluate.readers import (
    read_beats,
    read_key,
    read_notes,
    read_pitch_track,
    read_timed_chords,
    read_timed_lyrics,
)
from descant.score.harmony import Chord, Key
from descant.score.midi import write_midi
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap

ANALYSIS = {
    "key": "A minor",
    "beats": [{"time_s": 0.5, "position": 1}, {"time_s": 1.0, "position": 2}],
    "chords": [{"start_s": 0.0, "end_s": 2.0, "chord": "A:min", "symbol": "Am"}],
}


BEATS_BELOW_ZERO = '{"beats": [{"time_s": -1, "position": 1}, {"time_s": 1, "position": 2}]}'
CHORD_BELOW_ZERO = '{"chords": [{"start_s": -1, "end_s": 1, "chord": "C"}]}'


def _file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_notes_of_a_score_are_in_seconds_and_without_drums(tmp_path: Path) -> None:
    drums = Track("drums", (Note(0.0, 0.1, 36),), is_drum=True)
    score = Score((Track("melody", (Note(2.0, 1.0, 60), Note(0.0, 1.0, 62))), drums), TempoMap.constant(120))
    path = write_midi(tmp_path / "song.mid", score)
    notes = read_notes(path)
    assert [(round(n.start_s, 3), round(n.end_s, 3), n.pitch) for n in notes] == [(0.0, 0.5, 62.0), (1.0, 1.5, 60.0)]


def test_an_analysis_gives_beats_chords_and_key(tmp_path: Path) -> None:
    path = _file(tmp_path, "song.json", json.dumps(ANALYSIS))
    assert read_beats(path).times_s == (0.5, 1.0)
    assert read_timed_chords(path) == ((0.0, 2.0, Chord(9, "min")),)
    assert read_key(path) == Key(9, "minor")


def test_lab_and_csv_chords(tmp_path: Path) -> None:
    text = "# a comment\n0.0 1.5 C:maj\n1.5\t2.0\tN\n\n2.0, 3.0, Am7\n"
    expected = ((0.0, 1.5, Chord(0)), (1.5, 2.0, Chord(None)), (2.0, 3.0, Chord(9, "min7")))
    assert read_timed_chords(_file(tmp_path, "a.lab", text)) == expected
    assert read_timed_chords(_file(tmp_path, "b.csv", "start_s,end_s,chord\n0,1,G\n")) == ((0.0, 1.0, Chord(7)),)


@pytest.mark.parametrize(
    "text",
    [
        "0 1.5 C:maj(9,11)\n",  # a comma that separates nothing
        "0\t1.5\tC:maj(9,11)\n",
        '0;1.5;"C:maj(9,11)"\n',
        "start time,end time,chord\n0 ,1.5 ,C:maj(9)\n",
    ],
)
def test_labels_with_commas_and_columns_with_spaces(text: str, tmp_path: Path) -> None:
    assert read_timed_chords(_file(tmp_path, "a.lab", text)) == ((0.0, 1.5, Chord(0)),)


@pytest.mark.parametrize(
    "text",
    [
        "onset,offset,pitch\n0.5,1.0,69\n1.0,2.0,57\n",
        "pitch,velocity,onset_s,duration_s\n69,,0.5,0.5\n57,80,1.0,1.0\n",
        "Start\tEnd\tFrequency\n0.5\t1.0\t440\n1.0\t2.0\t220\n",
        "start;end;hz\n0.5;1.0;440\n1.0;2.0;220\n",
        "when until what\n0.5 1.0 440\n1.0 2.0 220\n",  # names that say nothing: by place
        "# by hand\n\n0.5,440,0.5\n1.0,220,1.0,\n",
    ],
)
def test_note_lists_with_and_without_a_heading(text: str, tmp_path: Path) -> None:
    notes = read_notes(_file(tmp_path, "a.csv", text))
    assert [(n.start_s, n.end_s, round(n.pitch, 6)) for n in notes] == [(0.5, 1.0, 69.0), (1.0, 2.0, 57.0)]


def test_values_above_128_are_hz_where_nothing_is_named(tmp_path: Path) -> None:
    (low,) = read_notes(_file(tmp_path, "a.csv", "0,1,130.8128\n"))
    assert low.pitch == pytest.approx(48.0, abs=1e-4)
    (key,) = read_notes(_file(tmp_path, "b.csv", "0,1,127\n"))
    assert key.pitch == 127.0


def test_a_named_frequency_is_one_also_below_128_hz(tmp_path: Path) -> None:
    (note,) = read_notes(_file(tmp_path, "a.csv", "onset,offset,frequency_hz\n0,1,110\n"))
    assert note.pitch == pytest.approx(45.0)


def test_one_heading_is_skipped_in_every_table(tmp_path: Path) -> None:
    assert read_beats(_file(tmp_path, "b.csv", "Time;Bar position\n0.5;2\n1.0;3\n")).bar_positions == (2, 3)
    assert read_pitch_track(_file(tmp_path, "p.tsv", "Time\tF0\n0.5\t220\n")).f0_hz.tolist() == [220.0]
    chords = read_timed_chords(_file(tmp_path, "c.tsv", "Start\tEnd\tChord\n0\t1\tAm\n"))
    assert chords == ((0.0, 1.0, Chord(9, "min")),)


def test_repeats_in_lrc_may_stand_anywhere(tmp_path: Path) -> None:
    above = "[00:05.00][00:20.00]la la\n[00:10.00]one two\n[00:15.00]three\n"
    below = "[00:10.00]one two\n[00:15.00]three\n[00:05.00][00:20.00]la la\n"
    for text in (above, below):
        lyrics = read_timed_lyrics(_file(tmp_path, "a.lrc", text))
        assert [line.start_s for line in lyrics.lines] == [5.0, 10.0, 15.0, 20.0]
    together = read_timed_lyrics(_file(tmp_path, "b.lrc", "[00:05.00]one\n[00:05.00]two\n"))
    assert [line.start_s for line in together.lines] == [5.0, 5.0]  # two voices


def test_keys(tmp_path: Path) -> None:
    assert read_key(_file(tmp_path, "a.txt", "Eb major\n")) == Key(3, "major")
    assert read_key(_file(tmp_path, "b.txt", "F#:min")) == Key(6, "minor")
    assert read_key(_file(tmp_path, "c.txt", "")) is None
    assert read_key(_file(tmp_path, "d.txt", "none\n")) is None


def test_pitch_with_and_without_voicing(tmp_path: Path) -> None:
    plain = read_pitch_track(_file(tmp_path, "a.csv", "0.00,220\n0.01,0\n0.02,-110\n"))
    np.testing.assert_array_equal(plain.voiced, [True, False, False])
    np.testing.assert_array_equal(plain.f0_hz, [220.0, 0.0, 110.0])  # a negative frequency is an unvoiced guess
    text = "time_s,f0_hz,confidence,voiced\n0.0,220.0,0.9,1\n0.01,221.0,0.2,0\n0.02,0,0.1,1\n"
    ours = read_pitch_track(_file(tmp_path, "b.csv", text))
    np.testing.assert_array_equal(ours.voiced, [True, False, False])  # what has no frequency is not voiced
    np.testing.assert_array_equal(ours.confidence, [0.9, 0.2, 0.1])


def test_words_of_a_table(tmp_path: Path) -> None:
    table = _file(tmp_path, "a.csv", 'start,end,word\n1.0,1.5,"Hello,"\n2.0,,world\n')
    lyrics = read_timed_lyrics(table)
    assert [(w.text, w.start_s, w.end_s) for w in lyrics.words] == [("Hello,", 1.0, 1.5), ("world", 2.0, None)]
    quoted = read_timed_lyrics(_file(tmp_path, "q.csv", 'word,start\n"one, two",1.0\n\n three ,2.0\n'))
    assert [(w.text, w.start_s) for w in quoted.words] == [("one, two", 1.0), ("three", 2.0)]
    jamendo = read_timed_lyrics(_file(tmp_path, "b.csv", "word_start,word_end,line_end\n1.0,1.5,nan\n2.0,2.5,2.5\n"))
    assert [w.start_s for w in jamendo.words] == [1.0, 2.0]
    assert jamendo.lines[0].end_s == 2.5
    plain = read_timed_lyrics(_file(tmp_path, "p.csv", "\n1.0,1.5,Hello\n2.0,2.25,world\n"))
    assert [(w.text, w.start_s, w.end_s) for w in plain.words] == [("Hello", 1.0, 1.5), ("world", 2.0, 2.25)]
    assert [w.start_s for w in read_timed_lyrics(_file(tmp_path, "s.csv", "1.0\n2.5\n")).words] == [1.0, 2.5]
    assert not read_timed_lyrics(_file(tmp_path, "e.csv", "\n")).words
    assert read_timed_lyrics(_file(tmp_path, "c.lrc", "[00:01.00]one two\n")).text == "one two"


@pytest.mark.parametrize(
    ("read", "name", "text", "expected", "said"),
    [
        (read_timed_chords, "x.lab", "0 1 C\n1 2\n", ScoreReadError, "line 2"),
        (read_timed_chords, "x.lab", "0 1 C\n1 nan C\n", ScoreReadError, "line 2"),
        (read_timed_chords, "x.lab", "0 1 C:strange\n", ScoreReadError, "line 1"),
        (read_timed_chords, "x.json", '{"beats": []}', ScoreReadError, "'chords' is missing"),
        (read_timed_chords, "x.json", "{", ScoreReadError, "not an analysis"),
        (read_key, "x.txt", "H major", ScoreReadError, "'H major' is not a key"),
        (read_key, "x.json", "{}", ScoreReadError, "'key' is missing"),
        (read_beats, "x.txt", "1\n1\n", ScoreReadError, "line 2: the time, 1 s, is not after"),
        (read_beats, "x.txt", "# beats\n-1\n0\n1\n", ScoreReadError, "line 2: the time, -1 s, lies before 0 s"),
        (read_beats, "x.txt", "inf\n1\n2\n", ScoreReadError, "line 1: the time is no number"),
        (read_beats, "x.txt", "time\nbeat\n1\n2\n", ScoreReadError, "line 2: the time is no number"),
        (read_beats, "x.txt", "1\n", ScoreReadError, "fewer than two beats"),
        (read_beats, "x.json", BEATS_BELOW_ZERO, ScoreReadError, "beat 1: the time, -1 s, lies before 0 s"),
        (read_beats, "x.json", '{"beats": [{"time_s": 1, "position": 1e999}]}', ScoreReadError, "not an analysis"),
        (read_key, "x.txt", "C major\n\nG major\n", ScoreReadError, "line 3: a second key"),
        (read_key, "x.key", "none\nG major\n", ScoreReadError, "line 2: a second key"),
        (read_timed_chords, "x.lab", "-1 1 C\n", ScoreReadError, "line 1: the chord lasts from -1 to 1 s"),
        (read_timed_chords, "x.lab", "0 1 C\n2 2 C\n", ScoreReadError, "line 2: the chord lasts from 2 to 2 s"),
        (read_timed_chords, "x.lab", "0 2 C\n1 2 C\n", ScoreReadError, "Chord 2 starts at 1 s, before"),
        (read_timed_chords, "x.json", CHORD_BELOW_ZERO, ScoreReadError, "Chord 1 lasts from -1 to 1 s"),
        (read_pitch_track, "x.csv", "-0.1,220\n0.1,220\n", InvalidAudio, "line 1: the time, -0.1 s, lies before 0 s"),
        (read_pitch_track, "x.csv", "t,f\n0.1,220\n0.1,220\n", InvalidAudio, "line 3: the time, 0.1 s, is not after"),
        (read_pitch_track, "x.csv", "0.1,220\n0.2,44100\n", InvalidAudio, "line 2: the frequency, 44100 Hz, is not"),
        (read_pitch_track, "x.csv", "0.1,220,high\n", InvalidAudio, "line 1: the confidence"),
        (read_pitch_track, "x.csv", "0.1,220,1,yes\n", InvalidAudio, "line 1: the voicing"),
        (read_pitch_track, "x.csv", "0.1,220,,1\n", InvalidAudio, "line 1: the confidence"),
        (read_pitch_track, "x.csv", "0.1\n", InvalidAudio, "line 1: the frequency"),
        (read_pitch_track, "x.csv", "time,hz\nand,more\n0.1,220\n", InvalidAudio, "line 2: the time"),
        (read_timed_lyrics, "x.lrc", "[00:02.00]two\n[00:01.00]one\n", TextReadError, "Line 2, at 1 s, stands below"),
        (read_timed_lyrics, "x.csv", "start,word\n2,la\n1,lo\n", TextReadError, "Line 3: the start, 1 s, is before"),
        (read_timed_lyrics, "x.csv", "start,word\n1," + "a" * 200_000, TextReadError, "field larger than"),
        (read_notes, "x.csv", "-1,1,60\n", ScoreReadError, "line 1: the start, -1 s, lies before 0 s"),
        (read_notes, "x.csv", "onset,offset,midi\n0,1,60\n1,2,600\n", ScoreReadError, "line 3: the pitch is no MIDI"),
        (read_notes, "x.csv", "onset,offset,hz\n0,1,44100\n", ScoreReadError, "line 2: the pitch is no MIDI number"),
        (read_notes, "x.csv", "onset,offset,hz\n0,1,0\n", ScoreReadError, "line 2: the pitch is no MIDI number"),
        (read_notes, "x.csv", "onset,offset,midi\n1,1,60\n", ScoreReadError, "line 2: the end, 1 s, is not after"),
        (read_notes, "x.csv", "onset,midi\n1,60\n", ScoreReadError, "no column is named as the end"),
        (read_notes, "x.csv", "onset,offset,midi\n1,2,\n", ScoreReadError, "line 2, the pitch is no number"),
        (read_notes, "x.csv", "a,b,c\n", ScoreReadError, "not a list of notes"),
        (read_pitch_track, "x.csv", "0.0,220\n0.1,nan\n", InvalidAudio, "line 2: the frequency"),
        (read_pitch_track, "x.csv", "0.0,220\nx,220\n", InvalidAudio, "line 2: the time"),
        (read_pitch_track, "x.csv", "time,hz\n", InvalidAudio, "no frames"),
        (read_timed_lyrics, "x.csv", "a,b\n1,2\n", TextReadError, "Line 1: no column"),
        (read_timed_lyrics, "x.csv", "start,word\nsoon,la\n", TextReadError, "Line 2: the start"),
        (read_timed_lyrics, "x.csv", "start,word\n-1,la\n", TextReadError, "impossible time"),
        (read_timed_lyrics, "x.csv", "start,word\n1,la\n\n0.5;lo\n", TextReadError, "Line 4: the start"),
        (read_timed_lyrics, "x.json", "[]", TextReadError, "lines"),
        (read_notes, "x.mid", "no midi", ScoreReadError, "x.mid"),
        (read_notes, "x.csv", "0,1\n", ScoreReadError, "not a list of notes"),
    ],
)
def test_what_cannot_be_read_names_the_file(
    read: object, name: str, text: str, expected: type[DescantError], said: str, tmp_path: Path
) -> None:
    path = _file(tmp_path, name, text)
    with pytest.raises(expected, match=said) as caught:
        read(path)  # type: ignore[operator]
    assert str(path) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "read", [read_beats, read_key, read_notes, read_pitch_track, read_timed_chords, read_timed_lyrics]
)
def test_what_is_not_there_or_no_text(read: object, tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        read(tmp_path / "nowhere.csv")  # type: ignore[operator]
    binary = tmp_path / "x.csv"
    binary.write_bytes(b"\xff\xfe\x00\xd8")
    with pytest.raises(DescantError, match=r"x\.csv"):
        read(binary)  # type: ignore[operator]


@pytest.mark.parametrize(
    "text", ["hello world foo bar\nno numbers here\n", "nan 3 C\n3 4 G\n", "start end chord\nx 3 C\n"]
)
def test_only_one_heading_of_chords_is_forgiven(tmp_path: Path, text: str) -> None:
    path = tmp_path / "song.lab"
    path.write_text(text)
    with pytest.raises(ScoreReadError, match="line"):
        read_timed_chords(path)
