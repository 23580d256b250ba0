"""The lesson `sing` as recipes name it: the stages of `train.sing` on a set of notes, or on tones that need no data."""

from __future__ import annotations

from pathlib import Path

from descant.data.notes.note_set import NoteSet
from descant.errors import InputNotFound
from descant.train.plan import Plan, required
from descant.train.sing import MEASURES, SingLesson, SingLessonConfig
from descant.train.sing_notes import TONES, load_notes, made_tones


def build_lesson(config: SingLessonConfig, data: Path | None, seed: int) -> SingLesson:
    """The lesson on a set of notes, with SING's split.

    Raises:
        InputNotFound: There is no set, or it is too small to hold pitches out.
        DescantError: A note cannot be read.
    """
    if config.source == "tones":
        training, validation = made_tones(seed)
        return SingLesson(config, TONES, training, validation, seed)
    notes = NoteSet(required(data, "a set of `descant data notes`, or nsynth-train"))
    instruments = sorted({note.instrument for note in notes.notes})
    shares = notes.splits("pitches")
    if not shares["train"] or not shares["validation"]:
        raise InputNotFound(
            f"{data} has too few notes to hold some pitches out.", "Make a larger set: `descant data notes`."
        )
    training, validation = (load_notes(shares[split], instruments) for split in ("train", "validation"))
    return SingLesson(config, instruments, training, validation, seed)


PLAN = Plan(
    SingLessonConfig,
    build_lesson,
    None,
    None,
    lambda _config: MEASURES,
)
"""Its weights are measured by `descant reproduce sing`; what `play` uses is trained by another lesson."""
