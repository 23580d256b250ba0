"""`descant instrument`: instruments as files that other programs load."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import cyclopts
from cyclopts import Parameter

from descant.cli.terminal import one_line

instrument = cyclopts.App(name="instrument", help="Instruments: export them for samplers and synthesizers.")


@instrument.command
def export(
    source: str,
    *,
    out: Annotated[Path, Parameter(alias="-o")],
    formats: Annotated[str, Parameter(name=("--format", "-f"))] = "sfz",
    keys: str = "C2:C6",
    every: int = 3,
    velocities: str = "40,80,120",
    held: float = 3.0,
    longest: float = 10.0,
    sample_rate: int | None = None,
    loop: str = "auto",
    own_tuning: Annotated[bool, Parameter(negative=())] = False,
    table_key: str = "",
    table_frames: int = 256,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Write an instrument as an SFZ, as WAV notes with loops, as a wavetable.

    Args:
        source: A preset of a SoundFont ("FluidR3_GM.sf2:24", ":8/24" with its bank, ":nylon"), an .sfz file, or a
            folder of notes whose names tell their pitch.
        out: A new or empty folder.
        formats: sfz, wav, wavetable, separated by commas; sfz writes the WAV notes, too.
        keys: Lowest and highest key, as names (C4 is middle C) or MIDI numbers.
        every: Render only every so many semitones.
        velocities: A layer each, rising, separated by commas.
        held: Seconds that keys are held.
        longest: Seconds that keys of decaying instruments are held at most.
        sample_rate: In Hz; without it the instrument's own.
        loop: auto (instruments that do not decay), always, never.
        own_tuning: Leave notes that are out of tune as they are, and say so in the files.
        table_key: Key of the wavetable; without it C3 or the nearest that the instrument plays well.
        table_frames: Frames of the wavetable, at most 256.
        quiet: Show no progress.
    """
    from descant.cli.lists import key_of, key_span, names_in, whole_numbers
    from descant.cli.terminal import progress_bar
    from descant.errors import InvalidOption
    from descant.instrument.export.api import export_instrument
    from descant.instrument.export.options import ExportOptions, Format, Looping
    from descant.instrument.find import find_playable

    kinds = tuple(kind for name in names_in(formats) for kind in get_args(Format) if kind == name)
    if len(kinds) != len(names_in(formats)):
        raise InvalidOption(f"--format {formats!r} is not known.", f"Use {', '.join(get_args(Format))}.")
    looping = next((kind for kind in get_args(Looping) if kind == loop), None)
    if looping is None:
        raise InvalidOption(f"--loop {loop!r} is not known.", f"Use {', '.join(get_args(Looping))}.")
    lowest, highest = key_span(keys, "--keys")
    options = ExportOptions(
        formats=kinds,
        lowest=lowest,
        highest=highest,
        every=every,
        velocities=whole_numbers(velocities, "--velocities"),
        held_s=held,
        longest_s=max(held, longest),
        sample_rate=sample_rate,
        loop=looping,
        own_tuning=own_tuning,
        table_key=key_of(table_key, "--table-key") if table_key else None,
        table_frames=table_frames,
    )
    playable = find_playable(source)
    with progress_bar("instrument export", quiet=quiet) as progress:
        done = export_instrument(playable, out, options, progress=progress)
    for file in (done.mapping, done.table):
        if file is not None:
            print(file)
    if done.samples:
        count = f"{len(done.samples)} notes of {one_line(playable.name)}, {done.looped} with a loop"
        print(f"{count}, in {done.samples[0].parent}")
    if done.audible:
        print(
            f"A loop may be heard in {len(done.audible)} of them: {', '.join(one_line(f.name) for f in done.audible)}"
        )
