"""Aligning a piece with a lyrics net: hearing it window by window, searching, and how far word starts are off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import nn

from descant.data.lyrics_set import Piece
from descant.dsp.forced_alignment import Path, ctc_path, monotone_path, two_passes
from descant.nets import lyrics_ctc
from descant.nets.lyrics_contrastive import (
    FRAMES_PER_S,
    SAMPLE_RATE,
    LyricsContrastive,
    contexts_of,
    similarity,
)
from descant.nets.lyrics_ctc import LyricsWaveUNet, ResidualCtc
from descant.text.lyrics import Lyrics
from descant.text.sung_symbols import SungSymbols, Units, sung_symbols
from descant.train.lyrics_segments import heard_at, log_spectra

Floats = NDArray[np.float32]

WINDOW_FRAMES = 216
"""5 s, as in training: what the norms are computed over."""
RAMP_S = 2.5
_LEAST = 1e-4
TOKEN_S = {"characters": 0.2, "phonemes": 0.4}
"""How long a symbol lasts on average, as published."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a net hears in a piece, for a text.

    Attributes:
        scores: Contrastive: similarity of frames and tokens, [frames, tokens]. CTC:
            log-probabilities, [frames, symbols].
        blank: CTC's blank; None of a contrastive net.
        frames_per_s: Of the frames.
    """

    scores: Floats
    blank: int | None
    frames_per_s: float


def starts_of(
    evidence: Evidence, text: SungSymbols, words: int, units: Units, *, is_masked: bool = True
) -> NDArray[np.float64]:
    """Where words start, in seconds, [words].

    Args:
        evidence: Of the piece.
        text: Its symbols.
        words: How many words it has.
        units: Of the symbols.
        is_masked: Whether a second pass holds each line near where the first one put its middle.

    Raises:
        InvalidOption: The text is too long for the piece.
    """
    search: Callable[[Floats | None], Path]
    if evidence.blank is None:
        search = partial(_contrastive_search, evidence.scores)
    else:
        search = partial(_ctc_search, evidence.scores, text.symbols, evidence.blank)
    fps = evidence.frames_per_s
    if is_masked:
        sizes = {"token_frames": TOKEN_S[units] * fps, "ramp_frames": RAMP_S * fps}
        path = two_passes(search, text.lines, len(evidence.scores), **sizes)
    else:
        path = search(None)
    return path.starts[text.word_tokens(words)] / fps


def _contrastive_search(scores: Floats, mask: Floats | None) -> Path:
    """Log similarity, counted where a token begins and not while it goes on.

    So does the public re-implementation. Where all frames counted, tokens that are a little alike to everything would
    swallow whole songs.
    """
    held = scores if mask is None else scores * mask
    return monotone_path(np.log(np.maximum(held, _LEAST)), staying=0.0)


def _ctc_search(scores: Floats, symbols: NDArray[np.int64], blank: int, mask: Floats | None) -> Path:
    return ctc_path(scores, symbols, blank, mask=mask)


@torch.no_grad()
def hear_contrastive(model: LyricsContrastive, piece: Piece, text: SungSymbols, language: int = 0) -> Evidence:
    """The similarity of a piece's frames and a text's symbols."""
    spectra = torch.from_numpy(log_spectra(heard_at(piece, SAMPLE_RATE)))
    heard = hear_windows(model.hear, spectra, model.reach)
    net = model.config
    contexts = contexts_of(torch.from_numpy(text.symbols), net.context, net.space)
    told = torch.full((len(contexts),), language) if net.languages else None
    scores = similarity(heard, model.read(contexts, told)).float().numpy()
    return Evidence(scores, None, FRAMES_PER_S)


def hear_windows(hear: Callable[[torch.Tensor], torch.Tensor], spectra: torch.Tensor, reach: int) -> torch.Tensor:
    """[bins, frames] through a net window by window, as long as in training; returns [frames, values].

    Frames that a window's edge is within reach of are taken from its neighbour.
    """
    frames = spectra.shape[1]
    inner = WINDOW_FRAMES - 2 * reach
    parts = []
    for first in range(0, frames, inner):
        low = max(0, min(first - reach, frames - WINDOW_FRAMES))
        window = hear(spectra[None, :, low : low + WINDOW_FRAMES])[0].float()
        parts.append(window[first - low : first - low + min(inner, frames - first)])
    return torch.cat(parts)


def align_contrastive(model: LyricsContrastive, piece: Piece, units: Units, language: int = 0) -> NDArray[np.float64]:
    """Word starts of a piece in seconds, by the published two passes."""
    text = sung_symbols(piece.lyrics, units)
    return starts_of(hear_contrastive(model, piece, text, language), text, len(piece.lyrics.words), units)


@torch.no_grad()
def hear_ctc(model: nn.Module, piece: Piece) -> Evidence:
    """The log-probabilities of symbols in a piece, the blank last."""
    if isinstance(model, ResidualCtc):
        spectra = torch.from_numpy(log_spectra(heard_at(piece, SAMPLE_RATE)))
        told, rate = hear_windows(model, spectra, model.reach), FRAMES_PER_S
    else:
        assert isinstance(model, LyricsWaveUNet), "there are two CTC nets"
        told = _hear_samples(model, torch.from_numpy(heard_at(piece, lyrics_ctc.SAMPLE_RATE)))
        rate = lyrics_ctc.SAMPLE_RATE / model.config.step
    scores = told.float().numpy()
    return Evidence(scores, scores.shape[1] - 1, rate)


def _hear_samples(model: LyricsWaveUNet, samples: torch.Tensor) -> torch.Tensor:
    """[samples] through the Wave-U-Net, window by window with silence around, so that frames lie one step apart."""
    window = model.config.frames(lyrics_ctc.INPUT_SAMPLES)
    hop = window * model.config.step
    needed = -(-len(samples) // model.config.step)
    # the middle of a window's first frame lies so far behind the window's beginning
    ahead = (lyrics_ctc.INPUT_SAMPLES - 1 - (window - 1) * model.config.step) // 2
    windows = -(-needed // window)
    padded = F.pad(samples, (ahead, ahead + windows * hop))
    parts = [model(padded[n * hop : n * hop + lyrics_ctc.INPUT_SAMPLES][None])[0] for n in range(windows)]
    return torch.cat(parts)[:needed]


def align_ctc(model: nn.Module, piece: Piece, units: Units) -> NDArray[np.float64]:
    """Word starts of a piece in seconds, by two passes, the second under the line mask of the contrastive system."""
    text = sung_symbols(piece.lyrics, units)
    return starts_of(hear_ctc(model, piece), text, len(piece.lyrics.words), units)


def word_errors(starts_s: NDArray[np.float64], lyrics: Lyrics) -> NDArray[np.float64]:
    """Found less true starts, in seconds, of the words whose true start is known."""
    true = np.array([np.nan if word.start_s is None else word.start_s for word in lyrics.words])
    known = ~np.isnan(true)
    off: NDArray[np.float64] = starts_s[known] - true[known]
    return off
