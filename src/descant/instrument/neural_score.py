"""A score through neural instruments: each track by the player that its program asks for, or that a map names."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip, Stems
from descant.audio.resample import resample
from descant.errors import OutOfMemory, ScoreReadError
from descant.instrument.neural import NeuralInstruments
from descant.instrument.neural_note import Event, render, sounding_s
from descant.nets.partial_synth import SAMPLE_RATE
from descant.parallel import Tally
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.notes import Note, Score, Track
from descant.score.render import MAX_DURATION_S, stem_names

Floats = NDArray[np.float32]

_Placed = tuple[int, Event]

HEADROOM = 0.3
"""A full chord at a strong velocity stays below full scale."""
_CUT_FADE_S = 0.01
_BATCH = 64
_ROUNDED = 240
"""Lengths of notes are rounded to so many parts of a second: what is alike is made once."""
_FRAME_BYTES = 8
_MAX_BYTES = 8 * 2**30


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays a track.

    Attributes:
        track: Name of the track's stem.
        program: What the track asks for.
        name: What plays it.
        is_substitute: Whether that is another instrument than the program names.
    """

    track: str
    program: int
    name: str
    is_substitute: bool


def cast_score(
    score: Score, instruments: NeuralInstruments, by_name: Mapping[str, str] | None = None
) -> dict[int, Cast]:
    """Who plays which track; drum tracks are left out: they are no matter of pitches.

    Args:
        score: The score.
        instruments: Who can play.
        by_name: Names of stems to names of instruments; "*" stands for all others.

    Returns:
        Places of tracks to players.

    Raises:
        InvalidOption: A name is unknown.
    """
    wanted = by_name or {}
    found = {}
    for place, (name, track) in enumerate(zip(stem_names(score), score.tracks, strict=True)):
        asked = wanted.get(name, wanted.get("*"))
        if track.is_drum:
            continue
        row = instruments.roster.row_for(track.program) if asked is None else instruments.roster.row(asked)
        player = instruments.roster.players[row]
        found[place] = Cast(name, track.program, player.name, asked is None and player.program != track.program)
    return found


def play_tracks(
    score: Score,
    instruments: NeuralInstruments,
    cast: Mapping[int, Cast],
    sample_rate: int,
    *,
    length_s: float | None = None,
    vibrato: float = 1.0,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Stems:
    """Tracks of a score as stereo stems.

    Times follow the tempo map to the sample, bends are honoured note by note, releases ring out.

    Args:
        score: The score.
        instruments: Who plays.
        cast: Which tracks, and who plays them; see `cast_score`.
        sample_rate: Of the result, in Hz; made at 48 kHz.
        length_s: Exact length; None ends when the last note has rung out.
        vibrato: 1 as recorded, 0 none.
        progress: Receives the share that is done.
        cancel: Stops within some notes.

    Raises:
        ScoreReadError: The score lasts longer than six hours.
        OutOfMemory: The stems would not fit into memory.
    """
    monitor = Monitor(progress, cancel, "playing")
    if length_s is None and score.duration_s > MAX_DURATION_S:
        raise ScoreReadError("The score lasts more than 6 hours.", "Look for a stray note at its end.")
    limit = None if length_s is None else round(length_s * SAMPLE_RATE)
    parts = {
        place: _events(score, score.tracks[place], instruments.roster.row(who.name), vibrato)
        for place, who in cast.items()
    }
    frames = limit if limit is not None else max((_end(instruments, part) for part in parts.values()), default=0)
    if frames * max(len(cast), 1) * _FRAME_BYTES > _MAX_BYTES:
        raise OutOfMemory("The stems would not fit into memory.", "Play fewer tracks or a part of the score.")
    tally = Tally(monitor, sum(map(len, parts.values())))
    monitor.report(0.0)
    stems = {}
    for place, part in parts.items():
        stem = _stem(instruments, part, frames, tally, cancel)
        if limit is not None:
            fade = min(round(_CUT_FADE_S * SAMPLE_RATE), frames)
            stem[:, frames - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        stems[cast[place].track] = resample(Clip(stem, SAMPLE_RATE), sample_rate)
    monitor.report(1.0)
    return Stems(stems)


def _stem(
    instruments: NeuralInstruments, part: Sequence[_Placed], frames: int, tally: Tally, cancel: CancelToken | None
) -> Floats:
    """One track; notes that are alike are made once."""
    stem = np.zeros((2, frames), np.float32)
    alike: dict[Event, list[int]] = defaultdict(list)
    for start, event in part:
        alike[event].append(start)
    for events in _batches(list(alike)):
        if cancel is not None:
            cancel.check()
        for event, sound in zip(events, render(instruments.net, events), strict=True):
            for start in alike[event]:
                fitting = sound[:, : max(frames - start, 0)]
                stem[:, start : start + fitting.shape[1]] += np.float32(HEADROOM) * fitting
            tally.add(len(alike[event]))
    return stem


def _end(instruments: NeuralInstruments, part: Sequence[_Placed]) -> int:
    """The sample at which the last note of a track has rung out."""
    starts, events = [start for start, _ in part], [event for _, event in part]
    lengths = [length for some in _batches(events) for length in sounding_s(instruments.net, some)]
    ends = (start + math.ceil(length * SAMPLE_RATE) for start, length in zip(starts, lengths, strict=True))
    return max(ends, default=0)


def _batches(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    yield from (events[first : first + _BATCH] for first in range(0, len(events), _BATCH))


def _events(score: Score, track: Track, row: int, vibrato: float) -> list[_Placed]:
    """Notes with their first samples."""
    if not track.notes:
        return []
    starts = np.maximum(score.tempo.seconds_at([note.start for note in track.notes]), 0.0)
    ends = np.maximum(score.tempo.seconds_at([note.end for note in track.notes]), 0.0)
    return [
        (round(start * SAMPLE_RATE), _event(score, note, row, end - start, vibrato))
        for note, start, end in zip(track.notes, starts.tolist(), ends.tolist(), strict=True)
    ]


def _event(score: Score, note: Note, row: int, held_s: float, vibrato: float) -> Event:
    bends: tuple[tuple[float, float], ...] = ()
    if note.bends:
        seconds = score.tempo.seconds_at([note.start + b.offset for b in note.bends]) - score.tempo.seconds(note.start)
        bends = tuple(zip(seconds.tolist(), (b.semitones for b in note.bends), strict=True))
    return Event(row, note.pitch, note.velocity, round(held_s * _ROUNDED) / _ROUNDED, bends, vibrato)
