"""Many songs at once on a Ray cluster: the same graph, a task a song, finished steps in a folder that all see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from descant.cluster import LOOK_AGAIN_S, connected, require_ray
from descant.errors import DescantError
from descant.files import as_path
from descant.pipelines.remix.api import Course, remix_file
from descant.pipelines.remix.options import RemixOptions
from descant.progress import CancelToken, Monitor, ProgressSink

Job = tuple[Path, Path]
"""A song and its output folder."""


def remix_on_ray(
    jobs: Sequence[Job],
    options: RemixOptions,
    course: Course,
    address: str,
    workers: int | None = None,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Iterator[tuple[Job, DescantError | None]]:
    """Remix songs as Ray tasks, retried where a machine is lost.

    Args:
        jobs: Songs and their folders; all machines must see them, and `course.work`, under the same paths.
        options: For all songs.
        course: For all songs.
        address: "auto" or an address of a cluster, "local" for a new one on this machine.
        workers: Songs at a time; None takes as many as there are cores.
        progress: Receives how many songs are done.
        cancel: Stops within a second; finished songs and steps are kept.

    Yields:
        Each job as it ends, with what went wrong.

    Raises:
        MissingDependency: Ray is not installed.
        InvalidOption: No cluster answers.
    """
    ray = require_ray()
    monitor = Monitor(progress, cancel, "remixing")
    monitor.report(0.0)
    waiting = [(song.absolute(), folder.absolute()) for song, folder in jobs]
    given = dict(zip(waiting, jobs, strict=True))
    everywhere = _absolute(options), _absolute_course(course)
    running: dict[Any, Job] = {}
    done = 0
    with connected(ray, address, workers):
        remote = ray.remote(num_cpus=1, max_retries=2)(_remix)
        try:
            while waiting or running:
                while waiting and (workers is None or len(running) < workers):
                    job = waiting.pop(0)
                    running[remote.remote(*job, *everywhere)] = job
                ready, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_AGAIN_S)
                if cancel is not None:
                    cancel.check()
                for one in ready:
                    done += 1
                    monitor.report(done / len(jobs), f"{done} of {len(jobs)}")
                    yield given[running.pop(one)], ray.get(one)
        except BaseException:
            for one in running:
                ray.cancel(one, force=True)
            raise


def _remix(song: Path, folder: Path, options: RemixOptions, course: Course) -> DescantError | None:
    """The work of a task; what is wrong with one song comes back as a value, since it is no reason to try again."""
    import torch

    torch.set_num_threads(1)  # a task has one core
    try:
        remix_file(song, folder, options, course)
    except DescantError as error:
        return error
    return None


def _absolute(options: RemixOptions) -> RemixOptions:
    return replace(
        options,
        soundfont=None if options.soundfont is None else as_path(options.soundfont).absolute(),
    )


def _absolute_course(course: Course) -> Course:
    use = {name: as_path(folder).absolute() for name, folder in (course.use or {}).items()}
    return replace(course, use=use, work=None if course.work is None else as_path(course.work).absolute())
