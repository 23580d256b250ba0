"""Measures of a conversion, on melodies and silences whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.dsp.pitch import PitchTrack
from descant.errors import InvalidAudio
from descant.evaluate.convert_metrics import evaluate, floor_db, melody_scores


def track(midi: np.ndarray, voiced: np.ndarray | None = None) -> PitchTrack:
    voiced = np.ones(len(midi), bool) if voiced is None else voiced
    hz = 440.0 * 2.0 ** ((midi - 69.0) / 12.0)
    return PitchTrack(np.arange(len(midi)) * 0.016, hz, voiced.astype(float), voiced)


def test_the_melody_asked_for_has_no_error() -> None:
    melody = 60 + 5 * np.sin(np.arange(200) / 9)
    scores = melody_scores(track(melody), track(melody - 12), -12.0)
    assert scores["f0 correlation"] == pytest.approx(1.0)
    assert scores["f0 error, cents"] == pytest.approx(0.0, abs=1e-6)
    off = melody_scores(track(melody), track(melody - 11.7), -12.0)
    assert off["f0 error, cents"] == pytest.approx(30.0, abs=1e-6)
    wrong = melody_scores(track(melody), track(60 - 5 * np.sin(np.arange(200) / 9)), 0.0)
    assert wrong["f0 correlation"] == pytest.approx(-1.0)


def test_only_what_both_voice_is_compared() -> None:
    melody = np.linspace(50, 60, 100)
    voiced = np.arange(100) < 60
    sung = np.where(voiced, melody, 90.0)
    scores = melody_scores(track(melody), track(sung, voiced), 0.0)
    assert scores["f0 error, cents"] == pytest.approx(0.0, abs=1e-6)
    assert scores["voicing"] == pytest.approx(0.6)
    none = melody_scores(track(melody), track(melody, np.zeros(100, bool)), 0.0)
    assert none["f0 correlation"] is None
    assert none["f0 error, cents"] is None
    assert none["voicing"] == 0.0
    still = melody_scores(track(np.full(100, 60.0)), track(np.full(100, 60.0)), 0.0)
    assert still["f0 correlation"] is None  # a single note correlates with nothing


def test_the_floor_is_measured_where_the_source_rests() -> None:
    rate = 16_000
    tone = 0.1 * np.sin(2 * np.pi * 200 * np.arange(rate) / rate)
    source = Clip(np.concatenate([tone, np.zeros(rate)]).astype(np.float32)[None], rate)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(2 * rate)
    converted = Clip((source.samples + noise).astype(np.float32), rate)
    assert floor_db(source, converted) == pytest.approx(-60.0, abs=0.2)
    assert floor_db(source, source) == pytest.approx(-150.0)
    loud = Clip(tone.astype(np.float32)[None], rate)
    assert np.isnan(floor_db(loud, loud))


def test_likeness_is_a_cosine_and_shapes_must_agree() -> None:
    clip = Clip(np.ones((1, 1600), np.float32), 16_000)
    other = Clip(-np.ones((1, 1600), np.float32), 16_000)
    steady = track(np.linspace(60, 61, 20))

    def embed(one: Clip) -> np.ndarray:
        return np.array([1.0, 0.0] if one.samples[0, 0] > 0 else [3.0, 4.0], np.float32)

    target = np.array([0.0, 2.0], np.float32)
    scores = evaluate(clip, other, target, 0.0, track=lambda _: steady, embed=embed)
    assert scores["likeness before"] == pytest.approx(0.0)
    assert scores["likeness"] == pytest.approx(0.8)
    with pytest.raises(InvalidAudio, match="1600 frames"):
        evaluate(clip, Clip(np.ones((1, 1601), np.float32), 16_000), target, 0.0, track=lambda _: steady, embed=embed)
