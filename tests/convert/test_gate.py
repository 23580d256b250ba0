from __future__ import annotations

import inspect
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from nobody import subject_of, voice_of_nobody

from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.audio.provenance import SYNTHETIC, read_provenance
from descant.convert.api import Converter, adapted_to
from descant.convert.consent import Consent, Permit, Terms, give_consent
from descant.convert.files import convert_file
from descant.convert.options import ConvertOptions
from descant.convert.renders import log_path, renders_with
from descant.convert.signing import Authority
from descant.convert.voice import Voice
from descant.errors import (
    CheckpointError,
    ConsentExpired,
    ConsentInvalid,
    ConsentMissing,
    ConsentRevoked,
    DescantError,
    OutputError,
)
from descant.mark.api import verify, verify_file
from descant.progress import Monitor
from humming import hum


def test_what_is_converted_is_marked_logged_and_says_so(converter: Converter, voice: Voice, permit: Permit) -> None:
    made = converter(hum(), voice, permit)
    verdict = verify(made.clip)
    assert verdict.is_marked
    assert verdict.mark_text == made.provenance.mark
    (render,) = renders_with(made.provenance.mark, log_path())
    assert (render.model, render.voice, render.consent) == ("untrained", "nobody", permit.consent.number)
    assert datetime.fromisoformat(render.time) <= datetime.now(UTC)
    assert made.provenance.source_type == SYNTHETIC


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".opus"])
def test_files_carry_mark_and_provenance(
    rate: int, suffix: str, converter: Converter, voice: Voice, permit: Permit, home: Path
) -> None:
    source = write(home / "in.wav", hum(3.0, rate=rate, channels=2))
    made = convert_file(source, home / f"out{suffix}", voice, permit, converter=converter)
    verdict = verify_file(made.path)
    assert verdict.is_marked
    assert verdict.provenance == made.provenance == read_provenance(made.path)
    assert verdict.mark_text == made.provenance.mark
    assert read(made.path, sample_rate=rate).frames == 3 * rate


def test_the_same_render_has_the_same_bytes_and_another_has_another_mark(
    converter: Converter, voice: Voice, permit: Permit
) -> None:
    one, same = converter(hum(1.0), voice, permit), converter(hum(1.0), voice, permit)
    assert one.clip.samples.tobytes() == same.clip.samples.tobytes()
    other = converter(hum(1.0), voice, permit, ConvertOptions(semitones=2.0))
    assert len({one.provenance.mark, same.provenance.mark, other.provenance.mark}) == 2


def test_silence_stays_silent(converter: Converter, voice: Voice, permit: Permit) -> None:
    sound = hum(3.0).samples.copy()
    sound[:, 40_000:90_000] = 0.0
    made = converter(Clip(sound, 44_100), voice, permit).clip
    assert not made.samples[:, 45_000:85_000].any()


def _edited(permit: Permit) -> Permit:
    return replace(permit, consent=replace(permit.consent, terms=replace(permit.consent.terms, scope=("convert",))))


def _stolen(permit: Permit) -> Permit:
    return replace(permit, consent=replace(permit.consent, subject=subject_of(voice_of_nobody(), "someone else")))


def _unsigned(permit: Permit) -> Permit:
    return replace(permit, consent=replace(permit.consent, signature=""))


def _foreign(permit: Permit) -> Permit:
    other = Authority(permit.authority.folder / "elsewhere")
    terms = Terms("synthetic", source="made up")
    return replace(permit, consent=give_consent(other, permit.consent.subject, terms))


def _expired(permit: Permit) -> Permit:
    long_ago = datetime.now(UTC) - timedelta(days=20)
    terms = Terms("synthetic", source="made up", days=10)
    return replace(permit, consent=give_consent(permit.authority, permit.consent.subject, terms, now=long_ago))


def _revoked(permit: Permit) -> Permit:
    permit.authority.revoke(permit.consent.number, datetime.now(UTC))
    return permit


def _for_training(permit: Permit) -> Permit:
    terms = Terms("synthetic", scope=("train",), source="made up")
    return replace(permit, consent=give_consent(permit.authority, permit.consent.subject, terms))


def _for_another_voice(permit: Permit) -> Permit:
    terms = Terms("synthetic", source="made up")
    return replace(permit, consent=give_consent(permit.authority, subject_of(voice_of_nobody(9)), terms))


REFUSED = {
    "none": (lambda _: None, ConsentMissing),
    "the record alone": (lambda permit: permit.consent, ConsentMissing),
    "edited": (_edited, ConsentInvalid),
    "stolen": (_stolen, ConsentInvalid),
    "unsigned": (_unsigned, ConsentInvalid),
    "signed elsewhere": (_foreign, ConsentInvalid),
    "expired": (_expired, ConsentExpired),
    "revoked": (_revoked, ConsentRevoked),
    "another use": (_for_training, ConsentMissing),
    "another voice": (_for_another_voice, ConsentMissing),
}


@pytest.mark.parametrize(("change", "error"), REFUSED.values(), ids=REFUSED)
def test_no_way_in_without_a_permit(
    change: object, error: type[DescantError], converter: Converter, voice: Voice, permit: Permit, home: Path
) -> None:
    held = change(permit)
    source = write(home / "in.wav", hum(1.0))
    with pytest.raises(error) as raised:
        converter(hum(1.0), voice, held)
    assert raised.value.hint
    with pytest.raises(error):
        converter.job(np.zeros(16_000, np.float32), voice, held, ConvertOptions(), Monitor())
    with pytest.raises(error):
        convert_file(source, home / "new" / "out.wav", voice, held, converter=converter)
    assert not (home / "new").exists()
    assert not log_path().exists()


def test_every_public_way_to_convert_asks_for_a_permit() -> None:
    for function in (Converter.__call__, Converter.job, convert_file):
        parameter = inspect.signature(function).parameters["permit"]
        assert parameter.default is inspect.Parameter.empty


def test_a_decoder_of_one_voice_sings_with_no_other(converter: Converter, voice: Voice, permit: Permit) -> None:
    parts = converter.decoder, converter.encoder, converter.tracker, converter.embedder
    digest = permit.consent.subject.audio_sha256
    assert Converter(*parts, adapted_to=digest)(hum(0.5), voice, permit).clip.frames == 22_050
    with pytest.raises(ConsentMissing, match="one voice only"):
        Converter(*parts, adapted_to="cd" * 32)(hum(0.5), voice, permit)


@pytest.mark.parametrize(
    ("text", "digest"),
    [("{}", ""), ('{"voice": {"audio_sha256": "ab"}}', "ab"), ("", None), ("[]", None), ('{"voice": 3}', None)],
)
def test_whose_decoder_it_is(text: str, digest: str | None, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    if digest is None:
        with pytest.raises(CheckpointError):
            adapted_to(tmp_path)
    else:
        assert adapted_to(tmp_path) == digest


def test_a_consent_from_a_trusted_machine_counts(
    converter: Converter, voice: Voice, permit: Permit, authority: Authority
) -> None:
    foreign = _foreign(permit)
    key = Authority(authority.folder / "elsewhere").public_key
    (authority.folder / "trusted.txt").write_text(f"{key}\n")
    assert converter(hum(0.5), voice, foreign).clip.frames == 22_050


def test_nothing_is_rendered_that_cannot_be_logged(
    converter: Converter, voice: Voice, permit: Permit, home: Path
) -> None:
    (home / "data").write_text("a file where the folder should be")
    with pytest.raises(OutputError):
        converter(hum(0.5), voice, permit)


def test_the_log_survives_damage(converter: Converter, voice: Voice, permit: Permit) -> None:
    made = converter(hum(0.5), voice, permit)
    path = log_path()
    path.write_bytes(b'\xff\xfe{"time": 3\n[]\n' + path.read_bytes() + b'{"mark": "' + b"[" * 5000)
    assert len(renders_with(made.provenance.mark, path)) == 1
    assert oct(path.stat().st_mode & 0o777) == "0o600" or os.name == "nt"


def test_consents_survive_their_file(consent: Consent) -> None:
    assert Consent.from_json(consent.to_json()) == consent
    facts = json.loads(consent.to_json())
    assert facts["terms"]["kind"] == "synthetic"
