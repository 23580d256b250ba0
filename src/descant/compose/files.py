"""Score files in, score files with a band out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from descant.compose.api import Composer, Take
from descant.compose.config import BandOptions
from descant.compose.continuation.sheet import MELODY_NAMES
from descant.errors import InvalidOption, NothingHeard, UnsupportedFormat
from descant.files import PathLike, as_path, require_distinct
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.midi import read_midi, write_midi
from descant.score.musicxml import read_musicxml, write_musicxml
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap

MIDI_SUFFIXES = frozenset({".mid", ".midi", ".kar", ".rmi"})
MUSICXML_SUFFIXES = frozenset({".musicxml", ".xml", ".mxl"})
SCORE_SUFFIXES = MIDI_SUFFIXES | MUSICXML_SUFFIXES
_SHORTEST_QUARTERS = 0.05


@dataclass(frozen=True, slots=True)
class ComposedFile:
    """What `compose_file` wrote.

    Attributes:
        takes: All takes, the best first.
        paths: `score.mid` and `score.musicxml` of the best, then the other takes' MIDI files.
        melody: Name of the track that was taken as the melody.
    """

    takes: tuple[Take, ...]
    paths: tuple[Path, ...]
    melody: str


def read_score(path: PathLike) -> Score:
    """A score from a MIDI or MusicXML file.

    Raises:
        UnsupportedFormat: The suffix is neither's.
        ScoreReadError: The file is damaged.
    """
    source = as_path(path)
    suffix = source.suffix.lower()
    if suffix in MIDI_SUFFIXES:
        return read_midi(source)
    if suffix in MUSICXML_SUFFIXES:
        return read_musicxml(source)
    raise UnsupportedFormat(f"{source} is not a score.", f"Give {', '.join(sorted(SCORE_SUFFIXES))}.")


def with_melody(score: Score, name: str | None = None) -> tuple[Score, str]:
    """The score with one track, "melody", and the name that track had.

    Args:
        score: With any tracks.
        name: The track to take; None takes one that is called like a melody, or the highest that is not drums.

    Raises:
        InvalidOption: No track of that name.
        NothingHeard: No track has notes.
    """
    playing = [track for track in score.tracks if track.notes and not track.is_drum]
    if not playing:
        raise NothingHeard("The score has no melody: no track with notes.", "Give a score with a melody track.")
    if name is not None:
        chosen = next((t for t in playing if t.name.lower() == name.lower()), None)
        if chosen is None:
            known = ", ".join(repr(t.name) for t in playing)
            raise InvalidOption(f"The score has no track {name!r} with notes.", f"It has {known}.")
    else:
        chosen = next((t for known in MELODY_NAMES for t in playing if t.name.strip().lower() == known), None)
        chosen = chosen or max(playing, key=lambda t: sum(n.pitch for n in t.notes) / len(t.notes))
    melody = Track("melody", top_line(chosen.notes), chosen.program)
    return score.with_tracks([melody]), chosen.name


def top_line(notes: Sequence[Note]) -> tuple[Note, ...]:
    """One note at a time: the highest of those that start together, each ended where the next starts."""
    line: list[Note] = []
    for note in sorted(notes, key=lambda n: (n.start, -n.pitch)):
        if line and note.start - line[-1].start < _SHORTEST_QUARTERS:
            continue
        if line and line[-1].end > note.start:
            if note.pitch < line[-1].pitch and line[-1].end - note.start > note.duration:
                continue  # an accompanying voice below a held note
            line[-1] = replace(line[-1], duration=note.start - line[-1].start)
        line.append(note)
    return tuple(line)


def compose_file(
    path: PathLike,
    out: PathLike,
    options: BandOptions | None = None,
    *,
    composer: Composer | None = None,
    melody: str | None = None,
    bpm: float | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> ComposedFile:
    """Write a band for the melody in a score file.

    Args:
        path: A MIDI or MusicXML file.
        out: Output folder: `score.mid`, `score.musicxml`, and `takes/2.mid` ... where more takes were asked for.
        options: What is asked of the band.
        composer: Loaded before; None loads the shipped one.
        melody: Name of the melody's track.
        bpm: A steady tempo in place of the file's own.
        progress: Receives progress.
        cancel: Stops the work.

    Raises:
        NothingHeard: There is no melody.
        ScoreReadError: The file is damaged.
        OutputIsInput: The file is one of those that would be written.
    """
    monitor = Monitor(progress, cancel)
    source, folder = as_path(path), as_path(out)
    wanted = (options or BandOptions()).takes
    others = [folder / "takes" / f"{i}.mid" for i in range(2, wanted + 1)]
    for target in (folder / "score.mid", folder / "score.musicxml", *others):
        require_distinct(source, target)
    sheet, name = with_melody(read_score(source), melody)
    if bpm is not None:
        if not 20 <= bpm <= 400:
            raise InvalidOption(f"A tempo of {bpm:g} beats per minute cannot be played.", "Choose 20 to 400.")
        sheet = replace(sheet, tempo=TempoMap.constant(bpm))
    composer = composer or Composer.load(progress=monitor.part("loading", 0.0, 0.1).sink, cancel=cancel)
    part = monitor.part("composing", 0.1, 0.95)
    takes = composer(sheet, options or BandOptions(), progress=part.sink, cancel=cancel)
    paths = [
        write_midi(folder / "score.mid", takes[0].score),
        write_musicxml(folder / "score.musicxml", takes[0].score, title=source.stem),
    ]
    paths += [write_midi(target, take.score) for target, take in zip(others, takes[1:], strict=True)]
    monitor.report(1.0)
    return ComposedFile(takes, tuple(paths), name)
