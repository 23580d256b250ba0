"""The separator against true stems, beside what a sceptic would ask for: no separation at all, and the best mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from descant.audio.clip import Clip, Stems
from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.io import probe, read
from descant.audio.resample import resample
from descant.errors import InputNotFound, InvalidOption
from descant.evaluate.comparisons import NOTE, paired_table
from descant.evaluate.report import Report, Table
from descant.evaluate.scores import MOST_DB, held_db
from descant.evaluate.sdr import leakage_db, median_sdr, sdr_windows, si_sdr, sum_error_db
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.separate.api import Separator
from descant.separate.config import SeparationConfig

STEMS = ("vocals", "accompaniment")
SAMPLE_RATE = 44_100
HIGH_BAND_HZ = 11_025.0
OURS = "descant separate"

_NOT_IN_THE_MIX = {"vocals", "lead", "mixture", "mix", "linear_mixture", "accompaniment"}
_FRAME_S = 0.5
_SHORTEST_S, _LONGEST_S = 1.0, 3_600.0
_AUDIBLE = 1e-4  # of the loudest half second's power: -40 dB

Method = Callable[[Clip, Stems], Stems]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a song with its true stems.

    Attributes:
        song: Name of the song.
        start_s: Where the part begins in it.
        truth: Vocals and accompaniment, whose sum is the mix.
    """

    song: str
    start_s: float
    truth: Stems


@dataclass(frozen=True, slots=True)
class Score:
    """What one method reached on one excerpt; all in dB, pairs in the order of `STEMS`.

    Attributes:
        sdr: Median over windows of a second.
        high_sdr: The same of what lies above 11 kHz.
        si_sdr: Scale-invariant, over the whole excerpt.
        leakage: RMS of the vocal estimate where the true vocals are silent, of full scale.
        sum_error: What the stems' sum misses of the mix.
    """

    sdr: tuple[float, float]
    high_sdr: tuple[float, float]
    si_sdr: tuple[float, float]
    leakage: float
    sum_error: float


def load_excerpt(folder: Path, seconds: float) -> Excerpt:
    """The part of a song that sings most.

    Args:
        folder: Holds `vocals.<suffix>` and the other stems (`drums`, `bass`, `other`; or `accompaniment`), as
            MUSDB18-HQ does.
        seconds: Length of the part.
    """
    files = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in AUDIO_SUFFIXES}
    others = [path for name, path in files.items() if name not in _NOT_IN_THE_MIX]
    if not others and "accompaniment" in files:
        others = [files["accompaniment"]]
    if "vocals" not in files or not others:
        raise InputNotFound(f"{folder} holds no stems.", "Expected vocals.* beside drums.*, bass.*, other.*.")
    rate = probe(files["vocals"]).sample_rate
    vocals = read(files["vocals"], channels=2)
    start_s = _most_sung(vocals, seconds)
    parts = [read(path, channels=2, sample_rate=rate).slice(start_s, start_s + seconds) for path in others]
    sung = vocals.slice(start_s, start_s + seconds)
    played = np.zeros(sung.samples.shape, np.float32)
    for part in parts:
        frames = min(part.frames, sung.frames)
        played[:, :frames] += part.samples[:, :frames]
    truth = {"vocals": resample(sung, SAMPLE_RATE), "accompaniment": resample(Clip(played, rate), SAMPLE_RATE)}
    return Excerpt(folder.name, start_s, Stems(truth))


def _most_sung(vocals: Clip, seconds: float) -> float:
    """Start of the window that has most audible half seconds, the louder of equals."""
    size = round(_FRAME_S * vocals.sample_rate)
    frames = vocals.frames // size
    power = np.square(vocals.samples[:, : frames * size]).reshape(vocals.channels, frames, size).mean(axis=(0, 2))
    if not power.any():
        return 0.0
    activity = (power > _AUDIBLE * power.max()) + 1e-6 * power / power.max()
    width = min(frames, round(seconds / _FRAME_S))
    return _FRAME_S * int(np.convolve(activity, np.ones(width), "valid").argmax())


def evaluate_separate(
    data: Path,
    *,
    seconds: float = 45.0,
    gain_db: float = 0.0,
    model: str = "spleeter-2stems",
    command: str = "descant evaluate separate",
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Report:
    """Measure a separator on songs whose stems are known.

    Args:
        data: Folder with a folder per song (see `load_excerpt`).
        seconds: Length of the part of each song.
        gain_db: Make the songs louder or quieter first: a separator should not care.
        model: Card of the separator.
        command: How this was called, for the report.
        progress: Receives the share that is done.
        cancel: Stops after the excerpt at work.

    Raises:
        InvalidOption: The length or the gain is impossible.
        InputNotFound: There are no such songs.
    """
    if not _SHORTEST_S <= seconds <= _LONGEST_S:
        raise InvalidOption(f"Excerpts of {seconds:g} s are impossible.", "Give 1 to 3600 s.")
    if not abs(gain_db) <= MOST_DB:
        raise InvalidOption(f"A gain of {gain_db:g} dB is impossible.", f"Give -{MOST_DB:g} to {MOST_DB:g}.")
    folders = sorted(path.parent for path in data.glob("*/vocals.*")) if data.is_dir() else []
    if not folders:
        raise InputNotFound(f"{data} holds no songs as stems.", "Expected folders with vocals.*, drums.* and so on.")
    monitor = Monitor(progress, cancel, "measuring")
    methods = _methods(Separator.load(model, cancel=cancel))
    songs: list[str] = []
    scores: dict[str, list[Score]] = {name: [] for name in methods}
    for index, folder in enumerate(folders):
        monitor.report(index / len(folders), folder.name)
        excerpt = load_excerpt(folder, seconds)
        songs.append(f"{excerpt.song} ({excerpt.start_s:.0f} s)")
        truth = Stems({name: stem.gain(gain_db) for name, stem in excerpt.truth.items()})
        mix = truth.mix()
        for name, method in methods.items():
            scores[name].append(score(mix, truth, method(mix, truth)))
    monitor.report(1.0)
    return _report(songs, scores, seconds, command)


def score(mix: Clip, truth: Mapping[str, Clip], estimate: Mapping[str, Clip]) -> Score:
    """All measures of one separation."""

    def medians(true: Mapping[str, Clip], guess: Mapping[str, Clip]) -> tuple[float, float]:
        windows = sdr_windows(true, guess)
        return median_sdr(windows[STEMS[0]]), median_sdr(windows[STEMS[1]])

    return Score(
        sdr=medians(truth, estimate),
        high_sdr=medians(
            {name: high_band(truth[name]) for name in STEMS}, {name: high_band(estimate[name]) for name in STEMS}
        ),
        si_sdr=(si_sdr(truth[STEMS[0]], estimate[STEMS[0]]), si_sdr(truth[STEMS[1]], estimate[STEMS[1]])),
        leakage=leakage_db(truth["vocals"], estimate["vocals"]),
        sum_error=sum_error_db(mix, estimate),
    )


def high_band(clip: Clip) -> Clip:
    """What lies above 11,025 Hz, where the nets do not listen."""
    spectrum = np.fft.rfft(clip.samples, axis=1)
    spectrum[:, np.fft.rfftfreq(clip.frames, 1.0 / clip.sample_rate) < HIGH_BAND_HZ] = 0.0
    return Clip(np.fft.irfft(spectrum, clip.frames, axis=1).astype(np.float32), clip.sample_rate)


def ideal_ratio_masks(mix: Clip, truth: Stems) -> Stems:
    """The ceiling of all soft masks on this spectrogram: each bin is shared as the true stems' energies are."""
    config = SeparationConfig()
    window = torch.hann_window(config.fft_size)

    def transform(clip: Clip) -> Tensor:
        samples = torch.from_numpy(clip.samples.copy())
        return torch.stft(
            samples, config.fft_size, config.hop_samples, window=window, pad_mode="constant", return_complex=True
        )

    energies = {name: transform(clip).abs().square() for name, clip in truth.items()}
    total = sum(energies.values(), start=torch.full((), 1e-10))
    mixed = transform(mix)
    stems = {
        name: torch.istft(mixed * energy / total, config.fft_size, config.hop_samples, window=window, length=mix.frames)
        for name, energy in energies.items()
    }
    return Stems({name: Clip(samples.numpy(), mix.sample_rate) for name, samples in stems.items()})


def _methods(separator: Separator) -> dict[str, Method]:
    def variant(config: SeparationConfig) -> Method:
        changed = Separator(separator.nets, separator.stems, config)
        return lambda mix, _: changed(mix)

    config = separator.config
    return {
        "the mix as each stem": lambda mix, _: Stems(dict.fromkeys(STEMS, mix)),
        "half the mix as each stem": lambda mix, _: Stems(dict.fromkeys(STEMS, mix.gain(-6.0206))),
        "net, level as it is, no extension": variant(replace(config, level_db=None, is_full_band=False)),
        "net, level as it is": variant(replace(config, level_db=None)),
        "net, no extension": variant(replace(config, is_full_band=False)),
        OURS: variant(config),
        "ideal ratio mask": ideal_ratio_masks,
    }


def _report(songs: list[str], scores: Mapping[str, list[Score]], seconds: float, command: str) -> Report:
    def per_song(title: str, of: Callable[[Score], tuple[float, float]]) -> Table:
        rows = []
        for name, results in scores.items():
            pairs = np.array([of(result) for result in results])
            middle = [_median_of(column) for column in pairs.T.tolist()]
            rows.append((name, *(_pair(v, a, 1) for v, a in pairs), _pair(middle[0], middle[1], 2)))
        return Table(title, ("vocals / accompaniment", *songs, "median"), tuple(rows))

    rest = tuple(
        (
            name,
            _median_of([r.si_sdr[0] for r in results]),
            _median_of([r.si_sdr[1] for r in results]),
            _median_of([r.leakage for r in results]),
            float(np.max([r.sum_error for r in results])),
        )
        for name, results in scores.items()
    )
    return Report(
        name="separate",
        command=command,
        tables=(
            per_song("SDR in dB, median over windows of 1 s", lambda result: result.sdr),
            per_song("SDR in dB of what lies above 11 kHz", lambda result: result.high_sdr),
            Table(
                "Other measures in dB, median over songs (sum error: worst song)",
                ("", "SI-SDR vocals", "SI-SDR accompaniment", "vocals' RMS where none is sung", "sum error"),
                rest,
            ),
            paired_table(
                f"{OURS} against the others, dB",
                ("SDR of vocals", "SDR of accompaniment", "SI-SDR of vocals", "SI-SDR of accompaniment"),
                {name: _by_measure(results) for name, results in scores.items()},
                ours=OURS,
            ),
        ),
        notes=(
            f"Excerpts of {seconds:g} s, of each song the part that sings most; where it begins stands after the name.",
            "The ideal ratio mask knows the true stems: no mask on this spectrogram can do much better.",
            "A dash: the song never asks that question (a stem that is silent has no ratio).",
            NOTE,
        ),
    )


def _median_of(values: list[float]) -> float | None:
    known = [value for value in values if not np.isnan(value)]
    return float(np.median(known)) if known else None


def _pair(vocals: float | None, accompaniment: float | None, decimals: int) -> str:
    """Two decibels for a cell; a dash for what has no value."""
    return " / ".join("–" if v is None or np.isnan(v) else f"{v:.{decimals}f}" for v in (vocals, accompaniment))


def _by_measure(results: list[Score]) -> list[list[float | None]]:
    """SDR and SI-SDR of both stems, each one value per song."""
    songs = [[held_db(value) for value in (*result.sdr, *result.si_sdr)] for result in results]
    return [list(column) for column in zip(*songs, strict=True)]
