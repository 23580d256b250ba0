"""Aligning a piece with a lyrics net: hearing it window by window, searching, and how far word starts are off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from descant.data.lyrics_set import Piece
from descant.dsp.forced_alignment import Path, ctc_path, monotone_path, two_passes
from descant.nets.lyrics_contrastive import (
    FRAMES_PER_S,
    SAMPLE_RATE,
    LyricsContrastive,
    contexts_of,
    similarity,
)
from descant.text.lyrics import Lyrics
from descant.text.sung_symbols import SungSymbols, Units, sung_symbols
from descant.train.lyrics_segments import heard_at, log_spectra

Floats = NDArray[np.float32]

WINDOW_FRAMES = 216
"""5 s, as in training: what the norms are computed over."""
RAMP_S = 2.5
TOKEN_S = {"characters": 0.2, "phonemes": 0.4}
"""How long a symbol lasts on average, as published."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a net hears in a piece, for a text.

    Attributes:
        scores: Contrastive: similarity of frames and tokens, [frames, tokens]. CTC: log-probabilities, [frames, symbols].
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
    return monotone_path(scores if mask is None else scores * mask)


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
    return Evidence(similarity(heard, model.read(contexts, told)).numpy(), None, FRAMES_PER_S)


def hear_windows(hear: Callable[[torch.Tensor], torch.Tensor], spectra: torch.Tensor, reach: int) -> torch.Tensor:
    """[bins, frames] through a net window by window, as long as in training; returns [frames, values].

    Frames that a window's edge is within reach of are taken from its neighbour.
    """
    frames = spectra.shape[1]
    inner = WINDOW_FRAMES - 2 * reach
    parts = []
    for first in range(0, frames, inner):
        low = max(0, min(first - reach, frames - WINDOW_FRAMES))
        window = hear(spectra[None, :, low : low + WINDOW_FRAMES])[0]
        parts.append(window[first - low : first - low + min(inner, frames - first)])
    return torch.cat(parts)


def align_contrastive(model: LyricsContrastive, piece: Piece, units: Units, language: int = 0) -> NDArray[np.float64]:
    """Word starts of a piece in seconds, by the published two passes."""
    text = sung_symbols(piece.lyrics, units)
    return starts_of(hear_contrastive(model, piece, text, language), text, len(piece.lyrics.words), units)


def word_errors(starts_s: NDArray[np.float64], lyrics: Lyrics) -> NDArray[np.float64]:
    """Found less true starts, in seconds, of the words whose true start is known."""
    true = np.array([np.nan if word.start_s is None else word.start_s for word in lyrics.words])
    known = ~np.isnan(true)
    return starts_s[known] - true[known]
