"""What is exact and needs no training: causality, and cached generation equal to the full pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn

from descant.nets.causal import CausalNet, Stream, one_hot
from descant.nets.seq_u_net import SeqUNetConfig
from descant.nets.seq_u_net_residual import SeqUNetResidual, SeqUNetResidualConfig
from descant.nets.seq_u_net_stream import SeqUNetStream
from descant.nets.tcn import Tcn, TcnConfig, TcnStream
from descant.nets.wavenet import WaveNet, WaveNetConfig, WaveNetStream
from descant.reproduce.seq_u_net.pairs import audio_pair, make_net
from descant.reproduce.seq_u_net.scale import AudioScale

_SMALL = SeqUNetResidualConfig(7, 5, 8, 4, 2, 5)
_NETS: dict[str, Any] = {
    "seq_u_net": SeqUNetConfig(7, 5, (8, 8, 8, 8), 3),
    "seq_u_net_kernel_5": SeqUNetConfig(7, 5, (8, 8, 8, 8), 5),
    "seq_u_net_residual": _SMALL,
    "tcn": TcnConfig(7, 5, (8, 8, 8, 8), 3),
    "wavenet": WaveNetConfig(7, 5, 2, 4, 8, 8, 16),
}
_PERIODS, _PERIOD = 3, 8  # of nets with four levels


def causality() -> dict[str, Any]:
    """How much outputs before t change when the input at t does, for positions over three periods of every net."""
    result: dict[str, Any] = {}
    for name, config in _NETS.items():
        torch.manual_seed(1)
        model = make_net(config).double().eval()
        x = torch.randn(1, 7, 10 * _PERIOD, dtype=torch.float64)
        positions = range(x.shape[-1] - _PERIODS * _PERIOD, x.shape[-1])
        leaks, echoes = zip(*(_change(cast("CausalNet", model), x, at) for at in positions), strict=True)
        result[name] = {"leak": max(leaks), "least_echo": min(echoes), "positions": len(positions)}
    return result


@torch.no_grad()
def _change(model: CausalNet, x: Tensor, at: int) -> tuple[float, float]:
    """The largest change before `at`, which must be 0, and at `at`, which must not."""
    changed = x.clone()
    changed[..., at] += 1.0
    difference = (model.whole(changed) - model.whole(x)).abs()
    return float(difference[..., :at].max()), float(difference[..., at].max())


def caching() -> dict[str, Any]:
    """The largest difference between cached steps and full passes that end on the same phase, over two periods."""
    result: dict[str, Any] = {}
    for dtype, label in ((torch.float64, "float64"), (torch.float32, "float32")):
        torch.manual_seed(2)
        u_net = SeqUNetResidual(_SMALL).to(dtype).eval()
        result[f"seq_u_net_{label}"] = _u_net_difference(u_net)
        wavenet = WaveNet(_NETS["wavenet"]).to(dtype).eval()
        past = wavenet.config.receptive_field
        x = torch.randn(2, 7, past + 16, dtype=dtype)
        result[f"wavenet_{label}"] = _difference(wavenet(x)[..., 1:], WaveNetStream(wavenet, x[..., :past]), x, past)
        tcn = Tcn(_NETS["tcn"]).to(dtype).eval()
        result[f"tcn_{label}"] = _difference(tcn(x), TcnStream(tcn, batch=2), x, 0)
    return result


@torch.no_grad()
def _difference(whole: Tensor, stream: Stream, x: Tensor, first: int) -> float:
    steps = [stream.step(x[..., t]) for t in range(first, x.shape[-1])]
    return float((torch.stack(steps, dim=-1) - whole).abs().max())


@torch.no_grad()
def _u_net_difference(model: SeqUNetResidual) -> float:
    """A full pass is anchored at its end, so one that ends a period later holds all phases between."""
    period = model.config.period
    needed = model.inputs_for(1)
    x = torch.randn(2, model.config.inputs, needed + 2 * period, dtype=next(model.parameters()).dtype)
    stream = SeqUNetStream(model, x[..., :needed])
    worst = 0.0
    for end in (period, 2 * period):
        whole = model(x[..., : needed + end])[..., -period:]
        steps = [stream.step(x[..., needed + t]) for t in range(end - period, end)]
        worst = max(worst, float((torch.stack(steps, dim=-1) - whole).abs().max()))
    return worst


def generation(name: str, scale: AudioScale, threads: int) -> dict[str, Any]:
    """Processor milliseconds per generated sample, cached and with a full pass per sample; random weights."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = make_net(audio_pair(scale).configs[name]).eval()
    assert isinstance(model, (WaveNet, SeqUNetResidual))
    inputs = model.inputs_for(1)
    past = one_hot(torch.randint(0, model.config.inputs, (1, inputs)), model.config.inputs)
    stream: Stream = WaveNetStream(model, past) if isinstance(model, WaveNet) else SeqUNetStream(model, past)
    table = torch.eye(model.config.inputs)
    generator = torch.Generator().manual_seed(0)

    def cached(x: Tensor) -> Tensor:
        logits = stream.step(x)
        return table[torch.multinomial(torch.softmax(logits, 1), 1, generator=generator)[:, 0]]

    full_samples = max(4, scale.generated // 16)
    cached_ms = _per_sample_ms(cached, past[..., -1], scale.generated)
    full_ms = _full_ms(model, past, full_samples)
    return {"cached_ms": cached_ms, "full_ms": full_ms, "generated": scale.generated}


def _per_sample_ms(step: Callable[[Tensor], Tensor], x: Tensor, samples: int) -> float:
    for _ in range(max(2, samples // 8)):
        x = step(x)
    started = time.process_time()
    for _ in range(samples):
        x = step(x)
    return 1e3 * (time.process_time() - started) / samples


@torch.no_grad()
def _full_ms(model: nn.Module, past: Tensor, samples: int) -> float:
    model(past)
    started = time.process_time()
    for _ in range(samples):
        torch.multinomial(torch.softmax(model(past)[..., -1], 1), 1)
    return 1e3 * (time.process_time() - started) / samples
