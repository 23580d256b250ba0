"""Instruments on notes of pitches that were held out, beside a sampler, a perfect copy and silence.

The notes are those of SING's test split: some pitches of every instrument that no system has learned from. What a
producer would otherwise use, a sampler with the other pitches, is the system that all others are tested against.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from descant.data.notes.note_set import NoteItem, NoteSet
from descant.errors import InputNotFound, InvalidOption
from descant.evaluate.comparisons import COLUMNS, paired_row
from descant.evaluate.instrument_metrics import METRICS, Heard, evaluate, heard
from descant.evaluate.instrument_speed import QUOTED, VOICES, Speed, described_machine, speed_of
from descant.evaluate.instrument_systems import Copy, NoteMaker, RenderedNotes, Silence
from descant.evaluate.nearest_pitch import NearestPitch
from descant.evaluate.report import Cell, Report, Table
from descant.evaluate.scores import Scores
from descant.evaluate.statistics import bootstrap_interval
from descant.progress import CancelToken, Monitor, ProgressSink

NAME = "instrument"
FAMILY_METRICS = ("SING 16k", "SING 48k", "multi-resolution", "in tune")

_SEED = 0


@dataclass(frozen=True, slots=True)
class InstrumentTest:
    """What is measured on.

    Attributes:
        data: A set of `descant data notes`, or NSynth.
        notes: How many held-out notes, drawn evenly from all; 0 takes every one.
        speed: Whether systems are timed, too.
    """

    data: Path
    notes: int = 0
    speed: bool = True

    def __post_init__(self) -> None:
        if self.notes < 0:
            raise InvalidOption(f"--notes {self.notes} is no count.", "Give 1 or more, or 0 for all.")


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One system.

    Attributes:
        name: Its name.
        scores: Of each note, in the order of the notes.
        speed: None where it was not timed.
    """

    name: str
    scores: tuple[Scores, ...]
    speed: Speed | None


@dataclass(frozen=True, slots=True, eq=False)
class InstrumentResult:
    """All that was measured.

    Attributes:
        notes: What was asked for.
        systems: The sampler first, then those under test, then a perfect copy and silence.
        report: Tables of it.
    """

    notes: tuple[NoteItem, ...]
    systems: tuple[Measured, ...]
    report: Report


def held_out(data: Path, count: int = 0) -> tuple[tuple[NoteItem, ...], tuple[NoteItem, ...]]:
    """Training notes and held-out ones of instruments that have both.

    Args:
        data: The set.
        count: How many held-out ones, drawn by a fixed seed; 0 for all.

    Raises:
        InputNotFound: There is no set, or nothing is held out.
        TextReadError: Its index is damaged.
    """
    shares = NoteSet(data).splits()
    known = {note.instrument for note in shares["train"]}
    asked = [note for note in shares["test"] if note.instrument in known]
    if not asked:
        raise InputNotFound(
            f"No pitch of {data} is held out for the test.", "Make a larger set with `descant data notes`."
        )
    if 0 < count < len(asked):
        drawn = np.random.default_rng(_SEED).permutation(len(asked))[:count]
        asked = [asked[n] for n in sorted(drawn)]
    return shares["train"], tuple(asked)


def standard_makers(training: Sequence[NoteItem], asked: Sequence[NoteItem]) -> tuple[NoteMaker, NoteMaker, NoteMaker]:
    """What every measurement stands beside: sampler, perfect copy and silence."""
    high = all(note.high is not None for note in asked)
    return NearestPitch(training, high=high), Copy(asked, high=high), Silence()


def evaluate_instrument(
    test: InstrumentTest,
    makers: Sequence[NoteMaker] = (),
    *,
    command: str,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> InstrumentResult:
    """Measure systems.

    Args:
        test: What on.
        makers: The systems under test; sampler, copy and silence are measured in any case.
        command: How to measure it again, for the report.
        progress: Receives `Progress` events.
        cancel: Stops the work when raised.

    Raises:
        InputNotFound: There is no set of notes, nothing is held out, or a system does not play an instrument.
        InvalidOption: Two systems have one name.
        Cancelled: `cancel` was raised.
    """
    monitor = Monitor(progress, cancel, "measuring")
    training, asked = held_out(test.data, test.notes)
    sampler, copy, silence = standard_makers(training, asked)
    systems = (sampler, *makers, copy, silence)
    names = [maker.name for maker in systems]
    if len({*names}) < len(names):
        raise InvalidOption(f"Two systems have one name among {', '.join(names)}.", "Give each its own.")
    timing = monitor.part("timing", 0.9, 1.0)
    speeds: dict[str, Speed] = {}
    scores = _scores(asked, systems, monitor.part("measuring", 0.0, 0.9))
    # Files that others have rendered say nothing about how fast that was.
    timed = [m for m in (sampler, *makers) if test.speed and not isinstance(m, RenderedNotes)]
    for number, maker in enumerate(timed):
        speeds[maker.name] = speed_of(
            maker, asked, timing.part("timing", number / len(timed), (number + 1) / len(timed))
        )
    measured = tuple(Measured(name, tuple(scores[name]), speeds.get(name)) for name in names)
    monitor.report(1.0)
    return InstrumentResult(asked, measured, _report(asked, measured, command))


def truth_of(note: NoteItem) -> Heard:
    """A recording in both forms of its set."""
    low = note.read()
    return Heard(low, note.read(high=True) if note.high is not None else low)


def _scores(asked: Sequence[NoteItem], systems: Sequence[NoteMaker], monitor: Monitor) -> Mapping[str, list[Scores]]:
    found: dict[str, list[Scores]] = {maker.name: [] for maker in systems}
    for done, note in enumerate(asked):
        truth = truth_of(note)
        for number, maker in enumerate(systems):
            monitor.report((done + number / len(systems)) / len(asked), note.name)
            clip = maker.play(note.instrument, note.pitch, note.velocity)
            found[maker.name].append(evaluate(truth, heard(clip, truth.full), note.pitch))
    return found


def _report(asked: Sequence[NoteItem], systems: Sequence[Measured], command: str) -> Report:
    pairs = _pairs(asked)
    sampler = systems[0]
    tables = [
        Table(
            f"{len(asked)} held-out notes ({len(pairs)} pairs of instrument and pitch)",
            ("", *(metric.name for metric in METRICS)),
            tuple((s.name, *(bootstrap_interval(_of_pairs(s, m.name, pairs)) for m in METRICS)) for s in systems),
        )
    ]
    columns = (COLUMNS[0], COLUMNS[1], "pairs better", "pairs worse", *COLUMNS[4:])
    for system in systems[1:-2]:
        rows = [
            paired_row(
                metric.name,
                _of_pairs(sampler, metric.name, pairs),
                _of_pairs(system, metric.name, pairs),
                higher_is_better=metric.higher_is_better,
            )
            for metric in METRICS
        ]
        tables.append(Table(f"{system.name} against {sampler.name}", columns, tuple(r for r in rows if r is not None)))
    tables += list(_family_tables(asked, systems))
    if any(system.speed for system in systems):
        tables.append(_speed_table(systems))
    return Report(NAME, command, tuple(tables), tuple(_notes(systems)))


def _family_tables(asked: Sequence[NoteItem], systems: Sequence[Measured]) -> Iterator[Table]:
    """A table per measure: families down, systems across."""
    families = sorted({note.family for note in asked})
    rows_of = {family: [n for n, note in enumerate(asked) if note.family == family] for family in families}
    for metric in METRICS:
        if metric.name not in FAMILY_METRICS:
            continue
        rows: list[tuple[Cell, ...]] = []
        for family, places in rows_of.items():
            pairs = _pairs([asked[n] for n in places])
            chosen = [Measured(s.name, tuple(s.scores[n] for n in places), None) for s in systems]
            means = [[v for v in _of_pairs(s, metric.name, pairs) if v is not None] for s in chosen]
            rows.append((family, len(pairs), *(fmean(values) if values else None for values in means)))
        yield Table(f"{metric.name}, by family", ("", "pairs", *(s.name for s in systems)), tuple(rows))


def _speed_table(systems: Sequence[Measured]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (s.name, s.speed.sample_rate, s.speed.channels, s.speed.one, s.speed.chord, 1000.0 * s.speed.first_s)
        for s in systems
        if s.speed is not None
    ]
    rows += [(f"{name} (quoted)", rate, channels, speed, None, None) for name, rate, channels, speed in QUOTED]
    return Table(
        "Seconds of sound per second",
        ("", "Hz", "channels", "one voice", f"chord of {VOICES}", "first note, ms"),
        tuple(rows),
    )


def _notes(systems: Sequence[Measured]) -> Iterator[str]:
    for metric in METRICS:
        direction = "higher" if metric.higher_is_better else "lower"
        yield f"{metric.name}: {metric.meaning}; {direction} is better."
    yield (
        "Velocities of a pair of instrument and pitch are averaged first; means over pairs with 95 % bootstrap "
        "intervals. Differences: system minus sampler, pairs drawn with replacement; tests are two-sided and paired, "
        "not corrected for the number of measures. A dash: nothing was there to measure."
    )
    yield "What a system makes at another rate or in mono is resampled and copied to both channels first."
    if any(system.speed for system in systems):
        yield (
            f"Speed: warm, on {described_machine()}; medians of 5 notes and 3 chords. The sampler reads its recordings "
            "from disk. A chord of 16 that is made at 1 or more can be played live. Quoted figures are others'."
        )


def _pairs(asked: Sequence[NoteItem]) -> Mapping[tuple[str, int], list[int]]:
    """Places of the notes of each pair of instrument and pitch."""
    found: dict[tuple[str, int], list[int]] = {}
    for place, note in enumerate(asked):
        found.setdefault((note.instrument, note.pitch), []).append(place)
    return found


def _of_pairs(system: Measured, metric: str, pairs: Mapping[tuple[str, int], list[int]]) -> list[float | None]:
    """A value per pair: the mean over its velocities."""
    rows = [[system.scores[n][metric] for n in places] for places in pairs.values()]
    known = [[value for value in row if value is not None] for row in rows]
    return [fmean(row) if row else None for row in known]
