"""Recordings as files to scores and lyrics as files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from descant.audio.clip import Clip
from descant.audio.io import AudioInfo, probe, read, read_blocks
from descant.dsp.pitch import PitchTrack
from descant.errors import InvalidOption
from descant.files import require_distinct
from descant.pipelines.transcribe_song import metre_of, on_beats, tempo_of, transcribe_song
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.midi import write_midi
from descant.score.musicxml import write_musicxml
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap, TimeSignature
from descant.separate.api import Separator
from descant.text.formats import text_format, write_lyrics
from descant.transcribe.api import Transcriber, hear_words
from descant.transcribe.beats_file import read_beats
from descant.transcribe.config import MelodyOptions, NoteOptions, WordOptions
from descant.transcribe.melody import held_notes, notes_on, sounds_spoken, sung_notes
from descant.transcribe.note_list import write_note_list
from descant.transcribe.placing import DEFAULT_BPM, place_events
from descant.transcribe.words import HeardWords

_FOLLOWED_S = 30 * 60
_BLOCK_S = 10
_VOICE_RATE = 16_000


@dataclass(frozen=True, slots=True)
class TranscribeOptions:
    """What to write, and how to listen.

    Attributes:
        midi: Write `<name>.mid`.
        musicxml: Write `<name>.musicxml`.
        csv: Write `<name>.csv`, notes in seconds with exact pitches.
        words: Write the sung words in each of `lyric_formats`.
        lyric_formats: Names of `descant.text.formats.FORMATS`.
        voice: Whether the recording is one voice, written as single notes, and not instruments.
        song: Whether the recording is a song, to be separated first.
        bpm: A steady tempo; None follows the beats.
        beats: A file of beats; None listens for them.
        notes: How instruments are heard.
        sung: How a voice is heard.
        hearing: How words are heard.
    """

    midi: bool = True
    musicxml: bool = False
    csv: bool = False
    words: bool = False
    lyric_formats: tuple[str, ...] = ("lrc", "srt", "json")
    voice: bool = False
    song: bool = False
    bpm: float | None = None
    beats: Path | None = None
    notes: NoteOptions = field(default_factory=NoteOptions)
    sung: MelodyOptions = field(default_factory=MelodyOptions)
    hearing: WordOptions = field(default_factory=WordOptions)

    def __post_init__(self) -> None:
        if self.bpm is not None and self.beats is not None:
            raise InvalidOption("A tempo and a file of beats exclude each other.", "Give one of them.")
        if self.bpm is not None and not 10.0 <= self.bpm <= 1000.0:
            raise InvalidOption(f"A tempo of {self.bpm:g} BPM is outside 10 to 1000.", "Give beats per minute.")
        if self.voice and self.song:
            raise InvalidOption("A recording is either a voice alone or a song.", "Give one of --melody and --song.")
        for name in self.lyric_formats:
            text_format(name)

    @property
    def wants_notes(self) -> bool:
        """Whether any file of notes is written."""
        return self.midi or self.musicxml or self.csv


@dataclass(frozen=True, slots=True)
class TranscribedFile:
    """What came of one recording.

    Attributes:
        paths: The files written.
        notes: How many notes were heard; None when none were asked for.
        words: How many words were heard; None when none were asked for.
        remarks: What a reader should know, in sentences.
    """

    paths: tuple[Path, ...]
    notes: int | None
    words: int | None
    remarks: tuple[str, ...]


def transcribe_file(
    path: Path,
    out: Path,
    options: TranscribeOptions | None = None,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> TranscribedFile:
    """Transcribe one recording into a folder.

    Instruments on a known tempo are read and heard block by block, so memory does not grow with the recording.

    Args:
        path: A recording.
        out: Output folder.
        options: What to write.
        progress: Receives `Progress` events.
        cancel: Stops the work when raised.
    """
    options = options or TranscribeOptions()
    monitor = Monitor(progress, cancel, "reading")
    monitor.report(0.0)
    info = probe(path)
    for target in _targets(path, out, options):
        require_distinct(path, target)
    share = 1.0 if not options.words else 0.5 if options.wants_notes else 0.0
    paths: list[Path] = []
    remarks: list[str] = []
    notes = words = None
    vocals: Clip | None = None
    if options.wants_notes:
        score, vocals, said = _score(path, info, options, monitor.part("notes", 0.0, share))
        remarks += said
        notes = sum(len(track.notes) for track in score.tracks)
        paths += _write_score(score, out / path.stem, options)
    if options.words:
        part = monitor.part("words", share, 1.0)
        heard = _words(path, vocals, options, part)
        lyrics = heard.lyrics
        words = len(lyrics.words)
        remarks += heard.remarks
        if not words:
            remarks.append("No words were heard.")
        paths += [
            write_lyrics(_lyrics_path(out / path.stem, name), lyrics, format_name=name)
            for name in options.lyric_formats
        ]
    monitor.part("finished", 0.0, 1.0).report(1.0)
    return TranscribedFile(tuple(paths), notes, words, tuple(remarks))


def _score(
    path: Path, info: AudioInfo, options: TranscribeOptions, monitor: Monitor
) -> tuple[Score, Clip | None, list[str]]:
    remarks: list[str] = []
    tempo, metre = _given_tempo(options)
    if options.song:
        song = transcribe_song(
            read(path),
            tempo=tempo,
            note_options=options.notes,
            melody_options=options.sung,
            progress=monitor.sink,
            cancel=monitor.cancel,
        )
        return song.score, song.vocals, list(song.remarks)
    heard = None
    if tempo is None and info.duration_s <= _FOLLOWED_S:
        listening = monitor.part("listening", 0.0, 0.5)
        clip = read(path)
        voice = clip if options.voice else None
        heard = tempo_of(clip, vocals=voice, progress=listening.sink, cancel=listening.cancel)
        tempo = heard.tempo_map() if heard else None
    elif tempo is None:
        remarks.append(
            f"Beats are followed in recordings of up to {_FOLLOWED_S // 60} minutes; bars mean nothing here."
        )
    if tempo is None and not remarks:
        remarks.append(f"No beat was heard: the notes are written at {DEFAULT_BPM:g} BPM and bars mean nothing.")
    part = monitor.part("notes", 0.5 if heard else 0.0, 1.0)
    tempo = tempo or TempoMap.constant(DEFAULT_BPM)
    if options.voice:
        voice = read(path, sample_rate=_VOICE_RATE, channels=1)
        track, spoken = _melody(voice, heard.melody if heard else None, tempo, options.sung, part)
        remarks += spoken
    else:
        track, spoken = _streamed_notes(path, info, options.notes, tempo, part), []
    if not track.notes:
        remarks = ["No notes were heard: the score is empty.", *spoken]
    score = Score((track,), tempo, metre)
    return (on_beats(score, heard) if heard else score), None, remarks


def _words(path: Path, vocals: Clip | None, options: TranscribeOptions, monitor: Monitor) -> HeardWords:
    """What is sung: in a song, heard with its band and without."""
    if options.song and vocals is None:
        taking_apart = monitor.part("separating", 0.0, 0.3)
        vocals = Separator.load()(read(path), progress=taking_apart.sink, cancel=monitor.cancel)["vocals"]
    whole = read(path, sample_rate=_VOICE_RATE, channels=1)
    part = monitor.part("words", 0.3 if options.song else 0.0, 1.0)
    return hear_words(
        vocals or whole,
        mix=whole if vocals else None,
        options=options.hearing,
        progress=part.sink,
        cancel=monitor.cancel,
    )


def _melody(
    voice: Clip, pitch: PitchTrack | None, tempo: TempoMap, options: MelodyOptions, monitor: Monitor
) -> tuple[Track, list[str]]:
    """What a voice sings, and a remark where it speaks: of speech only what is held is written."""
    notes = sung_notes(pitch or voice, clip=voice, options=options, progress=monitor.sink, cancel=monitor.cancel)
    remarks = []
    if sounds_spoken(notes):
        notes = held_notes(notes)
        remarks = ["The voice hardly holds a pitch, as in speech: only tones that are held are written."]
    return Track("melody", notes_on(notes, tempo)), remarks


def _given_tempo(options: TranscribeOptions) -> tuple[TempoMap | None, tuple[TimeSignature, ...]]:
    if options.beats is not None:
        beats = read_beats(options.beats)
        return beats.tempo_map(), metre_of(beats)
    return (TempoMap.constant(options.bpm) if options.bpm else None), (TimeSignature(0.0, 4, 4),)


def _streamed_notes(path: Path, info: AudioInfo, options: NoteOptions, tempo: TempoMap, monitor: Monitor) -> Track:
    notes: list[Note] = []
    for events in Transcriber.load().events(_blocks(path, info, monitor), options=options):
        notes += place_events(events, tempo)
    return Track("notes", tuple(notes))


def _blocks(path: Path, info: AudioInfo, monitor: Monitor) -> Iterator[Clip]:
    done_s = 0.0
    for block in read_blocks(path, _BLOCK_S * info.sample_rate):
        monitor.report(done_s / max(info.duration_s, done_s + 1e-3))
        done_s += block.duration_s
        yield block


def _write_score(score: Score, stem: Path, options: TranscribeOptions) -> list[Path]:
    paths = []
    if options.midi:
        paths.append(write_midi(_with_suffix(stem, ".mid"), score))
    if options.musicxml:
        paths.append(write_musicxml(_with_suffix(stem, ".musicxml"), score))
    if options.csv:
        paths.append(write_note_list(_with_suffix(stem, ".csv"), score.tracks, score.tempo))
    return paths


def _with_suffix(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)


def _lyrics_path(stem: Path, format_name: str) -> Path:
    return _with_suffix(stem, text_format(format_name).suffix)


def _targets(path: Path, out: Path, options: TranscribeOptions) -> list[Path]:
    wanted = ((options.midi, ".mid"), (options.musicxml, ".musicxml"), (options.csv, ".csv"))
    names = [suffix for is_wanted, suffix in wanted if is_wanted]
    if options.words:
        names += [text_format(name).suffix for name in options.lyric_formats]
    return [_with_suffix(out / path.stem, suffix) for suffix in names]


def is_finished(path: Path, out: Path, options: TranscribeOptions) -> bool:
    """Whether everything that would be written is there already."""
    targets = _targets(path, out, options)
    return bool(targets) and all(target.exists() for target in targets)
