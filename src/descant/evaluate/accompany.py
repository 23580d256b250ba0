"""How well a band fits a melody: the composer beside retrieval, a shuffled pairing and the human arrangement.

The retrieval baseline follows SingSong (arXiv 2301.12662): the accompaniment of another song in the same mode whose
tempo is nearest, moved to the key of the melody, its bars laid under the melody's bars. The shuffled pairing is that
of a random other song as it stands, untransposed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from descant.compose.api import Composer
from descant.compose.config import BandOptions
from descant.compose.grid import TICKS, Bar, GridNote, bars_of
from descant.compose.harmony import harmonise
from descant.compose.tokens import home_shift
from descant.evaluate.band_fit import COLUMNS, Fit, likelihood, measure_fit
from descant.evaluate.comparisons import NOTE, paired_table
from descant.evaluate.report import Cell, Report, Table
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.harmony import Chord, Key
from descant.score.notes import Note, Score, Track

_NEEDS_HUMAN = {"chord agreement", "pitch classes", "onsets"}


@dataclass(frozen=True, slots=True)
class Song:
    """A song of the collection.

    Attributes:
        name: Its number.
        score: Melody, piano, bridge, chords and key as humans made them.
    """

    name: str
    score: Score

    @property
    def has_human(self) -> bool:
        """Whether a human arrangement is known (not so for singing)."""
        piano = self.score.track("piano")
        return piano is not None and bool(piano.notes)

    @property
    def bpm(self) -> float:
        """Mean tempo."""
        return 60.0 * self.score.end / max(self.score.duration_s, 1e-6)


def retrieve(song: Song, library: Sequence[Song]) -> Score:
    """The accompaniment of the library's song of the same mode and nearest tempo, moved to the melody's key."""
    same_mode = [s for s in library if _mode(s) == _mode(song)] or list(library)
    other = min(same_mode, key=lambda s: (abs(np.log(s.bpm / song.bpm)), s.name))
    tonic, other_tonic = (s.score.key.tonic if s.score.key else 0 for s in (song, other))
    return lay_under(song, other, (tonic - other_tonic + 6) % 12 - 6)


def _mode(song: Song) -> str:
    return song.score.key.mode if song.score.key else "major"


def lay_under(song: Song, other: Song, shift: int) -> Score:
    """The other song's piano and bridge under this song's bars, first sung bar on first sung bar."""
    bars, strange = bars_of(song.score), bars_of(other.score)
    offset = _first_sung(strange) - _first_sung(bars)
    piano: list[Note] = []
    bridge: list[Note] = []
    for index, bar in enumerate(bars):
        source = strange[(index + offset) % len(strange)].transpose(shift)
        piano += _placed(source.piano, bar)
        bridge += _placed(source.bridge, bar)
    return song.score.with_tracks([Track("piano", tuple(piano)), Track("bridge", tuple(bridge))])


def _first_sung(bars: Sequence[Bar]) -> int:
    return next((i for i, bar in enumerate(bars) if bar.melody), 0)


def _placed(notes: Sequence[GridNote], bar: Bar) -> list[Note]:
    return [
        Note(bar.span.start + n.position / TICKS, n.duration / TICKS, n.pitch, n.velocity)
        for n in notes
        if n.position < bar.span.quarters * TICKS and 0 <= n.pitch < 128
    ]


def evaluate_accompany(
    composer: Composer,
    songs: Sequence[Song],
    library: Sequence[Song],
    *,
    options: BandOptions | None = None,
    command: str = "",
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Report:
    """Measure the composer, retrieval, a shuffled pairing and the human arrangement on the same melodies.

    Args:
        composer: To measure; it gets the melody alone, its chords and key are inferred.
        songs: Test songs.
        library: Training songs for retrieval.
        options: Of the composer.
        command: For the report.
        progress: Receives progress.
        cancel: Stops between songs.
    """
    monitor = Monitor(progress, cancel, "measuring")
    asked = options or BandOptions()
    generator = np.random.default_rng(asked.seed)
    bands: dict[str, Callable[[Song], Score]] = {
        "Descant": lambda song: _composed(composer, song, asked),
        "retrieval (same mode, nearest tempo, moved to the key)": lambda song: retrieve(song, library),
        "shuffled pairing": lambda song: lay_under(song, library[int(generator.integers(len(library)))], 0),
    }
    with_human = all(song.has_human for song in songs)
    if with_human:
        bands["human arrangement"] = lambda song: song.score
    fits: dict[str, list[Fit]] = {name: [] for name in bands}
    for number, song in enumerate(songs):
        for name, band in bands.items():
            fits[name].append(measure_fit(composer, song.score, band(song)))
        monitor.report(0.9 * (number + 1) / len(songs))
    rows = tuple((name, *_cells(found, with_human)) for name, found in fits.items())
    tables = [
        Table(f"{len(songs)} melodies without chords or key, means", COLUMNS, rows),
        _tests(fits, with_human, asked.seed),
    ]
    if with_human:
        tables += [condition_table(composer, songs), harmony_table(composer, songs)]
    monitor.report(1.0)
    return Report("accompany", command, tuple(tables), _NOTES)


_NOTES = (
    "Shares are from 0 to 1, higher is better; NLL in nats, lower is better, by the shipped model given the melody.",
    "The model's own row is sampled at a temperature below 1, so its NLL lies below the human's.",
    "beat F counts all of the band's parts, drums included; the other rows have a piano and a second voice.",
    NOTE,
)


def _tests(fits: dict[str, list[Fit]], with_human: bool, seed: int) -> Table:
    """The composer against the other bands; likelihoods with their signs turned, so that higher is better for all."""
    signs = [-1.0 if column.startswith("NLL") else 1.0 for column in COLUMNS[1:]]
    names = [f"-{column}" if sign < 0 else column for column, sign in zip(COLUMNS[1:], signs, strict=True)]
    kept = [i for i, column in enumerate(COLUMNS[1:]) if with_human or column not in _NEEDS_HUMAN]
    values = {
        name: [[signs[i] * fit.cells()[i] for fit in found] for i in kept]
        for name, found in fits.items()
        if name != "human arrangement"
    }
    return paired_table("Descant against the other bands", [names[i] for i in kept], values, ours="Descant", seed=seed)


def _cells(fits: Sequence[Fit], with_human: bool) -> tuple[Cell, ...]:
    means = np.mean([fit.cells() for fit in fits], axis=0)
    return tuple(
        float(value) if with_human or column not in _NEEDS_HUMAN else None
        for column, value in zip(COLUMNS[1:], means, strict=True)
    )


def _composed(composer: Composer, song: Song, options: BandOptions) -> Score:
    melody = song.score.track("melody")
    assert melody is not None
    alone = replace(song.score, tracks=(melody,), chords=(), key=None)
    return composer(alone, options)[0].score


def condition_table(composer: Composer, songs: Sequence[Song]) -> Table:
    """NLL of the human arrangements under the model when it is told the truth, a stranger's melody, or nothing."""
    found: dict[str, list[tuple[float, float]]] = {}
    for number, song in enumerate(songs):
        bars = bars_of(song.score)
        strange = _stranger(bars, songs[(number + 1) % len(songs)])
        home = home_shift(bars)
        silent = [replace(bar, melody=()) for bar in bars]
        told = {
            "melody and chords": likelihood(composer, bars, chords=True, shift=home),
            "chords alone": likelihood(composer, silent, chords=True, shift=home),
            "melody alone": likelihood(composer, bars, shift=home),
            "a stranger's melody in the same key": likelihood(composer, strange, shift=home),
            "nothing": likelihood(composer, silent, shift=home),
        }
        for name, value in told.items():
            found.setdefault(name, []).append(value)
    return Table("NLL of the human arrangement", ("the model is told", "a token", "a pitch"), _means(found))


def harmony_table(composer: Composer, songs: Sequence[Song]) -> Table:
    """Chords from the melody alone against the annotated ones, by beats; beats without a chord are left out."""
    found: dict[str, list[tuple[float, float]]] = {}
    for number, song in enumerate(songs):
        bars = bars_of(song.score)
        strange = _stranger(bars, songs[(number + 1) % len(songs)])
        key = song.score.key or Key(0, "major")
        tonic = Chord(key.tonic, "maj" if key.mode == "major" else "min")
        guessed = {
            "harmoniser, given the melody": harmonise(bars, composer.tables).chords,
            "harmoniser, given a stranger's melody in the same key": harmonise(strange, composer.tables).chords,
            "always the tonic of the true key": (((0, tonic),),) * len(bars),
        }
        for name, chords in guessed.items():
            found.setdefault(name, []).append(chord_overlap(bars, chords))
    return Table("Chords from the melody alone", ("chords", "root and third", "root"), _means(found))


def chord_overlap(bars: Sequence[Bar], chords: Sequence[tuple[tuple[int, Chord], ...]]) -> tuple[float, float]:
    """Share of beats whose chord has the true root and third, and whose root is true."""
    both = roots = total = 0
    for bar, guessed in zip(bars, chords, strict=True):
        other = replace(bar, chords=guessed)
        for tick in range(0, bar.span.beats * TICKS, TICKS):
            true, heard = bar.chord_at(tick).majmin, other.chord_at(tick).majmin
            if not true.is_none:
                total += 1
                both += true == heard
                roots += true.root == heard.root
    return both / max(1, total), roots / max(1, total)


def _stranger(bars: Sequence[Bar], other: Song) -> list[Bar]:
    """The bars with another song's melody, moved to the same key."""
    strange = bars_of(other.score)
    shift = home_shift(strange) - home_shift(bars)
    return [replace(b, melody=strange[i % len(strange)].transpose(shift).melody) for i, b in enumerate(bars)]


def _means(found: dict[str, list[tuple[float, float]]]) -> tuple[tuple[Cell, ...], ...]:
    return tuple((name, *(float(x) for x in np.mean(values, axis=0))) for name, values in found.items())
