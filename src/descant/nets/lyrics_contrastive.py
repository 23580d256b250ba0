"""Two encoders that put sung frames and written symbols into one space.

Of Durand, Stoller and Ewert, "Contrastive Learning-Based Audio to Lyrics Alignment for Multiple Languages" (ICASSP
2023, arXiv 2306.07744). A frame and a symbol that is sung in it point the same way. The audio encoder
hears about 930 ms and no more, so it cannot move what it heard in time; the text encoder reads a symbol between its
neighbours.

As published: ten residual blocks of two 3x3 convolutions with 64 filters on 257 bins, one convolution that collapses
the frequencies, embeddings of 64 numbers of length one, 1.2 M parameters. Chosen here, as the paper is silent: the
collapsing convolution works in two groups of channels, with which the count of parameters is the published one;
GroupNorm has four groups, one in the first block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLE_RATE = 11_025
"""Of the sound that is heard, in Hz."""
FFT_SIZE, HOP = 512, 256
FRAMES_PER_S = SAMPLE_RATE / HOP
"""43.07, which makes a frame 23.2 ms."""
_GROUPS = 4


@dataclass(frozen=True, slots=True)
class ContrastiveConfig:
    """Sizes of both encoders.

    Attributes:
        symbols: How many symbols there are; the last one is the space between words, which also stands around a text.
        bins: Of the spectrum.
        width: Filters of the residual blocks.
        blocks: How many.
        embedding: Numbers of an embedding.
        context: Neighbours on each side of a symbol that are read with it: 0 or 1.
        languages: How many languages the text encoder tells apart; 0 for one text encoder without languages.
        collapse_groups: Groups of channels in the convolution that collapses the frequencies.
        halvings: How many of the first blocks halve the frequency axis (0: none, as published), for small computers.
    """

    symbols: int = 28
    bins: int = FFT_SIZE // 2 + 1
    width: int = 64
    blocks: int = 10
    embedding: int = 64
    context: int = 1
    languages: int = 0
    collapse_groups: int = 2
    halvings: int = 0

    @property
    def space(self) -> int:
        """The symbol between words."""
        return self.symbols - 1

    @property
    def bands(self) -> int:
        """Rows of the frequency axis after the last block."""
        rows = self.bins
        for _ in range(min(self.halvings, self.blocks)):
            rows = (rows + 1) // 2
        return rows


class _Block(nn.Module):
    def __init__(self, inputs: int, width: int, *, halves: bool) -> None:
        super().__init__()
        self.first_norm = nn.GroupNorm(_GROUPS if inputs > 1 else 1, inputs)
        self.first = nn.Conv2d(inputs, width, 3, padding=1, stride=(2, 1) if halves else 1)
        self.second_norm = nn.GroupNorm(_GROUPS, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self._halves = halves

    def forward(self, x: Tensor) -> Tensor:
        made = self.first(F.relu(self.first_norm(x)))
        made = self.second(F.relu(self.second_norm(made)))
        kept = x[..., ::2, :] if self._halves else x
        return cast("Tensor", kept + made)


class AudioEncoder(nn.Module):
    """Spectra to embeddings, frame by frame; see the module."""

    def __init__(self, config: ContrastiveConfig) -> None:
        super().__init__()
        inputs = (1, *(config.width for _ in range(config.blocks - 1)))
        self.blocks = nn.Sequential(
            *(_Block(count, config.width, halves=n < config.halvings) for n, count in enumerate(inputs))
        )
        self.collapse = nn.Conv2d(config.width, config.embedding, (config.bands, 1), groups=config.collapse_groups)

    def forward(self, spectra: Tensor) -> Tensor:
        """Log spectra [batch, bins, frames] to vectors [batch, frames, embedding] of any length."""
        x = spectra.unsqueeze(1).contiguous(memory_format=torch.channels_last)
        collapsed: Tensor = self.collapse(self.blocks(x))
        return collapsed.squeeze(2).transpose(1, 2)


class TextEncoder(nn.Module):
    """Symbols with their neighbours to embeddings; see the module."""

    def __init__(self, config: ContrastiveConfig) -> None:
        super().__init__()
        self.symbols = nn.Embedding(config.symbols, config.embedding)
        self.languages = nn.Embedding(config.languages, config.embedding) if config.languages else None
        read = config.embedding * (2 * config.context + 1 + (config.languages > 0))
        layers: list[nn.Module] = []
        if config.languages:
            layers += [nn.Linear(read, read), nn.ReLU(), nn.Linear(read, read), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(read, config.embedding))

    def forward(self, contexts: Tensor, language: Tensor | None = None) -> Tensor:
        """Symbols [tokens, 2 context + 1], and each token's language [tokens], to vectors [tokens, embedding]."""
        read = self.symbols(contexts).flatten(1)
        if self.languages is not None:
            assert language is not None, "a net that tells languages apart must be told which"
            read = torch.cat((read, self.languages(language)), 1)
        return cast("Tensor", self.layers(read))


class LyricsContrastive(nn.Module):
    """See the module.

    Args:
        config: Sizes.
    """

    def __init__(self, config: ContrastiveConfig = ContrastiveConfig()) -> None:
        super().__init__()
        self.config = config
        self.audio = AudioEncoder(config)
        self.text = TextEncoder(config)

    @property
    def reach(self) -> int:
        """Frames to each side that an embedding depends on (norms aside): two convolutions in each block."""
        return 2 * self.config.blocks

    def hear(self, spectra: Tensor) -> Tensor:
        """Log spectra [batch, bins, frames] to embeddings [batch, frames, embedding] of length one."""
        return F.normalize(self.audio(spectra).float(), dim=-1)

    def read(self, contexts: Tensor, language: Tensor | None = None) -> Tensor:
        """Symbols in their contexts to embeddings [tokens, embedding] of length one; see `contexts_of`."""
        return F.normalize(self.text(contexts, language).float(), dim=-1)


def contexts_of(symbols: Tensor, context: int, space: int) -> Tensor:
    """Symbols [tokens] with their neighbours, [tokens, 2 context + 1]; beyond both ends is space."""
    around = F.pad(symbols, (context, context), value=space)
    return around.unfold(0, 2 * context + 1, 1)


def similarity(heard: Tensor, read: Tensor) -> Tensor:
    """How alike frames [frames, embedding] and tokens [tokens, embedding] are: 0..1, [frames, tokens]."""
    return 0.5 * (heard @ read.T + 1.0)
