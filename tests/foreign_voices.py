"""Checkpoints as RVC, so-vits-svc, fairseq and Hugging Face save them, of tiny widths and random numbers.

The names and shapes are written down here from what these programs publish, not taken from Descant's nets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

Tensors = dict[str, torch.Tensor]

HIDDEN, INNER, CHANNELS, SPEAKER, SPEAKERS, FIRST = 8, 12, 4, 6, 3, 16
RVC_RATES = {32_000: (10, 8, 2, 2), 40_000: (10, 10, 2, 2), 48_000: (12, 10, 2, 2)}
RVC_KERNELS = {32_000: (20, 16, 4, 4), 40_000: (16, 16, 4, 4), 48_000: (24, 20, 4, 4)}
SO_VITS_RATES, SO_VITS_KERNELS = (8, 8, 2, 2, 2), (16, 16, 4, 4, 4)


class _Dice:
    """Random tensors of any shape, small enough to keep nets calm."""

    def __init__(self, seed: int) -> None:
        self._random = torch.Generator().manual_seed(seed)
        self.tensors: Tensors = {}

    def put(self, name: str, *shape: int, scale: float = 0.3) -> None:
        self.tensors[name] = scale * torch.randn(shape, generator=self._random)

    def conv(self, name: str, *shape: int, has_bias: bool = True, out: int | None = None) -> None:
        self.put(f"{name}.weight", *shape)
        if has_bias:
            self.put(f"{name}.bias", shape[0] if out is None else out)

    def normed(self, name: str, *shape: int, out: int | None = None) -> None:
        """With PyTorch's old weight norm over all but the first axis."""
        self.put(f"{name}.weight_v", *shape)
        self.tensors[f"{name}.weight_g"] = 1.0 + torch.rand((shape[0], *[1] * (len(shape) - 1)), generator=self._random)
        self.put(f"{name}.bias", shape[0] if out is None else out)

    def norm(self, name: str, size: int, gain: str = "weight", shift: str = "bias") -> None:
        self.put(f"{name}.{gain}", size)
        self.tensors[f"{name}.{gain}"] += 1.0
        self.put(f"{name}.{shift}", size)


def rvc(
    version: str = "v2", rate: int = 40_000, *, has_pitch: bool = True, seed: int = 0, residual: str = "1"
) -> dict[str, Any]:
    """A "small model" of RVC."""
    dice = _Dice(seed)
    content = {"v1": 256, "v2": 768}[version]
    dice.conv("enc_p.emb_phone", HIDDEN, content)
    if has_pitch:
        dice.put("enc_p.emb_pitch.weight", 256, HIDDEN)
    _encoder(dice, "enc_p.encoder", layers=2, window=10)
    dice.conv("enc_p.proj", 2 * CHANNELS, HIDDEN, 1)
    _flow(dice, layers=3)
    rates, kernels = RVC_RATES[rate], RVC_KERNELS[rate]
    _generator(dice, rates, kernels, harmonics=1 if has_pitch else 0, residual=residual)
    dice.conv("dec.conv_pre", FIRST, CHANNELS, 7)
    dice.put("dec.conv_post.weight", 1, FIRST // 2 ** len(rates), 7)
    dice.put("emb_g.weight", SPEAKERS, SPEAKER)
    dilations = [[1, 3, 5], [1, 3, 5]] if residual == "1" else [[1, 3], [1, 3]]
    return {
        "weight": {name: tensor.half() for name, tensor in dice.tensors.items()},
        "config": [
            1025, 32, CHANNELS, HIDDEN, INNER, 2, 2, 3, 0, residual, [3, 5], dilations,
            list(rates), FIRST, list(kernels), 109, SPEAKER, rate,
        ],
        "info": "20epoch",
        "sr": f"{rate // 1000}k",
        "f0": int(has_pitch),
        "version": version,
    }  # fmt: skip


def so_vits(content: int = 768, *, hears_level: bool = False, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """A checkpoint of so-vits-svc (4.0: 256 dimensions, 4.1: 768) and its `config.json`."""
    dice = _Dice(seed)
    dice.conv("pre", HIDDEN, content, 5)
    dice.put("emb_uv.weight", 2, HIDDEN)
    if hears_level:
        dice.conv("emb_vol", HIDDEN, 1)
    dice.put("enc_p.f0_emb.weight", 256, HIDDEN)
    _encoder(dice, "enc_p.enc_", layers=2, window=4)
    dice.conv("enc_p.proj", 2 * CHANNELS, HIDDEN, 1)
    _flow(dice, layers=4)
    dice.normed("dec.conv_pre", FIRST_SO_VITS, CHANNELS, 7)
    _generator(dice, SO_VITS_RATES, SO_VITS_KERNELS, harmonics=9, residual="1", first=FIRST_SO_VITS)
    dice.normed("dec.conv_post", 1, FIRST_SO_VITS // 32, 7)
    dice.tensors["dec.conv_post.weight_g"] *= 0.05  # so that few samples reach the ends of the scale
    dice.put("emb_g.weight", SPEAKERS, SPEAKER)
    dice.conv("enc_q.pre", HIDDEN, 1025, 1)  # used in training alone
    dice.conv("f0_decoder.prenet", HIDDEN, HIDDEN, 3)
    model: dict[str, Any] = {
        "inter_channels": CHANNELS, "hidden_channels": HIDDEN, "filter_channels": INNER, "n_heads": 2, "n_layers": 2,
        "kernel_size": 3, "p_dropout": 0.1, "resblock": "1", "resblock_kernel_sizes": [3, 5],
        "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5]], "upsample_rates": list(SO_VITS_RATES),
        "upsample_initial_channel": FIRST_SO_VITS, "upsample_kernel_sizes": list(SO_VITS_KERNELS),
        "gin_channels": SPEAKER, "ssl_dim": content, "n_speakers": 200,
    }  # fmt: skip
    if content == 768:
        model |= {"speech_encoder": "vec768l12", "vol_embedding": hears_level, "vocoder_name": "nsf-hifigan"}
    config = {
        "data": {"sampling_rate": 44_100, "hop_length": 512},
        "model": model,
        "spk": {"ana": 0, "ben": 2},
    }
    return {"model": dice.tensors, "iteration": 800, "optimizer": None, "learning_rate": 1e-4}, config


FIRST_SO_VITS = 32


def fairseq_hubert(
    width: int = 16, *, inner: int = 8, channels: int = 8, layers: int = 12, projected: int = 256, seed: int = 0
) -> Tensors:
    """The tensors of HuBERT as fairseq names them."""
    dice = _Dice(seed)
    for place, kernel in enumerate((10, 3, 3, 3, 3, 2, 2)):
        dice.put(f"feature_extractor.conv_layers.{place}.0.weight", channels, channels if place else 1, kernel)
    dice.norm("feature_extractor.conv_layers.0.2", channels)
    dice.norm("layer_norm", channels)
    dice.conv("post_extract_proj", width, channels)
    dice.put("mask_emb", width)
    dice.put("encoder.pos_conv.0.weight_v", width, width // 16, 128)
    dice.tensors["encoder.pos_conv.0.weight_g"] = torch.ones(1, 1, 128)
    dice.put("encoder.pos_conv.0.bias", width)
    dice.norm("encoder.layer_norm", width)
    for layer in range(layers):
        at = f"encoder.layers.{layer}"
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            dice.conv(f"{at}.self_attn.{name}", width, width)
        dice.norm(f"{at}.self_attn_layer_norm", width)
        dice.conv(f"{at}.fc1", inner, width)
        dice.conv(f"{at}.fc2", width, inner)
        dice.norm(f"{at}.final_layer_norm", width)
    dice.conv("final_proj", projected, width)
    dice.put("label_embs_concat", 504, projected)
    return dice.tensors


def write_so_vits(folder: Path, checkpoint: Mapping[str, Any], config: Mapping[str, Any]) -> Path:
    """Both files in a folder; the checkpoint's path."""
    folder.mkdir(exist_ok=True)
    torch.save(checkpoint, folder / "G_800.pth")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder / "G_800.pth"


def _encoder(dice: _Dice, at: str, layers: int, window: int) -> None:
    for layer in range(layers):
        for name in ("conv_q", "conv_k", "conv_v", "conv_o"):
            dice.conv(f"{at}.attn_layers.{layer}.{name}", HIDDEN, HIDDEN, 1)
        dice.put(f"{at}.attn_layers.{layer}.emb_rel_k", 1, 2 * window + 1, HIDDEN // 2)
        dice.put(f"{at}.attn_layers.{layer}.emb_rel_v", 1, 2 * window + 1, HIDDEN // 2)
        dice.norm(f"{at}.norm_layers_1.{layer}", HIDDEN, "gamma", "beta")
        dice.conv(f"{at}.ffn_layers.{layer}.conv_1", INNER, HIDDEN, 3)
        dice.conv(f"{at}.ffn_layers.{layer}.conv_2", HIDDEN, INNER, 3)
        dice.norm(f"{at}.norm_layers_2.{layer}", HIDDEN, "gamma", "beta")


def _flow(dice: _Dice, layers: int) -> None:
    for place in (0, 2, 4, 6):
        at = f"flow.flows.{place}"
        dice.conv(f"{at}.pre", HIDDEN, CHANNELS // 2, 1)
        dice.normed(f"{at}.enc.cond_layer", 2 * HIDDEN * layers, SPEAKER, 1)
        for layer in range(layers):
            dice.normed(f"{at}.enc.in_layers.{layer}", 2 * HIDDEN, HIDDEN, 5)
            dice.normed(f"{at}.enc.res_skip_layers.{layer}", (2 if layer < layers - 1 else 1) * HIDDEN, HIDDEN, 1)
        dice.conv(f"{at}.post", CHANNELS // 2, HIDDEN, 1)


def _generator(
    dice: _Dice, rates: tuple[int, ...], kernels: tuple[int, ...], *, harmonics: int, residual: str, first: int = FIRST
) -> None:
    dice.conv("dec.cond", first, SPEAKER, 1)
    if harmonics:
        dice.conv("dec.m_source.l_linear", 1, harmonics)
    for stage, kernel in enumerate(kernels):
        width = first // 2 ** (stage + 1)
        dice.normed(f"dec.ups.{stage}", 2 * width, width, kernel, out=width)
        if harmonics:
            stride = int(np.prod(rates[stage + 1 :]))
            dice.conv(f"dec.noise_convs.{stage}", width, 1, 2 * stride if stage + 1 < len(rates) else 1)
        for branch, size in enumerate((3, 5)):
            at = f"dec.resblocks.{2 * stage + branch}"
            for conv in range(3 if residual == "1" else 2):
                for name in ("convs1", "convs2") if residual == "1" else ("convs",):
                    dice.normed(f"{at}.{name}.{conv}", width, width, size)


def hugging_face_names(tensors: Tensors) -> Tensors:
    """fairseq's tensors of HuBERT as Hugging Face's class names them."""
    pairs = (
        ("feature_extractor.conv_layers.0.2.", "feature_extractor.conv_layers.0.layer_norm."),
        ("encoder.pos_conv.0.weight_g", "encoder.pos_conv_embed.conv.parametrizations.weight.original0"),
        ("encoder.pos_conv.0.weight_v", "encoder.pos_conv_embed.conv.parametrizations.weight.original1"),
        ("encoder.pos_conv.0.", "encoder.pos_conv_embed.conv."),
        ("mask_emb", "masked_spec_embed"),
        ("post_extract_proj.", "feature_projection.projection."),
        ("self_attn_layer_norm", "layer_norm"),
        ("self_attn", "attention"),
        ("fc1", "feed_forward.intermediate_dense"),
        ("fc2", "feed_forward.output_dense"),
    )
    named = {}
    for name, tensor in tensors.items():
        if name == "label_embs_concat":
            continue
        new = f"feature_projection.{name}" if name.startswith("layer_norm.") else name
        for theirs, own in pairs:
            new = new.replace(theirs, own)
        if new.startswith("feature_extractor.") and new.endswith(".0.weight"):
            new = new.removesuffix("0.weight") + "conv.weight"
        named[new] = tensor
    return named
