"""What each step of a remix does with what it is given, without any weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.audio.loudness import integrated_lufs
from descant.errors import Cancelled, InvalidAudio, InvalidOption, NothingHeard, OutputError, OutputIsInput
from descant.mix.options import MixOptions
from descant.pipelines.graph import Graph, Inputs, Step
from descant.pipelines.records import read_record, write_record
from descant.pipelines.remix import api, steps
from descant.pipelines.remix.api import Course, remix_file
from descant.pipelines.remix.band import require_voice
from descant.pipelines.remix.folder import _remove_what_an_earlier_run_left
from descant.pipelines.remix.listening import VOICE, VoiceHeard, read_stems, separate, take_voice_alone
from descant.pipelines.remix.mixing import MIXED, Mixed, MixingOptions, mix_new_band, mix_old_band, mix_played_on
from descant.pipelines.remix.options import RemixOptions
from descant.pipelines.remix.steps import remix_graph
from descant.progress import CancelToken, Monitor
from descant.score.notes import Score, Track
from descant.score.tempo import TempoMap

RATE = 44_100
RNG = np.random.default_rng(0)


def _noise(seconds: float, level: float = 0.1, channels: int = 2, rate: int = RATE) -> Clip:
    return Clip((level * RNG.standard_normal((channels, round(seconds * rate)))).astype(np.float32), rate)


def _stems(folder: Path, **clips: Clip) -> Path:
    for name, clip in clips.items():
        write(folder / f"{name}.wav", clip, subtype="FLOAT")
    return folder


def test_the_song_keeps_its_own_balance_and_a_new_voice_stands_where_the_old_did(tmp_path: Path) -> None:
    voice, band, other = _noise(4, 0.05), _noise(4), _noise(4, 0.05)
    separated = _stems(tmp_path / "separate", vocals=voice, accompaniment=band)
    converted = _stems(tmp_path / "convert", vocals=other)
    options = MixingOptions(-20.0, MixOptions())
    for name, inputs, lead in (
        ("own", {"separate": separated}, voice),
        ("new", {"separate": separated, "convert": converted}, other),
    ):
        folder = tmp_path / name
        mix_old_band(inputs, options, folder, Monitor())
        mixed = read(folder / "mix.flac").samples
        plain = lead.samples + band.samples
        gain = float((mixed * plain).sum() / (plain**2).sum())
        assert np.abs(mixed - gain * plain).max() < 2e-3
        assert read_record(folder / MIXED, Mixed).report.lufs == pytest.approx(-20.0, abs=0.1)
        assert integrated_lufs(read(folder / "mix.flac")) == pytest.approx(-20.0, abs=0.1)


def test_a_new_band_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    played = _stems(tmp_path / "play", piano=_noise(3.5), drums=_noise(3.5))
    separated = _stems(tmp_path / "separate", vocals=_noise(3, channels=1), accompaniment=_noise(3, channels=1))
    inputs = {"separate": separated, "play": played}
    mix_new_band(inputs, MixingOptions(-14.0, MixOptions()), tmp_path / "mix", Monitor())
    parts = read_record(tmp_path / "mix" / MIXED, Mixed).parts
    assert [part.name for part in parts] == ["mix", "vocals", "drums", "piano"]
    lengths = {read(tmp_path / "mix" / part.file).samples.shape for part in parts}
    assert lengths == {(2, round(3.5 * RATE))}


def test_a_band_plays_on_after_the_song_as_loud_as_the_songs_own(tmp_path: Path) -> None:
    separated = _stems(tmp_path / "separate", vocals=_noise(3, 0.05), accompaniment=_noise(3))
    late = np.concatenate([np.zeros((2, 3 * RATE), np.float32), 0.01 * _noise(3).samples], axis=1)
    played = _stems(tmp_path / "play", piano=Clip(late, RATE), drums=Clip(late[:, ::-1][:, ::-1], RATE))
    mix_played_on({"separate": separated, "play": played}, MixingOptions(-20.0, MixOptions(room=0.0)), tmp_path / "mix",
                  Monitor())  # fmt: skip
    mixed = read(tmp_path / "mix/mix.flac")
    assert mixed.frames == 6 * RATE
    song, after = mixed.slice(0.0, 3.0), mixed.slice(3.0)
    assert np.corrcoef(song.samples[0], sum(read(p).samples[0] for p in separated.iterdir()))[0, 1] > 0.999
    stems = {
        part.name: read(tmp_path / "mix" / part.file) for part in read_record(tmp_path / "mix" / MIXED, Mixed).parts
    }
    assert set(stems) == {"mix", "vocals", "accompaniment", "drums-on", "piano-on"}
    band = Clip(stems["drums-on"].samples + stems["piano-on"].samples, RATE).slice(3.0)
    assert integrated_lufs(band) == pytest.approx(integrated_lufs(stems["accompaniment"].slice(0.0, 3.0)), abs=1.0)
    assert not stems["piano-on"].slice(0.0, 2.9).samples.any()
    assert integrated_lufs(after) == pytest.approx(integrated_lufs(song), abs=2.5)


def test_stems_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidAudio, match="no stems with a vocals"):
        read_stems(_stems(tmp_path / "a", drums=_noise(1)))
    with pytest.raises(InvalidAudio, match="differ in length"):
        read_stems(_stems(tmp_path / "b", vocals=_noise(1), drums=_noise(2)))
    (tmp_path / "c").mkdir()
    (tmp_path / "c/notes.txt").write_text("no audio")
    _stems(tmp_path / "c", vocals=_noise(1), drums=_noise(1))
    assert list(read_stems(tmp_path / "c")) == ["vocals", "drums"]


def test_a_song_too_short_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    song = write(tmp_path / "short.wav", _noise(0.5))
    for make, options in ((separate, steps.SeparateOptions("none")), (take_voice_alone, None)):
        with pytest.raises(InvalidAudio, match=r"short\.wav is 0\.50 s long"):
            make({"song": song}, options, tmp_path, Monitor())
    long = write(tmp_path / "long.wav", _noise(2), subtype="FLOAT")
    take_voice_alone({"song": long}, None, tmp_path / "alone", Monitor())
    np.testing.assert_array_equal(read(tmp_path / "alone/vocals.wav").samples, read(long).samples)


@pytest.mark.parametrize(
    ("sung_s", "over_band_lu", "confirmed_s", "is_there"),
    [
        (16.1, -9.0, 12.0, True),  # stretches of 40 s of the album
        (12.3, -8.9, 8.2, True),
        (10.3, -10.2, 3.9, False),  # and without their vocals
        (2.5, -9.5, 1.8, False),
        (11.9, -14.4, 1.5, False),
        (16.1, -15.0, 12.0, True),  # softer still
        (16.1, -15.0, None, False),
        (16.1, -9.0, None, True),
        (39.8, -15.0, 0.0, True),  # somebody whom the net does not know for a singer
    ],
)
def test_a_soft_singer_is_known_by_what_is_heard_in_the_mix(
    sung_s: float, over_band_lu: float, confirmed_s: float | None, is_there: bool
) -> None:
    voice = VoiceHeard(sung_s, sung_s / 40.0, over_band_lu, confirmed_s)
    assert voice.is_there is is_there
    assert ("only" in voice.fault) is (confirmed_s is not None and confirmed_s < 2.0)


@pytest.mark.parametrize(
    ("sung_s", "share", "over_band_lu", "is_there"),
    [
        (30.7, 0.77, -5.8, True),  # songs of the album with and without their vocals, and a funk instrumental
        (20.4, 0.51, -7.7, True),
        (25.5, 0.64, -2.1, True),
        (3.5, 0.09, -11.9, False),
        (10.0, 0.25, -14.7, False),
        (11.7, 0.29, -11.8, False),
        (0.0, 0.0, -22.4, False),
        (1.5, 1.0, np.inf, False),
        (30.0, 0.9, np.inf, True),
        (20.0, 0.1, -4.0, True),  # a long song in which little is sung
    ],
)
def test_a_singer_is_told_from_what_a_separator_leaves_of_a_band(
    tmp_path: Path, sung_s: float, share: float, over_band_lu: float, is_there: bool
) -> None:
    voice = VoiceHeard(sung_s, share, over_band_lu)
    assert voice.is_there is is_there
    write_record(tmp_path / VOICE, voice)
    empty = Score((Track("melody", ()),), TempoMap.constant(120.0))
    with pytest.raises(NothingHeard, match="melody" if is_there else "No singer"):
        require_voice(tmp_path, empty)
    assert voice.fault.startswith("something like singing")


def test_options_that_make_no_sense_are_refused() -> None:
    for wrong in (
        {"band": "loud"},
        {"bars": 0},
        {"skip": frozenset({"mix"})},
        {"skip": frozenset({"transcribe"})},
        {"skip": frozenset({"separate"}), "band": "keep"},
        {"bpm": 5.0},
    ):
        with pytest.raises(InvalidOption):
            RemixOptions(**wrong)


def test_the_graph_holds_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "find_soundfont", lambda *_, **__: tmp_path / "sounds.sf2")
    monkeypatch.setattr(steps, "voice_files", lambda name: {"voice.toml": tmp_path / name})
    song = tmp_path / "song.mp3"

    def names(**options: Any) -> list[str]:
        return list(remix_graph(song, RemixOptions(**options)).steps)

    assert names() == ["separate", "listen", "transcribe", "compose", "play", "mix", "strangers", "report"]
    assert names(band="keep", skip=frozenset({"report", "transcribe"})) == ["separate", "listen", "mix"]
    assert "convert" in names(voice="me")
    assert "convert" not in names(voice="me", skip=frozenset({"convert"}))
    graph = remix_graph(song, RemixOptions(voice="me"))
    assert {"convert", "rejoin"} <= set(graph.steps["mix"].needs)
    assert graph.steps["convert"].needs == ("part", "listen")
    assert set(graph.steps["part"].cards) == {"descant-lead", "descant-dry"}
    whole = remix_graph(song, RemixOptions(voice="me", skip=frozenset({"part"})))
    assert not {"part", "rejoin"} & set(whole.steps)
    assert whole.steps["convert"].needs == ("separate", "listen")
    alone = remix_graph(song, RemixOptions(skip=frozenset({"separate"})))
    assert alone.steps["separate"].cards == ()


def test_a_song_is_never_replaced_by_its_remix(tmp_path: Path) -> None:
    for place in ("mix.flac", "before.wav", "stems/vocals.flac"):
        song = write(tmp_path / place, _noise(1))
        before = song.read_bytes()
        with pytest.raises(OutputIsInput):
            remix_file(song, tmp_path)
        assert song.read_bytes() == before
    with pytest.raises(OutputError, match="is a file"):
        remix_file(song, tmp_path / "mix.flac")


def test_cancelled_half_way_it_says_that_nothing_is_lost(tmp_path: Path) -> None:
    cancel = CancelToken()

    def first(_inputs: Inputs, _options: Any, folder: Path, _monitor: Monitor) -> None:
        (folder / "done").write_text("")

    def second(_inputs: Inputs, _options: Any, _folder: Path, monitor: Monitor) -> None:
        cancel.cancel()
        monitor.report(0.1)

    song = write(tmp_path / "song.wav", _noise(1))
    graph = Graph((Step("first", first), Step("second", second, ("first",))))
    with pytest.raises(Cancelled) as caught:
        remix_file(song, tmp_path / "out", course=Course(work=tmp_path / "work"), graph=graph, cancel=cancel)
    assert caught.value.hint == api.KEPT
    assert [path.name.split("-")[0] for path in (tmp_path / "work").iterdir()] == ["first"]
    assert not (tmp_path / "out").exists()


def test_only_what_an_earlier_remix_listed_is_removed(tmp_path: Path) -> None:
    (tmp_path / "out/stems").mkdir(parents=True)
    for name in ("out/stems/old.flac", "out/stems/new.flac", "out/mine.txt", "precious.txt"):
        (tmp_path / name).write_text("")
    listed = ["stems/old.flac", "stems/new.flac", "../precious.txt", str(tmp_path / "precious.txt")]
    (tmp_path / "out/report.json").write_text(json.dumps({"files": listed}))
    _remove_what_an_earlier_run_left(tmp_path / "out", ["stems/new.flac"])
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"out/stems/new.flac", "out/mine.txt", "out/report.json", "precious.txt"}
    for text in ("", "[]", '{"files": 3}', "{"):
        (tmp_path / "out/report.json").write_text(text)
        _remove_what_an_earlier_run_left(tmp_path / "out", [])
