"""Sets of the synthetic band as stems: the loader against items that `descant data band` has made."""

from __future__ import annotations

import io
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
    assert [(one.start_s, one.end_s) for one in sung.chords()] == [(0.0, 0.1), (0.1, 0.2)]
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
    assert (sung.facts.title, sung.facts.artist, sung.facts.language) == ("invented/1", "anna", "en")
    assert (sung.facts.licence, played.facts.licence) == ("CC0-1.0", "")
    assert sung.tempo_bpm is not None
    assert sung.tempo_bpm() == 120.0
    assert sung.genre is not None
    assert sung.genre() == "pop"


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
        ("beats", [[-0.1, 1], [0.4, 2]], "beats"),
        ("beats", [], "beats"),
        ("chords", [], "chords"),
        ("chords", [[0.0, 1.0, "H:maj"]], "chords"),
        ("chords", None, "chords"),
        ("key", "Z minor", "key"),
        ("beats", [[float("nan"), 1]], "beats"),
        ("beats", [[0.0, float("inf")]], "beats"),
        ("chords", [[0.0, 1.0, None]], "chords"),
        ("chords", [[0.0, 10**400, "C:maj"]], "chords"),
        ("words", [{"text": "oh"}], "lyrics"),
        ("words", [{"text": "oh", "line": float("inf"), "start_s": 0, "end_s": 1, "syllables": []}], "lyrics"),
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
    ("field", "value"),
    [
        ("audio", "../../x"),
        ("files", {}),
        ("split", "dev"),
        ("bpm", True),
        ("bpm", float("nan")),
        ("bpm", 10**400),
        ("caption", 3),
        ("singer", ["anna"]),
    ],
)
def test_a_damaged_index_is_named(build: Build, field: str, value: object) -> None:
    root = build("band")
    path = next(root.glob("items/*/*/item.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(TextReadError, match=r"item\.json"):
        open_set("band", root).items()


@pytest.mark.parametrize("players", [[5], [{"id": "gm/piano"}], None])
def test_damaged_instruments_are_named(build: Build, players: object) -> None:
    root = build("band-parts")
    path = next(root.glob("items/*/*/item.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"instruments": players}))
    with pytest.raises(TextReadError, match="instruments"):
        open_set("band-parts", root).items()


def saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 cut off",
        saved(np.array(["a"])),
        saved(np.zeros(3, complex)),
        saved(np.zeros((3, 2))),
        saved(np.array([220.0, -1.0])),
        saved(np.array([220.0, np.nan])),
        saved(np.array([220.0, 0.0]))[:-1],
        saved(np.zeros(3)).replace(b"(3,), }" + 12 * b" ", b"(9999999999999,), }"),
    ],
)
def test_a_damaged_f0_is_named(build: Build, data: bytes) -> None:
    root = build("band")
    item = open_set("band", root).items()[0]
    path = next(root.glob("items/*/*/f0.npy"))
    path.write_bytes(data)
    assert item.melody is not None
    with pytest.raises(TextReadError, match=r"f0\.npy holds no f0"):
        item.melody()
