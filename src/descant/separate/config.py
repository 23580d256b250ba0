"""`SeparationConfig`: everything that decides what the stems sound like, apart from the weights."""

from __future__ import annotations

from dataclasses import dataclass

from descant.errors import InvalidOption
from descant.nets.u_net import U_NET_STRIDE

_LARGEST = {
    "sample_rate": 768_000,
    "fft_size": 1 << 16,
    "hop_samples": 1 << 15,
    "net_bins": 1 << 15,
    "block_frames": 1 << 13,
    "overlap_frames": 1 << 13,
    "edge_frames": 1 << 13,
    "top_bins": 1 << 15,
}
"""Beyond these a card is damaged or hostile: it would take the machine's memory."""
_LARGEST_DB = 200.0


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
        self._check_kinds()
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

    def _check_kinds(self) -> None:
        """Cards come from strangers: what is no number, not finite or enormous is refused by its name."""
        for name, largest in _LARGEST.items():
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value <= largest:
                raise InvalidOption(f"{name} = {value!r} is impossible.", f"It is a whole number up to {largest}.")
        for name, value in (("level_db", self.level_db), ("quietest_db", self.quietest_db)):
            if name == "level_db" and value is None:
                continue
            if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= _LARGEST_DB:
                raise InvalidOption(f"{name} = {value!r} is impossible.", f"It is a level within {_LARGEST_DB:g} dB.")
        if not isinstance(self.is_full_band, bool):
            raise InvalidOption(f"is_full_band = {self.is_full_band!r} is impossible.", "It is true or false.")

    @property
    def bins(self) -> int:
        """Bins of the whole spectrum."""
        return self.fft_size // 2 + 1

    @property
    def hop_frames(self) -> int:
        """Frames by which a block begins later than the one before."""
        return self.block_frames - self.overlap_frames
