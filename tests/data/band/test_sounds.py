from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from descant.data.band.kits import DrumMachine
from descant.data.band.sounds import find_instruments, for_part
from descant.data.band.splits import share_out
from descant.data.splits import SPLITS, split_of
from descant.errors import ScoreReadError
from descant.score.notes import Note, Score, Track
from descant.score.render import render_score
from descant.score.sfz import SampleSet, find_sample_sets
from descant.score.tempo import TempoMap

NAMES = st.text("abcdefgh", min_size=1, max_size=6)
KINDS = st.dictionaries(NAMES, st.frozensets(st.sampled_from(["bass", "pad", "comp"]), min_size=1), max_size=25)


@given(KINDS)
def test_every_kind_is_trained_on_and_most_of_it(groups: dict[str, frozenset[str]]) -> None:
    splits = share_out(groups)
    assert set(splits) == set(groups)
    for kind in ("bass", "pad", "comp"):
        homes = [splits[name] for name, kinds in groups.items() if kind in kinds]
        assert not homes or "train" in homes


@given(st.sets(NAMES, min_size=3, max_size=40))
def test_every_split_gets_some_where_three_are(names: set[str]) -> None:
    splits = list(share_out({name: {"bass"} for name in names}).values())
    for split in ("validation", "test"):
        assert splits.count(split) == max(1, round(0.1 * len(names)))


@given(KINDS)
def test_sharing_out_does_not_depend_on_the_order(groups: dict[str, frozenset[str]]) -> None:
    assert share_out(groups) == share_out(dict(reversed(list(groups.items()))))


def test_a_name_never_changes_its_split() -> None:
    assert [split_of(f"song/{n}") for n in range(6)] == ["train", "train", "train", "train", "validation", "train"]
    share = np.mean([split_of(f"song/{n}") == "train" for n in range(2000)])
    assert share == pytest.approx(0.8, abs=0.03)


def test_presets_that_share_a_recording_share_a_split(soundfont: Path) -> None:
    found = [i for i in find_instruments([soundfont], None) if i.path is not None]
    tonal = {i.split for i in found if "drums" not in i.roles}
    assert tonal == {"train"}  # all three play the same sine
    assert {i.split for i in find_instruments([soundfont], None) if i.path is None} == set(SPLITS)


def test_a_part_that_nobody_plays_is_nobody(soundfont: Path) -> None:
    machines = [i for i in find_instruments([soundfont], None) if i.path is None]
    assert for_part(machines, "bass", np.random.default_rng(0)) is None
    assert for_part(machines, "drums", np.random.default_rng(0)) is not None


def test_tuning_moves_the_pitch(soundfont: Path) -> None:
    bass = next(i for i in find_instruments([soundfont], None) if "bass" in i.roles)
    assert _pitch(bass.sounds(0.0), 69) == pytest.approx(440.9, abs=1.0)  # the fixture's sine is 441 Hz
    assert _pitch(bass.sounds(50.0), 69) == pytest.approx(440.9 * 2 ** (50 / 1200), abs=1.0)


def test_sample_sets_are_played_in_tune(tmp_path: Path) -> None:
    at = np.arange(48_000) / 48_000
    (tmp_path / "wav").mkdir()
    for name, hz in (("low", 220.0), ("high", 880.0)):
        soundfile.write(tmp_path / "wav" / f"{name}.wav", 0.3 * np.sin(2 * np.pi * hz * at), 48_000)
    (tmp_path / "map.txt").write_text("<region> sample=low.$EXT lokey=a2 hikey=70 pitch_keycenter=57\n"
                                      "<region> sample=high.$EXT key=81\n<region> sample=gone.$EXT key=90\n"
                                      "<region> sample=low.$EXT key=100 locc64=64\n")  # fmt: skip
    (tmp_path / "piano.sfz").write_text('// a comment\n<control> default_path=wav/\n#define $EXT wav\n<group> lovel=1\n'
                                        '#include "map.txt"\n')  # fmt: skip
    assert find_sample_sets(tmp_path) == [tmp_path / "piano.sfz"]
    found = SampleSet(tmp_path / "piano.sfz")
    assert found.keys == (45, 81)
    assert len(found.regions(found.choose(0, is_drum=False))) == 2
    assert _pitch(found, 57) == pytest.approx(220.0, abs=0.5)
    assert _pitch(found, 69) == pytest.approx(440.0, abs=0.7)
    assert _pitch(found, 81) == pytest.approx(880.0, abs=1.0)


def test_mappings_that_include_themselves_or_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.sfz").write_text('#include "loop.sfz"\n')
    with pytest.raises(ScoreReadError, match="too many"):
        SampleSet(tmp_path / "loop.sfz")
    (tmp_path / "empty.sfz").write_text("<region> sample=gone.wav key=60 tune=much\n")
    with pytest.raises(ScoreReadError, match="no sample"):
        SampleSet(tmp_path / "empty.sfz")


def test_drum_machines_have_kicks_below_hats() -> None:
    kit = DrumMachine("machine/01")
    waves = {r.root_key: kit.wave(r.sample) for r in kit.regions(kit.choose(0, is_drum=True))}
    centre = {
        key: float(
            (np.abs(np.fft.rfft(w)) ** 2 * np.fft.rfftfreq(len(w), 1 / 44_100)).sum()
            / (np.abs(np.fft.rfft(w)) ** 2).sum()
        )
        for key, w in waves.items()
    }
    assert centre[36] < 400 < 1_000 < centre[38] < centre[42]
    assert all(0.5 < np.abs(w).max() <= 1.0 for w in waves.values())
    assert (
        DrumMachine("machine/02").wave(kit.regions(kit.choose(0, is_drum=True))[0].sample).tobytes()
        != waves[35].tobytes()
    )


def _pitch(sounds: object, key: int) -> float:
    score = Score((Track("x", (Note(0.0, 4.0, key, 100),)),), TempoMap.constant(120.0))
    sound = render_score(score, sounds, 44_100, length_s=1.0).mix().to_mono().samples[0][2000:34_768]  # type: ignore[arg-type]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18))
    return float(np.argmax(spectrum) * 44_100 / (1 << 18))
