"""`VoiceStore`: voices by name in one folder, each with what it was made from and the consent to use it.

    <name>/voice.toml            whose it is, licence, source, digest of the recordings
    <name>/voice.safetensors     the fields of `Voice`
    <name>/consent.json          the consent record, once there is one
    <name>/phrase.json           a phrase that was shown and waits to be read
    <name>/decoder/              `config.json`, `weights.safetensors`: adapted to the voice, or of another program

Two voices come with Descant (`BUNDLED`), from voice banks whose makers gave them to everybody; they are put into the
store, with a consent of the kind licence, when they are first asked for.

What a voice learns from while it is trained, its recordings among it, lies in `training/<name>/` beside the store and
goes with the voice.

A voice appears under its name by one rename, and goes by one. The folder is that of `DESCANT_DATA`, or the
platform's place for what users make.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from descant.audio.clip import Clip
from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.io import read
from descant.convert.consent import Consent, Permit, Subject, Terms, embedding_text, give_consent, require_text
from descant.convert.content import LAYER
from descant.convert.signing import Authority
from descant.convert.spoken import Phrase
from descant.convert.voice import Voice
from descant.errors import CheckpointError, ConsentMissing, DescantError, InputNotFound, InvalidOption, VoiceNotFound
from descant.files import PathLike, as_path, atomic_output, input_error, output_error
from descant.hub.card import data_folder
from descant.hub.card_writer import write_table
from descant.hub.checkpoint import load_tensors, save_tensors
from descant.hub.files import sha256_of
from descant.hub.toml_table import is_safe_path

BUNDLED = Path(__file__).with_name("bundled")
"""A folder for each voice that comes with Descant, as in the store but for the consent."""

_FORMAT = 1
_RATE = 44_100
_LONGEST_S = 600.0
_SPEAKER = 256
_LONGEST_NAME = 200
"""Bytes; file systems take 255, and a place beside it needs a longer one."""

_FILES = ("voice.toml", "voice.safetensors", "consent.json", "decoder/config.json", "decoder/weights.safetensors")
_TEXTS = ("person", "audio_sha256", "licence", "source")
_FACTS = ("middle", "low", "high", "is_sung")
_HIGHEST = 200.0
"""More than any voice's pitch as a MIDI number."""

_UNREADABLE = (
    *(OSError, ValueError, LookupError, TypeError, OverflowError, RecursionError),
    *(CheckpointError, InvalidOption),
)
"""What damaged and hostile descriptions of a voice raise."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a voice comes from.

    Attributes:
        person: Whose it is.
        audio_sha256: Digest of the recordings, or of them and foreign weights, as in `consent.Subject`.
        licence: Of the recordings; empty where a person speaks for them.
        source: Of the recordings.
        layer: Of the content encoder that its pool was made with.
    """

    person: str
    audio_sha256: str
    licence: str = ""
    source: str = ""
    layer: int = LAYER

    def __post_init__(self) -> None:
        require_text(self.person, self.licence, self.source)


@dataclass(frozen=True, slots=True, eq=False)
class StoredVoice:
    """A voice in the store.

    Attributes:
        name: Its folder's name.
        folder: Where it lies.
        voice: Its fields.
        origin: Where it comes from.
        consent: The record; None where nobody has consented yet. It is checked where it is used.
    """

    name: str
    folder: Path
    voice: Voice
    origin: Origin
    consent: Consent | None

    @property
    def decoder(self) -> Path | None:
        """The folder of its own weights; None where it was only enrolled."""
        folder = self.folder / "decoder"
        return folder if (folder / "config.json").is_file() else None

    @property
    def subject(self) -> Subject:
        """What a consent for it is about."""
        return subject_of(self.name, self.voice, self.origin)

    def permit(self, authority: Authority | None = None) -> Permit:
        """What `Converter` wants to see with the voice.

        Raises:
            ConsentMissing: Nobody has consented yet.
        """
        if self.consent is None:
            raise ConsentMissing(
                f"Nobody has consented to the use of the voice {self.name} yet.",
                f"`descant voice consent {self.name}` shows a phrase for {self.origin.person} to read.",
            )
        return Permit(self.consent, authority or Authority.load())


class VoiceStore:
    """See the module.

    Args:
        folder: Of the voices.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def load(cls) -> VoiceStore:
        """That of this user."""
        return cls(data_folder() / "voices")

    def names(self) -> tuple[str, ...]:
        """The voices in the folder, in the alphabet's order."""
        try:
            return tuple(sorted(path.parent.name for path in self.folder.glob("*/voice.toml") if _is_name(path.parent)))
        except OSError as error:
            raise input_error(error, self.folder) from error

    def training(self, name: str) -> Path:
        """Where a voice of this name keeps what it is trained from."""
        return self.folder.parent / "training" / self._place(name).name

    def known(self) -> tuple[str, ...]:
        """The same, and those that come with Descant."""
        return tuple(sorted({*self.names(), *(path.name for path in BUNDLED.iterdir() if path.is_dir())}))

    def get(self, name: str) -> StoredVoice:
        """A voice.

        Raises:
            VoiceNotFound: There is none of this name, or it is damaged.
            ConsentInvalid: Its consent record is damaged.
        """
        folder = self._place(name)
        if not folder.exists() and (BUNDLED / name / "voice.toml").is_file():
            self._put_bundled(name)
        if not (folder / "voice.toml").is_file():
            known = ", ".join(self.known())
            raise VoiceNotFound(
                f"There is no voice named {name}.", f"Voices here: {known}. `descant voice add NAME FILES` adds one."
            )
        voice, origin = _read_voice(name, folder)
        consent = folder / "consent.json"
        return StoredVoice(name, folder, voice, origin, Consent.from_json(_read(consent)) if consent.exists() else None)

    def add(
        self, name: str, voice: Voice, origin: Origin, *, decoder: Path | None = None, consent: Consent | None = None
    ) -> StoredVoice:
        """Put a voice under a name that is free.

        Args:
            name: Letters, digits, blanks, dots and dashes; it becomes a folder.
            voice: Its fields.
            origin: Where it comes from.
            decoder: Folder of weights of its own; copied.
            consent: A record for it, so that it never lies there without.

        Raises:
            InvalidOption: The name cannot be one, or is taken.
            OutputError, PermissionRefused: It cannot be written.
        """
        place = self.require_free(name)
        facts: dict[str, str | int | tuple[str, ...] | None] = {
            "format": _FORMAT, "person": origin.person, "audio_sha256": origin.audio_sha256,
            "licence": origin.licence, "source": origin.source, "layer": origin.layer,
        }  # fmt: skip
        temporary = self.folder / f".new-{secrets.token_hex(6)}"
        try:
            temporary.mkdir(parents=True)
            save_tensors(temporary / "voice.safetensors", _tensors(voice))
            (temporary / "voice.toml").write_text(write_table("", facts), encoding="utf-8")
            if consent is not None:
                (temporary / "consent.json").write_text(consent.to_json(), encoding="utf-8")
            if decoder is not None:
                shutil.copytree(decoder, temporary / "decoder")
            temporary.rename(place)
        except OSError as error:
            raise output_error(error, place) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return self.get(name)

    def _put_bundled(self, name: str) -> None:
        voice, origin = _read_voice(name, BUNDLED / name)
        terms = Terms("licence", licence=origin.licence, source=origin.source)
        consent = give_consent(Authority.load(), subject_of(name, voice, origin), terms)
        try:
            self.add(name, voice, origin, consent=consent)
        except DescantError:
            if not (self.folder / name / "voice.toml").is_file():  # or another process has put it there just now
                raise

    def require_free(self, name: str) -> Path:
        """Where a voice of this name would lie.

        Raises:
            InvalidOption: The name cannot be one, or is taken.
        """
        place = self._place(name)
        if place.exists():
            raise InvalidOption(
                f"There is a voice named {name} already.", f"`descant voice delete {name}`, or choose another name."
            )
        return place

    def set_consent(self, name: str, consent: Consent) -> None:
        """Keep a consent record with its voice, in the place of an older one; a phrase that waited is used up.

        Raises:
            VoiceNotFound: There is no such voice.
            OutputError, PermissionRefused: It cannot be written.
        """
        folder = self.get_folder(name)
        with atomic_output(folder / "consent.json") as temporary:
            temporary.write_text(consent.to_json(), encoding="utf-8")
        (folder / "phrase.json").unlink(missing_ok=True)

    def set_decoder(self, name: str, decoder: Path) -> None:
        """Keep weights of a voice's own, in the place of older ones.

        Args:
            name: Of the voice.
            decoder: Their folder; it is copied.

        Raises:
            VoiceNotFound: There is no such voice.
            OutputError, PermissionRefused: It cannot be written.
        """
        folder = self.get_folder(name)
        new, old = folder / f".new-{secrets.token_hex(6)}", folder / f".old-{secrets.token_hex(6)}"
        try:
            shutil.copytree(decoder, new)
            if (folder / "decoder").exists():
                (folder / "decoder").rename(old)
            new.rename(folder / "decoder")
        except OSError as error:
            raise output_error(error, folder) from error
        finally:
            for left in (new, old):
                shutil.rmtree(left, ignore_errors=True)

    def set_phrase(self, name: str, phrase: Phrase) -> None:
        """Remember a phrase that was shown; raises as `set_consent`."""
        with atomic_output(self.get_folder(name) / "phrase.json") as temporary:
            temporary.write_text(phrase.to_json(), encoding="utf-8")

    def phrase(self, name: str) -> Phrase:
        """The phrase that was shown last.

        Raises:
            ConsentMissing: None waits.
            ConsentInvalid: It is damaged.
        """
        path = self.get_folder(name) / "phrase.json"
        if not path.exists():
            raise ConsentMissing(
                f"No phrase was shown for the voice {name}.", f"`descant voice consent {name}` shows one to read aloud."
            )
        return Phrase.from_json(_read(path))

    def delete(self, name: str) -> None:
        """Remove a voice and all that belongs to it, what it was trained from, too; also a damaged one.

        A voice that comes with Descant is there again, as it came, when it is next asked for.

        Raises:
            VoiceNotFound: There is no such voice.
            OutputError, PermissionRefused: It cannot be removed.
        """
        place = self.get_folder(name)
        aside = self.folder / f".old-{secrets.token_hex(6)}"
        try:
            place.rename(aside)
            shutil.rmtree(aside)
            if self.training(name).exists():
                shutil.rmtree(self.training(name))
        except OSError as error:
            raise output_error(error, place) from error

    def export(self, name: str, out: PathLike) -> Path:
        """Copy a voice with its consent to a new folder, for another machine.

        Raises:
            VoiceNotFound: There is no such voice.
            InvalidOption: Something is there already.
            OutputError, PermissionRefused: It cannot be written.
        """
        return _copy(self.get(name).folder, as_path(out))

    def bring(self, folder: PathLike, name: str = "") -> StoredVoice:
        """Take over a folder that `export` wrote.

        Args:
            folder: It.
            name: To keep it under; empty for the folder's own.

        Raises:
            InputNotFound: There is no such folder.
            VoiceNotFound: It holds no voice, or a damaged one.
            InvalidOption: The name cannot be one, or is taken.
        """
        source = as_path(folder).absolute()
        if not source.is_dir():
            raise InputNotFound(f"{folder} is no folder.", "Name the folder that descant voice export wrote.")
        found = VoiceStore(source.parent).get(source.name)
        return self._checked(_copy(found.folder, self._place(name or source.name)).name)

    def get_folder(self, name: str) -> Path:
        """Where a voice lies, whether or not it is sound.

        Raises:
            VoiceNotFound: There is no such voice.
        """
        place = self._place(name)
        if not place.is_dir():
            return self.get(name).folder
        return place

    def _checked(self, name: str) -> StoredVoice:
        try:
            return self.get(name)
        except DescantError:
            shutil.rmtree(self.folder / name, ignore_errors=True)
            raise

    def _place(self, name: str) -> Path:
        place = self.folder / name
        if not _is_name(place) or place.name != name:
            raise InvalidOption(
                f"{name!r} cannot be the name of a voice.",
                "Use letters, digits, blanks and dashes; no slashes; at most 200 bytes.",
            )
        return place


def subject_of(name: str, voice: Voice, origin: Origin) -> Subject:
    """What a consent for a voice is about."""
    return Subject(name, origin.person, origin.audio_sha256, embedding_text(voice.speaker))


def read_reference(paths: Sequence[PathLike]) -> tuple[Clip, str]:
    """Recordings of one voice, joined, and their digest.

    Args:
        paths: Audio files, and folders of them; together at most ten minutes are used.

    Raises:
        InvalidOption: There are none.
        DescantError: One cannot be read.
    """
    if not paths:
        raise InvalidOption("A voice is made from recordings, and none are given.", "Name one or several files.")
    files = [file for path in paths for file in _files_of(as_path(path))]
    left, parts = _LONGEST_S, []
    for file in files:
        if left > 0.0:
            parts.append(read(file, sample_rate=_RATE, channels=1, end_s=left).samples)
            left -= parts[-1].shape[1] / _RATE
    digests = [sha256_of(file) for file in files]
    whole = digests[0] if len(files) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
    return Clip(np.concatenate(parts, axis=1), _RATE), whole


def _files_of(path: Path) -> list[Path]:
    """A file, or the audio files of a folder in the alphabet's order."""
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in AUDIO_SUFFIXES and file.is_file())
    if not files:
        raise InvalidOption(f"{path} holds no recordings.", "Name audio files, or a folder with some in it.")
    return files


def _read_voice(name: str, folder: Path) -> tuple[Voice, Origin]:
    try:
        facts = tomllib.loads((folder / "voice.toml").read_text(encoding="utf-8"))
        person, digest, licence, source = (_text(facts, key) for key in _TEXTS)
        origin = Origin(person, digest, licence, source, int(facts["layer"]))
        if facts["format"] != _FORMAT:
            raise ValueError("it is of another version")
        return _voice(load_tensors(folder / "voice.safetensors")), origin
    except _UNREADABLE as error:
        raise VoiceNotFound(
            f"The voice {name} in {folder} is damaged: {error}", "Delete it and add it again, or bring it back."
        ) from error


def _voice(tensors: dict[str, torch.Tensor]) -> Voice:
    speaker, pool = tensors["speaker"].clone().numpy(), tensors["pool"].clone().numpy()
    facts = {name: float(value) for name, value in zip(_FACTS, tensors["facts"].tolist(), strict=True)}
    is_whole = (
        speaker.shape == (_SPEAKER,)
        and speaker.dtype == np.float32
        and pool.ndim == 2
        and pool.dtype == np.float16
        and np.isfinite(speaker).all()
        and np.isfinite(pool).all()
        and all(abs(value) <= _HIGHEST for value in facts.values())
        and speaker.any()
    )
    if not is_whole:
        raise ValueError("its numbers make no voice.")
    return Voice(speaker, pool, facts["middle"], facts["low"], facts["high"], bool(facts["is_sung"]))


def _tensors(voice: Voice) -> dict[str, torch.Tensor]:
    facts = torch.tensor([float(getattr(voice, name)) for name in _FACTS], dtype=torch.float64)
    arrays = {"speaker": voice.speaker, "pool": voice.pool}
    return {"facts": facts, **{name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}}


def _copy(source: Path, place: Path) -> Path:
    if place.exists():
        raise InvalidOption(f"{place} is there already.", "Choose another name.")
    temporary = place.with_name(f".copy-{secrets.token_hex(6)}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        (temporary / "decoder").mkdir(parents=True)
        for name in _FILES:  # and nothing else that a stranger's folder may hold
            if (source / name).is_file():
                shutil.copyfile(source / name, temporary / name)
        if not any((temporary / "decoder").iterdir()):
            (temporary / "decoder").rmdir()
        temporary.rename(place)
    except OSError as error:
        raise output_error(error, place) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return place


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise input_error(error, path) from error


def _text(facts: dict[str, object], key: str) -> str:
    value = facts.get(key, "")
    if not isinstance(value, str):
        raise TypeError(f"'{key}' is no text.")
    return value


def _is_name(place: Path) -> bool:
    return (
        is_safe_path(place.name)
        and not place.name.startswith((".", "-"))
        and len(os.fsencode(place.name)) <= _LONGEST_NAME
        and place.name.isprintable()
    )
