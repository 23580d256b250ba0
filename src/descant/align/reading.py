"""Reading along: where Whisper's decoder looks in the audio while it is given the words that are sung there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from descant.align.chain import Chain, Kind, SungWord
from descant.align.hearing import Floats, Window
from descant.nets.whisper_decoder import WhisperDecoder
from descant.nets.whisper_encoder import FPS
from descant.progress import Monitor

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_LAG = 8
"""Frames by which a token's attention lags behind its sound, for the decoder looks at what has been said.

Where attention alone decides, starts are 0.10 s late in real songs, 0.18 s in slow synthetic ones (median).
"""

_EDGE_S = 3.0
_LOWEST, _HIGHEST = -1.0, 3.0
_SMOOTHED = 5
_MOST_TOKENS = 430
_PUNCTUATION = '.,;:!?…"“”„«»¡¿()[]-–—'


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """How strongly the tokens of some words look at each frame of a window.

    Attributes:
        first: First frame.
        states: First and last state (the last left out) that the columns belong to.
        looks: In standard deviations over the tokens, float16, [frames, states].
        weight: How much this window is to be believed in each frame, [frames].
        words: First and last word (the last left out) that were looked for; None where nobody needs to know.
    """

    first: int
    states: tuple[int, int]
    looks: NDArray[np.float16]
    weight: Floats
    words: tuple[int, int] | None = None


def read_along(
    windows: Sequence[Window],
    words: Sequence[SungWord],
    places_s: NDArray[np.float64],
    chain: Chain,
    decoder: WhisperDecoder,
    tokenizer: Tokenizer,
    heads: Sequence[tuple[int, int]],
    language: str,
    monitor: Monitor,
    *,
    before: Sequence[Read] = (),
) -> tuple[Read, ...]:
    """Evidence from every window that words fall in.

    Args:
        windows: Of the recording.
        words: The text.
        places_s: Earliest and latest middle of each word, both rising, [words, 2]. A word whose place is known is read
            in the windows that hold it, one that was not found in all in which it could be.
        chain: States of the text.
        decoder: Whisper's.
        tokenizer: Of the same model.
        heads: (layer, head) pairs that follow the audio.
        language: Code; English where Whisper does not know it.
        monitor: Reports progress, can cancel.
        before: What was read when words were taken to be elsewhere; windows that have the same words still are not read
            again.
    """
    known = {read.first: read for read in before}
    prompt = _prompt(tokenizer, language)
    stop = tokenizer.encode(".", add_special_tokens=False).ids[0]
    found = []
    for number, window in enumerate(windows):
        monitor.report(number / len(windows))
        begin, end = window.first / FPS, (window.first + len(window.states)) / FPS
        first, last = int(np.searchsorted(places_s[:, 1], begin)), int(np.searchsorted(places_s[:, 0], end))
        if (same := known.get(window.first)) is not None and same.words == (first, last):
            found.append(same)
            continue
        tokens = _Tokens.of(words, range(first, last), chain, tokenizer, stop)
        if not tokens.numbers:
            continue
        with torch.inference_mode():
            scores = decoder(
                torch.tensor([*prompt, *tokens.numbers]), torch.from_numpy(window.states.astype(np.float32)), heads
            )
            looks = _normal(scores)[len(prompt) :].numpy()
        low, high, columns = _on_states(looks, tokens, chain)
        trust = _trust(len(columns), is_first=not number, is_last=number + 1 == len(windows))
        found.append(Read(window.first, (low, high), columns, trust, (first, last)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Tokens of some words.

    Attributes:
        numbers: For the decoder.
        of_word: Word -> places of its tokens in `numbers`.
        after_line: Last word of a line -> place of the full stop that was put behind it.
    """

    numbers: list[int]
    of_word: dict[int, list[int]]
    after_line: dict[int, int]

    @classmethod
    def of(cls, words: Sequence[SungWord], chosen: range, chain: Chain, tokenizer: Tokenizer, stop: int) -> _Tokens:
        """Of those of some words that sound; a full stop closes each line: it looks at the rest that follows."""
        rests = set(chain.words[chain.kinds == Kind.REST].tolist())
        numbers: list[int] = []
        of_word: dict[int, list[int]] = {}
        after_line: dict[int, int] = {}
        for word in filter(chain.is_sounding, chosen):
            text = words[word].text.strip(_PUNCTUATION) or words[word].text
            some = tokenizer.encode(f" {text}", add_special_tokens=False).ids
            if len(numbers) + len(some) + 1 > _MOST_TOKENS:
                break
            of_word[word] = list(range(len(numbers), len(numbers) + len(some)))
            numbers += some
            if word in rests:
                after_line[word] = len(numbers)
                numbers.append(stop)
        return cls(numbers, of_word, after_line)


def _prompt(tokenizer: Tokenizer, language: str) -> list[int]:
    code = language.replace("_", "-").split("-")[0].lower()
    known = code if tokenizer.token_to_id(f"<|{code}|>") is not None else "en"
    names = ("<|startoftranscript|>", f"<|{known}|>", "<|transcribe|>", "<|notimestamps|>")
    return [number for name in names if (number := tokenizer.token_to_id(name)) is not None]


def _normal(scores: torch.Tensor) -> torch.Tensor:
    """Attention as Whisper's own word times take it: after the softmax, in standard deviations over the tokens.

    Frames that every token looks at (the encoder parks attention there) then say nothing.
    """
    looks = scores.softmax(dim=-1)
    looks = (looks - looks.mean(dim=-2, keepdim=True)) / (looks.std(dim=-2, keepdim=True) + 1e-6)
    smooth = F.avg_pool1d(looks, _SMOOTHED, 1, _SMOOTHED // 2).mean(dim=0).clamp(_LOWEST, _HIGHEST)
    return F.pad(smooth[:, _LAG:], (0, min(_LAG, smooth.shape[1])))


def _on_states(looks: Floats, tokens: _Tokens, chain: Chain) -> tuple[int, int, NDArray[np.float16]]:
    """First and last state (left out) that tokens stand for, and how strongly these look at each frame."""
    words = np.asarray(sorted(tokens.of_word))
    inside = np.flatnonzero((chain.words >= words[0]) & (chain.words <= words[-1]))
    low, high = int(inside[0]), int(inside[-1]) + 1
    columns = np.zeros((looks.shape[1], high - low), np.float16)
    for state in range(low, high):
        word = int(chain.words[state])
        if chain.kinds[state] == Kind.PHONE:
            places = tokens.of_word[word]
            columns[:, state - low] = looks[places[int(chain.places[state] * len(places))]]
        elif word in tokens.after_line:
            columns[:, state - low] = looks[tokens.after_line[word]]
    return low, high, columns


def _trust(frames: int, *, is_first: bool, is_last: bool) -> Floats:
    """Low near inner edges, where words are cut."""
    edge = max(1, round(_EDGE_S * FPS))
    ramp = np.clip(np.arange(frames, dtype=np.float32) / edge, 0.02, 1.0)
    weight: Floats = np.ones(frames, np.float32) if is_first else ramp.astype(np.float32)
    return weight if is_last else np.minimum(weight, ramp[::-1]).astype(np.float32)
