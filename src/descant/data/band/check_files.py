"""Whether the files of an item are whole and sum up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from descant.data.band.complaint import Complaint
from descant.data.band.folder import F0, LABELS, SCORE, file_digest
from descant.data.band.item import STEMS
from descant.data.band.labels import F0_HOP_S
from descant.data.band.sound_files import RATES
from descant.errors import DescantError
from descant.score.midi import read_midi

_LOSSY_SNR_DB = 12.0
_CLIPPED = 32_767
_LOWEST_HZ, _HIGHEST_HZ = 30.0, 2_500.0
_SLACK_S = 0.02
_UNHEARD_PEAK = 16


def file_complaints(folder: Path, labels: dict[str, Any]) -> Iterator[Complaint]:
    """Files that are missing, changed, strange or damaged, or that contradict each other or the labels."""
    missing = [name for name in labels["files"] if not (folder / name).is_file()]
    yield from (Complaint(folder / name, "file", "missing") for name in missing)
    for stem in STEMS:
        if f"{stem}.{labels['audio']}" not in labels["files"]:
            yield Complaint(folder / LABELS, "files", f"does not list {stem}.{labels['audio']}")
    changed = [
        name for name, digest in labels["files"].items() if name not in missing and file_digest(folder / name) != digest
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
