"""Converters and the search for the state dict inside a checkpoint."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from descant.errors import Cancelled, CheckpointError
from descant.hub.checkpoint import load_tensors
from descant.hub.convert import as_tensor, spleeter_pickles, state_dict
from descant.hub.store import fetch
from descant.progress import CancelToken, Monitor, Progress


def test_what_counts_as_a_tensor() -> None:
    view = torch.arange(10.0)[2:4]
    copy = as_tensor(view)
    assert copy is not None
    assert copy.untyped_storage().nbytes() == 8
    assert as_tensor(np.array(["text"])) is None
    assert as_tensor(np.array([object()])) is None
    assert as_tensor(torch.ones(2, 2).to_sparse()) is None
    assert as_tensor(3.0) is None
    big_endian = as_tensor(np.array([1.0, 2.0], dtype=">f4"))
    assert big_endian is not None
    assert torch.equal(big_endian, torch.tensor([1.0, 2.0]))


def test_the_state_dict_is_found_in_its_wrapping() -> None:
    weights = OrderedDict(w=torch.ones(2), version=3)
    assert state_dict(weights).keys() == {"w"}
    assert state_dict({"state_dict": weights, "optimizer": {"m": torch.ones(9)}}, usual=("state_dict",)).keys() == {"w"}
    assert state_dict({"only": weights, "epoch": 3}).keys() == {"w"}
    assert state_dict({"state_dict": {"model": weights}, "s": torch.ones(1)}, usual=("state_dict",)).keys() == {"w"}
    assert state_dict({"g": {"a": weights}, "d": {"a": {}}}, part="g.a").keys() == {"w"}
    assert state_dict({1: weights}).keys() == {"w"}


def test_an_unclear_or_absent_state_dict_asks_for_the_part() -> None:
    two = {"generator": {"w": torch.ones(1)}, "discriminator": {"w": torch.ones(1)}}
    with pytest.raises(CheckpointError, match="generator, discriminator"):
        state_dict(two)
    for bad, part in (([1, 2], ""), ({"a": 1}, ""), (two, "encoder"), (two, "generator.w.x")):
        with pytest.raises(CheckpointError) as caught:
            state_dict(bad, part=part)
        assert "--part" in caught.value.hint


def test_spleeter_pickles_become_one_file(tmp_path: Path) -> None:
    raw, ready = tmp_path / "raw", tmp_path / "ready"
    raw.mkdir()
    ready.mkdir()
    for stem, value in (("vocals", 1.0), ("accompaniment", 2.0)):
        torch.save({"up7.0.bias": np.full(2, value, np.float32)}, raw / f"{stem}.ckpt")
    said: list[Progress] = []
    spleeter_pickles(raw, ready, Monitor(said.append))
    assert [event.fraction for event in said] == sorted(event.fraction for event in said)
    tensors = load_tensors(ready / "weights.safetensors")
    assert {name: tensor[0].item() for name, tensor in tensors.items()} == {
        "vocals.up7.0.bias": 1.0,
        "accompaniment.up7.0.bias": 2.0,
    }
    for bad in ([1], {"a": "text"}):
        torch.save(bad, raw / "vocals.ckpt")
        with pytest.raises(CheckpointError):
            spleeter_pickles(raw, ready, Monitor())


def test_converting_can_be_cancelled_between_the_stems(tmp_path: Path) -> None:
    for stem in ("vocals", "accompaniment"):
        torch.save({"up7.0.bias": np.ones(2, np.float32)}, tmp_path / f"{stem}.ckpt")
    cancel = CancelToken()
    with pytest.raises(Cancelled):
        spleeter_pickles(tmp_path, tmp_path, Monitor(lambda event: event.fraction >= 0.25 and cancel.cancel(), cancel))
    assert not (tmp_path / "weights.safetensors").exists()


@pytest.mark.weights
def test_the_real_spleeter_is_two_u_nets_of_the_documented_layout() -> None:
    tensors = load_tensors(fetch("spleeter-2stems") / "weights.safetensors")
    channels = [2, 16, 32, 64, 128, 256, 512]
    expected: dict[str, tuple[int, ...]] = {}
    for stem in ("vocals", "accompaniment"):
        layers = [
            (f"down{n}_conv.1", f"down{n}_act.0", channels[n], (channels[n], channels[n - 1])) for n in range(1, 7)
        ]
        ups = [(512, 256), (512, 128), (256, 64), (128, 32), (64, 16), (32, 1)]
        layers += [(f"up{n}.0", f"up{n}.3", out, (into, out)) for n, (into, out) in enumerate(ups, 1)]
        for convolution, norm, out, kernel in layers:
            expected[f"{stem}.{convolution}.weight"] = (*kernel, 5, 5)
            expected[f"{stem}.{convolution}.bias"] = (out,)
            for part in ("weight", "bias", "running_mean", "running_var"):
                expected[f"{stem}.{norm}.{part}"] = (out,)
        expected |= {f"{stem}.up7.0.weight": (2, 1, 4, 4), f"{stem}.up7.0.bias": (2,)}
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == expected
    assert all(tensor.dtype == torch.float32 and bool(tensor.isfinite().all()) for tensor in tensors.values())


@pytest.mark.weights
def test_the_song_excerpt_is_what_its_card_says() -> None:
    info = soundfile.info(fetch("song-excerpt") / "song.mp3")
    assert (info.samplerate, info.channels, info.frames) == (44100, 2, 479832)
