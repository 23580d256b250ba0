"""`descant remix`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from descant.pipelines.remix.api import Remixed


def remix(
    songs: Annotated[list[Path], Parameter(negative=())],
    *,
    out: Annotated[Path, Parameter(alias="-o")] = Path("out"),
    band: Literal["new", "keep", "continue"] = "new",
    voice: str | None = None,
    style: str = "pop",
    density: float = 0.5,
    seed: int = 0,
    takes: int = 1,
    instruments: str = "",
    bars: int = 16,
    tempo: float | None = None,
    lufs: float = -14.0,
    soundfont: Path | None = None,
    sound: Literal["soundfont", "neural"] = "soundfont",
    separator: str = "spleeter-2stems",
    skip: str = "",
    until: str | None = None,
    only: str | None = None,
    use: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    work: Path | None = None,
    ray: str | None = None,
    workers: int | None = None,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """A song to a new song: another band, another voice, and a page that says how much of the song is left.

    Writes `mix.flac`, `stems/`, the notes and chords of both bands, `report.json` and `index.html`. Each step is kept
    when it is finished: run the same command again after a stop, and it goes on where it was.

    Args:
        songs: Songs, or folders of them; each gets a folder of its own when there are several.
        out: Output folder.
        band: "new" writes an arrangement in the song's key, tempo and form; "keep" keeps the song's own band;
            "continue" keeps it and lets it play on after the end.
        voice: Name of the voice to sing with (`descant voice list`); without it the singer stays.
        style: pop, rock, ballad, folk, bossa, latin, electronic or swing.
        density: How much a new band plays, 0 to 1.
        seed: Another seed gives another band.
        takes: How many bands to write, of which the best is played.
        instruments: Who plays, separated by commas ("piano,bass,drums"); the style chooses otherwise.
        bars: How many bars "continue" plays on.
        tempo: The song's tempo (BPM), if you know it: beats are sought within 6 % of it.
        lufs: Loudness of the mix.
        soundfont: An .sf2 or .sf3 file to play with.
        sound: "neural": Descant's own instruments play all of a new band but the drums.
        separator: Model that takes the song apart (`descant models list --task separate`).
        skip: Steps to leave out, separated by commas: separate (the recording is a voice alone), part (backing
            voices and room are converted with the lead voice), convert, report, and with --band keep transcribe.
        until: Stop after this step: separate, listen, transcribe, part, convert, rejoin, compose, play, mix. Its result
            is put into <out>/<step>.
        only: Make this step alone, of steps that are kept.
        use: Take the files of a folder as the result of a step, "separate=my_stems"; several times if wanted.
        work: Where finished steps are kept; by default in the user's cache.
        ray: Spread the songs over a Ray cluster: its address, "auto", or "local" for one on this machine.
        workers: With --ray: how many songs at a time.
        skip_existing: Leave songs alone whose page is there.
        quiet: Print nothing but errors.
    """
    from descant.cli.batch import run_batch
    from descant.cli.lists import names_in
    from descant.cli.terminal import progress_bar
    from descant.compose.config import BandOptions
    from descant.pipelines.remix.api import Course, remix_file
    from descant.pipelines.remix.options import RemixOptions

    arrangement = BandOptions(
        style=style, density=density, seed=seed, takes=takes, instruments=names_in(instruments) or None, whole=True
    )
    options = RemixOptions(
        band=band,
        arrangement=arrangement,
        bars=bars,
        voice=voice,
        bpm=tempo,
        separator=separator,
        lufs=lufs,
        soundfont=soundfont,
        sound=sound,
        skip=frozenset(names_in(skip)),
    )
    course = Course(until, only, _folders(use), work)

    def one(song: Path, folder: Path) -> None:
        with progress_bar(song.name, quiet=quiet) as progress, _told_what_is_kept():
            made = remix_file(song, folder, options, course, progress=progress)
        if not quiet:
            _print(made)

    def done(folder: Path) -> bool:
        return skip_existing and (folder / "index.html").exists()

    if ray is None:
        run_batch(songs, out, one, done=done)
        return
    from descant.cli.batch import run_jobs
    from descant.pipelines.remix.cluster import remix_on_ray

    with progress_bar("remix", quiet=quiet) as progress:
        run_jobs(
            songs, out, lambda jobs: remix_on_ray(jobs, options, course, ray, workers, progress=progress), done=done
        )


@contextmanager
def _told_what_is_kept() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        from descant.pipelines.remix.api import KEPT

        print(KEPT, file=sys.stderr)
        raise


def _print(made: Remixed) -> None:
    if made.page is None:
        last = made.steps[-1]
        print(f"{made.folder / last.step}: {'kept from before' if last.was_there else 'made'}")
    else:
        print(f"{made.page}: " + ", ".join(f"{name} {value}" for name, value in made.facts.items() if name != "chords"))
    times = (f"{one.step} {'kept' if one.was_there else f'{one.seconds:.1f} s'}" for one in made.steps)
    print(f"  {', '.join(times)}")
    for remark in made.remarks:
        print(f"  {remark}")


def _folders(texts: Iterable[str]) -> dict[str, Path]:
    """Folders written as "step=folder"."""
    from descant.errors import InvalidOption

    found = {}
    for text in texts:
        step, sign, folder = text.partition("=")
        if not sign or not step or not folder:
            raise InvalidOption(f"{text!r} names no step and folder.", 'Write it as "separate=my_stems".')
        found[step] = Path(folder)
    return found
