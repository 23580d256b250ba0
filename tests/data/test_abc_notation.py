"""ABC notation: hand-computed tunes, music21 as an oracle, hostile files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.data.abc_notation import score_from_abc
from descant.errors import ScoreReadError


def notes(body: str, *, key: str = "C", meter: str = "4/4", unit: str = "L:1/8\n") -> list[tuple[float, float, int]]:
    score = score_from_abc(f"X:1\nT:test\nM:{meter}\n{unit}K:{key}\n{body}\n".encode(), "test.abc")
    return [(n.start, n.duration, n.pitch) for n in score.tracks[0].notes]


def pitches(body: str, key: str = "C") -> list[int]:
    return [pitch for _, _, pitch in notes(body, key=key)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("C2 z D/ E3/2 F//", [(0.0, 1.0, 60), (1.5, 0.25, 62), (1.75, 0.75, 64), (2.5, 0.125, 65)]),
        ("C>D E<F", [(0.0, 0.75, 60), (0.75, 0.25, 62), (1.0, 0.25, 64), (1.25, 0.75, 65)]),
        ("(C>.D) E>>F", [(0.0, 0.75, 60), (0.75, 0.25, 62), (1.0, 0.875, 64), (1.875, 0.125, 65)]),
        ("C-C2|D4-|D2", [(0.0, 1.5, 60), (1.5, 3.0, 62)]),
        ("C-D", [(0.0, 0.5, 60), (0.5, 0.5, 62)]),
        ("[CEG]2 [c2g2]", [(0.0, 1.0, p) for p in (60, 64, 67)] + [(1.0, 1.0, p) for p in (72, 79)]),
        ('{ab}uC"Am"!trill!~D "^4"E', [(0.0, 0.5, 60), (0.5, 0.5, 62), (1.0, 0.5, 64)]),
        ("|1 C2 :|2 D2 |] [1 E2", [(0.0, 1.0, 60), (1.0, 1.0, 62), (2.0, 1.0, 64)]),
        ("C2 [L:1/4] C2 % a comment: DEF", [(0.0, 1.0, 60), (1.0, 2.0, 60)]),
    ],
)
def test_rhythm(body: str, expected: list[tuple[float, float, int]]) -> None:
    assert notes(body) == expected


def test_tuplets_take_the_standard_time() -> None:
    triplet = notes("(3CDE F")
    assert [n[0] for n in triplet] == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0])
    assert [n[1] for n in notes("(2CD", meter="6/8")] == pytest.approx([0.75, 0.75])
    assert [n[1] for n in notes("(5:4:3CDE F")] == pytest.approx([0.4, 0.4, 0.4, 0.5])


@pytest.mark.parametrize(
    ("meter", "quarters"), [("2/4", 0.25), ("3/4", 0.5), ("6/8", 0.5), ("C", 0.5), ("C|", 0.5), ("9/16", 0.25)]
)
def test_without_a_length_the_metre_decides(meter: str, quarters: float) -> None:
    assert notes("C", meter=meter, unit="")[0][1] == quarters


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("C", [60, 62, 64, 65, 67, 69, 71]),
        ("D", [61, 62, 64, 66, 67, 69, 71]),
        ("Bb", [60, 62, 63, 65, 67, 69, 70]),
        ("F# minor", [61, 62, 64, 66, 68, 69, 71]),
        ("Gm", [60, 62, 63, 65, 67, 69, 70]),
        ("Ador", [60, 62, 64, 66, 67, 69, 71]),
        ("AMix", [61, 62, 64, 66, 67, 69, 71]),
        ("E phrygian", [60, 62, 64, 65, 67, 69, 71]),
        ("Dmix=c % as printed", [60, 62, 64, 66, 67, 69, 71]),
        ("Glyd", [61, 62, 64, 66, 67, 69, 71]),
    ],
)
def test_keys_and_modes(key: str, expected: list[int]) -> None:
    assert pitches("CDEFGAB", key) == expected


def test_accidentals_last_to_the_bar_in_their_octave() -> None:
    assert pitches("^CCc=CC|C_B,^^c", "D") == [61, 61, 73, 60, 60, 61, 58, 74]


def test_octaves() -> None:
    assert pitches("C,, C, C c c' c''") == [36, 48, 60, 72, 84, 96]


def test_the_second_tune_of_a_file_is_another() -> None:
    score = score_from_abc(b"X:1\nK:C\nCD\nX:2\nK:C\nEFG\n", "two.abc")
    assert [n.pitch for n in score.tracks[0].notes] == [60, 62]


def test_equals_music21() -> None:
    """An independent reader, on what both read by the standard (music21 10.5 misses broken rhythm before a dot)."""
    music21 = pytest.importorskip("music21")
    text = (
        "X:1\nT:Oracle\nM:2/4\nL:1/16\nK:Bb\n|:FE|DFBF D>FB2|G2E2 (3EFG A2|[GB]4 ^F2z2|"
        "bagf gfed|edcB B,4-|B,4 c'2a2|=EGcG {a}G2 d3/2e/|d2B2B4:|\n"
    )
    flat = music21.converter.parseData(text, format="abc").stripTies().flatten()
    theirs = sorted(
        (round(float(n.offset), 4), round(float(n.quarterLength), 4), p.midi)
        for n in flat.notes
        if not n.duration.isGrace
        for p in n.pitches
    )
    score = score_from_abc(text.encode(), "oracle.abc")
    ours = sorted((round(n.start, 4), round(n.duration, 4), n.pitch) for n in score.tracks[0].notes)
    assert ours == theirs


@pytest.mark.parametrize(
    "data", [b"", b"\x00\xff", b"X:1\nT:no key\nCDE\n", b"X:1\nK:C\n", b"X:1\nK:H\nCDE", b"X:1\nK:Cfoo\nCDE"]
)
def test_what_is_no_tune_is_refused(data: bytes) -> None:
    with pytest.raises(ScoreReadError):
        score_from_abc(data, "broken.abc")


@given(st.text(alphabet="CDEabz^_=,'0123456789/<>()[]{}|:\"!-~ KLM\n", max_size=80))
def test_garbage_is_read_or_refused_and_never_breaks(body: str) -> None:
    try:
        score = score_from_abc(f"X:1\nK:G\n{body}".encode(), "garbage.abc")
    except ScoreReadError:
        return
    assert all(n.duration > 0 and 0 <= n.pitch <= 127 for n in score.tracks[0].notes)
