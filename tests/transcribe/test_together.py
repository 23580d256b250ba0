from __future__ import annotations

import pytest

from descant.transcribe.decode import NoteEvent
from descant.transcribe.together import share_together


@pytest.mark.parametrize(
    ("events", "share"),
    [
        ([], 0.0),
        ([NoteEvent(0, 100, 60, 0.8)], 0.0),
        ([NoteEvent(0, 100, 60, 0.8), NoteEvent(50, 100, 64, 0.7)], 0.5),
        ([NoteEvent(0, 100, 60, 0.8), NoteEvent(0, 100, 72, 0.8)], 0.0),  # an overtone, not a singer
        ([NoteEvent(0, 100, 60, 0.8), NoteEvent(0, 100, 64, 0.3)], 0.0),  # too soft to be one
        ([NoteEvent(0, 100, 60, 0.8), NoteEvent(0, 100, 61, 0.8)], 0.0),  # a slide
        ([NoteEvent(0, 60, 60, 0.8), NoteEvent(60, 120, 67, 0.8)], 0.0),
        ([NoteEvent(0, 60, 60, 0.8), NoteEvent(200, 240, 55, 0.8), NoteEvent(200, 240, 64, 0.8)], 0.4),
    ],
)
def test_two_tones_at_once_are_counted(events: list[NoteEvent], share: float) -> None:
    assert share_together(events) == pytest.approx(share)
