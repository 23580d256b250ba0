"""Instruments by what a person calls them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.errors import DescantError, InputNotFound, InvalidOption, ScoreReadError
from descant.instrument.find import find_playable
from made_instruments import Made
from tiny_soundfont import build_soundfont

RATE = 48_000
RECORDED = 12 * np.log2(441 / 440)  # the sine of the tiny SoundFont is that much higher than its key


@pytest.fixture
def font(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.sf2"
    path.write_bytes(build_soundfont())
    return path


def pitch_of(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples[0] * np.hanning(samples.shape[1]), 1 << 19))
    return 69 + 12 * float(np.log2(np.argmax(spectrum) * RATE / (1 << 19) / 440))


@pytest.mark.parametrize(
    ("asked", "name"), [("33", "Sine Bass"), ("0/0", "Sine"), ("128/0", "Kit"), ("sine bass", "Sine Bass"),
                        ("SINE", "Sine"), ("filt", "Filtered")]
)  # fmt: skip
def test_presets_by_number_bank_and_name(font: Path, asked: str, name: str) -> None:
    assert find_playable(f"{font}:{asked}").name == name


def test_a_soundfont_of_one_preset_needs_no_name(tmp_path: Path) -> None:
    path = tmp_path / "one.SF2"
    path.write_bytes(build_soundfont(presets=((0, 5, "Alone", 0),)))
    assert find_playable(str(path)).name == "Alone"


@pytest.mark.parametrize(
    ("asked", "said"),
    [("", "4 presets"), (":77", "no preset 77"), (":1/0", "no preset 1/0"), (":harp", "no preset 'harp'"),
     (":i", "presets 'i'")],
)  # fmt: skip
def test_presets_that_are_not_there_are_said_with_those_that_are(font: Path, asked: str, said: str) -> None:
    with pytest.raises(InvalidOption, match=said) as error:
        find_playable(f"{font}{asked}")
    assert "tiny.sf2:0/0 (Sine)" in error.value.hint or asked == ":i"


@pytest.mark.parametrize("pitch", [50, 60.25, 69, 71.5])
def test_a_preset_plays_between_keys_too(font: Path, pitch: float) -> None:
    playable = find_playable(f"{font}:0")
    samples = playable.note(pitch, 100, 0.8, 1.0)
    assert (samples.shape, samples.dtype, playable.sample_rate) == ((2, RATE), np.float32, RATE)
    assert pitch_of(samples[:, : RATE // 2]) == pytest.approx(pitch + RECORDED, abs=0.02)
    rung_out = playable.note(pitch, 100, 0.8)
    assert rung_out.shape[1] > 0.8 * RATE
    np.testing.assert_array_equal(samples, playable.note(pitch, 100, 0.8, 1.0))


def test_the_pitches_are_those_within_an_octave(font: Path) -> None:
    assert find_playable(f"{font}:0").pitches == range(57, 82)  # the sine was recorded at 69


def test_folders_and_mappings(tmp_path: Path) -> None:
    folder = tmp_path / "organ"
    folder.mkdir()
    for key, pitch in (("C4", 60), ("C5", 72)):
        soundfile.write(folder / f"{key}.wav", Made().note(pitch, 100, 1.0, 1.0).T, RATE)
    (tmp_path / "organ.sfz").write_text("<region> sample=organ/C4.wav pitch_keycenter=60\n")
    for source, name in ((str(folder), "organ"), (str(tmp_path / "organ.sfz"), "organ")):
        playable = find_playable(source)
        assert playable.name == name
        assert 48 in playable.pitches
        assert pitch_of(playable.note(60, 100, 0.5, 0.5)) == pytest.approx(60, abs=0.02)


@pytest.mark.parametrize(
    ("source", "error"),
    [("nothing.sf2:0", InputNotFound), ("nothing.sfz", InputNotFound), ("my wonderful organ", InputNotFound),
     ("empty", InputNotFound), ("broken.sf2:0", ScoreReadError), ("broken.sfz", ScoreReadError), ("", InvalidOption)],
)  # fmt: skip
def test_what_is_no_instrument_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, error: type[DescantError]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.sf2").write_bytes(b"RIFF\0\0\0\0WAVE")
    (tmp_path / "broken.sfz").write_bytes(bytes(range(256)))
    with pytest.raises(error) as raised:
        find_playable(source)
    assert raised.value.hint
