"""`descant karaoke`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def karaoke(
    song: Path,
    lyrics: Path,
    *,
    out: Annotated[Path, Parameter(alias="-o")] = Path("karaoke"),
    vocals: str = "off",
    guide: Annotated[bool, Parameter(negative=())] = False,
    guide_db: float = 0.0,
    video: str = "mp4",
    size: str = "1920x1080",
    fps: int = 30,
    rows: int = 4,
    font: Path | None = None,
    background: str = "",
    title: str = "",
    artist: str = "",
    count: str = "beats",
    lyrics_as: str = "json,lrc,elrc,srt",
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Song and words to a karaoke video, a backing track and a guide melody.

    Writes `karaoke.mp4`, `backing.flac`, `guide.flac`, `guide.mid` and `lyrics.*`.

    Args:
        song: The recording.
        lyrics: Its words: with times (LRC, enhanced LRC, JSON, SRT, VTT ...), or plain text, which is aligned first.
        out: Output folder.
        vocals: The voice of the song: "off", "on", or turned down, as "-12dB".
        guide: Mix the guide melody in, quietly.
        guide_db: Louder or quieter than that.
        video: mp4, webm, or "mp4,webm"; "none" writes no video.
        size: Of the video: 1920x1080, 720p ...
        fps: Its frames per second.
        rows: Lines on the screen at once, 1 to 6.
        font: A .ttf or .otf file to write with.
        background: A colour ("#202040", "green"), a picture or a video; a dark gradient without it.
        title: Title on the first picture; that of the lyrics or the file's name otherwise.
        artist: Artist on the first picture.
        count: Count-ins on the "beats" that are heard, or in "seconds".
        lyrics_as: Formats for the timed lyrics, separated by commas.
        quiet: Print nothing but errors.
    """
    from descant.cli.lists import names_in
    from descant.cli.terminal import one_line, progress_bar
    from descant.errors import InvalidOption
    from descant.pipelines.karaoke.api import karaoke_file
    from descant.pipelines.karaoke.options import KaraokeOptions
    from descant.pipelines.karaoke.plan import PlanOptions
    from descant.pipelines.karaoke.video import Screen

    if count not in {"beats", "seconds"}:
        raise InvalidOption(f"Counting in {count!r} is not possible.", 'Write "beats" or "seconds".')
    options = KaraokeOptions(
        vocals=vocals,
        guide=guide,
        guide_db=guide_db,
        videos=() if video == "none" else tuple(dict.fromkeys(names_in(video))),
        screen=Screen.parse(size, fps),
        plan=PlanOptions(slots=rows),
        font=font,
        background=background,
        title=title,
        artist=artist,
        beats=count == "beats",
        lyrics=names_in(lyrics_as),
    )
    with progress_bar(song.name, quiet=quiet) as progress:
        result = karaoke_file(song, lyrics, out, options, progress=progress)
    if quiet:
        return
    print(one_line(f"{result.folder}: {', '.join(path.name for path in result.paths)}"))
    print(f"  {result.duration_s:.1f} s, {result.rows} lines, {result.notes} notes in the guide melody")
    if result.clipped_samples:
        print(f"  {result.clipped_samples} samples of the backing track were clipped")
    for remark in result.remarks:
        print(f"  {one_line(remark)}")
