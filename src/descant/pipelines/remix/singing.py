"""The step that gives the song another singer: the one place where a remix meets `convert`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from descant.audio.io import read, write
from descant.audio.loudness import integrated_lufs
from descant.convert.api import DEFAULT_CARD, Converter
from descant.convert.files import convert_file
from descant.convert.options import ConvertOptions
from descant.errors import NothingHeard
from descant.pipelines.records import read_record, write_record
from descant.pipelines.remix.listening import VOCALS, VOICE, VoiceHeard
from descant.progress import Monitor

if TYPE_CHECKING:  # who calls a step is no part of its address
    from descant.pipelines.graph import Inputs

CONVERTER = DEFAULT_CARD
SUNG = "sung.record.json"


@dataclass(frozen=True, slots=True)
class Sung:
    """How the voice was converted.

    Attributes:
        model: Card of the decoder.
        semitones: By how much it was transposed.
        gain_db: What brought it to the loudness of the voice that it replaces.
    """

    model: str
    semitones: float
    gain_db: float


def convert(inputs: Inputs, options: ConvertOptions, folder: Path, monitor: Monitor) -> None:
    """The song's voice sung by the voice of the reference, as loud as it was."""
    voice = read_record(inputs["listen"] / VOICE, VoiceHeard)
    if not voice.is_there:
        raise NothingHeard(
            f"No singer was found in the song: {voice.fault}.", "Leave out --voice: there is nothing to convert."
        )
    source = next(path for path in inputs["separate"].iterdir() if path.stem == VOCALS)
    target = folder / f"{VOCALS}.wav"
    monitor.report(0.0)
    converter = Converter.load(CONVERTER)
    sung = convert_file(
        source,
        target,
        converter.voice(read(inputs["voice"])),
        options,
        converter=converter,
        subtype="FLOAT",
        progress=monitor.part("singing", 0.1, 0.9).sink,
        cancel=monitor.cancel,
    )
    clip = read(target)
    gain_db = integrated_lufs(read(source)) - integrated_lufs(clip)
    gain_db = gain_db if math.isfinite(gain_db) else 0.0
    write(target, clip.gain(gain_db), subtype="FLOAT")
    write_record(folder / SUNG, Sung(CONVERTER, sung.semitones, gain_db))
