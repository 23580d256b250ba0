"""Files of two folders are matched by name, and what does not match is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from descant.errors import InputNotFound, InvalidOption
from descant.evaluate.pairs import match_folders

WAVES = (".wav", ".flac")


def _touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_paths_below_the_folder_match_whatever_the_suffix(tmp_path: Path) -> None:
    true = _touch(tmp_path / "a", "one/x.wav", "two/x.WAV", "notes.txt", "ünï 🎵.flac")
    found = _touch(tmp_path / "b", "one/x.flac", "two/x.wav", "ünï 🎵.wav", "more.wav")
    matching = match_folders(true, found, WAVES)
    assert [pair.name for pair in matching.pairs] == ["one/x", "two/x", "ünï 🎵"]
    assert matching.pairs[0].estimate == found / "one/x.flac"
    assert matching.extra == (found / "more.wav",)


def test_kinds_at_the_end_of_names_do_not_count(tmp_path: Path) -> None:
    true, found = _touch(tmp_path / "a", "song.wav"), _touch(tmp_path / "b", "song.beats.wav")
    assert match_folders(true, found, WAVES, endings=(".beats",)).pairs[0].name == "song"


def test_two_files_match_whatever_their_names(tmp_path: Path) -> None:
    folder = _touch(tmp_path, "a.wav", "b.wav")
    assert match_folders(folder / "a.wav", folder / "b.wav", WAVES).pairs[0].name == "a"
    with pytest.raises(InvalidOption, match="a file and a folder"):
        match_folders(folder / "a.wav", folder, WAVES)


def test_a_missing_partner_is_named(tmp_path: Path) -> None:
    true, found = _touch(tmp_path / "a", "x.wav", "y.wav", "z.wav"), _touch(tmp_path / "b", "x.wav")
    with pytest.raises(InputNotFound, match=r"y\.wav has no partner in .*b \(and 1 more\)") as caught:
        match_folders(true, found, WAVES)
    assert "Expected y with one of .flac .wav" in caught.value.hint


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    true, found = _touch(tmp_path / "a", "x.wav", "x.flac"), _touch(tmp_path / "b", "x.wav")
    with pytest.raises(InvalidOption, match="have the same name"):
        match_folders(true, found, WAVES)


def test_missing_and_empty_folders_are_named(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputNotFound, match="empty holds nothing to compare with"):
        match_folders(empty, empty, WAVES)
    with pytest.raises(InputNotFound, match="nowhere does not exist"):
        match_folders(empty, tmp_path / "nowhere", WAVES)
