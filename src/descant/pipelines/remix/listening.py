"""The steps that take a song apart: separate, listen, transcribe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from descant.analyze.analysis import Analysis
from descant.analyze.api import analyze
from descant.analyze.export import write_json
from descant.audio.clip import Clip
from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.io import probe, read, write
from descant.audio.loudness import integrated_lufs
from descant.errors import InvalidAudio
from descant.mix.roles import role_of
from descant.pipelines.records import read_record, write_record
from descant.pipelines.transcribe_song import write_down
from descant.progress import Monitor
from descant.score.midi import write_midi
from descant.score.notes import Score
from descant.separate.api import Separator
from descant.separate.files import StemOptions, separate_file
from descant.transcribe.api import Transcriber
from descant.transcribe.config import NoteOptions
from descant.transcribe.together import share_together

if TYPE_CHECKING:  # who calls a step is no part of its address
    from descant.pipelines.graph import Inputs

VOCALS = "vocals"
ANALYSIS, SCORE, VOICE = "analysis.record.json", "score.record.json", "voice.record.json"

_SHORTEST_S = 1.0
_LEAST_SUNG_S = 2.0
_LEAST_SHARE, _FAINTEST_LU, _LEAST_CONFIRMED = 0.5, -10.0, 0.2
_TOGETHER = 0.15
_SEVERAL_VOICES = (
    "Two tones sound at once in {share:.0%} of the singing: two singers, or harmonies. "
    "Melody and conversion follow one of them."
)


@dataclass(frozen=True, slots=True)
class SeparateOptions:
    """Which separator."""

    card: str


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """The tempo, if it is known."""

    bpm: float | None


@dataclass(frozen=True, slots=True)
class VoiceHeard:
    """How much of a singer there is.

    What a separator takes for a voice in a band without one comes now and then, and faintly; the bounds were chosen
    on the CC0 album *Everything is Free* with and without its vocals (docs/remix.md).

    Attributes:
        sung_s: For how long someone sings.
        share: The same as a share of the song.
        over_band_lu: Loudness of the voice above that of all else; infinite for a voice alone.
        confirmed_s: For how long a voice is heard in the unseparated song, too; None where nobody listened for one.
    """

    sung_s: float
    share: float
    over_band_lu: float
    confirmed_s: float | None = None

    @property
    def is_there(self) -> bool:
        """Whether this is a singer."""
        is_sure = self.confirmed_s is not None and self.confirmed_s * self.share >= _LEAST_CONFIRMED * self.sung_s
        is_loud = self.over_band_lu >= _FAINTEST_LU and self._certain_s >= _LEAST_SUNG_S
        return self.sung_s >= _LEAST_SUNG_S and (self.share >= _LEAST_SHARE or is_loud or is_sure)

    @property
    def _certain_s(self) -> float:
        return self.sung_s if self.confirmed_s is None else self.confirmed_s

    @property
    def fault(self) -> str:
        """What speaks against it, for people."""
        if self._certain_s < _LEAST_SUNG_S:
            return f"something like singing is heard for {self._certain_s:.1f} s only"
        return (
            f"something like singing is heard for {self.sung_s:.1f} s, {-self.over_band_lu:.0f} LU softer than the band"
        )


def separate(inputs: Inputs, options: SeparateOptions, folder: Path, monitor: Monitor) -> None:
    """The song's stems as float WAV."""
    _refuse_too_short(inputs["song"])
    separator = Separator.load(options.card, progress=monitor.part("loading", 0.0, 0.1).sink, cancel=monitor.cancel)
    part = monitor.part("separating", 0.1, 1.0)
    separate_file(
        inputs["song"], folder, StemOptions("wav"), separator=separator, progress=part.sink, cancel=monitor.cancel
    )


def take_voice_alone(inputs: Inputs, _options: None, folder: Path, monitor: Monitor) -> None:
    """The recording as its own vocals, in place of `separate`."""
    _refuse_too_short(inputs["song"])
    monitor.report(0.0)
    write(folder / f"{VOCALS}.wav", read(inputs["song"]), subtype="FLOAT")


def _refuse_too_short(song: Path) -> None:
    duration_s = probe(song).duration_s
    if duration_s < _SHORTEST_S:
        raise InvalidAudio(f"{song.name} is {duration_s:.2f} s long: too short for a remix.", "Give a whole song.")


def listen(inputs: Inputs, options: ListenOptions, folder: Path, monitor: Monitor) -> None:
    """Beats, key, chords, sections, melody, and whether there is a singer."""
    stems = read_stems(inputs["separate"])
    song = stems[VOCALS] if len(stems) == 1 else read(inputs["song"])
    analysis = analyze(song, vocals=stems[VOCALS], bpm=options.bpm, progress=monitor.sink, cancel=monitor.cancel)
    write_record(folder / ANALYSIS, analysis)
    write_record(folder / VOICE, voice_in(stems, analysis))
    write_json(folder / "analysis.json", analysis)


def voice_in(stems: Mapping[str, Clip], analysis: Analysis) -> VoiceHeard:
    """How much of a singer there is in a song.

    Args:
        stems: Of the song, by name.
        analysis: Of the song, with the vocals apart.
    """
    band = [integrated_lufs(clip) for name, clip in stems.items() if name != VOCALS]
    over_band = integrated_lufs(stems[VOCALS]) - max(band, default=-math.inf)
    over_band = -math.inf if math.isnan(over_band) else over_band  # both silent
    sung_s = sum(span.end_s - span.start_s for span in analysis.vocals)
    return VoiceHeard(sung_s, sung_s / analysis.duration_s, over_band, analysis.confirmed_s)


def transcribe(inputs: Inputs, _options: None, folder: Path, monitor: Monitor) -> None:
    """The notes of all stems that have a pitch, on the beats that were heard."""
    stems = read_stems(inputs["separate"])
    pitched = {name: c for name, c in stems.items() if name != VOCALS and role_of(name).name != "drums"}
    analysis = read_record(inputs["listen"] / ANALYSIS, Analysis)
    writing = monitor.part("writing down", 0.0, 0.7)
    score, remarks = write_down(stems[VOCALS], pitched, analysis, progress=writing.sink, cancel=monitor.cancel)
    remarks = tuple(remark for remark in remarks if "melody" not in remark)
    together = _voices_together(stems[VOCALS], monitor.part("counting voices", 0.7, 1.0))
    if together >= _TOGETHER and read_record(inputs["listen"] / VOICE, VoiceHeard).is_there:
        remarks += (_SEVERAL_VOICES.format(share=together),)
    write_record(folder / SCORE, score)
    write_record(folder / "remarks.json", remarks)
    write_midi(folder / "score.mid", score)


def _voices_together(vocals: Clip, monitor: Monitor) -> float:
    size = 10 * vocals.sample_rate
    blocks = [Clip(vocals.samples[:, at : at + size], vocals.sample_rate) for at in range(0, vocals.frames, size)]
    monitor.report(0.0)
    events = [e for group in Transcriber.load().events(blocks, options=NoteOptions(bends=False)) for e in group]
    return share_together(events)


def read_stems(folder: Path) -> dict[str, Clip]:
    """The stems in a step's folder by name, the voice first.

    Raises:
        InvalidAudio: The voice is missing, or they differ in length or rate.
    """
    paths = sorted(folder.glob("*"), key=lambda path: (path.stem != VOCALS, path.name))
    stems = {path.stem: read(path) for path in paths if path.suffix.lower() in AUDIO_SUFFIXES}
    if VOCALS not in stems:
        raise InvalidAudio(f"There are no stems with a {VOCALS} among them in {folder}.", "Name the file vocals.wav.")
    if len({(clip.frames, clip.sample_rate) for clip in stems.values()}) > 1:
        raise InvalidAudio(f"The stems in {folder} differ in length or rate.", "Export them from one project.")
    return stems


def read_score(folder: Path) -> Score:
    """The score in a step's folder: its record, or any one MIDI or MusicXML file that was put there.

    Raises:
        DescantError: There is none, or it cannot be read.
    """
    from descant.instrument.api import READERS
    from descant.instrument.api import read_score as read_score_file

    if (folder / SCORE).exists():
        return read_record(folder / SCORE, Score)
    found = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in READERS]
    if not found:
        raise InvalidAudio(f"There is no score in {folder}.", "Put one MIDI or MusicXML file there.")
    return read_score_file(found[0])
