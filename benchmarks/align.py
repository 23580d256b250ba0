"""How `descant align` places words in real songs whose stems are known.

    python benchmarks/align.py songs ALBUM      # the album of the data folder: what agrees with what, how fast
    python benchmarks/align.py lines ALBUM      # lines that are not sung: which are passed over, and which are not
    python benchmarks/align.py fit ALBUM        # the confidences' logistic regression, fitted anew

Nobody timed the album's words by hand. Three things can still be measured: how far the words move when the mix, or what
Spleeter takes out of it, is listened to instead of the clean voice; how far a word that follows a silence of the clean
voice is from the moment at which that voice sets in; and whether the words of another song are told apart. What is not
sung is known where it was put into the sheet, or cut out of the recording, on purpose.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from descant.align.api import Aligner, Alignment
from descant.align.config import AlignOptions, Costs
from descant.align.hearing import Heard
from descant.audio.clip import Clip
from descant.audio.io import read
from descant.audio.resample import resample
from descant.progress import Monitor
from descant.separate.api import Separator
from descant.text.sheet import Sheet, read_sheet

STEMS = ("vocals", "drums", "bass", "other")
WAYS = ("voice", "separated", "mix")
ANY_FIT = AlignOptions("en", lowest_fit=0.0)
EVERY_LINE = replace(ANY_FIT, costs=Costs(unsung=np.inf, backing=np.inf))
HOP_S = 0.01
CUT_S, BEFORE_S, RIGHT_S = 20.0, 0.3, 0.3
CREDITS = ("Words and music: John Smith", "Copyright 2014 Example Records")
"""What is pasted above the words of every song, below its title."""
BACKING = ("(ooh yeah)", "(tell me why)", "(hey)", "(never again)", "(la la la)")
SILENCE_DB, SILENCE_S, NEAR_S = -40.0, 0.8, 0.5


@dataclass(frozen=True)
class Song:
    """A song, its words as published, and what may be listened to."""

    name: str
    rows: tuple[str, ...]
    heard: dict[str, Clip]

    @property
    def sheet(self) -> Sheet:
        """What is sung."""
        return sheet_of(self.rows)


def sheet_of(rows: Sequence[str]) -> Sheet:
    """A sheet of some rows."""
    return read_sheet("\n".join(rows), language="en")


def songs(album: Path, ways: Sequence[str] = WAYS) -> Iterator[Song]:
    """The album's songs: clean voice, voice as Spleeter separates it, mix; or some of these."""
    for folder in sorted(path.parent for path in album.glob("*/song.json")):
        told = json.loads((folder / "song.json").read_text(encoding="utf-8"))
        stems = [read(folder / f"{name}.opus") for name in STEMS]
        mix = Clip(sum(stem.samples for stem in stems), stems[0].sample_rate)
        heard = {"voice": stems[0], "mix": mix}
        if "separated" in ways:
            heard["separated"] = Separator.load()(mix)["vocals"]
        yield Song(told["title"], tuple(told["lyrics"]), heard)


def starts(alignment: Alignment) -> np.ndarray:
    """Starts of all words."""
    return np.array([word.start_s for word in alignment.guessed.words])


def entries(voice: Clip) -> np.ndarray:
    """Moments at which a clean voice sets in after a silence, in seconds."""
    mono = resample(voice.to_mono(), 16_000).samples[0]
    hop = round(HOP_S * 16_000)
    power = np.square(mono[: len(mono) // hop * hop]).reshape(-1, hop).mean(axis=1)
    sounds = 10.0 * np.log10(power + 1e-12) > 10.0 * np.log10(np.percentile(power, 99)) + SILENCE_DB
    silent = round(SILENCE_S / HOP_S)
    return np.array([n * HOP_S for n in np.flatnonzero(sounds) if n >= silent and not sounds[n - silent : n].any()])


def after_silence(alignment: Alignment, moments: np.ndarray) -> np.ndarray:
    """Signed distance of the first word that starts near each entry."""
    times = starts(alignment)
    near = [times[np.abs(times - moment).argmin()] - moment for moment in moments]
    return np.array([distance for distance in near if abs(distance) <= NEAR_S])


def measure(album: Path) -> None:
    """Print the table of docs/align.md."""
    aligner = Aligner.load()
    found = list(songs(album))
    print("| song | listened to | moved, s | over 0.3 s | after silence: bias, mean | heard | another's | took, s |")
    print("|---|---|---|---|---|---|---|---|")
    for number, song in enumerate(found):
        other = found[(number + 1) % len(found)].sheet
        moments = entries(song.heard["voice"])
        clean = None
        for way in WAYS:
            begun = time.perf_counter()
            own = aligner(song.heard[way], song.sheet, options=ANY_FIT)
            took = time.perf_counter() - begun
            clean = starts(own) if clean is None else clean
            moved = np.abs(starts(own) - clean)
            late = after_silence(own, moments)
            wrong = aligner(song.heard[way], other, options=ANY_FIT)
            entered = f"{np.median(late):+.3f}, {np.abs(late).mean():.3f}" if len(late) else "-"
            print(
                f"| {song.name} | {way} | {moved.mean():.3f} | {(moved > 0.3).mean():.0%} | "
                f"{entered}, {len(late)} of {len(moments)} | "
                f"{own.fit:.0%} | {wrong.fit:.0%} | {took:.1f} |"
            )


@dataclass(frozen=True)
class Passed:
    """What became of a sheet in which some words are not sung.

    Attributes:
        kept: Words that are not sung, and were placed.
        wrong: How many are not sung.
        lost: Words that are sung, and were passed over.
        moved: Words that are sung, and start more than 0.3 s from where they do in the song's own sheet.
    """

    kept: int
    wrong: int
    lost: int
    moved: int

    def __str__(self) -> str:
        return f"{self.kept} of {self.wrong}, {self.lost}, {self.moved}"


@dataclass(frozen=True)
class Listened:
    """A song that is listened to in one way."""

    aligner: Aligner
    song: Song
    way: str
    heard: Heard

    def place(self, sheet: Sheet, heard: Heard | None = None) -> Alignment:
        """A sheet in what is heard."""
        return self.aligner.align(heard or self.heard, sheet, options=ANY_FIT, monitor=Monitor())

    def with_rows(self, at: int, rows: Sequence[str], true: Alignment) -> Passed:
        """With other rows, as a strophe of their own, before one of the sheet's."""
        own = self.song.rows
        sheet = sheet_of([*own[:at], "", *rows, "", *own[at:]])
        wrong = [at + 2 <= line.row < at + 2 + len(rows) for line in sheet.lines for _ in line.words]
        return _passed(self.place(sheet), wrong, true)

    def with_brackets(self, true: Alignment) -> Passed:
        """With backing words that nobody sings behind every second line, and brackets around what ends the others."""
        rows, wrong = [], []
        for number, row in enumerate(filter(None, (" ".join(row.split()) for row in self.song.rows))):
            words = row.split()
            more = BACKING[number // 2 % len(BACKING)]
            rows.append(f"{row} {more}" if number % 2 else " ".join([*words[:-2], f"({' '.join(words[-2:])})"]))
            wrong += [False] * len(words) + [True] * (len(more.split()) if number % 2 else 0)
        return _passed(self.place(sheet_of(rows)), wrong, true)

    def cut(self) -> str:
        """Of a recording from which about 20 s are cut, before one line and before a later one."""
        sheet, clip = self.song.sheet, self.song.heard[self.way]
        lines = [line for line in self.place(sheet).lyrics.lines if line.start_s is not None]
        begins = [line.start_s - BEFORE_S for line in lines]
        middle = 0.5 * (begins[0] + begins[-1])
        pairs = [(a, b) for a in begins for b in begins if a < b]
        first, last = min(pairs, key=lambda pair: abs(pair[1] - pair[0] - CUT_S) + 0.1 * abs(sum(pair) / 2 - middle))
        samples = [clip.slice(0.0, first).samples, clip.slice(last, clip.duration_s).samples]
        heard = self.aligner.hear(Clip(np.concatenate(samples, axis=1), clip.sample_rate), ANY_FIT, Monitor())
        gone = [line for line in lines if first <= line.start_s < last]
        left = [
            (line.text, line.start_s - (last - first) * (line.start_s >= last)) for line in lines if line not in gone
        ]
        found = [(line.text, line.start_s) for line in self.place(sheet, heard).lyrics.lines if line.words]
        right = [any(text == t and abs(at - s) <= RIGHT_S for t, s in found) for text, at in left]
        too_many = len(found) - sum(right)
        return f"{last - first:.0f} s, {len(gone)} lines: {too_many} placed; {sum(right)} of {len(left)} others right"


def _passed(found: Alignment, wrong: Sequence[bool], true: Alignment) -> Passed:
    at = starts(found)[~np.array(wrong)]
    unsung = np.array([word.is_unsung for word in found.placed])
    return Passed(
        int((~unsung & wrong).sum()),
        sum(wrong),
        int((unsung & ~np.array(wrong)).sum()),
        int((np.abs(at - starts(true)) > RIGHT_S).sum()),
    )


def lines(album: Path) -> None:
    """Print the table of lines that are not sung: words kept of how many such, own words lost, own words moved."""
    aligner = Aligner.load()
    found = list(songs(album, ("voice", "mix")))
    print("| song | listened to | own lost | title, credits | start | middle | end | brackets | cut |")
    print("|---|---|---|---|---|---|---|---|---|")
    for number, song in enumerate(found):
        others = [row for row in found[(number + 1) % len(found)].rows if row.strip()]
        for way in song.heard:
            here = Listened(aligner, song, way, aligner.hear(song.heard[way], ANY_FIT, Monitor()))
            own = here.place(song.sheet)
            lost = sum(word.is_unsung for word in own.placed)
            gaps = [n for n, row in enumerate(song.rows) if n and not row.strip()]
            middle = min(gaps, key=lambda n: abs(n - len(song.rows) / 2))
            cells = [
                here.with_rows(0, (song.name, *CREDITS), own),
                here.with_rows(0, others[:2], own),
                here.with_rows(middle, others[2:4], own),
                here.with_rows(len(song.rows), others[:2], own),
                here.with_brackets(own),
                here.cut(),
            ]
            print(f"| {song.name} | {way} | {lost} | {' | '.join(map(str, cells))} |", flush=True)


def fit(album: Path) -> None:
    """Fit "is this word sung here" on the album's own words against those of another song; print the three numbers."""
    aligner = Aligner.load()
    found = list(songs(album))
    rows, truth = [], []
    for number, song in enumerate(found):
        for sheet, is_own in ((song.sheet, 1.0), (found[(number + 1) % len(found)].sheet, 0.0)):
            for way in WAYS:
                placed = aligner(song.heard[way], sheet, options=EVERY_LINE).placed
                rows += [(word.said.heard, word.said.looks, 1.0) for word in placed if word.said is not None]
                truth += [is_own] * (len(rows) - len(truth))
    table, truth = np.array(rows), np.array(truth)
    weights = np.zeros(3)
    for _ in range(30):  # Newton's method
        odds = 1.0 / (1.0 + np.exp(-table @ weights))
        curvature = (table * (odds * (1.0 - odds))[:, np.newaxis]).T @ table
        weights += np.linalg.solve(curvature, table.T @ (truth - odds))
    sure = table @ weights > 0
    print(f"heard {weights[0]:.2f}, looks {weights[1]:.2f}, odds {weights[2]:.2f}")
    print(f"own words taken for heard: {sure[truth == 1].mean():.1%}, another song's: {sure[truth == 0].mean():.1%}")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("songs", "lines", "fit"))
    parser.add_argument("album", type=Path)
    asked = parser.parse_args()
    {"songs": measure, "lines": lines, "fit": fit}[asked.what](asked.album)


if __name__ == "__main__":
    main()
