"""The separation lesson: the data engine under the loop, killed and continued, and nets that `separate` runs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from descant.audio.clip import Clip
from descant.data.sets.catalogue import open_set
from descant.errors import InputNotFound, InvalidOption
from descant.hub.card import load_card
from descant.hub.portable import import_
from descant.hub.store import fetch
from descant.separate.api import Separator
from descant.separate.config import SeparationConfig
from descant.train import checkpoint as files
from descant.train.config import LoopConfig, Machine
from descant.train.export import ExportOptions, export_run
from descant.train.loop import train
from descant.train.recipe import build, read_recipe
from descant.train.separation import PLAN, SeparationLesson, SeparationLessonConfig, build_lesson
from descant.train.tones import write_tone_stems

RECIPE = Path(__file__).parents[2] / "recipes" / "separation" / "smoke.toml"
SPECTRUM = SeparationConfig(
    22_050, 512, 128, 256, block_frames=64, overlap_frames=8, edge_frames=1, level_db=-30.0, top_bins=64
)
SMALL = SeparationLessonConfig(
    set="stems", width=1, frames=64, batch=2, examples_per_item=3, validation_crops=2, spectrum=SPECTRUM
)
QUICK = LoopConfig(steps=8, report_every=1, validate_every=4, tensorboard=False, machine=Machine("cpu"))


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("songs")
    write_tone_stems(folder, {"train": 3, "validation": 1}, 1)
    return folder


def rows(folder: Path) -> list[list[str]]:
    """The log without the clock's column."""
    return [row.split(",")[:1] + row.split(",")[2:] for row in (folder / "log.csv").read_text().splitlines()[1:]]


def mixes(lesson: SeparationLesson, count: int) -> list[bytes]:
    unused = np.random.default_rng()
    return [lesson.batch(unused)[0].numpy().tobytes() for _ in range(count)]


def test_tone_songs_are_stems_that_sound(songs: Path) -> None:
    items = open_set("stems", songs).items()
    assert [item.split for item in items] == ["train"] * 3 + ["validation"]
    for item in items:
        assert {stem.name for stem in item.stems} == {"vocals", "drums", "bass", "other"}
        assert item.stem("vocals").audio.read().peak > 0.01
        assert 0.5 < np.abs(np.sum([stem.audio.read().samples for stem in item.stems], axis=0)).max() < 1.0


def test_batches_come_from_the_loader_wherever_it_begins_and_whoever_works(songs: Path) -> None:
    whole = mixes(build_lesson(SMALL, songs, 0), 8)
    assert len(set(whole)) == 8
    lesson = build_lesson(SMALL, songs, 0)
    assert mixes(lesson, 3) == whole[:3]
    later = build_lesson(SMALL, songs, 0)
    later.go_to(json.loads(json.dumps(lesson.position())))
    assert mixes(later, 5) == whole[3:]
    assert mixes(build_lesson(SMALL, songs, 1), 8) != whole


def test_processes_that_train_together_share_an_epoch_out(songs: Path) -> None:
    config = replace(SMALL, batch=1)
    alone = mixes(build_lesson(config, songs, 0), 8)
    parts = []
    for rank in range(2):
        lesson = build_lesson(config, songs, 0)
        lesson.share_out(rank, 2)
        parts.append(mixes(lesson, 4))
    assert [each for pair in zip(*parts, strict=True) for each in pair] == alone


def test_the_place_of_one_process_is_its_own_again(songs: Path) -> None:
    config = replace(SMALL, batch=1)
    whole = build_lesson(config, songs, 0)
    whole.share_out(1, 2)
    expected = mixes(whole, 4)
    parts = build_lesson(config, songs, 0)
    parts.share_out(1, 2)
    parts.go_to({"epoch": 0, "batch": 2})
    assert mixes(parts, 2) == expected[2:]


@torch.no_grad()
def test_silence_is_not_raised_without_end(songs: Path) -> None:
    lesson = build_lesson(SMALL, songs, 0)
    heard, stems = (torch.zeros_like(tensor) for tensor in lesson.batch(np.random.default_rng()))
    assert float(lesson.loss((heard, stems))) == 0.0
    quiet, louder = (float(lesson.loss((heard + level, stems))) for level in (1e-6, 1e-5))
    assert quiet < 0.2 * louder  # below the quietest level the gain stays as it is


def test_the_rest_is_what_is_heard_minus_the_targets(songs: Path) -> None:
    """A net that gives each stem its true share has no loss, one that gives it half has some."""

    class Told(torch.nn.Module):
        def __init__(self, masks: torch.Tensor) -> None:
            super().__init__()
            self.masks = masks

        def forward(self, _magnitudes: torch.Tensor) -> torch.Tensor:
            return self.masks

    lesson = build_lesson(replace(SMALL, targets=("bass",), rest="band"), songs, 0)
    heard, stems = lesson.batch(np.random.default_rng())
    torch.testing.assert_close(heard, stems.sum(dim=1), atol=1e-5, rtol=0)
    rms = heard.square().mean(dim=(1, 2), keepdim=True).sqrt()
    gain = 10 ** (-30 / 20) / rms
    window = torch.hann_window(512)

    def magnitudes(samples: torch.Tensor) -> torch.Tensor:
        flat = torch.stft(samples.flatten(0, 1), 512, 128, window=window, pad_mode="constant", return_complex=True)
        return flat.abs().transpose(1, 2)[..., :256].unflatten(0, (2, 2))

    bass = stems[:, 2]
    true = torch.stack([magnitudes(bass * gain), magnitudes((heard - bass) * gain)])
    seen = magnitudes(heard * gain)
    lesson.model = Told(true / seen.clamp_min(1e-9))  # type: ignore[assignment]
    assert float(lesson.loss((heard, stems))) < 1e-5
    lesson.model = Told(torch.full_like(true, 0.5))  # type: ignore[assignment]
    expected = float((0.5 * seen - true).abs().mean())
    assert float(lesson.loss((heard, stems))) == pytest.approx(expected, rel=1e-4)


def test_a_room_in_what_is_heard_is_left_to_the_rest(songs: Path) -> None:
    crops = {"heard": [{"kind": "imagined_room", "amount": [0.5, 0.5]}]}
    lesson = build_lesson(replace(SMALL, stems=("vocals",), targets=("vocals",), rest="room", crops=crops), songs, 0)
    heard, stems = lesson.batch(np.random.default_rng())
    room = heard - stems[:, 0]
    assert float(room.square().mean()) > 1e-4 * float(heard.square().mean()) > 0
    torch.testing.assert_close(lesson._wanted(heard, stems), torch.stack([stems[:, 0], room], dim=1))
    assert set(lesson.validate()) == {"validation_loss", "sdr", "sdr_of_shares", "gain"}


def test_what_is_measured_on_is_cut_from_the_validation_songs_and_left_as_it_is(songs: Path) -> None:
    quieter = [{"kind": "gain", "gain_db": [-6.0, -6.0]}]
    crops = {"remix": 1.0, "each": quieter, "own": {"bass": quieter}}
    lesson = build_lesson(replace(SMALL, crops=crops, validation_crops=4), songs, 0)
    (item,) = open_set("stems", songs).items("validation")
    whole = {name: item.stem(name).audio.read(sample_rate=22_050, channels=2).samples[0] for name in SMALL.stems}
    for _heard, stems in lesson._held_out:
        places = [
            {match.start() for match in re.finditer(re.escape(found[0].numpy().tobytes()), whole[name].tobytes())}
            for name, found in zip(SMALL.stems, stems, strict=True)
            if found.any()
        ]
        assert len(places) > 1
        assert set.intersection(*places)  # all from one place; the tones of a stem may come again at others


def test_measuring_changes_nothing_and_draws_nothing(songs: Path) -> None:
    lesson = build_lesson(SMALL, songs, 0)
    lesson.model.train()
    before = {name: value.clone() for name, value in lesson.model.state_dict().items()}
    first = lesson.validate()
    lesson.model.train()
    assert lesson.validate() == first
    for name, value in lesson.model.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_sdr_of_equal_shares_is_the_textbooks(songs: Path) -> None:
    """Two stems of one energy that share no bin: half of the mix misses each by half of both, which is 3 dB."""
    lesson = build_lesson(SMALL, songs, 0)
    time_s = np.arange(lesson._make.options.frames) / 22_050
    stems = np.zeros((4, 2, len(time_s)), np.float32)
    stems[0], stems[2] = 0.3 * np.sin(2 * np.pi * 3000 * time_s), 0.3 * np.sin(2 * np.pi * 300 * time_s)
    lesson.__dict__["_held_out"] = ((torch.tensor(stems.sum(axis=0)), torch.tensor(stems)),)
    assert lesson.validate()["sdr_of_shares"] == pytest.approx(10 * np.log10(2), abs=0.05)


def test_sdr_is_of_the_masked_mix_and_silent_stems_do_not_count(songs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of two equal tones misses one by 2/3 of it and 1/3 of the other: 9/5 of the error's energy."""
    lesson = build_lesson(replace(SMALL, targets=("vocals", "drums")), songs, 0)
    time_s = np.arange(lesson._make.options.frames) / 22_050
    stems = np.zeros((4, 2, len(time_s)), np.float32)
    stems[0], stems[2] = 0.3 * np.sin(2 * np.pi * 3000 * time_s), 0.3 * np.sin(2 * np.pi * 300 * time_s)
    lesson.__dict__["_held_out"] = ((torch.tensor(stems.sum(axis=0)), torch.tensor(stems)),)

    def ideal(mix: torch.Tensor) -> torch.Tensor:
        masks = torch.zeros(3, *mix.shape)
        masks[0, ..., 40:], masks[2, ..., :40] = 1.0, 1.0  # bins of 43 Hz: vocals above, the rest below
        return masks

    monkeypatch.setattr(lesson, "_masks", ideal)
    measured = lesson.validate()
    assert 30.0 < measured["sdr"] <= 40.0
    assert measured["sdr_of_shares"] == pytest.approx(10 * np.log10(9 / 5), abs=0.05)
    assert measured["gain"] == pytest.approx(measured["sdr"] - measured["sdr_of_shares"])


@pytest.mark.slow
def test_kill_9_leaves_neither_traces_nor_workers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "descant", "train", str(RECIPE), "-q", "--set", "separation.workers=2"]
    command += ["--set", "loop.checkpoint_every_s=0", "--set", "loop.report_every=1", "--set", "separation.width=1"]
    command += ["--set", "loop.schedule='constant'", "--set", "loop.warmup=0", "--set", "loop.validate_every=1000"]
    command += ["--set", "expect.gain_above=-99"]
    victim = subprocess.Popen([*command, "--out", str(tmp_path / "killed"), "--set", "loop.steps=30"])
    log = tmp_path / "killed" / "log.csv"
    deadline = time.monotonic() + 120
    while not (log.is_file() and len(log.read_text().splitlines()) > 5):
        assert victim.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers = Path(f"/proc/{victim.pid}/task/{victim.pid}/children")
    children = workers.read_text().split() if workers.is_file() else []
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    subprocess.run([*command, "--out", str(tmp_path / "killed"), "--set", "loop.steps=30"], check=True)
    subprocess.run([*command, "--out", str(tmp_path / "whole"), "--set", "loop.steps=30"], check=True)
    assert len(rows(tmp_path / "whole")) == 30
    assert rows(tmp_path / "killed") == rows(tmp_path / "whole")
    for name in (files.WEIGHTS, files.OPTIMISERS):
        one, other = ((tmp_path / run / "checkpoint" / name).read_bytes() for run in ("killed", "whole"))
        assert one == other
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline + 60
        time.sleep(0.05)


def test_what_is_exported_separates(tmp_path: Path, songs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("CACHE", tmp_path / "cache"), ("CONFIG", tmp_path / "config"), ("OFFLINE", 1)):
        monkeypatch.setenv(f"DESCANT_{name}", str(value))
    recipe = read_recipe(RECIPE, ("separation.width=2", "loop.steps=2"))
    config = build(PLAN.config, recipe.options, RECIPE, "separation")
    described = {"recipe": str(RECIPE), "lesson": "separation", "separation": asdict(config)}
    lesson = build_lesson(config, None, 0)
    train(lesson, replace(QUICK, steps=2), tmp_path / "run", described=described)
    export_run(tmp_path / "run", tmp_path / "out", ExportOptions("my-splitter", "mine", precision="fp32"))
    import_(tmp_path / "out")
    assert load_card("my-splitter").stems == ("vocals", "accompaniment")
    fetch("my-splitter")
    separator = Separator.load("my-splitter")
    assert separator.config == config.spectrum
    lesson.model.eval()
    magnitudes = torch.rand(1, 2, 64, 512, generator=torch.Generator().manual_seed(0))
    for net, name in zip(separator.nets, separator.stems, strict=True):
        torch.testing.assert_close(net.soft_mask(magnitudes), lesson.model[name].soft_mask(magnitudes))  # type: ignore[operator]
    clip = open_set("stems", songs).items()[0].stem("vocals").audio.read()
    stems = separator(Clip(np.repeat(clip.samples, 2, axis=0), clip.sample_rate))
    np.testing.assert_allclose(stems.mix().samples[0], clip.samples[0], atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"frames": 100}, "frames = 100"),
        ({"targets": ("piano",)}, "fit the stems"),
        ({"targets": ()}, "fit the stems"),
        ({"rest": "drums"}, "fit the stems"),
        ({"rest": ""}, "Only 'vocals'"),
        ({"set": "mine"}, "no data set"),
        ({"batch": 0}, "batch = 0"),
        ({"crops": {"remixx": 1.0}}, "remixx"),
        ({"crops": {"seconds": 1.0}}, "seconds"),
        ({"crops": {"heard": [{"kind": "echo"}]}}, "echo"),
        ({"crops": {"remix": 2.0}}, "remix"),
    ],
)
def test_tables_that_mean_nothing_are_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidOption, match=said) as error:
        replace(SMALL, **changes)  # type: ignore[arg-type]
    assert error.value.message


def test_a_set_without_the_stems_or_a_split_is_refused(tmp_path: Path, songs: Path) -> None:
    with pytest.raises(InputNotFound, match="needs data"):
        build_lesson(SMALL, None, 0)
    with pytest.raises(InputNotFound, match=r"no train songs with the stems lead \(0 to train on, 0 to"):
        build_lesson(replace(SMALL, stems=("lead",), targets=("lead",)), songs, 0)
    write_tone_stems(tmp_path, {"train": 1}, 0)
    with pytest.raises(InputNotFound, match=r"no validation songs.* \(1 to train on, 0 to validate on\)"):
        build_lesson(SMALL, tmp_path, 0)
