"""A folder of recordings as notes to learn from, and what is wrong with it in plain words.

Each file is a note or a phrase. A phrase is cut where its pitch or a new onset tells (`dsp.segment`); a note begins
where its level rises out of the silence before it, and its key is let go where the level bends down for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.io import read
from descant.audio.resample import resample
from descant.dsp.pitch import PitchTrack, hz_to_midi
from descant.errors import DescantError, InputNotFound, NothingHeard
from descant.files import PathLike, as_path
from descant.instrument.own.cutting import Cut, cut, envelope_db
from descant.instrument.own.faults import condition
from descant.instrument.own.pitches import Pitch, heard_pitch
from descant.nets.partial_synth import SAMPLE_RATE
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.wav_folder import name_of_note, note_of_name, velocity_of_name

Floats = NDArray[np.float32]

SHORTEST_S, LONGEST_S = 0.15, 6.0
"""A shorter note tells too little; of a longer one the beginning is taken."""
MOST_FILES, LONGEST_FILE_S = 300, 180.0
FEW_PITCHES = 3
"""From so many on, the notes between are well known."""

_DISAGREE = 0.7
_SAME_OCTAVE = 0.5
_LOUDEST_VELOCITY, _SOFTEST_VELOCITY = 127, 20
_DB_PER_TENFOLD = 40.0
_KEYS_DIFFER_DB = 12.0
_VOICED_SHARE = 0.2


class Tracker(Protocol):
    """Hears the pitch of one voice; `nets.swift_f0.SwiftF0` is one."""

    def __call__(self, clip: Clip, *, cancel: CancelToken | None = None) -> PitchTrack:
        """The track of a clip."""
        ...


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to say about a file.

    Attributes:
        file: Its name; empty where it is about all of them.
        text: What is wrong, or was done about it, in a sentence.
        is_fault: Whether the file, or this note of it, cannot be used.
    """

    file: str
    text: str
    is_fault: bool

    def __str__(self) -> str:
        return f"{self.file}: {self.text}" if self.file else self.text


@dataclass(frozen=True, slots=True, eq=False)
class OwnNote:
    """A note to learn from.

    Attributes:
        file: Where it comes from.
        samples: [2, samples] at 48 kHz; the key is struck at sample 0.
        pitch: Fractional MIDI number.
        velocity: 1 to 127.
        held_s: When the key is let go, in seconds; the whole length where that is not heard.
        is_released: Whether it is.
    """

    file: str
    samples: Floats
    pitch: float
    velocity: int
    held_s: float
    is_released: bool


@dataclass(frozen=True, slots=True, eq=False)
class Recordings:
    """What a folder holds.

    Attributes:
        notes: Those that can be learned from, in the order of pitch.
        remarks: All that is to be said.
        gain_db: What the recordings were made louder by, all by the same.
    """

    notes: tuple[OwnNote, ...]
    remarks: tuple[Remark, ...]
    gain_db: float

    @property
    def pitches(self) -> tuple[int, ...]:
        """Keys that are there."""
        return tuple(sorted({round(note.pitch) for note in self.notes}))


LOUDEST_DB = -10.0
"""Level (RMS over 50 ms) of the loudest note after the gain: that of the stock instruments at velocity 127."""


def read_recordings(
    source: PathLike,
    tracker: Tracker,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Recordings:
    """All notes of a folder, or of one file.

    Velocities come from names ("_v90", "_ff") or from levels: the loudest note of a key is at 127, and one that is
    softer by d dB at 127 / 10^(d/40), as General MIDI's recommended practice has it. Keys differ by up to 12 dB when
    they are struck alike (low notes of a saxophone are softer than high ones); what is softer still was played softer.

    Args:
        source: Folder with audio files at any depth, or one file.
        tracker: Hears pitches.
        progress: Receives the share that is done.
        cancel: Stops between files.

    Raises:
        InputNotFound: There is no such folder, or it holds no audio files.
        NothingHeard: Nothing in it can be learned from; all faults are said.
    """
    files, remarks = _files_of(as_path(source))
    monitor = Monitor(progress, cancel, "listening")
    notes: list[OwnNote] = []
    for done, file in enumerate(files):
        monitor.report(done / len(files))
        found, said = _read_file(file, tracker, cancel)
        notes += found
        remarks += said
    monitor.report(1.0)
    if not notes:
        raise NothingHeard(
            f"Nothing in {source} can be learned from. " + " ".join(str(remark) for remark in remarks),
            "Record single notes, or a phrase of them one after the other: half a second each or longer, no chords.",
        )
    return _levelled(notes, remarks)


def _files_of(path: Path) -> tuple[list[Path], list[Remark]]:
    if path.is_file():
        return [path], []
    if not path.is_dir():
        raise InputNotFound(f"{path} does not exist.", "Give a folder of recordings, or one recording.")
    everything = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
    files = [p for p in everything if p.suffix.lower() in AUDIO_SUFFIXES]
    if not everything:
        raise InputNotFound(f"{path} is empty.", "Put some recorded notes into it (WAV, FLAC, MP3 and others).")
    if not files:
        raise InputNotFound(
            f"{path} holds no audio: {', '.join(p.name for p in everything[:3])}"
            + (f" and {len(everything) - 3} more." if len(everything) > 3 else "."),
            "Put some recorded notes into it (WAV, FLAC, MP3 and others).",
        )
    remarks = []
    if len(files) > MOST_FILES:
        remarks.append(Remark("", f"Of {len(files)} files the first {MOST_FILES} are used.", is_fault=False))
    return files[:MOST_FILES], remarks


def _read_file(file: Path, tracker: Tracker, cancel: CancelToken | None) -> tuple[list[OwnNote], list[Remark]]:
    remarks: list[Remark] = []

    def say(text: str, *, is_fault: bool) -> None:
        remarks.append(Remark(file.name, text, is_fault=is_fault))

    try:
        clip = read(file, end_s=LONGEST_FILE_S)
    except DescantError as error:
        say(f"cannot be read ({error.message.rstrip('.')}).", is_fault=True)
        return [], remarks
    stereo, caveats, fault = condition(clip)
    for text in caveats:
        say(text, is_fault=False)
    if fault:
        say(fault, is_fault=True)
        return [], remarks
    whole = resample(Clip(stereo, clip.sample_rate), SAMPLE_RATE)
    track = tracker(whole, cancel=cancel)
    parts = cut(whole, track)
    if not parts:
        say("is only a click: nothing in it lasts.", is_fault=True)
    name = note_of_name(file.stem) if len(parts) == 1 else None
    velocity = 0
    if len(parts) == 1:
        velocity = (name.velocity if name else velocity_of_name(file.stem)) or 0
    notes = []
    for part in parts:
        where = f" at {part.start / SAMPLE_RATE:.2f} s" if len(parts) > 1 else ""
        note = _note(file, whole, part, track, name.pitch if name else None, where, remarks)
        if note is not None:
            notes.append(replace(note, velocity=velocity))
    if len(parts) > 1 and notes:
        said = f"is a phrase: {len(notes)} of its {len(parts)} notes are used."
        say(said, is_fault=False)
    return notes, remarks


def _note(
    file: Path, whole: Clip, part: Cut, track: PitchTrack, named: int | None, where: str, remarks: list[Remark]
) -> OwnNote | None:
    """A note of a file; None, with the reason among the remarks, where it is none."""
    samples = np.ascontiguousarray(whole.samples[:, part.start : min(part.end, part.start + _frames(LONGEST_S))])
    length_s = samples.shape[1] / SAMPLE_RATE
    if min(length_s, part.held / SAMPLE_RATE) < SHORTEST_S:
        text = f"the note{where} lasts {length_s:.2f} s, and less than {SHORTEST_S:g} s tells too little."
        remarks.append(Remark(file.name, text, is_fault=True))
        return None
    held = min(part.held / SAMPLE_RATE, length_s)
    pitch = heard_pitch(samples[:, : _frames(held)], _tracked(track, part), named)
    if pitch is None:
        text = f"no pitch is heard{where}: it is noise, or a drum."
        remarks.append(Remark(file.name, text, is_fault=True))
        return None
    if pitch.second is not None:
        both = " and ".join(key_name(midi) for midi in sorted((pitch.midi, pitch.second)))
        text = f"two pitches sound at once{where} ({both}): only single notes can be learned from."
        remarks.append(Remark(file.name, text, is_fault=True))
        return None
    if named is not None and abs(pitch.midi - named) > _DISAGREE:
        remarks.append(Remark(file.name, _disagreement(pitch, named), is_fault=False))
    is_released = part.is_released and held < length_s
    return OwnNote(file.name, samples, pitch.midi, 0, held, is_released)


def _disagreement(pitch: Pitch, named: int) -> str:
    octaves = (pitch.midi - named) / 12.0
    if abs(octaves - round(octaves)) * 12.0 < _SAME_OCTAVE:
        count = abs(round(octaves))
        away = f"{count} octave{'s' if count > 1 else ''} {'higher' if octaves > 0 else 'lower'}"
        return f"its name says {key_name(named)}, but it sounds {away}; {key_name(pitch.midi)} is taken."
    return f"its name says {key_name(named)}, but {key_name(pitch.midi)} is heard, and taken."


def _tracked(track: PitchTrack, part: Cut) -> float | None:
    """The median of what the tracker heard in a note."""
    if part.midi is not None:
        return part.midi
    inside = (track.times_s >= part.start / SAMPLE_RATE) & (track.times_s < (part.start + part.held) / SAMPLE_RATE)
    voiced = inside & track.voiced
    if not inside.any() or voiced.sum() < _VOICED_SHARE * inside.sum():
        return None
    return float(np.median(hz_to_midi(track.f0_hz[voiced])))


def _levelled(notes: Sequence[OwnNote], remarks: list[Remark]) -> Recordings:
    """Velocities from levels, and one gain for all."""
    levels = [float(envelope_db(note.samples, 0.05).max()) for note in notes]
    loudest = max(levels)
    of_keys: dict[int, float] = {}
    for note, level in zip(notes, levels, strict=True):
        of_keys[round(note.pitch)] = max(level, of_keys.get(round(note.pitch), -np.inf))
    gain_db = LOUDEST_DB - loudest
    gain = np.float32(10.0 ** (gain_db / 20.0))
    found = []
    for note, level in zip(notes, levels, strict=True):
        softer_db = max(of_keys[round(note.pitch)], loudest - _KEYS_DIFFER_DB) - level
        by_level = round(_LOUDEST_VELOCITY * 10.0 ** (-softer_db / _DB_PER_TENFOLD))
        velocity = note.velocity or max(by_level, _SOFTEST_VELOCITY)
        found.append(replace(note, samples=note.samples * gain, velocity=velocity))
    found.sort(key=lambda note: (note.pitch, note.velocity, note.file))
    recordings = Recordings(tuple(found), tuple(remarks), gain_db)
    if len(recordings.pitches) < FEW_PITCHES:
        keys = ", ".join(key_name(pitch) for pitch in recordings.pitches)
        text = f"Only {keys} can be heard: other notes will be guesses. Three pitches or more are better."
        recordings = replace(recordings, remarks=(*remarks, Remark("", text, is_fault=False)))
    return recordings


def key_name(midi: float) -> str:
    """The name of the nearest key: "C4" is 60."""
    return name_of_note(max(0, min(127, round(midi))), 1).split("_", maxsplit=1)[0]


def _frames(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)
