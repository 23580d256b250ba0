"""Stems: MUSDB18 in both forms, Slakh, MedleyDB, and folders of anyone's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.data.sets.catalogue import open_set
from descant.data.sets.dataset import check_set
from descant.data.sets.item import AudioRef, Item, Stem
from descant.data.sets.stems import MUSDB_VALIDATION
from descant.errors import AudioReadError, InputNotFound, InvalidAudio, InvalidOption, TextReadError
from descant.score.midi import read_midi

Build = Callable[[str], Path]
MakeAudio = Callable[..., Path]


def test_musdb_hq_splits_as_its_publishers_do(build: Build) -> None:
    dataset = open_set("musdb18-hq", build("musdb18-hq"))
    assert dataset.splits == ("train", "validation", "test")
    assert [i.id for i in dataset.items("train")] == ["A Classic Education - NightOwl"]
    assert [i.id for i in dataset.items("validation")] == ["ANiMAL - Rockshow"]
    assert [i.id for i in dataset.items("test")] == ["AM Contra - Heart Peripheral"]
    assert len(MUSDB_VALIDATION) == 14


def test_musdb_hq_stems_are_the_files(build: Build) -> None:
    root = build("musdb18-hq")
    item = open_set("musdb18-hq", root).items("test")[0]
    stems = item.read_stems(["bass", "vocals"])
    assert list(stems) == ["bass", "vocals"]
    truth, rate = soundfile.read(root / "test" / item.id / "bass.wav", dtype="float32")
    np.testing.assert_array_equal(stems["bass"].samples, truth.T)
    assert stems.sample_rate == rate
    part = item.read_stems(["bass"], start_s=0.05, end_s=0.1)
    np.testing.assert_array_equal(part["bass"].samples, truth.T[:, 2205:4410])


def test_musdb_mp4_streams_are_the_right_stems(build: Build) -> None:
    """Stream k of the fixture is a tone of 220 (k + 1) Hz; the publishers have mixture, drums, bass, other, vocals."""
    item = open_set("musdb18", build("musdb18")).items("test")[0]
    stems = item.read_stems()
    assert list(stems) == ["vocals", "drums", "bass", "other"]
    assert item.mix is not None
    for clip, hz in (
        (item.mix.read(), 220),
        (stems["drums"], 440),
        (stems["bass"], 660),
        (stems["other"], 880),
        (stems["vocals"], 1100),
    ):
        spectrum = np.abs(np.fft.rfft(clip.samples[0, 4096:12288]))
        assert abs(spectrum.argmax() * 44_100 / 8192 - hz) < 6


def test_an_mp4_with_too_few_streams_is_told(build: Build, stem_mp4: MakeAudio) -> None:
    root = build("musdb18")
    stem_mp4(next((root / "test").iterdir()), streams=2)
    report = check_set(open_set("musdb18", root, whole=False))
    assert [problem.item for problem in report.problems] == ["AM Contra - Heart Peripheral"]


def test_folders_of_stems_take_what_is_there(build: Build) -> None:
    dataset = open_set("stems", build("stems"))
    assert dataset.splits == ()
    assert [item.id for item in dataset.items()] == ["a side", "b side"]
    item = dataset.items()[0]
    assert [stem.name for stem in item.stems] == ["band", "voice"]
    assert item.mix is not None
    assert item.mix.path.name == "mix.flac"


def test_folders_of_stems_may_be_in_split_folders(build: Build, audio_of: MakeAudio, tmp_path: Path) -> None:
    for split in ("valid", "train"):
        for stem in ("one", "two"):
            audio_of(tmp_path / "mine" / split / "song" / f"{stem}.wav")
    dataset = open_set("stems", tmp_path / "mine")
    assert dataset.splits == ("train", "validation")
    assert [(item.id, item.split, item.mix) for item in dataset.items("validation")] == [
        ("validation/song", "validation", None)
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rate": 48_000}, "48000"),
        ({"channels": 1}, "1 channels"),
        ({"seconds": 0.15}, "6615"),
    ],
)
def test_stems_that_do_not_fit_name_the_file(
    build: Build, audio_of: MakeAudio, change: dict[str, float], words: str
) -> None:
    root = build("musdb18-hq")
    song = root / "test" / "AM Contra - Heart Peripheral"
    audio_of(song / "bass.wav", **change)
    item = open_set("musdb18-hq", root).items("test")[0]
    with pytest.raises(InvalidAudio, match=r"bass\.wav") as error:
        item.check_audio()
    assert words in error.value.message
    with pytest.raises(InvalidAudio, match=r"bass\.wav"):
        item.read_stems()
    report = check_set(open_set("musdb18-hq", root))
    assert [problem.item for problem in report.problems] == [item.id]


def test_own_stems_of_two_rates_name_both_files(audio_of: MakeAudio, tmp_path: Path) -> None:
    audio_of(tmp_path / "song" / "a.wav")
    audio_of(tmp_path / "song" / "b.wav", rate=22_050, seconds=0.4)
    with pytest.raises(InvalidAudio) as error:
        open_set("stems", tmp_path).items()[0].read_stems()
    assert all(part in error.value.message for part in ("a.wav", "44100", "b.wav", "22050"))


@pytest.mark.parametrize("content", [b"", b"RIFF\x10\x00\x00\x00WAVE", b"not audio at all"])
def test_a_damaged_stem_is_a_problem_not_a_crash(build: Build, content: bytes) -> None:
    root = build("musdb18-hq")
    (root / "train" / "ANiMAL - Rockshow" / "drums.wav").write_bytes(content)
    report = check_set(open_set("musdb18-hq", root))
    assert [problem.item for problem in report.problems] == ["ANiMAL - Rockshow"]
    assert "drums.wav" in report.problems[0].message


def _broken_flac(path: Path) -> None:
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal((8820, 2)), 44_100, format="FLAC")
    path.write_bytes(path.read_bytes()[:-6000])


def _float(value: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        samples = np.zeros((8820, 2), np.float32)
        samples[4410, 1] = value
        soundfile.write(path, samples, 44_100, subtype="FLOAT")

    return write


@pytest.mark.parametrize(
    ("damage", "words", "shows_in_header"),
    [
        (lambda path: soundfile.write(path, np.zeros((0, 2)), 44_100), "length is zero", True),
        (_float(np.nan), "NaN or infinite samples, the first at 0.100 s", False),
        (_float(-np.inf), "NaN or infinite samples, the first at 0.100 s", False),
        (_broken_flac, "cut off", False),
    ],
    ids=["empty", "NaN", "infinite", "half a FLAC"],
)
def test_damage_is_found_where_only_the_samples_show_it(
    build: Build, damage: Callable[[Path], None], words: str, *, shows_in_header: bool
) -> None:
    root = build("musdb18-hq")
    damage(root / "train" / "ANiMAL - Rockshow" / "drums.wav")
    (problem,) = check_set(open_set("musdb18-hq", root)).problems
    assert problem.item == "ANiMAL - Rockshow"
    assert "drums.wav" in problem.message
    assert words in problem.message
    assert bool(check_set(open_set("musdb18-hq", root), samples=False).problems) == shows_in_header


def test_sets_whose_every_file_is_empty_are_not_sound(tmp_path: Path) -> None:
    for stem in ("one", "two"):
        (tmp_path / "song").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "song" / f"{stem}.wav", np.zeros((0, 2)), 44_100)
    assert not check_set(open_set("stems", tmp_path), samples=False).is_sound


def test_an_item_says_which_stems_it_has() -> None:
    item = Item("song", "stems", stems=(Stem("voice", AudioRef(Path("voice.wav"))),))
    with pytest.raises(InvalidOption) as error:
        item.stem("drums")
    assert "voice" in error.value.hint
    with pytest.raises(InvalidOption, match="no stems"):
        Item("song", "lakh").read_stems()


def test_slakh_has_instruments_and_leaves_out_what_was_not_rendered(build: Build) -> None:
    root = build("slakh")
    dataset = open_set("slakh", root)
    assert [(item.id, item.split) for item in dataset.items()] == [
        ("Track00001", "train"),
        ("Track01501", "validation"),
        ("Track01876", "test"),
    ]
    guitar, drums = dataset.items("train")[0].stems
    assert (guitar.name, guitar.instrument, guitar.program, guitar.is_drum) == ("S00", "Guitar", 25, False)
    assert (drums.instrument, drums.program, drums.is_drum) == ("Drums", None, True)
    assert guitar.score is not None
    assert guitar.score() == read_midi(root / "train" / "Track00001" / "MIDI" / "S00.mid")


def test_slakh_without_its_stems_table(build: Build) -> None:
    root = build("slakh")
    (root / "train" / "Track00001" / "metadata.yaml").write_text("UUID: 3\n")
    with pytest.raises(TextReadError, match="table of stems"):
        open_set("slakh", root).items()


def test_baby_slakh_has_no_splits(build: Build, tmp_path: Path) -> None:
    flat = tmp_path / "babyslakh_16k"
    (build("slakh") / "train").rename(flat)
    dataset = open_set("slakh", flat)
    assert dataset.splits == ()
    assert [item.split for item in dataset.items()] == [None]


def test_medleydb_has_roles_instruments_and_melody(build: Build) -> None:
    (item,) = open_set("medleydb", build("medleydb")).items()
    assert [(s.name, s.instrument, s.role) for s in item.stems] == [
        ("S01", "male singer", "melody"),
        ("S02", "viola, violin", ""),
    ]
    assert (item.facts.title, item.facts.artist) == ("Goodbye Bolero", "Alexander Ross")
    assert item.genre is not None
    assert item.genre() == "Singer/Songwriter"
    assert item.melody is not None
    melody = item.melody()
    np.testing.assert_array_equal(melody.f0_hz, [0.0, 220.0, 221.5])
    np.testing.assert_array_equal(melody.voiced, [False, True, True])


def test_medleydb_metadata_may_lie_apart(build: Build) -> None:
    root = build("medleydb")
    name = "AlexanderRoss_GoodbyeBolero_METADATA.yaml"
    (root / "Metadata").mkdir()
    (root / "Audio" / "AlexanderRoss_GoodbyeBolero" / name).rename(root / "Metadata" / name)
    assert [item.id for item in open_set("medleydb", root).items()] == ["AlexanderRoss_GoodbyeBolero"]


def test_metadata_cannot_point_out_of_the_set(build: Build) -> None:
    root = build("medleydb")
    path = root / "Audio" / "AlexanderRoss_GoodbyeBolero" / "AlexanderRoss_GoodbyeBolero_METADATA.yaml"
    path.write_text(path.read_text().replace("AlexanderRoss_GoodbyeBolero_MIX.wav", "../../../etc/passwd"))
    with pytest.raises(TextReadError, match="mix_filename"):
        open_set("medleydb", root).items()


def test_a_reference_reads_its_stretch(audio_of: MakeAudio, tmp_path: Path) -> None:
    path = audio_of(tmp_path / "long.wav", seconds=1.0, rate=8_000, channels=1)
    truth, _ = soundfile.read(path, dtype="float32")
    ref = AudioRef(path, start_s=0.25, end_s=0.75)
    assert ref.duration_s == 0.5
    np.testing.assert_array_equal(ref.read().samples[0], truth[2000:6000])
    np.testing.assert_array_equal(ref.read(start_s=0.1, end_s=0.2).samples[0], truth[2800:3600])
    np.testing.assert_array_equal(ref.read(start_s=0.4, end_s=9.0).samples[0], truth[5200:6000])
    with pytest.raises(InputNotFound):
        AudioRef(tmp_path / "none.wav").info()
    (tmp_path / "empty.wav").touch()
    with pytest.raises(AudioReadError):
        AudioRef(tmp_path / "empty.wav").read()
