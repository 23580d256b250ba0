"""Where scores come from: POP909, Nottingham, sheets in MusicXML, folders of MIDI, music21's corpus, or invention."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from descant.data.archive import Archive
from descant.data.arrange import cut
from descant.data.invent import invent_song
from descant.data.nottingham import Nottingham
from descant.data.pop909 import Pop909
from descant.data.splits import Split, digest_of, split_of
from descant.errors import InputNotFound, InvalidOption, MissingDependency, ScoreReadError
from descant.score.midi_reader import score_from_midi
from descant.score.musicxml_reader import score_from_musicxml, unpack
from descant.score.notes import Note, Score, Track
from descant.score.smf import parse_midi
from descant.score.tempo import TempoMap, TimeSignature

INVENTED = "invented"
MUSIC21 = "music21"
_SHEETS = (".mxl", ".musicxml", ".xml")
_MIDI = (".mid", ".midi", ".kar")
_MAX_SCORE_BYTES = 32 * 2**20
_INVENTED_SONGS = 10_000
_MELODY_NAMES = ("melody", "vocal", "voice", "lead", "sing", "soprano", "tune")
_SLOWEST_BPM, _FASTEST_BPM, _USUAL_BPM = 50.0, 190.0, 100.0
_FEWEST_NOTES, _FEWEST_BARS, _SHORTEST_EXCERPT = 6, 8, 4


@dataclass(frozen=True, slots=True)
class Song:
    """A song that can be had.

    Attributes:
        name: Its id: "pop909/003", "nottingham/ashover1".
        split: Where it belongs.
        load: Reads it; raises `ScoreReadError` where it cannot be used.
    """

    name: str
    split: Split
    load: Callable[[], Score]


def find_songs(scores: Sequence[str]) -> tuple[Song, ...]:
    """All songs of some sources.

    Args:
        scores: Paths of data sets (zip or folder), "music21", or "invented".

    Raises:
        InputNotFound: A source does not exist or holds no scores.
        MissingDependency: music21 is asked for and not installed.
    """
    songs: list[Song] = []
    for source in scores:
        found = _songs_of(source)
        if not found:
            raise InputNotFound(f"{source} holds no scores.", "Expected POP909, Nottingham, MIDI or MusicXML files.")
        songs += found
    if len({song.name for song in songs}) < len(songs):
        raise InvalidOption("The same songs are given twice.", "Name each source of --scores once.")
    return tuple(songs)


def lead_sheet(song: Song, seconds: float, rng: np.random.Generator) -> Score:
    """Some bars of a song for the band: melody and what else it has, one metre, one bar of rest before it.

    Args:
        song: Which one.
        seconds: About how long; 0 takes all of its longest stretch in one metre.
        rng: Chooses the bars.

    Raises:
        ScoreReadError: The song has no usable melody or metre.
    """
    score = song.load()
    melody = _melody_of(score)
    first, last, signature = _longest_stretch(score, melody)
    bar = signature.bar_quarters
    bpm = float(np.clip(np.median([score.tempo.bpm_at(q) for q in np.arange(first, last)]), 1.0, 1_000.0))
    if not _SLOWEST_BPM <= bpm <= _FASTEST_BPM:
        bpm = _USUAL_BPM
    bars = int((last - first) // bar)
    wanted = bars if seconds <= 0 else max(_SHORTEST_EXCERPT, round(seconds * bpm / 60.0 / bar) - 2)
    start = first + bar * int(rng.integers(0, max(1, bars - wanted + 1)))
    whole = score.with_tracks((melody, *(t for t in score.tracks if t.name in ("piano", "bridge") and t.notes)))
    part = cut(whole, start, min(start + wanted * bar, last))
    if len(part.tracks[0].notes) < _FEWEST_NOTES:
        raise ScoreReadError(f"{song.name} has hardly any melody there.")
    return _after_a_bar(
        replace(part, tempo=TempoMap.constant(bpm), time_signatures=(replace(signature, start=0.0),)), bar
    )


def top_line(notes: Sequence[Note]) -> tuple[Note, ...]:
    """What one voice can sing of some notes: the highest of those that start together, none overlapping the next."""
    line: list[Note] = []
    for note in sorted(notes, key=lambda n: (round(n.start, 2), -n.pitch)):
        if line and note.start < line[-1].start + 1 / 12:
            continue
        if line and line[-1].end > note.start:
            line[-1] = replace(line[-1], duration=note.start - line[-1].start)
        line.append(replace(note, duration=max(note.duration, 1 / 8), bends=()))
    return tuple(line)


def _songs_of(source: str) -> list[Song]:
    if source == INVENTED:
        return [_song(f"invented/{number:04d}", _inventing(number)) for number in range(_INVENTED_SONGS)]
    if source == MUSIC21:
        return _of_archive(Archive(_corpus()), MUSIC21)
    path = Path(source)
    if path.is_file() and path.suffix.lower() in (*_SHEETS, *_MIDI):
        raise InvalidOption(f"{path} is one score, not a set of them.", "Give the folder it is in.")
    archive = Archive(path)
    if any(name.endswith("/beat_midi.txt") for name in archive.names):
        pop = Pop909(path)
        return [Song(f"pop909/{n}", pop.split(n), lambda n=n: pop.load(n)) for n in pop.songs()]  # type: ignore[misc]
    if "nottingham" in path.name.lower() and any(PurePosixPath(name).parent.name == "MIDI" for name in archive.names):
        tunes = Nottingham(path)
        return [_song(f"nottingham/{n}", lambda n=n: tunes.load(n)) for n in tunes.tunes()]  # type: ignore[misc]
    return _of_archive(archive, path.stem)


def _of_archive(archive: Archive, source: str) -> list[Song]:
    names = [n for n in archive.names if PurePosixPath(n).suffix.lower() in (*_SHEETS, *_MIDI)]
    # An .xml that only points into a compressed score, or describes the set, is no score.
    names = [n for n in names if "META-INF" not in n]
    return [_song(f"{source}/{n}", _reading(archive, n)) for n in names]


def _song(name: str, load: Callable[[], Score]) -> Song:
    return Song(name, split_of(name), load)


def _reading(archive: Archive, name: str) -> Callable[[], Score]:
    def load() -> Score:
        data = archive.read_bytes(name)
        if PurePosixPath(name).suffix.lower() in _MIDI:
            return score_from_midi(parse_midi(data, name), as_played=False)
        plain = unpack(data, name, max_bytes=_MAX_SCORE_BYTES) if data[:2] == b"PK" else data
        return score_from_musicxml(plain, name)

    return load


def _inventing(number: int) -> Callable[[], Score]:
    return lambda: invent_song(np.random.default_rng(digest_of(f"invented/{number}")), bars=48)


def _corpus() -> Path:
    found = importlib.util.find_spec("music21")
    if found is None or found.origin is None:
        raise MissingDependency("music21's corpus is not installed.", "pip install music21")
    return Path(found.origin).parent / "corpus"


def _melody_of(score: Score) -> Track:
    """The part to sing: one with words, one that is called melody, or the highest that is mostly one note at a time."""
    parts = [t for t in score.tracks if t.notes and not t.is_drum]
    if not parts:
        raise ScoreReadError("The score has no notes to sing.")

    def rank(track: Track) -> tuple[bool, bool, float]:
        has_words = any(n.lyric for n in track.notes)
        is_called = any(name in track.name.lower() for name in _MELODY_NAMES)
        single = len({round(n.start, 2) for n in track.notes}) / len(track.notes)
        return has_words, is_called, float(np.median([n.pitch for n in track.notes])) + 24.0 * single

    return replace(max(parts, key=rank), name="melody")


def _longest_stretch(score: Score, melody: Track) -> tuple[float, float, TimeSignature]:
    ends = [*(s.start for s in score.time_signatures[1:]), max(melody.end, 1.0)]
    stretches = [
        (s.start, s.start + (min(e, melody.end) - s.start) // s.bar_quarters * s.bar_quarters, s)
        for s, e in zip(score.time_signatures, ends, strict=True)
        if s.denominator == 4 and s.numerator in (2, 3, 4)
    ]
    first, last, signature = max(stretches, key=lambda s: s[1] - s[0], default=(0.0, 0.0, TimeSignature(0.0, 4, 4)))
    heard = [n.start for n in melody.notes if first <= n.start < last]
    if not heard or (last - first) / signature.bar_quarters < _FEWEST_BARS:
        raise ScoreReadError("The score has no eight bars in one metre of quarters.")
    bar = signature.bar_quarters
    return first + bar * ((min(heard) - first) // bar), last, signature


def _after_a_bar(score: Score, bar: float) -> Score:
    tracks = tuple(replace(t, notes=tuple(replace(n, start=n.start + bar) for n in t.notes)) for t in score.tracks)
    chords = tuple(replace(c, start=c.start + bar if i else 0.0, end=c.end + bar) for i, c in enumerate(score.chords))
    sections = tuple(replace(s, start=s.start + bar if i else 0.0, end=s.end + bar)
                     for i, s in enumerate(score.sections))  # fmt: skip
    return replace(score, tracks=tracks, chords=chords, sections=sections)
