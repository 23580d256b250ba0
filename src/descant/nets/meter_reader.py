"""`MeterReader`: places the notes of an unaccompanied melody in the bar and tells its tempo.

An encoder over notes, whose attention sees how many seconds lie between two notes: queries and keys are rotated by
the time of their note (rotary embedding, Su et al. 2021, with clock time instead of an index), at periods from a
semiquaver to a verse. The idea of reading beats from played notes by a net is that of Liu et al., "Performance
MIDI-to-score conversion by neural beat tracking", ISMIR 2022; here the notes are sung and heard, so some are wrong.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

METERS = (4, 3)
"""Bar lengths in beats, in the order of the outputs."""

PER_BEAT = 4
ELSEWHERE = sum(METERS) * PER_BEAT
"""The output of notes on no sixteenth: triplets, ornaments, and what was no note at all."""

LOWEST_BPM, TEMPO_BINS, BINS_PER_OCTAVE = 40.0, 60, 24
NOTE_FEATURES = 8

_SHORTEST_PERIOD_S, _LONGEST_PERIOD_S = 0.2, 60.0


def place_range(bar: int) -> tuple[int, int]:
    """The outputs (first, end) that stand for the sixteenths of bars of three or four beats."""
    first = sum(PER_BEAT * other for other in METERS[: METERS.index(bar)])
    return first, first + PER_BEAT * bar


class MeterLogits(NamedTuple):
    """Of each note: `place` [batch, notes, 29], sixteenths of METERS then ELSEWHERE; `tempo` [batch, notes, 60]."""

    place: Tensor
    tempo: Tensor


class _Block(nn.Module):
    """Attention over all notes, then each note by itself."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.first_norm = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.second_norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, 3 * width)
        self.narrow = nn.Linear(3 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, present: Tensor) -> Tensor:
        batch, notes, width = x.shape
        split = self.query_key_value(self.first_norm(x)).view(batch, notes, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        attended = F.scaled_dot_product_attention(
            _rotated(query, cosine, sine), _rotated(key, cosine, sine), value, attn_mask=present[:, None, None, :]
        )
        x = x + self.dropout(self.output(attended.transpose(1, 2).flatten(2)))
        deeper: Tensor = x + self.dropout(self.narrow(F.gelu(self.widen(self.second_norm(x)))))
        return deeper


def _rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    one, other = x.chunk(2, dim=-1)
    return torch.cat([one * cosine - other * sine, one * sine + other * cosine], dim=-1).to(x.dtype)


class MeterReader(nn.Module):
    """Notes to places in the bar and tempi.

    Args:
        width: Size of the residual stream; a multiple of twice the heads.
        layers: Blocks.
        heads: Attention heads.
        dropout: In training.
    """

    periods: Tensor

    def __init__(self, width: int = 96, layers: int = 5, heads: int = 4, dropout: float = 0.1) -> None:
        super().__init__()
        self.enter = nn.Sequential(nn.Linear(NOTE_FEATURES, width), nn.GELU(), nn.Linear(width, width))
        self.blocks = nn.ModuleList(_Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.place = nn.Linear(width, ELSEWHERE + 1)
        self.tempo = nn.Linear(width, TEMPO_BINS)
        steps = torch.linspace(0.0, 1.0, width // heads // 2)
        periods = _SHORTEST_PERIOD_S * (_LONGEST_PERIOD_S / _SHORTEST_PERIOD_S) ** steps
        self.register_buffer("periods", periods, persistent=False)

    def forward(self, times_s: Tensor, features: Tensor, present: Tensor) -> MeterLogits:
        """Read melodies.

        Args:
            times_s: Starts of the notes, shape [batch, notes].
            features: What `analyze.meter.note_features` says of them, shape [batch, notes, 8].
            present: Which notes are no padding, bool, shape [batch, notes].
        """
        angle = 2 * torch.pi * times_s[:, None, :, None] / self.periods
        cosine, sine = angle.cos(), angle.sin()
        x = self.enter(features)
        for block in self.blocks:
            x = block(x, cosine, sine, present)
        x = self.norm(x)
        return MeterLogits(self.place(x).float(), self.tempo(x).float())
