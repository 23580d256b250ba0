"""Speech as singing: vowels begin with their notes, at their pitch; words have the times at which they sound."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.data import sung_speech
from descant.data.band import vocoder
from descant.data.sung_speech import Sound, Speech, breaths, later, notes_of, nuclei, pinned, sung_line
from descant.text.lyrics import Line, Lyrics, SungNote, Syllable, Word

RATE = 24_000


def speech(*lengths: tuple[float, float]) -> Speech:
    """Words of a hiss and a buzz, as long as said."""
    rng = np.random.default_rng(0)
    parts, sounds, now = [], [], 0.0
    for number, (hiss, buzz) in enumerate(lengths):
        time = np.arange(round(buzz * RATE)) / RATE
        voiced = sum(np.sin(2 * np.pi * k * 150.0 * time) / k for k in range(1, 40))
        parts += [0.02 * rng.standard_normal(round(hiss * RATE)), 0.1 * np.asarray(voiced)]
        sounds += [Sound("s", number, now, now + hiss), Sound("a", number, now + hiss, now + hiss + buzz)]
        now += hiss + buzz
    return Speech(np.concatenate(parts).astype(np.float32), RATE, tuple(sounds))


def word(text: str, *notes: tuple[int, float, float]) -> Word:
    return Word(text, syllables=tuple(Syllable(text, notes=(SungNote(*note),)) for note in notes))


def test_vowels_sound_at_their_notes() -> None:
    line = Line((word("sa", (40, 1.0, 1.8)), word("sa", (45, 1.8, 3.0))))
    sung = sung_line(line, speech((0.1, 0.2), (0.1, 0.2)), np.random.default_rng(1), transposed=12)
    f0, strength = vocoder.fundamental(sung.samples, lowest_hz=100.0, highest_hz=900.0)
    times = sung.start_s + np.arange(len(f0)) * vocoder.HOP_S
    for pitch, start_s, end_s in ((52, 1.1, 1.55), (57, 1.95, 2.9)):
        inside = (times > start_s) & (times < end_s)
        assert strength[inside].min() > 0.8
        np.testing.assert_allclose(69 + 12 * np.log2(f0[inside] / 440.0), pitch, atol=0.6)
    hiss = (times > 1.73) & (times < 1.77)  # the consonant of the second word, before its note
    assert strength[hiss].max() < 0.6


def test_words_begin_with_their_consonants() -> None:
    line = Line((word("sa", (57, 1.0, 1.8)), word("sa", (64, 1.8, 3.0))))
    first, second = sung_line(line, speech((0.1, 0.2), (0.1, 0.2)), np.random.default_rng(1)).line.words
    assert first.start_s == pytest.approx(0.9, abs=1e-3)
    assert second.start_s == pytest.approx(1.7, abs=1e-3)
    assert first.end_s == pytest.approx(1.7, abs=1e-3)
    assert second.end_s == pytest.approx(3.0, abs=0.05)


def test_consonants_are_pressed_between_fast_notes() -> None:
    line = Line((word("sa", (57, 1.0, 1.1)), word("sa", (64, 1.1, 1.2))))
    second = sung_line(line, speech((0.1, 0.2), (0.3, 0.2)), np.random.default_rng(1)).line.words[1]
    assert second.start_s == pytest.approx(1.1 - 0.45 * 0.1, abs=1e-3)


def test_rests_are_silent() -> None:
    line = Line((word("sa", (57, 1.0, 1.5)), word("sa", (57, 4.0, 4.5))))
    sung = sung_line(line, speech((0.1, 0.2), (0.1, 0.2)), np.random.default_rng(1))
    at = round((2.5 - sung.start_s) * vocoder.SAMPLE_RATE)
    assert np.abs(sung.samples[at - 4410 : at + 4410]).max() == 0.0
    assert np.abs(sung.samples).max() > 0.01
    assert sung.line.words[0].end_s == pytest.approx(1.6)


def test_a_word_without_a_vowel_or_a_note_cannot_be_sung() -> None:
    hissed = Speech(np.zeros(2400, np.float32), RATE, (Sound("s", 0, 0.0, 0.1),))
    with pytest.raises(ValueError, match="no vowel"):
        sung_line(Line((word("s", (57, 1.0, 2.0)),)), hissed, np.random.default_rng(0))
    with pytest.raises(ValueError, match="no note"):
        sung_line(Line((Word("sa"),)), speech((0.1, 0.1)), np.random.default_rng(0))


lengths = st.floats(0.02, 0.5)


@settings(max_examples=60)
@given(st.lists(st.tuples(lengths, lengths, st.integers(1, 3), lengths), min_size=1, max_size=6))
def test_times_rise_and_vowels_stay_on_their_notes(words: list[tuple[float, float, int, float]]) -> None:
    sung, now = [], 1.0
    for _, _, syllables, length in words:
        sung.append(word("sa", *((60, now + n * length, now + (n + 1) * length) for n in range(syllables))))
        now += syllables * length
    line = Line(tuple(sung))
    sounds = speech(*((hiss, buzz) for hiss, buzz, _, _ in words)).sounds
    spoken, song = pinned(line, sounds)
    assert np.all(np.diff(spoken) >= 0)
    assert np.all(np.diff(song) > 0)
    for one, said in zip(line.words, sounds[1::2], strict=True):
        assert np.interp(said.start_s, spoken, song) == pytest.approx(notes_of(Line((one,)))[0].start_s, abs=1e-4)


def test_diphthongs_are_one_vowel() -> None:
    assert nuclei(list("klaɪnə")) == [(2, 4), (5, 6)]
    assert nuclei(list("pst")) == []


def test_breaths_begin_with_verses_and_keep_all_words() -> None:
    text = "Ich sagte nicht: Du bist es, Und ging fort ganz allein und ohne ein Wort zu sagen in den Wald hinein"
    words = text.split()
    found = list(breaths(Line(tuple(Word(text) for text in words))))
    assert [word.text for part in found for word in part.words] == words
    assert [part.words[0].text for part in found[:3]] == ["Ich", "Du", "Und"]
    assert max(len(part.words) for part in found) <= 12


def test_later_moves_every_note() -> None:
    line = Line((word("sa", (57, 0.0, 1.0)), word("sa", (64, 1.0, 2.0))))
    (moved,) = later(Lyrics((line,), "de"), 1.5).lines
    for before, after in pairwise((notes_of(line), notes_of(moved))):
        assert [(n.pitch, n.start_s + 1.5, n.end_s + 1.5) for n in before] == [
            (n.pitch, n.start_s, n.end_s) for n in after
        ]


def test_long_notes_are_shaken_and_short_ones_are_not() -> None:
    times = np.arange(0.0, 4.0, vocoder.HOP_S)
    line = Line((word("sa", (57, 0.0, 0.25)), word("sa", (60, 0.25, 4.0))))
    depths = []
    for seed in range(8):
        pitch = sung_speech._pitch(line, times, np.random.default_rng(seed))
        assert pitch[(times > 0.1) & (times < 0.15)] == pytest.approx(57.0, abs=0.01)
        depths.append(np.abs(pitch[times > 1.0] - 60.0).max())
    assert 0.2 < max(depths) <= 0.5
    assert min(depths) < 0.2
