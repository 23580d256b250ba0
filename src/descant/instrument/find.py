"""An instrument by what a person calls it: `violin`, `FluidR3_GM.sf2:24`, `sax.sfz`, a folder of notes."""

from __future__ import annotations

import re
from pathlib import Path

from descant.errors import InputNotFound, InvalidOption
from descant.files import as_path
from descant.hub.card import load_card
from descant.hub.store import locate
from descant.instrument.neural import NeuralInstruments, NeuralPlayer
from descant.instrument.own.store import InstrumentStore
from descant.instrument.playable import Playable
from descant.instrument.sampled import Sampled
from descant.score.render import Sounds
from descant.score.sfz import SampleSet
from descant.score.soundfont import Preset, SoundFont, open_soundfont
from descant.score.tuned import Tuned
from descant.score.wav_folder import WavFolder

_SOUNDFONT = re.compile(r"(?P<file>.+\.sf[23])(?::(?P<preset>.*))?", re.IGNORECASE)
_PLACE = re.compile(r"(?:(\d{1,3})/)?(\d{1,3})")
_CARDS = ("fluidr3", "timgm6mb")
_SHOWN = 8
_KINDS = (
    "Give a name of `descant instrument list`, a preset of a SoundFont (GM.sf2:24), an .sfz file, or a folder of notes "
    "(sax_C4.wav)."
)


def find_playable(source: str) -> Playable:
    """The instrument that is meant.

    Args:
        source: The name of an instrument that the user has trained, or that Descant's net plays ("violin",
            `descant instrument list`); a preset of a SoundFont ("FluidR3_GM.sf2:24", "GM.sf2:8/24" with its bank,
            "GM.sf2:nylon"), whose file may also be one that is installed; an .sfz file; or a folder of recordings
            whose names tell pitches. What is a file or a folder is taken for one.

    Raises:
        InputNotFound: There is nothing of this name, or the folder holds no notes.
        InvalidOption: The SoundFont has no such preset, or several.
        ScoreReadError, AudioReadError, InvalidAudio, PermissionRefused: What is there cannot be read.
    """
    sampled = _sampled(source)
    if sampled is not None:
        return sampled
    path = as_path(source)
    if path.suffix or len(path.parts) != 1 or path.exists():
        raise InputNotFound(f"{source} is no instrument that is known.", _KINDS)
    try:
        return find_named(source)
    except InvalidOption as error:
        raise InputNotFound(f"{source} is no instrument that is known.", f"{error.hint} {_KINDS}") from error


def find_player(source: str, stock: NeuralInstruments | None = None) -> NeuralPlayer | Sampled:
    """Who can play a track: as `find_playable`, but a name comes before a folder that is called the same.

    "violin" means the same wherever a score is played, also beside the folder that `instrument export violin` wrote;
    "violin/" and "./violin" are that folder.

    Args:
        source: A name, a preset, an .sfz file or a folder.
        stock: The net; None is Descant's.

    Raises:
        DescantError: As `find_playable` and `find_named` do.
    """
    is_bare = not any(mark in source for mark in ("/", "\\")) and as_path(source).suffix.lower() != ".sfz"
    if is_bare and not _SOUNDFONT.fullmatch(source):
        try:
            return find_named(source, stock)
        except InvalidOption:
            if not as_path(source).is_dir():
                raise
    sampled = _sampled(source)
    if sampled is None:
        raise InputNotFound(f"{source} is no instrument that is known.", _KINDS)
    return sampled


def _sampled(source: str) -> Sampled | None:
    """What a path means; None if it is neither a set of sounds by its name nor a folder."""
    if match := _SOUNDFONT.fullmatch(source):
        font = open_soundfont(_soundfont_file(as_path(match["file"])))
        preset = _preset(font, match["preset"])
        return Sampled(preset.name.strip() or font.path.stem, Tuned(font, preset, 0.0))
    path = as_path(source)
    if path.is_dir():
        return Sampled(path.resolve().name, _folder(path))
    if path.suffix.lower() == ".sfz":
        if not path.is_file():
            raise InputNotFound(f"{path} does not exist.", "Check the spelling of the path.")
        return Sampled(path.stem, SampleSet(path))
    return None


def _folder(path: Path) -> Sounds:
    """The mapping that `instrument export` and `blend --keys` write, where there is just one; else the notes."""
    mappings = sorted(path.glob("*.sfz"))
    return SampleSet(mappings[0]) if len(mappings) == 1 else WavFolder(path)


def find_named(name: str, stock: NeuralInstruments | None = None) -> NeuralPlayer:
    """A neural instrument: the user's own, else one of a net.

    Args:
        name: Its name.
        stock: The net; None is Descant's.

    Raises:
        InvalidOption: There is none of that name; near names are said.
        CheckpointError: It is there, and damaged.
        DescantError: Descant's net cannot be fetched.
    """
    own = InstrumentStore.load().find(name)
    if own is not None:
        return own.player()
    return (NeuralInstruments.load() if stock is None else stock).player(name)


def _soundfont_file(path: Path) -> Path:
    """The file, or the installed one of its name."""
    if not path.exists() and path.parent == Path():
        for name in _CARDS:
            card = load_card(name)
            folder = locate(card)
            if folder is not None and card.files[0].path.lower() == path.name.lower():
                return folder / card.files[0].path
    return path


def _preset(font: SoundFont, asked: str | None) -> Preset:
    presets = [font.presets[place] for place in sorted(font.presets)]
    if not asked:
        if len(presets) == 1:
            return presets[0]
        raise InvalidOption(f"{font.path.name} has {len(presets)} presets.", f"Name one: {_examples(font, presets)}.")
    if match := _PLACE.fullmatch(asked):
        place = (int(match[1] or 0), int(match[2]))
        if place in font.presets:
            return font.presets[place]
        raise InvalidOption(f"{font.path.name} has no preset {asked}.", f"It has {_examples(font, presets)}.")
    exact = [preset for preset in presets if preset.name.strip().lower() == asked.strip().lower()]
    found = exact or [preset for preset in presets if asked.strip().lower() in preset.name.lower()]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InvalidOption(f"{font.path.name} has no preset {asked!r}.", f"It has {_examples(font, presets)}.")
    raise InvalidOption(f"{font.path.name} has {len(found)} presets {asked!r}.", f"Name one: {_examples(font, found)}.")


def _examples(font: SoundFont, presets: list[Preset]) -> str:
    named = [f"{font.path.name}:{preset.bank}/{preset.program} ({preset.name.strip()})" for preset in presets[:_SHOWN]]
    return ", ".join(named) + (" ..." if len(presets) > _SHOWN else "")
