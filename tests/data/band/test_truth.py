"""What the labels, f0.npy and score.mid of an item say, against what sounds in it and the score it was made from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import mir_eval
import numpy as np
import pyloudnorm
import pytest
import soundfile
from numpy.typing import NDArray

from descant.data.band.folder import item_folder
from descant.data.band.making import build_items
from descant.data.band.options import BandOptions
from descant.data.band.world import resolved
from descant.score.harmony import Chord, ChordSpan, Key
from descant.score.midi import read_midi
from descant.score.musicxml import write_musicxml
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap, TimeSignature

RATE = 44_100
HOP = 110
"""2.5 ms."""
CHORDS = ("Eb:maj", "C:min", "F:min7", "Bb:7", "G:min", "Ab:maj", "F:min", "Bb:7", "Eb:maj", "Eb:maj")
TUNE = (63, 67, 70, 72, 75, 72, 68, 65, 72, 70, 68, 65, 67, 70, 74, 72, 68, 63, 65, 68, 72, 70, 74, 65, 67, 63, 63)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Known:
    folder: Path
    source: Score

    def labels(self) -> dict:
        return json.loads((self.folder / "item.json").read_text(encoding="utf-8"))

    def score(self) -> Score:
        return read_midi(self.folder / "score.mid")

    def sound(self, name: str) -> Floats:
        return soundfile.read(self.folder / f"{name}.flac")[0].mean(axis=1)

    def onsets(self, track: str) -> Floats:
        score = self.score()
        notes = next(t.notes for t in score.tracks if t.name == track)
        return np.unique(np.round(score.tempo.seconds_at([n.start for n in notes]), 4))

    def semitones(self) -> int:
        """How far the item was transposed: what lies between the two melodies, but for the singer's octave."""
        moved = {
            (a.pitch - b.pitch) % 12
            for a, b in zip(self.score().track("melody").notes, self.source.tracks[0].notes, strict=True)  # type: ignore[union-attr]
        }
        assert len(moved) == 1
        return moved.pop()


@pytest.fixture(scope="module")
def known(soundfont: Path, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """A waltz in E flat with a chord a bar."""
    root = tmp_path_factory.mktemp("known")
    notes = [Note(float(i), 1.0, pitch) for i, pitch in enumerate(TUNE)]
    source = Score(
        (Track("melody", tuple(notes)),),
        TempoMap.constant(140.0),
        (TimeSignature(0.0, 3, 4),),
        key=Key.parse("Eb major"),
        chords=tuple(ChordSpan(3.0 * i, 3.0 * i + 3.0, Chord.parse(c)) for i, c in enumerate(CHORDS[:9])),
    )
    (root / "scores").mkdir()
    write_musicxml(root / "scores/waltz.musicxml", source)
    asked = BandOptions(songs=1, seed=4, seconds=0, scores=(str(root / "scores"),), soundfonts=(soundfont,), sung=1.0)
    build_items(resolved(asked), root / "set", [0])
    return Known(item_folder(root / "set", 0), source)


def pitch_of(sound: Floats, at_s: float, lowest: float = 60.0, highest: float = 1_000.0) -> float:
    """f0 by the normalised autocorrelation of 50 ms; 0 where it says nothing."""
    middle, half = round(at_s * RATE), 1_100
    frame = sound[max(middle - half, 0) : middle + half]
    if len(frame) < 2 * half or np.abs(frame).max() < 1e-3:
        return 0.0
    power = np.abs(np.fft.rfft(frame * np.hanning(len(frame)), 8_192)) ** 2
    window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(2 * half), 8_192)) ** 2)
    curve = np.fft.irfft(power)[: RATE // int(lowest)] / window[: RATE // int(lowest)]
    curve /= curve[0]
    first = int(RATE / highest)
    peaks = [i for i in range(first, len(curve) - 1) if curve[i - 1] < curve[i] >= curve[i + 1]]
    best = max((curve[i] for i in peaks), default=0.0)
    if best < 0.7:
        return 0.0
    lag = next(i for i in peaks if curve[i] > 0.92 * best)
    a, b, c = curve[lag - 1 : lag + 2]
    return RATE / (lag + 0.5 * (a - c) / (a - 2 * b + c))


def flux(sound: Floats) -> Floats:
    """Rise of the spectrum, each HOP samples."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound, (256, 256)), 512)[::HOP]
    level = np.log1p(300.0 * np.abs(np.fft.rfft(frames * np.hanning(512), axis=1)))
    return np.maximum(np.diff(level, axis=0, prepend=level[:1]), 0.0).sum(axis=1)


def lag_s(curve: Floats, times_s: Floats, furthest_s: float = 0.3) -> float:
    """By how much a curve (each HOP samples) comes after some times."""
    frames = np.round(times_s * RATE / HOP).astype(int)
    furthest = round(furthest_s * RATE / HOP)
    padded = np.pad(curve, furthest)
    lags = np.arange(-furthest, furthest + 1)
    best = int(np.argmax([padded[frames + furthest + lag].mean() for lag in lags]))
    return float(lags[best]) * HOP / RATE


def test_f0_is_that_of_the_dry_lead_at_the_same_moment(known: Known) -> None:
    f0, dry = np.load(known.folder / "f0.npy").astype(float), known.sound("parts/lead_dry")
    heard = np.array([pitch_of(dry, 0.01 * i) for i in range(len(f0))])
    off = {}
    for lag in range(-12, 13):
        said = np.roll(f0, lag)
        both = (said > 0) & (heard > 0)
        off[lag] = float(np.abs(1_200.0 * np.log2(heard[both] / said[both])).mean())
    assert abs(min(off, key=lambda lag: off[lag])) <= 1
    both = (f0 > 0) & (heard > 0)
    assert both.sum() > 0.95 * (f0 > 0).sum() > 500
    assert float(np.median(np.abs(1_200.0 * np.log2(heard[both] / f0[both])))) < 5.0


def test_the_lead_in_the_mix_sounds_when_the_dry_lead_does(known: Known) -> None:
    dry, wet = known.sound("parts/lead_dry"), known.sound("parts/lead")
    size = 2 * len(dry)
    alike = np.fft.irfft(np.fft.rfft(wet, size) * np.conj(np.fft.rfft(dry, size)), size)
    lag = (int(np.argmax(alike)) + len(dry)) % size - len(dry)
    assert abs(lag) < 0.001 * RATE


@pytest.mark.parametrize("part", ["drums", "bass", "guitar", "pad", "answer"])
def test_the_band_plays_when_the_score_says(part: str, known: Known) -> None:
    sound = known.sound(part if part in ("drums", "bass") else f"parts/{part}")
    assert abs(lag_s(flux(sound), known.onsets(part))) < 0.006


def test_vowels_start_where_the_voice_rises_and_the_score_has_its_notes(known: Known) -> None:
    vowels = np.array([s["vowel_s"] for w in known.labels()["words"] for s in w["syllables"]])
    assert len(vowels) > 20
    dry = known.sound("parts/lead_dry")
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(dry, 220), 440)[::HOP]
    level = np.log(np.sqrt(np.mean(frames**2, axis=1)) + 1e-3)
    assert abs(lag_s(np.diff(level, prepend=level[:1]), vowels, 0.1)) < 0.015
    written = known.onsets("melody")
    assert abs(float(np.median(vowels - [written[np.argmin(np.abs(written - v))] for v in vowels]))) < 0.02


def test_sung_notes_are_where_and_as_high_as_f0_says(known: Known) -> None:
    f0, melody = np.load(known.folder / "f0.npy").astype(float), known.labels()["melody"]
    assert len(melody) == len(TUNE)
    off = []
    for start, end, pitch in melody:
        sung = f0[round(100 * start) : round(100 * end)]
        off.append(float(np.median(69.0 + 12.0 * np.log2(sung[sung > 0] / 440.0))) - pitch)
    assert np.abs(off).max() < 0.3
    written = known.onsets("melody")
    late = [start - written[np.argmin(np.abs(written - start))] for start, *_ in melody]
    assert abs(float(np.median(late))) < 0.03


def test_tempo_sections_and_loudness_are_those_of_the_item(known: Known) -> None:
    labels = known.labels()
    beats = np.array([t for t, _ in labels["beats"]])
    assert labels["bpm"] == pytest.approx(60.0 / np.median(np.diff(beats)), rel=0.02)
    downbeats = np.array([t for t, place in labels["beats"] if place == 1])
    starts = np.array([start for start, *_ in labels["sections"]])
    assert len(starts) >= 1
    assert np.abs(starts[:, None] - downbeats).min(axis=1).max() < 0.003
    mixture, _ = soundfile.read(known.folder / "mixture.flac")
    assert labels["lufs"] == pytest.approx(pyloudnorm.Meter(RATE).integrated_loudness(mixture), abs=0.1)


def test_the_dry_lead_is_as_loud_as_the_lead_in_the_mix(known: Known) -> None:
    meter = pyloudnorm.Meter(RATE)
    dry, wet = (soundfile.read(known.folder / f"parts/{name}.flac")[0] for name in ("lead_dry", "lead"))
    assert meter.integrated_loudness(dry) == pytest.approx(meter.integrated_loudness(wet), abs=0.5)


def test_key_chords_and_bars_are_those_of_the_score_it_was_made_from(known: Known) -> None:
    labels, score, moved = known.labels(), known.score(), known.semitones()
    assert labels["meter"] == [3, 4]
    assert [p for _, p in labels["beats"]] == [1 + i % 3 for i in range(len(labels["beats"]))]
    beats = score.tempo.seconds_at(np.arange(len(labels["beats"]), dtype=float))
    assert [t for t, _ in labels["beats"]] == pytest.approx(beats, abs=0.003)
    tonic, mode = labels["key"].split()
    assert (mir_eval.chord.encode(f"{tonic}:maj")[0], mode) == ((3 + moved) % 12, "major")
    assert tonic != "C"
    # A bar of rest before the song, under its first chord; the last bar is the engine's.
    bars = score.tempo.seconds_at([0.0, *(3.0 * i for i in range(2, 10))])
    spans = labels["chords"]
    assert [start for start, *_ in spans] == pytest.approx(bars, abs=0.003)
    assert [end for _, end, _ in spans[:-1]] == pytest.approx(bars[1:], abs=0.003)
    for (*_, label), source in zip(spans, CHORDS, strict=False):
        root, tones, bass = mir_eval.chord.encode(label)
        source_root, source_tones, source_bass = mir_eval.chord.encode(source)
        assert (root, bass) == ((source_root + moved) % 12, source_bass)
        assert tones.tolist() == source_tones.tolist()
