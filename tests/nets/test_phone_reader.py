"""The reader of phones: shapes, how far it sees, what it ignores."""

from __future__ import annotations

import pytest
import torch

from descant.nets.phone_reader import PhoneReader, PhoneReaderConfig


@pytest.fixture(scope="module")
def reader() -> PhoneReader:
    torch.manual_seed(1)
    net = PhoneReader(PhoneReaderConfig(states=24, width=16, kernel=5, classes=7)).eval()
    return net.requires_grad_(requires_grad=False)


@pytest.mark.parametrize("frames", [1, 2, 50])
def test_one_row_of_scores_for_each_frame(reader: PhoneReader, frames: int) -> None:
    assert reader(torch.randn(3, frames, 24)).shape == (3, frames, 7)


def test_sees_four_frames_to_either_side(reader: PhoneReader) -> None:
    states = torch.randn(1, 41, 24)
    other = states.clone()
    other[0, 20] = torch.randn(24)
    changed = (reader(states) - reader(other)).abs().amax(dim=2)[0] > 0
    assert changed.nonzero().flatten().tolist() == list(range(16, 25))


def test_songs_of_a_batch_are_read_alone_and_loudness_of_states_is_ignored(reader: PhoneReader) -> None:
    states = torch.randn(2, 30, 24)
    torch.testing.assert_close(reader(states)[1], reader(states[1:])[0])
    torch.testing.assert_close(reader(5.0 * states + 1.0), reader(states), atol=1e-4, rtol=1e-4)


def test_unseen_priors_are_even(reader: PhoneReader) -> None:
    assert reader.log_prior.exp().tolist() == pytest.approx([1 / 7] * 7)
