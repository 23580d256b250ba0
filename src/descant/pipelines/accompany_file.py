"""`accompany` for files: a folder with the mix, the stems, the score, the chords to edit, and a page to look at."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from descant.analyze.export import write_json
from descant.audio.clip import Clip, Stems
from descant.audio.io import read, write
from descant.audio.loudness import integrated_lufs
from descant.compose.api import Composer
from descant.compose.config import INSTRUMENTS
from descant.errors import InvalidAudio, NothingHeard, OutputError
from descant.files import PathLike, as_path, atomic_output, require_distinct
from descant.hub.card import cache_folder
from descant.pipelines.accompany import (
    AccompanyOptions,
    Heard,
    Performance,
    lead_sheet,
    listen,
    perform,
    steady,
    take_apart,
)
from descant.pipelines.page import Part, write_page
from descant.pipelines.picture import draw_song
from descant.pipelines.workspace import Workspace
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.chord_file import read_chords, write_chords
from descant.score.harmony import ChordSpan
from descant.score.midi import write_midi
from descant.score.musicxml import write_musicxml
from descant.score.notes import Score
from descant.score.tempo import TempoMap, TimeSignature

_SHORTEST_S = 1.0
_STEPS = "steps"
_PIXELS_PER_SECOND = 40
_README_WIDTH = 1200
_WRITERS = 2  # encoding does not hold Python's lock


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
    _refuse_file_as_folder(folder)
    _refuse_own_result(source, folder, options.band.takes)
    if chords is not None:
        read_chords(chords, tempo=TempoMap.constant(120.0))  # a mistake in it is said now, not after the long work
    monitor = Monitor(progress, cancel)
    clip = read(source)
    _refuse_hopeless(clip, source)
    vocals, is_song = _take_apart_once(clip, source, options, monitor.part("separating", 0.0, 0.25))
    heard = listen(
        clip,
        vocals,
        is_song=is_song,
        sung_bpm=options.sung_bpm,
        progress=monitor.part("listening", 0.25, 0.45).sink,
        cancel=cancel,
    )
    if options.bpm is not None:
        heard = steady(heard, options.bpm)
    given = None if chords is None else _chords_from(as_path(chords), heard)
    takes = Composer.load()(
        lead_sheet(heard, chords=given), options.band, progress=monitor.part("composing", 0.45, 0.7).sink, cancel=cancel
    )
    share = 0.3 / len(takes)
    best: Performance | None = None
    for index, take in enumerate(takes):
        part = monitor.part("playing", 0.7 + index * share, 0.7 + (index + 1) * share)
        performance = perform(take, heard, options, progress=part.part("playing", 0.0, 0.8).sink, cancel=cancel)
        if best is None:
            best = performance
        else:
            write(folder / "takes" / f"{index + 1}.flac", performance.mixed.clip)
            write_midi(folder / "takes" / f"{index + 1}.mid", take.score)
        part.report(0.9, "writing")
    assert best is not None, "a composer returns at least one take"
    values = tuple(take.value for take in takes)
    _write_folder(folder, best, heard, options, values, title or source.stem)
    _write_chords(folder / "chords.txt", best.take.score, chords)
    monitor.report(1.0)
    key = best.take.score.key
    return AccompanyResult(
        folder=folder,
        page=folder / "index.html",
        bpm=heard.beats.bpm,
        key=key.name if key else "unknown",
        is_song=is_song,
        take_values=values,
        lufs=best.mixed.report.lufs,
        true_peak_db=best.mixed.report.true_peak_db,
        remarks=heard.analysis.remarks,
    )


def _refuse_file_as_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file, and a folder is needed.", "Choose another name with -o.")


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


def _take_apart_once(clip: Clip, source: Path, options: AccompanyOptions, monitor: Monitor) -> tuple[Clip, bool]:
    """`take_apart`, kept in the workspace; a voice alone leaves an empty step, since it is the recording itself."""

    def make(step: Path) -> None:
        vocals, is_song = take_apart(clip, options.source, progress=monitor.sink, cancel=monitor.cancel)
        if is_song:
            write(step / "vocals.wav", vocals, subtype="FLOAT")

    step = Workspace(cache_folder() / _STEPS, source).step("vocals", {"source": options.source}, make)
    kept = step / "vocals.wav"
    return (read(kept), True) if kept.exists() else (clip, False)


def _write_folder(
    folder: Path, best: Performance, heard: Heard, options: AccompanyOptions, values: tuple[float, ...], title: str
) -> None:
    score = best.take.score
    mixed = best.mixed
    stems, stems_gain_db = _below_full_scale(mixed.stems)

    def write_stem(name: str) -> Part:
        file = f"stems/{name}.flac"
        write(folder / file, stems[name])
        return Part(name, file, integrated_lufs(stems[name]))

    with ThreadPoolExecutor(_WRITERS) as pool:
        mix_written = pool.submit(write, folder / "mix.flac", mixed.clip)
        parts = [Part("mix", "mix.flac", mixed.report.lufs), *pool.map(write_stem, stems)]
        mix_written.result()
    write_midi(folder / "score.mid", score)
    write_musicxml(folder / "score.musicxml", score)
    write_json(folder / "analysis.json", heard.analysis)
    _write_text(folder / "picture.svg", _picture(best, heard, score, _README_WIDTH))
    width = max(_README_WIDTH, min(round(mixed.clip.duration_s * _PIXELS_PER_SECOND), 12_000))
    page = write_page(
        title,
        facts=_facts(heard, score, options, values),
        picture=_picture(best, heard, score, width),
        parts=parts,
        downloads=("score.mid", "score.musicxml", "chords.txt", "analysis.json", "picture.svg"),
        notes=(*heard.analysis.remarks, *_stem_remarks(stems_gain_db)),
    )
    _write_text(folder / "index.html", page)


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


def _below_full_scale(stems: Stems) -> tuple[Stems, float]:
    """The stems with one gain for all, so that none clips where the mix relied on its limiter; and that gain."""
    peak = max(clip.peak for clip in stems.values())
    gain_db = min(0.0, -20.0 * math.log10(max(peak, 1e-9)) - 0.01)
    return Stems({name: clip.gain(gain_db) for name, clip in stems.items()}) if gain_db else stems, gain_db


def _stem_remarks(gain_db: float) -> tuple[str, ...]:
    if not gain_db:
        return ()
    return (f"All stems are written {-gain_db:.1f} dB softer than in the mix, so that none of them clips.",)


def _picture(best: Performance, heard: Heard, score: Score, width: int) -> str:
    waves = {"vocals": best.mixed.stems["vocals"], "mix": best.mixed.clip}
    beats = heard.beats
    return draw_song(score, waves, beats_s=beats.times_s, downbeats_s=beats.downbeats_s, width=width)


def _facts(heard: Heard, score: Score, options: AccompanyOptions, values: tuple[float, ...]) -> dict[str, str]:
    symbols = dict.fromkeys(
        span.chord.symbol(flats=bool(score.key and score.key.uses_flats))
        for span in score.chords
        if not span.chord.is_none
    )
    return {
        "tempo": f"{heard.beats.bpm:.1f} BPM",
        "metre": f"{heard.beats.beats_per_bar}/4",
        "key": score.key.name if score.key else "unknown",
        "chords": " ".join(symbols),
        "style": options.band.style,
        "seed": str(options.band.seed),
        "takes": " ".join(f"{value:.2f}" for value in values if math.isfinite(value)),
        "voice": "taken out of the song" if heard.is_song else "as recorded",
    }


def _write_text(path: Path, text: str) -> None:
    with atomic_output(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
