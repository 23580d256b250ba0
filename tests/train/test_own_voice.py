"""One's own voice: what is learned from, what is kept for judging, and what of it is written down."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.convert.api import Converter, adapted_to, load_decoder
from descant.convert.content import ContentEncoder
from descant.convert.speaker import SpeakerEmbedder
from descant.convert.voice import Voice
from descant.errors import InvalidAudio
from descant.nets.speaker_encoder import SpeakerEncoder
from descant.nets.swift_f0 import SwiftF0
from descant.nets.voice_decoder import VoiceDecoder, VoiceDecoderConfig
from descant.nets.whisper_encoder import WhisperEncoder, WhisperEncoderConfig
from descant.progress import Monitor
from descant.train import own_voice
from descant.train.loop import Outcome
from descant.train.own_voice import (
    PIECES,
    OwnVoice,
    OwnVoiceLesson,
    OwnVoiceOptions,
    loop_of,
    prepared,
    write_decoder,
)
from descant.train.voice_pieces import Analyst, Piece
from humming import hum


@pytest.fixture(scope="module")
def base() -> Converter:
    torch.manual_seed(0)
    net = WhisperEncoder(WhisperEncoderConfig(layers=2, width=384, heads=2))
    decoder = VoiceDecoder(VoiceDecoderConfig(width=16, blocks=1, bottleneck=4))
    return Converter(decoder, ContentEncoder(net, layer=2), SwiftF0.load(), SpeakerEmbedder(SpeakerEncoder()))


@pytest.fixture(scope="module")
def piece(base: Converter) -> Piece:
    return Analyst(base.encoder, base.tracker, base.embedder)(hum(1.8, 180.0), np.random.default_rng(0), is_sung=True)


def numbered(piece: Piece, count: int, first: int) -> list[Piece]:
    """Pieces that are told apart by their sound."""
    return [replace(piece, samples=np.full_like(piece.samples, first + n)) for n in range(count)]


def number_of(sound: torch.Tensor) -> int:
    return round(float(sound.flatten()[0]) * 32767)


@pytest.fixture
def lesson(base: Converter, piece: Piece, tmp_path: Path) -> OwnVoiceLesson:
    short = replace(piece, f0_hz=piece.f0_hz[:100])  # shorter than a stretch
    return OwnVoiceLesson(base, numbered(piece, 9, 100), [short, *numbered(piece, 10, 200)], tmp_path / "heard", 0)


def test_it_begins_as_the_voice_that_is_shipped(lesson: OwnVoiceLesson, base: Converter) -> None:
    for name, tensor in base.decoder.state_dict().items():
        torch.testing.assert_close(lesson.model.state_dict()[name], tensor)


def test_what_is_judged_by_is_never_learned_from(lesson: OwnVoiceLesson) -> None:
    """The eighth piece of the person, and every fifth of the others, are held out."""
    generator = np.random.default_rng(0)
    own, others = set(), set()
    for _ in range(40):
        batch = lesson.batch(generator)
        own |= {number_of(sound) for sound in batch[5]}
        others |= {number_of(sound) for sound in batch[8 + 5]}
        torch.testing.assert_close(batch[8 + 4], batch[4][:3])  # with the person's voice
    assert own == {100, 101, 102, 103, 104, 105, 106, 108}
    assert others == {200, 201, 202, 203, 205, 206, 207, 208}
    assert [number_of(torch.tensor(p.samples / 32767)) for p in lesson._judged] == [204, 209]


def test_the_fault_weighs_distance_likeness_and_content_and_each_time_there_is_something_to_hear(
    lesson: OwnVoiceLesson, base: Converter, piece: Piece, tmp_path: Path
) -> None:
    measured = lesson.validate()
    expected = measured["distance"] + 0.8 * (1 - measured["likeness"]) + (1 - measured["content"])
    assert measured["fault"] == pytest.approx(expected)
    assert lesson.validate() == measured
    again = OwnVoiceLesson(base, [piece], numbered(piece, 5, 1), tmp_path / "heard", 0)  # gone on with
    again.validate()
    made = sorted((tmp_path / "heard").iterdir())
    assert [path.name for path in made] == ["000.wav", "001.wav", "002.wav"]
    assert read(made[0]).frames == 2 * 1.8 * 44_100
    assert loop_of(OwnVoiceOptions()).watch.measure == "fault"


def recordings(count: int = 4) -> list[Clip]:
    return [hum(9.0, 150.0 + 5 * n, seed=n) for n in range(count)]


def test_recordings_are_analysed_once_and_every_piece_has_the_persons_voice(
    base: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice, pieces = prepared(recordings(), tmp_path, base, Monitor())
    assert len(pieces) == 4
    for one in pieces:
        np.testing.assert_array_equal(one.speaker, voice.speaker)
    monkeypatch.setattr(own_voice, "_analysed", None)
    _, again = prepared(recordings(), tmp_path, base, Monitor())
    np.testing.assert_array_equal(again[3].content, pieces[3].content)


def test_recordings_of_two_people_are_refused(base: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = base.voice(hum(6.0))
    stranger: Voice = replace(voice, speaker=np.roll(np.eye(256, dtype=np.float32)[0], int(voice.speaker.argmin())))
    monkeypatch.setattr(base, "voice", lambda _: stranger)
    with pytest.raises(InvalidAudio, match="different voices"):
        prepared(recordings(), tmp_path, base, Monitor())
    assert not (tmp_path / PIECES).exists()


def test_only_a_consent_for_these_recordings_lets_the_decoder_sing(base: Converter, tmp_path: Path) -> None:
    own = OwnVoice(
        base.voice(hum(6.0)), base.decoder.state_dict(), Outcome(tmp_path, 1, 1.0, "done", 0.0, 0.0, {}, is_first=True)
    )
    write_decoder(tmp_path, own, base, "cd" * 32)
    assert adapted_to(tmp_path) == "cd" * 32
    assert json.loads((tmp_path / "config.json").read_text())["content"] == {"layer": 2}
    decoder, layer = load_decoder(tmp_path)
    assert layer == 2
    for name, tensor in own.decoder.items():
        torch.testing.assert_close(decoder.state_dict()[name], tensor.half().float())
