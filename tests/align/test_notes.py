"""Notes under syllables: cut at their ends, none invented, none lost."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.align.notes import with_notes
from descant.text.lyrics import Line, Lyrics, SungNote, Syllable, Word


def _lyrics(*syllables: Syllable) -> Lyrics:
    return Lyrics((Line((Word("".join(each.text for each in syllables), syllables=syllables),)),))


def _notes_of(lyrics: Lyrics) -> list[tuple[SungNote, ...]]:
    return [syllable.notes for word in lyrics.words for syllable in word.syllables]


def test_a_melisma_a_held_note_and_a_slide() -> None:
    lyrics = _lyrics(Syllable("a", 1.0, 2.0), Syllable("ve", 2.0, 3.0))
    notes = [SungNote(60, 0.5, 1.4), SungNote(62, 1.4, 2.5), SungNote(64, 2.5, 2.96), SungNote(65, 2.96, 4.0)]
    assert _notes_of(with_notes(lyrics, notes)) == [
        (SungNote(60, 1.0, 1.4), SungNote(62, 1.4, 2.0)),
        (SungNote(62, 2.0, 2.5), SungNote(64, 2.5, 2.96)),
    ]


def test_a_syllable_without_times_keeps_what_it_has() -> None:
    own = (SungNote(50, 0.0, 1.0),)
    assert _notes_of(with_notes(_lyrics(Syllable("la", notes=own)), [SungNote(60, 0.0, 9.0)])) == [own]


def test_all_else_is_kept() -> None:
    word = Word("la", 1.0, 2.0, 0.5, (Syllable("la", 1.0, 2.0),))
    lyrics = Lyrics((Line((word,), singer="Anna", confidence=0.5), Line(())), "it", "Song", "Band")
    found = with_notes(lyrics, [SungNote(60, 1.0, 2.0)])
    assert found.words[0].syllables[0].notes
    assert with_notes(found, []) == lyrics


@given(
    st.lists(st.integers(0, 40), min_size=2, max_size=9, unique=True).map(sorted),
    st.lists(st.integers(0, 40), min_size=2, max_size=9, unique=True).map(sorted),
)
def test_lengths_add_up(syllable_borders: list[int], note_borders: list[int]) -> None:
    """On a grid of 0.1 s, where no slide is dropped: what sounds during the syllables is what they are given."""
    borders = [border / 10 for border in syllable_borders]
    syllables = [Syllable("la", *ends) for ends in pairwise(borders)]
    notes = [SungNote(60 + n, start / 10, end / 10) for n, (start, end) in enumerate(pairwise(note_borders))]
    given_notes = _notes_of(with_notes(_lyrics(*syllables), notes))
    for syllable, own in zip(syllables, given_notes, strict=True):
        assert all(syllable.start_s <= note.start_s < note.end_s <= syllable.end_s for note in own)
        assert [note.pitch for note in own] == sorted(note.pitch for note in own)
    total = sum(note.end_s - note.start_s for own in given_notes for note in own)
    shared = range(max(syllable_borders[0], note_borders[0]), min(syllable_borders[-1], note_borders[-1]))
    assert total == pytest.approx(len(shared) / 10)
