"""The scores that come with the Python package music21: where they lie, and which of them are used.

Only the package's `corpus` folder is read, with Descant's own readers; music21 itself is never imported. Bach's
chorales are compressed MusicXML, Ryan's Mammoth Collection of fiddle tunes is ABC.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from descant.data.abc_notation import score_from_abc
from descant.errors import InputNotFound, MissingDependency, ScoreReadError
from descant.score.musicxml_reader import score_from_musicxml, unpack
from descant.score.notes import Score

_MAX_SCORE_BYTES = 64 * 2**20
_VOICES = 4


def find_corpus(path: Path | None = None) -> Path:
    """The corpus folder: the one given, else that of the installed package.

    Raises:
        InputNotFound: The folder given lacks the chorales and the tunes.
        MissingDependency: None is given and music21 is not installed.
    """
    if path is None:
        spec = find_spec("music21")
        places = list(spec.submodule_search_locations or ()) if spec is not None else []
        if not places:
            raise MissingDependency(
                "The chorales and fiddle tunes come with the package music21, which is not installed.",
                "pip install music21, or give the corpus folder of a copy with --data.",
            )
        path = Path(places[0]) / "corpus"
    if not (path / "bach").is_dir() or not (path / "ryansMammoth").is_dir():
        raise InputNotFound(f"{path} holds no folders bach and ryansMammoth.", "Give music21's corpus folder.")
    return path


def chorales(corpus: Path) -> Iterator[tuple[str, Score]]:
    """Bach's chorales in four voices, by their number in the catalogue."""
    for file in sorted((corpus / "bach").glob("bwv*.mxl")):
        try:
            score = score_from_musicxml(unpack(file.read_bytes(), file.name, max_bytes=_MAX_SCORE_BYTES), file.name)
        except ScoreReadError:
            continue
        if len(score.tracks) == _VOICES:
            yield file.stem, score


def fiddle_tunes(corpus: Path) -> Iterator[tuple[str, Score]]:
    """The tunes of Ryan's Mammoth Collection, by the names of their files."""
    for file in sorted((corpus / "ryansMammoth").glob("*.abc")):
        try:
            yield file.stem, score_from_abc(file.read_bytes(), file.name)
        except ScoreReadError:
            continue
