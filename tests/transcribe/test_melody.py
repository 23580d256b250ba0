from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.dsp.pitch import PitchTrack, midi_to_hz
from descant.errors import InvalidOption
from descant.evaluate.note_metrics import note_scores
from descant.score.tempo import TempoMap
from descant.transcribe.api import transcribe_melody
from descant.transcribe.config import MelodyOptions
from descant.transcribe.melody import held_notes, local_tuning, notes_on, sounds_spoken, sung_notes, tuning_offset
from descant.transcribe.note_list import ListedNote, exact_pitch

HOP_S = 0.016
RATE = 16_000

Line = list[tuple[float, float, float]]


def sung(line: Line, *, vibrato: float = 0.0, scoop: float = 0.0, seed: int = 0) -> tuple[PitchTrack, Clip]:
    """A voice without a net: its exact pitch track, and a sound whose loudness dips before each note."""
    duration = line[-1][1] + 0.3
    times = np.arange(int(duration / HOP_S)) * HOP_S
    midi, level = np.full(len(times), 60.0), np.zeros(len(times))
    rng = np.random.default_rng(seed)
    for start, end, pitch in line:
        inside = (times >= start - 1e-9) & (times < end)
        since = times[inside] - start
        midi[inside] = pitch + vibrato * np.sin(2 * np.pi * 5.5 * since) - scoop * np.exp(-since / 0.03)
        level[inside] = np.clip((since + 0.004) / 0.02, 0.05, 1.0)
    voiced = level > 0.0
    confidence = np.where(voiced, 0.95, 0.02)
    track = PitchTrack(times, midi_to_hz(midi + rng.normal(0, 0.03, len(times))), confidence, voiced)
    at = np.arange(int(duration * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(np.interp(at, times, midi_to_hz(midi))) / RATE
    sound = sum(np.sin(k * phase) / k for k in range(1, 6)) * np.interp(at, times, level)
    return track, Clip((0.1 * sound).astype(np.float32), RATE)


def found(track: PitchTrack, clip: Clip | None, **options: float) -> list[tuple[float, float, float]]:
    notes = sung_notes(track, clip=clip, options=MelodyOptions(**options))  # type: ignore[arg-type]
    return [(n.start_s, n.end_s, n.pitch) for n in notes]


def assert_same(line: Line, notes: Line) -> None:
    assert len(notes) == len(line), notes
    for (start, _, pitch), (heard, _, exact) in zip(line, notes, strict=True):
        assert heard == pytest.approx(start, abs=0.035)
        assert exact == pytest.approx(pitch, abs=0.25)


def test_a_scale_is_written_note_by_note() -> None:
    line = [(0.32 + 0.4 * i, 0.32 + 0.4 * i + 0.3, p) for i, p in enumerate((60.0, 62.0, 64.0, 65.0, 67.0, 60.0))]
    assert_same(line, found(*sung(line)))


def test_notes_without_a_pause_are_told_apart_by_pitch() -> None:
    line = [(0.32, 0.8, 57.0), (0.8, 1.28, 58.0), (1.28, 1.76, 60.0), (1.76, 2.4, 55.0)]
    assert_same(line, found(sung(line)[0], None))


def test_repeated_notes_are_told_apart_by_loudness() -> None:
    line = [(0.32 + 0.32 * i, 0.32 + 0.32 * (i + 1), 62.0) for i in range(5)]
    track, clip = sung(line)
    assert_same(line, found(track, clip))
    assert len(found(track, None)) == 1  # nothing but the sound tells them apart


@pytest.mark.parametrize("extent", [0.3, 0.7])
def test_vibrato_does_not_split_a_note(extent: float) -> None:
    line = [(0.32, 2.4, 64.0)]
    assert_same(line, found(*sung(line, vibrato=extent)))


def test_a_scoop_belongs_to_its_note() -> None:
    line = [(0.32, 1.2, 64.0), (1.36, 2.0, 60.0)]
    notes = found(*sung(line, scoop=2.0))
    assert_same(line, notes)


def test_a_short_octave_error_does_not_make_a_note() -> None:
    line = [(0.32, 1.6, 57.0)]
    track, clip = sung(line)
    f0 = track.f0_hz.copy()
    f0[50:53] *= 2.0
    assert_same(line, found(replace_f0(track, f0), clip))


def replace_f0(track: PitchTrack, f0: NDArray[np.float64]) -> PitchTrack:
    return PitchTrack(track.times_s, f0, track.confidence, track.voiced)


def test_a_cough_is_no_note() -> None:
    line = [(0.32, 0.352, 50.0), (1.0, 1.6, 60.0)]
    assert_same(line[1:], found(*sung(line)))


def test_silence_and_empty_input_have_no_notes() -> None:
    times = np.arange(100) * HOP_S
    nothing = PitchTrack(times, np.full(100, 100.0), np.zeros(100), np.zeros(100, bool))
    assert sung_notes(nothing) == ()
    none = np.zeros(0)
    assert sung_notes(PitchTrack(none, none, none, none.astype(bool))) == ()
    assert sung_notes(Clip.silence(0, 44_100)) == ()
    assert transcribe_melody(nothing).notes == ()


def test_bends_follow_the_voice_and_start_with_the_note() -> None:
    line = [(0.32, 1.6, 64.3)]
    track, clip = sung(line, vibrato=0.5)
    notes = sung_notes(track, clip=clip)
    placed = notes_on(notes, TempoMap.constant(90.0))[0]
    assert placed.pitch == 64
    assert exact_pitch(placed) == pytest.approx(64.3, abs=0.15)
    curve = [b.semitones for b in placed.bends]
    assert max(curve) - min(curve) == pytest.approx(1.0, abs=0.25)
    assert all(0.0 <= b.offset <= placed.duration + 0.05 for b in placed.bends)
    straight = notes_on(sung_notes(track, clip=clip, options=MelodyOptions(bends=False)), TempoMap.constant(90.0))
    assert straight[0].bends == ()


def test_notes_land_on_the_beats_of_the_tempo_map() -> None:
    line = [(0.5 * i, 0.5 * i + 0.4, 60.0 + i) for i in range(1, 6)]
    track, clip = sung(line)
    tempo = TempoMap.constant(120.0)
    starts = [n.start for n in notes_on(sung_notes(track, clip=clip), tempo)]
    assert starts == pytest.approx([1, 2, 3, 4, 5], abs=0.06)


def test_a_singers_own_tuning() -> None:
    pitches = np.asarray([60.4, 62.38, 64.42, 65.4])
    offset, clarity = tuning_offset(pitches, np.ones(4))
    assert offset == pytest.approx(0.4, abs=0.01)
    assert clarity > 0.95
    assert tuning_offset(np.asarray([60.0, 60.25, 60.5, 60.75]), np.ones(4))[1] < 0.01
    assert tuning_offset(np.zeros(0), np.zeros(0)) == (0.0, 0.0)


def test_numbers_on_the_singers_own_scale() -> None:
    line = [(0.32 + 0.6 * i, 0.32 + 0.6 * i + 0.5, 60.45 + p) for i, p in enumerate((0.0, 2.1, 4.08, 5.1, 7.12))]
    track, clip = sung(line)
    absolute = [n.number for n in sung_notes(track, clip=clip)]
    relative = [n.number for n in sung_notes(track, clip=clip, options=MelodyOptions(follow_tuning=True))]
    assert np.diff(relative).tolist() == [2, 2, 1, 2]
    assert absolute != relative


def test_tuning_is_followed_as_it_drifts() -> None:
    at = np.arange(40) * 1.0
    scale = np.asarray([60.0, 62.0, 64.0, 65.0, 67.0] * 8)
    drifting = scale - np.linspace(0.0, 1.2, 40)  # sinks by more than a semitone
    shifts = local_tuning(at, drifting, np.ones(40))
    assert np.diff(np.round(drifting - shifts)).tolist() == np.diff(scale).tolist()
    assert abs(shifts.mean()) <= 0.5
    assert np.abs(np.diff(shifts)).max() < 0.1
    np.testing.assert_allclose(local_tuning(at, scale + 0.3, np.ones(40)), 0.3)


def test_a_voice_without_a_scale_has_no_tuning() -> None:
    at = np.arange(40) * 1.0
    anywhere = 60.0 + (np.arange(40) * 0.375) % 12.0
    assert local_tuning(at, anywhere, np.ones(40)).tolist() == [0.0] * 40
    assert local_tuning(np.zeros(0), np.zeros(0), np.zeros(0)).tolist() == []


def spoken(seconds: float) -> tuple[PitchTrack, Clip]:
    """A pitch that falls by seven semitones in every syllable of a quarter of a second."""
    times = np.arange(int(seconds / HOP_S)) * HOP_S
    midi = 57.0 - 28.0 * (times % 0.25)
    sure = np.where(times % 0.25 < 0.2, 0.95, 0.02)
    track = PitchTrack(times, midi_to_hz(midi), sure, sure > 0.5)
    at = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(np.interp(at, times, midi_to_hz(midi))) / RATE
    return track, Clip((0.1 * np.sin(phase) * (at % 0.25 < 0.2)).astype(np.float32), RATE)


def test_speech_is_told_from_singing() -> None:
    track, clip = spoken(5.0)
    talk = sung_notes(track, clip=clip)
    assert talk
    assert sounds_spoken(talk)
    assert held_notes(talk) == ()
    singing, sound = sung([(0.32 + i, 1.2 + i, 60.0) for i in range(4)], vibrato=1.0)
    assert not sounds_spoken(sung_notes(singing, clip=sound))
    assert not sounds_spoken(())


def test_how_far_a_note_strays_and_how_long_it_is_held() -> None:
    track, clip = sung([(0.32, 0.96, 60.0), (1.2, 1.84, 64.0)])
    still = sung_notes(track, clip=clip)
    assert all(n.stray < 0.1 for n in still)
    assert [n.held_s for n in still] == pytest.approx([0.64, 0.64], abs=0.02)
    assert held_notes(still) == still
    track, clip = sung([(0.32, 1.28, 60.0)], vibrato=1.0)
    trembling = sung_notes(track, clip=clip)[0]
    assert trembling.stray == pytest.approx(2.0 / np.pi, abs=0.05)  # the mean of |sin|
    assert 0.03 <= trembling.held_s <= 0.1


@pytest.mark.parametrize("length", [0.15, 0.13])
def test_what_is_held_for_150_ms_counts(length: float) -> None:
    track, clip = sung([(0.32, 0.9, 60.0)])
    note = sung_notes(track, clip=clip)[0]
    assert bool(held_notes([replace(note, held_s=length)])) == (length >= 0.15)
    assert sounds_spoken([replace(note, stray=0.7)])
    assert not sounds_spoken([replace(note, stray=0.69)])
    long = replace(note, end_s=note.start_s + 5.0, stray=0.1)
    assert not sounds_spoken([long, replace(note, stray=2.0)])


@given(
    st.lists(st.tuples(st.integers(5, 30), st.integers(48, 72)), min_size=1, max_size=12),
    st.integers(0, 3),
    st.floats(0.0, 0.5),
)
def test_notes_never_overlap_and_stay_inside(shape: list[tuple[int, int]], gap: int, vibrato: float) -> None:
    line, at = [], 0.32
    for frames, pitch in shape:
        line.append((at, at + frames * HOP_S, float(pitch)))
        at += (frames + gap) * HOP_S
    track, clip = sung(line, vibrato=vibrato)
    notes = sung_notes(track, clip=clip)
    for first, second in itertools.pairwise(notes):
        assert first.start_s < first.end_s <= second.start_s + 1e-9
    assert all(0.0 <= n.start_s < n.end_s <= clip.duration_s for n in notes)
    assert notes == sung_notes(track, clip=clip)
    # Long notes far apart in pitch must all be found.
    if gap >= 2 and all(frames >= 10 for frames, _ in shape):
        truth = [ListedNote(*note) for note in line]
        assert note_scores(truth, [ListedNote(n.start_s, n.end_s, n.pitch) for n in notes]).f > 0.7


def test_range_and_confidence_options() -> None:
    line = [(0.32, 0.9, 45.0), (1.0, 1.6, 70.0)]
    track, clip = sung(line)
    assert [round(p) for _, _, p in found(track, clip, lowest_pitch=50)] == [70]
    assert [round(p) for _, _, p in found(track, clip, highest_pitch=50)] == [45]
    assert found(replace(track, confidence=track.confidence * 0.5), clip) == []
    with pytest.raises(InvalidOption):
        MelodyOptions(lowest_pitch=60, highest_pitch=50)
    with pytest.raises(InvalidOption):
        MelodyOptions(confidence_threshold=0.0)


@pytest.mark.parametrize("extent", [1.0, 1.4])
def test_operatic_vibrato_is_one_note(extent: float) -> None:
    line = [(0.32, 2.4, 64.0)]
    assert_same(line, found(*sung(line, vibrato=extent)))


def test_a_long_scoop_belongs_to_its_syllable() -> None:
    times = np.arange(120) * HOP_S
    midi = 60.0 - 4.0 * np.exp(-np.maximum(times - 0.32, 0.0) / 0.07)
    voiced = (times >= 0.32) & (times < 1.5)
    track = PitchTrack(times, midi_to_hz(midi), np.where(voiced, 0.95, 0.02), voiced)
    notes = sung_notes(track)
    assert [n.number for n in notes] == [60]
    assert notes[0].start_s == pytest.approx(0.31, abs=0.001)


def test_notes_outside_the_range_are_not_written_even_when_heard() -> None:
    track, clip = sung([(0.32, 0.9, 49.4), (1.0, 1.6, 60.0), (1.7, 2.3, 70.6)])
    assert [round(p, 1) for _, _, p in found(track, clip, lowest_pitch=50, highest_pitch=70)] == [60.0]


@pytest.mark.weights
def test_a_recording_is_sung_back(monkeypatch: pytest.MonkeyPatch) -> None:
    line = [(0.32 + 0.5 * i, 0.32 + 0.5 * i + 0.4, p) for i, p in enumerate((57.0, 59.0, 61.0, 62.0, 64.0))]
    _, clip = sung(line, vibrato=0.2)
    stereo = Clip(np.repeat(clip.samples, 2, axis=0), clip.sample_rate)
    track = transcribe_melody(stereo, TempoMap.constant(60.0))
    assert track.name == "melody"
    assert [n.pitch for n in track.notes] == [57, 59, 61, 62, 64]
    assert [n.start for n in track.notes] == pytest.approx([start for start, _, _ in line], abs=0.05)
