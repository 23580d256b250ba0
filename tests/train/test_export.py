"""What a run exports is a card that the hub takes and the task loads."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pupils import CPU, QUICK, Regression

from descant.errors import CheckpointError, InputNotFound, InvalidOption, OutputError
from descant.hub.card import load_card, read_card
from descant.hub.checkpoint import load_tensors, save_tensors
from descant.hub.portable import import_
from descant.hub.store import fetch
from descant.train.config import LoopConfig, Watch
from descant.train.export import ExportOptions, export_run
from descant.train.loop import train
from descant.train.registry import plan_of

SMALL = {
    "accompaniment": {
        "source": "invented", "layers": 1, "width": 32, "heads": 2, "feed_forward": 32, "length": 96, "batch": 2,
        "validation_crops": 1,
    },
    "listening": {
        "source": "tones", "pulse_channels": 8, "pulse_layers": 2, "harmony_channels": 8, "harmony_layers": 1,
        "batch": 1, "seconds": 4.0,
    },
    "meter": {"source": "invented", "width": 16, "layers": 1, "heads": 2, "batch": 2},
}  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESCANT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DESCANT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("DESCANT_OFFLINE", "1")


def options(**changes: str) -> ExportOptions:
    return ExportOptions(**{"name": "my-own", "licence": "for my own use", **changes})  # type: ignore[arg-type]


def run_of(lesson: str, folder: Path, loop: LoopConfig) -> Path:
    plan = plan_of(lesson, folder)
    config = plan.config(**SMALL[lesson])
    described = {"recipe": f"recipes/{lesson}.toml", "lesson": lesson, lesson: SMALL[lesson]}
    train(plan.build(config, None, 0), loop, folder, described=described)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    loop = LoopConfig(
        steps=4,
        report_every=1,
        validate_every=1,
        average=0.5,
        tensorboard=False,
        machine=CPU,
        watch=Watch("true", keep=2),
    )
    return run_of("accompaniment", tmp_path_factory.mktemp("runs") / "band", loop)


@pytest.mark.usefixtures("hub")
def test_an_exported_accompanist_plays(run: Path, tmp_path: Path) -> None:
    from descant.compose.api import Composer

    card = export_run(run, tmp_path / "out", options())
    assert card == replace(read_card(tmp_path / "out" / "card.toml"), origin=None)
    assert import_(tmp_path / "out") == ("my-own",)
    assert load_card("my-own").architecture == "relative-transformer"
    composer = Composer.load("my-own")
    best = json.loads((run / "checkpoint" / "state.json").read_text())["best"][0][1]
    exact = load_tensors(run / "best" / f"step-{best:08d}" / "weights.safetensors")
    for name, tensor in composer.model.state_dict().items():
        assert torch.equal(tensor, exact[name].half().float())
    assert {q.metric.split()[0] for q in card.quality} >= {"true", "shuffled"}
    assert card.data[0].licence == "Apache-2.0"


def test_quality_lines_say_what_trains_such_weights_again(run: Path, tmp_path: Path) -> None:
    asked = json.loads((run / "checkpoint" / "config.json").read_text())
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    changes = ["loop.minutes=25", "x.word=two words"]
    for place in (copy / "config.json", copy / "checkpoint" / "config.json"):
        place.write_text(json.dumps({**asked, "recipe": "/home/me/recipes/a/cpu.toml", "changes": changes}))
    quality = {q.metric: q.command for q in export_run(copy, tmp_path / "out", options()).quality}
    assert "true in its validation" in quality
    assert "loss in its validation" not in quality
    expected = "descant train recipes/a/cpu.toml --data DATA --set loop.minutes=25 --set 'x.word=two words'"
    assert set(quality.values()) == {expected}


@pytest.mark.usefixtures("hub")
def test_an_exported_listener_and_reader_load(tmp_path: Path) -> None:
    from descant.analyze.meter import load_meter_reader
    from descant.nets.listener import Listener

    loop = replace(QUICK, steps=1, validate_every=1)
    export_run(run_of("listening", tmp_path / "ears", loop), tmp_path / "out1", options(name="my-ears"))
    export_run(run_of("meter", tmp_path / "meter", loop), tmp_path / "out2", options(name="my-meter"))
    assert import_(tmp_path / "out1") == ("my-ears",)
    assert import_(tmp_path / "out2") == ("my-meter",)
    folder = fetch("my-ears")
    listener = Listener(**json.loads((folder / "config.json").read_text())["arguments"])
    listener.load_state_dict({k: v.float() for k, v in load_tensors(folder / "weights.safetensors").items()})
    for name in ("my-ears", "my-meter"):
        assert load_meter_reader(fetch(name)).training is False


@pytest.mark.parametrize(("precision", "kind"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
@pytest.mark.parametrize("weights", ["best", "average", "last"])
def test_which_weights_in_which_precision(
    run: Path, tmp_path: Path, precision: str, kind: torch.dtype, weights: str
) -> None:
    export_run(run, tmp_path / "out", options(precision=precision, weights=weights))
    found = load_tensors(tmp_path / "out" / "weights.safetensors")
    best = json.loads((run / "checkpoint" / "state.json").read_text())["best"][0][1]
    source = {
        "best": run / "best" / f"step-{best:08d}" / "weights.safetensors",
        "average": run / "checkpoint" / "average.safetensors",
        "last": run / "checkpoint" / "weights.safetensors",
    }[weights]
    for name, tensor in load_tensors(source).items():
        assert found[name].dtype == (kind if tensor.is_floating_point() else tensor.dtype)
        assert torch.equal(found[name], tensor.to(found[name].dtype))


def test_an_export_replaces_only_an_export(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_run(run, out, options())
    again = export_run(run, out, options(precision="fp32"))
    assert read_card(out / "card.toml").size == again.size
    other = tmp_path / "mine"
    other.mkdir()
    (other / "diary.txt").write_text("dear")
    with pytest.raises(OutputError, match="something else"):
        export_run(run, other, options())
    assert (other / "diary.txt").read_text() == "dear"


def test_what_cannot_be_exported(run: Path, tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        export_run(tmp_path / "nowhere", tmp_path / "out", options())
    train(Regression(), replace(QUICK, steps=1), tmp_path / "unnamed")
    with pytest.raises(InvalidOption, match="no lesson"):
        export_run(tmp_path / "unnamed", tmp_path / "out", options())
    plain = run_of("meter", tmp_path / "plain", replace(QUICK, steps=1))
    for weights in ("best", "average"):
        with pytest.raises(InputNotFound, match="kept no"):
            export_run(plain, tmp_path / "out", options(weights=weights))
    path = plain / "checkpoint" / "weights.safetensors"
    tensors = load_tensors(path)
    first = min(tensors)
    save_tensors(path, {**tensors, first: torch.full_like(tensors[first], 1e6)})
    with pytest.raises(CheckpointError, match="too large for fp16"):
        export_run(plain, tmp_path / "out", options())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrong", [{"name": "My Own"}, {"name": "descant-analysis"}, {"licence": " "}])
def test_names_and_licences(wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidOption):
        options(**wrong)


def test_nesting_beyond_all_bounds_is_damage(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(100_000 * "[")
    with pytest.raises(CheckpointError, match="damaged"):
        export_run(tmp_path, tmp_path / "out", ExportOptions("mine", "CC0-1.0"))
