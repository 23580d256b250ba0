"""The steps that make a new band: compose and play."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from descant.analyze.analysis import Analysis
from descant.audio.io import probe, write
from descant.compose.api import Composer
from descant.compose.config import BandOptions
from descant.errors import NothingHeard, ScoreReadError
from descant.instrument.api import file_name, play
from descant.instrument.line_up import Sound, line_up_for
from descant.pipelines.records import read_record, write_record
from descant.pipelines.remix.listening import ANALYSIS, SCORE, VOICE, VoiceHeard, read_score
from descant.progress import Monitor
from descant.score.chord_file import write_chords
from descant.score.midi import write_midi
from descant.score.musicxml import write_musicxml
from descant.score.notes import Score

if TYPE_CHECKING:  # who calls a step is no part of its address
    from descant.pipelines.graph import Inputs

COMPOSER = "descant-accompaniment"
MELODY = "melody"
PIECE = "piece.record.json"
PLAYED = "played.record.json"
"""What is played of a score, where that is not all of it but the melody."""
MIN_RATE = 44_100


@dataclass(frozen=True, slots=True)
class Piece:
    """What was composed.

    Attributes:
        model: Card of the model.
        seed: The seed that writes it again.
        values: Of all takes that were written, the best first.
        bars: How many bars were written, for a band that plays on; None where the song has its own form.
    """

    model: str
    seed: int
    values: tuple[float, ...]
    bars: int | None = None


def compose_new(inputs: Inputs, options: BandOptions, folder: Path, monitor: Monitor) -> None:
    """A new arrangement for the song's melody, with its chords, key, tempo and form."""
    analysis = read_record(inputs["listen"] / ANALYSIS, Analysis)
    heard = read_score(inputs["transcribe"])
    require_voice(inputs["listen"], heard)
    if analysis.tempo_map() is None:
        raise NothingHeard("No beat was found in the song, so a band cannot play along.", "Keep its own: --band keep.")
    melody = heard.track(MELODY)
    assert melody is not None
    lead = heard.with_tracks((melody,))
    takes = Composer.load(COMPOSER)(lead, options, progress=monitor.sink, cancel=monitor.cancel)
    write_piece(folder, takes[0].score, Piece(COMPOSER, takes[0].seed, tuple(take.value for take in takes)))


def require_voice(listened: Path, heard: Score) -> None:
    """Refuse a song in which nobody sings.

    Raises:
        NothingHeard: There is no voice, or no melody in it.
    """
    voice = read_record(listened / VOICE, VoiceHeard)
    if not voice.is_there:
        raise NothingHeard(
            f"No singer was found in the song: {voice.fault}.",
            "Keep its own band (--band keep), or give better stems (--use separate=FOLDER).",
        )
    melody = heard.track(MELODY)
    if melody is None or not melody.notes:
        raise NothingHeard(
            "No sung melody was found in the song.", "Speech has no notes to build on; keep its band: --band keep."
        )


def write_piece(folder: Path, score: Score, piece: Piece) -> None:
    """A composed score as a step's result, and as files for people."""
    write_record(folder / SCORE, score)
    write_record(folder / PIECE, piece)
    write_midi(folder / "score.mid", score)
    write_musicxml(folder / "score.musicxml", score)
    write_chords(folder / "chords.txt", score.chords, time_signatures=score.time_signatures, key=score.key)


@dataclass(frozen=True, slots=True)
class PlayingOptions:
    """Who plays a band.

    Attributes:
        sound: "soundfont" or "neural"; see `RemixOptions`.
    """

    sound: Sound = "soundfont"


def play_band(inputs: Inputs, options: PlayingOptions, folder: Path, monitor: Monitor) -> None:
    """Each track of the band as float WAV at the song's rate, or 44.1 kHz if that is higher."""
    chosen = inputs["compose"] / PLAYED
    score = read_record(chosen, Score) if chosen.exists() else read_score(inputs["compose"])
    band = score.with_tracks(track for track in score.tracks if track.name != MELODY and track.notes)
    if not band.tracks:
        raise ScoreReadError("The score has no notes for a band to play.", "Look at it with --until compose.")
    rate = max(probe(inputs["song"]).sample_rate, MIN_RATE)
    stems = play(
        band,
        soundfont=inputs["soundfont"],
        instrument=line_up_for(options.sound),
        sample_rate=rate,
        progress=monitor.sink,
        cancel=monitor.cancel,
    )
    for name, clip in stems.items():
        write(folder / f"{file_name(name)}.wav", clip, subtype="FLOAT")
