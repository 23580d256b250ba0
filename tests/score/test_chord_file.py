"""Chord files: what people write, what is written for them, and lines that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import InputNotFound, ScoreReadError
from descant.score.chord_file import read_chords, write_chords
from descant.score.harmony import QUALITIES, Chord, ChordSpan, Key
from descant.score.tempo import TempoMap, TimeSignature


def parse(tmp_path: Path, text: str, name: str = "a.txt", **options: object) -> list[tuple[float, float, str]]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return [(s.start, s.end, s.chord.symbol()) for s in read_chords(path, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("| Am | F C |", [(0, 4, "Am"), (4, 6, "F"), (6, 8, "C")]),
        ("1 | Am F\n2 | . G7/B", [(0, 2, "Am"), (2, 6, "F"), (6, 8, "G7/B")]),
        ("# a song\n\n1: | F#m7   # the first bar\n2: | %", [(0, 8, "F#m7")]),
        ("1 | C . . N.C.\n2 | C", [(0, 3, "C"), (4, 8, "C")]),
        ("1 | C\n2 |\n3 | G", [(0, 8, "C"), (8, 12, "G")]),
        ("1 | C\n4 | G", [(0, 12, "C"), (12, 16, "G")]),
        ("3 | G", [(8, 12, "G")]),
        ("1 | C | F\n3 | G", [(0, 4, "C"), (4, 8, "F"), (8, 12, "G")]),
        ("1 | C\n1 | G\n0 | F", [(0, 4, "C"), (4, 8, "G"), (8, 12, "F")]),
        ("0 Am\n2.5 Dm7\n4 N\n8 E", [(0, 2.5, "Am"), (2.5, 4, "Dm7".replace("D", "D")), (8, 12, "E")]),
        ("0 2 A:min7/b3\n2 4 C", [(0, 2, "Am7/C"), (2, 4, "C")]),
        ("\ufeff| Bb | Eb |\r\n", [(0, 4, "A#"), (4, 8, "D#")]),
    ],
)
def test_what_people_write(tmp_path: Path, text: str, spans: list[tuple[float, float, str]]) -> None:
    assert parse(tmp_path, text) == spans


def test_bars_follow_the_time_signature(tmp_path: Path) -> None:
    meters = (TimeSignature(0, 3, 4), TimeSignature(3, 6, 8))
    assert parse(tmp_path, "| C | F G |", time_signatures=meters) == [(0, 3, "C"), (3, 4.5, "F"), (4.5, 6, "G")]


def test_lab_files_are_in_seconds(tmp_path: Path) -> None:
    text = "0.0 1.0 N\n1.0\t3.0\tC:maj/3\n3.0 4.0 A:min(9)"
    spans = parse(tmp_path, text, "song.lab", tempo=TempoMap.constant(120))
    assert spans == [(2, 6, "C/E"), (6, 8, "Am")]
    with pytest.raises(ScoreReadError, match="seconds"):
        parse(tmp_path, text, "song.lab")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("1 | Am\n2 | Hm", 2), ("0 C\n\n# x\nfour G", 4), ("4 C\n2 G", 1), ("4 2 C", 1), ("0 C G7", 1),
        ("nan C", 1), ("| C |\n| Xyz |", 2),
        ("1 | C\n1000000000 | G", 2), ("1 | C\n20001 | G", 2), ("0 C\n4e9 G", 2), ("0 C\n8 1e300 G", 2),
        ("1 | C\n99999999999999999999 | G", 2),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(ScoreReadError, match=f"line {line}") as caught:
        parse(tmp_path, text)
    assert caught.value.hint


def test_more_bars_than_any_song_has(tmp_path: Path) -> None:
    with pytest.raises(ScoreReadError, match="bars"):
        parse(tmp_path, "| C " * 20_001)


def test_what_is_no_chord_file(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"\x00\x01\xff\xfe")
    for name in ("b.txt", "c.txt"):
        (tmp_path / "c.txt").write_text("# nothing\n")
        with pytest.raises(ScoreReadError):
            read_chords(tmp_path / name)
    with pytest.raises(InputNotFound):
        read_chords(tmp_path / "none.txt")


@given(
    cells=st.lists(
        st.tuples(
            st.integers(1, 8), st.integers(-1, 11), st.sampled_from(sorted(QUALITIES)), st.sampled_from([0, 3, 7])
        ),
        min_size=1, max_size=12,
    ),
    meter=st.sampled_from([(4, 4), (3, 4), (6, 8)]),
)  # fmt: skip
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[int, int, str, int]], meter: tuple[int, int]
) -> None:
    signature = TimeSignature(0.0, *meter)
    spans: list[ChordSpan] = []
    at = 0.0
    for length, root, quality, above in cells:
        end = at + length * signature.bar_quarters / 4
        if root >= 0:
            bass = (root + above) % 12 if above else None
            chord = Chord(root, quality, bass)
            if spans and spans[-1].chord == chord and spans[-1].end == at:
                spans[-1] = ChordSpan(spans[-1].start, end, chord)
            else:
                spans.append(ChordSpan(at, end, chord))
        at = end
    path = write_chords(
        tmp_path_factory.getbasetemp() / "c.txt", spans, time_signatures=[signature], key=Key(5, "major")
    )
    if spans:
        assert read_chords(path, time_signatures=[signature]) == tuple(spans)
