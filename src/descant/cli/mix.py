"""`descant mix`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Flag = Annotated[bool, Parameter(negative=())]


def mix(
    stems: Annotated[list[Path], Parameter(negative=())],
    *,
    out: Annotated[Path, Parameter(alias="-o")] = Path("mix.flac"),
    lead: str = "vocals",
    lufs: float = -14.0,
    true_peak: float = -1.0,
    trim: Annotated[list[str] | None, Parameter(negative=())] = None,
    band: float = -0.5,
    ducking: float = 2.5,
    room: float = 0.12,
    dry_lead: Flag = False,
    keep_balance: Flag = False,
    write_stems: Path | None = None,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Stems to a loudness-true mix.

    A stem's part is told from its file's name: vocals, drums, bass, piano, guitar, pad, strings, ...

    Args:
        stems: Audio files of any rate, length and format.
        out: Mix to write; its suffix is the format.
        lead: Name (or a part of it) of the stem that must be heard.
        lufs: Loudness of the mix.
        true_peak: Ceiling of its peaks in dBTP.
        trim: Extra gain for a stem, as name=decibels ("drums=-2"); may be given several times.
        band: Loudness of all other stems together relative to the lead, in LU.
        ducking: How many decibels the band gives way while the lead sounds; 0 is off.
        room: Amount of the common room; 0 is dry.
        dry_lead: Leave the lead without filter, compressor and de-esser.
        keep_balance: Leave levels, places and tone as they are; set only the loudness of the whole.
        write_stems: Folder for each stem as it stands in the mix; they sum to the mix before its limiter.
        quiet: Print nothing but errors.
    """
    from descant.cli.terminal import progress_bar
    from descant.mix.files import mix_files
    from descant.mix.options import MixOptions, parse_trims

    options = MixOptions(
        band_lu=band,
        ducking_db=ducking,
        room=room,
        polish_lead=not dry_lead,
        keep_balance=keep_balance,
        trim_db=parse_trims(trim or ()),
    )
    with progress_bar("mix", quiet=quiet) as progress:
        mixed = mix_files(
            stems,
            out,
            lead=lead,
            lufs=lufs,
            true_peak_db=true_peak,
            stems=write_stems,
            options=options,
            progress=progress,
        )
    if quiet:
        return
    report = mixed.report
    for note in mixed.notes:
        print(note)
    for name, stem in report.stems.items():
        print(f"{name:20} {stem.role:8} {stem.gain_db:+6.1f} dB  pan {stem.pan:+.2f}")
    if report.lead is None:
        print(f"No stem is named {lead!r}: all are mixed as a band.")
    level = f"{report.lufs:.1f} LUFS, {report.true_peak_db:.1f} dBTP" if report.lufs > -200 else "silent"
    print(f"{mixed.path} ({level}, limiter {report.limiter_db:.1f} dB)")
