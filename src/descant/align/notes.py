"""Notes under syllables: which notes each syllable is sung on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from descant.text.lyrics import Lyrics, SungNote, Syllable, Word

_SHORTEST_S = 0.06


def with_notes(lyrics: Lyrics, notes: Sequence[SungNote]) -> Lyrics:
    """The lyrics with each syllable's notes: those that sound during it, cut at its ends.

    A syllable on several notes is a melisma; a note under several syllables is repeated for each. What is left of a
    note after cutting is dropped below 60 ms: it is the slide into the next one.

    Args:
        lyrics: With timed syllables.
        notes: In order of time, not overlapping.
    """
    return lyrics.with_lines(
        replace(line, words=tuple(_noted_word(word, notes) for word in line.words)) for line in lyrics.lines
    )


def _noted_word(word: Word, notes: Sequence[SungNote]) -> Word:
    return replace(word, syllables=tuple(_noted(syllable, notes) for syllable in word.syllables))


def _noted(syllable: Syllable, notes: Sequence[SungNote]) -> Syllable:
    start, end = syllable.start_s, syllable.end_s
    if start is None or end is None:
        return syllable
    cut = (
        SungNote(note.pitch, max(note.start_s, start), min(note.end_s, end))
        for note in notes
        if note.start_s < end and note.end_s > start
    )
    return replace(syllable, notes=tuple(note for note in cut if note.end_s - note.start_s >= _SHORTEST_S))
