"""Keys from notes: what music21 says of the same notes, and what has no key."""

from __future__ import annotations

import numpy as np
import pytest

from descant.score.harmony import Key
from descant.score.notes import Note
from descant.score.tonality import key_of_notes, pitch_class_histogram, profile_key


def test_scales_with_their_tonic_held() -> None:
    for tonic in range(12):
        for mode in ("major", "minor"):
            key = Key(tonic, mode)  # type: ignore[arg-type]
            notes = [Note(0.0, 1.0, 60 + c) for c in key.scale]
            fifth = Note(0.0, 2.0, 60 + (tonic + 7) % 12)
            assert key_of_notes([*notes, Note(0.0, 3.0, 48 + tonic), fifth]) == key


def test_as_music21_hears_it() -> None:
    music21 = pytest.importorskip("music21")
    rng = np.random.default_rng(0)
    for _ in range(12):
        scale = np.array(Key(int(rng.integers(12)), "major").scale)
        notes = [Note(float(i), float(rng.integers(1, 4)), 60 + int(rng.choice(scale))) for i in range(40)]
        stream = music21.stream.Stream()
        for note in notes:
            stream.append(music21.note.Note(note.pitch, quarterLength=note.duration))
        # Krumhansl and Schmuckler's algorithm; its profile of minor keys differs from the published one in one number.
        heard = stream.analyze("key.krumhansl")
        assert key_of_notes(notes) == Key(heard.tonic.pitchClass, heard.mode)


def test_no_notes_have_no_key() -> None:
    assert key_of_notes([]) is None
    assert key_of_notes([Note(0.0, 1.0, 60 + c) for c in range(12)]) is None


def test_histogram_and_probabilities() -> None:
    histogram = pitch_class_histogram([Note(0.0, 1.5, 60), Note(3.0, 0.5, 72), Note(1.0, 1.0, 61)])
    assert histogram.tolist() == [2.0, 1.0, *[0.0] * 10]
    assert np.exp(profile_key(histogram)).sum() == pytest.approx(1.0)
    assert np.exp(profile_key(np.zeros(12))) == pytest.approx(np.full(24, 1 / 24))
