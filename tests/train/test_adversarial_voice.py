"""Ears with gradients, and the voice lesson against critics, on voices made by arithmetic."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soxr
import torch

from descant.errors import InvalidOption
from descant.nets.speaker_encoder import _filters as mel_filters
from descant.nets.whisper_encoder import _filters as log_mel_filters
from descant.train.adversarial_voice import AdversarialVoiceConfig, AdversarialVoiceLesson, Stretch, converted_to
from descant.train.ears import Ears, lowered
from descant.train.lesson import players_of
from descant.train.spectral_loss import spectral_distance, spectrograms
from descant.train.voice import cut
from descant.train.voice_pieces import Analyst, Piece
from humming import hum

SMALL = AdversarialVoiceConfig(
    width=16, blocks=1, bottleneck=4, batch=3, conversions=2, seconds=0.4, validation_pieces=2, critic_widths=(8, 8)
)


@pytest.fixture
def lesson(analyst: Analyst, pieces: list[Piece]) -> AdversarialVoiceLesson:
    return AdversarialVoiceLesson(SMALL, [[p] for p in pieces], pieces, 0, analyst.embedder, analyst.encoder)


def test_lowering_is_resampling() -> None:
    sound = hum(1.0, 220.0).samples
    low = lowered(torch.tensor(sound))[0].numpy()
    expected = soxr.resample(sound[0].astype(float), 44_100, 16_000)
    assert low.shape == (16_000,)
    inner = slice(800, -800)  # cutting the spectrum wraps around at the ends
    assert np.abs(low - expected)[inner].max() < 0.02 * np.abs(expected).max()


def test_ears_hear_what_the_converter_hears(analyst: Analyst) -> None:
    ears = Ears.of(analyst.embedder, analyst.encoder)
    mono = soxr.resample(hum(1.61, 220.0).samples[0], 44_100, 16_000)[:25_600].astype(np.float32)
    found = ears.whose(torch.tensor(mono)[None])[0].numpy()
    np.testing.assert_allclose(found, analyst.embedder.embed(mono), atol=0.02)
    states = ears.what(torch.tensor(mono)[None])[0].numpy()
    expected = analyst.encoder(mono)
    expected = expected - expected.mean(axis=1, keepdims=True)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(states, expected, atol=1e-3)


def test_a_loss_may_come_after_listening(analyst: Analyst) -> None:
    """What `convert` computed without gradients must not be kept for those who need them."""
    mel_filters.cache_clear()
    log_mel_filters.cache_clear()
    mono = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) * 0.1
    analyst.embedder.embed(mono)
    analyst.encoder(mono)
    heard = torch.tensor(mono)[None].requires_grad_()
    ears = Ears.of(analyst.embedder, analyst.encoder)
    (ears.whose(heard).sum() + ears.what(heard)[..., 0].sum()).backward()
    assert heard.grad is not None
    assert bool(heard.grad.abs().sum() > 0)


def test_both_losses_reach_their_player_and_the_ears_are_not_trained(lesson: AdversarialVoiceLesson) -> None:
    batch = lesson.batch(np.random.default_rng(0))
    decoder, critics = players_of(lesson)
    for player, other in ((decoder, critics), (critics, decoder)):
        for module, learns in ((player.module, True), (other.module, False)):
            for parameter in module.parameters():
                parameter.grad = None
                parameter.requires_grad_(learns)
        player.loss(batch).backward()
        assert all(p.grad is not None for p in player.module.parameters())
        assert all(p.grad is None for p in other.module.parameters())
    assert not any(p.requires_grad for p in lesson._ears.speaker.parameters())


@pytest.mark.parametrize("weight", ["belief", "inside", "likeness", "content"])
def test_every_part_of_the_loss_counts(analyst: Analyst, pieces: list[Piece], weight: str) -> None:
    """Switched off alone, the loss falls by just that part."""
    losses = []
    for config in (SMALL, replace(SMALL, **{weight: 0.0})):
        own = AdversarialVoiceLesson(config, [[p] for p in pieces], pieces, 0, analyst.embedder, analyst.encoder)
        losses.append(float(own.loss(own.batch(np.random.default_rng(0))).detach()))
    assert losses[1] < losses[0] - 1e-6


def strange(lesson: AdversarialVoiceLesson) -> tuple[torch.Tensor, ...]:
    """A batch in which no two voices, tops or sounds are alike, so that none can stand for another."""
    batch = list(lesson.batch(np.random.default_rng(4)))
    rng = torch.Generator().manual_seed(0)
    batch[4], batch[12] = torch.eye(256)[:3], torch.eye(256)[3:5]
    batch[6], batch[14] = torch.tensor([1.0, 0.345, 0.6]), torch.tensor([0.5, 0.8])
    batch[13] = 0.1 * torch.randn(batch[13].shape, generator=rng)
    return tuple(batch)


def fault(scores: tuple[torch.Tensor, ...], wanted: float) -> torch.Tensor:
    return sum(((score - wanted) ** 2).mean() for score in scores) / len(scores)


def test_the_decoders_loss_is_the_sum_of_its_parts(lesson: AdversarialVoiceLesson) -> None:
    batch, critics, ears = strange(lesson), lesson.critics, lesson._ears
    speaker, sound, top, target, source, target_top = (batch[n] for n in (4, 5, 6, 12, 13, 14))
    with torch.no_grad():
        found = lesson.loss(batch)
        back, sung = lesson.made(batch[:8]), lesson.made(batch[8:])
        recorded, returned, converted = (
            critics(spectrograms(samples, (1024, 512)), share)
            for samples, share in ((sound, top), (back, top), (sung, target_top))
        )
        inside = [
            (true - made).abs().mean() / true.abs().mean()
            for one, two in zip(recorded, returned, strict=True)
            for true, made in zip(one.layers, two.layers, strict=True)
        ]
        likeness = (ears.whose(lowered(sung)) * target).sum(1).mean()
        content = (ears.what(lowered(sung)) * ears.what(lowered(source))).sum(2).mean()
        belief = fault(critics.scores(returned, speaker), 1.0) + fault(critics.scores(converted, target), 1.0)
        expected = spectral_distance(sound, back, top) + 0.1 * belief / 2 + 0.5 * sum(inside) / len(inside)
        expected = expected + 0.8 * (1 - likeness) + 1.0 * (1 - content)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_the_critics_loss_is_the_sum_of_its_parts(lesson: AdversarialVoiceLesson) -> None:
    batch, critics = strange(lesson), lesson.critics
    speaker, sound, top = batch[4:7]
    with torch.no_grad():
        found = lesson.critics_loss(batch)
        made = lesson.made(tuple(torch.cat((batch[8 + n], batch[n][2:])) for n in range(8)))
        recorded = critics(spectrograms(sound, (1024, 512)), top)
        rendered = critics(spectrograms(made, (1024, 512)), torch.cat((batch[14], top[2:])))
        expected = fault(critics.scores(recorded, speaker), 1.0)
        expected = expected + fault(critics.scores(rendered, torch.cat((batch[12], speaker[2:]))), 0.0)
        expected = expected + 0.5 * fault(critics.scores(recorded, speaker.roll(1, 0)), 0.0)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_what_the_ears_hear_is_felt_in_the_sound(lesson: AdversarialVoiceLesson) -> None:
    batch = strange(lesson)
    said = lesson._ears.what(lowered(batch[13])).detach()
    for part in (0, 1):
        sung = lesson.made(batch[8:]).detach().requires_grad_()
        (slope,) = torch.autograd.grad(lesson._heard_as(sung, batch[12], said)[part], sung)
        assert bool(torch.isfinite(slope).all())
        assert bool((slope.abs().sum(dim=1) > 0).all())


def test_whose_voice_it_is_does_not_depend_on_how_loud(analyst: Analyst) -> None:
    ears = Ears.of(analyst.embedder, analyst.encoder)
    low = torch.tensor(soxr.resample(hum(1.7, 220.0).samples[0], 44_100, 16_000)[:25_600].astype(np.float32))[None]
    torch.testing.assert_close(ears.whose(0.1 * low), ears.whose(low), atol=1e-4, rtol=0.0)


def test_conversions_begin_with_the_sources_own_throat_and_end_where_the_targets_recording_does(
    pieces: list[Piece],
) -> None:
    """Of the target only the stretch counts that was drawn, and of it only what is voiced."""
    glide = np.geomspace(110.0, 440.0, pieces[1].frames).astype(np.float32)
    voiced = (np.arange(pieces[1].frames) % 40 < 20).astype(np.float32)
    glide[voiced == 0.0] = 55.0
    target = Stretch(replace(pieces[1], f0_hz=glide, voiced=voiced), 40, 40)
    source = Stretch(replace(pieces[0], f0_hz=np.full_like(glide, 150.0)), 100, 40, version=2)
    content, f0, _, _, _, _, top, _ = converted_to(target, source, np.random.default_rng(0))
    np.testing.assert_array_equal(content, cut(pieces[0], 100, 40, 0, np.random.default_rng(0))[0])
    np.testing.assert_allclose(f0, np.exp(np.log(glide[40:60]).mean()), rtol=0.01)
    assert top == np.float32(0.345)  # pieces[1] is speech, recorded at 16 kHz


def test_conversions_are_sung_as_high_as_the_other_sings(pieces: list[Piece]) -> None:
    low, high = Stretch(pieces[0], 20, 40), Stretch(pieces[1], 20, 40)
    content, f0, voiced, level, speaker, sound, _, _ = converted_to(high, low, np.random.default_rng(0))
    own, own_f0, own_voiced, own_level, _, own_sound, _, _ = cut(pieces[0], 20, 40, 0, np.random.default_rng(0))
    for one, other in ((content, own), (voiced, own_voiced), (level, own_level), (sound, own_sound)):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(speaker, pieces[1].speaker)
    np.testing.assert_allclose(f0 / own_f0, 220.0 / 130.0, rtol=0.02)
    far = converted_to(Stretch(pieces[2], 20, 40), low, np.random.default_rng(0))[1]
    np.testing.assert_allclose(far / own_f0, 2.0, rtol=1e-3)  # by an octave at most


def test_every_conversion_takes_the_voice_of_another_stretch(lesson: AdversarialVoiceLesson) -> None:
    batch = lesson.batch(np.random.default_rng(3))
    assert len(batch) == 16
    torch.testing.assert_close(batch[8 + 4], batch[4][[1, 0]])
    torch.testing.assert_close(batch[8 + 5], batch[5][:2])


def test_one_person_alone_has_no_strangers(analyst: Analyst, pieces: list[Piece]) -> None:
    """Recordings of one voice are never held to be another's, however few voices there are."""
    own = AdversarialVoiceLesson(SMALL, [[pieces[0]]], pieces[:1], 0, analyst.embedder, analyst.encoder)
    shown: list[torch.Tensor] = []
    plain = own.critics.scores
    own.critics.scores = lambda heard, speaker: shown.append(speaker) or plain(heard, speaker)
    batch = own.batch(np.random.default_rng(0))
    own.critics_loss(batch)
    assert len(shown) == 2
    speakers = torch.eye(256)[:3]
    own.critics_loss((*batch[:4], speakers, *batch[5:]))
    assert len(shown) == 5
    torch.testing.assert_close(shown[-1], speakers.roll(1, 0))


def test_the_critics_learn_to_tell_renderings_from_recordings(lesson: AdversarialVoiceLesson) -> None:
    rng = np.random.default_rng(0)
    optimiser = torch.optim.Adam(lesson.critics.parameters(), 1e-2)
    losses = []
    for _ in range(50):
        optimiser.zero_grad()
        loss = lesson.critics_loss(lesson.batch(rng))
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_conversions_need_two_stretches() -> None:
    with pytest.raises(InvalidOption, match="conversions"):
        replace(SMALL, conversions=1)
    with pytest.raises(InvalidOption, match="conversions"):
        replace(SMALL, conversions=4)
