"""`InstrumentStore`: instruments that a user has made, by name in one folder.

    <name>/card.toml              what it was learned from, and how well
    <name>/config.json            sizes of its net
    <name>/weights.safetensors    the net, private to this one instrument, and its roster of one

A whole net for each is 1.3 MB: cheap, and what one instrument learns costs no other anything. An instrument appears
under its name by one rename, and goes by one. The folder is that of `DESCANT_DATA`, or the platform's place for what
users make.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from descant.errors import CheckpointError, InvalidOption, ModelNotFound
from descant.files import output_error
from descant.hub.card import data_folder
from descant.hub.toml_table import is_safe_path
from descant.instrument.neural import CONFIG, WEIGHTS, NeuralInstruments, NeuralPlayer

CARD_FILE = "card.toml"

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True, eq=False)
class OwnInstrument:
    """An instrument in the store.

    Attributes:
        name: Its folder's name.
        folder: Where it lies.
        facts: What its card says.
    """

    name: str
    folder: Path
    facts: Mapping[str, object]

    def player(self) -> NeuralPlayer:
        """The instrument itself.

        Raises:
            CheckpointError: It is damaged.
        """
        instruments = NeuralInstruments.from_folder(self.folder)
        if len(instruments.roster.players) != 1:
            raise CheckpointError(f"{self.folder} holds more than one instrument.", "Train it again.")
        return NeuralPlayer(instruments, 0)


class InstrumentStore:
    """See the module.

    Args:
        folder: Of the instruments.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def load(cls) -> InstrumentStore:
        """That of this user."""
        return cls(data_folder() / "instruments")

    def names(self) -> tuple[str, ...]:
        """All instruments, in the alphabet's order."""
        found = (path.parent for path in self.folder.glob(f"*/{CARD_FILE}"))
        return tuple(sorted(path.name for path in found if _is_name(path.name)))

    def find(self, name: str) -> OwnInstrument | None:
        """An instrument, if there is one of this name; case, blanks and underscores do not matter.

        Raises:
            CheckpointError: Its card is damaged.
        """
        wanted = slug(name)
        folder = self.folder / wanted
        if not _is_name(wanted) or not (folder / CARD_FILE).is_file():
            return None
        try:
            facts = tomllib.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise CheckpointError(
                f"The card of the instrument {wanted} is damaged: {error}.",
                f"`descant instrument delete {wanted}`, and train it again.",
            ) from error
        return OwnInstrument(wanted, folder, facts)

    def get(self, name: str) -> OwnInstrument:
        """An instrument.

        Raises:
            ModelNotFound: There is none of this name.
            CheckpointError: Its card is damaged.
        """
        found = self.find(name)
        if found is None:
            raise self._unknown(name)
        return found

    def place_for(self, name: str, *, replace: bool = False) -> str:
        """The name under which a new instrument would be kept.

        Raises:
            InvalidOption: It cannot be one, or is taken and not to be replaced.
        """
        wanted = slug(name)
        if not _is_name(wanted):
            raise InvalidOption(
                f"{name!r} cannot be the name of an instrument.", "Use letters, digits, blanks and dashes."
            )
        if not replace and (self.folder / wanted).exists():
            raise InvalidOption(
                f"There is an instrument named {wanted} already.", "Choose another name, or replace it: --force."
            )
        return wanted

    def add(self, name: str, files: Mapping[str, bytes], *, replace: bool = False) -> OwnInstrument:
        """Keep an instrument.

        Args:
            name: To keep it under.
            files: Contents of `card.toml`, `config.json`, `weights.safetensors`.
            replace: Put it in the place of another of the same name.

        Raises:
            InvalidOption: As `place_for`.
            OutputError, PermissionRefused: It cannot be written; nothing is half-written, nothing is lost.
        """
        wanted = self.place_for(name, replace=replace)
        place = self.folder / wanted
        new, old = self._beside(), self._beside()
        try:
            new.mkdir(parents=True)
            for file in (CARD_FILE, CONFIG, WEIGHTS):
                (new / file).write_bytes(files[file])
            if place.exists():
                place.rename(old)
            try:
                new.rename(place)
            except OSError:
                if old.exists():
                    old.rename(place)
                raise
        except OSError as error:
            raise output_error(error, place) from error
        finally:
            for left in (new, old):
                shutil.rmtree(left, ignore_errors=True)
        NeuralInstruments.forget()
        return self.get(wanted)

    def delete(self, name: str) -> str:
        """Remove an instrument, also a damaged one; returns the name it had.

        Raises:
            ModelNotFound: There is none of this name.
            OutputError, PermissionRefused: It cannot be removed.
        """
        wanted = slug(name)
        place = self.folder / wanted
        if not _is_name(wanted) or not place.is_dir():
            raise self._unknown(name)
        aside = self._beside()
        try:
            place.rename(aside)
            shutil.rmtree(aside)
        except OSError as error:
            raise output_error(error, place) from error
        NeuralInstruments.forget()
        return wanted

    def _beside(self) -> Path:
        return self.folder / f".part-{secrets.token_hex(6)}"

    def _unknown(self, name: str) -> ModelNotFound:
        known = ", ".join(self.names())
        return ModelNotFound(
            f"You have no instrument named {name}.",
            f"Yours: {known}." if known else "`descant instrument train NAME FOLDER` makes one.",
        )


def slug(name: str) -> str:
    """A name as it is kept: "My  Kalimba" is "my-kalimba"."""
    return re.sub(r"[\s_]+", "-", name.strip().lower())


def _is_name(name: str) -> bool:
    return (
        bool(re.fullmatch(r"[\w][\w.+#-]*", name))
        and is_safe_path(name)
        and len(os.fsencode(name)) <= _LONGEST_NAME
        and name.isprintable()
    )
