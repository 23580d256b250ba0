from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from descant.dsp.segment import Segment, SegmentOptions, segment, stillness
from descant.dsp.voice import VoiceFrames
from descant.errors import InvalidOption

HOP_S = 0.016
SURE = 0.95

Doubles = NDArray[np.float64]


def voice(
    midi: list[float],
    *,
    confidence: list[float] | None = None,
    level_db: list[float] | None = None,
    flux_db: list[float] | None = None,
    hop_s: float = HOP_S,
    silence: int = 10,
) -> VoiceFrames:
    """A voiced stretch between `silence` unvoiced frames on either side."""
    count = len(midi)

    def padded(values: list[float] | None, inside: float, outside: float) -> Doubles:
        pad = [outside] * silence
        return np.asarray(pad + (values if values is not None else [inside] * count) + pad, float)

    times = np.arange(count + 2 * silence) * hop_s
    return VoiceFrames(
        times,
        padded(midi, 0.0, 0.0),
        padded(confidence, SURE, 0.02),
        padded(level_db, -10.0, -60.0),
        padded(flux_db, 0.0, 0.0),
    )


def spans(frames: VoiceFrames, silence: int = 10, **options: float) -> list[tuple[int, int]]:
    found = segment(frames, SegmentOptions(**options))  # type: ignore[arg-type]
    return [(s.start - silence, s.end - silence) for s in found]


def test_a_note_covers_exactly_its_frames() -> None:
    assert segment(voice([60.0] * 20), SegmentOptions()) == (Segment(10, 30),)
    assert segment(voice([60.0] * 20, silence=0), SegmentOptions()) == (Segment(0, 20),)


@pytest.mark.parametrize("interval", [1.0, -1.0, 2.0, 7.0, -12.0])
def test_a_step_divides_where_the_pitch_changes(interval: float) -> None:
    assert spans(voice([60.0] * 20 + [60.0 + interval] * 20)) == [(0, 20), (20, 40)]


def test_a_wobble_of_a_quarter_tone_does_not_divide() -> None:
    assert spans(voice([60.0] * 10 + [60.3] * 10 + [60.0] * 10)) == [(0, 30)]


def test_a_short_detour_belongs_to_its_note_and_a_long_one_is_a_note() -> None:
    assert spans(voice([60.0] * 20 + [62.0] * 5 + [60.0] * 20)) == [(0, 45)]
    assert spans(voice([60.0] * 20 + [62.0] * 16 + [60.0] * 20)) == [(0, 20), (20, 36), (36, 56)]


@pytest.mark.parametrize("extent", [0.5, 1.0, 1.4])
def test_wide_vibrato_does_not_divide(extent: float) -> None:
    trembling = 60.0 + extent * np.sin(2 * np.pi * 5.5 * HOP_S * np.arange(60))
    assert spans(voice(trembling.tolist())) == [(0, 60)]


@pytest.mark.parametrize("depth", [2.0, -2.0, 4.0, 7.0])
def test_a_scoop_belongs_to_the_note_it_leads_to(depth: float) -> None:
    scoop = 60.0 - depth * np.exp(-np.arange(12) * HOP_S / 0.05)
    assert spans(voice([*scoop.tolist(), *[60.0] * 25])) == [(0, 37)]


def test_the_shortest_note_has_four_frames() -> None:
    assert spans(voice([60.0] * 4)) == [(0, 4)]
    assert spans(voice([60.0] * 3)) == []
    assert spans(voice([60.0] * 6), shortest_s=0.1) == [(0, 6)]
    assert spans(voice([60.0] * 5), shortest_s=0.1) == []


def test_a_note_may_bridge_three_frames_without_voice() -> None:
    def with_gap(frames: int) -> VoiceFrames:
        confidence = [SURE] * 20 + [0.1] * frames + [SURE] * 20
        return voice([60.0] * len(confidence), confidence=confidence)

    assert spans(with_gap(1)) == [(0, 41)]
    assert spans(with_gap(3)) == [(0, 43)]
    assert spans(with_gap(4)) == [(0, 20), (24, 44)]
    assert spans(with_gap(1), longest_gap_s=0.0) == [(0, 20), (21, 41)]
    assert spans(with_gap(6), longest_gap_s=0.1) == [(0, 46)]


def test_a_frame_at_the_confidence_threshold_sounds() -> None:
    edge = [0.5] * 20
    assert spans(voice([60.0] * 20, confidence=edge)) == [(0, 20)]
    assert spans(voice([60.0] * 20, confidence=[0.499] * 20)) == []
    assert spans(voice([60.0] * 20, confidence=edge), confidence_threshold=0.51) == []


def test_pitches_up_to_a_semitone_outside_the_range_are_heard() -> None:
    assert spans(voice([49.0] * 20), lowest_pitch=50) == [(0, 20)]
    assert spans(voice([48.9] * 20), lowest_pitch=50) == []
    assert spans(voice([71.0] * 20), highest_pitch=70) == [(0, 20)]
    assert spans(voice([71.1] * 20), highest_pitch=70) == []


def repeated(flux_db: float, dip_db: float) -> VoiceFrames:
    level = [-10.0] * 20 + [-10.0 - dip_db] * 3 + [-10.0] * 20
    flux = [0.0] * 23 + [flux_db] + [0.0] * 19
    return voice([60.0] * 43, level_db=level, flux_db=flux)


def test_a_repeated_note_divides_at_its_onset() -> None:
    found = spans(repeated(8.0, 15.0))
    assert len(found) == 2
    assert found[0][0] == 0
    assert found[1] == (23, 43)
    assert spans(repeated(8.0, 15.0), onset_weight=0.0) == [(0, 43)]
    assert spans(repeated(0.5, 2.0)) == [(0, 43)]


def test_dearer_notes_are_fewer() -> None:
    steps = [60.0 + (i // 8) % 2 for i in range(64)]
    assert len(spans(voice(steps), note_cost=1.0)) == 8
    assert len(spans(voice(steps), note_cost=20.0)) == 1


def test_a_soft_restless_tail_is_no_note() -> None:
    tail = [60.0 + 9.0 * ((i * 7) % 5) / 4 for i in range(15)]
    frames = voice([60.0] * 20 + tail, confidence=[SURE] * 20 + [0.5] * 15, level_db=[-10.0] * 20 + [-50.0] * 15)
    assert [start for start, _ in spans(frames)] == [0]
    assert spans(frames)[0][1] in range(20, 23)
    loud = voice([60.0] * 20 + tail, confidence=[SURE] * 35)
    assert spans(loud)[-1][1] > 30  # as loud and sure as the note, it must be something


def test_a_held_note_is_one_however_long() -> None:
    assert spans(voice([60.0] * 750)) == [(0, 750)]


def test_a_finer_grid_of_frames_gives_the_same_notes() -> None:
    steps = [60.0] * 20 + [62.0] * 12 + [59.0] * 20
    coarse = spans(voice(steps))
    fine = spans(voice([p for p in steps for _ in range(2)], hop_s=HOP_S / 2))
    assert coarse == [(0, 20), (20, 32), (32, 52)]
    assert fine == [(2 * a, 2 * b) for a, b in coarse]


def test_without_voice_there_are_no_notes() -> None:
    assert segment(voice([]), SegmentOptions()) == ()
    assert segment(voice([], silence=0), SegmentOptions()) == ()


def test_stillness_of_a_step() -> None:
    still = stillness(np.asarray([60.0] * 10 + [61.5] * 10), HOP_S)
    # Three frames, 48 ms, on either side of a frame count: 10 - 3 sees the step first.
    np.testing.assert_allclose(still, [1.0] * 7 + [0.5] * 6 + [1.0] * 7)
    np.testing.assert_allclose(
        stillness(np.asarray([60.0] * 20 + [61.5] * 20), HOP_S / 2), [1.0] * 14 + [0.5] * 12 + [1.0] * 14
    )


def test_stillness_of_leaps_and_of_nothing() -> None:
    leap = stillness(np.asarray([60.0] * 5 + [72.0] * 5), HOP_S)
    assert leap.min() == pytest.approx(0.1)
    third = stillness(np.asarray([60.0] * 5 + [63.0] * 5), HOP_S)
    assert third.min() == pytest.approx(0.2)
    assert stillness(np.asarray([60.0]), HOP_S).tolist() == [1.0]


@pytest.mark.parametrize(("dip_db", "notes"), [(6.5, 1), (7.6, 2)])
def test_the_least_dip_that_divides_a_note(dip_db: float, notes: int) -> None:
    # A dip of 7.1 dB is half an onset, and half an onset pays for a note.
    assert len(spans(repeated(0.0, dip_db))) == notes


def test_a_stretch_starts_with_a_note_at_half_price() -> None:
    assert spans(voice([60.0] * 2), shortest_s=0.0) == []
    assert spans(voice([60.0] * 3), shortest_s=0.0) == [(0, 3)]


def test_no_note_is_shorter_than_two_frames() -> None:
    assert spans(voice([60.0] * 2), shortest_s=0.0, note_cost=0.5) == [(0, 2)]
    assert spans(voice([60.0]), shortest_s=0.0, note_cost=0.5) == []


@pytest.mark.parametrize(("below_db", "expected"), [(14.0, [(0, 20), (20, 35)]), (24.0, [(0, 20)])])
def test_how_soft_a_note_may_be_beside_a_loud_one(below_db: float, expected: list[tuple[int, int]]) -> None:
    level = [-10.0] * 20 + [-10.0 - below_db] * 15
    assert spans(voice([60.0] * 20 + [62.0] * 15, level_db=level)) == expected


def test_the_range_that_is_heard_by_default() -> None:
    assert [spans(voice([p] * 20)) for p in (22.9, 97.1)] == [[], []]
    assert [spans(voice([p] * 20)) for p in (23.0, 97.0)] == [[(0, 20)], [(0, 20)]]


def test_impossible_options_are_refused() -> None:
    SegmentOptions(confidence_threshold=0.99, note_cost=99.0, lowest_pitch=0, highest_pitch=127)
    SegmentOptions(confidence_threshold=0.01, lowest_pitch=60, highest_pitch=60, note_cost=0.0)
    bad: list[dict[str, float]] = [
        {"confidence_threshold": 1.0},
        {"confidence_threshold": 0.0},
        {"note_cost": 100.0},
        {"onset_weight": -0.1},
        {"shortest_s": float("nan")},
        {"longest_gap_s": -1.0},
        {"lowest_pitch": -1},
        {"highest_pitch": 128},
        {"lowest_pitch": 61, "highest_pitch": 60},
    ]
    for options in bad:
        with pytest.raises(InvalidOption):
            SegmentOptions(**options)  # type: ignore[arg-type]
