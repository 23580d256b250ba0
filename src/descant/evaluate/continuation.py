"""How well songs are continued: the model beside its baselines, on the first bars of songs it has not seen.

Behaviour: the model; the model without its safeguards; counted models with and without the same safeguards; the primer
again and again; and what the song itself does there. Likelihood: the model, an LSTM, an order-2 Markov model and a
unigram on whole songs, in the same tokens (section "small budget" of the Music Transformer's claims).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.compose.continuation.api import Continuer
from descant.compose.continuation.counted import CountedModel, CountedReader
from descant.compose.continuation.crops import Stretch, segments, stack, whole_song
from descant.compose.continuation.scribe import Sampling
from descant.compose.continuation.sheet import sheet_of
from descant.compose.continuation.tokens import HEADER, VOCABULARY, is_note
from descant.data.arrange import cut
from descant.evaluate.comparisons import NOTE, paired_table
from descant.evaluate.continuation_metrics import COLUMNS, HIGHER_IS_BETTER, Behaviour, Curve, behaviour
from descant.evaluate.report import Cell, Report, Table
from descant.nets.relative_transformer import RelativeTransformer
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.harmony import Key
from descant.score.notes import Note, Score

OURS = "Descant"
FREE = Sampling(temperature=1.0, nucleus=1.0, strange_push=0.0, returns=0.0, outlined=False, checked=False)
"""Ancestral sampling at temperature 1, as in the paper; only the grammar and the metre are kept."""
_MARKOV_ORDER = 2
_BATCH = 4


@dataclass(frozen=True, slots=True)
class Primed:
    """A song to continue.

    Attributes:
        name: Of the song.
        song: The whole of it.
        primer: Its first bars.
        bars: How many bars of the grid those are.
        key: The song's.
    """

    name: str
    song: Score
    primer: Score
    bars: int
    key: Key


def primed(name: str, song: Score, primer_bars: int, bars: int) -> Primed | None:
    """A song with its first bars as a primer; None if it is too short to go on for `bars`, or has no key.

    Args:
        name: Of the song.
        song: With its key, if that is known.
        primer_bars: Bars of the primer.
        bars: Bars that must follow.
    """
    sheet = sheet_of(song)
    if len(sheet.bars) < primer_bars + bars or sheet.key is None:
        return None
    if not any(bar.count for bar in sheet.bars[:primer_bars]):
        return None
    start = replace(song, key=sheet.key)
    return Primed(name, start, _first(start, sheet.bars[primer_bars - 1].span.end), primer_bars, sheet.key)


def _first(song: Score, end: float) -> Score:
    signatures = tuple(s for s in song.time_signatures if s.start < end - 1e-6)
    return replace(cut(song, 0.0, end), time_signatures=signatures)


def evaluate_continuation(
    model: RelativeTransformer,
    context: int,
    songs: Sequence[Primed],
    library: Sequence[Score],
    *,
    bars: int = 64,
    seed: int = 0,
    lstm: nn.Module | None = None,
    command: str = "",
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Report:
    """Measure the model and its baselines.

    Args:
        model: To measure.
        context: Tokens that it was trained to look back on.
        songs: Held-out songs.
        library: Training songs, which the counted models count.
        bars: To write after each primer.
        seed: Of all that is sampled.
        lstm: A `nets.token_lstm.TokenLstm` trained on the same tokens.
        command: For the report.
        progress: Receives progress.
        cancel: Stops between songs.
    """
    monitor = Monitor(progress, cancel, "counting")
    streams = [whole_song(sheet_of(score)).tokens for score in library]
    counted = {order: CountedModel(streams, VOCABULARY, order) for order in (0, _MARKOV_ORDER)}
    monitor = monitor.part("composing", 0.1, 0.7)
    systems = _systems(model, context, counted, bars, seed)
    found: dict[str, list[tuple[Behaviour, Curve]]] = {name: [] for name in systems}
    for number, song in enumerate(songs):
        for name, system in systems.items():
            monitor.report((number + 0.5) / len(songs), name)
            found[name].append(behaviour(system(song), song.bars, bars, song.key))
    monitor = Monitor(progress, cancel, "likelihood", start=0.7)
    likelihood = _likelihood_table(model, context, lstm, counted, songs, monitor)
    monitor.report(1.0)
    title = f"Continuations: {bars} bars after the first {songs[0].bars} of {len(songs)} songs, means"
    rows = tuple((name, *_means([b.cells() for b, _ in each])) for name, each in found.items())
    behaviours = {name: [each for each, _ in pairs] for name, pairs in found.items()}
    tables = (
        Table(title, ("", *COLUMNS), rows),
        _drift_table({name: [curve for _, curve in pairs] for name, pairs in found.items()}),
        likelihood,
        _tests(behaviours, seed),
    )
    return Report("continuation", command, tables, _NOTES)


_MEASURES_NOTE = (
    "key, MIREX: key of the new notes against the song's. in scale: their share in its scale. metre: overlap of the "
    "onsets' places in the bar with the primer's. density drift, level drift: mean distance from the primer's notes "
    "per bar (share) and mean velocity over windows of eight bars. repetition: melodic 4-grams heard 16 quarters "
    "before or earlier. copied: bars in passages of four that stand in the primer. longest loop: equal bars in a row."
)
_LIKELIHOOD_NOTE = (
    "Likelihood: whole songs in their home key, in pieces of the model's length with the header before each; nats a "
    "note divide all nats by the notes. Only numbers in these tokens can be compared."
)
_NOTES = (
    _MEASURES_NOTE,
    "The song itself is no bound on drift: songs do get denser and louder towards the chorus, and some change key.",
    _LIKELIHOOD_NOTE,
    "All songs are POP909's test split; no model has seen them.",
    NOTE,
)


def _systems(
    model: RelativeTransformer, context: int, counted: Mapping[int, CountedModel], bars: int, seed: int
) -> dict[str, Callable[[Primed], Score]]:
    ours = Continuer.from_model(model, context)
    markov = Continuer(lambda: CountedReader(counted[_MARKOV_ORDER]), context)
    unigram = Continuer(lambda: CountedReader(counted[0]), context)

    def by(continuer: Continuer, sampling: Sampling) -> Callable[[Primed], Score]:
        return lambda song: continuer(song.primer, bars, seed=seed, sampling=sampling).score

    return {
        OURS: by(ours, Sampling()),
        "Descant without safeguards": by(ours, FREE),
        "order-2 Markov, same safeguards": by(markov, Sampling()),
        "order-2 Markov without safeguards": by(markov, FREE),
        "unigram, same safeguards": by(unigram, Sampling()),
        "unigram without safeguards": by(unigram, FREE),
        "the primer again and again": lambda song: _looped(song, bars),
        "the song itself": lambda song: song.song,
    }


def _looped(song: Primed, bars: int) -> Score:
    """The primer as often as it takes."""
    length = sheet_of(song.song).bars[song.bars - 1].span.end
    rounds = -(-bars // song.bars) + 1

    def repeated(note: Note) -> list[Note]:
        return [replace(note, start=note.start + turn * length) for turn in range(rounds)]

    tracks = (
        replace(track, notes=tuple(again for note in track.notes for again in repeated(note)))
        for track in song.primer.tracks
    )
    return song.primer.with_tracks(tracks)


def _means(rows: Sequence[Sequence[float]]) -> tuple[Cell, ...]:
    return tuple(float(value) for value in np.nanmean(np.asarray(rows, float), axis=0))


def _drift_table(curves: Mapping[str, Sequence[Curve]]) -> Table:
    """Window by window: density as a share of the primer's, and loudness against it."""
    windows = len(next(iter(curves.values()))[0].density)
    columns = ("", *(f"bars {8 * i + 1}-{8 * i + 8}" for i in range(windows)))
    rows: list[tuple[Cell, ...]] = []
    for name, each in curves.items():
        rows.append((f"{name}: notes per bar / primer's", *_means([curve.density for curve in each])))
        rows.append((f"{name}: velocity - primer's", *_means([curve.level for curve in each])))
    return Table("Density and loudness along the way", columns, tuple(rows))


def _tests(found: Mapping[str, Sequence[Behaviour]], seed: int) -> Table:
    """The model against the others, signs turned where lower is better."""
    names = [column if better else f"-{column}" for column, better in HIGHER_IS_BETTER.items()]
    signs = [1.0 if better else -1.0 for better in HIGHER_IS_BETTER.values()]
    places = [COLUMNS.index(column) for column in HIGHER_IS_BETTER]
    values = {
        system: [[sign * each.cells()[place] for each in behaviours] for place, sign in zip(places, signs, strict=True)]
        for system, behaviours in found.items()
        if system != "the song itself"
    }
    return paired_table("Descant against the others", names, values, ours=OURS, seed=seed)


def _likelihood_table(
    model: RelativeTransformer,
    length: int,
    lstm: nn.Module | None,
    counted: Mapping[int, CountedModel],
    songs: Sequence[Primed],
    monitor: Monitor,
) -> Table:
    streams = [whole_song(sheet_of(song.song)) for song in songs]
    rows: list[tuple[Cell, ...]] = []
    for name, order in (("unigram", 0), ("order-2 Markov", _MARKOV_ORDER)):
        nats = [(counted[order].nats(stream.tokens)[HEADER - 1 :], stream.tokens[HEADER:]) for stream in streams]
        rows.append((name, *_per_note(nats), None))
    trained: dict[str, tuple[nn.Module | None, int]] = {
        "LSTM": (lstm, length), OURS: (model, length), f"{OURS}, reading twice its length": (model, 2 * length)
    }  # fmt: skip
    for place, (name, (net, reads)) in enumerate(trained.items()):
        if net is not None:
            nats = [each for stream in streams for each in _net_nats(net, segments(stream, reads), reads)]
            size = sum(parameter.numel() for parameter in net.parameters())
            rows.append((name, *_per_note(nats), size))
        monitor.report((place + 1) / len(trained))
    columns = ("", "nats a token", "nats a note", "parameters")
    return Table(f"Negative log-likelihood of {len(songs)} whole songs", columns, tuple(rows))


def _per_note(found: Sequence[tuple[np.ndarray, Sequence[int]]]) -> tuple[float, float]:
    total = sum(float(nats.sum()) for nats, _ in found)
    tokens = sum(len(nats) for nats, _ in found)
    notes = sum(is_note(token) for _, predicted in found for token in predicted)
    return total / tokens, total / max(1, notes)


@torch.no_grad()
def _net_nats(net: nn.Module, pieces: Sequence[Stretch], length: int) -> list[tuple[np.ndarray, list[int]]]:
    """Nats of the predicted tokens of each batch of pieces, and those tokens."""
    net.eval()
    device = next(net.parameters()).device
    found = []
    for first in range(0, len(pieces), _BATCH):
        tokens, together, is_wanted = stack(pieces[first : first + _BATCH], length + 1)
        nats = _nats(net, tokens.to(device), together.to(device)).cpu()
        wanted = is_wanted[:, 1:]
        found.append((nats[wanted].double().numpy(), tokens[:, 1:][wanted].tolist()))
    return found


def _nats(net: nn.Module, tokens: Tensor, together: Tensor) -> Tensor:
    logits = net(tokens[:, :-1], together[:, :-1]).float()
    return F.cross_entropy(logits.transpose(1, 2), tokens[:, 1:], reduction="none")
