"""Perth, a second detector of another maker: whether a recording carries the mark of Resemble AI's voices.

It tells nothing of Descant's own mark. Its embedder is here for comparison (`benchmarks/mark.py`); nothing that Descant
makes is marked with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descant.audio.clip import Clip
from descant.audio.io import probe, read_blocks
from descant.audio.resample import resample
from descant.errors import InvalidAudio
from descant.files import PathLike, as_path
from descant.hub.checkpoint import load_into
from descant.hub.store import fetch
from descant.nets.perth import (
    SAMPLE_RATE,
    SHORTEST_SAMPLES,
    PerthDecoder,
    PerthEncoder,
    levels_of,
    samples_of,
    spectra_of,
)
from descant.progress import CancelToken, Monitor, ProgressSink

CARD = "perth-implicit"
THRESHOLD = 0.5
"""Perth's own: it rounds its score."""
BLOCK_S = 30.0
"""Longer recordings are heard in pieces of this length: the most that is held in memory."""

_SILENT = 1e-6


@dataclass(frozen=True, slots=True)
class PerthVerdict:
    """What Perth says of a recording.

    Attributes:
        score: 0 to 1.
        is_marked: Whether Perth would say so.
    """

    score: float

    @property
    def is_marked(self) -> bool:
        """Whether the score rounds to 1."""
        return self.score >= THRESHOLD


def perth_score(clip: Clip) -> PerthVerdict:
    """Ask Perth's detector about a clip; its weights (34 MB) are fetched when they are not in the cache yet.

    Args:
        clip: Any rate, channel count and length; channels are heard as their mean.

    Raises:
        InvalidAudio: The clip has no samples.
        ModelNotFound, OfflineRefused, DownloadFailed: The weights cannot be had.
    """
    if clip.frames == 0:
        raise InvalidAudio("There is no audio to verify: its length is zero.", "Record or export it again.")
    size = round(BLOCK_S * clip.sample_rate)
    pieces = (clip.samples[:, at : at + size] for at in range(0, clip.frames, size))
    return _verdict([_heard(Clip(piece, clip.sample_rate)) for piece in pieces])


def perth_score_file(
    path: PathLike, *, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> PerthVerdict:
    """Ask Perth's detector about a file of any length, in memory that does not grow with it.

    The score of a file longer than 30 s is the mean of the scores of its pieces, each counted by its length; silent
    pieces do not count.

    Args:
        path: Any audio file.
        progress: Receives the share that is done.
        cancel: Stops within a block.

    Raises:
        DescantError: The file cannot be read, or the weights cannot be had.
    """
    place = as_path(path)
    info = probe(place)
    monitor = Monitor(progress, cancel, "asking Perth")
    found, frames = [], 0
    for block in read_blocks(place, round(BLOCK_S * info.sample_rate)):
        monitor.report(min(1.0, frames / max(1, info.frames)))
        found.append(_heard(block))
        frames += block.frames
    if not frames:
        raise InvalidAudio("There is no audio to verify: its length is zero.", "Record or export it again.")
    monitor.report(1.0)
    return _verdict(found)


@torch.inference_mode()
def perth_marked(clip: Clip) -> Clip:
    """A copy with Perth's mark, for comparison.

    Perth itself returns what is left after 32 kHz and back; here only the difference that it makes there is added, so
    that frequencies above 16 kHz stay.

    Args:
        clip: Any rate and channel count; each channel is marked.
    """
    low = resample(clip, SAMPLE_RATE)
    if low.frames < SHORTEST_SAMPLES:
        return clip
    spectra = spectra_of(torch.from_numpy(low.samples.copy()))
    copy = samples_of(spectra, _nets()[0](levels_of(spectra)), low.frames).numpy()
    added = resample(Clip((copy - low.samples).astype(np.float32), SAMPLE_RATE), clip.sample_rate)
    return Clip(clip.samples + added.pad_to(clip.frames).samples[:, : clip.frames], clip.sample_rate)


@torch.inference_mode()
def _heard(block: Clip) -> tuple[float, float]:
    """Score and weight of a piece."""
    mono: NDArray[np.float32] = resample(block.to_mono(), SAMPLE_RATE).samples[0]
    if not len(mono) or float(np.abs(mono).max()) < _SILENT:
        return 0.0, 0.0
    padded = np.pad(mono, (0, max(0, SHORTEST_SAMPLES - len(mono))))
    levels: Tensor = levels_of(spectra_of(torch.from_numpy(padded)[None]))
    return float(_nets()[1](levels)[0]), float(len(mono))


def _verdict(found: list[tuple[float, float]]) -> PerthVerdict:
    scores, weights = np.array(found).T
    if not weights.any():
        return PerthVerdict(0.0)
    return PerthVerdict(float(np.clip(np.average(scores, weights=weights), 0.0, 1.0)))


@cache
def _nets() -> tuple[PerthEncoder, PerthDecoder]:
    path = fetch(CARD) / "weights.safetensors"
    encoder, decoder = PerthEncoder(), PerthDecoder()
    load_into(encoder, path, prefix="encoder.")
    load_into(decoder, path, prefix="decoder.")
    return encoder.eval().requires_grad_(requires_grad=False), decoder.eval().requires_grad_(requires_grad=False)
