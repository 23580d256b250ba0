"""`remix_file`: a song to a new song, in a folder with everything that was made and a page that judges it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from descant.errors import Cancelled
from descant.files import PathLike, as_path, atomic_output, require_distinct, require_folder, title_of
from descant.hub.card import cache_folder
from descant.pipelines.artefacts import Artefacts
from descant.pipelines.graph import MANIFEST, Finished, Graph
from descant.pipelines.remix.folder import write_folder
from descant.pipelines.remix.options import RemixOptions
from descant.pipelines.remix.steps import remix_graph
from descant.progress import CancelToken, Monitor, ProgressSink

WORK = "steps"
KEPT = "Finished steps are kept; run the same command again to go on."
"""What to tell who stops the work."""


@dataclass(frozen=True, slots=True)
class Course:
    """Which way through the graph.

    Attributes:
        until: The last step to make; None makes all.
        only: The one step to make; what it needs must be there.
        use: Folders whose files are taken as the results of steps.
        work: Where finished steps are kept; None is the user's cache.
    """

    until: str | None = None
    only: str | None = None
    use: Mapping[str, PathLike] | None = None
    work: PathLike | None = None


@dataclass(frozen=True, slots=True)
class Remixed:
    """What was made.

    Attributes:
        folder: Where it was written.
        page: Its `index.html`; None where the graph was not gone to its end.
        steps: The steps, in order.
        facts: For people: tempo, key, loudness, how like the song it is.
        remarks: What they should know.
    """

    folder: Path
    page: Path | None
    steps: tuple[Finished, ...]
    facts: Mapping[str, str]
    remarks: tuple[str, ...]


def remix_file(
    path: PathLike,
    out: PathLike,
    options: RemixOptions | None = None,
    course: Course | None = None,
    *,
    graph: Graph | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Remixed:
    """Make a new song of a song.

    The folder gets `mix.flac`, `stems/`, `score.mid`, `score.musicxml`, `chords.txt` of a new band,
    `transcription.mid`, `analysis.json`, `report.json` and `index.html`. Steps are kept as they finish: a run that
    was killed goes on where it was, and ends with the same bytes.

    Args:
        path: The song.
        out: Output folder, made if missing.
        options: What is asked for.
        course: Where to stop, what to use.
        graph: Other steps than those of `remix_graph(path, options)`.
        progress: Receives events.
        cancel: Checked often; finished steps are kept.

    Raises:
        OutputIsInput: The song is a result of an earlier run into the same folder.
        DescantError: The song cannot be read, nobody sings where a singer is needed, the folder cannot be written.
    """
    options, course = options or RemixOptions(), course or Course()
    song, folder = as_path(path), as_path(out)
    _refuse(song, folder)
    monitor = Monitor(progress, cancel)
    steps = graph or remix_graph(song, options, cancel=cancel)
    for name, place in (course.use or {}).items():
        steps = steps.given(name, as_path(place))
    artefacts = Artefacts(as_path(course.work) if course.work is not None else cache_folder() / WORK)
    running = monitor.part("", 0.0, 0.97)
    try:
        finished = steps.run(artefacts, until=course.until, only=course.only, progress=running.sink, cancel=cancel)
    except Cancelled as error:
        raise Cancelled(hint=KEPT) from error
    monitor.part("writing", 0.97, 1.0).report(0.0)
    if course.only or course.until:
        last = finished[course.only or course.until or ""]
        _copy(last, folder / last.step)
        return Remixed(folder, None, tuple(finished.values()), {}, ())
    written = write_folder(folder, title_of(song), song, options, finished)
    monitor.report(1.0)
    return Remixed(folder, folder / "index.html", tuple(finished.values()), written.facts, written.remarks)


def _refuse(song: Path, folder: Path) -> None:
    require_folder(folder)
    require_distinct(song, folder / "mix.flac")
    require_distinct(song, folder / f"before{song.suffix}")
    if song.resolve().parent == (folder / "stems").resolve():
        require_distinct(song, song)


def _copy(finished: Finished, folder: Path) -> None:
    for path in sorted(finished.folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            with atomic_output(folder / path.relative_to(finished.folder)) as temporary:
                shutil.copyfile(path, temporary)
