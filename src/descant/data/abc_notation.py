"""A reader for tunes in ABC notation (abcnotation.com, standard 2.1): the part of it that folk collections use.

Read are metre, note length and key (with modes and extra accidentals), notes, rests, chords in brackets, accidentals
that last to the bar's end in their octave (as on a staff), broken rhythm, tuplets and ties. Repeats are not played
twice and all endings follow one another; grace notes, decorations, chord symbols, slurs and words are passed over. One
tune is read: the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from descant.errors import ScoreReadError
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap, TimeSignature

_BPM = 120.0
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_MODES = {
    "": 0,
    "maj": 0,
    "ion": 0,
    "m": -3,
    "min": -3,
    "aeo": -3,
    "mix": -1,
    "dor": -2,
    "phr": -4,
    "lyd": 1,
    "loc": -5,
}
_SHARPS = "FCGDAEB"
_ACCIDENTALS = {"^^": 2, "^": 1, "=": 0, "_": -1, "__": -2}
_COMPOUND = ((6, 8), (9, 8), (12, 8))

_TOKEN = re.compile(
    r"""(?P<field>\[[A-Za-z]:[^\]]*\])
    | (?P<ending>(?:\||:)\s*\[?[1-9][,\-1-9]*|\[[1-9][,\-1-9]*)
    | (?P<bar>[:|]*\|[:|\]]*|::+|\[\||:)
    | (?P<skipped>"[^"]*"|![^!\n]*!|\+[^+\n]*\+|\{[^}]*\})
    | (?P<tuplet>\((?P<p>[2-9])(?::(?P<q>[0-9]*))?(?::(?P<r>[0-9]*))?)
    | (?P<chord>\[(?=[\^_=A-Ga-g~.uv"]))
    | (?P<note>(?P<accidental>\^\^|__|[\^_=])?(?P<letter>[A-Ga-gz])(?P<octave>[,']*)(?P<length>[0-9]*/*[0-9]*))
    | (?P<close>\](?P<chordlength>[0-9]*/*[0-9]*))
    | (?P<broken>>+|<+)
    | (?P<tie>-)""",
    re.VERBOSE,
)
_KEY = re.compile(r"\s*([A-G])([#b]?)\s*([A-Za-z]*)((?:\s*(?:\^\^|__|[\^_=])[a-gA-G])*)")
_EXTRA = re.compile(r"(\^\^|__|[\^_=])([a-gA-G])")


@dataclass(slots=True)
class _Sounding:
    """What one place of the tune holds: pitches (none for a rest) and the length written, in quarters."""

    pitches: tuple[int, ...]
    length: Fraction
    is_tied: bool = False


@dataclass(slots=True)
class _Reader:
    """The state of a tune while it is read."""

    name: str
    meter: tuple[int, int] = (4, 4)
    unit: Fraction | None = None
    key: dict[str, int] | None = None
    in_bar: dict[tuple[str, int], int] = field(default_factory=dict)
    places: list[_Sounding] = field(default_factory=list)
    chord: list[int] | None = None
    chord_unit: Fraction = Fraction(1)
    tuplet: tuple[Fraction, int] = (Fraction(1), 0)
    pending: Fraction | None = None

    def set_field(self, letter: str, text: str) -> None:
        text = text.split("%")[0].strip()
        if letter == "M":
            self.meter = _meter(text, self.meter)
        elif letter == "L":
            match = re.match(r"(\d+)\s*/\s*(\d+)", text)
            if match and int(match[2]):
                self.unit = Fraction(4 * int(match[1]), int(match[2]))
        elif letter == "K":
            self.key = _key(text, self.name)

    @property
    def note_length(self) -> Fraction:
        """In quarters; by the standard a sixteenth in short metres and an eighth in others, unless the tune says."""
        if self.unit is not None:
            return self.unit
        return Fraction(1, 4) if Fraction(*self.meter) < Fraction(3, 4) else Fraction(1, 2)

    def line(self, text: str) -> None:
        for match in _TOKEN.finditer(text.split("%")[0]):
            kind = match.lastgroup if match["note"] is None else "note"
            if match["field"]:
                self.set_field(match["field"][1], match["field"][3:-1])
            elif match["bar"] or match["ending"]:
                self.in_bar.clear()
            elif match["tuplet"]:
                self.tuplet = self._tuplet(match)
            elif match["chord"]:
                self.chord = []
            elif kind == "note":
                self._note(match)
            elif match["close"] and self.chord is not None:
                pitches, self.chord = tuple(self.chord), None
                self._add(pitches, self.chord_unit * _multiple(match["chordlength"]))
            elif match["broken"]:
                self._break(match["broken"])
            elif match["tie"] and self.places:
                self.places[-1].is_tied = True

    def _tuplet(self, match: re.Match[str]) -> tuple[Fraction, int]:
        p = int(match["p"])
        usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(p, 3 if self.meter in _COMPOUND else 2)
        return Fraction(int(match["q"] or usual), p), int(match["r"] or p)

    def _note(self, match: re.Match[str]) -> None:
        multiple = _multiple(match["length"])
        pitch = () if match["letter"] == "z" else (self._pitch(match),)
        if self.chord is None:
            self._add(pitch, multiple)
            return
        if not self.chord:
            self.chord_unit = multiple
        self.chord += pitch

    def _pitch(self, match: re.Match[str]) -> int:
        letter = match["letter"].upper()
        octave = 5 + match["letter"].islower() + match["octave"].count("'") - match["octave"].count(",")
        if match["accidental"]:
            self.in_bar[letter, octave] = _ACCIDENTALS[match["accidental"]]
        raised = self.in_bar.get((letter, octave), (self.key or {}).get(letter, 0))
        return 12 * octave + _NATURALS[letter] + raised

    def _add(self, pitches: tuple[int, ...], multiple: Fraction) -> None:
        length = multiple * self.note_length
        factor, left = self.tuplet
        if left:
            length *= factor
            self.tuplet = (factor, left - 1)
        if self.pending is not None:
            length *= self.pending
            self.pending = None
        self.places.append(_Sounding(pitches, length))

    def _break(self, signs: str) -> None:
        """a>b: the first is dotted and the second halved; a<b the other way round."""
        if not self.places:
            return
        short = Fraction(1, 2 ** len(signs))
        first, second = (2 - short, short) if signs[0] == ">" else (short, 2 - short)
        self.places[-1].length *= first
        self.pending = second

    def notes(self) -> Iterator[Note]:
        at = Fraction(0)
        held: dict[int, Fraction] = {}  # pitch to the start of a tied note
        for place in self.places:
            end = at + place.length
            for pitch in place.pitches:
                start = held.pop(pitch, at)
                if place.is_tied:
                    held[pitch] = start
                elif 0 <= pitch <= 127 and end > start:
                    yield Note(float(start), float(end - start), pitch)
            for pitch in [p for p in held if p not in place.pitches]:
                yield Note(float(held[pitch]), float(at - held[pitch]), pitch)  # the tie leads nowhere
                del held[pitch]
            at = end
        yield from (Note(float(start), float(at - start), pitch) for pitch, start in held.items())


def score_from_abc(data: bytes, name: str) -> Score:
    """Read the first tune of an ABC file.

    Args:
        data: The file's bytes (UTF-8 or Latin-1).
        name: For messages.

    Returns:
        One track, "melody", at a nominal 120 quarters a minute.

    Raises:
        ScoreReadError: It has no key, no notes, or a field that makes no sense.
    """
    reader = _Reader(name)
    seen_number = False
    for line in _text(data).splitlines():
        if line.startswith("X:"):
            if seen_number:
                break
            seen_number = True
        elif re.match(r"[A-Za-z]:", line):
            reader.set_field(line[0], line[2:])
        elif reader.key is not None:
            reader.line(line)
    notes = tuple(reader.notes())
    if reader.key is None or not notes:
        raise ScoreReadError(f"{name} is no tune in ABC notation.", "It needs a line K: and notes after it.")
    signature = TimeSignature(0.0, *reader.meter)
    return Score((Track("melody", notes, 40),), TempoMap.constant(_BPM), (signature,))


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _meter(text: str, before: tuple[int, int]) -> tuple[int, int]:
    if text.startswith("C|"):
        return 2, 2
    if text.startswith("C"):
        return 4, 4
    match = re.match(r"(\d{1,2})\s*/\s*(1|2|4|8|16|32)\b", text)
    return (int(match[1]), int(match[2])) if match and int(match[1]) else before


def _key(text: str, name: str) -> dict[str, int]:
    match = _KEY.match(text)
    if match is None:
        raise ScoreReadError(f"{name} has a key that makes no sense: {text[:20]!r}.", "Write it like K:Ador.")
    word = match[3].lower()
    mode = word if word in ("", "m") else word[:3]
    if mode not in _MODES:
        raise ScoreReadError(f"{name} has an unknown mode: {text[:20]!r}.", "Write it like K:Ador.")
    fifths = _FIFTHS[match[1]] + 7 * ((match[2] == "#") - (match[2] == "b")) + _MODES[mode]
    raised = dict.fromkeys(_SHARPS[: max(fifths, 0)], 1)
    raised |= dict.fromkeys(_SHARPS[::-1][: max(-fifths, 0)], -1)
    return raised | {letter.upper(): _ACCIDENTALS[sign] for sign, letter in _EXTRA.findall(match[4])}


def _multiple(text: str) -> Fraction:
    """A note's length as a multiple of the unit: "", "3", "/", "//", "/4", "3/2"."""
    whole, *parts = text.partition("/")
    slashes = parts[0] + parts[1]
    if not slashes:
        return Fraction(int(whole or 1))
    digits = slashes.lstrip("/")
    below = int(digits) if digits else 2 ** slashes.count("/")
    return Fraction(int(whole or 1), below or 1)
