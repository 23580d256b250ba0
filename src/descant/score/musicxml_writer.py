"""`Score` to MusicXML 4.0 (partwise). Elements stand in the order the schema asks for."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree as ET

from descant.score.general_midi import DRUMS, family
from descant.score.harmony import NO_CHORD, Chord, Key
from descant.score.musicxml_names import KINDS, dynamic_of
from descant.score.notation import Bar, Part, Sign, lay_out_bars, lay_out_part, spell
from descant.score.notes import HELD, OWN_HYPHEN, Note, Score, Track
from descant.score.quantise import UNITS, on_finest

_DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_TEMPO_STEP = 0.02  # smaller changes of tempo are played, not printed
_LOW_STAFF = 55  # tracks that lie lower on average get a bass clef
_OTHER_DRUM = ("C", 5, "normal")
_CHORD_GRID = 12


def score_to_musicxml(score: Score, *, title: str) -> bytes:
    """The bytes of a .musicxml file.

    Raises:
        InvalidOption: A time signature cannot be written.
    """
    bars = lay_out_bars(score)
    tracks = score.tracks or (Track("melody", ()),)
    root = ET.Element("score-partwise", version="4.0")
    if title:
        ET.SubElement(ET.SubElement(root, "work"), "work-title").text = _clean(title)
    identification = ET.SubElement(root, "identification")
    ET.SubElement(ET.SubElement(identification, "encoding"), "software").text = "Descant"
    part_list = ET.SubElement(root, "part-list")
    # Chord symbols and sections stand over the first part that is not drums.
    leader = next((i for i, t in enumerate(tracks) if not t.is_drum), 0)
    channels = iter(c for c in range(1, 10_000) if c % 16 != 10)
    for index, track in enumerate(tracks):
        _declare(part_list, track, index, 10 if track.is_drum else (next(channels) - 1) % 16 + 1)
    for index, track in enumerate(tracks):
        part = lay_out_part(track, score, bars)
        _PartWriter(root, part, f"P{index + 1}", score, bars, is_leader=index == leader, is_first=index == 0).write()
    ET.indent(root)
    return (_DOCTYPE + ET.tostring(root, encoding="unicode") + "\n").encode()


def _declare(part_list: ET.Element, track: Track, index: int, channel: int) -> None:
    part = ET.SubElement(part_list, "score-part", id=f"P{index + 1}")
    ET.SubElement(part, "part-name").text = _clean(track.name) or f"Part {index + 1}"
    keys = sorted({n.pitch for n in track.notes}) if track.is_drum else []
    names = [(f"P{index + 1}-I{k + 1}", DRUMS.get(k, (f"Drum {k}",))[0], k) for k in keys]
    for identifier, name, _ in names or [(f"P{index + 1}-I1", family(track.program), 0)]:
        instrument = ET.SubElement(part, "score-instrument", id=identifier)
        ET.SubElement(instrument, "instrument-name").text = name
    for identifier, _, key in names or [(f"P{index + 1}-I1", "", -1)]:
        midi = ET.SubElement(part, "midi-instrument", id=identifier)
        ET.SubElement(midi, "midi-channel").text = str(channel)
        ET.SubElement(midi, "midi-program").text = str(min(max(track.program, 0), 127) + 1)
        if key >= 0 and track.is_drum:
            ET.SubElement(midi, "midi-unpitched").text = str(key + 1)


@dataclass(slots=True)
class _PartWriter:
    """Writes one part measure by measure."""

    root: ET.Element
    part: Part
    identifier: str
    score: Score
    bars: tuple[Bar, ...]
    is_leader: bool
    is_first: bool
    chords: dict[int, list[tuple[int, Chord]]] | None = None
    melismas: dict[Note, str] | None = None

    def write(self) -> None:
        element = ET.SubElement(self.root, "part", id=self.identifier)
        self.chords = self._chords_by_bar() if self.is_leader else {}
        self.melismas = _melismas(self.part.track)
        marks = self._dynamics()
        bpm = 0.0
        for index, bar in enumerate(self.bars):
            measure = ET.SubElement(element, "measure", number=str(index + 1))
            if bar.is_partial:
                measure.set("implicit", "yes")
            self._attributes(measure, bar, is_first=index == 0)
            if self.is_leader:
                self._rehearsal_marks(measure, bar)
            if self.is_first:
                bpm = self._tempo(measure, bar, bpm)
            if index in marks:
                _direction(measure, "below", ("dynamics", marks[index]))
            self._music(measure, index)

    def _attributes(self, measure: ET.Element, bar: Bar, *, is_first: bool) -> None:
        if not is_first and not bar.is_new_meter:
            return
        attributes = ET.SubElement(measure, "attributes")
        staves = len(self.part.voices)
        if is_first:
            ET.SubElement(attributes, "divisions").text = str(UNITS)
            key = ET.SubElement(attributes, "key")
            ET.SubElement(key, "fifths").text = str(self.score.key.fifths if self.score.key else 0)
            if self.score.key:
                ET.SubElement(key, "mode").text = self.score.key.mode
        if bar.is_new_meter:
            time = ET.SubElement(attributes, "time")
            ET.SubElement(time, "beats").text = str(bar.meter.numerator)
            ET.SubElement(time, "beat-type").text = str(bar.meter.denominator)
        if is_first:
            if staves > 1:
                ET.SubElement(attributes, "staves").text = str(staves)
            for staff in range(staves):
                clef = ET.SubElement(attributes, "clef")
                if staves > 1:
                    clef.set("number", str(staff + 1))
                sign, line = self._clef(staff)
                ET.SubElement(clef, "sign").text = sign
                if line:
                    ET.SubElement(clef, "line").text = line

    def _clef(self, staff: int) -> tuple[str, str]:
        track = self.part.track
        if track.is_drum:
            return "percussion", ""
        if len(self.part.voices) > 1:
            return ("F", "4") if staff else ("G", "2")
        pitches = [n.pitch for n in track.notes]
        is_low = bool(pitches) and sum(pitches) / len(pitches) < _LOW_STAFF
        return ("F", "4") if is_low else ("G", "2")

    def _rehearsal_marks(self, measure: ET.Element, bar: Bar) -> None:
        for section in self.score.sections:
            start = on_finest(section.start)
            if bar.start <= start < bar.end and section.label.strip():
                _direction(measure, "above", ("rehearsal", section.label), offset=start - bar.start)

    def _tempo(self, measure: ET.Element, bar: Bar, before: float) -> float:
        tempo = self.score.tempo
        # The mean over the bar: single beats of a free tempo are no tempo marks.
        first, last = bar.start / UNITS, bar.end / UNITS
        bpm = 60.0 * (last - first) / (tempo.seconds(last) - tempo.seconds(first))
        if before and abs(bpm / before - 1.0) < _TEMPO_STEP:
            return before
        direction = ET.SubElement(measure, "direction", placement="above")
        metronome = ET.SubElement(ET.SubElement(direction, "direction-type"), "metronome")
        if before:
            metronome.set("print-object", "no")
        ET.SubElement(metronome, "beat-unit").text = "quarter"
        ET.SubElement(metronome, "per-minute").text = f"{bpm:.0f}"
        ET.SubElement(direction, "sound", tempo=f"{bpm:.4f}")
        return bpm

    def _dynamics(self) -> dict[int, str]:
        """A mark where the track begins, and where a section begins with another."""
        starts = sorted({0, *(self._bar_at(on_finest(s.start)) for s in self.score.sections)})
        velocities: dict[int, list[int]] = defaultdict(list)
        for note in self.part.track.notes:
            velocities[bisect_right(starts, self._bar_at(on_finest(note.start))) - 1].append(note.velocity)
        marks: dict[int, str] = {}
        last = ""
        for index, values in sorted(velocities.items()):
            mark = dynamic_of(sum(values) / len(values))
            if mark != last:
                marks[starts[index]] = last = mark
        return marks

    def _bar_at(self, unit: int) -> int:
        return max(0, min(bisect_right([b.start for b in self.bars], unit) - 1, len(self.bars) - 1))

    def _chords_by_bar(self) -> dict[int, list[tuple[int, Chord]]]:
        """Changes of chord; where no chord follows at once, "no chord" does."""
        found: dict[int, list[tuple[int, Chord]]] = defaultdict(list)
        changes: dict[int, Chord] = {}
        for span in self.score.chords:
            start, end = (round(q * UNITS / _CHORD_GRID) * _CHORD_GRID for q in (span.start, span.end))
            changes[start] = span.chord
            changes[end] = NO_CHORD
        last = NO_CHORD
        for unit, chord in sorted(changes.items()):
            if chord != last and unit < self.bars[-1].end:
                found[self._bar_at(unit)].append((unit, chord))
                last = chord
        return found

    def _music(self, measure: ET.Element, index: int) -> None:
        bar = self.bars[index]
        pending = list((self.chords or {}).get(index, []))
        for staff, voices in enumerate(self.part.voices):
            for number, voice in enumerate(voices):
                if staff or number:
                    backup = ET.SubElement(measure, "backup")
                    ET.SubElement(backup, "duration").text = str(bar.end - bar.start)
                for sign in voice[index]:
                    while pending and pending[0][0] < sign.start + sign.value.units:
                        unit, chord = pending.pop(0)
                        _harmony(measure, chord, self.score.key, unit - sign.start)
                    self._sign(measure, sign, staff, voice_number=4 * staff + number + 1)

    def _sign(self, measure: ET.Element, sign: Sign, staff: int, *, voice_number: int) -> None:
        if not sign.notes:
            note = ET.SubElement(measure, "note")
            rest = ET.SubElement(note, "rest")
            if sign.fills_bar:
                rest.set("measure", "yes")
            self._common(note, sign, None, staff, voice_number, is_first=True)
        for position, sounding in enumerate(sign.notes):
            note = ET.SubElement(measure, "note")
            if position:
                ET.SubElement(note, "chord")
            self._pitch(note, sounding)
            self._common(note, sign, sounding, staff, voice_number, is_first=position == 0)

    def _pitch(self, note: ET.Element, sounding: Note) -> None:
        if self.part.track.is_drum:
            _, step, octave, _ = DRUMS.get(sounding.pitch, ("", *_OTHER_DRUM))
            unpitched = ET.SubElement(note, "unpitched")
            ET.SubElement(unpitched, "display-step").text = step
            ET.SubElement(unpitched, "display-octave").text = str(octave)
            return
        step, alteration, octave = spell(sounding.pitch, self.score.key)
        pitch = ET.SubElement(note, "pitch")
        ET.SubElement(pitch, "step").text = step
        if alteration:
            ET.SubElement(pitch, "alter").text = str(alteration)
        ET.SubElement(pitch, "octave").text = str(octave)

    def _common(
        self, note: ET.Element, sign: Sign, sounding: Note | None, staff: int, voice_number: int, *, is_first: bool
    ) -> None:
        """Duration to lyric, in the order of the schema."""
        ET.SubElement(note, "duration").text = str(sign.value.units)
        ties = [kind for kind, on in (("stop", sign.tied_back), ("start", sign.tied_on)) if on] if sounding else []
        for kind in ties:
            ET.SubElement(note, "tie", type=kind)
        is_drum = self.part.track.is_drum
        if is_drum and sounding:
            ET.SubElement(note, "instrument", id=f"{self.identifier}-I{sounding.pitch + 1}")
        ET.SubElement(note, "voice").text = str(voice_number)
        if sign.value.type:
            ET.SubElement(note, "type").text = sign.value.type
        for _ in range(sign.value.dots):
            ET.SubElement(note, "dot")
        if sign.value.is_triplet:
            modification = ET.SubElement(note, "time-modification")
            ET.SubElement(modification, "actual-notes").text = "3"
            ET.SubElement(modification, "normal-notes").text = "2"
        if is_drum and sounding and (head := DRUMS.get(sounding.pitch, ("", *_OTHER_DRUM))[3]) != "normal":
            ET.SubElement(note, "notehead").text = head
        if len(self.part.voices) > 1:
            ET.SubElement(note, "staff").text = str(staff + 1)
        if ties or (sign.triplet and is_first):
            notations = ET.SubElement(note, "notations")
            for kind in ties:
                ET.SubElement(notations, "tied", type=kind)
            if sign.triplet and is_first:
                ET.SubElement(notations, "tuplet", type=sign.triplet)
        if sounding and not sign.tied_back:
            self._lyric(note, sounding)

    def _lyric(self, note: ET.Element, sounding: Note) -> None:
        """A syllable; hyphens at its ends say that the word goes on, and an extension that it lasts."""
        text = _clean(sounding.lyric).strip()
        syllable = text.strip("-").strip(OWN_HYPHEN)
        melisma = (self.melismas or {}).get(sounding, "")
        if not syllable or (text == HELD and not melisma):
            return
        lyric = ET.SubElement(note, "lyric", number="1")
        if text != HELD:
            kind = {(False, False): "single", (False, True): "begin", (True, True): "middle", (True, False): "end"}
            ET.SubElement(lyric, "syllabic").text = kind[text.startswith("-"), text.endswith("-")]
            ET.SubElement(lyric, "text").text = syllable
        if melisma:
            ET.SubElement(lyric, "extend", type=melisma)


def _melismas(track: Track) -> dict[Note, str]:
    """Where syllables that several notes hold start, continue and stop."""
    found: dict[Note, str] = {}
    for note, following in pairwise((*track.notes, None)):
        if note is None:
            continue
        goes_on = following is not None and following.lyric == HELD
        if note.lyric == HELD and found:
            found[note] = "continue" if goes_on else "stop"
        elif note.lyric and note.lyric != HELD and goes_on:
            found[note] = "start"
    return found


def _direction(measure: ET.Element, placement: str, what: tuple[str, str], *, offset: int = 0) -> None:
    name, text = what
    direction = ET.SubElement(measure, "direction", placement=placement)
    kind = ET.SubElement(ET.SubElement(direction, "direction-type"), name)
    if name == "dynamics":
        ET.SubElement(kind, text)
    else:
        kind.text = _clean(text)
    if offset:
        ET.SubElement(direction, "offset").text = str(offset)


def _harmony(measure: ET.Element, chord: Chord, key: Key | None, offset: int) -> None:
    harmony = ET.SubElement(measure, "harmony")
    step, alteration, _ = spell(60 + (chord.root or 0), key)
    root = ET.SubElement(harmony, "root")
    ET.SubElement(root, "root-step").text = step
    if alteration:
        ET.SubElement(root, "root-alter").text = str(alteration)
    if chord.root is None:
        ET.SubElement(harmony, "kind", text="N.C.").text = "none"
    else:
        suffix = chord.symbol()[len(Chord(chord.root).symbol()) :].split("/")[0]
        ET.SubElement(harmony, "kind", text=suffix).text = KINDS[chord.quality]
        if chord.bass is not None and chord.bass != chord.root:
            step, alteration, _ = spell(60 + chord.bass, key)
            bass = ET.SubElement(harmony, "bass")
            ET.SubElement(bass, "bass-step").text = step
            if alteration:
                ET.SubElement(bass, "bass-alter").text = str(alteration)
    if offset:
        ET.SubElement(harmony, "offset").text = str(offset)


def _clean(text: str) -> str:
    """Without the control characters that XML 1.0 cannot hold."""
    return "".join(
        c for c in text if c in "\t\n" or (c >= " " and not 0xD800 <= ord(c) < 0xE000 and c not in "\ufffe\uffff")
    )
