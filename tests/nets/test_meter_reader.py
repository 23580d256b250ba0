from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from descant.analyze.meter import note_features
from descant.data.tunes import hear, tune_from_score
from descant.nets.meter_reader import ELSEWHERE, METERS, NOTE_FEATURES, PER_BEAT, TEMPO_BINS, MeterReader, place_range
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap


@pytest.fixture
def net() -> MeterReader:
    torch.manual_seed(0)
    return MeterReader(width=32, layers=2, heads=2).eval()


def read(net: MeterReader, times: torch.Tensor, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.no_grad():
        out = net(times, features, torch.ones(times.shape, dtype=torch.bool))
    return out.place, out.tempo


def test_places_of_all_metres_are_apart() -> None:
    seen = [i for bar in METERS for i in range(*place_range(bar))]
    assert sorted(seen) == list(range(ELSEWHERE))
    assert place_range(4) == (0, 4 * PER_BEAT)


def test_shapes(net: MeterReader) -> None:
    place, tempo = read(net, torch.rand(3, 7).cumsum(1), torch.randn(3, 7, NOTE_FEATURES))
    assert place.shape == (3, 7, ELSEWHERE + 1)
    assert tempo.shape == (3, 7, TEMPO_BINS)


def test_only_distances_in_time_count(net: MeterReader) -> None:
    times, features = torch.rand(1, 20).cumsum(1), torch.randn(1, 20, NOTE_FEATURES)
    for one, other in zip(read(net, times, features), read(net, times + 37.0, features), strict=True):
        torch.testing.assert_close(one, other, atol=2e-3, rtol=0.0)
    slower = read(net, times * 1.5, features)
    assert (slower[0] - read(net, times, features)[0]).abs().max() > 1e-2


def test_padding_changes_nothing(net: MeterReader) -> None:
    times, features = torch.rand(1, 12).cumsum(1), torch.randn(1, 12, NOTE_FEATURES)
    longer = torch.cat([times, torch.full((1, 5), 3.0)], 1), torch.cat([features, torch.randn(1, 5, NOTE_FEATURES)], 1)
    present = torch.arange(17)[None] < 12
    with torch.no_grad():
        padded = net(*longer, present).place[:, :12]
    torch.testing.assert_close(padded, read(net, times, features)[0], atol=1e-5, rtol=0.0)


def test_it_learns_where_the_beats_of_a_tune_lie() -> None:
    """Forty steps on one tune at many tempi must tell its places from each other."""
    torch.manual_seed(1)
    starts = [0, 2, 2.5, 3, 4, 6, 6.5, 7, 8, 10, 10.5, 11, 12]
    notes = tuple(Note(16.0 * i + s, 0.4, 60 + int(2 * s) % 7) for i in range(4) for s in starts)
    score = Score((Track("melody", notes),), TempoMap.constant(100.0))
    tune = tune_from_score(score, score.tracks[0], tempo_is_known=True)
    assert tune is not None
    net, rng = MeterReader(width=32, layers=2, heads=2, dropout=0.0), np.random.default_rng(0)
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3)
    losses = []
    for _ in range(40):
        heard = [hear(tune, rng, notes=40) for _ in range(4)]
        size = min(len(h.starts_s) for h in heard)
        times = torch.tensor(np.stack([h.starts_s[:size] for h in heard]), dtype=torch.float32)
        features = torch.from_numpy(
            np.stack([note_features(h.starts_s[:size], h.ends_s[:size], h.pitches[:size]) for h in heard])
        )
        places = torch.from_numpy(np.stack([h.places[:size] for h in heard]))
        read_ = net(times, features, torch.ones(times.shape, dtype=torch.bool))
        loss = F.cross_entropy(read_.place.flatten(0, 1), places.flatten())
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:3])
