"""In which language is sung: windows all over a recording are heard out in each language that comes into question.

Whisper tells a language from the first 30 s alone, in a song often an intro, and of voices with effects it is certain
and wrong: an English song that this was tried on is Malay to it in four windows, at 0.53 to 0.83. But written down as
Malay those windows become unlikely text, or loops. So the loudest windows (in a voice without its band, those with most
singing) name a few languages, are written down in each, and what was written votes with what they were taken for.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
_WINDOW_S = 30
_FRAMES_PER_S = 100
_MOST_WINDOWS = 6
_CANDIDATES = 3
_MOST_TOKENS = 64
_TASK = ("<|transcribe|>", "<|notimestamps|>")


def sung_language(model: Any, mono: NDArray[np.float32]) -> str:
    """The code of the language ("de") in which the recording makes most sense.

    Args:
        model: A multilingual `faster_whisper.WhisperModel`.
        mono: The recording at 16 kHz, [frames].
    """
    encoded = [_encoded(model, window) for window in loudest_windows(mono)]
    shares: list[dict[str, float]] = [
        {token.strip("<|>"): p for token, p in model.model.detect_language(window)[0]} for window in encoded
    ]
    together: Counter[str] = Counter()
    for share in shares:
        together.update(share)
    candidates = [code for code, _ in together.most_common(_CANDIDATES)]
    if "en" not in candidates:
        candidates.append("en")  # most songs are, and it is what Whisper knows best

    def votes(code: str) -> float:
        # The square root of its own opinion: asked for a language that it hardly knows, it writes another one down.
        return sum(
            _sense(model, one, code) * math.sqrt(share.get(code, 0.0))
            for one, share in zip(encoded, shares, strict=True)
        )

    return max(candidates, key=votes)


def loudest_windows(mono: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Up to six windows of 30 s with the most energy, the loudest first; a shorter recording is one."""
    size = _WINDOW_S * SAMPLE_RATE
    windows = [mono[start : start + size] for start in range(0, len(mono), size)]
    windows.sort(key=lambda window: -float(np.square(window, dtype=np.float64).sum()))
    return windows[:_MOST_WINDOWS]


def _encoded(model: Any, window: NDArray[np.float32]) -> Any:
    padded = np.pad(window, (0, _WINDOW_S * SAMPLE_RATE - len(window)))
    return model.encode(model.feature_extractor(padded)[:, : _WINDOW_S * _FRAMES_PER_S])


def _sense(model: Any, encoded: Any, language: str) -> float:
    """How much is said in a language: distinct tokens, as loops say little, by how likely they and a speaker are."""
    heard = model.model.generate(
        encoded,
        [["<|startoftranscript|>", f"<|{language}|>", *_TASK]],
        beam_size=1,
        max_length=_MOST_TOKENS,
        return_scores=True,
        return_no_speech_prob=True,
    )[0]
    sense: float = len(set(heard.sequences_ids[0])) * math.exp(heard.scores[0]) * (1.0 - heard.no_speech_prob)
    return sense
