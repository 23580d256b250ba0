"""Pieces of singing and speech with their words, in one folder: what lyrics aligners learn from and are measured on.

A folder holds `audio.npy` (int16, mono, all pieces end to end) and `pieces.json`. Times are as the source knows them:
every line has a start and an end, a word only where its time is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from descant.data.sets.item import SPLITS, Split
from descant.data.sets.layout import read_json
from descant.errors import InputNotFound, TextReadError
from descant.files import atomic_output, output_error
from descant.hub.files import sha256_of
from descant.text.lyrics import Line, Lyrics, Word

SAMPLE_RATE = 22_050
"""Of everything in a set, in Hz: what S19 hears, and twice what D23 hears."""

Mix = Literal["vocals", "mixture", "separated", "backing"]
"""The voice alone, with a band, separated from the band again, or a band without a voice."""

_FORMAT = 1
_AUDIO, _INDEX = "audio.npy", "pieces.json"
_AGAIN = "Build it again with recipes/lyrics_contrastive/build.py."

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One piece.

    Attributes:
        song: What it is of: the mixes of a song share this name.
        mix: What is heard.
        kind: Where it comes from: "prompts", "words", "band", "scores".
        singer: Who is heard; the same name in all languages.
        split: Which part it belongs to.
        lyrics: Its lines; `language` is known. Empty in a backing.
        samples: Mono at `SAMPLE_RATE`, [frames]; int16, full scale is 32,768.
    """

    song: str
    mix: Mix
    kind: str
    singer: str
    split: Split
    lyrics: Lyrics
    samples: Samples

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE


class LyricsSet:
    """A folder that `write_set` wrote; audio is mapped, not read.

    Args:
        root: The folder.

    Raises:
        InputNotFound: There is no such set.
        TextReadError: It is damaged.
    """

    def __init__(self, root: Path) -> None:
        index, audio = root / _INDEX, root / _AUDIO
        if not index.is_file() or not audio.is_file():
            raise InputNotFound(f"{root} holds no pieces with words.", f"It needs {_INDEX} and {_AUDIO}. {_AGAIN}")
        self.root = root
        told = read_json(index)
        try:
            samples = np.lib.format.open_memmap(audio, mode="r")
            if told["format"] != _FORMAT or samples.dtype != np.int16 or samples.ndim != 1:
                raise ValueError("another format")
            self.pieces = tuple(_piece(row, samples) for row in told["pieces"])
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise TextReadError(f"{root} is damaged: {error}.", _AGAIN) from error

    def some(self, split: Split, *mixes: Mix) -> tuple[Piece, ...]:
        """Pieces of a split, of these mixes."""
        return tuple(piece for piece in self.pieces if piece.split == split and piece.mix in mixes)

    @cached_property
    def digest(self) -> str:
        """Of everything in it."""
        return f"{sha256_of(self.root / _INDEX)} {sha256_of(self.root / _AUDIO)}"


def write_set(pieces: Iterable[Piece], root: Path) -> None:
    """Write pieces as a set.

    Raises:
        OutputError, PermissionRefused: The folder cannot be written.
    """
    kept = list(pieces)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, root) from error
    rows, start = [], 0
    for piece in kept:
        rows.append(_row(piece, start))
        start += len(piece.samples)
    samples = np.concatenate([piece.samples for piece in kept]) if kept else np.zeros(0, np.int16)
    with atomic_output(root / _AUDIO) as temporary, temporary.open("wb") as file:
        np.save(file, samples)
    with atomic_output(root / _INDEX) as temporary:
        temporary.write_text(json.dumps({"format": _FORMAT, "pieces": rows}, ensure_ascii=False), encoding="utf-8")


def as_samples(sound: NDArray[np.floating[Any]]) -> Samples:
    """Float samples as a set holds them; what is over full scale makes the whole piece quieter."""
    peak = float(np.abs(sound).max(initial=0.0))
    return np.round(sound * (32_767.0 / max(1.0, peak))).astype(np.int16)


def as_float(samples: Samples) -> NDArray[np.float32]:
    """Float samples of what a set holds, within -1..1."""
    return samples.astype(np.float32) / np.float32(32_768.0)


def _row(piece: Piece, start: int) -> dict[str, Any]:
    lines = [
        [line.start_s, line.end_s, [[word.text, word.start_s, word.end_s] for word in line.words]]
        for line in piece.lyrics.lines
    ]
    named = {name: getattr(piece, name) for name in ("song", "mix", "kind", "singer", "split")}
    return {**named, "language": piece.lyrics.language, "start": start, "frames": len(piece.samples), "lines": lines}


def _piece(row: dict[str, Any], samples: Samples) -> Piece:
    start, frames = int(row["start"]), int(row["frames"])
    if not 0 <= start <= start + frames <= len(samples):
        raise ValueError(f"{row['song']} lies outside of the audio")
    if row["split"] not in SPLITS or row["mix"] not in get_args(Mix):
        raise ValueError(f"{row['song']} is of no split or mix")
    lyrics = Lyrics(tuple(_line(*line) for line in row["lines"]), str(row["language"]))
    said = (str(row["kind"]), str(row["singer"]))
    return Piece(str(row["song"]), row["mix"], *said, row["split"], lyrics, samples[start : start + frames])


def _line(start_s: float, end_s: float, words: Sequence[tuple[str, float | None, float | None]]) -> Line:
    return Line(tuple(Word(text, start, end) for text, start, end in words), start_s, end_s)
