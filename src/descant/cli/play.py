"""`descant play`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from descant.cli.terminal import one_line

if TYPE_CHECKING:
    from descant.instrument.api import Played

_MOST_LINES, _MOST_NAMES = 8, 4
Flag = Annotated[bool, Parameter(negative=())]


def play(
    score: Path,
    *,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    stems: Path | None = None,
    soundfont: Path | None = None,
    instrument: str | None = None,
    vibrato: float = 1.0,
    sample_rate: int = 44_100,
    lufs: float = -16.0,
    keep_level: Flag = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Score to audio.

    Args:
        score: A MIDI or MusicXML file (.mid, .midi, .kar, .rmi, .musicxml, .xml, .mxl).
        out: Audio file to write; its suffix is the format. Without it, a .flac beside the score.
        stems: Folder for one file per track, in the same format and under the same gain.
        soundfont: An .sf2 or .sf3 file; without it FluidR3 where installed, else a small one that is fetched once.
        instrument: Who plays instead: the name of a neural instrument for all tracks but drums (`descant instrument
            list`), "general" for those that the tracks ask for, an .sfz file, a folder of notes or of what blend --keys
            and instrument export wrote, a preset (GM.sf2:24), or a .toml file that says who plays which track.
        vibrato: Depth of their vibrato: 0 none, 1 as recorded, up to 2.
        sample_rate: Rate in Hz, 8000 to 192000.
        lufs: Loudness of the result; peaks stay under -1 dBTP.
        keep_level: Leave the level as the players make it.
        quiet: Print nothing but errors.
    """
    from descant.cli.terminal import progress_bar
    from descant.errors import InvalidOption
    from descant.instrument.api import play_file

    if vibrato != 1.0 and instrument is None:
        raise InvalidOption("Only neural instruments have a --vibrato.", "Name one with --instrument, or general.")
    with progress_bar(score.name, quiet=quiet) as progress:
        played = play_file(
            score,
            out if out is not None else score.with_suffix(".flac"),
            stems=stems,
            soundfont=soundfont,
            instrument=instrument,
            vibrato=vibrato,
            sample_rate=sample_rate,
            lufs=None if keep_level else lufs,
            progress=progress,
        )
    if quiet:
        return
    for line in _stand_ins(played):
        print(line)
    level = f"{played.lufs:.1f} LUFS" if played.lufs > -200 else "silent"
    print(f"{played.path} ({level}, {', '.join(_players(played))})")
    for path in played.stems:
        print(path)


def _stand_ins(played: Played) -> list[str]:
    """Who plays for whom; of many the first few."""
    lines = [
        f"{one_line(seat.track)}: no instrument has program {seat.program}; {seat.name} plays it."
        for seat in played.seats
        if seat.is_substitute
    ]
    if played.soundfont is not None:
        lines += [
            f"{one_line(c.track)}: {played.soundfont.name} has no program {c.program}; {c.preset.name} plays it."
            for c in played.substitutes
        ]
    if len(lines) <= _MOST_LINES:
        return lines
    return [*lines[:_MOST_LINES], f"... and {len(lines) - _MOST_LINES} more tracks that others stand in for."]


def _players(played: Played) -> list[str]:
    names = list(dict.fromkeys(seat.name for seat in played.seats))
    shown = names if len(names) <= _MOST_NAMES else [f"{len(names)} neural instruments"]
    return shown if played.soundfont is None else [*shown, played.soundfont.name]
