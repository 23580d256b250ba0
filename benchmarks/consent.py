"""How well a spoken consent tells its speaker: `python benchmarks/consent.py --data DATA/speech/gcompris`.

Each person credited with at least 36 s gives 30 s of reference, as for a voice, and after it up to four probes of 6 s,
the length of a spoken phrase. Probes are compared with the own reference and with those of all other persons; people
credited under one name in several languages are left out of each other's comparisons.

The words: phrases of eight words, put together from single English words of the same set with a pause after each, are
given to the recogniser, and what it hears is compared with the phrase and with another one.
"""

from __future__ import annotations

import argparse
import csv
from itertools import islice
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.cli.voice import whisper
from descant.convert.consent import SAME_SPEAKER
from descant.convert.speaker import SpeakerEmbedder
from descant.convert.spoken import ASKED, LEAST_HEARD, WORDS, share_heard
from descant.data.voices import Voice, find_voices
from descant.errors import InvalidAudio
from descant.evaluate.report import Report, Table

RATE, REFERENCE_S, PROBE_S, PROBES = 16_000, 30.0, 6.0, 4
THRESHOLDS = (0.60, 0.65, 0.70, 0.725, 0.75, 0.775, 0.80, 0.825, 0.85, 0.875, 0.90)


def recording(voice: Voice) -> np.ndarray:
    """Its first 54 s, joined."""
    most = REFERENCE_S + PROBES * PROBE_S
    parts = [piece.samples[0] for piece in voice.pieces(sample_rate=RATE, most_s=most + 10)]
    return np.concatenate(parts)[: round(most * RATE)] if parts else np.zeros(0, np.float32)


def words_table(folder: Path, count: int) -> Table:
    """How often a phrase that was read passes, and one that was not."""
    whole = read(folder / "en.opus", sample_rate=RATE, channels=1).samples
    spoken: dict[str, np.ndarray] = {}
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["language"] == "en" and row["text"].lower() in WORDS:
                first, last = (round(float(row[name]) * RATE) for name in ("start_s", "end_s"))
                spoken[row["text"].lower()] = whole[:, first:last]
    rng = np.random.default_rng(0)
    pause = np.zeros((1, round(0.4 * RATE)), np.float32)
    listen = whisper()
    right, wrong, last_words = [], [], ""
    for _ in range(count):
        words = [str(word) for word in rng.choice(sorted(spoken), ASKED)]
        heard = listen(Clip(np.concatenate([part for word in words for part in (spoken[word], pause)], axis=1), RATE))
        right.append(share_heard(" ".join(words), heard))
        wrong += [share_heard(last_words, heard)] if last_words else []
        last_words = " ".join(words)
    return Table(
        f"{count} phrases of {ASKED} of {len(spoken)} words, spliced from single words at 16 kbit/s; least share heard "
        f"{LEAST_HEARD:.2f}",
        ("", "phrases", "median share heard", "pass, %"),
        tuple((name, len(shares), float(np.median(shares)), 100.0 * float((np.array(shares) >= LEAST_HEARD).mean()))
              for name, shares in (("the phrase that was read", right), ("another phrase", wrong))),
    )  # fmt: skip


def main() -> None:
    """Print both error rates at several thresholds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--phrases", type=int, default=60)
    arguments = parser.parse_args()
    embedder = SpeakerEmbedder.load()
    people, references, probes, owners = [], [], [], []
    for voice in find_voices(arguments.data):
        mono = recording(voice) if voice.is_one_person else np.zeros(0, np.float32)
        if len(mono) < (REFERENCE_S + PROBE_S) * RATE:
            continue
        cut, size = round(REFERENCE_S * RATE), round(PROBE_S * RATE)
        try:
            reference = embedder(Clip(mono[:cut], RATE))
            rows = [embedder(Clip(mono[at : at + size], RATE))
                    for at in islice(range(cut, len(mono) - size + 1, size), PROBES)]  # fmt: skip
        except InvalidAudio:
            continue
        people.append(voice.name.partition("/")[2].lower())
        references.append(reference)
        probes += rows
        owners += [len(people) - 1] * len(rows)
    likeness = np.array(probes) @ np.array(references).T
    owner = np.array(owners)
    own = likeness[np.arange(len(owner)), owner]
    names = np.array(people)
    others = likeness[names[owner][:, np.newaxis] != names[np.newaxis]]
    rows = [
        (f"{at:.3f}{' (chosen)' if at == SAME_SPEAKER else ''}", 100.0 * float((others >= at).mean()),
         100.0 * float((own < at).mean()))
        for at in sorted({*THRESHOLDS, SAME_SPEAKER})
    ]  # fmt: skip
    table = Table(
        f"{len(people)} persons, {len(own)} own comparisons, {len(others)} with others",
        ("threshold of the cosine", "others accepted, %", "own refused, %"), tuple(rows),
    )  # fmt: skip
    notes = (
        f"Own: median {np.median(own):.3f}, 5 % quantile {np.quantile(own, 0.05):.3f}.",
        f"Others: median {np.median(others):.3f}, 99 % quantile {np.quantile(others, 0.99):.3f}.",
        "Own probes come from the same recording session as the reference, which flatters the right column.",
    )
    command = f"python benchmarks/consent.py --data {arguments.data}"
    tables = (table, words_table(arguments.data, arguments.phrases))
    print(Report("consent", command, tables, notes).to_markdown())


if __name__ == "__main__":
    main()
