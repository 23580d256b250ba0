"""MusicXML to a `Score`. What is read and what is not is told in `descant.score.musicxml`."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeVar
from xml.etree import ElementTree as ET
from xml.parsers import expat

from descant.errors import ScoreReadError
from descant.score.general_midi import DRUMS
from descant.score.harmony import NO_CHORD, QUALITIES, Chord, ChordSpan, Key, pitch_class_from_name
from descant.score.musicxml_names import DYNAMIC_VELOCITIES, QUALITIES_OF_KINDS
from descant.score.notes import OWN_HYPHEN, Note, Score, Section, Track
from descant.score.tempo import TempoMap, TimeSignature

_MAX_ENTRIES = 1_000
_DEFAULT_VELOCITY = 80
_BEAT_UNITS = {"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25}
_DRUM_KEYS = {(step, octave): key for key, (_, step, octave, _) in reversed(DRUMS.items())}
_T = TypeVar("_T")
_HINT = "Export it again from the program that made it, as uncompressed MusicXML."


def unpack(data: bytes, name: str, *, max_bytes: int) -> bytes:
    """The XML inside a compressed file (.mxl); anything else as it is.

    Raises:
        ScoreReadError: The archive is damaged, or unpacks to more than `max_bytes`.
    """
    if data[:2] != b"PK":
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > _MAX_ENTRIES:
                raise ScoreReadError(f"{name} holds {len(entries)} files, too many for a score.", _HINT)
            member = _score_member(archive, name, max_bytes)
            return _unpacked(archive, member, name, max_bytes)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, KeyError, EOFError) as error:
        raise ScoreReadError(f"{name} is damaged: it cannot be unpacked.", _HINT) from error


def _score_member(archive: zipfile.ZipFile, name: str, max_bytes: int) -> str:
    names = archive.namelist()
    if "META-INF/container.xml" in names:
        try:
            container = _parse(_unpacked(archive, "META-INF/container.xml", name, max_bytes), name)
        except ScoreReadError:
            # Some programs write titles with apostrophes into it unescaped; the score itself is sound.
            container = ET.Element("container")
        for element in container.iter():
            if _local(element.tag) == "rootfile" and element.get("full-path") in names:
                return str(element.get("full-path"))
    for candidate in names:
        if candidate.lower().endswith((".musicxml", ".xml")) and not candidate.startswith("META-INF"):
            return candidate
    raise ScoreReadError(f"{name} holds no score.", _HINT)


def _unpacked(archive: zipfile.ZipFile, member: str, name: str, max_bytes: int) -> bytes:
    with archive.open(member) as file:
        data = file.read(max_bytes + 1)  # the size in the archive's directory may lie
    if len(data) > max_bytes:
        raise ScoreReadError(f"{name} unpacks to more than {max_bytes / 2**20:.0f} MiB.", "It is no usual score.")
    return data


def score_from_musicxml(data: bytes, name: str) -> Score:
    """The score in an uncompressed partwise MusicXML document.

    Args:
        data: The document.
        name: What messages call it.

    Raises:
        ScoreReadError: It is not MusicXML, damaged, or defines entities.
    """
    root = _parse(data, name)
    if _local(root.tag) == "score-timewise":
        raise ScoreReadError(f"{name} is written measure by measure (timewise).", "Export it as partwise MusicXML.")
    if _local(root.tag) != "score-partwise":
        raise ScoreReadError(f"{name} is not MusicXML.", "Give a .musicxml, .xml or .mxl score.")
    try:
        return _Reader(root).score()
    except (ValueError, OverflowError) as error:
        raise ScoreReadError(f"{name} is damaged: {error}.", _HINT) from error
    except ScoreReadError as error:  # of a note's or chord's name, which knows no file
        raise ScoreReadError(f"{name} is damaged: {error.message}", _HINT) from error


def _parse(data: bytes, name: str) -> ET.Element:
    """The document's root; documents that define entities are refused before they can be expanded."""

    def refuse(*_: object) -> None:
        raise ScoreReadError(f"{name} defines XML entities, which scores do not need.", "Do not trust this file.")

    try:
        scout = expat.ParserCreate()
        scout.EntityDeclHandler = refuse
        scout.Parse(data, True)
        return ET.fromstring(data)  # noqa: S314 - entities are refused above
    except (expat.ExpatError, ET.ParseError, LookupError, ValueError) as error:
        raise ScoreReadError(f"{name} is damaged: {error}.", _HINT) from error


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _text(element: ET.Element, path: str, default: str = "") -> str:
    found = element.find(path)
    return (found.text or "").strip() if found is not None else default


def _number(element: ET.Element, path: str, default: float | None = None) -> float:
    text = _text(element, path)
    if not text and default is not None:
        return default
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(f"<{path}> in <{element.tag}> says {text[:20]!r}") from error
    if not math.isfinite(value) or abs(value) > 1e9:
        raise ValueError(f"<{path}> in <{element.tag}> says {text[:20]!r}")
    return value


@dataclass(slots=True)
class _Part:
    """One part while it is read; positions in quarters."""

    name: str
    program: int
    keys: dict[str, int]
    is_drum: bool
    notes: list[Note] = field(default_factory=list)
    # Voice and pitch to the index of a note that is tied on: two voices may hold one pitch.
    sounding: dict[tuple[str, int], int] = field(default_factory=dict)
    divisions: float = 1.0
    transposition: int = 0
    velocity: int = _DEFAULT_VELOCITY


class _Reader:
    """Walks through the parts; what concerns the whole score is taken from whichever part has it first."""

    def __init__(self, root: ET.Element) -> None:
        self._root = root
        self._tempi: dict[float, float] = {}
        self._meters: dict[float, tuple[int, int]] = {}
        self._key: Key | None = None
        self._chords: dict[float, Chord] = {}
        self._sections: dict[float, str] = {}
        self._bar_starts: list[float] = []

    def score(self) -> Score:
        declared = {p.get("id", ""): p for p in self._root.iterfind("part-list/score-part")}
        tracks = []
        for index, element in enumerate(self._root.iterfind("part")):
            part = _declared_part(declared.get(element.get("id", "")), index)
            end = self._read_part(element, part)
            tracks.append(Track(part.name, tuple(part.notes), part.program, part.is_drum))
        if not tracks:
            raise ValueError("it has no parts")
        end = max([*(t.end for t in tracks), *self._bar_starts[-1:]], default=0.0)
        meters = [TimeSignature(start, *meter) for start, meter in sorted(self._meters.items())]
        if not meters or meters[0].start > 0:
            meters.insert(0, TimeSignature(0.0, 4, 4))
        tempi = sorted(self._tempi.items()) or [(0.0, 120.0)]
        return Score(
            tracks=tuple(tracks),
            tempo=TempoMap.from_tempi(tempi),
            time_signatures=_without_repeats(meters),
            key=self._key,
            chords=tuple(ChordSpan(a, b, chord) for a, b, chord in _until_next(self._chords, end) if not chord.is_none),
            sections=tuple(Section(a, b, label) for a, b, label in _until_next(self._sections, end)),
        )

    def _read_part(self, element: ET.Element, part: _Part) -> float:
        start = 0.0
        for index, measure in enumerate(element.iterfind("measure")):
            # Bars of all parts are aligned with those of the first, even where one is filled wrongly.
            if index < len(self._bar_starts):
                start = self._bar_starts[index]
            else:
                self._bar_starts.append(start)
            start += self._read_measure(measure, part, start)
        self._bar_starts.append(start)
        return start

    def _read_measure(self, measure: ET.Element, part: _Part, start: float) -> float:
        position = longest = last_onset = 0.0
        for item in measure:
            kind = item.tag
            if kind == "attributes":
                self._attributes(item, part, start + position)
            elif kind == "backup":
                position = max(0.0, position - _number(item, "duration") / part.divisions)
            elif kind == "forward":
                position += _number(item, "duration") / part.divisions
            elif kind in ("direction", "sound"):
                self._direction(item, part, start + position)
            elif kind == "harmony":
                self._harmony(item, part, start + position)
            elif kind == "note" and item.find("grace") is None and item.find("cue") is None:
                duration = _number(item, "duration") / part.divisions
                if duration < 0:
                    raise ValueError("a note has a negative duration")
                if item.find("chord") is None:
                    last_onset = position
                    position += duration
                _note(item, part, start + last_onset, duration)
            longest = max(longest, position)
        return longest

    def _attributes(self, item: ET.Element, part: _Part, at: float) -> None:
        if item.find("divisions") is not None:
            part.divisions = _number(item, "divisions")
            if part.divisions <= 0:
                raise ValueError("<divisions> must be positive")
        if item.find("key/fifths") is not None and self._key is None and not part.is_drum:
            fifths = int(_number(item, "key/fifths"))
            if abs(fifths) <= 7:
                major = (fifths * 7 - part.transposition) % 12
                is_minor = _text(item, "key/mode") in ("minor", "aeolian")
                self._key = Key((major + 9) % 12, "minor") if is_minor else Key(major, "major")
        if item.find("transpose") is not None:
            octaves = _number(item, "transpose/octave-change", 0.0)
            part.transposition = int(_number(item, "transpose/chromatic", 0.0) + 12 * octaves)
        beats, unit = _text(item, "time/beats"), _text(item, "time/beat-type")
        if beats and unit and item.find("time/senza-misura") is None:
            numerator = sum(int(b) for b in beats.split("+"))  # "3+2" is written for additive metres
            denominator = int(unit)
            if not (1 <= numerator <= 255 and 1 <= denominator <= 128):
                raise ValueError(f"a time signature says {beats}/{unit}")
            self._meters.setdefault(at, (numerator, denominator))

    def _direction(self, item: ET.Element, part: _Part, at: float) -> None:
        at += _number(item, "offset", 0.0) / part.divisions
        sounds = [item] if item.tag == "sound" else list(item.iterfind("sound"))
        bpm = next((float(s.get("tempo", "")) for s in sounds if s.get("tempo")), 0.0)
        metronome = item.find("direction-type/metronome")
        if not bpm and metronome is not None and _text(metronome, "per-minute").replace(".", "", 1).isdigit():
            unit = _BEAT_UNITS.get(_text(metronome, "beat-unit"), 1.0)
            dotted = 1.5 if metronome.find("beat-unit-dot") is not None else 1.0
            bpm = float(_text(metronome, "per-minute")) * unit * dotted
        if 1.0 <= bpm < 10_000:
            self._tempi.setdefault(max(0.0, at), bpm)
        label = " ".join((r.text or "").strip() for r in item.iterfind("direction-type/rehearsal")).strip()
        if label:
            self._sections.setdefault(max(0.0, at), label)
        for mark in item.iterfind("direction-type/dynamics/*"):
            part.velocity = DYNAMIC_VELOCITIES.get(str(mark.tag), part.velocity)
        for sound in sounds:
            if sound.get("dynamics"):  # per cent of velocity 90
                part.velocity = min(max(round(float(sound.get("dynamics", "")) * 0.9), 1), 127)

    def _harmony(self, item: ET.Element, part: _Part, at: float) -> None:
        at += _number(item, "offset", 0.0) / part.divisions
        kind = _text(item, "kind")
        step = _text(item, "root/root-step")
        if kind == "none" or not step:
            self._chords.setdefault(at, NO_CHORD)
            return
        root = _pitch_class(step, _number(item, "root/root-alter", 0.0)) + part.transposition
        bass_step = _text(item, "bass/bass-step")
        bass = None
        if bass_step:
            bass = (_pitch_class(bass_step, _number(item, "bass/bass-alter", 0.0)) + part.transposition) % 12
        quality = QUALITIES_OF_KINDS.get(kind, "maj")
        assert quality in QUALITIES
        self._chords.setdefault(at, Chord(root % 12, quality, None if bass == root % 12 else bass))


def _note(item: ET.Element, part: _Part, start: float, duration: float) -> None:
    if item.find("rest") is not None or duration == 0:
        return
    pitch = _pitch(item, part)
    if pitch is None:
        return
    ties = {t.get("type") for t in item.iterfind("tie")}
    voice = _text(item, "voice")
    held = _held(part, voice, pitch) if "stop" in ties else None
    if held is not None:
        index = part.sounding.pop(held)
        before = part.notes[index]
        part.notes[index] = replace(before, duration=start + duration - before.start)
        if "start" in ties:
            part.sounding[voice, pitch] = index
        return
    velocity = part.velocity
    if item.get("dynamics"):
        velocity = min(max(round(float(item.get("dynamics", "")) * 0.9), 1), 127)
    part.notes.append(Note(start, duration, pitch, velocity, lyric=_lyric(item)))
    if "start" in ties:
        part.sounding[voice, pitch] = len(part.notes) - 1


def _held(part: _Part, voice: str, pitch: int) -> tuple[str, int] | None:
    """The tied note that this one continues: its own voice's, else (some programs change voices) any of its pitch."""
    if (voice, pitch) in part.sounding:
        return voice, pitch
    return next((key for key in part.sounding if key[1] == pitch), None)


def _pitch(item: ET.Element, part: _Part) -> int | None:
    if item.find("unpitched") is not None:
        part.is_drum = True
        instrument = item.find("instrument")
        if instrument is not None and instrument.get("id") in part.keys:
            return part.keys[str(instrument.get("id"))]
        place = (_text(item, "unpitched/display-step"), int(_number(item, "unpitched/display-octave", 5.0)))
        return _DRUM_KEYS.get(place, 38)
    if item.find("pitch") is None:
        return None
    octave = int(_number(item, "pitch/octave"))
    step = pitch_class_from_name(_text(item, "pitch/step"))
    pitch = 12 * (octave + 1) + step + round(_number(item, "pitch/alter", 0.0)) + part.transposition
    if not 0 <= pitch <= 127:
        raise ValueError(f"a note has the pitch {pitch}")
    return pitch


def _lyric(item: ET.Element) -> str:
    lyric = next(iter(item.iterfind("lyric")), None)
    if lyric is None:
        return ""
    text = "".join((t.text or "") for t in lyric.iterfind("text")).strip()
    kind = _text(lyric, "syllabic")
    if not text:
        return ""
    # "well-" as a whole word must not look like the beginning of one.
    text = f"{OWN_HYPHEN if text.startswith('-') else ''}{text}{OWN_HYPHEN if text.endswith('-') else ''}"
    return f"{'-' if kind in ('middle', 'end') else ''}{text}{'-' if kind in ('begin', 'middle') else ''}"


def _declared_part(element: ET.Element | None, index: int) -> _Part:
    if element is None:
        return _Part(f"part {index + 1}", 0, {}, is_drum=False)
    keys: dict[str, int] = {}
    for midi in element.iterfind("midi-instrument"):
        key = _number(midi, "midi-unpitched", 0.0)
        if 1 <= key <= 128:
            keys[midi.get("id", "")] = int(key) - 1
    program = int(_number(element, "midi-instrument/midi-program", 1.0)) - 1
    is_drum = _text(element, "midi-instrument/midi-channel") == "10"
    name = " ".join(_text(element, "part-name").split()) or f"part {index + 1}"
    return _Part(name, min(max(program, 0), 127), keys, is_drum)


def _pitch_class(step: str, alteration: float) -> int:
    return (pitch_class_from_name(step) + round(alteration)) % 12


def _without_repeats(meters: list[TimeSignature]) -> tuple[TimeSignature, ...]:
    kept: list[TimeSignature] = []
    for meter in meters:
        if not kept or (kept[-1].numerator, kept[-1].denominator) != (meter.numerator, meter.denominator):
            kept.append(meter)
    return tuple(kept)


def _until_next(found: dict[float, _T], end: float) -> Iterator[tuple[float, float, _T]]:
    """(start, end, what): each lasts until the next one."""
    starts = sorted(found)
    for start, stop in pairwise([*starts, max(end, *starts)] if starts else []):
        if stop > start:
            yield start, stop, found[start]
