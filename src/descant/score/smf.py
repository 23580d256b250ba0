"""Standard MIDI Files as events, and back: chunks, delta times, running status; no musical meaning.

The reader trusts nothing. It repairs what others write wrongly without loss (a missing end of track, a wrong count of
tracks, a chunk that claims to be longer than the file, junk between chunks, a RIFF wrapper) and refuses the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from descant.errors import ScoreReadError

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, BEND = 0x80, 0x90, 0xB0, 0xC0, 0xE0
META = 0xFF
META_TEXT, META_NAME, META_INSTRUMENT, META_LYRIC, META_MARKER = 1, 3, 4, 5, 6
META_PORT, META_END, META_TEMPO, META_METER, META_KEY = 0x21, 0x2F, 0x51, 0x58, 0x59

_MAX_EVENTS = 5_000_000
_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}


@dataclass(frozen=True, slots=True)
class Event:
    """One event at an absolute time.

    Attributes:
        tick: From the start of the track.
        status: 0x80..0xE0 for channel messages (without the channel), 0xFF for meta events.
        channel: 0..15; the type of a meta event.
        data: Its data bytes.
    """

    tick: int
    status: int
    channel: int
    data: bytes


@dataclass(frozen=True, slots=True)
class MidiFile:
    """Tracks of events.

    Attributes:
        ticks_per_quarter: Resolution; for SMPTE time the ticks of half a second, as if at 120 quarters a minute.
        is_smpte: Whether ticks are fractions of seconds, so that tempo events mean nothing.
        tracks: Events of each track, by time.
    """

    ticks_per_quarter: float
    is_smpte: bool
    tracks: tuple[tuple[Event, ...], ...]


def parse_midi(data: bytes, name: str) -> MidiFile:
    """Events of a Standard MIDI File of type 0, 1 or 2.

    Args:
        data: The file.
        name: What messages call it.

    Raises:
        ScoreReadError: Not a MIDI file, or damaged beyond lossless repair.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        start = data.find(b"MThd")
        data = data[start:] if start >= 0 else data
    if data[:4] != b"MThd" or len(data) < 14:
        raise ScoreReadError(f"{name} is not a MIDI file.", "Give a file that a music program exported as MIDI.")
    header_bytes = int.from_bytes(data[4:8], "big")
    division = int.from_bytes(data[12:14], "big")
    if header_bytes < 6 or division == 0:
        raise ScoreReadError(f"{name} is damaged: its header makes no sense.", "Export it again.")
    if division & 0x8000:
        frames = 256 - (division >> 8)
        rate = {29: 30_000 / 1001}.get(frames, float(frames))
        if frames not in (24, 25, 29, 30) or division & 0xFF == 0:
            raise ScoreReadError(f"{name} is damaged: it counts {frames} frames a second.", "Export it again.")
        ticks_per_quarter = rate * (division & 0xFF) / 2.0
    else:
        ticks_per_quarter = float(division)
    tracks: list[tuple[Event, ...]] = []
    position, budget = 8 + header_bytes, _MAX_EVENTS
    while position + 8 <= len(data):
        kind, size = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "big")
        body = data[position + 8 : position + 8 + size]
        if kind == b"MTrk":
            events = _TrackReader(body, f"{name}, track {len(tracks) + 1}", budget).events()
            budget -= len(events)
            tracks.append(events)
        position += 8 + size
    if not tracks:
        raise ScoreReadError(f"{name} holds no tracks.", "Export it again.")
    return MidiFile(ticks_per_quarter, bool(division & 0x8000), tuple(tracks))


class _TrackReader:
    """Reads the events of one track chunk."""

    def __init__(self, data: bytes, name: str, budget: int) -> None:
        self._data = data
        self._name = name
        self._budget = budget
        self._position = 0
        self._running = 0

    def events(self) -> tuple[Event, ...]:
        events: list[Event] = []
        tick = 0
        while self._position < len(self._data):
            tick += self._number()
            event = self._event(tick)
            if event is None:
                continue
            if event.status == META and event.channel == META_END:
                break
            events.append(event)
            if len(events) > self._budget:
                raise ScoreReadError(f"{self._name}: the file has over {_MAX_EVENTS:,} events.", "Split it.")
        return tuple(events)

    def _event(self, tick: int) -> Event | None:
        status = self._peek()
        if status == META:
            self._position += 1
            kind = self._take(1)[0]
            return Event(tick, META, kind, self._take(self._number()))
        if status in (0xF0, 0xF7):
            self._position += 1
            self._take(self._number())
            self._running = 0
            return None
        if status > 0xF0:
            raise self._damage(f"byte {status:#04x} cannot stand in a file")
        if status >= 0x80:
            self._running = status
            self._position += 1
        elif not self._running:
            raise self._damage("data comes before any message")
        kind = self._running & 0xF0
        data = self._take(_DATA_BYTES[kind])
        if max(data) >= 0x80:
            raise self._damage("a message is cut off by another")
        return Event(tick, kind, self._running & 0x0F, data)

    def _number(self) -> int:
        """A variable-length quantity: 7 bits a byte, at most four bytes."""
        value = 0
        for _ in range(4):
            byte = self._take(1)[0]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise self._damage("a time or length has more than four bytes")

    def _peek(self) -> int:
        if self._position >= len(self._data):
            raise self._damage("it ends in the middle of an event")
        return self._data[self._position]

    def _take(self, count: int) -> bytes:
        if self._position + count > len(self._data):
            raise self._damage("it ends in the middle of an event")
        self._position += count
        return self._data[self._position - count : self._position]

    def _damage(self, what: str) -> ScoreReadError:
        return ScoreReadError(
            f"{self._name} is damaged at byte {self._position}: {what}.",
            "Export it again, or repair it by opening and saving it in a music program.",
        )


def format_midi(tracks: Iterable[Iterable[Event]], ticks_per_quarter: int) -> bytes:
    """A type 1 file. Events of a track are written in the given order and must not go back in time."""
    chunks = []
    for events in tracks:
        body = bytearray()
        tick = 0
        for event in events:
            body += _format_number(event.tick - tick)
            tick = event.tick
            if event.status == META:
                body += bytes((META, event.channel)) + _format_number(len(event.data)) + event.data
            else:
                body += bytes((event.status | event.channel,)) + event.data
        body += b"\x00\xff\x2f\x00"
        chunks.append(b"MTrk" + len(body).to_bytes(4, "big") + bytes(body))
    header = b"MThd" + b"".join(
        number.to_bytes(size, "big") for number, size in ((6, 4), (1, 2), (len(chunks), 2), (ticks_per_quarter, 2))
    )
    return header + b"".join(chunks)


def _format_number(value: int) -> bytes:
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))
