"""What `descant data band` writes is what the loader of band sets reads."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from descant.data.sets.catalogue import open_set
from descant.data.sets.dataset import check_set


def test_a_built_set_is_a_sound_set_of_stems(built: Path) -> None:
    for name in ("band", "band-parts"):
        report = check_set(open_set(name, built))
        assert report.is_sound, report.problems
        assert report.items == 2


def test_stems_sum_to_the_mixture(built: Path) -> None:
    for item in open_set("band", built).items():
        assert item.mix is not None
        total = np.sum([stem.audio.read().samples for stem in item.stems], axis=0)
        np.testing.assert_allclose(total, item.mix.read().samples, atol=1e-6)
    for item in open_set("band-parts", built).items():
        assert item.mix is not None
        total = np.sum([s.audio.read().samples for s in item.stems if s.name != "lead_dry"], axis=0)
        np.testing.assert_allclose(total, item.mix.read().samples, atol=1e-6)


def test_labels_are_those_of_the_item(built: Path) -> None:
    for item in open_set("band", built).items():
        assert item.mix is not None
        labels = json.loads((item.mix.path.parent / "item.json").read_text())
        assert item.lyrics is not None
        assert [word.text for word in item.lyrics().words] == [word["text"] for word in labels["words"]]
        assert item.chords is not None
        assert len(item.chords()) == len(labels["chords"])
        assert item.melody is not None
        track = item.melody()
        start, end, pitch = labels["melody"][len(labels["melody"]) // 2]
        inside = (track.times_s > start + 0.1) & (track.times_s < end - 0.05) & track.voiced
        assert abs(np.median(track.midi[inside]) - pitch) < 0.6
        assert item.score is not None
        assert item.score().tracks
