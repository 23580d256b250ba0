"""Wheels through pip: nothing installed, nothing executed, every failure of pip's told by name."""

from __future__ import annotations

import stat
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

import descant.hub.sources.wheel as wheel_module
from descant.errors import Cancelled, ChecksumMismatch, DownloadFailed, MissingDependency, OutputError
from descant.hub.card import Wheel
from descant.hub.sources.pip_errors import explain_pip
from descant.hub.sources.wheel import download_wheel, extract_members
from descant.hub.store import fetch
from descant.progress import CancelToken, Monitor

DATA = bytes(range(256)) * 100


@pytest.fixture
def tiny(home, index) -> Path:
    wheel = index.add_wheel("tinysounds", {"tiny/a.bin": DATA, "tiny/__init__.py": b"raise SystemExit"})
    home.write_card("tiny", index.source(wheel, {"a.bin": "tiny/a.bin"}), {"a.bin": DATA})
    return wheel


def test_pip_brings_the_wheel_and_installs_nothing(tiny: Path, home) -> None:
    assert (fetch("tiny") / "a.bin").read_bytes() == DATA
    assert not any((Path(folder) / "tiny").exists() for folder in sys.path)
    assert [path.name for path in home.cache.iterdir() if not path.name.startswith(".")] == ["tiny"]


def test_a_wheel_for_another_python_will_do(home, index) -> None:
    wheel = index.add_wheel("oldsounds", {"a": DATA}, requires_python="<3")
    home.write_card("old", index.source(wheel, {"a": "a"}), {"a": DATA})
    assert (fetch("old") / "a").read_bytes() == DATA


def test_another_wheel_under_the_same_name_is_refused(tiny: Path, index) -> None:
    index.add_wheel("tinysounds", {"tiny/a.bin": DATA, "tiny/__init__.py": b"print('evil')"})
    with pytest.raises(ChecksumMismatch) as caught:
        fetch("tiny")
    assert "tinysounds==1.0" in caught.value.message


def test_a_wheel_the_index_lacks(tiny: Path) -> None:
    tiny.unlink()
    with pytest.raises(DownloadFailed) as caught:
        fetch("tiny")
    assert "has no tinysounds==1.0" in caught.value.message
    assert "descant models import" in caught.value.hint


def test_an_index_that_nobody_serves(home, index, tiny: Path, monkeypatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    tiny.unlink()
    with pytest.raises(DownloadFailed, match="no network"):
        fetch("tiny")


def test_without_pip_the_bundled_one_of_python_is_used(tiny: Path, monkeypatch) -> None:
    real = wheel_module.util.find_spec
    monkeypatch.setattr(wheel_module.util, "find_spec", lambda name: None if name == "pip" else real(name))
    if real("ensurepip") is None:
        pytest.skip("this Python has no ensurepip")
    assert (fetch("tiny") / "a.bin").read_bytes() == DATA


def test_without_any_pip_the_way_out_is_told(tiny: Path, monkeypatch) -> None:
    monkeypatch.setattr(wheel_module.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency) as caught:
        fetch("tiny")
    assert "ensurepip" in caught.value.hint
    assert "descant models export" in caught.value.hint


@pytest.mark.parametrize(
    ("log", "kind", "said"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", ChecksumMismatch, "another file"),
        ("ERROR: Could not install: [Errno 28] No space left on device", OutputError, "disk is full"),
        (
            "There was a problem confirming the ssl certificate: [SSL: CERTIFICATE_VERIFY_FAILED]",
            DownloadFailed,
            "cert",
        ),
        ("proxy connection error: ('Unable to connect to proxy', NewConnectionError(", DownloadFailed, "proxy"),
        ("407 Client Error: Proxy Authentication Required for url", DownloadFailed, "proxy"),
        ("401 Client Error: Unauthorized\nERROR: No matching distribution found", DownloadFailed, "refused access"),
        ("NameResolutionError(...)\nERROR: No matching distribution found", DownloadFailed, "no network"),
        ("ReadTimeoutError: Read timed out.", DownloadFailed, "broke"),
        ("ERROR: No matching distribution found for x", DownloadFailed, "has no x==1"),
        ("ERROR: Something new\nsecond line", DownloadFailed, "Something new"),
        ("", DownloadFailed, "no reason"),
    ],
)
def test_what_pip_says_becomes_a_typed_error(log: str, kind: type[Exception], said: str) -> None:
    error = explain_pip(log, "x==1")
    assert type(error) is kind
    assert said in error.message
    assert error.hint


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for pip is a shell script")
def test_a_hanging_pip_is_killed_within_two_seconds(tmp_path: Path, monkeypatch) -> None:
    marker = tmp_path / "pid"
    script = tmp_path / "pip.sh"
    script.write_text(f"#!/bin/sh\necho $$ > {marker}\nexec sleep 60\n", encoding="utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(wheel_module, "_pip", lambda: [str(script)])
    cancel = CancelToken()
    timer = threading.Timer(0.5, cancel.cancel)
    timer.start()
    started = time.monotonic()
    (tmp_path / "work").mkdir()
    wheel = Wheel("x", "1", "0" * 64, 10)
    with pytest.raises(Cancelled):
        download_wheel(wheel, tmp_path / "work", Monitor(None, cancel))
    assert time.monotonic() - started < 2.5
    assert not Path(f"/proc/{marker.read_text().strip()}").exists()
    timer.join()


# --- zips from strangers --------------------------------------------------------------------------------------------


def _zip(path: Path, entries: list[tuple[zipfile.ZipInfo | str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in entries:
            archive.writestr(entry, data)
    return path


def test_paths_inside_the_zip_are_never_followed(tmp_path: Path) -> None:
    evil = _zip(tmp_path / "x.whl", [("../../evil", b"1"), ("/tmp/evil", b"2"), ("good", b"3")])
    out = tmp_path / "deep" / "out"
    extract_members(evil, [("kept", "good"), ("also", "../../evil")], out, Monitor())
    assert sorted(path.name for path in out.iterdir()) == ["also", "kept"]
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path.parent / "evil").exists()


def test_links_and_folders_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    evil = _zip(tmp_path / "x.whl", [(link, b"/etc/passwd"), ("folder/", b"")])
    for member in ("link", "folder/"):
        with pytest.raises(ChecksumMismatch, match="link or a folder"):
            extract_members(evil, [("a", member)], tmp_path / "out", Monitor())


def test_damaged_and_lacking_zips_are_refused(tmp_path: Path) -> None:
    whole = _zip(tmp_path / "x.whl", [("good", DATA)])
    with pytest.raises(ChecksumMismatch):
        extract_members(whole, [("a", "absent")], tmp_path / "1", Monitor())
    data = bytearray(whole.read_bytes())
    data[60] ^= 0xFF
    whole.write_bytes(data)
    with pytest.raises(ChecksumMismatch):
        extract_members(whole, [("a", "good")], tmp_path / "2", Monitor())
    whole.write_bytes(data[: len(data) // 2])
    with pytest.raises(ChecksumMismatch):
        extract_members(whole, [("a", "good")], tmp_path / "3", Monitor())
    whole.write_bytes(b"")
    with pytest.raises(ChecksumMismatch):
        extract_members(whole, [("a", "good")], tmp_path / "4", Monitor())
