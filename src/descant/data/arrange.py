"""Training arrangements: a lead sheet with comping, bass, pad and drums in random styles and General MIDI sounds.

These are for teaching and measuring listeners: varied and correctly labelled rather than beautiful. (The band that
accompanies singers is `descant.compose`.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from descant.data.invent import chord_pitches
from descant.score.harmony import ChordSpan
from descant.score.notes import Note, Score, Section, Track
from descant.score.tempo import TempoMap

Span = TypeVar("Span", ChordSpan, Section)

COMP_PROGRAMS = (0, 1, 2, 4, 5, 6, 7, 11, 12, 16, 17, 18, 21, 24, 25, 26, 27, 28, 29, 30, 46, 48, 61, 62, 80, 81, 88,
                 104)  # fmt: skip
PAD_PROGRAMS = (48, 49, 50, 51, 52, 53, 54, 16, 19, 88, 89, 90, 91, 92, 94, 95)
BASS_PROGRAMS = (32, 33, 34, 35, 36, 37, 38, 39, 43, 58, 67)
LEAD_PROGRAMS = (0, 4, 11, 22, 24, 26, 29, 30, 40, 41, 42, 52, 53, 54, 56, 57, 60, 64, 65, 66, 68, 71, 72, 73, 74, 75,
                 80, 81, 82, 85, 105)  # fmt: skip

# A comping or bass pattern lists (offset in quarters, length) in a bar of four; three-quarter bars take what fits.
_COMP = ("0 4", "0 2,2 2", "0 1,1 1,2 1,3 1", "1 .5,3 .5", "0 1.5,1.5 1.5,3 1", ".5 .4,1.5 .4,2.5 .4,3.5 .4",
         "0 .5,.5 .5,1 .5,1.5 .5,2 .5,2.5 .5,3 .5,3.5 .5", "0 1,1.5 .5,2.5 1", "0 .75,.75 .75,1.5 .5,2 .75,2.75 .75"
)  # fmt: skip
_BASS = ("0 4", "0 2,2 2", "0 1,1 1,2 1,3 1", "0 1.5,1.5 .5,2 1.5,3.5 .5", ".5 .5,1.5 .5,2.5 .5,3.5 .5",
         "0 .5,.5 .5,1 .5,1.5 .5,2 .5,2.5 .5,3 .5,3.5 .5", "0 1,2.5 .5,3 1", "0 .75,.75 .75,1.5 .5,3 1"
)  # fmt: skip
# Drum patterns by step of an eighth or sixteenth, keys as in _KEYS: kick, snare, hat, open hat, ride, clap, tom, rim
_DRUMS_4 = ("kh|h|sh|h|kh|kh|sh|h", "kh|h|sh|h|kh|h|sh|h", "kh|o|kcsh|o|kh|o|kcsh|o", "kr||r|kr|x|r|kr|",
            "kr|r|sr|r|r|kr|sr|r", "kh|h|h|h|sh|h|h|h", "kh|h|h|kh|sh|h|kh|h|h|kh|kh|h|sh|h|h|h", "k||s||k|k|s|",
            "kx|h|h|kx|h|h|kx|h|h|h|kx|h|h|kx|h|h", "kr|sr|kr|sr|kr|sr|kr|sr", "k|||||||", "t|t|t|t|kt|t|t|t"
)  # fmt: skip
_DRUMS_3 = ("kh||sh||sh|", "kh|h|h|h|sh|h", "kr||r||r|", "k||s||s|", "kh|h|sh|h|sh|h")
_KEYS = {"k": 36, "s": 38, "h": 42, "o": 46, "r": 51, "c": 39, "t": 45, "x": 37}


def excerpt(score: Score, first_bar: int, bars: int) -> Score:
    """Some bars of a score as a score of its own (constant tempo, that of the first bar)."""
    bar = score.time_signatures[0].bar_quarters
    start = first_bar * bar
    tempo = TempoMap.constant(float(np.clip(score.tempo.bpm_at(start + bar), 40.0, 240.0)))
    return replace(cut(score, start, start + bars * bar), tempo=tempo, sections=())


def cut(score: Score, start: float, end: float) -> Score:
    """What starts between two quarters, as a score that begins at the first of them; its tempo map is not cut."""
    tracks = tuple(
        replace(t, notes=tuple(_cut(n, start, end) for n in t.notes if start <= n.start < end)) for t in score.tracks
    )
    chords = tuple(_clipped(c, start, end) for c in score.chords if c.start < end and c.end > start)
    sections = tuple(_clipped(s, start, end) for s in score.sections if s.start < end and s.end > start)
    return replace(score, tracks=tracks, chords=chords, sections=sections)


def _clipped(span: Span, start: float, end: float) -> Span:
    return replace(span, start=max(span.start, start) - start, end=min(span.end, end) - start)


def _cut(note: Note, start: float, end: float) -> Note:
    return Note(note.start - start, max(min(note.end, end) - note.start, 0.05), note.pitch, note.velocity,
                lyric=note.lyric)  # fmt: skip


def arrange(score: Score, rng: np.random.Generator, grooves: Sequence[Sequence[Note]] = ()) -> Score:
    """Add a random band to a lead sheet.

    Args:
        score: Tracks (at least "melody"), chords and one time signature.
        rng: Source of all choices.
        grooves: Recorded drum performances in 4/4, as notes in quarters; may be empty.

    Returns:
        The score with programs chosen anew and some of "comp", "bass", "pad", "drums" added; at least one track
        besides the melody carries the chords.
    """
    bar = score.time_signatures[0].bar_quarters
    tracks = [
        Track(t.name, t.notes, int(rng.choice(COMP_PROGRAMS if t.name == "piano" else LEAD_PROGRAMS)))
        for t in score.tracks
        if t.name in ("melody", "piano") or rng.random() < 0.6
    ]
    has_chords = any(t.name == "piano" for t in tracks)
    if has_chords and rng.random() < 0.25:
        tracks = [t for t in tracks if t.name != "piano"]
        has_chords = False
    if not has_chords or rng.random() < 0.35:
        tracks.append(Track("comp", tuple(_comp(score, bar, rng)), int(rng.choice(COMP_PROGRAMS))))
    if rng.random() < 0.8:
        tracks.append(Track("bass", tuple(_bass(score, bar, rng)), int(rng.choice(BASS_PROGRAMS))))
    if rng.random() < 0.35:
        tracks.append(Track("pad", tuple(_pad(score, rng)), int(rng.choice(PAD_PROGRAMS))))
    if rng.random() < 0.7:
        tracks.append(Track("drums", tuple(_drums(score, bar, rng, grooves)), is_drum=True))
    return score.with_tracks(tracks)


def _pattern(text: str, bar: float) -> list[tuple[float, float]]:
    pairs = [tuple(float(x) for x in item.split()) for item in text.split(",")]
    return [(offset, min(length, bar - offset)) for offset, length in pairs if offset < bar]


def _hits(score: Score, bar: float, pattern: list[tuple[float, float]]) -> list[tuple[float, float, int]]:
    """(start, length, index of the chord) of a bar pattern over the chords; each chord's start is also hit."""
    hits: list[tuple[float, float, int]] = []
    for index, span in enumerate(score.chords):
        if span.chord.root is None:
            continue
        first = int(span.start // bar)
        starts = {
            round(b * bar + offset, 4): length
            for b in range(first, int(-(-span.end // bar)))
            for offset, length in pattern
            if span.start <= b * bar + offset < span.end
        }
        if pattern[0][0] == 0:
            starts.setdefault(round(span.start, 4), 1.0)
        hits += [(s, min(length, span.end - s), index) for s, length in sorted(starts.items())]
    return hits


def _comp(score: Score, bar: float, rng: np.random.Generator) -> list[Note]:
    pattern = _pattern(str(rng.choice(_COMP)), bar)
    low = int(rng.integers(48, 62))
    arpeggio = rng.random() < 0.25
    notes = []
    for count, (start, length, index) in enumerate(_hits(score, bar, pattern)):
        pitches = chord_pitches(score.chords[index].chord, low)
        chosen = [pitches[count % len(pitches)]] if arpeggio else pitches
        notes += [Note(start, max(0.1, length * 0.95), p, int(rng.integers(60, 105))) for p in chosen]
    return notes


def _bass(score: Score, bar: float, rng: np.random.Generator) -> list[Note]:
    pattern = _pattern(str(rng.choice(_BASS)), bar)
    moving = rng.random() < 0.4
    low = int(rng.integers(26, 36))
    notes = []
    for start, length, index in _hits(score, bar, pattern):
        span = score.chords[index]
        chord = span.chord
        root = chord.bass if chord.bass is not None else chord.root
        if root is None:
            continue
        pitch = low + (root - low) % 12
        if moving and start > span.start and rng.random() < 0.5:
            pitch = int(rng.choice(chord_pitches(chord, low)))
        notes.append(Note(start, max(0.1, length * 0.9), pitch, int(rng.integers(75, 115))))
    return notes


def _pad(score: Score, rng: np.random.Generator) -> list[Note]:
    low = int(rng.integers(48, 60))
    return [Note(c.start, c.end - c.start, p, 70) for c in score.chords for p in chord_pitches(c.chord, low)]


def _drums(score: Score, bar: float, rng: np.random.Generator, grooves: Sequence[Sequence[Note]]) -> list[Note]:
    end = max(score.end, score.chords[-1].end if score.chords else 0.0)
    if bar == 4 and grooves and rng.random() < 0.55:
        groove = grooves[int(rng.integers(len(grooves)))]
        length = max(4.0, 4.0 * round(max(n.start for n in groove) / 4.0))
        return [
            Note(at + n.start, n.duration, n.pitch, n.velocity)
            for at in np.arange(0.0, end, length)
            for n in groove
            if n.start < length and at + n.start < end
        ]
    steps = str(rng.choice(_DRUMS_3 if bar == 3 else _DRUMS_4)).split("|")
    swing = rng.uniform(0.0, 0.33) if rng.random() < 0.25 else 0.0
    step = bar / len(steps)
    return [
        Note(at + (i + (swing if i % 2 else 0.0)) * step, 0.1, _KEYS[key], int(rng.integers(70, 118)))
        for at in np.arange(0.0, end, bar)
        for i, keys in enumerate(steps)
        for key in keys
        if rng.random() < 0.97
    ]
