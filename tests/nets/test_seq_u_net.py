"""Seq-U-Net, TCN and WaveNet: published sizes and lengths, causality to the bit, cached generation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from descant.errors import InvalidOption
from descant.nets.causal import Queue, TokenModel, one_hot, parameter_count
from descant.nets.seq_u_net import SeqUNet, SeqUNetConfig, Span, fit_length
from descant.nets.seq_u_net_residual import SeqUNetResidual, SeqUNetResidualConfig
from descant.nets.seq_u_net_stream import SeqUNetStream
from descant.nets.tcn import Tcn, TcnConfig, TcnStream
from descant.nets.wavenet import WaveNet, WaveNetConfig, WaveNetStream


@pytest.mark.parametrize(
    ("net", "parameters"),
    [
        (Tcn(TcnConfig(88, 88, (220, 220), 3)), 534_468),  # chorales, as published
        (SeqUNet(SeqUNetConfig(88, 88, (175, 175), 3)), 521_938),
        (Tcn(TcnConfig(88, 88, (215,) * 4, 5)), 1_754_058),  # Nottingham: 1.75 and 1.77 million
        (SeqUNet(SeqUNetConfig(88, 88, (150,) * 4, 5)), 1_768_738),
        (WaveNet(WaveNetConfig()), 8_141_184),  # audio: 8.14 and 26.87 million
        (SeqUNetResidual(SeqUNetResidualConfig()), 26_867_236),
    ],
    ids=["tcn-jsb", "seq-u-net-jsb", "tcn-nottingham", "seq-u-net-nottingham", "wavenet", "seq-u-net-audio"],
)
def test_has_the_published_number_of_parameters(net: nn.Module, parameters: int) -> None:
    assert parameter_count(net) == parameters


@pytest.mark.parametrize(
    ("vocabulary", "width", "tcn", "u_net", "millions"),
    [
        (50, 100, (600, 600, 600, 100), (390, 390, 390, 100), (5.92, 5.91)),
        (10_000, 600, (600, 600, 600, 600), (390, 390, 390, 600), (14.66, 14.91)),
    ],
    ids=["characters", "words"],
)
def test_text_models_with_tied_weights_have_the_published_size(
    vocabulary: int, width: int, tcn: tuple[int, ...], u_net: tuple[int, ...], millions: tuple[float, float]
) -> None:
    with torch.device("meta"):
        nets = (Tcn(TcnConfig(width, None, tcn)), SeqUNet(SeqUNetConfig(width, width, u_net)))
        models = [TokenModel(vocabulary, width, net) for net in nets]
    assert tuple(round(parameter_count(m) / 1e6, 2) for m in models) == millions


@pytest.mark.parametrize(
    ("levels", "kernel", "wanted", "inputs", "outputs", "context", "tcn_field"),
    [
        (4, 3, 320, 397, 325, 72, 61),
        (4, 3, 45, 117, 45, 72, 61),
        (4, 5, 100, 249, 105, 144, 121),
        (2, 3, 99, 111, 99, 12, 13),
    ],
)
def test_the_length_rule_gives_the_published_lengths(
    levels: int, kernel: int, wanted: int, inputs: int, outputs: int, context: int, tcn_field: int
) -> None:
    span = fit_length(wanted, levels=levels, kernel=kernel)
    assert span == Span(inputs, outputs)
    assert span.context == context
    assert TcnConfig(1, 1, (1,) * levels, kernel).receptive_field == tcn_field
    net = SeqUNet(SeqUNetConfig(2, 3, (4,) * levels, kernel))
    assert net(torch.randn(1, 2, inputs)).shape == (1, 3, outputs)


def _millions_per_step(net: Any, channels: int, inputs: int) -> float:
    """Multiply-adds per output of a long pass, counted by PyTorch."""
    with FlopCounterMode(display=False) as counted:
        outputs = net(torch.empty(1, channels, inputs, device="meta")).shape[-1]
    return counted.get_total_flops() / 2 / outputs / 1e6


@pytest.mark.parametrize(
    ("config", "millions"),
    [
        (SeqUNetConfig(100, 100, (390, 390, 390, 100)), 2.77),
        (SeqUNetConfig(600, 600, (390, 390, 390, 600)), 3.90),
        (SeqUNetConfig(88, 88, (150,) * 4, 5), 0.77),
        (SeqUNetConfig(88, 88, (175,) * 2, 3), 0.38),
    ],
    ids=["characters", "words", "nottingham", "jsb"],
)
def test_a_step_takes_the_published_multiply_adds(config: SeqUNetConfig, millions: float) -> None:
    with torch.device("meta"):
        net = SeqUNet(config)
    counted = _millions_per_step(net, config.inputs, net.span(1_000_000).inputs)
    assert counted == pytest.approx(millions, abs=0.005)


def test_the_audio_nets_take_the_published_multiply_adds() -> None:
    with torch.device("meta"):
        u_net, wavenet = SeqUNetResidual(SeqUNetResidualConfig()), WaveNet(WaveNetConfig())
    assert _millions_per_step(u_net, 256, u_net.inputs_for(10_000_000)) == pytest.approx(4.81, abs=0.005)
    assert _millions_per_step(wavenet, 256, wavenet.inputs_for(100_000_000)) == pytest.approx(8.09, abs=0.006)


def test_the_published_audio_nets_reach_two_seconds_back() -> None:
    config = SeqUNetResidualConfig()
    span = config.fit_length(5120)
    assert span.inputs == 36_857
    assert span.outputs >= 5120
    assert WaveNetConfig().receptive_field == 32_765
    # The sheet says 32,761: it counts the inputs for 5120 outputs, of which 12 more come out.
    assert config.receptive_field == 32_749
    assert config.receptive_field == span.context + config.period


@pytest.mark.parametrize(("levels", "depth", "kernel"), [(3, 1, 3), (4, 2, 5), (5, 1, 5)])
def test_the_receptive_field_is_what_gradients_reach(levels: int, depth: int, kernel: int) -> None:
    torch.manual_seed(0)
    config = SeqUNetResidualConfig(2, 3, 8, levels, depth, kernel)
    span = config.fit_length(config.period)
    x = torch.randn(1, 2, span.inputs, dtype=torch.float64, requires_grad=True)
    y = SeqUNetResidual(config).double()(x)
    assert y.shape[-1] == span.outputs
    longest = 0
    for output in range(span.outputs - config.period, span.outputs):
        (gradient,) = torch.autograd.grad(y[0, :, output].sum(), x, retain_graph=True)
        reached = gradient.abs().sum((0, 1)).nonzero()[:, 0]
        now = span.context + output
        assert reached.max() == now  # causal, and not blind to the sample just read
        longest = max(longest, now - int(reached.min()) + 1)
    assert longest == config.receptive_field


CAUSAL: list[Callable[[], Any]] = [  # wide enough that the last ReLU never silences all channels
    lambda: SeqUNet(SeqUNetConfig(3, 2, (15, 16, 17, 18), 3)),
    lambda: SeqUNet(SeqUNetConfig(3, 2, (15, 16, 17), 5)),
    lambda: SeqUNetResidual(SeqUNetResidualConfig(3, 2, 24, 4, 2, 5)),
    lambda: SeqUNetResidual(SeqUNetResidualConfig(3, 2, 24, 4, 1, 3)),
    lambda: Tcn(TcnConfig(3, 2, (15, 16, 17, 18), 3)),
    lambda: WaveNet(WaveNetConfig(3, 2, 2, 4, 16, 16, 24)),
]
IDS = ["plain-3", "plain-5", "residual-5", "residual-3", "tcn", "wavenet"]


@pytest.mark.parametrize("make", CAUSAL, ids=IDS)
@pytest.mark.parametrize("time", [61, 64])
def test_the_future_changes_nothing_at_any_phase(make: Callable[[], Any], time: int) -> None:
    torch.manual_seed(3)
    net = make().double().eval()
    x = torch.randn(1, 3, time, dtype=torch.float64)
    with torch.no_grad():
        before = net.whole(x)
        assert before.shape == (1, 2, time)
        for at in range(time - 24, time):  # three periods of the slowest net
            changed = x.clone()
            changed[..., at] += 1.0
            difference = (net.whole(changed) - before).abs().amax(1)[0]
            assert difference[:at].max() == 0.0
            assert difference[at] > 0.0


@pytest.mark.parametrize(("levels", "depth", "kernel"), [(2, 1, 3), (4, 1, 5), (4, 2, 5), (3, 2, 7)])
def test_cached_generation_equals_the_full_pass_at_every_phase(levels: int, depth: int, kernel: int) -> None:
    torch.manual_seed(4)
    config = SeqUNetResidualConfig(4, 3, 6, levels, depth, kernel)
    net = SeqUNetResidual(config).double().eval()
    needed, period = net.inputs_for(1), config.period
    x = torch.randn(2, 4, needed + 3 * period, dtype=torch.float64)
    stream = SeqUNetStream(net, x[..., :needed])
    with torch.no_grad():
        for end in range(period, 4 * period, period):
            whole = net(x[..., : needed + end])[..., -period:]
            steps = [stream.step(x[..., needed + t]) for t in range(end - period, end)]
            assert (torch.stack(steps, -1) - whole).abs().max() < 1e-12


def test_cached_generation_in_single_precision_stays_within_1e_5() -> None:
    torch.manual_seed(5)
    net = SeqUNetResidual(SeqUNetResidualConfig(8, 8, 16, 5, 2, 5)).eval()
    needed, period = net.inputs_for(1), net.config.period
    x = torch.randn(1, 8, needed + period)
    stream = SeqUNetStream(net, x[..., :needed])
    with torch.no_grad():
        whole = net(x)[..., -period:]
        steps = [stream.step(x[..., needed + t]) for t in range(period)]
    assert (torch.stack(steps, -1) - whole).abs().max() < 1e-5


def test_full_passes_on_constant_input_repeat_with_the_period() -> None:
    torch.manual_seed(6)
    config = SeqUNetResidualConfig(2, 3, 6, 4, 1, 5)
    net = SeqUNetResidual(config).double().eval()
    span = config.fit_length(3 * config.period)
    with torch.no_grad():
        y = net(torch.ones(1, 2, span.inputs, dtype=torch.float64))[0]
    p = config.period
    assert torch.allclose(y[:, -p:], y[:, -2 * p : -p], atol=1e-12, rtol=0)
    assert not torch.allclose(y[:, -p:-1], y[:, -p + 1 :], atol=1e-6)  # and not with less


def test_tcn_stream_equals_the_full_pass_from_the_first_sample() -> None:
    torch.manual_seed(7)
    net = Tcn(TcnConfig(3, 5, (6, 6, 7), 4)).double().eval()
    x = torch.randn(2, 3, 60, dtype=torch.float64)
    stream = TcnStream(net, batch=2)
    steps = torch.stack([stream.step(x[..., t]) for t in range(60)], -1)
    assert (steps - net(x)).abs().max() < 1e-12


def test_wavenet_stream_equals_the_full_pass() -> None:
    torch.manual_seed(8)
    net = WaveNet(WaveNetConfig(3, 5, 2, 5, 6, 7, 8)).double().eval()
    past = net.config.receptive_field
    x = torch.randn(2, 3, past + 40, dtype=torch.float64)
    stream = WaveNetStream(net, x[..., :past])
    steps = torch.stack([stream.step(x[..., past + t]) for t in range(40)], -1)
    assert (steps - net(x)[..., 1:]).abs().max() < 1e-12


def test_a_wavenet_layer_is_the_published_formula() -> None:
    """By hand: tanh(w x[t - d] + v x[t]) * sigmoid(...), one channel."""
    net = WaveNet(WaveNetConfig(1, 1, 1, 1, 1, 1, 1)).double()
    layer: Any = net.layers[0]
    with torch.no_grad():
        for conv, taps, bias in ((layer.filter, (0.5, -1.0), 0.1), (layer.gate, (0.25, 2.0), -0.2)):
            conv.weight[:] = torch.tensor(taps).view(1, 1, 2)
            conv.bias[:] = bias
        layer.residual.weight[:], layer.residual.bias[:] = 3.0, 0.0
        x, _ = layer(torch.tensor([[[1.0, 2.0]]], dtype=torch.float64))
    inside = torch.tanh(torch.tensor(0.5 - 2.0 + 0.1)) * torch.sigmoid(torch.tensor(0.25 + 4.0 - 0.2))
    assert float(x[0, 0, 0]) == pytest.approx(2.0 + 3.0 * float(inside), abs=1e-6)


def test_a_queue_gives_back_what_came_its_length_before() -> None:
    queue = Queue(torch.tensor([[[1.0, 2.0, 3.0]]]))
    assert [float(queue.push(torch.tensor([[v]]))) for v in (4.0, 5.0, 6.0, 7.0)] == [1.0, 2.0, 3.0, 4.0]


def test_token_models_are_tied_and_causal() -> None:
    torch.manual_seed(9)
    model = TokenModel(11, 6, SeqUNet(SeqUNetConfig(6, 6, (5, 6), 3)), dropout=0.5).double().eval()
    assert model.decoder.weight is model.embedding.weight
    tokens = torch.randint(0, 11, (1, 20))
    other = tokens.clone()
    other[0, 12] = (other[0, 12] + 1) % 11
    with torch.no_grad():
        difference = (model.whole(other) - model.whole(tokens)).abs().amax(1)[0]
    assert difference[:12].max() == 0.0
    assert difference[12] > 0.0
    assert model(torch.randint(0, 11, (2, 31))).shape == (2, 11, fit_length(19, levels=2, kernel=3).outputs)


def test_one_hot() -> None:
    assert one_hot(torch.tensor([[2, 0]]), 3).tolist() == [[[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: SeqUNetConfig(1, 1, (4,), 3),
        lambda: SeqUNetConfig(1, 1, (4, 4), 4),
        lambda: SeqUNetConfig(1, 1, (4, 4), 1),
        lambda: SeqUNetResidualConfig(levels=1),
        lambda: SeqUNetResidualConfig(kernel=2),
        lambda: SeqUNetResidualConfig(depth=0),
    ],
)
def test_shapes_that_cannot_be_causal_are_refused(make: Any) -> None:
    with pytest.raises(InvalidOption):
        make()
