"""Reading along: words as tokens, what is cut, what a window's tokens say about states."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from descant.align import reading
from descant.align.chain import Chain, SungWord
from descant.align.hearing import Window
from descant.align.reading import Read, _prompt, _Tokens, read_along
from descant.errors import Cancelled
from descant.hub.store import fetch
from descant.progress import CancelToken, Monitor
from heard_words import chain_of

pytestmark = pytest.mark.weights

_STOP = 13


@pytest.fixture(scope="module")
def tokenizer() -> object:
    tokenizers = pytest.importorskip("tokenizers")
    return tokenizers.Tokenizer.from_file(str(fetch("whisper-base") / "tokenizer.json"))


def _words(text: str) -> list[SungWord]:
    return [SungWord(word, line) for line, row in enumerate(text.split("\n")) for word in row.split()]


def _tokens(text: str, tokenizer: object, chosen: range | None = None) -> _Tokens:
    words = _words(text)
    return _Tokens.of(words, chosen or range(len(words)), chain_of(text), tokenizer, _STOP)


def test_the_tokens_are_the_text_with_a_stop_behind_each_line(tokenizer: object) -> None:
    tokens = _tokens("Extraordinary love,\n(it's) tonight!", tokenizer)
    assert tokenizer.decode(tokens.numbers) == " Extraordinary love. it's tonight."
    assert list(tokens.of_word) == [0, 1, 2, 3]
    for word, text in enumerate((" Extraordinary", " love", " it's", " tonight")):
        assert tokenizer.decode([tokens.numbers[place] for place in tokens.of_word[word]]) == text
    assert len(tokens.of_word[0]) > 1
    assert {word: tokens.numbers[place] for word, place in tokens.after_line.items()} == {1: _STOP, 3: _STOP}


def test_signs_are_not_read_and_a_line_that_ends_in_one_is_closed(tokenizer: object) -> None:
    tokens = _tokens("— love — 🎵\n... tonight …", tokenizer)
    assert tokenizer.decode(tokens.numbers) == " love. tonight."
    assert list(tokens.of_word) == list(tokens.after_line) == [1, 5]


def test_only_the_chosen_words(tokenizer: object) -> None:
    tokens = _tokens("all my love\nis here", tokenizer, range(1, 4))
    assert tokenizer.decode(tokens.numbers) == " my love. is"
    assert list(tokens.of_word) == [1, 2, 3]


def test_too_many_tokens_are_cut_between_words(tokenizer: object) -> None:
    tokens = _tokens("\n".join(["extraordinarily"] * 300), tokenizer)
    assert 400 < len(tokens.numbers) <= 430
    assert list(tokens.of_word) == list(range(len(tokens.of_word)))
    assert max(tokens.after_line) == max(tokens.of_word)
    assert len(tokens.numbers) + 4 <= 448  # with the prompt, what the decoder has positions for


@pytest.mark.parametrize(
    ("language", "token"),
    [("de", "<|de|>"), ("pt-BR", "<|pt|>"), ("DE", "<|de|>"), ("fr_CA", "<|fr|>"), ("nap", "<|en|>"), ("", "<|en|>")],
)
def test_the_prompt_names_the_language_or_english(tokenizer: object, language: str, token: str) -> None:
    names = ["<|startoftranscript|>", token, "<|transcribe|>", "<|notimestamps|>"]
    assert _prompt(tokenizer, language) == [tokenizer.token_to_id(name) for name in names]


class _Diagonal:
    """A decoder whose n-th token of the text looks at the n-th part of the window, strongly."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, tokens: Tensor, heard: Tensor, heads: object) -> Tensor:
        self.seen.append(len(tokens))
        scores = torch.zeros(2, len(tokens), len(heard))
        part = len(heard) // (len(tokens) - 4)
        for token in range(4, len(tokens)):
            scores[:, token, (token - 4) * part : (token - 3) * part] = 8.0
        return scores


def _read(
    text: str, places: list[float | tuple[float, float]], firsts: list[int], tokenizer: object
) -> tuple[tuple[Read, ...], Chain]:
    chain = chain_of(text)
    windows = [Window(first, np.zeros((600, 4), np.float16)) for first in firsts]
    decoder = _Diagonal()
    reads = read_along(
        windows,
        _words(text),
        np.array([place if isinstance(place, tuple) else (place, place) for place in places]),
        chain,
        decoder,
        tokenizer,
        [(0, 0), (0, 1)],
        "en",
        Monitor(),
    )
    return reads, chain


def test_states_get_what_their_tokens_look_at(tokenizer: object) -> None:
    (read,), chain = _read("all — my love —", [1.0, 2.0, 3.0, 5.0, 6.0], [0], tokenizer)
    assert read.states == (1, len(chain))
    best = read.looks.astype(np.float32)
    for state in range(1, len(chain)):
        looks = best[:, state - 1]
        place = {0: 0, 2: 1, 3: 2}[int(chain.words[state])]
        if chain.kinds[state] == 0:
            assert looks[150 * place + 10 : 150 * place + 140].min() > 1.0
        elif state == len(chain) - 1:  # the rest behind the line: its stop
            assert looks[460:590].min() > 1.0
        else:  # nobody reads the gaps
            assert not looks.any()
    assert read.weight.tolist() == [1.0] * 600


def test_windows_without_words_are_left_out(tokenizer: object) -> None:
    reads, _ = _read("all — my love", [1.0, 14.0, 25.0, 26.0], [0, 600, 1200], tokenizer)
    assert [read.first for read in reads] == [0, 1200]  # the second holds nothing but a dash


def test_windows_that_keep_their_words_are_not_read_again(tokenizer: object) -> None:
    text, chain = "all my love", chain_of("all my love")
    windows = [Window(first, np.zeros((600, 4), np.float16)) for first in (0, 400, 800)]
    decoder = _Diagonal()

    def read(middles: list[float], before: tuple[Read, ...]) -> tuple[Read, ...]:
        return read_along(
            windows,
            _words(text),
            np.repeat(np.array(middles)[:, None], 2, axis=1),
            chain,
            decoder,
            tokenizer,
            [(0, 0)],
            "en",
            Monitor(),
            before=before,
        )

    first = read([1.0, 9.0, 19.0], ())
    assert len(decoder.seen) == 3
    again = read([1.5, 9.5, 18.5], first)
    assert len(decoder.seen) == 3
    assert all(one is other for one, other in zip(first, again, strict=True))
    moved = read([1.0, 13.0, 19.0], first)  # the second word is no longer in the first window
    assert len(decoder.seen) == 4
    assert [one is other for one, other in zip(first, moved, strict=True)] == [False, True, True]


def test_a_word_that_was_not_found_is_read_wherever_it_could_be(tokenizer: object) -> None:
    reads, chain = _read("all my love", [1.0, (1.5, 30.0), 30.5], [0, 600, 1200], tokenizer)
    words = [set(chain.words[slice(*read.states)].tolist()) for read in reads]
    assert words == [{0, 1}, {1}, {1, 2}]


def test_seconds_at_inner_edges_are_left_to_the_other_window(tokenizer: object) -> None:
    """A window's first and last second lack half of what the decoder needs; 4 s inside it is as good as anywhere."""
    reads, _ = _read("all my love", [1.0, 9.0, 19.0], [0, 400, 800], tokenizer)
    for read in reads[1:]:
        assert read.weight[:50].max() < 0.35
        assert (np.diff(read.weight[:140]) > 0).sum() > 130  # no step at which one window takes over
        assert read.weight[200] == 1.0


def test_inner_edges_are_trusted_little(tokenizer: object) -> None:
    reads, _ = _read("all my love", [1.0, 9.0, 19.0], [0, 400, 800], tokenizer)
    first, middle, last = (read.weight for read in reads)
    assert (first[0], middle[0], last[0]) == pytest.approx((1.0, 0.02, 0.02))
    assert (first[-1], middle[-1], last[-1]) == pytest.approx((0.02, 0.02, 1.0))
    assert first[300] == middle[300] == last[300] == 1.0


def test_looks_are_deviations_over_the_tokens_smoothed_over_a_tenth_of_a_second() -> None:
    scores = np.random.default_rng(0).normal(0.0, 3.0, (3, 12, 90))
    shares = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    deviations = (shares - shares.mean(axis=1, keepdims=True)) / shares.std(axis=1, ddof=1, keepdims=True)
    smooth = np.apply_along_axis(lambda row: np.convolve(row, np.full(5, 0.2), "same"), 2, deviations)
    found = reading._normal(torch.from_numpy(scores))
    expected = np.clip(smooth.mean(axis=0), -1.0, 3.0)
    np.testing.assert_allclose(found[:, :-8], expected[:, 8:], atol=5e-3)  # it looks at what has been said
    assert not found[:, -8:].any()


def test_cancel_stops_between_windows(tokenizer: object) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        read_along(
            [Window(0, np.zeros((600, 4), np.float16))],
            _words("love"),
            np.array([[1.0, 1.0]]),
            chain_of("love"),
            _Diagonal(),
            tokenizer,
            [(0, 0)],
            "en",
            Monitor(cancel=token),
        )
