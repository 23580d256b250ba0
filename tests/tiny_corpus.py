"""A miniature in the layout of music21's corpus: chorales as compressed MusicXML, fiddle tunes as ABC."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from descant.score.musicxml_writer import score_to_musicxml
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap


def write_corpus(folder: Path, pieces: int) -> Path:
    """Random walks as pieces, and one damaged file in each folder."""
    (folder / "bach").mkdir(parents=True)
    (folder / "ryansMammoth").mkdir()
    for index in range(pieces):
        rng = np.random.default_rng(index)
        tracks = []
        for voice, centre in enumerate((72, 66, 60, 50)):
            steps = np.clip(rng.integers(-2, 3, 48).cumsum() + centre, 36, 90)
            tracks.append(Track(f"voice {voice}", tuple(Note(float(i), 1.0, int(p)) for i, p in enumerate(steps))))
        data = score_to_musicxml(Score(tuple(tracks), TempoMap.constant(90.0)), title="x")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("score.xml", data)
        (folder / "bach" / f"bwv{index}.mxl").write_bytes(packed.getvalue())
        tune = "".join("CDEFGABcdefg"[i] for i in rng.integers(0, 12, 128))
        (folder / "ryansMammoth" / f"Tune{index}.abc").write_text(f"X:1\nM:4/4\nL:1/16\nK:D\n{tune}|]\n")
    (folder / "bach" / "bwv900.mxl").write_bytes(b"PK broken")
    (folder / "ryansMammoth" / "Empty.abc").write_text("X:1\n")
    return folder
