"""Scores to MusicXML and back.

Written: partwise 4.0 with bars, keys, clefs, ties, triplets, at most two voices a staff, two staves for keyboards,
drum parts with note heads, chord symbols, words, rehearsal marks for sections, tempo and rough dynamics. Times are
quantised for reading (see `quantise`): pitches and the order of onsets are kept, lengths give way where more than two
voices overlap. Pitch bends cannot be written.

Read: .musicxml, .xml and compressed .mxl, partwise; melody with words, chord symbols, keys, times, tempi, rehearsal
marks, drums. Repeats and endings are ignored (each bar is read once), and so are grace and cue notes. Files are
not trusted: entities are refused, and so are archives that unpack to more than 64 MiB.
"""

from __future__ import annotations

from pathlib import Path

from descant.files import PathLike, as_path
from descant.score.files import read_bytes, write_bytes
from descant.score.musicxml_reader import score_from_musicxml, unpack
from descant.score.musicxml_writer import score_to_musicxml
from descant.score.notes import Score

_MAX_BYTES = 64 * 2**20


def write_musicxml(path: PathLike, score: Score, *, title: str = "") -> Path:
    """Write a score as a .musicxml file; folders are created, and the file appears whole or not at all.

    Args:
        path: Where to write.
        score: What to write; positions are quantised.
        title: Shown above the first bar.

    Returns:
        The path.

    Raises:
        InvalidOption: A time signature cannot be written.
        PermissionRefused, OutputError: The file cannot be written.
    """
    return write_bytes(path, score_to_musicxml(score, title=title))


def read_musicxml(path: PathLike) -> Score:
    """The score in a MusicXML file.

    Raises:
        InputNotFound, PermissionRefused: The file cannot be opened.
        ScoreReadError: It is not MusicXML, damaged, or not to be trusted.
    """
    name = as_path(path).name
    data = read_bytes(path, what="MusicXML file", max_bytes=_MAX_BYTES)
    return score_from_musicxml(unpack(data, name, max_bytes=_MAX_BYTES), name)
