"""Reports: numbers that are none, names that would break a table, folders that cannot be written."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from descant.errors import OutputError
from descant.evaluate.report import Picture, Report, Table
from descant.evaluate.statistics import Interval

TABLE = Table(
    "Results",
    ("song", "a", "b", "c"),
    (("one|two\n#", 1.0, None, Interval(0.5, 0.25, 0.75, 9)), ("x", math.nan, -math.inf, Interval(0.5, None, None, 1))),
)


def test_markdown() -> None:
    page = Report("x", "descant x", (TABLE,), ("A note.",), (Picture("A plot", "x.png"),)).to_markdown()
    assert "| one\\|two\N{REPLACEMENT CHARACTER}# | 1.000 | – | 0.500 [0.250, 0.750] |" in page
    assert "| x | – | -inf | 0.500 |" in page
    assert "![A plot](x.png)" in page
    assert page.endswith("- A note.\n")


def test_json_is_json(tmp_path: Path) -> None:
    Report("x", "descant x", (TABLE,)).save(tmp_path / "deep" / "er")
    text = (tmp_path / "deep" / "er" / "x.json").read_text(encoding="utf-8")
    rows = json.loads(text, parse_constant=lambda word: pytest.fail(word))["tables"][0]["rows"]
    assert rows[0][3] == {"value": 0.5, "low": 0.25, "high": 0.75, "songs": 9}
    assert rows[1][1:3] == [None, "-inf"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OutputError, match="out"):
        Report("x", "x", (TABLE,)).save(tmp_path / "out")
    with pytest.raises(OutputError, match="out"):
        Report("x", "x", (TABLE,)).save(tmp_path / "out" / "below")
