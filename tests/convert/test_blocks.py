"""What a block gives its net: content, pitch and level of the same moment, in whatever block it lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nobody import voice_of_nobody
from torch import Tensor

from descant.convert import api, foreign
from descant.convert.api import Converter
from descant.convert.content import ContentEncoder
from descant.convert.content_vec import ContentVec
from descant.convert.features import VoiceFeatures, level_frames, pitch_frames
from descant.convert.foreign import ForeignBlocks
from descant.convert.options import ConvertOptions
from descant.convert.speaker import SpeakerEmbedder
from descant.convert.stream import BlockConverter, Melody, middle_of, noise_of
from descant.convert.voice import is_sung
from descant.dsp.pitch import PitchTrack
from descant.nets.speaker_encoder import SpeakerEncoder
from descant.nets.swift_f0 import HOP, SwiftF0
from descant.nets.vits_voice import VitsVoice, VitsVoiceConfig, VoiceFrames, VoiceNoise
from descant.nets.voice_decoder import Filters, VoiceDecoder, VoiceDecoderConfig
from descant.progress import Monitor
from humming import hum

FRAMES = 4_300
"""Three of Descant's blocks, eight of the others."""


def ramp(frames: int = FRAMES) -> np.ndarray:
    """Samples at 16 kHz that tell their own time: their value is their frame over 10,000."""
    return (np.arange(frames * 160) / 160 / 10_000).astype(np.float32)


def melody(frames: int = FRAMES) -> Melody:
    return Melody(np.geomspace(100.0, 400.0, frames).astype(np.float32), np.ones(frames, np.float32))


def blocks_of(job: BlockConverter | ForeignBlocks, low: np.ndarray) -> list[int]:
    """Run all blocks as `convert.api` does; returns where they begin."""
    starts = []
    for start, stop in job.plan():
        first, last = job.window(start, stop)
        part = low[max(first, 0) : last]
        job(start, stop, np.pad(part, (max(-first, 0), last - max(first, 0) - len(part))))
        starts.append(start)
    return starts


class Clock(ContentEncoder):
    """Content that says when it was heard."""

    def __init__(self) -> None:
        pass

    def __call__(self, mono: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(mono[::320, None])


class Witness(VoiceDecoder):
    """A decoder that keeps what it was given."""

    def __init__(self) -> None:
        super().__init__(VoiceDecoderConfig(content=1, width=8, blocks=1, bottleneck=4))
        self.seen: list[tuple[Tensor, ...]] = []
        self.factors: list[float] = []

    def forward(self, *given: Tensor) -> Filters:
        self.seen.append(given)
        return super().forward(*given)

    def with_formants(self, filters: Filters, factor: float) -> Filters:
        self.factors.append(factor)
        return super().with_formants(filters, factor)


def test_content_pitch_and_level_of_a_frame_belong_together() -> None:
    decoder, low, given = Witness(), ramp(), melody()
    voice = voice_of_nobody()
    job = BlockConverter(decoder, Clock(), voice, ConvertOptions(retrieval=0.0), given)
    starts = blocks_of(job, low)
    assert len(starts) == 3
    levels = level_frames(low, FRAMES)
    for start, (content, f0_hz, voiced, level, speaker) in zip(starts, decoder.seen, strict=True):
        first = max(0, start - 100)
        frames = np.arange(first, first + content.shape[1])
        np.testing.assert_array_equal(f0_hz[0].numpy(), given.f0_hz[frames])
        assert bool((voiced == 1.0).all())
        inner = slice(5, -105)  # beyond the end there is silence; 20 ms of content are one straight line
        np.testing.assert_allclose(10_000 * content[0, inner, 0].numpy(), frames[inner], atol=0.01)
        np.testing.assert_allclose(level[0, inner].numpy(), levels[frames[inner]], atol=0.05)
        torch.testing.assert_close(speaker[0], torch.from_numpy(voice.speaker))


def test_a_formant_raised_by_an_octave_makes_the_throat_half_as_long() -> None:
    for semitones, factor in ((12.0, 2.0), (-12.0, 0.5), (0.0, 1.0)):
        decoder = Witness()
        options = ConvertOptions(formant=semitones, retrieval=0.0)
        blocks_of(BlockConverter(decoder, Clock(), voice_of_nobody(), options, melody(60)), ramp(60))
        assert decoder.factors == [pytest.approx(factor)]


def test_noise_is_another_for_each_frame_of_each_seed() -> None:
    drawn = {noise_of(seed, frame, 50).tobytes() for seed in range(4) for frame in range(40)}
    assert len(drawn) == 160
    assert noise_of(3, 7, 50).tobytes() in drawn
    long = noise_of(0, 0, 100_000)
    assert (long.mean(), long.std()) == (pytest.approx(0.0, abs=0.02), pytest.approx(1.0, abs=0.02))


def test_the_middle_is_the_median_of_what_is_voiced() -> None:
    f0 = np.array([50, 50, 50, 50, 220, 440, 880, 900, 55], np.float32)
    assert middle_of(Melody(f0, (f0 > 60).astype(np.float32))) == pytest.approx(69 + 12 * np.log2(660 / 440))
    assert np.isnan(middle_of(Melody(f0, np.zeros(9, np.float32))))


def test_pitch_is_tracked_in_parts_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    net = SwiftF0.load()
    converter = Converter(Witness(), Clock(), net, SpeakerEmbedder(SpeakerEncoder()))
    low = hum(6.0, 262.0, rate=16_000).samples[0]
    monitor = Monitor()
    whole = converter._track(low, monitor)
    monkeypatch.setattr(api, "_TRACKED_HOPS", 97)
    parts = converter._track(low, monitor)
    assert len(parts.f0_hz) == len(whole.f0_hz) == len(low) // HOP
    np.testing.assert_array_equal(parts.times_s, whole.times_s)
    assert (parts.voiced == whole.voiced).mean() > 0.98
    both = parts.voiced & whole.voiced
    cents = 1200 * np.abs(np.log2(parts.f0_hz[both] / whole.f0_hz[both]))
    assert np.quantile(cents, 0.99) < 1.0


def test_a_pitch_goes_on_through_short_gaps_and_straight_through_long_ones() -> None:
    times = np.arange(100) * 0.016
    voiced = np.ones(100, np.bool_)
    voiced[20:22] = voiced[50:80] = False
    f0 = 100.0 * 2.0 ** (times * 2)
    track = PitchTrack(times, np.where(voiced, f0, 0.0), np.ones(100), voiced)
    got, share = pitch_frames(track, 150)
    np.testing.assert_allclose(got, 100.0 * 2.0 ** (np.arange(150) / 50), rtol=1e-5)
    assert (share[:75] == 1.0).all()
    assert not share[82:125].any()
    silent = PitchTrack(times, f0, np.ones(100), np.zeros(100, np.bool_))
    assert not pitch_frames(silent, 150)[1].any()


def test_content_is_drawn_straight_between_its_frames() -> None:
    ones = np.ones(9, np.float32)
    part = VoiceFeatures(np.arange(4, dtype=np.float32)[:, None], ones, ones, ones)
    np.testing.assert_allclose(part.contents()[:, 0], [0, 0.5, 1, 1.5, 2, 2.5, 3, 3, 3])


def test_levels_are_decibels_of_full_scale() -> None:
    wave = np.sin(2 * np.pi * 400 * np.arange(16_000) / 16_000).astype(np.float32)
    for amplitude, db in ((1.0, -3.01), (0.1, -23.01), (0.0, -100.0)):
        np.testing.assert_allclose(level_frames(amplitude * wave, 100)[5:95], db, atol=0.02)
    step = np.concatenate((np.zeros(8_000, np.float32), wave[:8_000]))
    level = level_frames(step, 100)
    assert level[48] == -100.0
    assert level[52] == pytest.approx(-3.0, abs=0.1)


def test_notes_are_song_and_glides_are_speech() -> None:
    rng = np.random.default_rng(0)
    notes = np.repeat(220.0 * 2 ** (rng.integers(-7, 8, 12) / 12), 40)
    glides = 120.0 * 2 ** (0.4 * np.sin(np.arange(480) / 9))
    for f0, sung in ((notes, True), (glides, False)):
        assert is_sung(f0.astype(np.float32), np.ones(480, np.float32)) is sung


class Recorded(ContentVec):
    """Content that says when it was heard, and keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[np.ndarray] = []

    def __call__(self, mono: np.ndarray) -> np.ndarray:
        self.heard.append(mono)
        return np.repeat(mono[::320, None], 256, axis=1)


class Keeper(VitsVoice):
    """A voice of another program that keeps what it was given."""

    def __init__(self, program: str, rate: int, rates: tuple[int, ...]) -> None:
        super().__init__(
            VitsVoiceConfig(
                program, 256, rate, 4, 4, 4, 1, 1, 3, 4, 1, 1, rates, rates, 8, (3,), ((1,),), False, 2, 2, 3
            )
        )
        self.seen: list[tuple[VoiceFrames, VoiceNoise, float, slice]] = []

    def forward(
        self, frames: VoiceFrames, speaker: Tensor, noise: VoiceNoise, temper: float, kept: slice = slice(None)
    ) -> Tensor:
        self.seen.append((frames, noise, temper, kept))
        return torch.zeros(1, len(range(*kept.indices(frames.f0_hz.shape[1]))) * self.config.hop)


PROGRAMS = {"rvc": (40_000, (20, 10, 2), 0.66666), "so-vits-svc": (44_100, (8, 8, 8), 0.4)}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_foreign_net_is_given_content_and_level_of_the_moment(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign, "_without_rumble", lambda mono: mono)  # a ramp is nothing but rumble
    rate, rates, temper = PROGRAMS[program]
    net = Keeper(program, rate, rates)
    starts = blocks_of(ForeignBlocks(net, Recorded(), 0, ConvertOptions(), melody(2_000)), ramp(2_000))
    assert len(starts) == 4
    for start, (frames, noise, used, kept) in zip(starts, net.seen, strict=True):
        assert used == temper
        begin = max(0, start - 100) * rate // 100 // net.config.hop
        at = (begin + np.arange(frames.f0_hz.shape[1])) * net.config.hop * 100 / rate  # in frames of 10 ms
        inner = slice(5, -120)
        heard = 10_000 * frames.content[0, inner, 0].numpy()
        assert np.abs(heard - at[inner] + 1.0).max() < 1.1  # a state is about the 20 ms from its beginning on
        np.testing.assert_allclose(10_000 * frames.level[0, inner].numpy(), at[inner], atol=0.5)
        assert noise.latent.shape[2] == len(at)
        assert kept.start + begin <= start * rate // 100 // net.config.hop


def test_level_is_the_rms_of_a_frame() -> None:
    net = Keeper("so-vits-svc", 44_100, (8, 8, 8))
    blocks = ForeignBlocks(net, Recorded(), 0, ConvertOptions(), melody(100))
    wave = 0.5 * np.sqrt(2.0) * np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000)
    wave[8_000:] = 0.0
    level = blocks._level(wave.astype(np.float32), np.array([4_000, 7_900, 8_000, 8_100]))
    np.testing.assert_allclose(level, [0.5, 0.5, 0.354, 0.0], atol=0.02)


def test_only_what_rvc_heard_in_training_is_without_rumble() -> None:
    time_s = np.arange(100 * 160) / 16_000
    voice, rumble = (np.sin(2 * np.pi * hz * time_s).astype(np.float32) for hz in (300.0, 15.0))
    for program, left in (("rvc", voice), ("so-vits-svc", voice + rumble)):
        rate, rates, _ = PROGRAMS[program]
        content = Recorded()
        blocks_of(
            ForeignBlocks(Keeper(program, rate, rates), content, 0, ConvertOptions(), melody(100)), voice + rumble
        )
        inner = slice(16_000 + 4_000, 16_000 + 12_000)  # a second of nothing goes before
        np.testing.assert_allclose(content.heard[0][inner], left[4_000:12_000], atol=0.02)


def test_only_the_first_sine_begins_at_nothing_and_the_others_where_the_seed_says() -> None:
    net = Keeper("so-vits-svc", 44_100, (8, 8, 8))
    one, same, other = (
        ForeignBlocks(net, Recorded(), 0, ConvertOptions(seed=seed), melody(100))._offsets for seed in (0, 0, 1)
    )
    assert one[0] == other[0] == 0.0
    assert bool((one[1:] != other[1:]).all())
    torch.testing.assert_close(one, same)
