from __future__ import annotations

import pytest

from descant.text.language import guess_language


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "Should auld acquaintance be forgot, and never brought to mind?"),
        ("de", "Am Brunnen vor dem Tore, da steht ein Lindenbaum; ich träumt in seinem Schatten"),
        ("fr", "Quand nous chanterons le temps des cerises, et gai rossignol et merle moqueur"),
        ("es", "De la Sierra Morena, cielito lindo, vienen bajando un par de ojitos negros"),
        ("it", "La donna è mobile qual piuma al vento, muta d'accento e di pensiero"),
        ("pt", "Ó mar salgado, quanto do teu sal são lágrimas de Portugal! Por te cruzarmos"),
        ("other", "Mazurek Dąbrowskiego: jeszcze Polska nie zginęła, kiedy my żyjemy, co nam obca przemoc wzięła"),
        ("other", "Широка страна моя родная"),
    ],
)
def test_songs_are_known_by_their_little_words(code: str, text: str) -> None:
    guess = guess_language(text)
    assert guess.code == code
    assert 0.5 < guess.confidence <= 1.0


@pytest.mark.parametrize("text", ["", "123", "la la la", "♪"])
def test_little_is_said_of_nothing(text: str) -> None:
    assert guess_language(text).confidence <= 0.5
