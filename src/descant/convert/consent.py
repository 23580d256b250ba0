"""Whose voice may be used, for what, and until when: signed records, and the permits that open the gate of `Converter`.

Four kinds of record. `spoken`: another person read a random phrase aloud, and both its words and its speaker were
checked against the recordings of the voice. `own`: the same for the user's own voice. `licence`: recordings under an
open licence, which is named with its source. `synthetic`: a voice that belongs to nobody.

What this can do and what not: it stops accidents and casual misuse, shows who said what when, and lets a consent be
taken back. Who owns the machine owns the key and the code, and can lie to it.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from descant.convert.signing import Authority
from descant.convert.speaker import likeness
from descant.convert.voice import Voice
from descant.errors import (
    ConsentExpired,
    ConsentInvalid,
    ConsentMissing,
    ConsentRevoked,
    InvalidOption,
)

Floats = NDArray[np.float32]
Kind = Literal["spoken", "own", "licence", "synthetic"]
Use = Literal["convert", "train"]

KINDS: tuple[Kind, ...] = get_args(Kind)
USES: tuple[Use, ...] = get_args(Use)
SAME_SPEAKER = 0.825
"""Likeness from which a phrase is taken to be read by the person of the recordings. Measured on 35
persons of GCompris: 2.5 % of other people pass, 6.9 % of honest readers must try again (`benchmarks/consent.py`).
"""

SAME_VOICE = 0.99
"""Cosine from which the embedding in a record is that of the voice: they are computed from the same recordings."""

SPOKEN_DAYS = 730
_FORMAT = "descant consent 1"
_WIDTH = 256


@dataclass(frozen=True, slots=True)
class Subject:
    """What a consent is about.

    Attributes:
        voice: Name of the voice.
        person: Whose it is; for synthetic voices, who made it.
        audio_sha256: Digest of the recordings that the voice was made from; for a voice with weights of another
            program one of these, the weights and the speaker in them (`convert.foreign.bind`).
        embedding: Speaker vector of these recordings as base64 of float32; see `embedding_text`.
    """

    voice: str
    person: str
    audio_sha256: str
    embedding: str

    def __post_init__(self) -> None:
        require_text(self.voice, self.person)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a consent allows.

    Attributes:
        kind: Of the record.
        scope: For what the voice may be used.
        days: How long; None has no end.
        licence: Name or text of the licence, for that kind.
        source: Where the recordings come from, or how a synthetic voice was made.
    """

    kind: Kind
    scope: tuple[Use, ...] = USES
    days: int | None = None
    licence: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        require_text(self.licence, self.source)
        if not self.scope or not set(self.scope) <= set(USES):
            raise InvalidOption(f"The scope {', '.join(self.scope) or '(empty)'} is none.", f"Use {', '.join(USES)}.")
        if self.days is not None and not 1 <= self.days <= 36_500:
            raise InvalidOption(f"A term of {self.days} days is impossible.", "Use 1 to 36500.")
        if self.kind == "licence" and not (self.licence.strip() and self.source.strip()):
            raise InvalidOption(
                "An open licence needs its name or text, and the source of the recordings.",
                'For instance: --licence "CC BY 4.0" --source "https://...".',
            )
        if self.kind == "synthetic" and not self.source.strip():
            raise InvalidOption("A synthetic voice needs a word on how it was made.", "Give --source.")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was said and heard; empty for the kinds that nobody speaks for.

    Attributes:
        phrase: The words that were asked for.
        heard: Those that were recognised.
        likeness: Cosine of the speaker to the voice.
        recording_sha256: Digest of the recording.
    """

    phrase: str = ""
    heard: str = ""
    likeness: float = 0.0
    recording_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """A signed record; all of it is text, as it stands in its file.

    Attributes:
        number: Sixteen hexadecimal digits that no other record has.
        subject: What it is about.
        terms: What it allows.
        evidence: What was said.
        given: When, in UTC (ISO 8601).
        expires: Until when; empty for no end.
        public_key: Of the key that signed it.
        signature: In hexadecimal.
    """

    number: str
    subject: Subject
    terms: Terms
    evidence: Evidence
    given: str
    expires: str
    public_key: str
    signature: str = ""

    def content(self) -> bytes:
        """What is signed: everything but the signature."""
        facts = asdict(replace(self, signature=""))
        return f"{_FORMAT}\n{json.dumps(facts, sort_keys=True, separators=(',', ':'))}".encode()

    def to_json(self) -> str:
        """As the text of a file."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Consent:
        """Read back; the signature is checked where the record is used.

        Raises:
            ConsentInvalid: It is no consent record.
        """
        try:
            stated = json.loads(text)
            if stated.pop("format") != _FORMAT:
                raise ValueError("it has another format")
            terms = stated.pop("terms")
            record = cls(
                subject=_strings(Subject, stated.pop("subject")),
                terms=Terms(**{**terms, "scope": tuple(terms["scope"])}),
                evidence=Evidence(**stated.pop("evidence")),
                **stated,
            )
            record.until()
            embedding_of(record.subject.embedding)
            if record.terms.kind not in KINDS or set(map(type, stated.values())) - {str}:
                raise ValueError("a value has the wrong type")
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError, InvalidOption) as error:
            raise ConsentInvalid(
                f"The consent record cannot be read: {error}.",
                "Record the consent again: `descant voice consent NAME`.",
            ) from error
        return record

    def until(self) -> datetime | None:
        """When it ends."""
        return datetime.fromisoformat(self.expires) if self.expires else None


def give_consent(
    authority: Authority,
    subject: Subject,
    terms: Terms,
    evidence: Evidence = Evidence(),
    *,
    now: datetime | None = None,
) -> Consent:
    """A new signed record. What spoken kinds need as evidence comes from `convert.spoken.check_recording`.

    Args:
        authority: Who signs.
        subject: What it is about.
        terms: What it allows.
        evidence: What was said.
        now: In UTC; None is this moment.

    Raises:
        ConsentMissing: A spoken kind comes without evidence.
        DescantError: As for `Authority.sign`.
    """
    if terms.kind in {"spoken", "own"} and not (evidence.phrase and evidence.likeness >= SAME_SPEAKER):
        raise ConsentMissing("Nobody spoke for this consent.", "`descant voice consent NAME` asks for a phrase.")
    given = now or datetime.now(UTC)
    expires = "" if terms.days is None else _time(given + timedelta(days=terms.days))
    record = Consent(secrets.token_hex(8), subject, terms, evidence, _time(given), expires, authority.public_key)
    return replace(record, signature=authority.sign(record.content()))


@dataclass(frozen=True, slots=True)
class Permit:
    """A consent with the authority that vouches for it: what `Converter` wants to see with a voice.

    Attributes:
        consent: The record.
        authority: Whose key signed it, and who knows what was taken back.
    """

    consent: Consent
    authority: Authority

    def require(self, voice: Voice, use: Use = "convert", *, now: datetime | None = None) -> None:
        """Refuse unless the record is sound, in force, and about this voice and use.

        Args:
            voice: That is to be used.
            use: For what.
            now: In UTC; None is this moment.

        Raises:
            ConsentInvalid: It is damaged, edited, or signed by a key that is not trusted.
            ConsentRevoked: It was taken back.
            ConsentExpired: It is past its date.
            ConsentMissing: It is about another voice or another use.
        """
        record = self.consent
        self.authority.check(record.content(), record.signature, record.public_key)
        name = record.subject.voice
        if self.authority.is_revoked(record.number):
            raise ConsentRevoked(
                f"The consent for the voice {name} was taken back.", "Ask the person again, or use another voice."
            )
        end = record.until()
        if end is not None and (now or datetime.now(UTC)) >= end:
            raise ConsentExpired(
                f"The consent for the voice {name} ended on {end:%Y-%m-%d}.",
                f"`descant voice consent {name}` renews it.",
            )
        if use not in record.terms.scope:
            raise ConsentMissing(
                f"The consent for the voice {name} does not allow to {use} with it.", "Ask the person for that, too."
            )
        if likeness(voice.speaker, embedding_of(record.subject.embedding)) < SAME_VOICE:
            raise ConsentMissing(
                f"The consent is for the recordings of {name}, which this voice was not made from.",
                f"`descant voice consent {name}` gives one for what is stored now.",
            )


def require_permit(permit: Permit | None, voice: Voice, use: Use = "convert") -> Permit:
    """The gate itself: a permit that holds for the voice, or an error.

    Raises:
        ConsentMissing: There is none.
        DescantError: As for `Permit.require`.
    """
    if not isinstance(permit, Permit):
        raise ConsentMissing(
            "A voice is used only with the consent of the person it belongs to.",
            "`descant voice consent NAME` records one; open licences and synthetic voices have their own kinds.",
        )
    permit.require(voice, use)
    return permit


def require_text(*texts: str) -> None:
    """Refuse words that no record can keep: bytes of another encoding, as a command line hands them on.

    Raises:
        InvalidOption: One is no text.
    """
    for text in texts:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InvalidOption(
                f"{text.encode('ascii', 'backslashreplace').decode()!r} is no text in UTF-8.", "Write it anew."
            ) from error


def embedding_text(speaker: Floats) -> str:
    """A speaker vector as it stands in records."""
    return base64.b64encode(speaker.astype("<f4").tobytes()).decode()


def embedding_of(text: str) -> Floats:
    """The inverse of `embedding_text`.

    Raises:
        ConsentInvalid: It is none.
    """
    try:
        vector = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    except (ValueError, binascii.Error) as error:
        raise ConsentInvalid("The voice in the consent record is damaged.", "Record the consent again.") from error
    if vector.shape != (_WIDTH,) or not np.isfinite(vector).all() or not vector.any():
        raise ConsentInvalid("The voice in the consent record is damaged.", "Record the consent again.")
    return vector


def _strings(cls: type[Subject], stated: dict[str, object]) -> Subject:
    if set(stated) != {field.name for field in fields(cls)} or not all(isinstance(v, str) for v in stated.values()):
        raise ValueError("its subject is not whole")
    return cls(**{name: str(value) for name, value in stated.items()})


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
