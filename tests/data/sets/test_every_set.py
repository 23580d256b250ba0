"""What holds for all loaders alike."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import descant.audio.io
from descant.data.sets.catalogue import CATALOGUE, open_set
from descant.data.sets.dataset import check_set
from descant.data.sets.item import SPLITS
from descant.data.sets.stems import MUSDB_VALIDATION
from descant.errors import Cancelled, InputNotFound, InvalidOption, TextReadError
from descant.progress import CancelToken, Progress
from miniature_sets import BUILDERS, MUSDB_FILES, sound

Build = Callable[[str], Path]


def test_each_set_of_the_catalogue_has_a_miniature(build: Build, every_set: str) -> None:
    assert every_set in CATALOGUE
    items = open_set(every_set, build(every_set)).items()
    assert items
    assert len({item.id for item in items}) == len(items)
    assert {item.dataset for item in items} == {every_set}


def test_no_set_of_the_catalogue_is_unproven() -> None:
    assert set(BUILDERS) == set(CATALOGUE)


def test_the_miniature_is_whole_and_sound(build: Build, every_set: str) -> None:
    report = check_set(open_set(every_set, build(every_set), whole=False))
    assert report.is_sound, report.problems
    assert report.items == sum(report.by_split.values()) > 0


def test_splits_divide_the_items(build: Build, every_set: str) -> None:
    dataset = open_set(every_set, build(every_set))
    split_items = [item for split in dataset.splits for item in dataset.items(split)]
    whole = dataset.items()
    assert sorted(item.id for item in split_items) == sorted(item.id for item in whole if item.split)
    for split in SPLITS:
        if split in dataset.splits:
            assert {item.split for item in dataset.items(split)} <= {split}
        else:
            with pytest.raises(InvalidOption, match=split):
                dataset.items(split)
    with pytest.raises(InvalidOption, match="not a split"):
        dataset.items("dev")  # type: ignore[arg-type]


def test_the_order_is_the_same_each_time(build: Build, every_set: str) -> None:
    root = build(every_set)
    assert open_set(every_set, root).items() == open_set(every_set, root).items()


def test_items_travel_to_other_processes(build: Build, every_set: str) -> None:
    items = open_set(every_set, build(every_set)).items()[:20]
    assert pickle.loads(pickle.dumps(items)) == items


def test_listing_opens_no_audio(build: Build, every_set: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = build(every_set)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("audio was opened")

    monkeypatch.setattr(descant.audio.io, "_open", refuse)
    assert open_set(every_set, root).items()


def test_every_label_can_be_read_and_says_where_from(build: Build, every_set: str) -> None:
    root = build(every_set)
    for item in open_set(every_set, root).items()[:3]:
        for name in item.labels:
            assert getattr(item, name)() is not None
        assert all(file.is_relative_to(root) for file in item.files())


def test_a_wrong_folder_says_what_was_expected_and_found(tmp_path: Path, every_set: str) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(InputNotFound) as error:
        open_set(every_set, tmp_path)
    if every_set != "pop909":  # its reader is older, and says it in its own words
        assert "expected" in error.value.message
        assert "found holiday.jpg" in error.value.message


def test_an_empty_folder_and_none_at_all(tmp_path: Path, every_set: str) -> None:
    with pytest.raises(InputNotFound):
        open_set(every_set, tmp_path)
    with pytest.raises(InputNotFound, match="does not exist"):
        open_set(every_set, tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder(tmp_path: Path, every_set: str) -> None:
    file = tmp_path / "set.tar"
    file.write_bytes(b"not a folder")
    with pytest.raises(InputNotFound):
        open_set(every_set, file)


_TRACK = "AlexanderRoss_GoodbyeBolero"
_LOST = {
    "musdb18-hq": "train/A Classic Education - NightOwl/bass.wav",
    "slakh": "train/Track00001/stems/S01.flac",
    "medleydb": f"Audio/{_TRACK}/{_TRACK}_STEMS/{_TRACK}_STEM_02.wav",
    "nsynth": "nsynth-train/audio/guitar_acoustic_010-060-100.wav",
    "maestro": "2004/MIDI-Unprocessed_2004_01.wav",
    "jamendo-lyrics": "annotations/words/Avercage_-_Embers.csv",
    "giantsteps-key": "audio/10089.LOFI.mp3",
    "giantsteps-tempo": "audio/1030011.LOFI.mp3",
    "gtzan": "genres/metal/metal.00042.wav",
}


@pytest.mark.parametrize("name", sorted(_LOST))
def test_a_half_downloaded_set_names_what_is_missing(build: Build, name: str) -> None:
    root = build(name)
    whole = open_set(name, root).items()
    (root / _LOST[name]).unlink()
    with pytest.raises(InputNotFound) as error:
        open_set(name, root).items()
    assert _LOST[name] in error.value.message
    assert "1 files are missing" in error.value.message
    partial = open_set(name, root, whole=False)
    assert len(partial.items()) == len(whole) - 1
    assert partial.missing() == (root / _LOST[name],)
    assert not check_set(partial, labels=False).is_sound


_PUBLISHED = {
    "musdb18": (150, {"train": 86, "validation": 14, "test": 50}),
    "musdb18-hq": (150, {"train": 86, "validation": 14, "test": 50}),
    "pop909": (909, None),
    "giantsteps-key": (604, {"test": 604}),
    "giantsteps-tempo": (664, {"test": 664}),
}


@pytest.mark.parametrize("name", sorted(_PUBLISHED))
def test_without_an_index_half_a_set_is_known_by_its_count(name: str, tmp_path: Path) -> None:
    BUILDERS[name](tmp_path)
    whole, splits = _PUBLISHED[name]
    part = open_set(name, tmp_path, whole=False)
    there = len(part.items())
    with pytest.raises(InputNotFound, match=f"half-downloaded: {there} of {whole} items") as error:
        open_set(name, tmp_path).items()
    assert "whole=False" in error.value.hint
    report = check_set(part)
    assert (report.missing, report.problems) == ((), ())
    assert not report.is_sound
    for split in part.splits:
        if splits is not None:
            with pytest.raises(InputNotFound, match=f"of {splits[split]} items of the {split} split"):
                open_set(name, tmp_path).items(split)
    assert sum(part.published[split] for split in part.splits) == whole


def test_a_whole_musdb_is_whole_and_without_one_song_is_not(tmp_path: Path) -> None:
    one = sound(tmp_path / "one.wav", seconds=0.01)
    names = {"train": [*sorted(MUSDB_VALIDATION), *(f"train {n}" for n in range(86))]}
    names["test"] = [f"test {n}" for n in range(50)]
    for split, songs in names.items():
        for song in songs:
            (tmp_path / "set" / split / song).mkdir(parents=True)
            for stem in MUSDB_FILES:
                (tmp_path / "set" / split / song / f"{stem}.wav").hardlink_to(one)
    dataset = open_set("musdb18-hq", tmp_path / "set")
    assert [len(dataset.items(split)) for split in (None, "train", "validation", "test")] == [150, 86, 14, 50]
    shutil.rmtree(tmp_path / "set" / "test" / "test 7")
    assert len(dataset.items("train")) == 86
    with pytest.raises(InputNotFound, match="half-downloaded: 49 of 50 items of the test split"):
        dataset.items("test")


_INDEXES = {
    "nsynth": "nsynth-test/examples.json",
    "maestro": "maestro-v3.0.0.csv",
    "slakh": "test/Track01876/metadata.yaml",
    "medleydb": "Audio/AlexanderRoss_GoodbyeBolero/AlexanderRoss_GoodbyeBolero_METADATA.yaml",
    "jamendo-lyrics": "JamendoLyrics.csv",
    "musiccaps": "musiccaps-public.csv",
}
_DAMAGE = {
    "empty": b"",
    "cut off": None,
    "binary": b"\x80\x81\xff\x00" * 50,
    "another kind": b"[1, 2, 3]",
    "deep": b"[" * 100_000,
    "web page": b"<!doctype html><html><body>404</body></html>",
}


@pytest.mark.parametrize("damage", sorted(_DAMAGE))
@pytest.mark.parametrize("name", sorted(_INDEXES))
def test_a_damaged_index_is_a_typed_error_that_names_it(build: Build, name: str, damage: str) -> None:
    root = build(name)
    index = root / _INDEXES[name]
    content = _DAMAGE[damage]
    index.write_bytes(index.read_bytes()[:-20] if content is None else content)
    if damage == "cut off" and name in {"medleydb", "slakh"}:
        return  # YAML without its last line is YAML
    with pytest.raises(TextReadError, match=index.name.replace(".", r"\.")):
        open_set(name, root).items()


def test_an_unknown_name_gets_a_suggestion(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption) as error:
        open_set("musdb-hq", tmp_path)
    assert "musdb18-hq" in error.value.hint


def test_a_check_can_be_cancelled(build: Build) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        check_set(open_set("musdb18-hq", build("musdb18-hq")), cancel=token)


def test_a_check_that_decodes_stops_within_an_item(tmp_path: Path) -> None:
    for stem in ("a", "b"):
        sound(tmp_path / "song" / f"{stem}.wav", seconds=14.0)
    token, events = CancelToken(), []

    def stop(event: Progress) -> None:
        events.append(event)
        if len(events) == 3:  # the first is the item's, the others are blocks of its first stem
            token.cancel()

    with pytest.raises(Cancelled):
        check_set(open_set("stems", tmp_path), progress=stop, cancel=token)
    assert len(events) == 3


def test_two_copies_of_a_set_list_alike(build: Build, tmp_path: Path) -> None:
    root = build("musdb18-hq")
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    first, second = (open_set("musdb18-hq", each).items() for each in (root, copy))
    assert [item.id for item in first] == [item.id for item in second]


def test_opening_sets_imports_no_heavy_library(build: Build) -> None:
    root = build("musdb18-hq")
    script = (
        "import sys; from descant.data.sets.catalogue import open_set; "
        f"open_set('musdb18-hq', {str(root)!r}, whole=False).items()[0].check_audio(); "
        "print([m for m in ('torch', 'mirdata', 'librosa', 'pandas', 'pyarrow', 'yaml', 'av') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
