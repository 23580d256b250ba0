"""The nets of foreign voices against the published formulas, written down once more, plainly and slowly."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from descant.convert.foreign_checkpoint import recognise
from descant.errors import CheckpointError
from descant.nets.coupling_flow import CouplingFlow
from descant.nets.relative_encoder import RelativeAttention
from descant.nets.vits_voice import VitsVoice, VitsVoiceConfig, VoiceFrames, VoiceNoise, pitch_steps
from foreign_voices import CHANNELS, HIDDEN, SPEAKER, Tensors, rvc, so_vits, write_so_vits

FRAMES = 14


class Plain:
    """A voice of RVC or so-vits-svc, straight from the tensors of its checkpoint."""

    def __init__(self, tensors: Tensors, config: VitsVoiceConfig) -> None:
        self.tensors = {name: tensor.double() for name, tensor in tensors.items()}
        self.config = config

    def weight(self, name: str) -> torch.Tensor:
        if f"{name}.weight" in self.tensors:
            return self.tensors[f"{name}.weight"]
        way = self.tensors[f"{name}.weight_v"]
        rows = [size * row / row.square().sum().sqrt() for size, row in zip(self._sizes(name), way, strict=True)]
        return torch.stack(rows)

    def _sizes(self, name: str) -> list[float]:
        return self.tensors[f"{name}.weight_g"].flatten().tolist()

    def conv(self, name: str, x: torch.Tensor, padding: int = 0, stride: int = 1, dilation: int = 1) -> torch.Tensor:
        bias = self.tensors.get(f"{name}.bias")
        return F.conv1d(x[None], self.weight(name), bias, stride, padding, dilation)[0]

    def norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        centred = x - x.mean(0)
        spread = centred.square().mean(0)
        gain, shift = self.tensors[f"{name}.gamma"], self.tensors[f"{name}.beta"]
        return centred / torch.sqrt(spread + 1e-5) * gain[:, None] + shift[:, None]

    def attention(self, name: str, x: torch.Tensor, heads: int) -> torch.Tensor:
        query, key, value = (self.conv(f"{name}.conv_{which}", x) for which in "qkv")
        near_key, near_value = self.tensors[f"{name}.emb_rel_k"][0], self.tensors[f"{name}.emb_rel_v"][0]
        window, size, frames = len(near_key) // 2, x.shape[0] // heads, x.shape[1]
        out = torch.zeros_like(query)
        for head in range(heads):
            rows = slice(head * size, (head + 1) * size)
            for i in range(frames):
                scores = []
                for j in range(frames):
                    heard = key[rows, j]
                    if abs(j - i) <= window:
                        heard = heard + near_key[j - i + window]
                    scores.append(query[rows, i] @ heard / math.sqrt(size))
                weights = torch.stack(scores).softmax(0)
                for j in range(frames):
                    told = value[rows, j]
                    if abs(j - i) <= window:
                        told = told + near_value[j - i + window]
                    out[rows, i] += weights[j] * told
        return self.conv(f"{name}.conv_o", out)

    def encode(self, at: str, x: torch.Tensor) -> torch.Tensor:
        for layer in range(self.config.layers):
            x = self.norm(
                f"{at}.norm_layers_1.{layer}", x + self.attention(f"{at}.attn_layers.{layer}", x, self.config.heads)
            )
            wide = torch.relu(self.conv(f"{at}.ffn_layers.{layer}.conv_1", x, padding=1))
            x = self.norm(f"{at}.norm_layers_2.{layer}", x + self.conv(f"{at}.ffn_layers.{layer}.conv_2", wide, 1))
        return x

    def unflow(self, z: torch.Tensor, who: torch.Tensor) -> torch.Tensor:
        half = CHANNELS // 2
        for place in (6, 4, 2, 0):
            z = z.flip(0)
            kept, at = z[:half], f"flow.flows.{place}"
            x, total = self.conv(f"{at}.pre", kept), 0.0
            told = self.conv(f"{at}.enc.cond_layer", who)
            for layer in range(self.config.flow_layers):
                inside = self.conv(f"{at}.enc.in_layers.{layer}", x, padding=2)
                inside = inside + told[2 * HIDDEN * layer : 2 * HIDDEN * (layer + 1)]
                gated = torch.tanh(inside[:HIDDEN]) * torch.sigmoid(inside[HIDDEN:])
                out = self.conv(f"{at}.enc.res_skip_layers.{layer}", gated)
                if layer < self.config.flow_layers - 1:
                    x, out = x + out[:HIDDEN], out[HIDDEN:]
                total = total + out
            z = torch.cat((kept, z[half:] - self.conv(f"{at}.post", total)))
        return z

    def excite(self, f0: np.ndarray, noise: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Phase counted sample by sample."""
        every = np.repeat(f0.astype(np.float64), self.config.hop)
        turns = np.cumsum(every / self.config.sample_rate)
        waves = []
        for k in range(self.config.harmonics):
            tone = 0.1 * np.sin(2 * np.pi * ((k + 1) * turns + float(offsets[k])))
            breath = np.where(every > 0, 0.003, 0.1 / 3) * noise[:, k].numpy()
            waves.append(np.where(every > 0, tone, 0.0) + breath)
        mixed = self.weight("dec.m_source.l_linear").numpy() @ np.stack(waves)
        return torch.from_numpy(np.tanh(mixed + self.tensors["dec.m_source.l_linear.bias"].numpy()))

    def generate(self, x: torch.Tensor, who: torch.Tensor, source: torch.Tensor | None) -> torch.Tensor:
        config = self.config
        x = self.conv("dec.conv_pre", x, padding=3) + self.conv("dec.cond", who)
        for stage, (rate, kernel) in enumerate(zip(config.rates, config.kernels, strict=True)):
            x = F.leaky_relu(x, 0.1)[None]
            bias = self.tensors[f"dec.ups.{stage}.bias"]
            x = F.conv_transpose1d(x, self.weight(f"dec.ups.{stage}"), bias, rate, (kernel - rate) // 2)[0]
            if source is not None:
                stride = math.prod(config.rates[stage + 1 :])
                x = x + self.conv(f"dec.noise_convs.{stage}", source, stride // 2, stride)
            branches = []
            for branch, (size, spread) in enumerate(zip(config.residual_kernels, config.dilations, strict=True)):
                y, at = x, f"dec.resblocks.{2 * stage + branch}"
                for n, dilation in enumerate(spread):
                    first = "convs1" if config.is_paired else "convs"
                    inside = self.conv(
                        f"{at}.{first}.{n}", F.leaky_relu(y, 0.1), dilation * (size - 1) // 2, 1, dilation
                    )
                    if config.is_paired:
                        inside = self.conv(f"{at}.convs2.{n}", F.leaky_relu(inside, 0.1), (size - 1) // 2)
                    y = y + inside
                branches.append(y)
            x = sum(branches) / 2
        return torch.tanh(self.conv("dec.conv_post", F.leaky_relu(x, 0.01), padding=3))[0]


def coarse(f0: np.ndarray) -> torch.Tensor:
    mel = 1127 * np.log(1 + f0 / 700)
    low, high = (1127 * np.log(1 + hz / 700) for hz in (50.0, 1100.0))
    return torch.from_numpy(np.clip(np.rint((mel - low) * 254 / (high - low) + 1), 1, 255)).long()


def drawn(config: VitsVoiceConfig, seed: int = 3) -> tuple[VoiceFrames, VoiceNoise]:
    random = np.random.default_rng(seed)
    f0 = (220 * 2 ** random.uniform(-2.5, 2.5, FRAMES)).astype(np.float32)
    voiced = np.arange(FRAMES) % 7 < 5
    if config.program == "rvc":
        f0 = np.where(voiced, f0, np.float32(0))
    cycles = np.concatenate([[0.0], np.cumsum(f0.astype(np.float64) * config.hop / config.sample_rate)[:-1]]) % 1.0
    content = random.normal(size=(FRAMES, config.content)).astype(np.float32)
    level = random.uniform(0, 0.3, FRAMES).astype(np.float32)
    frames = VoiceFrames(*(torch.from_numpy(one)[None] for one in (content, f0, voiced, level, cycles)))
    sines = max(config.harmonics, 1)
    noise = VoiceNoise(
        torch.from_numpy(random.normal(size=(1, CHANNELS, FRAMES)).astype(np.float32)),
        torch.from_numpy(random.normal(size=(1, FRAMES * config.hop, sines)).astype(np.float32)),
        torch.from_numpy(random.uniform(size=sines).astype(np.float32)),
    )
    return frames, noise


def loaded(path: Path) -> VitsVoice:
    brought = recognise(path)
    assert brought is not None
    net = VitsVoice(VitsVoiceConfig.from_json(brought.config["network"])).eval()
    net.load_state_dict(dict(brought.tensors))
    return net


def rvc_prior(plain: Plain, frames: VoiceFrames) -> torch.Tensor:
    told = plain.tensors
    x = frames.content[0].double() @ told["enc_p.emb_phone.weight"].T + told["enc_p.emb_phone.bias"]
    if "enc_p.emb_pitch.weight" in told:
        x = x + told["enc_p.emb_pitch.weight"][coarse(frames.f0_hz[0].numpy())]
    return plain.encode("enc_p.encoder", F.leaky_relu(x * math.sqrt(HIDDEN), 0.1).T)


def so_vits_prior(plain: Plain, frames: VoiceFrames) -> torch.Tensor:
    told = plain.tensors
    x = plain.conv("pre", frames.content[0].double().T, padding=2)
    x = x + told["emb_uv.weight"][frames.voiced[0].long()].T
    if "emb_vol.weight" in told:
        x = x + (frames.level[0].double()[:, None] @ told["emb_vol.weight"].T + told["emb_vol.bias"]).T
    x = x + told["enc_p.f0_emb.weight"][coarse(frames.f0_hz[0].numpy())].T
    return plain.encode("enc_p.enc_", x)


@torch.inference_mode()
def check(net: VitsVoice, tensors: Tensors, prior: Callable[[Plain, VoiceFrames], torch.Tensor], speaker: int) -> None:
    frames, noise = drawn(net.config)
    plain = Plain(tensors, net.config)
    stats = plain.conv("enc_p.proj", prior(plain, frames))
    z = stats[:CHANNELS] + torch.exp(stats[CHANNELS:]) * noise.latent[0].double() * 0.5
    who = plain.tensors["emb_g.weight"][speaker][:, None]
    f0 = frames.f0_hz[0].numpy()
    source = plain.excite(f0, noise.source[0].double(), noise.offsets) if net.config.has_pitch else None
    expected = plain.generate(plain.unflow(z, who), who, source)
    sound = net(frames, torch.tensor([speaker]), noise, 0.5)[0]
    assert sound.shape == (FRAMES * net.config.hop,)
    assert expected.std() > 0.02
    np.testing.assert_allclose(sound.numpy(), expected.numpy(), atol=5e-4)


@pytest.mark.parametrize(
    ("version", "rate", "has_pitch", "residual"),
    [
        ("v1", 40_000, True, "1"),
        ("v1", 32_000, False, "1"),
        ("v2", 48_000, True, "1"),
        ("v2", 32_000, True, "2"),
        ("v2", 40_000, False, "2"),
    ],
)
def test_a_voice_of_rvc_sounds_as_its_formulas(
    tmp_path: Path, version: str, rate: int, has_pitch: bool, residual: str
) -> None:
    checkpoint = rvc(version, rate, has_pitch=has_pitch, residual=residual)
    torch.save(checkpoint, tmp_path / "a.pth")
    net = loaded(tmp_path / "a.pth")
    assert net.config.hop == rate // 100
    check(net, checkpoint["weight"], rvc_prior, speaker=1)


@pytest.mark.parametrize(("content", "hears_level"), [(256, False), (768, False), (768, True)])
def test_a_voice_of_so_vits_sounds_as_its_formulas(tmp_path: Path, content: int, hears_level: bool) -> None:
    checkpoint, config = so_vits(content, hears_level=hears_level)
    net = loaded(write_so_vits(tmp_path / "so", checkpoint, config))
    assert (net.config.hop, net.config.harmonics, net.config.window) == (512, 9, 4)
    check(net, checkpoint["model"], so_vits_prior, speaker=2)


def test_both_weight_norms_of_pytorch_are_folded_alike(tmp_path: Path) -> None:
    checkpoint = rvc()
    torch.save(checkpoint, tmp_path / "old.pth")
    checkpoint["weight"] = {
        name.replace("weight_g", "parametrizations.weight.original0").replace(
            "weight_v", "parametrizations.weight.original1"
        ): tensor
        for name, tensor in checkpoint["weight"].items()
    }
    torch.save(checkpoint, tmp_path / "new.pth")
    old, new = (loaded(tmp_path / f"{name}.pth").state_dict() for name in ("old", "new"))
    for name, tensor in old.items():
        torch.testing.assert_close(tensor, new[name])
    conv = torch.nn.utils.parametrizations.weight_norm(torch.nn.ConvTranspose1d(16, 8, 16))
    with torch.no_grad():
        for place in (0, 1):
            held = checkpoint["weight"][f"dec.ups.0.parametrizations.weight.original{place}"]
            conv.get_parameter(f"parametrizations.weight.original{place}").copy_(held)
        torch.testing.assert_close(old["dec.ups.0.weight"], conv.weight)


@given(st.integers(1, 12), st.integers(0, 5), st.sampled_from([1, 2, 4]))
def test_attention_is_that_of_the_loop(frames: int, window: int, heads: int) -> None:
    torch.manual_seed(frames)
    attention = RelativeAttention(HIDDEN, heads, window)
    torch.nn.init.normal_(attention.emb_rel_k)
    torch.nn.init.normal_(attention.emb_rel_v)
    x = torch.randn(HIDDEN, frames)
    plain = Plain({f"a.{name}": tensor for name, tensor in attention.state_dict().items()}, _small())
    with torch.inference_mode():
        expected = plain.attention("a", x.double(), heads)
        np.testing.assert_allclose(attention(x[None])[0].numpy(), expected.numpy(), atol=1e-5)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 20))
def test_the_flow_and_its_reverse_undo_each_other(flows: int, layers: int, frames: int) -> None:
    torch.manual_seed(flows)
    flow = CouplingFlow(CHANNELS, HIDDEN, layers, flows, SPEAKER).double()
    x, who = torch.randn(2, CHANNELS, frames).double(), torch.randn(2, SPEAKER, 1).double()
    with torch.inference_mode():
        there = flow(x, who)
        assert not torch.allclose(there, x)
        torch.testing.assert_close(flow(there, who, reverse=True), x)


def test_pitch_steps_at_their_edges() -> None:
    hz = np.array([0.0, 49.0, 50.0, 52.0, 220.0, 1099.9, 1100.0, 2000.0], np.float32)
    steps = pitch_steps(torch.from_numpy(hz))
    assert steps.tolist() == coarse(hz).tolist()
    assert steps[[0, 2, 6, 7]].tolist() == [1, 1, 255, 255]


def _small() -> VitsVoiceConfig:
    return VitsVoiceConfig(
        "rvc", 256, 40_000, CHANNELS, HIDDEN, 12, 2, 2, 3, 10, 4, 3,
        (10, 10, 2, 2), (16, 16, 4, 4), 16, (3, 5), ((1, 3), (1, 3)), False, 3, SPEAKER, 1,
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden": 10**9}, {"channels": 5}, {"heads": 3}, {"layers": 10**6}, {"rates": (10, 10, 2)}, {"rates": ()},
        {"kernels": (17, 16, 4, 4)}, {"first": 20}, {"residual_kernels": (4, 4)}, {"dilations": ((0,), (1,))},
        {"speakers": 0}, {"sample_rate": 44_101}, {"harmonics": -1}, {"program": "x"}, {"rates": (4096, 4096, 2, 2)},
        {"residual_kernels": (3,) * 65, "dilations": ((1,),) * 65}, {"program": "so-vits-svc", "harmonics": 0},
    ],
)  # fmt: skip
def test_impossible_sizes_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="impossible"):
        replace(_small(), **changes)


def test_a_configuration_comes_back_from_its_text() -> None:
    import json

    config = _small()
    assert VitsVoiceConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    for broken in ({"heads": "2"}, {"program": 3}, {"rates": 5}, {"rates": ["x"]}, {"layers": None}):
        with pytest.raises((TypeError, ValueError)):
            VitsVoiceConfig.from_json({**config.to_json(), **broken})
