"""From a voice and a sheet to an alignment, each step kept by content: a correction listens to nothing again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from descant.align.api import (
    ENOUGH,
    READER,
    WHISPER,
    Aligner,
    Alignment,
    Evidence,
    chain_of,
    realign,
    require_fit,
)
from descant.align.config import AlignOptions
from descant.align.notes import with_notes
from descant.audio.clip import Clip
from descant.errors import NothingHeard
from descant.hub.card import cache_folder, load_card
from descant.pipelines.align.corrections import Correction, anchors_of
from descant.pipelines.align.kept import read_heard, read_reads, write_heard, write_reads
from descant.pipelines.align.voice import VoiceLevel, blocks_in, level_of, mono_of
from descant.pipelines.records import read_record, write_record
from descant.pipelines.vocals import HALF_DB, STEPS
from descant.pipelines.workspace import Workspace
from descant.progress import Monitor
from descant.text.formats import read_lyrics, write_lyrics
from descant.text.language import guess_language
from descant.text.lyrics import Lyrics, SungNote
from descant.text.sheet import Sheet
from descant.transcribe.api import transcribe_words
from descant.transcribe.config import MelodyOptions, WordOptions
from descant.transcribe.melody import held_notes, sounds_spoken, sung_notes

_HEARD, _READS, _LEVEL, _NOTES, _WORDS = "heard.npz", "reads.npz", "level.json", "notes.json", "words.json"
_FAINT_SHARE = 0.2
_STRETCH_S = 300.0


@dataclass(frozen=True, slots=True)
class SungMelody:
    """What a voice sings, as a step hands it on.

    Attributes:
        notes: In order of time.
        is_spoken: Whether it moves as speech does; only tones that are held are notes then.
    """

    notes: tuple[SungNote, ...]
    is_spoken: bool


class Voice:
    """The voice of a song on disk, in which words are looked for.

    Args:
        path: Best a voice without its band.
        separated: Whether Descant took it out of a song.
        song: The song as it is, where `path` is only its voice.
    """

    def __init__(self, path: Path, *, separated: bool, song: Path | None = None) -> None:
        self._path = path
        self._separated = separated
        self._song = song

    @cached_property
    def _workspace(self) -> Workspace:
        return Workspace(cache_folder() / STEPS, self._path)

    @cached_property
    def _mono(self) -> Clip:
        return mono_of(self._path)

    def align(self, sheet: Sheet, *, language: str, corrections: Sequence[Correction], monitor: Monitor) -> Alignment:
        """Place the words of a sheet, with the notes that each syllable is sung on.

        Args:
            sheet: The words.
            language: Code; that of the sheet, or guessed from it, when empty.
            corrections: Points fixed by hand.
            monitor: Reports progress, can cancel.

        Raises:
            NothingHeard: No voice sings here, or it sings something else.
            InvalidOption: A correction names no words of the sheet.
            DescantError: The file cannot be read, weights cannot be fetched.
        """
        options = AlignOptions(language=language or sheet.language or guess_language(sheet.lyrics.text).code)
        level = self.level()
        if level is not None and not corrections:
            level.require_voice()
        found = self._best(sheet, options, monitor.part("listening", 0.0, 0.9))
        try:
            require_fit(found, options if not corrections else replace(options, lowest_fit=0.0))
        except NothingHeard as error:
            raise NothingHeard(error.message + _about(level), error.hint) from error
        anchors = anchors_of(
            corrections,
            [word.text for line in sheet.lines for word in line.words],
            lambda: [word.start_s or 0.0 for word in found.guessed.words],
        )
        alignment = found
        if anchors:
            alignment = realign(found.evidence, sheet, options=options, anchors=anchors, cancel=monitor.cancel)
        melody = self.melody(monitor.part("melody", 0.9, 1.0))
        return replace(alignment, lyrics=with_notes(alignment.lyrics, melody.notes))

    def _best(self, sheet: Sheet, options: AlignOptions, monitor: Monitor) -> Alignment:
        """Where the words are, by the voice or by the song as it is: whichever of the two they fit better.

        What separation takes from a voice may be missed more than the band that it takes away (docs/align.md).
        """
        with_band = self._song is not None and self._separated
        by_voice = self.find(sheet, options, monitor.part("listening", 0.0, 0.5 if with_band else 1.0))
        if self._song is None or not with_band or by_voice.fit >= ENOUGH:
            return by_voice
        by_song = Voice(self._song, separated=False).find(sheet, options, monitor.part("listening", 0.5, 1.0))
        return max(by_voice, by_song, key=lambda found: found.fit)

    def find(self, sheet: Sheet, options: AlignOptions, monitor: Monitor) -> Alignment:
        """Where the words are, by this sound alone, however badly they fit; arguments as for `align`."""
        folder = self._heard(options, monitor.part("listening", 0.0, 0.75))
        evidence = self._evidence(folder, sheet, options, monitor.part("reading", 0.75, 1.0))
        return realign(evidence, sheet, options=replace(options, lowest_fit=0.0), cancel=monitor.cancel)

    def level(self) -> VoiceLevel | None:
        """How much of the song its voice is; None where Descant did not take it out."""
        song = self._song
        if song is None or not self._separated:
            return None

        def make(place: Path) -> None:
            write_record(place / _LEVEL, level_of(blocks_in(song, self._path, -HALF_DB)))

        return read_record(self._workspace.step("align-level", {}, make) / _LEVEL, VoiceLevel)

    def recognize(self, language: str, monitor: Monitor) -> Lyrics:
        """What is sung, where nobody has the words; without lines when no words are heard."""

        def make(place: Path) -> None:
            mix = None if self._song is None else mono_of(self._song, monitor.cancel)
            options = WordOptions(language=language)
            heard = transcribe_words(self._mono, mix=mix, options=options, progress=monitor.sink, cancel=monitor.cancel)
            write_lyrics(place / _WORDS, heard)

        return read_lyrics(self._workspace.step("align-words", {"language": language}, make) / _WORDS)

    def melody(self, monitor: Monitor) -> SungMelody:
        """What is sung, listened to a few minutes at a time."""

        def make(place: Path) -> None:
            write_record(place / _NOTES, melody_of(self._mono, monitor))

        return read_record(self._workspace.step("align-notes", {}, make) / _NOTES, SungMelody)

    def _heard(self, options: AlignOptions, monitor: Monitor) -> Path:
        def make(place: Path) -> None:
            heard = Aligner.load().hear(self._mono, options, monitor)
            write_heard(place / _HEARD, heard)

        return self._workspace.step("align-heard", _weights() | {"prior": options.costs.prior}, make)

    def _evidence(self, heard_in: Path, sheet: Sheet, options: AlignOptions, monitor: Monitor) -> Evidence:
        def make(place: Path) -> None:
            heard = read_heard(heard_in / _HEARD, windows=True)
            write_reads(place / _READS, Aligner.load().read(heard, sheet, options=options, monitor=monitor).reads)

        settings = _weights() | {"words": _digest(sheet), "language": options.language, "costs": repr(options.costs)}
        reads = read_reads(self._workspace.step("align-reads", settings, make) / _READS)
        return Evidence(read_heard(heard_in / _HEARD, windows=False), reads, chain_of(sheet, options))


def _about(level: VoiceLevel | None) -> str:
    """What the level of the voice says of lyrics that do not fit."""
    if level is None or level.share > _FAINT_SHARE:
        return ""
    return f" What separation took for a voice lies {-level.level_db:.0f} dB below the song: it may be an instrumental."


def melody_of(voice: Clip, monitor: Monitor) -> SungMelody:
    """What a voice sings, with what is written of speech: tones that are held."""
    found = []
    length = voice.duration_s
    start = 0.0
    while start < length:
        end = min(start + _STRETCH_S, length)
        part = monitor.part("melody", start / length, end / length)
        heard = sung_notes(
            voice.slice(start, end), options=MelodyOptions(bends=False), progress=part.sink, cancel=monitor.cancel
        )
        found += [replace(note, start_s=start + note.start_s, end_s=start + note.end_s) for note in heard]
        start = end
    is_spoken = sounds_spoken(found)
    notes = held_notes(found) if is_spoken else found
    return SungMelody(tuple(SungNote(note.number, note.start_s, note.end_s) for note in notes), is_spoken)


def _weights() -> dict[str, str | float | int | bool | None]:
    """Which weights listen: with others, evidence is another."""
    return {f"{name}/{file.path}": file.sha256 for name in (READER, WHISPER) for file in load_card(name).files}


def _digest(sheet: Sheet) -> str:
    rows = [[(word.text, word.is_backing) for word in line.words] for line in sheet.lines]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()
