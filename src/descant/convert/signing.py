"""`Authority`: this user's signing key, whose other keys are trusted here, and which consents were taken back.

All of it lies in one folder (`DESCANT_CONFIG`, or the platform's place for settings):

    consent.key      the private key (Ed25519, PKCS 8), readable by its owner alone; made when first needed
    trusted.txt      public keys of other machines, one in hexadecimal a line; what they signed counts here, too
    revoked.txt      a line for each consent that was taken back: its number and when
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from descant.errors import ConsentInvalid
from descant.files import input_error, output_error
from descant.hub.card import config_folder

_KEY, _TRUSTED, _REVOKED = "consent.key", "trusted.txt", "revoked.txt"
_OWNER_ONLY = 0o600


class Authority:
    """See the module.

    Args:
        folder: Where key and lists lie; made when the first thing is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def load(cls) -> Authority:
        """That of this user."""
        return cls(config_folder())

    @property
    def public_key(self) -> str:
        """The key that others may trust, in hexadecimal; made if there is none yet."""
        return self._private().public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> str:
        """The signature of bytes, in hexadecimal.

        Raises:
            ConsentInvalid: The key is damaged.
            OutputError, PermissionRefused: A first key cannot be written.
        """
        return self._private().sign(content).hex()

    def check(self, content: bytes, signature: str, public_key: str) -> None:
        """Refuse bytes that were not signed just so by a key that is trusted here.

        Raises:
            ConsentInvalid: They were edited, or the key is not trusted.
        """
        try:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), content)
        except (InvalidSignature, ValueError) as error:
            raise ConsentInvalid(
                "The consent record was edited or is damaged: its signature does not fit.",
                "Record the consent again: `descant voice consent NAME`.",
            ) from error
        has_key = (self.folder / _KEY).exists()
        if not (has_key and public_key == self.public_key) and public_key not in self._lines(_TRUSTED):
            raise ConsentInvalid(
                f"The consent record is signed by the key {public_key[:16]}..., which is not trusted here.",
                f"If it is yours from another machine, add the whole key as a line to {self.folder / _TRUSTED}.",
            )

    def revoke(self, number: str, now: datetime) -> None:
        """Take a consent back, for good.

        Raises:
            OutputError, PermissionRefused: The list cannot be written.
        """
        if not self.is_revoked(number):
            self._append(_REVOKED, f"{number} {now.isoformat(timespec='seconds')}")

    def is_revoked(self, number: str) -> bool:
        """Whether a consent was taken back."""
        return any(line.split()[:1] == [number] for line in self._lines(_REVOKED))

    def _private(self) -> Ed25519PrivateKey:
        path = self.folder / _KEY
        if not path.exists():
            self._make(path)
        try:
            key = load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise input_error(error, path) from error
        except (ValueError, TypeError) as error:
            raise _damaged(path) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _damaged(path)
        return key

    def _make(self, path: Path) -> None:
        """A new key; of several processes that make one at a time, the first wins and all use its."""
        key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        temporary = path.with_name(f".{_KEY}-{secrets.token_hex(6)}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _OWNER_ONLY)
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
            with suppress(FileExistsError):
                os.link(temporary, path)
        except OSError as error:
            raise output_error(error, path) from error
        finally:
            temporary.unlink(missing_ok=True)

    def _lines(self, name: str) -> list[str]:
        path = self.folder / name
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise input_error(error, path) from error
        return [line.strip() for line in text.splitlines()]

    def _append(self, name: str, line: str) -> None:
        append_line(self.folder / name, line)


def append_line(path: Path, line: str) -> None:
    """Add a line to a file in one write, so that two processes do not mix theirs.

    Raises:
        OutputError, PermissionRefused: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, _OWNER_ONLY)
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            file.write(f"{line}\n".encode())
            os.fsync(file.fileno())
    except OSError as error:
        raise output_error(error, path) from error


def _damaged(path: Path) -> ConsentInvalid:
    return ConsentInvalid(
        f"{path} is no Ed25519 key.", "Bring it back from a backup; without it, move it away and record consents anew."
    )
