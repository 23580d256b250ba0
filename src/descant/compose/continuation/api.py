"""`Continuer`: a song in, the song and as many bars more as are asked for out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from descant.compose.continuation.grammar import LONGEST_BAR
from descant.compose.continuation.habits import free_habits, habits_of
from descant.compose.continuation.outline import Asked, outline
from descant.compose.continuation.scribe import Reader, Sampling, Scribe, Tally
from descant.compose.continuation.sheet import ROLES, Sheet, SheetBar, notes_of, sheet_of
from descant.compose.continuation.tokens import at_home, token_features
from descant.compose.grid import BarSpan, bar_spans
from descant.compose.network import load_transformer
from descant.errors import InvalidOption
from descant.hub.store import fetch
from descant.nets.decoder import Decoder
from descant.nets.relative_transformer import RelativeTransformer
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.notes import Note, Score, Section, Track
from descant.score.tempo import TempoMap, TimeSignature

MOST_BARS = 512
_SHORT_MEMORY_BARS = 32
_DEFAULT = Sampling()


@dataclass(frozen=True, slots=True)
class Continuation:
    """What was written.

    Attributes:
        score: The song and what follows it, on one time line.
        start: The quarter at which the new bars begin.
        end: The quarter at which they end.
        bars: The new bars.
        tally: What it took.
    """

    score: Score
    start: float
    end: float
    bars: tuple[SheetBar, ...]
    tally: Tally


class Continuer:
    """Continues songs.

    Args:
        reader: Makes a model of the token streams with an empty memory.
        context: Tokens that it was trained to look back on.
    """

    def __init__(self, reader: Callable[[], Reader], context: int) -> None:
        self._reader, self._context = reader, context

    @classmethod
    def load(
        cls,
        name: str = "descant-continuation",
        *,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Continuer:
        """Load a card's weights.

        Raises:
            ModelNotFound: No card has this name.
            CardError: The weights are not what the configuration says.
        """
        return cls.from_folder(fetch(name, progress=progress, cancel=cancel))

    @classmethod
    def from_folder(cls, folder: Path) -> Continuer:
        """From a folder with config.json and weights.safetensors.

        Raises:
            CardError: The weights are not what the configuration says.
        """
        return cls.from_model(*model_from(folder))

    @classmethod
    def from_model(cls, model: RelativeTransformer, context: int) -> Continuer:
        """With a model that is at hand, trained by `train.continuation` on crops of `context` tokens."""
        return cls(lambda: Decoder(model, 1, context + LONGEST_BAR), context)

    def __call__(
        self,
        score: Score,
        bars: int,
        *,
        seed: int = 0,
        sampling: Sampling = _DEFAULT,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Continuation:
        """Write on where a score ends, from the bar line after its last note on.

        The new bars keep the song's key, its usual bar and its recent tempo. Drums are not composed: each new bar has
        the beats of the bar that it takes its density from.

        Args:
            score: The song so far; its key is used if it is there.
            bars: How many to write, 1 to 512.
            seed: Another seed gives other bars; the same one the same.
            sampling: How freely to choose.
            progress: Receives progress.
            cancel: Stops the work between bars.

        Raises:
            NothingHeard: The score has no pitched notes.
            InvalidOption: The number of bars or the temperature is impossible.
        """
        check_options(bars, sampling)
        sheet = sheet_of(score)
        signature = _usual_signature(score, sheet)
        spans = _spans_after(sheet, signature, bars)
        shift = sheet.home_shift
        song, key = at_home(sheet, shift)
        asked = outline(song, spans, np.random.default_rng((seed, 1)), returns=sampling.returns)
        # Without an outline nothing is asked of the song's habits either: what the model does alone.
        habits = habits_of(song, key) if sampling.outlined else free_habits()
        scribe = Scribe(self._reader(), self._context, sampling)
        monitor = Monitor(progress, cancel, "composing")
        written, tally = scribe(song, key, sheet.bpm, asked, habits, seed=seed, monitor=monitor)
        own = tuple(bar.transpose(-shift) for bar in written)
        whole = _joined(score, sheet, own, asked, habits.velocities, signature)
        return Continuation(whole, spans[0].start, spans[-1].end, own, tally)


def continue_score(
    score: Score,
    bars: int,
    *,
    seed: int = 0,
    temperature: float = 0.95,
    top_p: float = 0.95,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Score:
    """The score and as many bars more, with the default card; see `Continuer`.

    Raises:
        NothingHeard: The score has no pitched notes.
        InvalidOption: The number of bars or the temperature is impossible.
        ModelNotFound: The weights are not installed.
    """
    sampling = Sampling(temperature=temperature, nucleus=top_p)
    check_options(bars, sampling)
    return Continuer.load()(score, bars, seed=seed, sampling=sampling, progress=progress, cancel=cancel).score


def check_options(bars: int, sampling: Sampling) -> None:
    """Refuse what cannot be asked for.

    Raises:
        InvalidOption: Says what may be.
    """
    if not 1 <= bars <= MOST_BARS:
        raise InvalidOption(f"{bars} bars cannot be written.", f"Ask for 1 to {MOST_BARS}.")
    if not 0.05 <= sampling.temperature <= 2.0:
        raise InvalidOption(f"A temperature of {sampling.temperature} is out of range.", "Give 0.05 to 2.")
    if not 0.0 < sampling.nucleus <= 1.0:
        raise InvalidOption(
            f"A nucleus (top p) of {sampling.nucleus} is out of range.", "Give more than 0, and at most 1."
        )
    if not 0.0 <= sampling.returns <= 1.0:
        raise InvalidOption(f"A probability of {sampling.returns} for returns is impossible.", "Give 0 to 1.")


def model_from(folder: Path) -> tuple[RelativeTransformer, int]:
    """The transformer of a card's folder, ready for inference, and the length that it was trained on, in tokens.

    Raises:
        CardError: The weights are not what the configuration says.
    """
    model, described = load_transformer(folder, token_features())
    return model, int(described.get("context", model.config.max_distance))


def _usual_signature(score: Score, sheet: Sheet) -> TimeSignature:
    """The signature of most of the last bars."""
    recent = sheet.bars[-_SHORT_MEMORY_BARS:]
    signatures = score.time_signatures or (TimeSignature(0.0, 4, 4),)
    found = Counter(
        next((s for s in reversed(signatures) if s.start <= bar.span.start + 1e-6), signatures[0]) for bar in recent
    )
    quarters = {signature: count * signature.bar_quarters for signature, count in found.items()}
    return max(quarters, key=lambda signature: (quarters[signature], signature.start))


def _spans_after(sheet: Sheet, signature: TimeSignature, bars: int) -> tuple[BarSpan, ...]:
    start = sheet.bars[-1].span.end
    own = bar_spans((replace(signature, start=0.0),), bars * signature.bar_quarters)
    return tuple(BarSpan(start + span.start, span.quarters) for span in own)


def _joined(
    score: Score,
    sheet: Sheet,
    written: Sequence[SheetBar],
    asked: Sequence[Asked],
    velocities: Mapping[tuple[int, int], int],
    signature: TimeSignature,
) -> Score:
    start, end = written[0].span.start, written[-1].span.end
    added: dict[int, list[Note]] = {}
    fallback = next(index for index in reversed(sheet.tracks) if index is not None)
    for role, notes in notes_of(written, velocities).items():
        player = sheet.tracks[ROLES.index(role)]
        added.setdefault(fallback if player is None else player, []).extend(notes)
    for index, track in enumerate(score.tracks):
        if track.is_drum:
            added[index] = _beats(track, sheet, asked)
    tracks = tuple(
        replace(track, notes=_without_overlaps((*track.notes, *added.get(index, ())), start))
        for index, track in enumerate(score.tracks)
    )
    signatures = tuple(s for s in score.time_signatures if s.start < start - 1e-6)
    is_usual = not signatures or replace(signatures[-1], start=signature.start) == signature
    changes = () if is_usual else (replace(signature, start=start),)
    return replace(
        score,
        tracks=tracks,
        tempo=_going_on(score.tempo, start, end),
        time_signatures=(*signatures, *changes),
        key=sheet.key,
        sections=(*score.sections, Section(start, end, "continuation")),
    )


def _beats(track: Track, sheet: Sheet, asked: Sequence[Asked]) -> list[Note]:
    """The drums of the bars that new ones take their density from."""
    notes = []
    for one in asked:
        before = sheet.bars[one.after].span
        notes += [
            replace(note, start=note.start - before.start + one.span.start)
            for note in track.notes
            if before.start <= note.start < min(before.end, before.start + one.span.quarters)
        ]
    return notes


def _without_overlaps(notes: Sequence[Note], start: float) -> tuple[Note, ...]:
    """Each note ended where the same pitch begins again, after `start`: a MIDI channel knows one of them only."""
    kept: list[Note] = []
    following: dict[int, float] = {}
    for note in sorted(notes, reverse=True):
        limit = following.get(note.pitch)
        if limit is not None and start <= limit < note.end and note.start < limit:
            note = replace(note, duration=limit - note.start)
        following[note.pitch] = note.start
        kept.append(note)
    return tuple(sorted(kept))


def _going_on(tempo: TempoMap, start: float, end: float) -> TempoMap:
    """The tempo map up to `start`, and from there the median tempo of the last bars: a final slowing-down is over."""
    quarters = np.arange(max(0.0, start - 4 * _SHORT_MEMORY_BARS), start)
    bpm = float(np.median([tempo.bpm_at(float(quarter)) for quarter in quarters]))
    before = tuple(anchor for anchor in tempo.anchors if anchor[0] < start - 1e-6)
    at = tempo.seconds(start)
    return TempoMap((*before, (start, at), (end, at + (end - start) * 60.0 / bpm)))
