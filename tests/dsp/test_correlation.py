from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.dsp.correlation import correlation_matrix, lag_correlation, mel_db, moments, onsets


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 30), st.integers(0, 99))
def test_lags_equal_numpy(m: int, n: int, longest: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=m), rng.normal(size=n)
    whole = np.correlate(second, first, "full") / np.linalg.norm(first) / np.linalg.norm(second)
    expected = {lag - (m - 1): value for lag, value in enumerate(whole)}
    found = lag_correlation(first, second, longest)
    assert len(found) == 2 * longest + 1
    np.testing.assert_allclose(found, [expected.get(lag, 0.0) for lag in range(-longest, longest + 1)], atol=1e-12)


def test_a_late_copy_peaks_at_its_delay_and_silence_nowhere() -> None:
    sound = np.random.default_rng(0).normal(size=1000)
    late = np.concatenate([np.zeros(37), sound])
    found = lag_correlation(sound, late, 50)
    assert int(np.argmax(found)) - 50 == 37
    assert found.max() == pytest.approx(1.0)
    assert not lag_correlation(sound, np.zeros(9), 5).any()


def test_the_matrix_is_pearsons_and_blind_to_what_all_moments_share() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(5, 8)).astype(np.float32), rng.normal(size=(7, 8)).astype(np.float32)
    centred = [rows - rows.mean(axis=0) for rows in (first, second)]
    expected = np.corrcoef(np.concatenate(centred))[:5, 5:]
    np.testing.assert_allclose(correlation_matrix(first, second), expected, atol=1e-5)
    tilt = np.linspace(30.0, -30.0, 8, dtype=np.float32)
    np.testing.assert_allclose(correlation_matrix(first + tilt, second), expected, atol=1e-4)
    assert not correlation_matrix(np.ones((3, 4), np.float32), second[:, :4]).any()


@given(st.integers(1, 50), st.integers(1, 12))
def test_moments_are_means_of_stretches(frames: int, count: int) -> None:
    rows = np.arange(frames * 2, dtype=np.float32).reshape(frames, 2)
    found = moments(rows, count)
    assert found.shape == (count, 2)
    if frames % count == 0:
        np.testing.assert_allclose(found, rows.reshape(count, -1, 2).mean(axis=1), rtol=1e-6)
    assert (np.diff(found[:, 0]) >= 0).all()


def test_onsets_rise_where_a_tone_starts() -> None:
    time = np.arange(2 * 11_025) / 11_025
    tone = (np.sin(2 * np.pi * 440 * time) * (time >= 1.0)).astype(np.float32)
    found = onsets(mel_db(tone))
    assert abs(int(np.argmax(found)) * 256 / 11_025 - 1.0) < 0.06
    assert found.mean() == pytest.approx(0.0, abs=1e-6)
