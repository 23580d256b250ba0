from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr

from descant.audio.clip import Clip
from descant.errors import Cancelled, InvalidAudio, ModelNotFound
from descant.nets.swift_f0 import SwiftF0
from descant.progress import CancelToken, Progress

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def tracker() -> SwiftF0:
    return SwiftF0.load()


def glide(seconds: float, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    at = np.arange(int(seconds * sample_rate)) / sample_rate
    f0 = 150.0 * 2 ** (at / seconds * 2) * 2 ** (np.sin(2 * np.pi * 5.5 * at) * 0.4 / 12)
    phase = np.cumsum(f0) * 2 * np.pi / sample_rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 7))
    return (0.2 * voice).astype(np.float32), f0


@pytest.mark.parametrize("seconds", [0.01, 1.0, 33.0, 65.0])
def test_equals_the_published_package(tracker: SwiftF0, seconds: float) -> None:
    swift_f0 = pytest.importorskip("swift_f0")
    voice, _ = glide(seconds, 16_000)
    voice[len(voice) // 3 : len(voice) // 2] = 0.0
    theirs = swift_f0.SwiftF0().detect(voice, 16_000)
    ours = tracker(Clip(voice, 16_000), repair=False)
    np.testing.assert_allclose(ours.times_s, theirs.timestamps, atol=1e-9)
    np.testing.assert_allclose(ours.f0_hz, theirs.pitch_hz, rtol=1e-3)
    np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=1e-3)


@pytest.mark.parametrize("sample_rate", [8_000, 44_100, 96_000])
def test_every_rate_and_stereo(tracker: SwiftF0, sample_rate: int) -> None:
    voice, f0 = glide(4.0, 44_100)
    voice = soxr.resample(voice, 44_100, sample_rate)
    track = tracker(Clip(np.stack([voice, voice]), sample_rate))
    true = np.interp(track.times_s, np.arange(len(f0)) / 44_100, f0)
    inner = slice(6, -6)
    error = np.abs(12 * np.log2(track.f0_hz[inner] / true[inner]))
    assert (error < 0.5).mean() > 0.98
    assert track.voiced[inner].mean() > 0.98


def test_silence_is_unvoiced_and_one_sample_works(tracker: SwiftF0) -> None:
    assert not tracker(Clip.silence(48_000, 48_000)).voiced.any()
    assert len(tracker(Clip(np.ones(1, np.float32), 44_100)).f0_hz) == 1


def test_no_samples_are_refused(tracker: SwiftF0) -> None:
    with pytest.raises(InvalidAudio):
        tracker(Clip.silence(0, 16_000))


def test_progress_and_cancel(tracker: SwiftF0) -> None:
    events: list[Progress] = []
    clip = Clip(glide(40.0, 16_000)[0], 16_000)
    tracker(clip, progress=events.append)
    fractions = [e.fraction for e in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        tracker(clip, cancel=token)


def test_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        SwiftF0(tmp_path / "model.onnx")
