"""The speaker encoder: its input against librosa's, its output on the sphere, voices told apart."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from descant.audio.clip import Clip
from descant.convert.speaker import SpeakerEmbedder, likeness, without_pauses
from descant.dsp.filters import slaney_filters
from descant.errors import InvalidAudio
from descant.nets.speaker_encoder import SpeakerEncoder, mel_power


@pytest.mark.parametrize(("rate", "size", "bands"), [(16_000, 400, 40), (16_000, 400, 80), (22_050, 1024, 128)])
def test_filters_are_those_of_librosa(rate: int, size: int, bands: int) -> None:
    expected = librosa.filters.mel(sr=rate, n_fft=size, n_mels=bands)
    np.testing.assert_allclose(slaney_filters(rate, size, bands), expected, atol=1e-7)


def test_mel_power_is_that_of_librosa() -> None:
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) * 0.03
    expected = librosa.feature.melspectrogram(y=noise, sr=16_000, n_fft=400, hop_length=160, n_mels=40)
    np.testing.assert_allclose(mel_power(torch.from_numpy(noise)[None])[0].T.numpy(), expected, rtol=2e-3, atol=1e-7)


def test_embeddings_lie_on_the_sphere() -> None:
    torch.manual_seed(0)
    out = SpeakerEncoder().eval()(torch.rand(5, 160, 40))
    torch.testing.assert_close(out.norm(dim=1), torch.ones(5))
    assert (out >= 0).all()


def voice(number: int, seed: int) -> Clip:
    """A synthetic singer on other notes each time."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(4 * 16_000) / 16_000
    formants = [(300 + 90 * number, 80), (900 + 250 * number, 120), (2300 + 200 * number, 160)]
    phase = 2 * np.pi * np.cumsum(120 + 60 * number + 10 * np.sin(2 * np.pi * rng.uniform(1, 3) * time_s)) / 16_000
    hz = np.arange(1, 30) * (120 + 60 * number)
    gain = sum(np.exp(-0.5 * ((hz - centre) / width) ** 2) for centre, width in formants) + 0.02
    sound = sum(g * np.sin(k * phase) for k, g in enumerate(gain, 1)) * (0.6 + 0.4 * np.sin(2 * np.pi * 2 * time_s))
    return Clip((0.1 * sound / np.abs(sound).max()).astype(np.float32)[None], 16_000)


@pytest.mark.slow
def test_one_voice_is_nearer_to_itself_than_to_others() -> None:
    embed = SpeakerEmbedder.load()
    rows = {(n, s): embed(voice(n, s)) for n in range(3) for s in range(2)}
    for n in range(3):
        same = likeness(rows[n, 0], rows[n, 1])
        assert same > 0.85
        assert all(likeness(rows[n, 0], rows[m, 1]) < same - 0.02 for m in range(3) if m != n)
    louder = embed(voice(0, 0).gain(20.0))
    assert likeness(louder, rows[0, 0]) > 0.999


@pytest.mark.slow
def test_too_little_sound_says_nothing() -> None:
    embed = SpeakerEmbedder.load()
    with pytest.raises(InvalidAudio, match="too little"):
        embed(Clip(np.zeros((1, 48_000), np.float32), 16_000))
    with pytest.raises(InvalidAudio, match="too little"):
        embed(Clip(voice(0, 0).samples[:, :5000], 16_000))


def test_pauses_are_left_out_and_words_are_not() -> None:
    tone = voice(0, 0).samples[0][:16_000]
    silence = np.zeros(32_000, np.float32)
    kept = without_pauses(np.concatenate([tone, silence, tone]))
    assert 2 * 16_000 <= len(kept) < 2 * 16_000 + 8_000
    assert len(without_pauses(silence)) == 0
