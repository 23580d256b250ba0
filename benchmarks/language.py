"""In how many recordings the language that is sung or spoken is heard: `python benchmarks/language.py DATA/album`.

Songs: the mix of each folder's stems and its clean vocals, as a whole, and each half minute alone (also those in which
hardly anybody sings). All are English.

Speech: `--speech FOLDER` is where Debian's asterisk-core-sounds-{en,es,fr,it,ru} and -g722 were unpacked; prompts are
joined to half minutes as in `benchmarks/words.py`. `--voices DATA/speech/gcompris` adds children and adults in other
languages, clips joined to half minutes.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from words import BLOCK_S, PROMPTS, RATE, prompts

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.evaluate.report import Report, Table
from descant.transcribe.language import HeardLanguage, sung_language
from descant.transcribe.words import WordRecognizer

WINDOW_S, LEAST_S, CLIP_PAUSE_S = 30, 20, 0.5
PROMPTS |= {"en": "en_US_f_Allison", "ru": "ru_RU_f_IvrvoiceRU"}
VOICES = {"de": "de", "pt": "pt", "pt_BR": "pt", "nl": "nl", "sv": "sv", "ro": "ro", "pl": "pl"}

Case = tuple[str, str, np.ndarray]
"""What kind of recording it is, its language, its samples at 16 kHz."""


def songs(album: Path, names: list[str] | None) -> Iterator[Case]:
    """Each song as a whole and in half minutes, with its band and without."""
    for folder in sorted(path.parent for path in album.glob("*/song.json")):
        if names is not None and folder.name not in names:
            continue
        stems = {name: read(folder / f"{name}.opus") for name in ("vocals", "drums", "bass", "other")}
        mix = Clip(sum(stem.samples for stem in stems.values()), stems["vocals"].sample_rate)
        for kind, clip in (("songs", mix), ("their voices", stems["vocals"])):
            mono = resampled(clip)
            yield f"{kind}, whole", "en", mono
            for start in range(0, len(mono), WINDOW_S * RATE):
                if len(window := mono[start : start + WINDOW_S * RATE]) >= LEAST_S * RATE:
                    yield f"{kind}, half a minute", "en", window


def resampled(clip: Clip) -> np.ndarray:
    """One channel at 16 kHz."""
    from descant.audio.resample import resample

    return resample(clip.to_mono(), RATE).samples[0]


def voices(folder: Path, name: str, blocks: int) -> Iterator[np.ndarray]:
    """Half minutes of a language's clips: its sentences if it has any, else all but single letters."""
    with (folder / "index.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["language"] == name]
    chosen = [row for row in rows if "intro" in row["category"]]
    chosen = chosen or [row for row in rows if "alphabet" not in row["category"]]
    whole = read(folder / f"{name}.opus", sample_rate=RATE, channels=1).samples[0]
    parts: list[np.ndarray] = []
    for row in chosen:
        parts += [whole[int(float(row["start_s"]) * RATE) : int(float(row["end_s"]) * RATE)]]
        parts += [np.zeros(round(CLIP_PAUSE_S * RATE), np.float32)]
        if sum(map(len, parts)) > BLOCK_S * RATE:
            yield np.concatenate(parts)[: WINDOW_S * RATE]
            parts, blocks = [], blocks - 1
            if not blocks:
                return


def main() -> None:
    """Print how often the language is right, how often it is called unsure, and how often it is sure and wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("album", type=Path)
    parser.add_argument("--songs", nargs="*", help="folders of the album; all of them if not given")
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--voices", type=Path)
    parser.add_argument("--blocks", type=int, default=8, help="half minutes of speech for each language")
    arguments = parser.parse_args()
    cases = songs(arguments.album, arguments.songs)
    model = WordRecognizer.load()._model  # noqa: SLF001 - what is measured lies below the recogniser
    found: dict[str, list[tuple[str, HeardLanguage]]] = {}

    def hear(kind: str, language: str, mono: np.ndarray) -> None:
        found.setdefault(kind, []).append((language, sung_language(model, mono)))
        print(kind, *found[kind][-1], file=sys.stderr, flush=True)

    for case in cases:
        hear(*case)
    for language in PROMPTS if arguments.speech else ():
        for _, clip in islice(prompts(arguments.speech, language), arguments.blocks):
            hear("prompts", language, clip.samples[0][: WINDOW_S * RATE])
    for name, language in VOICES.items() if arguments.voices else ():
        for mono in voices(arguments.voices, name, arguments.blocks):
            hear("clips of children and adults", language, mono)
    rows = [
        (
            kind,
            f"{sum(heard.code == true for true, heard in pairs)} of {len(pairs)}",
            sum(not heard.is_sure for _, heard in pairs),
            sum(heard.is_sure and heard.code != true for true, heard in pairs),
        )
        for kind, pairs in found.items()
    ]
    table = Table("Language", ("", "right", "called unsure", "sure and wrong"), tuple(rows))
    print(Report("language", f"python benchmarks/language.py {' '.join(sys.argv[1:])}", (table,)).to_markdown())


if __name__ == "__main__":
    main()
