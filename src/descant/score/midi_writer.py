"""`Score` to the bytes of a MIDI file. The choices it makes are told in `descant.score.midi`."""

from __future__ import annotations

import numpy as np

from descant.errors import InvalidOption
from descant.score.harmony import Chord, ChordSpan
from descant.score.notes import Note, Score, Track
from descant.score.smf import (
    BEND,
    CONTROL,
    META,
    META_KEY,
    META_LYRIC,
    META_MARKER,
    META_METER,
    META_NAME,
    META_PORT,
    META_TEMPO,
    META_TEXT,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
    Event,
    format_midi,
)
from descant.score.tempo import TempoMap

TICKS = 960
"""Ticks of a quarter note."""

NO_CHORD_TEXT = "N.C."
END_MARKER = "end"

_MAX_TEMPO_US = 0xFFFFFF
_CHECKPOINT_QUARTERS = 64
_TEMPO_SLACK_US = 50.0
_BEND_CENTRE = 8192
_BEND_STEP_S = 0.008
_BEND_RANGES = (2, 12, 24, 48, 96)
_MELODIC_CHANNELS = (*range(9), *range(10, 16))
_DRUM_CHANNEL = 9
# What happens first at one tick: ends, then the wheel, then what a note needs, then the note.
_ORDER = {NOTE_OFF: 0, BEND: 1, META: 2, NOTE_ON: 3}


def score_to_midi(score: Score) -> bytes:
    """The bytes of a type 1 MIDI file.

    Raises:
        InvalidOption: A pitch, program or tempo cannot be said in MIDI.
    """
    tracks = [_conductor(score)]
    melodic = 0
    for track in score.tracks:
        if track.is_drum:
            channel, port = _DRUM_CHANNEL, 0
        else:
            channel, port = _MELODIC_CHANNELS[melodic % 15], melodic // 15
            melodic += 1
        tracks.append(_track(track, score.tempo, channel, port))
    return format_midi(tracks, TICKS)


def tick_of(quarter: float) -> int:
    """The tick nearest to a position in quarters."""
    return round(quarter * TICKS)


def _conductor(score: Score) -> list[Event]:
    events = [Event(tick, META, META_TEMPO, us.to_bytes(3, "big")) for tick, us in _tempi(score)]
    for meter in score.time_signatures:
        power = meter.denominator.bit_length() - 1
        if not 1 <= meter.numerator <= 255 or meter.denominator != 1 << power or power > 7:
            raise InvalidOption(
                f"A time signature of {meter.numerator}/{meter.denominator} cannot be written to MIDI.",
                "The lower number must be a power of two.",
            )
        events.append(
            Event(tick_of(meter.start), META, META_METER, bytes((meter.numerator, power, max(1, 96 >> power), 8)))
        )
    if score.key is not None:
        events.append(Event(0, META, META_KEY, bytes((score.key.fifths % 256, int(score.key.mode == "minor")))))
    sections = [(s.start, s.end, "End" if s.label == END_MARKER else s.label) for s in score.sections]
    events += _spans(META_MARKER, sections, END_MARKER)
    events += _spans(META_TEXT, [(c.start, c.end, chord_text(c, score)) for c in score.chords], NO_CHORD_TEXT)
    return sorted(events, key=lambda e: e.tick)


def _spans(kind: int, spans: list[tuple[float, float, str]], gap: str) -> list[Event]:
    """A text at the start of each span, and one that says "nothing" where no other span follows at once."""
    events = []
    for index, (start, end, label) in enumerate(spans):
        events.append(Event(tick_of(start), META, kind, _text(label)))
        following = spans[index + 1][0] if index + 1 < len(spans) else None
        if following is None or tick_of(following) > tick_of(end):
            events.append(Event(tick_of(end), META, kind, _text(gap)))
    return events


def chord_text(span: ChordSpan, score: Score) -> str:
    """A lead-sheet symbol ("Am7"); MIREX spelling where a symbol would not read back as the same chord."""
    chord = span.chord
    if chord.is_none:
        return NO_CHORD_TEXT
    flats = score.key is not None and score.key.uses_flats
    symbol = chord.symbol(flats=flats)
    return symbol if Chord.parse(symbol) == chord else chord.label(flats=flats)


def _tempi(score: Score) -> list[tuple[int, int]]:
    """(tick, microseconds per quarter) of each tempo event.

    Each tempo aims at the *absolute* time of the next anchor, so what one rounding loses the next makes good; long
    stretches are checked every 64 quarters. Changes that only rounding would make are not written.
    """
    tempo = score.tempo
    end = max(score.end, tempo.anchors[-1][0], 1.0)
    quarters = {0.0, end, *(q for q, _ in tempo.anchors if q > 0)}
    quarters |= set(np.arange(_CHECKPOINT_QUARTERS, end, _CHECKPOINT_QUARTERS, dtype=float).tolist())
    ticks = sorted({tick_of(q) for q in quarters})
    aims_us = (tempo.seconds_at([t / TICKS for t in ticks]) - tempo.seconds(0.0)) * 1e6
    changes: list[tuple[int, int]] = []
    reached_us, last = 0.0, 0
    for index, span in enumerate(np.diff(ticks).tolist()):
        length_us = float(aims_us[index + 1] - aims_us[index])
        plain = round(length_us * TICKS / span)
        if not 1 <= plain <= _MAX_TEMPO_US:
            raise InvalidOption(
                f"MIDI cannot say the tempo at quarter {ticks[index] / TICKS:g}: {plain / 1e6:g} s a quarter.",
                "MIDI knows tempi from 3.6 quarters a minute on.",
            )
        left_us = float(aims_us[index + 1]) - reached_us
        us = min(max(round(left_us * TICKS / span), 1), _MAX_TEMPO_US)
        if last and abs(left_us - last * span / TICKS) < min(_TEMPO_SLACK_US, 0.02 * length_us):
            us = last
        if us != last:
            changes.append((ticks[index], us))
        last = us
        reached_us += us * span / TICKS
    return changes


def _track(track: Track, tempo: TempoMap, channel: int, port: int) -> list[Event]:
    if not 0 <= track.program <= 127:
        raise InvalidOption(f"Track {track.name!r} has the program {track.program}.", "Programs are 0 to 127.")
    head = [Event(0, META, META_NAME, _text(track.name))]
    if port:
        head.append(Event(0, META, META_PORT, bytes((min(port, 127),))))
    head.append(Event(0, PROGRAM, channel, bytes((track.program,))))
    notes = _separable(track)
    widest = max((abs(b.semitones) for n in notes for b in n.bends), default=0.0)
    bend_range = next((r for r in _BEND_RANGES if widest <= r), _BEND_RANGES[-1])
    if widest > 0:
        # RPN 0 sets the range of the wheel; the null RPN keeps later data entries from changing it.
        settings = ((101, 0), (100, 0), (6, bend_range), (38, 0), (101, 127), (100, 127))
        head += [Event(0, CONTROL, channel, bytes(pair)) for pair in settings]
    events: list[Event] = []
    silent_from = 0
    for index, note in enumerate(notes):
        start, end = tick_of(note.start), _end_tick(note)
        events.append(Event(start, NOTE_ON, channel, bytes((note.pitch, min(max(note.velocity, 1), 127)))))
        events.append(Event(end, NOTE_OFF, channel, bytes((note.pitch, 64))))
        if note.lyric:
            events.append(Event(start, META, META_LYRIC, _text(note.lyric)))
        is_alone = silent_from <= start and (index + 1 == len(notes) or end <= tick_of(notes[index + 1].start))
        if is_alone and any(b.semitones for b in note.bends):
            events += _bend_events(note, tempo, channel, bend_range)
        silent_from = max(silent_from, end)
    # The sort is stable: at one tick the wheel is centred for the note that ends before it moves for the next.
    return head + sorted(events, key=lambda e: (e.tick, _ORDER[e.status]))


def _end_tick(note: Note) -> int:
    return max(tick_of(note.start) + 1, tick_of(note.end))


def _separable(track: Track) -> list[Note]:
    """Notes without overlaps of one pitch: the earlier ends where the later starts.

    Of two that start together the longer stays.
    """
    result: list[Note] = []
    latest: dict[int, int] = {}
    for note in track.notes:
        if not 0 <= note.pitch <= 127 or note.start < 0:
            raise InvalidOption(
                f"Track {track.name!r} has a note of pitch {note.pitch} at quarter {note.start:g}.",
                "MIDI pitches are 0 to 127, and positions start at 0.",
            )
        if note.pitch in latest:
            before = result[latest[note.pitch]]
            if tick_of(before.start) == tick_of(note.start):
                result[latest[note.pitch]] = max(before, note, key=lambda n: n.duration)
                continue
            if _end_tick(before) > tick_of(note.start):
                shorter = (tick_of(note.start) - tick_of(before.start)) / TICKS
                result[latest[note.pitch]] = Note(
                    before.start, shorter, before.pitch, before.velocity, before.bends, before.lyric
                )
        latest[note.pitch] = len(result)
        result.append(note)
    return result


def _bend_events(note: Note, tempo: TempoMap, channel: int, bend_range: int) -> list[Event]:
    """The curve as wheel positions, at least every 8 ms while it moves, and centred at the note's end."""
    start, end = tick_of(note.start), _end_tick(note)
    offsets = [b.offset for b in note.bends]
    semitones = [b.semitones for b in note.bends]
    first_s, last_s = tempo.seconds(note.start), tempo.seconds(note.end)
    grid_s = np.linspace(first_s, last_s, max(2, int((last_s - first_s) / _BEND_STEP_S) + 2))
    grid = np.concatenate((tempo.quarters_at(grid_s) - note.start, offsets))
    ticks = np.unique(np.clip(np.rint((note.start + grid) * TICKS).astype(int), start, end - 1))
    curve = np.interp(ticks / TICKS - note.start, offsets, semitones)
    wheel = np.clip(np.rint(curve / bend_range * _BEND_CENTRE).astype(int), -_BEND_CENTRE, _BEND_CENTRE - 1)
    # Positions that neither change nor are about to say nothing; the last of a level stretch says that it was level.
    moves = np.diff(wheel, prepend=0) != 0
    told = moves | np.append(moves[1:], False)
    events = [
        _wheel(tick, channel, value) for tick, value in zip(ticks[told].tolist(), wheel[told].tolist(), strict=True)
    ]
    if wheel[-1]:
        events.append(_wheel(end, channel, 0))
    return events


def _wheel(tick: int, channel: int, value: int) -> Event:
    raw = value + _BEND_CENTRE
    return Event(tick, BEND, channel, bytes((raw & 0x7F, raw >> 7)))


def _text(words: str) -> bytes:
    """UTF-8; what no text can hold (half a surrogate pair, from the name of a file) becomes a question mark."""
    return words.encode("utf-8", "replace")
