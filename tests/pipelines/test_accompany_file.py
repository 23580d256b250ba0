"""What `accompany_file` refuses and leaves alone, without any weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.errors import OutputIsInput
from descant.pipelines.accompany_file import _write_chords, accompany_file
from descant.score.harmony import Chord, ChordSpan
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap


@pytest.mark.parametrize("place", ["mix.flac", "stems/vocals.flac", "stems/piano.flac", "stems/../mix.flac"])
def test_a_result_of_an_earlier_run_is_never_replaced_by_its_own_band(tmp_path: Path, place: str) -> None:
    (tmp_path / "stems").mkdir()
    source = write(tmp_path / place, Clip(np.full((1, 8000), 0.1, np.float32), 8000))
    before = source.read_bytes()
    with pytest.raises(OutputIsInput):
        accompany_file(source, tmp_path)
    assert source.read_bytes() == before
    assert not (tmp_path / "index.html").exists()


def test_chords_edited_in_place_stay_as_they_were_written(tmp_path: Path) -> None:
    score = Score(
        (Track("melody", (Note(0.0, 4.0, 60),)),),
        TempoMap.constant(120.0),
        chords=(ChordSpan(0.0, 4.0, Chord.parse("C")),),
    )
    sheet = tmp_path / "chords.txt"
    sheet.write_text("# my own remark\n1 | C\n", encoding="utf-8")
    _write_chords(sheet, score, sheet)
    assert sheet.read_text(encoding="utf-8") == "# my own remark\n1 | C\n"
    _write_chords(sheet, score, None)
    assert "my own remark" not in sheet.read_text(encoding="utf-8")
