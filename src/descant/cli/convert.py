"""`descant convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Flag = Annotated[bool, Parameter(negative=())]


def convert(
    vocals: Annotated[list[Path], Parameter(negative=())],
    *,
    voice: str,
    out: Annotated[Path, Parameter(alias="-o")] = Path("converted"),
    semitones: float | None = None,
    any_key: Flag = False,
    formant: float = 0.0,
    retrieval: float = 0.3,
    seed: int = 0,
    person: str = "",
    licence: str = "",
    source: str = "",
    consent: Path | None = None,
    file_format: Annotated[str, Parameter(name=("--format", "-f"))] = "wav",
    subtype: str | None = None,
    model: str = "descant-voice",
    skip_existing: Flag = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Vocals in another voice: the same melody, timing and words. The result is marked; `descant verify` reads it.

    Args:
        vocals: Recordings of one voice alone, dry, or folders of them (`descant separate` takes a voice out of a song).
        voice: A voice of `descant voice list`, or a recording of 10 to 60 s of one voice.
        out: The file to write, or a folder.
        semitones: Transpose by so many; without it by the octaves that suit the voice.
        any_key: Transpose by semitones, not only octaves: nearer to the voice, out of key with the band.
        formant: Make the throat smaller (up) or larger (down), by so many semitones.
        retrieval: How much of the target's own sounds to take, 0 to 1: more likeness, less clarity.
        seed: Another breath.
        person: Whose voice a recording given as --voice is.
        licence: The open licence of that recording.
        source: Where that recording comes from.
        consent: A consent record for that recording.
        file_format: wav, flac, mp3, ogg, opus, m4a, aiff ... where `out` is a folder.
        subtype: Sample format (PCM_16, PCM_24, FLOAT).
        model: Card of the voice decoder.
        skip_existing: Leave vocals alone whose result is there.
        quiet: Print nothing but errors.
    """
    from descant.audio.formats import AUDIO_SUFFIXES, output_format
    from descant.cli.batch import run_batch
    from descant.cli.terminal import one_line, progress_bar
    from descant.convert.enrol import Spoken, who
    from descant.convert.files import convert_file
    from descant.convert.options import ConvertOptions

    options = ConvertOptions(semitones, keep_key=not any_key, formant=formant, retrieval=retrieval, seed=seed)
    suffix = f".{file_format.lower().removeprefix('.')}"
    is_single = len(vocals) == 1 and not vocals[0].is_dir()
    is_file = is_single and out.suffix.lower() in AUDIO_SUFFIXES
    output_format(out if is_file else Path(f"a{suffix}"), subtype)
    with progress_bar("loading", quiet=True):
        converter, target, permit = who(voice, Spoken(person, licence, source, consent), model)

    def place(folder: Path) -> Path:
        if is_file:
            return out
        return out / (vocals[0].stem + suffix) if is_single else folder.with_name(folder.name + suffix)

    def one(recording: Path, folder: Path) -> None:
        with progress_bar(recording.name, quiet=quiet) as progress:
            done = convert_file(
                recording,
                place(folder),
                target,
                permit,
                options,
                converter=converter,
                subtype=subtype,
                progress=progress,
            )
        if not quiet:
            moved = f", transposed by {done.semitones:+g} semitones" if done.semitones else ""
            print(one_line(f"{done.path}: {done.duration_s:.1f} s{moved}"))

    run_batch(vocals, out, one, done=lambda folder: skip_existing and place(folder).exists())
