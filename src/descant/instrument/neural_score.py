"""Tracks of a score through neural instruments; `line_up` says who plays which."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip, Stems
from descant.audio.resample import resample
from descant.errors import OutOfMemory
from descant.instrument.neural import NeuralPlayer
from descant.instrument.neural_note import Event, render, sounding_s
from descant.nets.neural_instrument import NeuralInstrument
from descant.nets.partial_synth import SAMPLE_RATE
from descant.parallel import Tally, side_by_side
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.notes import Note, Score, Track
from descant.score.render import check_request, stem_names

Floats = NDArray[np.float32]

_Placed = tuple[int, Event]

HEADROOM = 0.35
"""Puts neural tracks beside those of a SoundFont: the same phrase is as loud, in the median of the instruments."""
_CUT_FADE_S = 0.01
_BATCH = 64
_ROUNDED = 240
"""Lengths of notes are rounded to so many parts of a second: what is alike is made once."""
_FRAME_BYTES = 8
_MAX_BYTES = 8 * 2**30


def play_tracks(
    score: Score,
    players: Mapping[int, NeuralPlayer],
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
        players: Places of the tracks, and who plays them.
        sample_rate: Of the result, in Hz; made at 48 kHz.
        length_s: Exact length; None ends when the last note has rung out.
        vibrato: 1 as recorded, 0 none.
        progress: Receives the share that is done.
        cancel: Stops within some notes.

    Raises:
        InvalidOption, ScoreReadError: As `score.render.check_request`.
        OutOfMemory: The stems would not fit into memory.
    """
    monitor = Monitor(progress, cancel, "playing")
    check_request(score, sample_rate, length_s)
    limit = None if length_s is None else round(length_s * SAMPLE_RATE)
    parts = {place: _events(score, score.tracks[place], who.row, vibrato) for place, who in players.items()}
    nets = {place: who.instruments.net for place, who in players.items()}
    frames = limit if limit is not None else max((_end(nets[k], part) for k, part in parts.items()), default=0)
    if frames * max(len(players), 1) * _FRAME_BYTES > _MAX_BYTES:
        raise OutOfMemory("The stems would not fit into memory.", "Play fewer tracks or a part of the score.")
    tally = Tally(monitor, sum(map(len, parts.values())))
    monitor.report(0.0)

    def play(place: int, stop: CancelToken) -> Clip:
        stem = _stem(nets[place], parts[place], frames, tally, stop)
        stem *= np.float32(HEADROOM * players[place].player.gain)
        if limit is not None:
            fade = min(round(_CUT_FADE_S * SAMPLE_RATE), frames)
            stem[:, frames - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
        return resample(Clip(stem, SAMPLE_RATE), sample_rate)

    clips = side_by_side(play, parts, cancel=cancel)
    monitor.report(1.0)
    names = stem_names(score)
    return Stems({names[place]: clip for place, clip in zip(parts, clips, strict=True)})


def _stem(net: NeuralInstrument, part: Sequence[_Placed], frames: int, tally: Tally, stop: CancelToken) -> Floats:
    """One track; notes that are alike are made once."""
    stem = np.zeros((2, frames), np.float32)
    alike: dict[Event, list[int]] = defaultdict(list)
    for start, event in part:
        alike[event].append(start)
    for events in _batches(list(alike)):
        stop.check()
        for event, sound in zip(events, render(net, events), strict=True):
            for start in alike[event]:
                fitting = sound[:, : max(frames - start, 0)]
                stem[:, start : start + fitting.shape[1]] += fitting
            tally.add(len(alike[event]))
    return stem


def _end(net: NeuralInstrument, part: Sequence[_Placed]) -> int:
    """The sample at which the last note of a track has rung out."""
    starts, events = [start for start, _ in part], [event for _, event in part]
    lengths = [length for some in _batches(events) for length in sounding_s(net, some)]
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
