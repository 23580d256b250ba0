"""Recordings of single voices: indexed speech, voice banks and lead vocals as pieces of some seconds, by person.

Kept for measuring, never for training: the persons of `HELD_OUT`, chosen before the first training.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.errors import InputNotFound, TextReadError

Kind = Literal["speech", "singing"]

HELD_OUT = frozenset(
    (
        "pt_BR/Enrico Nicoletto",
        "zh_CN/Feng Jie 2010",
        "sv/Ulrika Uddeborg 2005",
        "it/Gabriella Agrusti 2004",
        "cs/Martin Šín",
        "bg/Iassen Kertov",
        "erithacus",
        "album/3_sodium",
        "orders/late",
    )
)
"""Persons (and, where persons are not named, recordings) that no training hears."""

_GAP_S, _SHORTEST_S, _LONGEST_S = 0.12, 0.25, 10.0
_LATE_ORDERS = 0.85
_SEVERAL = ("", "not named", "Art4Apps project", "several (see CREDITS.txt)")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a file, in seconds; `end_s` None is its end."""

    path: Path
    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Voice:
    """Recordings of one person.

    Attributes:
        name: "de/Martin Herweg 2001", "yuki"; the same on every machine.
        kind: Speech or singing.
        licence: Of the recordings.
        spans: In order.
        is_one_person: Whether the source says so; if not, neighbouring spans still are mostly of one.
    """

    name: str
    kind: Kind
    licence: str
    spans: tuple[Span, ...]
    is_one_person: bool = True

    @property
    def is_held_out(self) -> bool:
        """Whether it is kept for measuring."""
        return self.name in HELD_OUT

    def pieces(self, *, sample_rate: int, most_s: float | None = None) -> Iterator[Clip]:
        """The recordings, mono, joined with short pauses to pieces of up to 10 s; longer spans are divided.

        Args:
            sample_rate: In Hz.
            most_s: Ends after so much.
        """
        pause = np.zeros((1, round(_GAP_S * sample_rate)), np.float32)
        total, waiting = 0, list[np.ndarray]()
        for part in self._parts(sample_rate):
            if waiting and sum(one.shape[1] for one in waiting) + part.shape[1] > _LONGEST_S * sample_rate:
                yield Clip(np.concatenate(waiting, axis=1), sample_rate)
                waiting = []
            waiting += [part, pause]
            total += part.shape[1]
            if most_s is not None and total > most_s * sample_rate:
                break
        if waiting:
            yield Clip(np.concatenate(waiting, axis=1), sample_rate)

    def _parts(self, sample_rate: int) -> Iterator[np.ndarray]:
        longest = round(_LONGEST_S * sample_rate)
        files: dict[Path, Clip] = {}
        for span in self.spans:
            if span.path not in files:
                files = {span.path: read(span.path, sample_rate=sample_rate, channels=1)}  # one at a time
            whole = files[span.path].samples
            end = whole.shape[1] if span.end_s is None else round(span.end_s * sample_rate)
            part = whole[:, round(span.start_s * sample_rate) : end]
            if part.shape[1] < _SHORTEST_S * sample_rate:
                continue
            for start in range(0, part.shape[1], longest):
                yield part[:, start : start + longest]


def find_voices(folder: Path) -> tuple[Voice, ...]:
    """All voices below a folder: speech with `index.csv`, banks with `voice.json`, songs with `lead.opus`.

    Raises:
        InputNotFound: There are none.
        TextReadError: An index lacks a column.
    """
    found = [
        *(voice for index in sorted(folder.rglob("index.csv")) for voice in _indexed(index)),
        *(_bank(path) for path in sorted(folder.rglob("voice.json"))),
        *(_lead(path) for path in sorted(folder.rglob("lead.opus"))),
    ]
    if not found:
        raise InputNotFound(
            f"{folder} holds no voices.", "Expected index.csv, voice.json or lead.opus somewhere in it."
        )
    return tuple(found)


def _indexed(index: Path) -> list[Voice]:
    with index.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = set(rows[0]) if rows else set()
    if not {"start_s", "end_s"} <= columns:
        return []  # rooms have an index, too
    if {"language", "speaker"} <= columns:
        groups: dict[str, list[dict[str, str]]] = {}
        for row in rows:
            groups.setdefault(f"{row['language']}/{row['speaker']}", []).append(row)
        return [
            Voice(
                name,
                "speech",
                group[0].get("licence", ""),
                tuple(_span(index, row, f"{row['language']}.opus") for row in group),
                group[0]["speaker"] not in _SEVERAL,
            )
            for name, group in sorted(groups.items())
        ]
    if "file" not in columns:
        raise TextReadError(f"{index} says neither who speaks nor in which file.", "Get the set's own index.")
    early = round(_LATE_ORDERS * len(rows))
    return [
        Voice(f"{index.parent.name.rpartition('_')[2]}/{part}", "speech", "Apache-2.0",
              tuple(_span(index, row, row["file"]) for row in some), is_one_person=False)
        for part, some in (("early", rows[:early]), ("late", rows[early:]))
    ]  # fmt: skip


def _span(index: Path, row: dict[str, str], file: str) -> Span:
    try:
        return Span(index.parent / file, float(row["start_s"]), float(row["end_s"]))
    except ValueError as error:
        raise TextReadError(f"{index}: {error}.", "Get the set's own index.") from error


def _bank(path: Path) -> Voice:
    facts = json.loads(path.read_text(encoding="utf-8"))
    spans = tuple(Span(file) for file in sorted(path.parent.glob("*.opus")))
    return Voice(path.parent.name, "singing", str(facts.get("licence", "")), spans)


def _lead(path: Path) -> Voice:
    return Voice(f"album/{path.parent.name}", "singing", "CC0-1.0", (Span(path),), is_one_person=False)
