"""The skewed attention equals the naive formula, is causal, and sampling with memory equals the full pass."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.errors import InvalidOption
from descant.nets.decoder import Decoder, one_thread
from descant.nets.relative_transformer import (
    RelativeAttention,
    RelativeTransformer,
    RelativeTransformerConfig,
    skew,
)

CONFIG = RelativeTransformerConfig(vocabulary=40, layers=3, width=32, heads=4, feed_forward=48, max_distance=24)


@pytest.fixture(scope="module")
def model() -> RelativeTransformer:
    torch.manual_seed(0)
    net = RelativeTransformer(CONFIG, torch.rand(40, 6)).eval()
    torch.nn.init.normal_(net.companion_tokens)
    for part in net.modules():
        if isinstance(part, torch.nn.LayerNorm):
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
            torch.nn.init.normal_(part.bias, std=0.3)
    return net


def naive_attention(attention: RelativeAttention, x: torch.Tensor) -> torch.Tensor:
    """Equation 3 of the paper with the L x L x D tensor written out."""
    config = attention.config
    batch, length, width = x.shape
    query, key, value = attention.query_key_value(x).view(batch, length, 3, config.heads, -1).permute(2, 0, 3, 1, 4)
    out = torch.zeros(batch, config.heads, length, config.head_size)
    for i in range(length):
        logits = torch.full((batch, config.heads, i + 1), 0.0)
        for j in range(i + 1):
            vector = attention.distances[:, min(i - j, config.max_distance - 1)]
            logits[:, :, j] = ((query[:, :, i] * key[:, :, j]).sum(-1) + (query[:, :, i] * vector).sum(-1)) / (
                config.head_size**0.5
            )
        out[:, :, i] = (logits.softmax(-1)[..., None] * value[:, :, : i + 1]).sum(2)
    return attention.output(out.transpose(1, 2).reshape(batch, length, width))


@pytest.mark.parametrize(
    "shape", [{"heads": 3, "width": 32}, {"vocabulary": 0}, {"layers": 0}, {"heads": 0}, {"dropout": 1.0}]
)
def test_impossible_shapes_are_refused(shape: dict[str, int]) -> None:
    with pytest.raises(InvalidOption, match="shape is impossible"):
        RelativeTransformerConfig(**{"vocabulary": 40, **shape})


def test_features_of_another_vocabulary_are_refused() -> None:
    with pytest.raises(InvalidOption, match="39 tokens"):
        RelativeTransformer(CONFIG, torch.rand(39, 6))


def test_a_full_memory_is_said(model: RelativeTransformer) -> None:
    decoder = Decoder(model, 1, capacity=3)
    decoder.read([[1, 2, 3]])
    with pytest.raises(InvalidOption, match="4 tokens"):
        decoder.read([[1]])


@pytest.mark.parametrize("max_distance", [64, 24])
def test_skewed_attention_equals_the_naive_formula(max_distance: int) -> None:
    torch.manual_seed(1)
    config = RelativeTransformerConfig(vocabulary=2, width=32, heads=4, max_distance=max_distance)
    attention = RelativeAttention(config)
    torch.nn.init.normal_(attention.distances)
    x = torch.randn(2, 64, 32)
    with torch.no_grad():
        assert torch.allclose(attention(x), naive_attention(attention, x), atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(queries=st.integers(1, 9), earlier=st.integers(0, 9))
def test_skew_puts_every_distance_under_its_key(queries: int, earlier: int) -> None:
    keys = queries + earlier
    products = torch.rand(2, queries, keys)
    skewed = skew(products)
    for i in range(queries):
        position = earlier + i
        for j in range(position + 1):
            assert torch.equal(skewed[:, i, j], products[:, i, keys - 1 - (position - j)])


def test_the_extra_memory_grows_with_length_times_size_not_with_its_square_times_size() -> None:
    # The relative term is formed from [H, L, D] vectors: no intermediate has L * L * D elements.
    length = 48
    attention = RelativeAttention(RelativeTransformerConfig(vocabulary=2, width=32, heads=2, max_distance=64))
    largest = 0

    class Watch(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            result = func(*args, **(kwargs or {}))
            if isinstance(result, torch.Tensor):
                largest = max(largest, result.numel())
            return result

    with Watch(), torch.no_grad():
        attention(torch.randn(1, length, 32))
    assert 0 < largest <= 2 * length * (length + 1)
    assert largest < 2 * length * length * 16


def test_what_comes_later_changes_nothing_before(model: RelativeTransformer) -> None:
    tokens = torch.randint(0, 40, (1, 30))
    changed = tokens.clone()
    changed[0, 20:] = (changed[0, 20:] + 7) % 40
    with torch.no_grad():
        first, second = model(tokens), model(changed)
    assert torch.equal(first[:, :20], second[:, :20])
    assert not torch.allclose(first[:, 20:], second[:, 20:])


def test_reading_with_memory_equals_the_full_pass_also_beyond_the_largest_distance(model: RelativeTransformer) -> None:
    tokens = torch.randint(0, 40, (2, 60))
    companions = torch.randint(0, 40, (2, 60, 2))
    with torch.no_grad():
        full = model(tokens, companions).numpy()
    pairs = [[tuple(pair) for pair in row] for row in companions.tolist()]
    decoder = Decoder(model, 2, 64)
    with one_thread():
        read = decoder.read([tokens[0, :9].tolist(), tokens[1, :23].tolist()], [pairs[0][:9], pairs[1][:23]])
        assert np.allclose(read[0], full[0, 8], atol=1e-4)
        assert np.allclose(read[1], full[1, 22], atol=1e-4)
        for i in range(9, 60):
            read = decoder.read([[int(tokens[0, i])], []], [[pairs[0][i]], []])
            assert np.allclose(read[0], full[0, i], atol=1e-4)
            assert len(read[1]) == 0


def test_a_forgotten_sequence_starts_anew(model: RelativeTransformer) -> None:
    decoder = Decoder(model, 1, 16)
    first = decoder.read([[1, 2, 3]])[0]
    decoder.forget(0)
    assert np.array_equal(decoder.read([[1, 2, 3]])[0], first)


def test_companions_matter_only_where_they_are_given(model: RelativeTransformer) -> None:
    tokens = torch.randint(0, 40, (1, 6))
    companions = torch.zeros(1, 6, 2, dtype=torch.long)
    other = companions.clone()
    other[0, 3] = 5
    with torch.no_grad():
        a, b = model(tokens, companions), model(tokens, other)
    assert torch.equal(a[:, :3], b[:, :3])
    assert not torch.allclose(a[:, 3:], b[:, 3:])


def test_a_decoder_that_was_rewound_reads_as_if_it_had_not_read_on(model: RelativeTransformer) -> None:
    decoder = Decoder(model, 1, 32)
    decoder.read([[1, 2, 3]])
    decoder.read([[4, 5, 6, 7]])
    decoder.rewind(0, 3)
    assert decoder.lengths == [3]
    (rewound,) = decoder.read([[2, 2]])
    (plain,) = Decoder(model, 1, 32).read([[1, 2, 3, 2, 2]])
    assert np.allclose(rewound, plain, atol=1e-5)
