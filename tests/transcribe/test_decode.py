from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.errors import InvalidOption
from descant.transcribe import decode as decoding
from descant.transcribe.basic_pitch import BasicPitch, NoteMaps, frame_times
from descant.transcribe.config import NoteOptions
from descant.transcribe.decode import NoteEvent, decode, decode_stream, without_shared_bends

from .signals import SAMPLE_RATE, random_maps, tune_with_bends

GOLDEN = json.loads((Path(__file__).parent / "fixtures" / "basic_pitch_golden.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def net() -> BasicPitch:
    return BasicPitch.load()


def rows(events: tuple[NoteEvent, ...]) -> list[tuple[int, int, int]]:
    return sorted((e.start_frame, e.end_frame, e.pitch) for e in events)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_decoder_gives_the_published_packages_notes(seed: int) -> None:
    events = sorted(decode(NoteMaps(*random_maps(seed))), key=lambda e: (e.start_frame, e.end_frame, e.pitch))
    expected = GOLDEN["maps"][str(seed)]
    assert rows(tuple(events)) == [tuple(e[:3]) for e in expected]
    assert [e.amplitude for e in events] == pytest.approx([e[3] for e in expected], abs=1e-5)
    assert [list(e.bends[:6]) for e in events] == [e[4] for e in expected]


@pytest.mark.weights
def test_net_and_decoder_give_the_published_packages_notes(net: BasicPitch) -> None:
    events = sorted(
        decode(net(Clip(tune_with_bends(), SAMPLE_RATE))), key=lambda e: (e.start_frame, e.end_frame, e.pitch)
    )
    expected = GOLDEN["tune"]
    assert len(events) == len(expected)
    for event, (start, end, pitch, amplitude, bends), times in zip(
        events, expected, GOLDEN["tune_times_s"], strict=True
    ):
        assert abs(event.start_frame - start) <= 1
        assert abs(event.end_frame - end) <= 1
        assert event.pitch == pitch
        assert event.amplitude == pytest.approx(amplitude, abs=0.01)
        assert (event.start_s, event.end_s) == pytest.approx(times, abs=0.012)
        if (event.start_frame, event.end_frame) == (start, end):
            assert np.mean(np.asarray(event.bends) != bends) < 0.1


@pytest.mark.weights
def test_blocks_give_the_maps_of_the_whole(net: BasicPitch) -> None:
    samples = tune_with_bends()
    whole = net(Clip(samples, SAMPLE_RATE))
    cuts = [0, 1, 1, 30_000, 43_844, 150_001, len(samples)]
    blocks = [Clip(samples[a:b], SAMPLE_RATE) for a, b in itertools.pairwise(cuts)]
    parts = NoteMaps.join(net.stream(blocks))
    assert parts.frames == whole.frames == int(len(samples) * 86 / SAMPLE_RATE)
    np.testing.assert_allclose(parts.notes, whole.notes, atol=1e-5)
    np.testing.assert_allclose(parts.contours, whole.contours, atol=1e-5)


@pytest.mark.weights
@pytest.mark.parametrize("frames", [0, 1, 255, 300, 22_050])
def test_silence_has_no_notes(net: BasicPitch, frames: int) -> None:
    assert decode(net(Clip.silence(frames, SAMPLE_RATE))) == ()


def slow_decode(maps: NoteMaps, onset_threshold: float, frame_threshold: float) -> list[tuple[int, int, int]]:
    """The rules of the sheet, frame by frame."""
    notes, left, frames = maps.notes.astype(float), maps.notes.astype(float), maps.frames
    growth = np.zeros_like(notes)
    for i in range(2, frames):
        growth[i] = np.maximum(np.minimum(notes[i] - notes[i - 1], notes[i] - notes[i - 2]), 0.0)
    onsets = np.maximum(maps.onsets.astype(float), growth * maps.onsets.max() / growth.max())
    starts = [
        (i, p)
        for i in range(1, frames - 1)
        for p in range(88)
        if onsets[i, p] >= onset_threshold and onsets[i, p] > onsets[i - 1, p] and onsets[i, p] > onsets[i + 1, p]
    ]
    found = []

    def walk(i: int, step: int, pitch: int, *, clear: bool) -> tuple[int, int]:
        weak = 0
        while (i < frames - 1 if step > 0 else i > 0) and weak < 11:
            weak = weak + 1 if left[i, pitch] < frame_threshold else 0
            if clear:
                left[i, max(0, pitch - 1) : pitch + 2] = 0.0
            i += step
        return i, weak

    for start, pitch in reversed(starts):
        if start >= frames - 1:
            continue
        stop, weak = walk(start + 1, 1, pitch, clear=False)
        if stop - weak - start > 11:
            left[start : stop - weak, max(0, pitch - 1) : pitch + 2] = 0.0
            found.append((start, stop - weak, pitch + 21))
    while left.max() > frame_threshold:
        middle, pitch = np.unravel_index(left.argmax(), left.shape)
        left[middle, pitch] = 0.0
        stop, weak = walk(int(middle) + 1, 1, int(pitch), clear=True)
        first, weak_before = walk(int(middle) - 1, -1, int(pitch), clear=True)
        start, end = first + 1 + weak_before, stop - 1 - weak
        if end - start > 11:
            found.append((start, end, int(pitch) + 21))
    return sorted(found)


@given(st.integers(10, 10_000), st.floats(0.2, 0.8), st.floats(0.2, 0.8))
def test_fast_decoder_equals_the_rules_frame_by_frame(seed: int, onset: float, frame: float) -> None:
    maps = NoteMaps(*random_maps(seed, 150))
    options = NoteOptions(onset_threshold=onset, frame_threshold=frame, bends=False)
    assert rows(decode(maps, options)) == slow_decode(maps, onset, frame)


def test_range_limits_what_is_written() -> None:
    maps = NoteMaps(*random_maps(1))
    inside = decode(maps, NoteOptions(lowest_pitch=40, highest_pitch=60))
    assert inside
    assert all(40 <= e.pitch <= 60 for e in inside)
    assert decode(maps, NoteOptions(lowest_pitch=0, highest_pitch=20)) == ()


def test_shorter_notes_when_asked() -> None:
    maps = NoteMaps(*random_maps(2))
    short = decode(maps, NoteOptions(shortest_s=0.03))
    usual = decode(maps)
    assert min(e.end_frame - e.start_frame for e in usual) > 11
    assert min(e.end_frame - e.start_frame for e in short) < 11


@pytest.mark.parametrize(
    "bad",
    [
        {"onset_threshold": 0.0},
        {"frame_threshold": 1.5},
        {"shortest_s": -1.0},
        {"lowest_pitch": 70, "highest_pitch": 60},
    ],
)
def test_impossible_options_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidOption):
        NoteOptions(**bad)  # type: ignore[arg-type]


def test_maps_too_short_for_a_note_are_empty() -> None:
    for frames in range(4):
        assert decode(NoteMaps(*(m[:frames] for m in random_maps(1)))) == ()


def test_sections_of_a_long_recording_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    blank = NoteMaps(*(np.zeros((60, w), np.float32) for w in (88, 88, 264)))
    parts = [each for seed in range(6) for each in (NoteMaps(*random_maps(seed)), blank)]
    whole = decode(NoteMaps.join(parts), NoteOptions(infer_onsets=False))
    monkeypatch.setattr(decoding, "_SECTION_FRAMES", 900)
    monkeypatch.setattr(decoding, "_CUT_FRAMES", 500)
    groups = list(decode_stream(parts, NoteOptions(infer_onsets=False)))
    assert len(groups) > 2
    joined = tuple(event for group in groups for event in group)
    assert rows(joined) == rows(whole)
    assert sorted((e.start_frame, e.pitch, e.bends) for e in joined) == sorted(
        (e.start_frame, e.pitch, e.bends) for e in whole
    )


def test_only_lonely_notes_keep_bends() -> None:
    events = (
        NoteEvent(0, 20, 60, 0.5, (1,) * 20),
        NoteEvent(20, 40, 62, 0.5, (1,) * 20),
        NoteEvent(30, 35, 67, 0.5, (1,) * 5),
        NoteEvent(50, 60, 64, 0.5, (1,) * 10),
    )
    assert [bool(e.bends) for e in without_shared_bends(events)] == [True, False, False, True]


def test_frame_times_rise_by_a_hop() -> None:
    times = frame_times(np.arange(100_000))
    steps = np.diff(times)
    assert (steps > 0).all()
    assert times[-1] == pytest.approx(100_000 / 142 * 36_164 / SAMPLE_RATE, abs=0.05)
