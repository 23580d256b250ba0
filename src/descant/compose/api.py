"""`Composer`: a melody in, a band out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from descant.compose.arrange.band import arrange
from descant.compose.arrange.drums import Grooves
from descant.compose.arrange.ending import final_piano, with_final_bar
from descant.compose.arrange.form import BarPlan, at_density, plan
from descant.compose.arrange.styles import Style, style_named
from descant.compose.config import BandOptions
from descant.compose.grid import Bar, bars_of, chord_spans, chords_by_bar
from descant.compose.harmony import Harmonisation, HarmonyTables, harmonise
from descant.compose.network import load_transformer
from descant.compose.tokens import VELOCITIES, Controls, home_shift, token_features
from descant.compose.value import Judgement, judge
from descant.compose.writer import Sampling, Writer, Written
from descant.errors import NothingHeard, ScoreReadError
from descant.hub.store import fetch
from descant.nets.relative_transformer import RelativeTransformer
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.harmony import ChordSpan, Key
from descant.score.notes import Note, Score, Section, Track

_INTRO_BARS = 4
_TUNE_CENTRE = 69
_FASTEST_BPM = 400.0
_LONGEST_QUARTERS = 40_000  # six hours of a fast song
_STYLE_BLEND = 0.85


@dataclass(frozen=True, slots=True)
class Take:
    """One band for a melody.

    Attributes:
        score: The melody and the band's tracks on the melody's own time line, with key, chords and sections.
        chords: The chords it plays, in quarters.
        value: 0 to 1; of several takes the highest is the best.
        seed: The seed that writes this take again.
        judgement: What the value is made of.
    """

    score: Score
    chords: tuple[ChordSpan, ...]
    value: float
    seed: int
    judgement: Judgement


class Composer:
    """Writes bands for melodies.

    Args:
        model: Trained by `train.accompaniment`.
        context: Tokens it was trained to look back on.
        tables: The harmoniser's.
        grooves: Drum patterns.
    """

    def __init__(self, model: RelativeTransformer, context: int, tables: HarmonyTables, grooves: Grooves) -> None:
        self.model = model.eval()
        self.tables = tables
        self._grooves = grooves
        self._writer = Writer(model, context)

    @classmethod
    def load(
        cls,
        name: str = "descant-accompaniment",
        *,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Composer:
        """Load a card's weights, which ship with Descant."""
        return cls.from_folder(fetch(name, progress=progress, cancel=cancel))

    @classmethod
    def from_folder(cls, folder: Path) -> Composer:
        """From a folder with config.json, weights.safetensors, harmony.safetensors and grooves.json.

        Raises:
            CardError: The weights are not what the configuration says.
        """
        model, described = load_transformer(folder, token_features())
        grooves = json.loads((folder / "grooves.json").read_text(encoding="utf-8"))
        tables = tables_from(load_file(folder / "harmony.safetensors"), described["chord_qualities"])
        return cls(model, model.config.max_distance, tables, Grooves(grooves))

    def __call__(
        self,
        score: Score,
        options: BandOptions = BandOptions(),  # noqa: B008 - frozen
        *,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> tuple[Take, ...]:
        """Write the band for the score's track "melody", the best take first.

        Args:
            score: Positions in quarters of its tempo map, which the band follows; key, chords and sections are
                used if they are there.
            options: What is asked of the band.
            progress: Receives progress.
            cancel: Stops the work between bars.

        Raises:
            NothingHeard: There is no melody.
        """
        monitor = Monitor(progress, cancel, "harmony")
        style = style_named(options.style)
        song = self._song(score, options)
        monitor.report(0.1)
        plans = at_density(plan(song.bars, score.sections), options.density)
        shift = home_shift(song.bars)
        home = [_at_tune_height(bar, song.octaves).transpose(shift) for bar in song.bars]
        seeds = [options.seed + number for number in range(options.takes)]
        asked = [_controls(plans, style, options, seed) for seed in seeds]
        sampling = Sampling(temperature=options.temperature, bridge="answer" in options.players())
        written = self._writer(home, asked, seeds=seeds, sampling=sampling, monitor=monitor.part("composing", 0.1, 0.9))
        takes = []
        for seed, controls, one in zip(seeds, asked, written, strict=True):
            judged = judge(one.bars, controls, one.nats)
            takes.append(self._take(score, song, plans, one, judged, style, options, seed, shift))
        monitor.report(1.0)
        return tuple(sorted(takes, key=lambda take: (-take.value, take.seed)))

    def harmonise(self, score: Score, *, heard: Sequence[ChordSpan] = (), trust: float = 3.0) -> Harmonisation:
        """Chords for the score's melody alone, or combined with chords that were heard (see `compose.harmony`).

        Raises:
            NothingHeard: There is no melody.
        """
        bars = bars_of(score.with_tracks([_melody(score)]))
        return harmonise(bars, self.tables, key=score.key, heard=heard, trust=trust)

    def _song(self, score: Score, options: BandOptions) -> _Song:
        melody = _melody(score)
        alone = replace(score, tracks=(melody,), chords=())
        longest = max((t.bar_quarters for t in score.time_signatures), default=4.0)
        last_start = max(note.start for note in melody.notes)
        if last_start > _LONGEST_QUARTERS:
            raise ScoreReadError(
                f"The melody lasts {last_start:.0f} quarter notes, more than {_LONGEST_QUARTERS}.",
                "Look for a stray note at its end, or cut the score.",
            )
        end = last_start + longest + 0.01
        form_end = max((section.end for section in score.sections), default=0.0) if options.whole else 0.0
        bars = bars_of(alone, end=max(end, min(form_end, _LONGEST_QUARTERS)))
        given = options.chords if options.chords is not None else score.chords
        if given:
            found = chords_by_bar(tuple(given), tuple(bar.span for bar in bars))
            key = score.key or harmonise(bars, self.tables, heard=given).key
        else:
            harmony = harmonise(bars, self.tables, key=score.key)
            found, key = harmony.chords, score.key or harmony.key
        bars = tuple(replace(bar, chords=chords) for bar, chords in zip(bars, found, strict=True))
        bars = with_final_bar(bars, key, prefer_key=not given, until=form_end)
        first = next(i for i, bar in enumerate(bars) if bar.melody)
        begins = max(0, first - _INTRO_BARS)
        if options.whole:
            begins = next((i for i, bar in enumerate(bars[:begins]) if _has_chord(bar)), begins)
        bars = bars[begins:]
        median = float(np.median([note.pitch for note in melody.notes]))
        return _Song(bars, key, melody, 12 * round((_TUNE_CENTRE - median) / 12))

    def _take(
        self,
        score: Score,
        song: _Song,
        plans: Sequence[BarPlan],
        written: Written,
        judged: Judgement,
        style: Style,
        options: BandOptions,
        seed: int,
        shift: int,
    ) -> Take:
        bars = [
            replace(bar, piano=home.transpose(-shift).piano, bridge=home.transpose(-shift).bridge)
            for bar, home in zip(song.bars, written.bars, strict=True)
        ]
        before = bars[-2].piano if len(bars) > 1 else ()
        level = VELOCITIES[2 if plans[-1].intensity < 0.6 else 3]
        bars[-1] = replace(bars[-1], piano=final_piano(bars[-1], before, level), bridge=())
        generator = np.random.default_rng((seed, 1))
        tracks = arrange(bars, plans, style, self._grooves, options.players(), generator)
        tracks = tuple(replace(t, notes=_playable(t.notes, score)) for t in tracks)
        chords = chord_spans(tuple(bars))
        full = replace(
            score,
            tracks=(song.melody, *(t for t in tracks if t.notes)),
            key=song.key,
            chords=chords,
            sections=score.sections or _sections(song.bars, plans),
        )
        return Take(full, chords, judged.value, seed, judged)


@dataclass(frozen=True, slots=True)
class _Song:
    bars: tuple[Bar, ...]
    key: Key
    melody: Track
    octaves: int


def compose(
    score: Score,
    options: BandOptions = BandOptions(),  # noqa: B008 - frozen
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> tuple[Take, ...]:
    """Write a band with the default card; see `Composer`."""
    return Composer.load()(score, options, progress=progress, cancel=cancel)


def tables_from(arrays: dict[str, np.ndarray[Any, Any]], qualities: Sequence[str]) -> HarmonyTables:
    """The harmoniser's tables from their file."""
    return HarmonyTables(qualities=tuple(qualities), **arrays)


def _melody(score: Score) -> Track:
    melody = score.track("melody")
    if melody is None or not melody.notes:
        raise NothingHeard(
            "There is no melody to accompany.", 'The score needs a track named "melody" with at least one note.'
        )
    return melody


def _has_chord(bar: Bar) -> bool:
    return any(not chord.is_none for _, chord in bar.chords)


def _at_tune_height(bar: Bar, semitones: int) -> Bar:
    """The melody moved by octaves to where the model has seen melodies; the band's height does not follow."""
    return replace(bar, melody=tuple(replace(note, pitch=note.pitch + semitones) for note in bar.melody))


def _controls(plans: Sequence[BarPlan], style: Style, options: BandOptions, seed: int) -> list[Controls]:
    generator = np.random.default_rng((seed, 0))
    lean = generator.normal(0.0, 0.25)
    asked = []
    for bar in plans:
        level = bar.intensity
        density = _between(style.density, level + 0.6 * (options.density - 0.5), lean)
        dynamics = _between(style.dynamics, level, 0.0)
        free = generator.random() > _STYLE_BLEND
        answer = 0 if bar.is_sung and level < 0.5 else 1
        asked.append(Controls(None if free else density, dynamics, None, answer if bar.is_sung else None))
    return asked


def _between(bounds: tuple[int, int], level: float, lean: float) -> int:
    low, high = bounds
    return int(np.clip(round(low + (high - low) * float(np.clip(level, 0.0, 1.0)) + lean), 1 if low else 0, 5))


def _playable(notes: tuple[Note, ...], score: Score) -> tuple[Note, ...]:
    """Without the notes in stretches that the tempo map squeezes to almost nothing (a lead-in without room)."""
    return tuple(note for note in notes if score.tempo.bpm_at(note.start) <= _FASTEST_BPM)


def _sections(bars: Sequence[Bar], plans: Sequence[BarPlan]) -> tuple[Section, ...]:
    sections: list[Section] = []
    for bar, asked in zip(bars, plans, strict=True):
        if sections and not asked.opens:
            sections[-1] = replace(sections[-1], end=bar.span.end)
        else:
            sections.append(Section(bar.span.start, bar.span.end, asked.label))
    return tuple(sections)
