from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.dsp.stft import filtered, frame_count, magnitude_blocks


@given(st.integers(0, 5000), st.sampled_from([(256, 64), (512, 100), (64, 200)]))
def test_every_length_gives_the_stated_frames(samples: int, window: tuple[int, int]) -> None:
    size, hop = window
    blocks = list(magnitude_blocks(np.ones(samples, np.float32), size, hop))
    assert sum(len(b) for b in blocks) == frame_count(samples, hop) == 1 + samples // hop
    assert all(np.isfinite(b).all() and b.shape[1] == size // 2 + 1 for b in blocks)


def test_a_sine_reads_its_amplitude_at_its_bin() -> None:
    sine = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    spectrum = next(magnitude_blocks(sine, 1600, 800))[5]
    assert spectrum.argmax() == 100
    assert spectrum[100] == pytest.approx(0.5, rel=1e-3)


def test_frames_are_centred_on_their_sample() -> None:
    click = np.zeros(4000, np.float32)
    click[2000] = 1.0
    energy = np.concatenate([b.sum(axis=1) for b in magnitude_blocks(click, 256, 100)])
    assert energy.argmax() == 20


def test_chosen_frames_equal_those_of_a_full_run() -> None:
    noise = np.random.default_rng(0).normal(size=30_000).astype(np.float32)
    full = np.concatenate(list(magnitude_blocks(noise, 512, 50)))
    wanted = np.array([0, 3, 300, 599])
    chosen = np.concatenate(list(magnitude_blocks(noise, 512, 50, frames=wanted)))
    np.testing.assert_allclose(chosen, full[wanted], rtol=1e-5, atol=1e-7)


def test_the_input_is_not_changed_and_silence_is_silent() -> None:
    silence = np.zeros(3000, np.float32)
    silence.flags.writeable = False
    assert not filtered(silence, 256, 64, np.ones((4, 129), np.float32)).any()
