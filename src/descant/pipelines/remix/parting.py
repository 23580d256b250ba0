"""The steps around a conversion: one dry voice for the converter, and afterwards the others and the room again.

A converter follows one voice. Harmonies under it make its melody jump, and a room makes the last word sound into the
next. So the vocals come apart into the lead voice, the backing voices and the lead's room; the backing voices are put
back as they were sung, and the new voice is put into a room that rings as the old one did. The answer of the old room
itself is not used: it is the old singer who sounds in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.audio.loudness import integrated_lufs
from descant.audio.resample import resample
from descant.dsp.reverberation import Reverberation, in_room, reverberation_of
from descant.pipelines.records import read_record, write_record
from descant.pipelines.remix.listening import VOCALS, read_stems
from descant.pipelines.remix.singing import comment_of
from descant.progress import Monitor
from descant.separate.api import Separator
from descant.separate.chain import BACKING, DRY, DRY_CARD, LEAD, LEAD_CARD, ROOM

if TYPE_CHECKING:  # who calls a step is no part of its address
    from descant.pipelines.graph import Inputs

PARTED = "parted.record.json"

_LEVEL_SLOPE, _LEVEL_DB, _DECAY_SLOPE = 0.66, -0.5, 0.67
"""Masks find a room where it is louder than the voice: a faint one seems fainter, and to ring longer, than it is.
Fitted on the validation songs of the synthetic band in recorded rooms; `benchmarks/voices_split.py dry` checks it on
the test songs."""


@dataclass(frozen=True, slots=True)
class PartingOptions:
    """From where on there are other voices, and a room.

    The bounds lie between songs that have them and songs that do not (docs/remix.md).

    Attributes:
        faintest_backing_lu: Loudness of what is taken for backing voices beside the lead; below, there are none.
        faintest_room_db: Level of what is taken for a room beside the dry voice; below, the voice is dry.
        loudest_room_db: What is found beyond it is voice that was taken for room, and is not made anew.
    """

    faintest_backing_lu: float = -25.0
    faintest_room_db: float = -16.0
    loudest_room_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Parted:
    """What the vocals were made of.

    Attributes:
        backing_lu: Loudness of the backing voices beside the lead; None where there are none.
        room: The lead's room; None where it is dry.
    """

    backing_lu: float | None
    room: Reverberation | None

    @property
    def remark(self) -> str:
        """What became of the others and the room, for people; empty where there are neither."""
        found = []
        if self.backing_lu is not None:
            found.append(f"backing voices ({self.backing_lu:+.0f} LU beside the lead), put back as they were sung")
        if self.room is not None:
            room = f"a room of {self.room.decay_s:.1f} s ({self.room.level_db:+.0f} dB)"
            found.append(f"{room}, made anew around the new voice")
        return f"The voice was converted without {' and '.join(found)}." if found else ""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Vocals, taken apart.

    Attributes:
        voice: The lead, dry, for a converter.
        backing: The backing voices, if there are any.
        found: What was found.
    """

    voice: Clip
    backing: Clip | None
    found: Parted


def part_vocals(vocals: Clip, options: PartingOptions, monitor: Monitor) -> Parts:
    """Take vocals apart, as far as there is something to part; see the module."""
    monitor.report(0.0)
    voices = Separator.load(LEAD_CARD)(
        vocals, progress=monitor.part("parting voices", 0.0, 0.45).sink, cancel=monitor.cancel
    )
    backing_lu = integrated_lufs(voices[BACKING]) - integrated_lufs(voices[LEAD])
    has_backing = backing_lu >= options.faintest_backing_lu  # of silence beside silence it is no number
    lead = voices[LEAD] if has_backing else vocals
    parts = Separator.load(DRY_CARD)(
        lead, progress=monitor.part("leaving the room", 0.45, 0.9).sink, cancel=monitor.cancel
    )
    room = room_of(parts)
    if room is not None:
        is_heard = room.level_db >= options.faintest_room_db
        room = replace(room, level_db=min(room.level_db, options.loudest_room_db)) if is_heard else None
    return Parts(
        lead if room is None else parts[DRY],
        voices[BACKING] if has_backing else None,
        Parted(backing_lu if has_backing else None, room),
    )


def room_of(parts: Mapping[str, Clip]) -> Reverberation | None:
    """The room of a voice, from what `descant-dry` made of it; None where it has none."""
    found = reverberation_of(parts[DRY], parts[ROOM])
    if found is None:
        return None
    return Reverberation(_LEVEL_SLOPE * found.level_db + _LEVEL_DB, _DECAY_SLOPE * found.decay_s)


def part(inputs: Inputs, options: PartingOptions, folder: Path, monitor: Monitor) -> None:
    """The vocals as one dry voice, and the backing voices beside it if there are any."""
    parts = part_vocals(read_stems(inputs["separate"])[VOCALS], options, monitor)
    write(folder / f"{VOCALS}.wav", parts.voice, subtype="FLOAT")
    if parts.backing is not None:
        write(folder / f"{BACKING}.wav", parts.backing, subtype="FLOAT")
    write_record(folder / PARTED, parts.found)


def rejoin(inputs: Inputs, _options: None, folder: Path, monitor: Monitor) -> None:
    """The new voice in the old one's room, with the backing voices."""
    monitor.report(0.0)
    parted = read_record(inputs["part"] / PARTED, Parted)
    voice = read_stems(inputs["convert"])[VOCALS]
    if parted.room is not None:
        voice = in_room(voice, parted.room)
    if parted.backing_lu is not None:
        backing = read(next(path for path in inputs["part"].iterdir() if path.stem == BACKING))
        voice = _together(voice, backing)
    write(folder / f"{VOCALS}.wav", voice, subtype="FLOAT", comment=comment_of(inputs["convert"]))


def _together(voice: Clip, backing: Clip) -> Clip:
    channels, frames = max(voice.channels, backing.channels), voice.frames
    backing = resample(backing, voice.sample_rate).to_channels(channels).pad_to(frames)
    return Clip(voice.to_channels(channels).samples + backing.samples[:, :frames], voice.sample_rate)
