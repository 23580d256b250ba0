"""A folder of recorded notes whose pitch stands in their names, offered the way a SoundFont offers its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.io import probe, read
from descant.errors import InputNotFound, InvalidAudio
from descant.score.soundfont import Preset
from descant.score.zones import Region, Sample, Zone, resolve_region

_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_NOTE = re.compile(r"(?<![a-zA-Z])([a-gA-G])(#|b|s|♯|♭)?(-?\d)(?!\d)")
_NSYNTH = re.compile(r"-(\d{3})-(\d{3})$")
_NUMBER = re.compile(r"(?<![\d.])(\d{2,3})(?![\d.])")
_VELOCITY = re.compile(r"(?:^|[^a-z])(?:v|vel|velocity)[ _-]?(\d{1,3})(?!\d)")
_LOUDNESS = re.compile(r"(?:^|[^a-z])(ppp|pp|p|mp|mf|f|ff|fff)(?=$|[^a-z])")
_LEVELS = {"ppp": 16, "pp": 32, "p": 48, "mp": 64, "mf": 80, "f": 96, "ff": 112, "fff": 127}
_LOWEST_KEY, _HIGHEST_KEY = 12, 120
_KEY_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True, slots=True)
class NamedNote:
    """What a file's name says.

    Attributes:
        pitch: MIDI number, 60 is middle C (C4).
        velocity: 1 to 127; None where the name says nothing.
    """

    pitch: int
    velocity: int | None


def note_of_name(name: str) -> NamedNote | None:
    """The note that a file's name (without its suffix) tells of: "sax_C#4_ff", "piano-060-100", "Bass 40 v90".

    Returns:
        None where it tells of none.
    """
    if match := _NSYNTH.search(name):
        return NamedNote(int(match[1]), max(1, min(127, int(match[2]))))
    velocity, low = _struck(name)
    notes = [m for m in _NOTE.finditer(low) if -1 <= int(m[3]) <= 9]
    if notes:
        pitch = _pitch(notes[-1])
        return NamedNote(pitch, velocity) if 0 <= pitch <= 127 else None
    numbers = [int(m[1]) for m in _NUMBER.finditer(low) if _LOWEST_KEY <= int(m[1]) <= _HIGHEST_KEY]
    return NamedNote(numbers[-1], velocity) if numbers else None


def velocity_of_name(name: str) -> int | None:
    """How hard the key was struck, as a file's name (without its suffix) tells: 90 of "take 3_v90", 112 of "low_ff"."""
    return _struck(name)[0]


def _struck(name: str) -> tuple[int | None, str]:
    """The velocity that a name tells, and the rest of it in lower case."""
    low = name.lower()
    if match := _VELOCITY.search(low):
        return max(1, min(127, int(match[1]))), low[: match.start()] + " " + low[match.end() :]
    if match := _LOUDNESS.search(low):
        return _LEVELS[match[1]], low
    return None, low


def key_of_name(text: str) -> int | None:
    """A MIDI number from the name of a key alone ("C4", "f#3", "60"); None where it is none."""
    if text.isdecimal() and text.isascii():
        return int(text) if len(text) <= 3 and int(text) <= 127 else None
    match = _NOTE.fullmatch(text)
    pitch = _pitch(match) if match else -1
    return pitch if 0 <= pitch <= 127 else None


def name_of_note(pitch: int, velocity: int) -> str:
    """What `note_of_name` reads back: "C#4_v080"; C4 is middle C."""
    return f"{name_of_key(pitch)}_v{velocity:03d}"


def name_of_key(pitch: int) -> str:
    """What `key_of_name` reads back: "C#4"; C4 is middle C."""
    return f"{_KEY_NAMES[pitch % 12]}{pitch // 12 - 1}"


def _pitch(note: re.Match[str]) -> int:
    step, sign, octave = note[1].lower(), note[2] or "", int(note[3])
    return 12 * (octave + 1) + _STEPS[step] + {"#": 1, "s": 1, "♯": 1, "b": -1, "♭": -1}.get(sign, 0)


class WavFolder:
    """Recorded notes; each plays at the pitch of its name and at those nearer to it than to any other.

    Args:
        folder: Audio files, at any depth; those whose names tell no pitch are left out.

    Raises:
        InputNotFound: No file's name tells a pitch.
        InvalidAudio: A file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self._preset = Preset(0, 0, folder.name)
        found = {
            path: note
            for path in sorted(folder.rglob("*"))
            if path.suffix.lower() in AUDIO_SUFFIXES and (note := note_of_name(path.stem)) is not None
        }
        if not found:
            raise InputNotFound(
                f"{folder} holds no recording whose name tells its pitch.",
                "Name files like 'sax_C4.wav', 'sax_060.wav' or 'sax_C4_v90.wav'.",
            )
        self._places: dict[int, tuple[Path, int]] = {}
        self._regions = tuple(self._all_regions(found))

    def choose(self, program: int, *, is_drum: bool) -> Preset:  # noqa: ARG002 - there is only one sound
        """The one sound."""
        return self._preset

    def regions(self, preset: Preset) -> tuple[Region, ...]:  # noqa: ARG002
        """All regions."""
        return self._regions

    def wave(self, sample: Sample) -> NDArray[np.float32]:
        """One channel of a recording."""
        path, channel = self._places[sample.row]
        wave: NDArray[np.float32] = read(path).samples[channel]
        return wave

    def _all_regions(self, found: dict[Path, NamedNote]) -> list[Region]:
        pitches = sorted({note.pitch for note in found.values()})
        spans = key_zones(pitches)
        regions: list[Region] = []
        for pitch in pitches:
            layers = sorted((note.velocity or 127, path) for path, note in found.items() if note.pitch == pitch)
            tops = sorted({velocity for velocity, _ in layers})
            seen: set[int] = set()
            for velocity, path in layers:
                if velocity in seen:
                    continue  # another take of the same note
                seen.add(velocity)
                place = tops.index(velocity)
                lowest = tops[place - 1] + 1 if place else 0
                highest = velocity if place < len(tops) - 1 else 127
                regions += self._of_file(path, pitch, spans[pitch], (lowest, highest))
        return regions

    def _of_file(self, path: Path, root: int, keys: tuple[int, int], velocities: tuple[int, int]) -> list[Region]:
        info = probe(path)
        if not info.frames and info.duration_s == 0.0:
            raise InvalidAudio(f"{path} holds no sound.", "Leave it out, or record it again.")
        regions = []
        for channel in range(min(info.channels, 2)):
            row = len(self._places)
            self._places[row] = (path, channel)
            pan = 0 if info.channels == 1 else (-500, 500)[channel]
            amounts = {43: keys[0] | keys[1] << 8, 44: velocities[0] | velocities[1] << 8, 58: root, 17: pan, 54: 0,
                       38: -1800}  # fmt: skip
            sample = Sample(row, path.name, 0, 1, 0, 0, info.sample_rate, root, 0, is_vorbis=True)
            region = resolve_region(Zone({}, 0), Zone(amounts, 0), sample)
            if region is not None:
                regions.append(region)
        return regions


def key_zones(pitches: Sequence[int]) -> dict[int, tuple[int, int]]:
    """The keys that lie nearer to a pitch than to its neighbours; the upper one takes what lies in the middle."""
    spans = {}
    for place, pitch in enumerate(pitches):
        low = 0 if place == 0 else (pitches[place - 1] + pitch + 1) // 2
        high = 127 if place == len(pitches) - 1 else (pitch + pitches[place + 1] + 1) // 2 - 1
        spans[pitch] = (low, high)
    return spans
