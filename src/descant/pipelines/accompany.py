"""Singing in, band out: separate, listen, write down the melody, compose, play, mix.

The graph of SingSong's job (Donahue et al., 2023) with a score in the middle, so that chords, notes and instruments
stay editable, and with a band that moves with the singer's own beats.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

import numpy as np

from descant.analyze.analysis import Analysis
from descant.analyze.api import analyze
from descant.analyze.beats import check_tempo
from descant.analyze.features import extract_features, mono_for_listening
from descant.analyze.tonality import is_noise
from descant.analyze.voice import BARE_SHARE, harmonic_share
from descant.audio.clip import Clip, Stems
from descant.audio.loudness import integrated_lufs
from descant.audio.resample import resample
from descant.audio.spans import spans
from descant.audio.stretch import retime
from descant.compose.api import Composer, Take
from descant.compose.config import BandOptions
from descant.errors import InvalidOption, NothingHeard
from descant.files import PathLike
from descant.instrument.api import play
from descant.instrument.line_up import Sound, line_up_for
from descant.mix.api import DEFAULT_LUFS, Mix, mix
from descant.mix.options import MixOptions
from descant.nets.swift_f0 import SwiftF0
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.harmony import ChordSpan
from descant.score.notes import Score, Track
from descant.score.tempo import BeatGrid, TempoMap, TimeSignature
from descant.separate.api import Separator
from descant.transcribe.melody import notes_on, sung_notes

Source = Literal["auto", "song", "voice"]

MIN_RATE = 44_100
VOICE_ALONE_LU = 12.0
"""A recording whose accompaniment lies this far below its voice is taken for a voice alone."""
_PROBE_S = 10.0
_INAUDIBLE_DB = -66.0
_AFTER_LAST_S = 0.25


@dataclass(frozen=True, slots=True)
class AccompanyOptions:
    """What the singer can decide.

    Attributes:
        band: Style, density, seed, takes, instruments of the band.
        source: Whether the recording is a "song" (the voice is separated from it) or a "voice" alone; "auto" listens.
        bpm: Move the voice onto a steady tempo; None lets the band follow the singer.
        sung_bpm: The tempo it was sung at, if the singer knows it (30 to 300): beats are sought within 6 % of it.
        lufs: Integrated loudness of the mix.
        mix: Its balance.
        soundfont: A SoundFont file; None takes FluidR3 when it is installed, else TimGM6mb.
        sound: "soundfont", or "neural": Descant's own instruments play all but the drums.

    Raises:
        InvalidOption: `sung_bpm` or `sound` is impossible.
    """

    band: BandOptions = field(default_factory=BandOptions)
    source: Source = "auto"
    bpm: float | None = None
    sung_bpm: float | None = None
    lufs: float = DEFAULT_LUFS
    mix: MixOptions = field(default_factory=MixOptions)
    soundfont: PathLike | None = None
    sound: Sound = "soundfont"

    def __post_init__(self) -> None:
        check_tempo(self.sung_bpm)
        line_up_for(self.sound)


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What was found in a recording: everything the band needs.

    Attributes:
        vocals: The voice.
        is_song: Whether it was taken out of a song.
        analysis: Beats, key, chords, sections, melody.
        melody: The sung notes, in quarters of `tempo`.
        beats: The beats the band plays on: the singer's own, or steady ones after `steady`.
        tempo: Their tempo map.
    """

    vocals: Clip
    is_song: bool
    analysis: Analysis
    melody: Track
    beats: BeatGrid
    tempo: TempoMap


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """One take, played and mixed.

    Attributes:
        take: What was composed, with its value.
        mixed: The mix and its stems.
    """

    take: Take
    mixed: Mix


def take_apart(
    clip: Clip, source: Source = "auto", *, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> tuple[Clip, bool]:
    """The voice of a recording, and whether it had to be taken out of a song.

    A voice alone is passed on as it is: separation would only cost quality.
    """
    monitor = Monitor(progress, cancel, "separating")
    if source == "voice":
        return clip, False

    @cache
    def separator() -> Separator:  # loaded when it is needed: a plain voice is known without it
        return Separator.load(progress=monitor.part("loading", 0.0, 0.1).sink, cancel=cancel)

    if source == "auto":
        monitor.report(0.0)
        tracker = SwiftF0.load()
        if all(_is_voice_alone(part, tracker, separator, cancel) for part in _probes(clip)):
            return clip, False
    stems = separator()(clip, progress=monitor.part("separating", 0.2, 1.0).sink, cancel=cancel)
    return stems["vocals"], True


def _probes(clip: Clip) -> tuple[Clip, ...]:
    """The loudest excerpt of each third, to tell a voice alone from a song without separating the whole.

    A short clip is taken entirely. Quiet excerpts would tell of the room, not of who sounds.
    """
    if clip.duration_s <= 3 * _PROBE_S:
        return (clip,)
    third = clip.duration_s / 3
    return tuple(_loudest(clip.slice(start, start + third)) for start in (0.0, third, 2 * third))


def _loudest(clip: Clip) -> Clip:
    energy = np.concatenate([[0.0], np.cumsum(np.square(clip.samples, dtype=np.float64).mean(axis=0))])
    width = min(round(_PROBE_S * clip.sample_rate), clip.frames)
    start = int(np.argmax(energy[width:] - energy[: len(energy) - width]))
    return clip.slice(start / clip.sample_rate, (start + width) / clip.sample_rate)


def _is_voice_alone(
    part: Clip, tracker: SwiftF0, separator: Callable[[], Separator], cancel: CancelToken | None
) -> bool:
    """Whether nothing but one voice sounds: all of it lies on one pitch's harmonics, or the separator finds no band.

    The first also tells humming and whistling, which the separator takes for an instrument. Steady noise is no band.
    """
    if part.peak == 0.0:
        return True
    pitch = tracker(part, cancel=cancel)
    if harmonic_share(pitch, extract_features(mono_for_listening(part))) >= BARE_SHARE:
        return True
    stems = separator()(part, cancel=cancel)
    rest = integrated_lufs(stems["accompaniment"])
    if rest == -math.inf or integrated_lufs(stems["vocals"]) - rest > VOICE_ALONE_LU:
        return True
    return is_noise(stems["accompaniment"])


def listen(
    clip: Clip,
    vocals: Clip,
    *,
    is_song: bool,
    sung_bpm: float | None = None,
    bpm: float | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Heard:
    """Analyse a recording and write down what is sung.

    Args:
        clip: The recording.
        vocals: Its voice.
        is_song: Whether the voice was taken out of a song.
        sung_bpm: The tempo it was sung at, if known.
        bpm: The steady tempo to move the singing onto; without it the singer's own is kept.
        progress: Receives events.
        cancel: Checked often.

    Raises:
        InvalidOption: A tempo is impossible, or too far from the singer's.
        NothingHeard: There is no voice, or no pulse at all.
    """
    monitor = Monitor(progress, cancel)
    analysis = analyze(
        clip, vocals=vocals, bpm=sung_bpm, progress=monitor.part("listening", 0.0, 0.8).sink, cancel=cancel
    )
    if len(analysis.beats.times_s) < 2:
        raise NothingHeard("No beat was found in the recording.", "Sing at least a few bars in a steady pulse.")
    monitor.part("writing down the melody", 0.8, 0.8).report(0.0)
    tempo = analysis.beats.tempo_map()
    # The analysis has tracked this voice's pitch already.
    melody = Track("melody", notes_on(sung_notes(analysis.melody, clip=vocals, cancel=cancel), tempo))
    if not melody.notes:
        raise NothingHeard(
            "No sung melody was found in the recording.",
            "Is there a voice in it? Speech, whispering and noise have no notes to build on.",
        )
    monitor.report(1.0)
    heard = Heard(vocals, is_song, analysis, melody, analysis.beats, tempo)
    return heard if bpm is None else steady(heard, bpm)


def lead_sheet(heard: Heard, *, chords: tuple[ChordSpan, ...] | None = None) -> Score:
    """Melody, chords, key and form on the singer's beats: what the composer works from.

    Args:
        heard: The recording.
        chords: Chords to use instead of those heard; None keeps what was heard (nothing, for a voice alone).
    """
    if chords is None:
        chords = heard.analysis.chords if heard.is_song else ()
    return Score(
        tracks=(replace(heard.melody, name="melody"),),
        tempo=heard.tempo,
        time_signatures=(TimeSignature(0.0, heard.beats.beats_per_bar, 4),),
        key=heard.analysis.key,
        chords=chords,
        sections=heard.analysis.sections,
    )


def steady(heard: Heard, bpm: float) -> Heard:
    """The same singing moved onto a steady tempo: every beat is stretched to 60 / bpm seconds, pitch kept.

    Raises:
        InvalidOption: The tempo is impossible or too far from the singer's.
    """
    if not 20 <= bpm <= 400:
        raise InvalidOption(f"A tempo of {bpm:g} beats per minute cannot be played.", "Choose 20 to 400.")
    new = TempoMap.constant(bpm)
    sung_s = np.asarray(heard.beats.times_s)
    # Counted from the second beat: the first may have been pulled to second 0.
    first = round(heard.tempo.quarter(sung_s[1])) - 1
    steady_s = new.seconds_at(first + np.arange(len(sung_s)))
    beats = BeatGrid(tuple(steady_s.tolist()), heard.beats.bar_positions)
    # Only beats are moved onto beats: a lead-in that the tempo map squeezes before the first one is not the singer's.
    # A first beat on second 0 has no time before it, so the next one leads.
    moved = steady_s > 0
    vocals = retime(heard.vocals, sung_s[moved].tolist(), steady_s[moved].tolist())
    return replace(heard, vocals=vocals, beats=beats, tempo=new)


def perform(
    take: Take,
    heard: Heard,
    options: AccompanyOptions,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Performance:
    """Play a take's band and mix it with the voice.

    The mix is stereo, at the voice's rate or 44.1 kHz, whichever is higher.
    """
    monitor = Monitor(progress, cancel)
    rate = max(heard.vocals.sample_rate, MIN_RATE)
    band = take.score.with_tracks(t for t in take.score.tracks if t.name != "melody")
    played = play(
        band,
        soundfont=options.soundfont,
        instrument=line_up_for(options.sound),
        sample_rate=rate,
        progress=monitor.part("playing", 0.0, 0.6).sink,
        cancel=cancel,
    )
    voice = resample(heard.vocals, rate).to_channels(2)
    mixed = mix(
        one_length(voice, played),
        lead="vocals",
        lufs=options.lufs,
        options=options.mix,
        progress=monitor.part("mixing", 0.6, 1.0).sink,
        cancel=cancel,
    )
    return Performance(take, mixed)


def accompany(
    clip: Clip,
    options: AccompanyOptions | None = None,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> tuple[Performance, ...]:
    """A band for a singer.

    Args:
        clip: Singing, alone or in a song; any rate and channel count.
        options: What the singer decides.
        progress: Receives events.
        cancel: Checked often.

    Returns:
        As many performances as takes were asked for, the best first.

    Raises:
        NothingHeard: No voice, no melody or no pulse.
    """
    options = options or AccompanyOptions()
    monitor = Monitor(progress, cancel)
    vocals, is_song = take_apart(
        clip, options.source, progress=monitor.part("separating", 0.0, 0.25).sink, cancel=cancel
    )
    heard = listen(
        clip,
        vocals,
        is_song=is_song,
        sung_bpm=options.sung_bpm,
        bpm=options.bpm,
        progress=monitor.part("listening", 0.25, 0.45).sink,
        cancel=cancel,
    )
    takes = Composer.load()(
        lead_sheet(heard), options.band, progress=monitor.part("composing", 0.45, 0.75).sink, cancel=cancel
    )
    share = 0.25 / len(takes)
    return tuple(
        perform(
            take,
            heard,
            options,
            progress=monitor.part("playing", 0.75 + i * share, 0.75 + (i + 1) * share).sink,
            cancel=cancel,
        )
        for i, take in enumerate(takes)
    )


def one_length(voice: Clip, band: Stems) -> Stems:
    """Voice and band as long as whichever is heard last: the inaudible end of the band's releases is cut."""
    threshold = max(clip.peak for clip in band.values()) * 10 ** (_INAUDIBLE_DB / 20)
    heard_until = max(_audible_frames(clip, threshold) for clip in band.values())
    if heard_until:
        heard_until += round(_AFTER_LAST_S * band.sample_rate)
    frames = max(voice.frames, min(heard_until, band.frames))
    clips = {"vocals": voice, **band}
    return Stems(
        {name: Clip(clip.pad_to(frames).samples[:, :frames], band.sample_rate) for name, clip in clips.items()}
    )


def _audible_frames(clip: Clip, threshold: float) -> int:
    """How many frames there are up to the last one beyond a threshold; sought from the end."""
    for span in reversed(list(spans(clip.frames))):
        audible = np.flatnonzero(np.abs(clip.samples[:, span]).max(axis=0) > threshold)
        if len(audible):
            return int(span.start + audible[-1] + 1)
    return 0
