"""Events of a MIDI file to a `Score`. The repairs it makes are told in `descant.score.midi`."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import dataclass, field, replace

from descant.errors import ScoreReadError
from descant.score.general_midi import family
from descant.score.harmony import NO_CHORD, Chord, ChordSpan, Key
from descant.score.midi_writer import END_MARKER
from descant.score.notes import Bend, Note, Score, Section, Track
from descant.score.smf import (
    BEND,
    CONTROL,
    META,
    META_INSTRUMENT,
    META_KEY,
    META_LYRIC,
    META_MARKER,
    META_METER,
    META_NAME,
    META_TEMPO,
    META_TEXT,
    NOTE_OFF,
    NOTE_ON,
    PROGRAM,
    Event,
    MidiFile,
)
from descant.score.tempo import TempoMap, TimeSignature

_DEFAULT_US = 500_000
_DRUM_CHANNEL = 9
_JUMP_QUARTERS = 0.06  # wheel events further apart are steps, nearer ones a curve
_LYRIC_REACH_QUARTERS = 0.05
_FULL_VOLUME, _FULL_EXPRESSION = 100, 127


def score_from_midi(file: MidiFile, *, as_played: bool) -> Score:
    """A score with one track for each channel of each MIDI track that has notes or a program.

    Raises:
        ScoreReadError: The times make no sense.
    """
    per_quarter = file.ticks_per_quarter
    metas = [e for track in file.tracks for e in track if e.status == META]
    tempo = TempoMap.constant(120.0) if file.is_smpte else _tempo_map(metas, per_quarter)
    tracks: list[Track] = []
    loose_lyrics: list[Event] = []
    for index, events in enumerate(file.tracks):
        lyrics = [e for e in events if e.status == META and e.channel == META_LYRIC]
        found = _tracks(events, per_quarter, index, as_played=as_played)
        tracks += _with_lyrics(found, lyrics, per_quarter) if any(t.notes for t in found) else found
        loose_lyrics += [] if any(t.notes for t in found) else lyrics
    score = Score(
        tracks=tuple(_with_lyrics(tracks, loose_lyrics, per_quarter)),
        tempo=tempo,
        time_signatures=_meters(metas, per_quarter),
        key=_key(metas),
    )
    first = [e for e in file.tracks[0] if e.status == META]
    chords = _spans([e for e in first if e.channel == META_TEXT], per_quarter, score.end)
    sections = _spans([e for e in metas if e.channel == META_MARKER], per_quarter, score.end)
    return replace(
        score,
        chords=tuple(ChordSpan(a, b, c) for a, b, text in chords if not (c := _chord(text) or NO_CHORD).is_none),
        sections=tuple(Section(a, b, text) for a, b, text in sections if text != END_MARKER),
    )


def _tempo_map(metas: list[Event], per_quarter: float) -> TempoMap:
    changes = {0: _DEFAULT_US}
    for event in sorted(metas, key=lambda e: e.tick):
        us = int.from_bytes(event.data, "big")
        if event.channel == META_TEMPO and len(event.data) == 3 and us > 0:
            changes[event.tick] = us
    ticks = sorted(changes)
    anchors = [(0.0, 0.0)]
    for tick, before in zip(ticks[1:], ticks, strict=False):
        quarter, seconds = anchors[-1]
        us = changes[before]
        anchors.append((tick / per_quarter, seconds + (tick / per_quarter - quarter) * us / 1e6))
    quarter, seconds = anchors[-1]
    anchors.append((quarter + 1.0, seconds + changes[ticks[-1]] / 1e6))
    return TempoMap(tuple(anchors))


def _meters(metas: list[Event], per_quarter: float) -> tuple[TimeSignature, ...]:
    found = {0: (4, 4)}
    for event in sorted(metas, key=lambda e: e.tick):
        if event.channel == META_METER and len(event.data) >= 2 and event.data[0] > 0 and event.data[1] <= 7:
            found[event.tick] = (event.data[0], 1 << event.data[1])
    meters: list[TimeSignature] = []
    for tick, meter in sorted(found.items()):
        if not meters or (meters[-1].numerator, meters[-1].denominator) != meter:
            meters.append(TimeSignature(tick / per_quarter, *meter))
    return tuple(meters)


def _key(metas: list[Event]) -> Key | None:
    keys = sorted((e for e in metas if e.channel == META_KEY and len(e.data) == 2), key=lambda e: e.tick)
    for event in keys:
        fifths = event.data[0] - 256 if event.data[0] > 127 else event.data[0]
        if -7 <= fifths <= 7 and event.data[1] in (0, 1):
            major = fifths * 7 % 12
            return Key((major + 9) % 12, "minor") if event.data[1] else Key(major, "major")
    return None


def _spans(events: list[Event], per_quarter: float, end: float) -> list[tuple[float, float, str]]:
    """(start, end, text): each lasts until the next one."""
    found = {e.tick / per_quarter: text for e in sorted(events, key=lambda e: e.tick) if (text := _text(e.data))}
    if not found:
        return []
    starts = list(found)
    ends = [*starts[1:], max(end, starts[-1] + 1.0)]
    return [(a, b, found[a]) for a, b in zip(starts, ends, strict=True)]


def _chord(text: str) -> Chord | None:
    try:
        return Chord.parse(text)
    except ScoreReadError:
        return None  # texts in MIDI files say all sorts of things


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\0", "").strip()


@dataclass(slots=True)
class _Channel:
    """What one channel of one MIDI track holds, in ticks."""

    program: int | None = None
    notes: list[tuple[int, int, int, int]] = field(default_factory=list)  # start, end, pitch, velocity
    sounding: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    wheel: list[tuple[int, float]] = field(default_factory=list)  # tick, semitones
    bend_range: float = 2.0
    parameter: tuple[int, int] = (127, 127)
    controls: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def control(self, tick: int, number: int, value: int) -> None:
        if number == 101:
            self.parameter = (value, self.parameter[1])
        elif number == 100:
            self.parameter = (self.parameter[0], value)
        elif number == 6 and self.parameter == (0, 0):
            self.bend_range = float(value)
        elif number == 38 and self.parameter == (0, 0):
            self.bend_range = int(self.bend_range) + value / 100.0
        elif number in (7, 11, 64):
            self.controls[number].append((tick, value))

    def end_note(self, tick: int, pitch: int) -> None:
        if self.sounding[pitch]:
            start, velocity = self.sounding[pitch].pop(0)
            self.notes.append((start, max(tick, start + 1), pitch, velocity))


def _tracks(events: tuple[Event, ...], per_quarter: float, index: int, *, as_played: bool) -> list[Track]:
    channels: dict[int, _Channel] = {}
    names = {e.channel: _text(e.data) for e in reversed(events) if e.status == META}
    name = names.get(META_NAME) or names.get(META_INSTRUMENT) or ""
    last = 0
    for event in events:
        last = event.tick
        if event.status != META:
            _apply(channels.setdefault(event.channel, _Channel()), event)
    tracks: list[Track] = []
    for number, channel in sorted(channels.items()):
        for pitch, starts in channel.sounding.items():
            # A note without an end lasts as long as its track, and a quarter when it is the last thing in it.
            for start, velocity in starts:
                channel.notes.append((start, last if last > start else start + round(per_quarter), pitch, velocity))
        if not channel.notes and channel.program is None:
            continue
        is_drum = number == _DRUM_CHANNEL
        program = channel.program or 0
        plain = "drums" if is_drum else family(program)
        label = name if name and len(channels) == 1 else f"{name} {plain}".strip()
        notes = _played(channel) if as_played and not is_drum else sorted(channel.notes)
        tracks.append(Track(label or f"track {index}", _bent(notes, channel.wheel, per_quarter), program, is_drum))
    return tracks


def _apply(channel: _Channel, event: Event) -> None:
    first = event.data[0]
    if event.status == NOTE_ON and event.data[1] > 0:
        channel.sounding[first].append((event.tick, event.data[1]))
    elif event.status in (NOTE_ON, NOTE_OFF):
        channel.end_note(event.tick, first)
    elif event.status == PROGRAM and (channel.program is None or not channel.notes):
        channel.program = first
    elif event.status == CONTROL:
        channel.control(event.tick, first, event.data[1])
    elif event.status == BEND:
        value = (first | event.data[1] << 7) - 8192
        channel.wheel.append((event.tick, value / 8192 * channel.bend_range))


def _bent(
    notes: list[tuple[int, int, int, int]], wheel: list[tuple[int, float]], per_quarter: float
) -> tuple[Note, ...]:
    ticks = [t for t, _ in wheel]
    result = []
    for start, end, pitch, velocity in notes:
        first, stop = bisect_right(ticks, start), bisect_left(ticks, end)
        before = wheel[first - 1][1] if first else 0.0
        points = [(0.0, before)]
        for tick, semitones in wheel[first:stop]:
            offset = (tick - start) / per_quarter
            if offset - points[-1][0] > _JUMP_QUARTERS:
                points.append((offset - 1.0 / per_quarter, points[-1][1]))
            points.append((offset, semitones))
        bends = tuple(Bend(*p) for p in points) if any(s for _, s in points) else ()
        result.append(Note(start / per_quarter, (end - start) / per_quarter, pitch, velocity, bends))
    return tuple(result)


def _played(channel: _Channel) -> list[tuple[int, int, int, int]]:
    """Notes as heard: held by the sustain pedal, and as loud as volume and expression make them."""
    pedal = channel.controls[64]
    volume, expression = channel.controls[7], channel.controls[11]
    notes = sorted(channel.notes)
    next_start: dict[int, int] = {}
    result = []
    for start, end, pitch, velocity in reversed(notes):
        held = end
        index = bisect_right(pedal, (end, 128)) - 1
        if index >= 0 and pedal[index][1] >= 64:
            held = next((t for t, v in pedal[index + 1 :] if v < 64), end)
            held = max(end, min(held, next_start.get(pitch, held)))
        loudness = (
            _value(volume, start, _FULL_VOLUME) / _FULL_VOLUME * _value(expression, start, 127) / _FULL_EXPRESSION
        )
        result.append((start, held, pitch, min(max(round(velocity * loudness), 1), 127)))
        next_start[pitch] = start
    return result[::-1]


def _value(changes: list[tuple[int, int]], tick: int, default: int) -> int:
    index = bisect_right(changes, (tick, 128)) - 1
    return changes[index][1] if index >= 0 else default


def _with_lyrics(tracks: list[Track], lyrics: list[Event], per_quarter: float) -> list[Track]:
    """Put each syllable on the note that starts where it stands: in the track with most such notes."""
    texts = [(e.tick / per_quarter, text) for e in lyrics if (text := _text(e.data))]
    melodic = [t for t in tracks if t.notes and not t.is_drum]
    if not texts or not melodic:
        return tracks

    def matches(track: Track) -> dict[int, str]:
        starts = [n.start for n in track.notes]
        found: dict[int, str] = {}
        for time, text in texts:
            index = bisect_left(starts, time - _LYRIC_REACH_QUARTERS)
            if index < len(starts) and starts[index] <= time + _LYRIC_REACH_QUARTERS and index not in found:
                found[index] = text
        return found

    best = max(melodic, key=lambda t: len(matches(t)))
    found = matches(best)
    sung = tuple(replace(n, lyric=found.get(i, n.lyric)) for i, n in enumerate(best.notes))
    return [replace(t, notes=sung) if t is best else t for t in tracks]
