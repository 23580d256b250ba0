"""Carrying the cache: what one machine exports another one has, and an archive cannot lie about it."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from descant.errors import (
    Cancelled,
    CardError,
    ChecksumMismatch,
    InputNotFound,
    ModelNotFound,
    OutputError,
    UnsupportedFormat,
)
from descant.hub.portable import export, import_
from descant.hub.store import fetch, is_cached, verify
from descant.progress import CancelToken

SOUND = bytes(range(256)) * 50


@pytest.fixture
def two(home, index):
    """Two cards of the user's own, `tiny` with a file in a subfolder, and the wheels they come from."""
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"deep/a": "a"}), {"deep/a": SOUND})
    other = index.add_wheel("othersounds", {"b": b"other"})
    home.write_card("other", index.source(other, {"b": "b"}), {"b": b"other"})
    return home


def _new_machine(tmp_path: Path, monkeypatch, *, offline: bool = True) -> None:
    monkeypatch.setenv("DESCANT_CACHE", str(tmp_path / "second" / "cache"))
    monkeypatch.setenv("DESCANT_CONFIG", str(tmp_path / "second" / "config"))
    if offline:
        monkeypatch.setenv("DESCANT_OFFLINE", "1")


@pytest.mark.parametrize("out", ["box.zip", "box"])
def test_what_is_exported_is_there_after_import(two, tmp_path: Path, monkeypatch, out: str) -> None:
    seen: list[float] = []
    box = export(["tiny", "other"], tmp_path / out, progress=lambda event: seen.append(event.fraction))
    assert seen == sorted(seen)
    _new_machine(tmp_path, monkeypatch)
    assert sorted(import_(box)) == ["other", "tiny"]
    assert is_cached("tiny")
    assert (fetch("tiny") / "deep/a").read_bytes() == SOUND
    assert verify("other").is_sound


def test_a_zip_is_the_same_bytes_every_time(two, tmp_path: Path) -> None:
    first = export("tiny", tmp_path / "1.zip").read_bytes()
    assert export("tiny", tmp_path / "2.zip").read_bytes() == first


def test_a_copied_cache_is_a_cache(two, tmp_path: Path, monkeypatch) -> None:
    fetch("tiny")
    shutil.copytree(two.cache, tmp_path / "second" / "cache")
    _new_machine(tmp_path, monkeypatch)
    assert (fetch("tiny") / "deep/a").read_bytes() == SOUND


def test_a_whole_cache_and_one_folder_can_be_imported(two, tmp_path: Path, monkeypatch) -> None:
    fetch("tiny")
    fetch("other")
    _new_machine(tmp_path, monkeypatch)
    assert import_(two.cache / "other") == ("other",)
    assert import_(two.cache) == ("other", "tiny")


def test_a_wheel_brought_by_hand(two, index, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("DESCANT_OFFLINE", "1")
    wheel = next(index.folder.glob("tiny*.whl"))
    assert import_(wheel) == ("tiny",)
    assert is_cached("tiny")
    with pytest.raises(ModelNotFound, match="No card names the wheel"):
        import_(index.add_wheel("strange", {"a": b""}))


def test_wheels_that_belong_together_are_brought_together(home, index, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("DESCANT_OFFLINE", "1")
    first, second = index.add_wheel("one", {"a1": SOUND[:99]}), index.add_wheel("two", {"a2": SOUND[99:]})
    home.write_card("tiny", index.joined((first, {"a": "a1"}), (second, {"a": "a2"})), {"a": SOUND})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    alone = Path(shutil.copy(second, elsewhere / "renamed.whl"))
    (elsewhere / "one-1.0-py3-none-any.whl").write_bytes(b"!" * first.stat().st_size)
    with pytest.raises(InputNotFound, match=r"not beside it: one==1\.0") as caught:
        import_(alone)
    assert "pip download --no-deps one==1.0" in caught.value.hint
    shutil.copy(first, elsewhere / "another name.whl")
    assert import_(alone) == ("tiny",)
    assert (fetch("tiny") / "a").read_bytes() == SOUND


def test_an_exported_file_that_was_changed_is_refused(two, tmp_path: Path, monkeypatch) -> None:
    box = export("tiny", tmp_path / "box")
    (box / "tiny" / "deep" / "a").write_bytes(SOUND[:-1] + b"!")
    _new_machine(tmp_path, monkeypatch)
    with pytest.raises(ChecksumMismatch):
        import_(box)
    (box / "tiny" / "deep" / "a").unlink()
    with pytest.raises(ChecksumMismatch, match="lacks"):
        import_(box)
    (box / "tiny" / "deep" / "a").write_bytes(SOUND * 2)
    with pytest.raises(ChecksumMismatch, match="larger"):
        import_(box)
    with pytest.raises(ModelNotFound):
        fetch("tiny")


def test_an_archive_cannot_redefine_a_card_that_is_known_here(two, tmp_path: Path) -> None:
    box = export("tiny", tmp_path / "box")
    other = SOUND[::-1]
    (box / "tiny" / "deep" / "a").write_bytes(other)
    two.write_card("liar", '[[source]]\nkind = "package"', {"deep/a": other})
    text = (two.cards / "liar.toml").read_text(encoding="utf-8").replace('name = "liar"', 'name = "tiny"')
    (box / "tiny" / "card.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ChecksumMismatch):
        import_(box)


def test_a_newer_model_takes_the_place_of_an_imported_one(two, tmp_path: Path, monkeypatch) -> None:
    newer = SOUND[::-1]
    box, again = export("tiny", tmp_path / "box"), tmp_path / "again"
    shutil.copytree(box, again)
    (again / "tiny" / "deep" / "a").write_bytes(newer)
    two.write_card("newer", '[[source]]\nkind = "package"', {"deep/a": newer})
    text = (two.cards / "newer.toml").read_text(encoding="utf-8").replace('name = "newer"', 'name = "tiny"')
    (again / "tiny" / "card.toml").write_text(text, encoding="utf-8")
    _new_machine(tmp_path, monkeypatch)
    assert import_(box) == import_(again) == ("tiny",)
    assert (fetch("tiny") / "deep/a").read_bytes() == newer


def test_paths_in_an_archive_stay_in_the_cache(two, tmp_path: Path, monkeypatch) -> None:
    box = export("tiny", tmp_path / "box.zip")
    with zipfile.ZipFile(box) as archive:
        contents = {info.filename: archive.read(info) for info in archive.infolist()}
    evil = tmp_path / "evil.zip"
    with zipfile.ZipFile(evil, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data.replace(b'"deep/a"', b'"../../a"') if name.endswith(".toml") else data)
        archive.writestr("../../outside", b"x")
    _new_machine(tmp_path, monkeypatch)
    with pytest.raises(CardError, match="without"):
        import_(evil)
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_hostile_archives_are_told(home, tmp_path: Path, content: bytes | None) -> None:
    box = tmp_path / "box.zip"
    if content is None:
        with zipfile.ZipFile(box, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bomb/card.toml", b"#" * (2 << 20))
        kind: type[Exception] = CardError
    else:
        box.write_bytes(content)
        kind = ChecksumMismatch
    with pytest.raises(kind):
        import_(box)


def test_what_cannot_be_imported_says_what_can(home, tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        import_(tmp_path / "absent.zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelNotFound):
        import_(tmp_path / "empty")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(ModelNotFound):
        import_(tmp_path / "empty.zip")
    (tmp_path / "a.mp3").write_bytes(b"x")
    with pytest.raises(UnsupportedFormat):
        import_(tmp_path / "a.mp3")


def test_a_failed_export_leaves_what_was_there(two, tmp_path: Path) -> None:
    out = tmp_path / "box.zip"
    out.write_bytes(b"precious")
    cancel = CancelToken()
    fetch("tiny")
    with pytest.raises(Cancelled):
        export("tiny", out, cancel=cancel, progress=lambda event: cancel.cancel())
    assert out.read_bytes() == b"precious"
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError):
        export("tiny", tmp_path / "file" / "box.zip")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_exporting_into_a_folder_keeps_what_else_is_in_it(two, tmp_path: Path) -> None:
    export("tiny", tmp_path / "box")
    (tmp_path / "box" / "tiny" / "stale").write_bytes(b"x")
    export("other", tmp_path / "box")
    export("tiny", tmp_path / "box")
    assert sorted(path.name for path in (tmp_path / "box").iterdir()) == ["other", "tiny"]
    assert not (tmp_path / "box" / "tiny" / "stale").exists()
