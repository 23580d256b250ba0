"""The step that gives the song another singer: the one place where a remix meets `convert`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from descant.audio.io import read, write
from descant.audio.loudness import integrated_lufs
from descant.convert.api import DEFAULT_CARD, Converter
from descant.convert.consent import require_permit
from descant.convert.enrol import own_converter
from descant.convert.files import convert_file
from descant.convert.options import ConvertOptions
from descant.convert.store import VoiceStore
from descant.errors import InvalidOption, NothingHeard
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
        model: Card of the decoder, or name of a voice with its own.
        voice: Whose voice it is.
        semitones: By how much it was transposed.
        gain_db: What brought it to the loudness of the voice that it replaces.
        comment: What files with it in them should say.
    """

    model: str
    voice: str
    semitones: float
    gain_db: float
    comment: str


def voice_files(name: str) -> dict[str, Path]:
    """The files of a voice that decide on how it sings, its consent among them.

    The consent is checked here, too: a conversion that was kept is of no more use once it has been taken back.

    Raises:
        InvalidOption: It is the path of a recording, which has no record of its own.
        VoiceNotFound, ConsentMissing, ConsentInvalid, ConsentExpired, ConsentRevoked: As the gate says.
    """
    store = VoiceStore.load()
    if name not in store.known() and Path(name).is_file():
        raise InvalidOption(
            f"{name} is a recording; a remix is sung by a voice of the store.",
            "Make it one, then name it: descant voice add NAME RECORDING --person WHO.",
        )
    stored = store.get(name)
    require_permit(stored.permit(), stored.voice)
    places = {path.relative_to(stored.folder).as_posix(): path for path in sorted(stored.folder.rglob("*"))}
    return {name: path for name, path in places.items() if path.is_file() and name != "phrase.json"}


def comment_of(folder: Path) -> str:
    """What files say in which the voice of a conversion sounds; nothing of vocals that someone brought."""
    place = folder / SUNG
    return read_record(place, Sung).comment if place.exists() else ""


def convert(inputs: Inputs, options: ConvertOptions, folder: Path, monitor: Monitor) -> None:
    """The song's lead voice sung by another, as loud as it was."""
    heard = read_record(inputs["listen"] / VOICE, VoiceHeard)
    if not heard.is_there:
        raise NothingHeard(
            f"No singer was found in the song: {heard.fault}.", "Leave out --voice: there is nothing to convert."
        )
    place = inputs["voice.toml"].parent
    stored = VoiceStore(place.parent).get(place.name)
    source = next(path for path in inputs["part" if "part" in inputs else "separate"].iterdir() if path.stem == VOCALS)
    target = folder / f"{VOCALS}.wav"
    monitor.report(0.0)
    own = stored.decoder
    converter = Converter.load(CONVERTER) if own is None else own_converter(own, stored.name, stored.name)
    sung = convert_file(
        source,
        target,
        stored.voice,
        stored.permit(),
        options,
        converter=converter,
        subtype="FLOAT",
        progress=monitor.part("singing", 0.1, 0.9).sink,
        cancel=monitor.cancel,
    )
    clip = read(target)
    gain_db = integrated_lufs(read(source)) - integrated_lufs(clip)
    gain_db = gain_db if math.isfinite(gain_db) else 0.0
    comment = sung.provenance.to_comment()
    write(target, clip.gain(gain_db), subtype="FLOAT", comment=comment)
    write_record(folder / SUNG, Sung(converter.model, stored.name, sung.semitones, gain_db, comment))
