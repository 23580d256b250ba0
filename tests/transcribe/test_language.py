"""Which language is sung: windows with a voice decide, not the first one, and doubt is said."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.transcribe.language import SAMPLE_RATE, HeardLanguage, loudest_windows, sung_language
from descant.transcribe.words import WordRecognizer

SIZE = 30 * SAMPLE_RATE


class Whisper:
    """Stands for Whisper: the level of a window tells which of the prepared ones it is.

    Args:
        windows: For each level (in hundredths), the shares of languages, and how likely nobody speaks.
    """

    def __init__(self, windows: dict[int, tuple[dict[str, float], float]]) -> None:
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

    def generate(self, encoded: int, prompts: list[list[str]], **options: object) -> list[SimpleNamespace]:
        assert prompts == [["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]]
        assert options["return_no_speech_prob"]
        return [SimpleNamespace(no_speech_prob=self.windows[encoded][1])]


def recording(*levels: float) -> np.ndarray:
    return np.concatenate([np.full(SIZE, level, np.float32) for level in levels])


def test_the_languages_of_most_songs_are_believed_sooner() -> None:
    """Numbers as Whisper base gave them for an English song whose voice has effects."""
    whisper = Whisper(
        {20: ({"ms": 0.65, "en": 0.31, "la": 0.01}, 0.06), 30: ({"ms": 0.83, "en": 0.13, "la": 0.01}, 0.02)}
    )
    found = sung_language(whisper, recording(0.2, 0.3))
    assert (found.code, found.second) == ("en", "ms")
    assert 0.5 < found.confidence < 0.7


def test_a_clear_voice_in_another_language_is_believed() -> None:
    found = sung_language(Whisper({30: ({"ru": 0.97, "en": 0.01, "uk": 0.02}, 0.1)}), recording(0.3))
    assert found.code == "ru"
    assert found.is_sure


def test_several_windows_vote_by_how_likely_each_holds_a_voice() -> None:
    """Spanish speech in a song; where it is hardly there, Whisper names Khmer."""
    whisper = Whisper(
        {
            20: ({"es": 0.85, "it": 0.06, "km": 0.01, "en": 0.02}, 0.51),
            30: ({"km": 0.32, "en": 0.19, "es": 0.02, "it": 0.01}, 0.87),
            40: ({"es": 0.4, "it": 0.45, "km": 0.01, "en": 0.02}, 0.61),
        }
    )
    assert sung_language(whisper, recording(0.2, 0.3, 0.4)).code == "es"


@pytest.mark.parametrize("loud", [0.3, 0.02])
def test_a_loud_intro_without_a_voice_has_no_say(loud: float) -> None:
    whisper = Whisper(
        {
            round(100 * loud): ({"fr": 0.9, "de": 0.01}, 0.99),
            10: ({"de": 0.6, "nl": 0.3, "fr": 0.01}, 0.05),
        }
    )
    found = sung_language(whisper, recording(loud, loud, 0.1, loud))
    assert found.code == "de"
    assert found.is_sure


def test_the_mean_is_geometric_and_the_confidence_its_share() -> None:
    whisper = Whisper({20: ({"en": 0.5, "de": 0.25}, 0.0), 30: ({"en": 0.32, "de": 0.16}, 0.0)})
    found = sung_language(whisper, recording(0.2, 0.3))
    assert found.code == "en"
    assert found.confidence == pytest.approx(2.0 / 3.0, abs=1e-2)


def test_where_hardly_anybody_speaks_nothing_is_sure() -> None:
    """White noise, as Whisper base hears it."""
    noise = {"nn": 0.66, "ja": 0.1, "en": 0.09, "ko": 0.04}
    assert sung_language(Whisper({30: (noise, 0.78)}), recording(0.3)).code == "en"
    hum = {"de": 0.5, "nl": 0.1} | dict.fromkeys("abcdefgh", 0.05)
    assert not sung_language(Whisper({30: (hum, 0.97)}), recording(0.3)).is_sure


def test_doubt_is_said_aloud_with_what_to_do() -> None:
    shares = {"cy": 0.4, "la": 0.3, "ms": 0.2, "en": 0.1}
    found = sung_language(Whisper({30: (shares, 0.1)}), recording(0.3))
    assert not found.is_sure
    assert str(found) == (
        "The language is unsure: English was taken (36% sure); it may be Welsh. "
        "If that is wrong, name it: --language de."
    )
    assert str(HeardLanguage("de", 0.934, "nl")) == "The language was heard: German (93% sure)."


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
    (said,) = (heard.language for heard in [listen.hear(noise)])
    assert said is not None
    assert 0.0 < said.confidence <= 1.0
