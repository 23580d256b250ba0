"""`karaoke_file`: a song and its words to a backing track, a guide melody, timed lyrics and a video."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from descant.audio.io import probe, read
from descant.errors import InvalidAudio, NothingHeard, OutputError
from descant.files import PathLike, as_path, output_error, require_distinct, require_file, require_folder, title_of
from descant.hub.card import cache_folder
from descant.pipelines.karaoke.background import Background, open_background
from descant.pipelines.karaoke.guide import guide_midi, notes_of
from descant.pipelines.karaoke.options import KaraokeOptions
from descant.pipelines.karaoke.plan import plan_screen
from descant.pipelines.karaoke.rows import Row, rows_of
from descant.pipelines.karaoke.sound import (
    Backing,
    heard_notes,
    vocals_gain,
    write_backing,
    write_guide,
)
from descant.pipelines.karaoke.words import timed_lyrics, unsung_lines, unsure_lines
from descant.pipelines.vocals import kept_vocals
from descant.pipelines.workspace import Workspace
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.tempo import BeatGrid
from descant.text.formats import read_lyrics, text_format, write_lyrics
from descant.text.lyrics import Lyrics, SungNote

_STEPS = "steps"
_BEATS = "beats.json"
_LONGEST_FOR_BEATS_S = 20 * 60.0  # analysis holds a song as a whole
_LATE_S = 1.0
_GUIDE_DB = -14.0  # of the guide in the mix, beside its own file


@dataclass(frozen=True, slots=True)
class KaraokeResult:
    """What was written.

    Attributes:
        folder: The output folder.
        paths: The files in it.
        duration_s: Length of the song.
        rows: How many rows of words there are.
        frames: How many frames a video has; 0 without one.
        notes: How many notes the guide melody has.
        clipped_samples: How many samples of the backing track lay beyond full scale and were clipped.
        remarks: What people should know.
    """

    folder: Path
    paths: tuple[Path, ...]
    duration_s: float
    rows: int
    frames: int
    notes: int
    clipped_samples: int
    remarks: tuple[str, ...]


def karaoke_file(
    song: PathLike,
    lyrics: PathLike,
    out: PathLike,
    options: KaraokeOptions | None = None,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> KaraokeResult:
    """Write a karaoke version of a song into a folder.

    The folder gets `backing.flac` (the song without its voice, or with less of it), `guide.flac` and `guide.mid` (the
    melody), `lyrics.<format>`, and `karaoke.mp4` or `karaoke.webm`. Files of these names are replaced, all at the
    end; after an error or a cancellation none is. The voice and the beats that were found are kept in the cache.

    Args:
        song: The recording.
        lyrics: Its words, with times or without; see `timed_lyrics`.
        out: Output folder, made if missing.
        options: What a person decides.
        progress: Receives events.
        cancel: Stops within two seconds.

    Raises:
        NothingHeard: The words have no times, and are not heard in the song.
        TextReadError: The words are empty, or lie beyond the end of the song.
        MissingDependency: A video is wanted, and PyAV or Pillow is not installed.
        OutputIsInput: An input would be replaced.
        DescantError: The song cannot be read, or the folder cannot be written.
    """
    options = options or KaraokeOptions()
    source, words, folder = as_path(song), as_path(lyrics), as_path(out)
    info = probe(source)
    if info.channels > 2 and options.vocals != "on":
        raise InvalidAudio(f"{source} has {info.channels} channels.", "Mix it down to stereo first.")
    require_folder(folder)
    _refuse_targets((source, words), folder, options)
    read_lyrics(words)  # a mistake in it is said now, not after the long work
    monitor = Monitor(progress, cancel, "reading the files")
    monitor.report(0.0)
    job = _Job(source, words, options, info.duration_s, monitor)
    with _all_or_nothing(folder) as temporary:
        result = job.write(temporary)
    monitor.part("finished", 0.0, 1.0).report(1.0)
    return KaraokeResult(folder, tuple(folder / name for name in result.names), info.duration_s, *result.counts,
                         tuple(job.remarks))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Written:
    names: tuple[str, ...]
    counts: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Words:
    lyrics: Lyrics
    rows: tuple[Row, ...]
    title: str
    artist: str


class _Job:
    """One song on its way."""

    def __init__(self, song: Path, lyrics: Path, options: KaraokeOptions, duration_s: float, monitor: Monitor) -> None:
        self.monitor = monitor
        self.remarks: list[str] = []
        self._song = song
        self._lyrics = lyrics
        self._options = options
        self._duration_s = duration_s
        self._workspace = Workspace(cache_folder() / _STEPS, song)

    def write(self, folder: Path) -> _Written:
        """Write everything into an empty folder."""
        options, monitor = self._options, self.monitor
        gain = vocals_gain(options.vocals)
        separating = monitor.part("separating", 0.0, 0.3)
        words = self._words(lambda: self._vocals(separating), monitor.part("aligning", 0.3, 0.35))
        written_notes = notes_of(words.lyrics)
        needs_vocals = gain != 1.0 or not written_notes
        vocals = self._vocals(separating) if needs_vocals else None
        beats = self._beats(monitor.part("", 0.35, 0.42).named("listening for the beats"))
        listening = monitor.part("", 0.42, 0.47).named("listening for the melody")
        notes = written_notes or self._heard(vocals, words.rows, listening)
        names = [f"lyrics{text_format(name).suffix}" for name in options.lyrics]
        for name, each in zip(names, options.lyrics, strict=True):
            write_lyrics(folder / name, words.lyrics, format_name=each)
        if notes:
            (folder / "guide.mid").write_bytes(guide_midi(notes, words.rows, beats))
            guide = monitor.part("", 0.47, 0.49).named("playing the guide melody")
            write_guide(folder / "guide.flac", notes, self._song, gain=1.0, monitor=guide)
            names += ["guide.mid", "guide.flac"]
        else:
            self.remarks.append("No melody was heard, so there is no guide.")
        level = 10.0 ** ((options.guide_db + _GUIDE_DB) / 20.0)
        mixed = notes if options.guide else ()
        backing = Backing(self._song, None if gain == 1.0 else vocals, gain, mixed, level)
        clipped = write_backing(folder / "backing.flac", backing, monitor=monitor.part("writing the sound", 0.49, 0.53))
        names.append("backing.flac")
        frames = (
            self._video(folder, words, beats, backing, monitor.part("drawing the video", 0.53, 1.0))
            if options.videos
            else 0
        )
        names += [f"karaoke.{kind}" for kind in options.videos]
        return _Written(tuple(names), (len(words.rows), frames, len(notes), clipped))

    def _vocals(self, monitor: Monitor) -> Path:
        """The voice alone, kept so that another picture or level does not separate again."""
        return kept_vocals(self._song, monitor)

    def _words(self, vocals: Callable[[], Path], monitor: Monitor) -> _Words:
        lyrics = timed_lyrics(self._song, self._lyrics, vocals=vocals, progress=monitor.sink, cancel=monitor.cancel)
        if lyrics.lines and not any(line.has_word_times for line in lyrics.lines):
            self.remarks.append("Only lines have times: within a line, words are wiped at an even pace.")
        self.remarks += [*unsung_lines(lyrics), *unsure_lines(lyrics)]
        rows = rows_of(lyrics)
        beyond = [row for row in rows if row.start_s >= self._duration_s + _LATE_S]
        if len(beyond) == len(rows):
            raise InvalidAudio(
                f"All words come after the end of {self._song} ({self._duration_s:.1f} s).",
                "Are these the lyrics of another song?",
            )
        if beyond:
            self.remarks.append(f"{len(beyond)} of {len(rows)} lines come after the end of the song.")
        title = self._options.title or lyrics.title or title_of(self._song)
        return _Words(lyrics, rows, title, self._options.artist or lyrics.artist)

    def _beats(self, monitor: Monitor) -> BeatGrid | None:
        """The beats, kept; None where there are none or nobody wants them."""
        if not self._options.beats or self._duration_s > _LONGEST_FOR_BEATS_S:
            return None

        def make(place: Path) -> None:
            from descant.analyze.api import analyze

            try:
                beats = analyze(read(self._song), progress=monitor.sink, cancel=monitor.cancel).beats
            except NothingHeard:
                beats = BeatGrid((), ())
            table = {"times_s": beats.times_s, "bar_positions": beats.bar_positions}
            (place / _BEATS).write_text(json.dumps(table), encoding="utf-8")

        kept = self._workspace.step("karaoke-beats", {}, make) / _BEATS
        table = json.loads(kept.read_text(encoding="utf-8"))
        return BeatGrid(tuple(table["times_s"]), tuple(table["bar_positions"]))

    def _heard(self, vocals: Path | None, rows: Sequence[Row], monitor: Monitor) -> tuple[SungNote, ...]:
        assert vocals is not None, "without written notes the voice is taken out"
        return heard_notes(vocals, rows, monitor=monitor, cancel=monitor.cancel)

    def _video(self, folder: Path, words: _Words, beats: BeatGrid | None, backing: Backing, monitor: Monitor) -> int:
        from descant.pipelines.karaoke.fonts import load_typeface
        from descant.pipelines.karaoke.video import require_av, write_videos

        require_av()
        typeface = load_typeface(self._options.font, progress=monitor.part("font", 0.0, 0.01).sink)
        lacking = typeface.lacking(words.lyrics.text + words.title + words.artist)
        if lacking:
            self.remarks.append(f"The font has no letters for {lacking[:20]!r}; choose another with --font.")
        from descant.pipelines.karaoke.artist import Artist, Layout
        from descant.pipelines.karaoke.painter import Painter

        screen, options = self._options.screen, self._options.plan
        singers = list(dict.fromkeys(row.singer for row in words.rows))
        measure = Artist(Layout(screen.width, screen.height, options.slots), typeface)
        rows = rows_of(words.lyrics, measure.fits)
        plan = plan_screen(
            rows, self._duration_s, options, beats_s=() if beats is None else beats.times_s, has_title=bool(words.title)
        )
        artist = Artist(Layout(screen.width, screen.height, plan.slots), typeface, singers)
        paths = {kind: folder / f"karaoke.{kind}" for kind in self._options.videos}
        with _opened(open_background(self._options.background, screen.width, screen.height)) as ground:
            painter = Painter(plan, artist, ground, title=words.title, by=words.artist)
            return write_videos(
                paths,
                screen,
                painter.paint,
                backing.blocks(),
                duration_s=self._duration_s,
                title=words.title,
                monitor=monitor.part("drawing the video", 0.02, 1.0),
            )


@contextmanager
def _opened(background: Background) -> Iterator[Background]:
    try:
        yield background
    finally:
        background.close()


@contextmanager
def _all_or_nothing(folder: Path) -> Iterator[Path]:
    """A temporary folder inside `folder` whose files move into it when the block ends, and vanish if it fails."""
    new = [place for place in (folder, *folder.parents) if not place.exists()]
    temporary = folder / f".descant-{secrets.token_hex(6)}.part"
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for file in sorted(temporary.iterdir()):
            file.replace(folder / file.name)
    except OSError as error:
        raise output_error(error, folder) from error
    except OutputError as error:  # people know the folder, not the hidden one in it
        raise OutputError(error.message.replace(str(temporary), str(folder)), error.hint) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for place in new:  # what was made for nothing goes, the innermost first; what holds the result stays
            with suppress(OSError):
                place.rmdir()


def _refuse_targets(inputs: Sequence[Path], folder: Path, options: KaraokeOptions) -> None:
    """Nothing that is read is written over, and what cannot be written is said before the long work."""
    names = ["backing.flac", "guide.flac", "guide.mid"]
    names += [f"karaoke.{kind}" for kind in options.videos]
    names += [f"lyrics{text_format(name).suffix}" for name in options.lyrics]
    for name in names:
        require_file(folder / name)
        for source in inputs:
            require_distinct(source, folder / name)
