"""`descant play`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Flag = Annotated[bool, Parameter(negative=())]


def play(
    score: Path,
    *,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    stems: Path | None = None,
    soundfont: Path | None = None,
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
        sample_rate: Rate in Hz, 8000 to 192000.
        lufs: Loudness of the result; peaks stay under -1 dBTP.
        keep_level: Leave the level as the SoundFont makes it.
        quiet: Print nothing but errors.
    """
    from descant.cli.terminal import progress_bar
    from descant.instrument.api import play_file

    with progress_bar(score.name, quiet=quiet) as progress:
        played = play_file(
            score,
            out if out is not None else score.with_suffix(".flac"),
            stems=stems,
            soundfont=soundfont,
            sample_rate=sample_rate,
            lufs=None if keep_level else lufs,
            progress=progress,
        )
    if quiet:
        return
    for choice in played.substitutes:
        print(
            f"{choice.track}: {played.soundfont.name} has no program {choice.program}; {choice.preset.name} plays it."
        )
    level = f"{played.lufs:.1f} LUFS" if played.lufs > -200 else "silent"
    print(f"{played.path} ({level}, {played.soundfont.name})")
    for path in played.stems:
        print(path)
