"""The GE2E speaker encoder as Resemblyzer published it: three LSTM layers over mel power, a projection, unit length.

Wan et al., "Generalized End-to-End Loss for Speaker Verification" (ICASSP 2018).
"""

from __future__ import annotations

from functools import cache
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.dsp.filters import slaney_filters

SAMPLE_RATE = 16_000
WINDOW_FRAMES = 160
"""Frames the encoder was trained on: 1.6 s."""
WIDTH = 256

_FFT, _HOP, _BANDS, _LAYERS = 400, 160, 40, 3


class SpeakerEncoder(nn.Module):
    """Windows of speech to points on the unit sphere that are near each other for one speaker."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(_BANDS, WIDTH, _LAYERS, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, mel: Tensor) -> Tensor:
        """Embeddings.

        Args:
            mel: `mel_power` of each window, [windows, frames, 40].

        Returns:
            [windows, 256], of unit length, not negative.
        """
        _, (hidden, _) = self.lstm(mel)
        return F.normalize(F.relu(cast("Tensor", self.linear(hidden[-1]))), dim=1)


def mel_power(samples: Tensor) -> Tensor:
    """The encoder's input: mel power, not its logarithm.

    Args:
        samples: [batch, samples] at 16 kHz, at about -30 dB of full scale (RMS).

    Returns:
        [batch, 1 + samples // 160, 40].
    """
    window = torch.hann_window(_FFT, device=samples.device)
    spectra = torch.stft(samples, _FFT, _HOP, window=window, pad_mode="constant", return_complex=True)
    return (_filters().to(samples) @ spectra.abs().square()).transpose(1, 2)


@cache
@torch.inference_mode(mode=False)  # what is kept must serve trainings, too, whoever asks first
def _filters() -> Tensor:
    return torch.from_numpy(slaney_filters(SAMPLE_RATE, _FFT, _BANDS))
