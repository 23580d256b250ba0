from __future__ import annotations

import os
from pathlib import Path

import pytest

from descant.errors import CheckpointError, OutputError
from descant.pipelines.workspace import Workspace


def _source(tmp_path: Path, content: bytes = b"song") -> Path:
    path = tmp_path / "song.wav"
    path.write_bytes(content)
    return path


def test_a_finished_step_is_not_repeated(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "x").write_text("done")

    for _ in range(2):  # as two runs would
        step = Workspace(tmp_path / "steps", _source(tmp_path)).step("separate", {"model": "a"}, make)
        assert (step / "x").read_text() == "done"
    assert len(made) == 1


@pytest.mark.parametrize(
    ("content", "name", "settings"),
    [
        (b"other song", "separate", {"model": "a"}),
        (b"song", "analyze", {"model": "a"}),
        (b"song", "separate", {"model": "b"}),
    ],
)
def test_other_content_name_or_settings_are_another_step(
    tmp_path: Path, content: bytes, name: str, settings: dict[str, str]
) -> None:
    first = Workspace(tmp_path / "w", _source(tmp_path)).step("separate", {"model": "a"}, lambda _: None)
    second = Workspace(tmp_path / "w", _source(tmp_path, content)).step(name, settings, lambda _: None)
    assert first != second


def test_a_step_that_fails_leaves_nothing(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w", _source(tmp_path))

    def fail(folder: Path) -> None:
        (folder / "half").write_text("...")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        workspace.step("separate", {}, fail)
    assert list((tmp_path / "w").iterdir()) == []
    assert workspace.step("separate", {}, lambda _: None).is_dir()


def test_a_file_in_the_way_is_a_clear_error(tmp_path: Path) -> None:
    source = _source(tmp_path)
    with pytest.raises(OutputError):
        Workspace(source, source).step("separate", {}, lambda _: None)


def test_the_longest_unused_steps_go_when_all_grow_too_large(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w", _source(tmp_path), max_bytes=2500)

    def make(folder: Path) -> None:
        (folder / "x").write_bytes(bytes(1000))

    steps = [workspace.step(name, {}, make) for name in ("a", "b")]
    for age, step in zip((100, 50), steps, strict=True):
        os.utime(step, (step.stat().st_mtime - age,) * 2)
    workspace.step("a", {}, make)  # used again, so "b" is now the oldest
    third = workspace.step("c", {}, make)
    assert [s.is_dir() for s in (*steps, third)] == [True, False, True]


def test_two_runs_on_one_song_at_once(tmp_path: Path) -> None:
    def other_run(folder: Path) -> None:
        (folder / "x").write_text("other")

    def slow(folder: Path) -> None:
        Workspace(tmp_path / "w", _source(tmp_path)).step("separate", {}, other_run)
        (folder / "x").write_text("mine")

    step = Workspace(tmp_path / "w", _source(tmp_path)).step("separate", {}, slow)
    assert (step / "x").read_text() == "other"
    assert list((tmp_path / "w").iterdir()) == [step]


def test_a_value_that_cannot_be_read_is_made_anew_once(tmp_path: Path) -> None:
    source = tmp_path / "song"
    source.write_bytes(b"song")
    workspace = Workspace(tmp_path / "steps", source)
    made: list[Path] = []

    def make(place: Path) -> None:
        made.append(place)
        (place / "value").write_text("7")

    def read(place: Path) -> int:
        text = (place / "value").read_text()
        if not text.isdigit():
            raise CheckpointError(f"{place} is damaged.")
        return int(text)

    assert workspace.value("number", {}, make, read) == 7
    assert workspace.value("number", {}, make, read) == 7
    assert len(made) == 1
    (workspace.step("number", {}, make) / "value").write_text("seven")
    assert workspace.value("number", {}, make, read) == 7
    assert len(made) == 2

    def refuse(place: Path) -> int:
        raise CheckpointError(f"{place} is damaged.")

    with pytest.raises(CheckpointError):
        workspace.value("number", {}, make, refuse)
    assert len(made) == 3
