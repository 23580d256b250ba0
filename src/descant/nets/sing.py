"""SING: instrument, pitch and velocity to four seconds of sound (Défossez et al., NeurIPS 2018), layer by layer.

`SequenceGenerator` turns symbols into 265 frames of 128 numbers; `NoteDecoder` turns frames into samples; `NoteEncoder`
turns samples into frames and is there for training alone. Nothing is padded inside: a note of 64,000 samples has 2,304
zeros on both sides, which makes 265 frames; of these 65,024 samples come back, the note and 512 samples on each side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLE_RATE = 16_000
NOTE_SAMPLES = 64_000
VELOCITIES = (25, 50, 75, 100, 127)
"""Those of NSynth."""

_VELOCITY_ROWS = (0, 1, 2, 4, 5)
"""Row 3 was never trained in the published code; the table keeps it."""


@dataclass(frozen=True, slots=True)
class SingConfig:
    """Sizes; the defaults are the paper's.

    Attributes:
        instruments: How many there are.
        pitches: Rows of the pitch table: the MIDI number is the row.
        velocities: Rows of the velocity table.
        steps: Frames of a note.
        velocity_dim: Numbers for a velocity.
        instrument_dim: Numbers for an instrument.
        pitch_dim: Numbers for a pitch.
        time_dim: Numbers for a step; 0 is the ablation without a time table.
        hidden: Width of the LSTM.
        layers: Its layers.
        code: Numbers of a frame.
        channels: Width of the convolutions.
        rewrites: Convolutions of length 1 in each of encoder and decoder.
        context: Frames that the decoder sees at once.
        window: Samples that a frame makes.
        stride: Samples between frames.
    """

    instruments: int = 1006
    pitches: int = 128
    velocities: int = 6
    steps: int = 265
    velocity_dim: int = 2
    instrument_dim: int = 16
    pitch_dim: int = 8
    time_dim: int = 4
    hidden: int = 1024
    layers: int = 3
    code: int = 128
    channels: int = 4096
    rewrites: int = 2
    context: int = 9
    window: int = 1024
    stride: int = 256

    @property
    def strip(self) -> int:
        """Samples on each side of a padded note that do not come back."""
        return self.window - self.stride + (self.context - 1) * self.stride // 2

    @property
    def padding(self) -> int:
        """Zeros on each side of a note."""
        return self.strip + self.stride * 2


class SequenceGenerator(nn.Module):
    """Symbols to frames.

    Args:
        config: Sizes.
    """

    def __init__(self, config: SingConfig) -> None:
        super().__init__()
        self.config = config
        self.velocity = nn.Embedding(config.velocities, config.velocity_dim)
        self.instrument = nn.Embedding(config.instruments, config.instrument_dim)
        self.pitch = nn.Embedding(config.pitches, config.pitch_dim)
        self.time = nn.Embedding(config.steps, config.time_dim) if config.time_dim else None
        width = config.velocity_dim + config.instrument_dim + config.pitch_dim + config.time_dim
        self.lstm = nn.LSTM(width, config.hidden, config.layers, batch_first=True)
        self.linear = nn.Linear(config.hidden, config.code)

    def forward(
        self,
        symbols: Tensor,
        start: int = 0,
        stop: int | None = None,
        hidden: tuple[Tensor, Tensor] | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Frames of a stretch.

        Args:
            symbols: Rows of velocity, instrument and pitch, [batch, 3]; see `symbols_of`.
            start: First step.
            stop: Step after the last; None is the note's end.
            hidden: State of the LSTM after the steps before; zeros if left out.

        Returns:
            [batch, code, steps], and the state after them.
        """
        stop = self.config.steps if stop is None else stop
        velocity, instrument, pitch = symbols.unbind(dim=1)
        who = torch.cat((self.velocity(velocity), self.instrument(instrument), self.pitch(pitch)), dim=-1)
        x = who.unsqueeze(1).expand(-1, stop - start, -1)
        if self.time is not None:
            when = self.time(torch.arange(start, stop, device=symbols.device))
            x = torch.cat((x, when.unsqueeze(0).expand(len(symbols), -1, -1)), dim=-1)
        states, hidden = self.lstm(x, hidden)
        return self.linear(states).transpose(1, 2), hidden


def symbols_of(velocity: int, instrument: int, pitch: int) -> tuple[int, int, int]:
    """The rows of the tables: a velocity gets the nearest of NSynth's five, as in the published code.

    Args:
        velocity: 1 to 127.
        instrument: Its number.
        pitch: MIDI number.
    """
    nearest = min(range(len(VELOCITIES)), key=lambda row: abs(VELOCITIES[row] - velocity))
    return _VELOCITY_ROWS[nearest], instrument, pitch


class NoteDecoder(nn.Module):
    """Frames to samples.

    Args:
        config: Sizes.
    """

    def __init__(self, config: SingConfig) -> None:
        super().__init__()
        self.config = config
        layers: list[nn.Module] = [nn.Conv1d(config.code, config.channels, config.context), nn.ReLU()]
        layers += _rewrites(config)
        self.inner = nn.Sequential(*layers)
        self.outer = nn.ConvTranspose1d(
            config.channels, 1, config.window, stride=config.stride, padding=config.window - config.stride
        )
        self.register_buffer("shape", torch.hann_window(config.window).square(), persistent=False)

    def forward(self, frames: Tensor) -> Tensor:
        """[batch, code, frames] to [batch, (frames - context + 2) * stride - window]."""
        x = self.inner(frames)
        kernel = self.outer.weight * cast("Tensor", self.shape)
        padding = self.config.window - self.config.stride
        sound = F.conv_transpose1d(x, kernel, self.outer.bias, stride=self.config.stride, padding=padding)
        return sound.squeeze(1)


class NoteEncoder(nn.Module):
    """Samples to frames; a training aid.

    Args:
        config: Sizes.
    """

    def __init__(self, config: SingConfig) -> None:
        super().__init__()
        self.config = config
        self.outer = nn.Conv1d(1, config.channels, config.window, stride=config.stride)
        self.inner = nn.Sequential(*_rewrites(config), nn.Conv1d(config.channels, config.code, 1))
        self.register_buffer("shape", torch.hann_window(config.window).square(), persistent=False)

    def forward(self, padded: Tensor) -> Tensor:
        """[batch, samples], `pad_note`'s, to [batch, code, (samples - window) / stride + 1]."""
        kernel = self.outer.weight * cast("Tensor", self.shape)
        x = F.relu(F.conv1d(padded.unsqueeze(1), kernel, self.outer.bias, stride=self.config.stride))
        return cast("Tensor", self.inner(x))


class Sing(nn.Module):
    """Symbols to sound.

    Args:
        config: Sizes.
    """

    def __init__(self, config: SingConfig = SingConfig()) -> None:
        super().__init__()
        self.config = config
        self.generator = SequenceGenerator(config)
        self.decoder = NoteDecoder(config)

    def forward(self, symbols: Tensor) -> Tensor:
        """[batch, 3] to [batch, 65,024]: the note with 512 samples more on each side."""
        frames, _ = self.generator(symbols)
        return cast("Tensor", self.decoder(frames))

    def notes(self, symbols: Tensor) -> Tensor:
        """[batch, 3] to the notes alone, [batch, 64,000], within -1..1."""
        margin = 2 * self.config.stride
        sound: Tensor = self(symbols)
        return sound[:, margin:-margin].clamp(-1.0, 1.0)


def pad_note(samples: Tensor, config: SingConfig) -> Tensor:
    """Zeros on both sides of notes, [batch, samples], so that they fill whole frames."""
    return F.pad(samples, (config.padding, config.padding))


def returned_part(padded: Tensor, config: SingConfig) -> Tensor:
    """Of padded notes the samples that a decoder gives back."""
    return padded[..., config.strip : -config.strip]


def _rewrites(config: SingConfig) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for _ in range(config.rewrites):
        layers += [nn.Conv1d(config.channels, config.channels, 1), nn.ReLU()]
    return layers


def log_spectral_distance(true: Tensor, found: Tensor, *, size: int = 1024) -> Tensor:
    """SING's loss: mean absolute difference of log(1 + |STFT|^2), for each note.

    Windows of 1,024 samples (Hann, periodic), 256 apart, nothing padded or normalised. What has less power than 1 in
    a bin hardly counts: silence is easy, and noise does not pull.

    Args:
        true: [batch, samples] within -1..1.
        found: The same shape.
        size: Of the window.

    Returns:
        [batch].
    """
    one, other = (_log_power(signal, size) for signal in (true, found))
    return (one - other).abs().mean(dim=(1, 2))


def _log_power(samples: Tensor, size: int) -> Tensor:
    window = torch.hann_window(size, device=samples.device)
    spectra = torch.stft(samples, size, size // 4, window=window, center=False, return_complex=True)
    return torch.log1p(torch.view_as_real(spectra).square().sum(-1))
