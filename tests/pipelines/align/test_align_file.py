"""A real song's excerpt, from the file to timed words: the words are those that its singer is heard to sing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

from descant import verbs
from descant.align.api import ENOUGH, Aligner
from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.errors import (
    Cancelled,
    DescantError,
    InvalidOption,
    NothingHeard,
    OutputError,
    OutputIsInput,
    TextReadError,
)
from descant.hub.store import fetch
from descant.pipelines.align.api import AlignedFile, UnsungWords, UnsureLine, align_file
from descant.pipelines.align.options import AlignFileOptions
from descant.pipelines.karaoke.words import timed_lyrics
from descant.progress import CancelToken, Progress
from descant.text.formats import read_lyrics, write_lyrics
from descant.text.lyrics import Lyrics

pytestmark = pytest.mark.weights

TEXT = "[Verse 1]\nIt always seems like\ntime stands still when\nI'm with you\n"
WORDS = ["It", "always", "seems", "like", "time", "stands", "still", "when", "I'm", "with", "you"]


@pytest.fixture(scope="module", autouse=True)
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this module's own for what is kept, so that everything is done once and nothing is left over."""
    place = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        for module in ("vocals", "align.listening"):
            patch.setattr(f"descant.pipelines.{module}.cache_folder", lambda: place)
        yield place / "steps"


@pytest.fixture(scope="module")
def song() -> Path:
    return fetch("song-excerpt") / "song.mp3"


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("words") / "words.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def events() -> list[Progress]:
    """What the first alignment says while it works."""
    return []


@pytest.fixture(scope="module")
def aligned(song: Path, words: Path, events: list[Progress], tmp_path_factory: pytest.TempPathFactory) -> AlignedFile:
    return align_file(song, words, tmp_path_factory.mktemp("out"), progress=events.append)


@pytest.fixture(scope="module")
def vocals(aligned: AlignedFile, steps: Path) -> Path:
    (found,) = steps.glob("*/vocals.flac")
    return found


def _starts(lyrics: Lyrics) -> np.ndarray:
    return np.array([word.start_s for word in lyrics.words], float)


def test_words_syllables_and_notes_have_times(aligned: AlignedFile) -> None:
    lyrics = aligned.lyrics
    assert [word.text for word in lyrics.words] == WORDS
    starts = _starts(lyrics)
    assert (np.diff(starts) > 0).all()
    # CTranslate2's own word times of what it recognizes there ("It" apart, which it hears a second too early).
    recognized = np.array([2.74, 3.04, 3.58, 4.10, 4.58, 5.04, 5.68, 6.20, 8.24, 8.36])
    assert np.median(np.abs(starts[1:] - recognized)) < 0.35
    assert 0.6 < aligned.fit <= 1.0
    for word in lyrics.words:
        assert word.end_s is not None
        assert word.confidence is not None
        assert "".join(syllable.text for syllable in word.syllables) == word.text
    notes = [note for word in lyrics.words for syllable in word.syllables for note in syllable.notes]
    assert len(notes) >= len(WORDS) - 2
    assert all(50 <= note.pitch <= 80 for note in notes)
    assert aligned.sheet_notes == ("Line 1 is a header: [Verse 1]",)


def test_each_stage_says_once_what_happens(aligned: AlignedFile, events: list[Progress]) -> None:
    stages = [stage for stage, _ in groupby(event.stage for event in events)]
    assert [stage for stage in stages if not stage.startswith("fetching")] == [
        "reading the files",
        "separating",
        "listening to the voice",
        "following the words in the voice",
        *(
            ["listening to the song as it is", "following the words in the song as it is"]
            if aligned.fit < ENOUGH
            else []
        ),
        "listening for the notes",
        "finished",
    ]
    assert [event.fraction for event in events] == sorted(event.fraction for event in events)


def test_an_unsure_line_says_where_it_is() -> None:
    said = str(UnsureLine(14, "I put up the window and my hat", 123.9, 0.309))
    assert said == "line 14 'I put up the window and my hat' at 2:03 is unsure (0.31)"
    assert "'a a a a a a a a a a a a a a a...'" in str(UnsureLine(1, "a " * 30, 0.0, 0.1))


def test_words_that_were_not_heard_are_told_by_their_rows() -> None:
    assert str(UnsungWords((1, 1), "My Song")) == "not heard, left out: line 1 'My Song'"
    assert str(UnsungWords((7, 7), "(ooh)", is_part=True)) == "not heard, left out: '(ooh)' of line 7"
    long = UnsungWords((5, 8), "so many words that nobody ever sang")
    assert str(long) == "not heard, left out: lines 5 to 8, the first 'so many words that nobody ever...'"


def test_a_title_and_a_verse_that_nobody_sings(song: Path, aligned: AlignedFile, tmp_path: Path) -> None:
    """They are in no file but JSON, from which the song can be aligned again as a whole."""
    pasted = "The Great Unknown\nWords and music: Thomas Brown\n\n"
    missing = "\nevery garden is covered\nby the snow of November\n"
    words = tmp_path / "words.txt"
    words.write_text(pasted + TEXT + missing)
    found = align_file(song, words, tmp_path, AlignFileOptions(formats=("json", "srt", "lrc")))
    assert [str(each) for each in found.unsung] == [
        "not heard, left out: lines 1 to 2, the first 'The Great Unknown'",
        "not heard, left out: lines 9 to 10, the first 'every garden is covered'",
    ]
    assert found.unsure == aligned.unsure == ()
    assert [word.text for word in found.lyrics.words] == WORDS
    assert np.abs(_starts(found.lyrics) - _starts(aligned.lyrics)).max() < 0.1
    for path in found.paths[1:]:
        assert "Unknown" not in path.read_text()
        assert "November" not in path.read_text()
    back = read_lyrics(found.paths[0])
    assert [line.unsung for line in back.lines] == [line.unsung for line in found.lyrics.lines]
    again = align_file(song, found.paths[0], tmp_path / "again", AlignFileOptions(formats=("srt",)))
    assert [each.text for each in again.unsung] == [each.text for each in found.unsung]


def test_a_line_that_was_not_heard_is_placed_by_a_correction(song: Path, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text(f"The Great Unknown\n{TEXT}")
    found = align_file(song, words, tmp_path, AlignFileOptions(anchors=("0.3 great unknown",)))
    assert found.unsung == ()
    assert found.lyrics.words[1].start_s == pytest.approx(0.3, abs=0.011)
    assert [line.row for line in found.unsure] == [1]


def test_what_is_written_is_what_was_found(aligned: AlignedFile) -> None:
    assert [path.name for path in aligned.paths] == ["song.elrc", "song.json"]
    back = read_lyrics(aligned.paths[1])
    assert _starts(back) == pytest.approx(_starts(aligned.lyrics), abs=2e-3)
    assert back.lines[0].confidence == pytest.approx(aligned.lyrics.lines[0].confidence, abs=1e-3)
    assert back.words[2].syllables[0].notes
    assert _starts(read_lyrics(aligned.paths[0])) == pytest.approx(_starts(aligned.lyrics), abs=0.011)


def test_a_correction_listens_to_nothing_again(
    song: Path, words: Path, aligned: AlignedFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(*_: object, **__: object) -> None:
        raise AssertionError("listened again")

    for name in ("hear", "read"):
        monkeypatch.setattr(Aligner, name, deaf)
    monkeypatch.setattr("descant.pipelines.vocals.separate_file", deaf)
    began = time.process_time()
    fixed = align_file(song, words, tmp_path, AlignFileOptions(anchors=("5.2 stands still",)))
    assert time.process_time() - began < 1.0
    assert fixed.lyrics.words[5].start_s == pytest.approx(5.2, abs=0.021)
    assert fixed.lyrics.words[6].start_s != pytest.approx(5.2)
    assert _starts(fixed.lyrics)[:4] == pytest.approx(_starts(aligned.lyrics)[:4], abs=0.3)
    kept = tmp_path / "song.anchors.txt"
    assert kept in fixed.paths
    again = align_file(song, words, tmp_path)
    assert _starts(again.lyrics).tolist() == _starts(fixed.lyrics).tolist()
    align_file(song, words, tmp_path, AlignFileOptions(anchors=("5.4 stands",)))
    assert "5.2 stands still\n5.4 stands\n" in kept.read_text()
    last = align_file(song, words, tmp_path / "words.srt", AlignFileOptions(corrections=kept))
    assert last.lyrics.words[5].start_s == pytest.approx(5.4, abs=0.021)
    assert last.paths == (tmp_path / "words.srt",)


def test_evidence_that_is_damaged_is_heard_anew(
    song: Path, words: Path, aligned: AlignedFile, steps: Path, tmp_path: Path
) -> None:
    for place in (*steps.glob("align-heard-*/heard.npz"), *steps.glob("align-reads-*/reads.npz")):
        arrays = dict(np.load(place))
        key = "phones" if "phones" in arrays else "weight0"
        np.savez(place, **{**arrays, key: np.full_like(arrays[key], np.nan)})  # type: ignore[arg-type]
    for level in steps.glob("align-level-*/level.json"):
        level.write_text("{")
    again = align_file(song, words, tmp_path)
    assert _starts(again.lyrics).tolist() == _starts(aligned.lyrics).tolist()


@pytest.mark.parametrize("anchor", ["5 sunshine", "99 stands", "-1 stands", "inf stands", "nonsense", "5 stands #2"])
def test_a_correction_that_cannot_be_is_refused_before_anything_is_heard(
    anchor: str, song: Path, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(*_: object, **__: object) -> None:
        raise AssertionError("listened")

    monkeypatch.setattr("descant.pipelines.align.api.Voice", deaf)
    monkeypatch.setattr("descant.pipelines.align.api.kept_vocals", deaf)
    with pytest.raises(InvalidOption):
        align_file(song, words, tmp_path / "new", AlignFileOptions(anchors=(anchor,)))
    assert not (tmp_path / "new").exists()


def test_a_voice_alone_later_in_time_at_8_khz(vocals: Path, words: Path, aligned: AlignedFile, tmp_path: Path) -> None:
    voice = read(vocals, sample_rate=8_000, channels=1)
    late = Clip(np.pad(voice.samples, ((0, 0), (3 * 8_000, 0))), 8_000)
    path = write(tmp_path / "call.wav", late)
    found = align_file(path, words, tmp_path / "out", AlignFileOptions(separate=False, formats=("csv",)))
    assert np.median(np.abs(_starts(found.lyrics) - 3.0 - _starts(aligned.lyrics))) < 0.15
    assert any("8000 Hz" in said for said in found.remarks)


def test_timed_words_are_timed_anew_on_given_vocals(
    song: Path, vocals: Path, aligned: AlignedFile, tmp_path: Path
) -> None:
    wrong = Lyrics.from_text("It always seems like time\nstands still when I'm with you")
    timed = write_lyrics(
        tmp_path / "old.lrc", wrong.with_lines(replace(line, start_s=0.1 + i) for i, line in enumerate(wrong.lines))
    )
    found = align_file(song, timed, tmp_path / "out", AlignFileOptions(vocals=vocals, formats=("ass", "midi")))
    assert [path.name for path in found.paths] == ["song.ass", "song.lyrics.mid"]
    assert np.median(np.abs(_starts(found.lyrics) - _starts(aligned.lyrics))) < 0.2


def test_words_are_recognized_and_saved_where_nobody_has_them(song: Path, aligned: AlignedFile, tmp_path: Path) -> None:
    found = align_file(song, None, tmp_path, AlignFileOptions(recognize=True, formats=("json",)))
    said = (tmp_path / "song.txt").read_text("utf-8")
    assert "time stands still" in said
    assert found.lyrics.language == "en"
    assert {path.name for path in found.paths} == {"song.txt", "song.json"}
    assert found.lyrics.is_timed
    (tmp_path / "song.txt").write_text("corrected by hand")
    with pytest.raises(OutputError, match="other words already"):
        align_file(song, None, tmp_path, AlignFileOptions(recognize=True))
    assert (tmp_path / "song.txt").read_text() == "corrected by hand"


def test_clips_are_aligned_as_files_are(vocals: Path, aligned: AlignedFile) -> None:
    found = verbs.align(read(vocals), TEXT, separate=False)
    assert _starts(found.lyrics) == pytest.approx(_starts(aligned.lyrics), abs=0.05)
    assert any(syllable.notes for word in found.lyrics.words for syllable in word.syllables)


def test_karaoke_takes_words_without_times(song: Path, vocals: Path, words: Path, aligned: AlignedFile) -> None:
    found = timed_lyrics(song, words, vocals=lambda: vocals)
    assert _starts(found).tolist() == _starts(aligned.lyrics).tolist()


def test_what_is_refused(song: Path, words: Path, aligned: AlignedFile, tmp_path: Path) -> None:
    def text(name: str, content: str) -> Path:
        (tmp_path / name).write_text(content, "utf-8")
        return tmp_path / name

    other = text(
        "other.txt",
        "Wohin die wilden Gänse ziehen, hoch über Fluss und Tal\nda fragt kein Mensch, kein Vogel nach\n" * 2,
    )
    cases: list[tuple[Path | None, type[DescantError], str]] = [
        (text("empty.txt", "\n"), TextReadError, "empty"),
        (text("long.txt", "too many words\n" * 200), TextReadError, "600 words"),
        (text("hebrew.txt", "שלום עולם"), TextReadError, "Hebrew"),
        (other, NothingHeard, "do not fit"),
        (None, InvalidOption, "given or recognized"),
        (tmp_path / "none.txt", DescantError, "none.txt"),
    ]
    for lyrics, error, match in cases:
        with pytest.raises(error, match=match):
            align_file(song, lyrics, tmp_path / "new")
        assert not (tmp_path / "new").exists(), lyrics
    with pytest.raises(InvalidOption):
        align_file(song, words, tmp_path / "new", AlignFileOptions(recognize=True))
    for out, options in ((words, AlignFileOptions()), (words.parent, AlignFileOptions(corrections=words))):
        with pytest.raises(OutputIsInput):
            align_file(song, words, out, options)
    with pytest.raises(OutputError):
        align_file(song, words, words, AlignFileOptions(formats=("srt",)))
    assert words.read_text() == TEXT
    (tmp_path / "taken" / f"{song.stem}.elrc").mkdir(parents=True)
    for out, match in ((tmp_path / "taken", "is a folder"), (tmp_path / ("x" * 300), "too long")):
        with pytest.raises(OutputError, match=match):
            align_file(tmp_path / song.name, words, out)  # before the song is looked for


def test_a_name_too_long_for_corrections_does_without_them(words: Path, tmp_path: Path) -> None:
    song = write(tmp_path / ("x" * 245 + ".wav"), Clip.silence(6 * 22_050, 22_050))
    with pytest.raises(NothingHeard):
        align_file(song, words, tmp_path)
    with pytest.raises(OutputError, match="too long"):
        align_file(song, words, tmp_path, AlignFileOptions(anchors=("1 stands",)))


def test_lyrics_that_are_refused_say_how_they_were_read(song: Path, aligned: AlignedFile, tmp_path: Path) -> None:
    text = "[Strophe 1]\nWohin die wilden Gänse ziehen (hoch ziehen)\nda fragt kein Mensch, kein Vogel nach x2\n"
    (tmp_path / "other.txt").write_bytes(text.encode("latin-1"))
    with pytest.raises(NothingHeard, match="do not fit") as caught:
        align_file(song, tmp_path / "other.txt", tmp_path / "out")
    for said in (
        "German, guessed from the words",
        "1 line left out as not sung (the first: [Strophe 1])",
        "1 line repeated",
        "2 words in brackets",
        "other.txt is not UTF-8 and was read as Windows-1252",
    ):
        assert said in caught.value.message
    with pytest.raises(NothingHeard, match=r"They were read as Dutch; 1 line left out"):
        align_file(song, tmp_path / "other.txt", tmp_path / "out", AlignFileOptions(language="nl"))


def test_an_instrumental_is_called_one(words: Path, tmp_path: Path) -> None:
    times = np.arange(6 * 22_050) / 22_050
    struck = np.exp(-3.0 * (times % 0.5))
    chord = sum(np.sin(2 * np.pi * f * times) for f in (110.0, 220.0, 277.2, 329.6))
    path = write(tmp_path / "band.wav", Clip((0.1 * struck * chord).astype(np.float32), 22_050))
    with pytest.raises(NothingHeard) as caught:
        align_file(path, words, tmp_path / "out")
    assert "instrumental" in caught.value.message + caught.value.hint
    assert not (tmp_path / "out").exists()


def test_cancelling_leaves_nothing(song: Path, words: Path, tmp_path: Path) -> None:
    cancel = CancelToken()
    fractions: list[float] = []

    def stop(event: Progress) -> None:
        fractions.append(event.fraction)
        cancel.cancel()

    with pytest.raises(Cancelled):
        align_file(song, words, tmp_path / "out", progress=stop, cancel=cancel)
    assert fractions
    assert not (tmp_path / "out").exists()
