"""A home folder of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from nobody import subject_of, untrained_converter, voice_of_nobody

from descant.convert.api import Converter
from descant.convert.consent import Consent, Permit, Terms, give_consent
from descant.convert.signing import Authority
from descant.convert.voice import Voice


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESCANT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("DESCANT_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def authority(home: Path) -> Authority:
    return Authority.load()


@pytest.fixture
def voice() -> Voice:
    return voice_of_nobody()


@pytest.fixture
def consent(authority: Authority, voice: Voice) -> Consent:
    return give_consent(authority, subject_of(voice), Terms("synthetic", source="random numbers"))


@pytest.fixture
def permit(consent: Consent, authority: Authority) -> Permit:
    return Permit(consent, authority)


@pytest.fixture(scope="session")
def converter() -> Converter:
    return untrained_converter()
