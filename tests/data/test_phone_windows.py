"""Windows for phone readers: what is written comes back, damage is named, singing keeps its words in place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from descant.data.band.vocoder import fundamental
from descant.data.lyrics_set import SAMPLE_RATE
from descant.data.lyrics_sources import Utterance, packed_prompts
from descant.data.phone_strings import WindowShape, cut, resung, strung_window
from descant.data.phone_windows import PhoneWindow, Said, load_windows, write_windows
from descant.errors import InputNotFound, TextReadError


def made(frames: int, seed: int) -> PhoneWindow:
    states = np.random.default_rng(seed).normal(0, 1, (frames, 8)).astype(np.float16)
    return PhoneWindow(states, (Said("été là", 0.1, 0.5), Said("b", 0.6, 0.8)), "fr", "v", "texts", is_sung=True)


def test_windows_come_back(tmp_path: Path) -> None:
    some = [made(50, 0), made(31, 1)]
    assert write_windows(iter(some), (1, 2), tmp_path) == 2
    back = load_windows(tmp_path)
    assert back.layers == (1, 2)
    for own, other in zip(some, back.windows, strict=True):
        np.testing.assert_array_equal(own.states, other.states)
        assert (own.said, own.language, own.voice, own.part) == (other.said, other.language, other.voice, other.part)
        assert (own.is_sung, own.has_band) == (other.is_sung, other.has_band)


def test_frames_of_a_text_lie_inside() -> None:
    assert Said("a", 0.5, 1.0).frames(200) == slice(25, 50)
    assert Said("a", 0.5, 1.0).frames(30) == slice(25, 30)
    assert Said("a", 0.5, 1.0).frames(10) == slice(10, 10)


@pytest.mark.parametrize(
    "damage",
    [
        {"format": 2},
        {"width": 7},
        {"width": 0},
        {"windows": [{"start": 0}]},
        {"windows": 3},
        {"layers": None},
    ],
)
def test_damaged_folders_are_named(tmp_path: Path, damage: dict[str, object]) -> None:
    write_windows([made(50, 0)], (1,), tmp_path)
    index = tmp_path / "windows.json"
    index.write_text(json.dumps({**json.loads(index.read_text("utf-8")), **damage}), "utf-8")
    with pytest.raises(TextReadError, match=tmp_path.name):
        load_windows(tmp_path)


def test_a_half_built_folder_is_no_set(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        write_windows([], (1,), tmp_path)
    with pytest.raises(InputNotFound):
        load_windows(tmp_path)
    write_windows([made(50, 0)], (1,), tmp_path)
    states = tmp_path / "states.f16"
    states.write_bytes(states.read_bytes()[: 16 * 40])
    with pytest.raises(TextReadError):
        load_windows(tmp_path)
    states.unlink()
    with pytest.raises(InputNotFound):
        load_windows(tmp_path)


def spoken(seconds: float, hz: float = 120.0) -> Utterance:
    """A buzz with the tilt of a voice."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    sound = sum(np.sin(2 * np.pi * k * hz * time) / k for k in range(1, 30))
    return Utterance(("la", "la"), (0.05 * np.asarray(sound)).astype(np.float32))


def test_texts_are_where_their_sound_is() -> None:
    shape = WindowShape(sung_share=0.0, band_share=0.0)
    window = strung_window([spoken(0.5), spoken(0.8)], [], shape, np.random.default_rng(0))
    assert [one.text for one in window.said] == ["la la", "la la"]
    inside = np.zeros(len(window.samples), bool)
    for one, seconds in zip(window.said, (0.5, 0.8), strict=True):
        assert one.end_s - one.start_s == pytest.approx(seconds, abs=1e-3)
        inside[round(one.start_s * SAMPLE_RATE) : round(one.end_s * SAMPLE_RATE)] = True
    assert np.abs(window.samples[~inside]).max() < 1e-3 < 0.2 < np.abs(window.samples[inside]).max()
    assert not window.is_sung
    assert not window.has_band


def test_a_window_is_never_longer_than_the_encoder_hears() -> None:
    shape = WindowShape(sung_share=0.0, band_share=0.0)
    window = strung_window([spoken(7.0)] * 7, [], shape, np.random.default_rng(0))
    assert 0 < len(window.said) < 5
    assert len(window.samples) <= 29.0 * SAMPLE_RATE + 1


def test_a_band_plays_along_everywhere() -> None:
    shape = WindowShape(sung_share=0.0, band_share=1.0)
    band = np.random.default_rng(1).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    window = strung_window([spoken(0.5)], [band], shape, np.random.default_rng(0))
    first = round(window.said[0].start_s * SAMPLE_RATE)
    assert window.has_band
    assert np.abs(window.samples[:first]).std() > 1e-3
    assert not strung_window([spoken(0.5)], [], shape, np.random.default_rng(0)).has_band


def test_singing_lasts_longer_and_has_another_pitch() -> None:
    speech = spoken(1.0).samples
    sung = [resung(speech, np.random.default_rng(seed)) for seed in range(4)]
    assert np.mean([len(one) for one in sung]) > 1.2 * len(speech)
    np.testing.assert_array_equal(sung[0], resung(speech, np.random.default_rng(0)))
    high = np.repeat(sung[0], 2)  # 44.1 kHz, as the fundamental is looked for
    f0, strength = fundamental(high, lowest_hz=60.0, highest_hz=600.0)
    heard = f0[strength > 0.6]
    assert len(heard) > 50
    assert np.ptp(12 * np.log2(np.quantile(heard, [0.1, 0.9]))) > 1.5


def test_a_cut_is_as_long_as_asked() -> None:
    rng = np.random.default_rng(0)
    sound = np.arange(10, dtype=np.float32)
    part = cut(sound, 4, rng)
    np.testing.assert_array_equal(np.diff(part), np.ones(3))
    np.testing.assert_array_equal(cut(sound, 25, rng)[:10], sound)


def test_missing_packages_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="core-sounds-en"):
        packed_prompts(tmp_path, "en", "en_US_f_Allison")
