"""Notes, beats, keys, tempi, words and captions: what each loader makes of hand-written annotations."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from descant.data.pop909 import Pop909
from descant.data.sets.catalogue import open_set
from descant.data.sets.dataset import check_set
from descant.data.sets.giantsteps import read_key, read_tempo
from descant.data.sets.gtzan import read_beats
from descant.data.sets.item import Facts
from descant.data.sets.jamendo_lyrics import read_timed_words
from descant.data.sets.lakh import read_lpd_beats, read_lpd_score
from descant.errors import InvalidAudio, ScoreReadError, TextReadError
from descant.score.harmony import Chord, Key
from descant.score.notes import Note

Build = Callable[[str], Path]
MakeFile = Callable[..., Path]


def test_nsynth_states_what_plays(build: Build) -> None:
    dataset = open_set("nsynth", build("nsynth"))
    assert dataset.splits == ("train", "test")
    bass, guitar = dataset.items("train")
    assert bass.id == "bass_synthetic_033-060-100"
    assert bass.facts == Facts(
        instrument="bass_synthetic_033", family="bass", source="synthetic", pitch=60, velocity=100, tags=("dark",)
    )
    assert guitar.facts.family == "guitar"
    assert bass.mix is not None
    assert bass.mix.info().sample_rate == 16_000


def test_nsynth_at_another_rate_is_refused(build: Build, audio_of: MakeFile) -> None:
    root = build("nsynth")
    audio_of(root / "nsynth-test" / "audio" / "organ_electronic_1-060-100.wav", rate=22_050, channels=1)
    item = open_set("nsynth", root).items("test")[0]
    assert item.mix is not None
    with pytest.raises(InvalidAudio, match="the set says 16000"):
        item.mix.read()


@pytest.mark.parametrize("damage", ['{"note-060-100": 7}', '{"note-060-100": {"pitch": "x"}}', '{"a/../b": {}}'])
def test_nsynth_notes_that_are_no_notes(build: Build, damage: str) -> None:
    root = build("nsynth")
    (root / "nsynth-test" / "examples.json").write_text(damage)
    with pytest.raises(TextReadError, match=r"examples\.json"):
        open_set("nsynth", root).items("test")


def test_one_part_of_nsynth_is_a_set_too(build: Build) -> None:
    dataset = open_set("nsynth", build("nsynth") / "nsynth-test")
    assert dataset.splits == ("test",)
    assert len(dataset.items()) == 1


def test_maestro_notes_ring_as_the_pedal_holds_them(build: Build) -> None:
    item = open_set("maestro", build("maestro")).items("validation")[0]
    assert item.facts.artist == "Frédéric Chopin"
    assert item.facts.title == 'Étude, Op. 10 "No. 3"'
    assert item.score is not None
    notes = item.score().tracks[0].notes
    assert [(n.start, n.duration, n.pitch) for n in notes] == [(0.0, 4.0, 60), (1.0, 3.0, 64), (2.0, 2.0, 67)]


def test_maestro_as_midi_only_is_whole(build: Build) -> None:
    root = build("maestro")
    for wav in root.rglob("*.wav"):
        wav.unlink()
    assert [item.mix for item in open_set("maestro", root).items()] == [None] * 3


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (",train,", ",dev,", "not a split"),
        ("2004/MIDI", "/etc/MIDI", "outside"),
        ("2004/MIDI", "../../MIDI", "outside"),
        ("midi_filename", "file", "no column"),
        ("\r\n", ",x\r\n", "another number of cells"),
    ],
)
def test_a_maestro_index_that_cannot_be_believed(build: Build, before: str, after: str, words: str) -> None:
    path = build("maestro") / "maestro-v3.0.0.csv"
    head, body = path.read_bytes().decode().split("\r\n", 1)
    changed = (
        f"{head.replace(before, after)}\r\n{body}" if before in head else f"{head}\r\n{body.replace(before, after)}"
    )
    path.write_bytes(changed.encode())
    with pytest.raises(TextReadError, match=words):
        open_set("maestro", path.parent).items()


def test_lakh_lists_files_by_name(build: Build) -> None:
    items = open_set("lakh", build("lakh")).items()
    assert [item.id for item in items] == ["lmd_full/0/000a", "lmd_full/f/ff01"]
    assert items[1].score is not None
    assert [note.pitch for note in items[1].score().tracks[0].notes] == [40, 41]


def test_a_damaged_midi_of_lakh_is_one_problem(build: Build) -> None:
    root = build("lakh")
    (root / "lmd_full" / "0" / "000a.mid").write_bytes(b"MThd")
    report = check_set(open_set("lakh", root))
    assert [problem.item for problem in report.problems] == ["lmd_full/0/000a"]
    assert report.labels == {"score": 2}


@pytest.mark.parametrize("key", ["resolution", "beat_resolution"])
def test_lpd_runs_become_notes(lpd_file: MakeFile, tmp_path: Path, key: str) -> None:
    score = read_lpd_score(lpd_file(tmp_path / "a.npz", key=key))
    piano, drums = score.tracks
    assert (piano.name, piano.program, piano.is_drum, drums.is_drum) == ("Piano", 1, False, True)
    assert piano.notes == (Note(0.0, 1.0, 60, 80), Note(1.0, 0.5, 60, 90), Note(4.0, 4.0, 64, 70))
    assert [note.start for note in drums.notes] == [0.0, 1.0]
    assert score.tempo.seconds(4.0) == pytest.approx(2.0)  # four quarters at 120, then 60
    assert score.tempo.seconds(8.0) == pytest.approx(6.0)


def test_lpd_beats_follow_tempo_and_downbeats(lpd_file: MakeFile, tmp_path: Path) -> None:
    beats = read_lpd_beats(lpd_file(tmp_path / "a.npz"))
    np.testing.assert_allclose(beats.times_s, [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0])
    assert beats.bar_positions == (1, 2, 3, 4, 1, 2, 3, 4)


def _rewritten(path: Path, **changes: object) -> Path:
    """The file with members replaced (arrays) or `info.json` replaced (info)."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, value in changes.items():
        if name == "info":
            members["info.json"] = value if isinstance(value, bytes) else json.dumps(value).encode()
        else:
            buffer = io.BytesIO()
            np.save(buffer, np.asarray(value), allow_pickle=True)
            members[f"{name}.npy"] = buffer.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


_PIANO = {"program": 1, "is_drum": False, "name": "Piano"}


@pytest.mark.parametrize(
    "change",
    [
        {"pianoroll_0_csc_indptr": [0, 1]},
        {"pianoroll_0_csc_indices": [-1] * 132},
        {"pianoroll_0_csc_indices": [10_000] * 132},
        {"pianoroll_0_csc_shape": []},
        {"pianoroll_0_csc_data": np.array([object()])},
        {"info": b"{"},
        {"info": b"[1]"},
        {"info": {"0": _PIANO}},
        {"info": {"resolution": 24}},
        {"info": {"0": _PIANO, "resolution": 0}},
    ],
)
def test_damaged_lpd_files_are_typed_errors(lpd_file: MakeFile, tmp_path: Path, change: dict[str, object]) -> None:
    path = _rewritten(lpd_file(tmp_path / "a.npz"), **change)
    with pytest.raises(ScoreReadError, match=r"a\.npz"):
        read_lpd_score(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"\x93NUMPY"])
def test_what_is_no_lpd_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ScoreReadError, match=r"a\.npz"):
        read_lpd_score(tmp_path / "a.npz")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("descant.data.sets.lakh._MAX_UNPACKED_BYTES", 1 << 20)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("info.json", "{}")
        archive.writestr("tempo.npy", bytes(2 << 20))
    with pytest.raises(ScoreReadError, match="more than any song"):
        read_lpd_score(tmp_path / "a.npz")


def test_pop909_is_the_older_reader_in_seconds(build: Build) -> None:
    root = build("pop909")
    item = open_set("pop909", root).items()[0]
    score = Pop909(root).load("001")
    assert item.split == Pop909.split("001")
    assert item.score is not None
    assert item.score() == score
    assert item.beats is not None
    beats = item.beats()
    np.testing.assert_allclose(beats.times_s[:5], [0.0, 0.5, 1.0, 1.5, 2.0])
    assert beats.bar_positions[:6] == (1, 2, 3, 4, 1, 2)
    assert item.chords is not None
    assert [(c.start_s, c.end_s, c.chord) for c in item.chords()][:2] == [
        (0.0, 2.0, Chord(0)),
        (2.0, 4.0, Chord(9, "min7")),
    ]
    assert item.key is not None
    assert item.key() == Key(0, "major")


def test_jamendo_words_are_in_their_lines(build: Build) -> None:
    item = open_set("jamendo-lyrics", build("jamendo-lyrics")).items("test")[0]
    assert item.facts.tags == ("Polyphonic",)
    assert item.facts.licence == "BY-NC-SA"
    assert item.lyrics is not None
    lyrics = item.lyrics()
    assert (lyrics.language, lyrics.title, lyrics.text) == ("en", "Embers", "you watch\nme")
    assert [(w.text, w.start_s, w.end_s) for w in lyrics.words] == [
        ("you", 13.1, 13.4),
        ("watch", 13.4, 14.0),
        ("me", 15.25, 15.5),
    ]


@pytest.mark.parametrize(
    "rows",
    [
        "0.0,1.0,nan\n",  # too few
        "0.0,1.0,nan\n2.0,3.0,nan\n1.0,2.0,2.0\n",  # backwards
        "0.0,1.0,nan\n2.0,1.0,nan\n3.0,4.0,4.0\n",  # ends before it starts
        "0.0,1.0,nan\nx,1.0,nan\n3.0,4.0,4.0\n",
        "0.0,1.0,nan\ninf,inf,nan\n3.0,4.0,4.0\n",
    ],
)
def test_word_times_that_cannot_be(build: Build, rows: str) -> None:
    root = build("jamendo-lyrics")
    times = root / "annotations" / "words" / "Avercage_-_Embers.csv"
    times.write_text("word_start,word_end,line_end\n" + rows)
    with pytest.raises(TextReadError, match="Embers"):
        read_timed_words(root / "lyrics" / "Avercage_-_Embers.words.txt", times)


def test_giantsteps_keys_and_genres(build: Build) -> None:
    items = open_set("giantsteps-key", build("giantsteps-key")).items("test")
    assert [item.id for item in items] == ["1004923.LOFI", "10089.LOFI"]
    assert items[0].key is not None
    assert items[0].key() == Key(3, "minor")
    assert items[0].genre is not None
    assert items[0].genre() == "techno"


def test_giantsteps_tempi_are_the_second_annotation(build: Build) -> None:
    root = build("giantsteps-tempo")
    items = open_set("giantsteps-tempo", root).items()
    assert items[0].tempo_bpm is not None
    assert items[0].tempo_bpm() == 138.9
    assert items[1].tempo_bpm is None  # one of the three that have none
    for path in (root / "annotations_v2" / "tempo").iterdir():
        path.unlink()
    first = open_set("giantsteps-tempo", root).items()
    assert [item.tempo_bpm() for item in first if item.tempo_bpm] == [139.0, 120.0]


def test_annotations_that_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    path.write_text("H major")
    with pytest.raises(ScoreReadError, match=r"a\.key"):
        read_key(path)
    for content, error in (("fast", TextReadError), ("0", ScoreReadError), ("-3", ScoreReadError), ("", TextReadError)):
        path.write_text(content)
        with pytest.raises(error, match=r"a\.key"):
            read_tempo(path)
    path.write_text("0.5 1\n0.4 2\n")
    with pytest.raises(ScoreReadError, match=r"a\.key"):
        read_beats(path)


def test_gtzan_takes_the_lists_that_lie_beside_it(build: Build) -> None:
    root = build("gtzan")
    dataset = open_set("gtzan", root)
    assert len(dataset.items()) == 1000
    assert [item.id for item in dataset.items("train")] == ["blues.00000", "rock.00007"]
    blues = dataset.items("train")[0]
    assert blues.beats is not None
    assert blues.tempo_bpm is not None
    assert blues.beats().downbeats_s == (1.6,)
    assert blues.tempo_bpm() == 120.0
    assert blues.genre is not None
    assert blues.genre() == "blues"
    for name in ("train", "valid", "test"):
        (root / f"{name}_filtered.txt").unlink()
    assert open_set("gtzan", root).splits == ()


def test_captions_stay_where_the_video_is_gone(build: Build) -> None:
    dataset = open_set("musiccaps", build("musiccaps"))
    (heard,) = dataset.items("test")
    cut, gone = dataset.items("train")
    assert heard.captions is not None
    assert heard.captions() == ('A piano, "tinny", plays.\nIt is old.',)
    assert heard.facts.tags == ("low quality", "piano")
    assert heard.mix is not None
    assert heard.mix.duration_s == 1.0  # of a recording of three seconds
    assert cut.mix is not None
    assert cut.mix.duration_s == 1.0  # cut already
    assert gone.mix is None
    assert gone.facts.tags == ("no list",)
