"""`align_file`: a song and its lyrics to timed files; `align`: the same for clips.

The voice is taken out of the song, listened to once, and kept; what a person then corrects by hand is a matter of a
second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from descant.align.api import Aligner, Alignment, require_room
from descant.align.config import AlignOptions, Anchor
from descant.align.notes import with_notes
from descant.audio.clip import Clip
from descant.audio.io import AudioInfo, probe
from descant.audio.resample import resample
from descant.errors import InvalidOption, NothingHeard, OutputError, UnsupportedFormat
from descant.files import PathLike, as_path, atomic_output, is_there, require_distinct, require_file, require_folder
from descant.pipelines.align import corrections as by_hand
from descant.pipelines.align.corrections import Correction
from descant.pipelines.align.listening import NOTES_STAGE, Voice, melody_of
from descant.pipelines.align.naming import form_for, named
from descant.pipelines.align.options import DEFAULT_FORMATS, OTHER, AlignFileOptions
from descant.pipelines.align.voice import RATE, blocks_of, level_of
from descant.pipelines.align.written import Written, read_written
from descant.pipelines.vocals import kept_vocals
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.separate.api import Separator
from descant.text.formats import format_of, lyrics_text, text_format
from descant.text.language_codes import language_code
from descant.text.lyrics import Lyrics
from descant.text.sheet import Sheet, read_sheet

_GOOD_RATE = 16_000
_OTHER_LENGTH_S = 2.0
_SHOWN_LETTERS = 30


@dataclass(frozen=True, slots=True)
class UnsureLine:
    """A line that is more likely misplaced than not.

    Attributes:
        row: Where it is written in the lyrics, from 1.
        text: Its words.
        start_s: Where it was placed.
        confidence: 0..1.
    """

    row: int
    text: str
    start_s: float
    confidence: float

    def __str__(self) -> str:
        minutes, seconds = divmod(int(self.start_s), 60)
        return f"line {self.row} {_shortened(self.text)!r} at {minutes}:{seconds:02d} is unsure ({self.confidence:.2f})"


@dataclass(frozen=True, slots=True)
class UnsungWords:
    """Lines, or some words of one, that are in the lyrics and were not heard.

    Attributes:
        rows: Where they are written in the lyrics, first and last, from 1.
        text: The words, of several lines those of the first.
        is_part: Whether other words of the line are sung.
    """

    rows: tuple[int, int]
    text: str
    is_part: bool = False

    def __str__(self) -> str:
        first, last = self.rows
        if self.is_part:
            return f"not heard, left out: {_shortened(self.text)!r} of line {first}"
        if first == last:
            return f"not heard, left out: line {first} {_shortened(self.text)!r}"
        return f"not heard, left out: lines {first} to {last}, the first {_shortened(self.text)!r}"


@dataclass(frozen=True, slots=True)
class AlignedFile:
    """What came of a song.

    Attributes:
        lyrics: With times and confidences of lines and words, syllables, and the notes that they are sung on.
        paths: The files written.
        fit: Share of the words that are heard where they were placed.
        unsung: What is written and was not heard, so that it is in no file but in JSON.
        unsure: Lines that a person should look at.
        remarks: What else a person should know, in sentences.
        sheet_notes: What of the lyrics' text was left out, and what was repeated.
    """

    lyrics: Lyrics
    paths: tuple[Path, ...]
    fit: float
    unsung: tuple[UnsungWords, ...]
    unsure: tuple[UnsureLine, ...]
    remarks: tuple[str, ...]
    sheet_notes: tuple[str, ...]


def align_file(
    song: PathLike,
    lyrics: PathLike | None,
    out: PathLike = "out",
    options: AlignFileOptions | None = None,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> AlignedFile:
    """Write when each word of a song is sung.

    The files appear together at the end, named as the song; after an error or a cancellation none does. The voice and
    what was heard in it are kept in the cache, so that a second run (with corrections) takes a moment.

    Args:
        song: The recording.
        lyrics: Its words; see `read_written`. None, if they are to be recognized.
        out: Output folder, or the one file to write.
        options: What a person decides.
        progress: Receives events.
        cancel: Checked often.

    Raises:
        NothingHeard: No voice sings words, or it sings other ones; the message gives the measured reason.
        TextReadError: The lyrics are empty, too long for the song, or in letters that cannot be read.
        InvalidOption: A correction names no words of the lyrics, or contradicts another one.
        OutputIsInput: An input would be replaced.
        DescantError: A file cannot be read or written.
    """
    options = options or AlignFileOptions()
    if options.recognize == (lyrics is not None):
        raise InvalidOption(
            "Lyrics are either given or recognized.", "Name a file with the words, or let them be written: --recognize."
        )
    monitor = Monitor(progress, cancel, "reading the files")
    source = as_path(song)
    text = None if lyrics is None else as_path(lyrics)
    targets = _Targets.of(source, as_path(out), options)
    targets.refuse([path for path in (source, text, options.vocals) if path is not None], options)
    monitor.report(0.0)
    info = probe(source)
    given = None if options.vocals is None else probe(options.vocals)
    written = None if text is None else read_written(text, language=options.language)
    if written is not None:
        require_room(written.sheet, info.duration_s)
    points = _corrections(options, targets.corrections)
    by_hand.require_in_song(points, info.duration_s)
    if written is not None:
        by_hand.require_words(points, [word.text for word in written.sheet.lyrics.words])
    voice = _voice(source, options, monitor.part("separating", 0.0, 0.5))
    files: dict[Path, bytes] = {}
    if written is None:
        written = _recognized(voice, source, options, monitor.part("", 0.5, 0.7).named("recognizing the words"))
        files[targets.words] = _kept_words(written.sheet, targets.words)
        by_hand.require_words(points, [word.text for word in written.sheet.lyrics.words])
    part = monitor.part("listening", 0.5 if text else 0.7, 1.0)
    found = voice.align(written, language=options.language, corrections=points, monitor=part)
    alignment = found.alignment
    timed = named(written.named(alignment.lyrics), source)
    files |= {path: form_for(name, source).write_bytes(timed) for name, path in targets.timed.items()}
    if options.anchors:
        added = [Correction.parse(each) for each in options.anchors]
        files[targets.corrections] = by_hand.extended(targets.corrections, added).encode("utf-8")
    _write_all(files)
    monitor.part("finished", 0.0, 1.0).report(1.0)
    remarks = (*written.remarks, *_about_sound(info, given), *found.remarks, *_about_fit(alignment))
    return AlignedFile(
        timed,
        tuple(files),
        alignment.fit,
        _unsung(alignment, written.sheet),
        _unsure(alignment, written.sheet),
        remarks,
        written.sheet.notes,
    )


def align(
    clip: Clip,
    lyrics: str | Sheet | Lyrics,
    *,
    separate: bool = True,
    options: AlignOptions | None = None,
    anchors: Sequence[Anchor] = (),
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Alignment:
    """When each word of a song is sung, and on which notes.

    Args:
        clip: The song, any rate and channel count.
        lyrics: Text as people write it, or lyrics that were read.
        separate: Whether the voice is taken out of the song first; not needed where nothing but a voice sounds.
        options: Language, prices.
        anchors: Points fixed by hand.
        progress: Receives events.
        cancel: Checked often.

    Raises:
        DescantError: As for `align_file`.

    Example:
        >>> found = align(read("song.flac"), "All the words as they are sung")  # doctest: +SKIP
        >>> [(word.text, word.start_s) for word in found.lyrics.words]  # doctest: +SKIP
    """
    sheet = read_sheet(lyrics) if isinstance(lyrics, str) else lyrics
    options = options or AlignOptions()
    if options.language != OTHER:
        options = replace(options, language=language_code(options.language))
    require_room(sheet, clip.duration_s)
    monitor = Monitor(progress, cancel, "separating")
    listened_to: list[Clip] = []
    if separate:
        song = clip
        clip = Separator.load()(song, progress=monitor.part("separating", 0.0, 0.5).sink, cancel=cancel)["vocals"]
        level_of(blocks_of(song, clip)).require_voice()
        listened_to.append(resample(song.to_mono(), RATE))
    voice = resample(clip.to_mono(), RATE)
    part = monitor.part("listening", 0.5, 0.95).sink
    found = Aligner.load().best_of(
        (voice, *listened_to), sheet, options=options, anchors=anchors, progress=part, cancel=cancel
    )
    melody = melody_of(voice, monitor.part("", 0.95, 1.0).named(NOTES_STAGE))
    return replace(found, lyrics=with_notes(found.lyrics, melody.notes))


def _about_fit(alignment: Alignment) -> list[str]:
    """Corrections keep lyrics from being refused, but not from being wrong."""
    if alignment.fit >= AlignOptions().lowest_fit:
        return []
    return [f"Only {alignment.fit:.0%} of the words are heard: lyrics that fit so badly are mostly of another song."]


@dataclass(frozen=True, slots=True)
class _Targets:
    """Where files go.

    Attributes:
        timed: Format -> file.
        corrections: The correction file.
        words: The words that were recognized.
    """

    timed: Mapping[str, Path]
    corrections: Path
    words: Path

    @classmethod
    def of(cls, song: Path, out: Path, options: AlignFileOptions) -> _Targets:
        """One file if `out` is named as one and no formats are asked for, else a folder."""
        single = None if options.formats or (is_there(out) and out.is_dir()) else _format_name(out)
        if single is None:
            require_folder(out)
            names = options.formats or DEFAULT_FORMATS
            stem = out / song.stem
            timed = {name: _with_suffix(stem, text_format(name).suffix) for name in names}
        else:
            name, stem = single
            timed = {name: out}
        corrections = options.corrections or _with_suffix(stem, by_hand.SUFFIX)
        return cls(timed, corrections, _with_suffix(stem, ".txt"))

    def refuse(self, sources: Sequence[Path], options: AlignFileOptions) -> None:
        """Nothing that is read is written over, and what cannot be written is said before the long work."""
        words = [self.words] if options.recognize else []
        for target in (*self.timed.values(), *words, *([self.corrections] if options.anchors else [])):
            require_file(target)
        for source in sources:
            for target in (*self.timed.values(), *words, self.corrections):
                require_distinct(source, target)


def _format_name(path: Path) -> tuple[str, Path] | None:
    """The format that a file's name stands for, and the name without its suffix; None if for none."""
    try:
        found = format_of(path)
    except UnsupportedFormat:
        return None
    suffix = next(each for each in (found.suffix, *found.other_suffixes) if path.name.lower().endswith(each.lower()))
    return found.name, path.with_name(path.name[: -len(suffix)])


def _with_suffix(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def _corrections(options: AlignFileOptions, kept: Path) -> tuple[Correction, ...]:
    """Those of the file, then those of this run: the last one of a word counts."""
    there = by_hand.read_corrections(kept) if options.corrections is not None or is_there(kept) else ()
    return (*there, *(Correction.parse(each) for each in options.anchors))


def _voice(song: Path, options: AlignFileOptions, monitor: Monitor) -> Voice:
    if options.vocals is not None:
        return Voice(options.vocals, separated=False, song=song)
    if options.separate:
        return Voice(kept_vocals(song, monitor), separated=True, song=song)
    return Voice(song, separated=False)


def _recognized(voice: Voice, song: Path, options: AlignFileOptions, monitor: Monitor) -> Written:
    heard = voice.recognize(options.language, monitor)
    if not heard.lyrics.words:
        raise NothingHeard(f"No words were heard in {song}.", "Is it an instrumental? Give the lyrics if it is not.")
    return Written(read_sheet(heard.lyrics.text, language=heard.lyrics.language), remarks=heard.remarks)


def _kept_words(sheet: Sheet, path: Path) -> bytes:
    """The words as a file for a person to correct; one that a person has corrected is not lost again."""
    text = sheet.lyrics.text + "\n"
    if path.exists() and lyrics_text(path) != text:
        raise OutputError(
            f"{path} holds other words already.", "Align it without --recognize if you corrected it; else remove it."
        )
    return text.encode("utf-8")


def _about_sound(song: AudioInfo, vocals: AudioInfo | None) -> tuple[str, ...]:
    said = []
    heard = vocals or song
    if heard.sample_rate < _GOOD_RATE:
        said.append(
            f"The recording has {heard.sample_rate} Hz: what tells consonants apart lies higher, so times and "
            "confidences are worse than usual."
        )
    if vocals is not None and abs(vocals.duration_s - song.duration_s) > _OTHER_LENGTH_S:
        said.append(
            f"The voice lasts {vocals.duration_s:.1f} s and the song {song.duration_s:.1f} s: "
            "times are right only if both start together."
        )
    return tuple(said)


def _unsure(alignment: Alignment, sheet: Sheet) -> tuple[UnsureLine, ...]:
    lines = ((sheet.lines[number].row, alignment.lyrics.lines[number]) for number in alignment.unsure)
    return tuple(UnsureLine(row, line.text, line.start_s or 0.0, line.confidence or 0.0) for row, line in lines)


def _unsung(alignment: Alignment, sheet: Sheet) -> tuple[UnsungWords, ...]:
    """Lines that follow one another are told together."""
    found: list[UnsungWords] = []
    last = -1
    lines = [(n, line) for n, line in enumerate(alignment.lyrics.lines) if sheet.lines[n].words]
    for place, (number, line) in enumerate(lines):
        row = sheet.lines[number].row
        if line.words:
            runs = groupby(line.unsung, key=lambda word: word.before)
            found += [UnsungWords((row, row), " ".join(w.text for w in words), is_part=True) for _, words in runs]
        elif found and last == place - 1 and row > found[-1].rows[1]:
            found[-1] = replace(found[-1], rows=(found[-1].rows[0], row))
            last = place
        else:
            found.append(UnsungWords((row, row), line.written))
            last = place
    return tuple(found)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_LETTERS else f"{text[:_SHOWN_LETTERS].rstrip()}..."


def _write_all(files: Mapping[Path, bytes]) -> None:
    """All or none: each is whole beside its place before the first one takes it."""
    with ExitStack() as stack:
        for path, data in files.items():
            stack.enter_context(atomic_output(path)).write_bytes(data)
