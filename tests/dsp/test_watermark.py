from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.dsp.watermark import BANDS, EDGES, SAMPLE_RATE, SIZE, SLOTS, Layout, Marker, marked, message, read_message
from descant.errors import InvalidOption


def noise(frames: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, (channels, frames)).astype(np.float32)


@given(st.integers(0, (1 << 32) - 1))
def test_messages_are_read_back(mark: int) -> None:
    bits = message(mark)
    assert read_message(bits) == mark
    for place in (0, 31, 32, 47):
        bits[place] ^= 1
        assert read_message(bits) is None
        bits[place] ^= 1


def test_the_check_sum_is_that_of_ccitt() -> None:
    # CRC-16/CCITT-FALSE of the bytes 31 32 33 34, from an independent calculator: 0x5349.
    assert int("".join(map(str, message(0x31323334)[32:])), 2) == 0x5349


@pytest.mark.parametrize("mark", [-1, 1 << 32])
def test_marks_of_more_than_32_bits(mark: int) -> None:
    with pytest.raises(InvalidOption, match="no mark"):
        Marker(mark)


def test_each_coded_bit_has_its_cells_and_a_quarter_is_known() -> None:
    layout = Layout.of_key(b"some key")
    counts = np.bincount(layout.bits[layout.bits >= 0])
    assert len(counts) == 192
    assert set(counts) <= {3, 4}
    assert (layout.bits < 0).sum() == BANDS * SLOTS // 4
    assert set(np.unique(layout.signs)) == {-1, 1}
    assert (Layout.of_key(b"another key").signs != layout.signs).any()


def test_the_layout_of_this_release_stays_what_it_is() -> None:
    # Marks that are out in the world are read with it: if this fails, they no longer are.
    pattern = Layout.of_key(b"descant mark 1").pattern(0x12345678)
    assert np.packbits(pattern[:2] > 0).tobytes().hex() == GOLDEN


GOLDEN = "d0f1352414"


@pytest.mark.parametrize("frames", [0, 1, 255, 256, 1000, 1023, 1024, 1025, 5000])
def test_as_many_samples_come_out(frames: int) -> None:
    assert Marker(5, 2).push(noise(frames, 2), last=True).shape == (2, frames)


@given(st.lists(st.integers(0, 3000), max_size=12))
def test_how_the_stream_is_cut_does_not_matter(sizes: list[int]) -> None:
    samples = noise(12_000, 2)
    whole = Marker(99, 2).push(samples, last=True)
    marker, parts, at = Marker(99, 2), [], 0
    for size in sizes:
        parts.append(marker.push(samples[:, at : at + size]))
        at = min(12_000, at + size)
    parts.append(marker.push(samples[:, at:], last=True))
    assert np.array_equal(np.concatenate(parts, axis=1), whole)


def test_a_stream_holds_less_than_a_window_back() -> None:
    marker, pushed, returned = Marker(1), 0, 0
    for _ in range(20):
        pushed += 3000
        returned += marker.push(noise(3000)).shape[1]
        assert pushed - returned < SIZE


def test_silence_stays_silence_and_the_input_is_not_touched() -> None:
    samples = noise(40_000)
    samples[:, 10_000:30_000] = 0.0
    before = samples.copy()
    out = Marker(7).push(samples, last=True)
    assert np.array_equal(samples, before)
    assert not out[:, 10_000 + SIZE : 30_000 - SIZE].any()
    assert np.abs(out - samples).max() > 1e-3


def test_noise_changes_by_less_than_2_db_and_tones_by_less_than_1() -> None:
    rate = SAMPLE_RATE
    tone = (0.3 * np.sin(2 * np.pi * 1000.0 * np.arange(3 * rate) / rate)).astype(np.float32)[np.newaxis]
    for sound, limit_db in ((noise(3 * rate), 1.8), (tone, 0.5)):
        added = Marker(3).push(sound, last=True) - sound
        share_db = 10 * np.log10(np.square(added).sum() / np.square(sound).sum())
        assert share_db < 20 * np.log10(10 ** (limit_db / 20) - 1)


def test_only_the_bands_change() -> None:
    sound = noise(SAMPLE_RATE)
    added = np.abs(np.fft.rfft((Marker(3).push(sound, last=True) - sound)[0]))
    hz = np.fft.rfftfreq(SAMPLE_RATE, 1 / SAMPLE_RATE)
    inside = (hz > EDGES[0] * SAMPLE_RATE / SIZE - 90) & (hz < EDGES[-1] * SAMPLE_RATE / SIZE + 90)
    assert np.square(added[~inside]).sum() < 1e-3 * np.square(added[inside]).sum()


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_clips_keep_their_shape(rate: int, channels: int) -> None:
    clip = Clip(noise(rate // 2 + 1, channels), rate)
    out = marked(clip, 17)
    assert (out.frames, out.channels, out.sample_rate) == (clip.frames, channels, rate)
    assert out.samples.tobytes() == marked(clip, 17).samples.tobytes()


def test_channels_get_the_same_gains() -> None:
    left = noise(20_000)
    both = Marker(4, 2).push(np.concatenate([left, -0.5 * left]), last=True)
    assert np.allclose(both[1], -0.5 * both[0], atol=1e-6)
