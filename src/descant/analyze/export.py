"""An analysis as files: JSON, CSV tables, Audacity label tracks."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from descant.analyze.analysis import Analysis
from descant.files import atomic_output

Row = tuple[float | int | str, ...]


def write_json(path: Path, analysis: Analysis) -> Path:
    """Everything in one JSON file; returns the path."""
    text = json.dumps(analysis.to_dict(), ensure_ascii=False, separators=(",", ":"))
    return _replace(path, text + "\n")


def write_csv(folder: Path, analysis: Analysis, *, stem: str = "") -> tuple[Path, ...]:
    """One table per kind: melody, beats, chords, sections, vocals, loudness; times in seconds.

    Args:
        folder: Created if needed.
        analysis: What to write.
        stem: Put before the file names ("song" gives song.beats.csv).

    Returns:
        The files.
    """
    prefix = f"{stem}." if stem else ""
    return tuple(
        _replace(folder / f"{prefix}{name}.csv", _table(header, rows(analysis)))
        for name, (header, rows) in _TABLES.items()
    )


def write_labels(folder: Path, analysis: Analysis, *, stem: str = "") -> tuple[Path, ...]:
    """Audacity label tracks (start, end, label, separated by tabs): beats, chords, sections, vocals.

    In Audacity: File > Import > Labels. Arguments and result as for `write_csv`.
    """
    prefix = f"{stem}." if stem else ""
    return tuple(
        _replace(
            folder / f"{prefix}{name}.txt",
            "".join(f"{start:.6f}\t{end:.6f}\t{label}\n" for start, end, label in rows(analysis)),
        )
        for name, rows in _LABELS.items()
    )


def _beats(analysis: Analysis) -> Iterable[Row]:
    grid = analysis.beats
    return ((round(t, 4), p) for t, p in zip(grid.times_s, grid.bar_positions, strict=True))


def _chords(analysis: Analysis) -> Iterable[Row]:
    flats = analysis.key is not None and analysis.key.uses_flats
    tempo = analysis.tempo_map()
    if tempo is None:
        return ()
    return (
        (round(tempo.seconds(c.start), 4), round(tempo.seconds(c.end), 4), c.chord.label(flats=flats))
        for c in analysis.chords
    )


def _sections(analysis: Analysis) -> Iterable[Row]:
    tempo = analysis.tempo_map()
    if tempo is None:
        return ()
    return ((round(tempo.seconds(s.start), 4), round(tempo.seconds(s.end), 4), s.label) for s in analysis.sections)


def _vocals(analysis: Analysis) -> Iterable[Row]:
    return ((round(v.start_s, 4), round(v.end_s, 4), "voice") for v in analysis.vocals)


def _melody(analysis: Analysis) -> Iterable[Row]:
    track = analysis.melody
    values = zip(track.times_s, track.f0_hz, track.confidence, track.voiced, strict=True)
    return ((round(float(t), 4), round(float(f), 3), round(float(c), 4), int(v)) for t, f, c, v in values)


def _loudness(analysis: Analysis) -> Iterable[Row]:
    curve = analysis.loudness
    return ((round(float(t), 3), round(float(v), 2)) for t, v in zip(curve.times_s, curve.lufs, strict=True))


_TABLES: dict[str, tuple[Row, Callable[[Analysis], Iterable[Row]]]] = {
    "melody": (("time_s", "f0_hz", "confidence", "voiced"), _melody),
    "beats": (("time_s", "bar_position"), _beats),
    "chords": (("start_s", "end_s", "chord"), _chords),
    "sections": (("start_s", "end_s", "section"), _sections),
    "vocals": (("start_s", "end_s", "what"), _vocals),
    "loudness": (("time_s", "momentary_lufs"), _loudness),
}
_LABELS: dict[str, Callable[[Analysis], Iterable[Row]]] = {
    "beats": lambda analysis: ((t, t, p) for t, p in _beats(analysis)),
    "chords": _chords,
    "sections": _sections,
    "vocals": _vocals,
}


def _table(header: Row, rows: Iterable[Row]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _replace(path: Path, text: str) -> Path:
    with atomic_output(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path
