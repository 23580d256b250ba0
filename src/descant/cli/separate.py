"""`descant separate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def separate(
    songs: Annotated[list[Path], Parameter(negative=())],
    *,
    out: Annotated[Path, Parameter(alias="-o")] = Path("stems"),
    stems: str = "",
    vocals: str = "",
    dry: Annotated[bool, Parameter(negative=())] = False,
    residual: Annotated[bool, Parameter(negative=())] = False,
    file_format: Annotated[str, Parameter(name=("--format", "-f"))] = "wav",
    subtype: str | None = None,
    bitrate: int | None = None,
    gain_db: float = 0.0,
    model: str = "spleeter-2stems",
    skip_existing: Annotated[bool, Parameter(negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Song to stems that sum to the song: `<out>/<song>/vocals.wav` and `accompaniment.wav`.

    Rate, channels and length stay as they are. Folders are searched for audio files; a file that fails does not stop
    the others.

    Args:
        songs: Audio files, or folders of them.
        out: Output folder; each song gets a folder of its name in it.
        stems: Only these, separated by commas ("vocals"); without it all.
        vocals: "lead,backing" takes the vocals apart into the lead voice and the backing voices.
        dry: Take the lead voice (or else the vocals) apart into the dry voice and its room: `dry.wav`, `room.wav`.
        residual: Also write `residual`: what belongs to no stem. All files together still sum to the song.
        file_format: wav, flac, mp3, ogg, opus, m4a, aiff ...
        subtype: Sample format (PCM_16, PCM_24, FLOAT); wav is written in 32-bit float unless told otherwise.
        bitrate: Bits per second of mp3, ogg, opus, m4a.
        gain_db: One gain for all stems; a stem may peak higher than the song, which integer formats clip.
        model: Card of the separator (`descant models list`).
        skip_existing: Leave songs alone whose stems are all there.
        quiet: Print nothing but errors.
    """
    from descant.audio.formats import output_format
    from descant.cli.batch import run_batch
    from descant.cli.lists import names_in
    from descant.cli.terminal import progress_bar
    from descant.hub.card import load_card
    from descant.separate.chain import links_of, load_chain, stems_of
    from descant.separate.files import StemOptions, separate_file

    options = StemOptions(file_format, subtype, bitrate, names_in(stems), residual, gain_db)
    parts = load_card(model).stems
    links = links_of(parts, voices=names_in(vocals), dry=dry)
    targets = options.paths(out, stems_of(parts, links))
    for target in targets.values():
        output_format(target, subtype)
    with progress_bar("loading", quiet=True) as progress:
        separator = load_chain(model, links, progress=progress)

    def one(song: Path, folder: Path) -> None:
        with progress_bar(song.name, quiet=quiet) as progress:
            result = separate_file(song, folder, options, separator=separator, progress=progress)
        if quiet:
            return
        print(f"{folder}: {', '.join(path.name for path in result.paths.values())} ({result.duration_s:.1f} s)")
        if result.clipped_samples:
            enough_db = options.gain_db - result.peak_db - 0.1
            print(
                f"  {result.clipped_samples} samples were clipped; --gain-db {enough_db:.1f} or --format wav avoids it"
            )
        if result.remark:
            print(f"  {result.remark}")

    def done(folder: Path) -> bool:
        return skip_existing and all((folder / target.name).exists() for target in targets.values())

    is_single = len(songs) == 1 and not songs[0].is_dir()
    run_batch(songs, out / songs[0].stem if is_single else out, one, done=done)
