"""Scores to MIDI files and back.

Written: type 1 at 960 ticks a quarter. A conductor track holds the tempo map (each anchor a tempo event, rounded so
that errors never add up), time signatures, key, section markers and chord symbols (text events). Each `Track` becomes
one MIDI track on a channel of its own; from the sixteenth melodic track on, further ports are used. The same score
gives the same bytes.

A pitch bend moves a whole channel. So a note's bends are written only while no other note of its track sounds;
overlapping notes are written straight. The bend range is set at the start of the track and the wheel is centred after
each bent note. Two notes of one pitch cannot overlap on a channel: the earlier one is cut where the later one starts.

Read: types 0 to 2, one `Track` for each channel of each MIDI track. Repairs, none of them silent losses of notes: a
note without an end lasts to the end of its track, an end without a note is ignored, a note of no length gets one
tick, a tempo of zero is ignored; SMPTE time is read as 120 quarters a minute. All else that is wrong raises
`ScoreReadError`.
"""

from __future__ import annotations

from pathlib import Path

from descant.files import PathLike, as_path
from descant.score.files import read_bytes, write_bytes
from descant.score.midi_reader import score_from_midi
from descant.score.midi_writer import score_to_midi
from descant.score.notes import Score
from descant.score.smf import parse_midi

_MAX_BYTES = 64 * 2**20


def read_midi(path: PathLike, *, as_played: bool = False) -> Score:
    """The score in a MIDI file.

    Args:
        path: A .mid, .midi, .kar or .rmi file.
        as_played: Whether to fold the sustain pedal into durations, and channel volume and expression into
            velocities, as a listener hears them; otherwise notes are as written.

    Raises:
        InputNotFound, PermissionRefused: The file cannot be opened.
        ScoreReadError: It is not MIDI, or damaged beyond repair.
    """
    data = read_bytes(path, what="MIDI file", max_bytes=_MAX_BYTES)
    return score_from_midi(parse_midi(data, as_path(path).name), as_played=as_played)


def write_midi(path: PathLike, score: Score) -> Path:
    """Write a score as a MIDI file; folders are created, and the file appears whole or not at all.

    Raises:
        InvalidOption: A pitch, program or tempo cannot be said in MIDI.
        PermissionRefused, OutputError: The file cannot be written.
    """
    return write_bytes(path, score_to_midi(score))
