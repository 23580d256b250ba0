import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.audio.loudness import integrated_lufs
from descant.data.band.studio import draw_room, draw_treatment, find_rooms, mix_down, role_of_part, to_pcm, treat
from descant.errors import InputNotFound


def noise(seconds: float, seed: int, level: float = 0.1) -> Clip:
    samples = np.random.default_rng(seed).standard_normal((2, round(seconds * 44_100))) * level
    return Clip(samples.astype(np.float32), 44_100)


@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=5), st.floats(-40.0, -6.0))
def test_the_mixture_is_the_sum_of_its_stems_and_never_clips(levels: list[float], lufs: float) -> None:
    stems = {f"s{i}": noise(0.5, i, level) for i, level in enumerate(levels)}
    mixed = mix_down(stems, lufs)
    total = np.sum([s.astype(np.int64) for s in mixed.stems.values()], axis=0)
    assert (total == mixed.mixture).all()
    assert np.abs(mixed.mixture.astype(int)).max() <= 0.971 * 32_767 + len(levels)
    if math.isfinite(mixed.lufs):
        assert mixed.lufs <= lufs + 0.1


def test_the_loudness_is_what_it_says() -> None:
    mixed = mix_down({"a": noise(2.0, 0), "b": noise(2.0, 1)}, -23.0)
    again = Clip((mixed.mixture.T / 32_768).astype(np.float32), 44_100)
    assert integrated_lufs(again) == pytest.approx(-23.0, abs=0.1)
    assert mixed.lufs == pytest.approx(-23.0, abs=0.1)


def test_silence_stays_silent() -> None:
    role = role_of_part("piano")
    room = draw_room((), np.random.default_rng(0))
    treatment = draw_treatment(role, np.random.default_rng(0))
    quiet = treat(Clip.silence(20_000, 44_100, 2), role, treatment, room.impulse())
    assert quiet.peak == 0.0
    mixed = mix_down({"a": quiet}, -20.0)
    assert not mixed.mixture.any()
    assert mixed.lufs == -math.inf


def test_a_treated_stem_keeps_its_length_and_has_its_level() -> None:
    role = role_of_part("bass")
    treatment = draw_treatment(role, np.random.default_rng(3))
    room = draw_room((), np.random.default_rng(1))
    done = treat(noise(2.0, 5), role, treatment, room.impulse())
    assert done.frames == 88_200
    assert integrated_lufs(done) == pytest.approx(-22.0 + treatment.level_lu, abs=0.3)


@pytest.mark.parametrize("place", [-0.6, 0.6])
def test_a_stem_stands_where_its_treatment_says(place: float) -> None:
    role = role_of_part("guitar")
    treatment = replace(draw_treatment(role, np.random.default_rng(3)), pan=place, send=0.0)
    left, right = treat(noise(1.0, 5), role, treatment, draw_room((), np.random.default_rng(1)).impulse()).samples
    louder_db = 10.0 * np.log10(np.mean(right.astype(float) ** 2) / np.mean(left.astype(float) ** 2))
    assert np.sign(louder_db) == np.sign(place)
    assert abs(louder_db) > 3.0


def test_measured_rooms_are_found_and_have_unit_energy(tmp_path: Path) -> None:
    decay = np.exp(-np.arange(24_000) / 3_000)[:, None] * np.random.default_rng(0).standard_normal((24_000, 2))
    soundfile.write(tmp_path / "hall.wav", 0.2 * decay, 48_000)
    (room,) = find_rooms(tmp_path)
    impulse = room.impulse()
    assert room.name == "measured/hall"
    assert impulse.sample_rate == 44_100
    assert np.square(impulse.samples.astype(float)).sum() == pytest.approx(2.0, rel=0.01)


def test_a_folder_without_rooms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="impulse"):
        find_rooms(tmp_path)


def test_what_lies_beside_the_mix_does_not_clip_either() -> None:
    loud = noise(0.5, 3, 1.0)
    mixed = mix_down({"a": noise(0.5, 0, 0.01)}, -6.0, beside=[loud])
    assert np.abs(to_pcm(loud, 10.0 ** (mixed.gain_db / 20.0)).astype(int)).max() < 32_000
