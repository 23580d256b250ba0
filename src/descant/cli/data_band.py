"""`descant data band`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def data_band(
    *,
    out: Annotated[Path, Parameter(alias="-o")],
    songs: int = 200,
    seed: int = 1,
    seconds: float = 60.0,
    scores: Annotated[tuple[str, ...], Parameter(negative=())] = ("invented",),
    voices: Path | None = None,
    soundfont: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    samples: Path | None = None,
    rooms: Path | None = None,
    sung: float = 0.85,
    audio: str = "flac",
    workers: int | None = None,
    ray: str | None = None,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Render multitrack songs with perfect labels. Run it again to go on after a stop, or to add songs.

    Args:
        out: Folder of the set: new, empty, or begun earlier with the same options.
        songs: How many items.
        seed: Decides on everything; the same seed and sources give the same bytes.
        seconds: About how long an item is; 0 takes songs as long as they are.
        scores: Where scores come from, several times if wanted: POP909, Nottingham, or any folder or zip of MIDI or
            MusicXML; "music21" for its corpus; "invented".
        voices: Folder of recorded speech and singing; without it synthetic voices sing.
        soundfont: SoundFonts to play with, several times if wanted; by default TimGM6mb alone.
        samples: Folder of recorded sample sets (.sfz).
        rooms: Folder of impulse responses; without it rooms are imagined.
        sung: Share of the items in which someone sings.
        audio: flac, or opus (smaller; the stems sum to the mixture only nearly).
        workers: Processes on this machine; by default one a core.
        ray: Build on a Ray cluster: its address, "auto", or "local" for one on this machine.
        quiet: Show no progress.
    """
    from descant.cli.terminal import progress_bar
    from descant.data.band.build import build_band
    from descant.data.band.options import BandOptions

    asked = BandOptions(
        songs=songs,
        seed=seed,
        seconds=seconds,
        audio=audio,
        scores=tuple(scores),
        soundfonts=tuple(soundfont),
        samples=samples,
        voices=voices,
        rooms=rooms,
        sung=sung,
    )
    with progress_bar("data band", quiet=quiet) as progress:
        built = build_band(asked, out, workers=workers, ray_address=ray, progress=progress)
    print(f"{built.folder}: {built.items} items, {built.made} of them new")
