"""Work on several threads: order, errors, cancellation, interruption, progress."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from descant.errors import Cancelled, InvalidOption
from descant.parallel import Tally, side_by_side
from descant.progress import CancelToken, Monitor, Progress

_PATIENCE_S = 20.0


def _until_stopped(stop: CancelToken) -> None:
    """A long step that checks its token, as the real ones do."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        stop.check()
        time.sleep(0.005)


def test_results_come_in_order_from_several_threads() -> None:
    meeting = threading.Barrier(2, timeout=_PATIENCE_S)

    def work(item: int, _stop: CancelToken) -> int:
        meeting.wait()  # two must be at work at the same time, else this times out
        time.sleep(0.01 * (4 - item))
        return item * item

    assert side_by_side(work, range(4)) == [0, 1, 4, 9]
    assert side_by_side(work, []) == []


def test_one_error_stops_the_others_and_is_the_one_that_is_raised() -> None:
    begun: list[int] = []

    def work(item: int, stop: CancelToken) -> None:
        begun.append(item)
        if item == 0:
            raise InvalidOption("the first")
        _until_stopped(stop)

    started = time.monotonic()
    with pytest.raises(InvalidOption, match="the first"):
        side_by_side(work, range(10))
    assert time.monotonic() - started < _PATIENCE_S / 2
    assert len(begun) < 10


def test_a_token_that_is_raised_stops_all() -> None:
    token = CancelToken()
    threading.Timer(0.05, token.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        side_by_side(lambda _item, stop: _until_stopped(stop), range(4), cancel=token)
    assert time.monotonic() - started < _PATIENCE_S / 2


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="no signals to threads on this system")
def test_an_interrupted_caller_stops_all() -> None:
    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT)).start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(lambda _item, stop: _until_stopped(stop), range(4))
    assert time.monotonic() - started < _PATIENCE_S / 2


def test_a_child_token_does_not_raise_its_parent() -> None:
    parent = CancelToken()
    child = CancelToken(parent)
    child.cancel()
    assert child.is_cancelled
    assert not parent.is_cancelled
    parent.cancel()
    assert CancelToken(parent).is_cancelled


def test_a_tally_never_falls_and_ends_at_one() -> None:
    seen: list[float] = []

    def listen(event: Progress) -> None:
        seen.append(event.fraction)

    tally = Tally(Monitor(listen, stage="x"), 200)
    side_by_side(lambda _item, _stop: [tally.add(1) for _ in range(50)], range(4))
    assert len(seen) == 200
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    Tally(Monitor(listen), 0).add(0)
