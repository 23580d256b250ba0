"""`play`: a score through instruments. Today the instruments are those of a General MIDI SoundFont."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from descant.audio.clip import Stems
from descant.audio.formats import output_format
from descant.audio.io import write
from descant.audio.limiter import limit
from descant.audio.loudness import integrated_lufs
from descant.audio.normalize import normalize_loudness
from descant.errors import InvalidOption, ScoreReadError, UnsupportedFormat
from descant.files import PathLike, as_path, require_distinct
from descant.hub.card import load_card
from descant.hub.files import sha256_of
from descant.hub.store import fetch, locate
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.midi import read_midi
from descant.score.musicxml import read_musicxml
from descant.score.notes import Score
from descant.score.render import PresetChoice, choose_presets, render_score
from descant.score.soundfont import open_soundfont

_PREFERRED = "fluidr3"
_FALLBACK = "timgm6mb"
_TRUE_PEAK_DB = -1.0
_LOUDEST_LUFS, _QUIETEST_LUFS = -5.0, -60.0


def _read_played(path: Path) -> Score:
    return read_midi(path, as_played=True)


READERS: dict[str, Callable[[Path], Score]] = {
    ".mid": _read_played,
    ".midi": _read_played,
    ".kar": _read_played,
    ".rmi": _read_played,
    ".musicxml": read_musicxml,
    ".xml": read_musicxml,
    ".mxl": read_musicxml,
}
"""Suffixes of scores that can be played, and what reads them."""


@dataclass(frozen=True, slots=True)
class Played:
    """What `play_file` wrote.

    Attributes:
        path: The audio file.
        stems: One file per track, where asked for.
        soundfont: The sound set that was used.
        substitutes: Tracks whose sound the sound set lacks, with what stood in.
        gain_db: The one gain of the whole set, stems included; 0 for silence.
        lufs: Loudness of the audio file; -inf for silence.
    """

    path: Path
    stems: tuple[Path, ...]
    soundfont: Path
    substitutes: tuple[PresetChoice, ...]
    gain_db: float
    lufs: float


def find_soundfont(
    soundfont: PathLike | None = None, *, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> Path:
    """The SoundFont to play with: the one given, else FluidR3 where it is installed, else TimGM6mb from the hub.

    Raises:
        InputNotFound, PermissionRefused, ScoreReadError: What is given cannot be opened, or is no SoundFont.
        DescantError: As `descant.hub.store.fetch` does, when nothing is given or installed.
    """
    if soundfont is not None:
        path = as_path(soundfont)
        open_soundfont(path)  # a mistake is said before the long work
        return path
    installed = _installed_soundfont()
    if installed is not None:
        return installed
    return fetch(_FALLBACK, progress=progress, cancel=cancel) / load_card(_FALLBACK).files[0].path


def soundfont_digest(soundfont: PathLike | None = None) -> str:
    """SHA-256 of the SoundFont that `find_soundfont` takes, without fetching it; empty if it cannot be read."""
    path = _installed_soundfont() if soundfont is None else as_path(soundfont)
    if path is None:
        return load_card(_FALLBACK).files[0].sha256
    try:
        return sha256_of(path)
    except OSError:
        return ""


def _installed_soundfont() -> Path | None:
    for name in (_PREFERRED, _FALLBACK):
        card = load_card(name)
        if (folder := locate(card)) is not None:
            return folder / card.files[0].path
    return None


def play(
    score: Score,
    *,
    soundfont: PathLike | None = None,
    sample_rate: int = 44_100,
    length_s: float | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Stems:
    """Play a score with a General MIDI SoundFont.

    Args:
        score: At least one track.
        soundfont: An .sf2 or .sf3 file; None picks one (see `find_soundfont`).
        sample_rate: Output rate in Hz, 8,000 to 192,000.
        length_s: Exact length of the stems in seconds; None lets the last release ring out.
        progress: Receives progress events.
        cancel: Stops the work.

    Returns:
        One stereo stem per track, at the SoundFont's own levels; `Stems.mix` sums them.

    Raises:
        DescantError: As `descant.score.render.render_score` and `find_soundfont` do.

    Example:
        >>> stems = play(read_midi("song.mid"))  # doctest: +SKIP
        >>> write("song.flac", stems.mix())  # doctest: +SKIP
    """
    monitor = Monitor(progress, cancel)
    path = find_soundfont(soundfont, progress=monitor.part("fetching", 0.0, 0.2).sink, cancel=cancel)
    return render_score(
        score,
        path,
        sample_rate,
        length_s=length_s,
        progress=monitor.part("playing", 0.2, 1.0).sink,
        cancel=cancel,
    )


def read_score(path: PathLike) -> Score:
    """A score from a MIDI or MusicXML file, chosen by its suffix, as a player would play it.

    Raises:
        UnsupportedFormat: The suffix is not one of `READERS`.
        DescantError: As the reader does.
    """
    source = as_path(path)
    reader = READERS.get(source.suffix.lower())
    if reader is None:
        raise UnsupportedFormat(f"{source} is not a score by its name.", f"Known: {', '.join(READERS)}.")
    return reader(source)


def play_file(
    score_path: PathLike,
    out: PathLike,
    *,
    stems: PathLike | None = None,
    soundfont: PathLike | None = None,
    sample_rate: int = 44_100,
    lufs: float | None = -16.0,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Played:
    """Play a score file into an audio file.

    Args:
        score_path: A .mid, .midi, .kar, .rmi, .musicxml, .xml or .mxl file.
        out: Audio file to write; its suffix is the format.
        stems: Folder for one file per track, in the format of `out` and under the same gain.
        soundfont: See `play`.
        sample_rate: See `play`.
        lufs: Loudness of the result; peaks are limited to -1 dBTP. None keeps the SoundFont's level.
        progress: Receives progress events.
        cancel: Stops the work.

    Raises:
        DescantError: As `play`, the readers and `descant.audio.io.write` do.
    """
    if lufs is not None and not _QUIETEST_LUFS <= lufs <= _LOUDEST_LUFS:
        raise InvalidOption(f"A loudness of {lufs} LUFS is out of range.", "Use -60 to -5, for instance -16.")
    require_distinct(score_path, out)
    output_format(as_path(out), None)  # a wrong suffix is said before the work, not after
    monitor = Monitor(progress, cancel)
    score = read_score(score_path)
    if not any(track.notes for track in score.tracks):
        raise ScoreReadError(f"{as_path(score_path)} holds no notes.", "Check the file in a music program.")
    sounds = find_soundfont(soundfont, progress=monitor.part("fetching", 0.0, 0.1).sink, cancel=cancel)
    substitutes = tuple(c for c in choose_presets(score, sounds) if c.is_substitute)
    parts = play(
        score,
        soundfont=sounds,
        sample_rate=sample_rate,
        progress=monitor.part("playing", 0.1, 0.8).sink,
        cancel=cancel,
    )
    monitor.part("writing", 0.8, 1.0).report(0.0)
    plain = parts.mix()
    loudness = integrated_lufs(plain)
    gain_db = lufs - loudness if lufs is not None and math.isfinite(loudness) else 0.0
    # The stems get the plain gain; what the limiter does to peaks of the sum is for the sum alone.
    mixed = limit(plain, _TRUE_PEAK_DB) if lufs is None else normalize_loudness(plain, lufs, _TRUE_PEAK_DB)
    path = write(out, mixed)
    written: list[Path] = []
    if stems is not None:
        for name, clip in parts.items():
            monitor.part("writing", 0.8, 1.0).report(len(written) / len(parts))
            target = as_path(stems) / f"{file_name(name)}{path.suffix}"
            written.append(write(target, clip.gain(gain_db)))
    monitor.report(1.0)
    return Played(path, tuple(written), sounds, substitutes, gain_db, integrated_lufs(mixed))


def file_name(stem: str) -> str:
    """A stem's name as a file name: letters, digits and spaces of any script stay, the rest becomes "_"."""
    safe = "".join(c if c.isalnum() or c in " -_().+#&" else "_" for c in stem).strip(" .")
    return safe.encode()[:120].decode(errors="ignore") or "track"
