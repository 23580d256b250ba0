"""A song as a score: the voice written as single notes, the band by Basic Pitch, both on the beats that are heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from descant.analyze.analysis import Analysis
from descant.analyze.api import analyze
from descant.audio.clip import Clip
from descant.errors import NothingHeard
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.notes import Score, Track
from descant.score.tempo import BeatGrid, TempoMap, TimeSignature
from descant.separate.api import Separator
from descant.transcribe.api import Transcriber
from descant.transcribe.config import MelodyOptions, NoteOptions
from descant.transcribe.melody import notes_on, sung_notes
from descant.transcribe.placing import DEFAULT_BPM


@dataclass(frozen=True, slots=True, eq=False)
class SongScore:
    """A transcribed song.

    Attributes:
        score: Tracks "melody" and "band", with key, chords and sections where they were heard.
        vocals: The voice as it was taken out.
        remarks: What was not found, in sentences.
    """

    score: Score
    vocals: Clip
    remarks: tuple[str, ...]


def tempo_of(
    clip: Clip,
    *,
    vocals: Clip | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Analysis | None:
    """What analysis hears in a recording; None where there is nothing to hear."""
    try:
        return analyze(clip, vocals=vocals, progress=progress, cancel=cancel)
    except NothingHeard:
        return None


def transcribe_song(
    clip: Clip,
    *,
    tempo: TempoMap | None = None,
    note_options: NoteOptions | None = None,
    melody_options: MelodyOptions | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> SongScore:
    """Separate a song and write down its voice and its band.

    Args:
        clip: A song; mono or stereo.
        tempo: Where quarters lie in seconds; the beats that are heard when None.
        note_options: For the band.
        melody_options: For the voice.
        progress: Receives `Progress` events.
        cancel: Stops the work when raised.
    """
    monitor = Monitor(progress, cancel, "separating")
    stems = Separator.load()(clip, progress=monitor.part("separating", 0.0, 0.4).sink, cancel=cancel)
    vocals, band = stems["vocals"], stems["accompaniment"]
    heard = tempo_of(clip, vocals=vocals, progress=monitor.part("listening", 0.4, 0.6).sink, cancel=cancel)
    score, remarks = write_down(
        vocals,
        {"band": band},
        heard,
        tempo=tempo,
        note_options=note_options,
        melody_options=melody_options,
        progress=monitor.part("writing down", 0.6, 1.0).sink,
        cancel=cancel,
    )
    return SongScore(score, vocals, remarks)


def write_down(
    vocals: Clip,
    others: Mapping[str, Clip],
    heard: Analysis | None,
    *,
    tempo: TempoMap | None = None,
    note_options: NoteOptions | None = None,
    melody_options: MelodyOptions | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> tuple[Score, tuple[str, ...]]:
    """The notes of a separated song, stem by stem.

    Args:
        vocals: The voice.
        others: The other stems by name; drums, which Basic Pitch cannot hear, are better left out.
        heard: What analysis heard in the song, with `vocals` as its voice.
        tempo: Where quarters lie in seconds; the beats that were heard when None.
        note_options: For the other stems.
        melody_options: For the voice.
        progress: Receives `Progress` events.
        cancel: Stops the work when raised.

    Returns:
        The score: track "melody" and one per stem; and remarks on what was not found.
    """
    monitor = Monitor(progress, cancel)
    chosen = tempo or (heard.tempo_map() if heard else None) or TempoMap.constant(DEFAULT_BPM)
    part = monitor.part("melody", 0.0, 1 / (1 + len(others)))
    sung = sung_notes(
        vocals if heard is None else heard.melody,
        clip=vocals,
        options=melody_options,
        progress=part.sink,
        cancel=cancel,
    )
    tracks = [Track("melody", notes_on(sung, chosen))]
    transcriber = Transcriber.load() if others else None
    for name, clip in others.items():
        assert transcriber is not None
        part = monitor.part(name, len(tracks) / (1 + len(others)), (1 + len(tracks)) / (1 + len(others)))
        notes = transcriber(clip, tempo=chosen, options=note_options, name=name, progress=part.sink, cancel=cancel)
        tracks.append(notes.tracks[0])
    remarks = tuple(f"No notes were heard in the {t.name}." for t in tracks if not t.notes)
    return on_beats(Score(tuple(tracks), chosen), heard, keeps_beats=tempo is None), remarks


def on_beats(score: Score, heard: Analysis | None, *, keeps_beats: bool = True) -> Score:
    """The score with the metre, key, chords and sections that were heard; the last three only on the heard beats."""
    if heard is None:
        return score
    if not keeps_beats or heard.tempo_map() is None:
        return Score(score.tracks, score.tempo, score.time_signatures, heard.key)
    return Score(score.tracks, score.tempo, metre_of(heard.beats), heard.key, heard.chords, heard.sections)


def metre_of(beats: BeatGrid) -> tuple[TimeSignature, ...]:
    """The bar as a time signature in quarters."""
    return (TimeSignature(0.0, beats.beats_per_bar, 4),)
