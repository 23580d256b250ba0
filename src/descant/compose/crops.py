"""Bars as tensors: what the network reads in training and measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from descant.compose.grid import Bar
from descant.compose.tokens import ALONE, PAD, PIANO, Controls, encode_condition, encode_music, with_companions


@dataclass(frozen=True, slots=True)
class Crop:
    """Tokens of some bars.

    Attributes:
        tokens: Conditions and music by turns.
        companions: Chord and melody note that sound where each token stands.
        is_music: Which tokens the band plays.
    """

    tokens: list[int]
    companions: list[tuple[int, int]]
    is_music: list[bool]


def encode_crop(song: Sequence[Bar], length: int, controls: Sequence[Controls]) -> Crop:
    """The song's first bars as at most `length` tokens."""
    tokens: list[int] = []
    together: list[tuple[int, int]] = []
    is_music: list[bool] = []
    for index, bar in enumerate(song):
        following = song[index + 1] if index + 1 < len(song) else None
        condition, music = encode_condition(bar, following, controls[index]), encode_music(bar)
        tokens += condition + music
        together += [ALONE] * (len(condition) - 1) + with_companions(bar, [PIANO, *music])
        is_music += [False] * len(condition) + [True] * len(music)
        if len(tokens) >= length:
            break
    return Crop(tokens[:length], together[:length], is_music[:length])


def stack(crops: Sequence[Crop], length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Crops as a batch, filled up with `PAD`: [B, length] tokens, [B, length, 2] companions, [B, length] is_music."""
    tokens = torch.full((len(crops), length), PAD, dtype=torch.long)
    together = torch.full((len(crops), length, 2), PAD, dtype=torch.long)
    is_music = torch.zeros(len(crops), length, dtype=torch.bool)
    for row, crop in enumerate(crops):
        tokens[row, : len(crop.tokens)] = torch.tensor(crop.tokens)
        together[row, : len(crop.tokens)] = torch.tensor(crop.companions)
        is_music[row, : len(crop.tokens)] = torch.tensor(crop.is_music)
    return tokens, together, is_music
