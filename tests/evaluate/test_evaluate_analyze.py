"""The measurement of analyses: songs of known truth, answered rightly, by a constant and wrongly."""

from __future__ import annotations

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.data.songs import LabelledSong
from descant.evaluate.analyze import Answer, score_answer, song_tables
from descant.evaluate.chord_metrics import TimedChord
from descant.evaluate.statistics import Interval
from descant.progress import Monitor, Progress
from descant.score.harmony import Chord, ChordSpan, Key
from descant.score.notes import Note, Score, Track
from descant.score.tempo import BeatGrid, TempoMap


def _song(name: str, bpm: float = 120.0, *, root: int = 0, has_chords: bool = True) -> LabelledSong:
    """Sixteen bars of four, of two chords that take turns bar by bar."""
    spans = tuple(ChordSpan(4.0 * i, 4.0 * i + 4.0, Chord((root + 7 * (i % 2)) % 12)) for i in range(16))
    tracks = (Track("melody", tuple(Note(float(i), 1.0, 60) for i in range(64))),)
    score = Score(tracks, TempoMap.constant(bpm), key=Key(root, "major"), chords=spans)
    times = tuple((np.arange(64) * 60.0 / bpm).tolist())
    grid = BeatGrid(times, tuple(i % 4 + 1 for i in range(64)))
    clip = Clip.silence(round(64 * 60.0 / bpm * 1_000), 1_000)
    return LabelledSong(name, clip, score, grid, None, None, has_chords)


def _truth(song: LabelledSong) -> Answer:
    tempo = song.score.tempo
    chords: tuple[TimedChord, ...] = tuple(
        (tempo.seconds(c.start), tempo.seconds(c.end), c.chord) for c in song.score.chords
    )
    return Answer(song.beats, song.score.key, chords)


def test_the_constant_answer_is_right_where_the_song_is_as_it_says() -> None:
    scores = score_answer(_song("a song"), Answer.constant(32.0))
    assert (scores.tempo_acc1, scores.beat_f, scores.downbeat_f, scores.key) == (1.0, 1.0, 1.0, 1.0)
    assert scores.majmin == pytest.approx(0.5)  # C every other bar
    other = score_answer(_song("a song", 90.0, root=9), Answer.constant(43.0))
    assert (other.tempo_acc1, other.tempo_acc2, other.majmin) == (0.0, 0.0, 0.0)
    assert other.key == 0.0
    assert score_answer(_song("drums", has_chords=False), Answer.constant(32.0)).majmin is None


def test_half_the_tempo_is_right_at_another_level() -> None:
    song = _song("a song")
    half = Answer(BeatGrid(song.beats.times_s[::2], song.beats.bar_positions[::2]), None, ())
    scores = score_answer(song, half)
    assert (scores.tempo_acc1, scores.tempo_acc2) == (0.0, 1.0)
    assert scores.beat_f == pytest.approx(2 / 3, abs=0.02)
    assert (scores.key, scores.majmin) == (0.0, 0.0)


def test_listeners_are_compared_song_by_song_and_ours_by_kind() -> None:
    songs = [_song("pop one"), _song("folk two", 90.0, root=9), _song("pop three", 60.0)]
    told: list[Progress] = []
    tables = song_tables(
        songs,
        {"ours": _truth, "constant": lambda song: Answer.constant(song.clip.duration_s)},
        songs=3,
        seed=0,
        monitor=Monitor(told.append, None, "songs"),
    )
    means, tests, kinds = tables
    assert means.rows[0] == ("ours", 3, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    name, count, tempo, tempo_any, *_ = means.rows[1]
    assert (name, count, tempo, tempo_any) == ("constant", 3, pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert [row[:2] for row in kinds.rows] == [("folk", 1), ("pop", 2)]
    assert all(row[2:] == (1.0,) * 6 for row in kinds.rows)
    gain = {str(row[0]): row for row in tests.rows}["tempo Acc1, against constant"]
    assert isinstance(gain[1], Interval)
    assert gain[1].value == pytest.approx(2 / 3)  # ours minus the constant's: higher is better for us
    assert gain[2:4] == (2, 0)
    assert [event.message for event in told] == ["pop one", "folk two", "pop three"]
