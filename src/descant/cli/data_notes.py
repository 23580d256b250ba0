"""`descant data notes`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def data_notes(
    *,
    out: Annotated[Path, Parameter(alias="-o")],
    soundfont: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    samples: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    folder: Annotated[tuple[Path, ...], Parameter(negative=())] = (),
    pitches: str = "21:108",
    every: int = 1,
    velocities: str = "25,50,75,100,127",
    stretch: int = 6,
    families: str = "",
    most: int = 0,
    fewest: int = 1,
    distinct: Annotated[bool, Parameter(negative=())] = False,
    low_only: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Render single notes in NSynth's form. Run it again to go on after a stop.

    Args:
        out: Folder of the set: new, empty, or begun earlier with the same options.
        soundfont: SoundFonts whose presets become instruments, several times if wanted.
        samples: Sample sets (.sfz), or folders to search for them.
        folder: Folders of recordings whose names tell the pitch ("sax_C4.wav", "sax_060.wav"), an instrument each.
        pitches: Lowest and highest MIDI number.
        every: Only every so many semitones.
        velocities: How hard keys are struck, separated by commas.
        stretch: Semitones that a recording may be transposed by; what lies further away is left out.
        families: Only these of NSynth's families, separated by commas.
        most: At most so many instruments, evenly over those found; 0 takes all.
        fewest: Leave out instruments with fewer pitches.
        distinct: Leave out instruments that share a recording with one before them, as presets of SoundFonts do.
        low_only: Write 16 kHz mono alone, without 48 kHz stereo.
        quiet: Show no progress.
    """
    from descant.cli.lists import names_in, span_of, whole_numbers
    from descant.cli.terminal import progress_bar
    from descant.data.notes.build import NotesOptions, build_notes

    lowest, highest = span_of(pitches, "--pitches")
    asked = NotesOptions(
        soundfonts=tuple(soundfont),
        samples=tuple(samples),
        folders=tuple(folder),
        lowest=lowest,
        highest=highest,
        every=every,
        velocities=whole_numbers(velocities, "--velocities"),
        stretch=stretch,
        most=most,
        fewest=fewest,
        distinct=distinct,
        families=names_in(families),
        high=not low_only,
    )
    with progress_bar("data notes", quiet=quiet) as progress:
        built = build_notes(asked, out, progress=progress)
    print(f"{built.folder}: {built.notes} notes of {built.instruments} instruments, {built.made} of them new")
