import itertools
import json
from pathlib import Path

import mir_eval
import numpy as np
import pytest

from descant.data.band.folder import item_folder
from descant.data.band.labels import caption, chord_label
from descant.score.harmony import QUALITIES, Chord


@pytest.mark.parametrize("quality", QUALITIES)
def test_chords_are_spelled_as_mir_eval_reads_them(quality: str) -> None:
    for root, bass in itertools.product(range(12), range(12)):
        label = chord_label(Chord(root, quality, bass), flats=bool(root % 2))
        found, _, found_bass = mir_eval.chord.encode(label)
        assert found == root
        assert (found + found_bass) % 12 == bass
        assert Chord.parse(label).root == root
    assert chord_label(Chord(None), flats=False) == "N"


def test_the_labels_of_a_set_are_what_mir_eval_takes(built: Path) -> None:
    labels = json.loads((item_folder(built, 0) / "item.json").read_text(encoding="utf-8"))
    spans = np.array([[start, end] for start, end, _ in labels["chords"]])
    names = [label for *_, label in labels["chords"]]
    assert mir_eval.chord.evaluate(spans, names, spans, names)["majmin"] == pytest.approx(1.0)
    mir_eval.beat.validate(np.array([t for t, _ in labels["beats"]]), np.array([t for t, _ in labels["beats"]]))


def test_captions_say_what_the_facts_say() -> None:
    facts = {
        "bpm": 152.2, "style": "rock", "key": "E minor", "meter": [4, 4], "singer": {}, "language": "de",
        "melody": [[0.0, 1.0, 48.2]], "backing_singers": ["a", "b"], "room": {"decay_s": 2.0},
        "instruments": [{"part": "drums", "id": "machine/03"}, {"part": "piano", "id": "GM/0/0 Grand Piano"},
                        {"part": "lead", "id": ""}],
    }  # fmt: skip
    assert caption(facts) == (
        "A fast rock song in E minor, 4/4 at 152 BPM, sung by a low voice in German with 2 backing voices, "
        "with drums and Grand Piano, in a large room."
    )
    bare = facts | {"singer": None, "key": None, "instruments": [], "room": {"decay_s": 0.0}, "bpm": 70.0}
    assert caption(bare) == "A slow rock song, 4/4 at 70 BPM, without voice."
