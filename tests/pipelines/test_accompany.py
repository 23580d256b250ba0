"""The parts of `accompany`: what is loaded, how long the result is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip, Stems
from descant.data.singer import SungNote, sing
from descant.pipelines.accompany import one_length, take_apart
from descant.separate.api import Separator

RATE = 8_000


@given(
    st.integers(1, 90_000),
    st.lists(st.tuples(st.integers(0, 79_999), st.floats(1e-5, 1.0)), min_size=1, max_size=3),
)
def test_the_result_ends_with_what_is_heard_last(voice_frames: int, hits: list[tuple[int, float]]) -> None:
    samples = np.zeros((len(hits), 2, 80_000), np.float32)
    for stem, (frame, level) in zip(samples, hits, strict=True):
        stem[frame % 2, frame] = -level
    voice = Clip(np.full((2, voice_frames), 0.1), RATE)
    result = one_length(voice, Stems({str(i): Clip(stem, RATE) for i, stem in enumerate(samples)}))
    loudest = np.abs(samples).max(axis=(0, 1))
    last = int(np.flatnonzero(loudest > loudest.max() * 10 ** (-66 / 20))[-1])
    assert result.frames == max(voice_frames, min(last + 1 + RATE // 4, 80_000))
    assert np.array_equal(result["vocals"].samples[:, :voice_frames], voice.samples)
    shared = min(result.frames, 80_000)
    assert all(np.array_equal(result[str(i)].samples[:, :shared], s[:, :shared]) for i, s in enumerate(samples))


def test_a_silent_band_leaves_the_length_of_the_voice() -> None:
    result = one_length(Clip(np.full((2, 100), 0.1), RATE), Stems({"piano": Clip.silence(5_000, RATE, 2)}))
    assert result.frames == 100


@pytest.mark.weights
def test_a_plain_voice_is_known_without_the_separator(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(**_: object) -> Separator:
        pytest.fail("the separator was loaded")

    monkeypatch.setattr(Separator, "load", load)
    seconds = np.arange(6 * RATE * 2) / (RATE * 2)
    phase = 2 * np.pi * np.cumsum(220 * 2 ** (np.sin(2 * np.pi * 0.3 * seconds) / 4)) / (RATE * 2)
    voice = Clip(sum(np.sin(k * phase) / k for k in range(1, 9)) * 0.1, RATE * 2)
    assert take_apart(voice) == (voice, False)


@pytest.mark.weights
@pytest.mark.parametrize("noise_db", [-45.0, -32.0])
def test_a_voice_in_a_noisy_room_with_a_long_rest_is_a_voice_alone(noise_db: float) -> None:
    rng = np.random.default_rng(3)
    notes = [SungNote(at + i * 0.6, at + i * 0.6 + 0.55, 57 + i) for at in (0.5, 37.0) for i in range(8)]
    voice, _ = sing(notes, 42.0, RATE * 2, rng)
    room = 10 ** (noise_db / 20) * rng.standard_normal(len(voice))
    clip = Clip(0.3 * voice / np.abs(voice).max() + room, RATE * 2)
    assert take_apart(clip) == (clip, False)
