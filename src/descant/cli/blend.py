"""`descant blend`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

_VELOCITY = 100
"""A blend is as loud as it is struck, and sounds the same: one layer says all."""


def blend(
    sounds: Annotated[list[Path], Parameter(negative=())],
    *,
    at: str | None = None,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    grid: int | None = None,
    keys: str | None = None,
    every: int = 3,
    held: float = 3.0,
    mode: Literal["auto", "tone", "texture"] = "auto",
    length: Literal["auto", "mixed", "longest", "shortest"] = "auto",
    seed: int = 0,
    file_format: Annotated[str, Parameter(name=("--format", "-f"))] = "wav",
    subtype: str | None = None,
    model: str = "descant-timbre",
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Two or four sounds to a sound between them: timbre, pitch, loudness and width mixed, not cross-faded.

    Args:
        sounds: Audio files, mono or stereo, of any length: notes, voices, chords, pads, drums, noise.
        at: Two sounds: how far towards the second (0.3). Four (north-west, north-east, south-west, south-east): a point
            x,y, from west to east and north to south (0.3,0.7). Or a weight for each sound. The middle if left out.
        out: The file to write, 48 kHz stereo; its suffix is the format. With --grid or --keys a new
            folder; without it one that is named after the sounds (pad-voice-grid).
        grid: Write a grid of so many points a side, with the weights of each in index.json and index.csv.
        keys: Write a playable instrument over these keys (C2:C6): an SFZ with its WAV notes, and a wavetable.
        every: With --keys: render only every so many semitones.
        held: With --keys: seconds that a key is held, 0.5 to 30.
        mode: tone makes single notes and lines anew, with one pitch; texture keeps the fine structure of chords, drums
            and noise; auto decides by what is heard.
        length: mixed (weighted mean), longest or shortest; auto is mixed for sounds under 5 s, else longest.
        seed: Another grain of the noise.
        file_format: Format of the files of --grid.
        subtype: Sample format (PCM_16, PCM_24, FLOAT).
        model: Card of the timbre net.
        quiet: Print nothing but errors.
    """
    from descant.audio.formats import output_format
    from descant.cli.lists import key_span
    from descant.cli.terminal import one_line, progress_bar
    from descant.errors import InvalidOption
    from descant.instrument.api import file_name
    from descant.instrument.blend.api import Blender
    from descant.instrument.blend.files import blend_files, blend_grid, blend_keys, parse_at
    from descant.instrument.blend.options import BlendOptions
    from descant.instrument.blend.weights import grid_points, weights_at
    from descant.instrument.export.options import ExportOptions

    def exported(span: str) -> ExportOptions:
        lowest, highest = key_span(span, "--keys")
        return ExportOptions(
            ("sfz", "wavetable"),
            lowest,
            highest,
            every,
            velocities=(_VELOCITY,),
            held_s=held,
            longest_s=max(held, 10.0),
        )

    options = BlendOptions(mode, length, seed)
    if grid is not None and (keys is not None or at is not None):
        raise InvalidOption("--grid goes without --keys and --at.", "A grid has all points.")
    point = None if at is None else parse_at(at)
    weights_at(len(sounds), point)  # mistakes are said before the net is loaded
    wanted = None if keys is None else exported(keys)
    if out is not None:
        target = out
    elif grid is None and keys is None:
        target = Path("blend.wav")
    else:  # folders of other sounds stay apart
        target = Path(file_name("-".join([*(sound.stem for sound in sounds), "grid" if grid is not None else "keys"])))
    if grid is None and wanted is None:
        output_format(target, subtype)
    elif grid is not None:
        grid_points(len(sounds), grid)
    with progress_bar("blend", quiet=quiet) as progress:
        blender = Blender.load(model)
        if grid is not None:
            done = blend_grid(
                sounds, target, grid, options, blender=blender, file_format=file_format, subtype=subtype,
                progress=progress,
            )  # fmt: skip
        elif wanted is not None:
            done = blend_keys(sounds, target, wanted, point, options, blender=blender, progress=progress)
        else:
            done = blend_files(sounds, target, point, options, blender=blender, subtype=subtype, progress=progress)
    if quiet:
        return
    for text in done.caveats:
        print(one_line(text))
    level = f", {done.lufs:.1f} LUFS" if done.lufs > -200 else ""
    files = f"{len(done.paths)} files of up to " if len(done.paths) > 1 else ""
    print(one_line(f"{target}: {files}{done.duration_s:.1f} s as a {done.mode}{level}"))
