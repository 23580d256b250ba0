"""Bringing checkpoints and sound sets that other programs made, without ever running what is in them.

Tensors go into safetensors; a card with the licence that the user states is written beside them, so that from then
on they are used, verified and exported like any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from descant.errors import CheckpointError, InputNotFound, InvalidOption, UnsupportedFormat
from descant.hub.architectures import ARCHITECTURES
from descant.hub.cache import convert_and_place, locked, open_workshop
from descant.hub.card import Card, CardFile, Source, card_names, parse_card
from descant.hub.card_writer import write_card
from descant.hub.files import copy_stream, make_folder, sha256_of
from descant.hub.toml_table import is_slug
from descant.progress import CancelToken, Monitor, ProgressSink

if TYPE_CHECKING:
    import torch

CHECKPOINT_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
SOUND_SET_SUFFIXES = (".sf2",)
INDEX_SUFFIXES = (".index",)
_USUAL_PARTS = ("state_dict", "model_state_dict", "model", "weights", "generator", "net")
_LARGEST = 1 << 40


@dataclass(frozen=True)
class ForeignCard:
    """What the user says about a foreign file.

    Attributes:
        name: Lower-case name with dashes under which `fetch` will know it.
        task: What it is for (separate, analyze, transcribe, words, compose, play).
        architecture: Which of Descant's architectures its tensors fill.
        licence: Under what licence it may be used.
        credit: Whose work it is.
        sample_rate: Rate in hertz that it works at.
        channels: Channels that it works on.
        stems: Names of a separator's stems.
        part: Which entry of a checkpoint with several state dicts to take ("generator").
        config: A file that goes along as `config.json`.
    """

    name: str
    task: str
    architecture: str
    licence: str
    credit: str = ""
    sample_rate: int | None = None
    channels: int | None = None
    stems: tuple[str, ...] = ()
    part: str = ""
    config: Path | None = None

    def __post_init__(self) -> None:
        if not is_slug(self.name):
            raise InvalidOption(f"The name '{self.name}' cannot be used.", "Use lower-case letters, digits, dashes.")
        if self.name in card_names():
            raise InvalidOption(f"There is already a card named '{self.name}'.", "Choose another name.")
        if self.architecture not in ARCHITECTURES:
            raise InvalidOption(
                f"The architecture '{self.architecture}' is unknown.", f"Known: {', '.join(sorted(ARCHITECTURES))}."
            )
        if not self.licence.strip():
            raise InvalidOption(
                "The licence is missing.", "Name it (MIT, CC-BY-NC-4.0, 'unknown, for my own use'): --licence."
            )


@dataclass(frozen=True, eq=False)
class Brought:
    """What a checkpoint was recognised as, and what is kept of it.

    Attributes:
        task: For the card.
        architecture: Of Descant's, for the card.
        tensors: As that architecture names them.
        config: What becomes `config.json`.
        kind: What it is, in words.
        sample_rate: Rate in hertz that it works at.
    """

    task: str
    architecture: str
    tensors: Mapping[str, torch.Tensor]
    config: Mapping[str, Any]
    kind: str
    sample_rate: int


def import_foreign(
    path: Path,
    about: ForeignCard,
    *,
    brought: Brought | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Card:
    """Bring a foreign checkpoint or SoundFont into the cache.

    Args:
        path: `.safetensors`, a PyTorch checkpoint (`.pt`, `.pth`, `.ckpt`, `.bin`) or a SoundFont (`.sf2`).
        about: What the user says about it.
        brought: What the checkpoint was recognised as; None keeps its tensors as they are named in it.
        progress: Receives the share of the work that is done.
        cancel: Stops the import.

    Returns:
        The card that was written for it.

    Raises:
        UnsafeCheckpoint: A checkpoint holds more than tensors and plain values.
        CheckpointError: It is damaged, or it is not clear which of its parts is meant.
        UnsupportedFormat: The suffix is not one of these.
    """
    if not path.is_file():
        raise InputNotFound(f"There is no file {path}.", "Check the path.")
    monitor = Monitor(progress, cancel, f"importing {about.name}")
    with locked(about.name, monitor), open_workshop(about.name) as workshop:
        raw = make_folder(workshop / "raw")
        if brought is not None:
            from descant.hub.checkpoint import save_tensors

            save_tensors(raw / "weights.safetensors", brought.tensors)
            (raw / "config.json").write_text(json.dumps(brought.config, indent=1) + "\n", encoding="utf-8")
        else:
            _bring(path, raw, about, monitor.part("reading", 0.0, 0.5))
            if about.config is not None:
                _bring_config(about.config, raw)
        summary = f"Imported from {path.name}{f': {brought.kind}' if brought else ''}."
        card = _card(path, raw, about, summary, monitor.part("hashing", 0.5, 0.7))
        convert_and_place("", raw, workshop / "ready", card, monitor.part("verifying", 0.7, 1.0))
    return card


def _bring(path: Path, raw: Path, about: ForeignCard, monitor: Monitor) -> None:
    suffix = path.suffix.lower()
    if suffix in INDEX_SUFFIXES:
        refuse_index(path)
    if suffix in SOUND_SET_SUFFIXES:
        _check_sound_set(path)
        with path.open("rb") as stream:
            copy_stream(stream, raw / path.name, monitor, limit=_LARGEST)
    elif suffix in CHECKPOINT_SUFFIXES:
        from descant.hub.checkpoint import load_tensors, save_tensors

        if suffix == ".safetensors":
            tensors = load_tensors(path)
        else:
            from descant.hub.convert import state_dict
            from descant.hub.pickles import read_pickle

            tensors = state_dict(read_pickle(path), part=about.part, usual=_USUAL_PARTS, where=path.name)
        if not tensors:
            raise CheckpointError(f"{path.name} holds no tensors.", "Is it the right file?")
        save_tensors(raw / "weights.safetensors", tensors)
        monitor.report(1.0)
    else:
        raise UnsupportedFormat(
            f"{path.name} is no checkpoint that Descant reads.",
            f"It reads {', '.join((*CHECKPOINT_SUFFIXES, *SOUND_SET_SUFFIXES))}.",
        )


def refuse_index(path: Path) -> NoReturn:
    """Say what an index is that lies beside a voice of RVC.

    Raises:
        UnsupportedFormat: Always.
    """
    raise UnsupportedFormat(
        f"{path.name} is an index of a voice's sounds (FAISS), not the voice, and Descant does not use it.",
        "Import the voice alone, the .pth file.",
    )


def _check_sound_set(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] != b"RIFF" or head[8:12] != b"sfbk":
        raise UnsupportedFormat(f"{path.name} is not a SoundFont 2 file.", "SF3 and SFZ must be converted first.")


def _bring_config(config: Path, raw: Path) -> None:
    if not config.is_file():
        raise InputNotFound(f"There is no file {config}.", "Check --config.")
    with config.open("rb") as stream:
        copy_stream(stream, raw / "config.json", Monitor(), limit=1 << 24)


def _card(path: Path, raw: Path, about: ForeignCard, summary: str, monitor: Monitor) -> Card:
    files = describe_folder(raw)
    card = Card(
        name=about.name,
        title=re.sub("-+", " ", about.name).capitalize(),
        task=about.task,
        summary=summary,
        architecture=about.architecture,
        licence=about.licence,
        credit=about.credit,
        files=files,
        sources=(Source("import", sha256=sha256_of(path, monitor), obtain=path.name),),
        sample_rate=about.sample_rate,
        channels=about.channels,
        stems=about.stems,
    )
    return parse_card(write_card(card))


def describe_folder(folder: Path) -> tuple[CardFile, ...]:
    """Every file under a folder as a card lists it, sorted by name; `card.toml` and hidden files are left out."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    named = ((path, path.relative_to(folder).as_posix()) for path in paths)
    return tuple(
        CardFile(name, sha256_of(path), path.stat().st_size)
        for path, name in named
        if name != "card.toml" and not any(part.startswith(".") for part in name.split("/"))
    )
