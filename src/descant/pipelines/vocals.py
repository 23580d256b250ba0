"""The voice of a song, taken out once and kept for every pipeline that wants it."""

from __future__ import annotations

from pathlib import Path

from descant.hub.card import cache_folder
from descant.pipelines.workspace import Workspace
from descant.progress import Monitor
from descant.separate.files import StemOptions, separate_file

STEPS = "steps"
VOCALS = "vocals.flac"
HALF_DB = -6.0205999132796239  # kept at half its height: a stem may peak beyond the song's full scale


def keep_vocals(song: Path, folder: Path, *, monitor: Monitor) -> None:
    """Take the voice out of a song, at half its height, and keep it in a folder as `VOCALS`."""
    options = StemOptions("flac", "PCM_24", stems=("vocals",), gain_db=HALF_DB)
    separate_file(song, folder, options, progress=monitor.sink, cancel=monitor.cancel)


def kept_vocals(song: Path, monitor: Monitor) -> Path:
    """The voice of a song at half its height; separated only if nobody has done so before.

    Raises:
        DescantError: As for `separate_file` and `Workspace.step`.
    """
    workspace = Workspace(cache_folder() / STEPS, song)
    return workspace.step("vocals", {}, lambda place: keep_vocals(song, place, monitor=monitor)) / VOCALS
