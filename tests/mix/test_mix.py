"""The mix: loudness, peaks, balance, sums, places; and what it is fed."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.audio.effects.equalizer import high_pass, low_pass
from descant.audio.io import read, write
from descant.audio.loudness import integrated_lufs, true_peak_db
from descant.errors import Cancelled, InvalidAudio, InvalidOption, OutputIsInput
from descant.mix.api import Mix, mix
from descant.mix.channel import polish
from descant.mix.files import find_lead, fit_together, mix_files
from descant.mix.options import MixOptions, parse_trims
from descant.mix.roles import role_of
from descant.progress import CancelToken, Progress

RATE = 44_100


def tone(frequency: float, seconds: float = 4.0, level: float = 0.2, channels: int = 2, rate: int = RATE) -> Clip:
    """A buzz with overtones that comes and goes twice a second."""
    t = np.arange(round(seconds * rate)) / rate
    wave = sum(np.sin(2 * np.pi * frequency * k * t) / k for k in range(1, 6) if frequency * k < rate / 2.2)
    shape = 0.3 + 0.7 * np.abs(np.sin(2 * np.pi * t))
    return Clip(np.tile(level * wave * shape, (channels, 1)).astype(np.float32), rate)


def noise(seconds: float = 4.0, level: float = 0.05, seed: int = 0) -> Clip:
    random = np.random.default_rng(seed).standard_normal((2, round(seconds * RATE)))
    return Clip((level * random).astype(np.float32), RATE)


@pytest.fixture(scope="module")
def band() -> dict[str, Clip]:
    return {
        "vocals": tone(330, level=0.1),
        "drums": noise(),
        "bass": tone(55, level=0.4),
        "piano": tone(262, level=0.02),
        "pad": tone(196, level=0.3),
    }


@pytest.fixture(scope="module")
def mixed(band: dict[str, Clip]) -> Mix:
    return mix(band)


def test_loudness_and_true_peak_are_met(mixed: Mix) -> None:
    assert integrated_lufs(mixed.clip) == pytest.approx(-14.0, abs=0.1)
    assert true_peak_db(mixed.clip) <= -1.0
    assert mixed.report.lufs == pytest.approx(integrated_lufs(mixed.clip), abs=0.01)
    assert mixed.report.true_peak_db == pytest.approx(true_peak_db(mixed.clip), abs=0.01)


@pytest.mark.parametrize("lufs", [-23.0, -9.0])
def test_other_targets(band: dict[str, Clip], lufs: float) -> None:
    result = mix(band, lufs=lufs, true_peak_db=-2.0)
    assert integrated_lufs(result.clip) == pytest.approx(lufs, abs=0.1)
    assert true_peak_db(result.clip) <= -2.0


def test_stems_sum_to_the_mix_before_the_limiter(band: dict[str, Clip]) -> None:
    soft = mix(band, lufs=-30.0)  # nothing to limit
    assert soft.report.limiter_db < 1e-3
    np.testing.assert_allclose(soft.stems.mix().samples, soft.clip.samples, atol=1e-5)
    loud = mix(band, lufs=-8.0)
    assert loud.report.limiter_db > 1.0
    change_db = loud.report.gain_db - soft.report.gain_db
    np.testing.assert_allclose(loud.stems.mix().samples, soft.clip.gain(change_db).samples, atol=1e-4)
    ratio = np.abs(loud.clip.samples) / np.maximum(np.abs(loud.stems.mix().samples), 1e-6)
    assert ratio[np.abs(loud.clip.samples) > 0.01].max() < 1.001  # a limiter only takes away


def test_inputs_stay_as_they_are_and_the_length_too(band: dict[str, Clip], mixed: Mix) -> None:
    before = {name: clip.samples.copy() for name, clip in band.items()}
    again = mix(band)
    assert all(np.array_equal(before[n], band[n].samples) for n in band)
    assert again.clip.samples.tobytes() == mixed.clip.samples.tobytes()
    assert again.clip.frames == band["vocals"].frames
    assert again.clip.channels == 2
    assert list(again.stems) == list(band)


def test_how_loud_the_files_come_does_not_matter(band: dict[str, Clip], mixed: Mix) -> None:
    other = mix({n: c.gain(g) for (n, c), g in zip(band.items(), itertools.cycle((-12.0, 6.0, 0.0)), strict=False)})
    for name in band:
        assert integrated_lufs(other.stems[name]) == pytest.approx(integrated_lufs(mixed.stems[name]), abs=0.1)


def test_the_lead_stands_over_each_part_and_the_band_below_it(mixed: Mix) -> None:
    lead = integrated_lufs(mixed.stems["vocals"])
    for name, clip in mixed.stems.items():
        if name != "vocals":
            assert integrated_lufs(clip) < lead - 1.5
    rest = Clip(mixed.stems.mix().samples - mixed.stems["vocals"].samples, RATE)
    # The band at -0.5 LU, less the ducking, plus its share of room.
    assert -4.0 < integrated_lufs(rest) - lead < 0.5


def test_band_level_and_trims_do_what_they_say(band: dict[str, Clip]) -> None:
    def difference(options: MixOptions, name: str) -> float:
        result = mix(band, lufs=-30.0, options=options)
        return integrated_lufs(result.stems[name]) - integrated_lufs(result.stems["vocals"])

    plain = difference(MixOptions(), "drums")
    assert difference(MixOptions(band_lu=-6.5), "drums") == pytest.approx(plain - 6.0, abs=0.2)
    assert difference(MixOptions(trim_db={"drums": 3.0}), "drums") == pytest.approx(plain + 3.0, abs=0.1)


def test_the_band_gives_way_while_the_lead_sings() -> None:
    silence = np.zeros((2, 4 * RATE), np.float32)
    sung = silence.copy()
    steady = np.sin(2 * np.pi * 330 * np.arange(2 * RATE) / RATE).astype(np.float32) * 0.2
    sung[:, : 2 * RATE] = steady
    backing = Clip(np.tile(np.sin(2 * np.pi * 200 * np.arange(4 * RATE) / RATE) * 0.1, (2, 1)).astype(np.float32), RATE)
    stems = {"vocals": Clip(sung, RATE), "other": backing}
    result = mix(stems, lufs=-30.0, options=MixOptions(ducking_db=3.0, room=0.0))

    def level(start_s: float, end_s: float) -> float:
        part = result.stems["other"].slice(start_s, end_s).samples
        return float(10 * np.log10(np.mean(np.square(part))))

    assert level(0.5, 1.9) - level(3.2, 3.9) == pytest.approx(-3.0, abs=0.3)
    steps = np.abs(np.diff(result.stems["other"].samples))  # the gain moves without clicks
    assert steps.max() < 1.1 * steps[:, -RATE // 2 :].max()
    flat = mix(stems, lufs=-30.0, options=MixOptions(ducking_db=0.0, room=0.0))
    part = [float(np.mean(np.square(flat.stems["other"].slice(a, b).samples))) for a, b in ((0.5, 1.9), (3.2, 3.9))]
    assert part[0] == pytest.approx(part[1], rel=0.02)


def test_places_are_balanced_and_mono_keeps_the_level(mixed: Mix) -> None:
    for name in ("vocals", "bass", "drums"):
        left, right = np.square(mixed.stems[name].samples, dtype=np.float64).mean(axis=1)
        assert left == pytest.approx(right, rel=0.15)
    left, right = np.square(mixed.stems["piano"].samples, dtype=np.float64).mean(axis=1)
    assert left > 1.2 * right or right > 1.2 * left
    mono = mixed.clip.to_mono()
    assert integrated_lufs(mono.to_channels(2)) > -14.0 - 2.0


def test_parts_that_stand_aside_take_turns() -> None:
    result = mix({"vocals": tone(330), "guitar 1": tone(200), "guitar 2": tone(250), "piano": tone(300)})
    pans = [result.report.stems[n].pan for n in ("guitar 1", "guitar 2", "piano")]
    assert pans[0] * pans[1] < 0
    assert pans[1] * pans[2] < 0


def test_rumble_goes_and_the_bass_stays() -> None:
    stems = {"vocals": Clip(tone(330).samples + tone(30, level=0.3).samples, RATE), "bass": tone(45, level=0.4)}
    result = mix(stems, lufs=-30.0, options=MixOptions(room=0.0))

    def low_share(clip: Clip) -> float:
        return float(np.mean(np.square(low_pass(clip, 40.0).samples)) / np.mean(np.square(clip.samples)))

    assert low_share(result.stems["vocals"]) < 0.1 * low_share(stems["vocals"])
    assert low_share(result.stems["bass"]) > 0.5 * low_share(stems["bass"])


def test_polish_makes_soft_parts_louder_and_tames_sibilance() -> None:
    quiet_then_loud = np.concatenate((tone(330, 2, 0.03).samples, tone(330, 2, 0.3).samples), axis=1)
    clip = Clip(quiet_then_loud, RATE)
    done = polish(clip)

    def span(c: Clip) -> float:
        return integrated_lufs(c.slice(2.5, 4)) - integrated_lufs(c.slice(0, 1.5))

    assert span(done) < span(clip) - 3.0
    hiss = high_pass(noise(4, 0.5), 6000.0).samples * (np.arange(4 * RATE) % RATE < RATE // 8)
    sung = Clip((tone(330).samples + hiss).astype(np.float32), RATE)

    def hiss_over_voice(c: Clip) -> float:
        bright, dark = high_pass(c, 6000.0), low_pass(c, 2000.0)
        return float(10 * np.log10(np.mean(np.square(bright.samples)) / np.mean(np.square(dark.samples))))

    assert hiss_over_voice(polish(sung)) < hiss_over_voice(sung) - 3.0


def test_keep_balance_only_sets_the_level(band: dict[str, Clip]) -> None:
    result = mix(band, lufs=-30.0, options=MixOptions(keep_balance=True, trim_db={"pad": -6.0}))
    gain = 10 ** (result.report.gain_db / 20)
    np.testing.assert_allclose(result.stems["bass"].samples, band["bass"].samples * gain, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(
        result.stems["pad"].samples, band["pad"].samples * gain * 10 ** (-6 / 20), rtol=1e-3, atol=1e-6
    )


@pytest.mark.parametrize("keep_balance", [True, False])
def test_silence_in_silence_out(keep_balance: bool) -> None:
    stems = {"vocals": Clip.silence(RATE, RATE, 2), "drums": Clip.silence(RATE, RATE, 1)}
    result = mix(stems, options=MixOptions(keep_balance=keep_balance))
    assert result.clip.peak == 0.0
    assert result.clip.frames == RATE
    assert result.report.lufs == -np.inf


def test_a_silent_lead_leaves_a_band(band: dict[str, Clip]) -> None:
    result = mix({**band, "vocals": Clip.silence(band["drums"].frames, RATE, 2)})
    assert integrated_lufs(result.clip) == pytest.approx(-14.0, abs=0.1)
    assert result.stems["vocals"].peak == 0.0


def test_without_a_lead_all_are_the_band(band: dict[str, Clip]) -> None:
    stems = {n: c for n, c in band.items() if n != "vocals"}
    result = mix(stems)
    assert result.report.lead is None
    assert integrated_lufs(result.clip) == pytest.approx(-14.0, abs=0.1)


def test_one_sample_and_mono_and_low_rates() -> None:
    assert mix({"vocals": Clip(np.array([0.5], np.float32), RATE)}).clip.frames == 1
    low = mix({"vocals": tone(300, channels=1, rate=8000), "piano": tone(200, channels=1, rate=8000)})
    assert integrated_lufs(low.clip) == pytest.approx(-14.0, abs=0.1)


@settings(max_examples=12)
@given(
    names=st.lists(
        st.sampled_from(["vocals", "drums", "bass", "piano", "x", "strings"]), min_size=1, max_size=4, unique=True
    ),
    seed=st.integers(0, 99),
    lufs=st.floats(-30, -10),
    level=st.floats(-50, 20),
)
def test_any_set_is_true_in_loudness(names: list[str], seed: int, lufs: float, level: float) -> None:
    random = np.random.default_rng(seed)
    stems = {
        n: Clip((random.standard_normal((random.integers(1, 3), RATE)) * 0.1).astype(np.float32), RATE).gain(level)
        for n in names
    }
    result = mix(stems, lufs=lufs)
    assert np.isfinite(result.clip.samples).all()
    assert true_peak_db(result.clip) <= -1.0
    assert integrated_lufs(result.clip) == pytest.approx(lufs, abs=0.15)


def test_what_does_not_fit_is_refused(band: dict[str, Clip]) -> None:
    with pytest.raises(InvalidAudio, match="agree"):
        mix({"a": tone(300), "b": tone(300, seconds=1)})
    with pytest.raises(InvalidAudio, match="channels"):
        mix({"a": tone(300, channels=6)})
    with pytest.raises(InvalidAudio, match="nothing"):
        mix({})
    for wrong in ({"lufs": 0.0}, {"lufs": float("nan")}, {"true_peak_db": 1.0}):
        with pytest.raises(InvalidOption):
            mix(band, **wrong)  # type: ignore[arg-type]
    for wrong in ({"ducking_db": -1.0}, {"room": 2.0}, {"trim_db": {"a": 99.0}}):
        with pytest.raises(InvalidOption):
            MixOptions(**wrong)  # type: ignore[arg-type]


def test_progress_rises_and_cancel_stops(band: dict[str, Clip]) -> None:
    seen: list[float] = []

    def listen(event: Progress) -> None:
        seen.append(event.fraction)

    mix(band, progress=listen)
    assert seen[-1] == 1.0
    assert seen == sorted(seen)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        mix(band, cancel=token)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("drums", "drums"), ("My Song - Kick", "drums"), ("bass", "bass"), ("piano 2", "keys"), ("bridge", "keys"),
        ("Acoustic Guitar", "guitar"), ("guitar bass", "bass"), ("pad", "pad"), ("strings", "pad"), ("flute", "brass"),
        ("backing vocals", "voices"), ("other", "other"), ("accompaniment", "other"), ("音", "other"),
    ],
)  # fmt: skip
def test_roles(name: str, role: str) -> None:
    assert role_of(name).name == role


# --- files -------------------------------------------------------------------------------------------------------


def test_files_of_all_kinds_are_brought_together(tmp_path: Path) -> None:
    write(tmp_path / "My Song - Vocals.wav", tone(330, 2.0, channels=1, rate=48_000))
    write(tmp_path / "drums.flac", noise(1.5))
    write(tmp_path / "wide.wav", tone(200, 1.0, channels=4))
    result = mix_files(
        [tmp_path / "My Song - Vocals.wav", tmp_path / "drums.flac", tmp_path / "wide.wav"],
        tmp_path / "out" / "mix.wav",
        stems=tmp_path / "out" / "stems",
        options=MixOptions(trim_db={"drums": -1.0}),
    )
    finished = read(result.path)
    assert (finished.sample_rate, finished.channels, finished.frames) == (48_000, 2, 96_000)
    assert integrated_lufs(finished) == pytest.approx(-14.0, abs=0.1)
    assert result.report.lead == "My Song - Vocals"
    assert [p.name for p in result.stems] == ["My Song - Vocals.wav", "drums.wav", "wide.wav"]
    told = " ".join(result.notes)
    assert "drums: resampled from 44100 to 48000 Hz" in told
    assert "drums: 0.50 s of silence" in told
    assert "wide: 4 channels" in told
    assert "Vocals" not in told


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    source = write(tmp_path / "vocals.wav", tone(330, 1.0))
    before = source.read_bytes()
    with pytest.raises(OutputIsInput):
        mix_files([source], source)
    with pytest.raises(OutputIsInput):
        mix_files([source], tmp_path / "mix.wav", stems=tmp_path)
    assert source.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["vocals.wav"]


def test_names(tmp_path: Path) -> None:
    assert find_lead(("drums", "Lead Vocals"), "vocals") == "Lead Vocals"
    assert find_lead(("drums",), "vocals") is None
    fitted, notes = fit_together({"a": tone(300, 1.0), "b": tone(300, 1.0)})
    assert notes == ()
    assert fitted["a"].frames == RATE
    assert parse_trims(["drums=-2", "a=b=1.5"]) == {"drums": -2.0, "a=b": 1.5}
    for wrong in ("drums", "=3", "drums=loud"):
        with pytest.raises(InvalidOption):
            parse_trims([wrong])
    write(tmp_path / "a" / "x.wav", tone(300, 1.0))
    write(tmp_path / "b" / "x.wav", tone(400, 1.0))
    result = mix_files([tmp_path / "a" / "x.wav", tmp_path / "b" / "x.wav"], tmp_path / "m.wav", stems=tmp_path / "s")
    assert [p.name for p in result.stems] == ["x.wav", "x 2.wav"]
    with pytest.raises(InvalidOption, match="No stem"):
        mix_files([tmp_path / "a" / "x.wav"], tmp_path / "m.wav", options=MixOptions(trim_db={"drums": 1.0}))


@pytest.mark.parametrize("delay_s", [0.05, 0.3, 0.6])
def test_cancelling_takes_effect_wherever_the_work_is(delay_s: float) -> None:
    """Measured in processor time, so that a busy machine does not count."""
    stems = {name: tone(100.0 * (i + 1), 60.0) for i, name in enumerate(("vocals", "drums", "bass", "piano"))}
    token, cancelled_at = CancelToken(), []

    def stop() -> None:
        end = time.process_time() + delay_s
        while time.process_time() < end:
            time.sleep(0.01)
        cancelled_at.append(time.process_time())
        token.cancel()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Cancelled):
        mix(stems, cancel=token)
    took_s = time.process_time() - cancelled_at[0]
    thread.join()
    assert took_s < 1.5
