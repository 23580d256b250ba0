"""Every task under the audio contract, one entry each. Imports happen inside, so that one task can be run alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from audio_contract import ALL, HONEST, KEEPS, Run, Task

from descant.audio import effects
from descant.audio.chunks import OverlapAdd, slide
from descant.audio.clip import Clip
from descant.audio.normalize import normalize_loudness
from descant.audio.resample import resample
from descant.audio.stretch import time_stretch
from descant.dsp.watermark import marked
from descant.mix.api import Mix, mix

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


def _separator(*, residual: bool) -> Run:
    """The real weights in blocks of about a second, so that short audio crosses many borders."""
    from descant.separate.api import Separator
    from descant.separate.config import SeparationConfig

    nets = Separator.load()
    small = SeparationConfig(block_frames=64, overlap_frames=16, edge_frames=2)
    separator = Separator(nets.nets, nets.stems, small)
    return lambda clip: separator(clip, residual=residual)


def _voices() -> Run:
    """Two separators in a chain, with the weights that ship."""
    from descant.separate.chain import links_of, load_chain

    chain = load_chain("descant-lead", links_of(("lead", "backing"), dry=True))
    return lambda clip: chain(clip)


def _mixed(clip: Clip) -> Mix:
    backing = Clip(clip.samples[:, ::-1].copy(), clip.sample_rate)
    return mix({"vocals": clip, "piano": backing, "drums": clip.gain(-6.0)})


_SEPARATOR_BORDER = (64 - 16) * 1_024
_SUMS = frozenset({"sums_to_mix", "one_gain"})

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
    Task("mix", lambda: lambda clip: _mixed(clip).clip, channels=(2,), rates=(22_050, 44_100), examples=6),
    Task("stems of a mix", lambda: lambda clip: _mixed(clip).stems, channels=(2,), rates=(22_050, 44_100), examples=6),
    Task("mark", lambda: lambda clip: marked(clip, 0x1234), channels=(1, 2, 6), rates=(8_000, 44_100, 48_000)),
    Task("time_stretch", lambda: lambda clip: time_stretch(clip, 1.2), ALL - {"keeps_length"}, examples=6),
    Task(
        "separate",
        lambda: _separator(residual=False),
        ALL | _SUMS | {"no_step_at_chunk_borders"},
        channels=(1, 2),
        rates=(44_100, 48_000),
        frames=(1, 12_000),
        examples=2,
        border_frames=_SEPARATOR_BORDER,
        needs_weights=True,
    ),
    Task(
        "separate with residual",
        lambda: _separator(residual=True),
        KEEPS | _SUMS | {"silence_in_silence_out"},
        channels=(2, 6),
        rates=(44_100, 96_000),
        frames=(1, 12_000),
        examples=2,
        needs_weights=True,
    ),
    Task(
        "separate voices and room",
        _voices,
        KEEPS | _SUMS | {"silence_in_silence_out"},
        channels=(1, 2, 6),
        rates=(22_050, 44_100),
        frames=(1, 12_000),
        examples=2,
    ),
)
