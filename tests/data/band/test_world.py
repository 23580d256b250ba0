"""What items are drawn from: nothing that is heard in one split is heard in another."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.data.band import item as items
from descant.data.band import world as worlds
from descant.data.band.options import BandOptions
from descant.data.band.singers import Singer
from descant.data.band.world import open_world, resolved
from descant.data.splits import SHARES, SPLITS
from descant.errors import Cancelled

WORDS = tuple(a + v + b for a in "bdglmnprst" for v in "aeiou" for b in "lmnst")


@pytest.fixture(scope="module")
def speakers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve speakers, each with words in two languages."""
    root = tmp_path_factory.mktemp("voices")
    rows = ["language,start_s,end_s,text,speaker,licence"]
    for language in ("de", "en"):
        soundfile.write(root / f"{language}.opus", np.zeros(16_000), 16_000, format="OGG", subtype="OPUS")
        rows += [f"{language},0,1,{word},Speaker {n},CC0" for n in range(12) for word in WORDS]
    (root / "index.csv").write_text("\n".join(rows), encoding="utf-8")
    return root


def test_songs_singers_and_instruments_are_in_one_split_each(asked: BandOptions, speakers: Path) -> None:
    world = open_world(resolved(replace(asked, voices=speakers)))
    for kind in (world.songs, world.singers, world.instruments):
        names = {split: {one.name for one in kind[split]} for split in SPLITS}
        assert names["train"]
        assert sum(len(n) for n in names.values()) == len(set().union(*names.values()))
    for split in SPLITS:
        assert world.songs[split]
        assert world.singers[split]


def test_who_speaks_two_languages_sings_in_one_split(asked: BandOptions, speakers: Path) -> None:
    world = open_world(resolved(replace(asked, voices=speakers)))
    of = {split: [s for s in world.singers[split] if s.kind == "lexicon"] for split in SPLITS}
    assert sum(len(found) for found in of.values()) == 24
    for one, other in itertools.combinations(SPLITS, 2):
        assert of[one]
        assert of[other]
        assert not {s.name.split("/")[1] for s in of[one]} & {s.name.split("/")[1] for s in of[other]}


def test_lead_and_choir_of_an_item_are_of_its_split(asked: BandOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    world = replace(open_world(resolved(asked)), splits=dict(SHARES))  # the sine has instruments for training only
    heard: list[tuple[Singer, tuple[Singer, ...]]] = []

    def stop_here(_score: object, singer: Singer, singers: tuple[Singer, ...], *_: object) -> None:
        heard.append((singer, singers))
        raise Cancelled

    monkeypatch.setattr(items, "sing_song", stop_here)
    for number in range(20):
        with pytest.raises(Cancelled):
            items.make_item(world, number)
    splits = {split for singer, _ in heard for split in SPLITS if singer in world.singers[split]}
    assert splits == set(SPLITS)
    assert all(singer in singers for singer, singers in heard)


def test_the_default_sounds_are_the_same_whatever_else_is_installed(tmp_path: Path, monkeypatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(worlds, "fetch", lambda name: asked.append(name) or tmp_path)
    fonts = resolved(BandOptions()).soundfonts
    assert asked == ["timgm6mb"]
    assert [f.parent for f in fonts] == [tmp_path]
