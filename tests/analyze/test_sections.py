from __future__ import annotations

import numpy as np

from descant.analyze.sections import bar_similarity, find_sections
from descant.score.tempo import BeatGrid

RATES = (10.0, 50.0)


def song(form: str, bars: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray, BeatGrid]:
    """Each letter is `bars` bars of two seconds with harmony and sound of its own."""
    rng = np.random.default_rng(seed)
    harmony = {letter: rng.random((bars * 4, 12)) ** 3 for letter in sorted(set(form))}
    sound = {letter: rng.random(20) for letter in sorted(set(form))}
    tone = np.concatenate([np.repeat(harmony[letter], 5, axis=0) for letter in form])
    timbre = np.concatenate([np.tile(sound[letter], (bars * 100, 1)) for letter in form])
    tone += 0.05 * rng.random(tone.shape)
    timbre += 0.05 * rng.random(timbre.shape)
    beats = len(form) * bars * 4
    return tone, timbre, BeatGrid(tuple(i * 0.5 for i in range(beats)), tuple(i % 4 + 1 for i in range(beats)))


def test_form_is_found_with_repeats_named_alike() -> None:
    for form in ("ABAB", "ABCAB", "ABA"):
        tone, timbre, grid = song(form)
        found = find_sections(tone, timbre, RATES, grid, grid.tempo_map())
        assert "".join(s.label for s in found) == form
        assert [s.start for s in found] == [32.0 * i for i in range(len(form))]
        assert found[-1].end == len(form) * 32.0


def test_one_part_is_one_section() -> None:
    tone, timbre, grid = song("A")
    assert [s.label for s in find_sections(tone, timbre, RATES, grid, grid.tempo_map())] == ["A"]


def test_a_pick_up_belongs_to_the_first_section() -> None:
    tone, timbre, grid = song("AB")
    late = BeatGrid(grid.times_s[2:], grid.bar_positions[2:])
    found = find_sections(tone, timbre, RATES, late, late.tempo_map())
    assert late.tempo_map().seconds(found[0].start) == late.times_s[0]


def test_without_bars_nothing() -> None:
    tone, timbre, grid = song("A")
    few = BeatGrid(grid.times_s[:3], grid.bar_positions[:3])
    assert find_sections(tone, timbre, RATES, few, few.tempo_map()) == ()


def test_similarity_is_symmetric_and_bounded() -> None:
    tone, timbre, grid = song("AB")
    similarity = bar_similarity(tone, timbre, RATES, np.asarray(grid.downbeats_s))
    np.testing.assert_allclose(similarity, similarity.T)
    assert similarity.min() >= -1e-9
    assert similarity.max() <= 1 + 1e-9
