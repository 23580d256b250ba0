"""The audio contract and the gate of conversion with voices of other programs, on tiny untrained nets."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from nobody import SteadyPitch, subject_of, voice_of_nobody

from descant.audio.clip import Clip
from descant.audio.io import probe, write
from descant.convert import foreign
from descant.convert.consent import Permit, Terms, give_consent
from descant.convert.content_vec import KINDS, ContentVec
from descant.convert.files import convert_file
from descant.convert.foreign import ForeignBlocks, ForeignConverter
from descant.convert.foreign_checkpoint import recognise
from descant.convert.options import ConvertOptions
from descant.convert.renders import log_path, renders_with
from descant.convert.signing import Authority
from descant.convert.stream import Melody
from descant.errors import CheckpointError, ConsentMissing, InvalidOption
from descant.mark.api import verify_file
from descant.nets.hubert import Hubert, HubertConfig
from descant.nets.swift_f0 import SwiftF0
from descant.nets.vits_voice import VitsVoice, VitsVoiceConfig
from foreign_voices import rvc, so_vits, write_so_vits
from humming import hum

DIGEST = "ab" * 32
"""What `subject_of` says that the voice was made from."""

FREE = ConvertOptions(semitones=0.0)


def net_of(folder: Path, program: str) -> VitsVoice:
    if program == "so-vits":
        path = write_so_vits(folder, *so_vits(256))
    else:
        path = folder / "a.pth"
        torch.save(rvc("v1", 40_000, has_pitch=program == "rvc"), path)
    brought = recognise(path)
    assert brought is not None
    net = VitsVoice(VitsVoiceConfig.from_json(brought.config["network"]))
    net.load_state_dict(dict(brought.tensors))
    return net


def content() -> ContentVec:
    torch.manual_seed(0)
    return ContentVec(Hubert(HubertConfig(layers=9, width=16, inner=8, heads=1, channels=8, groups=4)), KINDS[256])


@pytest.fixture(scope="module")
def converters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ForeignConverter]:
    return {
        program: ForeignConverter(
            net_of(tmp_path_factory.mktemp(program), program), content(), SteadyPitch(), adapted_to=DIGEST
        )
        for program in ("rvc", "nono", "so-vits")
    }


@pytest.mark.parametrize(
    ("program", "rate", "channels", "seconds"),
    [("rvc", 44_100, 2, 2.0), ("nono", 16_000, 1, 1.017), ("so-vits", 44_100, 1, 1.003), ("rvc", 96_000, 1, 0.131)],
)
def test_rate_channels_and_length_are_kept(
    converters: dict[str, ForeignConverter], permit: Permit, program: str, rate: int, channels: int, seconds: float
) -> None:
    clip = hum(seconds, rate=rate).to_channels(channels)
    before = clip.samples.copy()
    out = converters[program](clip, voice_of_nobody(), permit, FREE).clip
    assert (out.sample_rate, out.samples.shape) == (rate, clip.samples.shape)
    assert np.isfinite(out.samples).all()
    assert out.samples.any()
    np.testing.assert_array_equal(clip.samples, before)


@pytest.mark.parametrize("program", ["rvc", "nono", "so-vits"])
def test_silence_stays_silent(converters: dict[str, ForeignConverter], permit: Permit, program: str) -> None:
    clip = hum(4.0)
    out = converters[program](clip, voice_of_nobody(), permit, FREE).clip.samples[0]
    rest = slice(round(1.9 * 44_100), round(2.3 * 44_100))
    assert not clip.samples[0][rest].any()
    assert np.abs(out[rest]).max() < 1e-5  # a change of rate leaves a little; without one there is none
    assert np.abs(out).max() > 1e-2


@pytest.mark.parametrize("program", ["rvc", "so-vits"])
def test_blocks_leave_no_seams(
    converters: dict[str, ForeignConverter], permit: Permit, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """Content depends a little on what is heard around it, sines and noise do not: no step and no drift."""
    clip = hum(5.0)
    whole = converters[program](clip, voice_of_nobody(), permit, FREE).clip.samples[0]
    monkeypatch.setattr(foreign, "_BLOCK", 200)
    parts = converters[program](clip, voice_of_nobody(), permit, FREE).clip.samples[0]
    assert not np.array_equal(whole, parts)
    assert np.sqrt(np.mean((whole - parts) ** 2)) < 0.15 * np.sqrt(np.mean(whole**2))
    assert np.abs(np.diff(parts)).max() < 1.5 * np.abs(np.diff(whole)).max()


@pytest.mark.parametrize("program", ["rvc", "nono", "so-vits"])
def test_what_a_block_is_made_of_does_not_depend_on_the_block(
    converters: dict[str, ForeignConverter], program: str
) -> None:
    """Hops of 512 samples do not divide 10 ms: frames are counted from the beginning of all, never of a block."""
    random = np.random.default_rng(0)
    f0 = (220.0 * np.exp(np.cumsum(random.normal(0, 0.02, 2000)))).astype(np.float32)
    melody = Melody(f0, (random.uniform(size=2000) > 0.2).astype(np.float32))
    net = converters[program].net
    blocks = ForeignBlocks(net, content(), 0, ConvertOptions(), melody)
    hop, per = net.config.hop, net.config.sample_rate // 100
    mono = np.zeros((600 + 200) * 160, np.float32)
    first = blocks._frames(0, 1200 * per // hop, -100, np.zeros(1300 * 160, np.float32))
    begin, end = 450 * per // hop, 1100 * per // hop
    later = blocks._frames(begin, end, 450, mono)
    for name in ("f0_hz", "voiced", "cycles"):
        torch.testing.assert_close(getattr(later, name)[0], getattr(first, name)[0][begin:end])
    here, all_of_it = blocks._noise(begin, end, begin + 9, end - 5), blocks._noise(0, end, 0, end)
    torch.testing.assert_close(here.latent, all_of_it.latent[..., begin:])
    if net.config.has_pitch:
        torch.testing.assert_close(here.source, all_of_it.source[:, (begin + 9) * hop : (end - 5) * hop])
    if program == "rvc":  # the phase is what a count of samples gives
        every = np.repeat(first.f0_hz[0].numpy().astype(np.float64), hop)
        np.testing.assert_allclose(every[::hop], np.where(melody.voiced > 0.5, f0, 0.0)[: len(every) // hop], rtol=1e-6)
        turns = np.cumsum(every / net.config.sample_rate)
        away = (turns[begin * hop - 1] - float(later.cycles[0, 0]) + 0.5) % 1.0 - 0.5
        assert abs(away) < 1e-6


@pytest.mark.parametrize("program", ["rvc", "so-vits"])
def test_memory_is_that_of_a_block(
    converters: dict[str, ForeignConverter], monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """However long the whole is, a net is never given more than a block with its margins."""
    net = converters[program].net
    frames = 60_000  # ten minutes
    blocks = ForeignBlocks(
        net, content(), 0, ConvertOptions(), Melody(np.full(frames, 200.0, np.float32), np.ones(frames, np.float32))
    )
    seen = []
    plan = list(blocks.plan())
    for start, stop in plan:
        low, high = blocks.window(start, stop)
        seen.append(high - low)
    assert max(seen) <= (600 + 200) * 160
    assert plan[0][0] == 0
    assert plan[-1][1] == frames
    assert all(stop - following == 50 for (_, stop), (following, _) in pairwise(plan))


def test_a_generator_hears_no_farther_than_it_is_given(tmp_path: Path) -> None:
    """Residual blocks as long as those of the published sizes, a first stage as small as any: 40 frames are enough."""
    sizes = {
        "residual_kernels": (3, 7, 11),
        "dilations": ((1, 3, 5),) * 3,
        "rates": (2, 10, 10, 2),
        "kernels": (4, 16, 16, 4),
    }
    config = replace(net_of(tmp_path, "rvc").config, **sizes, is_paired=True)  # type: ignore[arg-type]
    torch.manual_seed(0)
    net = VitsVoice(config).eval()
    blocks = ForeignBlocks(
        net, content(), 0, ConvertOptions(), Melody(np.full(300, 200.0, np.float32), np.ones(300, np.float32))
    )
    frames = blocks._frames(0, 300, 0, hum(3.0, rate=16_000).samples[0])
    with torch.inference_mode():
        whole = net(frames, torch.tensor([0]), blocks._noise(0, 300, 0, 300), 0.5)[0]
        part = net(frames, torch.tensor([0]), blocks._noise(0, 300, 60, 240), 0.5, slice(60, 240))[0]
    edge = foreign._HEARD * 400
    torch.testing.assert_close(part[edge:-edge], whole[60 * 400 + edge : 240 * 400 - edge])
    assert not torch.allclose(part[: edge // 40], whole[60 * 400 : 60 * 400 + edge // 40], atol=1e-7)


@pytest.mark.parametrize("program", ["rvc", "nono", "so-vits"])
def test_all_blocks_together_are_as_long_as_the_melody(
    converters: dict[str, ForeignConverter], monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(foreign, "_BLOCK", 130)
    frames = 333
    melody = Melody(np.full(frames, 200.0, np.float32), np.ones(frames, np.float32))
    blocks = ForeignBlocks(converters[program].net, content(), 0, ConvertOptions(), melody)
    total = 0
    for start, stop in blocks.plan():
        low, high = blocks.window(start, stop)
        total += len(blocks(start, stop, np.zeros(high - low, np.float32)))
    assert total == frames * blocks.sample_rate // 100


def test_the_melody_is_sung_and_borders_are_not_heard(
    converters: dict[str, ForeignConverter], permit: Permit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A net that lets its source through sings what was asked for, at its own rate, the same in whatever blocks."""
    for program in ("rvc", "so-vits"):
        net = net_of_copy(converters[program].net)
        with torch.no_grad():
            for conv in (*net.dec.ups, net.dec.conv_pre, net.dec.cond, *net.dec.noise_convs[:-1]):
                conv.weight.zero_()
            for name, held in net.dec.named_parameters():
                if name.startswith("resblocks") or name.endswith("bias"):
                    held.zero_()
            net.dec.noise_convs[-1].weight.fill_(1.0)
            net.dec.conv_post.weight.zero_()
            net.dec.conv_post.weight[..., 3] = 1.0
            net.dec.m_source.l_linear.weight.zero_()
            net.dec.m_source.l_linear.weight[0, 0] = 2.0
        own = ForeignConverter(net, content(), SwiftF0.load(), adapted_to=DIGEST)
        clip = hum(5.0, 262.0)
        for semitones in (-12.0, 3.0):
            out = own(clip, voice_of_nobody(), permit, ConvertOptions(semitones=semitones))
            assert out.semitones == semitones
            with monkeypatch.context() as changed:
                changed.setattr(foreign, "_BLOCK", 150)
                parts = own(clip, voice_of_nobody(), permit, ConvertOptions(semitones=semitones)).clip
            np.testing.assert_allclose(parts.samples, out.clip.samples, atol=1e-5)
            true, sung = own.tracker(clip), own.tracker(out.clip)
            both = true.voiced & sung.voiced
            assert both.sum() > 0.8 * true.voiced.sum()
            away = sung.midi[both] - true.midi[both] - semitones
            assert abs(np.median(away)) < 0.1
            late = np.flatnonzero(both) > 0.9 * len(both)  # no drift: vibrato is where it was
            assert np.abs(away[late]).mean() < 0.3


def net_of_copy(net: VitsVoice) -> VitsVoice:
    other = VitsVoice(net.config)
    other.load_state_dict(net.state_dict())
    return other


def test_the_same_bytes_each_time_and_others_for_another_seed(
    converters: dict[str, ForeignConverter], permit: Permit
) -> None:
    clip, voice = hum(1.0), voice_of_nobody()
    one, two, other = (
        converters["rvc"](clip, voice, permit, ConvertOptions(semitones=0.0, seed=seed)).clip.samples
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_content_and_speaker_change_the_sound(converters: dict[str, ForeignConverter], permit: Permit) -> None:
    given = converters["rvc"]
    clip = hum(1.0)
    base = given(clip, voice_of_nobody(), permit, FREE).clip.samples
    other = ForeignConverter(given.net, given.content, given.tracker, speaker=1, adapted_to=DIGEST)
    assert np.abs(other(clip, voice_of_nobody(), permit, FREE).clip.samples - base).max() > 1e-4
    noisy = Clip(
        clip.samples + 0.05 * np.random.default_rng(0).standard_normal(clip.samples.shape).astype("f4"), 44_100
    )
    assert np.abs(given(noisy, voice_of_nobody(), permit, FREE).clip.samples - base).max() > 1e-4


def test_what_the_weights_cannot_do_is_refused(converters: dict[str, ForeignConverter], permit: Permit) -> None:
    clip, voice = hum(1.0), voice_of_nobody()
    with pytest.raises(InvalidOption, match="formant"):
        converters["rvc"](clip, voice, permit, ConvertOptions(formant=1.0))
    with pytest.raises(InvalidOption, match="without pitch"):
        converters["nono"](clip, voice, permit, ConvertOptions(semitones=2.0))
    assert converters["nono"](clip, voice, permit).semitones == 0.0


def test_the_gate_is_the_same(converters: dict[str, ForeignConverter], authority: Authority, permit: Permit) -> None:
    clip, voice, own = hum(1.0), voice_of_nobody(), converters["rvc"]
    with pytest.raises(ConsentMissing):
        own(clip, voice, None, FREE)  # type: ignore[arg-type]
    with pytest.raises(ConsentMissing, match="not made from"):
        own(clip, voice_of_nobody(seed=1), permit, FREE)
    subject = replace(subject_of(voice), audio_sha256="cd" * 32)  # of the recordings, but not of these weights
    other = Permit(give_consent(authority, subject, Terms("synthetic", source="random numbers")), authority)
    with pytest.raises(ConsentMissing, match="one voice only"):
        own(clip, voice, other, FREE)
    with pytest.raises(ConsentMissing, match="bound to none"):
        ForeignConverter(own.net, own.content, own.tracker, adapted_to="")
    assert not log_path().exists()


def test_content_of_768_dimensions_is_the_twelfth_layer_s(tmp_path: Path, permit: Permit) -> None:
    torch.save(rvc("v2", 32_000), tmp_path / "a.pth")
    brought = recognise(tmp_path / "a.pth")
    assert brought is not None
    net = VitsVoice(VitsVoiceConfig.from_json(brought.config["network"]))
    net.load_state_dict(dict(brought.tensors))
    torch.manual_seed(0)
    hubert = Hubert(HubertConfig(layers=12, width=768, inner=4, channels=4))
    made = ContentVec(hubert, KINDS[768])
    mono = hum(0.5, rate=16_000).samples[0]
    with torch.inference_mode():
        expected = hubert(torch.from_numpy(np.pad(mono, (0, 80)))[None], 12)[0]
    np.testing.assert_allclose(made(mono), expected.numpy(), atol=1e-5)
    out = ForeignConverter(net, made, SteadyPitch(), adapted_to=DIGEST)(hum(0.5), voice_of_nobody(), permit, FREE)
    assert out.clip.frames == 22_050
    with pytest.raises(CheckpointError, match="100 dimensions"):
        ContentVec.load(100)


@pytest.mark.parametrize(
    "broken",
    ["", "[]", "{}", '{"network": 3, "speakers": {}, "kind": "x"}', '{"network": {}, "speakers": [], "kind": "x"}'],
)
def test_a_damaged_configuration_is_told(tmp_path: Path, broken: str) -> None:
    (tmp_path / "config.json").write_text(broken)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        ForeignConverter.from_folder(tmp_path)


def test_a_file_is_marked_and_logged(converters: dict[str, ForeignConverter], permit: Permit, tmp_path: Path) -> None:
    write(tmp_path / "in.wav", hum(6.0, rate=48_000).to_channels(2), subtype="FLOAT")
    done = convert_file(
        tmp_path / "in.wav",
        tmp_path / "out.wav",
        voice_of_nobody(),
        permit,
        FREE,
        converter=converters["rvc"],
        subtype="FLOAT",
    )
    info = probe(done.path)
    assert (info.sample_rate, info.channels, info.frames) == (48_000, 2, 6 * 48_000)
    assert [render.voice for render in renders_with(done.provenance.mark, log_path())] == ["nobody"]
    verdict = verify_file(done.path)
    assert verdict.mark_text == done.provenance.mark
    assert verdict.provenance is not None
    assert verdict.provenance.voice == "nobody"
