"""The vocals of a song: who sings which words on which notes, and the voices behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from descant.audio.clip import Clip
from descant.data.band.singers import Singer
from descant.data.band.singing import Manner, Sung, harmony_line, sing
from descant.data.band.vocoder import SAMPLE_RATE
from descant.data.band.words import Placed, Word, place_lyrics, place_words, texts
from descant.data.resinging import TrueNote
from descant.dsp.pitch import hz_to_midi
from descant.progress import CancelToken
from descant.score.harmony import Chord
from descant.score.notes import Score, Track

_COMFORT = 3.0
"""Semitones above a voice's own pitch at which melodies lie best."""
_WITH_BACKING = 0.55
_BACKING_LABELS = 0.6
_SMALLEST_LYRIC_SHARE = 0.5
_VOWELS = ("a", "u", "o")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Words as they are sung.

    Attributes:
        placed: Syllables on notes.
        words: In full, by number.
        language: Code, empty when the score does not say.
        title: Of the text.
        author: Of the text.
    """

    placed: tuple[Placed, ...]
    words: tuple[str, ...]
    language: str
    title: str
    author: str


@dataclass(frozen=True, slots=True, eq=False)
class Vocals:
    """What is sung.

    Attributes:
        lead: The lead with its truth.
        singer: Who sings it.
        manner: How.
        sheet: The words.
        melody: The melody where the voice has it, with words.
        backing: Voices behind, mono at 44.1 kHz with a place from -1 to 1.
        backing_singers: Who they are.
    """

    lead: Sung
    singer: Singer
    manner: Manner
    sheet: Sheet
    melody: Track
    backing: tuple[tuple[Clip, float], ...]
    backing_singers: tuple[Singer, ...]


def sing_song(
    score: Score,
    singer: Singer,
    singers: Sequence[Singer],
    cents: float,
    duration_s: float,
    rng: np.random.Generator,
    cancel: CancelToken | None = None,
) -> Vocals:
    """Sing the track "melody".

    Args:
        score: As performed; the melody is one voice.
        singer: The lead.
        singers: Who may sing behind: those of the same split.
        cents: Concert pitch above 440 Hz.
        duration_s: Length of the result.
        rng: Source of all choices.
        cancel: Stops the work.
    """
    melody = score.tracks[0]
    middle = float(np.median([n.pitch for n in melody.notes]))
    octaves = 12 * round((float(hz_to_midi(singer.f0_hz)) + _COMFORT - middle) / 12.0)
    notes = _in_seconds(score, melody, octaves)
    sheet = choose_words([n.lyric for n in melody.notes], notes, singer, rng)
    manner = Manner.draw(rng, cents / 100.0)
    lead = sing(notes, sheet.placed, singer, sheet.words, sheet.language, manner, duration_s, rng, cancel)
    backing, choir = _backing(score, notes, sheet, singers, cents, duration_s, rng, cancel)
    lyrics = _lyrics(sheet)
    shown = tuple(
        replace(n, pitch=n.pitch + octaves, lyric=lyrics.get(i, ""), bends=()) for i, n in enumerate(melody.notes)
    )
    return Vocals(lead, singer, manner, sheet, replace(melody, notes=shown, program=52), backing, choir)


def choose_words(lyrics: Sequence[str], notes: Sequence[TrueNote], singer: Singer, rng: np.random.Generator) -> Sheet:
    """The singer's own words, those under the notes, or a text: in this order, as far as they exist."""
    starts, ends = [n.start_s for n in notes], [n.end_s for n in notes]
    own = singer.vocabulary()
    drawn = tuple(word for word in _verses(own, len(notes), rng) if singer.can_sing(word)) if own else ()
    if drawn:
        placed = place_words(drawn, starts, ends, rng)
        language = singer.name.split("/")[0].split("_")[0]
        return Sheet(placed, _numbered(placed, drawn), language, "words the speaker recorded", "")
    if sum(bool(text) for text in lyrics) > _SMALLEST_LYRIC_SHARE * len(lyrics):
        placed = place_lyrics(lyrics)
        words = [""] * (placed[-1].word + 1)
        for one in placed:
            words[one.word] += one.text
        return Sheet(placed, tuple(words), "", "words of the score", "")
    known = texts()
    native = [t for t in known if singer.pronounces(t.language) == "native"]
    pool = native if native and rng.random() < 0.7 else known
    text = pool[int(rng.integers(len(pool)))]
    placed = place_words(text.words, starts, ends, rng)
    return Sheet(placed, _numbered(placed, text.words), text.language, text.title, text.author)


def _verses(words: Sequence[Word], count: int, rng: np.random.Generator) -> tuple[Word, ...]:
    """Lines of four words from a vocabulary; short words more often than long ones."""
    weights = np.array([4.0 ** -(len(w.syllables) - 1) for w in words])
    chosen = rng.choice(len(words), size=min(count, 64), p=weights / weights.sum())
    return tuple(replace(words[index], line=number // 4) for number, index in enumerate(chosen.tolist()))


def _numbered(placed: Sequence[Placed], words: Sequence[Word]) -> tuple[str, ...]:
    last = max((p.word for p in placed), default=-1)
    return tuple(words[number % len(words)].text for number in range(last + 1))


def _in_seconds(score: Score, track: Track, semitones: int) -> tuple[TrueNote, ...]:
    starts = score.tempo.seconds_at([n.start for n in track.notes])
    ends = score.tempo.seconds_at([n.end for n in track.notes])
    return tuple(
        TrueNote(float(a), float(b), float(n.pitch + semitones))
        for a, b, n in zip(starts, ends, track.notes, strict=True)
    )


def _backing(
    score: Score,
    notes: Sequence[TrueNote],
    sheet: Sheet,
    singers: Sequence[Singer],
    cents: float,
    duration_s: float,
    rng: np.random.Generator,
    cancel: CancelToken | None,
) -> tuple[tuple[tuple[Clip, float], ...], tuple[Singer, ...]]:
    """One to three voices in harmony, in some sections only; on the words, or on one vowel."""
    fit = [s for s in singers if not s.vocabulary()]
    labels = sorted({s.label for s in score.sections})
    sounding = [label for label in labels if rng.random() < _BACKING_LABELS] or labels[-1:]
    if not fit or rng.random() > _WITH_BACKING:
        return (), ()
    spans = [
        tuple(score.tempo.seconds_at([s.start, s.end]).tolist()) for s in score.sections if s.label in sounding
    ] or [(0.0, duration_s)]
    chords = _chords_in_seconds(score)
    wordless = bool(sheet.words) and rng.random() < 0.4
    vowel = _VOWELS[int(rng.integers(len(_VOWELS)))]
    voices: list[tuple[Clip, float]] = []
    choir: list[Singer] = []
    for number in range(int(rng.integers(1, 4))):
        singer = fit[int(rng.integers(len(fit)))]
        line = harmony_line(notes, chords, above=number % 2 == 0)
        octaves = 12 * round((float(hz_to_midi(singer.f0_hz)) + _COMFORT - np.median([n.pitch for n in line])) / 12.0)
        chosen = [p for p in sheet.placed if any(a <= line[p.notes[0]].start_s < b for a, b in spans)]
        if not chosen:
            continue
        index = {note: i for i, note in enumerate(sorted(n for p in chosen for n in p.notes))}
        part = [replace(line[n], pitch=line[n].pitch + octaves) for n in index]
        placed = [
            replace(p, notes=tuple(index[n] for n in p.notes), text=vowel if wordless else p.text) for p in chosen
        ]
        manner = Manner.draw(rng, cents / 100.0)
        language = "ja" if wordless else sheet.language
        sung = sing(part, placed, singer, sheet.words, language, manner, duration_s, rng, cancel)
        voices.append((Clip(sung.samples, SAMPLE_RATE), float(rng.uniform(-0.8, 0.8))))
        choir.append(singer)
    return tuple(voices), tuple(choir)


def _chords_in_seconds(score: Score) -> list[tuple[float, float, Chord]]:
    starts = score.tempo.seconds_at([c.start for c in score.chords])
    ends = score.tempo.seconds_at([c.end for c in score.chords])
    return [(float(a), float(b), c.chord) for a, b, c in zip(starts, ends, score.chords, strict=True)]


def _lyrics(sheet: Sheet) -> dict[int, str]:
    """Text under each note, as MIDI and MusicXML have it: hyphens where a word goes on."""
    return {p.notes[0]: f"{'-' if p.index else ''}{p.text}{'-' if p.index + 1 < p.count else ''}" for p in sheet.placed}
