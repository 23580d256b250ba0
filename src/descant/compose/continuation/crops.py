"""Songs as token streams, and stretches of them as tensors: what is read in training and measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from descant.compose.continuation.sheet import Sheet, SheetBar
from descant.compose.continuation.tokens import (
    ALONE,
    COMPANIONS,
    END,
    HEADER,
    PAD,
    at_home,
    companions_of,
    encode_bar,
    header,
)
from descant.score.harmony import Key


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some bars of a song as tokens, the header before them.

    Attributes:
        tokens: As read.
        companions: See `tokens.companions_of`.
        given: How many of the first ones are not predicted.
    """

    tokens: list[int]
    companions: list[tuple[int, ...]]
    given: int = HEADER


def encode_stretch(
    bars: Sequence[SheetBar], key: Key | None, bpm: float, *, first: int = 0, most: int | None = None
) -> Stretch:
    """Bars from number `first` on.

    Args:
        bars: All of the song's, in the key they are read in.
        key: That key.
        bpm: Tempo.
        first: The first bar read.
        most: At most that many tokens; None goes to the end of the song, with its "End".
    """
    tokens = header(key, bpm)
    pairs = [ALONE] * len(tokens)
    for number in range(first, len(bars)):
        said = encode_bar(bars[number])
        tokens += said
        pairs += companions_of(said, number)
        if most is not None and len(tokens) >= most:
            break
    else:
        tokens.append(END)
        pairs.append(ALONE)
    return Stretch(tokens[:most], pairs[:most])


def whole_song(sheet: Sheet) -> Stretch:
    """A whole song in its home key."""
    bars, key = at_home(sheet, sheet.home_shift)
    return encode_stretch(bars, key, sheet.bpm)


def segments(stretch: Stretch, length: int) -> list[Stretch]:
    """A whole song in pieces of at most `length` + 1 tokens, so that each token after the header is predicted once.

    Every piece but the first begins with the header and the last token of the piece before.
    """
    head, pairs = stretch.tokens[:HEADER], stretch.companions[:HEADER]
    pieces = []
    step = length - HEADER
    for start in range(HEADER, len(stretch.tokens), step):
        begin = start if start == HEADER else start - 1
        stop = start + step
        tokens, together = head + stretch.tokens[begin:stop], pairs + stretch.companions[begin:stop]
        pieces.append(Stretch(tokens, together, HEADER + start - begin))
    return pieces


def stack(crops: Sequence[Stretch], length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Stretches as a batch, filled up with `PAD`.

    Returns:
        [B, length] tokens, [B, length, COMPANIONS] companions, [B, length] whether a token is to be predicted.
    """
    tokens = torch.full((len(crops), length), PAD, dtype=torch.long)
    together = torch.full((len(crops), length, COMPANIONS), PAD, dtype=torch.long)
    is_wanted = torch.zeros(len(crops), length, dtype=torch.bool)
    for row, crop in enumerate(crops):
        tokens[row, : len(crop.tokens)] = torch.tensor(crop.tokens)
        together[row, : len(crop.tokens)] = torch.tensor(crop.companions)
        is_wanted[row, crop.given : len(crop.tokens)] = True
    return tokens, together, is_wanted
