"""Notes in NSynth's form: what names say, what is rendered, what is written, and who gets which pitch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from descant.data.notes.build import NotesOptions, build_notes
from descant.data.notes.families import (
    FAMILIES,
    QUALITIES,
    SOURCES,
    family_of_name,
    family_of_program,
    is_played,
    source_of_program,
)
from descant.data.notes.note_set import NoteItem, NoteSet, split_pitches
from descant.data.notes.qualities import qualities_of
from descant.data.notes.rendering import nsynth_note
from descant.data.notes.sources import find_sources
from descant.errors import AudioReadError, Cancelled, InputNotFound, InvalidOption, TextReadError
from descant.progress import CancelToken
from descant.score.single_note import Pressed, render_note
from descant.score.wav_folder import NamedNote, WavFolder, note_of_name

RATE = 48_000


def tone(hz: float, seconds: float = 1.0, level: float = 0.5, rate: int = RATE) -> np.ndarray:
    time_s = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hz * time_s) * np.exp(-time_s)).astype(np.float32)


def hertz(pitch: int) -> float:
    return float(440.0 * 2.0 ** ((pitch - 69) / 12))


def measured_hz(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return float(np.argmax(spectrum) * rate / (8 * len(samples)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "my marimba"
    path.mkdir()
    for pitch, name in ((60, "C4"), (66, "F#4"), (72, "C5")):
        for velocity, level in ((50, 0.2), (127, 0.6)):
            sound = tone(hertz(pitch), level=level)
            soundfile.write(path / f"hit_{name}_v{velocity}.wav", np.stack((sound, 0.5 * sound), 1), RATE)
    (path / "notes.txt").write_text("not a sound")
    soundfile.write(path / "room tone.wav", tone(50.0), RATE)
    return path


@pytest.mark.parametrize(
    ("name", "pitch", "velocity"),
    [
        ("sax_C4", 60, None),
        ("Sax C#4 ff", 61, 112),
        ("piano-060-100", 60, 100),
        ("guitar_acoustic_003-064-025", 64, 25),
        ("Bass 40 v90", 40, 90),
        ("flute Bb3 pp", 58, 32),
        ("strings_a-1", 9, None),
        ("kick_a0_vel127", 21, 127),
        ("take 2 - G5", 79, None),
        ("pad_C4_44100", 60, None),
    ],
)
def test_a_name_tells_pitch_and_velocity(name: str, pitch: int, velocity: int | None) -> None:
    assert note_of_name(name) == NamedNote(pitch, velocity)


@pytest.mark.parametrize("name", ["room tone", "take 3", "loop 4", "", "H4", "C11"])
def test_a_name_without_a_note_tells_none(name: str) -> None:
    assert note_of_name(name) is None


@given(st.text(max_size=40))
def test_any_name_is_read_or_left(name: str) -> None:
    found = note_of_name(name)
    assert found is None or (0 <= found.pitch <= 127 and (found.velocity is None or 1 <= found.velocity <= 127))


def test_a_recorded_note_plays_as_it_was_recorded_and_others_are_transposed(folder: Path) -> None:
    sounds = WavFolder(folder)
    for pitch in (60, 62, 63, 66, 72, 75):
        samples = render_note(sounds, Pressed(pitch, 127), sample_rate=RATE, length_s=1.0, held_s=0.8)
        assert samples.shape == (2, RATE)
        assert abs(1200 * np.log2(measured_hz(samples[0], RATE) / hertz(pitch))) < 5
    left, right = np.abs(nsynth_note(sounds, Pressed(60, 127), sample_rate=RATE)).max(axis=1)
    assert right == pytest.approx(0.5 * left, rel=0.02)  # stereo stays stereo


def test_layers_are_chosen_by_velocity(folder: Path) -> None:
    sounds = WavFolder(folder)
    regions = sounds.regions(sounds.choose(0, is_drum=False))
    for velocity, expected in ((1, 50), (50, 50), (51, 127), (127, 127)):
        (name,) = {region.sample.name for region in regions if region.sounds(66, velocity)}
        assert name == f"hit_F#4_v{expected}.wav"


def test_a_folder_of_something_else_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="tells its pitch"):
        WavFolder(tmp_path)
    (tmp_path / "C4.wav").write_bytes(b"RIFF....WAVE")
    with pytest.raises(AudioReadError):
        WavFolder(tmp_path)
    with pytest.raises(InputNotFound, match="no instruments"):
        find_sources()


def test_every_program_has_a_family_and_a_source() -> None:
    for program in range(128):
        if is_played(program):
            assert family_of_program(program) in FAMILIES
            assert source_of_program(program) in SOURCES
    known = {0: "keyboard", 13: "mallet", 19: "organ", 24: "guitar", 33: "bass", 40: "string", 47: "mallet",
             52: "vocal", 56: "brass", 65: "reed", 73: "flute", 81: "synth_lead", 114: "mallet"}  # fmt: skip
    assert {program: family_of_program(program) for program in known} == known
    assert not is_played(125)
    assert family_of_name("Weresax alto") == "reed"
    assert family_of_name("bassoon") == "reed"
    assert family_of_name("Splendid Grand Piano") == "keyboard"


def test_qualities_are_heard() -> None:
    held = tone(220.0, 4.0) / np.exp(-np.arange(4 * RATE) / RATE).astype(np.float32)
    noise = np.random.default_rng(0).standard_normal(4 * RATE).astype(np.float32) * 0.1
    assert qualities_of(held, RATE) == ("dark", "long_release")
    assert "bright" in qualities_of(noise, RATE)
    short = held.copy()
    short[RATE // 2 :] = 0
    assert "fast_decay" in qualities_of(short, RATE)
    assert "long_release" not in qualities_of(short, RATE)


def options(folder: Path, **changed: object) -> NotesOptions:
    return NotesOptions(folders=(folder,), lowest=58, highest=74, every=2, velocities=(50, 127), **changed)


def test_a_set_has_nsynths_form_and_is_read_back(folder: Path, tmp_path: Path) -> None:
    built = build_notes(options(folder), tmp_path / "set")
    assert (built.instruments, built.notes, built.made) == (1, 18, 18)
    index = json.loads((tmp_path / "set/examples.json").read_text())
    note = index["mallet_acoustic_000-060-127"]
    assert sorted(index) == sorted(
        f"mallet_acoustic_000-{pitch:03d}-{velocity:03d}" for pitch in range(58, 75, 2) for velocity in (50, 127)
    )
    assert {name: note[name] for name in ("pitch", "velocity", "instrument_family_str", "sample_rate")} == {
        "pitch": 60, "velocity": 127, "instrument_family_str": "mallet", "sample_rate": 16_000}  # fmt: skip
    assert FAMILIES[note["instrument_family"]] == "mallet"
    assert [word for word, said in zip(QUALITIES, note["qualities"], strict=True) if said] == note["qualities_str"]
    assert sorted(n["note"] for n in index.values()) == list(range(18))
    notes = NoteSet(tmp_path / "set").notes
    assert [n.name for n in notes] == sorted(index)
    loud = next(n for n in notes if n.name == note["note_str"])
    low, high = loud.read(), loud.read(high=True)
    assert (low.sample_rate, low.samples.shape) == (16_000, (1, 64_000))
    assert (high.sample_rate, high.samples.shape) == (48_000, (2, 192_000))
    assert abs(1200 * np.log2(measured_hz(low.samples[0], 16_000) / hertz(60))) < 3
    np.testing.assert_allclose(np.abs(high.samples).max(), 0.9, rtol=0.05)  # the loudest note sets the level
    soft = next(n for n in notes if n.pitch == 60 and n.velocity == 50)
    assert np.abs(soft.read(high=True).samples).max() < 0.3


def test_a_stopped_build_goes_on_and_gives_the_same(folder: Path, tmp_path: Path) -> None:
    token = CancelToken()
    with pytest.raises(Cancelled):
        build_notes(options(folder), tmp_path / "a", cancel=token, progress=lambda _event: token.cancel())
    assert not (tmp_path / "a/examples.json").exists()
    assert build_notes(options(folder), tmp_path / "a").notes == 18
    assert build_notes(options(folder), tmp_path / "a").made == 0
    build_notes(options(folder), tmp_path / "b")
    for path in sorted((tmp_path / "a").rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_another_set_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    build_notes(options(folder), tmp_path / "set")
    with pytest.raises(InvalidOption, match="other options"):
        build_notes(options(folder, stretch=1), tmp_path / "set")
    (tmp_path / "else").mkdir()
    (tmp_path / "else/file").write_text("mine")
    with pytest.raises(InvalidOption, match="something else"):
        build_notes(options(folder), tmp_path / "else")
    with pytest.raises(InvalidOption, match="family"):
        build_notes(options(folder, families=("brass",)), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_lies_too_far_from_a_recording_is_left_out(folder: Path, tmp_path: Path) -> None:
    build_notes(options(folder, stretch=1), tmp_path / "set")
    assert {n.pitch for n in NoteSet(tmp_path / "set").notes} == {60, 66, 72}


@pytest.mark.parametrize(
    "changed", [{"lowest": 80, "highest": 70}, {"velocities": ()}, {"velocities": (0,)}, {"every": 0},
                {"families": ("drums",)}, {"highest": 128}],
)  # fmt: skip
def test_impossible_options_are_refused(changed: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        NotesOptions(**changed)


def item(instrument: str, pitch: int, velocity: int = 100) -> NoteItem:
    name = f"{instrument}-{pitch:03d}-{velocity:03d}"
    return NoteItem(name, instrument, "bass", "acoustic", pitch, velocity, (), Path(f"{name}.wav"), None)


def test_the_split_is_sings_own_draw() -> None:
    """By hand: Python's generator with seed 42 draws 0.639, 0.025, 0.275, 0.223, 0.736, 0.677, 0.892, 0.087, 0.422,
    0.030, ...
    """
    notes = [item("bass_acoustic_000", pitch, velocity) for pitch in range(40, 52) for velocity in (25, 100)]
    shares = split_pitches(notes[::-1])  # their order does not matter
    assert {n.pitch for n in shares["validation"]} == {41, 47, 49}
    assert {n.pitch for n in shares["test"]} == set()
    assert sum(map(len, shares.values())) == len(notes)


def test_every_instrument_keeps_most_of_its_pitches() -> None:
    notes = [item(f"bass_acoustic_{n:03d}", pitch) for n in range(40) for pitch in range(21, 109)]
    shares = split_pitches(notes)
    counts = {split: len(found) / len(notes) for split, found in shares.items()}
    assert counts["validation"] == pytest.approx(0.1, abs=0.02)
    assert counts["test"] == pytest.approx(0.1, abs=0.02)
    pairs = {split: {(n.instrument, n.pitch) for n in found} for split, found in shares.items()}
    assert not pairs["train"] & pairs["test"]
    assert not pairs["train"] & pairs["validation"]


def test_nsynth_itself_is_read_and_split_by_its_folders(tmp_path: Path) -> None:
    for part, instrument in (("nsynth-train", "bass_synthetic_001"), ("nsynth-test", "flute_acoustic_002")):
        (tmp_path / part / "audio").mkdir(parents=True)
        note = {"pitch": 60, "velocity": 75, "instrument_str": instrument, "qualities_str": ["dark"],
                "instrument_family_str": instrument.split("_")[0], "instrument_source_str": "acoustic"}  # fmt: skip
        (tmp_path / part / "examples.json").write_text(json.dumps({f"{instrument}-060-075": note}))
    notes = NoteSet(tmp_path)
    assert [n.instrument for n in notes.notes] == ["bass_synthetic_001", "flute_acoustic_002"]
    shares = notes.splits("instruments")
    assert [n.family for n in shares["train"]] == ["bass"]
    assert [n.family for n in shares["test"]] == ["flute"]
    with pytest.raises(InvalidOption, match="16 kHz only"):
        notes.notes[0].read(high=True)
    with pytest.raises(InvalidOption, match="rule"):
        notes.splits("singers")


@pytest.mark.parametrize(
    "index", ["[]", "{", '{"a": 1}', '{"../b": {"pitch": 60, "velocity": 75}}', '{"a": {"pitch": 600, "velocity": 1}}']
)
def test_a_damaged_index_is_said(tmp_path: Path, index: str) -> None:
    (tmp_path / "examples.json").write_text(index)
    with pytest.raises(TextReadError):
        NoteSet(tmp_path)


def test_no_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="set of notes"):
        NoteSet(tmp_path)
