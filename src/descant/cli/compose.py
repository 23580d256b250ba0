"""`descant compose`."""

from __future__ import annotations

from collections.abc import Mapping
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
    temperature: float | None = None,
    continue_: Annotated[int | None, Parameter(name="--continue")] = None,
    top_p: float | None = None,
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Melody in a MIDI or MusicXML file to a score with a band; with --continue, a song to the song and more of it.

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
        temperature: How freely the model chooses, 0.5 careful to 1.2 wild; 0.9, or 0.95 with --continue.
        continue_: Write so many bars more in place of a band, for the players that the song has.
        top_p: With --continue: choose among the likeliest that together have this probability, 0.95.
        skip_existing: Leave scores alone whose band is there.
        quiet: Print nothing but errors.
    """
    for_a_band = {
        "--style": style != "pop", "--density": density != 0.5, "--takes": takes != 1, "--instruments": instruments,
        "--chords": chords is not None, "--melody": melody is not None,
    }  # fmt: skip
    if continue_ is not None:
        _require_unset(for_a_band, "has no meaning with --continue.", "The song's own players go on as they played.")
        _continue(scores, out, continue_, seed, temperature, top_p, tempo, skip_existing=skip_existing, quiet=quiet)
        return
    _require_unset({"--top-p": top_p is not None}, "is for --continue.", "Add --continue and a number of bars.")
    from descant.cli.batch import run_batch
    from descant.cli.lists import names_in
    from descant.cli.terminal import progress_bar
    from descant.compose.api import Composer
    from descant.compose.config import BandOptions
    from descant.compose.files import SCORE_SUFFIXES, compose_file, read_score

    players = names_in(instruments) or None
    freedom = BandOptions().temperature if temperature is None else temperature
    options = BandOptions(style, density, seed, takes, players, temperature=freedom)
    composer = Composer.load()

    def one(source: Path, folder: Path) -> None:
        asked = options
        if chords is not None:
            from descant.score.chord_file import read_chords
            from descant.score.tempo import TempoMap

            time = TempoMap.constant(tempo) if tempo is not None else read_score(source).tempo
            asked = BandOptions(style, density, seed, takes, players, read_chords(chords, time), freedom)
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


def _require_unset(given: Mapping[str, object], what: str, hint: str) -> None:
    """Refuse options that were given and would be ignored."""
    from descant.errors import InvalidOption

    for name, is_given in given.items():
        if is_given:
            raise InvalidOption(f"{name} {what}", hint)


def _continue(
    scores: list[Path],
    out: Path,
    bars: int,
    seed: int,
    temperature: float | None,
    top_p: float | None,
    tempo: float | None,
    *,
    skip_existing: bool,
    quiet: bool,
) -> None:
    from descant.cli.batch import run_batch
    from descant.cli.terminal import progress_bar
    from descant.compose.continuation.api import Continuer, check_options
    from descant.compose.continuation.files import continue_file
    from descant.compose.continuation.scribe import Sampling
    from descant.compose.files import SCORE_SUFFIXES

    usual = Sampling()
    sampling = Sampling(
        temperature=usual.temperature if temperature is None else temperature,
        nucleus=usual.nucleus if top_p is None else top_p,
    )
    check_options(bars, sampling)
    continuer = Continuer.load()

    def one(source: Path, folder: Path) -> None:
        with progress_bar(source.name, quiet=quiet) as progress:
            done = continue_file(
                source, folder, bars, seed=seed, sampling=sampling, continuer=continuer, bpm=tempo, progress=progress
            )
        if not quiet:
            score, start = done.continuation.score, done.continuation.start
            key = score.key.name if score.key else "no key"
            print(f"{done.paths[0]}: {key}; {bars} bars more, from {score.tempo.seconds(start):.1f} s on")

    def is_done(folder: Path) -> bool:
        return skip_existing and (folder / "score.musicxml").exists()

    run_batch(scores, out, one, done=is_done, suffixes=SCORE_SUFFIXES)
