"""Beats of a voice alone: the bars in which the starts of the sung notes make the most sense.

A net trained on bands hears little pulse in a voice, but a melody's rhythm tells much: which steps notes take from
which sixteenth of the bar. Notes are read as a metrical hidden Markov model (Raphael 2001; Nakamura, Yoshii and
Sagayama 2017): the state is a place in the bar and a tempo, a step of so many sixteenths explains the time to the next
note, notes may be wrong and are then skipped at a price, and the tempo gives way stiffly. A stiff curve through the
notes then makes the beats, so that single notes may be early or late while the grid stays with the singer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from descant.analyze.beats import HINT_TOLERANCE
from descant.analyze.meter import MeterEvidence, tempo_bins
from descant.analyze.rhythm import LONGEST_STEP, PER_BEAT, step_log_probabilities
from descant.audio.clip import Clip
from descant.dsp.pitch import PitchTrack
from descant.dsp.segment import Segment, SegmentOptions, segment
from descant.dsp.voice import VoiceFrames, onset_evidence, voice_frames
from descant.nets.meter_reader import ELSEWHERE, place_range
from descant.score.tempo import BeatGrid

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

MIN_NOTES = 8
_ONSET_LEAD_S = 0.010
_METERS = ((4, 0.0), (3, -4.0))
"""Bar lengths in beats, and the log odds of each beforehand."""
_NOTES = SegmentOptions(note_cost=3.5, onset_weight=6.0, shortest_s=0.05)
"""Notes come cheaper here than on paper: a note too many is skipped, a beat whose note is missed has no witness."""

_MAX_SKIPPED = 2
_UNRELATED = 0.02
_TOLERANCE_S = 0.07
_LEAST_LOG = -9.0


@dataclass(frozen=True, slots=True)
class SteadyOptions:
    """How a melody's beats are searched.

    Attributes:
        lowest_bpm: Slowest tempo.
        highest_bpm: Fastest tempo.
        usual_bpm: Where the tempo prior peaks.
        spread_octaves: Standard deviation of the tempo prior in octaves.
        prior_weight: Weight of the tempo prior, as if it were said so many times.
        tempo_step: Ratio less one of neighbouring tempi.
        stiffness: Cost of a tempo change, per relative change from one note to the next.
        timing_s: By how much the distance of two notes deviates from what was meant.
        skip_cost: Price of taking a note for a mistake; notes of full weight cost twice as much.
        beat_weight: Weight of the net's log odds of a beat at notes on beats.
        downbeat_weight: Weight of its log odds of a downbeat at notes on downbeats.
        place_weight: Weight of the reader's log-probability of a place in the bar.
        tempo_weight: Weight of its log-probability of a tempo.
        grid_stiffness: How much smoother than the singer the grid runs.
    """

    lowest_bpm: float = 50.0
    highest_bpm: float = 180.0
    usual_bpm: float = 92.0
    spread_octaves: float = 0.4
    prior_weight: float = 10.0
    tempo_step: float = 0.02
    stiffness: float = 80.0
    timing_s: float = 0.025
    skip_cost: float = 2.5
    beat_weight: float = 0.1
    downbeat_weight: float = 0.4
    place_weight: float = 0.3
    tempo_weight: float = 0.2
    grid_stiffness: float = 8.0

    def near(self, bpm: float) -> SteadyOptions:
        """The same search within 6 % of a known tempo."""
        low, high = bpm / (1.0 + HINT_TOLERANCE), bpm * (1.0 + HINT_TOLERANCE)
        return replace(self, lowest_bpm=low, highest_bpm=high, usual_bpm=bpm, tempo_step=0.01)


@dataclass(frozen=True, slots=True, eq=False)
class SungNotes:
    """The notes of a voice, as far as its beats are concerned.

    Attributes:
        times_s: Starts of their vowels in seconds, rising, shape [notes].
        ends_s: Their ends, likewise.
        pitches: Fractional MIDI numbers, shape [notes].
        weights: How sure and how important each is, 0..1: long notes, notes after rests and clear syllables weigh
            more, shape [notes].
    """

    times_s: Floats
    ends_s: Floats
    pitches: Floats
    weights: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """What nets say of the notes: log odds of a beat and of a downbeat at each, and where in the bar each lies."""

    on_beat: Floats
    on_bar: Floats
    meter: MeterEvidence | None

    def at_places(self, bar: int, options: SteadyOptions) -> Floats:
        """What speaks for each sixteenth of the bar, shape [notes, sixteenths]."""
        places = np.arange(PER_BEAT * bar)
        odds = options.beat_weight * np.outer(self.on_beat, places % PER_BEAT == 0)
        odds += options.downbeat_weight * np.outer(self.on_bar, places == 0)
        if self.meter is not None:
            first, end = place_range(bar)
            odds += options.place_weight * np.maximum(self.meter.place[:, first:end], _LEAST_LOG)
        return odds

    def at_tempi(self, bpm: Floats, options: SteadyOptions) -> Floats:
        """What speaks for each tempo, shape [notes, tempi]."""
        if self.meter is None:
            return np.zeros((len(self.on_beat), len(bpm)))
        bins = np.log2(tempo_bins())
        rows = (np.interp(np.log2(bpm), bins, np.maximum(row, _LEAST_LOG)) for row in self.meter.tempo)
        return options.tempo_weight * np.stack(list(rows))

    def reality(self) -> Floats:
        """How probably each note was meant as one, shape [notes]."""
        if self.meter is None:
            return np.ones(len(self.on_beat))
        real: Floats = 1.0 - np.exp(self.meter.place[:, ELSEWHERE])
        return real


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """Notes on the sixteenths of bars."""

    score: float
    beats_per_bar: int
    notes: Integers
    quarters: Floats


_NO_NOTES = SungNotes(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))


def heard_notes(track: PitchTrack, clip: Clip) -> SungNotes:
    """The notes that a voice sings.

    Args:
        track: f0 of the voice.
        clip: The voice.
    """
    if len(track.times_s) < 3 or not track.voiced.any():
        return _NO_NOTES
    frames = voice_frames(track, clip)
    notes = segment(frames, _NOTES)
    if not notes:
        return _NO_NOTES
    times = np.asarray([max(float(frames.times_s[n.start]) - _ONSET_LEAD_S, 0.0) for n in notes])
    ends = np.asarray([float(frames.times_s[n.end - 1]) for n in notes])
    pitches = np.asarray([float(np.median(frames.midi[n.start : n.end])) for n in notes])
    return SungNotes(times, np.maximum(ends, times + frames.hop_s), pitches, _weights(frames, notes, times, ends))


def _weights(frames: VoiceFrames, notes: tuple[Segment, ...], times_s: Floats, ends: Floats) -> Floats:
    evidence = onset_evidence(frames)
    clear = np.asarray([evidence[max(0, n.start - 2) : n.start + 3].max() for n in notes])
    after_rest = np.concatenate([[True], times_s[1:] - ends[:-1] > 0.1])
    long: Floats = np.clip((ends - times_s) / 0.25, 0.2, 1.0)
    weights: Floats = long * np.maximum(np.where(after_rest, 1.0, 0.4), clear)
    return weights


def steady_beats(
    sung: SungNotes,
    beat: Floats,
    downbeat: Floats,
    frames_per_s: float,
    duration_s: float,
    options: SteadyOptions | None = None,
    meter: MeterEvidence | None = None,
) -> tuple[BeatGrid, float] | None:
    """The beats and bars in which a melody makes the most sense.

    Args:
        sung: Its notes.
        beat: Probability of a beat in each frame, from a net, shape [frames].
        downbeat: Probability of a downbeat, likewise.
        frames_per_s: Frame rate of both.
        duration_s: Length of the recording; beats go on to its end.
        options: Range and stiffness of the tempo.
        meter: Where in the bar the notes lie, from the reader of metres.

    Returns:
        The grid, and how well the notes lie on its eighths: 0 for chance, 1 when all do. None when there are fewer
        than eight notes.
    """
    options = options or SteadyOptions()
    if len(sung.times_s) < MIN_NOTES:
        return None
    heard = _Heard(
        _relative_odds(beat, frames_per_s, sung.times_s), _relative_odds(downbeat, frames_per_s, sung.times_s), meter
    )
    readings = [_read(sung, heard, bar, odds, options) for bar, odds in _METERS]
    best = max(readings, key=lambda reading: reading.score)
    if len(best.notes) < MIN_NOTES:
        return None
    times, numbers = _curve(sung, best, duration_s, options)
    if len(times) < 2:
        return None
    positions = tuple(int(n) for n in numbers % best.beats_per_bar + 1)
    return BeatGrid(tuple(times.tolist()), positions), _fit(sung, times)


def _relative_odds(probability: Floats, frames_per_s: float, times_s: Floats) -> Floats:
    """Log odds at the notes, against those of the average note."""
    at = np.arange(len(probability)) / frames_per_s
    nearest = np.max([np.interp(times_s + shift, at, probability) for shift in (-0.04, -0.02, 0.0, 0.02, 0.04)], axis=0)
    clipped = np.clip(nearest, 0.015, 0.985)
    odds = np.log(clipped) - np.log1p(-clipped)
    relative: Floats = odds - odds.mean()
    return relative


def _read(sung: SungNotes, heard: _Heard, bar: int, odds: float, options: SteadyOptions) -> _Reading:
    """The most probable places of notes in bars of one length (Viterbi)."""
    bpm = options.lowest_bpm * np.exp(
        np.arange(0.0, np.log(options.highest_bpm / options.lowest_bpm) + 1e-9, options.tempo_step)
    )
    first, steps = step_log_probabilities(bar)
    places = np.arange(len(first))
    prior = -0.5 * options.prior_weight * (np.log2(bpm / options.usual_bpm) / options.spread_octaves) ** 2
    change = -options.stiffness * np.abs(np.log(bpm[np.newaxis, :] / bpm[:, np.newaxis]))
    at_places, at_tempi = heard.at_places(bar, options), heard.at_tempi(bpm, options)
    skip = -options.skip_cost * (1.0 + sung.weights) * heard.reality()
    count = len(sung.times_s)
    score = np.full((count, len(places), len(bpm)), -np.inf)
    came_from = np.full((count, len(places), len(bpm)), -1, np.int32)  # the note before; -1 for none
    step = np.zeros(score.shape, np.int32)
    tempo = np.zeros(score.shape, np.int16)
    for i in range(count):
        best, note, taken = score[i], came_from[i], step[i]
        if i <= _MAX_SKIPPED + 1:
            best[:] = first[:, np.newaxis] + prior + skip[:i].sum()
        for j in range(i - 1, max(-1, i - 2 - _MAX_SKIPPED), -1):
            skipped = float(skip[j + 1 : i].sum())
            gap = float(sung.times_s[i] - sung.times_s[j])
            for steps_taken, likelihood in _possible_steps(gap, bpm, options):
                origin = (places[:, np.newaxis] - steps_taken) % len(places)
                reached = score[j][origin, np.arange(len(bpm))] + steps[origin, np.minimum(steps_taken, LONGEST_STEP)]
                reached += likelihood + skipped
                better = reached > best
                best[better], note[better] = reached[better], j
                taken[better] = np.broadcast_to(steps_taken, best.shape)[better]
        best += at_places[i][:, np.newaxis] + at_tempi[i]
        moved = best[:, :, np.newaxis] + change
        tempo[i] = moved.argmax(axis=1)
        for kept in (note, taken):
            kept[:] = np.take_along_axis(kept, tempo[i].astype(np.int64), axis=1)
        score[i] = moved.max(axis=1)
    return _traced(score, came_from, step, tempo, skip, bar, odds)


def _possible_steps(gap_s: float, bpm: Floats, options: SteadyOptions) -> list[tuple[Integers, Floats]]:
    """Steps in sixteenths that may fill a gap at each tempo, shape [tempi], with the log-likelihood of the gap."""
    sixteenth = 60.0 / PER_BEAT / bpm
    variance = options.timing_s**2 + (0.01 * gap_s) ** 2
    nearest = np.rint(gap_s / sixteenth).astype(np.int64)
    found = []
    for offset in (-1, 0, 1):
        steps: Integers = nearest + offset
        z2 = (gap_s - steps * sixteenth) ** 2 / variance
        usual = (1.0 - _UNRELATED) * np.exp(-0.5 * z2) / np.sqrt(2 * np.pi * variance)
        likelihood = np.log(usual + _UNRELATED * 0.3 / (1.0 + z2))
        found.append((np.maximum(steps, 1), np.where(steps >= 1, likelihood, -np.inf)))
    return found


def _traced(
    score: Floats,
    came_from: NDArray[np.int32],
    step: NDArray[np.int32],
    tempo: NDArray[np.int16],
    skip: Floats,
    bar: int,
    odds: float,
) -> _Reading:
    """The best path, from its last note back."""
    count = len(score)
    ends = [float(score[i].max()) + float(skip[i + 1 :].sum()) for i in range(count - 1 - _MAX_SKIPPED, count)]
    i = count - 1 - _MAX_SKIPPED + int(np.argmax(ends))
    place, column = (int(x) for x in np.unravel_index(int(score[i].argmax()), score[i].shape))
    notes, steps = [i], []
    while came_from[i, place, column] >= 0:
        steps.append(int(step[i, place, column]))
        before = int(came_from[i, place, column])
        column = int(tempo[i, place, column])
        place, i = (place - steps[-1]) % score.shape[1], before
        notes.append(i)
    sixteenths = place + np.concatenate([[0], np.cumsum(steps[::-1])])
    return _Reading(max(ends) + odds, bar, np.asarray(notes[::-1], np.int64), sixteenths / PER_BEAT)


def _curve(sung: SungNotes, reading: _Reading, duration_s: float, options: SteadyOptions) -> tuple[Floats, Integers]:
    """Times and numbers of all beats: a stiff curve near the notes, straight on before the first and after the last.

    Squared second differences of the beats are weighed against squared distances from the notes; notes far off the
    curve count less and less (iteratively reweighted least squares).
    """
    times, weights = sung.times_s[reading.notes], sung.weights[reading.notes] + 0.2
    first = int(np.floor(reading.quarters[0]))
    beats = int(np.ceil(reading.quarters[-1])) + 2 - first
    left = np.minimum((reading.quarters - first).astype(np.int64), beats - 2)
    share = reading.quarters - first - left
    trust = np.ones(len(times))
    curve = np.zeros(beats)
    for _ in range(6):
        w = weights * trust
        bands, right = np.zeros((3, beats)), np.zeros(beats)
        bands[2] += 1e-9
        np.add.at(bands[2], left, w * (1 - share) ** 2)
        np.add.at(bands[2], left + 1, w * share**2)
        np.add.at(bands[1], left + 1, w * share * (1 - share))
        np.add.at(right, left, w * (1 - share) * times)
        np.add.at(right, left + 1, w * share * times)
        for a, coefficient in enumerate((1.0, -2.0, 1.0)):
            for b, other in enumerate((1.0, -2.0, 1.0)[a:], start=a):
                bands[2 - (b - a), b : b + beats - 2] += options.grid_stiffness * coefficient * other
        curve = scipy.linalg.solveh_banded(bands, right)
        away = times - ((1 - share) * curve[left] + share * curve[left + 1])
        trust = 1.0 / (1.0 + (away / 0.04) ** 2)
    before, after = curve[1] - curve[0], curve[-1] - curve[-2]
    earlier = max(0, int(curve[0] // before))
    later = max(0, int((duration_s - curve[-1]) // after))
    whole = np.concatenate(
        [curve[0] - before * np.arange(earlier, 0, -1), curve, curve[-1] + after * np.arange(1, later + 1)]
    )
    numbers = first - earlier + np.arange(len(whole))
    inside = (whole >= 0.0) & (whole <= duration_s)
    return whole[inside], numbers[inside]


def _fit(sung: SungNotes, times_s: Floats) -> float:
    """Weighted share of notes within 70 ms of an eighth, above what chance would give, 0..1."""
    eighths = np.sort(np.concatenate([times_s, (times_s[1:] + times_s[:-1]) / 2]))
    distance = np.abs(sung.times_s[:, np.newaxis] - eighths).min(axis=1)
    share = float(np.average(distance <= _TOLERANCE_S, weights=sung.weights + 1e-6))
    chance = min(0.95, 2 * _TOLERANCE_S / float(np.median(np.diff(eighths))))
    return float(np.clip((share - chance) / (1.0 - chance), 0.0, 1.0))
