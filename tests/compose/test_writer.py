"""Sampling under the grammar: always well-formed, also from a model that has learned nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from descant.compose.grid import TICKS, Bar, BarSpan, GridNote
from descant.compose.tokens import VOCABULARY, Controls, token_features
from descant.compose.writer import Sampling, Writer
from descant.nets.relative_transformer import RelativeTransformer, RelativeTransformerConfig
from descant.score.harmony import Chord


@pytest.fixture(scope="module")
def untrained() -> RelativeTransformer:
    torch.manual_seed(0)
    config = RelativeTransformerConfig(VOCABULARY, layers=1, width=16, heads=2, feed_forward=16, max_distance=128)
    return RelativeTransformer(config, torch.from_numpy(token_features())).eval()


def bars(count: int, quarters: float = 4.0) -> list[Bar]:
    melody = (GridNote(0, 72, 12), GridNote(12, 74, 6))
    return [Bar(BarSpan(quarters * i, quarters), ((0, Chord(0)),), melody) for i in range(count)]


@pytest.mark.parametrize("quarters", [4.0, 3.0, 3.5, 1.0])
def test_even_an_untrained_model_writes_well_formed_bars(untrained: RelativeTransformer, quarters: float) -> None:
    song = bars(5, quarters)
    for written in Writer(untrained, 128)(song, [[Controls()] * 5] * 2, seeds=[0, 1]):
        assert [bar.span for bar in written.bars] == [bar.span for bar in song]
        for bar in written.bars:
            for note in (*bar.piano, *bar.bridge):
                assert 0 <= note.position < quarters * TICKS
                assert note.duration > 0
        assert written.nats > 0


def test_without_a_bridge_nothing_answers(untrained: RelativeTransformer) -> None:
    asked = [[Controls()] * 4]
    (silent,) = Writer(untrained, 128)(bars(4), asked, seeds=[3], sampling=Sampling(bridge=False))
    assert not any(bar.bridge for bar in silent.bars)
    assert any(bar.piano for bar in silent.bars)


def test_a_careful_writer_is_likelier_than_a_wild_one(untrained: RelativeTransformer) -> None:
    nats = [
        Writer(untrained, 128)(bars(6), [[Controls()] * 6], seeds=[1], sampling=Sampling(temperature=t))[0].nats
        for t in (0.2, 2.0)
    ]
    assert nats[0] < nats[1]


def test_the_pull_of_the_chord_is_felt_on_the_beat(untrained: RelativeTransformer) -> None:
    def on_chord(pull: float) -> float:
        sampling = Sampling(temperature=1.0, nucleus=1.0, chord_pull=pull, clash_push=pull)
        (written,) = Writer(untrained, 128)(bars(12), [[Controls()] * 12], seeds=[2], sampling=sampling)
        notes = [n for bar in written.bars for n in bar.piano if n.position % TICKS == 0]
        return sum(n.pitch % 12 in (0, 4, 7) for n in notes) / max(1, len(notes))

    assert on_chord(6.0) > on_chord(0.0) + 0.2


def test_the_melody_is_kept_and_the_input_unchanged(untrained: RelativeTransformer) -> None:
    song = bars(3)
    before = [replace(bar) for bar in song]
    (written,) = Writer(untrained, 128)(song, [[Controls()] * 3], seeds=[0])
    assert song == before
    assert [bar.melody for bar in written.bars] == [bar.melody for bar in song]
