"""The notes of the experiments, read when an arm first asks for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from descant.data.notes.note_set import NoteItem, NoteSet
from descant.data.splits import Split
from descant.errors import InputNotFound
from descant.hub.files import sha256_of
from descant.train.plan import required
from descant.train.sing_notes import TONES, Notes, load_notes, made_tones

_SET = "a set of `descant data notes`, or nsynth-train"
_TONES_SEED = 0


class Material:
    """Notes with SING's split.

    Args:
        data: A set of notes; None where the scale makes tones.
        source: "notes" or "tones".
    """

    def __init__(self, data: Path | None, source: str) -> None:
        self._data = data
        self._is_made = source == "tones"

    def require(self) -> None:
        """Say before the work what is missing.

        Raises:
            InputNotFound: There is no set, or it is too small to hold pitches out.
        """
        if self._is_made:
            return
        if not all(self.items.values()):
            raise InputNotFound(
                f"{self._data} has too few notes to hold some pitches out.", "Make a larger set: `descant data notes`."
            )

    @cached_property
    def _set(self) -> NoteSet:
        return NoteSet(required(self._data, _SET))

    @cached_property
    def items(self) -> Mapping[Split, Sequence[NoteItem]]:
        """Descriptions of the notes; none of made tones."""
        return {} if self._is_made else self._set.splits("pitches")

    @cached_property
    def digest(self) -> str:
        """Of the notes' names and sounds. Empty where there is no set: `require` says so later."""
        if self._is_made:
            return f"tones {_TONES_SEED}"
        if self._data is None or not self._data.exists():
            return ""
        digest = hashlib.sha256()
        for note in sorted(self._set.notes, key=lambda n: n.name):
            digest.update(f"{note.name} {sha256_of(note.low)}\n".encode())
        return digest.hexdigest()

    @property
    def described(self) -> str:
        """For a report."""
        if self._is_made:
            return "Tones made by arithmetic, four instruments of seven or so pitches each."
        counts = {split: len(items) for split, items in self.items.items()}
        return (
            f"{len(self._set.notes):,} notes of {len(self.instruments)} instruments: {counts['train']:,} to learn "
            f"from, {counts['validation']} for validation, {counts['test']} held out for the test."
        )

    @cached_property
    def instruments(self) -> tuple[str, ...]:
        """Their names; the row of a name is its place."""
        return TONES if self._is_made else tuple(sorted({note.instrument for note in self._set.notes}))

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Of each instrument."""
        if self._is_made:
            return ("low", "low", "high", "high")
        known = {note.instrument: note.family for note in self._set.notes}
        return tuple(known[name] for name in self.instruments)

    @cached_property
    def notes(self) -> Mapping[Split, Notes]:
        """Their sounds."""
        if self._is_made:
            training, held_out = made_tones(_TONES_SEED)
            return {"train": training, "validation": held_out, "test": held_out}
        return {split: load_notes(items, self.instruments) for split, items in self.items.items()}
