"""The measurement of separators: excerpts, baselines and ceiling behave as they must."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip, Stems
from descant.audio.io import write
from descant.errors import InputNotFound
from descant.evaluate.separate import evaluate_separate, high_band, ideal_ratio_masks, load_excerpt, score


def _voice_and_band(seconds: int, rate: int = 44_100) -> tuple[Clip, Clip]:
    time_s = np.arange(seconds * rate) / rate
    sung = (time_s > seconds / 2) * sum(np.sin(2 * np.pi * 220 * k * time_s) / k for k in range(1, 9)) * 0.1
    played = 0.05 * np.random.default_rng(0).standard_normal(len(time_s))
    return tuple(Clip(np.stack([wave, wave]).astype(np.float32), rate) for wave in (sung, played))  # type: ignore[return-value]


@pytest.fixture
def song(tmp_path: Path) -> Path:
    vocals, band = _voice_and_band(8, 22_050)
    folder = tmp_path / "data" / "a song"
    write(folder / "vocals.wav", vocals, subtype="FLOAT")
    write(folder / "drums.flac", band)
    write(folder / "bass.wav", Clip(band.samples[:, :-100], band.sample_rate), subtype="FLOAT")
    write(folder / "mixture.wav", vocals)
    return folder


def test_the_excerpt_is_where_it_is_sung(song: Path) -> None:
    excerpt = load_excerpt(song, 3.0)
    assert 4.0 <= excerpt.start_s <= 5.0
    assert excerpt.truth.sample_rate == 44_100
    assert excerpt.truth.frames == 3 * 44_100
    # drums and bass are the same noise twice; the mixture file is not part of the mix
    band = excerpt.truth["accompaniment"].samples[:, 10_000:-10_000]
    assert np.sqrt(np.mean(band**2)) == pytest.approx(0.1, rel=0.05)


def test_no_stems_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        load_excerpt(tmp_path, 3.0)
    with pytest.raises(InputNotFound):
        evaluate_separate(tmp_path / "nowhere")


def test_the_ideal_mask_beats_no_separation() -> None:
    vocals, band = _voice_and_band(4)
    truth = Stems({"vocals": vocals, "accompaniment": band})
    mix = truth.mix()
    ideal = score(mix, truth, ideal_ratio_masks(mix, truth))
    nothing = score(mix, truth, {"vocals": mix, "accompaniment": mix})
    assert ideal.sdr[0] > nothing.sdr[0] + 6.0
    assert ideal.sdr[1] > nothing.sdr[1] + 6.0
    assert ideal.sum_error < -100.0
    assert nothing.sum_error == pytest.approx(0.0, abs=1e-3)  # twice the mix misses the mix by the mix


def test_the_high_band_is_what_is_above_11_khz() -> None:
    time_s = np.arange(44_100) / 44_100
    low, high = (np.sin(2 * np.pi * hz * time_s).astype(np.float32) for hz in (5_000, 15_000))
    np.testing.assert_allclose(high_band(Clip(low + high, 44_100)).samples[0], high, atol=1e-4)


@pytest.mark.weights
def test_the_report_has_every_method_and_song(song: Path) -> None:
    report = evaluate_separate(song.parent, seconds=2.0)
    assert [len(table.rows) for table in report.tables] == [7, 7, 7, 24]
    page = report.to_markdown()
    assert "a song" in page
    assert "nan" not in page
