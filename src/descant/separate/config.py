"""`SeparationConfig`: everything that decides what the stems sound like, apart from the weights."""

from __future__ import annotations

from dataclasses import dataclass

from descant.errors import InvalidOption
from descant.nets.u_net import U_NET_STRIDE


@dataclass(frozen=True, slots=True)
class SeparationConfig:
    """The spectrogram the nets were trained on, and how blocks of it are joined.

    Attributes:
        sample_rate: Rate in Hz at which the nets work; other rates are converted there and back.
        fft_size: Window length in samples (periodic Hann, centred, zeros beyond the ends).
        hop_samples: Samples between frames.
        net_bins: How many of the lowest bins the nets see (1,024 of 2,049: up to 11 kHz).
        block_frames: Frames per run of a net; 512 (11.9 s) is what the weights were trained on.
        overlap_frames: Frames shared by neighbouring blocks; across the middle of them one block's masks fade into
            the next one's.
        edge_frames: Frames at a block's borders inside the overlap that are not used at all, because the nets see
            zeros beyond them.
        level_db: RMS level, in dB of full scale, to which each block is brought before the nets see it; None leaves
            it as it is.
        quietest_db: Blocks quieter than this are not raised any further.
        is_full_band: Whether the stems share the bins above those the nets see; if not, the last stem gets them all.
        top_bins: How many of the highest bins that the nets see (384: from 6.9 kHz up) decide over all bins above.
    """

    sample_rate: int = 44_100
    fft_size: int = 4_096
    hop_samples: int = 1_024
    net_bins: int = 1_024
    block_frames: int = 512
    overlap_frames: int = 128
    edge_frames: int = 16
    level_db: float | None = -11.0
    quietest_db: float = -70.0
    is_full_band: bool = True
    top_bins: int = 384

    def __post_init__(self) -> None:
        if min(self.sample_rate, self.hop_samples) < 1 or self.fft_size % (2 * self.hop_samples) or self.fft_size < 1:
            raise InvalidOption(
                f"Windows of {self.fft_size} samples every {self.hop_samples} cannot be joined again.",
                "The window must be an even multiple of the hop.",
            )
        if self.block_frames % U_NET_STRIDE or self.net_bins % U_NET_STRIDE:
            raise InvalidOption(
                f"Blocks of {self.block_frames} frames x {self.net_bins} bins do not fit the net.",
                f"Both must be multiples of {U_NET_STRIDE}.",
            )
        if not 0 < self.overlap_frames <= self.block_frames // 2:
            raise InvalidOption(
                f"An overlap of {self.overlap_frames} frames does not fit blocks of {self.block_frames}.",
                "Take at most half a block.",
            )
        if not 0 <= 2 * self.edge_frames < self.overlap_frames:
            raise InvalidOption(
                f"{self.edge_frames} edge frames leave nothing of the overlap to fade across.",
                "Take less than half the overlap.",
            )
        if self.net_bins > self.fft_size // 2 + 1 or not 0 < self.top_bins <= self.net_bins:
            raise InvalidOption("More bins are asked for than the spectrum has.")

    @property
    def bins(self) -> int:
        """Bins of the whole spectrum."""
        return self.fft_size // 2 + 1

    @property
    def hop_frames(self) -> int:
        """Frames by which a block begins later than the one before."""
        return self.block_frames - self.overlap_frames
