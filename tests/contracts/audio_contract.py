"""The audio contract: what every task that maps audio to audio promises, written once.

A `Task` names a callable and what it claims; `CHECKS` holds one property per claim. To put a new task under the
contract, add a line to `tasks.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from descant.audio.clip import Clip, Stems

Run = Callable[[Clip], Clip | Stems]

KEEPS = frozenset({"keeps_length", "keeps_rate", "keeps_channels"})
HONEST = frozenset({"silence_in_silence_out", "deterministic", "input_unmodified", "finite"})
ALL = KEEPS | HONEST


@dataclass(frozen=True)
class Task:
    """One task under the contract.

    Attributes:
        name: For the test's name.
        load: Gives the callable; called once, inside the test.
        claims: Names from `CHECKS`.
        channels: Channel counts it accepts.
        rates: Sample rates it is tried at.
        frames: Shortest and longest input.
        examples: How many random inputs per claim.
        sums_to_mix_db: Highest level of (sum of stems - mix) relative to the mix.
        silence_db: What may come out for silence, relative to full scale.
        border_frames: Frames of the task's chunks, for `no_step_at_chunk_borders`.
        needs_weights: Whether model weights must be fetched.
    """

    name: str
    load: Callable[[], Run]
    claims: frozenset[str] = ALL
    channels: tuple[int, ...] = (1, 2)
    rates: tuple[int, ...] = (8_000, 44_100, 48_000, 96_000)
    frames: tuple[int, int] = (1, 12_000)
    examples: int = 12
    sums_to_mix_db: float = -60.0
    silence_db: float = -120.0
    border_frames: int = 0
    needs_weights: bool = False
    cache: dict[str, Run] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, clip: Clip) -> Clip | Stems:
        if "run" not in self.cache:
            self.cache["run"] = self.load()
        return self.cache["run"](clip)


def clips(task: Task) -> st.SearchStrategy[Clip]:
    """Music-like and hostile signals in every shape that the task accepts."""
    return st.builds(
        _signal,
        kind=st.sampled_from(["noise", "sine", "clicks", "offset", "hot", "quiet", "square"]),
        channels=st.sampled_from(task.channels),
        sample_rate=st.sampled_from(task.rates),
        frames=st.integers(*task.frames),
        seed=st.integers(0, 2**31),
    )


def _signal(kind: str, channels: int, sample_rate: int, frames: int, seed: int) -> Clip:
    random = np.random.default_rng(seed)
    time = np.arange(frames) / sample_rate
    hz = random.uniform(40, sample_rate / 3, (channels, 1))
    sine = np.sin(2 * np.pi * hz * time)
    clicks = np.zeros((channels, frames))
    clicks[:, random.integers(0, frames, max(1, frames // 500))] = random.uniform(-1, 1)
    samples = {
        "noise": 0.3 * random.standard_normal((channels, frames)),
        "sine": 0.8 * sine,
        "clicks": clicks,
        "offset": 0.5 + 0.2 * sine,
        "hot": 3.0 * sine,
        "quiet": 1e-5 * random.standard_normal((channels, frames)),
        "square": np.sign(sine) * 0.9999,
    }[kind]
    return Clip(samples.astype(np.float32), sample_rate)


def _parts(result: Clip | Stems) -> Mapping[str, Clip]:
    return result if isinstance(result, Stems) else {"clip": result}


def keeps_length(task: Task, clip: Clip) -> None:
    for name, part in _parts(task(clip)).items():
        assert part.frames == clip.frames, f"{name}: {part.frames} frames, not {clip.frames}"


def keeps_rate(task: Task, clip: Clip) -> None:
    for part in _parts(task(clip)).values():
        assert part.sample_rate == clip.sample_rate


def keeps_channels(task: Task, clip: Clip) -> None:
    for part in _parts(task(clip)).values():
        assert part.channels == clip.channels


def silence_in_silence_out(task: Task, clip: Clip) -> None:
    for name, part in _parts(task(Clip.silence(clip.frames, clip.sample_rate, clip.channels))).items():
        assert part.peak <= 10.0 ** (task.silence_db / 20.0), f"{name} is not silent: {part.peak}"


def deterministic(task: Task, clip: Clip) -> None:
    first, second = _parts(task(clip)), _parts(task(clip))
    assert list(first) == list(second)
    for name in first:
        assert first[name].samples.tobytes() == second[name].samples.tobytes(), f"{name} differs from run to run"


def input_unmodified(task: Task, clip: Clip) -> None:
    mine = clip.samples.copy()
    task(Clip(mine, clip.sample_rate))
    assert mine.tobytes() == clip.samples.tobytes()


def finite(task: Task, clip: Clip) -> None:
    for part in _parts(task(clip)).values():
        assert part.samples.dtype == np.float32
        assert np.isfinite(part.samples).all()


def sums_to_mix(task: Task, clip: Clip) -> None:
    result = task(clip)
    assert isinstance(result, Stems)
    error = result.mix().samples.astype(np.float64) - clip.samples
    # Rounding of the float32 sum itself stays below 1e-7 of the peak.
    allowed = 10.0 ** (task.sums_to_mix_db / 20.0) * np.sqrt(np.mean(np.square(clip.samples, dtype=float)))
    assert np.sqrt(np.mean(error**2)) <= allowed + 1e-9


def one_gain(task: Task, clip: Clip) -> None:
    """Over-full-scale input comes back with one gain for all stems: their sum is the mix times one number."""
    hot = clip.gain(20 * np.log10(2.5 / max(clip.peak, 1e-6)))
    result = task(hot)
    assert isinstance(result, Stems)
    total, mix = result.mix().samples.astype(float).ravel(), hot.samples.astype(float).ravel()
    gain = float(total @ mix / (mix @ mix))
    assert gain > 0
    error = total - gain * mix
    assert np.sqrt(np.mean(error**2)) <= 10.0 ** (task.sums_to_mix_db / 20.0) * gain * np.sqrt(np.mean(mix**2))


def no_step_at_chunk_borders(task: Task, clip: Clip) -> None:
    """A steady tone over several chunks has no jump where they meet that it has not elsewhere."""
    frames = 4 * task.border_frames
    phase = np.arange(clip.channels)[:, np.newaxis]
    tone = 0.5 * np.sin(2 * np.pi * 220 / clip.sample_rate * np.arange(frames) + phase)
    for name, part in _parts(task(Clip(tone.astype(np.float32), clip.sample_rate))).items():
        steps = np.abs(np.diff(part.samples, axis=1)).max(axis=0)
        borders = np.arange(1, part.frames // task.border_frames + 1) * task.border_frames
        near = np.zeros(len(steps), bool)
        for border in borders:
            near[max(0, border - 2) : border + 2] = True
        # The first and last chunk may ring at the ends of the signal, which is not a border.
        inner = slice(task.border_frames // 2, len(steps) - task.border_frames // 2)
        usual = steps[inner][~near[inner]].max()
        assert steps[inner][near[inner]].max() <= 1.5 * usual + 1e-4, f"{name} clicks at a chunk border"


CHECKS: dict[str, Callable[[Task, Clip], None]] = {
    check.__name__: check
    for check in (
        keeps_length,
        keeps_rate,
        keeps_channels,
        silence_in_silence_out,
        deterministic,
        input_unmodified,
        finite,
        sums_to_mix,
        one_gain,
        no_step_at_chunk_borders,
    )
}
