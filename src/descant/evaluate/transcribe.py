"""`transcribe` against rendered scores, re-sung melodies and human annotations, beside what a sceptic would try."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.io import probe, read
from descant.data.pop909 import Pop909
from descant.data.resinging import SAMPLE_RATE, TrueNote, VoiceBank, as_phone_recording, fit_to_voice, resing
from descant.data.rooms import room_files
from descant.errors import InputNotFound
from descant.evaluate.comparisons import NOTE, paired_table
from descant.evaluate.note_metrics import NoteScores, mean_scores, note_scores
from descant.evaluate.report import Cell, Report, Table
from descant.instrument.api import play
from descant.nets.swift_f0 import SwiftF0
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap
from descant.transcribe.api import Transcriber
from descant.transcribe.config import NoteOptions
from descant.transcribe.melody import sung_notes
from descant.transcribe.note_list import ListedNote, listed_notes, read_note_list

LENGTH_S = 30.0
_NAIVE_SHORTEST_FRAMES = 6
_UNISON_S = 0.05
_SHORTEST_ROOM_S, _LONGEST_ROOM_S = 0.1, 2.0

Listener = Callable[[Clip], Sequence[ListedNote]]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A recording with its true notes; several truths where several people wrote them down."""

    name: str
    clip: Clip
    truths: tuple[tuple[ListedNote, ...], ...]


@dataclass(frozen=True, slots=True)
class TranscribeTest:
    """What is measured on.

    Attributes:
        pop909: `pop909.zip`; its test songs are rendered and re-sung. None leaves both out.
        voices: Folders of voice banks that re-sing the melodies.
        rooms: Folder of impulse responses; None records in a dead room.
        annotations: Folder of real recordings, each with one or more lists of notes whose names start with its own.
        songs: How many excerpts of each kind.
        seed: Another seed gives other excerpts.
    """

    pop909: Path | None = None
    voices: tuple[Path, ...] = ()
    rooms: Path | None = None
    annotations: Path | None = None
    songs: int = 12
    seed: int = 1


def evaluate_transcribe(
    test: TranscribeTest, *, command: str, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> Report:
    """Measure transcription.

    Args:
        test: What on.
        command: How to measure it again, for the report.
        progress: Receives `Progress` events.
        cancel: Stops the work when raised.

    Raises:
        InputNotFound: Nothing is given to measure on.
    """
    monitor = Monitor(progress, cancel, "measuring")
    transcriber, pitch = Transcriber.load(), SwiftF0.load()
    polyphonic = _by_basic_pitch(transcriber)
    singers: dict[str, Listener] = {
        "descant transcribe --melody": lambda clip: _by_melody(clip, pitch),
        "the same, rounded to MIDI numbers": lambda clip: _by_melody(clip, pitch, rounded=True),
        "Basic Pitch on the voice": polyphonic,
        "f0 rounded to semitones": lambda clip: naive_notes(clip, pitch),
    }
    tables: list[Table] = []
    if test.pop909 is not None:
        bands: dict[str, Listener] = {"descant transcribe": polyphonic}
        examples = rendered_examples(Pop909(test.pop909), test.songs, test.seed)
        title = f"Piano arrangements of {test.songs} POP909 test songs, {LENGTH_S:.0f} s each, rendered"
        tables.extend(_measured(title, examples, bands, monitor.part("rendered", 0.0, 0.4), shuffled=True))
    if test.pop909 is not None and test.voices:
        examples = sung_examples(Pop909(test.pop909), test.voices, test.rooms, test.songs, test.seed)
        names = ", ".join(folder.name for folder in test.voices)
        title = f"{test.songs} POP909 test melodies re-sung with recorded syllables ({names}), phone and room"
        tables.extend(_measured(title, examples, singers, monitor.part("sung", 0.4, 0.9), shuffled=True))
    if test.annotations is not None:
        found = list(annotated_examples(test.annotations))
        title = f"{len(found)} real recordings with human annotations"
        tables.extend(_measured(title, found, singers, monitor.part("annotated", 0.9, 1.0), annotators=True))
    if not tables:
        raise InputNotFound("Nothing is given to measure on.", "Give --data or --annotations.")
    notes = (
        "F: onset within 50 ms and pitch within 50 cents; F with ends: also the end within 50 ms or 20 %.",
        "Truth is exact, not rounded to semitones; Basic Pitch and the baseline write semitones.",
        "Speed is seconds of audio per second of processor time (all threads), everything included but loading.",
        NOTE,
    )
    return Report("transcribe", command, tuple(tables), notes)


def rendered_examples(songs: Pop909, count: int, seed: int) -> Iterator[Example]:
    """Excerpts of POP909 test songs, all three tracks played on a piano."""
    rng = np.random.default_rng(seed)
    names = list(songs.songs("test"))
    for name in rng.permutation(names)[:count].tolist():
        score = songs.load(name)
        tempo = score.tempo
        notes = sorted((n.start_s, n.end_s, n.pitch) for t in score.tracks for n in listed_notes(t, tempo))
        start = notes[len(notes) // 4][0] - 0.2
        part = _within(notes, start)
        steady = TempoMap.constant(60.0)
        piano = Track("piano", tuple(n for t in score.tracks for n in _moved(t, tempo, start)))
        clip = play(Score((piano,), steady), length_s=LENGTH_S).mix()
        yield Example(name, clip, (part,))


def sung_examples(
    songs: Pop909, voices: Sequence[Path], rooms: Path | None, count: int, seed: int
) -> Iterator[Example]:
    """Melodies of POP909 test songs, re-sung and recorded with a phone in a room."""
    rng = np.random.default_rng(seed)
    banks = [VoiceBank(folder) for folder in voices]
    names = list(songs.songs("test"))
    responses = _room_files(rooms) if rooms is not None else []
    for index, name in enumerate(rng.permutation(names)[:count].tolist()):
        bank = banks[index % len(banks)]
        score = songs.load(name)
        melody = score.track("melody")
        notes = sorted((n.start_s, n.end_s, n.pitch) for n in listed_notes(melody, score.tempo)) if melody else []
        if not notes:
            continue
        start = notes[int(rng.integers(max(1, len(notes) - 40)))][0] - 0.5
        line = fit_to_voice(_single_line(notes, start), bank.f0_hz)
        clip, sung = resing(line, bank, LENGTH_S, rng)
        room = None
        if responses and rng.random() < 0.6:
            room = read(responses[int(rng.integers(len(responses)))], sample_rate=SAMPLE_RATE, channels=1)
        clip = as_phone_recording(clip, rng, room=room)
        yield Example(f"{bank.name} {name}", clip, (tuple(ListedNote(n.start_s, n.end_s, n.pitch) for n in sung),))


def annotated_examples(folder: Path) -> Iterator[Example]:
    """Recordings in a folder, each with the lists of notes (CSV, TXT) whose names start with its own.

    Raises:
        InputNotFound: No recording has a list.
    """
    recordings = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in AUDIO_SUFFIXES]
    lists = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in {".csv", ".txt"}]
    found = False
    for recording in recordings:
        own = [p for p in lists if p.stem == recording.stem or p.stem.startswith(f"{recording.stem}_")]
        own = [p for p in own if "f0" not in p.stem.lower() and "lyric" not in p.stem.lower()]
        if own:
            found = True
            yield Example(recording.stem, read(recording), tuple(read_note_list(p) for p in own))
    if not found:
        raise InputNotFound(
            f"{folder} holds no annotated recordings.", "Put song.wav and song.csv (onset, offset, pitch) in it."
        )


def naive_notes(clip: Clip, pitch: SwiftF0) -> list[ListedNote]:
    """What a first attempt does: f0 rounded to semitones, every run of one number a note."""
    track = pitch(clip, repair=False)
    numbers = np.where(track.voiced, np.round(np.nan_to_num(track.midi)), 0.0)
    borders = np.flatnonzero(np.diff(numbers, prepend=0.0, append=0.0))
    times = np.append(track.times_s, track.times_s[-1] + track.hop_s if len(track.times_s) else 0.0)
    return [
        ListedNote(float(times[a]), float(times[b]), float(numbers[a]))
        for a, b in itertools.pairwise(borders.tolist())
        if numbers[a] > 0 and b - a >= _NAIVE_SHORTEST_FRAMES
    ]


def _by_melody(clip: Clip, pitch: SwiftF0, *, rounded: bool = False) -> list[ListedNote]:
    notes = sung_notes(pitch(clip), clip=clip)
    return [ListedNote(n.start_s, n.end_s, float(n.number) if rounded else n.pitch) for n in notes]


def _by_basic_pitch(transcriber: Transcriber) -> Listener:
    options = NoteOptions(bends=False)

    def listen(clip: Clip) -> tuple[ListedNote, ...]:
        score = transcriber(clip, options=options)
        return listed_notes(score.tracks[0], score.tempo)

    return listen


@dataclass(frozen=True, slots=True)
class _Row:
    plain: NoteScores
    ends: NoteScores


def _measured(
    title: str,
    examples: Iterable[Example],
    listeners: dict[str, Listener],
    monitor: Monitor,
    *,
    shuffled: bool = False,
    annotators: bool = False,
) -> list[Table]:
    """Means over the examples, and paired tests of the first listener where each example has one truth."""
    results: dict[str, list[_Row]] = {name: [] for name in listeners}
    work = dict.fromkeys(listeners, 0.0)
    heard_s = 0.0
    truths: list[tuple[ListedNote, ...]] = []
    firsts: list[Sequence[ListedNote]] = []
    people: list[_Row] = []
    for example in examples:
        monitor.report(1.0 - 1.0 / (1.0 + 0.1 * len(truths)), example.name)
        heard_s += example.clip.duration_s
        truths.append(example.truths[0])
        for name, listen in listeners.items():
            started = time.process_time()
            notes = listen(example.clip)
            work[name] += time.process_time() - started
            results[name] += [_row(truth, notes) for truth in example.truths]
            if name == next(iter(listeners)):
                firsts.append(notes)
        people += [_row(a, b) for a in example.truths for b in example.truths if a is not b]
    rows: list[tuple[Cell, ...]] = [(name, *_cells(results[name]), heard_s / work[name]) for name in listeners]
    if shuffled and len(truths) > 1:
        others = [_row(truth, firsts[i - 1]) for i, truth in enumerate(truths)]
        rows.append(("the same answers for another song", *_cells(others), None))
    if annotators and people:
        rows.append(("another person", *_cells(people), None))
    tables = [Table(title, ("", "precision", "recall", "F", "F with ends", "x real time (processor)"), tuple(rows))]
    if len(listeners) > 1 and all(len(found) == len(truths) for found in results.values()):
        ours = next(iter(listeners))
        values = {name: ([r.plain.f for r in found], [r.ends.f for r in found]) for name, found in results.items()}
        tables.append(paired_table(f"{ours} against the others", ("F", "F with ends"), values, ours=ours))
    return tables


def _row(truth: Sequence[ListedNote], notes: Sequence[ListedNote]) -> _Row:
    return _Row(note_scores(truth, notes), note_scores(truth, notes, with_offsets=True))


def _cells(rows: Sequence[_Row]) -> tuple[Cell, Cell, Cell, Cell]:
    plain = mean_scores([row.plain for row in rows])
    return plain.precision, plain.recall, plain.f, mean_scores([row.ends for row in rows]).f


def _within(notes: Sequence[tuple[float, float, float]], start: float) -> tuple[ListedNote, ...]:
    """The notes of an excerpt; of several on one pitch at one time (two parts in unison) the longest."""
    latest: dict[float, ListedNote] = {}
    kept: list[ListedNote] = []
    for first, last, pitch in notes:
        since = first - start
        if not 0.0 <= since < LENGTH_S - 0.5:
            continue
        note = ListedNote(since, min(last - start, LENGTH_S), pitch)
        before = latest.get(pitch)
        if before is not None and since - before.start_s < _UNISON_S:
            kept.remove(before)
            note = ListedNote(before.start_s, max(before.end_s, note.end_s), pitch)
        latest[pitch] = note
        kept.append(note)
    return tuple(kept)


def _moved(track: Track, tempo: TempoMap, start: float) -> Iterator[Note]:
    for note in track.notes:
        first, last = tempo.seconds(note.start) - start, tempo.seconds(note.end) - start
        if 0.0 <= first < LENGTH_S - 0.5:
            yield Note(first, min(last, LENGTH_S) - first, note.pitch, note.velocity)


def _single_line(notes: Sequence[tuple[float, float, float]], start: float) -> list[TrueNote]:
    line: list[TrueNote] = []
    for first, last, pitch in notes:
        since = first - start
        if not 0.0 <= since < LENGTH_S - 1.0 or (line and since < line[-1].start_s + 0.07):
            continue
        if line and line[-1].end_s > since:
            line[-1] = TrueNote(line[-1].start_s, since, line[-1].pitch)
        line.append(TrueNote(since, min(last - start, LENGTH_S - 0.1), pitch))
    return line


def _room_files(folder: Path) -> list[Path]:
    return [path for path in room_files(folder) if _SHORTEST_ROOM_S <= probe(path).duration_s <= _LONGEST_ROOM_S]
