from __future__ import annotations

import itertools

import numpy as np
import pytest

from descant.analyze.harmony import beat_means, change_odds, chords_on_beats, key_from_evidence
from descant.nets.listener import NO_CHORD_INDEX, chord_index
from descant.score.harmony import NO_CHORD, Chord, Key
from descant.score.tempo import BeatGrid

FPS = 10.0
SONG = [Chord(0), Chord(9, "min"), Chord(5, "maj7"), Chord(7, "7")]


def evidence(chords: list[Chord], seconds_each: float, *, certainty: float = 0.5, noise: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    frames = int(len(chords) * seconds_each * FPS)
    p = np.full((frames, NO_CHORD_INDEX + 1), (1 - certainty) / NO_CHORD_INDEX)
    for frame in range(frames):
        p[frame, chord_index(chords[int(frame / FPS / seconds_each)])] = certainty
    p *= np.exp(noise * rng.normal(size=p.shape))
    return np.log(p / p.sum(axis=1, keepdims=True))


def grid(beats: int, period: float = 0.5) -> BeatGrid:
    return BeatGrid(tuple(i * period for i in range(beats)), tuple(i % 4 + 1 for i in range(beats)))


def decode(chord: np.ndarray, beats: BeatGrid, bass: np.ndarray | None = None, key: Key | None = None) -> list[tuple]:
    spans = chords_on_beats(chord, bass, FPS, beats, beats.tempo_map(), len(chord) / FPS, key)
    return [(s.start, s.end, s.chord) for s in spans]


def test_chords_change_on_bars_through_noise() -> None:
    found = decode(evidence(SONG, 2.0, noise=1.0), grid(16), key=Key(0, "major"))
    assert found == [(4.0 * i, 4.0 * i + 4.0, chord) for i, chord in enumerate(SONG)]


def test_spans_join_without_gaps_and_silence_is_no_chord() -> None:
    found = decode(evidence([Chord(2), NO_CHORD, Chord(4, "min")], 2.0), grid(12))
    assert [c for _, _, c in found] == [Chord(2), NO_CHORD, Chord(4, "min")]
    assert all(a[1] == b[0] for a, b in itertools.pairwise(found))


def test_a_clear_other_bass_makes_a_slash_chord() -> None:
    chord = evidence([Chord(0), Chord(0)], 2.0)
    bass = np.full((len(chord), 12), np.log(0.1 / 11))
    bass[:, 4] = np.log(0.9)
    assert {c for _, _, c in decode(chord, grid(8), bass)} == {Chord(0, "maj", 4)}
    bass[:, 4], bass[:, 1] = np.log(0.1 / 11), np.log(0.9)  # not a chord tone
    assert {c for _, _, c in decode(chord, grid(8), bass)} == {Chord(0)}


def test_key() -> None:
    even = np.full(24, -np.log(24.0))
    assert key_from_evidence(even) == (None, 0.0)
    minor = even.copy()
    minor[12 + 9] = np.log(0.7)
    assert key_from_evidence(minor) == (Key(9, "minor"), pytest.approx(0.7))


def test_means_between_times() -> None:
    frames = np.arange(20.0).reshape(20, 1)
    np.testing.assert_allclose(beat_means(frames, FPS, np.array([0.0, 1.0, 2.0]))[:, 0], [4.5, 14.5])
    assert beat_means(frames, FPS, np.array([1.9, 5.0])).shape == (1, 1)


def test_harmony_that_changes_marks_bars() -> None:
    times = np.arange(32) * 0.5
    odds = change_odds(evidence(SONG * 2, 2.0), FPS, times)
    assert set(np.flatnonzero(odds > 0.3)) == {4, 8, 12, 16, 20, 24, 28}
    assert not change_odds(evidence([Chord(0)], 4.0), FPS, times[:8]).any()
    assert len(change_odds(evidence(SONG, 2.0), FPS, times[:2])) == 2
