"""`descant transcribe`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

if TYPE_CHECKING:
    from descant.pipelines.transcribe_file import TranscribeOptions

Flag = Annotated[bool, Parameter(negative=())]


def transcribe(
    recordings: Annotated[list[Path], Parameter(negative=())],
    *,
    out: Annotated[Path, Parameter(alias="-o")] = Path("out"),
    midi: Flag = False,
    musicxml: Flag = False,
    csv: Flag = False,
    melody: Flag = False,
    song: Flag = False,
    words: Flag = False,
    format: str = "lrc,srt,json",  # noqa: A002 - the option's natural name
    language: str | None = None,
    words_model: str | None = None,
    tempo: float | None = None,
    beats: Path | None = None,
    onset_threshold: float | None = None,
    frame_threshold: float | None = None,
    shortest: float | None = None,
    lowest_pitch: int | None = None,
    highest_pitch: int | None = None,
    multiple_bends: Flag = False,
    follow_tuning: Flag = False,
    bends: bool = True,
    skip_existing: Flag = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Recording to MIDI and MusicXML, or to words.

    Writes `<name>.mid` unless other files are asked for. Notes sit on the bars of the beats that are heard.

    Args:
        recordings: Recordings, or folders of them; each gets a folder of its own when there are several.
        out: Output folder.
        midi: Write MIDI.
        musicxml: Write MusicXML.
        csv: Write a list of notes in seconds, with exact pitches.
        melody: The recording is one voice: write single notes that follow its pitch.
        song: The recording is a song: separate the voice from the band and write both.
        words: Write the sung words.
        format: Lyrics formats, separated by commas: lrc, elrc, srt, vtt, json, txt.
        language: What is sung, by code or name, such as de, es, fr; without it, it is heard.
        words_model: Which Whisper listens: whisper-base, or whisper-tiny-en for English.
        tempo: A steady tempo in BPM instead of the beats that are heard.
        beats: A file of beats: analysis.json, or one time in seconds per line.
        onset_threshold: How sure a note's start must be, 0 to 1; lower finds more notes.
        frame_threshold: How sure its going on must be, 0 to 1; lower makes longer notes.
        shortest: Shortest note in seconds.
        lowest_pitch: Lowest MIDI number.
        highest_pitch: Highest MIDI number.
        multiple_bends: Keep pitch bends of notes that sound together.
        follow_tuning: Round a voice to its own scale instead of A = 440 Hz.
        bends: Write pitch bends.
        skip_existing: Leave recordings alone whose files are there.
        quiet: Print nothing but errors.
    """
    from descant.cli.lists import names_in
    from descant.pipelines.transcribe_file import TranscribeOptions
    from descant.transcribe.config import MelodyOptions, NoteOptions, WordOptions

    pitches = _given(lowest_pitch=lowest_pitch, highest_pitch=highest_pitch, shortest_s=shortest)
    thresholds = _given(onset_threshold=onset_threshold, frame_threshold=frame_threshold)
    options = TranscribeOptions(
        midi=midi or not (musicxml or csv or words),
        musicxml=musicxml,
        csv=csv,
        words=words,
        lyric_formats=names_in(format),
        voice=melody,
        song=song,
        bpm=tempo,
        beats=beats,
        notes=NoteOptions(bends=bends, multiple_bends=multiple_bends, **pitches, **thresholds),
        sung=MelodyOptions(bends=bends, follow_tuning=follow_tuning, **pitches),
        hearing=WordOptions(**_given(language=language, model=words_model)),
    )
    _transcribe_all(recordings, out, options, skip_existing=skip_existing, quiet=quiet)


def _transcribe_all(
    recordings: list[Path], out: Path, options: TranscribeOptions, *, skip_existing: bool, quiet: bool
) -> None:
    from descant.cli.batch import run_batch
    from descant.cli.terminal import progress_bar
    from descant.pipelines.transcribe_file import is_finished, transcribe_file

    def one(recording: Path, folder: Path) -> None:
        with progress_bar(recording.name, quiet=quiet) as progress:
            result = transcribe_file(recording, folder, options, progress=progress)
        if not quiet:
            counts = [f"{n} {what}" for n, what in ((result.notes, "notes"), (result.words, "words")) if n is not None]
            print(f"{folder}: {', '.join(path.name for path in result.paths)} ({', '.join(counts)})")
            for remark in result.remarks:
                print(f"  {remark}")

    stems = {} if len(recordings) != 1 else {out: recordings[0]}

    def done(folder: Path) -> bool:
        named = stems.get(folder, Path(folder.name))
        return skip_existing and is_finished(named, folder, options)

    run_batch(recordings, out, one, done=done)


def _given(**values: float | str | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
