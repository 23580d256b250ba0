"""Scores to audio: each track through the preset of a SoundFont that its program asks for.

Descant has its own sampler (`zones`, `soundfont`, `voice`) because the synthesizer of symusic 0.5, which was meant
for this, plays wrong pitches, ignores pitch bends and cuts off releases (docs/play.md has the measurement).
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip, Stems
from descant.errors import InvalidOption, OutOfMemory, ScoreReadError
from descant.parallel import Tally, side_by_side
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.notes import Note, Score, Track
from descant.score.soundfont import Preset, open_soundfont
from descant.score.tempo import TempoMap
from descant.score.voice import Wave, oscillate, release_frames, shape
from descant.score.zones import Region, Sample

MAX_DURATION_S = 6 * 3600.0
MIN_RATE, MAX_RATE = 8_000, 192_000

_HEADROOM = 0.4  # a full chord at a strong velocity stays below full scale
_UNHEARD = 1e-6  # halves of stereo recordings sound on one side only
_CHOKE_S = 0.03
_CUT_FADE_S = 0.01
_LONGEST_TAIL_S = 8.0
_FRAME_BYTES = 8  # two float32 samples
_MAX_BYTES = 8 * 2**30


class Sounds(Protocol):
    """What plays: a `SoundFont`, or anything that offers its samples the same way."""

    def choose(self, program: int, *, is_drum: bool) -> Preset:
        """The sound for a General MIDI program."""
        ...

    def regions(self, preset: Preset) -> tuple[Region, ...]:
        """All its zones."""
        ...

    def wave(self, sample: Sample) -> NDArray[np.float32]:
        """A recording, mono."""
        ...


@dataclass(frozen=True, slots=True)
class PresetChoice:
    """Which sound plays a track.

    Attributes:
        track: Name of the track's stem.
        program: What the track asks for.
        preset: What plays it.
        is_substitute: Whether the SoundFont lacks what was asked for and the nearest sound stands in.
    """

    track: str
    program: int
    preset: Preset
    is_substitute: bool


@dataclass(frozen=True, slots=True)
class _Voice:
    """One region sounding for one note, in frames of the output."""

    region: Region
    note: Note
    start: int
    held: int
    release_s: float | None


def stem_names(score: Score) -> tuple[str, ...]:
    """A name for each track's stem: the track's own, numbered where several share it ("piano", "piano 2")."""
    names: list[str] = []
    for track in score.tracks:
        base = track.name.strip() or "track"
        name, number = base, 1
        while name in names:
            number += 1
            name = f"{base} {number}"
        names.append(name)
    return tuple(names)


def choose_presets(score: Score, soundfont: Path) -> tuple[PresetChoice, ...]:
    """For each track the sound that will play it; see `SoundFont.choose` for the order of substitutes."""
    font = open_soundfont(soundfont)
    choices = []
    for name, track in zip(stem_names(score), score.tracks, strict=True):
        preset = font.choose(track.program, is_drum=track.is_drum)
        missing = preset.program != track.program or (preset.bank == 0) == track.is_drum
        choices.append(PresetChoice(name, track.program, preset, missing))
    return tuple(choices)


def render_score(
    score: Score,
    soundfont: Path | Sounds,
    sample_rate: int = 44_100,
    *,
    length_s: float | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Stems:
    """Play a score.

    Times follow the tempo map to the frame, pitch bends are honoured note by note, and releases ring out. The levels
    are those of the SoundFont times one fixed gain for all tracks; nothing is normalised or clipped.

    Args:
        score: At least one track; tracks without notes become silent stems.
        soundfont: An .sf2 or .sf3 file, or other sounds.
        sample_rate: Output rate in Hz, 8,000 to 192,000.
        length_s: Exact length of the stems; what is cut gets a 10 ms fade. None ends when the last release has.
        progress: Receives progress events.
        cancel: Stops the work.

    Returns:
        One stereo stem per track, named by `stem_names`.

    Raises:
        ScoreReadError: The score has no tracks, lasts over 6 hours, or the SoundFont is damaged.
        OutOfMemory: The stems would not fit into memory.
        InvalidOption: The rate or length is impossible.
        InputNotFound, PermissionRefused: The SoundFont cannot be opened.
    """
    check_request(score, sample_rate, length_s)
    font = open_soundfont(soundfont) if isinstance(soundfont, Path) else soundfont
    monitor = Monitor(progress, cancel, "playing")
    limit = None if length_s is None else round(length_s * sample_rate)
    players = [_Player(font, track, score.tempo, sample_rate, limit) for track in score.tracks]
    frames = max(p.end for p in players) if limit is None else limit
    if frames * len(players) * _FRAME_BYTES > _MAX_BYTES:
        raise OutOfMemory(
            f"{len(players)} stems of {frames / sample_rate / 60:.0f} minutes would not fit into memory.",
            "Play fewer tracks, a lower sample rate, or a part of the score.",
        )
    monitor.report(0.0)
    tally = Tally(monitor, sum(len(p.voices) for p in players))

    def play(player: _Player, stop: CancelToken) -> Clip:
        return Clip(player.play(frames, tally, stop), sample_rate)

    clips = side_by_side(play, players, cancel=cancel)
    monitor.report(1.0)
    return Stems(dict(zip(stem_names(score), clips, strict=True)))


def check_request(score: Score, sample_rate: int, length_s: float | None) -> None:
    """Refuse what cannot be played, whoever plays.

    Raises:
        InvalidOption: The rate or length is impossible.
        ScoreReadError: The score has no tracks, or lasts over 6 hours.
    """
    if not MIN_RATE <= sample_rate <= MAX_RATE:
        raise InvalidOption(f"A sample rate of {sample_rate} Hz is out of range.", f"Use {MIN_RATE} to {MAX_RATE}.")
    if length_s is not None and not 0 <= length_s <= MAX_DURATION_S:
        raise InvalidOption(f"A length of {length_s} s is out of range.", f"Use 0 to {MAX_DURATION_S:.0f} s.")
    if not score.tracks:
        raise ScoreReadError("The score has no tracks, so there is nothing to play.", "Check the file in an editor.")
    if length_s is None and score.duration_s > MAX_DURATION_S:
        raise ScoreReadError(
            f"The score lasts {score.duration_s / 3600:.0f} hours, more than {MAX_DURATION_S / 3600:.0f}.",
            "Look for a stray note at its end, or give a length.",
        )


class _Player:
    """Plays one track: groups its voices by what they share and adds them up."""

    def __init__(self, font: Sounds, track: Track, tempo: TempoMap, sample_rate: int, limit: int | None) -> None:
        self._font = font
        self._tempo = tempo
        self._rate = sample_rate
        self._limit = limit
        self._is_drum = track.is_drum
        regions = font.regions(font.choose(track.program, is_drum=track.is_drum))
        self.voices = self._voices(track, regions)
        self.end = max((v.start + self._length(v) for v in self.voices), default=0)

    def _voices(self, track: Track, regions: tuple[Region, ...]) -> list[_Voice]:
        if not track.notes:
            return []
        starts = np.rint(self._tempo.seconds_at([n.start for n in track.notes]) * self._rate).astype(int)
        ends = np.rint(self._tempo.seconds_at([n.end for n in track.notes]) * self._rate).astype(int)
        starts, ends = np.maximum(starts, 0), np.maximum(ends, 0)  # a tempo map may begin before second 0
        voices: list[_Voice] = []
        by_pitch: dict[tuple[int, int], list[Region]] = {}
        for note, start, end in zip(track.notes, starts.tolist(), ends.tolist(), strict=True):
            if self._limit is not None and start >= self._limit:
                continue
            place = (note.pitch, note.velocity)
            if place not in by_pitch:
                by_pitch[place] = [r for r in regions if r.sounds(*place)]
            voices += [_Voice(r, note, start, self._held(r, end - start), None) for r in by_pitch[place]]
        return _choke(voices)

    def _held(self, region: Region, frames: int) -> int:
        """Drums ring out: their notes are hits without a meaningful length, unless the sample is looped."""
        if self._is_drum and region.loop is None:
            last = region.frames[1]
            whole = (last if last is not None else 10 * region.sample.sample_rate) - region.frames[0]
            return max(frames, int(whole / region.sample.sample_rate * self._rate * 2.0))
        return max(frames, 1)

    def _length(self, voice: _Voice) -> int:
        tail = release_frames(voice.region, self._rate) if voice.release_s is None else round(_CHOKE_S * self._rate)
        length = voice.held + min(tail, round(_LONGEST_TAIL_S * self._rate))
        if voice.region.loop is None and voice.region.frames[1] is not None and not voice.note.bends:
            sounding = voice.region.fixed_key if voice.region.fixed_key >= 0 else voice.note.pitch
            cents = (sounding - voice.region.root_key) * voice.region.cents_per_key + voice.region.tuning_cents
            seconds = (voice.region.frames[1] - voice.region.frames[0]) / voice.region.sample.sample_rate
            moves = abs(voice.region.vibrato_cents) + abs(voice.region.modulation_cents)
            slowest = 2.0 ** ((cents - moves - abs(voice.region.tremolo_cents)) / 1200)
            length = min(length, int(seconds / slowest * self._rate) + 2)
        return length if self._limit is None else min(length, self._limit - voice.start)

    def play(self, frames: int, tally: Tally, stop: CancelToken) -> NDArray[np.float32]:
        """The track as [2, frames]; counts its voices."""
        stem = np.zeros((2, frames), np.float32)
        groups: dict[tuple[int, int], list[_Voice]] = defaultdict(list)
        for index, voice in enumerate(self.voices):
            # A bent note shares its oscillation with no other; a negative number marks it.
            key = (id(voice.region), voice.note.pitch) if not voice.note.bends else (-1 - index, 0)
            groups[key].append(voice)
        waves: dict[int, Wave] = {}
        for group in groups.values():
            self._add(stem, group, waves, stop)
            tally.add(len(group))
        if self._limit is not None and self.end >= frames:
            _fade_out(stem, round(_CUT_FADE_S * self._rate))
        return stem

    def _add(self, stem: NDArray[np.float32], group: list[_Voice], waves: dict[int, Wave], stop: CancelToken) -> None:
        region, pitch = group[0].region, group[0].note.pitch
        if region.sample.row not in waves:
            waves[region.sample.row] = self._font.wave(region.sample)
        lengths = [self._length(v) for v in group]
        bend = self._bend(group[0], lengths[0]) if group[0].note.bends else None
        signal = oscillate(
            waves[region.sample.row], region, pitch, frames=max(lengths), sample_rate=self._rate, bend=bend
        )
        envelope = region.volume.scaled(pitch)
        angle = (region.pan + 1.0) * math.pi / 4.0
        sides = [(side, share) for side, share in enumerate((math.cos(angle), math.sin(angle))) if share > _UNHEARD]
        for voice, length in zip(group, lengths, strict=True):
            stop.check()
            gains = shape(envelope, held=voice.held, frames=length, sample_rate=self._rate, release_s=voice.release_s)
            velocity = region.fixed_velocity if region.fixed_velocity > 0 else voice.note.velocity
            level = _HEADROOM * (velocity / 127.0) ** 2 * 10.0 ** (region.gain_db / 20.0)
            gains *= np.float32(level)
            gains *= signal[:length]
            for side, share in sides:
                stem[side, voice.start : voice.start + length] += np.float32(share) * gains

    def _bend(self, voice: _Voice, frames: int) -> Wave:
        note = voice.note
        quarters = [note.start + b.offset for b in note.bends]
        seconds = self._tempo.seconds_at(quarters) - self._tempo.seconds(note.start)
        curve = np.interp(np.arange(frames) / self._rate, seconds, [b.semitones for b in note.bends])
        return curve.astype(np.float32)


def _choke(voices: list[_Voice]) -> list[_Voice]:
    """End voices of an exclusive class (an open hi-hat) where the next note of the class starts."""
    last: dict[int, list[int]] = {}
    result = list(voices)
    for index, voice in enumerate(voices):
        group = voice.region.exclusive_class
        if not group:
            continue
        rivals = last.setdefault(group, [])
        if rivals and voices[rivals[0]].start < voice.start:
            for rival in rivals:
                old = result[rival]
                if old.start + old.held > voice.start:
                    result[rival] = _Voice(old.region, old.note, old.start, voice.start - old.start, _CHOKE_S)
            rivals.clear()
        rivals.append(index)
    return result


def _fade_out(stem: NDArray[np.float32], frames: int) -> None:
    frames = min(frames, stem.shape[1])
    if frames:
        stem[:, -frames:] *= np.linspace(1.0, 0.0, frames, dtype=np.float32)
