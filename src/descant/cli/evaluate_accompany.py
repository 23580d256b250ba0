"""`descant evaluate accompany`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from descant.score.notes import Score


def evaluate_accompany(
    *,
    data: Path,
    singing: Path | None = None,
    songs: int = 20,
    library: int = 200,
    style: str = "pop",
    seed: int = 0,
    out: Annotated[Path, Parameter(alias="-o")] = Path("out/evaluation"),
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """The band against retrieval, a shuffled pairing and the human arrangement, on POP909's test songs.

    Args:
        data: pop909.zip, or the unpacked folder.
        singing: A folder of recordings of singing to measure on in place of the test songs; there is no human
            arrangement of them, so what compares with one is left out.
        songs: How many test songs or recordings, from the first on.
        library: How many training songs retrieval may choose from.
        style: Style of the band.
        seed: Of the band and of the shuffled pairing.
        out: Folder for accompany.md and accompany.json.
        quiet: Print only the report.
    """
    from itertools import islice

    from descant.cli.terminal import progress_bar
    from descant.compose.api import Composer
    from descant.compose.config import BandOptions
    from descant.data.pop909 import Pop909
    from descant.evaluate.accompany import Song
    from descant.evaluate.accompany import evaluate_accompany as measure
    from descant.evaluate.report import require_counts, require_place

    require_counts(songs=songs, library=library)
    require_place(out, "accompany")
    pop909 = Pop909(data)
    sheets = _recorded(singing) if singing else ((name, pop909.load(name)) for name in pop909.songs("test"))
    tested = [Song(name, sheet) for name, sheet in islice(sheets, songs)]
    known = [Song(name, pop909.load(name)) for name in islice(pop909.songs("train"), library)]
    heard = "" if singing is None else f" --singing {singing.name}"
    command = (
        f"descant evaluate accompany --data pop909.zip{heard} --songs {songs} --library {library}"
        f" --style {style} --seed {seed}"
    )
    options = BandOptions(style=style, seed=seed)
    with progress_bar("evaluate accompany", quiet=quiet) as progress:
        report = measure(Composer.load(), tested, known, options=options, command=command, progress=progress)
    report.save(out)
    print(report.to_markdown())


def _recorded(folder: Path) -> Iterator[tuple[str, Score]]:
    """What is heard in each recording of a folder, by its name."""
    from descant.audio.formats import AUDIO_SUFFIXES
    from descant.errors import InputNotFound

    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in AUDIO_SUFFIXES]
    if not found:
        raise InputNotFound(f"{folder} holds no recordings.", f"Looked for {' '.join(sorted(AUDIO_SUFFIXES))}.")
    for path in found:
        yield path.stem, _heard(path)


def _heard(path: Path) -> Score:
    from descant.audio.io import read
    from descant.pipelines.accompany import lead_sheet, listen

    clip = read(path)
    return lead_sheet(listen(clip, clip, is_song=False))
