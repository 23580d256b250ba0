"""Count the rhythms of POP909's training melodies: how many sixteenths lie between notes, from each place in the bar.

python recipes/analysis/rhythm.py DATA/pop909.zip src/descant/analyze/rhythm.json
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from descant.data.pop909 import Pop909
from descant.score.notes import Score

LONGEST = 48
"""Longer steps are counted as this one."""
FASTEST_DOUBLED = 150.0
"""Songs that are not faster than this in double time are counted so too: people disagree on the level of a voice."""


def usual_bar(score: Score) -> int:
    """The most frequent bar length in quarters."""
    return Counter(s.numerator for s in score.time_signatures).most_common(1)[0][0]


def count(score: Score, bar: int, counts: np.ndarray, *, speed: int = 1) -> None:
    """Add the steps of a score's melody at `speed` times its tempo, within stretches of unbroken bars."""
    melody = score.track("melody")
    signatures = score.time_signatures
    if melody is None:
        return
    starts = np.asarray(sorted({round(note.start * 4) for note in melody.notes}))
    for index, signature in enumerate(signatures):
        if signature.numerator != bar:
            continue
        first = round(signature.start * 4)
        end = signatures[index + 1].start * 4 if index + 1 < len(signatures) else score.end * 4
        inside = (starts[(starts >= first) & (starts < end)] - first) * speed
        np.add.at(counts, (inside[:-1] % (4 * bar), np.minimum(np.diff(inside), LONGEST)), 1)


def main(archive: Path, out: Path) -> None:
    """Write {"<beats a bar>": counts [sixteenth in the bar][steps to the next note]}."""
    pop = Pop909(archive)
    counts = {bar: np.zeros((4 * bar, LONGEST + 1), np.int64) for bar in (4, 3)}
    for song in pop.songs("train"):
        score = pop.load(song)
        bar = usual_bar(score)
        if bar in counts:
            count(score, bar, counts[bar])
            bpm = float(np.median([score.tempo.bpm_at(quarter) for quarter in range(8, int(score.end))]))
            if bar == 4 and 2 * bpm <= FASTEST_DOUBLED:
                count(score, bar, counts[bar], speed=2)
    out.write_text(json.dumps({str(bar): table.tolist() for bar, table in counts.items()}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
