"""The audio contract of conversion: shape kept, pitch asked for, silence silent, no seams, the same bytes each time."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nobody import subject_of

from descant.audio.clip import Clip
from descant.audio.io import probe, read, write
from descant.convert import stream
from descant.convert.api import Converted, Converter
from descant.convert.consent import Permit, Terms, give_consent
from descant.convert.content import ContentEncoder
from descant.convert.files import convert_file
from descant.convert.options import DEFAULT_OPTIONS, ConvertOptions
from descant.convert.signing import Authority
from descant.convert.speaker import SpeakerEmbedder
from descant.convert.voice import Voice
from descant.errors import Cancelled, InvalidAudio, InvalidOption
from descant.nets.source_filter import pulses
from descant.nets.speaker_encoder import SpeakerEncoder
from descant.nets.swift_f0 import SwiftF0
from descant.nets.voice_decoder import VoiceDecoder, VoiceDecoderConfig
from descant.nets.whisper_encoder import WhisperEncoder, WhisperEncoderConfig
from descant.progress import CancelToken
from humming import hum

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def converter() -> Converter:
    """Small untrained nets, but for the pitch: what a conversion keeps does not depend on what was learned."""
    torch.manual_seed(0)
    encoder = ContentEncoder(WhisperEncoder(WhisperEncoderConfig(layers=2, width=24, heads=2)), layer=1)
    decoder = VoiceDecoder(VoiceDecoderConfig(content=24, width=32, blocks=2, bottleneck=8))
    return Converter(decoder, encoder, SwiftF0.load(), SpeakerEmbedder(SpeakerEncoder()))


_permits: dict[tuple[str, bytes], Permit] = {}


def permit_for(voice: Voice) -> Permit:
    """One consent for a voice in a test: its number is in the mark."""
    key = (os.environ["DESCANT_DATA"], voice.speaker.tobytes())
    if key not in _permits:
        authority = Authority.load()
        consent = give_consent(authority, subject_of(voice), Terms("synthetic", source="arithmetic"))
        _permits[key] = Permit(consent, authority)
    return _permits[key]


def sing(converter: Converter, clip: Clip, voice: Voice, options: ConvertOptions = DEFAULT_OPTIONS) -> Converted:
    return converter(clip, voice, permit_for(voice), options)


@pytest.mark.parametrize(("rate", "channels", "seconds"), [(8_000, 1, 3.3), (44_100, 2, 3.0), (96_000, 1, 3.017)])
def test_rate_channels_and_length_are_kept(converter: Converter, rate: int, channels: int, seconds: float) -> None:
    clip = hum(seconds, rate=rate).to_channels(channels)
    before = clip.samples.copy()
    out = sing(converter, clip, converter.voice(hum(6.0, 130.0))).clip
    assert (out.sample_rate, out.samples.shape) == (rate, clip.samples.shape)
    assert np.isfinite(out.samples).all()
    np.testing.assert_array_equal(clip.samples, before)


def test_speech_goes_to_where_a_voice_speaks_and_singing_to_where_it_sings(converter: Converter) -> None:
    """A speaker's median lies about a fourth below a singer's, whichever of both is known of the voice."""
    singer = converter.voice(hum(6.0, 220.0))
    assert singer.is_sung
    speaker = replace(singer, is_sung=False)
    assert [v.middle_for(singing=s) - singer.middle for v in (singer, speaker) for s in (False, True)] == [-5, 0, 0, 5]
    spoken, sung = speech(), hum(4.0, 220.0)
    for clip, expected in ((sung, singer.middle), (spoken, singer.middle - 5)):
        out = sing(converter, clip, singer, ConvertOptions(keep_key=False))
        heard = converter.tracker(clip)
        middle = 69 + 12 * np.log2(np.median(heard.f0_hz[heard.voiced]) / 440)
        assert abs(middle + out.semitones - expected) < 0.75


def speech() -> Clip:
    """Pitch that never stands still, as in speech."""
    time_s = np.arange(4 * 44_100) / 44_100
    f0 = 150.0 * 2.0 ** (0.4 * np.sin(2 * np.pi * 1.7 * time_s))
    sound = sum(np.sin(2 * np.pi * n * np.cumsum(f0) / 44_100) / n for n in range(1, 12))
    return Clip((0.1 * np.asarray(sound, np.float32))[np.newaxis], 44_100)


@pytest.mark.parametrize("semitones", [-12.0, -3.0, 0.0, 7.5])
def test_the_melody_is_the_one_asked_for(converter: Converter, semitones: float) -> None:
    clip = hum(4.0, 262.0)
    out = sing(converter, clip, converter.voice(hum(6.0)), ConvertOptions(semitones=semitones))
    assert out.semitones == semitones
    true, sung = converter.tracker(clip), converter.tracker(out.clip)
    both = true.voiced & sung.voiced
    assert both.sum() > 0.8 * true.voiced.sum()
    assert abs(np.median(sung.midi[both] - true.midi[both]) - semitones) < 0.1


def test_silence_stays_silent(converter: Converter) -> None:
    clip = hum(4.0)
    out = sing(converter, clip, converter.voice(hum(6.0))).clip.samples[0]
    rest = slice(round(1.9 * 44_100), round(2.3 * 44_100))
    assert not clip.samples[0][rest].any()
    assert not out[rest].any()
    assert out.any()


def test_blocks_leave_no_seams(converter: Converter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Content depends a little on what is heard around it; pulses and breath do not: no step, no beat, one loudness."""
    clip = hum(9.0)
    voice = converter.voice(hum(6.0))
    whole = sing(converter, clip, voice).clip.samples[0]
    monkeypatch.setattr(stream, "_BLOCK", 300)
    parts = sing(converter, clip, voice).clip.samples[0]
    error = np.sqrt(np.mean((whole - parts) ** 2))
    assert error < 0.15 * np.sqrt(np.mean(whole**2))
    steps = np.abs(np.diff(parts))
    assert steps.max() < 1.5 * np.abs(np.diff(whole)).max()


def test_blocks_begin_where_the_pulses_of_the_whole_would_be() -> None:
    rng = np.random.default_rng(0)
    f0 = (200.0 * np.exp(np.cumsum(rng.normal(0, 0.02, 50)))).astype(np.float32)
    f0[20:25] = f0[20]  # a pitch that stands, too
    melody = stream.Melody(f0, np.ones(50, np.float32))
    for start in (10, 22, 40):
        _, phase = pulses(torch.from_numpy(np.append(f0[:start], f0[start]))[None], torch.ones(1, start + 1))
        behind = float(phase) - float(f0[start]) / 100.0  # without the frame that was there to glide to
        away = abs((behind - melody.cycles()[start] + 0.5) % 1.0 - 0.5)
        assert away < 1e-3


def test_the_same_bytes_each_time_and_others_for_another_seed(converter: Converter) -> None:
    clip, voice = hum(2.0), converter.voice(hum(6.0))
    first, second = (sing(converter, clip, voice, ConvertOptions(seed=seed)).clip for seed in (0, 0))
    np.testing.assert_array_equal(first.samples, second.samples)
    assert not np.array_equal(first.samples, sing(converter, clip, voice, ConvertOptions(seed=1)).clip.samples)


def test_each_option_changes_the_sound(converter: Converter) -> None:
    clip, voice = hum(2.0), converter.voice(hum(6.0, 150.0, seed=3))
    plain = sing(converter, clip, voice, ConvertOptions(retrieval=0.0)).clip.samples
    for options in (ConvertOptions(retrieval=1.0), ConvertOptions(retrieval=0.0, formant=3.0)):
        assert np.abs(sing(converter, clip, voice, options).clip.samples - plain).max() > 1e-3


def test_the_speaker_changes_the_sound(converter: Converter) -> None:
    from dataclasses import replace

    clip, voice = hum(2.0), converter.voice(hum(6.0))
    other = replace(voice, speaker=np.roll(voice.speaker, 50))
    one, two = (
        sing(converter, clip, who, ConvertOptions(semitones=0, retrieval=0.0)).clip.samples for who in (voice, other)
    )
    assert np.abs(one - two).max() > 1e-4


@given(st.floats(30, 90), st.floats(30, 90))
@settings(deadline=None)
def test_whole_octaves_bring_the_melody_near_the_voice(source: float, target: float) -> None:
    moved = ConvertOptions().transposition(source, target)
    assert moved % 12 == 0
    assert abs(source + moved - target) <= 0.58 * 12 + 1e-9
    free = ConvertOptions(keep_key=False).transposition(source, target)
    assert free == round(free)
    assert abs(source + free - target) <= 0.5 + 1e-9


@pytest.mark.parametrize(
    "changes", [{"semitones": 40.0}, {"formant": -13.0}, {"retrieval": 1.5}, {"retrieval": float("nan")}]
)
def test_impossible_options_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(InvalidOption, match=next(iter(changes))):
        ConvertOptions(**changes)  # type: ignore[arg-type]


def test_what_is_no_voice_is_refused(converter: Converter) -> None:
    voice = converter.voice(hum(6.0))
    with pytest.raises(InvalidAudio, match="length is zero"):
        sing(converter, Clip(np.zeros((1, 0), np.float32), 44_100), voice)
    with pytest.raises(InvalidAudio, match="pitch"):
        sing(converter, Clip(np.zeros((1, 44_100), np.float32), 44_100), voice)
    with pytest.raises(InvalidAudio, match="too short"):
        converter.voice(hum(2.0))
    with pytest.raises(InvalidAudio, match="not silent"):
        converter.voice(Clip(np.zeros((1, 200_000), np.float32), 44_100))
    noise = np.random.default_rng(0).standard_normal((1, 220_500)).astype(np.float32)
    with pytest.raises(InvalidAudio, match="pitch"):
        converter.voice(Clip(0.1 * noise, 44_100))


def test_a_file_gives_what_its_clip_gives(converter: Converter, tmp_path: Path) -> None:
    clip = hum(3.0, rate=48_000).to_channels(2)
    write(tmp_path / "in.wav", clip, subtype="FLOAT")
    voice = converter.voice(hum(6.0))
    done = convert_file(
        tmp_path / "in.wav", tmp_path / "out.wav", voice, permit_for(voice), converter=converter, subtype="FLOAT"
    )
    info = probe(done.path)
    assert (info.sample_rate, info.channels, info.frames) == (48_000, 2, clip.frames)
    np.testing.assert_allclose(read(done.path).samples, sing(converter, clip, voice).clip.samples, atol=2e-4)


def test_a_cancelled_file_leaves_nothing(converter: Converter, tmp_path: Path) -> None:
    write(tmp_path / "in.wav", hum(3.0))
    cancel = CancelToken()
    cancel.cancel()
    voice = converter.voice(hum(6.0))
    with pytest.raises(Cancelled):
        convert_file(
            tmp_path / "in.wav", tmp_path / "out.wav", voice, permit_for(voice), converter=converter, cancel=cancel
        )
    assert not list(tmp_path.glob("*out*"))
