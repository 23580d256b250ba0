"""Whether the labels of an item can be true."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from descant.data.band.complaint import Complaint
from descant.data.splits import SPLITS
from descant.errors import DescantError
from descant.score.harmony import Chord, Key

_SLACK_S = 0.02


def label_complaints(path: Path, labels: dict[str, Any]) -> Iterator[Complaint]:
    """Labels out of range, out of order, or in contradiction to each other."""
    length = float(labels["duration_s"]) + _SLACK_S
    if abs(labels["frames"] / labels["sample_rate"] - labels["duration_s"]) > 1e-3:
        yield Complaint(path, "frames", "do not fit duration_s")
    if labels["split"] not in SPLITS:
        yield Complaint(path, "split", f"{labels['split']!r} is none of {', '.join(SPLITS)}")
    beats = [t for t, _ in labels["beats"]]
    if len(beats) < 2 or any(b <= a for a, b in itertools.pairwise(beats)) or not 0 <= beats[0] <= beats[-1] <= length:
        yield Complaint(path, "beats", "do not rise from 0 to the end of the audio")
    if any(not 1 <= place <= labels["meter"][0] for _, place in labels["beats"]):
        yield Complaint(path, "beats", f"count beyond {labels['meter'][0]} in a bar")
    for field in ("chords", "sections", "melody"):
        yield from _span_complaints(path, field, [(a, b) for a, b, _ in labels[field]], length)
    yield from _harmony_complaints(path, labels)
    yield from _word_complaints(path, labels, length)
    if any(not i["id"] for i in labels["instruments"] if i["part"] not in ("lead", "backing")):
        yield Complaint(path, "instruments", "one has no id")
    if not labels["caption"]:
        yield Complaint(path, "caption", "empty")


def _span_complaints(
    path: Path, field: str, spans: Sequence[tuple[float, float]], length: float
) -> Iterator[Complaint]:
    for number, (start, end) in enumerate(spans):
        if not 0 <= start < end <= length:
            yield Complaint(path, f"{field}[{number}]", f"{start} to {end} s does not lie in the audio")
    for number, (one, following) in enumerate(itertools.pairwise(spans)):
        if following[0] < one[1] - 1e-3:
            yield Complaint(path, f"{field}[{number + 1}]", f"starts at {following[0]} s, before the last one ends")


def _harmony_complaints(path: Path, labels: dict[str, Any]) -> Iterator[Complaint]:
    try:
        for _, _, chord in labels["chords"]:
            Chord.parse(chord)
    except DescantError as error:
        yield Complaint(path, "chords", error.message)
    try:
        if labels["key"] is not None:
            Key.parse(labels["key"])
    except DescantError as error:
        yield Complaint(path, "key", error.message)


def _word_complaints(path: Path, labels: dict[str, Any], length: float) -> Iterator[Complaint]:
    yield from _span_complaints(path, "words", [(w["start_s"], w["end_s"]) for w in labels["words"]], length)
    for number, word in enumerate(labels["words"]):
        syllables = word["syllables"]
        yield from _span_complaints(
            path, f"words[{number}].syllables", [(s["start_s"], s["end_s"]) for s in syllables], length
        )
        if any(not s["start_s"] <= s["vowel_s"] < s["end_s"] for s in syllables):
            yield Complaint(path, f"words[{number}].syllables", "a vowel lies outside its syllable")
        if "".join(s["text"] for s in syllables) != word["text"] and number + 1 < len(labels["words"]):
            yield Complaint(path, f"words[{number}].text", f"{word['text']!r} is not what its syllables spell")
    if bool(labels["words"]) != (labels["singer"] is not None):
        yield Complaint(path, "words", "without a singer" if labels["words"] else "missing although someone sings")
