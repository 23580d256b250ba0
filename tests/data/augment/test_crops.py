"""Crops of multitracks: alignment, remixing, tempo and pitch, and what they refuse."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.data.augment.codec import Codec
from descant.data.augment.crops import CropOptions, StemCrops, items_with
from descant.data.augment.levels import FlipSign, Gain
from descant.data.augment.noise import SINGSONG_NOISE
from descant.data.augment.recipe import crop_options_from_table
from descant.data.augment.step import Chain
from descant.data.sets.catalogue import open_set
from descant.data.sets.item import Item
from descant.errors import InvalidAudio, InvalidOption

RATE = 8_000
SECONDS = 4


def ramp(value: float) -> np.ndarray:
    """Samples that tell which song, stem and frame they are: value + frame / 1e6, in two channels."""
    frames = np.arange(SECONDS * RATE) / 1e6
    return np.stack([value + frames, value + frames], axis=1)


@pytest.fixture
def items(tmp_path: Path) -> tuple[Item, ...]:
    """Three songs; stem s of song k is worth 0.2 k + 0.1 s."""
    for song in range(3):
        for index, stem in enumerate(("vocals", "drums")):
            path = tmp_path / f"song {song}" / f"{stem}.wav"
            path.parent.mkdir(exist_ok=True)
            soundfile.write(path, ramp(0.2 * song + 0.1 * index), RATE, subtype="FLOAT")
    return open_set("stems", tmp_path).items()


def options(**changes: object) -> CropOptions:
    base = {"seconds": 0.5, "sample_rate": RATE, "stems": ("vocals", "drums"), "remix": 0.0}
    return CropOptions(**{**base, **changes})  # type: ignore[arg-type]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_crop_is_that_stretch_of_the_song(items: tuple[Item, ...]) -> None:
    crops = StemCrops(items, options())
    for index in range(5):
        take = crops.take(index, generator(index))
        song = index % 3
        assert {name for name, _ in take.sources.values()} == {f"song {song}"}
        ((_, start),) = set(take.sources.values())
        truth = ramp(0.2 * song)[round(start * RATE) :][:4000].T.astype(np.float32)
        np.testing.assert_array_equal(take.stems["vocals"].samples, truth)
        np.testing.assert_allclose(take.heard.samples, 2 * truth + 0.1, atol=1e-6)


def test_arrays_for_a_net(items: tuple[Item, ...]) -> None:
    example = StemCrops(items, options())(1, generator())
    assert {name: array.shape for name, array in example.items()} == {"mix": (2, 4000), "stems": (2, 2, 4000)}
    np.testing.assert_allclose(example["mix"], example["stems"].sum(axis=0), atol=1e-6)


def test_a_remix_takes_stems_from_anywhere(items: tuple[Item, ...]) -> None:
    crops = StemCrops(items, options(remix=1.0))
    takes = [crops.take(0, generator(seed)) for seed in range(60)]
    assert {take.sources["vocals"][0] for take in takes} == {"song 0"}
    assert {take.sources["drums"][0] for take in takes} == {"song 0", "song 1", "song 2"}
    for take in takes[:5]:
        name, start = take.sources["drums"]
        value = 0.2 * int(name[-1]) + 0.1 + round(start * RATE) / 1e6
        assert take.stems["drums"].samples[0, 0] == pytest.approx(value, abs=1e-6)


def test_remix_is_a_share(items: tuple[Item, ...]) -> None:
    crops = StemCrops(items, options(remix=0.3, seconds=0.01))
    apart = [len(set(crops.take(0, generator(seed)).sources.values())) == 2 for seed in range(300)]
    assert 0.2 < np.mean(apart) < 0.4


def test_steps_reach_their_stems_only(items: tuple[Item, ...]) -> None:
    plain = StemCrops(items, options()).take(0, generator())
    half = Gain(gain_db=(-6.0206, -6.0206))
    flipped = Chain((FlipSign(chance=1.0),))
    changed = StemCrops(items, options(each=Chain((half,)), own={"drums": flipped})).take(0, generator())
    np.testing.assert_allclose(changed.stems["vocals"].samples, plain.stems["vocals"].samples / 2, rtol=1e-4)
    np.testing.assert_allclose(changed.stems["drums"].samples, -plain.stems["drums"].samples / 2, rtol=1e-4)


def test_noise_on_what_is_heard_leaves_the_targets_clean(items: tuple[Item, ...]) -> None:
    take = StemCrops(items, options(heard=Chain((SINGSONG_NOISE,)))).take(0, generator())
    clean = StemCrops(items, options()).take(0, generator())
    np.testing.assert_array_equal(take.stems["vocals"].samples, clean.stems["vocals"].samples)
    noise = take.heard.samples - take.stems.mix().samples
    assert 10 * np.log10(np.mean(noise**2)) == pytest.approx(-40.0, abs=0.3)


@pytest.fixture
def click_song(tmp_path: Path) -> tuple[Item, ...]:
    """A click track of 10 per second, and a tone of 1 kHz, 6 s."""
    clicks = np.zeros((6 * RATE, 1))
    clicks[:: RATE // 10] = 0.9
    tone = 0.3 * np.sin(2 * np.pi * 1000 * np.arange(6 * RATE) / RATE)[:, np.newaxis]
    (tmp_path / "clicks").mkdir()
    soundfile.write(tmp_path / "clicks" / "drums.wav", clicks, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "clicks" / "vocals.wav", tone, RATE, subtype="FLOAT")
    return open_set("stems", tmp_path).items()


@pytest.mark.parametrize("speed", [0.8, 1.25])
def test_tempo_moves_all_stems_and_pitch_only_the_pitched(click_song: tuple[Item, ...], speed: float) -> None:
    made = options(seconds=2.0, speed=(speed, speed), semitones=(4.0, 4.0), channels=1)
    take = StemCrops(click_song, made).take(0, generator())
    assert (take.speed, take.semitones) == (pytest.approx(speed), 4.0)
    assert take.heard.frames == 2 * RATE
    spectrum = np.abs(np.fft.rfft(take.stems["vocals"].samples[0, 2000:14000] * np.hanning(12000)))
    assert spectrum.argmax() * RATE / 12000 == pytest.approx(1000 * 2 ** (4 / 12), rel=0.005)
    envelope = np.convolve(np.abs(take.stems["drums"].samples[0]), np.hanning(80), "same")
    rhythm = np.abs(np.fft.rfft(envelope[1000:15000] - envelope[1000:15000].mean()))
    assert rhythm[:400].argmax() * RATE / 14000 == pytest.approx(10 * speed, rel=0.06)


def test_a_label_is_where_the_take_says(click_song: tuple[Item, ...]) -> None:
    """The clicks at whole tenths of the song come out at (t - start) / speed."""
    take = StemCrops(click_song, options(seconds=2.0, speed=(1.25, 1.25), channels=1)).take(0, generator(3))
    start = take.sources["drums"][1]
    clicks = np.arange(np.ceil(start * 10) / 10, start + 2.4, 0.1)
    at = (clicks - start) / take.speed
    samples = np.abs(take.stems["drums"].samples[0])
    for time in at[2:-2]:
        around = samples[round((time - 0.035) * RATE) : round((time + 0.035) * RATE)]
        assert abs(around.argmax() / RATE - 0.035) < 0.012


def test_extreme_speeds_are_still_deterministic(click_song: tuple[Item, ...]) -> None:
    for speed in (0.25, 0.55, 2.0, 4.0):
        crops = StemCrops(click_song, options(speed=(speed, speed), semitones=(-5.0, 5.0)))
        np.testing.assert_array_equal(crops(0, generator(1))["stems"], crops(0, generator(1))["stems"])


def test_short_songs_are_followed_by_silence(items: tuple[Item, ...]) -> None:
    take = StemCrops(items, options(seconds=5.0)).take(0, generator())
    assert take.heard.frames == 5 * RATE
    assert take.sources["vocals"][1] == 0.0
    assert np.abs(take.stems["drums"].samples[:, SECONDS * RATE :]).max() == 0.0


def test_an_active_stem_is_looked_for(tmp_path: Path) -> None:
    voice = np.zeros((60 * RATE, 1))
    voice[30 * RATE : 40 * RATE] = 0.5
    (tmp_path / "song").mkdir()
    for stem, samples in (("vocals", voice), ("drums", 0.1 + 0 * voice)):
        soundfile.write(tmp_path / "song" / f"{stem}.wav", samples, RATE)
    found = open_set("stems", tmp_path).items()

    def sounding(**changes: object) -> float:
        crops = StemCrops(found, options(channels=1, **changes))
        return float(np.mean([crops.take(0, generator(s)).stems["vocals"].peak > 0.1 for s in range(40)]))

    assert sounding() < 0.45
    assert sounding(active="vocals", tries=16) > 0.85


def test_other_rates_and_channels_are_converted(items: tuple[Item, ...]) -> None:
    take = StemCrops(items, options(sample_rate=16_000, channels=1)).take(0, generator())
    assert (take.heard.sample_rate, take.heard.channels, take.heard.frames) == (16_000, 1, 8_000)


def test_stems_that_do_not_fit_are_refused(items: tuple[Item, ...]) -> None:
    drums = items[0].stem("drums").audio.path
    soundfile.write(drums, ramp(0.0)[: 2 * RATE], RATE, subtype="FLOAT")
    with pytest.raises(InvalidAudio, match=r"drums\.wav"):
        StemCrops(items, options()).take(0, generator())


def test_items_without_the_stems_are_refused(items: tuple[Item, ...]) -> None:
    with pytest.raises(InvalidOption, match="'bass'"):
        StemCrops(items, options(stems=("vocals", "bass")))
    with pytest.raises(InvalidOption, match="no items"):
        StemCrops((), options())
    assert items_with(items, ("vocals",)) == items
    assert items_with(items, ("bass",)) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"remix": 1.5},
        {"seconds": 0.0},
        {"stems": ()},
        {"speed": (0.2, 1.0)},
        {"semitones": (0.0, 99.0)},
        {"own": {"flute": Chain()}},
        {"active": "flute"},
    ],
)
def test_impossible_options(change: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        options(**change)


RECIPE = """
seconds = 0.5
sample_rate = 8000
stems = ["vocals", "drums"]
remix = 0.25
speed = [0.9, 1.1]
each = [{ kind = "gain", gain_db = [-6, 3] }, { kind = "flip_sign" }]
heard = [{ kind = "noise", level_db = [-40, -40] }]
[own]
vocals = [{ kind = "codec", codecs = ["mp3"], chance = 0.1 }]
"""


def test_options_from_a_recipe() -> None:
    made = crop_options_from_table(tomllib.loads(RECIPE))
    assert made == options(
        remix=0.25,
        speed=(0.9, 1.1),
        each=Chain((Gain(gain_db=(-6, 3)), FlipSign())),
        heard=Chain((SINGSONG_NOISE,)),
        own={"vocals": Chain((Codec(codecs=("mp3",), chance=0.1),))},
    )


@pytest.mark.parametrize(
    "line",
    [
        "second = 3",
        'seconds = "long"',
        "own = { flute = [] }",
        'own = "vocals"',
        "own = { vocals = 1 }",
        'each = [{ kind = "echo" }]',
        'each = { kind = "gain", gain_db = [-6, 3] }',
        "heard = 3",
        'heard = ["noise"]',
        'unpitched = "drums"',
        'stems = ["vocals", "vocals"]',
        "active = 0",
        'active_db = "loud"',
        "active_db = nan",
        "active_db = true",
    ],
)
def test_recipes_with_mistakes(line: str) -> None:
    with pytest.raises(InvalidOption):
        crop_options_from_table(tomllib.loads(line))
