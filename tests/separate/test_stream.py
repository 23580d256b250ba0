"""The spectral stream: cutting the input differently changes nothing, lengths are exact, borders are unheard."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import SMALL, Below, Restless, noise, rms_db, separator_of, tone

from descant.errors import InvalidOption
from descant.separate.config import SeparationConfig
from descant.separate.masks import MaskEstimator
from descant.separate.stream import SpectralStream

BLOCK = SMALL.hop_frames * SMALL.hop_samples


def _stream(*nets: object, stems: int = 2, channels: int = 2) -> SpectralStream:
    return SpectralStream(MaskEstimator(nets, SMALL), channels, stems)  # type: ignore[arg-type]


@settings(max_examples=12)
@given(cuts=st.lists(st.integers(0, 3 * BLOCK), max_size=6), frames=st.integers(0, 3 * BLOCK))
def test_cutting_the_input_changes_nothing(cuts: list[int], frames: int) -> None:
    samples = noise(frames, seed=frames).samples
    whole = _stream(Below(50), Below(300)).push(samples, last=True)
    stream = _stream(Below(50), Below(300))
    edges = [0, *sorted(min(cut, frames) for cut in cuts), frames]
    pieces = [stream.push(samples[:, a:b]) for a, b in pairwise(edges)]
    pieces.append(stream.push(samples[:, :0], last=True))
    joined = np.concatenate(pieces, axis=2)
    assert joined.shape == whole.shape == (2, 2, frames)
    # the size of an FFT batch may change the last bit
    np.testing.assert_allclose(joined, whole, atol=1e-6)


@pytest.mark.parametrize("frames", [1, 2, 1023, 1024, 2048, 4096, BLOCK, BLOCK + 1, 2 * BLOCK + 17 * 1024])
def test_all_stems_together_are_the_input(frames: int) -> None:
    samples = noise(frames).samples
    stems = _stream(Below(50), Below(300)).push(samples, last=True)
    np.testing.assert_allclose(stems.sum(axis=0), samples, atol=2e-6)


def test_pieces_come_out_before_the_end() -> None:
    stream = _stream(Below(50), Below(300))
    out = sum(stream.push(noise(BLOCK).samples).shape[2] for _ in range(6))
    assert out >= 4 * BLOCK


def test_an_impulse_train_stays_where_it_is_across_borders() -> None:
    samples = np.zeros((2, 5 * BLOCK), np.float32)
    places = np.arange(700, samples.shape[1], BLOCK // 7)
    samples[:, places] = 1.0
    stems = _stream(Restless((0.3, 0.9)), Restless((0.9, 0.3))).push(samples, last=True)
    for stem in stems:
        for place in places:
            near = np.abs(stem[0, max(0, place - 40) : place + 41])
            assert near.argmax() == min(40, place)


def test_a_tone_does_not_click_where_masks_differ() -> None:
    """Masks jump from 0.1 to 0.9 at every border; all that may be heard is a slow change of level."""
    clip = tone(440.0, 6 * BLOCK)
    stem = _stream(Restless((0.316, 0.949)), Restless((0.949, 0.316)), stems=1).push(clip.samples, last=True)[0, 0]
    level = np.abs(stem).reshape(-1, 1024).max(axis=1)
    assert level.max() > 5 * level[4:-4].min()  # they do differ
    spectrum = np.fft.rfft(stem * np.hanning(len(stem)))
    hz = np.fft.rfftfreq(len(stem), 1 / 44_100)
    elsewhere = np.abs(hz - 440.0) > 60.0
    energy = np.square(np.abs(spectrum))
    assert 10 * np.log10(energy[elsewhere].sum() / energy.sum()) < -70.0


def test_a_hard_switch_would_have_failed_that_test() -> None:
    clip = tone(440.0, 6 * BLOCK).samples[0] * np.where(np.arange(6 * BLOCK) // BLOCK % 2, 0.9, 0.1)
    spectrum = np.square(np.abs(np.fft.rfft(clip * np.hanning(len(clip)))))
    elsewhere = np.abs(np.fft.rfftfreq(len(clip), 1 / 44_100) - 440.0) > 60.0
    assert 10 * np.log10(spectrum[elsewhere].sum() / spectrum.sum()) > -60.0


@pytest.mark.parametrize(
    "fault",
    [
        {"block_frames": 500},
        {"net_bins": 1_000},
        {"overlap_frames": 0},
        {"overlap_frames": 300},
        {"edge_frames": 64},
        {"net_bins": 4_096},
        {"top_bins": 0},
    ],
)
def test_sizes_that_do_not_fit_are_refused(fault: dict[str, int]) -> None:
    with pytest.raises(InvalidOption) as caught:
        SeparationConfig(**fault)
    assert caught.value.message


def test_what_is_above_the_nets_goes_where_the_top_bins_go() -> None:
    high = tone(15_000.0, 3 * BLOCK).samples
    for top_hz, owner in ((9_000.0, 0), (9_000.0, 1)):
        masks = (Below(0, outside=0.98), Below(0)) if owner == 0 else (Below(0), Below(0, outside=0.98))
        stems = _stream(*masks).push(high + tone(top_hz, 3 * BLOCK).samples, last=True)
        assert rms_db(stems[owner]) - rms_db(stems[1 - owner]) > 25.0


def test_without_full_band_the_last_stem_gets_what_is_above() -> None:
    config = SeparationConfig(block_frames=64, overlap_frames=16, edge_frames=2, is_full_band=False)
    separator = separator_of(Below(0, outside=0.98), Below(0), config=config)
    stems = separator(tone(15_000.0, 2 * BLOCK))
    middle = slice(8_192, -8_192)  # a tone that starts and stops is a click there, and clicks have low bins too
    vocals, accompaniment = (stem.samples[:, middle] for stem in stems.values())
    assert rms_db(vocals) < -70.0
    assert rms_db(accompaniment) > -20.0
