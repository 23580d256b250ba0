"""The timbre lesson: what lies between two envelopes by hand, sounds in files, a net that learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.cli.app import run
from descant.errors import InputNotFound, InvalidOption, TextReadError
from descant.instrument.blend.coder import Coder
from descant.instrument.blend.frames import FEATURES, TimbreFrames
from descant.nets.timbre import TimbreConfig, TimbreNet
from descant.train.timbre import TimbreLesson, TimbreLessonConfig, build_lesson, invented
from descant.train.timbre_frames import HeardSound, as_whole, hear, load_sounds, save_sounds
from descant.train.timbre_mixing import between

SMALL = TimbreLessonConfig(source="invented", width=16, blocks=1, embedding=8, batch=4, frames=32)


def peak(at: int) -> torch.Tensor:
    """One loud band over a floor."""
    levels = torch.full((1, 48), -60.0)
    levels[0, at] = 0.0
    return levels


def test_a_resonance_moves_instead_of_fading() -> None:
    middle = between(peak(10), peak(30), torch.tensor([0.5]))[0]
    assert int(middle.argmax()) == 20
    assert float(middle.max()) == pytest.approx(0.0, abs=1.0)
    assert float(middle[[10, 30]].max()) < -40


def test_the_ends_are_the_two_themselves() -> None:
    rng = torch.Generator().manual_seed(0)
    first, second = (torch.rand(5, 48, generator=rng) * -50 for _ in range(2))
    torch.testing.assert_close(between(first, second, torch.zeros(5)), first, atol=0.02, rtol=0)
    torch.testing.assert_close(between(first, second, torch.ones(5)), second, atol=0.02, rtol=0)


@given(st.integers(0, 1000), st.floats(0, 1))
def test_the_centre_moves_in_a_straight_line(seed: int, share: float) -> None:
    rng = torch.Generator().manual_seed(seed)
    pair = [(torch.rand(1, 48, generator=rng) * -40).double() for _ in range(2)]

    def centre(levels: torch.Tensor) -> float:
        mass = 10 ** (levels / 20)
        return float((mass * torch.arange(48)).sum() / mass.sum())

    wanted = (1 - share) * centre(pair[0]) + share * centre(pair[1])
    found = centre(between(*pair, torch.tensor([share], dtype=torch.float64)))
    assert found == pytest.approx(wanted, abs=0.15)  # of a band: the result is told by whole bands


def test_a_sound_loses_the_silence_at_its_ends(tmp_path: Path) -> None:
    samples = np.zeros((2, 96_000), np.float32)
    samples[:, 24_000:72_000] = np.random.default_rng(0).normal(0, 0.1, (2, 48_000))
    (sound,) = hear(samples, as_whole(samples), is_held_out=True)
    assert len(sound.level) == pytest.approx(48, abs=3)
    assert sound.features.shape[1] == FEATURES
    assert list(hear(0 * samples, as_whole(0 * samples), is_held_out=False)) == []
    save_sounds(tmp_path / "a.npz", [sound, sound])
    back = load_sounds(tmp_path / "a.npz")
    assert [s.is_held_out for s in back] == [True, True]
    np.testing.assert_array_equal(back[1].features, sound.features)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.npz"
    sound = HeardSound(np.zeros((30, FEATURES), np.float16), np.zeros(30, np.float16), is_held_out=False)
    save_sounds(path, [sound])
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(TextReadError, match=r"notes\.npz"):
        load_sounds(path)
    with pytest.raises(InputNotFound):
        save_sounds(path, [])
    for data in (None, tmp_path / "nowhere"):
        with pytest.raises(InputNotFound):
            build_lesson(TimbreLessonConfig(), data, 0)
    with pytest.raises(InvalidOption):
        TimbreLessonConfig(batch=1)


def test_a_net_learns_to_give_back_and_to_mix() -> None:
    lesson = TimbreLesson(SMALL, invented(0), 0)
    before = lesson.validate()
    assert set(before) == {"notes_db", "mixed_db"}
    generator = np.random.default_rng(0)
    optimiser = torch.optim.AdamW(lesson.model.parameters(), 5e-3)
    lesson.model.train()
    for _ in range(60):
        loss = lesson.loss(lesson.batch(generator))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    after = lesson.validate()
    assert after["notes_db"] < 0.7 * before["notes_db"]
    assert after["mixed_db"] < 0.7 * before["mixed_db"]
    assert len(lesson.examples()) == 2


def test_blocks_give_the_numbers_of_one_run() -> None:
    torch.manual_seed(0)
    coder = Coder(TimbreNet(TimbreConfig(width=16, blocks=2)))
    frames = TimbreFrames.of(np.random.default_rng(0).normal(0, 1, (5000, FEATURES)).astype(np.float32))
    codes = coder.encode(frames)
    part = slice(2000, 2100)
    around = TimbreFrames.of(frames.features()[1900:2200])
    np.testing.assert_allclose(codes[part], coder.encode(around)[100:200], atol=1e-5)
    decoded = coder.decode(codes, frames.pitched)
    assert len(decoded) == 5000
    np.testing.assert_array_equal(decoded.pitched, frames.pitched)


@pytest.mark.slow
def test_the_smoke_recipe_reaches_what_it_expects(tmp_path: Path) -> None:
    recipe = Path(__file__).parents[2] / "recipes" / "timbre" / "smoke.toml"
    assert run(["train", str(recipe), "--out", str(tmp_path / "run"), "--quiet"]) == 0
