"""Who is to sing: a voice of the store, or one that a recording brings along, with what permits its use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from descant.convert.api import Converter, VoiceConverter
from descant.convert.consent import Consent, Permit, Subject, Terms, embedding_text, give_consent
from descant.convert.foreign import ForeignConverter, is_foreign
from descant.convert.signing import Authority
from descant.convert.store import VoiceStore, read_reference
from descant.convert.voice import Voice
from descant.errors import ConsentMissing, InvalidOption
from descant.files import text_of


@dataclass(frozen=True, slots=True)
class Spoken:
    """What is said of a recording that is to be a voice.

    Attributes:
        person: Whose voice it is.
        licence: The open licence of the recording.
        source: Where it comes from.
        consent: A consent record for it.
    """

    person: str = ""
    licence: str = ""
    source: str = ""
    consent: Path | None = None


def who(voice: str, spoken: Spoken, model: str) -> tuple[VoiceConverter, Voice, Permit]:
    """A voice by its name, or by a recording of it.

    Args:
        voice: A name in the store, or the path of a recording.
        spoken: What is said of a recording.
        model: Card of the decoder for voices that have none of their own.

    Returns:
        The converter to sing with it, the voice, and its permit.

    Raises:
        VoiceNotFound: There is no such voice and no such file.
        ConsentMissing: Nobody allows the recording to be used.
        DescantError: As `Converter.load`, `VoiceStore.get` and `read_reference`.
    """
    path = Path(voice)
    if not _is_file(path):
        stored = VoiceStore.load().get(voice)
        permit = stored.permit()
        permit.require(stored.voice)  # before weights are fetched
        own = stored.decoder
        if own is None:
            return Converter.load(model), stored.voice, permit
        return own_converter(own, f"{model}, {stored.name}", stored.name), stored.voice, permit
    if spoken.consent is None and not spoken.licence:
        raise ConsentMissing(
            f"Nobody allows {path.name} to be used as a voice.",
            "Name its open licence (--licence, --source), give a consent record (--consent), or enrol the person: "
            "descant voice add.",
        )
    if spoken.consent is not None and spoken.licence:
        raise InvalidOption("--licence and --consent exclude each other.", "Give one of them.")
    clip, digest = read_reference([path])
    converter, authority = Converter.load(model), Authority.load()
    found = converter.voice(clip)
    if spoken.consent is not None:
        permit = Permit(Consent.from_json(text_of(spoken.consent)), authority)
        permit.require(found)
        return converter, found, permit
    subject = Subject(path.stem, spoken.person or spoken.source, digest, embedding_text(found.speaker))
    terms = Terms("licence", licence=spoken.licence, source=spoken.source)
    return converter, found, Permit(give_consent(authority, subject, terms), authority)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # too long a name, a closed folder: then it can only be meant as a voice's
        return False


def own_converter(folder: Path, adapted: str, foreign: str) -> VoiceConverter:
    """The converter for a voice's own weights, whichever program trained them.

    Args:
        folder: Of the weights.
        adapted: What the log calls weights that Descant adapted.
        foreign: What it calls those of another program.

    Raises:
        DescantError: As `Converter.from_folder` and `ForeignConverter.from_folder`.
    """
    if is_foreign(folder):
        return ForeignConverter.from_folder(folder, model=foreign)
    return Converter.from_folder(folder, model=adapted)
