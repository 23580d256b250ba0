"""The report's measures on songs whose relation is known: the same performed anew, and others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import synthetic_song
from descant.analyze.analysis import Analysis, LoudnessCurve
from descant.audio.clip import Clip
from descant.audio.io import write
from descant.dsp.pitch import PitchTrack
from descant.pipelines.records import read_record, write_record
from descant.pipelines.remix import judging
from descant.pipelines.remix.figures import draw_lags, draw_matrices, draw_spectrograms
from descant.pipelines.remix.judging import JUDGED, Judged, Measure, judge
from descant.pipelines.remix.listening import ANALYSIS
from descant.pipelines.remix.strangers import SONGS, Stranger, Strangers
from descant.progress import Monitor
from descant.score.harmony import Key
from descant.score.tempo import BeatGrid

SONG = synthetic_song.Recipe(tune=0, seconds=24.0)
ANEW = replace(SONG, phases=5, brightness=2.5)
OTHER = synthetic_song.Recipe(tune=3, bpm=97.0)


def _analysis(clip: Clip, bpm: float, key: Key | None) -> Analysis:
    empty = np.zeros(0)
    times = tuple(np.arange(0.0, clip.duration_s, 60.0 / bpm).tolist())
    beats = BeatGrid(times, tuple(1 + i % 4 for i in range(len(times))))
    pitch = PitchTrack(empty, empty, empty, np.zeros(0, bool))
    loudness = LoudnessCurve(empty, empty)
    return Analysis(clip.duration_s, pitch, beats, 1.0, bpm, key, 1.0, (), (), loudness, (), False, 0.0)


def _judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remix: Clip, heard: Analysis | None) -> Judged:
    song, other = synthetic_song.song(SONG), synthetic_song.song(OTHER)
    places = {name: tmp_path / name for name in ("separate", "listen", "mix", "strangers", "out")}
    for place in places.values():
        place.mkdir()
    write(places["separate"] / "vocals.wav", Clip.silence(song.frames, song.sample_rate), subtype="FLOAT")
    write(places["separate"] / "accompaniment.wav", song, subtype="FLOAT")
    write_record(places["listen"] / ANALYSIS, _analysis(song, 120.0, Key(0, "major")))
    write(places["mix"] / "mix.flac", remix)
    write(places["mix"] / "stems/piano.flac", remix)
    write(places["strangers"] / "0.wav", other)
    stranger = Stranger("0.wav", Key(6, "major"), tuple(np.arange(0.0, 30.0, 60 / 97).tolist()))
    write_record(places["strangers"] / SONGS, Strangers((stranger,)))
    source = write(tmp_path / "song.wav", song, subtype="FLOAT")
    monkeypatch.setattr(judging, "_analysis_of", lambda clip, monitor: heard)
    judge({"song": source, **places}, None, places["out"], Monitor())
    return read_record(places["out"] / JUDGED, Judged)


def _by_name(judged: Judged) -> dict[str, Measure]:
    return {measure.name: measure for measure in judged.measures}


def test_the_song_performed_anew_is_told_from_others_by_what_knows_music_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remix = synthetic_song.song(ANEW)
    judged = _judged(tmp_path, monkeypatch, remix, _analysis(remix, 120.0, Key(0, "major")))
    measures = _by_name(judged)
    for name in ("Qmax", "beat agreement", "key agreement", "onset agreement"):
        one = measures[name]
        assert one.tells
        assert one.value is not None
        assert one.others is not None
        assert one.shuffled is not None
        assert one.value > 2 * max(one.others, one.shuffled, 0.0), name
    waveform = measures["waveform correlation"]
    assert not waveform.tells
    assert waveform.value is not None
    assert waveform.value < 0.4  # the sheet's table: performed anew 0.1, unrelated 0.05
    assert judged.transposition == 0
    assert judged.onset_lag_s == pytest.approx(0.0, abs=0.025)
    assert judged.stems_lufs["vocals"] == -np.inf


def test_a_transposed_late_copy_is_found_with_its_interval_and_lag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = synthetic_song.song(SONG)
    late = Clip(np.pad(song.samples, ((0, 0), (2205, 0))), song.sample_rate)  # 0.1 s
    judged = _judged(tmp_path, monkeypatch, late, None)
    assert judged.lag_s == pytest.approx(0.1, abs=0.001)
    measures = _by_name(judged)
    assert measures["waveform correlation"].value == pytest.approx(1.0, abs=0.02)
    assert measures["beat agreement"].value is None  # nothing was heard in it
    assert measures["key agreement"].others is None
    up = tmp_path / "up"
    up.mkdir()
    higher = _judged(up, monkeypatch, synthetic_song.song(replace(ANEW, transpose=3)), None)
    assert higher.transposition == 3
    assert _by_name(higher)["Qmax"].value > 0.5


def test_the_figures_are_documents_with_their_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = _judged(tmp_path, monkeypatch, synthetic_song.song(ANEW), None)
    assert judged.before.shape[0] == judged.after.shape[0] == 64
    assert judged.before.max() == 0
    for draw, images in ((draw_spectrograms, 2), (draw_matrices, 3), (draw_lags, 0)):
        drawn = draw(judged)
        assert drawn.count("data:image/png;base64,") == images
        assert drawn.endswith("</svg>\n")
        assert draw(judged) == drawn


def test_shuffled_is_the_same_sound_without_its_beat() -> None:
    song = synthetic_song.song(SONG)
    mixed_up = judging._shuffled(song)
    assert mixed_up.frames == song.frames
    np.testing.assert_array_equal(np.sort(mixed_up.samples), np.sort(song.samples))
    onsets = [judging._heard(clip).onsets for clip in (song, mixed_up)]
    assert judging.lag_correlation(*onsets, 0)[0] < 0.3


def test_a_remix_too_short_for_harmony_has_no_qmax(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = _judged(tmp_path, monkeypatch, synthetic_song.song(ANEW).slice(0.0, 2.0), None)
    assert _by_name(judged)["Qmax"].value is None
    assert judged.transposition is None
