"""What happens to the vocals before and after a conversion, with separators whose results are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip, Stems
from descant.audio.io import read, write
from descant.audio.loudness import integrated_lufs
from descant.audio.provenance import Provenance, read_provenance
from descant.dsp.reverberation import Reverberation, in_room
from descant.pipelines.records import read_record, write_record
from descant.pipelines.remix.parting import PARTED, Parted, PartingOptions, part, rejoin
from descant.pipelines.remix.singing import SUNG, Sung
from descant.progress import Monitor
from descant.separate.api import Separator

RATE = 22_050


def hum(hertz: float, level: float = 0.1, seconds: float = 4.0, channels: int = 1) -> Clip:
    times = np.arange(round(seconds * RATE)) / RATE
    swell = np.clip(np.sin(2 * np.pi * 0.7 * times) * 3, 0, 1)  # rests, in which a room can be heard
    wave = level * swell * sum(np.sin(2 * np.pi * hertz * k * times) / k for k in range(1, 6))
    return Clip(np.repeat(wave[None], channels, axis=0).astype(np.float32), RATE)


def added(*clips: Clip) -> Clip:
    return Clip(sum(clip.samples for clip in clips), RATE)


def minus(one: Clip, other: Clip) -> Clip:
    return Clip(one.samples - other.samples, RATE)


@pytest.fixture
def knowing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Clip, Clip], None]:
    """Separators that know what backing voices and what room are in what they hear."""

    def know(backing: Clip, room: Clip) -> None:
        def separator(name: str) -> Callable[..., Stems]:
            own, other, takes = {
                "descant-lead": ("lead", "backing", backing),
                "descant-dry": ("dry", "room", room),
            }[name]
            return lambda clip, **_: Stems({own: minus(clip, takes), other: takes})

        monkeypatch.setattr(Separator, "load", staticmethod(separator))

    return know


def parted(tmp_path: Path, vocals: Clip) -> tuple[Path, Parted]:
    write(tmp_path / "separate/vocals.wav", vocals, subtype="FLOAT")
    folder = tmp_path / "part"
    folder.mkdir()
    part({"separate": tmp_path / "separate"}, PartingOptions(), folder, Monitor())
    return folder, read_record(folder / PARTED, Parted)


def converted(tmp_path: Path, voice: Clip) -> Path:
    folder = tmp_path / "convert"
    write(folder / "vocals.wav", voice, subtype="FLOAT")
    return folder


def test_the_converter_gets_the_dry_lead_and_the_rest_comes_back(
    tmp_path: Path, knowing: Callable[[Clip, Clip], None]
) -> None:
    dry, backing = hum(220.0), hum(330.0, 0.03)
    wet = in_room(dry, Reverberation(-8.0, 1.0), seed=3)
    knowing(backing, minus(wet, dry))
    folder, found = parted(tmp_path, added(wet, backing))
    np.testing.assert_allclose(read(folder / "vocals.wav").samples, dry.samples, atol=1e-6)
    np.testing.assert_array_equal(read(folder / "backing.wav").samples, backing.samples)
    assert found.backing_lu == pytest.approx(integrated_lufs(backing) - integrated_lufs(wet), abs=0.01)
    assert found.room is not None
    assert found.room.level_db == pytest.approx(0.66 * -8.0 - 0.5, abs=0.2)
    assert found.room.decay_s == pytest.approx(0.67 * 1.0, rel=0.15)
    assert "backing voices (-1" in found.remark
    assert "-6 dB), made anew" in found.remark
    new = hum(440.0, 0.2)
    rejoin({"part": folder, "convert": converted(tmp_path, new)}, None, tmp_path, Monitor())
    whole = read(tmp_path / "vocals.wav")
    np.testing.assert_allclose(whole.samples, in_room(new, found.room).samples + backing.samples, atol=1e-6)


def test_a_dry_voice_alone_stays_as_it_is(tmp_path: Path, knowing: Callable[[Clip, Clip], None]) -> None:
    voice = hum(220.0, channels=2)
    knowing(voice.gain(-35.0), voice.gain(-30.0))  # what such nets leave of a voice alone
    folder, found = parted(tmp_path, voice)
    assert (found.backing_lu, found.room, found.remark) == (None, None, "")
    assert sorted(path.name for path in folder.iterdir()) == [PARTED, "vocals.wav"]
    np.testing.assert_array_equal(read(folder / "vocals.wav").samples, voice.samples)
    new = hum(440.0, channels=2)
    rejoin({"part": folder, "convert": converted(tmp_path, new)}, None, tmp_path, Monitor())
    np.testing.assert_array_equal(read(tmp_path / "vocals.wav").samples, new.samples)


@pytest.mark.parametrize(("level_db", "is_heard"), [(-22.0, True), (-28.0, False)])
def test_backing_voices_are_those_that_are_not_too_soft(
    tmp_path: Path, knowing: Callable[[Clip, Clip], None], level_db: float, is_heard: bool
) -> None:
    lead = hum(220.0)
    backing = lead.gain(level_db)
    knowing(backing, Clip.silence(lead.frames, RATE))
    folder, found = parted(tmp_path, added(lead, backing))
    assert (folder / "backing.wav").exists() is is_heard
    assert found.backing_lu == (pytest.approx(level_db, abs=0.1) if is_heard else None)


@pytest.mark.parametrize(("true_db", "made_db"), [(-26.0, None), (-20.0, -13.7), (6.0, 0.0)])
def test_a_room_is_neither_too_faint_nor_louder_than_the_voice(
    tmp_path: Path, knowing: Callable[[Clip, Clip], None], true_db: float, made_db: float | None
) -> None:
    """What is found is two thirds of the true level and half a decibel less: see `room_of`."""
    dry = hum(220.0)
    wet = in_room(dry, Reverberation(true_db, 1.0), seed=3)
    knowing(dry.gain(-60.0), minus(wet, dry))
    _, found = parted(tmp_path, wet)
    assert (found.room and found.room.level_db) == (made_db and pytest.approx(made_db, abs=0.1))


def test_silence_has_neither(tmp_path: Path, knowing: Callable[[Clip, Clip], None]) -> None:
    silence = Clip.silence(3 * RATE, RATE)
    knowing(silence, silence)
    assert parted(tmp_path, silence)[1] == Parted(None, None)


@pytest.mark.parametrize(("channels", "frames"), [(2, 80_000), (1, 100_000)])
def test_vocals_that_someone_brought_may_have_another_shape(
    tmp_path: Path, knowing: Callable[[Clip, Clip], None], channels: int, frames: int
) -> None:
    backing = hum(330.0, 0.05)
    knowing(backing, Clip.silence(backing.frames, RATE))
    folder, _ = parted(tmp_path, added(hum(220.0), backing))
    brought = Clip(np.zeros((channels, frames), np.float32), RATE)
    rejoin({"part": folder, "convert": converted(tmp_path, brought)}, None, tmp_path, Monitor())
    whole = read(tmp_path / "vocals.wav")
    assert whole.samples.shape == (channels, frames)
    same = min(frames, backing.frames)
    np.testing.assert_allclose(whole.samples[:, :same], np.repeat(backing.samples[:, :same], channels, 0), atol=1e-6)


def test_the_file_says_whose_voice_it_is(tmp_path: Path, knowing: Callable[[Clip, Clip], None]) -> None:
    voice = hum(220.0)
    knowing(voice.gain(-60.0), voice.gain(-60.0))
    folder, _ = parted(tmp_path, voice)
    sung = converted(tmp_path, voice)
    comment = Provenance("Descant", "model", "robin", "1", "").to_comment()
    write_record(sung / SUNG, Sung("model", "robin", 0.0, 0.0, comment))
    rejoin({"part": folder, "convert": sung}, None, tmp_path, Monitor())
    said = read_provenance(tmp_path / "vocals.wav")
    assert said is not None
    assert said.voice == "robin"
