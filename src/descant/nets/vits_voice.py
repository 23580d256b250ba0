"""`VitsVoice`: the net of the voices that RVC (v1, v2) and so-vits-svc (4.x) train, written from the published design.

Content and pitch become a distribution (`RelativeEncoder`), a sample of it is carried to how the speaker sounds
(`CouplingFlow`), and that becomes samples (`NsfHifigan`): VITS (Kim et al., 2021) without its text, alignment and
posterior. The two programs differ in how content, pitch and voicing enter, in the source, and in sizes; see
`VitsVoiceConfig`. Parameters are named as in RVC's checkpoints, whose few additions from so-vits-svc stand beside them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.errors import CheckpointError
from descant.nets.coupling_flow import CouplingFlow
from descant.nets.nsf_hifigan import NsfHifigan
from descant.nets.relative_encoder import RelativeEncoder

PITCHES = 256
"""Steps in which the encoder is told the pitch; 0 is none."""

_LOWEST_HZ, _HIGHEST_HZ = 50.0, 1100.0
_MEL_SCALE, _KNEE_HZ = 1127.0, 700.0
_CONTENT_KERNEL = 5
_SLOPE = 0.1
_KINDS: dict[str, type] = {"program": str, "is_paired": bool, "hears_level": bool}
"""What stands in a configuration; all else is integers and lists of them."""

_MOST = {"channels": 4096, "layers": 64, "kernel": 65, "speakers": 100_000, "rate": 192_000, "hop": 4096}


@dataclass(frozen=True, slots=True)
class VitsVoiceConfig:
    """What a checkpoint says of itself.

    Attributes:
        program: "rvc" or "so-vits-svc".
        content: Dimensions of a frame of content.
        sample_rate: Of the sound, in hertz.
        channels: Of the distribution and of what the flow moves.
        hidden: Of the encoder and of the flow's small nets.
        inner: Between an encoder layer's convolutions.
        heads: Of the attention.
        layers: Of the encoder.
        kernel: Of an encoder layer's convolutions.
        window: Frames that the attention's distances reach.
        flows: Steps of the flow.
        flow_layers: Layers of each.
        rates: By how much the generator's stages enlarge; their product is the hop in samples.
        kernels: Of these stages.
        first: Channels before the first stage.
        residual_kernels: Of the residual blocks after each stage.
        dilations: Of each of these blocks.
        is_paired: Residual blocks of kind "1".
        speakers: How many the net knows.
        speaker: Dimensions of a speaker's embedding.
        harmonics: Sines of the source; 0 for voices without a pitch.
        hears_level: Whether the encoder is told how loud it is.
    """

    program: str
    content: int
    sample_rate: int
    channels: int
    hidden: int
    inner: int
    heads: int
    layers: int
    kernel: int
    window: int
    flows: int
    flow_layers: int
    rates: tuple[int, ...]
    kernels: tuple[int, ...]
    first: int
    residual_kernels: tuple[int, ...]
    dilations: tuple[tuple[int, ...], ...]
    is_paired: bool
    speakers: int
    speaker: int
    harmonics: int
    hears_level: bool = False

    def __post_init__(self) -> None:
        """Refuse what no such net can be: sizes come from a stranger's file."""
        channels = (self.content, self.channels, self.hidden, self.inner, self.first, self.speaker)
        limits = (
            ("program", self.program in {"rvc", "so-vits-svc"}),
            ("channels", all(1 <= size <= _MOST["channels"] for size in channels) and self.channels % 2 == 0),
            ("heads", 1 <= self.heads <= self.hidden and self.hidden % self.heads == 0),
            ("layers", all(1 <= count <= _MOST["layers"] for count in (self.layers, self.flows, self.flow_layers))),
            ("window", 0 <= self.window <= _MOST["channels"]),
            ("kernel", all(1 <= k <= _MOST["kernel"] for k in (self.kernel, *self.residual_kernels))),
            ("residual kernels", all(k % 2 == 1 for k in self.residual_kernels)
             and 1 <= len(self.residual_kernels) <= _MOST["layers"]),
            ("dilations", len(self.dilations) == len(self.residual_kernels)
             and all(1 <= d <= _MOST["kernel"] for row in self.dilations for d in row)
             and all(1 <= len(row) <= _MOST["layers"] for row in self.dilations)),
            ("rates", 1 <= len(self.rates) <= 8 and all(1 <= r <= _MOST["hop"] for r in self.rates)
             and self.hop <= _MOST["hop"]),
            ("kernels", len(self.kernels) == len(self.rates)
             and all(_MOST["hop"] >= kernel >= rate and (kernel - rate) % 2 == 0
                     for kernel, rate in zip(self.kernels, self.rates, strict=True))),
            ("first channels", self.first % 2 ** min(len(self.rates), 8) == 0),
            ("speakers", 1 <= self.speakers <= _MOST["speakers"]),
            ("sample rate", 8_000 <= self.sample_rate <= _MOST["rate"] and self.sample_rate % 100 == 0),
            ("harmonics", (self.program != "rvc") <= self.harmonics <= _MOST["layers"]),
        )  # fmt: skip
        for name, is_possible in limits:
            if not is_possible:
                raise CheckpointError(
                    f"The configuration of the voice is impossible: {name}.", "Get the file again from its author."
                )

    @property
    def hop(self) -> int:
        """Samples of a frame."""
        return math.prod(self.rates)

    @property
    def has_pitch(self) -> bool:
        """Whether it sings the melody it is given; other voices speak as they like."""
        return self.harmonics > 0

    def to_json(self) -> dict[str, Any]:
        """As it stands in `config.json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, stated: Mapping[str, Any]) -> VitsVoiceConfig:
        """Read back.

        Raises:
            KeyError, TypeError, ValueError, OverflowError, RuntimeError: It is none.
            CheckpointError: It is impossible.
        """
        lists = {"rates", "kernels", "residual_kernels"}
        values: dict[str, Any] = {}
        for field in fields(cls):
            value = stated[field.name]
            if field.name in lists:
                value = tuple(int(one) for one in value)
            elif field.name == "dilations":
                value = tuple(tuple(int(one) for one in row) for row in value)
            elif type(value) is not _KINDS.get(field.name, int):  # a bool is an int to Python, and no size to PyTorch
                raise TypeError(f"'{field.name}' is a {type(value).__name__}")
            values[field.name] = value
        return cls(**values)


class _Prior(nn.Module):
    """Content, pitch and voicing to a distribution."""

    def __init__(self, config: VitsVoiceConfig) -> None:
        super().__init__()
        hidden = config.hidden
        self.config = config
        if config.program == "rvc":
            self.emb_phone = nn.Linear(config.content, hidden)
        else:
            self.pre = nn.Conv1d(config.content, hidden, _CONTENT_KERNEL, padding=_CONTENT_KERNEL // 2)
            self.emb_uv = nn.Embedding(2, hidden)
            if config.hears_level:
                self.emb_vol = nn.Linear(1, hidden)
        if config.has_pitch:
            self.emb_pitch = nn.Embedding(PITCHES, hidden)
        self.encoder = RelativeEncoder(hidden, config.inner, config.heads, config.layers, config.kernel, config.window)
        self.proj = nn.Conv1d(hidden, 2 * config.channels, 1)

    def forward(self, content: Tensor, f0_hz: Tensor, voiced: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        if self.config.program == "rvc":
            x = self.emb_phone(content)
            if self.config.has_pitch:
                x = x + self.emb_pitch(pitch_steps(f0_hz))
            x = F.leaky_relu(x * math.sqrt(self.config.hidden), _SLOPE)
        else:
            x = self.pre(content.transpose(1, 2)).transpose(1, 2) + self.emb_uv(voiced.long())
            if self.config.hears_level:
                x = x + self.emb_vol(level.unsqueeze(-1))
            x = x + self.emb_pitch(pitch_steps(f0_hz))
        mean, log_deviation = self.proj(self.encoder(x.transpose(1, 2))).chunk(2, dim=1)
        return mean, log_deviation


@dataclass(frozen=True, slots=True, eq=False)
class VoiceFrames:
    """What is to be sung; frame k begins at sample k * hop.

    Attributes:
        content: [batch, frames, content].
        f0_hz: [batch, frames]. For RVC 0 where there is no voice; so-vits-svc wants a pitch everywhere.
        voiced: 0 or 1, [batch, frames].
        level: RMS of the source, [batch, frames].
        cycles: Phase of `f0_hz` at the start of each frame, in cycles, [batch, frames], float64.
    """

    content: Tensor
    f0_hz: Tensor
    voiced: Tensor
    level: Tensor
    cycles: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class VoiceNoise:
    """All randomness of a rendering, of unit variance.

    Attributes:
        latent: [batch, channels, frames].
        source: Of the frames that become sound, [batch, frames * hop, harmonics].
        offsets: Phases of the source's sines at the beginning, in cycles, [harmonics].
    """

    latent: Tensor
    source: Tensor
    offsets: Tensor


class VitsVoice(nn.Module):
    """See the module.

    Args:
        config: Sizes.
    """

    def __init__(self, config: VitsVoiceConfig) -> None:
        super().__init__()
        self.config = config
        self.enc_p = _Prior(config)
        self.flow = CouplingFlow(config.channels, config.hidden, config.flow_layers, config.flows, config.speaker)
        self.dec = NsfHifigan(
            channels=config.channels,
            first=config.first,
            rates=config.rates,
            kernels=config.kernels,
            residual_kernels=config.residual_kernels,
            dilations=config.dilations,
            is_paired=config.is_paired,
            speaker=config.speaker,
            harmonics=config.harmonics,
            sample_rate=config.sample_rate,
            ends_with_bias=config.program == "so-vits-svc",
        )
        self.emb_g = nn.Embedding(config.speakers, config.speaker)

    def forward(
        self, frames: VoiceFrames, speaker: Tensor, noise: VoiceNoise, temper: float, kept: slice = slice(None)
    ) -> Tensor:
        """Sound.

        Args:
            frames: What is to be sung.
            speaker: Number of the speaker, [batch].
            noise: Its randomness.
            temper: Share of the distribution's width that is used.
            kept: Which frames become sound; the others are only heard by the encoder, which costs a tenth.

        Returns:
            -1..1, [batch, kept frames * hop] at the voice's sample rate.
        """
        who = self.emb_g(speaker).unsqueeze(-1)
        mean, log_deviation = self.enc_p(frames.content, frames.f0_hz, frames.voiced, frames.level)
        prior = mean + torch.exp(log_deviation) * noise.latent * temper
        hidden = self.flow(prior, who, reverse=True)[..., kept]
        source = None
        if self.config.has_pitch:
            source = self.dec.m_source(frames.f0_hz[:, kept], frames.cycles[:, kept], noise.source, noise.offsets)
        return cast("Tensor", self.dec(hidden, who, source))


def pitch_steps(f0_hz: Tensor) -> Tensor:
    """A pitch in one of 255 steps, equally wide in mel from 50 to 1100 Hz; no pitch is the lowest, 1."""
    low, high = _MEL_SCALE * math.log1p(_LOWEST_HZ / _KNEE_HZ), _MEL_SCALE * math.log1p(_HIGHEST_HZ / _KNEE_HZ)
    mel = _MEL_SCALE * torch.log1p(f0_hz / _KNEE_HZ)
    steps = (mel - low) * (PITCHES - 2) / (high - low) + 1.0
    return steps.round().long().clamp(1, PITCHES - 1)
