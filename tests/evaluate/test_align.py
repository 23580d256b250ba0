"""`evaluate align` from files and song sets to its report: what is averaged how, who sees what, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.cli.app import run
from descant.data.sets.item import Later, known
from descant.errors import InputNotFound, InvalidOption, NothingHeard, TextReadError
from descant.evaluate import align_baselines
from descant.evaluate.align import AlignedSystem, align_files, align_set, evenly, judge
from descant.evaluate.align_baselines import (
    CONTENDERS,
    Contender,
    contenders,
    spread_from_line_starts,
    spread_in_lines,
    spread_over_song,
    untimed,
    with_line_bounds,
    with_line_starts,
)
from descant.evaluate.align_report import align_report
from descant.evaluate.align_songs import TimedSong, song_set
from descant.evaluate.report import Table
from descant.evaluate.statistics import Interval
from descant.text.formats import write_lyrics
from descant.text.lyrics import Line, Lyrics, Word
from miniature_sets import build_jamendo

RATE = 8_000
FREE = ("even", "line-starts", "lines")
"""Contenders without weights."""


def timed(*lines: str, start_s: float = 1.0, step_s: float = 0.5, language: str = "") -> Lyrics:
    """A word every half second, each 0.4 s long."""
    at = iter(np.arange(1_000) * step_s + start_s)
    return Lyrics(
        tuple(Line(tuple(Word(w, t, t + 0.4) for w, t in zip(line.split(), at, strict=False))) for line in lines),
        language,
    )


def late(lyrics: Lyrics, seconds: float) -> Lyrics:
    return lyrics.with_lines(
        Line(tuple(Word(w.text, (w.start_s or 0.0) + seconds, (w.end_s or 0.0) + seconds) for w in line.words))
        for line in lyrics.lines
    )


def table(tables: tuple[Table, ...], title: str) -> dict[object, dict[str, object]]:
    found = next(each for each in tables if title in each.title)
    return {row[0]: dict(zip(found.columns[1:], row[1:], strict=True)) for row in found.rows}


def song(name: str, lyrics: Lyrics, **more: object) -> TimedSong:
    return TimedSong(name, Path(name), known(lyrics), **more)  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Songs beside their lyrics: a reference in JSON, one in CSV without words."""
    folder = tmp_path / "songs"
    folder.mkdir()
    write(folder / "one.wav", Clip(np.full((1, 8 * RATE), 0.1, np.float32), RATE))
    write(folder / "two.flac", Clip(np.full((1, 6 * RATE), 0.1, np.float32), RATE))
    write_lyrics(folder / "one.reference.json", timed("Hello there,", "my old friend", language="en"))
    (folder / "one.txt").write_text("hello there\nmy old friend\n", encoding="utf-8")
    (folder / "two.reference.csv").write_text("start,end\n1,1.4\n2,2.5\n4,4.5\n", encoding="utf-8")
    (folder / "two.txt").write_text("la la\nlee\n", encoding="utf-8")
    return folder


# --- over songs -------------------------------------------------------------------------------------------------


def test_a_long_song_counts_as_much_as_a_short_one() -> None:
    long, short = timed(" ".join(["la"] * 90)), timed("la la")
    songs = (song("long", long), song("short", short))
    system = AlignedSystem("x", {"long": judge(long, late(long, 1.0)), "short": judge(short, short)})
    found = table(align_report(songs, [system], "c").tables, "means over songs")["AAE"]["x"]
    assert isinstance(found, Interval)
    assert found.value == pytest.approx(0.5)  # over words it would be 0.98


def test_a_lost_song_of_seven_seconds_moves_twenty_by_a_third() -> None:
    text = timed("la la la la")
    songs = tuple(song(f"{number:02}", text) for number in range(20))
    scores = {each.name: judge(text, late(text, 0.1)) for each in songs} | {"07": judge(text, late(text, 7.03))}
    row = table(align_report(songs, [AlignedSystem("x", scores)], "c").tables, "what makes it")["x"]
    assert row["AAE"] == pytest.approx(0.1 + (7.03 - 0.1) / 20)
    assert row["AAE without it"] == pytest.approx(0.1)
    assert (row["worst song"], row["worst song's AAE"]) == ("07", pytest.approx(7.03))
    median = row["median over songs"]
    assert isinstance(median, Interval)
    assert median.value == pytest.approx(0.1)
    assert row["bias over songs"] == pytest.approx(0.1)
    assert row["AAE without bias"] == pytest.approx(6.93 / 20)


def test_languages_and_kinds_have_rows_of_their_own() -> None:
    text = timed("la la la")
    songs = (
        song("a", text, language="en", kinds=("Pop",)),
        song("b", text, language="fr", kinds=("Pop", "Polyphonic")),
    )
    system = AlignedSystem("x", {"a": judge(text, text), "b": judge(text, late(text, 0.2))})
    tables = align_report(songs, [system], "c").tables
    errors = {kind: table(tables, title)[kind]["AAE"] for title, kind in (
        ("language", "en"), ("language", "fr"), ("genre", "Pop"), ("genre", "Polyphonic"),
    )}  # fmt: skip
    values = {kind: each.value for kind, each in errors.items() if isinstance(each, Interval)}
    assert values == pytest.approx({"en": 0.0, "fr": 0.2, "Pop": 0.1, "Polyphonic": 0.2})


# --- one song ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("one two three five", "part at word 4, after 'one two three': 'four' in the reference and 'five' in the est"),
        ("one two three", "'four' in the reference and nothing in the estimate .4 words in the reference, 3 in"),
        ("zero two three four", "at the start"),
        ("one two three four five", "nothing in the reference and 'five' in the estimate"),
    ],
)
def test_texts_that_differ_are_refused_where_they_part(found: str, said: str) -> None:
    with pytest.raises(TextReadError, match=said):
        judge(timed("one two", "three four"), timed(found))


def test_untimed_words_are_named() -> None:
    found = Lyrics((Line((Word("one", 1.0), Word("two"))),))
    with pytest.raises(TextReadError, match="Word 2 of the estimate, 'two', has no time"):
        judge(timed("one two"), found)
    with pytest.raises(TextReadError, match="no words"):
        judge(Lyrics(), Lyrics())


def test_a_delay_is_added_and_held_at_zero() -> None:
    text = timed("one two", start_s=0.1)
    assert judge(text, text, delay_s=0.25).scores["AAE"] == pytest.approx(0.25)
    early = judge(text, text, delay_s=-0.3)
    assert early.errors_s == pytest.approx([-0.1, -0.3])
    assert early.scores["ends AAE"] == pytest.approx(0.3)


# --- baselines --------------------------------------------------------------------------------------------------


def test_what_contenders_are_shown() -> None:
    text = timed("one two", "three")
    assert not any(word.start_s is not None for word in untimed(text).words)
    assert untimed(text).lines[0].start_s is None
    assert [(line.start_s, line.end_s) for line in with_line_starts(text).lines] == [(1.0, None), (2.0, None)]
    assert [(line.start_s, line.end_s) for line in with_line_bounds(text).lines] == [(1.0, 1.9), (2.0, 2.4)]
    assert not any(word.start_s is not None for word in with_line_bounds(text).words)


def test_letters_share_the_time() -> None:
    clip = Clip(np.zeros((1, 10 * RATE), np.float32), RATE)
    words = spread_over_song(clip, Lyrics.from_text("aaaa\nbb cc")).words  # 4 + 1 + 2 + 1 + 2 letters and spaces
    assert [word.start_s for word in words] == pytest.approx([0.0, 5.0, 8.0])
    assert [word.end_s for word in words] == pytest.approx([4.0, 7.0, 10.0])


def test_lines_keep_their_given_times() -> None:
    clip = Clip(np.zeros((1, 10 * RATE), np.float32), RATE)
    text = Lyrics((Line((Word("a"), Word("b")), 1.0, 2.5), Line(()), Line((Word("c"),), 4.0, 5.0)))
    inside = spread_in_lines(clip, text).words
    assert [(w.start_s, w.end_s) for w in inside] == [
        (pytest.approx(1.0), pytest.approx(1.5)), (pytest.approx(2.0), pytest.approx(2.5)), (4.0, pytest.approx(5.0)),
    ]  # fmt: skip
    following = spread_from_line_starts(clip, text).words
    assert [w.start_s for w in following] == pytest.approx([1.0, 3.0, 4.0])
    assert following[-1].end_s == pytest.approx(7.0)  # as long as the line before it


spans = st.lists(st.tuples(st.floats(0.01, 5.0), st.floats(0.0, 3.0)), min_size=1, max_size=6)


@given(st.lists(st.text("ab", min_size=1, max_size=9), min_size=1, max_size=30), spans)
def test_words_over_spans_rise_and_stay_inside(texts: list[str], lengths: list[tuple[float, float]]) -> None:
    bounds, at = [], 0.0
    for sounding, silent in lengths:
        bounds.append((at + silent, at + silent + sounding))
        at += silent + sounding
    words = align_baselines._placed([Word(text) for text in texts], bounds)
    starts = np.array([word.start_s for word in words], float)
    assert starts[0] == pytest.approx(bounds[0][0])
    assert words[-1].end_s == pytest.approx(bounds[-1][1])
    assert (np.diff(starts) >= 0).all()
    assert all(any(a - 1e-6 <= start <= b + 1e-6 for a, b in bounds) for start in starts)


def test_an_unknown_aligner_is_refused() -> None:
    assert [each.name for each in contenders(())] == list(CONTENDERS)
    with pytest.raises(InvalidOption, match="no aligner 'magic'"):
        contenders(("magic",))
    with pytest.raises(InvalidOption, match="twice"):
        contenders(("even", "even"))


# --- song sets --------------------------------------------------------------------------------------------------


def test_songs_side_by_side(place: Path) -> None:
    one, two = song_set(place)
    assert (one.name, two.name) == ("one", "two")
    assert [word.text for word in two.reference().words] == ["la", "la", "lee"]
    assert [len(line.words) for line in two.reference().lines] == [2, 1]
    systems = align_set((one, two), contenders(FREE))
    assert all(list(system.songs) == ["one", "two"] for system in systems)
    errors = [np.mean([score.scores["AAE"] for score in system.songs.values()]) for system in systems]
    assert errors[0] > errors[1] > errors[2]
    (place / "two.txt").write_text("la la la lee\n", encoding="utf-8")
    with pytest.raises(TextReadError, match=r"times 3 words, .* has 4"):
        song_set(place)[1].reference()


def test_jamendo_in_both_editions(tmp_path: Path) -> None:
    build_jamendo(tmp_path)
    (found,) = song_set(tmp_path)
    assert (found.name, found.language, found.kinds) == ("Avercage_-_Embers", "en", ("Metal", "Polyphonic"))
    assert found.audio is not None
    (tmp_path / "JamendoLyrics.csv").unlink()  # the first edition, without its audio
    (tmp_path / "mp3" / "Avercage_-_Embers.mp3").unlink()
    times = tmp_path / "annotations" / "words" / "Avercage_-_Embers.csv"
    times.write_text("word_start,line_end\n13.1,nan\n13.4,14.0\n15.25,15.5\n", encoding="utf-8")
    (found,) = song_set(tmp_path)
    assert [(w.text, w.start_s, w.end_s) for w in found.reference().words] == [
        ("you", 13.1, None), ("watch", 13.4, 14.0), ("me", 15.25, 15.5),
    ]  # fmt: skip
    with pytest.raises(InputNotFound, match="has no recording"):
        align_set((found,), contenders(FREE))
    estimate = tmp_path / "stoller_model"
    estimate.mkdir()
    (estimate / "Avercage_-_Embers_align.csv").write_text("13.0,13.2\n13.3,13.5\n15.0,15.5\n", encoding="utf-8")
    songs, (system,) = align_files(tmp_path, [estimate], delay_s=0.1)
    assert system.songs[songs[0].name].errors_s == pytest.approx([0.0, 0.0, -0.15])
    (estimate / "Avercage_-_Embers_align.csv").rename(estimate / "other.csv")
    with pytest.raises(InputNotFound, match="has no partner"):
        align_files(tmp_path, [estimate])


def test_a_refused_song_is_counted_and_named(place: Path) -> None:
    def picky(clip: Clip, lyrics: Lyrics) -> Lyrics:
        if clip.duration_s < 7.0:
            raise NothingHeard("Nobody sings.")
        return spread_over_song(clip, lyrics)

    songs = song_set(place)
    (system,) = align_set(songs, [Contender("picky", "picky", lambda: picky)])
    assert (list(system.songs), system.refused) == (["one"], {"two": "Nobody sings."})
    report = align_report(songs, [system], "c")
    assert table(report.tables, "what makes it")["picky"]["refused"] == 1
    assert any("refused two" in note and "Nobody sings." in note for note in report.notes)


def test_an_aligner_never_sees_a_true_time(place: Path) -> None:
    seen: list[Lyrics] = []

    def spy(clip: Clip, lyrics: Lyrics) -> Lyrics:
        seen.append(lyrics)
        return spread_over_song(clip, lyrics)

    align_set(song_set(place), [Contender("spy", "spy", lambda: spy)])
    assert [lyrics.text for lyrics in seen] == ["hello there\nmy old friend", "la la\nlee"]
    assert not any(line.start_s is not None or line.end_s is not None for lyrics in seen for line in lyrics.lines)


def test_a_part_of_a_set_is_spread_over_it() -> None:
    songs = [TimedSong(str(n), Path(), Later(Lyrics)) for n in range(10)]
    assert [each.name for each in evenly(songs, 4)] == ["0", "2", "5", "7"]
    assert len(evenly(songs, None)) == len(evenly(songs, 99)) == 10


# --- the command ------------------------------------------------------------------------------------------------


def test_from_a_folder_of_songs_to_the_report(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    given = ["evaluate", "align", "--data", str(place), "--aligner", ",".join(FREE), "-o", str(out), "-q", "--plots"]
    assert run(given) == 0
    printed = capsys.readouterr().out
    assert "`descant evaluate align --data songs --aligner even,line-starts,lines --seed 0`" in printed
    assert "true lines, spread inside against spread over the song" in printed
    report = json.loads((out / "align.json").read_text(encoding="utf-8"))
    assert [picture["file"] for picture in report["pictures"]] == ["align.png", "align_errors.png"]
    assert all((out / picture["file"]).stat().st_size > 5_000 for picture in report["pictures"])
    assert (out / "align.md").read_text(encoding="utf-8").strip() in printed


def test_files_against_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = timed("one two three")
    for folder, shift in (("true", 0.0), ("good", 0.05), ("bad", 2.0)):
        (tmp_path / folder).mkdir()
        write_lyrics(tmp_path / folder / "song.json", late(text, shift))
    reference = ["evaluate", "align", "--reference", str(tmp_path / "true"), "-q"]
    assert run([*reference, "--estimate", str(tmp_path / "good"), str(tmp_path / "bad")]) == 0
    printed = capsys.readouterr().out
    assert "| AAE | 0.050 | 2.000 |" in printed
    assert "**bad against good**" in printed
    write_lyrics(tmp_path / "good" / "song.json", timed("one too three"))
    assert run([*reference, "--estimate", str(tmp_path / "good")]) == TextReadError.code
    said = capsys.readouterr().err
    assert "good/song.json" in said
    assert "part at word 2" in said


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["--reference", "a"],
        ["--estimate", "a"],
        ["--reference", "a", "--estimate", "b", "--data", "c"],
        ["--reference", "a", "--estimate", "b", "--songs", "3"],
        ["--data", "c", "--songs", "0"],
        ["--data", "c", "--aligner", "magic"],
        ["--data", ".", "--split", "test"],
    ],
)
def test_what_cannot_be_meant_is_refused(given: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["evaluate", "align", "-q", *given]) == InvalidOption.code


def test_an_impossible_delay_is_refused(place: Path) -> None:
    assert run(["evaluate", "align", "-q", "--data", str(place), "--delay", "99"]) == InvalidOption.code
    assert run(["evaluate", "align", "-q", "--data", str(place / "none")]) == InputNotFound.code
