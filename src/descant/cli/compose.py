"""`descant compose`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def compose(
    scores: Annotated[list[Path], Parameter(negative=())],
    *,
    out: Annotated[Path, Parameter(alias="-o")] = Path("out"),
    style: str = "pop",
    density: float = 0.5,
    seed: int = 0,
    takes: int = 1,
    instruments: str = "",
    chords: Path | None = None,
    tempo: float | None = None,
    melody: str | None = None,
    temperature: float = 0.9,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Melody in a MIDI or MusicXML file to a score with a band.

    Writes `score.mid`, `score.musicxml`, and the other takes to `takes/`.

    Args:
        scores: Score files, or folders of them; each gets a folder of its own when there are several.
        out: Output folder.
        style: pop, rock, ballad, folk, bossa, latin, electronic or swing.
        density: How much the band plays, 0 to 1.
        seed: Another seed gives another band; the same one the same.
        takes: How many bands to write; the best becomes the score.
        instruments: Who plays, separated by commas, of piano, guitar, bass, drums, pad, answer.
        chords: A chord file to play; without it the file's chord symbols, or chords inferred from the melody.
        tempo: A steady tempo in beats a minute in place of the file's own.
        melody: Name of the melody's track; without it the one called melody or vocals, or the highest.
        temperature: How freely the model chooses, 0.5 careful to 1.2 wild.
        skip_existing: Leave scores alone whose band is there.
        quiet: Print nothing but errors.
    """
    from descant.cli.batch import run_batch
    from descant.cli.terminal import progress_bar
    from descant.compose.api import Composer
    from descant.compose.config import BandOptions
    from descant.compose.files import SCORE_SUFFIXES, compose_file, read_score

    players = tuple(part.strip() for part in instruments.split(",") if part.strip()) or None
    options = BandOptions(style, density, seed, takes, players, temperature=temperature)
    composer = Composer.load()

    def one(source: Path, folder: Path) -> None:
        asked = options
        if chords is not None:
            from descant.score.chord_file import read_chords
            from descant.score.tempo import TempoMap

            time = TempoMap.constant(tempo) if tempo is not None else read_score(source).tempo
            asked = BandOptions(style, density, seed, takes, players, read_chords(chords, time), temperature)
        with progress_bar(source.name, quiet=quiet) as progress:
            done = compose_file(source, folder, asked, composer=composer, melody=melody, bpm=tempo, progress=progress)
        if not quiet:
            key = done.takes[0].score.key
            parts = ", ".join(track.name for track in done.takes[0].score.tracks)
            print(f"{done.paths[0]}: {key.name if key else 'unknown key'}; {parts} (melody: {done.melody})")
            for take in done.takes if len(done.takes) > 1 else ():
                print(f"  seed {take.seed}: value {take.value:.3f}")

    def is_done(folder: Path) -> bool:
        return skip_existing and (folder / "score.musicxml").exists()

    run_batch(scores, out, one, done=is_done, suffixes=SCORE_SUFFIXES)
