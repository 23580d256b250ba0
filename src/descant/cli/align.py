"""`descant align`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from descant.pipelines.align.api import AlignedFile

Flag = Annotated[bool, Parameter(negative=())]


def align(
    song: Path,
    lyrics: Path | None = None,
    *,
    out: Annotated[Path, Parameter(alias="-o")] = Path("out"),
    format: str = "",  # noqa: A002 - the option's natural name
    language: str = "",
    anchor: Annotated[list[str] | None, Parameter(negative=())] = None,
    anchors: Path | None = None,
    recognize: Flag = False,
    vocals: Path | None = None,
    separation: bool = True,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Song and lyrics to words with times, syllables, and the notes they are sung on.

    Writes `<song>.elrc` and `<song>.json`; says which lines are unsure. A line is corrected with --anchor.

    Args:
        song: The recording.
        lyrics: Its words: text as people write it, or a timed file whose words are to be timed anew.
        out: Output folder; or the file to write, as words.srt.
        format: Formats, separated by commas: lrc, elrc, srt, vtt, ass, ultrastar, textgrid, midi, musicxml, labels,
            csv, json, txt.
        language: What is sung: en, de, fr, es, it, pt or another code or name; guessed from the words without it.
        anchor: A correction: "12.34 some words" fixes when these words of the lyrics start. Kept in
            `<song>.anchors.txt` beside the output, and read again next time.
        anchors: Another file of corrections, one a line.
        recognize: Write the words first, as nobody has them; they are saved as `<song>.txt`.
        vocals: The voice of the song alone, if you have it.
        separation: Take the voice out of the song first; not needed where nothing but a voice sounds.
        quiet: Print nothing but errors.
    """
    from descant.cli.lists import names_in
    from descant.cli.terminal import progress_bar
    from descant.pipelines.align.api import align_file
    from descant.pipelines.align.options import AlignFileOptions

    options = AlignFileOptions(
        formats=tuple(dict.fromkeys(names_in(format))),
        language=language,
        recognize=recognize,
        separate=separation,
        vocals=vocals,
        anchors=tuple(anchor or ()),
        corrections=anchors,
    )
    with progress_bar(song.name, quiet=quiet) as progress:
        result = align_file(song, lyrics, out, options, progress=progress)
    if not quiet:
        _tell(result)


def _tell(result: AlignedFile) -> None:
    from descant.cli.terminal import one_line

    lyrics = result.lyrics
    print(one_line(f"{result.paths[-1].parent}: {', '.join(path.name for path in result.paths)}"))
    language = "unknown language, read by its letters" if lyrics.language == "other" else f"language {lyrics.language}"
    words = len(lyrics.words) + sum(len(line.unsung) for line in lyrics.lines)
    print(f"  {words} words, {language}; {result.fit:.0%} of them are heard where they were placed")
    for said in (*result.remarks, *result.sheet_notes, *map(str, (*result.unsung, *result.unsure))):
        print(f"  {one_line(said)}")
