"""How well words are aligned to songs: files of any system against references, or aligners that are run on songs.

Only the words of a song are compared that both sides have in the same order. A song that an aligner refuses is named
and counted, and left out of its means; nothing is guessed.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.data.sets.item import AudioRef
from descant.errors import InputNotFound, InvalidAudio, InvalidOption, NothingHeard, TextReadError
from descant.evaluate import alignment_metrics
from descant.evaluate.align_baselines import Contender, SongAligner, untimed
from descant.evaluate.align_songs import TimedSong, reference_songs
from descant.evaluate.compare import system_names
from descant.evaluate.lyrics_metrics import parting, word_ends, word_starts
from descant.evaluate.readers import read_timed_lyrics, with_file
from descant.evaluate.scores import Scores
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.text.lyrics import Lyrics

Floats = NDArray[np.float64]

_LONGEST_DELAY_S = 10.0
_CONTEXT_WORDS = 3
_ABOUT_THE_SONG = (NothingHeard, InvalidAudio, TextReadError)


@dataclass(frozen=True, slots=True, eq=False)
class SongScore:
    """What a system reached on one song.

    Attributes:
        scores: By the names in `alignment_metrics.METRICS`.
        starts_s: True word starts in seconds, shape [words].
        errors_s: By how much each word comes late, shape [words].
        took_s: How long aligning took; None where that was not seen.
        duration_s: Length of the song, where it is known.
    """

    scores: Scores
    starts_s: Floats
    errors_s: Floats
    took_s: float | None = None
    duration_s: float | None = None


@dataclass(frozen=True, slots=True)
class AlignedSystem:
    """What a system reached on all songs.

    Attributes:
        name: Of the system.
        songs: By the name of the song, in the order of the set; refused ones are not in it.
        refused: Why a song was not aligned, by its name.
        extra: How many of its files no reference asked for.
    """

    name: str
    songs: dict[str, SongScore] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    extra: int = 0

    def values(self, metric: str, names: Sequence[str]) -> list[float | None]:
        """One value per named song; None where there is none."""
        return [self.songs[name].scores[metric] if name in self.songs else None for name in names]


def judge(
    reference: Lyrics,
    estimate: Lyrics,
    *,
    duration_s: float | None = None,
    delay_s: float = 0.0,
    took_s: float | None = None,
) -> SongScore:
    """Measure one song.

    Args:
        reference: Words with their true starts (and ends).
        estimate: The same words with the times that are judged.
        duration_s: Length of the song, if it is known.
        delay_s: Added to the estimate's times first; what falls below 0 s is set to it.
        took_s: Kept in the result.

    Raises:
        TextReadError: The texts part (the message says where), a word is not timed, or times are impossible.
    """
    _require_same_words(reference, estimate)
    true, found = _starts("reference", reference), np.maximum(0.0, _starts("estimate", estimate) + delay_s)
    ends = word_ends(reference), word_ends(estimate)
    both = None if ends[0] is None or ends[1] is None else (ends[0], np.maximum(0.0, ends[1] + delay_s))
    scores = alignment_metrics.evaluate(true, found, ends_s=both, duration_s=duration_s)
    return SongScore(scores, true, found - true, took_s, duration_s)


def align_files(
    reference: Path,
    estimates: Sequence[Path],
    *,
    delay_s: float = 0.0,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> tuple[tuple[TimedSong, ...], list[AlignedSystem]]:
    """Measure timed lyrics that are on disk.

    Args:
        reference: A song set, a folder of timed lyrics or one such file (see `align_songs`).
        estimates: A folder (or file) per system, its files named as the songs.
        delay_s: Added to all estimated times.
        progress: Receives the share that is done.
        cancel: Stops after the song at work.

    Raises:
        InputNotFound: A folder is missing or empty, or a song has no partner.
        InvalidOption: The delay is impossible, or two systems or two files have one name.
        TextReadError: A file cannot be read or compared; the message names it.
    """
    _require_delay(delay_s)
    names = system_names(estimates)
    matched = [reference_songs(reference, estimate) for estimate in estimates]
    songs = matched[0][0]
    systems = [AlignedSystem(name, extra=len(each.extra)) for name, (_, each) in zip(names, matched, strict=True)]
    monitor = Monitor(progress, cancel, "comparing")
    for done, song in enumerate(songs):
        monitor.report(done / len(songs), song.name)
        true = with_file(song.source, song.reference)
        duration_s = None if song.audio is None else song.audio.duration_s
        for system, (_, matching) in zip(systems, matched, strict=True):
            file = matching.pairs[done].estimate
            found = read_timed_lyrics(file)
            try:
                system.songs[song.name] = judge(true, found, duration_s=duration_s, delay_s=delay_s)
            except TextReadError as error:
                raise TextReadError(f"{file} against {song.source}: {error.message}", error.hint) from error
    monitor.report(1.0)
    return songs, systems


def align_set(
    songs: Sequence[TimedSong],
    aligners: Sequence[Contender],
    *,
    delay_s: float = 0.0,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> list[AlignedSystem]:
    """Run aligners on songs and measure what they give.

    Args:
        songs: All with audio.
        aligners: What is run.
        delay_s: Added to all estimated times.
        progress: Receives the share that is done.
        cancel: Stops after the song at work.

    Raises:
        InputNotFound: A song has no audio.
        InvalidOption: The delay is impossible.
        TextReadError: A reference cannot be used; the message names it.
        DescantError: An aligner cannot be loaded, or audio cannot be read.
    """
    _require_delay(delay_s)
    recordings = [_recording(song) for song in songs]
    loaded = [(AlignedSystem(each.title), each, each.load()) for each in aligners]
    monitor = Monitor(progress, cancel, "aligning")
    for done, (song, recording) in enumerate(zip(songs, recordings, strict=True)):
        monitor.report(done / len(songs), song.name)
        true = _usable(song)
        clip = recording.read()
        for system, contender, aligner in loaded:
            given = _given(song, true, contender)
            try:
                system.songs[song.name] = _aligned(aligner, clip, given, true, delay_s)
            except _ABOUT_THE_SONG as error:
                system.refused[song.name] = error.message
    monitor.report(1.0)
    return [system for system, *_ in loaded]


def evenly(songs: Sequence[TimedSong], most: int | None) -> tuple[TimedSong, ...]:
    """At most so many songs, spread over the set in its order; None takes all."""
    if most is None or most >= len(songs):
        return tuple(songs)
    return tuple(songs[index * len(songs) // most] for index in range(most))


def _aligned(aligner: SongAligner, clip: Clip, given: Lyrics, true: Lyrics, delay_s: float) -> SongScore:
    began = time.perf_counter()
    found = aligner(clip, given)
    took_s = time.perf_counter() - began
    return judge(true, found, duration_s=clip.duration_s, delay_s=delay_s, took_s=took_s)


def _given(song: TimedSong, true: Lyrics, contender: Contender) -> Lyrics:
    """What an aligner gets: no time that it is not meant to know."""
    if contender.shown is not None:
        return contender.shown(true)
    return untimed(true) if song.text is None else untimed(song.text())


def _recording(song: TimedSong) -> AudioRef:
    if song.audio is None:
        raise InputNotFound(
            f"{song.source} has no recording.",
            f"Expected {song.name} as MP3, FLAC or WAV: an aligner needs to hear it.",
        )
    return song.audio


def _usable(song: TimedSong) -> Lyrics:
    """The reference of a song, which must do for a comparison with itself."""
    true = with_file(song.source, song.reference)
    with_file(song.source, lambda: judge(true, true))
    return true


def _require_same_words(reference: Lyrics, estimate: Lyrics) -> None:
    index = parting(reference, estimate)
    if index is None:
        return
    true, found = ([word.text for word in side.words] for side in (reference, estimate))
    counts = f"{len(true)} words in the reference, {len(found)} in the estimate"
    hint = "Align the reference's own words: one time for each of them, in order."
    if not any(true) or not any(found):
        raise TextReadError(f"{counts}.", hint)
    before = " ".join(true[max(0, index - _CONTEXT_WORDS) : index])
    after = f"after {before!r}" if before else "at the start"
    sides = " and ".join(
        f"{side[index]!r} in the {name}" if index < len(side) else f"nothing in the {name}"
        for name, side in (("reference", true), ("estimate", found))
    )
    raise TextReadError(f"The texts part at word {index + 1}, {after}: {sides} ({counts}).", hint)


def _starts(side: str, lyrics: Lyrics) -> Floats:
    starts = word_starts(lyrics)
    if starts is not None:
        return starts
    if not lyrics.words:
        raise TextReadError(f"The {side} has no words.", "Align the same words on both sides.")
    index, word = next((index, word) for index, word in enumerate(lyrics.words, 1) if word.start_s is None)
    raise TextReadError(
        f"Word {index} of the {side}, {word.text!r}, has no time.",
        "Every word needs a start: formats that time only lines (LRC, SRT) do not do.",
    )


def _require_delay(delay_s: float) -> None:
    if not abs(delay_s) <= _LONGEST_DELAY_S:
        raise InvalidOption(f"A delay of {delay_s:g} s is impossible.", f"Give at most {_LONGEST_DELAY_S:g} s.")
