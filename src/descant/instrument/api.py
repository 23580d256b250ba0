"""`play`: a score through the instruments of a General MIDI SoundFont, or through neural ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

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
from descant.instrument.line_up import LineUp, Seat, line_up_of, needs_roster
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.midi import read_midi
from descant.score.musicxml import read_musicxml
from descant.score.notes import Score
from descant.score.render import PresetChoice, choose_presets, render_score
from descant.score.soundfont import open_soundfont

if TYPE_CHECKING:  # a SoundFont plays without PyTorch
    from descant.instrument.band import NeuralBand
    from descant.instrument.neural import NeuralInstruments

_PREFERRED = "fluidr3"
_FALLBACK = "timgm6mb"
_TRUE_PEAK_DB = -1.0
_LOUDEST_LUFS, _QUIETEST_LUFS = -5.0, -60.0
_MOST_VIBRATO = 2.0


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
        soundfont: The sound set that was used; None if neural instruments played everything.
        substitutes: Tracks whose sound the sound set lacks, with what stood in.
        gain_db: The one gain of the whole set, stems included; 0 for silence.
        lufs: Loudness of the audio file; -inf for silence.
        seats: Tracks that instruments played which were asked for.
    """

    path: Path
    stems: tuple[Path, ...]
    soundfont: Path | None
    substitutes: tuple[PresetChoice, ...]
    gain_db: float
    lufs: float
    seats: tuple[Seat, ...] = field(default=())


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


@dataclass(frozen=True, slots=True, eq=False)
class _Players:
    """Who plays a score.

    Attributes:
        score: The score.
        band: Neural instruments; None where the SoundFont plays everything.
        soundfont: None where it plays nothing.
    """

    score: Score
    band: NeuralBand | None
    soundfont: Path | None

    def substitutes(self) -> tuple[PresetChoice, ...]:
        """Tracks whose sound the SoundFont lacks."""
        left = self.score if self.band is None else self.band.left(self.score)
        if self.soundfont is None:
            return ()
        return tuple(choice for choice in choose_presets(left, self.soundfont) if choice.is_substitute)

    def seats(self) -> tuple[Seat, ...]:
        """Tracks of neural instruments."""
        return () if self.band is None else tuple(self.band.seats.values())

    def play(self, sample_rate: int, length_s: float | None, vibrato: float, monitor: Monitor) -> Stems:
        """One stem per track."""
        sink, cancel = monitor.sink, monitor.cancel
        if self.band is None:
            assert self.soundfont is not None
            return render_score(
                self.score, self.soundfont, sample_rate, length_s=length_s, progress=sink, cancel=cancel
            )
        return self.band.play(
            self.score,
            self.soundfont,
            sample_rate,
            length_s=length_s,
            vibrato=vibrato,
            progress=sink,
            cancel=cancel,
        )


def _gather(
    score: Score,
    soundfont: PathLike | None,
    instrument: str | PathLike | LineUp | None,
    instruments: NeuralInstruments | None,
    monitor: Monitor,
) -> _Players:
    """Fetch who is needed, and nothing else."""
    line_up = None if instrument is None else line_up_of(instrument)
    if line_up is None or not needs_roster(line_up):
        return _Players(score, None, find_soundfont(soundfont, progress=monitor.sink, cancel=monitor.cancel))
    from descant.instrument.band import NeuralBand
    from descant.instrument.neural import NeuralInstruments as Loaded

    known = instruments or Loaded.load(progress=monitor.part("fetching", 0.0, 0.5).sink, cancel=monitor.cancel)
    band = NeuralBand.gather(score, known, line_up)
    font = None
    if soundfont is not None or band.left(score).tracks:
        font = find_soundfont(soundfont, progress=monitor.part("fetching", 0.5, 1.0).sink, cancel=monitor.cancel)
    return _Players(score, band, font if band.left(score).tracks else None)


def _check_vibrato(vibrato: float) -> None:
    if not 0.0 <= vibrato <= _MOST_VIBRATO:
        raise InvalidOption(f"A vibrato of {vibrato:g} cannot be played.", "Use 0 (none) to 2; 1 is as recorded.")


def play(
    score: Score,
    *,
    soundfont: PathLike | None = None,
    instrument: str | PathLike | LineUp | None = None,
    instruments: NeuralInstruments | None = None,
    vibrato: float = 1.0,
    sample_rate: int = 44_100,
    length_s: float | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Stems:
    """Play a score with a General MIDI SoundFont, or with neural instruments.

    Args:
        score: At least one track.
        soundfont: An .sf2 or .sf3 file; None picks one (see `find_soundfont`).
        instrument: None: the SoundFont plays everything. The name of a neural instrument, an .sfz file, a folder of
            notes or a preset of a SoundFont (`find.find_player`), which then plays all tracks but drums; "general":
            whoever each track's program asks for; a map of who plays what (a `LineUp`, or the path of a .toml file,
            docs/play.md).
        instruments: Neural instruments to choose from; None loads those that come with Descant.
        vibrato: Depth of theirs: 0 none, 1 as recorded, up to 2.
        sample_rate: Output rate in Hz, 8,000 to 192,000.
        length_s: Exact length of the stems in seconds; None lets the last release ring out.
        progress: Receives progress events.
        cancel: Stops the work.

    Returns:
        One stereo stem per track, at the players' own levels; `Stems.mix` sums them.

    Raises:
        InvalidOption: There is no such instrument or track, or the vibrato is impossible.
        DescantError: As `descant.score.render.render_score`, `find_soundfont` and `NeuralInstruments.load` do.

    Example:
        >>> stems = play(read_midi("song.mid"))  # doctest: +SKIP
        >>> write("song.flac", stems.mix())  # doctest: +SKIP
    """
    _check_vibrato(vibrato)
    monitor = Monitor(progress, cancel)
    players = _gather(score, soundfont, instrument, instruments, monitor.part("fetching", 0.0, 0.2))
    return players.play(sample_rate, length_s, vibrato, monitor.part("playing", 0.2, 1.0))


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
    instrument: str | PathLike | LineUp | None = None,
    instruments: NeuralInstruments | None = None,
    vibrato: float = 1.0,
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
        instrument: See `play`.
        instruments: See `play`.
        vibrato: See `play`.
        sample_rate: See `play`.
        lufs: Loudness of the result; peaks are limited to -1 dBTP. None keeps the players' level.
        progress: Receives progress events.
        cancel: Stops the work.

    Raises:
        DescantError: As `play`, the readers and `descant.audio.io.write` do.
    """
    if lufs is not None and not _QUIETEST_LUFS <= lufs <= _LOUDEST_LUFS:
        raise InvalidOption(f"A loudness of {lufs} LUFS is out of range.", "Use -60 to -5, for instance -16.")
    _check_vibrato(vibrato)
    require_distinct(score_path, out)
    output_format(as_path(out), None)  # a wrong suffix is said before the work, not after
    monitor = Monitor(progress, cancel)
    score = read_score(score_path)
    if not any(track.notes for track in score.tracks):
        raise ScoreReadError(f"{as_path(score_path)} holds no notes.", "Check the file in a music program.")
    players = _gather(score, soundfont, instrument, instruments, monitor.part("fetching", 0.0, 0.1))
    substitutes = players.substitutes()
    parts = players.play(sample_rate, None, vibrato, monitor.part("playing", 0.1, 0.8))
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
    return Played(
        path, tuple(written), players.soundfont, substitutes, gain_db, integrated_lufs(mixed), players.seats()
    )


def file_name(stem: str) -> str:
    """A stem's name as a file name: letters, digits and spaces of any script stay, the rest becomes "_"."""
    safe = "".join(c if c.isalnum() or c in " -_().+#&" else "_" for c in stem).strip(" .")
    return safe.encode()[:120].decode(errors="ignore") or "track"
