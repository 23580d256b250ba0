"""Augmentations: what all promise, and what each does, measured."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.audio.stretch import time_stretch
from descant.data.augment.codec import CODECS, Codec, CodecName, round_trip
from descant.data.augment.levels import FlipSign, Gain, SwapChannels
from descant.data.augment.noise import SINGSONG_NOISE, Noise
from descant.data.augment.recipe import STEPS, chain_from_tables, chain_to_tables
from descant.data.augment.rooms import ImaginedRoom, MeasuredRoom
from descant.data.augment.speed import Transpose
from descant.data.augment.step import Chain, Step
from descant.data.augment.tone import BandLimit, Equalise
from descant.data.rooms import impulse_response, room_files
from descant.errors import AudioReadError, InputNotFound, InvalidAudio, InvalidOption

RATE = 22_050


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def noise_clip(frames: int = 8_000, channels: int = 2, rate: int = RATE, level: float = 0.1) -> Clip:
    return Clip((level * generator(7).standard_normal((channels, frames))).astype(np.float32), rate)


def rms_db(samples: np.ndarray) -> float:
    return 10.0 * np.log10(np.mean(np.square(samples, dtype=np.float64)))


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """A response of two echoes, 100 samples of silence before the first."""
    samples = np.zeros((400, 2), np.float32)
    samples[100] = 0.8
    samples[180] = 0.6
    soundfile.write(tmp_path / "room.wav", samples, RATE, subtype="FLOAT")
    return tmp_path / "room.wav"


def steps(room: Path) -> list[Step]:
    return [
        Gain(),
        FlipSign(chance=1.0),
        SwapChannels(chance=1.0),
        Equalise(),
        BandLimit(),
        Noise(),
        Noise(colour="pink", relative=True),
        Codec(codecs=CODECS),
        ImaginedRoom(),
        MeasuredRoom(files=(room,)),
        Transpose(),
    ]


def test_every_step_has_a_name_in_recipes(room: Path) -> None:
    assert {type(step) for step in steps(room)} == set(STEPS.values())


@pytest.mark.parametrize("shape", [(1, 5_000), (2, 5_000), (2, 1), (1, 37), (2, 0)])
@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_every_step_keeps_the_shape_and_the_input(room: Path, shape: tuple[int, int], rate: int) -> None:
    clip = noise_clip(shape[1], shape[0], rate)
    before = clip.samples.copy()
    for step in steps(room):
        after = step(clip, generator())
        assert (after.samples.shape, after.sample_rate) == (shape, rate), step
        assert after.samples.dtype == np.float32
        np.testing.assert_array_equal(clip.samples, before)


def test_the_same_generator_gives_the_same_bytes(room: Path) -> None:
    clip = noise_clip()
    for step in steps(room):
        first, second, other = (step(clip, generator(seed)).samples for seed in (3, 3, 4))
        np.testing.assert_array_equal(first, second)
        if type(step) not in {FlipSign, SwapChannels}:
            assert not np.array_equal(first, other) or isinstance(step, Transpose), step


def test_silence_stays_silent_but_for_noise(room: Path) -> None:
    silence = Clip.silence(4_000, RATE, 2)
    for step in steps(room):
        made_noise = isinstance(step, Noise) and not step.relative
        assert (step(silence, generator()).peak > 0) == made_noise, step


def test_steps_travel_and_compare_by_value(room: Path) -> None:
    chain = Chain(tuple(steps(room)))
    assert pickle.loads(pickle.dumps(chain)) == chain
    assert hash(chain) == hash(Chain(tuple(steps(room))))


@given(chance=st.floats(0.0, 1.0), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_chance_is_the_share(chance: float, seed: int) -> None:
    clip, rng = noise_clip(8, 1), generator(seed)
    step = FlipSign(chance=chance)
    flipped = np.mean([step(clip, rng).samples[0, 0] != clip.samples[0, 0] for _ in range(400)])
    assert abs(flipped - chance) < 5 * np.sqrt(0.25 / 400) + 1e-9


def test_gain_is_within_its_range_and_clips_nothing() -> None:
    clip = noise_clip(level=0.9)
    gains = [rms_db(Gain(gain_db=(-3.0, 9.0))(clip, generator(s)).samples) - rms_db(clip.samples) for s in range(50)]
    assert -3.0 <= min(gains) < -1.0
    assert 7.0 < max(gains) <= 9.0 + 1e-4
    assert Gain(gain_db=(12.0, 12.0))(clip, generator()).peak == pytest.approx(clip.peak * 10**0.6)


def test_sign_and_channels() -> None:
    clip = noise_clip()
    np.testing.assert_array_equal(FlipSign(chance=1.0)(clip, generator()).samples, -clip.samples)
    np.testing.assert_array_equal(SwapChannels(chance=1.0)(clip, generator()).samples, clip.samples[[1, 0]])
    mono = noise_clip(channels=1)
    np.testing.assert_array_equal(SwapChannels(chance=1.0)(mono, generator()).samples, mono.samples)


def test_singsong_noise_is_at_its_level_whatever_the_voice() -> None:
    for level in (0.0, 0.01, 0.5):
        clip = noise_clip(50_000, level=level)
        added = SINGSONG_NOISE(clip, generator()).samples - clip.samples
        assert rms_db(added) == pytest.approx(-40.0, abs=0.1)
        assert abs(np.corrcoef(added)[0, 1]) < 0.02


def test_relative_noise_keeps_its_distance() -> None:
    for level in (0.003, 0.3):
        clip = noise_clip(50_000, level=level)
        added = Noise(level_db=(-20.0, -20.0), relative=True)(clip, generator()).samples - clip.samples
        assert rms_db(added) - rms_db(clip.samples) == pytest.approx(-20.0, abs=0.1)


def test_pink_noise_falls_three_decibels_an_octave_at_the_stated_level() -> None:
    silence = Clip.silence(1 << 18, 44_100, 1)
    samples = Noise(level_db=(-30.0, -30.0), colour="pink")(silence, generator()).samples[0]
    assert rms_db(samples) == pytest.approx(-30.0, abs=0.3)
    hz, power = scipy.signal.welch(samples, 44_100, nperseg=8192)
    octaves = [10 * np.log10(power[(hz >= low) & (hz < 2 * low)].mean()) for low in (200, 400, 800, 1600, 3200, 6400)]
    np.testing.assert_allclose(np.diff(octaves), -3.01, atol=0.4)


def test_an_equaliser_stays_within_its_gains() -> None:
    impulse = Clip(np.eye(1, 1 << 14, dtype=np.float32), RATE)
    for seed in range(10):
        shaped = Equalise(gain_db=(-4.0, 4.0), bells=1)(impulse, generator(seed)).samples[0]
        gain = 20 * np.log10(np.abs(np.fft.rfft(shaped)))
        assert np.abs(gain).max() < 3 * 4.0 + 0.1  # where all three lie on one another
        assert np.ptp(gain) > 0.1


def test_a_band_limit_leaves_the_band() -> None:
    impulse = Clip(np.eye(1, 1 << 14, dtype=np.float32), RATE)
    shaped = BandLimit(low_hz=(300.0, 300.0), high_hz=(3_000.0, 3_000.0))(impulse, generator()).samples[0]
    gain = 20 * np.log10(np.abs(np.fft.rfft(shaped)) + 1e-9)
    hz = np.fft.rfftfreq(1 << 14, 1 / RATE)
    at = {f: gain[np.abs(hz - f).argmin()] for f in (30, 300, 1000, 3000, 9000)}
    assert at[300] == pytest.approx(-3.0, abs=0.3)
    assert at[3000] == pytest.approx(-3.0, abs=0.3)
    assert abs(at[1000]) < 0.5
    assert at[30] < -35
    assert at[9000] < -18


def bursts(rate: int, frames: int, channels: int) -> Clip:
    """Short bursts of noise below 3 kHz, which every codec keeps."""
    samples = np.zeros((channels, frames))
    for start in range(rate // 10, frames - rate // 10, rate // 3):
        samples[:, start : start + rate // 20] = generator(start).standard_normal((channels, rate // 20))
    low = scipy.signal.butter(6, 3_000, fs=rate, output="sos")
    return Clip((0.2 * scipy.signal.sosfiltfilt(low, samples)).astype(np.float32), rate)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("codec", CODECS)
def test_codecs_keep_length_and_alignment(codec: CodecName, channels: int, rate: int) -> None:
    clip = bursts(rate, rate + 137, channels)
    after = round_trip(clip, codec, 64.0 * channels)
    assert after.samples.shape == clip.samples.shape
    for before, now in zip(clip.samples.astype(np.float64), after.samples.astype(np.float64), strict=True):
        correlation = scipy.signal.correlate(now, before, method="fft")
        assert int(correlation.argmax()) - (clip.frames - 1) == 0
        assert correlation.max() / np.sqrt((before**2).sum() * (now**2).sum()) > 0.9
    assert not np.array_equal(after.samples, clip.samples)


@pytest.mark.parametrize("codec", CODECS)
def test_lower_bitrates_lose_more(codec: CodecName) -> None:
    clip = bursts(44_100, 44_100, 1)
    errors = [rms_db(round_trip(clip, codec, kbps).samples - clip.samples) for kbps in (24.0, 160.0)]
    assert errors[0] > errors[1] + 3.0


@pytest.mark.parametrize("codec", CODECS)
def test_codecs_do_not_clip_loud_clips(codec: CodecName) -> None:
    clip = bursts(44_100, 44_100, 1).gain(26.0)
    assert clip.peak > 4.0
    after = round_trip(clip, codec, 128.0)
    assert np.corrcoef(after.samples[0], clip.samples[0])[0, 1] > 0.9


@pytest.mark.parametrize("codec", CODECS)
def test_codecs_take_any_rate_length_and_bitrate(codec: CodecName) -> None:
    for rate in (1_000, 8_000, 11_025, 32_000, 192_000):
        for frames in (1, 50, 3_000):
            for kbps in (6.0, 512.0):
                clip = noise_clip(frames, 2, rate)
                assert round_trip(clip, codec, kbps).samples.shape == clip.samples.shape


def test_codecs_refuse_what_they_cannot_do() -> None:
    with pytest.raises(InvalidOption, match="3 channels"):
        round_trip(noise_clip(channels=3), "mp3", 64.0)
    for codec, kbps in (("gsm", 64.0), ("mp3", 1.0), ("mp3", float("nan"))):
        with pytest.raises(InvalidOption, match=codec):
            round_trip(noise_clip(), codec, kbps)  # type: ignore[arg-type]


def test_a_measured_room_begins_with_its_first_arrival(room: Path) -> None:
    response = impulse_response(room, RATE)
    np.testing.assert_allclose(response.samples[0, [0, 80]], [0.8, 0.6], atol=1e-6)  # of unit energy already
    impulse = Clip(np.eye(1, 500, dtype=np.float32), RATE)
    wet = MeasuredRoom(files=(room,), amount=(0.5, 0.5))(impulse, generator()).samples[0]
    np.testing.assert_allclose(wet[[0, 80]], [1.4, 0.3], atol=1e-6)
    assert np.abs(np.delete(wet, [0, 80])).max() < 1e-6


def test_every_measured_room_is_heard(tmp_path: Path) -> None:
    """Three rooms of one echo each, at 10, 20 and 30 samples."""
    for number in (10, 20, 30):
        soundfile.write(
            tmp_path / f"{number}.wav", np.eye(1, 40)[0] + np.eye(1, 40, number)[0] / 2, RATE, subtype="FLOAT"
        )
    step = MeasuredRoom(files=room_files(tmp_path), amount=(1.0, 1.0))
    click = Clip(np.eye(1, 100, dtype=np.float32), RATE)
    echoes = [int(np.abs(step(click, generator(seed)).samples[0, 1:]).argmax()) + 1 for seed in range(30)]
    assert set(echoes) == {10, 20, 30}


def test_long_responses_are_cut_and_fade(tmp_path: Path) -> None:
    decay = 0.5 * np.exp(-np.arange(RATE) / 4_000)[:, None]
    soundfile.write(tmp_path / "long.wav", decay, RATE, subtype="FLOAT")
    response = impulse_response(tmp_path / "long.wav", RATE, 0.1)
    assert response.frames == 2205
    assert response.samples[0, -1] == 0.0
    assert np.square(response.samples).sum() == pytest.approx(1.0, abs=1e-4)


def test_rooms_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        room_files(tmp_path)
    soundfile.write(tmp_path / "silent.wav", np.zeros((100, 1)), RATE)
    assert room_files(tmp_path) == (tmp_path / "silent.wav",)
    with pytest.raises(InvalidAudio, match=r"silent\.wav"):
        MeasuredRoom(files=room_files(tmp_path))(noise_clip(), generator())
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(AudioReadError, match=r"broken\.wav"):
        impulse_response(tmp_path / "broken.wav", RATE)


def _shaped(seconds: float, envelope: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.5 * envelope(time) * np.random.default_rng(2).uniform(-1, 1, len(time))


NO_ROOMS = {
    "lasts 31.0 s": _shaped(31.0, lambda t: np.exp(-t)),
    "loudest moment comes 0.60 s": 0.3 * np.eye(1, RATE)[0] + 0.9 * np.eye(1, RATE, round(0.6 * RATE))[0],
    "does not decay": _shaped(2.0, np.ones_like) + np.eye(1, 2 * RATE)[0],
    # The first block has 1 - 1/e of the power at its start: -2 dB; the floor is 50 dB below it, the return at -30.
    "louder again, by 22 dB": _shaped(2.0, lambda t: np.exp(-10 * t) + 0.0316 * ((t > 1.2) & (t < 1.6))),
}


@pytest.mark.parametrize("why", NO_ROOMS)
def test_what_no_room_answers_is_refused_with_the_reason(why: str, tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    soundfile.write(path, NO_ROOMS[why].reshape(-1, 1), RATE, subtype="FLOAT")
    with pytest.raises(InvalidAudio, match=re.escape(why)) as error:
        impulse_response(path, RATE)
    assert "speech.wav is no impulse response" in error.value.message


@pytest.mark.parametrize("decay_s", [0.1, 0.6, 2.5, 8.0])
def test_imagined_rooms_of_all_sizes_are_rooms(decay_s: float, tmp_path: Path) -> None:
    """Noise under an exponential is the textbook response (Schroeder 1965); recorders begin a little early."""
    room = _shaped(1.5 * decay_s, lambda t: 10.0 ** (-3.0 * t / decay_s))
    soundfile.write(tmp_path / "room.wav", np.concatenate([np.zeros(RATE // 2), room]), RATE)
    assert impulse_response(tmp_path / "room.wav", RATE).samples[0, 0] != 0


def test_a_transposed_tone_is_where_it_should_be() -> None:
    tone = Clip(np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32), RATE)
    for semitones in (-5, 3, 12):
        step = Transpose(semitones=(semitones, semitones))
        spectrum = np.abs(np.fft.rfft(step(tone, generator()).samples[0, 4096:20480] * np.hanning(16384)))
        assert spectrum.argmax() * RATE / 16384 == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)
    same = Transpose(semitones=(0.4, 0.4))(tone, generator())  # rounds to none
    np.testing.assert_array_equal(same.samples, tone.samples)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Gain(gain_db=(3.0, -3.0)),
        lambda: Gain(gain_db=(float("nan"), 1.0)),
        lambda: Gain(chance=1.5),
        lambda: Noise(level_db=(0.0, 100.0)),
        lambda: Noise(colour="brown"),  # type: ignore[arg-type]
        lambda: Codec(codecs=()),
        lambda: Codec(codecs=("g711",)),  # type: ignore[arg-type]
        lambda: Equalise(bells=-1),
        lambda: BandLimit(low_hz=(0.0, 10.0)),
        lambda: ImaginedRoom(decay_s=(0.0, 1.0)),
        lambda: MeasuredRoom(files=()),
        lambda: Transpose(semitones=(-40.0, 0.0)),
    ],
)
def test_impossible_fields_are_refused_when_made(make: object) -> None:
    with pytest.raises(InvalidOption):
        make()  # type: ignore[operator]


def test_chains_go_to_recipes_and_back(room: Path) -> None:
    chain = Chain(tuple(steps(room)))
    assert chain_from_tables(chain_to_tables(chain)) == chain
    made = chain_from_tables(
        [{"kind": "noise", "level_db": [-40, -40]}, {"kind": "measured_room", "folder": room.parent}]
    )
    assert made.steps == (Noise(level_db=(-40, -40)), MeasuredRoom(files=(room,)))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"kind": "nois"}, "'nois'"),
        ({}, "None"),
        ({"kind": "gain", "db": 3}, "'db'"),
        ({"kind": "gain", "gain_db": "loud"}, "gain"),
        ({"kind": "measured_room"}, "measured_room"),
        ({"kind": "gain", "chance": "often"}, "gain"),
    ],
)
def test_recipes_with_mistakes_name_them(table: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidOption, match=words):
        chain_from_tables([table])


def test_a_stretch_of_tempo_and_pitch_is_one_pass_within_limits() -> None:
    tone = Clip(np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE).astype(np.float32), RATE)
    both = time_stretch(tone, 0.8, semitones=-3.0)
    assert both.frames == round(0.8 * tone.frames)
    spectrum = np.abs(np.fft.rfft(both.samples[0, 4096:20480] * np.hanning(16384)))
    assert spectrum.argmax() * RATE / 16384 == pytest.approx(440 * 2 ** (-3 / 12), rel=0.01)
    for semitones in (25.0, float("nan")):
        with pytest.raises(InvalidOption, match="semitones"):
            time_stretch(tone, 1.0, semitones=semitones)
