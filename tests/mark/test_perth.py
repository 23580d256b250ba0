"""Asking Perth: files as clips, pieces by their length, silence, and what is too short; nets with weights of a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.errors import Cancelled, InputNotFound, InvalidAudio
from descant.mark import perth
from descant.mark.perth import BLOCK_S, PerthVerdict, perth_marked, perth_score, perth_score_file
from descant.nets.perth import PerthDecoder, PerthEncoder
from descant.progress import CancelToken, Progress


def breath(seconds: float, rate: int = 16_000, channels: int = 1) -> Clip:
    rng = np.random.default_rng(2)
    return Clip(rng.normal(0, 0.1, (channels, round(seconds * rate))).astype(np.float32), rate)


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    encoder, decoder = PerthEncoder().eval(), PerthDecoder().eval()
    for layers in (decoder.slow_layers, decoder.normal_layers, decoder.fast_layers):
        torch.nn.init.constant_(layers[-1].conv.bias, 0.4)
    monkeypatch.setattr(perth, "_nets", lambda: (encoder.requires_grad_(False), decoder.requires_grad_(False)))


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (32_000, 2), (44_100, 6)])
def test_a_file_is_the_clip_it_holds(tmp_path: Path, rate: int, channels: int) -> None:
    clip = breath(2.0, rate, channels)
    score = perth_score(clip).score
    assert 0.0 < score < 1.0
    assert perth_score_file(write(tmp_path / "a.wav", clip, subtype="FLOAT")).score == pytest.approx(score, abs=1e-5)


def test_pieces_count_by_their_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([(1.0, 30.0), (0.0, 30.0), (1.0, 15.0)] * 2)
    monkeypatch.setattr(perth, "_heard", lambda _: next(said))
    clip = breath(2.5 * BLOCK_S, rate=8_000)
    assert perth_score(clip) == PerthVerdict(pytest.approx(0.6))
    events: list[Progress] = []
    found = perth_score_file(write(tmp_path / "a.wav", clip), progress=events.append)
    assert found == PerthVerdict(pytest.approx(0.6))
    assert found.is_marked
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


@pytest.mark.usefixtures("untrained")
def test_silence_is_not_marked_and_dilutes_nothing() -> None:
    silence = Clip.silence(round(BLOCK_S * 16_000), 16_000, 1)
    assert perth_score(silence) == PerthVerdict(0.0)
    loud = breath(BLOCK_S)
    after = Clip(np.concatenate([silence.samples, loud.samples], axis=1), 16_000)
    assert perth_score(after).score == pytest.approx(perth_score(loud).score, abs=1e-6)


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("frames", [1, 700, 2_047, 2_049])
def test_short_clips_are_heard(frames: int) -> None:
    assert 0.0 <= perth_score(breath(frames / 16_000)).score <= 1.0
    assert perth_marked(breath(frames / 16_000)).frames == frames


@pytest.mark.usefixtures("untrained")
def test_marking_keeps_shape_and_what_lies_above_16_khz() -> None:
    at = np.arange(2 * 48_000) / 48_000
    tone = Clip((0.1 * np.sin(2 * np.pi * np.array([[20_000.0], [19_000.0]]) * at)).astype(np.float32), 48_000)
    both = Clip(tone.samples + breath(2.0, 48_000, 2).samples, 48_000)
    copy = perth_marked(both)
    assert (copy.samples.shape, copy.sample_rate) == (both.samples.shape, 48_000)
    added = np.abs(np.fft.rfft(copy.samples - both.samples, axis=1))
    hz = np.fft.rfftfreq(both.frames, 1 / 48_000)
    assert added[:, hz < 2_100].max() > 100 * added[:, hz > 3_000].max()


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidAudio, match="length is zero"):
        perth_score(Clip.silence(0, 44_100, 1))
    with pytest.raises(InputNotFound):
        perth_score_file(tmp_path / "none.wav")
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        perth_score_file(write(tmp_path / "a.wav", breath(1.0)), cancel=token)


@pytest.mark.slow
def test_the_published_weights_find_their_own_mark_in_a_voice() -> None:
    from descant.train.hums import babble

    clip = babble(np.random.default_rng(0), 120.0, 1.0, 5.0)
    assert not perth_score(clip).is_marked
    assert perth_score(perth_marked(clip)).score > 0.9
