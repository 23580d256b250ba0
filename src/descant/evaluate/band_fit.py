"""How a band fits a melody: agreement with melody, chords and key, beats, likelihood, likeness to the human's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from descant.compose.api import Composer
from descant.compose.crops import Crop, encode_crop, stack
from descant.compose.grid import TICKS, Bar, bars_of
from descant.compose.tokens import FIRST_PITCH, PITCHES, Controls, home_shift
from descant.score.harmony import Key
from descant.score.notes import Score, Track

COLUMNS = (
    "band", "chord-melody agreement", "chord agreement", "key agreement", "beat F", "NLL a token", "NLL a pitch",
    "pitch classes", "onsets",
)  # fmt: skip
_BEAT_TOLERANCE_S = 0.07
_CROP_BARS = 6
_CROP_TOKENS = 900


@dataclass(frozen=True, slots=True)
class Fit:
    """How a band fits a melody; all shares are from 0 to 1, higher is better, but for the two NLLs.

    Attributes:
        melody_agreement: Of the melody's notes on beats, those that are a tone of what the band sounds there.
        chord_agreement: Of the band's notes on beats, those that are tones of the human's chord there.
        key_agreement: Of the band's notes, those in the scale of the human's key.
        beat_f: F-measure of the beats that the band's onsets mark against the singer's beats, within 70 ms.
        nats: Negative log-likelihood of a token under the model given this melody and nothing else.
        pitch_nats: The same for the tokens that name pitches.
        pitch_classes: Overlap of the pitch-class histogram with the human arrangement's, bar by bar.
        onsets: The same for the places of onsets in the bar.
    """

    melody_agreement: float
    chord_agreement: float
    key_agreement: float
    beat_f: float
    nats: float
    pitch_nats: float
    pitch_classes: float
    onsets: float

    def cells(self) -> tuple[float, ...]:
        """In the order of `COLUMNS`."""
        return (
            self.melody_agreement, self.chord_agreement, self.key_agreement, self.beat_f, self.nats, self.pitch_nats,
            self.pitch_classes, self.onsets,
        )  # fmt: skip


def measure_fit(composer: Composer, truth: Score, band: Score) -> Fit:
    """Measure a band (tracks "piano" and "bridge" or others) under the melody of `truth`.

    Args:
        composer: Its model gives the likelihoods.
        truth: Melody, human arrangement, chords and key.
        band: On the same time line; its melody is ignored.
    """
    whole = _with_band(truth, band)
    bars = bars_of(whole)
    human = bars_of(truth)
    nats, pitch_nats = likelihood(composer, bars)
    return Fit(
        melody_agreement=melody_agreement(bars),
        chord_agreement=chord_agreement(bars),
        key_agreement=key_agreement(bars, truth.key),
        beat_f=beat_f(band, truth),
        nats=nats,
        pitch_nats=pitch_nats,
        pitch_classes=_likeness(bars, human, _pitch_classes),
        onsets=_likeness(bars, human, _onsets),
    )


def _with_band(truth: Score, band: Score) -> Score:
    """The melody of one with the pitched parts of the other, all but the bridge as "piano"."""
    melody = truth.track("melody")
    bridge = next((t.notes for t in band.tracks if t.name in ("bridge", "answer")), ())
    pitched = [t for t in band.tracks if not t.is_drum and t.name in ("piano", "guitar")]
    notes = tuple(note for track in pitched for note in track.notes)
    tracks = [*([melody] if melody else []), Track("piano", notes), Track("bridge", bridge)]
    return truth.with_tracks(tracks)


def melody_agreement(bars: Sequence[Bar]) -> float:
    """Share of the melody's notes on beats whose pitch class sounds in the band within that beat."""
    hits = total = 0
    for bar in bars:
        for note in bar.melody:
            if note.position % TICKS:
                continue
            sounding = _sounding(bar, note.position)
            total += bool(sounding)
            hits += note.pitch % 12 in sounding
    return hits / total if total else 0.0


def _sounding(bar: Bar, tick: int) -> set[int]:
    return {
        n.pitch % 12 for n in (*bar.piano, *bar.bridge) if n.position < tick + TICKS and n.position + n.duration > tick
    }


def chord_agreement(bars: Sequence[Bar]) -> float:
    """Share of the band's notes on beats that are tones of the chord there."""
    hits = total = 0
    for bar in bars:
        for note in (*bar.piano, *bar.bridge):
            tones = bar.chord_at(note.position).pitch_classes
            if note.position % TICKS == 0 and tones:
                total += 1
                hits += note.pitch % 12 in tones
    return hits / total if total else 0.0


def key_agreement(bars: Sequence[Bar], key: Key | None) -> float:
    """Share of the band's notes in the key's scale."""
    notes = [note for bar in bars for note in (*bar.piano, *bar.bridge)]
    scale = set(key.scale) if key is not None else set(range(12))
    return sum(note.pitch % 12 in scale for note in notes) / len(notes) if notes else 0.0


def beat_f(band: Score, truth: Score) -> float:
    """F-measure between the singer's beats and the beats the band marks, in seconds of the singer's time.

    The band marks beats with its strongest onsets, those at which the most notes start, as many as there are beats
    and at least 0.6 beats apart.
    """
    melody = truth.track("melody")
    if melody is None or not melody.notes:
        return 0.0
    first, last = melody.notes[0].start, melody.end
    beats = truth.tempo.seconds_at(np.arange(np.ceil(first), np.floor(last)))
    onsets = [n.start for t in band.tracks for n in t.notes if t.name != "melody" and first <= n.start < last]
    times, weights = np.unique(np.round(truth.tempo.seconds_at(np.array(onsets, float)), 2), return_counts=True)
    if len(times) == 0 or len(beats) == 0:
        return 0.0
    gap = 0.6 * float(np.median(np.diff(beats))) if len(beats) > 1 else 0.3
    marked: list[float] = []
    for index in np.argsort(-weights, kind="stable"):
        if all(abs(times[index] - other) >= gap for other in marked):
            marked.append(float(times[index]))
        if len(marked) >= len(beats):
            break
    distance = np.abs(np.array(marked)[:, None] - beats)
    hits = int((distance.min(0) <= _BEAT_TOLERANCE_S).sum())
    return 2 * hits / (len(marked) + len(beats))


def likelihood(
    composer: Composer, bars: Sequence[Bar], *, chords: bool = False, shift: int | None = None
) -> tuple[float, float]:
    """Mean NLL of the band's tokens and of its pitch tokens under the model, in pieces of six bars.

    Args:
        composer: Its model reads the melody, and no controls.
        bars: Melody and band.
        chords: Whether it reads the bars' chords too.
        shift: Semitones to the key in which it reads them; None takes the melody's home.
    """
    bare = [replace(bar, chords=()) for bar in bars]
    moved = [bar.transpose(home_shift(bare) if shift is None else shift) for bar in (bars if chords else bare)]
    sums = np.zeros(4)
    for first in range(0, len(moved), _CROP_BARS):
        piece = moved[first : first + _CROP_BARS]
        sums += _sums(composer, encode_crop(piece, _CROP_TOKENS, [Controls()] * len(piece)))
    return float(sums[0] / max(1, sums[1])), float(sums[2] / max(1, sums[3]))


def _sums(composer: Composer, crop: Crop) -> np.ndarray:
    """Nats and number of all music tokens, nats and number of pitch tokens."""
    tokens, together, is_music = stack([crop], len(crop.tokens))
    with torch.inference_mode():
        logits = composer.model(tokens[:, :-1], together[:, :-1])
    nats = torch.nn.functional.cross_entropy(logits[0], tokens[0, 1:], reduction="none").double().numpy()
    numbers, music = tokens[0, 1:].numpy(), is_music[0, 1:].numpy()
    pitched = music & (numbers >= FIRST_PITCH) & (numbers < FIRST_PITCH + len(PITCHES))
    return np.array([nats[music].sum(), music.sum(), nats[pitched].sum(), pitched.sum()])


def _likeness(bars: Sequence[Bar], human: Sequence[Bar], histogram: Callable[[Bar], np.ndarray]) -> float:
    """Mean overlap of two bands' histograms over the bars in which the human plays."""
    pairs = [(histogram(a), histogram(b)) for a, b in zip(bars, human, strict=False)]
    overlaps = [overlap(a, b) for a, b in pairs if b.any()]
    return float(np.mean(overlaps)) if overlaps else 0.0


def _pitch_classes(bar: Bar) -> np.ndarray:
    """[12] ticks in which each pitch class sounds."""
    counts = np.zeros(12)
    for note in (*bar.piano, *bar.bridge):
        counts[note.pitch % 12] += note.duration
    return counts


def _onsets(bar: Bar) -> np.ndarray:
    """[16] how many notes start on each sixteenth."""
    counts = np.zeros(16)
    for note in (*bar.piano, *bar.bridge):
        counts[min(15, note.position // 3)] += 1
    return counts


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Common area of two histograms, each scaled to 1."""
    return float(np.minimum(a / max(a.sum(), 1e-9), b / max(b.sum(), 1e-9)).sum())
