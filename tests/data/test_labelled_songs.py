"""Rendered songs, proven by their sound: what the labels say is what an FFT and an envelope find."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from descant.data.arrange import arrange, excerpt
from descant.data.invent import chord_pitches, invent_song
from descant.data.singer import SungNote, sing, sung_notes
from descant.data.songs import Band, SongOptions, make_song, perform, true_beats
from descant.score.harmony import Chord
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap, TimeSignature
from tiny_soundfont import build_soundfont

RATE = 22_050


@pytest.fixture
def band(tmp_path: Path) -> Band:
    font = tmp_path / "tiny.sf2"
    font.write_bytes(build_soundfont())
    return Band(font, RATE)


def _loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 17))
    return float(spectrum.argmax()) * RATE / (1 << 17)


def test_a_rendered_bass_note_has_its_pitch_when_the_tempo_map_says(band: Band) -> None:
    tempo = TempoMap(((0.0, 0.0), (1.0, 0.4), (2.0, 1.1)))
    played = band.play(Track("bass", (Note(1.0, 1.0, 45, 100),), 33), tempo, 2 * RATE)
    assert len(played) == 2 * RATE
    assert np.abs(played[: int(0.39 * RATE)]).max() < 1e-4
    assert _loudest_hz(played[int(0.45 * RATE) : int(1.05 * RATE)]) == pytest.approx(110.0 * 441 / 440, rel=0.01)


def test_drums_sound_on_the_labelled_beats(band: Band) -> None:
    hits = tuple(Note(float(q), 0.1, 36, 110) for q in range(12))
    sheet = Score((Track("drums", hits, is_drum=True),), TempoMap.constant(96), (TimeSignature(0.0, 3, 4),))
    score = perform(sheet, np.random.default_rng(0), drift=True)
    beats = true_beats(score)
    drums = np.abs(band.play(score.tracks[0], score.tempo, round((score.duration_s + 1) * RATE)))
    assert len(set(np.round(np.diff(beats.times_s), 4))) > 3, "this performer drifts"
    assert beats.bar_positions == tuple(q % 3 + 1 for q in range(len(beats.times_s)))
    for time in beats.times_s:
        at = round(time * RATE)
        attack = drums[at : at + 200].max()
        assert attack > 5 * drums[max(0, at - 400) : max(1, at - 20)].max(initial=0.0)
        assert attack > 0.01


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_song(band: Band) -> None:
    def song(seed: int) -> bytes:
        rng = np.random.default_rng(seed)
        return make_song("x", invent_song(rng, bars=2), band, rng).clip.samples.tobytes()

    assert song(4) == song(4)
    assert song(4) != song(5)


@pytest.mark.parametrize("seed", range(3))
def test_a_song_for_voice_alone_is_its_vocals_and_nothing_else(band: Band, seed: int) -> None:
    rng = np.random.default_rng(seed)
    song = make_song("x", invent_song(rng, bars=2), band, rng, options=SongOptions(a_cappella=1.0, dirt=False))
    assert song.vocals is not None
    np.testing.assert_array_equal(song.clip.samples, song.vocals.samples)
    assert not song.chords_sound
    assert [t.name for t in song.score.tracks] == ["melody"]


def test_the_singers_truth_is_the_sung_pitch() -> None:
    samples, truth = sing([SungNote(0.2, 1.2, 57.0)], 1.5, RATE, np.random.default_rng(1))
    assert np.abs(samples).max() == pytest.approx(0.5)
    assert truth.voiced[(truth.times_s > 0.25) & (truth.times_s < 1.1)].all()
    assert not truth.voiced[(truth.times_s < 0.19) | (truth.times_s > 1.21)].any()
    frame = samples[int(0.6 * RATE) : int(0.75 * RATE)]
    spectrum = np.abs(np.fft.rfft(frame * np.hanning(len(frame)), 1 << 16))
    hz = np.fft.rfftfreq(1 << 16, 1 / RATE)
    near = (hz > 180) & (hz < 260)  # the fundamental's octave
    f0 = float(np.median(truth.f0_hz[(truth.times_s > 0.6) & (truth.times_s < 0.75)]))
    assert hz[near][spectrum[near].argmax()] == pytest.approx(f0, rel=0.02)


def test_sung_notes_are_one_line_of_the_top_notes() -> None:
    starts, ends = np.array([0.0, 0.0, 0.5, 0.9]), np.array([0.6, 0.6, 1.2, 1.5])
    line = sung_notes(starts + 1, ends + 1, np.array([60.0, 67.0, 64.0, 62.0]), np.random.default_rng(0))
    assert [n.pitch for n in line] == [67.0, 64.0, 62.0]
    assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(line))
    assert all(n.start_s < n.end_s for n in line)


@pytest.mark.parametrize("seed", range(12))
def test_invented_songs_have_labels_that_fit_together(seed: int) -> None:
    song = invent_song(np.random.default_rng(seed), bars=8)
    assert song.key is not None
    melody = song.tracks[0].notes
    assert song.chords[0].start == 0
    assert all(a.end == b.start for a, b in itertools.pairwise(song.chords))
    assert song.sections[-1].end == song.chords[-1].end
    tones = [
        n.pitch % 12 in song.key.scale or any(n.pitch % 12 in c.chord.pitch_classes for c in song.chords)
        for n in melody
    ]
    assert all(tones)
    assert all(c.start == int(c.start) for c in song.chords)


@pytest.mark.parametrize("seed", range(12))
def test_bands_play_the_labelled_chords(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sheet = invent_song(rng, bars=8)
    arranged = arrange(sheet, rng)
    assert any(t.name in ("comp", "pad") for t in arranged.tracks)
    assert arranged.chords == sheet.chords
    for track in arranged.tracks:
        if track.name not in ("comp", "pad", "bass"):
            continue
        assert track.notes
        for note in track.notes:
            (span,) = [c for c in sheet.chords if c.start <= note.start < c.end]
            assert note.pitch % 12 in span.chord.pitch_classes | {span.chord.bass}
            assert note.end <= span.end + 1e-6


def test_voicings_start_at_the_lowest_note() -> None:
    assert chord_pitches(Chord(9, "min"), 48) == [48, 52, 57]


def test_an_excerpt_starts_at_zero_and_ends_with_its_bars() -> None:
    sheet = invent_song(np.random.default_rng(1), bars=8)
    bar = sheet.time_signatures[0].bar_quarters
    part = excerpt(sheet, 2, 3)
    assert part.chords[0].start == 0
    assert part.chords[-1].end == 3 * bar
    assert [n.pitch for n in part.tracks[0].notes] == [
        n.pitch for n in sheet.tracks[0].notes if 2 * bar <= n.start < 5 * bar
    ]
