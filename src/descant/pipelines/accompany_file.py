"""`accompany` for files: a folder with the mix, the stems, the score, the chords to edit, and a page to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.compose.api import Composer, Take
from descant.compose.config import INSTRUMENTS
from descant.errors import InvalidAudio, NothingHeard
from descant.files import PathLike, as_path, require_distinct, require_folder, title_of
from descant.hub.card import cache_folder
from descant.instrument.api import find_soundfont
from descant.mix.api import MixReport
from descant.pipelines.accompany import (
    AccompanyOptions,
    Heard,
    lead_sheet,
    listen,
    perform,
    take_apart,
)
from descant.pipelines.song_folder import SongFolder
from descant.pipelines.workspace import Workspace
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.chord_file import read_chords, write_chords
from descant.score.harmony import ChordSpan
from descant.score.notes import Score
from descant.score.tempo import TempoMap, TimeSignature

_SHORTEST_S = 1.0
_STEPS = "steps"


@dataclass(frozen=True, slots=True)
class AccompanyResult:
    """What was written.

    Attributes:
        folder: The output folder.
        page: Its `index.html`.
        bpm: Tempo of the song.
        key: Its key, for people.
        is_song: Whether the voice was taken out of a song.
        take_values: The value of each take, best first.
        lufs: Integrated loudness of the mix.
        true_peak_db: Its true peak in dBTP.
        remarks: What the analysis wants people to know.
    """

    folder: Path
    page: Path
    bpm: float
    key: str
    is_song: bool
    take_values: tuple[float, ...]
    lufs: float
    true_peak_db: float
    remarks: tuple[str, ...]


def accompany_file(
    path: PathLike,
    out: PathLike,
    options: AccompanyOptions | None = None,
    *,
    chords: PathLike | None = None,
    title: str | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> AccompanyResult:
    """Write a band for the singer in a file.

    The folder gets `mix.flac`, `stems/*.flac`, `score.mid`, `score.musicxml`, `chords.txt`, `analysis.json`,
    `picture.svg`, `index.html`, and for further takes `takes/<n>.flac` and `.mid`. Separation is kept in the
    cache, so that a second run (other chords, another style) or one after a crash does not repeat it.

    Args:
        path: The recording.
        out: Output folder, made if missing.
        options: What the singer decides.
        chords: A chord file to use instead of what was inferred (edit `chords.txt` of an earlier run).
        title: Heading of the page; the file's name if not given.
        progress: Receives events.
        cancel: Checked often.

    Raises:
        OutputIsInput: The recording is a mix, stem or take of an earlier run into the same folder.
        DescantError: The file cannot be read, nothing is sung in it, the folder cannot be written.
    """
    options = options or AccompanyOptions()
    source, folder = as_path(path), as_path(out)
    require_folder(folder)
    _refuse_own_result(source, folder, options.band.takes)
    if chords is not None:
        read_chords(chords, tempo=TempoMap.constant(120.0))  # a mistake in it is said now, not after the long work
    # What is no SoundFont is said now; and one that must be fetched is there when it is needed.
    options = replace(options, soundfont=find_soundfont(options.soundfont, cancel=cancel))
    monitor = Monitor(progress, cancel)
    heard = _hear(source, options, monitor)
    given = None if chords is None else _chords_from(as_path(chords), heard)
    takes = Composer.load()(
        lead_sheet(heard, chords=given), options.band, progress=monitor.part("composing", 0.45, 0.7).sink, cancel=cancel
    )
    song = SongFolder(folder, title or title_of(source), heard, options, tuple(take.value for take in takes))
    best = _play_takes(takes, song, monitor.part("playing", 0.7, 1.0))
    _write_chords(folder / "chords.txt", takes[0].score, chords)
    monitor.report(1.0)
    key = takes[0].score.key
    return AccompanyResult(
        folder=folder,
        page=folder / "index.html",
        bpm=heard.beats.bpm,
        key=key.name if key else "unknown",
        is_song=heard.is_song,
        take_values=song.take_values,
        lufs=best.lufs,
        true_peak_db=best.true_peak_db,
        remarks=heard.analysis.remarks,
    )


def _refuse_own_result(source: Path, folder: Path, takes: int) -> None:
    """A voice taken from `out/stems` must not be sent to `out` again: its file would be replaced."""
    stems = [folder / "stems" / f"{name}.flac" for name in ("vocals", *INSTRUMENTS)]
    others = [folder / "takes" / f"{index}.flac" for index in range(2, takes + 1)]
    for target in (folder / "mix.flac", *stems, *others):
        require_distinct(source, target)


def _refuse_hopeless(clip: Clip, source: Path) -> None:
    if clip.duration_s < _SHORTEST_S:
        raise InvalidAudio(
            f"{source.name} is {clip.duration_s:.2f} s long: too short for a band.", "Sing at least a few bars."
        )
    if clip.peak == 0.0:
        raise NothingHeard(f"{source.name} is silent.", "Check the microphone or the export.")


def _hear(source: Path, options: AccompanyOptions, monitor: Monitor) -> Heard:
    """The voice of a file, and what it sings; on a steady tempo where one is asked for."""
    clip = read(source)
    _refuse_hopeless(clip, source)
    vocals, is_song = _take_apart_once(clip, source, options, monitor.part("separating", 0.0, 0.25))
    return listen(
        clip,
        vocals,
        is_song=is_song,
        sung_bpm=options.sung_bpm,
        bpm=options.bpm,
        progress=monitor.part("listening", 0.25, 0.45).sink,
        cancel=monitor.cancel,
    )


def _play_takes(takes: Sequence[Take], song: SongFolder, monitor: Monitor) -> MixReport:
    """Play, mix and write all takes, one after the other so that only one is held; the report of the best."""
    reports = []
    for index, take in enumerate(takes):
        part = monitor.part("playing", index / len(takes), (index + 1) / len(takes))
        performance = perform(
            take, song.heard, song.options, progress=part.part("playing", 0.0, 0.8).sink, cancel=monitor.cancel
        )
        part.part("writing", 0.8, 1.0).report(0.0)
        if index == 0:
            song.write(performance, cancel=monitor.cancel)
        else:
            song.write_take(index + 1, performance)
        reports.append(performance.mixed.report)
    return reports[0]


def _take_apart_once(clip: Clip, source: Path, options: AccompanyOptions, monitor: Monitor) -> tuple[Clip, bool]:
    """`take_apart`, kept in the workspace; a voice alone leaves an empty step, since it is the recording itself."""

    def make(step: Path) -> None:
        vocals, is_song = take_apart(clip, options.source, progress=monitor.sink, cancel=monitor.cancel)
        if is_song:
            write(step / "vocals.wav", vocals, subtype="FLOAT")

    step = Workspace(cache_folder() / _STEPS, source).step("vocals", {"source": options.source}, make)
    kept = step / "vocals.wav"
    return (read(kept), True) if kept.exists() else (clip, False)


def _write_chords(path: Path, score: Score, given: PathLike | None) -> None:
    """A sheet that was edited where it lies stays as its author left it, comments and all."""
    if given is None or not path.exists() or not path.samefile(given):
        write_chords(path, score.chords, time_signatures=score.time_signatures, key=score.key)


def _chords_from(path: Path, heard: Heard) -> tuple[ChordSpan, ...]:
    """The chords of a sheet; where it ends before the song does, what was heard goes on."""
    metre = (TimeSignature(0.0, heard.beats.beats_per_bar, 4),)
    given = read_chords(path, tempo=heard.tempo, time_signatures=metre)
    end = max((span.end for span in given), default=0.0)
    rest = (replace(span, start=max(span.start, end)) for span in heard.analysis.chords if span.end > end)
    return (*given, *rest)
