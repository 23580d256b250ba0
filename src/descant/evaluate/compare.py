"""Files against files: every task that can be judged from a folder of references and a folder of estimates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descant.audio.clip import Clip
from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.io import read
from descant.errors import DescantError, InvalidOption
from descant.evaluate import (
    beat_metrics,
    chord_metrics,
    key_metrics,
    likeness_metrics,
    lyrics_metrics,
    note_metrics,
    pitch_metrics,
    readers,
    sdr,
    spectrum_metrics,
)
from descant.evaluate.pairs import Matching, Pair, match_folders
from descant.evaluate.scores import Metric, Scores
from descant.progress import CancelToken, Monitor, ProgressSink

Parts = Mapping[str, Any]
"""The files of one song by part: stems by name, or the one file under ""."""


@dataclass(frozen=True, slots=True)
class FileTask:
    """A kind of file that can be judged.

    Attributes:
        name: Of the sub-command.
        what: What the files hold, for people.
        suffixes: Which files are looked at.
        read: A file to a value.
        judge: True and estimated values of one song to scores by part.
        metrics: What the scores are.
        endings: Kinds that names may end with before the suffix.
        leave_out: Names that are not looked at.
        by_folder: Whether the files of a folder are the parts of one song.
    """

    name: str
    what: str
    suffixes: frozenset[str]
    read: Callable[[Path], Any]
    judge: Callable[[Parts, Parts], dict[str, Scores]]
    metrics: tuple[Metric, ...]
    endings: tuple[str, ...] = ()
    leave_out: frozenset[str] = frozenset()
    by_folder: bool = False


@dataclass(frozen=True, slots=True)
class SystemScores:
    """What one system reached.

    Attributes:
        name: Of the system: its folder's.
        songs: Song to part to scores.
        extra: How many of its files no reference asked for.
    """

    name: str
    songs: dict[str, dict[str, Scores]]
    extra: int = 0

    def values(self, part: str, metric: str) -> list[float | None]:
        """One value per song that has the part, in the order of the songs."""
        return [parts[part][metric] for parts in self.songs.values() if part in parts]

    @property
    def parts(self) -> tuple[str, ...]:
        """All parts of all songs, in order of appearance."""
        return tuple(dict.fromkeys(part for parts in self.songs.values() for part in parts))


def _alone(judge: Callable[[Any, Any], Scores]) -> Callable[[Parts, Parts], dict[str, Scores]]:
    return lambda true, found: {name: judge(value, found[name]) for name, value in true.items()}


def _judge_recordings(reference: Clip, estimate: Clip) -> Scores:
    """Likeness of any two recordings; distances of spectra only where they are aligned sample by sample."""
    shapes = [(clip.sample_rate, clip.channels, clip.frames) for clip in (reference, estimate)]
    scores: Scores = {metric.name: None for metric in spectrum_metrics.METRICS}
    if shapes[0] == shapes[1]:
        scores = spectrum_metrics.evaluate(reference, estimate)
    else:
        scores |= spectrum_metrics.level_scores(reference, estimate)
    return likeness_metrics.evaluate(reference, estimate) | scores


_TABLES = frozenset({".csv", ".txt", ".lab", ".json"})
_LYRICS = frozenset({".lrc", ".srt", ".vtt", ".json", ".txt", ".csv"})

FILE_TASKS = {
    task.name: task
    for task in (
        FileTask(
            "stems",
            "separated stems, a folder a song",
            AUDIO_SUFFIXES,
            read,
            sdr.evaluate,
            sdr.METRICS,
            leave_out=frozenset({"mixture", "mix", "linear_mixture"}),
            by_folder=True,
        ),
        FileTask(
            "notes",
            "notes as MIDI or CSV",
            frozenset({".mid", ".midi", ".csv"}),
            readers.read_notes,
            _alone(note_metrics.evaluate),
            note_metrics.METRICS,
            endings=(".notes",),
        ),
        FileTask(
            "beats",
            "beats as text, CSV or analysis.json",
            _TABLES | {".beats"},
            readers.read_beats,
            _alone(beat_metrics.evaluate),
            beat_metrics.METRICS,
            endings=(".beats", ".analysis"),
        ),
        FileTask(
            "chords",
            "chords as .lab, CSV or analysis.json",
            _TABLES,
            readers.read_timed_chords,
            _alone(chord_metrics.evaluate),
            chord_metrics.METRICS,
            endings=(".chords", ".analysis"),
        ),
        FileTask(
            "key",
            "keys as text or analysis.json",
            frozenset({".txt", ".key", ".lab", ".json"}),
            readers.read_key,
            _alone(key_metrics.evaluate),
            key_metrics.METRICS,
            endings=(".key", ".analysis"),
        ),
        FileTask(
            "pitch",
            "f0 as CSV",
            frozenset({".csv", ".txt", ".f0"}),
            readers.read_pitch_track,
            _alone(pitch_metrics.evaluate),
            pitch_metrics.METRICS,
            endings=(".melody", ".f0"),
        ),
        FileTask(
            "lyrics",
            "words as LRC, SRT, VTT, JSON or CSV",
            _LYRICS,
            readers.read_timed_lyrics,
            _alone(lyrics_metrics.evaluate),
            lyrics_metrics.METRICS,
            endings=(".words", ".lyrics"),
        ),
        FileTask(
            "similarity",
            "recordings of the same or other music",
            AUDIO_SUFFIXES,
            read,
            _alone(_judge_recordings),
            (*likeness_metrics.METRICS, *spectrum_metrics.METRICS),
        ),
    )
}
"""Tasks by name."""


def file_task(name: str) -> FileTask:
    """The task of a name.

    Raises:
        InvalidOption: There is none.
    """
    if name not in FILE_TASKS:
        raise InvalidOption(f"There is no task {name!r}.", f"Choose from {', '.join(FILE_TASKS)}.")
    return FILE_TASKS[name]


def compare_folders(
    task: FileTask,
    reference: Path,
    estimates: Sequence[Path],
    *,
    only: Sequence[str] = (),
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> list[SystemScores]:
    """Judge one or more systems on the same references.

    Args:
        task: What the files hold.
        reference: Folder (or one file) with the truth.
        estimates: A folder (or file) per system.
        only: Parts to judge (stems by name); all when empty.
        progress: Receives the share that is done.
        cancel: Stops after the song at work.

    Raises:
        InputNotFound: A folder is missing or empty, or a file has no partner.
        InvalidOption: Two systems have one name, or the reference has no part that is asked for.
        DescantError: A file cannot be read or compared; the message names it and the field.
    """
    matchings = [_matched(task, reference, estimate, only) for estimate in estimates]
    names = system_names(estimates)
    monitor = Monitor(progress, cancel, "comparing")
    systems = [SystemScores(name, {}, len(matching.extra)) for name, matching in zip(names, matchings, strict=True)]
    by_song = [_songs(task, matching) for matching in matchings]
    for done, song in enumerate(by_song[0]):
        monitor.report(done / len(by_song[0]), song)
        true = {part: _read(task, pair.reference) for part, pair in by_song[0][song].items()}
        for system, songs in zip(systems, by_song, strict=True):
            system.songs[song] = _judged(task, true, songs[song])
    monitor.report(1.0)
    return systems


def _matched(task: FileTask, reference: Path, estimate: Path, only: Sequence[str]) -> Matching:
    if not (only and task.by_folder):
        return match_folders(reference, estimate, task.suffixes, endings=task.endings, leave_out=task.leave_out)
    names = _part_names(task, reference)
    unknown = next((name for name in only if name not in names), None)
    if unknown is not None and names:
        raise InvalidOption(f"{reference} has no part {unknown!r}.", f"Choose from {', '.join(sorted(names))}.")
    others = names - set(only)
    return match_folders(reference, estimate, task.suffixes, endings=task.endings, leave_out=task.leave_out | others)


def _part_names(task: FileTask, reference: Path) -> set[str]:
    """Names of the parts that the files of a reference hold; of a single file its own."""
    paths = [reference] if reference.is_file() else reference.rglob("*")
    return {path.stem for path in paths if path.suffix.lower() in task.suffixes and path.stem not in task.leave_out}


def _songs(task: FileTask, matching: Matching) -> dict[str, dict[str, Pair]]:
    """Pairs by song and part."""
    songs: dict[str, dict[str, Pair]] = {}
    for pair in matching.pairs:
        folder, _, part = pair.name.rpartition("/") if task.by_folder else (pair.name, "", "")
        songs.setdefault(folder or pair.reference.resolve().parent.name, {})[part] = pair
    return songs


def _judged(task: FileTask, true: Parts, pairs: Mapping[str, Pair]) -> dict[str, Scores]:
    found = {part: _read(task, pair.estimate) for part, pair in pairs.items()}
    try:
        return task.judge(true, found)
    except DescantError as error:
        sides = next((pair for part, pair in pairs.items() if part and error.message.startswith(f"{part}:")), None)
        sides = sides or next(iter(pairs.values()))
        raise type(error)(f"{sides.estimate} against {sides.reference}: {error.message}", error.hint) from error


def _read(task: FileTask, path: Path) -> Any:
    return readers.with_file(path, lambda: task.read(path))


def system_names(estimates: Sequence[Path]) -> list[str]:
    """The last part of each path by which all differ."""
    for depth in range(1, 4):
        names = ["/".join(path.resolve().parts[-depth:]) for path in estimates]
        if len(set(names)) == len(names):
            return names
    raise InvalidOption(f"{estimates[0]} is given twice.", "Give each estimate once.")
