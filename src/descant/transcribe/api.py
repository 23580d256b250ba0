"""Transcription, rung by rung: a loaded `Transcriber`, and one-call functions for clips.

Instruments go through Basic Pitch (`transcribe`), voices through their pitch curve (`transcribe_melody`), sung words
through Whisper (`transcribe_words`). Files are the business of `descant.transcribe.files`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from descant.audio.clip import Clip
from descant.dsp.pitch import PitchTrack
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap
from descant.text.lyrics import Lyrics
from descant.transcribe.basic_pitch import BasicPitch
from descant.transcribe.config import MelodyOptions, NoteOptions, WordOptions
from descant.transcribe.decode import NoteEvent, decode_stream, without_shared_bends
from descant.transcribe.placing import DEFAULT_BPM, place_events

if TYPE_CHECKING:
    from descant.transcribe.words import HeardWords

_BLOCK_S = 10


class Transcriber:
    """Basic Pitch, ready to turn recordings of pitched instruments into notes.

    Args:
        net: The net with its weights.
    """

    def __init__(self, net: BasicPitch) -> None:
        self._net = net

    @classmethod
    def load(cls, name: str = "basic-pitch") -> Transcriber:
        """From a card's name; the weights are fetched when they are not in the cache yet."""
        return cls(BasicPitch.load(name))

    def __call__(
        self,
        clip: Clip,
        *,
        tempo: TempoMap | None = None,
        options: NoteOptions | None = None,
        name: str = "notes",
        program: int = 0,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Score:
        """Notes of a recording as a score of one track.

        Args:
            clip: Any rate and channel count; shorter than a note, or silent, gives a track without notes.
            tempo: Where quarters lie in seconds, so that notes sit on bars; 120 quarters per minute when None.
            options: Thresholds, range, bends.
            name: Name of the track.
            program: General MIDI program of the track.
            progress: Receives `Progress` events.
            cancel: Stops the work when raised.
        """
        tempo = tempo or TempoMap.constant(DEFAULT_BPM)
        monitor = Monitor(progress, cancel, "transcribing")
        notes: list[Note] = []
        for events in self.events(_reported(clip, monitor), options=options):
            notes += place_events(events, tempo)
        monitor.report(1.0)
        return Score((Track(name, tuple(notes), program),), tempo)

    def events(self, blocks: Iterable[Clip], *, options: NoteOptions | None = None) -> Iterator[tuple[NoteEvent, ...]]:
        """Note events of a recording that arrives block by block, in bounded memory.

        Args:
            blocks: Consecutive clips of one rate and channel count.
            options: Thresholds, range, bends.

        Yields:
            Events in order of time, a group per ten minutes.
        """
        options = options or NoteOptions()
        for events in decode_stream(self._net.stream(blocks), options):
            yield events if options.multiple_bends else without_shared_bends(events)


def transcribe(
    clip: Clip,
    *,
    tempo: TempoMap | None = None,
    options: NoteOptions | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Score:
    """Notes of a recording of pitched instruments, with the default net; see `Transcriber`.

    Example:
        >>> transcribe(Clip.silence(22_050, 22_050)).end  # doctest: +SKIP
        0.0
    """
    return Transcriber.load()(clip, tempo=tempo, options=options, progress=progress, cancel=cancel)


def transcribe_melody(
    source: Clip | PitchTrack,
    tempo: TempoMap | None = None,
    *,
    options: MelodyOptions | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Track:
    """What one voice sings, as single notes with the pitch curve as bends.

    Args:
        source: A recording of one voice; or its pitch track alone, when nothing else is left of it (repeated notes
            on one pitch are then heard only where the voice pauses).
        tempo: Where quarters lie in seconds; 120 quarters per minute when None.
        options: How notes are told apart.
        progress: Receives `Progress` events.
        cancel: Stops the work when raised.

    Returns:
        A track named "melody"; without notes when nothing is sung.
    """
    from descant.transcribe.melody import notes_on, sung_notes

    tempo = tempo or TempoMap.constant(DEFAULT_BPM)
    notes = sung_notes(source, options=options, progress=progress, cancel=cancel)
    return Track("melody", notes_on(notes, tempo))


def transcribe_words(
    clip: Clip,
    *,
    mix: Clip | None = None,
    options: WordOptions | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Lyrics:
    """What is sung, as words with times (`descant.transcribe.words`).

    Args:
        clip: A voice, best without a band.
        mix: The same with its band, where there is one; it is heard as well.
        options: How sure the words must be, their language, which Whisper listens.
        progress: Receives `Progress` events.
        cancel: Stops the work when raised.

    Returns:
        Lines of words and their language; without lines when no words are heard.
    """
    return hear_words(clip, mix=mix, options=options, progress=progress, cancel=cancel).lyrics


def hear_words(
    clip: Clip,
    *,
    mix: Clip | None = None,
    options: WordOptions | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> HeardWords:
    """What is sung, as `transcribe_words` gives it, and how sure its language is; arguments as there."""
    from descant.transcribe.words import WordRecognizer

    options = options or WordOptions()
    return WordRecognizer.load(options.model).hear(clip, mix=mix, options=options, progress=progress, cancel=cancel)


def _reported(clip: Clip, monitor: Monitor) -> Iterator[Clip]:
    size = _BLOCK_S * clip.sample_rate
    for start in range(0, clip.frames, size):
        monitor.report(start / clip.frames)
        yield Clip(clip.samples[:, start : start + size], clip.sample_rate)
