"""`check_band`: whether a set is whole and says the truth about itself."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from descant.data.band.folder import ABOUT, F0, LABELS, SCORE, items_of, read_about, read_labels
from descant.data.band.index import read_index, row_of
from descant.data.band.item import STEMS
from descant.data.band.labels import F0_HOP_S
from descant.data.band.options import BandSet
from descant.data.band.sound_files import RATES
from descant.data.band.splits import SPLITS
from descant.errors import DescantError, InputNotFound
from descant.files import PathLike, as_path
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.harmony import Chord, Key
from descant.score.midi import read_midi

_LOSSY_SNR_DB = 12.0
_CLIPPED = 32_767
_LOWEST_HZ, _HIGHEST_HZ = 30.0, 2_500.0
_SLACK_S = 0.02
_UNHEARD_PEAK = 16


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something wrong: in which file, about which field of it, and what."""

    file: Path
    field: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.field}: {self.what}"


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Attributes:
        items: How many items were looked at.
        hours: Their length.
        splits: Items in each split.
        complaints: All that is wrong; empty for a sound set.
    """

    items: int
    hours: float
    splits: dict[str, int]
    complaints: tuple[Complaint, ...]


def check_band(
    folder: PathLike, *, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> CheckReport:
    """Check a set: files, digests, lengths, sums, labels in range, splits that share nothing, index against files.

    Args:
        folder: A set that `build_band` made.
        progress: Receives progress.
        cancel: Stops between items.

    Raises:
        InputNotFound: The folder holds no set, or its index cannot be read.
        MissingDependency: pyarrow is not installed.
    """
    root = as_path(folder)
    if not root.is_dir():
        raise InputNotFound(f"{root} is not a folder.", "Give the folder of a set.")
    rows = read_index(root)
    monitor = Monitor(progress, cancel, "checking")
    found: list[Complaint] = []
    by_folder = {row["folder"]: row for row in rows}
    folders = list(items_of(root))
    there = {f.relative_to(root).as_posix() for f in folders}
    index = root / "index.parquet"
    found += [Complaint(index, "folder", f"{name} is not there") for name in sorted(set(by_folder) - there)]
    found += [Complaint(index, "folder", f"{name} is not in the index") for name in sorted(there - set(by_folder))]
    found += [Complaint(part, "folder", "half-written: build the set again") for part in root.glob("items/*/.*.part")]
    for number, item in enumerate(folders):
        monitor.report(number / len(folders))
        found += check_item(root, item, by_folder.get(item.relative_to(root).as_posix()))
    found += _shared_between_splits(index, rows)
    found += _about_complaints(root, rows)
    monitor.report(1.0)
    counts: dict[str, int] = {split: sum(row["split"] == split for row in rows) for split in SPLITS}
    hours = sum(float(row["duration_s"]) for row in rows) / 3600.0
    return CheckReport(len(folders), hours, counts, tuple(found))


def check_item(root: Path, folder: Path, row: dict[str, Any] | None) -> list[Complaint]:
    """What is wrong with one item; `row` is its row of the index, where it has one."""
    try:
        labels = read_labels(folder)
    except DescantError as error:
        return [Complaint(folder / LABELS, "file", error.message)]
    try:
        found = list(_label_complaints(folder / LABELS, labels))
        found += _file_complaints(folder, labels)
        if row is not None:
            found += _index_complaints(root, folder, labels, row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [Complaint(folder / LABELS, "labels", f"a field is missing or of the wrong kind ({error!r})")]
    return found


def _file_complaints(folder: Path, labels: dict[str, Any]) -> Iterator[Complaint]:
    missing = [name for name in labels["files"] if not (folder / name).is_file()]
    yield from (Complaint(folder / name, "file", "missing") for name in missing)
    for stem in STEMS:
        if f"{stem}.{labels['audio']}" not in labels["files"]:
            yield Complaint(folder / LABELS, "files", f"does not list {stem}.{labels['audio']}")
    changed = [
        name for name, digest in labels["files"].items() if name not in missing and _digest(folder / name) != digest
    ]
    yield from (Complaint(folder / name, "sha256", "the file is not the one that was written") for name in changed)
    known = {*labels["files"], LABELS}
    extra = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    yield from (Complaint(folder / name, "file", "nothing is known of it") for name in extra if name not in known)
    if missing:
        return
    audio: dict[str, np.ndarray[Any, Any]] = {}
    for name in labels["files"]:
        if name not in (F0, SCORE):
            found = yield from _audio(folder / name, labels)
            if found is not None:
                audio[name] = found
    yield from _sum_complaints(folder, labels, audio)
    yield from _f0_complaints(folder / F0, labels)
    yield from _score_complaints(folder / SCORE, labels)


def _audio(path: Path, labels: dict[str, Any]) -> Any:
    rate = RATES[labels["audio"]]
    try:
        samples, found_rate = soundfile.read(path, dtype="int16", always_2d=True)
    except soundfile.LibsndfileError as error:
        yield Complaint(path, "audio", f"cannot be decoded ({error})")
        return None
    expected = round(labels["frames"] * rate / labels["sample_rate"])
    if found_rate != rate:
        yield Complaint(path, "sample_rate", f"{found_rate} Hz in place of {rate} Hz")
    if samples.shape[1] != 2:
        yield Complaint(path, "channels", f"{samples.shape[1]} in place of 2")
    if abs(len(samples) - expected) > (0 if labels["audio"] == "flac" else 2):
        yield Complaint(path, "frames", f"{len(samples)} in place of {expected}")
        return None
    if labels["audio"] == "flac" and int(np.abs(samples.astype(np.int32)).max(initial=0)) >= _CLIPPED:
        yield Complaint(path, "peak", "reaches full scale")
    return samples


def _sum_complaints(
    folder: Path, labels: dict[str, Any], audio: dict[str, np.ndarray[Any, Any]]
) -> Iterator[Complaint]:
    suffix = labels["audio"]
    stems = {stem: audio.get(f"{stem}.{suffix}") for stem in STEMS}
    if any(stem is None for stem in stems.values()):
        return
    whole = {name: samples.astype(np.int32) for name, samples in stems.items() if samples is not None}
    mixture = whole.pop("mixture")
    if not np.abs(mixture).max(initial=0) > _UNHEARD_PEAK:
        yield Complaint(folder / f"mixture.{suffix}", "peak", "silent")
    yield from _unequal(folder / f"mixture.{suffix}", mixture, list(whole.values()), suffix)
    parts = {
        name: samples.astype(np.int32)
        for name, samples in audio.items()
        if name.startswith("parts/") and "lead_dry" not in name
    }
    voices = [parts.pop(f"parts/{n}.{suffix}") for n in ("lead", "backing") if f"parts/{n}.{suffix}" in parts]
    if voices:
        yield from _unequal(folder / f"vocals.{suffix}", whole["vocals"], voices, suffix)
    if parts:
        yield from _unequal(folder / f"other.{suffix}", whole["other"], list(parts.values()), suffix)


def _unequal(
    path: Path, whole: np.ndarray[Any, Any], parts: Sequence[np.ndarray[Any, Any]], suffix: str
) -> Iterator[Complaint]:
    """Exact in FLAC; what Opus loses in each part is lost in the sum."""
    rest = whole - np.asarray(parts).sum(axis=0)
    if suffix == "flac":
        if rest.any():
            yield Complaint(path, "sum", f"differs from the sum of its parts by up to {int(np.abs(rest).max())}")
        return
    signal, noise = float((whole.astype(float) ** 2).mean()), float((rest.astype(float) ** 2).mean())
    if noise > 0 and signal > 0 and 10.0 * math.log10(signal / noise) < _LOSSY_SNR_DB:
        yield Complaint(path, "sum", f"only {10.0 * math.log10(signal / noise):.1f} dB above what its parts lack")


def _f0_complaints(path: Path, labels: dict[str, Any]) -> Iterator[Complaint]:
    try:
        f0 = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        yield Complaint(path, "file", f"cannot be read ({error})")
        return
    expected = int(labels["frames"] / labels["sample_rate"] / F0_HOP_S) + 1
    if f0.shape != (expected,):
        yield Complaint(path, "frames", f"{f0.shape} in place of ({expected},)")
        return
    sung = f0[f0 != 0]
    if not np.isfinite(sung).all() or ((sung < _LOWEST_HZ) | (sung > _HIGHEST_HZ)).any():
        yield Complaint(path, "f0", f"outside {_LOWEST_HZ:.0f} to {_HIGHEST_HZ:.0f} Hz")
    if (labels["singer"] is None) != (len(sung) == 0):
        yield Complaint(path, "f0", "sounds without a singer" if len(sung) else "silent although someone sings")


def _score_complaints(path: Path, labels: dict[str, Any]) -> Iterator[Complaint]:
    try:
        score = read_midi(path)
    except DescantError as error:
        yield Complaint(path, "file", error.message)
        return
    parts = {i["part"] for i in labels["instruments"]} - {"lead", "backing"}
    missing = sorted(parts - {t.name for t in score.tracks})
    if missing:
        yield Complaint(path, "tracks", f"{missing[0]!r} is missing")
    if score.duration_s > labels["duration_s"] + _SLACK_S:
        yield Complaint(path, "duration", f"{score.duration_s:.2f} s, longer than the audio")


def _label_complaints(path: Path, labels: dict[str, Any]) -> Iterator[Complaint]:
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


def _index_complaints(root: Path, folder: Path, labels: dict[str, Any], row: dict[str, Any]) -> Iterator[Complaint]:
    expected = row_of(root, folder, labels)
    for field, value in expected.items():
        if row[field] != value:
            yield Complaint(
                root / "index.parquet", field, f"says {row[field]!r} of {folder.name}, its labels say {value!r}"
            )


def _about_complaints(root: Path, rows: Sequence[dict[str, Any]]) -> Iterator[Complaint]:
    """Whether the set still says what it was made of, and its items are of that kind."""
    path = root / ABOUT
    try:
        about = read_about(root)
    except DescantError as error:
        yield Complaint(path, "file", error.message)
        return
    yield from (Complaint(path, name, "is missing") for name in BandSet().described() if name not in about)
    others = sorted({row["audio"] for row in rows} - {about.get("audio")})
    if "audio" in about and others:
        yield Complaint(path, "audio", f"says {about['audio']!r}, but there are items in {others[0]}")


def _shared_between_splits(path: Path, rows: Sequence[dict[str, Any]]) -> Iterator[Complaint]:
    """Songs, persons and instruments that are heard in two splits; a person may sing under several names."""
    homes: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        names = [("song", row["song"])]
        names += [("person", name) for name in {row["person"], *row["backing_persons"]} if name]
        names += [("instruments", name) for name in row["instruments"]]
        for place in names:
            homes.setdefault(place, set()).add(row["split"])
    for (field, name), splits in sorted(homes.items()):
        if len(splits) > 1:
            yield Complaint(path, field, f"{name!r} is in {' and '.join(sorted(splits))}")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
