"""What plots draw: dots of songs, marks with intervals, medians with bars; not only that they draw."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from descant.dsp.rainbowgram import rainbowgram
from descant.evaluate import bench_report, plots
from descant.evaluate.bench import Measurement
from descant.evaluate.child import Usage
from descant.evaluate.compare import SystemScores, file_task
from descant.evaluate.statistics import bootstrap_interval


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Figure:
    """The figure that is drawn, in place of a file."""
    sheet = Figure()

    @contextmanager
    def keep(*_: Any, **__: Any) -> Iterator[Figure]:
        yield sheet

    monkeypatch.setattr(plots, "figure", keep)
    monkeypatch.setattr(bench_report, "figure", keep)
    return sheet


def _system(name: str, values: list[float | None]) -> SystemScores:
    songs = {f"song {n}": {"": {"key, MIREX": value, "key right": None}} for n, value in enumerate(values)}
    return SystemScores(name, songs)


def test_a_panel_has_a_dot_per_song_and_a_mark_with_its_interval(drawn: Figure) -> None:
    task, values = file_task("key"), {"a": [1.0, 0.0, 0.5, None], "b": [0.2, 0.3, 0.3, 1.0]}
    plots.draw_comparison(task, [_system(name, each) for name, each in values.items()], Path("unused.png"))
    (panel,) = drawn.axes  # nobody scored "key right"
    assert panel.get_title().startswith("key, MIREX")
    assert [label.get_text() for label in panel.get_yticklabels()] == ["a", "b"]
    bars, marks = panel.get_lines()[0::2], panel.get_lines()[1::2]
    for row, known in enumerate(([1.0, 0.0, 0.5], [0.2, 0.3, 0.3, 1.0])):
        dots = np.asarray(panel.collections[row].get_offsets())
        assert sorted(dots[:, 0]) == sorted(known)
        assert np.abs(dots[:, 1] - row).max() < 0.5
        interval = bootstrap_interval(known)
        assert interval is not None
        assert list(marks[row].get_xydata()[0]) == [interval.value, row]
        assert [list(point) for point in bars[row].get_xydata()] == [[interval.low, row], [interval.high, row]]
    low, high = panel.get_ylim()
    assert low > high  # the first system on top


def test_a_benchmark_has_medians_and_bars_to_the_extremes(drawn: Figure) -> None:
    runs = [[Usage(wall, 0.0, 10 * wall, "") for wall in walls] for walls in ((1.0, 5.0, 2.0), (6.0, 4.0, 9.0))]
    found = [Measurement("x", length, tuple(each)) for length, each in zip((30.0, 60.0), runs, strict=True)]
    bench_report.draw_bench(found, Path("unused.png"))
    walls, peaks = drawn.axes
    for axis, scale in ((walls, 1.0), (peaks, 10.0)):
        assert axis.get_lines()[0].get_xydata().tolist() == [[30.0, 2.0 * scale], [60.0, 6.0 * scale]]
        (bars,) = [each for each in axis.collections if len(each.get_segments())]
        ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
        assert ends == [[1.0 * scale, 5.0 * scale], [4.0 * scale, 9.0 * scale]]


def test_rainbowgrams_are_painted_side_by_side_and_what_is_silent_is_black(drawn: Figure, tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000).astype(np.float32)
    pictures = {"a tone": rainbowgram(tone, 16_000), "nothing": rainbowgram(np.zeros(16_000, np.float32), 16_000)}
    plots.draw_rainbowgrams(pictures, tmp_path / "x.png")
    tone_axis, silent_axis = drawn.axes
    painted, silent = (np.asarray(axis.images[0].get_array()) for axis in (tone_axis, silent_axis))
    assert painted.shape == (240, 63, 3)
    assert painted[110, 30].max() > 0.8
    assert painted[110, 15:45].std(axis=0).max() < 0.02  # one colour
    assert not silent.any()
    assert tone_axis.get_title() == "a tone"
    assert [label.get_text() for label in tone_axis.get_yticklabels()][:2] == ["65", "131"]
