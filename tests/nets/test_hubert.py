"""HuBERT against its formulas written down plainly, and against numbers that Hugging Face's own class gave once."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F

from descant.convert.foreign_checkpoint import recognise
from descant.nets.hubert import Hubert, HubertConfig
from foreign_voices import Tensors, fairseq_hubert, hugging_face_names

HEADS = 2
WIDTH = 128
GOLDEN = [[3.44807, 0.23045, -0.15156, 1.28881], [3.47089, 0.24495, -0.18533, 1.28694]]


def tensors() -> Tensors:
    return fairseq_hubert(WIDTH, inner=24, channels=12, layers=3, projected=16)


def loaded(path: Path) -> Hubert:
    brought = recognise(path)
    assert brought is not None
    net = Hubert(HubertConfig(**brought.config["network"])).eval()
    net.load_state_dict(dict(brought.tensors))
    return net


def sound(seconds: float = 0.5) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(1).normal(0, 0.3, round(seconds * 16_000)).astype(np.float32))


def plain(told: Tensors, samples: torch.Tensor, layers: int) -> torch.Tensor:
    """[frames, width], in double precision."""
    told = {name: tensor.double() for name, tensor in told.items()}

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        x = (x - x.mean(1, keepdim=True)) / torch.sqrt(x.var(1, keepdim=True, unbiased=False) + 1e-5)
        return x * told[f"{name}.weight"] + told[f"{name}.bias"]

    def linear(name: str, x: torch.Tensor) -> torch.Tensor:
        return x @ told[f"{name}.weight"].T + told[f"{name}.bias"]

    def gelu(x: torch.Tensor) -> torch.Tensor:
        return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))

    x = samples.double()[None]
    for place, stride in enumerate((5, 2, 2, 2, 2, 2, 2)):
        at = f"feature_extractor.conv_layers.{place}"
        x = F.conv1d(x[None], told[f"{at}.0.weight"], stride=stride)[0]
        if place == 0:  # each channel over the whole time
            x = (x - x.mean(1, keepdim=True)) / torch.sqrt(x.var(1, keepdim=True, unbiased=False) + 1e-5)
            x = x * told[f"{at}.2.weight"][:, None] + told[f"{at}.2.bias"][:, None]
        x = gelu(x)
    x = linear("post_extract_proj", norm("layer_norm", x.T))
    way, size = told["encoder.pos_conv.0.weight_v"], told["encoder.pos_conv.0.weight_g"]
    weight = torch.stack([way[..., k] * size[0, 0, k] / way[..., k].square().sum().sqrt() for k in range(128)], 2)
    place = F.conv1d(F.pad(x.T[None], (64, 63)), weight, told["encoder.pos_conv.0.bias"], groups=16)[0].T
    x = norm("encoder.layer_norm", x + gelu(place))
    for layer in range(layers):
        at = f"encoder.layers.{layer}"
        query, key, value = (linear(f"{at}.self_attn.{name}_proj", x) for name in "qkv")
        heard = []
        for head in torch.arange(WIDTH).chunk(HEADS):
            scores = query[:, head] @ key[:, head].T / math.sqrt(WIDTH // HEADS)
            heard.append(scores.softmax(1) @ value[:, head])
        attended = linear(f"{at}.self_attn.out_proj", torch.cat(heard, 1))
        x = norm(f"{at}.self_attn_layer_norm", x + attended)
        x = norm(f"{at}.final_layer_norm", x + linear(f"{at}.fc2", gelu(linear(f"{at}.fc1", x))))
    return x


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_states_are_those_of_the_formulas(tmp_path: Path, layer: int) -> None:
    torch.save({"args": None, "model": tensors(), "cfg": {"task": {}}}, tmp_path / "hubert_base.pt")
    net = loaded(tmp_path / "hubert_base.pt")
    with torch.inference_mode():
        states = net(sound()[None], layer)[0]
        assert states.shape == ((8000 - 80) // 320, WIDTH)
        np.testing.assert_allclose(states.numpy(), plain(tensors(), sound(), layer).numpy(), atol=2e-4)
        projected = net(sound()[None], layer, is_projected=True)[0]
        held = tensors()
        expected = states @ held["final_proj.weight"].T + held["final_proj.bias"]
    torch.testing.assert_close(projected, expected)


def test_the_layouts_of_hugging_face_hold_the_same_net(tmp_path: Path) -> None:
    torch.save({"model": tensors()}, tmp_path / "fairseq.pt")
    named = hugging_face_names(tensors())
    torch.save(named, tmp_path / "pytorch_model.bin")
    safetensors.torch.save_file({f"hubert.{name}": held for name, held in named.items()}, tmp_path / "a.safetensors")
    first, *others = (loaded(tmp_path / name) for name in ("fairseq.pt", "pytorch_model.bin", "a.safetensors"))
    for other in others:
        for name, tensor in first.state_dict().items():
            torch.testing.assert_close(other.state_dict()[name], tensor)


def test_states_are_those_of_hugging_faces_own_class(tmp_path: Path) -> None:
    """Numbers of transformers 4.57.6 for the same tensors: HubertModel, hidden_states[3][0, 3 and 20, :4]."""
    torch.save(hugging_face_names(tensors()), tmp_path / "pytorch_model.bin")
    with torch.inference_mode():
        states = loaded(tmp_path / "pytorch_model.bin")(sound()[None], 3)[0]
    np.testing.assert_allclose(states[[3, 20], :4].numpy(), GOLDEN, atol=2e-4)
