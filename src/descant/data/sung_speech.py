"""Speech as singing: a speaker who says how long each sound lasts sings the notes of a score through a vocoder.

So songs come about whose words, melody and rhythm are a composer's, and whose words are known to the sound: material
for aligners and readers of phones where no song with timed words can be had. A vowel begins with its note and lasts as
long; consonants stay about as long as they were said, before the note.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.data.band import vocoder
from descant.text.lyrics import Line, Lyrics, SungNote, Syllable, Word

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

VOWELS = frozenset("iɪyʏuʊeøoəɛœɔɜʌɐæaɑɒɨᵻɘɵ")
"""Symbols of IPA that a note can be held on."""

_MOST_WORDS, _FEWEST_WORDS = 12, 3
_EDGE_S = 0.05
_LONGEST_EDGE_S = 0.4
_CONSONANTS = 0.45
"""What consonants may take of the time between two notes, at most."""
_SHORTEST_VOWEL_S, _SHORTEST_WORD_S = 0.05, 0.03
_REST_S, _LATE_S, _EARLY_S = 0.18, 0.02, 0.12
_FADING_S = 0.1
_GLIDE_FRAMES, _AHEAD_S = 15, 0.03
_VIBRATO_HZ, _DEEPEST, _STRAIGHT_S, _RIPENING_S = (4.8, 6.2), 0.5, 0.25, 0.3
_MOST_BREATH = 0.3


@dataclass(frozen=True, slots=True)
class Sound:
    """A symbol of IPA that is said.

    Attributes:
        symbol: One character.
        word: Number of its word.
        start_s: Where it begins.
        end_s: Where it ends.
    """

    symbol: str
    word: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Words that were said.

    Attributes:
        samples: Mono, [frames].
        sample_rate: Of them, in Hz.
        sounds: In order, without marks of stress and length, whose time belongs to the sound they stand at.
    """

    samples: Floats
    sample_rate: int
    sounds: tuple[Sound, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SungLine:
    """A line as it is sung.

    Attributes:
        samples: Mono at `vocoder.SAMPLE_RATE`.
        start_s: Where they begin in the song.
        line: Its words, with times in the song.
    """

    samples: Floats
    start_s: float
    line: Line


def sung_line(
    line: Line, speech: Speech, rng: np.random.Generator, *, transposed: int = 0, reach_hz: float = 11_500.0
) -> SungLine:
    """Sing what was said.

    Args:
        line: Words whose syllables have notes, as a score gives them.
        speech: The same words.
        rng: Draws vibrato and breath.
        transposed: Semitones by which the melody is moved.
        reach_hz: Up to where the recording of the speech reaches.

    Raises:
        ValueError: A word has no vowel, or no note.
    """
    spoken, sung = pinned(line, speech.sounds)
    start_s, end_s = max(0.0, sung[0] - _EDGE_S), sung[-1] + _EDGE_S
    high = resample(Clip(speech.samples[np.newaxis], speech.sample_rate), vocoder.SAMPLE_RATE).samples[0]
    envelopes = vocoder.analyse(high, band_hz=reach_hz)
    times = start_s + np.arange(round((end_s - start_s) / vocoder.HOP_S)) * vocoder.HOP_S
    hz = 440.0 * 2.0 ** ((_pitch(line, times, rng) + transposed - 69.0) / 12.0)
    stretched = envelopes.at(np.interp(times, sung, spoken) / vocoder.HOP_S)
    sound = vocoder.synthesise(stretched, hz, rng, breath=float(rng.uniform(0.0, _MOST_BREATH)))
    presence = np.repeat(_presence(line, times), vocoder.HOP).astype(np.float32)
    return SungLine(sound * presence, start_s, _timed(line, speech.sounds, spoken, sung))


def breaths(line: Line) -> Iterator[Line]:
    """Parts of a line that can be said at once, and that begin where a verse does: with a capital after punctuation."""
    words: list[Word] = []
    for word in line.words:
        is_verse = bool(words) and word.text[:1].isupper() and not words[-1].text[-1:].isalnum()
        if len(words) >= _MOST_WORDS or (is_verse and len(words) >= _FEWEST_WORDS):
            yield Line(tuple(words))
            words = []
        words.append(word)
    if words:
        yield Line(tuple(words))


def later(lyrics: Lyrics, seconds: float) -> Lyrics:
    """Words with their notes so much later; consonants before the first note need room."""

    def moved(part: Syllable) -> Syllable:
        notes = (replace(note, start_s=note.start_s + seconds, end_s=note.end_s + seconds) for note in part.notes)
        return Syllable(part.text, notes=tuple(notes))

    return lyrics.with_lines(
        Line(tuple(Word(word.text, syllables=tuple(map(moved, word.syllables))) for word in line.words))
        for line in lyrics.lines
    )


def notes_of(line: Line) -> list[SungNote]:
    """All notes of a line in order."""
    return [note for word in line.words for part in word.syllables for note in part.notes]


def nuclei(symbols: Sequence[str]) -> list[tuple[int, int]]:
    """Runs of vowels, as (first, last left out)."""
    found: list[tuple[int, int]] = []
    for place, symbol in enumerate(symbols):
        if symbol in VOWELS:
            if found and found[-1][1] == place:
                found[-1] = (found[-1][0], place + 1)
            else:
                found.append((place, place + 1))
    return found


def pinned(line: Line, sounds: Sequence[Sound]) -> tuple[Doubles, Doubles]:
    """Moments of the speech and of the song that belong together, rising.

    Args:
        line: Words whose syllables have notes.
        sounds: The same words as they were said.

    Raises:
        ValueError: A word has no vowel, or no note.
    """
    vowels = list(_sung_vowels(line, sounds))
    first, last = vowels[0], vowels[-1]
    pins = [(sounds[0].start_s, first.start_s - min(first.said_from_s - sounds[0].start_s, _LONGEST_EDGE_S))]
    for one, following in pairwise(vowels):
        consonants = min(following.said_from_s - one.said_to_s, _CONSONANTS * (following.start_s - one.start_s))
        pins += [(one.said_from_s, one.start_s), (one.said_to_s, following.start_s - consonants)]
    coda = min(sounds[-1].end_s - last.said_to_s, _LONGEST_EDGE_S)
    held_to_s = max(last.start_s + _SHORTEST_VOWEL_S, last.end_s - coda)
    pins += [(last.said_from_s, last.start_s), (last.said_to_s, held_to_s), (sounds[-1].end_s, held_to_s + coda)]
    spoken, sung = (np.array(column) for column in zip(*pins, strict=True))
    return np.maximum.accumulate(spoken), np.maximum.accumulate(sung + 1e-6 * np.arange(len(sung)))


@dataclass(frozen=True, slots=True)
class _SungVowel:
    """Where a vowel is said, and when it is sung."""

    said_from_s: float
    said_to_s: float
    start_s: float
    end_s: float


def _sung_vowels(line: Line, sounds: Sequence[Sound]) -> Iterator[_SungVowel]:
    for number, word in enumerate(line.words):
        said = [sound for sound in sounds if sound.word == number]
        runs = nuclei([sound.symbol for sound in said])
        spans = [(part.notes[0].start_s, part.notes[-1].end_s) for part in word.syllables if part.notes]
        if not runs or not spans:
            raise ValueError(f"{word.text!r} has no vowel or no note")
        # Speakers may run two syllables into one vowel, or part one: each run takes the first note at its place.
        last = -1
        for place, (start_s, end_s) in enumerate(spans):
            run = min(len(runs) - 1, place * len(runs) // len(spans))
            if run != last:
                begin, end = runs[run]
                yield _SungVowel(said[begin].start_s, said[end - 1].end_s, start_s, end_s)
            last = run


def _pitch(line: Line, times: Doubles, rng: np.random.Generator) -> Doubles:
    """MIDI pitch of each frame, with glides between notes and vibrato on long ones."""
    notes = notes_of(line)
    starts = np.array([note.start_s - _AHEAD_S for note in notes])
    held = np.clip(np.searchsorted(starts, times, "right") - 1, 0, None)
    edge = _GLIDE_FRAMES // 2
    stepped = np.pad(np.array([float(note.pitch) for note in notes])[held], edge, "edge")
    pitch = np.convolve(stepped, np.full(_GLIDE_FRAMES, 1.0 / _GLIDE_FRAMES), "valid")
    ripening = np.clip((times - starts[held] - _STRAIGHT_S) / _RIPENING_S, 0.0, 1.0)
    wave = np.sin(2.0 * np.pi * rng.uniform(*_VIBRATO_HZ) * times)
    shaken: Doubles = pitch + ripening * rng.uniform(0.0, _DEEPEST) * wave
    return shaken


def _presence(line: Line, times: Doubles) -> Doubles:
    """1 where somebody sings, 0 in the line's rests, with fades."""
    there = np.ones(len(times))
    for one, following in pairwise(notes_of(line)):
        if following.start_s - one.end_s > _REST_S:
            there[(times > one.end_s + _LATE_S) & (times < following.start_s - _EARLY_S)] = 0.0
    fade = np.hanning(7)[1:-1]
    smooth: Doubles = np.convolve(np.pad(there, 2, "edge"), fade / fade.sum(), "valid")
    smooth[:2] = smooth[-2:] = 0.0
    return smooth


def _timed(line: Line, sounds: Sequence[Sound], spoken: Doubles, sung: Doubles) -> Line:
    words = []
    for number, word in enumerate(line.words):
        said = [sound for sound in sounds if sound.word == number]
        start_s, end_s = (float(np.interp(at, spoken, sung)) for at in (said[0].start_s, said[-1].end_s))
        faded_s = max(note.end_s for part in word.syllables for note in part.notes) + _FADING_S
        words.append(Word(word.text, start_s, max(start_s + _SHORTEST_WORD_S, min(end_s, faded_s))))
    return Line(tuple(words), words[0].start_s, words[-1].end_s)
