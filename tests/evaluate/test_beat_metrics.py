from __future__ import annotations

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.evaluate.beat_metrics import beat_f, matches, tempo_accuracy_1, tempo_accuracy_2

times = st.lists(st.floats(0.0, 60.0), min_size=1, max_size=60).map(lambda x: np.unique(np.round(x, 3)))


@given(times, times)
def test_beat_f_equals_mir_eval(reference: np.ndarray, estimated: np.ndarray) -> None:
    trimmed = [mir_eval.beat.trim_beats(t) for t in (reference, estimated)]
    expected = mir_eval.util.match_events(*trimmed, 0.07)
    total = len(trimmed[0]) + len(trimmed[1])
    one_side_empty = not len(trimmed[0]) or not len(trimmed[1])
    assert beat_f(reference, estimated) == pytest.approx(0.0 if one_side_empty else 2 * len(expected) / total)


def test_beats_near_the_edge_of_the_window() -> None:
    reference = np.arange(6.0, 20.0, 0.5)
    assert beat_f(reference, reference + 0.069) == 1.0
    assert beat_f(reference, reference + 0.071) == 0.0
    assert beat_f(reference, reference[::2]) == pytest.approx(2 / 3)
    assert beat_f([], [1.0]) == 0.0


def test_one_estimate_serves_one_reference() -> None:
    assert matches([1.0, 1.05], [1.02], 0.07) == 1


def test_tempo_accuracies() -> None:
    assert tempo_accuracy_1(120, 129) == 1.0
    assert tempo_accuracy_1(120, 130) == 0.0
    assert tempo_accuracy_1(120, 60) == 0.0
    assert tempo_accuracy_2(120, 60) == 1.0
    assert tempo_accuracy_2(120, 360) == 1.0
    assert tempo_accuracy_1(0, 120) == 0.0
