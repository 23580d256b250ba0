"""Pairs of nets that are compared: a Seq-U-Net and the dilated net of the same size or reach."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from descant.data.lagged_symbols import SYMBOLS
from descant.data.note_audio import CLASSES
from descant.data.piano_rolls import KEYS
from descant.nets.causal import parameter_count
from descant.nets.seq_u_net import SeqUNet, SeqUNetConfig
from descant.nets.seq_u_net_residual import SeqUNetResidual, SeqUNetResidualConfig
from descant.nets.tcn import Tcn, TcnConfig
from descant.nets.wavenet import WaveNet, WaveNetConfig
from descant.reproduce.seq_u_net.scale import AudioScale, LagScale, RollScale

NetConfig = SeqUNetConfig | SeqUNetResidualConfig | TcnConfig | WaveNetConfig


def make_net(config: NetConfig) -> nn.Module:
    """The network of a configuration."""
    if isinstance(config, SeqUNetConfig):
        return SeqUNet(config)
    if isinstance(config, TcnConfig):
        return Tcn(config)
    if isinstance(config, WaveNetConfig):
        return WaveNet(config)
    return SeqUNetResidual(config)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two nets for the same task, by the names of their arms."""

    baseline: str
    configs: dict[str, NetConfig]

    @property
    def parameters(self) -> dict[str, int]:
        """Trainable numbers of each."""
        return {name: parameter_count(make_net(config)) for name, config in self.configs.items()}


def roll_pair(scale: RollScale) -> Pair:
    """TCN and Seq-U-Net for piano rolls."""
    tcn = TcnConfig(KEYS, KEYS, (scale.tcn_width,) * scale.levels, scale.kernel, scale.dropout)
    u_net = SeqUNetConfig(KEYS, KEYS, (scale.seq_u_net_width,) * scale.levels, scale.kernel, scale.dropout)
    return Pair("tcn", {"tcn": tcn, "seq_u_net": u_net})


def lag_pair(scale: LagScale) -> Pair:
    """TCN and Seq-U-Net for the copying task."""
    tcn = TcnConfig(SYMBOLS, SYMBOLS, (scale.tcn_width,) * scale.levels)
    u_net = SeqUNetConfig(SYMBOLS, SYMBOLS, (scale.seq_u_net_width,) * scale.levels)
    return Pair("tcn", {"tcn": tcn, "seq_u_net": u_net})


def audio_pair(scale: AudioScale) -> Pair:
    """WaveNet and residual Seq-U-Net of equal receptive field."""
    width = scale.wavenet_width
    wavenet = WaveNetConfig(
        CLASSES, CLASSES, scale.wavenet_blocks, scale.wavenet_layers, width, width, scale.wavenet_skip
    )
    u_net = SeqUNetResidualConfig(CLASSES, CLASSES, scale.width, scale.levels, scale.depth)
    return Pair("wavenet", {"wavenet": wavenet, "seq_u_net": u_net})


def depth_pair(levels: int, tcn_width: int) -> Pair:
    """TCN and Seq-U-Net of a depth, with parameters as equal as whole channels allow."""
    tcn = TcnConfig(KEYS, KEYS, (tcn_width,) * levels)
    wanted = parameter_count(Tcn(tcn))
    widths = range(tcn_width // 4, tcn_width + 1)
    best = min(widths, key=lambda w: abs(parameter_count(SeqUNet(SeqUNetConfig(KEYS, KEYS, (w,) * levels))) - wanted))
    return Pair("tcn", {"tcn": tcn, "seq_u_net": SeqUNetConfig(KEYS, KEYS, (best,) * levels)})
