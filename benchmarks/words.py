"""How many sung words are heard: `python benchmarks/words.py DATA/album`; `--speech FOLDER` adds other languages.

Songs: each folder of DATA/album has stems and `song.json` with the words as published. The recording repeats lines, in
another order than the page. So what is heard is compared with the best sequence of published lines, any of them as
often as it fits (edits of words; what is heard between lines is wrong). A recogniser that is silent on hard lines
would look good by that alone: so right words are counted too. The recordings are the same for all, so more are better.
"vocals" are the clean stems, "mix" is the song, "separated" the voice that Spleeter takes out of it; "... or mix" the
surer passages of two hearings.

Speech: FOLDER is where Debian's asterisk-core-sounds-{es,fr,it} and -g722 were unpacked (`dpkg -x`). Prompts of at
least four words without digits and brackets are joined to blocks of half a minute and compared with their transcripts,
without accents, which these often lack.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.evaluate.lyrics_metrics import edit_distance, plain_words
from descant.evaluate.report import Cell, Report, Table
from descant.separate.api import separate
from descant.text.lyrics import Lyrics, Word
from descant.transcribe.config import WordOptions
from descant.transcribe.words import WordRecognizer, surer_passages

RATE, BLOCK_S, PAUSE_S, LEAST_WORDS = 16_000, 28.0, 0.6, 4
PROMPTS = {"es": "es_MX_f_Allison", "fr": "fr_CA_f_June", "it": "it_IT_m_Carlo"}


@dataclass(frozen=True, slots=True, order=True)
class Score:
    """Words counted; the less the better.

    Attributes:
        errors: Wrong, additional and missing words.
        wrong: Wrong and additional words, that is, all that were heard but the right ones.
        right: Right words.
        true: Words of the text that this was compared with.
    """

    errors: int = 0
    wrong: int = 0
    right: int = 0
    true: int = 0

    def __add__(self, other: Score) -> Score:
        return self.plus(right=other.right, wrong=other.wrong, missing=other.errors - other.wrong, true=other.true)

    def plus(self, *, right: int = 0, wrong: int = 0, missing: int = 0, true: int = 0) -> Score:
        """With more words."""
        return Score(self.errors + wrong + missing, self.wrong + wrong, self.right + right, self.true + true)


def against_lines(lines: Sequence[Sequence[str]], heard: Sequence[str]) -> Score:
    """What is heard, compared with the sequence of lines that it fits best.

    All lines run along together, as words do in a recogniser of connected words: `rows[line][k]` is the best score
    after `k` of the line's words, `done` the best one between lines.
    """
    nowhere = Score(sys.maxsize)
    done = Score()
    rows = [_skipping([done, *[nowhere] * len(line)]) for line in lines]
    for word in heard:
        between = [done.plus(wrong=1)]
        for number, line in enumerate(lines):
            row, new = rows[number], [nowhere]
            for k, true in enumerate(line, 1):
                came = row[k - 1].plus(right=1, true=1) if true == word else row[k - 1].plus(wrong=1, true=1)
                new.append(min(came, row[k].plus(wrong=1)))
            rows[number] = _skipping(new)
            between.append(rows[number][-1])
        done = min(between)
        for row in rows:
            row[0] = done
            _skipping(row)
    return done


def _skipping(row: list[Score]) -> list[Score]:
    for k in range(1, len(row)):
        row[k] = min(row[k], row[k - 1].plus(missing=1, true=1))
    return row


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what was heard, by which model, in which way."""

    what: str
    model: str
    way: str
    score: Score
    language: str = ""
    cost_s: float | None = None

    def cells(self) -> tuple[Cell, ...]:
        """For the report; also told at once, since a whole run takes long."""
        score = self.score
        counts = (score.right, score.wrong, score.errors - score.wrong, score.errors / max(score.true, 1))
        return self.what, self.model, self.way, *counts, self.language, self.cost_s


def most_sung(vocals: Clip, seconds: float) -> slice:
    """Where the voice has most energy for so long."""
    size = min(round(seconds * vocals.sample_rate), vocals.frames)
    energy = np.concatenate([[0.0], np.cumsum(np.square(vocals.to_mono().samples[0], dtype=np.float64))])
    first = int(np.argmax(energy[size:] - energy[: len(energy) - size]))
    return slice(first, first + size)


def song_rows(
    folder: Path, recognizers: dict[str, WordRecognizer], ways: Sequence[str], excerpt_s: float
) -> Iterator[Row]:
    """One song, heard by every recogniser in every way; processor seconds per minute."""
    about = json.loads((folder / "song.json").read_text(encoding="utf-8"))
    lines = [words for line in dict.fromkeys(about["lyrics"]) if (words := plain_words(line))]
    vocals = read(folder / "vocals.opus")
    band = sum(read(folder / f"{name}.opus").samples for name in ("drums", "bass", "other"))
    clips = {"vocals": vocals, "mix": Clip(vocals.samples + band, vocals.sample_rate)}
    part = most_sung(vocals, excerpt_s)
    clips = {name: Clip(clip.samples[:, part], clip.sample_rate) for name, clip in clips.items()}
    if "separated" in ways:
        clips["separated"] = separate(clips["mix"])["vocals"]

    def score(words: Sequence[Word]) -> Score:
        return against_lines(lines, plain_words(" ".join(word.text for word in words)))

    for model, recognizer in recognizers.items():
        heard: dict[str, Lyrics] = {}
        for way in ways:
            begun = time.process_time()
            heard[way] = recognizer(clips[way])
            cost_s = (time.process_time() - begun) / clips[way].duration_s * 60
            yield Row(about["title"], model, way, score(heard[way].words), heard[way].language, cost_s)
        for way in ways if "mix" in ways else ():
            if way != "mix":
                both = surer_passages(heard[way].words, heard["mix"].words)
                yield Row(about["title"], model, f"{way} or mix", score(both), heard[way].language)


def prompts(folder: Path, language: str) -> Iterator[tuple[str, Clip]]:
    """Blocks of prompts with their texts."""
    listed = folder / f"usr/share/doc/asterisk-core-sounds-{language}/core-sounds-{language}.txt.gz"
    texts: list[str] = []
    parts: list[np.ndarray] = []
    for line in gzip.decompress(listed.read_bytes()).decode("utf-8", "replace").splitlines():
        name, _, text = line.partition(": ")
        sound = folder / f"usr/share/asterisk/sounds/{PROMPTS[language]}/{name}.g722"
        if len(text.split()) < LEAST_WORDS or any(c in "[<(" or c.isdigit() for c in text) or not sound.is_file():
            continue
        texts.append(text)
        parts += [read(sound, sample_rate=RATE, channels=1).samples[0], np.zeros(round(PAUSE_S * RATE), np.float32)]
        if sum(map(len, parts)) > BLOCK_S * RATE:
            yield " ".join(texts), Clip(np.concatenate(parts), RATE)
            texts, parts = [], []


def without_accents(text: str) -> str:
    """As many of the transcripts are written."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def speech_row(
    folder: Path, language: str, model: str, recognizer: WordRecognizer, blocks: int, given: str = ""
) -> Row:
    """Prompts of one language; the language is heard in each block of half a minute anew."""
    total, found, seconds = Score(), 0, 0.0
    begun = time.process_time()
    for text, clip in islice(prompts(folder, language), blocks):
        heard = recognizer(clip, options=WordOptions(language=given))
        true, said = (plain_words(without_accents(t)) for t in (text, heard.text))
        errors = edit_distance(true, said)
        total = total + Score(errors, 0, len(true) - min(errors, len(true)), len(true))
        found += heard.language == language
        seconds += clip.duration_s
    cost_s = (time.process_time() - begun) / max(seconds, 1.0) * 60
    return Row(f"{language} prompts, {seconds / 60:.1f} min", model, "", total, f"{found} of {blocks}", cost_s)


def main() -> None:
    """Print a row for each song and way, and the songs together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("album", type=Path)
    parser.add_argument("--songs", nargs="*", help="folders of the album; all of them if not given")
    parser.add_argument("--models", nargs="+", default=["whisper-tiny-en", "whisper-base"])
    parser.add_argument("--ways", nargs="+", default=["vocals", "separated", "mix"])
    parser.add_argument("--excerpt", type=float, default=1e6, help="only the seconds of a song in which most is sung")
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--blocks", type=int, default=6, help="half minutes of speech for each language")
    arguments = parser.parse_args()
    recognizers = {name: WordRecognizer.load(name) for name in arguments.models}
    folders = [path.parent for path in sorted(arguments.album.glob("*/song.json"))]
    rows: list[Row] = []
    for folder in folders:
        if arguments.songs is None or folder.name in arguments.songs:
            for row in song_rows(folder, recognizers, arguments.ways, arguments.excerpt):
                rows.append(row)
                print(*row.cells(), file=sys.stderr, flush=True)
    for model, way in dict.fromkeys((row.model, row.way) for row in rows):
        group = [row.score for row in rows if (row.model, row.way) == (model, way)]
        rows.append(Row(f"all {len(group)}", model, way, sum(group, Score())))
    columns = ("", "model", "heard in", "right", "wrong", "missing", "word error", "language", "processor s per min")
    tables = [Table("Sung words", columns, tuple(row.cells() for row in rows))]
    if arguments.speech is not None:
        spoken = [
            speech_row(arguments.speech, language, model, recognizer, arguments.blocks)
            for model, recognizer in recognizers.items()
            for language in PROMPTS
        ]
        columns = ("", "model", "word error", "blocks in their language", "processor s per min")
        cells = ((r.what, r.model, r.score.errors / max(r.score.true, 1), r.language, r.cost_s) for r in spoken)
        tables.append(Table("Spoken prompts", columns, tuple(cells)))
    command = f"python benchmarks/words.py {' '.join(sys.argv[1:])}"
    print(Report("words", command, tuple(tables)).to_markdown())


if __name__ == "__main__":
    main()
