"""POP909 and Groove MIDI, proven on miniatures in the sets' own layout."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import mido
import pytest

from descant.data.groove import Groove
from descant.data.pop909 import Pop909
from descant.errors import InputNotFound
from descant.score.harmony import Chord, Key
from descant.score.tempo import TimeSignature


def _midi(tracks: dict[str, list[tuple[float, float, int]]], bpm: float) -> bytes:
    """Notes as (start, duration, pitch) in seconds, written with an independent library."""
    file = mido.MidiFile(ticks_per_beat=480)
    head = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm), time=0)])
    file.tracks.append(head)
    for name, notes in tracks.items():
        events = []
        for start, duration, pitch in notes:
            events.append((start, mido.Message("note_on", note=pitch, velocity=90)))
            events.append((start + duration, mido.Message("note_off", note=pitch, velocity=0)))
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name, time=0)])
        last = 0.0
        for time, message in sorted(events, key=lambda e: e[0]):
            track.append(message.copy(time=round(mido.second2tick(time - last, 480, mido.bpm2tempo(bpm)))))
            last = time
        file.tracks.append(track)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


@pytest.fixture
def pop909(tmp_path: Path) -> Path:
    """One song: beats half a second apart from 0.3 s on, the first downbeat being the second beat."""
    beats = [0.3 + 0.5 * i for i in range(17)]
    rows = [f"{t} {float((i - 1) % 2 == 0)} {float((i - 1) % 4 == 0)}" for i, t in enumerate(beats)]
    melody = [(0.8 + 0.5 * i, 0.4, 60 + i) for i in range(8)]
    path = tmp_path / "pop909.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("POP909/007/007.mid", _midi({"MELODY": melody, "BRIDGE": [], "PIANO": melody[:2]}, 97))
        archive.writestr("POP909/007/beat_midi.txt", "\n".join(rows))
        archive.writestr("POP909/007/chord_midi.txt", "0.8\t2.8\tC:maj\n2.8\t4.8\tA:min7/b7\n")
        archive.writestr("POP909/007/key_audio.txt", "0\t9\tG:min\n9\t60\tEb:maj\n")
    return path


def test_pop909_notes_lie_on_the_annotated_beats_not_on_the_midi_ticks(pop909: Path) -> None:
    data = Pop909(pop909)
    assert list(data.songs()) == ["007"]
    score = data.load("007")
    melody = score.track("melody")
    assert melody is not None
    starts = [note.start for note in melody.notes]
    assert starts == pytest.approx([starts[0] + i for i in range(8)], abs=0.01)
    assert starts[0] % 4 == pytest.approx(0, abs=0.01)  # the first note is on a downbeat
    assert score.tempo.seconds(melody.notes[3].start) == pytest.approx(0.8 + 1.5, abs=0.01)
    assert score.time_signatures == (TimeSignature(0.0, 4, 4),)
    assert score.key == Key(3, "major")  # the longest key
    assert [(c.start - starts[0], c.chord) for c in score.chords] == [
        (pytest.approx(0, abs=0.01), Chord(0)),
        (pytest.approx(4, abs=0.01), Chord(9, "min7", 7)),
    ]


def test_pop909_from_an_unpacked_folder_is_the_same(pop909: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(pop909) as archive:
        archive.extractall(tmp_path / "unpacked")
    assert Pop909(tmp_path / "unpacked").load("007") == Pop909(pop909).load("007")


def test_splits_are_disjoint_stable_and_about_80_10_10() -> None:
    splits = [Pop909.split(f"{i:03d}") for i in range(1, 910)]
    assert (splits.count("train"), splits.count("validation"), splits.count("test")) == (730, 89, 90)


def test_wrong_or_damaged_sets_say_so(tmp_path: Path, pop909: Path) -> None:
    with pytest.raises(InputNotFound, match="neither a folder nor a zip"):
        Pop909(tmp_path / "missing.zip")
    with pytest.raises(InputNotFound, match="no POP909"):
        Pop909(_empty_zip(tmp_path))
    with pytest.raises(InputNotFound, match="no song"):
        Pop909(pop909).load("999")
    with pytest.raises(InputNotFound, match="no Groove"):
        Groove(pop909)


def _empty_zip(tmp_path: Path) -> Path:
    path = tmp_path / "empty.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing here")
    return path


def test_groove_rows_and_keys(tmp_path: Path) -> None:
    path = tmp_path / "groove.zip"
    info = (
        "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split\n"
        "d1,s1,d1/s1/1,rock/halftime,120,beat,4-4,d1/s1/1.mid,x.wav,4,train\n"
        "d1,s1,d1/s1/2,funk,100,fill,3-4,d1/s1/2.mid,x.wav,1,test\n"
        "d1,s1,d1/s1/3,funk,100,fill,3-4,d1/s1/missing.mid,x.wav,1,test\n"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("groove/info.csv", info)
        archive.writestr("groove/d1/s1/1.mid", _midi({"drums": [(0.0, 0.1, 36), (0.5, 0.1, 26)]}, 120))
        archive.writestr("groove/d1/s1/2.mid", _midi({"drums": [(0.0, 0.1, 38)]}, 100))
    groove = Groove(path)
    assert [p.name for p in groove.performances()] == ["d1/s1/1", "d1/s1/2"]
    (beat,) = groove.performances("train", fills=False)
    assert (beat.style, beat.bpm, beat.beats_per_bar, beat.split) == ("rock/halftime", 120.0, 4, "train")
    (track,) = groove.load(beat).tracks
    assert track.is_drum
    assert [(n.start, n.pitch) for n in track.notes] == [(0.0, 36), (pytest.approx(1.0), 46)]
