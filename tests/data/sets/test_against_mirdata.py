"""Our readers of annotations against mirdata's, on the same files.

mirdata is an oracle here and not used by the package: its loaders import librosa, and its indexes are downloads.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from descant.data.sets.catalogue import open_set
from descant.score.harmony import Key

Build = Callable[[str], Path]


@pytest.fixture(scope="module")
def oracle() -> Iterator[Any]:
    mirdata = pytest.importorskip("mirdata")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mirdata.datasets.giantsteps_key
        import mirdata.datasets.giantsteps_tempo
        import mirdata.datasets.gtzan_genre
        import mirdata.datasets.medleydb_melody
        import mirdata.datasets.slakh

        yield mirdata.datasets


def test_gtzan_beats_and_tempo(build: Build, oracle: Any) -> None:
    root = build("gtzan")
    item = open_set("gtzan", root).items()[0]
    assert item.beats is not None
    assert item.tempo_bpm is not None
    truth = oracle.gtzan_genre.load_beats(str(root / "gtzan_tempo_beat-main" / "beats" / "gtzan_blues_00000.beats"))
    np.testing.assert_array_equal(item.beats().times_s, truth.times)
    np.testing.assert_array_equal(item.beats().bar_positions, truth.positions)
    tempo = root / "gtzan_tempo_beat-main" / "tempo" / "gtzan_blues_00000.bpm"
    assert item.tempo_bpm() == float(np.loadtxt(tempo))


def test_giantsteps_keys(build: Build, oracle: Any) -> None:
    root = build("giantsteps-key")
    for item in open_set("giantsteps-key", root).items():
        assert item.key is not None
        truth = oracle.giantsteps_key.load_key(str(root / "annotations" / "key" / f"{item.id}.key"))
        assert item.key() == Key.parse(truth)


def test_medleydb_melody(build: Build, oracle: Any) -> None:
    root = build("medleydb")
    item = open_set("medleydb", root).items()[0]
    assert item.melody is not None
    found = item.melody()
    folder = root / "Annotations" / "Melody_Annotations" / "MELODY2"
    truth = oracle.medleydb_melody.load_melody(str(folder / f"{item.id}_MELODY2.csv"))
    np.testing.assert_array_equal(found.times_s, truth.times)
    np.testing.assert_array_equal(found.f0_hz, truth.frequencies)
    np.testing.assert_array_equal(found.voiced, truth.voicing > 0)


def test_slakh_stems(build: Build, oracle: Any) -> None:
    """The publishers' metadata through mirdata's own class."""
    root = build("slakh")
    item = open_set("slakh", root).items("train")[0]
    metadata = root / "train" / item.id / "metadata.yaml"
    for stem in item.stems:
        track = oracle.slakh.Track.__new__(oracle.slakh.Track)
        track.track_id, track.metadata_path = f"{item.id}-{stem.name}", str(metadata)
        assert stem.instrument == track.instrument
        assert stem.is_drum == track.is_drum
        assert stem.program == (None if track.program_number == 128 else track.program_number)
