"""A mix and its stems as files, all stems under one gain."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from descant.audio.clip import Clip, Stems
from descant.audio.io import write
from descant.audio.loudness import integrated_lufs
from descant.mix.api import Mix
from descant.parallel import side_by_side
from descant.pipelines.page import Part
from descant.progress import CancelToken

MIX = "mix"


def write_parts(
    folder: Path, mixed: Mix, *, comments: Mapping[str, str] | None = None, cancel: CancelToken | None = None
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """Write `mix.flac` and `stems/*.flac`.

    Args:
        folder: Where.
        mixed: What.
        comments: What single files should say of themselves, by part.
        cancel: Stops the work.

    Returns:
        The rows of a player, the mix first, and remarks for people.
    """
    gain_db = _gain_below_full_scale(mixed.stems)
    said = comments or {}

    def write_part(name: str, _stop: CancelToken) -> Part:
        if name == MIX:
            write(folder / "mix.flac", mixed.clip, comment=said.get(name, ""))
            return Part(MIX, "mix.flac", mixed.report.lufs)
        return _write_stem(folder, name, mixed.stems[name].gain(gain_db), said.get(name, ""))

    parts = side_by_side(write_part, (MIX, *mixed.stems), cancel=cancel)
    return tuple(parts), _stem_remarks(gain_db)


def _write_stem(folder: Path, name: str, clip: Clip, comment: str) -> Part:
    file = f"stems/{name}.flac"
    write(folder / file, clip, comment=comment)
    return Part(name, file, integrated_lufs(clip))


def _gain_below_full_scale(stems: Stems) -> float:
    """One gain for all stems, so that none clips where the mix relied on its limiter."""
    peak = max(clip.peak for clip in stems.values())
    return min(0.0, -20.0 * math.log10(max(peak, 1e-9)) - 0.01)


def _stem_remarks(gain_db: float) -> tuple[str, ...]:
    if not gain_db:
        return ()
    return (f"All stems are written {-gain_db:.1f} dB softer than in the mix, so that none of them clips.",)
