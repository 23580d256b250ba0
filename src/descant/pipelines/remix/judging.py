"""The step that measures a remix against its song, each measure beside what chance and other songs reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from descant.analyze.analysis import Analysis
from descant.analyze.api import analyze
from descant.audio.clip import Clip
from descant.audio.io import read
from descant.audio.loudness import integrated_lufs
from descant.dsp.beat_agreement import beat_f
from descant.dsp.correlation import (
    MEL_FPS,
    SAMPLE_RATE,
    Doubles,
    Floats,
    correlation_matrix,
    lag_correlation,
    mel_db,
    moments,
    mono_at,
    onsets,
)
from descant.dsp.likeness import chroma, likeness
from descant.errors import NothingHeard
from descant.pipelines.records import read_record, write_record
from descant.pipelines.remix.listening import ANALYSIS, VOCALS, read_stems
from descant.pipelines.remix.strangers import SONGS, Stranger, Strangers
from descant.progress import Monitor
from descant.score.harmony import Key, key_score

if TYPE_CHECKING:  # who calls a step is no part of its address
    from descant.pipelines.graph import Inputs

JUDGED = "judged.record.json"

_LONGEST_S = 600.0
_SHORTEST_S = 4.0
_PIECE_S = (1.5, 5.0)
_SHUFFLE_SEED = 5
_COLUMNS = 900
_MOMENTS = 120
_LAG_S, _ONSET_LAG_S, _IN_TIME_S = 2.0, 0.1, 0.05
_CURVE = 801
_PHASES = 8


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a remix beside its baselines.

    Attributes:
        name: For tables.
        value: Of the remix against the song; None where it cannot be taken.
        shuffled: Of what is left of the remix when its order in time is lost.
        others: The highest that another song reaches against this one.
        tells: Whether it separates "the same song performed anew" from "another song".
        about: What it is, in a few words.
    """

    name: str
    value: float | None
    shuffled: float | None
    others: float | None
    tells: bool
    about: str


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What was measured.

    Attributes:
        measures: In the order of the table.
        lag_s: Lag at which waveforms agree best; positive where the remix is late.
        onset_lag_s: Lag at which the onsets of old and new band agree best.
        before_lufs: Loudness of the song.
        stems_lufs: Of its stems.
        bpm: Tempo heard in the remix; 0 without beats.
        key: Key heard in it.
        transposition: Semitones by which it lies higher where harmonies agree best.
        lags_s: Lags of the two curves that follow, shape [lags].
        song_lags: Correlation of the waveforms against lag, shape [lags].
        other_lags: The same of another song, shape [lags].
        matrix: Correlation of spectra, moments of the song by moments of the remix.
        other_matrix: The same of another song.
        before: Spectrogram of the song in dB, shape [bands, columns].
        after: Of the remix.
        duration_s: Length of the song.
        after_s: Length of the remix.
        remarks: For people.
    """

    measures: tuple[Measure, ...]
    lag_s: float
    onset_lag_s: float | None
    before_lufs: float
    stems_lufs: dict[str, float]
    bpm: float
    key: Key | None
    transposition: int | None
    lags_s: NDArray[np.float32]
    song_lags: NDArray[np.float32]
    other_lags: NDArray[np.float32]
    matrix: NDArray[np.float32]
    other_matrix: NDArray[np.float32]
    before: NDArray[np.int16]
    after: NDArray[np.int16]
    duration_s: float
    after_s: float
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """A recording as the measures want it."""

    mono: Floats
    levels: Floats
    chroma: Floats | None
    onsets: Doubles


def judge(inputs: Inputs, _options: None, folder: Path, monitor: Monitor) -> None:
    """All measures and the data of all figures."""
    remarks: list[str] = []
    song, remix = (_start_of(read(path)) for path in (inputs["song"], inputs["mix"] / "mix.flac"))
    if song.duration_s >= _LONGEST_S:
        remarks.append(f"Songs are compared over their first {_LONGEST_S / 60:.0f} minutes.")
    monitor.report(0.05)
    heard, remixed, shuffled = (_heard(clip) for clip in (song, remix, _shuffled(remix)))
    monitor.report(0.3)
    strangers = read_record(inputs["strangers"] / SONGS, Strangers).songs
    others = [_heard(read(inputs["strangers"] / stranger.file)) for stranger in strangers]
    monitor.report(0.45)
    analysis = read_record(inputs["listen"] / ANALYSIS, Analysis)
    analysed = _analysis_of(remix, monitor.part("listening to the remix", 0.45, 0.8))
    stems = read_stems(inputs["separate"])
    old_band = [clip for name, clip in stems.items() if name != VOCALS]
    new_band = [read(p) for p in sorted((inputs["mix"] / "stems").iterdir()) if p.stem != VOCALS]
    lags = _onset_lags(old_band, new_band)
    monitor.report(0.85)
    qmax, transposition = _qmax(heard, remixed, shuffled, others)
    monitor.report(0.95)
    waves = [_waveform_lags(heard, one) for one in (remixed, shuffled, *others)]
    best = int(np.argmax(np.abs(waves[0])))
    compared = [remixed.levels, shuffled.levels, *(_as_long(one.levels, len(remixed.levels)) for one in others)]
    matrices = [_matrix(heard.levels, levels) for levels in compared]
    measures = (
        qmax,
        _beats(analysis, analysed, strangers),
        _key(analysis, analysed, strangers),
        _onset_measure(lags, heard, shuffled, others),
        _measure(
            "waveform correlation",
            [float(np.abs(wave).max()) for wave in waves],
            "peak of the FFT cross-correlation: how much the same samples sound, such as a voice that was kept",
        ),
        _measure(
            "spectrum correlation",
            [float(np.diag(matrix).mean()) for matrix in matrices],
            "mean of the correlation matrix's diagonal: changes of timbre at the same moments",
        ),
    )
    thinned = np.linspace(0, len(waves[0]) - 1, min(_CURVE, len(waves[0]))).astype(int)
    write_record(
        folder / JUDGED,
        Judged(
            measures=measures,
            lag_s=(best - len(waves[0]) // 2) / SAMPLE_RATE,
            onset_lag_s=None if lags is None else (int(np.argmax(lags)) - len(lags) // 2) / MEL_FPS,
            before_lufs=integrated_lufs(song),
            stems_lufs={name: integrated_lufs(clip) for name, clip in stems.items()},
            bpm=0.0 if analysed is None else analysed.bpm,
            key=None if analysed is None else analysed.key,
            transposition=transposition,
            lags_s=((thinned - len(waves[0]) // 2) / SAMPLE_RATE).astype(np.float32),
            song_lags=_envelope(waves[0], thinned),
            other_lags=_envelope(waves[2], thinned),
            matrix=np.round(matrices[0], 3),
            other_matrix=np.round(matrices[2], 3),
            before=_picture(heard.levels),
            after=_picture(remixed.levels),
            duration_s=song.duration_s,
            after_s=remix.duration_s,
            remarks=tuple(remarks),
        ),
    )


def _start_of(clip: Clip) -> Clip:
    return clip.slice(0.0, _LONGEST_S) if clip.duration_s > _LONGEST_S else clip


def _shuffled(clip: Clip) -> Clip:
    """The same sounds in another order; in pieces of many lengths, so that no beat survives."""
    rng = np.random.default_rng(_SHUFFLE_SEED)
    lengths = rng.uniform(*_PIECE_S, 2 + round(clip.duration_s / _PIECE_S[0])) * clip.sample_rate
    edges = [0, *(int(at) for at in np.cumsum(lengths) if at < clip.frames), clip.frames]
    order = rng.permutation(len(edges) - 1)
    return Clip(np.concatenate([clip.samples[:, edges[i] : edges[i + 1]] for i in order], axis=1), clip.sample_rate)


def _heard(clip: Clip) -> _Heard:
    mono = mono_at(clip)
    levels = mel_db(mono)
    has_harmony = clip.duration_s >= _SHORTEST_S and clip.peak > 0.0
    return _Heard(mono, levels, chroma(clip) if has_harmony else None, onsets(levels))


def _analysis_of(clip: Clip, monitor: Monitor) -> Analysis | None:
    try:
        return analyze(clip, progress=monitor.sink, cancel=monitor.cancel)
    except NothingHeard:
        return None


def _measure(name: str, values: Sequence[float], about: str, *, tells: bool = False) -> Measure:
    """From the values of the remix, the shuffled remix and other songs."""
    return Measure(name, values[0], values[1], max(values[2:]), tells, about)


def _qmax(song: _Heard, remix: _Heard, shuffled: _Heard, others: Sequence[_Heard]) -> tuple[Measure, int | None]:
    about = "longest common course of harmony in the best of 12 keys, share of the shorter (chroma cross-recurrence)"
    if song.chroma is None or remix.chroma is None or shuffled.chroma is None:
        return Measure("Qmax", None, None, None, True, about), None
    found = likeness(song.chroma, remix.chroma)
    values = [found.qmax, likeness(song.chroma, shuffled.chroma).qmax]
    # A longer song has more places to agree by chance: others are compared over as long a stretch as the remix.
    length = len(remix.chroma)
    values += [likeness(song.chroma, _as_long(o.chroma, length)).qmax for o in others if o.chroma is not None]
    return _measure("Qmax", values, about, tells=True), found.transposition


def _as_long(frames: Floats, length: int) -> Floats:
    """Cut, or played again from the start, to a length in frames."""
    return np.concatenate([frames] * (1 + length // max(1, len(frames))))[:length]


def _beats(song: Analysis, remix: Analysis | None, others: Sequence[Stranger]) -> Measure:
    about = "F of the beats heard in the remix against those heard in the song, within 70 ms"
    true = np.asarray(song.beats.times_s)
    if remix is None or len(true) < 2 or len(remix.beats.times_s) < 2:
        return Measure("beat agreement", None, None, None, True, about)
    found = np.asarray(remix.beats.times_s)
    period = float(np.median(np.diff(found)))
    chance = np.mean([beat_f(true, found + period * (k + 0.5) / _PHASES) for k in range(_PHASES)])
    end = float(true[-1])
    strange = max(beat_f(true, _beats_until(other.beats_s, end)) for other in others)
    return Measure("beat agreement", beat_f(true, found), float(chance), strange, True, about)


def _beats_until(beats_s: Sequence[float], end_s: float) -> Doubles:
    """Steady beats carried on to the end of a longer song."""
    period = beats_s[1] - beats_s[0]
    return np.arange(beats_s[0], end_s + period, period)


def _key(song: Analysis, remix: Analysis | None, others: Sequence[Stranger]) -> Measure:
    about = "MIREX score of the key heard in the remix: 1 the song's, 0.5 a fifth above, 0.3 relative, 0.2 parallel"
    if song.key is None or remix is None or remix.key is None:
        return Measure("key agreement", None, None, None, True, about)
    moved = [key_score(song.key, Key((remix.key.tonic + k) % 12, remix.key.mode)) for k in range(12)]
    strange = max(key_score(song.key, other.key) for other in others)
    return Measure("key agreement", key_score(song.key, remix.key), float(np.mean(moved)), strange, True, about)


def _onset_lags(old: Sequence[Clip], new: Sequence[Clip]) -> Doubles | None:
    """Correlation of the onsets of both bands against lag; None without two bands."""
    if not old or not new:
        return None
    first, second = (onsets(mel_db(_sum(clips))) for clips in (old, new))
    return lag_correlation(first, second, round(_ONSET_LAG_S * MEL_FPS))


def _sum(clips: Sequence[Clip]) -> Floats:
    monos = [mono_at(_start_of(clip)) for clip in clips]
    longest = max(len(mono) for mono in monos)
    total: Floats = np.sum([np.pad(mono, (0, longest - len(mono))) for mono in monos], axis=0, dtype=np.float32)
    return total


def _onset_measure(lags: Doubles | None, song: _Heard, shuffled: _Heard, others: Sequence[_Heard]) -> Measure:
    about = "correlation of the onsets of old and new band, best within 50 ms"
    if lags is None:
        return Measure("onset agreement", None, None, None, True, about)
    within = round(_IN_TIME_S * MEL_FPS)
    chance = [float(lag_correlation(song.onsets, one.onsets, within).max()) for one in (shuffled, *others)]
    middle = len(lags) // 2
    value = float(lags[middle - within : middle + within + 1].max())
    return _measure("onset agreement", [value, *chance], about, tells=True)


def _waveform_lags(first: _Heard, second: _Heard) -> Doubles:
    return lag_correlation(first.mono.astype(np.float64), second.mono.astype(np.float64), round(_LAG_S * SAMPLE_RATE))


def _matrix(first: Floats, second: Floats) -> Floats:
    """Of two sequences of spectra, as far as both go."""
    frames = min(len(first), len(second))
    return correlation_matrix(moments(first[:frames], _MOMENTS), moments(second[:frames], _MOMENTS))


def _envelope(curve: Doubles, at: NDArray[np.int64]) -> NDArray[np.float32]:
    """The value farthest from zero between points, so that thinning out loses no peak."""
    highest, lowest = np.maximum.reduceat(curve, at), np.minimum.reduceat(curve, at)
    return np.round(np.where(highest >= -lowest, highest, lowest), 5).astype(np.float32)


def _picture(levels: Floats) -> NDArray[np.int16]:
    columns = moments(levels, min(_COLUMNS, len(levels)))
    return np.round(columns.T).astype(np.int16)
