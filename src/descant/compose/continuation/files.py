"""Score files in, score files that go on out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from descant.compose.continuation.api import Continuation, Continuer, check_options
from descant.compose.continuation.scribe import Sampling
from descant.compose.files import read_score
from descant.errors import InvalidOption
from descant.files import PathLike, as_path, require_distinct
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.midi import write_midi
from descant.score.musicxml import write_musicxml
from descant.score.tempo import TempoMap

_DEFAULT = Sampling()


@dataclass(frozen=True, slots=True)
class ContinuedFile:
    """What `continue_file` wrote.

    Attributes:
        continuation: The song and what follows it.
        paths: `score.mid` and `score.musicxml`.
    """

    continuation: Continuation
    paths: tuple[Path, Path]


def continue_file(
    path: PathLike,
    out: PathLike,
    bars: int,
    *,
    seed: int = 0,
    sampling: Sampling = _DEFAULT,
    continuer: Continuer | None = None,
    bpm: float | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> ContinuedFile:
    """Continue the song in a score file.

    Args:
        path: A MIDI or MusicXML file.
        out: Output folder for `score.mid` and `score.musicxml`: the song and the new bars.
        bars: How many to write.
        seed: Another seed gives other bars.
        sampling: How freely to choose.
        continuer: Loaded before; None loads the shipped one.
        bpm: A steady tempo in place of the file's own.
        progress: Receives progress.
        cancel: Stops the work; nothing is written then.

    Raises:
        NothingHeard: The score has no pitched notes.
        ScoreReadError: The file is damaged.
        InvalidOption: The number of bars, the temperature or the tempo is impossible.
        OutputIsInput: The file is one of those that would be written.
    """
    check_options(bars, sampling)
    if bpm is not None and not 20 <= bpm <= 400:
        raise InvalidOption(f"A tempo of {bpm:g} beats per minute cannot be played.", "Choose 20 to 400.")
    monitor = Monitor(progress, cancel)
    source, folder = as_path(path), as_path(out)
    midi, sheet = folder / "score.mid", folder / "score.musicxml"
    for target in (midi, sheet):
        require_distinct(source, target)
    score = read_score(source)
    if bpm is not None:
        score = replace(score, tempo=TempoMap.constant(bpm))
    continuer = continuer or Continuer.load(progress=monitor.part("loading", 0.0, 0.1).sink, cancel=cancel)
    part = monitor.part("composing", 0.1, 0.95)
    found = continuer(score, bars, seed=seed, sampling=sampling, progress=part.sink, cancel=cancel)
    paths = write_midi(midi, found.score), write_musicxml(sheet, found.score, title=source.stem)
    monitor.report(1.0)
    return ContinuedFile(found, paths)
