"""Rendered songs whose beats, chords, key, melody and vocal activity are known to the sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.data.arrange import arrange
from descant.data.resinging import TrueNote, VoiceBank, as_phone_recording, resing
from descant.data.singer import sing, sung_notes
from descant.dsp.pitch import PitchTrack
from descant.score.notes import Note, Score, Track
from descant.score.render import render_score
from descant.score.tempo import BeatGrid, TempoMap

SAMPLE_RATE = 22_050
_TAIL_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class LabelledSong:
    """Audio with its truth.

    Attributes:
        name: Where it comes from.
        clip: The mix, mono.
        score: What was played, with the tempo at which it was played.
        beats: True beats and downbeats, from the first to the last note.
        vocals: The sung part alone, if someone sings.
        melody: The sung f0, if someone sings.
        chords_sound: Whether the chords can be heard at all (not in drums or a voice alone).
    """

    name: str
    clip: Clip
    score: Score
    beats: BeatGrid
    vocals: Clip | None
    melody: PitchTrack | None
    chords_sound: bool


@dataclass(frozen=True, slots=True)
class SongOptions:
    """How songs are made.

    Attributes:
        a_cappella: Share of songs in which only the voice is heard.
        sung: Share of the others whose melody is sung by the synthetic singer.
        drift: Whether tempi move (a third strict, the rest drifting or free).
        dirt: Whether rooms, equalisers, noise and band limits are applied.
        foreign_voice: Share of the songs without the synthetic singer that get recorded voices laid over them.
    """

    a_cappella: float = 0.12
    sung: float = 0.4
    drift: bool = True
    dirt: bool = True
    foreign_voice: float = 0.35


def perform(score: Score, rng: np.random.Generator, *, drift: bool = True, bpm_factor: float = 1.0) -> Score:
    """The score at a human tempo: strict, drifting or free, by chance.

    Args:
        score: Its median tempo is kept, up to `bpm_factor`.
        rng: Source of the performer's mood.
        drift: Whether the tempo may move.
        bpm_factor: Multiplies the tempo.

    Returns:
        The same notes with another tempo map, an anchor at each quarter.
    """
    quarters = int(np.ceil(score.end)) + 4
    period = 60.0 / (float(np.median([score.tempo.bpm_at(q) for q in range(max(quarters - 4, 1))])) * bpm_factor)
    mood = rng.random()
    log_period = np.zeros(quarters)
    if drift and mood > 0.35:
        spread = rng.uniform(0.002, 0.01) if mood < 0.75 else rng.uniform(0.01, 0.03)
        walk = np.zeros(quarters)
        for i in range(1, quarters):
            walk[i] = 0.96 * walk[i - 1] + rng.normal(0.0, spread)
        breath = rng.uniform(0.0, 0.08 if mood > 0.75 else 0.02)
        log_period = walk + breath * np.sin(
            2 * np.pi * np.arange(quarters) / rng.uniform(8.0, 40.0) + rng.uniform(0, 6)
        )
    if drift and mood > 0.75:
        last = min(4, quarters - 4)
        log_period[quarters - 4 - last : quarters - 4] += np.linspace(0.0, rng.uniform(0.0, 0.3), last)
    seconds = np.concatenate([[0.0], np.cumsum(period * np.exp(log_period))])
    return replace(score, tempo=TempoMap(tuple((float(q), float(s)) for q, s in enumerate(seconds))))


def true_beats(score: Score) -> BeatGrid:
    """Quarter notes and bars of a score, from its first to its last note."""
    starts = [n.start for t in score.tracks for n in t.notes]
    bar = round(score.time_signatures[0].bar_quarters)
    quarters = np.arange(int(np.ceil(min(starts, default=0.0) - 0.05)), int(np.floor(score.end - 0.3)) + 1)
    times = score.tempo.seconds_at(quarters)
    return BeatGrid(tuple(times.tolist()), tuple(int(q) % bar + 1 for q in quarters))


class Band:
    """A SoundFont player that gives one mono array per track.

    Args:
        soundfont: The .sf2 file.
        sample_rate: Rate of the result.
    """

    def __init__(self, soundfont: Path, sample_rate: int = SAMPLE_RATE) -> None:
        self.sample_rate = sample_rate
        self._soundfont = soundfont

    def play(self, track: Track, tempo: TempoMap, frames: int, *, jitter_s: NDArray[np.float64] | None = None) -> Any:
        """One track alone.

        Args:
            track: What to play.
            tempo: Where its quarters lie in seconds.
            frames: Length of the result; what rings on after it is cut.
            jitter_s: Seconds by which each note comes late.

        Returns:
            float32 samples, shape [frames].
        """
        notes = track.notes
        if jitter_s is not None:
            late_s = tempo.seconds_at([n.start for n in notes]) + jitter_s
            starts = np.maximum(tempo.quarters_at(late_s), 0.0)
            notes = tuple(replace(n, start=float(q)) for n, q in zip(notes, starts, strict=True))
        score = Score((replace(track, notes=notes),), tempo)
        stems = render_score(score, self._soundfont, self.sample_rate, length_s=frames / self.sample_rate)
        return stems.mix().to_mono().samples[0]


def make_song(
    name: str,
    lead_sheet: Score,
    band: Band,
    rng: np.random.Generator,
    *,
    grooves: Sequence[Sequence[Note]] = (),
    voices: Sequence[NDArray[np.float32]] = (),
    options: SongOptions | None = None,
) -> LabelledSong:
    """Arrange, perform, sing and mix one song.

    Args:
        name: Kept in the result.
        lead_sheet: Track "melody" (and others), chords, key, one time signature.
        band: Plays the tracks.
        rng: Source of all choices; equal seeds give equal bytes.
        grooves: Recorded drum performances in 4/4, in quarters.
        voices: Recordings of singing at the band's rate; laid over some songs without regard to beat or pitch, so
            that a listener learns what a real voice sounds like.
        options: Shares of the kinds of songs.
    """
    options = options or SongOptions()
    transposed = transpose(lead_sheet, int(rng.integers(-5, 7)))
    score = perform(
        arrange(transposed, rng, grooves), rng, drift=options.drift, bpm_factor=float(np.exp(rng.uniform(-0.2, 0.2)))
    )
    frames = round((score.duration_s + _TAIL_S) * band.sample_rate)
    alone = rng.random() < options.a_cappella
    is_sung = alone or rng.random() < options.sung
    if alone:
        score = score.with_tracks(t for t in score.tracks if t.name == "melody")
    elif not is_sung and rng.random() < 0.15:
        score = score.with_tracks(t for t in score.tracks if t.name != "melody" or len(score.tracks) == 1)
    parts: list[NDArray[np.float32]] = []
    vocals: NDArray[np.float32] | None = None
    melody: PitchTrack | None = None
    for track in (t for t in score.tracks if t.notes):
        if track.name == "melody" and is_sung:
            starts, ends = (
                score.tempo.seconds_at(q) for q in zip(*((n.start, n.end) for n in track.notes), strict=True)
            )
            notes = sung_notes(starts, ends, np.asarray([n.pitch for n in track.notes], float), rng)
            vocals, melody = sing(notes, frames / band.sample_rate, band.sample_rate, rng)
            vocals = _level(vocals, rng.uniform(-4.0, 5.0))
            parts.append(vocals)
            continue
        jitter = np.abs(rng.normal(0.0, rng.uniform(0.0, 0.012), len(track.notes)))
        parts.append(_level(band.play(track, score.tempo, frames, jitter_s=jitter), rng.uniform(-9.0, 3.0)))
    if voices and not is_sung and rng.random() < options.foreign_voice:
        vocals = _level(_phrases(voices, frames, band.sample_rate, rng), rng.uniform(-6.0, 4.0))
        parts.append(vocals)
    mixed = np.sum(parts, axis=0).astype(np.float32) if parts else np.zeros(frames, np.float32)
    if options.dirt:
        mixed = make_dirty(mixed, band.sample_rate, rng)
    peak = float(np.abs(mixed).max(initial=1e-9))
    gain = np.float32(rng.uniform(0.2, 0.95) / peak)
    return LabelledSong(
        name,
        Clip(mixed * gain, band.sample_rate),
        score,
        true_beats(score),
        None if vocals is None else Clip(vocals * gain, band.sample_rate),
        melody,
        any(t.name in ("piano", "comp", "pad") for t in score.tracks),
    )


def make_a_cappella(
    name: str,
    lead_sheet: Score,
    bank: VoiceBank,
    rng: np.random.Generator,
    *,
    drift: bool = True,
    as_phone: bool = True,
) -> LabelledSong:
    """A recorded singer's syllables sing the melody of a lead sheet, alone, as a phone hears it.

    Args:
        name: Kept in the result.
        lead_sheet: Track "melody", key, one time signature.
        bank: The singer.
        rng: Source of all choices.
        drift: Whether the tempo may move.
        as_phone: Whether the recording is made dirty.

    Returns:
        The song; its `score` holds the melody only, its `melody` is empty (the f0 is the singer's own business).
    """
    score = perform(
        lead_sheet.with_tracks(t for t in lead_sheet.tracks if t.name == "melody"),
        rng,
        drift=drift,
        bpm_factor=float(np.exp(rng.uniform(-0.2, 0.2))),
    )
    notes = score.tracks[0].notes
    centre = 69.0 + 12.0 * np.log2(bank.f0_hz / 440.0)
    shift = round(centre - float(np.median([n.pitch for n in notes]))) + int(rng.integers(-3, 4))
    score = transpose(score, shift)
    starts = score.tempo.seconds_at([n.start for n in notes])
    ends = score.tempo.seconds_at([n.end for n in notes])
    line = sung_notes(starts, ends, np.asarray([n.pitch + shift for n in notes], float), rng)
    dry, _ = resing([TrueNote(n.start_s, n.end_s, n.pitch) for n in line], bank, score.duration_s + _TAIL_S, rng)
    heard = as_phone_recording(dry, rng) if as_phone else dry
    return LabelledSong(name, heard, score, true_beats(score), dry, None, chords_sound=False)


def make_dirty(mono: NDArray[np.float32], sample_rate: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A recording as it might reach us: room, tone, band limits, hiss, each by chance."""
    out = mono.astype(np.float64)
    if rng.random() < 0.4:
        seconds = rng.uniform(0.1, 0.9)
        length = int(seconds * sample_rate)
        room = rng.normal(0.0, 1.0, length) * np.exp(-6.9 * np.arange(length) / length)
        room *= rng.uniform(0.1, 0.7) / np.sqrt((room**2).sum())
        room[0] += 1.0
        out = scipy.signal.fftconvolve(out, room)[: len(mono)]
    if rng.random() < 0.4:
        low = rng.uniform(20.0, 200.0)
        high = min(rng.uniform(2_500.0, 10_500.0), 0.48 * sample_rate)
        out = scipy.signal.sosfilt(scipy.signal.butter(2, [low, high], "band", fs=sample_rate, output="sos"), out)
    if rng.random() < 0.3:
        drive = rng.uniform(1.0, 4.0) / max(float(np.abs(out).max()), 1e-9)
        out = np.tanh(out * drive) / drive
    if rng.random() < 0.4:
        level = float(np.sqrt((out**2).mean())) * 10.0 ** (rng.uniform(-60.0, -18.0) / 20.0)
        out = out + rng.normal(0.0, level, len(out))
    return out.astype(np.float32)


def _phrases(
    voices: Sequence[NDArray[np.float32]], frames: int, sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    out = np.zeros(frames, np.float32)
    at = int(rng.uniform(0.0, 8.0) * sample_rate)
    while at < frames:
        voice = voices[int(rng.integers(len(voices)))]
        length = min(int(rng.uniform(2.0, 9.0) * sample_rate), frames - at, len(voice))
        first = int(rng.integers(0, len(voice) - length + 1))
        out[at : at + length] = voice[first : first + length]
        at += length + int(rng.exponential(5.0) * sample_rate)
    return out


def _level(samples: NDArray[np.float32], gain_db: float) -> NDArray[np.float32]:
    loud = samples[np.abs(samples) > 1e-4]
    rms = float(np.sqrt((loud.astype(np.float64) ** 2).mean())) if len(loud) else 0.0
    return samples * np.float32(0.1 * 10.0 ** (gain_db / 20.0) / rms) if rms > 0 else samples


def transpose(score: Score, semitones: int) -> Score:
    """The score moved by semitones, its key and chords too; drums stay."""
    tracks = tuple(
        t if t.is_drum else replace(t, notes=tuple(replace(n, pitch=n.pitch + semitones) for n in t.notes))
        for t in score.tracks
    )
    key = None if score.key is None else replace(score.key, tonic=(score.key.tonic + semitones) % 12)
    chords = tuple(replace(c, chord=c.chord.transpose(semitones)) for c in score.chords)
    return replace(score, tracks=tracks, key=key, chords=chords)
