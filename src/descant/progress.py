"""Progress that is a true percentage, and cancellation that takes effect soon.

Long work takes `progress` (a callable that receives `Progress` events) and `cancel` (a `CancelToken`). Inside,
both are held by a `Monitor`, which scales nested steps into one overall fraction and checks for cancellation at
each report:

    monitor = Monitor(progress, cancel)
    with_beats = monitor.part("beats", 0.0, 0.4)
    for done, block in enumerate(blocks):
        with_beats.report(done / len(blocks))
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from descant.errors import Cancelled


@dataclass(frozen=True, slots=True)
class Progress:
    """One event: how far the whole task is.

    Attributes:
        stage: Name of the step at work, for people ("separating", "beats").
        fraction: Share of the whole task that is done, 0 to 1, never falling.
        message: Optional detail.
    """

    stage: str
    fraction: float
    message: str = ""


ProgressSink = Callable[[Progress], None]


class CancelToken:
    """A flag that one thread raises and the work checks.

    Args:
        parent: Another token; when it is raised, this one counts as raised too.
    """

    def __init__(self, parent: CancelToken | None = None) -> None:
        self._event = threading.Event()
        self._parent = parent

    def cancel(self) -> None:
        """Ask the work to stop; it raises `Cancelled` at its next report."""
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called, here or on the parent."""
        return self._event.is_set() or (self._parent is not None and self._parent.is_cancelled)

    def check(self) -> None:
        """Raise `Cancelled` if `cancel` was called."""
        if self.is_cancelled:
            raise Cancelled


class Monitor:
    """Maps the local 0..1 of a step onto its share of the whole task.

    Args:
        progress: Receives events; None reports nowhere.
        cancel: Checked at each report; None means it cannot be cancelled.
        stage: Name in the events.
        start: Fraction of the whole task at which this step begins.
        end: Fraction at which it ends.
    """

    def __init__(
        self,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
        stage: str = "",
        *,
        start: float = 0.0,
        end: float = 1.0,
    ) -> None:
        self._progress = progress
        self.cancel = cancel
        self._stage = stage
        self._start = start
        self._end = end

    def part(self, stage: str, start: float, end: float) -> Monitor:
        """A step that covers `start`..`end` of this one."""
        width = self._end - self._start
        return Monitor(
            self._progress,
            self.cancel,
            stage,
            start=self._start + width * start,
            end=self._start + width * end,
        )

    def named(self, stage: str) -> Monitor:
        """This step under one name, whatever its parts and the functions it is handed to call themselves."""
        whole = self.part(stage, 0.0, 1.0)
        return Monitor(lambda event: whole.report(event.fraction, event.message), self.cancel, stage)

    def report(self, fraction: float, message: str = "") -> None:
        """Say that `fraction` (0..1) of this step is done; raises `Cancelled` if asked to stop."""
        if self.cancel is not None:
            self.cancel.check()
        if self._progress is not None:
            clamped = min(max(fraction, 0.0), 1.0)
            self._progress(Progress(self._stage, self._start + (self._end - self._start) * clamped, message))

    def sink(self, event: Progress) -> None:
        """This step as the `progress` argument of another function: its events are scaled into the step."""
        self._stage = event.stage or self._stage
        self.report(event.fraction, event.message)
