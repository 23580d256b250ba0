"""Processes agree on the time about once a second, and a process alone without any message."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from descant.progress import CancelToken
from descant.train import clock as module
from descant.train.clock import Clock


class Processes:
    """Two that take turns in one thread: what the first tells is what the second hears."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, size: int = 2) -> None:
        self.now = 0.0
        self.told: list[tuple[float, ...]] = []
        self.size = size
        monkeypatch.setattr(module.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(module, "agreed", self._agreed)

    def fabric(self, rank: int) -> Any:
        return SimpleNamespace(world_size=self.size, global_rank=rank)

    def _agreed(self, fabric: Any, values: tuple[float, ...]) -> tuple[float, ...]:
        if fabric.global_rank == 0:
            self.told.append(tuple(map(float, values)))
        return self.told[-1]


@pytest.mark.parametrize(("step_s", "gap"), [(0.01, 100), (0.25, 4), (3.0, 1)])
def test_they_meet_about_once_a_second(step_s: float, gap: int, monkeypatch: pytest.MonkeyPatch) -> None:
    both = Processes(monkeypatch)
    first, second = (Clock(both.fabric(rank), 5.0, 1e9, None, None) for rank in range(2))
    meetings = []
    for step in range(600):
        both.now += step_s
        before = len(both.told)
        assert first.tick() == second.tick()
        if len(both.told) > before:
            meetings.append(step)
    assert meetings[0] == 0  # at once: nothing is known of the pace
    gaps = [after - before for before, after in itertools.pairwise(meetings)]
    assert gaps[-1] == pytest.approx(gap, abs=1)
    assert all(after <= 2 * before for before, after in itertools.pairwise(gaps))
    assert both.told[0][0] == 5.0 + step_s


def test_the_first_process_decides_even_where_the_second_has_another_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Processes(monkeypatch)
    stop = CancelToken()
    first = Clock(both.fabric(0), 0.0, 10.0, 20.0, None)
    second = Clock(both.fabric(1), 99.0, 0.0, 0.0, stop)
    stop.cancel()
    seen = []
    for _ in range(25):
        both.now += 1.0
        tick = first.tick()
        assert second.tick() == tick
        seen.append(tick)
        if tick.is_save_due:
            first.saved()
            second.saved()
    assert not any(tick.is_stopped for tick in seen)
    assert [s for s, tick in enumerate(seen, 1) if tick.is_save_due] == [11, 22]
    assert [s for s, tick in enumerate(seen, 1) if tick.is_time_up] == [20, 21, 22, 23, 24, 25]


def test_time_stands_still_between_meetings(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Processes(monkeypatch)
    clock = Clock(both.fabric(0), 0.0, 0.0, 0.0, None)
    ticks = []
    for _ in range(7):
        both.now += 0.1
        ticks.append(clock.tick())
    # Meetings after steps 1, 3 and 7: the gap doubles at most.
    assert [t.elapsed_s for t in ticks] == pytest.approx([0.1, 0.1, 0.3, 0.3, 0.3, 0.3, 0.7])
    assert [t.is_time_up for t in ticks] == [True, False, True, False, False, False, True]


def test_a_process_alone_looks_at_its_clock_after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Processes(monkeypatch, size=1)
    clock = Clock(alone.fabric(0), 0.0, 1e9, None, None)
    for _ in range(5):
        alone.now += 0.001
        assert clock.tick().elapsed_s == pytest.approx(alone.now)


def test_a_process_alone_sends_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("a process alone has nobody to tell")

    monkeypatch.setattr("torch.distributed.broadcast", refuse)
    fabric: Any = SimpleNamespace(world_size=1, global_rank=0, device=None)
    assert not Clock(fabric, 0.0, 1e9, None, None).tick().is_stopped
