"""In which language is sung: windows all over a recording are asked, and those in which somebody sings are believed.

Whisper tells a language from the first 30 s alone, in a song often an intro, and where nobody sings, or a voice has
effects, it names one of its hundred languages at a guess. So the loudest windows (in a voice without its band, those
with most singing) are asked, each has as much say as it is likely that somebody speaks in it, and one of the languages
that most songs are in must be five times less likely than another one before that is believed.

Other opinions were tried and left out: what is written down in each language, and how likely that text is, tells a
certain mistake from the truth in a clean voice, and misleads where there is a band (docs/transcribe.md).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descant.text.language_codes import LANGUAGE_NAMES
from descant.text.phones import LANGUAGES

SAMPLE_RATE = 16_000
_WINDOW_S = 30
_FRAMES_PER_S = 100
_MOST_WINDOWS = 6
_COMMON = 5.0
_LEAST = 1e-3
"""What a window gives at least for each language: a single one must not rule a language out."""
_ENOUGH_VOICE = 0.3
"""With less voice than this in all windows together their opinions fade: noise is no Norwegian."""
_SURE = 0.5
_PROMPT = ("<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>")


@dataclass(frozen=True, slots=True)
class HeardLanguage:
    """The language that a recording is heard to be in.

    Attributes:
        code: Such as "de".
        confidence: 0..1 that it is this one.
        second: Code of the next likely one; empty where the model knows one language only.
    """

    code: str
    confidence: float
    second: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether it is more likely than all others together."""
        return self.confidence >= _SURE

    def __str__(self) -> str:
        name, sure = LANGUAGE_NAMES.get(self.code, self.code), f"{self.confidence:.0%} sure"
        if self.is_sure:
            return f"The language was heard: {name} ({sure})."
        other = f"; it may be {LANGUAGE_NAMES.get(self.second, self.second)}" if self.second else ""
        return f"The language is unsure: {name} was taken ({sure}){other}. If that is wrong, name it: --language de."


def sung_language(model: Any, mono: NDArray[np.float32]) -> HeardLanguage:
    """The language of a recording: the geometric mean of what windows say, weighted by how likely each holds a voice.

    Args:
        model: A multilingual `faster_whisper.WhisperModel`.
        mono: The recording at 16 kHz, [frames].
    """
    logarithms: dict[str, float] = {}
    weights = 0.0
    for window in loudest_windows(mono):
        encoded = _encoded(model, window)
        voice = 1.0 - _no_speech(model, encoded)
        weights += voice
        for token, share in model.model.detect_language(encoded)[0]:
            code = token.strip("<|>")
            logarithms[code] = logarithms.get(code, 0.0) + voice * math.log(share + _LEAST)
    weights = max(weights, _ENOUGH_VOICE)
    likely = {
        code: math.exp(value / weights) * (_COMMON if code in LANGUAGES else 1.0) for code, value in logarithms.items()
    }
    first, *others = sorted(likely, key=lambda code: -likely[code])
    return HeardLanguage(first, likely[first] / sum(likely.values()), others[0] if others else "")


def loudest_windows(mono: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Up to six windows of 30 s with the most energy, the loudest first; a shorter recording is one."""
    size = _WINDOW_S * SAMPLE_RATE
    windows = [mono[start : start + size] for start in range(0, len(mono), size)]
    windows.sort(key=lambda window: -float(np.square(window, dtype=np.float64).sum()))
    return windows[:_MOST_WINDOWS]


def _encoded(model: Any, window: NDArray[np.float32]) -> Any:
    padded = np.pad(window, (0, _WINDOW_S * SAMPLE_RATE - len(window)))
    return model.encode(model.feature_extractor(padded)[:, : _WINDOW_S * _FRAMES_PER_S])


def _no_speech(model: Any, encoded: Any) -> float:
    """How likely it is that nobody speaks; the language of the prompt comes after this is asked."""
    (heard,) = model.model.generate(encoded, [list(_PROMPT)], beam_size=1, max_length=1, return_no_speech_prob=True)
    return float(heard.no_speech_prob)
