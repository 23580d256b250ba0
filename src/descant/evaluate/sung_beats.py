"""Beats of a voice alone: `analyze` beside the net without the notes and a grid laid blindly."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.analyze.api import Analyzer
from descant.analyze.beats import choose_level, count_bars, follow_beats
from descant.analyze.evidence import load_listener, net_evidence
from descant.analyze.features import extract_features, mono_for_listening
from descant.audio.clip import Clip
from descant.audio.io import read
from descant.data.arrange import excerpt
from descant.data.pop909 import Pop909
from descant.data.resinging import VoiceBank, as_phone_recording
from descant.data.songs import LabelledSong, make_a_cappella
from descant.dsp.beat_agreement import WINDOW_S, beat_f
from descant.evaluate.beat_metrics import tempo_accuracy_1, tempo_accuracy_2
from descant.evaluate.report import Table
from descant.hub.store import fetch
from descant.progress import Monitor
from descant.score.tempo import BeatGrid

SINGER = "erithacus"
BLIND_BPM = 100.0
BARS = 24
_MIN_NOTES = 24
_IN_ROOMS = 0.7
_NAMES = ("descant", "descant, told the tempo", "net without the notes", "constant 100 BPM")


def sung_melodies(data: Path, songs: int, seed: int) -> Iterator[tuple[LabelledSong, Clip]]:
    """POP909 test melodies, sung with the recorded syllables of a singer that nothing here was tuned on.

    Tempi are strict, drifting or free; most recordings have a recorded room, all have a phone's band and noise.

    Args:
        data: Folder with pop909.zip, singing/ and rooms/.
        songs: How many.
        seed: Of all choices.

    Yields:
        The song with its truth, and the recording.
    """
    pop, bank = Pop909(data / "pop909.zip"), VoiceBank(data / "singing" / SINGER)
    names, rooms = list(pop.songs("test")), sorted((data / "rooms").rglob("*.flac"))
    made = 0
    rng = np.random.default_rng([seed, 5])
    while made < songs:
        name = names[int(rng.integers(len(names)))]
        sheet = pop.load(name)
        bars = int(sheet.end // sheet.time_signatures[0].bar_quarters)
        sheet = excerpt(sheet, int(rng.integers(0, max(1, bars - BARS))), BARS)
        melody = sheet.track("melody")
        if melody is None or len(melody.notes) < _MIN_NOTES:
            continue
        song = make_a_cappella(name, sheet, bank, rng, as_phone=False)
        room = None
        if rooms and rng.random() < _IN_ROOMS:
            room = read(rooms[int(rng.integers(len(rooms)))], sample_rate=song.clip.sample_rate, channels=1)
        yield song, as_phone_recording(song.clip, rng, room=room)
        made += 1


def sung_beats_table(analyzer: Analyzer, data: Path, songs: int, seed: int, monitor: Monitor) -> Table:
    """Measure the beats of bare voices.

    Args:
        analyzer: Listens.
        data: Folder with pop909.zip, singing/ and rooms/.
        songs: How many melodies are sung.
        seed: Of all choices.
        monitor: Receives progress.
    """
    listener = load_listener(fetch("descant-analysis"))
    scores: dict[str, list[tuple[float, ...]]] = {name: [] for name in _NAMES}
    for number, (song, clip) in enumerate(sung_melodies(data, songs, seed)):
        monitor.report(number / songs, song.name)
        evidence = net_evidence(extract_features(mono_for_listening(clip)), listener, Monitor())
        fps = evidence.pulse_fps
        plain = choose_level(evidence.beat, evidence.downbeat, fps, follow_beats(evidence.beat, fps))
        blind = np.arange(0.0, clip.duration_s, 60.0 / BLIND_BPM)
        grids = (
            analyzer(clip, vocals=clip).beats,
            analyzer(clip, vocals=clip, bpm=song.beats.bpm).beats,
            count_bars(evidence.downbeat, fps, plain),
            BeatGrid(tuple(blind.tolist()), tuple(i % 4 + 1 for i in range(len(blind)))),
        )
        for name, grid in zip(_NAMES, grids, strict=True):
            scores[name].append(score_grid(song, grid))
    columns = ("tempo Acc1", "tempo Acc2", "beat F", "beat F, any level", "downbeat F", "notes on eighths")
    rows = tuple((name, len(found), *np.mean(found, axis=0).tolist()) for name, found in scores.items())
    return Table(f"Beats of a voice alone ({SINGER}, test melodies)", ("", "songs", *columns), rows)


def score_grid(song: LabelledSong, grid: BeatGrid) -> tuple[float, ...]:
    """Acc1, Acc2, beat F, beat F at the best of three levels, downbeat F, share of true notes on found eighths."""
    truth, times = song.beats, np.asarray(grid.times_s)
    starts = song.score.tempo.seconds_at([n.start for n in song.score.tracks[0].notes])
    return (
        tempo_accuracy_1(truth.bpm, grid.bpm),
        tempo_accuracy_2(truth.bpm, grid.bpm),
        beat_f(truth.times_s, times),
        max(beat_f(truth.times_s, level) for level in _levels(times)),
        beat_f(truth.downbeats_s, grid.downbeats_s),
        notes_on_eighths(starts, times),
    )


def notes_on_eighths(starts_s: NDArray[np.float64], beats_s: NDArray[np.float64]) -> float:
    """Share of notes within 70 ms of a beat or of the middle between two."""
    if len(starts_s) == 0 or len(beats_s) < 2:
        return 0.0
    away = np.abs(starts_s[:, np.newaxis] - _doubled(beats_s)).min(axis=1)
    return float((away <= WINDOW_S).mean())


def _levels(times: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    return times, times[::2], times[1::2], _doubled(times)


def _doubled(times: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.sort(np.concatenate([times, (times[1:] + times[:-1]) / 2]))
