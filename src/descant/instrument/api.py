"""`play`: a score through instruments. Today the instruments are those of a General MIDI SoundFont."""

from __future__ import annotations

from pathlib import Path

from descant.audio.clip import Stems
from descant.files import PathLike, as_path
from descant.hub.card import load_card
from descant.hub.store import fetch, locate
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.notes import Score
from descant.score.render import render_score

_PREFERRED = "fluidr3"
_FALLBACK = "timgm6mb"


def find_soundfont(
    soundfont: PathLike | None = None, *, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> Path:
    """The SoundFont to play with: the one given, else FluidR3 where it is installed, else TimGM6mb from the hub.

    Raises:
        DescantError: As `descant.hub.store.fetch` does, when nothing is given or installed.
    """
    if soundfont is not None:
        return as_path(soundfont)
    for name in (_PREFERRED, _FALLBACK):
        card = load_card(name)
        folder = locate(card)
        if folder is None and name == _FALLBACK:
            folder = fetch(name, progress=progress, cancel=cancel)
        if folder is not None:
            return folder / card.files[0].path
    raise AssertionError("the fallback is fetched or raises")


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
        One stereo stem per track, at the SoundFont's own levels; `sum` them for a plain mix.

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
