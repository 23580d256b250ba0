"""The Nottingham collection of folk tunes with chords, as lead sheets (the MIDI files of jukedeck's cleaned copy)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from descant.data.archive import Archive
from descant.errors import InputNotFound, ScoreReadError
from descant.score.harmony import QUALITIES, Chord, ChordSpan, Key
from descant.score.midi_reader import score_from_midi
from descant.score.notes import Note, Score, Track
from descant.score.smf import parse_midi
from descant.score.tempo import TempoMap, TimeSignature

_BPM = 112.0  # the files give none
_KNOWN = ("maj", "min", "7", "dim", "min7", "maj7", "aug", "sus4")


class Nottingham:
    """The data set.

    Args:
        path: `nottingham.zip`, or the unpacked folder.

    Raises:
        InputNotFound: The path holds no Nottingham MIDI.
    """

    def __init__(self, path: Path) -> None:
        self._archive = Archive(path)
        self._files = {
            name.rsplit("/", 1)[-1].removesuffix(".mid"): name
            for name in self._archive.names
            if name.endswith(".mid") and PurePosixPath(name).parent.name == "MIDI"
        }
        if not self._files:
            raise InputNotFound(f"{path} holds no Nottingham MIDI.", "Expected a folder MIDI with tunes.")

    def tunes(self) -> Iterator[str]:
        """Names of all tunes, in order."""
        return iter(sorted(self._files))

    def load(self, tune: str) -> Score:
        """One tune: track "melody", chords, the key where its last chord confirms the signature.

        Raises:
            InputNotFound: No such tune.
            ScoreReadError: It has no chords, or its beat is not a quarter note (jigs, slip jigs).
        """
        if tune not in self._files:
            raise InputNotFound(f"Nottingham has no tune {tune!r}.")
        file = self._files[tune]
        midi = score_from_midi(parse_midi(self._archive.read_bytes(file), file), as_played=False)
        meters = {(t.numerator, t.denominator) for t in midi.time_signatures}
        if len(midi.tracks) < 2 or len(meters) != 1:
            raise ScoreReadError(f"Nottingham's {tune} has no chords, or changes its metre.")
        numerator, denominator = meters.pop()
        if denominator != 4 or numerator not in (2, 3, 4):
            raise ScoreReadError(f"The beat of Nottingham's {tune} is not a quarter note.")
        melody = tuple(Note(n.start, max(n.duration, 1 / 16), n.pitch, 90) for n in midi.tracks[0].notes)
        chords = _chords(midi.tracks[1].notes)
        key = None if midi.key is None else _key(midi.key.fifths, chords)
        bar = TimeSignature(0.0, 4 if numerator == 2 else numerator, 4)
        return Score((Track("melody", melody),), TempoMap.constant(_BPM), (bar,), key, chords)


def _chords(notes: tuple[Note, ...]) -> tuple[ChordSpan, ...]:
    together: dict[float, list[Note]] = {}
    for note in notes:
        together.setdefault(note.start, []).append(note)
    spans: list[ChordSpan] = []
    for start, group in sorted(together.items()):
        chord = _named([n.pitch for n in group])
        if chord is None:
            continue
        first, last = start, max(n.end for n in group)
        if spans and spans[-1].end > first:
            spans[-1] = ChordSpan(spans[-1].start, first, spans[-1].chord)
        if spans and spans[-1].chord == chord and spans[-1].end == first:
            spans[-1] = ChordSpan(spans[-1].start, last, chord)
        else:
            spans.append(ChordSpan(first, last, chord))
    return tuple(spans)


def _named(pitches: list[int]) -> Chord | None:
    """The chord whose tones these are, the lowest note taken as its root where that is possible."""
    classes = {p % 12 for p in pitches}
    for root in [min(pitches) % 12, *sorted(classes)]:
        for quality in _KNOWN:
            if {(root + i) % 12 for i in QUALITIES[quality]} == classes:
                return Chord(root, quality)
    return None


def _key(sharps: int, chords: tuple[ChordSpan, ...]) -> Key | None:
    if not chords or chords[-1].chord.root is None:
        return None
    major = (7 * sharps) % 12
    last = chords[-1].chord.majmin
    if (last.root, last.quality) == (major, "maj"):
        return Key(major, "major")
    if (last.root, last.quality) == ((major + 9) % 12, "min"):
        return Key((major + 9) % 12, "minor")
    return None
