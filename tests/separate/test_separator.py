"""The separator on clips: every rate, length and channel count; sums, silence, residual, memory, cancelling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import SMALL, Below, Hungry, noise, rms_db, separator_of, tone

from descant.audio.clip import Clip
from descant.errors import Cancelled, CardError, InvalidAudio, ModelNotFound, OutOfMemory
from descant.progress import CancelToken, Progress
from descant.separate.api import Separator
from descant.separate.masks import channel_pairs
from descant.separate.weights import rename


@settings(max_examples=25)
@given(
    sample_rate=st.sampled_from([8_000, 22_050, 44_100, 48_000, 96_000, 192_000]),
    channels=st.sampled_from([1, 2, 3, 6]),
    frames=st.sampled_from([1, 2, 441, 4_410, 4_801, 20_000]),
    residual=st.booleans(),
)
def test_stems_have_the_clips_shape_and_sum_to_it(sample_rate: int, channels: int, frames: int, residual: bool) -> None:
    separator = separator_of(Below(100), Below(100, inside=0.02, outside=0.9))
    clip = noise(frames, sample_rate, channels, seed=frames)
    before = clip.samples.tobytes()
    stems = separator(clip, residual=residual)
    assert list(stems) == ["vocals", "accompaniment", *(["residual"] if residual else [])]
    assert (stems.frames, stems.channels, stems.sample_rate) == (frames, channels, sample_rate)
    assert rms_db(stems.mix().samples - clip.samples) - rms_db(clip.samples) < -120.0
    assert clip.samples.tobytes() == before


@pytest.mark.parametrize("sample_rate", [22_050, 44_100, 48_000])
def test_tones_go_to_the_stem_that_claims_them(split: Separator, sample_rate: int) -> None:
    low, high = tone(300.0, 2 * sample_rate, sample_rate), tone(4_000.0, 2 * sample_rate, sample_rate)
    stems = split(Clip(low.samples + high.samples, sample_rate))
    middle = slice(sample_rate // 4, -sample_rate // 4)
    assert rms_db((stems["vocals"].samples - low.samples)[:, middle]) < -45.0
    assert rms_db((stems["accompaniment"].samples - high.samples)[:, middle]) < -45.0


@pytest.mark.parametrize(("sample_rate", "channels"), [(44_100, 2), (48_000, 1), (8_000, 6)])
def test_silence_stays_silent(split: Separator, sample_rate: int, channels: int) -> None:
    stems = split(Clip.silence(2 * sample_rate, sample_rate, channels), residual=True)
    assert all(stem.peak == 0.0 for stem in stems.values())


def test_same_clip_same_bytes(split: Separator) -> None:
    clip = noise(100_000, 48_000)
    first, second = split(clip), split(clip)
    assert all(first[name].samples.tobytes() == second[name].samples.tobytes() for name in first)


def test_no_gain_is_applied_to_hot_clips(split: Separator) -> None:
    clip = Clip(noise(50_000).samples * np.float32(20), 44_100)
    assert clip.peak > 4
    assert rms_db(split(clip).mix().samples - clip.samples) - rms_db(clip.samples) < -120.0


def test_left_stays_left(split: Separator) -> None:
    samples = noise(60_000).samples.copy()
    samples[1] = 0
    stems = split(Clip(samples, 44_100))
    assert all(np.abs(stem.samples[1]).max() < 1e-6 < np.abs(stem.samples[0]).max() for stem in stems.values())


def test_further_channels_are_heard_by_themselves() -> None:
    assert channel_pairs(1) == [(0, 0)]
    assert channel_pairs(2) == [(0, 1)]
    assert channel_pairs(6) == [(0, 1), (2, 2), (3, 3), (4, 4), (5, 5)]


def test_the_residual_is_what_no_net_claims() -> None:
    clip = tone(300.0, 44_100)
    nothing_claimed = separator_of(Below(0), Below(0))(clip, residual=True)
    assert rms_db(nothing_claimed["residual"].samples - clip.samples) - rms_db(clip.samples) < -25.0
    all_claimed = separator_of(Below(500), Below(0))(clip, residual=True)
    assert rms_db(all_claimed["residual"].samples) - rms_db(clip.samples) < -40.0


def test_an_empty_clip_is_refused(split: Separator) -> None:
    with pytest.raises(InvalidAudio, match="length is zero"):
        split(Clip.silence(0, 44_100))


def test_progress_rises_to_one(split: Separator) -> None:
    events: list[Progress] = []
    split(noise(44_100 * 30, channels=1), progress=events.append)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.0
    assert fractions[-1] == 1.0
    assert len(fractions) >= 3


def test_cancelling_stops_at_the_next_block(split: Separator) -> None:
    token = CancelToken()
    seen: list[float] = []

    def stop(event: Progress) -> None:
        seen.append(event.fraction)
        if event.fraction > 0:
            token.cancel()

    with pytest.raises(Cancelled):
        split(noise(44_100 * 60, channels=1), progress=stop, cancel=token)
    assert max(seen) < 0.5


def test_short_memory_means_smaller_blocks_and_a_remark() -> None:
    clip = noise(4 * 44_100)
    config = type(SMALL)(block_frames=256, overlap_frames=16, edge_frames=2)
    events: list[Progress] = []
    short = separator_of(Hungry(100, 192), Below(0), config=config)(clip, progress=events.append)
    enough = separator_of(Below(100), Below(0), config=config)(clip)
    assert "memory" in events[-1].message
    np.testing.assert_allclose(short["vocals"].samples, enough["vocals"].samples, atol=1e-6)


def test_no_memory_at_all_is_an_error_that_says_so() -> None:
    with pytest.raises(OutOfMemory) as caught:
        separator_of(Hungry(100, 0), Below(0))(noise(44_100))
    assert caught.value.hint
    assert caught.value.code == 40


def test_bugs_are_not_taken_for_short_memory() -> None:
    class Broken(Below):
        def soft_mask(self, magnitudes: object) -> None:
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        separator_of(Broken(1), Below(0))(noise(1_000))


def test_unknown_and_unfit_cards_are_refused() -> None:
    with pytest.raises(ModelNotFound):
        Separator.load("no-such-model")
    with pytest.raises(CardError, match="not for separating"):
        Separator.load("swift-f0")


def test_names_that_belong_to_no_layer_are_kept_and_so_found() -> None:
    import torch

    assert list(rename({"up7.0.bias": torch.zeros(2), "stray.weight": torch.zeros(1)})) == ["mask.bias", "stray.weight"]
