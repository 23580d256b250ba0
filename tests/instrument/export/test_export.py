"""Exports as a whole: read back by libsndfile, by hand, and by Descant's own readers of sample sets."""

from __future__ import annotations

import errno
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.errors import Cancelled, InvalidOption, NothingHeard, OutputError
from descant.instrument.export import api
from descant.instrument.export.api import Exported, export_instrument
from descant.instrument.export.options import ExportOptions
from descant.instrument.sampled import Sampled
from descant.progress import CancelToken, Progress
from descant.score.sfz import SampleSet
from descant.score.wav_folder import NamedNote, WavFolder, note_of_name
from made_instruments import Made, chunks_of

RATE = 48_000
SMALL = ExportOptions(("sfz", "wav", "wavetable"), 55, 67, 4, (50, 110), held_s=1.0, longest_s=2.0, table_frames=8)
ONE = ExportOptions(("sfz", "wavetable"), 60, 60, 1, (100,), held_s=1.0, longest_s=2.0, table_frames=4)


def hertz(pitch: float) -> float:
    return float(440.0 * 2.0 ** ((pitch - 69) / 12))


def cents_off(samples: np.ndarray, pitch: float, rate: int = RATE) -> float:
    mono = samples.sum(axis=0)
    spectrum = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), 1 << 19))
    low, high = (int(hertz(pitch + off) * (1 << 19) / rate) for off in (-0.7, 0.7))
    return 1200 * float(np.log2((low + np.argmax(spectrum[low:high])) * rate / (1 << 19) / hertz(pitch)))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_instrument(Made(cents=23.0), tmp_path_factory.mktemp("export") / "made", SMALL)


def test_what_is_written(exported: Exported) -> None:
    names = sorted(
        path.relative_to(exported.folder).as_posix() for path in exported.folder.rglob("*") if path.is_file()
    )
    notes = [f"samples/Made_{key}_v{velocity}.wav" for key in ("B3", "D#4", "G3", "G4") for velocity in ("050", "110")]
    assert names == sorted(["Made wavetable.wav", "Made.sfz", *notes])
    assert sorted(exported.samples) == sorted(exported.folder / name for name in notes)
    assert (exported.mapping, exported.table) == (exported.folder / "Made.sfz", exported.folder / "Made wavetable.wav")
    assert (exported.looped, exported.audible) == (8, ())
    assert not list(exported.folder.parent.glob(".descant-*"))


def test_notes_are_24_bit_stereo_under_one_gain(exported: Exported) -> None:
    peaks = {}
    for path in exported.samples:
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (RATE, 2, "PCM_24")
        note = note_of_name(path.stem)
        assert note is not None
        samples = soundfile.read(path)[0].T
        peaks[note] = np.abs(samples).max()
        assert 0.6 < samples[1].std() / samples[0].std() < 0.8  # stereo stays stereo
        assert abs(cents_off(samples[:, RATE // 4 : RATE], note.pitch)) < 1.0  # it was 23 cents off
    assert 20 * np.log10(max(peaks.values())) == pytest.approx(-1.0, abs=0.01)
    for pitch in (55, 59, 63, 67):
        apart = 20 * np.log10(peaks[NamedNote(pitch, 110)] / peaks[NamedNote(pitch, 50)])
        assert apart == pytest.approx(40 * np.log10(110 / 50), abs=0.2)


def test_the_chunks_say_what_the_mapping_says(exported: Exported) -> None:
    regions = SampleSet(exported.folder / "Made.sfz")
    found = regions.regions(regions.choose(0, is_drum=False))
    for path in exported.samples:
        parts = dict(chunks_of(path.read_bytes()))
        key, fraction, loops = (struct.unpack_from("<I", parts[b"smpl"], at)[0] for at in (12, 16, 28))
        start, end = struct.unpack_from("<II", parts[b"smpl"], 44)
        low, high, quiet, loud = parts[b"inst"][3:7]
        note = note_of_name(path.stem)
        assert note is not None
        assert (key, fraction, loops) == (note.pitch, 0, 1)
        assert (quiet, loud) == ((1, 50) if note.velocity == 50 else (51, 127))
        assert end < soundfile.info(path).frames
        mine = [region for region in found if Path(region.sample.name) == path]
        assert {region.loop for region in mine} == {(start, end + 1)}
        assert {region.keys for region in mine} == {(low, high)}
        assert {region.root_key for region in mine} == {key}
    covered = {
        (key, v)
        for r in found
        for key in range(r.keys[0], r.keys[1] + 1)
        for v in range(r.velocities[0], r.velocities[1] + 1)
    }
    assert {(key, v) for key in range(43, 80) for v in range(1, 128)} <= covered
    assert {key for key, _ in covered} == set(range(43, 80))  # an octave beyond the outermost notes


@pytest.mark.parametrize("velocity", [20, 50, 77, 110, 127])
@pytest.mark.parametrize("pitch", [45, 57, 63, 70])
def test_our_own_reader_plays_the_mapping(exported: Exported, pitch: int, velocity: int) -> None:
    there, made = Sampled("again", SampleSet(exported.folder / "Made.sfz")), Made()
    note = there.note(pitch, velocity, 4.0, 4.0).astype(np.float64)
    assert abs(cents_off(note[:, RATE // 4 :], pitch)) < 1.0  # three seconds beyond the end of the recording
    levels = [np.square(part).mean() for part in (note[:, RATE : 2 * RATE], note[:, 3 * RATE :])]
    assert 10 * np.log10(levels[1] / levels[0]) == pytest.approx(0.0, abs=0.5)
    loudest = there.note(63, 110, 1.0, 1.0)
    apart = 20 * np.log10(note.std() / loudest.std())
    own = 20 * np.log10(made.note(pitch, velocity, 4.0, 4.0).std() / made.note(63, 110, 1.0, 1.0).std())
    assert apart == pytest.approx(own, abs=2.0)


def test_the_release_is_that_of_the_instrument(tmp_path: Path) -> None:
    done = export_instrument(Made(release=50.0), tmp_path / "slow", replace(ONE, formats=("sfz",)))
    assert done.mapping is not None
    assert {line.split("ampeg_release=")[1].split()[0] for line in done.mapping.read_text().splitlines()
            if "ampeg_release" in line} == {"1.600"}  # fmt: skip


def test_the_notes_are_read_as_a_folder_of_notes(exported: Exported) -> None:
    sounds = WavFolder(exported.folder / "samples")
    regions = sounds.regions(sounds.choose(0, is_drum=False))
    assert {region.root_key for region in regions} == {55, 59, 63, 67}
    assert {region.velocities for region in regions} == {(0, 50), (51, 127)}


def test_decaying_notes_ring_out_without_a_loop(tmp_path: Path) -> None:
    options = ExportOptions(("sfz",), 48, 72, 12, (100,), held_s=1.0, longest_s=6.0)
    done = export_instrument(Made(decay=18.0), tmp_path / "plucked", options)
    assert done.looped == 0
    for path in done.samples:
        parts = dict(chunks_of(path.read_bytes()))
        assert len(parts[b"smpl"]) == 36
        frames = soundfile.info(path).frames
        assert 3.5 * RATE < frames < 4.3 * RATE  # 72 dB at 18 dB a second
        assert np.abs(soundfile.read(path)[0][-1]).max() < 1e-6
    assert done.mapping is not None
    text = done.mapping.read_text()
    assert "loop_mode=no_loop" in text
    assert "loop_start" not in text
    looped = export_instrument(Made(decay=18.0), tmp_path / "looped", replace(ONE, loop="always"))
    assert looped.looped == 1
    never = export_instrument(Made(), tmp_path / "never", replace(ONE, loop="never"))
    assert never.looped == 0


def test_another_rate_keeps_pitch_and_loops(tmp_path: Path) -> None:
    options = replace(ONE, sample_rate=44_100)
    done = export_instrument(Made(), tmp_path / "made", options)
    (path,) = done.samples
    samples, rate = soundfile.read(path)
    assert rate == 44_100
    assert abs(cents_off(samples.T[:, 11_025:44_100], 60, 44_100)) < 1.0
    assert struct.unpack_from("<I", dict(chunks_of(path.read_bytes()))[b"smpl"], 8)[0] == 22_676
    assert (done.looped, done.audible) == (1, ())


def test_own_tuning_is_kept_and_said(tmp_path: Path) -> None:
    options = replace(ONE, own_tuning=True)
    done = export_instrument(Made(cents=-20.0), tmp_path / "flat", options)
    (path,) = done.samples
    assert cents_off(soundfile.read(path)[0].T[:, RATE // 4 : RATE], 60) == pytest.approx(-20, abs=1)
    parts = dict(chunks_of(path.read_bytes()))
    key, fraction = struct.unpack_from("<II", parts[b"smpl"], 12)
    assert key + fraction / 2**32 == pytest.approx(59.8, abs=0.01)
    assert struct.unpack_from("<b", parts[b"inst"], 1)[0] == 20
    assert done.mapping is not None
    assert " tune=20 " in done.mapping.read_text()
    again = Sampled("again", SampleSet(done.mapping)).note(60, 100, 1.0, 1.0)
    assert abs(cents_off(again, 60)) < 1.0


def test_the_same_instrument_is_the_same_bytes(tmp_path: Path) -> None:
    first, second = (export_instrument(Made(), tmp_path / name, ONE).folder for name in "ab")
    files = [path.relative_to(first) for path in first.rglob("*") if path.is_file()]
    assert len(files) == 3
    for file in files:
        assert (first / file).read_bytes() == (second / file).read_bytes()


def test_silent_keys_are_left_to_their_neighbours(tmp_path: Path) -> None:
    done = export_instrument(Made(lowest=50), tmp_path / "made", ExportOptions(("sfz",), 48, 60, 4, (100,), held_s=1.0))
    assert [note_of_name(path.stem) for path in done.samples] == [NamedNote(p, 100) for p in (52, 56, 60)]
    assert done.mapping is not None
    assert "lokey=40 hikey=53 pitch_keycenter=52" in done.mapping.read_text()


@pytest.mark.parametrize(
    ("made", "options", "error", "said"),
    [
        (Made(lowest=120), SMALL, NothingHeard, "silent"),
        (Made(), ExportOptions(lowest=110, highest=120), InvalidOption, "plays the keys 21 to 108"),
    ],
)
def test_what_cannot_be_exported_leaves_nothing(
    tmp_path: Path, made: Made, options: ExportOptions, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        export_instrument(made, tmp_path / "deep" / "out", options)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_something_else_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "my song.txt").write_text("la")
    events: list[Progress] = []
    with pytest.raises(InvalidOption, match="holds something else"):
        export_instrument(Made(), tmp_path / "out", SMALL, progress=events.append)
    assert not events
    (tmp_path / "file").write_text("la")
    with pytest.raises(OutputError, match="is a file"):
        export_instrument(Made(), tmp_path / "file", SMALL)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "my song.txt", "out"]


def test_it_is_cancelled_between_notes_and_leaves_nothing(tmp_path: Path) -> None:
    cancel = CancelToken()
    seen: list[float] = []

    def stop(event: Progress) -> None:
        assert event.fraction >= max(seen, default=0.0)
        seen.append(event.fraction)
        if event.fraction > 0.3:
            cancel.cancel()

    with pytest.raises(Cancelled):
        export_instrument(Made(), tmp_path / "out", SMALL, progress=stop, cancel=cancel)
    assert not list(tmp_path.iterdir())
    assert max(seen) < 0.6


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(api, "write_wave", full)
    with pytest.raises(OutputError, match=r"disk is full: .*out was not written"):
        export_instrument(Made(), tmp_path / "out", ONE)
    assert not list(tmp_path.iterdir())


def test_progress_ends_at_one(tmp_path: Path) -> None:
    events: list[Progress] = []
    export_instrument(Made(), tmp_path / "out", ONE, progress=events.append)
    assert events[0].fraction == 0.0
    assert events[-1].fraction == 1.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"formats": ()},
        {"formats": ("mp3",)},
        {"lowest": 60, "highest": 50},
        {"highest": 128},
        {"every": 0},
        {"velocities": ()},
        {"velocities": (80, 40)},
        {"velocities": (0, 40)},
        {"held_s": 0.1},
        {"held_s": 20.0},
        {"sample_rate": 4_000},
        {"loop": "twice"},
        {"table_key": 128},
        {"every": 1, "lowest": 0, "highest": 127, "velocities": tuple(range(1, 60))},
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        ExportOptions(**wrong)  # type: ignore[arg-type]
