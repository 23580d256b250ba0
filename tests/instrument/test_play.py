"""`play`: from a score file to audio, and the command line around it and `mix`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.audio.io import read, write
from descant.audio.loudness import integrated_lufs, true_peak_db
from descant.cli.app import run
from descant.errors import InputNotFound, InvalidOption, OutputIsInput, ScoreReadError, UnsupportedFormat
from descant.instrument.api import file_name, find_soundfont, play, play_file
from descant.score.midi import read_midi, write_midi
from descant.score.musicxml import write_musicxml
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap
from tiny_soundfont import build_soundfont


@pytest.fixture(scope="module")
def soundfont(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("soundfont") / "tiny.sf2"
    path.write_bytes(build_soundfont())
    return path


@pytest.fixture
def song(tmp_path: Path) -> Path:
    melody = Track("melody", tuple(Note(i / 2, 0.5, 60 + i % 12, 90) for i in range(16)), 5)
    drums = Track("drums", tuple(Note(i, 0.25, 36) for i in range(8)), 0, is_drum=True)
    return write_midi(tmp_path / "song.mid", Score((melody, drums, Track("a/b: c", ())), TempoMap.constant(120)))


def test_a_file_is_played_at_its_loudness(song: Path, soundfont: Path, tmp_path: Path) -> None:
    played = play_file(song, tmp_path / "out" / "song.wav", stems=tmp_path / "out" / "stems", soundfont=soundfont)
    audio = read(played.path)
    assert integrated_lufs(audio) == pytest.approx(-16.0, abs=0.1)
    assert true_peak_db(audio) <= -0.99
    assert (audio.sample_rate, audio.channels) == (44_100, 2)
    assert audio.duration_s > read_midi(song).duration_s
    assert [p.name for p in played.stems] == ["melody.wav", "drums.wav", "a_b_ c.wav"]
    assert [c.track for c in played.substitutes] == ["melody"]
    # One gain for the whole set: the stems have the ratio of the stems that `play` makes.
    plain = play(read_midi(song), soundfont=soundfont)
    gains = [read(p).peak / plain[n].peak for n, p in zip(list(plain)[:2], played.stems, strict=False)]
    assert gains[0] == pytest.approx(gains[1], rel=1e-3)
    assert 20 * np.log10(gains[0]) == pytest.approx(played.gain_db, abs=0.01)


def test_the_level_can_be_kept_or_asked_for(song: Path, soundfont: Path, tmp_path: Path) -> None:
    kept = play_file(song, tmp_path / "a.wav", soundfont=soundfont, lufs=None)
    assert kept.gain_db == 0.0
    soft = play_file(song, tmp_path / "b.wav", soundfont=soundfont, lufs=-30.0, sample_rate=22_050)
    assert integrated_lufs(read(soft.path)) == pytest.approx(-30.0, abs=0.1)
    assert read(soft.path).sample_rate == 22_050
    with pytest.raises(InvalidOption):
        play_file(song, tmp_path / "c.wav", soundfont=soundfont, lufs=3.0)


def test_musicxml_is_played_too(song: Path, soundfont: Path, tmp_path: Path) -> None:
    path = write_musicxml(tmp_path / "song.musicxml", read_midi(song))
    assert read(play_file(path, tmp_path / "x.flac", soundfont=soundfont).path).peak > 0.1


def test_a_score_without_notes_is_silence(soundfont: Path, tmp_path: Path) -> None:
    path = write_midi(tmp_path / "e.mid", Score((Track("x", ()),), TempoMap.constant(120)))
    stems = play(read_midi(path), soundfont=soundfont, length_s=1.0)
    assert stems["x"].peak == 0.0
    assert run(["play", str(path), "-o", str(tmp_path / "e.wav"), "--soundfont", str(soundfont), "-q"]) == 17
    assert not (tmp_path / "e.wav").exists()


def test_what_cannot_be_played(song: Path, soundfont: Path, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match="not a score"):
        play_file(soundfont, tmp_path / "a.wav", soundfont=soundfont)
    with pytest.raises(UnsupportedFormat):
        play_file(song, tmp_path / "a.doc", soundfont=soundfont)
    with pytest.raises(OutputIsInput):
        play_file(song, song, soundfont=soundfont)
    with pytest.raises(InputNotFound):
        play_file(song, tmp_path / "a.wav", soundfont=tmp_path / "none.sf2")
    fake = tmp_path / "fake.sf2"
    fake.write_text("I am a text file")
    with pytest.raises(ScoreReadError, match="not a SoundFont"):
        play_file(song, tmp_path / "a.wav", soundfont=fake)
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize(
    ("name", "safe"), [("melody", "melody"), ("a/b\\c:d", "a_b_c_d"), ("..", "track"), ("歌 🎵", "歌 _"), ("", "track")]
)
def test_names_of_stems_are_names_of_files(name: str, safe: str) -> None:
    assert file_name(name) == safe
    assert len(file_name(name * 300).encode()) <= 120


def test_the_command_line(song: Path, soundfont: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stems = tmp_path / "stems"
    assert run(["play", str(song), "--soundfont", str(soundfont), "--stems", str(stems)]) == 0
    out = capsys.readouterr().out
    assert song.with_suffix(".flac").exists()
    assert "-16.0 LUFS" in out
    assert "has no program 5" in out
    files = [str(p) for p in sorted(stems.iterdir())]
    assert run(["mix", *files, "-o", str(tmp_path / "mix.wav"), "--lead", "melody", "--trim", "drums=-3"]) == 0
    assert "-14.0 LUFS" in capsys.readouterr().out
    assert integrated_lufs(read(tmp_path / "mix.wav")) == pytest.approx(-14.0, abs=0.1)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["play", "none.mid"], 10),
        (["play", "text.mid"], 17),
        (["play", "song.mid", "--soundfont", "text.mid"], 17),
        (["play", "song.mid", "--sample-rate", "7"], 2),
        (["mix", "none.wav"], 10),
        (["mix", "text.wav"], 12),
        (["mix", "silence.wav", "--lufs", "3"], 2),
        (["mix", "silence.wav", "-o", "silence.wav"], 16),
        (["mix", "silence.wav", "--trim", "x"], 2),
        (["mix", "silence.wav", "-o", "ok.wav"], 0),
    ],
)
def test_errors_have_names_and_leave_nothing(
    song: Path,
    soundfont: Path,
    arguments: list[str],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(song.parent)
    for name in ("text.mid", "text.wav"):
        Path(name).write_text("just words")
    from descant.audio.clip import Clip

    write("silence.wav", Clip.silence(44_100, 44_100, 2))
    before = sorted(p.name for p in Path().iterdir())
    if arguments[0] == "play" and "--soundfont" not in arguments:
        arguments = [*arguments, "--soundfont", str(soundfont)]
    assert run(arguments) == code
    error = capsys.readouterr().err
    assert "Traceback" not in error
    after = sorted(p.name for p in Path().iterdir())
    assert after == (sorted([*before, "ok.wav"]) if code == 0 else before)


@pytest.mark.weights
def test_a_soundfont_is_found_without_being_named() -> None:
    path = find_soundfont()
    assert path.suffix == ".sf2"
    stems = play(Score((Track("piano", (Note(0, 1, 69),)),), TempoMap.constant(60)))
    samples = stems["piano"].samples[0][4410:39690]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
    at = np.arange(len(spectrum)) * 44_100 / (1 << 18)
    band = (at > 415) & (at < 466)
    assert abs(1200 * np.log2(at[band][np.argmax(spectrum[band])] / 440.0)) < 10
