"""What `make demo` runs on a real song excerpt that the hub can fetch: a band for its singer, another singer for it."""

from __future__ import annotations

import shutil

from descant.files import PathLike, as_path, atomic_output
from descant.hub.card import load_card
from descant.hub.store import fetch
from descant.pipelines.accompany import AccompanyOptions
from descant.pipelines.accompany_file import AccompanyResult, accompany_file
from descant.pipelines.remix.api import Remixed, remix_file
from descant.pipelines.remix.options import RemixOptions
from descant.progress import CancelToken, Monitor, ProgressSink

EXCERPT = "song-excerpt"
VOICE = "yuki"
"""Who sings the remix: one of the voices that come with Descant."""


def demo(
    out: PathLike = "demo",
    *,
    options: AccompanyOptions | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> AccompanyResult:
    """Fetch the excerpt, take the singer out of it, and write a new band for the voice into `out`.

    The excerpt itself is put there too, as `song.mp3`, so that the examples of the README have something to work on.
    """
    monitor = Monitor(progress, cancel)
    folder = fetch(EXCERPT, progress=monitor.part("fetching the excerpt", 0.0, 0.3).sink, cancel=cancel)
    song = as_path(out) / "song.mp3"
    with atomic_output(song) as copy:
        shutil.copyfile(folder / load_card(EXCERPT).files[0].path, copy)
    return accompany_file(
        song,
        out,
        options,
        title="Descant: a new band for a real singer",
        progress=monitor.part("accompanying", 0.3, 1.0).sink,
        cancel=cancel,
    )


def demo_remix(
    out: PathLike = "demo", *, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> Remixed:
    """The excerpt with its own band and another singer, in `<out>/remix`; `demo` has put it there as `song.mp3`."""
    folder = as_path(out)
    options = RemixOptions(band="keep", voice=VOICE)
    return remix_file(folder / "song.mp3", folder / "remix", options, progress=progress, cancel=cancel)
