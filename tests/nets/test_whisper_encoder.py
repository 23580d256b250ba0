"""Whisper's encoder in torch against the runtime that the weights were converted for, and its input likewise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descant.convert.content import ContentEncoder
from descant.hub.store import fetch
from descant.nets.whisper_encoder import WhisperEncoder, WhisperEncoderConfig, log_mel


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """30 s of gliding harmonics and noise."""
    time_s = np.arange(480_000) / 16_000
    phase = 2 * np.pi * np.cumsum(180 + 60 * np.sin(time_s)) / 16_000
    rng = np.random.default_rng(0)
    voice = sum(np.sin(k * phase) / k for k in range(1, 12)) * (np.sin(3 * time_s) > -0.3)
    return (0.2 * voice + 0.01 * rng.standard_normal(len(time_s))).astype(np.float32)


@pytest.mark.slow
def test_every_number_is_that_of_faster_whisper(sound: np.ndarray) -> None:
    faster_whisper = pytest.importorskip("faster_whisper")
    model = faster_whisper.WhisperModel(
        str(fetch("whisper-tiny-en")), device="cpu", compute_type="float32", local_files_only=True
    )
    mel = model.feature_extractor(sound)[:, :3000]
    own = log_mel(torch.from_numpy(sound)[None])
    # The last frame is mirrored at the end of the audio here and padded there; float32 rounds what is nearly silent.
    assert np.quantile(np.abs(own[0].numpy() - mel)[:, :-2], 0.9999) < 1e-3
    truth = np.asarray(model.encode(mel))[0]
    with torch.inference_mode():
        states = ContentEncoder.load().net(torch.from_numpy(mel)[None])
    assert len(states) == 5
    np.testing.assert_allclose(states[-1][0].numpy(), truth, atol=0.02 * truth.std())


def test_shapes_and_the_second_to_last_state() -> None:
    net = WhisperEncoder(WhisperEncoderConfig(layers=2, width=32, heads=2, positions=100)).eval()
    with torch.inference_mode():
        states = net(torch.randn(3, 80, 60))
        torch.testing.assert_close(net.norm(states[1]), states[2])
    assert [tuple(state.shape) for state in states] == [(3, 30, 32)] * 3
