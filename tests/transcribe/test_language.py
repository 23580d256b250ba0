"""Which language is sung: what is said in it decides, not what the first window seems to be."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.transcribe.language import SAMPLE_RATE, loudest_windows, sung_language
from descant.transcribe.words import WordRecognizer

SIZE = 30 * SAMPLE_RATE


class Whisper:
    """Stands for Whisper: the level of a window tells which of the prepared ones it is.

    Args:
        windows: For each level (in hundredths), the shares of languages and, by language, what is heard: how many
            distinct tokens, their mean log probability, and how likely nobody speaks.
    """

    def __init__(self, windows: dict[int, tuple[dict[str, float], dict[str, tuple[int, float, float]]]]) -> None:
        self.windows = windows
        self.model = self

    def feature_extractor(self, mono: np.ndarray) -> np.ndarray:
        assert len(mono) == SIZE
        return np.full((80, 3001), mono.max())

    def encode(self, features: np.ndarray) -> int:
        assert features.shape == (80, 3000)
        return round(100 * float(features[0, 0]))

    def detect_language(self, encoded: int) -> list[list[tuple[str, float]]]:
        return [[(f"<|{code}|>", share) for code, share in self.windows[encoded][0].items()]]

    def generate(self, encoded: int, prompts: list[list[str]], **_: object) -> list[SimpleNamespace]:
        ((start, language, *task),) = prompts
        assert (start, *task) == ("<|startoftranscript|>", "<|transcribe|>", "<|notimestamps|>")
        count, score, silence = self.windows[encoded][1].get(language.strip("<|>"), (1, -5.0, 0.5))
        return [SimpleNamespace(sequences_ids=[list(range(count)) * 2], scores=[score], no_speech_prob=silence)]


def recording(*levels: float) -> np.ndarray:
    return np.concatenate([np.full(SIZE, level, np.float32) for level in levels])


def test_sense_beats_certainty() -> None:
    """Numbers as Whisper base gave them for an English song whose voice has effects."""
    whisper = Whisper(
        {
            20: ({"ms": 0.65, "en": 0.31, "la": 0.01}, {"en": (22, -0.18, 0.06), "ms": (24, -1.15, 0.06)}),
            30: ({"ms": 0.83, "en": 0.13, "la": 0.01}, {"en": (17, -0.27, 0.02), "ms": (22, -1.6, 0.02)}),
        }
    )
    assert sung_language(whisper, recording(0.2, 0.3)) == "en"


def test_a_language_that_is_hardly_known_does_not_win_by_writing_another_one_down() -> None:
    """Spanish speech in a song, and Spanish it stays when Whisper base is asked for Khmer."""
    whisper = Whisper(
        {
            20: ({"es": 0.85, "it": 0.06, "km": 0.01, "en": 0.02}, {"es": (26, -0.41, 0.51), "km": (25, -0.51, 0.51)}),
            30: ({"km": 0.32, "en": 0.19, "es": 0.02, "it": 0.01}, {"km": (4, -2.51, 0.87), "es": (1, -3.48, 0.87)}),
            40: ({"es": 0.4, "it": 0.45, "km": 0.01, "en": 0.02}, {"es": (23, -0.28, 0.61), "km": (26, -0.1, 0.61)}),
        }
    )
    assert sung_language(whisper, recording(0.2, 0.3, 0.4)) == "es"


def test_an_intro_has_no_say() -> None:
    whisper = Whisper(
        {
            5: ({"en": 0.9, "de": 0.05}, {"en": (2, -0.2, 0.95)}),
            30: (
                {"de": 0.6, "nl": 0.3, "en": 0.1},
                {"de": (25, -0.4, 0.1), "nl": (25, -1.4, 0.1), "en": (25, -0.9, 0.1)},
            ),
        }
    )
    assert sung_language(whisper, recording(0.05, 0.05, 0.3, 0.05)) == "de"


def test_english_is_tried_though_no_window_names_it() -> None:
    shares = {"cy": 0.4, "la": 0.3, "ms": 0.2, "en": 0.1}
    assert sung_language(Whisper({30: (shares, {"en": (20, -0.3, 0.1)})}), recording(0.3)) == "en"


def test_the_loudest_windows_are_heard() -> None:
    levels = [0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6, 0.5]
    found = [float(window[0]) for window in loudest_windows(recording(*levels))]
    assert found == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    assert [len(window) for window in loudest_windows(np.ones(100, np.float32))] == [100]


@pytest.mark.weights
@pytest.mark.slow
def test_the_real_model_decides_for_some_language_whatever_it_hears() -> None:
    pytest.importorskip("faster_whisper")
    listen = WordRecognizer.load()
    noise = Clip((0.05 * np.random.default_rng(0).standard_normal(SAMPLE_RATE)).astype(np.float32), SAMPLE_RATE)
    assert listen(noise).language in listen._model.supported_languages
