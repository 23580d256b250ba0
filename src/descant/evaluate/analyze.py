"""`analyze` against rendered songs with known truth, beside a constant answer and plain signal processing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from descant.analyze.analysis import Analysis
from descant.analyze.api import Analyzer
from descant.audio.clip import Clip
from descant.data.album import VALIDATION, AlbumSong, album_songs
from descant.data.arrange import excerpt
from descant.data.groove import Groove
from descant.data.invent import invent_song
from descant.data.nottingham import Nottingham
from descant.data.pop909 import Pop909
from descant.data.resinging import VoiceBank
from descant.data.songs import Band, LabelledSong, SongOptions, make_a_cappella, make_song
from descant.dsp.beat_agreement import beat_f
from descant.errors import DescantError, InputNotFound, ScoreReadError
from descant.evaluate.beat_metrics import tempo_accuracy_1, tempo_accuracy_2
from descant.evaluate.chord_metrics import TimedChord, majmin_overlap
from descant.evaluate.comparisons import NOTE, paired_table
from descant.evaluate.pitch_metrics import (
    raw_pitch_accuracy,
    voicing_scores,
)
from descant.evaluate.report import Cell, Report, Table
from descant.evaluate.sung_beats import sung_beats_table
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.harmony import Chord, Key, key_score
from descant.score.notes import Note, Score
from descant.score.tempo import BeatGrid

BARS = 24
_MIN_NOTES = 24
_SINGER = "erithacus"
_RATE = 44_100


@dataclass(frozen=True, slots=True)
class SongScores:
    """Scores of one song; None where the question does not arise."""

    tempo_acc1: float
    tempo_acc2: float
    beat_f: float
    downbeat_f: float
    key: float | None
    majmin: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What some listener said, in the units of the metrics."""

    beats: BeatGrid
    key: Key | None
    chords: tuple[TimedChord, ...]

    @classmethod
    def of(cls, analysis: Analysis) -> Answer:
        """An analysis as an answer."""
        tempo = analysis.tempo_map()
        chords = (
            ()
            if tempo is None
            else tuple((tempo.seconds(c.start), tempo.seconds(c.end), c.chord) for c in analysis.chords)
        )
        return cls(analysis.beats, analysis.key, chords)

    @classmethod
    def constant(cls, duration_s: float) -> Answer:
        """What a sceptic says without listening: 120 beats per minute in four, C major, C all the time."""
        times = tuple(np.arange(0.0, duration_s, 0.5).tolist())
        grid = BeatGrid(times, tuple(i % 4 + 1 for i in range(len(times))))
        return cls(grid, Key(0, "major"), ((0.0, duration_s, Chord(0)),))


def score_answer(song: LabelledSong, answer: Answer) -> SongScores:
    """Measure an answer against a song's truth."""
    tempo = song.score.tempo
    chords = tuple((tempo.seconds(c.start), tempo.seconds(c.end), c.chord) for c in song.score.chords)
    return SongScores(
        tempo_accuracy_1(song.beats.bpm, answer.beats.bpm),
        tempo_accuracy_2(song.beats.bpm, answer.beats.bpm),
        beat_f(song.beats.times_s, answer.beats.times_s),
        beat_f(song.beats.downbeats_s, answer.beats.downbeats_s),
        None if song.score.key is None else key_score(song.score.key, answer.key),
        majmin_overlap(chords, answer.chords) if song.chords_sound and chords else None,
    )


def held_out_songs(data: Path, soundfont: Path, songs: int, seed: int) -> Iterator[LabelledSong]:
    """Songs that no training or tuning has seen, played by a SoundFont that none has heard.

    Three in six are POP909 test songs, one a folk tune of Nottingham, two are invented; each arranged at random, with
    the test drummers of Groove MIDI.

    Args:
        data: Folder with pop909.zip and symbolic/.
        soundfont: Plays them.
        songs: How many.
        seed: Of all choices.
    """
    pop = Pop909(data / "pop909.zip")
    tunes = Nottingham(data / "symbolic" / "nottingham.zip")
    groove = Groove(data / "symbolic" / "groove.zip")
    grooves: list[Sequence[Note]] = [
        groove.load(p).tracks[0].notes
        for p in groove.performances("test", fills=False)
        if (p.beats_per_bar, p.beat_unit) == (4, 4)
    ]
    grooves = [notes for notes in grooves if len(notes) > 16]
    band = Band(soundfont, _RATE)
    options = SongOptions(a_cappella=0.0, foreign_voice=0.0)
    for number in range(songs):
        rng = np.random.default_rng([seed, number, 2])
        kind = number % 6
        if kind < 3:
            name, sheet = _pop_excerpt(pop, rng)
        elif kind < 4:
            name, sheet = _tune(tunes, rng)
        else:
            name, sheet = f"invented {number}", invent_song(rng, bars=BARS)
        yield make_song(name, sheet, band, rng, grooves=grooves, options=options)


def _pop_excerpt(pop: Pop909, rng: np.random.Generator) -> tuple[str, Score]:
    songs = list(pop.songs("test"))
    while True:
        song = songs[int(rng.integers(len(songs)))]
        sheet = pop.load(song)
        bars = int(sheet.end // sheet.time_signatures[0].bar_quarters)
        sheet = excerpt(sheet, int(rng.integers(0, max(1, bars - BARS))), BARS)
        melody = sheet.track("melody")
        if melody is not None and len(melody.notes) >= _MIN_NOTES:
            return f"pop909 {song}", sheet


def _tune(tunes: Nottingham, rng: np.random.Generator) -> tuple[str, Score]:
    names = list(tunes.tunes())
    while True:
        name = names[int(rng.integers(len(names)))]
        try:
            sheet = tunes.load(name)
        except ScoreReadError:
            continue
        if len(sheet.tracks[0].notes) >= _MIN_NOTES and sheet.end >= 48:
            return f"nottingham {name}", excerpt(sheet, 0, BARS)


def a_cappella_songs(data: Path, songs: int, seed: int) -> Iterator[LabelledSong]:
    """POP909 test melodies sung by a recorded singer who is in no training set, as a phone records them."""
    pop, bank = Pop909(data / "pop909.zip"), VoiceBank(data / "singing" / _SINGER)
    for number in range(songs):
        rng = np.random.default_rng([seed, number, 3])
        name, sheet = _pop_excerpt(pop, rng)
        yield make_a_cappella(name, sheet, bank, rng)


def synthetic_singing(data: Path, soundfont: Path, songs: int, seed: int) -> Iterator[LabelledSong]:
    """POP909 test melodies sung by the synthetic singer, alone, with rooms, noise and band limits; f0 is known."""
    pop, band = Pop909(data / "pop909.zip"), Band(soundfont, _RATE)
    for number in range(songs):
        rng = np.random.default_rng([seed, number, 4])
        name, sheet = _pop_excerpt(pop, rng)
        yield make_song(name, sheet, band, rng, options=SongOptions(a_cappella=1.0))


def evaluate_analyze(
    data: Path,
    soundfont: Path,
    *,
    songs: int = 36,
    seed: int = 1,
    command: str = "descant evaluate analyze",
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Report:
    """Measure `analyze` on held-out songs.

    Args:
        data: Folder with pop909.zip, symbolic/, singing/ and (optionally) album/.
        soundfont: Plays the songs; should differ from the one the net was trained with.
        songs: How many full songs; a third as many are sung a cappella by a recorded and by a synthetic singer.
        seed: Of all choices.
        command: Named in the report.
        progress: Receives `Progress` events.
        cancel: Stops the work when raised.

    Raises:
        InputNotFound: The data is not there.
    """
    monitor = Monitor(progress, cancel, "songs")
    trained, plain = Analyzer.load(), Analyzer.load(None)
    listeners: dict[str, Callable[[LabelledSong], Answer]] = {
        "descant": lambda song: _answer(trained, song.clip),
        "plain signal processing": lambda song: _answer(plain, song.clip),
        "constant": lambda song: Answer.constant(song.clip.duration_s),
    }
    held_out = held_out_songs(data, soundfont, songs, seed)
    alone = max(1, songs // 3)
    tables = [
        *song_tables(held_out, listeners, songs=songs, seed=seed, monitor=monitor.part("songs", 0.0, 0.6)),
        _voice_table(trained, data, soundfont, alone, seed, monitor.part("voices", 0.6, 0.75)),
        sung_beats_table(trained, data, songs, seed, monitor.part("beats of voices", 0.75, 0.95)),
    ]
    if (data / "album").is_dir():
        tables.append(_album_table(trained, data / "album"))
    monitor.part("done", 0.95, 1.0).report(1.0)
    notes = (
        f"Seed {seed}, SoundFont {soundfont.name}. Tempo within 8 %; beats within 70 ms, the first 5 s not counted.",
        f"The recorded singer is {_SINGER}, of the synthetic one the f0 is known.",
        f"{VALIDATION} of the album was used for validation only; its grid is that of its session.",
        NOTE,
    )
    return Report("analyze", command, tuple(tables), notes)


def song_tables(
    held_out: Iterable[LabelledSong],
    listeners: Mapping[str, Callable[[LabelledSong], Answer]],
    *,
    songs: int,
    seed: int,
    monitor: Monitor,
) -> list[Table]:
    """All listeners on the same songs: means, the first against the others, and the first by kind of song.

    Args:
        held_out: Songs with their truth; the first word of a name is its kind.
        listeners: What answers, by name; the first is ours.
        songs: How many songs there are.
        seed: Of intervals and tests.
        monitor: Receives the share that is done.
    """
    ours = next(iter(listeners))
    scores: dict[str, list[SongScores]] = {name: [] for name in listeners}
    kinds: dict[str, list[SongScores]] = {}
    for number, song in enumerate(held_out):
        monitor.report(number / songs, song.name)
        for name, listen in listeners.items():
            scores[name].append(score_answer(song, listen(song)))
        kinds.setdefault(song.name.split()[0], []).append(scores[ours][-1])
    measures = [field.name for field in fields(SongScores)]
    columns = {name: [[getattr(s, each) for s in found] for each in measures] for name, found in scores.items()}
    return [
        _table(f"{songs} held-out songs", scores),
        paired_table(f"{ours} against the others", _COLUMNS, columns, ours=ours, seed=seed),
        _table(f"The same by kind, {ours}", dict(sorted(kinds.items()))),
    ]


def _answer(analyzer: Analyzer, clip: Clip) -> Answer:
    try:
        return Answer.of(analyzer(clip))
    except DescantError:
        return Answer(BeatGrid((), ()), None, ())


_COLUMNS = ("tempo Acc1", "tempo Acc2", "beat F", "downbeat F", "key (MIREX)", "maj/min overlap")


def _means(scores: Sequence[SongScores]) -> tuple[Cell, ...]:
    return tuple(_mean(getattr(s, field.name) for s in scores) for field in fields(SongScores))


def _mean(values: Iterable[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known else None


def _table(title: str, rows: dict[str, list[SongScores]]) -> Table:
    return Table(
        title,
        ("", "songs", *_COLUMNS),
        tuple((name, len(scores), *_means(scores)) for name, scores in rows.items()),
    )


def _voice_table(analyzer: Analyzer, data: Path, soundfont: Path, songs: int, seed: int, monitor: Monitor) -> Table:
    rows: list[tuple[Cell, ...]] = []
    sources = (
        ("recorded singer, phone-like", a_cappella_songs(data, songs, seed)),
        ("synthetic singer, phone-like", synthetic_singing(data, soundfont, songs, seed)),
    )
    for index, (title, source) in enumerate(sources):
        found: list[tuple[float | None, ...]] = []
        for number, song in enumerate(source):
            monitor.report((index + number / songs) / 2, song.name)
            analysis = analyzer(song.clip, vocals=song.clip)
            score = score_answer(song, Answer.of(analysis))
            pitch: tuple[float | None, ...] = (None, None, None)
            if song.melody is not None:
                pitch = (
                    raw_pitch_accuracy(song.melody, analysis.melody),
                    *voicing_scores(song.melody, analysis.melody),
                )
            found.append((score.tempo_acc1, score.tempo_acc2, score.beat_f, score.downbeat_f, score.key, *pitch))
        rows.append((title, len(found), *(_mean(column) for column in zip(*found, strict=True))))
    columns = (*_COLUMNS[:5], "raw pitch accuracy", "voicing recall", "voicing false alarm")
    return Table("A voice alone", ("", "songs", *columns), tuple(rows))


def _album_table(analyzer: Analyzer, album: Path) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for song in album_songs(album):
        if song.title != VALIDATION:
            continue
        stems = {name: song.stem(name, _RATE) for name in ("vocals", "drums", "bass", "other")}
        mix = Clip(np.sum(list(stems.values()), axis=0), _RATE)
        rows.append(_album_row(f"{song.title}, mix", song, mix, analyzer(mix)))
        voice = Clip(stems["vocals"], _RATE)
        rows.append(_album_row(f"{song.title}, vocals alone", song, voice, analyzer(voice, vocals=voice)))
    if not rows:
        raise InputNotFound(f"{album} has no {VALIDATION}.")
    columns = ("bpm", "found", "beat F", "key", "found")
    return Table("A real song", ("", *columns), tuple(rows))


def _album_row(title: str, song: AlbumSong, clip: Clip, analysis: Analysis) -> tuple[Cell, ...]:
    """Beats count only within the stretches where something sounds."""
    period = 60.0 / song.bpm
    beats = np.arange(0.0, clip.duration_s, period)
    loud = analysis.loudness
    sounding = [float(loud.lufs[np.abs(loud.times_s - t) < 2.0].max(initial=-100.0)) > -45.0 for t in beats]
    heard = beats[sounding]
    found = [t for t in analysis.beats.times_s if len(heard) and np.abs(heard - t).min() < period]
    key = None if analysis.key is None else analysis.key.name
    return title, song.bpm, analysis.bpm, beat_f(heard, found), song.key.name, key
