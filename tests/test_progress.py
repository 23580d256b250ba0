from __future__ import annotations

import pytest

from descant.errors import Cancelled
from descant.progress import CancelToken, Monitor, Progress


def test_nested_parts_scale_into_one_fraction() -> None:
    events: list[Progress] = []
    monitor = Monitor(events.append)
    first = monitor.part("a", 0.0, 0.5)
    first.report(0.5)
    second = monitor.part("b", 0.5, 1.0).part("c", 0.0, 0.5)
    second.report(1.0, "half of the second half")
    assert [(e.stage, e.fraction) for e in events] == [("a", 0.25), ("c", 0.75)]
    assert events[1].message == "half of the second half"


def test_sink_forwards_the_events_of_another_function_into_the_part() -> None:
    events: list[Progress] = []
    Monitor(events.append).part("outer", 0.2, 0.4).sink(Progress("inner", 0.5))
    assert events == [Progress("inner", pytest.approx(0.3))]


@pytest.mark.parametrize(("reported", "seen"), [(-1.0, 0.0), (2.0, 1.0)])
def test_fractions_are_clamped(reported: float, seen: float) -> None:
    events: list[Progress] = []
    Monitor(events.append).report(reported)
    assert events[0].fraction == seen


def test_report_raises_once_cancelled() -> None:
    token = CancelToken()
    monitor = Monitor(None, token)
    monitor.report(0.1)
    token.cancel()
    with pytest.raises(Cancelled):
        monitor.part("x", 0, 1).report(0.2)


def test_a_step_under_one_name() -> None:
    events: list[Progress] = []
    monitor = Monitor(events.append, None, "whole")
    step = monitor.part("", 0.5, 1.0).named("listening")
    step.part("something", 0.0, 0.5).report(1.0)
    step.sink(Progress("another", 0.75, "half a minute"))
    assert events == [Progress("listening", 0.75), Progress("listening", 0.875, "half a minute")]
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        Monitor(None, cancel).named("listening").report(0.0)
