"""Embedders: VGGish's input by its definition, ONNX networks of each shape, our own net, Whisper."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.cli.app import run
from descant.errors import CheckpointError, InvalidAudio, InvalidOption
from descant.evaluate.embeddings import VGGISH_RATE, Embedder, load_embedder, per_second, vggish_patches
from descant.evaluate.set_metrics import kernel_distance
from descant.evaluate.sets import evaluate_sets
from synthetic_song import RATE, Recipe, song
from tiny_onnx import mean_over_time


def test_patches_are_of_a_second_less_four_hundredths() -> None:
    noise = np.random.default_rng(0).standard_normal(3 * VGGISH_RATE).astype(np.float32)
    assert vggish_patches(noise).shape == (3, 96, 64)  # 298 frames
    assert vggish_patches(noise[: round(0.97 * VGGISH_RATE)]).shape == (0, 96, 64)  # 95 frames
    assert vggish_patches(noise[:100]).shape == (0, 96, 64)


def test_silence_is_the_floor_of_vggish() -> None:
    patches = vggish_patches(np.zeros(VGGISH_RATE, np.float32))
    np.testing.assert_allclose(patches, np.log(0.01), rtol=1e-6)


def test_a_tone_sits_in_its_mel_band_with_the_height_of_the_definition() -> None:
    hz = 1_000.0  # an FFT bin, 31.25 Hz apart: the 25 ms window is shorter than the FFT
    tone = np.sin(2 * np.pi * hz * np.arange(VGGISH_RATE) / VGGISH_RATE).astype(np.float32)
    tone += 0.2  # an offset: the bin of 0 Hz does not count
    patch = vggish_patches(tone)[0, 10]
    low, high = 1127 * np.log1p(125 / 700), 1127 * np.log1p(7500 / 700)
    centres = np.linspace(low, high, 66)[1:-1]
    assert abs(int(patch.argmax()) - int(np.abs(centres - 1127 * np.log1p(hz / 700)).argmin())) <= 1
    # The same frame, bin by bin as the definition has it.
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    spectrum = np.abs(np.fft.rfft(tone[1_600:2_000] * window, 512))
    bins = 1127 * np.log1p(np.arange(257) * 31.25 / 700)
    corners = np.linspace(low, high, 66)
    expected = [
        np.log(0.01 + sum(
            m * max(0.0, min((b - corners[k]) / (corners[k + 1] - corners[k]),
                             (corners[k + 2] - b) / (corners[k + 2] - corners[k + 1])))
            for m, b in zip(spectrum[1:], bins[1:], strict=True)
        ))
        for k in range(64)
    ]  # fmt: skip
    np.testing.assert_allclose(patch, expected, rtol=1e-4)


def test_means_of_seconds() -> None:
    frames = np.arange(25, dtype=float)[:, np.newaxis]
    np.testing.assert_array_equal(per_second(frames, 10.0), [[4.5], [14.5]])
    assert per_second(frames[:9], 10.0).shape == (0, 1)


def test_a_network_of_patches(tmp_path: Path) -> None:
    path = tmp_path / "vggish.onnx"
    path.write_bytes(mean_over_time(["batch", 96, 64], axis=1))
    embedder = load_embedder(str(path))
    clip = song(Recipe(seconds=3.0))
    rows = embedder(clip)
    assert rows.shape == (3, 64)
    assert "vggish.onnx" in embedder.name
    with pytest.raises(InvalidAudio, match="less than a window"):
        embedder(clip.slice(0.0, 0.5))


def test_a_network_of_samples(tmp_path: Path) -> None:
    path = tmp_path / "raw.onnx"
    path.write_bytes(mean_over_time(["batch", "samples"], axis=1))
    rows = load_embedder(str(path))(Clip(np.full((1, 2 * VGGISH_RATE), 0.25, np.float32), VGGISH_RATE))
    np.testing.assert_allclose(rows, [[0.25], [0.25]])


def test_other_networks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.onnx"
    path.write_bytes(mean_over_time(["batch", 7, 9], axis=1))
    with pytest.raises(CheckpointError, match=r"odd\.onnx takes an input of the shape"):
        load_embedder(str(path))
    with pytest.raises(InvalidOption, match="no embedder 'clap'"):
        load_embedder("clap")


def test_the_floor_is_one_half_of_the_reference_against_the_other(tmp_path: Path) -> None:
    levels = (0.1, 0.2, 0.4, 0.8)
    for level in levels:
        write(tmp_path / "true" / f"{level}.wav", Clip(np.full((1, 2_000), level, np.float32), 8_000), subtype="FLOAT")
    embedder = Embedder("levels", lambda clip: np.float64(clip.samples[0, 0]) + np.arange(6.0).reshape(3, 2))
    table = evaluate_sets(tmp_path / "true", [tmp_path / "true"], embedder, command="x").tables[0]
    rows = {level: float(np.float32(level)) + np.arange(6.0).reshape(3, 2) for level in levels}
    halves = [(one, tuple(sorted(set(levels) - set(one)))) for one in itertools.combinations(levels, 2)]
    possible = [kernel_distance(*(np.concatenate([rows[each] for each in side]) for side in half)) for half in halves]
    floor = table.rows[-1][3]
    assert isinstance(floor, float)
    assert min(abs(floor - each) for each in possible) < 1e-6


@pytest.mark.weights
def test_our_net_tells_songs_apart_and_does_not_mind_the_key() -> None:
    embedder = load_embedder("listener")
    original, moved, other = (
        embedder(song(recipe)).mean(axis=0)
        for recipe in (Recipe(seconds=6.0), Recipe(seconds=6.0, transpose=2.0), Recipe(tune=2, bpm=90.0, seconds=6.0))
    )
    assert original.ndim == 1
    assert np.isfinite(original).all()
    assert np.linalg.norm(original - moved) < np.linalg.norm(original - other)


@pytest.mark.weights
def test_whispers_encoder_gives_a_row_a_second() -> None:
    rows = load_embedder("whisper")(song(Recipe(seconds=4.0)))
    assert rows.shape == (4, 384)
    assert np.isfinite(rows).all()
    assert rows.std() > 0.01


def test_sets_of_recordings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = tmp_path / "net.onnx"
    network.write_bytes(mean_over_time(["batch", 96, 64], axis=1))
    for folder, level in (("true", 0.0), ("near", 0.01), ("far", 1.0)):
        for number in range(4):
            clip = song(Recipe(tune=number, seconds=4.0))
            noise = level * np.random.default_rng(number).standard_normal(clip.samples.shape)
            write(tmp_path / folder / f"{number} of {folder}.wav", Clip(clip.samples + noise, RATE), subtype="FLOAT")
    arguments = ["--reference", str(tmp_path / "true"), "--embedding", str(network), "-q", "-o", str(tmp_path / "out")]
    estimates = [word for name in ("near", "far") for word in ("--estimate", str(tmp_path / name))]
    assert run(["evaluate", "sets", *arguments, *estimates]) == 0, capsys.readouterr().err
    page = (tmp_path / "out" / "sets.md").read_text(encoding="utf-8")
    assert "nan" not in page
    assert "net.onnx, log-mel patches" in page
    near, far, floor = json.loads((tmp_path / "out" / "sets.json").read_text(encoding="utf-8"))["tables"][0]["rows"]
    for column in (1, 3):  # FAD, KAD
        assert near[column]["value"] < far[column]["value"]
        assert near[column]["low"] < near[column]["value"] < near[column]["high"]
        assert near[column]["songs"] == 4
    assert floor[1:3] == [None, None]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(["evaluate", "sets", *arguments, "--estimate", str(empty)]) == 10
