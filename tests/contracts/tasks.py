"""Every task under the audio contract, one entry each. Imports happen inside, so that one task can be run alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from audio_contract import ALL, HONEST, KEEPS, Task

from descant.audio import effects
from descant.audio.chunks import OverlapAdd, slide
from descant.audio.clip import Clip
from descant.audio.loudness import normalize_loudness
from descant.audio.resample import resample

_CHUNK, _OVERLAP = 2_000, 400


def _through_chunks(clip: Clip) -> Clip:
    joined = OverlapAdd(_OVERLAP)

    def blocks() -> Iterator[Clip]:
        for start in range(0, clip.frames, 777):
            yield Clip(clip.samples[:, start : start + 777], clip.sample_rate)

    parts = [joined.push(samples, chunk.start) for chunk, samples in slide(blocks(), _CHUNK, _OVERLAP)]
    return Clip(np.concatenate([*parts, joined.finish()], axis=1), clip.sample_rate)


def _there_and_back(clip: Clip) -> Clip:
    back = resample(resample(clip, 2 * clip.sample_rate), clip.sample_rate)
    assert back.frames == clip.frames
    return back


TASKS = (
    Task("fade", lambda: lambda clip: effects.fade(clip, 0.01, 0.02), channels=(1, 2, 6)),
    Task("low_shelf", lambda: lambda clip: effects.low_shelf(clip, 200, 4), channels=(1, 2, 6)),
    Task("high_shelf", lambda: lambda clip: effects.high_shelf(clip, 3_000, -4)),
    Task("peak", lambda: lambda clip: effects.peak(clip, 1_000, 6)),
    Task("high_pass", lambda: lambda clip: effects.high_pass(clip, 80)),
    Task("low_pass", lambda: lambda clip: effects.low_pass(clip, 3_000)),
    Task("compress", lambda: effects.compress, channels=(1, 2, 6)),
    Task("duck", lambda: lambda clip: effects.duck(clip, clip)),
    Task("limit", lambda: effects.limit, channels=(1, 2, 6)),
    Task("reverb", lambda: lambda clip: effects.reverb(clip, decay_s=0.1)),
    Task("pan", lambda: lambda clip: effects.pan(clip, 0.3), ALL - {"keeps_channels"}),
    Task("width", lambda: lambda clip: effects.width(clip, 1.5), channels=(2,)),
    Task("normalize_loudness", lambda: lambda clip: normalize_loudness(clip, -14.0)),
    Task(
        "chunks",
        lambda: _through_chunks,
        ALL | {"no_step_at_chunk_borders"},
        channels=(1, 2, 6),
        border_frames=_CHUNK - _OVERLAP,
    ),
    Task("resample to 22.05 kHz", lambda: lambda clip: resample(clip, 22_050), HONEST | {"keeps_channels"}),
    Task("resample there and back", lambda: _there_and_back, KEEPS | HONEST, channels=(1, 2, 6)),
)
