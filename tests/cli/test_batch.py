from __future__ import annotations

from pathlib import Path

import pytest

from descant.cli.batch import run_batch
from descant.errors import AudioReadError, BatchFailed, Cancelled, InputNotFound, NothingHeard


def _touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def _recorder() -> tuple[list[tuple[Path, Path]], object]:
    calls: list[tuple[Path, Path]] = []
    return calls, lambda file, folder: calls.append((file, folder))


def test_a_single_file_goes_straight_to_the_output(tmp_path: Path) -> None:
    calls, one = _recorder()
    run_batch([tmp_path / "a.wav"], tmp_path / "out", one)
    assert calls == [(tmp_path / "a.wav", tmp_path / "out")]


def test_folders_are_mirrored_and_names_never_clash(tmp_path: Path) -> None:
    _touch(tmp_path / "in/a.wav", tmp_path / "in/a.mp3", tmp_path / "in/sub/a.wav", tmp_path / "in/notes.txt")
    calls, one = _recorder()
    run_batch([tmp_path / "in"], tmp_path / "out", one)
    folders = [folder.relative_to(tmp_path / "out").as_posix() for _, folder in calls]
    assert sorted(folders) == ["a", "a 2", "sub/a"]


def test_where_nothing_is_written_folders_beneath_the_working_folder_are_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _touch(tmp_path / "found/a.wav")
    monkeypatch.chdir(tmp_path)
    calls, one = _recorder()
    run_batch([Path("found")], None, one)
    assert [file for file, _ in calls] == [Path("found/a.wav")]


def test_results_inside_the_input_folder_are_no_input(tmp_path: Path) -> None:
    _touch(tmp_path / "a.wav", tmp_path / "stems/a/vocals.wav")
    calls, one = _recorder()
    run_batch([tmp_path], tmp_path / "stems", one)
    assert calls == [(tmp_path / "a.wav", tmp_path / "stems/a")]


def test_bad_files_do_not_stop_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / f"{i}.wav" for i in range(20)]
    finished = []

    def one(file: Path, folder: Path) -> None:
        if int(file.stem) % 7 == 3:
            raise AudioReadError(f"{file.name} is damaged.", "Export it again.")
        finished.append(folder.name)

    with pytest.raises(BatchFailed, match=r"3 of 20 files failed: 3.wav, 10.wav, 17.wav"):
        run_batch(files, tmp_path / "out", one)
    assert len(finished) == 17
    assert capsys.readouterr().err.count("is damaged") == 3


def test_cancelling_stops_the_batch(tmp_path: Path) -> None:
    def one(_file: Path, _folder: Path) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        run_batch([tmp_path / "a.wav", tmp_path / "b.wav"], tmp_path / "out", one)


def test_finished_outputs_are_skipped(tmp_path: Path) -> None:
    calls, one = _recorder()
    run_batch([tmp_path / "a.wav", tmp_path / "b.wav"], tmp_path / "o", one, done=lambda folder: folder.name == "a")
    assert [folder.name for _, folder in calls] == ["b"]


def test_a_single_failure_keeps_its_own_error_and_an_empty_folder_is_named(tmp_path: Path) -> None:
    def one(_file: Path, _folder: Path) -> None:
        raise AudioReadError("bad")

    with pytest.raises(AudioReadError):
        run_batch([tmp_path / "a.wav"], tmp_path / "out", one)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputNotFound, match="no files"):
        run_batch([tmp_path / "empty"], tmp_path / "out", one)


def test_what_is_wrong_with_a_file_names_it_and_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def one(_file: Path, _folder: Path) -> None:
        raise NothingHeard("The recording is silent.", "Check the microphone.")

    with pytest.raises(NothingHeard, match=r"a\.wav: The recording is silent"):
        run_batch([tmp_path / "a.wav"], tmp_path / "out", one)
    with pytest.raises(BatchFailed):
        run_batch([tmp_path / "a.wav", tmp_path / "b.wav"], tmp_path / "out", one)
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in said[::2]] == ["descant", "descant"]
    assert "b.wav" in said[2]
    assert said[1] == said[3] == "  Check the microphone."


def test_resource_forks_of_macos_are_no_songs(tmp_path: Path) -> None:
    _touch(tmp_path / "in/a.wav", tmp_path / "in/._a.wav")
    calls, one = _recorder()
    run_batch([tmp_path / "in"], tmp_path / "out", one)
    assert [file.name for file, _ in calls] == ["a.wav"]
