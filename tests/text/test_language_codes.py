from __future__ import annotations

import json

import pytest

from descant.errors import InvalidOption
from descant.hub.store import fetch
from descant.text.language_codes import LANGUAGE_NAMES, known_language, language_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("de", "de"), ("DE", "de"), (" de ", "de"), ("German", "de"), ("deutsch", "de"), ("deu", "de"), ("ger", "de"),
        ("pt-BR", "pt"), ("pt_BR", "pt"), ("en-GB", "en"), ("Français", "fr"), ("español", "es"), ("haw", "haw"),
        ("nl", "nl"), ("", ""), ("  ", ""),
    ],
)  # fmt: skip
def test_codes_and_names(text: str, code: str) -> None:
    assert language_code(text) == code


@pytest.mark.parametrize("text", ["xx", "english please", "klingon", "d", "other", "e n", "?", "en,de"])
def test_what_names_no_language_is_refused_with_what_is_known(text: str) -> None:
    assert known_language(text) == ""
    with pytest.raises(InvalidOption, match="no language") as caught:
        language_code(text)
    for code in ("en (English)", "pt (Portuguese)", "pl", "haw"):
        assert code in caught.value.hint


@pytest.mark.parametrize(("text", "meant"), [("germann", "de (German)"), ("potuguese", "pt"), ("itallian", "it (It")])
def test_close_matches_are_named(text: str, meant: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        language_code(text)
    assert caught.value.hint.startswith("Did you mean ")
    assert meant in caught.value.hint.partition("?")[0]


@pytest.mark.weights
def test_they_are_those_that_whisper_knows() -> None:
    tokens = json.loads((fetch("whisper-base") / "tokenizer.json").read_text("utf-8"))["added_tokens"]
    names = [token["content"].strip("<|>") for token in tokens]
    assert set(names[names.index("en") : names.index("translate")]) == set(LANGUAGE_NAMES)
