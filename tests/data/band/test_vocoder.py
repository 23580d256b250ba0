import numpy as np
import pytest
import scipy.signal

from descant.data.band.vocoder import BINS, FFT, FLOOR, HOP, SAMPLE_RATE, Envelopes, analyse, fundamental, synthesise


def flat(frames: int, voiced: float = 1.0) -> Envelopes:
    return Envelopes(np.zeros((frames, BINS), np.float32), np.full(frames, voiced, np.float32))


@pytest.mark.parametrize("hz", [82.41, 220.0, 523.25])
def test_harmonics_lie_where_the_pitch_says(hz: float) -> None:
    sound = synthesise(flat(400), np.full(400, hz), np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(sound[4000:69_536] * np.hanning(65_536)))
    for harmonic in (1, 2, 5, 10):
        place = harmonic * hz / SAMPLE_RATE * 65_536
        around = spectrum[int(place) - 20 : int(place) + 21]
        assert abs(int(np.argmax(around)) - 20 + int(place) - place) <= 1.0
        assert around.max() > 8 * np.median(around)


def test_voiced_and_unvoiced_sound_have_the_same_density() -> None:
    rng = np.random.default_rng(0)
    spoken = synthesise(flat(600), np.full(600, 150.0), rng)
    hissed = synthesise(flat(600, 0.0), np.full(600, 150.0), rng)
    assert spoken[5000:-5000].std() == pytest.approx(hissed[5000:-5000].std(), rel=0.25)
    assert hissed[5000:-5000].std() == pytest.approx(1.0, rel=0.15)


def test_the_pitch_follows_its_curve_to_the_cent() -> None:
    frames = 600
    f0 = 200.0 * 2.0 ** (np.linspace(0.0, 1.0, frames) + 0.03 * np.sin(np.arange(frames) * 0.17))
    sound = synthesise(flat(frames), f0, np.random.default_rng(0))
    # The strongest lag of the low-passed wave, an independent estimate: phases of the first harmonic.
    narrow = scipy.signal.sosfiltfilt(scipy.signal.butter(2, 1.3 * 400.0, fs=SAMPLE_RATE, output="sos"), sound)
    phase = np.unwrap(np.angle(scipy.signal.hilbert(narrow)))
    cycles = (phase[110_000] - phase[20_000]) / (2 * np.pi)
    wanted = np.interp(np.arange(20_000, 110_000), np.arange(frames) * HOP, f0).sum() / SAMPLE_RATE
    assert cycles == pytest.approx(wanted, abs=2.0)


def test_a_known_resonance_is_found_and_the_harmonics_are_not() -> None:
    pulses = np.zeros(SAMPLE_RATE, np.float32)
    pulses[::200] = 1.0
    radius, angle = np.exp(-np.pi * 120.0 / SAMPLE_RATE), 2 * np.pi * 1_500.0 / SAMPLE_RATE
    vowel = scipy.signal.lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], pulses).astype(np.float32)
    found = analyse(vowel)
    middle = found.power[100]
    assert np.argmax(middle) * SAMPLE_RATE / FFT == pytest.approx(1_500.0, abs=90.0)
    truth = -10 * np.log10(
        np.abs(1 - 2 * radius * np.cos(angle) * np.exp(-1j * 2 * np.pi * np.arange(BINS) / FFT)
               + radius**2 * np.exp(-2j * 2 * np.pi * np.arange(BINS) / FFT)) ** 2
    )  # fmt: skip
    measured = 10 / np.log(10) * middle
    band = slice(10, 120)
    assert np.std((measured - truth)[band]) < 4.0
    assert found.voiced[50:150].min() > 0.9


def test_noise_is_unvoiced_and_silence_stays_silent() -> None:
    hiss = np.random.default_rng(1).standard_normal(SAMPLE_RATE).astype(np.float32)
    assert analyse(hiss).voiced.mean() < 0.1
    silent = analyse(np.zeros(20_000, np.float32))
    assert (silent.voiced == 0).all()
    assert np.allclose(silent.power, FLOOR, atol=0.01)
    assert np.abs(synthesise(silent, np.full(silent.frames, 200.0), np.random.default_rng(0))).max() < 0.01


def test_the_fundamental_is_not_mistaken_for_its_octave() -> None:
    at = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * k * 180.0 * at) / k for k in range(1, 15)).astype(np.float32)
    f0, strength = fundamental(tone, lowest_hz=75.0, highest_hz=600.0)
    assert np.median(f0[20:-20]) == pytest.approx(180.0, rel=0.02)
    assert strength[20:-20].min() > 0.95


def test_the_same_seed_gives_the_same_bytes() -> None:
    one, two = (synthesise(flat(50), np.full(50, 200.0), np.random.default_rng(5), breath=0.3) for _ in range(2))
    assert one.tobytes() == two.tobytes()
