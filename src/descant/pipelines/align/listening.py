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
from descant.align.hearing import Heard
from descant.align.notes import with_notes
from descant.audio.clip import Clip
from descant.errors import NothingHeard
from descant.hub.card import cache_folder, load_card
from descant.pipelines.align.corrections import Correction, anchors_of
from descant.pipelines.align.kept import read_heard, read_reads, write_heard, write_reads
from descant.pipelines.align.voice import VoiceLevel, blocks_in, level_of, mono_of
from descant.pipelines.align.written import Written
from descant.pipelines.records import read_record, write_record
from descant.pipelines.vocals import HALF_DB, STEPS
from descant.pipelines.workspace import Workspace
from descant.progress import Monitor
from descant.text.formats import read_lyrics, write_lyrics
from descant.text.language import guess_language
from descant.text.language_codes import LANGUAGE_NAMES
from descant.text.lyrics import SungNote
from descant.text.sheet import Sheet
from descant.transcribe.api import hear_words
from descant.transcribe.config import MelodyOptions, WordOptions
from descant.transcribe.language import HeardLanguage
from descant.transcribe.melody import held_notes, sounds_spoken, sung_notes
from descant.transcribe.words import HeardWords

_HEARD, _READS, _LEVEL, _NOTES, _WORDS = "heard.npz", "reads.npz", "level.json", "notes.json", "words.json"
_LANGUAGE = "language.json"
NOTES_STAGE = "listening for the notes"
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


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Words in a voice.

    Attributes:
        alignment: Where they are, with notes.
        remarks: What a person should know of the corrections.
    """

    alignment: Alignment
    remarks: tuple[str, ...] = ()


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

    def align(self, written: Written, *, language: str, corrections: Sequence[Correction], monitor: Monitor) -> Found:
        """Place the words of a sheet, with the notes that each syllable is sung on.

        Args:
            written: The words.
            language: Code; that of the sheet, or guessed from it, when empty.
            corrections: Points fixed by hand.
            monitor: Reports progress, can cancel.

        Raises:
            NothingHeard: No voice sings here, or it sings something else.
            InvalidOption: A correction names no words of the sheet.
            DescantError: The file cannot be read, weights cannot be fetched.
        """
        sheet = written.sheet
        told = language or sheet.language
        options = AlignOptions(language=told or guess_language(sheet.lyrics.text).code)
        level = self.level()
        if level is not None and not corrections:
            level.require_voice()
        found = self._best(sheet, options, monitor.part("listening", 0.0, 0.9))
        try:
            require_fit(found, options if not corrections else replace(options, lowest_fit=0.0))
        except NothingHeard as error:
            as_read = _as_read(written, options.language, is_guessed=not told)
            raise NothingHeard(f"{error.message}{_about(level)} {as_read}", error.hint) from error
        starts = [word.start_s or 0.0 for word in found.guessed.words]
        fixed = anchors_of(corrections, [word.text for word in sheet.lyrics.words], lambda: starts)
        alignment = found
        if fixed.anchors:
            alignment = realign(found.evidence, sheet, options=options, anchors=fixed.anchors, cancel=monitor.cancel)
        melody = self.melody(monitor.part("", 0.9, 1.0).named(NOTES_STAGE))
        return Found(replace(alignment, lyrics=with_notes(alignment.lyrics, melody.notes)), fixed.remarks)

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
        what = "the voice" if self._song is not None else "the song as it is"
        heard = self._heard(options, monitor.part("", 0.0, 0.75).named(f"listening to {what}"))
        following = monitor.part("", 0.75, 1.0).named(f"following the words in {what}")
        evidence = self._evidence(heard, sheet, options, following)
        return realign(evidence, sheet, options=replace(options, lowest_fit=0.0), cancel=monitor.cancel)

    def level(self) -> VoiceLevel | None:
        """How much of the song its voice is; None where Descant did not take it out."""
        song = self._song
        if song is None or not self._separated:
            return None

        def make(place: Path) -> None:
            write_record(place / _LEVEL, level_of(blocks_in(song, self._path, -HALF_DB)))

        return self._workspace.value("align-level", {}, make, lambda place: read_record(place / _LEVEL, VoiceLevel))

    def recognize(self, language: str, monitor: Monitor) -> HeardWords:
        """What is sung, where nobody has the words; without lines when no words are heard."""

        def make(place: Path) -> None:
            mix = None if self._song is None else mono_of(self._song, monitor.cancel)
            options = WordOptions(language=language)
            heard = hear_words(self._mono, mix=mix, options=options, progress=monitor.sink, cancel=monitor.cancel)
            write_lyrics(place / _WORDS, heard.lyrics)
            if heard.language is not None:
                write_record(place / _LANGUAGE, heard.language)

        def read(place: Path) -> HeardWords:
            is_heard = (place / _LANGUAGE).exists()
            sure = read_record(place / _LANGUAGE, HeardLanguage) if is_heard else None
            return HeardWords(read_lyrics(place / _WORDS), sure)

        return self._workspace.value("align-words", {"language": language}, make, read)

    def melody(self, monitor: Monitor) -> SungMelody:
        """What is sung, listened to a few minutes at a time."""

        def make(place: Path) -> None:
            write_record(place / _NOTES, melody_of(self._mono, monitor))

        return self._workspace.value("align-notes", {}, make, lambda place: read_record(place / _NOTES, SungMelody))

    def _heard(self, options: AlignOptions, monitor: Monitor, *, windows: bool = False) -> Heard:
        def make(place: Path) -> None:
            heard = Aligner.load().hear(self._mono, options, monitor)
            write_heard(place / _HEARD, heard)

        settings = _weights() | {"prior": options.costs.prior}
        return self._workspace.value(
            "align-heard", settings, make, lambda place: read_heard(place / _HEARD, windows=windows)
        )

    def _evidence(self, heard: Heard, sheet: Sheet, options: AlignOptions, monitor: Monitor) -> Evidence:
        chain = chain_of(sheet, options)

        def make(place: Path) -> None:
            whole = self._heard(options, monitor.part("listening", 0.0, 0.0), windows=True)
            write_reads(place / _READS, Aligner.load().read(whole, sheet, options=options, monitor=monitor).reads)

        settings = _weights() | {"words": _digest(sheet), "language": options.language, "costs": repr(options.costs)}
        reads = self._workspace.value(
            "align-reads",
            settings,
            make,
            lambda place: read_reads(place / _READS, frames=heard.frames, states=len(chain)),
        )
        return Evidence(heard, reads, chain)


def _about(level: VoiceLevel | None) -> str:
    """What the level of the voice says of lyrics that do not fit."""
    if level is None or level.share > _FAINT_SHARE:
        return ""
    return f" What separation took for a voice lies {-level.level_db:.0f} dB below the song: it may be an instrumental."


def _as_read(written: Written, language: str, *, is_guessed: bool) -> str:
    """How lyrics that do not fit were taken: the mistake may lie there."""
    named = LANGUAGE_NAMES.get(language, "a language that is not known, letter by letter")
    said = f"{named}, guessed from the words" if is_guessed else named
    remarks = " ".join(("", *written.remarks))
    return f"They were read as {'; '.join(filter(None, (said, written.sheet.summary)))}.{remarks}"


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
