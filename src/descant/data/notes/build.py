"""Build a set of notes in NSynth's form: `examples.json`, `audio/` at 16 kHz mono, `audio_48k/` in stereo.

An instrument is visible only when all its notes are written: a build that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from descant.data.notes.families import FAMILIES, QUALITIES, SOURCES
from descant.data.notes.qualities import qualities_of
from descant.data.notes.rendering import LOW_RATE, is_silent, loudest_peak, nsynth_note
from descant.data.notes.sources import NoteSource, find_sources, playable, recordings
from descant.errors import InvalidOption
from descant.files import PathLike, as_path, atomic_output, output_error
from descant.parallel import Tally, side_by_side
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.single_note import Pressed

INDEX, LOW, HIGH = "examples.json", "audio", "audio_48k"
ABOUT = "notes.json"
NSYNTH_VELOCITIES = (25, 50, 75, 100, 127)
HIGH_RATE = 48_000

_PARTS = "instruments"
_PEAK = 0.9
_PROBE_EVERY = 5
_Index = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class NotesOptions:
    """What is in a set of notes.

    Attributes:
        soundfonts: SoundFonts to take presets from.
        samples: Sample sets (.sfz), or folders to search for them.
        folders: Folders of recordings whose names tell their pitch.
        lowest: Lowest pitch.
        highest: Highest pitch.
        every: Only every so many semitones.
        velocities: How hard keys are struck.
        stretch: Semitones that a recording may be transposed by.
        most: Take at most so many instruments, evenly over those found; 0 takes all.
        fewest: Leave out instruments with fewer pitches.
        distinct: Leave out instruments that share a recording with one before them, as presets of SoundFonts do: else
            a note that is held out of one instrument is heard in another.
        families: Only these; empty takes all.
        high: Whether to write 48 kHz stereo beside 16 kHz mono.
    """

    soundfonts: tuple[Path, ...] = ()
    samples: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()
    lowest: int = 21
    highest: int = 108
    every: int = 1
    velocities: tuple[int, ...] = NSYNTH_VELOCITIES
    stretch: int = 6
    most: int = 0
    fewest: int = 1
    distinct: bool = False
    families: tuple[str, ...] = ()
    high: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.lowest <= self.highest <= 127:
            raise InvalidOption(f"Pitches {self.lowest} to {self.highest} are no span of MIDI numbers.", "Use 21:108.")
        if not self.velocities or any(not 1 <= v <= 127 for v in self.velocities):
            raise InvalidOption("Velocities lie between 1 and 127.", "Use 25,50,75,100,127.")
        if self.every < 1 or not 0 <= self.stretch <= 60 or self.most < 0 or self.fewest < 1:
            raise InvalidOption("--every and --fewest are 1 or more, --stretch 0 to 60, --most 0 or more.")
        if unknown := sorted({*self.families} - {*FAMILIES}):
            raise InvalidOption(f"There is no family {unknown[0]!r}.", f"Known: {', '.join(FAMILIES)}.")

    @property
    def pitches(self) -> range:
        """Those wanted."""
        return range(self.lowest, self.highest + 1, self.every)

    def described(self) -> dict[str, Any]:
        """As plain values, for the file that says what a set is made of."""
        return {
            "soundfonts": [str(path) for path in self.soundfonts],
            "samples": [str(path) for path in self.samples],
            "folders": [str(path) for path in self.folders],
            "pitches": [self.lowest, self.highest, self.every],
            "velocities": list(self.velocities),
            "stretch": self.stretch,
            "most": self.most,
            "fewest": self.fewest,
            "distinct": self.distinct,
            "families": list(self.families),
            "high": self.high,
        }


@dataclass(frozen=True, slots=True)
class BuiltNotes:
    """What a run did.

    Attributes:
        folder: The set.
        instruments: How many it has.
        notes: How many it has.
        made: How many of them this run made.
    """

    folder: Path
    instruments: int
    notes: int
    made: int


@dataclass(frozen=True, slots=True)
class _Job:
    """An instrument to render, with its number and its name in the set."""

    source: NoteSource
    number: int
    name: str


def build_notes(
    asked: NotesOptions,
    out: PathLike,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> BuiltNotes:
    """Build a set, or go on with one that was stopped.

    Args:
        asked: What is in it.
        out: Its folder: new, empty, or that of a set begun with the same options.
        progress: Receives the share that is done.
        cancel: Stops within a note; finished instruments are kept.

    Raises:
        InputNotFound: There are no instruments.
        InvalidOption: The folder holds something else.
        DescantError: A source cannot be read, or the folder cannot be written.
    """
    monitor = Monitor(progress, cancel, "rendering")
    monitor.report(0.0)
    sources = _chosen(find_sources(asked.soundfonts, asked.samples, asked.folders), asked)
    root = as_path(out)
    _claim(root, asked)
    jobs = [_Job(source, number, _name(sources, number)) for number, source in enumerate(sources)]
    waiting = [job for job in jobs if not _index_of(root, job).is_file()]
    tally = Tally(monitor, len(jobs))
    tally.add(len(jobs) - len(waiting))

    def one(job: _Job, stop: CancelToken) -> int:
        made = _render(job, asked, root, stop)
        tally.add(1)
        return made

    made = sum(side_by_side(one, waiting, cancel=cancel))
    whole: _Index = {}
    for job in jobs:
        whole.update(json.loads(_index_of(root, job).read_text(encoding="utf-8")))
    for number, note in enumerate(whole.values()):
        note["note"] = number
    _write_json(root / INDEX, whole)
    return BuiltNotes(root, len({note["instrument"] for note in whole.values()}), len(whole), made)


def _chosen(sources: Sequence[NoteSource], asked: NotesOptions) -> tuple[NoteSource, ...]:
    fitting = [source for source in sources if not asked.families or source.family in asked.families]
    if not fitting:
        raise InvalidOption(
            f"None of {len(sources)} instruments is of the family {' or '.join(asked.families)}.",
            "Leave --families out, or give other sources.",
        )
    fitting = _with_enough(fitting, asked)
    if asked.most and len(fitting) > asked.most:
        places = np.linspace(0, len(fitting) - 1, asked.most).round().astype(int)
        fitting = [fitting[place] for place in places]
    return tuple(fitting)


def _with_enough(sources: Sequence[NoteSource], asked: NotesOptions) -> list[NoteSource]:
    """Those with enough pitches and, where asked for, recordings of their own."""
    kept, taken = [], set[tuple[str, int, str]]()
    for source in sources:
        sounds = source.open()
        regions = sounds.regions(sounds.choose(0, is_drum=False))
        heard = {(str(source.path), *recording) for recording in recordings(regions)}
        if asked.distinct and heard & taken:
            continue
        if len({*asked.pitches} & {*playable(regions, asked.stretch)}) >= asked.fewest:
            kept.append(source)
            taken |= heard
    if not kept:
        raise InvalidOption(f"No instrument has {asked.fewest} pitches.", "Lower --fewest or raise --stretch.")
    return kept


def _name(sources: Sequence[NoteSource], number: int) -> str:
    """As NSynth names instruments: family, source, and a count among those of the same family and source."""
    kind = (sources[number].family, sources[number].source)
    count = sum((source.family, source.source) == kind for source in sources[:number])
    return f"{kind[0]}_{kind[1]}_{count:03d}"


def _claim(root: Path, asked: NotesOptions) -> None:
    """Say what the set is made of, or check that one begun earlier is made of the same."""
    described = asked.described()
    about = root / ABOUT
    try:
        if about.is_file():
            if json.loads(about.read_text(encoding="utf-8")) != described:
                raise InvalidOption(
                    f"{root} holds notes made with other options.", "Choose another folder, or remove it."
                )
            for part in root.glob(f"{_PARTS}/.*.part"):
                shutil.rmtree(part, ignore_errors=True)
            return
        if root.is_dir() and any(root.iterdir()):
            raise InvalidOption(f"{root} holds something else.", "Choose a new folder.")
    except ValueError as error:
        raise InvalidOption(f"{about} is damaged.", "Remove the folder and build the set again.") from error
    except OSError as error:
        raise output_error(error, root) from error
    _write_json(about, described)


def _index_of(root: Path, job: _Job) -> Path:
    return root / _PARTS / f"{job.name}.json"


def _render(job: _Job, asked: NotesOptions, root: Path, stop: CancelToken) -> int:
    sounds = job.source.open()
    preset = sounds.choose(0, is_drum=False)
    keys = playable(sounds.regions(preset), asked.stretch)
    pitches = tuple(pitch for pitch in asked.pitches if pitch in keys)
    found: _Index = {}
    if pitches:
        peak = loudest_peak(sounds, pitches[::_PROBE_EVERY], max(asked.velocities))
        gain = np.float32(_PEAK / max(peak, 1e-6))
        for pitch in pitches:
            for velocity in asked.velocities:
                stop.check()
                samples = nsynth_note(sounds, Pressed(pitch, velocity), sample_rate=HIGH_RATE) * gain
                if not is_silent(samples):
                    # A note louder than those that set the level is held below full scale by itself.
                    samples *= np.float32(min(1.0, 1.0 / max(float(np.abs(samples).max()), 1e-9)))
                    name = f"{job.name}-{pitch:03d}-{velocity:03d}"
                    mono = _write_note(root, name, samples, high=asked.high)
                    found[name] = _described(job, name, Pressed(pitch, velocity), mono)
    _write_json(_index_of(root, job), found)
    return len(found)


def _write_note(root: Path, name: str, samples: NDArray[np.float32], *, high: bool) -> NDArray[np.float32]:
    """Both files of a note; returns the mono one."""
    mono = np.asarray(soxr.resample(samples.mean(axis=0), HIGH_RATE, LOW_RATE), np.float32)
    with atomic_output(root / LOW / f"{name}.wav") as part:
        soundfile.write(part, mono.clip(-1, 1), LOW_RATE, format="WAV", subtype="PCM_16")
    if high:
        with atomic_output(root / HIGH / f"{name}.flac") as part:
            soundfile.write(part, samples.T, HIGH_RATE, format="FLAC", subtype="PCM_24")
    return mono


def _described(job: _Job, name: str, pressed: Pressed, mono: NDArray[np.float32]) -> dict[str, Any]:
    """NSynth's fields."""
    said = qualities_of(mono, LOW_RATE)
    return {
        "note": 0,
        "note_str": name,
        "instrument": job.number,
        "instrument_str": job.name,
        "pitch": pressed.pitch,
        "velocity": pressed.velocity,
        "sample_rate": LOW_RATE,
        "instrument_family": FAMILIES.index(job.source.family),
        "instrument_family_str": job.source.family,
        "instrument_source": SOURCES.index(job.source.source),
        "instrument_source_str": job.source.source,
        "qualities": [int(quality in said) for quality in QUALITIES],
        "qualities_str": list(said),
        "made_from": job.source.name,
    }


def _write_json(path: Path, value: object) -> None:
    with atomic_output(path) as part:
        part.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
