"""Spans cover everything once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from descant.audio.spans import spans


@given(st.integers(0, 1000), st.integers(1, 400))
def test_spans_cover_every_frame_once_in_order(frames: int, size: int) -> None:
    covered = [frame for span in spans(frames, size) for frame in range(span.start, span.stop)]
    assert covered == list(range(frames))
    assert all(span.stop - span.start <= size for span in spans(frames, size))
