"""Who plays what, and scores played by neural instruments and the SoundFont together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.audio.io import read
from descant.cli.app import run
from descant.errors import DescantError, InputNotFound, InvalidOption, ScoreReadError
from descant.instrument.api import play, play_file
from descant.instrument.find import find_player
from descant.instrument.line_up import LineUp, line_up_for, line_up_of, seats
from descant.instrument.neural import NeuralInstruments, NeuralPlayer
from descant.instrument.neural_note import Event, render
from descant.instrument.neural_score import HEADROOM
from descant.instrument.sampled import Sampled
from descant.score.midi import write_midi
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap
from neural_instruments import tiny_instruments, written
from tiny_soundfont import build_soundfont

INSTRUMENTS = tiny_instruments()
SCORE = Score(
    (
        Track("keys", (Note(0.0, 0.5, 60, 90), Note(1.0, 0.5, 64, 90)), 4),
        Track("lead", (Note(0.5, 0.5, 76, 100),), 40),
        Track("drums", (Note(0.0, 0.25, 36, 100),), 0, is_drum=True),
    ),
    TempoMap.constant(120),
)


@pytest.fixture
def soundfont(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.sf2"
    path.write_bytes(build_soundfont())
    return path


@pytest.fixture
def as_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny net in the place of the card's folder."""
    folder = written(tmp_path / "card")
    monkeypatch.setattr("descant.instrument.neural.fetch", lambda *_, **__: folder)


def test_one_name_plays_all_but_drums() -> None:
    found = seats(SCORE, INSTRUMENTS, line_up_of("Grand Piano"))
    assert {place: seat.name for place, seat in found.items()} == {0: "grand-piano", 1: "grand-piano"}
    assert not any(seat.is_substitute for seat in found.values())


def test_general_midi_says_who_stands_in() -> None:
    found = seats(SCORE, INSTRUMENTS, LineUp())
    assert [(s.track, s.name, s.is_substitute) for s in found.values()] == [
        ("keys", "grand-piano", True), ("lead", "violin", False),
    ]  # fmt: skip


def test_a_map_goes_by_track_then_program_then_others(tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(
        'others = "soundfont"\ndrums = "soundfont"\n[tracks]\nlead = "nylon-guitar"\n[programs]\n4 = "violin"'
    )
    found = seats(SCORE, INSTRUMENTS, line_up_of(path))
    assert {seat.track: seat.name for seat in found.values()} == {"keys": "violin", "lead": "nylon-guitar"}
    path.write_text('others = "soundfont"\n[tracks]\nlead = "general"')
    assert {s.track: s.name for s in seats(SCORE, INSTRUMENTS, line_up_of(str(path))).values()} == {"lead": "violin"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("others = ", "not TOML"),
        ('other = "violin"', "unknown key"),
        ("others = " + "[" * 50_000, "not TOML"),
        ('[programs]\n"' + "9" * 5000 + '" = "violin"', "no program"),
        ("others = 3", "others is 3"),
        ('drums = "violin"', "drums is 'violin'"),
        ('tracks = "violin"', "no table"),
        ("[tracks]\nlead = 40", "lead in"),
        ('[programs]\n128 = "violin"', "no program"),
        ('[programs]\nx = "violin"', "no program"),
        ('[tracks]\nlaed = "violin"', "no track 'laed'"),
        ('[tracks]\ndrums = "violin"', "drum track"),
        ('[programs]\n90 = "violine"', "no instrument 'violine'"),
        ('others = "violine"', "no instrument 'violine'"),
    ],
)
def test_a_wrong_map_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "map.toml"
    path.write_text(text)
    with pytest.raises(InvalidOption, match=said) as caught:
        seats(SCORE, INSTRUMENTS, line_up_of(path))
    assert caught.value.hint


def test_a_map_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        line_up_of(tmp_path / "none.toml")


def test_neural_tracks_and_drums_in_one_score(soundfont: Path) -> None:
    plain = play(SCORE, soundfont=soundfont, sample_rate=48_000)
    stems = play(SCORE, soundfont=soundfont, instrument="general", instruments=INSTRUMENTS, sample_rate=48_000)
    assert list(stems) == ["keys", "lead", "drums"]
    drums = plain["drums"].samples[:, : stems.frames]
    assert np.array_equal(stems["drums"].samples[:, : drums.shape[1]], drums)
    event = Event(INSTRUMENTS.roster.row("violin"), 76, 100, 0.25)
    true = HEADROOM * render(INSTRUMENTS.net, [event])[0]
    assert np.allclose(stems["lead"].samples[:, 12_000 : 12_000 + true.shape[1]], true, atol=1e-6)
    assert not stems["lead"].samples[:, :12_000].any()


def test_a_length_is_exact_and_the_same_bytes_come_twice(soundfont: Path) -> None:
    made = [
        play(SCORE, soundfont=soundfont, instrument=LineUp(), instruments=INSTRUMENTS, length_s=0.7) for _ in range(2)
    ]
    assert made[0].frames == round(0.7 * 44_100)
    for name in made[0]:
        assert np.array_equal(made[0][name].samples, made[1][name].samples)


def test_no_soundfont_is_sought_where_none_is_needed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("descant.instrument.api.find_soundfont", lambda *_, **__: pytest.fail("sought"))
    path = write_midi(tmp_path / "s.mid", SCORE.with_tracks(SCORE.tracks[:2]))
    played = play_file(path, tmp_path / "s.wav", instrument="violin", instruments=INSTRUMENTS)
    assert played.soundfont is None
    assert [seat.name for seat in played.seats] == ["violin", "violin"]
    assert read(played.path).peak > 0.05


def test_what_cannot_be_played(soundfont: Path) -> None:
    for wrong in ({"vibrato": 2.1}, {"vibrato": float("nan")}, {"sample_rate": 7}, {"length_s": -1.0}):
        with pytest.raises(InvalidOption):
            play(SCORE, soundfont=soundfont, instrument="violin", instruments=INSTRUMENTS, **wrong)
    late = SCORE.with_tracks([Track("x", (Note(1e6, 1.0, 60),), 40)])
    with pytest.raises(ScoreReadError, match="6"):
        play(late, instrument="violin", instruments=INSTRUMENTS)
    with pytest.raises(DescantError):
        line_up_for("sine")  # type: ignore[arg-type]


@pytest.mark.usefixtures("as_shipped")
def test_128_unknown_programs_are_said_in_few_lines(
    soundfont: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracks = (Track(f"t{program}", (Note(0.0, 0.25, 60, 90),), program) for program in range(128))
    path = write_midi(tmp_path / "all.mid", Score(tuple(tracks), TempoMap.constant(240)))
    arguments = ["play", str(path), "-o", str(tmp_path / "all.wav"), "--soundfont", str(soundfont)]
    assert run([*arguments, "--instrument", "general", "--sample-rate", "48000"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "no instrument has program 1; grand-piano plays it" in said[0]
    assert "117 more tracks" in said[8]
    assert len(said) == 10


@pytest.mark.usefixtures("as_shipped")
def test_the_command_line(soundfont: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_midi(tmp_path / "s.mid", SCORE)
    arguments = ["play", str(path), "-o", str(tmp_path / "s.wav"), "--soundfont", str(soundfont)]
    assert run([*arguments, "--instrument", "violin", "--vibrato", "0"]) == 0
    assert "violin, tiny.sf2" in capsys.readouterr().out
    (tmp_path / "s.wav").unlink()
    assert run([*arguments, "--instrument", "violine"]) == InvalidOption.code
    assert "violin" in capsys.readouterr().err
    assert not (tmp_path / "s.wav").exists()
    assert run(["instrument", "list", "--family", "string"]) == 0
    assert capsys.readouterr().out.split() == ["violin", "string", "program", "40", "G3", "to", "E7"]
    assert run(["instrument", "list", "--family", "kazoos"]) == InvalidOption.code


@pytest.mark.usefixtures("as_shipped")
def test_neural_instruments_are_found_by_name() -> None:
    from descant.instrument.find import find_playable

    assert find_playable("Nylon Guitar").name == "nylon-guitar"
    with pytest.raises(InputNotFound) as caught:
        find_playable("violine")
    assert "violin" in caught.value.hint
    assert NeuralInstruments.load().player("violin").pitches == range(49, 107)


def sfz_of(folder: Path, hz: float) -> Path:
    """A folder with one tone, C4 by its mapping."""
    folder.mkdir()
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(48_000) / 48_000)
    soundfile.write(folder / "tone.wav", tone, 48_000)
    path = folder / "tone.sfz"
    path.write_text("<region> sample=tone.wav lokey=0 hikey=127 pitch_keycenter=60")
    return path


def test_sets_of_sounds_play_tracks_beside_the_net_and_the_soundfont(soundfont: Path, tmp_path: Path) -> None:
    path = sfz_of(tmp_path / "violin", 440.0)
    for asked in (str(path), str(path.parent)):
        line_up = LineUp(tracks={"keys": asked})
        stems = play(
            SCORE, soundfont=soundfont, instrument=line_up, instruments=INSTRUMENTS, sample_rate=48_000, length_s=2.0
        )
        assert list(stems) == ["keys", "lead", "drums"]
        first = stems["keys"].samples[0, :12_000]
        peak = np.argmax(np.abs(np.fft.rfft(first * np.hanning(12_000))))
        assert peak * 4 == pytest.approx(440, abs=4)
        assert stems["lead"].peak > 0.01
        assert stems["drums"].peak > 0.01


def test_a_name_comes_before_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sfz_of(tmp_path / "violin", 440.0)
    sfz_of(tmp_path / "mine", 440.0)
    monkeypatch.chdir(tmp_path)
    assert isinstance(find_player("violin", INSTRUMENTS), NeuralPlayer)
    assert [find_player(asked, INSTRUMENTS).name for asked in ("violin/", "mine", "mine/tone.sfz")] == [
        "violin", "mine", "tone",
    ]  # fmt: skip
    assert isinstance(find_player("violin/", INSTRUMENTS), Sampled)
    with pytest.raises(InvalidOption, match="violine"):
        find_player("violine", INSTRUMENTS)
    for missing in ("./violine", "none.sfz", "none.sf2:0"):
        with pytest.raises(InputNotFound):
            find_player(missing, INSTRUMENTS)
