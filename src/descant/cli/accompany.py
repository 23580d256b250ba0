"""`descant accompany`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def accompany(
    songs: Annotated[list[Path], Parameter(negative=())],
    *,
    out: Annotated[Path, Parameter(alias="-o")] = Path("out"),
    style: str = "pop",
    density: float = 0.5,
    seed: int = 0,
    takes: int = 1,
    instruments: str = "",
    chords: Path | None = None,
    tempo: float | None = None,
    sung_at: float | None = None,
    source: Literal["auto", "song", "voice"] = "auto",
    lufs: float = -14.0,
    soundfont: Path | None = None,
    sound: Literal["soundfont", "neural"] = "soundfont",
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Singing, alone or in a song, to a finished mix with a new band.

    Writes `mix.flac`, `stems/`, `score.mid`, `score.musicxml`, `chords.txt`, `analysis.json` and `index.html`.

    Args:
        songs: Recordings, or folders of them; each gets a folder of its own when there are several.
        out: Output folder.
        style: pop, rock, ballad, folk, bossa, latin, electronic or swing.
        density: How much the band plays, 0 to 1.
        seed: Another seed gives another band.
        takes: How many bands to write; the best is mixed first, the others go to `takes/`.
        instruments: Who plays, separated by commas ("piano,bass,drums"); the style chooses otherwise.
        chords: A chord file to play instead of what was inferred: edit `chords.txt` and run again.
        tempo: Move the voice onto this steady tempo (BPM); without it the band follows the singer.
        sung_at: The tempo (BPM) you sang at, if you know it: beats are sought within 6 % of it.
        source: Whether the recording is a "song" to take the voice out of, or a "voice" alone.
        lufs: Loudness of the mix.
        soundfont: An .sf2 or .sf3 file to play with.
        sound: "neural": Descant's own instruments play all but the drums.
        skip_existing: Leave songs alone whose mix is there.
        quiet: Print nothing but errors.
    """
    from descant.cli.batch import run_batch
    from descant.cli.lists import names_in
    from descant.cli.terminal import progress_bar
    from descant.compose.config import BandOptions
    from descant.pipelines.accompany import AccompanyOptions
    from descant.pipelines.accompany_file import accompany_file

    band = BandOptions(style=style, density=density, seed=seed, takes=takes, instruments=names_in(instruments) or None)
    options = AccompanyOptions(
        band=band, source=source, bpm=tempo, sung_bpm=sung_at, lufs=lufs, soundfont=soundfont, sound=sound
    )

    def one(song: Path, folder: Path) -> None:
        with progress_bar(song.name, quiet=quiet) as progress:
            result = accompany_file(song, folder, options, chords=chords, progress=progress)
        if not quiet:
            origin = "voice taken out of the song" if result.is_song else "voice as recorded"
            print(f"{result.page}: {result.bpm:.1f} BPM, {result.key}, {result.lufs:.1f} LUFS, {origin}")
            for remark in result.remarks:
                print(f"  {remark}")

    run_batch(songs, out, one, done=lambda folder: skip_existing and (folder / "index.html").exists())
