"""A Wave-U-Net that hears characters.

Of Stoller, Durand and Ewert, "End-to-end Lyrics Alignment for Polyphonic Music Using an Audio-to-Character Recognition
Model" (ICASSP 2019, arXiv 1902.06797).

Raw samples go down twelve times (a convolution, then every second frame) and up again only twice, so that what comes
out is 1,024 times slower than what went in. Convolutions are valid: 352,243 samples (16 s at 22,050 Hz) are heard for
the characters of the 225,501 in their middle, and nothing is padded.

The paper's sheet does not say widths and kernels. Kernels of 15 on the way down and at the bottom and of 5 on the way
up, as in the Wave-U-Net for separation, are the ones with which twelve and two levels turn 352,243 samples into a whole
number of frames, 221; the last level's convolution is followed by linear interpolation like there. `growth` more
channels at each level down are that net's 24 in its published form: here, too, not verified.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.nets.lyrics_contrastive import AudioEncoder, ContrastiveConfig

SAMPLE_RATE = 22_050
"""Of the sound that is heard, in Hz."""
INPUT_SAMPLES, OUTPUT_SAMPLES = 352_243, 225_501
"""A window, and its middle of which the characters are told."""
MARGIN_SAMPLES = (INPUT_SAMPLES - OUTPUT_SAMPLES) // 2
"""Of a window on each side of that middle: 63,371."""
_SLOPE = 0.2


@dataclass(frozen=True, slots=True)
class WaveUNetConfig:
    """Sizes of the net.

    Attributes:
        symbols: What it tells apart, the CTC blank included, which is the last.
        down: Levels down.
        up: Levels up again.
        growth: Channels that each level has more than the one above.
        down_kernel: Length of a convolution on the way down and at the bottom; odd.
        up_kernel: On the way up; odd.
    """

    symbols: int = 29
    down: int = 12
    up: int = 2
    growth: int = 24
    down_kernel: int = 15
    up_kernel: int = 5

    def frames(self, samples: int) -> int:
        """Frames that come out of so many samples; 0 or less where the input is too short."""
        length = samples
        for _ in range(self.down):
            length = (length - self.down_kernel + 2) // 2
        length -= self.down_kernel - 1
        for _ in range(self.up):
            length = 2 * length - 1 - (self.up_kernel - 1)
        return length

    @property
    def step(self) -> int:
        """Samples from one frame to the next inside of a window."""
        return 1 << (self.down - self.up)


class LyricsWaveUNet(nn.Module):
    """See the module.

    Args:
        config: Sizes.
    """

    def __init__(self, config: WaveUNetConfig = WaveUNetConfig()) -> None:
        super().__init__()
        self.config = config
        widths = [config.growth * (level + 1) for level in range(config.down + 1)]
        inputs = [1, *widths[:-1]]
        kernel = config.down_kernel
        self.down = nn.ModuleList(nn.Conv1d(a, b, kernel) for a, b in zip(inputs[:-1], widths[:-1], strict=True))
        self.bottom = nn.Conv1d(inputs[-1], widths[-1], kernel)
        above = [widths[config.down - 1 - level] for level in range(config.up)]
        below = [widths[-1], *above[:-1]]
        self.up = nn.ModuleList(nn.Conv1d(a + b, b, config.up_kernel) for a, b in zip(below, above, strict=True))
        self.tell = nn.Conv1d(above[-1] if above else widths[-1], config.symbols, 1)

    def forward(self, samples: Tensor) -> Tensor:
        """Samples [batch, samples] to log-probabilities of symbols [batch, frames, symbols]."""
        x = samples.unsqueeze(1)
        skips = []
        for convolution in self.down:
            x = F.leaky_relu(convolution(x), _SLOPE)
            skips.append(x)
            x = x[..., ::2]
        x = F.leaky_relu(self.bottom(x), _SLOPE)
        for convolution in self.up:
            x = F.interpolate(x, size=2 * x.shape[-1] - 1, mode="linear", align_corners=True)
            x = torch.cat((_middle(skips.pop(), x.shape[-1]), x), 1)
            x = F.leaky_relu(convolution(x), _SLOPE)
        told: Tensor = self.tell(x).transpose(1, 2).float()
        return F.log_softmax(told, -1)


@dataclass(frozen=True, slots=True)
class ResidualCtcConfig:
    """Sizes of `ResidualCtc`: symbols with the blank, and for the rest see `ContrastiveConfig`."""

    symbols: int = 29
    width: int = 64
    blocks: int = 10
    halvings: int = 0


class ResidualCtc(nn.Module):
    """The audio encoder of the contrastive net with a layer that tells symbols: the CTC model of arXiv 2306.07744.

    Args:
        config: Sizes.
    """

    def __init__(self, config: ResidualCtcConfig = ResidualCtcConfig()) -> None:
        super().__init__()
        self.config = config
        sizes = ContrastiveConfig(width=config.width, blocks=config.blocks, halvings=config.halvings)
        self.audio = AudioEncoder(sizes)
        self.tell = nn.Linear(sizes.embedding, config.symbols)

    @property
    def reach(self) -> int:
        """As of the contrastive net."""
        return 2 * self.config.blocks

    def forward(self, spectra: Tensor) -> Tensor:
        """Log spectra [batch, bins, frames] to log-probabilities of symbols [batch, frames, symbols]."""
        return F.log_softmax(self.tell(F.relu(self.audio(spectra))).float(), -1)


def _middle(x: Tensor, length: int) -> Tensor:
    """The middle of a skip connection; it is longer by what the valid convolutions below it took."""
    first = (x.shape[-1] - length) // 2
    return x[..., first : first + length]
