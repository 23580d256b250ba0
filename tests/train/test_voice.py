"""The voice lesson and the training of one's own voice, on voices made by arithmetic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from descant.audio.clip import Clip
from descant.convert.api import Converter
from descant.errors import InputNotFound, InvalidAudio, InvalidOption, TextReadError
from descant.nets.voice_decoder import VoiceDecoder, VoiceDecoderConfig
from descant.train.own_voice import OwnVoiceOptions, train_own_voice, write_decoder
from descant.train.spectral_loss import spectral_distance
from descant.train.voice import VoiceLesson, VoiceLessonConfig, build_lesson
from descant.train.voice_pieces import Analyst, Piece, content_at_speed, load_pieces, resized, save_pieces
from humming import hum

SMALL = VoiceLessonConfig(width=16, blocks=1, bottleneck=4, batch=2, seconds=0.4, validation_pieces=2)


def test_a_piece_is_what_was_heard(pieces: list[Piece]) -> None:
    piece = pieces[1]
    assert piece.samples.dtype == np.int16
    assert piece.content.shape == (3, 100, 384)
    assert len(piece.f0_hz) == len(piece.voiced) == len(piece.level_db) == 200
    loud = (piece.voiced > 0.5) & (piece.level_db > -40)
    assert abs(12 * np.log2(np.median(piece.f0_hz[loud]) / 220)) < 0.1
    np.testing.assert_allclose(np.linalg.norm(piece.speaker), 1, rtol=1e-5)


def test_pieces_come_back_as_they_were(tmp_path: Path, pieces: list[Piece]) -> None:
    save_pieces(tmp_path / "a.npz", pieces)
    back = load_pieces(tmp_path / "a.npz")
    assert [p.is_sung for p in back] == [True, False, True]
    for one, other in zip(pieces, back, strict=True):
        for name in ("samples", "content", "f0_hz", "voiced", "level_db", "speaker"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:1000])
    with pytest.raises(TextReadError, match=r"a\.npz"):
        load_pieces(tmp_path / "a.npz")


def test_another_throat_keeps_the_time(analyst: Analyst) -> None:
    clip = hum(2.0)
    assert resized(clip, 1.0) is clip
    small = resized(clip, 1.25)
    assert abs(small.duration_s - 1.6) < 0.01
    states = content_at_speed(clip, 1.25, analyst.encoder)
    assert states.shape == (100, 384)
    # The rest in the middle stays in the middle.
    rest = states[48:56]
    assert np.linalg.norm(rest - rest.mean(axis=0)) < np.linalg.norm(states[10:18] - rest.mean(axis=0))


def test_the_distance_is_zero_for_the_same_and_grows_with_the_difference() -> None:
    rng = torch.Generator().manual_seed(0)
    sound = torch.randn(2, 22_050, generator=rng) * 0.1
    whole = torch.ones(2)
    assert float(spectral_distance(sound, sound, whole)) == 0.0
    near = float(spectral_distance(sound, 1.1 * sound, whole))
    far = float(spectral_distance(sound, 2.0 * sound, whole))
    assert 0 < near < far
    # The same noise with other phases is much nearer than silence, and sign does not matter at all.
    assert float(spectral_distance(sound, -sound, whole)) == pytest.approx(0.0, abs=1e-6)
    other = torch.randn(2, 22_050, generator=rng) * 0.1
    assert float(spectral_distance(sound, other, whole)) < 0.5 * float(spectral_distance(sound, 0 * sound, whole))


def test_beyond_the_top_nothing_counts() -> None:
    time_s = torch.arange(22_050) / 44_100
    low, high = (0.1 * torch.sin(2 * np.pi * hz * time_s)[None] for hz in (1000.0, 15_000.0))
    within, whole = (float(spectral_distance(low, low + high, torch.tensor([top]))) for top in (0.345, 1.0))
    assert within < 0.5 * whole  # a window's sidelobes reach below 8 kHz


def test_a_few_steps_bring_the_voice_nearer_and_the_speaker_is_heard(pieces: list[Piece]) -> None:
    lesson = VoiceLesson(replace(SMALL, width=32), [[p] for p in pieces], pieces, 0)
    rng = np.random.default_rng(0)
    before = lesson.distance()
    optimiser = torch.optim.AdamW(lesson.model.parameters(), 3e-3)
    for _ in range(40):
        optimiser.zero_grad()
        lesson.loss(lesson.batch(rng)).backward()
        optimiser.step()
    measured = lesson.validate()
    assert measured["distance"] < 0.8 * before
    assert measured["distance_to_strangers"] != measured["distance"]
    grads = [p.grad for n, p in lesson.model.named_parameters() if n.startswith("speaker")]
    assert all(g is not None and g.abs().sum() > 0 for g in grads)


def test_stretches_come_from_the_generator_alone(pieces: list[Piece]) -> None:
    lesson = VoiceLesson(SMALL, [[p] for p in pieces], pieces, 0)
    one, other = (lesson.batch(np.random.default_rng(5)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert [tuple(x.shape) for x in one] == [(2, 40, 384), (2, 40), (2, 40), (2, 40), (2, 256), (2, 17_640), (2,),
                                            (2, 17_640)]  # fmt: skip


def test_features_and_sound_of_a_stretch_belong_together(pieces: list[Piece]) -> None:
    lesson = VoiceLesson(replace(SMALL, batch=8), [[p] for p in pieces], pieces, 0)
    _, _, _, level, _, sound, _, _ = lesson.batch(np.random.default_rng(1))
    loud = level > -45
    power = sound.view(8, 40, 441).square().mean(dim=2).sqrt()
    measured = 20 * torch.log10(power.clamp_min(1e-6))
    inner = loud & loud.roll(1, 1) & loud.roll(-1, 1)
    assert float((measured - level)[inner].abs().median()) < 3.0


def test_no_data_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="needs data"):
        build_lesson(SMALL, None, 0)
    with pytest.raises(InputNotFound, match="holds no voices"):
        build_lesson(SMALL, tmp_path, 0)


@pytest.fixture(scope="module")
def base(analyst: Analyst) -> Converter:
    decoder = VoiceDecoder(VoiceDecoderConfig(width=16, blocks=1, bottleneck=4))
    return Converter(decoder, analyst.encoder, analyst.tracker, analyst.embedder)


@pytest.mark.slow
def test_an_own_voice_is_trained_heard_and_loaded_again(tmp_path: Path, base: Converter) -> None:
    clips = [hum(9.0, 200.0 + 10 * n, seed=n) for n in range(5)]
    run = tmp_path / "run"
    own = train_own_voice(clips, run, base, OwnVoiceOptions(minutes=0.1, threads=1))
    assert own.outcome.ended in ("done", "patience")
    assert sorted(run.glob("previews/*.wav"))
    write_decoder(tmp_path / "voice", own, base, "ab" * 32)
    loaded = Converter.from_folder(tmp_path / "voice")
    assert loaded.adapted_to == "ab" * 32
    name = "bands.weight"
    torch.testing.assert_close(loaded.decoder.state_dict()[name], own.decoder[name].half().float())
    assert not torch.equal(own.decoder[name], base.decoder.state_dict()[name])


def test_what_nobody_can_learn_from_is_refused(tmp_path: Path, base: Converter) -> None:
    with pytest.raises(InvalidAudio, match="too little to learn"):
        train_own_voice([hum(9.0)], tmp_path / "a", base, OwnVoiceOptions(minutes=0.1))
    silence = Clip(np.zeros((1, 44_100 * 40), np.float32), 44_100)
    with pytest.raises(InvalidAudio, match="not silent"):
        train_own_voice([silence], tmp_path / "b", base, OwnVoiceOptions(minutes=0.1))
    with pytest.raises(InvalidOption):
        OwnVoiceOptions(minutes=0)
