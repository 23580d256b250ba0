"""How a song ends: a bar in which everybody holds the last chord, so that nothing is cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from descant.compose.arrange.pad import voice
from descant.compose.grid import TICKS, Bar, BarSpan, GridNote
from descant.score.harmony import NO_CHORD, Chord, Key


def with_final_bar(bars: Sequence[Bar], key: Key, *, prefer_key: bool, until: float = 0.0) -> tuple[Bar, ...]:
    """The bars up to the melody's last note, and a final bar.

    The final bar is the one in which the last note is held, if it starts on the bar's first beat; otherwise it is
    the next one. It keeps its chord if one is known there, else it takes the key's own chord.

    Args:
        bars: With melody and chords.
        key: The song's key.
        prefer_key: Take the key's chord also where another is known, unless the last note is not in it.
        until: The quarter up to which the song goes on if the melody ends before; the bar there is then the final one.
    """
    sung = [i for i, bar in enumerate(bars) if bar.melody]
    if not sung:
        return tuple(bars)
    last = sung[-1]
    end = next((i for i, bar in enumerate(bars) if bar.span.end >= until - 1e-6), len(bars) - 1)
    if end > last + 1:
        tonic = key.tonic
        return (*bars[:end], replace(bars[end], chords=((0, _final_chord(bars[end], key, tonic, prefer_key)),)))
    note = max(bars[last].melody, key=lambda n: n.position)
    only_held = len(bars[last].melody) == 1 and note.position < TICKS and note.duration >= 2 * TICKS
    kept = list(bars[: last + 1])
    if only_held:
        kept[-1] = replace(kept[-1], chords=((0, _final_chord(kept[-1], key, note.pitch, prefer_key)),))
    elif last + 1 < len(bars):
        kept.append(replace(bars[last + 1], chords=((0, _final_chord(bars[last + 1], key, note.pitch, prefer_key)),)))
    else:
        span = BarSpan(bars[last].span.end, bars[last].span.quarters)
        kept.append(Bar(span, ((0, _final_chord(Bar(span), key, note.pitch, prefer_key)),)))
    return tuple(kept)


def _final_chord(bar: Bar, key: Key, last_pitch: int, prefer_key: bool) -> Chord:
    known = bar.chords[0][1] if bar.chords else NO_CHORD
    own = Chord(key.tonic, "maj" if key.mode == "major" else "min")
    if known.is_none or (prefer_key and last_pitch % 12 in own.pitch_classes):
        return own
    return known


def final_piano(bar: Bar, before: Sequence[GridNote], velocity: int) -> tuple[GridNote, ...]:
    """The last chord on the piano: octave in the left hand, close chord in the right, held to the bar's end."""
    chord = bar.chords[0][1]
    if chord.root is None:
        return ()
    low = chord.root if chord.bass is None else chord.bass
    near = [n.pitch for n in before if n.pitch >= 52][-3:]
    right = voice(chord, tuple(sorted(near)))
    left = 36 + low if low < 8 else 24 + low
    length = round(bar.span.quarters * TICKS)
    pitches = sorted({left, left + 12, *right})
    return tuple(GridNote(0, pitch, length, velocity) for pitch in pitches)
