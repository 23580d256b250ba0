"""Strict reading of TOML tables: every value is checked, every error names file and key, no key is left unread."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from descant.errors import CardError

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TAGS = re.compile(r"[a-z0-9]+-[a-z0-9]+-[a-z0-9_]+")
_REQUIREMENT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._+!-]*[A-Za-z0-9])?")
_PATH_PART = re.compile(r'[^<>:"/\\|?*\x00-\x1f]+')
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def is_fetchable(url: str) -> bool:
    """Whether the address is https, or plain http on this very machine."""
    parts = urlsplit(url)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS)
    )


def is_slug(name: str) -> bool:
    """Whether this is a lower-case name with single dashes."""
    return _SLUG.fullmatch(name) is not None


def is_safe_path(path: str) -> bool:
    """Whether the name stays inside the folder it is joined to, on every operating system."""
    parts = PurePosixPath(path).parts
    return (
        bool(parts)
        and "/".join(parts) == path
        and all(_PATH_PART.fullmatch(part) and part not in ("..", ".") and part[-1] not in ". " for part in parts)
    )


@dataclass
class TomlTable:
    """One table of a TOML file while it is read.

    Attributes:
        where: File and table, for messages.
        values: The table's keys that were not read yet.
    """

    where: str
    values: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, where: str) -> TomlTable:
        """The top table of a TOML text."""
        try:
            return cls(where, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise CardError(f"{where}: not valid TOML: {error}", "Correct the file, or remove it.") from error

    def _take(self, key: str, kind: type | tuple[type, ...], default: object = None) -> Any:
        value = self.values.pop(key, default)
        if value is None:
            raise CardError(f"{self.where}: '{key}' is missing.", "docs/models.md describes what a card must hold.")
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
            raise CardError(f"{self.where}: '{key}' has the wrong type: {value!r}.", "docs/models.md shows each key.")
        return value

    def _refuse(self, key: str, value: str, rule: str) -> CardError:
        return CardError(f"{self.where}: '{key}' is '{value}', but must be {rule}.", "Correct the card.")

    def string(self, key: str, *, default: str | None = None) -> str:
        """A string; without default it must be there and must not be blank."""
        value: str = self._take(key, str, default)
        if default is None and not value.strip():
            raise CardError(f"{self.where}: '{key}' is empty.", "docs/models.md describes what a card must hold.")
        return value

    def _matching(self, key: str, pattern: re.Pattern[str], rule: str, default: str | None = None) -> str:
        value = self.string(key, default=default)
        if value != default and not pattern.fullmatch(value):
            raise self._refuse(key, value, rule)
        return value

    def slug(self, key: str) -> str:
        """A lower-case name with dashes."""
        return self._matching(key, _SLUG, "lower-case letters and digits with single dashes")

    def sha256(self, key: str, *, default: str | None = None) -> str:
        """A SHA-256 digest in lower-case hexadecimal."""
        return self._matching(key, _SHA256, "64 lower-case hexadecimal digits", default)

    def requirement(self, key: str) -> str:
        """A distribution's name or version: nothing that pip could read as an option or a place."""
        return self._matching(key, _REQUIREMENT, "a plain distribution name or version")

    def wheel_tags(self, key: str) -> str:
        """A wheel's tags for Python, ABI and platform; empty if not given."""
        return self._matching(key, _TAGS, '"python-abi-platform", such as cp311-cp311-manylinux_2_28_x86_64', "")

    def relative_path(self, key: str) -> str:
        """A path that stays inside the folder it is joined to."""
        value = self.string(key)
        if not is_safe_path(value):
            raise self._refuse(key, value, "a plain relative path without '..'")
        return value

    def https(self, key: str) -> str:
        """An address that is https, or http on this machine."""
        value = self.string(key)
        if not is_fetchable(value):
            raise self._refuse(key, value, "an https address")
        return value

    def integer(self, key: str) -> int:
        """A positive whole number."""
        value: int = self._take(key, int)
        if value < 1:
            raise self._refuse(key, str(value), "a positive whole number")
        return value

    def optional_integer(self, key: str) -> int | None:
        """A positive whole number, or None where the key is absent."""
        return self.integer(key) if key in self.values else None

    def strings(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty where the key is absent."""
        values = self._take(key, list, [])
        if not all(isinstance(value, str) and value for value in values):
            raise CardError(f"{self.where}: '{key}' must be a list of strings.", "Correct the card.")
        return tuple(values)

    def path_pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """A table of safe relative path -> string."""
        pairs: Mapping[str, object] = self._take(key, dict)
        for path, member in pairs.items():
            if not is_safe_path(path) or not isinstance(member, str) or not is_safe_path(member):
                raise self._refuse(key, f"{path} = {member}", "plain relative paths without '..'")
        return tuple((path, str(member)) for path, member in pairs.items())

    def table(self, key: str) -> TomlTable:
        """A table inside this one."""
        return TomlTable(f"{self.where} [{key}]", self._take(key, dict))

    def tables(self, key: str) -> tuple[TomlTable, ...]:
        """A list of tables; empty where the key is absent."""
        values = self._take(key, list, [])
        if not all(isinstance(value, dict) for value in values):
            raise CardError(f"{self.where}: '{key}' must be [[{key}]] tables.", "docs/models.md shows each key.")
        return tuple(TomlTable(f"{self.where} [[{key}]] {n}", value) for n, value in enumerate(values, 1))

    def finish(self) -> None:
        """Raise `CardError` if a key was not read: a misspelt key must not pass unseen."""
        if self.values:
            unread = ", ".join(sorted(self.values))
            raise CardError(f"{self.where}: unknown key(s): {unread}.", "Check the spelling against docs/models.md.")
