"""What a person may decide about an alignment of files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from descant.errors import InvalidOption
from descant.text.formats import text_format
from descant.text.language_codes import language_code

DEFAULT_FORMATS = ("elrc", "json")
OTHER = "other"
"""Stands for a language that nobody knows: its words are read by their letters."""


@dataclass(frozen=True, slots=True)
class AlignFileOptions:
    """What to listen to, and what to write.

    Attributes:
        formats: Names of `descant.text.formats.FORMATS`; enhanced LRC and JSON when empty, or what the name of the
            output file stands for.
        language: Of the lyrics, by code or name ("de", "German"), kept as its code; "other" reads them by their
            letters; guessed from the words when empty.
        recognize: Whether the words are written first, by `WordRecognizer`, because nobody has them.
        separate: Whether the voice is taken out of the song; not needed where nothing but a voice sounds.
        vocals: The voice of the song alone, if somebody has it.
        anchors: Corrections, "12.34 some words"; they are kept in `<name>.anchors.txt` beside the output.
        corrections: Another file of corrections.
    """

    formats: tuple[str, ...] = ()
    language: str = ""
    recognize: bool = False
    separate: bool = True
    vocals: Path | None = None
    anchors: tuple[str, ...] = ()
    corrections: Path | None = None

    def __post_init__(self) -> None:
        for name in self.formats:
            text_format(name)
        if self.language == OTHER and self.recognize:
            raise InvalidOption("Words of an unknown language cannot be recognized.", "Name it, or leave it out.")
        if self.language != OTHER:
            object.__setattr__(self, "language", language_code(self.language))
        if self.vocals is not None and not self.separate:
            raise InvalidOption("A voice alone needs no --no-separation.", "Give one of --vocals and --no-separation.")
