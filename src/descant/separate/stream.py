"""`SpectralStream`: samples in, masked samples out, block by block, with bounded memory and exact lengths.

The short-time Fourier transform and its inverse run over the whole signal without seams: only the *masks* are made in
blocks, and they are cross-faded from block to block. A mask cannot click.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from descant.separate.masks import MaskEstimator

_TINY = 1e-8


class SpectralStream:
    """Separates a signal that arrives in pieces of any size.

    The result does not depend on how the signal is cut into pieces.

    Args:
        estimator: Makes the masks of one block.
        channels: Channels of the signal.
        stems: How many of the estimator's stems are wanted, from the first on. One fewer than all is enough, since
            the last one is what remains.
    """

    def __init__(self, estimator: MaskEstimator, channels: int, stems: int) -> None:
        self._estimator = estimator
        self._config = config = estimator.config
        self._stems = stems
        self._window = torch.hann_window(config.fft_size, periodic=True)
        self._pending = torch.zeros(channels, config.fft_size // 2)  # centring: half a window of zeros
        self._spectra = torch.zeros(channels, 0, config.bins, dtype=torch.complex64)
        self._previous: Tensor | None = None
        steps = torch.arange(config.overlap_frames) - config.edge_frames + 0.5
        self._rise = (steps / (config.overlap_frames - 2 * config.edge_frames)).clamp(0.0, 1.0).unsqueeze(-1)
        tail = config.fft_size - config.hop_samples
        self._sums = torch.zeros(stems, channels, tail)  # overlap-added samples that later frames still add to
        self._envelope = torch.zeros(tail)  # sum of the squared windows under them
        self._frames_in = 0
        self._position = -(config.fft_size // 2)  # time of the first of those samples
        self._ended = False

    def push(self, samples: NDArray[np.float32], last: bool = False) -> NDArray[np.float32]:
        """Take the next samples and return what is finished.

        Args:
            samples: [channels, frames] at the config's rate.
            last: No more will come: return everything that is left.

        Returns:
            [stems, channels, finished frames]; over all calls as many frames as were pushed.
        """
        assert not self._ended, "the stream has ended"
        finished = []
        with torch.inference_mode():
            size = self._config.block_frames * self._config.hop_samples
            for start in range(0, samples.shape[1], size):
                self._append(torch.from_numpy(samples[:, start : start + size].copy()))
                finished += self._separate(last=False)
            if last:
                self._ended = True
                self._append_end()
                finished += self._separate(last=True)
        shape = (self._stems, self._pending.shape[0], 0)
        return np.concatenate([np.zeros(shape, np.float32), *(part.numpy() for part in finished)], axis=2)

    def _append(self, samples: Tensor) -> None:
        self._frames_in += samples.shape[1]
        self._pending = torch.cat((self._pending, samples), dim=1)
        self._transform()

    def _append_end(self) -> None:
        """Zeros so that the last frame is centred on the last whole hop, as `torch.stft(center=True)` has it."""
        config = self._config
        zeros = torch.zeros(self._pending.shape[0], config.fft_size // 2)
        self._pending = torch.cat((self._pending, zeros), dim=1)
        self._transform()

    def _transform(self) -> None:
        """Move whole frames from the pending samples to the spectra."""
        size, hop = self._config.fft_size, self._config.hop_samples
        if self._pending.shape[1] < size:
            return
        frames = self._pending.unfold(1, size, hop)
        spectra = torch.fft.rfft(frames * self._window)
        self._pending = self._pending[:, frames.shape[1] * hop :].clone()
        self._spectra = torch.cat((self._spectra, spectra), dim=1)

    def _separate(self, *, last: bool) -> list[Tensor]:
        """Mask and invert every block that is complete; at the end also the incomplete one."""
        config = self._config
        finished = []
        # A block waits for one frame more than it needs: only then is it known that another block follows.
        while self._spectra.shape[1] > config.block_frames:
            masks = self._faded_masks(self._spectra[:, : config.block_frames])
            finished.append(self._invert(masks[:, :, : config.hop_frames]))
        if last:
            finished.append(self._invert(self._faded_masks(self._spectra)))
            finished.append(self._normalised(self._sums.shape[2]))
        return finished

    def _faded_masks(self, spectra: Tensor) -> Tensor:
        """Masks of one block; its first frames continue the masks of the block before."""
        config = self._config
        masks = self._estimator(spectra.abs())[: self._stems]
        if self._previous is not None:
            shared = min(config.overlap_frames, masks.shape[2])
            masks[:, :, :shared] = torch.lerp(self._previous[:, :, :shared], masks[:, :, :shared], self._rise[:shared])
        self._previous = masks[:, :, config.hop_frames :].clone()
        return masks

    def _invert(self, masks: Tensor) -> Tensor:
        """Mask the first spectra, overlap-add their inverse transform, forget them, and return what is complete."""
        size, hop = self._config.fft_size, self._config.hop_samples
        count, parts = masks.shape[2], size // hop
        pieces = torch.fft.irfft(masks * self._spectra[:, :count], size) * self._window
        self._spectra = self._spectra[:, count:].clone()
        pieces = pieces.reshape(*pieces.shape[:-1], parts, hop)
        power = self._window.square().reshape(parts, hop)
        sums = F.pad(self._sums.reshape(*self._sums.shape[:-1], parts - 1, hop), (0, 0, 0, count))
        envelope = F.pad(self._envelope.reshape(parts - 1, hop), (0, 0, 0, count))
        for part in range(parts):
            sums[:, :, part : part + count] += pieces[:, :, :, part]
            envelope[part : part + count] += power[part]
        self._sums, self._envelope = sums.flatten(-2), envelope.flatten()
        return self._normalised(count * hop)

    def _normalised(self, count: int) -> Tensor:
        """Take the next `count` samples of the overlap-add, without those before the start and after the end."""
        begin, self._position = self._position, self._position + count
        finished = self._sums[:, :, :count] / self._envelope[:count].clamp_min(_TINY)
        self._sums, self._envelope = self._sums[:, :, count:].clone(), self._envelope[count:].clone()
        return finished[:, :, max(0, -begin) : max(0, self._frames_in - begin)]
