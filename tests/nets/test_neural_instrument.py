"""The net of instruments: shapes, tuning, what happens after three seconds and after the key is let go."""

from __future__ import annotations

import math

import pytest
import torch

from descant.nets.neural_instrument import (
    InstrumentConfig,
    NeuralInstrument,
    Pressed,
    band_weights,
    controls_of,
    curve_weights,
)

CONFIG = InstrumentConfig(instruments=3, harmonics=20, extras=4, code=4, width=32, layers=1)


@pytest.fixture
def net() -> NeuralInstrument:
    torch.manual_seed(0)
    made = NeuralInstrument(CONFIG).eval().requires_grad_(requires_grad=False)
    made.stiffness[1] = torch.tensor([math.log(4e-4), 0.5])
    made.extra_place[2, :2] = torch.log2(torch.tensor([2.76, 5.4]))
    made.extra_there[2, :2] = 1
    made.head.weight.mul_(10)
    made.fall.weight.mul_(10)
    return made


def _pressed(instrument: int, pitch: float, velocity: float = 90.0) -> Pressed:
    return Pressed(torch.tensor([instrument]), torch.tensor([pitch]), torch.tensor([velocity]))


def test_partials_lie_where_the_instrument_has_them(net: NeuralInstrument) -> None:
    plain, stiff, bell = (net.frequencies(_pressed(row, 69.0))[0] for row in range(3))
    assert torch.allclose(plain[:20], 440.0 * torch.arange(1, 21))
    assert float(plain[20:].max()) == 0.0
    octave = 9 / 12  # A4 lies so far above middle C
    assert float(stiff[9]) == pytest.approx(4400 * math.sqrt(1 + 4e-4 * math.exp(0.5 * octave) * 100), rel=1e-5)
    assert bell[20:].tolist() == pytest.approx([440 * 2.76, 440 * 5.4, 0, 0], rel=1e-4)
    assert float(net.frequencies(_pressed(0, 69.5))[0, 0]) == pytest.approx(440 * 2 ** (0.5 / 12), rel=1e-6)


def test_levels_go_on_falling_after_three_seconds(net: NeuralInstrument) -> None:
    notes = _pressed(1, 60.0)
    hz = net.frequencies(notes)
    time = torch.tensor([[2.0, 3.0, 4.0, 5.0, 6.0]])
    found = net(notes, hz, time, time - 100)
    for levels in (found.partials, found.noise_mid, found.noise_side):
        later = levels[0, 1:].diff(dim=0)
        assert float(later.max()) <= 1e-5
        assert torch.allclose(later[0], later[-1], atol=1e-4)
    assert torch.allclose(found.pan[0, 1], found.pan[0, -1], atol=1e-6)
    before = found.noise_mid[0, 1] - found.noise_mid[0, 0]
    assert torch.allclose(found.noise_mid[0, 2] - found.noise_mid[0, 1], before.clamp(max=0), atol=1e-4)


def test_levels_fall_once_the_key_is_let_go(net: NeuralInstrument) -> None:
    notes = _pressed(0, 64.0)
    hz = net.frequencies(notes)
    time = torch.full((1, 5), 1.0)
    found = net(notes, hz, time, torch.tensor([[-1.0, 0.0, 0.05, 0.2, 1.0]]))
    assert torch.allclose(found.partials[0, 0], found.partials[0, 1])
    assert float(found.partials[0, 1:].diff(dim=0).max()) < 0
    assert float(found.noise_side[0, 1:].diff(dim=0).max()) < 0


def test_the_net_hears_all_that_it_is_told(net: NeuralInstrument) -> None:
    time = torch.tensor([[0.1]])
    base = _pressed(0, 60.0)
    others = (_pressed(1, 60.0), _pressed(0, 67.0), _pressed(0, 60.0, 30.0))
    hz = net.frequencies(base)
    plain = net(base, hz, time, time - 3).partials
    for other in others:
        assert float((net(other, hz, time, time - 3).partials - plain).abs().max()) > 1e-3
    assert float((net(base, hz, time * 5, time - 3).partials - plain).abs().max()) > 1e-3


def test_what_lies_too_high_or_is_not_there_is_silent(net: NeuralInstrument) -> None:
    notes = _pressed(2, 100.0)
    hz = net.frequencies(notes)
    time = torch.tensor([[0.1]])
    controls = controls_of(net(notes, hz, time, time - 3), hz)
    silent = (hz[0] == 0) | (hz[0] >= 21_000)
    assert bool(silent.any())
    assert float(controls.mid[0, 0][silent].abs().max()) == 0.0
    assert float(controls.mid[0, 0][~silent].min()) > 0
    assert controls.noise_mid.shape == (1, 1, 257)


def test_curves_and_bands_interpolate() -> None:
    weights = curve_weights(torch.tensor([[20.0, 30.0, 440.0, 20_000.0, 30_000.0]]), 12)[0]
    assert torch.allclose(weights.sum(dim=-1), torch.ones(5), atol=1e-5)
    assert float(weights[0, 0]) == float(weights[1, 0]) == 1.0
    assert float(weights[4, 11]) == pytest.approx(1.0)
    bands = band_weights()
    assert torch.allclose(bands.sum(dim=0), torch.ones(257), atol=1e-5)
    assert float(bands.min()) >= 0


def test_what_falls_and_where_it_lies_is_as_the_net_says(net: NeuralInstrument) -> None:
    net.fall.weight.zero_()
    net.fall.bias.fill_(math.log(math.e - 1))  # rate and drop of 1
    net.head.weight.zero_()
    net.head.bias[-2 * CONFIG.side_points : -CONFIG.side_points] = 0.3
    net.head.bias[-CONFIG.side_points :] = math.log(math.e**0.5 - 1)
    notes = _pressed(0, 40.0)
    hz = net.frequencies(notes)
    found = net(notes, hz, torch.ones(1, 2), torch.tensor([[0.0, 0.06]]))
    fallen = 6.0 * 0.06 + 1.0 - math.exp(-2.0)
    for levels in (found.partials[..., :20], found.noise_mid, found.noise_side):
        assert torch.allclose(levels[:, 0] - levels[:, 1], torch.tensor(fallen), atol=1e-5)
    side = controls_of(found, hz).side[0, 0, :20]
    assert torch.allclose(side.real, torch.tensor(0.3), atol=1e-5)
    assert torch.allclose(side.imag, torch.tensor([0.5, -0.5] * 10), atol=1e-5)
