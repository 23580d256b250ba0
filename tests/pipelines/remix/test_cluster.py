"""Songs as tasks: what is handed over, what comes back, and that stopping waits for none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.errors import Cancelled, InvalidAudio
from descant.pipelines.remix import cluster
from descant.pipelines.remix.api import Course
from descant.pipelines.remix.cluster import remix_on_ray
from descant.pipelines.remix.options import RemixOptions
from descant.progress import CancelToken, Progress


class HereAndNow:
    """Stands in for Ray: a task runs when it is waited for, in this process."""

    def __init__(self) -> None:
        self.running: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
        self.cancelled: list[str] = []
        self.most = 0

    def remote(self, **_: object) -> Callable[[Callable[..., Any]], SimpleNamespace]:
        def submit(task: Callable[..., Any], *arguments: Any) -> str:
            self.running[f"task {len(self.running)}"] = (task, arguments)
            return f"task {len(self.running) - 1}"

        return lambda task: SimpleNamespace(remote=lambda *arguments: submit(task, *arguments))

    def wait(self, running: list[str], *, num_returns: int, timeout: float) -> tuple[list[str], list[str]]:
        assert timeout <= 1.0
        self.most = max(self.most, len(running))
        return running[:num_returns], running[num_returns:]

    def get(self, one: str) -> Any:
        task, arguments = self.running[one]
        return task(*arguments)

    def cancel(self, one: str, *, force: bool) -> None:
        assert force
        self.cancelled.append(one)


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> HereAndNow:
    standing = HereAndNow()
    monkeypatch.setattr(cluster, "require_ray", lambda: standing)
    monkeypatch.setattr(cluster, "connected", lambda *_: nullcontext())
    return standing


def test_each_song_is_a_task_and_a_bad_one_comes_back_as_a_value(
    ray: HereAndNow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    short = write("short.wav", Clip(np.full((1, 100), 0.1, np.float32), 8_000))
    jobs = [(Path("short.wav"), Path("out/short")), (Path("gone.wav"), Path("out/gone"))]
    events: list[Progress] = []
    options = RemixOptions(band="keep", skip=frozenset({"report", "transcribe"}))
    found = list(remix_on_ray(jobs, options, Course(work=Path("work")), "auto", 1, progress=events.append))
    assert [job for job, _ in found] == jobs
    assert isinstance(found[0][1], InvalidAudio)
    assert found[1][1] is not None
    assert "gone.wav" in str(found[1][1])
    assert ray.most == 1
    _, arguments = ray.running["task 0"]
    assert arguments[0] == tmp_path / short
    assert arguments[3].work == tmp_path / "work"  # what other machines must find does not depend on where we are
    assert events[-1].message == "2 of 2"


def test_stopping_ends_what_runs(ray: HereAndNow, tmp_path: Path) -> None:
    cancel = CancelToken()
    jobs = [(tmp_path / f"{i}.wav", tmp_path / str(i)) for i in range(3)]
    tasks = remix_on_ray(jobs, RemixOptions(), Course(), "auto", cancel=cancel)
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(tasks)
    assert ray.cancelled == []  # it was raised before anything was begun
    cancel = CancelToken()
    tasks = remix_on_ray(jobs, RemixOptions(), Course(), "auto", cancel=cancel)
    next(tasks)
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(tasks)
    assert ray.cancelled == ["task 1", "task 2"]
