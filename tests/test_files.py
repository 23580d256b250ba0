"""Atomic output: whole or not there, with errors of the output told from errors of anything else."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from descant.errors import DescantError, InputNotFound, InvalidOption, OutputError, PermissionRefused
from descant.files import (
    as_path,
    atomic_folder,
    atomic_output,
    input_error,
    is_there,
    output_error,
    require_distinct,
    require_file,
    require_folder,
    title_of,
)


def test_target_appears_only_when_all_went_well(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "notes.txt"
    with atomic_output(target) as temporary:
        assert temporary.parent == target.parent
        temporary.write_text("song")
        assert not target.exists()
    assert target.read_text() == "song"
    assert [path.name for path in target.parent.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_failure_leaves_the_old_file_and_no_new_folder(failure: type[BaseException], tmp_path: Path) -> None:
    old = tmp_path / "old.txt"
    old.write_text("before")
    for target in (old, tmp_path / "a" / "b" / "new.txt"):
        with pytest.raises(failure), atomic_output(target) as temporary:  # noqa: PT012
            temporary.write_text("half")
            raise failure
    assert old.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]


def test_folder_that_was_there_or_is_in_use_stays(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), atomic_output(tmp_path / "new" / "a.txt"):  # noqa: PT012
        (tmp_path / "new" / "someone else's").write_text("mine")
        raise RuntimeError
    assert (tmp_path / "new" / "someone else's").exists()


def test_error_of_something_else_inside_the_block_passes_through(tmp_path: Path) -> None:
    with pytest.raises(ConnectionResetError), atomic_output(tmp_path / "a.bin"):
        raise ConnectionResetError(errno.ECONNRESET, "reset by peer")
    with pytest.raises(FileNotFoundError), atomic_output(tmp_path / "a.bin"):
        (tmp_path / "other").read_bytes()
    with pytest.raises(OutputError, match="disk is full"), atomic_output(tmp_path / "a.bin"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, OutputError),
        (errno.EDQUOT, OutputError),
        (errno.EACCES, PermissionRefused),
        (errno.EROFS, PermissionRefused),
        (errno.ENOTDIR, OutputError),
        (errno.ENAMETOOLONG, OutputError),
        (errno.EIO, OutputError),
    ],
)
def test_output_errors(number: int, kind: type[DescantError]) -> None:
    error = output_error(OSError(number, os.strerror(number)), Path("song.wav"))
    assert type(error) is kind
    assert "song.wav" in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOENT, InputNotFound),
        (errno.EISDIR, InputNotFound),
        (errno.EACCES, PermissionRefused),
        (errno.EIO, InputNotFound),
    ],
)
def test_input_errors(number: int, kind: type[DescantError]) -> None:
    error = input_error(OSError(number, os.strerror(number)), Path("song.wav"))
    assert type(error) is kind
    assert "song.wav" in error.message
    assert error.hint


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_what_no_system_can_name(text: str) -> None:
    with pytest.raises(InvalidOption):
        as_path(text)


def test_pipes_and_devices_are_refused_as_outputs_and_stay(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    for target in (pipe, Path(os.devnull)):
        with pytest.raises(OutputError, match="pipe or device"), atomic_output(target):
            pytest.fail("it was opened")
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_link_stays_a_link_to_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "link.txt").symlink_to("far/real.txt")  # which is not there yet
    for text in ("first", "second"):
        with atomic_output(tmp_path / "link.txt") as temporary:
            assert temporary.parent == tmp_path / "far"
            temporary.write_text(text)
        assert (tmp_path / "far" / "real.txt").read_text() == text
    assert (tmp_path / "link.txt").is_symlink()


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OutputError, match="leads back to itself"), atomic_output(tmp_path / "a"):
        pytest.fail("it was opened")
    with pytest.raises(OutputError), atomic_output(tmp_path / "a" / "song.wav"):
        pytest.fail("it was opened")
    assert (tmp_path / "a").is_symlink()


def test_paths_that_cannot_be_are_distinct_and_refused_where_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "song.wav").touch()
    for target in (tmp_path / ("x" * 300), tmp_path / "song.wav" / "a.wav", Path("/".join(["y" * 200] * 25))):
        require_distinct(tmp_path / "song.wav", target)
        with pytest.raises(OutputError), atomic_output(target):
            pytest.fail("it was opened")


def test_what_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.touch()
    long = tmp_path / ("x" * 300)
    require_folder(tmp_path)
    require_folder(tmp_path / "new")
    require_file(song)
    require_file(tmp_path / "new" / "a.wav")
    for folder in (song, long):
        with pytest.raises(OutputError):
            require_folder(folder)
    for file in (tmp_path, long, Path(os.devnull)):
        with pytest.raises(OutputError):
            require_file(file)
    assert [is_there(path) for path in (song, tmp_path, long, tmp_path / "new")] == [True, True, False, False]
    assert [path.name for path in tmp_path.iterdir()] == ["song.wav"]


def test_a_title_is_text_whatever_the_name_holds() -> None:
    assert title_of(Path("songs/歌 ünï.take 2.wav")) == "歌 ünï.take 2"
    assert title_of(Path(os.fsdecode(b"latin\xe9.wav"))).encode() == "latin\ufffd".encode()


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with atomic_folder(out) as part:
        (part / "inner").mkdir()
        (part / "inner" / "a.txt").write_text("a")
        assert not out.exists()
    assert (out / "inner" / "a.txt").read_text() == "a"
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with atomic_folder(empty) as part:
        (part / "b.txt").write_text("b")
    assert [p.name for p in empty.iterdir()] == ["b.txt"]


def test_a_folder_that_fails_is_not_there(tmp_path: Path) -> None:
    def write_and_fail(part: Path) -> None:
        (part / "a.txt").write_text("a")
        raise KeyError

    with pytest.raises(KeyError), atomic_folder(tmp_path / "new" / "out") as part:
        write_and_fail(part)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "said"), [(errno.ENOSPC, "disk is full"), (errno.EIO, "cannot be written")])
def test_what_the_disk_says_inside_a_folder_names_the_folder(tmp_path: Path, number: int, said: str) -> None:
    with pytest.raises(OutputError, match=f"out.*{said}|{said}.*out"), atomic_folder(tmp_path / "out") as part:
        raise OSError(number, os.strerror(number), str(part / "inner" / "a.txt"))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InvalidOption, match="holds something"), atomic_folder(tmp_path):
        raise AssertionError
    with pytest.raises(OutputError, match="is a file"), atomic_folder(tmp_path / "mine.txt"):
        raise AssertionError
    with pytest.raises(OutputError, match="part of its path"), atomic_folder(tmp_path / "mine.txt" / "out"):
        raise AssertionError
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
