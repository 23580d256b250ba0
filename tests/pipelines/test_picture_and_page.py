from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.pipelines.page import Part, write_page
from descant.pipelines.picture import colour_of, draw_song
from descant.score.harmony import Chord, ChordSpan, Key
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap

SVG = "{http://www.w3.org/2000/svg}"
RATE = 8_000


def _score() -> Score:
    return Score(
        tracks=(
            Track("melody", (Note(0, 1, 60), Note(1, 1, 72))),
            Track("bass <&> 1", (Note(0, 2, 36, 127),), program=33),
            Track("drums", (Note(0, 0.25, 36), Note(1, 0.25, 38)), is_drum=True),
        ),
        tempo=TempoMap.constant(60),
        key=Key(3, "major"),
        chords=(ChordSpan(0, 1, Chord(3)), ChordSpan(1, 2, Chord(8, "min7"))),
    )


def _draw(score: Score | None = None, width: int = 1000) -> ET.Element:
    loud_end = Clip(np.concatenate([np.zeros(RATE), np.ones(RATE)]).astype(np.float32), RATE)
    svg = draw_song(
        score or _score(), {"vocals": loud_end}, beats_s=(0.0, 1.0, 2.0), downbeats_s=(0.0, 2.0), width=width
    )
    return ET.fromstring(svg)


def test_notes_lie_at_their_times_and_pitches() -> None:
    root = _draw()
    left, right, duration = (float(root.get(f"data-{k}", "nan")) for k in ("left", "right", "duration"))
    assert duration == pytest.approx(2.0)
    group = next(g for g in root.iter(f"{SVG}g") if (t := g.find(f"{SVG}title")) is not None and t.text == "melody")
    low, high = (r.attrib for r in group.iter(f"{SVG}rect"))
    assert float(low["x"]) == pytest.approx(left, abs=0.2)
    assert float(high["x"]) == pytest.approx((left + right) / 2, abs=0.2)
    assert float(low["y"]) - float(high["y"]) == 12 * 5  # an octave higher on the page


def test_the_wave_is_drawn_where_it_sounds() -> None:
    path = next(p for p in _draw().iter(f"{SVG}path") if p.get("opacity") == "0.85")
    points = [tuple(map(float, pair.split())) for pair in re.findall(r"[\d.]+ [\d.]+", path.get("d", ""))]
    middle_x = (points[0][0] + max(x for x, _ in points)) / 2
    spread = {
        side: max(y for x, y in points if keep(x)) - min(y for x, y in points if keep(x))
        for side, keep in (("silent", lambda x: x < middle_x - 3), ("loud", lambda x: x > middle_x + 3))
    }
    assert spread["silent"] < 2 < 20 < spread["loud"]


def test_chords_use_the_spelling_of_the_key_and_names_are_escaped() -> None:
    texts = [t.text for t in _draw().iter(f"{SVG}text")]
    assert {"Eb", "Abm7"} <= set(texts)
    assert any(t.text == "bass <&> 1" for t in _draw().iter(f"{SVG}title"))


def test_an_empty_score_still_draws() -> None:
    empty = Score((), TempoMap.constant(100))
    assert _draw(empty).tag == f"{SVG}svg"


def test_colours_are_stable() -> None:
    assert colour_of("bass") == colour_of("bass")
    assert colour_of("kazoo") == colour_of("kazoo")


class _Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "audio":
            self.sources.append(found["src"] or "")
        if tag == "a":
            self.links.append(found["href"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_links_every_part_escapes_titles_and_needs_no_network() -> None:
    page = write_page(
        "<b>Tom & Jerry's</b> 歌 #1?",
        facts={"key": "C < D"},
        picture="<svg data-left='0' data-right='1' data-duration='1'></svg>",
        parts=[Part("mix", "mix.flac", -14.0), Part("drums #2", "stems/drums #2.flac", float("-inf"))],
        downloads=("score.mid",),
        notes=("No chorus & no bridge.",),
    )
    checker = _Checker()
    checker.feed(page)
    assert checker.sources == ["mix.flac", "stems/drums%20%232.flac"]
    assert "score.mid" in checker.links
    assert "<b>Tom & Jerry's</b> 歌 #1?" in checker.text
    assert "silent" in checker.text
    assert not re.search(r"https?://(?!www\.w3\.org)", page)
    assert "$" not in page
