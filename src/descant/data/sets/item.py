"""`Item`: one piece of a data set as a value that names what is known of it and reads nothing until it is asked to.

Audio is an `AudioRef` (a file, or a stream or a stretch of one); a label that lies in a file of its own is a `Later`,
which reads that file when it is called; what the index of a set states outright is in `Facts`. All of them are frozen,
compare by value and can be sent to other processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from descant.audio import io
from descant.audio.clip import Clip, Stems
from descant.audio.io import AudioInfo
from descant.data.splits import SPLITS as SPLITS
from descant.data.splits import Split as Split
from descant.dsp.pitch import PitchTrack
from descant.errors import InvalidAudio, InvalidOption
from descant.score.harmony import Chord, Key
from descant.score.notes import Score
from descant.score.tempo import BeatGrid
from descant.text.lyrics import Lyrics

_MEDIA_SLACK_S = 0.05
"""MP4 streams of one song may end a packet apart; files that store samples may not differ at all."""
_LOSSLESS = frozenset({"WAV", "FLAC", "AIFF", "CAF", "RF64", "W64", "AU"})

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Later(Generic[T_co]):
    """A value that is read when it is called for, anew each time.

    Attributes:
        read: A function of a module (so that it can be sent to other processes).
        arguments: What it is called with; the files it will open are the `Path`s among them.
    """

    read: Callable[..., T_co]
    arguments: tuple[Any, ...] = ()

    def __call__(self) -> T_co:
        """Read it."""
        return self.read(*self.arguments)


def known(value: T) -> Later[T]:
    """A label that the index has stated already."""
    return Later(_itself, (value,))


def _itself(value: T) -> T:
    return value


@dataclass(frozen=True, slots=True)
class AudioRef:
    """Audio that is not read yet.

    Attributes:
        path: The file.
        stream: Which audio stream of a container, from 0; None is the only one.
        start_s: Where in the file it begins, in seconds.
        end_s: Where in the file it ends; None is the file's end.
        stated_rate: The sample rate that the set says the file has; a file with another is refused.
        stated_channels: The channel count that the set says it has; likewise.
    """

    path: Path
    stream: int | None = None
    start_s: float = 0.0
    end_s: float | None = None
    stated_rate: int | None = None
    stated_channels: int | None = None

    def info(self) -> AudioInfo:
        """What the header of the file says: format, sample rate, channels, frames (of the whole file).

        Raises:
            InvalidAudio: The header contradicts what the set states.
            DescantError: As `descant.audio.io.probe`.
        """
        found = io.probe(self.path, stream=self.stream)
        for what, stated, has in (
            ("Hz", self.stated_rate, found.sample_rate),
            ("channels", self.stated_channels, found.channels),
        ):
            if stated is not None and stated != has:
                raise InvalidAudio(
                    f"{self.path} has {has} {what}; the set says {stated}.",
                    "It was converted or replaced after the download: get the set's own file.",
                )
        return found

    @property
    def duration_s(self) -> float:
        """Length of the stretch in seconds, from the header."""
        whole = self.info().duration_s
        return max(0.0, min(whole, whole if self.end_s is None else self.end_s) - self.start_s)

    def read(
        self,
        *,
        sample_rate: int | None = None,
        channels: int | None = None,
        start_s: float = 0.0,
        end_s: float | None = None,
    ) -> Clip:
        """The samples, or a part of them.

        Args:
            sample_rate: Rate to convert to, in Hz; None keeps the file's.
            channels: Channel count to convert to; None keeps the file's.
            start_s: Where to begin, in seconds from the start of this stretch.
            end_s: Where to end, likewise; None reads to the end of the stretch.

        Raises:
            DescantError: As `descant.audio.io.read`, and as `info`.
        """
        if self.stated_rate is not None or self.stated_channels is not None:
            self.info()
        last = self.end_s if end_s is None else self.start_s + end_s
        if last is not None and self.end_s is not None:
            last = min(last, self.end_s)
        return io.read(
            self.path,
            sample_rate=sample_rate,
            channels=channels,
            start_s=self.start_s + start_s,
            end_s=last,
            stream=self.stream,
        )


@dataclass(frozen=True, slots=True)
class TimedChord:
    """A chord that sounds from `start_s` to `end_s` (seconds)."""

    start_s: float
    end_s: float
    chord: Chord


@dataclass(frozen=True, slots=True)
class Stem:
    """One part of a mix.

    Attributes:
        name: "vocals", "S01"; unique in its item.
        audio: Its sound.
        instrument: What plays, in the set's own words; empty if not told.
        role: Its part in the music ("melody", "bass"), where the set tells.
        program: General MIDI program 0..127, where the set tells.
        is_drum: Whether it is percussion.
        score: Its notes, where the set has them.
    """

    name: str
    audio: AudioRef
    instrument: str = ""
    role: str = ""
    program: int | None = None
    is_drum: bool = False
    score: Later[Score] | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What the index of a set states; empty or None where it states nothing.

    Attributes:
        title: Of the piece.
        artist: Performer, band or composer.
        language: Of the words ("English").
        licence: Of this item, where items differ.
        instrument: Name of one played note's instrument ("bass_synthetic_033").
        family: Its family ("bass").
        source: How it was made ("acoustic", "electronic", "synthetic").
        pitch: MIDI number of the note.
        velocity: MIDI velocity of the note.
        tags: Qualities, aspects, moods.
    """

    title: str = ""
    artist: str = ""
    language: str = ""
    licence: str = ""
    instrument: str = ""
    family: str = ""
    source: str = ""
    pitch: int | None = None
    velocity: int | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of a data set.

    Attributes:
        id: Unique in the set, the same on every machine.
        dataset: Name of the set.
        split: Where the set's publishers put it; None where they published no split.
        mix: The piece as one recording.
        stems: Its parts, in a fixed order.
        score: Notes.
        beats: Beats and downbeats.
        chords: Chords in seconds.
        key: Main key.
        tempo_bpm: Tempo in beats per minute.
        melody: Sung or played f0.
        lyrics: Words, with times where the set has them.
        captions: Descriptions in sentences.
        genre: In the set's own words.
        facts: What the index states.
    """

    id: str
    dataset: str
    split: Split | None = None
    mix: AudioRef | None = None
    stems: tuple[Stem, ...] = ()
    score: Later[Score] | None = None
    beats: Later[BeatGrid] | None = None
    chords: Later[tuple[TimedChord, ...]] | None = None
    key: Later[Key] | None = None
    tempo_bpm: Later[float] | None = None
    melody: Later[PitchTrack] | None = None
    lyrics: Later[Lyrics] | None = None
    captions: Later[tuple[str, ...]] | None = None
    genre: Later[str] | None = None
    facts: Facts = Facts()

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the labels that can be called for ("score", "lyrics")."""
        return tuple(f.name for f in fields(self) if isinstance(getattr(self, f.name), Later))

    @property
    def audio(self) -> tuple[AudioRef, ...]:
        """The mix, if there is one, and the stems."""
        return (*((self.mix,) if self.mix else ()), *(stem.audio for stem in self.stems))

    def files(self) -> Iterator[Path]:
        """Every file this item may open."""
        laters = [getattr(self, name) for name in self.labels] + [s.score for s in self.stems if s.score]
        yield from (ref.path for ref in self.audio)
        yield from (value for later in laters for value in later.arguments if isinstance(value, Path))

    def stem(self, name: str) -> Stem:
        """The stem of that name.

        Raises:
            InvalidOption: There is none.
        """
        for stem in self.stems:
            if stem.name == name:
                return stem
        there = ", ".join(stem.name for stem in self.stems) or "no stems"
        raise InvalidOption(f"{self.id} has no stem {name!r}.", f"It has {there}.")

    def check_audio(self) -> tuple[AudioInfo, ...]:
        """Read the headers of the mix and all stems and make sure that they belong together.

        Raises:
            InvalidAudio: One is empty, or they differ in rate, channels or length; the message names two of them.
            DescantError: A file is missing or damaged.
        """
        infos = tuple(ref.info() for ref in self.audio)
        for info in infos:
            if info.frames == 0:
                raise InvalidAudio(f"{info.path} holds no audio: its length is zero.", "Get it again.")
        _check_agreement(self.id, infos)
        return infos

    def read_stems(
        self,
        names: Sequence[str] | None = None,
        *,
        sample_rate: int | None = None,
        channels: int | None = None,
        start_s: float = 0.0,
        end_s: float | None = None,
    ) -> Stems:
        """Stems as clips of one shape.

        Args:
            names: Which ones; None is all.
            sample_rate: Rate to convert to, in Hz.
            channels: Channel count to convert to.
            start_s: Where to begin, in seconds.
            end_s: Where to end; None is the end.

        Raises:
            InvalidOption: There is no such stem, or the item has none.
            InvalidAudio: The stems differ in rate, channels or length.
            DescantError: A file is missing or damaged.
        """
        wanted = [self.stem(name) for name in names] if names is not None else list(self.stems)
        if not wanted:
            raise InvalidOption(f"{self.id} has no stems.", "Use a set of multitracks.")
        _check_agreement(self.id, [stem.audio.info() for stem in wanted])
        clips = {
            stem.name: stem.audio.read(sample_rate=sample_rate, channels=channels, start_s=start_s, end_s=end_s)
            for stem in wanted
        }
        shortest = min(clip.frames for clip in clips.values())
        return Stems({name: Clip(c.samples[:, :shortest], c.sample_rate) for name, c in clips.items()})


def _check_agreement(name: str, infos: Sequence[AudioInfo]) -> None:
    for info in infos[1:]:
        first = infos[0]
        for what, a, b in (
            ("sample rate", first.sample_rate, info.sample_rate),
            ("channel count", first.channels, info.channels),
        ):
            if a != b:
                raise InvalidAudio(
                    f"The files of {name} do not belong together: {first.path.name} has a {what} of {a}, "
                    f"{info.path.name} of {b}.",
                    "Get the set's own files, or convert them all alike.",
                )
        stored = {first.format, info.format} <= _LOSSLESS
        slack = 0 if stored else round(_MEDIA_SLACK_S * first.sample_rate)
        if abs(first.frames - info.frames) > slack:
            raise InvalidAudio(
                f"The files of {name} do not belong together: {first.path.name} has {first.frames} frames, "
                f"{info.path.name} {info.frames}.",
                "One of them was cut or is half-downloaded: get it again.",
            )


def pitch_track(times_s: Sequence[float], f0_hz: Sequence[float]) -> PitchTrack:
    """A melody annotation (0 Hz where nothing sounds) as a track whose confidence is 1 where it is voiced."""
    f0 = np.asarray(f0_hz, float)
    voiced = f0 > 0
    return PitchTrack(np.asarray(times_s, float), f0, voiced.astype(float), voiced)
