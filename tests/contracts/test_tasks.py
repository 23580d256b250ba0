"""Every task keeps the audio contract."""

from __future__ import annotations

import numpy as np
import pytest
from audio_contract import CHECKS, Task, clips
from hypothesis import given, settings
from tasks import TASKS

from descant.audio.clip import Clip, Stems


def _pairs() -> list[object]:
    return [
        pytest.param(task, claim, id=f"{task.name}: {claim}", marks=[pytest.mark.weights] if task.needs_weights else [])
        for task in TASKS
        for claim in sorted(task.claims)
    ]


@pytest.mark.parametrize(("task", "claim"), _pairs())
def test_contract(task: Task, claim: str) -> None:
    @settings(max_examples=task.examples)
    @given(clip=clips(task))
    def holds(clip: Clip) -> None:
        CHECKS[claim](task, clip)

    holds()


def _scaled_per_stem(clip: Clip) -> Stems:
    """The fault of other tools: each stem normalised alone."""
    low = Clip(clip.samples * np.float32(0.3), clip.sample_rate)
    high = Clip(clip.samples - low.samples * np.float32(np.linspace(0.2, 1.8, clip.frames)), clip.sample_rate)
    return Stems(
        {
            name: Clip(part.samples / max(part.peak, 1.0), part.sample_rate)
            for name, part in {"low": low, "high": high}.items()
        }
    )


def _with_clicks(clip: Clip) -> Clip:
    gain = 1.0 - 0.3 * (np.arange(clip.frames) // 1_000 % 2)
    return Clip(clip.samples * gain.astype(np.float32), clip.sample_rate)


def _scribbles(clip: Clip) -> Clip:
    writable = clip.samples.base if clip.samples.base is not None else clip.samples
    writable[...] = 0
    return Clip(clip.samples.copy(), clip.sample_rate)


def _forgetful() -> object:
    random = np.random.default_rng(0)
    return lambda clip: Clip(clip.samples + random.normal(0, 1e-3, clip.samples.shape), clip.sample_rate)


FAULTS = (
    ("keeps_length", lambda clip: Clip(clip.samples[:, :-1], clip.sample_rate)),
    ("keeps_rate", lambda clip: Clip(clip.samples, clip.sample_rate + 1)),
    ("keeps_channels", lambda clip: clip.to_channels(3)),
    ("silence_in_silence_out", lambda clip: Clip(clip.samples + np.float32(1e-3), clip.sample_rate)),
    ("deterministic", _forgetful()),
    ("input_unmodified", _scribbles),
    ("sums_to_mix", _scaled_per_stem),
    ("one_gain", _scaled_per_stem),
    ("no_step_at_chunk_borders", _with_clicks),
)


@pytest.mark.parametrize(("claim", "run"), FAULTS, ids=[claim for claim, _ in FAULTS])
def test_each_check_finds_the_fault_it_is_for(claim: str, run: object) -> None:
    task = Task("faulty", lambda: run, border_frames=1_000)  # type: ignore[arg-type, return-value]
    noise = np.random.default_rng(1).normal(0, 0.8, (2, 4_000)).astype(np.float32)
    with pytest.raises(AssertionError):
        CHECKS[claim](task, Clip(noise, 44_100))
