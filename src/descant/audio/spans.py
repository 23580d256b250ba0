"""Long arrays a span at a time.

A filter that makes its temporaries for a whole song asks the system for fresh memory at every step, which takes longer
than the arithmetic; those of a short span stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Iterator

SPAN_FRAMES = 1 << 15


def spans(frames: int, size: int = SPAN_FRAMES) -> Iterator[slice]:
    """Slices of at most `size` frames that cover `frames` in order."""
    for start in range(0, frames, size):
        yield slice(start, min(start + size, frames))
