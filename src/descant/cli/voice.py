"""`descant voice`: voices by name, and the consent to use them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from descant.cli.terminal import one_line
from descant.errors import ConsentMissing, DescantError, InvalidOption

if TYPE_CHECKING:
    from descant.audio.clip import Clip
    from descant.convert.consent import Consent, Terms, Use
    from descant.convert.spoken import Listener
    from descant.convert.store import StoredVoice

voice = cyclopts.App(name="voice", help="Voices by name: add, consent, list, show, export, import, delete.")

Flag = Annotated[bool, Parameter(negative=())]
AsJson = Annotated[bool, Parameter("--json", negative=())]


@voice.command
def add(
    name: str,
    recordings: Annotated[list[Path], Parameter(negative=())],
    *,
    person: str,
    licence: str = "",
    source: str = "",
    synthetic: Flag = False,
    consent: Path | None = None,
    weights: str = "",
    speaker: str = "",
) -> None:
    """Make a voice from 10 to 60 s of recordings. It is used only once there is consent.

    Args:
        name: To keep it under.
        recordings: Audio files of this one voice, or folders of them: speaking or singing, without instruments.
        person: Whose voice it is; for a synthetic one, who made it.
        licence: The open licence of the recordings, if they have one; then nobody needs to speak for them.
        source: Where the recordings come from, or how a synthetic voice was made.
        synthetic: The voice belongs to nobody.
        consent: A consent record for just these recordings (and weights), from elsewhere.
        weights: Card of an RVC or so-vits-svc voice of this same person (`descant models import`), to sing with.
        speaker: Which voice of these weights, by name or number, where they have several.
    """
    from tempfile import TemporaryDirectory

    from descant.convert.consent import Consent, Permit, Terms, give_consent
    from descant.convert.content import LAYER, ContentEncoder
    from descant.convert.signing import Authority
    from descant.convert.speaker import SpeakerEmbedder
    from descant.convert.store import Origin, VoiceStore, read_reference, subject_of
    from descant.convert.voice import voice_of
    from descant.files import text_of
    from descant.nets.swift_f0 import SwiftF0

    if speaker and not weights:
        raise InvalidOption("--speaker chooses among the voices of --weights.", "Give both, or neither.")
    if sum((bool(licence), synthetic, consent is not None)) > 1:
        raise InvalidOption("--licence, --synthetic and --consent exclude each other.", "Give one of them.")
    terms: Terms | None = None
    if licence or synthetic:
        terms = Terms("licence" if licence else "synthetic", licence=licence, source=source)
    record = None if consent is None else Consent.from_json(text_of(consent))
    store, authority = VoiceStore.load(), Authority.load()
    store.require_free(name)
    clip, digest = read_reference(recordings)
    found = voice_of(clip, ContentEncoder.load(), SwiftF0.load(), SpeakerEmbedder.load())
    if record is not None:
        Permit(record, authority).require(found)
    with TemporaryDirectory(prefix="descant-voice-") as folder:
        own = Path(folder) / "decoder" if weights else None
        if own is not None:
            digest = _bound(weights, speaker, digest, own, record)
        origin = Origin(person, digest, licence, source, LAYER)
        if terms is not None:
            record = give_consent(authority, subject_of(name, found, origin), terms)
        store.add(name, found, origin, decoder=own, consent=record)
    if record is None:
        print(f"{name} is stored, and may be used once {one_line(person)} consents: descant voice consent {name}")
        return
    print(f"{name} is stored, with a consent of the kind {record.terms.kind}.")


@voice.command
def consent(
    name: str,
    *,
    recording: Path | None = None,
    own: Flag = False,
    days: int | None = None,
    scope: str = "convert,train",
    revoke: Flag = False,
) -> None:
    """Show a phrase to read aloud; with --recording, check that it was read by the person whose voice it is.

    Args:
        name: Of the voice.
        recording: Someone reading the phrase that was shown, within half an hour.
        own: The voice is your own.
        days: How long the consent lasts, 730 unless told otherwise.
        scope: What for: convert, train, or both.
        revoke: Take the consent back, for good; a new one can be given.
    """
    from descant.convert.consent import SPOKEN_DAYS, Terms, give_consent
    from descant.convert.signing import Authority
    from descant.convert.spoken import FRESH, Phrase, check_recording
    from descant.convert.store import VoiceStore

    store, authority = VoiceStore.load(), Authority.load()
    stored = store.get(name)
    if revoke:
        authority.revoke(stored.permit(authority).consent.number, datetime.now(UTC))
        print(f"The consent for {name} is taken back.")
        return
    terms = Terms("own" if own else "spoken", _uses(scope), SPOKEN_DAYS if days is None else days)
    if recording is None:
        phrase = Phrase.new()
        store.set_phrase(name, phrase)
        print(
            f"Ask {one_line(stored.origin.person)} to read this aloud, slowly, and record it:\n\n    {phrase.words}\n"
        )
        print(f"Within {FRESH.seconds // 60} minutes: descant voice consent {name} --recording FILE")
        return
    from descant.audio.io import read
    from descant.convert.speaker import SpeakerEmbedder

    phrase = store.phrase(name)
    embedder = SpeakerEmbedder.load()
    evidence = check_recording(read(recording), phrase, stored.voice.speaker, embedder, whisper())
    record = give_consent(authority, stored.subject, terms, evidence)
    store.set_consent(name, record)
    print(f"{name} may be used until {record.expires[:10]} (likeness {evidence.likeness:.2f}).")


@voice.command
def train(
    name: str,
    recordings: Annotated[list[Path], Parameter(negative=())],
    *,
    minutes: float = 15.0,
    threads: int = 2,
    model: str = "descant-voice",
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Train a voice of the store on its recordings: nearer to the person than an embedding gets.

    It stops by itself when nothing is gained any more; the same command goes on where it was stopped. What the voice
    sounds like is in `previews/` of the folder that is printed.

    Args:
        name: Of the voice (`descant voice add`), with a consent that allows to train.
        recordings: The recordings that it was added from (files, or folders of them), two to ten minutes.
        minutes: At most so long.
        threads: CPU threads.
        model: Card of the decoder to begin with.
        quiet: Print nothing but errors.
    """
    from tempfile import TemporaryDirectory

    from descant.cli.terminal import progress_bar
    from descant.convert.api import Converter
    from descant.convert.store import VoiceStore, read_reference
    from descant.train.own_voice import OwnVoiceOptions, train_own_voice, write_decoder

    options = OwnVoiceOptions(minutes, threads=threads)
    store = VoiceStore.load()
    stored = store.get(name)
    stored.permit().require(stored.voice, "train")
    _refuse_foreign(stored)
    clip, digest = read_reference(recordings)
    if digest != stored.origin.audio_sha256:
        raise InvalidOption(
            f"These are not the recordings that {name} was added from.",
            "Give the same files in the same order, or add the voice again: consent is given for recordings.",
        )
    run = store.training(name)
    base = Converter.load(model)
    with progress_bar(f"training {name}", quiet=quiet) as progress:
        own = train_own_voice([clip], run, base, options, progress=progress)
    with TemporaryDirectory(prefix="descant-voice-") as folder:
        write_decoder(Path(folder) / "decoder", own, base, digest)
        store.set_decoder(name, Path(folder) / "decoder")
    if not quiet:
        taken = own.outcome.elapsed_s / 60
        print(f"{name} is trained: {own.outcome.step:,} steps, {taken:.0f} minutes. Hear {run}/previews.")


@voice.command(name="list")
def list_voices(*, as_json: AsJson = False) -> None:
    """Show all voices, and whether they may be used.

    Args:
        as_json: Print JSON for scripts.
    """
    from descant.convert.store import VoiceStore

    store = VoiceStore.load()
    rows = []
    for name in store.known():
        try:
            stored = store.get(name)
        except DescantError as error:
            rows.append({"name": name, "person": "", "standing": error.message})
        else:
            rows.append({"name": name, "person": stored.origin.person, "standing": _standing(stored)})
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    for row in rows:
        print(one_line(f"{row['name']:<24} {row['person']:<24} {row['standing']}"))
    print(f"Voices: {len(rows)}, in {store.folder}")


@voice.command
def show(name: str, *, as_json: AsJson = False) -> None:
    """Show a voice: whose it is, what it was made from, its range, and its consent.

    Args:
        name: Of the voice.
        as_json: Print JSON for scripts.
    """
    from descant.convert.store import VoiceStore

    stored = VoiceStore.load().get(name)
    facts = _facts(stored)
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    for label, value in facts.items():
        if value not in ("", None):
            print(one_line(f"{label + ':':<16}{value}"))


@voice.command
def export(name: str, out: Path) -> None:
    """Copy a voice with its consent to a folder, for another machine.

    Args:
        name: Of the voice.
        out: The new folder.
    """
    from descant.convert.signing import Authority
    from descant.convert.store import VoiceStore

    stored = VoiceStore.load()
    place = stored.export(name, out)
    print(place)
    print(f"There: descant voice import {place.name}; and trust this machine's key {Authority.load().public_key}")


@voice.command(name="import")
def import_voice(folder: Path, *, name: str = "") -> None:
    """Take over a voice that `export` wrote. Its consent counts if the key that signed it is trusted here.

    Args:
        folder: That was written.
        name: To keep it under; without it the folder's name.
    """
    from descant.convert.store import VoiceStore

    stored = VoiceStore.load().bring(folder, name)
    print(one_line(f"{stored.name}: {_standing(stored)}"))


@voice.command
def delete(name: str) -> None:
    """Remove a voice, its weights, its consent, and what it was trained from.

    Args:
        name: Of the voice.
    """
    from descant.convert.store import VoiceStore

    store = VoiceStore.load()
    store.delete(name)
    print(f"{name} is as it came with Descant." if name in store.known() else f"{name} is gone.")


def whisper() -> Listener:
    """Whisper, as the consent's check wants it."""
    from descant.transcribe.config import WordOptions
    from descant.transcribe.words import WordRecognizer

    recognizer = WordRecognizer.load("whisper-tiny-en")  # the words of a consent are English
    options = WordOptions(lowest_confidence=0.0)

    def listen(clip: Clip) -> str:
        return recognizer(clip, options=options).text

    return listen


def _uses(scope: str) -> tuple[Use, ...]:
    from descant.cli.lists import names_in
    from descant.convert.consent import USES

    asked = set(names_in(scope))
    if not asked or not asked <= set(USES):
        raise InvalidOption(f"The scope {scope!r} is none.", f"Use {', '.join(USES)}, or both with a comma.")
    return tuple(use for use in USES if use in asked)


def _bound(weights: str, speaker: str, recordings: str, folder: Path, record: Consent | None) -> str:
    """Bind foreign weights to recordings of a digest; returns the digest of both, which a consent must name."""
    from descant.convert.foreign import bind

    digest = bind(weights, speaker, recordings, folder)
    if record is not None and record.subject.audio_sha256 != digest:
        raise ConsentMissing(
            "The consent is for recordings or weights other than these.",
            "Leave --consent out, and ask the person: descant voice consent NAME.",
        )
    return digest


def _refuse_foreign(stored: StoredVoice) -> None:
    from descant.convert.foreign import is_foreign

    if stored.decoder is not None and is_foreign(stored.decoder):
        raise InvalidOption(
            f"{stored.name} sings with weights of another program, which Descant does not train.",
            "Train them there, or add the voice again without --weights.",
        )


def _standing(stored: StoredVoice) -> str:
    """Whether the voice may be used, in words."""
    if stored.consent is None:
        return "no consent yet"
    try:
        stored.permit().require(stored.voice, stored.consent.terms.scope[0])
    except DescantError as error:
        return error.message
    return f"{stored.consent.terms.kind}, until {stored.consent.expires[:10] or 'it is taken back'}"


def _weights(stored: StoredVoice) -> str:
    if stored.decoder is None:
        return "none of its own"
    from descant.convert.foreign import ForeignVoice, is_foreign

    return ForeignVoice.read(stored.decoder).kind if is_foreign(stored.decoder) else "its own"


def _facts(stored: StoredVoice) -> dict[str, object]:
    made, origin = stored.voice, stored.origin
    record: Consent | None = stored.consent
    return {
        "name": stored.name,
        "person": origin.person,
        "licence": origin.licence,
        "source": origin.source,
        "recordings": f"sha256 {origin.audio_sha256}",
        "range": f"MIDI {made.low:.1f} to {made.high:.1f}, middle {made.middle:.1f}, "
        + ("singing" if made.is_sung else "speaking"),
        "weights": _weights(stored),
        "standing": _standing(stored),
        "consent": record.number if record else None,
        "scope": ", ".join(record.terms.scope) if record else None,
        "given": record.given if record else None,
        "phrase": record.evidence.phrase if record else None,
        "folder": str(stored.folder),
    }
