"""Which voice or content encoder of another program a checkpoint holds, told by its keys alone.

    RVC v1, v2       {"weight": tensors, "config": 18 items, "sr", "f0", "version"}, its "small model"
    so-vits-svc 4.x  {"model": tensors, ...} with a config.json beside it
    HuBERT base      fairseq's {"model": tensors, ...} or the bare names of Hugging Face's class: ContentVec is one

Nothing is believed that can be checked: the rate against what the generator's stages multiply to, the version against
the width of the content, the sizes against the tensors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from descant.errors import CheckpointError, InputNotFound, InvalidOption, UnsupportedFormat
from descant.files import input_error
from descant.hub.checkpoint import check_shapes, load_tensors
from descant.hub.convert import as_tensor, require_backed
from descant.hub.foreign import INDEX_SUFFIXES, Brought
from descant.hub.pickles import read_pickle
from descant.hub.weight_norm import fold, folded_shapes
from descant.nets.hubert import SAMPLE_RATE, Hubert, HubertConfig
from descant.nets.vits_voice import VitsVoice, VitsVoiceConfig

Raw = Mapping[str, torch.Tensor]

VOICE, CONTENT = "vits-voice", "hubert"
"""Architectures on the cards of what is recognised."""

_RVC_ITEMS = (
    *("spectrum", "segment", "channels", "hidden", "inner", "heads", "layers", "kernel", "dropout", "residual"),
    *("residual_kernels", "dilations", "rates", "first", "kernels", "speakers", "speaker", "sample_rate"),
)
"""What the items of RVC's `config` are."""

_RVC_CONTENT = {"v1": 256, "v2": 768}
_SO_VITS_RATE = 44_100
_SO_VITS_CONTENT = {"vec256l9": 256, "vec768l12": 768}
_PUBLISHED = {
    "hubertsoft": "HuBERT-soft, github.com/bshall/hubert",
    "whisper-ppg": "the encoder of Whisper medium, github.com/openai/whisper",
    "whisper-ppg-large": "the encoder of Whisper large-v2, github.com/openai/whisper",
    "cnhubertlarge": "Chinese HuBERT large, github.com/TencentGameMate/chinese_speech_pretrain",
    "dphubert": "DPHuBERT, github.com/pyf98/DPHuBERT",
    "wavlmbase+": "WavLM base+, github.com/microsoft/unilm, folder wavlm",
}
"""Features that so-vits-svc can be trained on and Descant does not compute."""

_FROM_SO_VITS = {
    "pre.": "enc_p.pre.",
    "emb_uv.": "enc_p.emb_uv.",
    "emb_vol.": "enc_p.emb_vol.",
    "enc_p.f0_emb.": "enc_p.emb_pitch.",
    "enc_p.enc_.": "enc_p.encoder.",
}
_TRAINING_ONLY = ("enc_q.", "f0_decoder.")
_FROM_HUGGING_FACE = {
    "feature_projection.layer_norm.": "layer_norm.",
    "feature_projection.projection.": "post_extract_proj.",
    "encoder.pos_conv_embed.conv.": "encoder.pos_conv.0.",
}
_LAYER_FROM_HUGGING_FACE = {
    ".attention.": ".self_attn.",
    ".feed_forward.intermediate_dense.": ".fc1.",
    ".feed_forward.output_dense.": ".fc2.",
}
_HEAD = 64
"""Dimensions of an attention head of every published HuBERT."""

_MOST_NUMBERS = 1 << 28
_MOST_JSON = 1 << 20
_AGAIN = "Get the file again from its author; files of two models may have been mixed up."


def recognise(path: Path, config: Path | None = None) -> Brought | None:
    """What a checkpoint is, ready to be used.

    Args:
        path: `.pth`, `.pt`, `.ckpt`, `.bin` or `.safetensors`.
        config: The `config.json` of a so-vits-svc voice; None looks beside the checkpoint.

    Returns:
        A voice or a content encoder; None for a checkpoint of another kind.

    Raises:
        UnsafeCheckpoint: It holds more than tensors and plain values.
        CheckpointError: It is damaged, or contradicts itself in rate, version or sizes.
        UnsupportedFormat: It is of one of the programs, and of a kind that cannot be used.
        InvalidOption: A so-vits-svc voice comes without its `config.json`.
        InputNotFound: There is no such file.
    """
    if not path.is_file():
        raise InputNotFound(f"There is no file {path}.", "Check the path.")
    if path.suffix.lower() in INDEX_SUFFIXES:
        return None
    held: object = load_tensors(path) if path.suffix.lower() == ".safetensors" else read_pickle(path)
    if not isinstance(held, Mapping):
        return None
    if isinstance(held.get("weight"), Mapping) and "enc_p.emb_phone.weight" in held["weight"]:
        return _rvc(held, path.name)
    inner = held.get("model")
    tensors = _tensors(inner if isinstance(inner, Mapping) else held)
    if "enc_p.f0_emb.weight" in tensors and "emb_g.weight" in tensors:
        return _so_vits(tensors, path, config or path.with_name("config.json"))
    if "enc_p.emb_phone.weight" in tensors:
        raise UnsupportedFormat(
            f"{path.name} is a checkpoint of an RVC training, which does not say its own sizes and rate.",
            "Save it as a small model in RVC (ckpt processing, extract), and import that one.",
        )
    if any(name.startswith("discriminators.") for name in tensors):
        raise UnsupportedFormat(
            f"{path.name} is a discriminator: it judged the voice in training and cannot sing.",
            "Import the generator; its name mostly begins with G_.",
        )
    renamed = {_fairseq_name(name): tensor for name, tensor in tensors.items()}
    if "feature_extractor.conv_layers.0.0.weight" in renamed and "post_extract_proj.weight" in renamed:
        return _hubert(renamed, path.name)
    return None


def _tensors(held: Mapping[Any, Any]) -> dict[str, torch.Tensor]:
    """The plain tensors; what a stranger may have put there else (sparse, quantised, empty ones) is no voice's."""
    return {
        str(name): value
        for name, value in held.items()
        if isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and value.is_floating_point()
        and not value.is_meta
    }


def _rvc(held: Mapping[Any, Any], where: str) -> Brought:
    tensors = _tensors(held["weight"])
    stated = held.get("config")
    if not isinstance(stated, (list, tuple)) or len(stated) != len(_RVC_ITEMS):
        raise CheckpointError(f"{where} is an RVC voice without its configuration of 18 items.", _AGAIN)
    sizes = dict(zip(_RVC_ITEMS, stated, strict=True))
    said = {key: _plain(value) for key, value in held.items() if key not in ("weight", "config")}
    version, width = said.get("version", "v1"), _side(tensors, "enc_p.emb_phone.weight", 1, where)
    if version not in _RVC_CONTENT:
        raise UnsupportedFormat(
            f"{where} is an RVC voice of the version {version!r}.", "Descant reads the versions v1 and v2."
        )
    if width != _RVC_CONTENT[version]:
        raise CheckpointError(
            f"{where} says that it is of RVC {version}, whose content has {_RVC_CONTENT[version]} dimensions, "
            f"but its own has {width}.",
            _AGAIN,
        )
    rate = _rate(sizes["sample_rate"], where)
    if "sr" in said and _rate(said["sr"], where) != rate:
        raise CheckpointError(f"{where} says {said['sr']!r} in one place and {rate} Hz in another.", _AGAIN)
    has_pitch = "enc_p.emb_pitch.weight" in tensors
    if bool(said.get("f0", has_pitch)) != has_pitch:
        stands = "with" if said["f0"] else "without"
        raise CheckpointError(f"{where} says that it is {stands} pitch, and its tensors say the opposite.", _AGAIN)
    for key, usual in (("vocoder", "HiFi-GAN"), ("embedder_model", "contentvec")):
        if said.get(key, usual) != usual:
            raise UnsupportedFormat(
                f"{where} is of a kind of RVC that Descant does not run: its {key} is {said[key]!r}.",
                f"Descant runs voices with {usual}.",
            )
    config = _config(where, tensors, program="rvc", content=width, sample_rate=rate, sizes=sizes)
    if config.hop * 100 != rate:
        raise CheckpointError(
            f"{where} says {rate} Hz, but its generator makes {config.hop} samples of 10 ms: {100 * config.hop} Hz.",
            _AGAIN,
        )
    kind = f"RVC {version}, {rate // 1000} kHz, {'with' if has_pitch else 'without'} pitch"
    return _voice(config, tensors, kind, {}, where)


def _so_vits(tensors: Raw, path: Path, config_path: Path) -> Brought:
    where = path.name
    stated = _read_json(config_path, where)
    try:
        model, data, named = stated["model"], stated["data"], stated["spk"]
        rate, hop = int(data["sampling_rate"]), int(data["hop_length"])
        speakers = {str(name): int(number) for name, number in named.items()}
        sizes = {
            "channels": model["inter_channels"], "hidden": model["hidden_channels"],
            "inner": model["filter_channels"], "heads": model["n_heads"], "layers": model["n_layers"],
            "kernel": model["kernel_size"], "residual": model["resblock"],
            "residual_kernels": model["resblock_kernel_sizes"], "dilations": model["resblock_dilation_sizes"],
            "rates": model["upsample_rates"], "kernels": model["upsample_kernel_sizes"],
            "first": model["upsample_initial_channel"], "speaker": model["gin_channels"],
        }  # fmt: skip
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CheckpointError(f"{config_path} is no configuration of a so-vits-svc voice: {error}.", _AGAIN) from error
    width = _side(tensors, "pre.weight", 1, where)
    _check_content(model, width, where)
    _check_kind(model, where)
    if rate != _SO_VITS_RATE:
        raise UnsupportedFormat(
            f"{config_path} says {rate} Hz; voices of so-vits-svc 4 work at 44100 Hz.",
            "Voices of so-vits-svc 3 and older are not read.",
        )
    own = {_renamed(name, _FROM_SO_VITS): tensor for name, tensor in tensors.items()}
    config = _config(where, own, program="so-vits-svc", content=width, sample_rate=rate, sizes=sizes)
    if config.hop != hop:
        raise CheckpointError(
            f"{config_path} says {hop} samples a frame, but the generator's stages multiply to {config.hop}.", _AGAIN
        )
    if not speakers or not all(0 <= number < config.speakers for number in speakers.values()):
        raise CheckpointError(f"{config_path} names speakers that {where} does not hold.", _AGAIN)
    return _voice(config, own, f"so-vits-svc 4, {len(speakers)} speaker(s)", speakers, where)


def _check_content(model: Mapping[str, Any], width: int, where: str) -> None:
    encoder = str(model.get("speech_encoder", {256: "vec256l9"}.get(width, "vec768l12"))).removesuffix("-onnx")
    if encoder not in _SO_VITS_CONTENT:
        published = _PUBLISHED.get(encoder)
        raise UnsupportedFormat(
            f"{where} needs the content features {encoder!r}{f' ({published})' if published else ''}, "
            "which Descant does not compute.",
            f"Descant computes ContentVec's: {' and '.join(_SO_VITS_CONTENT)}.",
        )
    stated = model.get("ssl_dim", width)
    if _SO_VITS_CONTENT[encoder] != width or stated != width:
        raise CheckpointError(
            f"{where} was trained on content of {width} dimensions, but its configuration says {encoder} and {stated}.",
            _AGAIN,
        )


def _check_kind(model: Mapping[str, Any], where: str) -> None:
    usual = {
        "vocoder_name": "nsf-hifigan",
        "use_transformer_flow": False,
        "flow_share_parameter": False,
        "use_depthwise_conv": False,
    }
    for key, value in usual.items():
        if model.get(key, value) != value:
            raise UnsupportedFormat(
                f"{where} is of a kind of so-vits-svc that Descant does not run: {key} is {model[key]!r}.",
                f"Descant runs voices with {key} {value!r}, which is the usual.",
            )


def _config(
    where: str, tensors: Raw, *, program: str, content: int, sample_rate: int, sizes: Mapping[str, Any]
) -> VitsVoiceConfig:
    """Sizes: what is stated, and for what is not stated what the tensors show."""
    flows = {name.split(".")[2] for name in tensors if name.startswith("flow.flows.") and ".pre." in name}
    inside = {name.split(".")[5] for name in tensors if name.startswith("flow.flows.0.enc.in_layers.")}
    source = tensors.get("dec.m_source.l_linear.weight")
    try:
        return VitsVoiceConfig.from_json(
            {
                **{key: sizes[key] for key in ("channels", "hidden", "inner", "heads", "layers", "kernel", "speaker")},
                **{key: sizes[key] for key in ("residual_kernels", "dilations", "rates", "kernels", "first")},
                "program": program,
                "content": content,
                "sample_rate": sample_rate,
                "window": _side(tensors, "enc_p.encoder.attn_layers.0.emb_rel_k", 1, where) // 2,
                "flows": len(flows),
                "flow_layers": len(inside),
                "is_paired": str(sizes["residual"]) == "1",
                "speakers": _side(tensors, "emb_g.weight", 0, where),
                "harmonics": 0 if source is None else int(source.shape[-1]),
                "hears_level": "enc_p.emb_vol.weight" in tensors,
            }
        )
    except (LookupError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise CheckpointError(f"{where} states impossible sizes: {error}.", _AGAIN) from error


def _voice(config: VitsVoiceConfig, tensors: Raw, kind: str, speakers: dict[str, int], where: str) -> Brought:
    with torch.device("meta"):
        net = VitsVoice(config)
    needed = {name: tensor for name, tensor in tensors.items() if not name.startswith(_TRAINING_ONLY)}
    stated = {"network": config.to_json(), "speakers": speakers, "kind": kind}
    return Brought("convert", VOICE, _fitted(net, needed, where), stated, kind, config.sample_rate)


def _hubert(tensors: Raw, where: str) -> Brought:
    layers = {name.split(".")[2] for name in tensors if name.startswith("encoder.layers.")}
    shapes = folded_shapes(tensors)
    try:
        channels, _, _ = shapes["feature_extractor.conv_layers.0.0.weight"]
        width, _ = shapes["post_extract_proj.weight"]
        inner, _ = shapes["encoder.layers.0.fc1.weight"]
        _, grouped, reach = shapes["encoder.pos_conv.0.weight"]
        projected = shapes.get("final_proj.weight", (0,))[0]
        heads = max(1, width // _HEAD)
        config = HubertConfig(len(layers), width, inner, heads, channels, reach, width // grouped, projected)
        if sum(math.prod(shape) for shape in shapes.values()) > _MOST_NUMBERS or width % heads:
            raise ValueError("sizes that no HuBERT has")
        with torch.device("meta"):
            net = Hubert(config)
    except (LookupError, ValueError, ZeroDivisionError) as error:
        raise CheckpointError(f"{where} is no HuBERT of the base kind: {error}.", _AGAIN) from error
    extra = ("mask_emb", "masked_spec_embed", "label_embs_concat")
    needed = {name: tensor for name, tensor in tensors.items() if name not in extra}
    kind = f"HuBERT or ContentVec, {len(layers)} layers, {width} dimensions" + ("" if projected else ", no projection")
    stated = {field: getattr(config, field) for field in config.__dataclass_fields__}
    return Brought("content", CONTENT, _fitted(net, needed, where), {"network": stated}, kind, SAMPLE_RATE)


def _fitted(net: torch.nn.Module, tensors: Raw, where: str) -> dict[str, torch.Tensor]:
    """The tensors of a net, weight norm folded, float32; sizes are compared before anything is copied."""
    shapes = {name: tuple(value.shape) for name, value in net.state_dict().items()}
    if sum(math.prod(shape) for shape in shapes.values()) > _MOST_NUMBERS:
        raise CheckpointError(f"{where} claims more than {_MOST_NUMBERS:,} numbers.", "No such voice is known.")
    found = folded_shapes(tensors)
    check_shapes({name: torch.empty(shape, device="meta") for name, shape in found.items()}, shapes, where=where)
    require_backed(tensors, where)
    copied = {name: as_tensor(tensor) for name, tensor in tensors.items()}
    whole = fold({name: tensor.float() for name, tensor in copied.items() if tensor is not None})
    check_shapes(whole, shapes, where=where)
    for name, tensor in whole.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(f"{where} holds values that are no numbers, in '{name}'.", "Its training diverged.")
    return whole


def _side(tensors: Raw, name: str, axis: int, where: str) -> int:
    tensor = tensors.get(name)
    if tensor is None or tensor.ndim <= axis:
        raise CheckpointError(f"{where} lacks the tensor '{name}', or it is misshapen.", _AGAIN)
    return int(tensor.shape[axis])


def _plain(value: object) -> object:
    """A word or number as it stands; of anything else (arrays, lists of lists) only what it is."""
    return value if value is None or isinstance(value, (str, int, float)) else f"a {type(value).__name__}"


def _rate(stated: object, where: str) -> int:
    """A rate as a number of hertz, or as RVC writes it ("40k")."""
    text = str(_plain(stated)).lower()
    digits = text.removesuffix("k")
    if not digits.isdecimal() or len(digits) > 6:
        raise CheckpointError(f"{where} states the impossible rate {stated!r}.", _AGAIN)
    return int(digits) * (1000 if text.endswith("k") else 1)


def _read_json(path: Path, where: str) -> dict[str, Any]:
    if not path.is_file():
        raise InvalidOption(
            f"{where} is a so-vits-svc voice, whose sizes and speakers are in a config.json, and {path} is not there.",
            "Give it: --config.",
        )
    try:
        if path.stat().st_size > _MOST_JSON:
            raise ValueError("it is too large")
        stated = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise input_error(error, path) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.", _AGAIN) from error
    if not isinstance(stated, dict):
        raise CheckpointError(f"{path} is no configuration of a so-vits-svc voice.", _AGAIN)
    return stated


def _renamed(name: str, table: Mapping[str, str]) -> str:
    for theirs, own in table.items():
        if name.startswith(theirs):
            return own + name.removeprefix(theirs)
    return name


def _fairseq_name(name: str) -> str:
    """A name of Hugging Face's HuBERT as fairseq has it; others stay."""
    name = _renamed(name.removeprefix("hubert."), _FROM_HUGGING_FACE)
    if name.startswith("feature_extractor."):
        return name.replace(".conv.", ".0.").replace(".layer_norm.", ".2.")
    if name.startswith("encoder.layers."):
        for theirs, own in _LAYER_FROM_HUGGING_FACE.items():
            name = name.replace(theirs, own)
        return name.replace(".layer_norm.", ".self_attn_layer_norm.")
    return name
