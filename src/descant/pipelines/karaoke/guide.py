"""The guide melody: the notes that are sung, as a quiet voice of its own and as MIDI with the words."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.pipelines.karaoke.rows import Row
from descant.score.midi_writer import TICKS, score_to_midi, tick_of
from descant.score.notes import Note, Score, Track
from descant.score.smf import META, META_LYRIC, NOTE_ON, Event, format_midi, parse_midi
from descant.score.tempo import BeatGrid, TempoMap
from descant.text.lyrics import Lyrics, SungNote
from descant.text.midi_lyrics import midi_encoding, midi_text

_A4, _A4_HZ = 69, 440.0
_PARTIALS = (1.0, 0.42, 0.22, 0.09, 0.05)  # between a flute and an ocarina: heard in a band, no voice of its own
_PEAK = 0.25
_ATTACK_S, _RELEASE_S = 0.015, 0.08
_FADE = 0.35  # what is left of a note after it has been held for a second
_NEARBY_S = 0.3
_PROGRAM = 79  # ocarina
_VELOCITY = 80
_FALLBACK_BPM = 120.0


def notes_of(lyrics: Lyrics) -> tuple[SungNote, ...]:
    """The notes that are written with the lyrics, in order, none over the next; empty where none are."""
    notes = sorted(
        (note for word in lyrics.words for syllable in word.syllables for note in syllable.notes),
        key=lambda note: (note.start_s, note.end_s),
    )
    return one_at_a_time(notes)


def one_at_a_time(notes: Sequence[SungNote]) -> tuple[SungNote, ...]:
    """Sorted notes, each cut where the next begins."""
    following = zip(notes, [*notes[1:], None], strict=False)
    cut = (
        n if after is None or n.end_s <= after.start_s else SungNote(n.pitch, n.start_s, after.start_s)
        for n, after in following
    )
    return tuple(note for note in cut if note.end_s > note.start_s)


def guide_midi(notes: Sequence[SungNote], rows: Sequence[Row], beats: BeatGrid | None = None) -> bytes:
    """The notes as a MIDI file: on the beats where they are known, with the syllables of the picture as lyric events.

    A syllable stands where the note begins on which it is sung; one without a note of its own stands where it is sung.
    Spaces and line ends are those of `descant.text.midi_lyrics`.
    """
    known = beats is not None and len(beats.times_s) > 1
    tempo = beats.tempo_map() if known and beats is not None else TempoMap.constant(_FALLBACK_BPM)
    starts = tempo.quarters_at([note.start_s for note in notes]).tolist()
    ends = tempo.quarters_at([note.end_s for note in notes]).tolist()
    written = tuple(
        Note(start, end - start, note.pitch, _VELOCITY)
        for note, start, end in zip(notes, starts, ends, strict=True)
        if start >= 0.0 and end > start
    )
    score = Score((Track("guide", written, _PROGRAM),), tempo)
    conductor, guide = parse_midi(score_to_midi(score), "the guide").tracks
    sung = _sung(notes, rows)
    encoding = midi_encoding(text for _, text in sung)
    events = [
        Event(max(0, tick_of(at)), META, META_LYRIC, midi_text(text, encoding))
        for at, (_, text) in zip(tempo.quarters_at([at for at, _ in sung]).tolist(), sung, strict=True)
    ]
    # At one tick the note before ends, then the syllable comes, then its note begins.
    order = sorted([*guide, *events], key=lambda e: (e.tick, e.status == NOTE_ON, e.status == META))
    return format_midi([conductor, order], TICKS)


def _sung(notes: Sequence[SungNote], rows: Sequence[Row]) -> list[tuple[float, str]]:
    """(when, text) of each syllable: at the beginning of the note that is nearest to it and to no other syllable."""
    starts = [note.start_s for note in notes]
    pieces = sorted(
        (
            (piece.start_s, piece.text.rstrip() + "\r" if piece is row.pieces[-1] else piece.text)
            for row in rows
            for piece in row.pieces
        ),
        key=lambda piece: piece[0],
    )
    nearest: dict[int, tuple[float, int]] = {}  # note to the distance and the number of its syllable
    for number, (at, _) in enumerate(pieces):
        after = bisect_left(starts, at)
        nearby = [(abs(starts[i] - at), i) for i in (after - 1, after) if 0 <= i < len(starts)]
        for distance, index in sorted(nearby)[:1]:
            if distance <= _NEARBY_S:
                nearest[index] = min(nearest.get(index, (distance, number)), (distance, number))
    begun = {number: starts[index] for index, (_, number) in nearest.items()}
    return [(begun.get(number, at), text) for number, (at, text) in enumerate(pieces)]


class GuideVoice:
    """Plays notes block by block: a few soft partials, without a step at block borders.

    Args:
        notes: In order, none over the next.
        sample_rate: In Hz.
    """

    def __init__(self, notes: Sequence[SungNote], sample_rate: int) -> None:
        self._notes = notes
        self._rate = sample_rate
        self._starts = [note.start_s for note in notes]

    def block(self, first: int, frames: int) -> Clip:
        """Frames `first` to `first + frames`, mono."""
        samples = np.zeros(frames, np.float64)
        begin_s, stop_s = first / self._rate, (first + frames) / self._rate
        index = max(0, bisect_left(self._starts, begin_s) - 2)  # the release of the note before may reach in here
        while index < len(self._notes) and self._starts[index] < stop_s:
            note = self._notes[index]
            low = max(first, int(np.ceil(note.start_s * self._rate)))
            high = min(first + frames, int((note.end_s + _RELEASE_S) * self._rate))
            if low < high:
                times = np.arange(low, high) / self._rate - note.start_s
                samples[low - first : high - first] += self._tone(note, times)
            index += 1
        return Clip(samples[None].astype(np.float32), self._rate)

    def _tone(self, note: SungNote, times: NDArray[np.float64]) -> NDArray[np.float64]:
        hertz = _A4_HZ * 2.0 ** ((note.pitch - _A4) / 12.0)
        length = note.end_s - note.start_s
        tone = sum(
            (
                level * np.sin(2.0 * np.pi * hertz * (number + 1) * times)
                for number, level in enumerate(_PARTIALS)
                if hertz * (number + 1) < 0.45 * self._rate
            ),
            np.zeros_like(times),
        )
        envelope = np.minimum(times / _ATTACK_S, 1.0) * _FADE**times
        released = np.clip((times - length) / _RELEASE_S, 0.0, 1.0)
        result: NDArray[np.float64] = _PEAK / sum(_PARTIALS) * tone * envelope * np.cos(0.5 * np.pi * released) ** 2
        return result
