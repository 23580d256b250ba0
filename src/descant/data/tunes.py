"""Melodies as a listener hears them: sung at a human tempo, with notes missed, split and imagined; and their truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from descant.data.archive import Archive
from descant.data.pop909 import Pop909
from descant.data.songs import perform
from descant.data.splits import Split
from descant.errors import ScoreReadError
from descant.nets.meter_reader import ELSEWHERE, METERS, PER_BEAT, place_range
from descant.score.musicxml_reader import score_from_musicxml, unpack
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MAX_SCORE_BYTES = 64 * 2**20
_FEWEST_NOTES = 24
_OFF_GRID = 0.075
_USUAL_STEP_S = (0.25, 0.5)
_SLOWEST_BPM, _FASTEST_BPM = 55.0, 170.0


@dataclass(frozen=True, slots=True, eq=False)
class Tune:
    """A melody on paper.

    Attributes:
        starts: In quarters, rising, shape [notes].
        ends: Likewise.
        pitches: MIDI numbers.
        places: Outputs of `nets.meter_reader`.
        bpm: Its tempo; None when the score does not say at which the beat is felt.
    """

    starts: Floats
    ends: Floats
    pitches: Floats
    places: Integers
    bpm: float | None


@dataclass(frozen=True, slots=True, eq=False)
class HeardTune:
    """A stretch of a tune after singing and listening.

    Attributes:
        starts_s: In seconds, rising, shape [notes].
        ends_s: Likewise.
        pitches: Fractional MIDI numbers.
        places: Where each note belongs; ELSEWHERE for what is no note.
        bpm: Tempo at each note.
    """

    starts_s: Floats
    ends_s: Floats
    pitches: Floats
    places: Integers
    bpm: Floats


class _Notes(NamedTuple):
    """Columns of notes, as `HeardTune` has them."""

    starts_s: Floats
    ends_s: Floats
    pitches: Floats
    places: Integers
    bpm: Floats


def tune_from_score(score: Score, track: Track, *, tempo_is_known: bool) -> Tune | None:
    """The upper line of a track with its places in the bar; None when there are too few notes or other metres."""
    top: dict[float, Note] = {}
    for note in track.notes:
        if note.start not in top or note.pitch > top[note.start].pitch:
            top[note.start] = note
    notes = [top[start] for start in sorted(top)]
    if len(notes) < _FEWEST_NOTES:
        return None
    starts = np.asarray([n.start for n in notes])
    ends = np.minimum([n.end for n in notes], np.append(starts[1:], np.inf))
    places = _places(score, starts)
    if (places == ELSEWHERE).mean() > 0.4:
        return None
    bpm = float(np.median([score.tempo.bpm_at(q) for q in starts])) if tempo_is_known else None
    return Tune(starts, np.maximum(ends, starts + 0.05), np.asarray([n.pitch for n in notes], float), places, bpm)


def _places(score: Score, starts: Floats) -> Integers:
    signatures = score.time_signatures
    which = np.searchsorted([s.start for s in signatures], starts + 1e-6, side="right") - 1
    usual = Counter(which.tolist()).most_common(1)[0][0]
    usual_bar = signatures[usual].bar_quarters
    places = np.full(len(starts), ELSEWHERE, np.int64)
    for index, (start, signature) in enumerate(zip(starts, np.asarray(signatures, object)[which], strict=True)):
        # A bar cut short or lengthened is still counted in the song's metre; other metres are not read.
        if usual_bar not in METERS or signature.denominator not in (2, 4):
            continue
        sixteenths = (start - signature.start) * PER_BEAT
        if abs(sixteenths - round(sixteenths)) <= _OFF_GRID * PER_BEAT:
            first, end = place_range(int(usual_bar))
            within = round(sixteenths) % round(signature.bar_quarters * PER_BEAT)
            places[index] = first + within if first + within < end else ELSEWHERE
    return places


def pop909_tunes(path: Path, split: Split) -> Iterator[Tune]:
    """The melodies of POP909."""
    pop = Pop909(path)
    for song in pop.songs(split):
        score = pop.load(song)
        melody = score.track("melody")
        tune = None if melody is None else tune_from_score(score, melody, tempo_is_known=True)
        if tune is not None:
            yield tune


def sheet_tunes(path: Path) -> Iterator[Tune]:
    """The sung parts of a collection of compressed MusicXML (OpenEWLD, OpenScore Lieder)."""
    archive = Archive(path)
    for name in archive.names:
        if not name.endswith(".mxl"):
            continue
        try:
            score = score_from_musicxml(unpack(archive.read_bytes(name), name, max_bytes=_MAX_SCORE_BYTES), name)
        except ScoreReadError:
            continue
        sung = next((t for t in score.tracks if any(n.lyric for n in t.notes)), None)
        sung = sung or (score.tracks[0] if score.tracks else None)
        tune = None if sung is None else tune_from_score(score, sung, tempo_is_known=False)
        if tune is not None:
            yield tune


def hear(tune: Tune, rng: np.random.Generator, *, notes: int) -> HeardTune:
    """Sing a stretch of a tune and listen to it, as badly as people sing and as `analyze` hears them.

    On re-sung melodies the segmentation finds 94 % of the notes, one in ten of what it finds is none, and starts
    deviate by 31 ms: the ranges here lie around that.

    Args:
        tune: On paper.
        rng: Source of all choices.
        notes: The most notes to give.
    """
    first = int(rng.integers(0, max(1, len(tune.starts) - notes + 1)))
    part = slice(first, first + notes)
    starts_s, ends_s, bpm = _sung_times(tune, part, rng)
    pitches = tune.pitches[part] + rng.normal(0.0, rng.uniform(0.05, 0.3), len(starts_s)) + rng.uniform(-6.0, 6.0)
    kept = rng.random(len(starts_s)) > rng.uniform(0.0, 0.12)
    sung = _Notes(starts_s[kept], ends_s[kept], pitches[kept], tune.places[part][kept], bpm[kept])
    heard = (sung, *_imagined(sung, rng))
    columns = [np.concatenate(values) for values in zip(*heard, strict=True)]
    order = np.argsort(columns[0], kind="stable")[:notes]
    starts, ends, pitch, places, tempo = (values[order] for values in columns)
    starts = np.maximum.accumulate(starts + 1e-3 * np.arange(len(starts)) / max(len(starts), 1))
    ends = np.minimum(np.maximum(ends, starts + 0.04), np.append(starts[1:], np.inf))
    return HeardTune(starts - starts[0], ends - starts[0], pitch, places, tempo)


def _sung_times(tune: Tune, part: slice, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Seconds of starts and ends, and the tempo at each note."""
    starts, ends = tune.starts[part], tune.ends[part]
    origin = np.floor(starts[0])
    bpm = tune.bpm
    if bpm is None:
        usual = float(np.median(np.diff(starts))) if len(starts) > 1 else 0.5
        bpm = float(np.clip(60.0 * usual / rng.uniform(*_USUAL_STEP_S), _SLOWEST_BPM, _FASTEST_BPM))
    paper = Score((Track("tune", (Note(0.0, float(ends[-1] - origin), 60),)),), tempo=TempoMap.constant(bpm))
    tempo = perform(paper, rng, bpm_factor=float(np.exp(rng.uniform(-0.25, 0.25)))).tempo
    starts_s = tempo.seconds_at(starts - origin)
    ends_s = tempo.seconds_at(ends - origin)
    # A lag that wanders from note to note, and what the ear adds.
    spread = rng.uniform(0.005, 0.035)
    late = rng.normal(0.0, spread, len(starts))
    for index in range(1, len(late)):
        late[index] = 0.5 * late[index - 1] + 0.87 * late[index]
    late += rng.normal(0.0, rng.uniform(0.003, 0.02), len(starts))
    legato = rng.uniform(0.6, 1.0)
    ends_s = starts_s + (ends_s - starts_s) * np.clip(rng.normal(legato, 0.15, len(starts)), 0.2, 1.0)
    around = tempo.seconds_at(starts - origin + 0.5) - tempo.seconds_at(np.maximum(starts - origin - 0.5, 0.0))
    bpms = 60.0 * np.where(starts - origin < 0.5, starts - origin + 0.5, 1.0) / around
    return starts_s + late, ends_s, bpms


def _imagined(sung: _Notes, rng: np.random.Generator) -> tuple[_Notes, _Notes]:
    """Notes that nobody sang: long ones heard as two, and slides or breaths before a note."""
    count = len(sung.starts_s)
    length = sung.ends_s - sung.starts_s
    split = rng.random(count) < rng.uniform(0.0, 0.2) * np.clip(length / 0.5, 0.3, 2.0)
    second = sung.pitches + rng.choice([0.0, 0.0, 0.0, -1.0, 1.0, 2.0], count)
    halves = _nothing(sung.starts_s + length * rng.uniform(0.25, 0.8, count), sung.ends_s, second, sung.bpm, split)
    slides = rng.random(count) < rng.uniform(0.0, 0.06)
    before = np.maximum(sung.starts_s - rng.uniform(0.06, 0.2, count), 0.0)
    glided = sung.pitches + rng.normal(0.0, 3.0, count)
    return halves, _nothing(before, sung.starts_s, glided, sung.bpm, slides)


def _nothing(starts_s: Floats, ends_s: Floats, pitches: Floats, bpm: Floats, chosen: NDArray[np.bool_]) -> _Notes:
    places = np.full(int(chosen.sum()), ELSEWHERE, np.int64)
    return _Notes(starts_s[chosen], ends_s[chosen], pitches[chosen], places, bpm[chosen])
