"""`analyze`: everything that can be heard in a recording.

The ladder: `Analyzer.load()`, `analyzer(clip)`, `analyze_file(path)`; `analyze(clip)` is the short way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.analyze.analysis import Analysis, LoudnessCurve, Span
from descant.analyze.beats import BeatOptions, beat_contrast, check_tempo, choose_level, count_bars, follow_beats
from descant.analyze.evidence import Evidence, load_listener, net_evidence, signal_evidence
from descant.analyze.features import (
    PULSE_HOP,
    SAMPLE_RATE,
    Features,
    extract_features,
    mono_for_listening,
)
from descant.analyze.harmony import change_odds, chords_on_beats, key_from_evidence
from descant.analyze.level import Choice, LevelChooser
from descant.analyze.meter import load_meter_reader, read_meter
from descant.analyze.sections import find_sections
from descant.analyze.steady import MIN_NOTES, SteadyOptions, heard_notes, steady_beats
from descant.analyze.tonality import TONAL, tonal_persistence
from descant.analyze.voice import BARE_SHARE, harmonic_share, spans_of, voiced_spans
from descant.audio.clip import Clip
from descant.audio.loudness import momentary_lufs
from descant.dsp.pitch import PitchTrack
from descant.errors import InvalidAudio, NothingHeard
from descant.hub.store import fetch
from descant.nets.listener import NO_CHORD_INDEX, QUALITIES, Listener
from descant.nets.meter_reader import MeterReader
from descant.nets.swift_f0 import SwiftF0
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.harmony import QUALITIES as INTERVALS
from descant.score.tempo import BeatGrid

NET = "descant-analysis"
SILENCE_PEAK = 1e-3
"""A recording that swings less than this (-60 dB) about its mean counts as silent."""

_LOWEST_LUFS = -100.0
_VOICE_PROBABILITY = 0.5
_BEAT_CONTRAST = 0.02
_KEY_CONFIDENCE = 0.12
_LENGTH_TOLERANCE_S = 0.1
_RIVAL = "The tempo may be {rival:.0f} BPM in place of {bpm:.0f}: name it if you know it."


class Analyzer:
    """The listener with its weights loaded.

    Args:
        pitch: Tracks the melody.
        listener: The trained net; None falls back on plain signal processing, which hears less.
        levels: Chooses the metrical level from what the net heard; None leaves that to a rule.
        meter: Reads the bars of a voice alone; None leaves them to the statistics of melodies.
    """

    def __init__(
        self,
        pitch: SwiftF0,
        listener: Listener | None,
        levels: LevelChooser | None = None,
        meter: MeterReader | None = None,
    ) -> None:
        self._pitch = pitch
        self._listener = listener
        self._levels = levels
        self._meter = meter

    @classmethod
    def load(cls, name: str | None = NET) -> Analyzer:
        """From a card's name, or None for plain signal processing.

        Raises:
            ModelNotFound: No such card.
            CheckpointError: The weights do not fit their config.
        """
        if name is None:
            return cls(SwiftF0.load(), None)
        folder = fetch(name)
        return cls(SwiftF0.load(), load_listener(folder), LevelChooser.load(folder), load_meter_reader(folder))

    def __call__(
        self,
        clip: Clip,
        *,
        vocals: Clip | None = None,
        bpm: float | None = None,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Analysis:
        """Analyze a recording.

        Args:
            clip: A song, an instrument, or a bare voice; any rate and channel count.
            vocals: The voice alone, as long as `clip`, if it is known (from `separate`, or `clip` itself when it is
                a cappella): melody and vocal activity are taken from it.
            bpm: The tempo, if it is known, 30 to 300 beats per minute; beats are sought within 6 % of it.
            progress: Receives `Progress` events.
            cancel: Stops the work when raised.

        Returns:
            What was heard; what was not is empty and named in `remarks`.

        Raises:
            InvalidAudio: The clip has no samples, or the vocals are not as long as it.
            InvalidOption: The tempo is impossible.
            NothingHeard: It is silent throughout.
        """
        check_tempo(bpm)
        if clip.frames == 0:
            raise InvalidAudio("The recording has no samples.", "Check that the export was complete.")
        _refuse_silence(clip)
        if vocals is not None and abs(vocals.duration_s - clip.duration_s) > _LENGTH_TOLERANCE_S:
            raise InvalidAudio(
                f"The vocals last {vocals.duration_s:.2f} s, the recording {clip.duration_s:.2f} s.",
                "Give the voice of this very recording, uncut.",
            )
        monitor = Monitor(progress, cancel)
        melody = self._pitch(clip if vocals is None else vocals, progress=monitor.part("melody", 0.0, 0.25).sink)
        monitor.part("spectra", 0.25, 0.3).report(0.0)
        mono = mono_for_listening(clip)
        features = extract_features(mono)
        listening = monitor.part("listening", 0.4, 0.7)
        evidence = (
            signal_evidence(features) if self._listener is None else net_evidence(features, self._listener, listening)
        )
        monitor.part("beats", 0.7, 0.9).report(0.0)
        heard = _Heard(clip, vocals, bpm, melody, mono, features, evidence)
        analysis = _decode(heard, self._levels, self._meter)
        monitor.part("done", 0.9, 1.0).report(1.0)
        return analysis


def _refuse_silence(clip: Clip) -> None:
    swing = float((clip.samples.max(axis=1) - clip.samples.min(axis=1)).max()) / 2
    if swing >= SILENCE_PEAK:
        return
    if clip.peak == 0.0:
        measured = "every sample is zero"
    elif swing < SILENCE_PEAK * clip.peak:
        measured = f"it holds a constant offset of {clip.peak:.3g} of full scale and no sound"
    else:
        heard_db = 20 * np.log10(SILENCE_PEAK)
        measured = f"it peaks at {20 * np.log10(swing):.0f} dB, below the {heard_db:.0f} dB from which sound is heard"
    raise NothingHeard(
        f"The recording is silent: {measured}.", "Check the microphone or the export; make what is only quiet louder."
    )


@lru_cache(maxsize=2)
def _default(name: str | None) -> Analyzer:
    return Analyzer.load(name)


def analyze(
    clip: Clip,
    *,
    vocals: Clip | None = None,
    bpm: float | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Analysis:
    """`Analyzer.load()(clip, ...)` with the analyzer kept for the next call; see `Analyzer.__call__`."""
    return _default(NET)(clip, vocals=vocals, bpm=bpm, progress=progress, cancel=cancel)


def analyze_file(
    path: Path,
    *,
    vocals: Path | None = None,
    bpm: float | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Analysis:
    """Analyze a sound file; see `Analyzer.__call__` and `audio.io.read` for what can go wrong."""
    from descant.audio.io import read

    check_tempo(bpm)
    clip = read(path)
    if vocals is not None:  # a file named twice is a voice alone, not a voice beside a song
        return analyze(clip, vocals=clip if vocals == path else read(vocals), bpm=bpm, progress=progress, cancel=cancel)
    return analyze(clip, bpm=bpm, progress=progress, cancel=cancel)


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """A recording, what is known of it, and what the nets heard."""

    clip: Clip
    vocals: Clip | None
    bpm: float | None
    melody: PitchTrack
    mono: NDArray[np.float32]
    features: Features
    evidence: Evidence


def _decode(heard: _Heard, levels: LevelChooser | None, meter: MeterReader | None) -> Analysis:
    clip, melody, features, evidence = heard.clip, heard.melody, heard.features, heard.evidence
    is_bare = heard.vocals is clip or harmonic_share(melody, features) >= BARE_SHARE
    sung = _sung_beats(heard, meter) if is_bare else None
    choose = None if levels is None or is_bare else partial(levels, features.mel, evidence)
    grid, contrast, remarks = _beats(evidence, heard.bpm, choose) if sung is None else sung
    key, key_confidence = key_from_evidence(evidence.key)
    is_tonal = tonal_persistence(features.pitch) >= TONAL
    if not is_tonal or (key_confidence < _KEY_CONFIDENCE and not melody.voiced.any()):
        key, key_confidence = None, 0.0
        remarks.append("No key was found: nothing has a clear pitch.")
    tempo = grid.tempo_map() if len(grid.times_s) > 1 else None
    if is_bare:
        remarks.append("A voice alone: its chords are left to `compose`.")
    chords = (
        ()
        if tempo is None or is_bare or not is_tonal
        else chords_on_beats(evidence.chord, evidence.bass, evidence.harmony_fps, grid, tempo, clip.duration_s, key)
    )
    sections = (
        ()
        if tempo is None
        else find_sections(
            np.exp(evidence.chord) @ _TONES,
            features.mel.astype(np.float64),
            (evidence.harmony_fps, evidence.pulse_fps),
            grid,
            tempo,
        )
    )
    vocals = _vocal_spans(heard, is_bare=is_bare)
    return Analysis(
        clip.duration_s,
        melody,
        grid,
        contrast,
        grid.bpm,
        key,
        key_confidence,
        chords,
        sections,
        _loudness(clip),
        vocals,
        is_bare,
        features.tuning_cents,
        tuple(remarks),
        None if heard.vocals is None or is_bare else _confirmed_s(vocals, evidence),
    )


def _sung_beats(heard: _Heard, meter: MeterReader | None) -> tuple[BeatGrid, float, list[str]] | None:
    """Beats of a voice alone, from its notes; None when it sings too few."""
    options = SteadyOptions() if heard.bpm is None else SteadyOptions().near(heard.bpm)
    voice = heard.clip if heard.vocals is None else heard.vocals
    sung, evidence = heard_notes(heard.melody, voice), heard.evidence
    read = (
        None
        if meter is None or len(sung.times_s) < MIN_NOTES
        else read_meter(meter, sung.times_s, sung.ends_s, sung.pitches)
    )
    found = steady_beats(
        sung, evidence.beat, evidence.downbeat, evidence.pulse_fps, voice.duration_s, options, meter=read
    )
    return None if found is None else (*found, ["The beats follow the starts of the sung notes."])


def _beats(
    evidence: Evidence,
    bpm: float | None,
    choose: Callable[[NDArray[np.float64]], Choice] | None = None,
) -> tuple[BeatGrid, float, list[str]]:
    options = BeatOptions() if bpm is None else BeatOptions().near(bpm)
    activation = evidence.beat
    times = follow_beats(activation, evidence.pulse_fps, options)
    rival: float | None = None
    if bpm is None and choose is not None:
        choice = choose(times)
        times, rival = choice.times_s, choice.rival_bpm
    elif bpm is None:
        times = choose_level(activation, evidence.downbeat, evidence.pulse_fps, times)
    contrast = beat_contrast(activation, evidence.pulse_fps, times)
    if len(times) < 2:
        return BeatGrid((), ()), 0.0, ["No beats were found: the recording is too short."]
    if contrast < _BEAT_CONTRAST:
        return BeatGrid((), ()), contrast, ["No beats were found: there is no clear pulse."]
    changes = change_odds(evidence.chord, evidence.harmony_fps, times)
    grid = count_bars(evidence.downbeat, evidence.pulse_fps, times, changes)
    return grid, contrast, [] if rival is None else [_RIVAL.format(bpm=grid.bpm, rival=rival)]


def _loudness(clip: Clip) -> LoudnessCurve:
    times, lufs = momentary_lufs(clip)
    return LoudnessCurve(np.asarray(times, float), np.maximum(np.asarray(lufs, float), _LOWEST_LUFS))


def _vocal_spans(heard: _Heard, *, is_bare: bool) -> tuple[Span, ...]:
    evidence, duration_s = heard.evidence, heard.clip.duration_s
    if heard.vocals is None and not is_bare:
        if evidence.voice is None:
            return ()
        return spans_of(evidence.voice > _VOICE_PROBABILITY, evidence.pulse_fps, duration_s)
    apart = None if heard.vocals is heard.clip else heard.vocals
    voice = heard.mono if apart is None else mono_for_listening(apart)
    frames = max(1, len(voice) // PULSE_HOP)
    blocks = np.pad(voice, (0, max(0, frames * PULSE_HOP - len(voice))))[: frames * PULSE_HOP].reshape(frames, -1)
    level_db = 10.0 * np.log10((blocks.astype(np.float64) ** 2).mean(axis=1) + 1e-12)
    at = np.arange(frames) * PULSE_HOP / SAMPLE_RATE
    return voiced_spans(heard.melody, np.interp(heard.melody.times_s, at, level_db), duration_s)


def _confirmed_s(vocals: Sequence[Span], evidence: Evidence) -> float | None:
    """For how long the net, too, hears a voice there."""
    if evidence.voice is None:
        return None
    heard = evidence.voice > _VOICE_PROBABILITY
    at = [round(time_s * evidence.pulse_fps) for span in vocals for time_s in (span.start_s, span.end_s)]
    return sum(int(heard[start:end].sum()) for start, end in zip(at[::2], at[1::2], strict=True)) / evidence.pulse_fps


def _chord_tones() -> NDArray[np.float64]:
    tones = np.zeros((NO_CHORD_INDEX + 1, 12))
    for root in range(12):
        for index, quality in enumerate(QUALITIES):
            tones[root * len(QUALITIES) + index, [(root + i) % 12 for i in INTERVALS[quality]]] = 1.0
    return tones


_TONES = _chord_tones()


def summary(analysis: Analysis) -> str:
    """A few lines for people."""
    grid = analysis.beats
    minutes, seconds = divmod(round(analysis.duration_s), 60)
    tempo = f"{analysis.bpm:.1f} BPM, {grid.beats_per_bar} beats a bar" if grid.times_s else "no beats"
    key = "no key" if analysis.key is None else f"{analysis.key.name} ({analysis.key_confidence:.0%})"
    lines = [f"  {minutes}:{seconds:02d}  {tempo}, {key}, tuning {analysis.tuning_cents:+.0f} cents"]
    if analysis.chords:
        flats = analysis.key is not None and analysis.key.uses_flats
        symbols = [c.chord.symbol(flats=flats) or "N" for c in analysis.chords]
        lines.append(f"  chords    {' '.join(symbols[:16])}{' ...' if len(symbols) > 16 else ''}")
    if analysis.sections:
        bars = [round((s.end - s.start) / grid.beats_per_bar) for s in analysis.sections]
        lines.append("  sections  " + " ".join(f"{s.label}{n}" for s, n in zip(analysis.sections, bars, strict=True)))
    sung = sum(v.end_s - v.start_s for v in analysis.vocals)
    lines.append(f"  voice     {sung:.1f} s in {len(analysis.vocals)} phrases")
    return "\n".join([*lines, *(f"  {remark}" for remark in analysis.remarks)])
