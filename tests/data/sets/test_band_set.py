"""Sets of the synthetic band as stems: the loader against items that `descant data band` has made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from descant.data.sets.catalogue import open_set
from descant.errors import TextReadError
from descant.score.harmony import Chord

Build = Callable[[str], Path]


def test_labels_come_out_as_they_went_in(build: Build) -> None:
    sung, played = open_set("band", build("band")).items()
    assert (sung.split, played.split) == ("train", "test")
    assert sung.beats is not None
    assert sung.beats().bar_positions == (1, 2, 3)
    assert sung.chords is not None
    assert [one.chord for one in sung.chords()] == [Chord(0, "maj", 4), Chord(7, "7")]
    assert sung.key is not None
    assert sung.key().name == "C major"
    assert sung.melody is not None
    np.testing.assert_allclose(sung.melody().f0_hz, [0, 220, 221, 0])
    np.testing.assert_allclose(sung.melody().times_s, [0, 0.01, 0.02, 0.03])
    assert sung.lyrics is not None
    (word,) = sung.lyrics().words
    assert (word.text, [s.text for s in word.syllables]) == ("hello", ["he", "llo"])
    assert (word.start_s, word.syllables[1].start_s, word.end_s) == (0.0, 0.05, 0.1)
    assert played.melody is played.lyrics is played.key is None
    assert sung.facts.artist == "anna"


def test_parts_hold_the_dry_voice_and_no_sum_of_others(build: Build) -> None:
    sung, played = open_set("band-parts", build("band-parts")).items()
    assert {stem.name for stem in sung.stems} == {"lead", "lead_dry", "backing", "piano", "drums", "bass"}
    assert {stem.name for stem in played.stems} == {"piano", "drums", "bass"}
    assert {stem.audio.path.parent.name for stem in played.stems} == {"parts", "0000001"}
    assert sung.stem("drums").is_drum
    assert sung.stem("piano").instrument == "gm/piano"


@pytest.mark.parametrize(
    ("field", "value", "label"),
    [
        ("beats", [["soon", 1]], "beats"),
        ("chords", [[0.0, 1.0, "H:maj"]], "chords"),
        ("chords", None, "chords"),
        ("key", "Z minor", "key"),
        ("words", [{"text": "oh"}], "lyrics"),
    ],
)
def test_a_damaged_label_is_named(build: Build, field: str, value: object, label: str) -> None:
    root = build("band")
    path = next(root.glob("items/*/*/item.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    item = open_set("band", root).items()[0]
    with pytest.raises(TextReadError, match=field) as error:
        getattr(item, label)()
    assert str(path) in error.value.message


@pytest.mark.parametrize(
    ("field", "value"), [("audio", "../../x"), ("files", {}), ("split", "dev"), ("bpm", True), ("caption", 3)]
)
def test_a_damaged_index_is_named(build: Build, field: str, value: object) -> None:
    root = build("band")
    path = next(root.glob("items/*/*/item.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(TextReadError, match=r"item\.json"):
        open_set("band", root).items()
