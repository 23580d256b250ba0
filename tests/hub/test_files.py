"""Files of the hub: sizes of folders that change while they are looked at."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from descant.hub.files import folder_size


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "deep" / "deeper" / "b").write_bytes(b"1234567")
    assert folder_size(tmp_path) == 12
    assert folder_size(tmp_path / "none") == 0


def test_folders_may_vanish_while_their_size_is_taken(tmp_path: Path) -> None:
    """As pip's unpacking folders do: they are listed, and gone when they are entered."""
    (tmp_path / "stays").write_bytes(b"123")
    done = threading.Event()

    def churn() -> None:
        while not done.is_set():
            place = tmp_path / "comes" / "and" / "goes"
            place.mkdir(parents=True)
            (place / "file").write_bytes(b"")
            shutil.rmtree(tmp_path / "comes")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        sizes = {folder_size(tmp_path) for _ in range(2000)}
    finally:
        done.set()
        thread.join()
    assert sizes == {3}
