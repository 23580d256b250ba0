"""Which foreign voices are taken, and with what words the others are refused."""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from descant.convert.foreign_checkpoint import recognise
from descant.errors import CheckpointError, InputNotFound, InvalidOption, UnsafeCheckpoint, UnsupportedFormat
from descant.hub.convert import state_dict
from foreign_voices import RVC_RATES, SPEAKERS, fairseq_hubert, rvc, so_vits, write_so_vits

Checkpoint = dict[str, Any]


def saved(tmp_path: Path, checkpoint: object) -> Path:
    torch.save(checkpoint, tmp_path / "ana.pth")
    return tmp_path / "ana.pth"


@pytest.mark.parametrize("has_pitch", [True, False])
@pytest.mark.parametrize("rate", list(RVC_RATES))
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_voices_of_rvc_are_known_by_their_keys(tmp_path: Path, version: str, rate: int, has_pitch: bool) -> None:
    brought = recognise(saved(tmp_path, rvc(version, rate, has_pitch=has_pitch)))
    assert brought is not None
    network = brought.config["network"]
    assert brought.kind == f"RVC {version}, {rate // 1000} kHz, {'with' if has_pitch else 'without'} pitch"
    assert (brought.architecture, brought.task, brought.sample_rate) == ("vits-voice", "convert", rate)
    assert network["content"] == (256 if version == "v1" else 768)
    assert network["speakers"] == SPEAKERS  # not the 109 of the configuration, which merged voices keep
    assert not any("weight_" in name for name in brought.tensors)
    assert {tensor.dtype for tensor in brought.tensors.values()} == {torch.float32}


@pytest.mark.parametrize(("content", "hears_level"), [(256, False), (768, True)])
def test_voices_of_so_vits_are_known_by_keys_and_configuration(tmp_path: Path, content: int, hears_level: bool) -> None:
    checkpoint, config = so_vits(content, hears_level=hears_level)
    brought = recognise(write_so_vits(tmp_path / "so", checkpoint, config))
    assert brought is not None
    assert brought.config["speakers"] == {"ana": 0, "ben": 2}
    assert (brought.sample_rate, brought.config["network"]["content"]) == (44_100, content)
    assert brought.config["network"]["hears_level"] == hears_level
    assert not any(name.startswith(("enc_q", "f0_decoder")) for name in brought.tensors)


def test_other_checkpoints_are_not_claimed(tmp_path: Path) -> None:
    assert recognise(saved(tmp_path, {"state_dict": {"w": torch.ones(2)}})) is None
    assert recognise(saved(tmp_path, [torch.ones(2)])) is None
    assert recognise(saved(tmp_path, {"weight": {"w": torch.ones(2)}})) is None
    with pytest.raises(InputNotFound):
        recognise(tmp_path / "absent.pth")


def _drop(*path: str) -> Callable[[Checkpoint], None]:
    def change(checkpoint: Checkpoint) -> None:
        inner = checkpoint
        for key in path[:-1]:
            inner = inner[key]
        del inner[path[-1]]

    return change


def _set(*path: Any) -> Callable[[Checkpoint], None]:
    def change(checkpoint: Checkpoint) -> None:
        inner = checkpoint
        for key in path[:-2]:
            inner = inner[key]
        inner[path[-2]] = path[-1]

    return change


NAN = torch.full((3, 6), float("nan")).half()


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (_set("version", "v1"), CheckpointError, "RVC v1, whose content has 256 dimensions, but its own has 768"),
        (_set("version", "v3"), UnsupportedFormat, "version 'v3'"),
        (_set("sr", "48k"), CheckpointError, "'48k' in one place and 40000 Hz"),
        (_set("sr", "fast"), CheckpointError, "impossible rate 'fast'"),
        (_set("config", -1, 48_000), CheckpointError, "'40k' in one place and 48000 Hz"),
        (_set("config", 12, [10, 8, 2, 2]), CheckpointError, "generator makes 320 samples of 10 ms: 32000 Hz"),
        (_set("config", 12, "many"), CheckpointError, "impossible sizes"),
        (_set("config", 3, 10**9), CheckpointError, "impossible"),
        (_set("config", 6, 10**7), CheckpointError, "impossible: layers"),
        (_set("config", [1, 2]), CheckpointError, "18 items"),
        (_drop("config"), CheckpointError, "18 items"),
        (_set("f0", 0), CheckpointError, "without pitch"),
        (_set("vocoder", "RefineGAN"), UnsupportedFormat, "RefineGAN"),
        (_set("embedder_model", "chinese-hubert-base"), UnsupportedFormat, "chinese-hubert-base"),
        (_drop("weight", "emb_g.weight"), CheckpointError, "emb_g.weight"),
        (_drop("weight", "enc_p.proj.weight"), CheckpointError, "missing: enc_p.proj.weight"),
        (_set("weight", "enc_p.proj.weight", torch.ones(2, 2)), CheckpointError, "misshapen: enc_p.proj.weight"),
        (_set("weight", "more", torch.ones(2)), CheckpointError, "unexpected: more"),
        (_set("weight", "emb_g.weight", NAN), CheckpointError, "no numbers, in 'emb_g.weight'"),
        (_set("weight", "emb_g.weight", torch.ones(3, 6, device="meta")), CheckpointError, "lacks"),
        (_set("weight", "emb_g.weight", torch.ones(3, 6).to_sparse()), CheckpointError, "lacks"),
        (_set("weight", "emb_g.weight", torch.ones(3, 6).int()), CheckpointError, "lacks"),
        (_set("weight", "enc_p.proj.weight", torch.ones(8, 8, 1, dtype=torch.complex64)), CheckpointError, "missing"),
        (_set("weight", "dec.ups.0.weight_g", torch.ones(7, 1, 1)), CheckpointError, "weight norm"),
        (_set("weight", "emb_g.weight", torch.ones(1).expand(90_000, 6_000)), CheckpointError, "does not fit"),
        (_set("weight", "emb_g.weight", torch.ones(1).expand(10**9, 6)), CheckpointError, "speakers"),
    ],
)
def test_contradictions_of_rvc_are_refused_with_a_reason(
    tmp_path: Path, change: Callable[[Checkpoint], None], error: type[Exception], said: str
) -> None:
    checkpoint = rvc()
    change(checkpoint)
    with pytest.raises(error, match=said):
        recognise(saved(tmp_path, checkpoint))


def test_what_has_room_for_too_many_numbers_is_refused_before_any_is_copied(tmp_path: Path) -> None:
    checkpoint = rvc()
    checkpoint["config"][16] = 4096  # a speaker of 4096 dimensions, 100,000 of them, in four bytes
    checkpoint["weight"]["emb_g.weight"] = torch.ones(1).expand(100_000, 4096)
    with pytest.raises(CheckpointError, match="claims more than"):
        recognise(saved(tmp_path, checkpoint))


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (_set("data", "sampling_rate", 32_000), UnsupportedFormat, "32000 Hz"),
        (_set("data", "hop_length", 320), CheckpointError, "320 samples a frame, .* multiply to 512"),
        (_set("model", "ssl_dim", 256), CheckpointError, "768 dimensions"),
        (_set("model", "speech_encoder", "vec256l9"), CheckpointError, "768 dimensions"),
        (_set("model", "speech_encoder", "hubertsoft"), UnsupportedFormat, "hubertsoft.*bshall/hubert"),
        (_set("model", "speech_encoder", "whisper-ppg"), UnsupportedFormat, "openai/whisper"),
        (_set("model", "vocoder_name", "nsf-snake-hifigan"), UnsupportedFormat, "nsf-snake-hifigan"),
        (_set("model", "use_transformer_flow", True), UnsupportedFormat, "use_transformer_flow"),
        (_set("model", "n_heads", 3), CheckpointError, "impossible: heads"),
        (_set("model", "n_layers", 3), CheckpointError, "missing"),
        (_set("spk", "eve", 10**9), CheckpointError, "speakers"),
        (_set("spk", {}), CheckpointError, "speakers"),
        (_drop("model"), CheckpointError, "no configuration"),
        (_set("spk", ["ana"]), CheckpointError, "no configuration"),
    ],
)
def test_contradictions_of_so_vits_are_refused_with_a_reason(
    tmp_path: Path, change: Callable[[Checkpoint], None], error: type[Exception], said: str
) -> None:
    checkpoint, config = so_vits()
    change(config)
    with pytest.raises(error, match=said):
        recognise(write_so_vits(tmp_path / "so", checkpoint, config))


def test_a_voice_of_so_vits_wants_its_configuration(tmp_path: Path) -> None:
    checkpoint, config = so_vits()
    path = saved(tmp_path, checkpoint)
    with pytest.raises(InvalidOption, match=r"config\.json"):
        recognise(path)
    (tmp_path / "other.json").write_text(json.dumps(config))
    assert recognise(path, tmp_path / "other.json") is not None
    for text in ("{", "[1]", "[" * 100_000, '{"model": 1, "data": 2, "spk": 3}'):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(CheckpointError, match=r"config\.json"):
            recognise(path)


def test_checkpoints_of_trainings_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match="does not say its own sizes"):
        recognise(saved(tmp_path, {"model": rvc()["weight"], "iteration": 3}))
    with pytest.raises(UnsupportedFormat, match="discriminator"):
        recognise(saved(tmp_path, {"model": {"discriminators.0.convs.0.bias": torch.ones(1)}}))


class Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def test_a_voice_with_code_in_it_is_refused_unexecuted(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    with pytest.raises(UnsafeCheckpoint):
        recognise(saved(tmp_path, {**rvc(), "info": Evil(marker)}))
    assert not marker.exists()


def test_a_truncated_voice_is_damaged(tmp_path: Path) -> None:
    path = saved(tmp_path, rvc())
    data = path.read_bytes()
    for share in (0.1, 0.5, 0.99):
        path.write_bytes(data[: round(share * len(data))])
        with pytest.raises(CheckpointError, match=r"ana\.pth"):
            recognise(path)


def test_contentvec_is_known_with_what_fairseq_leaves_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from argparse import Namespace
    from types import ModuleType

    modules = {name: ModuleType(name) for name in ("fairseq", "fairseq.data", "fairseq.data.dictionary")}
    dictionary = type("Dictionary", (), {"__module__": "fairseq.data.dictionary"})
    modules["fairseq.data.dictionary"].Dictionary = dictionary  # type: ignore[attr-defined]
    left = dictionary()
    left.symbols = ["<s>", "</s>"]
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    held = {"args": Namespace(arch="hubert"), "model": fairseq_hubert(), "task_state": {"dictionaries": [left]}}
    path = saved(tmp_path, held)
    for name in modules:
        monkeypatch.delitem(sys.modules, name)
    brought = recognise(path)
    assert brought is not None
    assert (brought.architecture, brought.task, brought.sample_rate) == ("hubert", "content", 16_000)
    assert brought.config["network"]["layers"] == 12
    assert "encoder.pos_conv.0.weight" in brought.tensors
    assert "mask_emb" not in brought.tensors


def test_other_nets_with_hubert_s_names_are_refused(tmp_path: Path) -> None:
    tensors = fairseq_hubert(layers=2)
    del tensors["encoder.layers.1.fc2.bias"]
    with pytest.raises(CheckpointError, match=r"missing: encoder\.layers\.1\.fc2\.bias"):
        recognise(saved(tmp_path, {"model": tensors}))
    tensors = fairseq_hubert(layers=2)
    tensors["encoder.pos_conv.0.bias"][0] = float("inf")
    with pytest.raises(CheckpointError, match="no numbers"):
        recognise(saved(tmp_path, {"model": tensors}))
    tensors = fairseq_hubert(layers=1)
    tensors["encoder.layers.0.fc1.weight"] = torch.ones(1).expand(10**6, 10**4)
    with pytest.raises(CheckpointError, match="no HuBERT of the base kind"):
        recognise(saved(tmp_path, {"model": tensors}))
    del tensors["encoder.layers.0.fc1.weight"]
    with pytest.raises(CheckpointError, match="no HuBERT of the base kind"):
        recognise(saved(tmp_path, {"model": tensors}))


def test_an_rvc_voice_that_says_no_version_is_of_the_first(tmp_path: Path) -> None:
    checkpoint = rvc("v1", 40_000)
    checkpoint.pop("version", None)
    torch.save(checkpoint, tmp_path / "a.pth")
    brought = recognise(tmp_path / "a.pth")
    assert brought is not None
    assert "RVC v1" in brought.kind


def test_content_is_the_same_through_whichever_runtime(tmp_path: Path) -> None:
    checkpoint, config = so_vits(256)
    config["model"]["speech_encoder"] = "vec256l9-onnx"
    assert recognise(write_so_vits(tmp_path / "onnx", checkpoint, config)) is not None


def test_convolutions_by_depth_are_refused(tmp_path: Path) -> None:
    checkpoint, config = so_vits(256)
    config["model"]["use_depthwise_conv"] = True
    with pytest.raises(UnsupportedFormat, match="use_depthwise_conv"):
        recognise(write_so_vits(tmp_path / "deep", checkpoint, config))


@pytest.mark.parametrize("value", [["v1"], torch.ones(3), np.ones(3), None, {"a": 1}])
@pytest.mark.parametrize("key", ["version", "sr", "vocoder", "embedder_model"])
def test_words_of_rvc_that_are_no_words(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises((CheckpointError, UnsupportedFormat)):
        recognise(saved(tmp_path, rvc() | {key: value}))


@pytest.mark.parametrize("value", [torch.ones(3), np.ones(3), [], {}])
def test_a_pitch_that_is_neither_there_nor_not(tmp_path: Path, value: object) -> None:
    with pytest.raises(CheckpointError):
        recognise(saved(tmp_path, rvc(has_pitch=False) | {"f0": value}))


@pytest.mark.parametrize("value", [True, math.inf, [math.inf], [[math.inf]], torch.ones(3), np.ones(3), 10**30])
@pytest.mark.parametrize("place", [2, 4, 7, 10, 11, 12, 14, 16])
def test_sizes_of_rvc_that_are_none(tmp_path: Path, place: int, value: object) -> None:
    checkpoint = rvc()
    checkpoint["config"][place] = value
    with pytest.raises(CheckpointError):
        recognise(saved(tmp_path, checkpoint))


def test_one_number_that_claims_to_be_a_terabyte(tmp_path: Path) -> None:
    checkpoint = rvc()
    checkpoint["weight"]["dec.ups.0.weight_g"] = torch.ones(1).expand(1 << 20, 1 << 18)
    with pytest.raises(CheckpointError, match="claims"):
        recognise(saved(tmp_path, checkpoint))
    with pytest.raises(CheckpointError, match="claims"):
        state_dict({"w": torch.ones(1).expand(1 << 20, 1 << 20)})
    tied = torch.ones(4)
    assert set(state_dict({"a": tied, "b": tied, "c": tied.expand(3, 4)})) == {"a", "b", "c"}


def test_lists_nested_forty_times_twice_are_read_once(tmp_path: Path) -> None:
    nest: list[Any] = [1]
    for _ in range(40):
        nest = [nest, nest]
    assert recognise(saved(tmp_path, {"weight": {}, "info": nest})) is None
    for key in ("version", "sr", "vocoder"):
        with pytest.raises((CheckpointError, UnsupportedFormat)):
            recognise(saved(tmp_path, rvc() | {key: nest}))
    checkpoint = rvc()
    checkpoint["config"][12] = nest
    with pytest.raises(CheckpointError):
        recognise(saved(tmp_path, checkpoint))


def test_a_list_that_holds_itself(tmp_path: Path) -> None:
    endless: dict[str, Any] = {}
    endless["model"] = [endless]
    with pytest.raises(CheckpointError, match="itself"):
        recognise(saved(tmp_path, endless))


def test_an_archive_that_unpacks_to_much_more(tmp_path: Path) -> None:
    sound = saved(tmp_path, rvc())
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            with new.open(entry.filename, "w") as file:
                for _ in range(96 if entry.filename.endswith("data/0") else 0):
                    file.write(bytes(1 << 20))
                file.write(old.read(entry))
    with pytest.raises(CheckpointError, match="unpack"):
        recognise(tmp_path / "bomb.pth")
