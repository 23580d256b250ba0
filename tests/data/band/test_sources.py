from pathlib import Path

import numpy as np
import pytest

from descant.data.band.sources import find_songs, lead_sheet, top_line
from descant.errors import InputNotFound, InvalidOption, ScoreReadError
from descant.score.midi import write_midi
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap, TimeSignature


def song(*, numerator: int = 4, denominator: int = 4, bars: int = 12) -> Score:
    bar = numerator * 4 / denominator
    tune = tuple(Note(float(k), 0.9, 60 + k % 12, lyric="la" if k == 0 else "") for k in range(int(bars * bar)))
    bass = tuple(Note(float(k), 1.0, 36) for k in range(int(bars * bar)))
    kit = tuple(Note(float(k), 0.2, 38) for k in range(int(bars * bar)))
    tracks = (Track("bass", bass, 33), Track("Lead vocal", tune, 52), Track("kit", kit, is_drum=True))
    return Score(tracks, TempoMap.constant(100.0), (TimeSignature(0.0, numerator, denominator),))


def test_folders_of_midi_are_songs_with_a_melody_after_a_bar_of_rest(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_midi(tmp_path / f"{name}.mid", song())
    songs = find_songs([str(tmp_path)])
    assert [s.name for s in songs] == [f"{tmp_path.name}/one.mid", f"{tmp_path.name}/two.mid"]
    sheet = lead_sheet(songs[0], 0.0, np.random.default_rng(0))
    assert [t.name for t in sheet.tracks] == ["melody"]
    assert sheet.tracks[0].notes[0].start == pytest.approx(4.0)
    assert sheet.tracks[0].notes[0].pitch == 60
    assert sheet.tempo.bpm_at(0.0) == pytest.approx(100.0, abs=0.1)


def test_songs_in_compound_time_are_not_counted_wrong_but_refused(tmp_path: Path) -> None:
    write_midi(tmp_path / "jig.mid", song(numerator=6, denominator=8))
    (jig,) = find_songs([str(tmp_path)])
    with pytest.raises(ScoreReadError, match="metre"):
        lead_sheet(jig, 0.0, np.random.default_rng(0))


def test_a_voice_sings_the_highest_note_and_one_at_a_time() -> None:
    chord = [Note(0.0, 2.0, 60), Note(0.0, 2.0, 67), Note(0.01, 2.0, 64), Note(1.0, 1.0, 62)]
    assert [(n.start, n.duration, n.pitch) for n in top_line(chord)] == [(0.0, 1.0, 67), (1.0, 1.0, 62)]


def test_invented_songs_never_run_out_and_stay_what_they_are() -> None:
    songs = find_songs(["invented"])
    assert len(songs) == 10_000
    assert songs[5].load() == songs[5].load()
    assert songs[5].load() != songs[6].load()


def test_what_is_no_source_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="no scores"):
        find_songs([str(tmp_path)])
    with pytest.raises(InputNotFound, match="neither"):
        find_songs([str(tmp_path / "gone.zip")])
    write_midi(tmp_path / "one.mid", song())
    with pytest.raises(InvalidOption, match="one score"):
        find_songs([str(tmp_path / "one.mid")])
    with pytest.raises(InvalidOption, match="twice"):
        find_songs([str(tmp_path), str(tmp_path)])
