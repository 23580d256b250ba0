"""`descant models import` for files of other programs: what the user says of one, and what it is recognised as."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from descant.errors import InvalidOption

if TYPE_CHECKING:
    from descant.hub.foreign import Brought, ForeignCard
    from descant.progress import ProgressSink


@dataclass(frozen=True, slots=True)
class Stated:
    """The options of `models import` about a foreign file; empty where they were not given."""

    name: str
    task: str
    architecture: str
    licence: str
    credit: str
    sample_rate: int | None
    channels: int | None
    stems: tuple[str, ...]
    part: str
    config: Path | None

    def as_recognised(self, brought: Brought, where: str) -> Stated:
        """With what the file itself says.

        Raises:
            InvalidOption: The user says otherwise.
        """
        own = {"task": brought.task, "architecture": brought.architecture, "sample_rate": brought.sample_rate}
        for field, value in own.items():
            if getattr(self, field) not in ("", None, value):
                raise InvalidOption(
                    f"--{field.replace('_', '-')} is {getattr(self, field)}, but {where} is {brought.kind}: {value}.",
                    "Leave the option out: the file says it itself.",
                )
        return replace(self, task=brought.task, architecture=brought.architecture, sample_rate=brought.sample_rate)

    def card(self) -> ForeignCard:
        """For the import.

        Raises:
            InvalidOption: Something is missing or cannot be used.
        """
        from descant.hub.foreign import ForeignCard

        needed = {
            "--name": self.name, "--task": self.task, "--architecture": self.architecture, "--licence": self.licence,
        }  # fmt: skip
        missing = [option for option, value in needed.items() if not value]
        if missing:
            raise InvalidOption(
                f"A foreign file needs {', '.join(missing)}.", "`descant models import --help` explains each."
            )
        about = self.name, self.task, self.architecture, self.licence, self.credit
        return ForeignCard(*about, self.sample_rate, self.channels, self.stems, self.part, self.config)


def is_foreign(path: Path) -> bool:
    """Whether a path is a file of another program, by its suffix."""
    from descant.hub.foreign import CHECKPOINT_SUFFIXES, INDEX_SUFFIXES, SOUND_SET_SUFFIXES

    suffixes = (*CHECKPOINT_SUFFIXES, *SOUND_SET_SUFFIXES, *INDEX_SUFFIXES)
    return path.suffix.lower() in suffixes and not path.is_dir()


def import_file(path: Path, stated: Stated, progress: ProgressSink | None) -> list[str]:
    """Bring a foreign file into the cache; returns what to print."""
    from descant.hub.foreign import INDEX_SUFFIXES, SOUND_SET_SUFFIXES, import_foreign, refuse_index

    suffix, brought = path.suffix.lower(), None
    if suffix in INDEX_SUFFIXES:
        refuse_index(path)
    if suffix in SOUND_SET_SUFFIXES:
        stated = replace(stated, task=stated.task or "play", architecture=stated.architecture or "soundfont-2")
    elif path.is_file():
        from descant.convert.foreign_checkpoint import CONTENT, VOICE, recognise

        if stated.architecture in ("", VOICE, CONTENT):
            brought = recognise(path, stated.config)
            if brought is not None:
                stated = stated.as_recognised(brought, path.name)
            elif stated.architecture:
                raise InvalidOption(
                    f"{path.name} is no {stated.architecture}.", "Leave --architecture out, or correct it."
                )
    name = import_foreign(path, stated.card(), brought=brought, progress=progress).name
    return [name] if brought is None else [name, *_recognised(brought, name)]


def _recognised(brought: Brought, name: str) -> list[str]:
    lines = [f"Recognised: {brought.kind}."]
    if brought.task == "convert":
        from descant.convert.content_vec import KINDS, PUBLISHED, find

        kind = KINDS[brought.config["network"]["content"]]
        if find(kind) is None:
            lines.append(
                f"To sing it needs the content features {kind.name}, which are not here. Published: {PUBLISHED}."
            )
        lines.append(
            f"Bind it to recordings of the person: descant voice add NAME RECORDINGS --person WHO --weights {name}"
        )
    return lines
