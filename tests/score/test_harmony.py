from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import ScoreReadError
from descant.score.harmony import NO_CHORD, QUALITIES, Chord, Key, pitch_class_from_name

chords = st.builds(
    Chord, st.integers(0, 11), st.sampled_from(sorted(QUALITIES)), st.one_of(st.none(), st.integers(0, 11))
)


@given(chords, st.booleans())
def test_label_round_trip(chord: Chord, flats: bool) -> None:
    again = Chord.parse(chord.label(flats=flats))
    assert again.pitch_classes >= Chord(chord.root, chord.quality).pitch_classes
    assert (again.root, again.quality) == (chord.root, chord.quality)
    assert again.bass == (None if chord.bass == chord.root else chord.bass)


@given(chords)
def test_symbols_for_people_are_read_back_as_the_same_chord(chord: Chord) -> None:
    if chord.quality != "1":  # a single note has no lead-sheet spelling of its own
        assert Chord.parse(chord.symbol()).quality == chord.quality


@pytest.mark.parametrize(
    ("text", "root", "quality", "bass"),
    [
        ("Bb:min7/b3", 10, "min7", 1),
        ("F#m7b5", 6, "hdim7", None),
        ("C/E", 0, "maj", 4),
        ("Am", 9, "min", None),
        ("G7", 7, "7", None),
        ("Db:sus4(b7)", 1, "sus4", None),
        ("Ebmaj7", 3, "maj7", None),
        ("N", None, "maj", None),
    ],
)
def test_parse(text: str, root: int | None, quality: str, bass: int | None) -> None:
    assert Chord.parse(text) == Chord(root, quality, bass)


@pytest.mark.parametrize("text", ["H", "Cxyz", "C/Q", "C:maj/99", "c", "#"])
def test_nonsense_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(ScoreReadError) as caught:
        Chord.parse(text)
    assert text[0] in caught.value.message
    assert caught.value.hint


def test_no_chord() -> None:
    assert NO_CHORD.is_none
    assert NO_CHORD.pitch_classes == frozenset()
    assert NO_CHORD.transpose(3) == NO_CHORD
    assert NO_CHORD.label() == "N"


@pytest.mark.parametrize(
    ("name", "fifths", "flats"),
    [("C major", 0, False), ("A minor", 0, False), ("Eb major", -3, True), ("F# minor", 3, False),
     ("D minor", -1, True), ("B major", 5, False), ("Gb major", -6, True)],
)  # fmt: skip
def test_keys(name: str, fifths: int, flats: bool) -> None:
    key = Key.parse(name)
    assert (key.fifths, key.uses_flats, key.name) == (fifths, flats, name)
    assert len(set(key.scale)) == 7


@given(chords, st.integers(-24, 24))
def test_transposition_moves_every_pitch_class(chord: Chord, semitones: int) -> None:
    moved = {(p + semitones) % 12 for p in chord.pitch_classes}
    assert chord.transpose(semitones).pitch_classes == moved


def test_pitch_class_names() -> None:
    assert [pitch_class_from_name(n) for n in ("Cb", "B#", "E##")] == [11, 0, 6]
