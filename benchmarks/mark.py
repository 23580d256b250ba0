"""How well the mark is found, read and hidden: `python benchmarks/mark.py --data DATA [--out mark.md]`.

DATA holds album/, singing/, speech/ and instruments/. Voices of 5 s (and of 1 and 20 s) are marked, changed in the ways
that files meet, and verified; unmarked clips of all kinds, also from other encoders, are verified for false alarms.
`--perth` marks the same voices of 5 s with Perth instead of the longer ones, and asks both detectors about the same
unmarked clips.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from descant.audio import effects
from descant.audio.clip import Clip
from descant.audio.io import probe, read
from descant.audio.resample import resample
from descant.data.augment.codec import round_trip
from descant.dsp.watermark import marked
from descant.evaluate.report import Cell, Report, Table
from descant.mark.api import LOG10_P
from descant.mark.detect import Finding, detect
from descant.mark.perth import THRESHOLD, perth_marked, perth_score
from descant.separate.api import Separator

SONGS = (("2_lithium", 60), ("3_sodium", 100), ("4_potassium", 90), ("5_rubidium", 80), ("1_hydrogen", 120))
BAND = ("drums", "bass", "other")
QUIET_RMS = 10.0 ** (-45.0 / 20.0)
SHORT_S, LONG_S = 5.0, 20.0
RATE = 44_100
CROPPED: dict[str, Callable[[Clip], Clip]] = {
    "as it is": lambda clip: clip,
    "MP3 128 kbit/s": lambda clip: round_trip(clip, "mp3", 128),
    "Opus 64 kbit/s": lambda clip: round_trip(clip, "opus", 64),
}
"""What happens to single seconds."""


def power(clip: Clip) -> float:
    """Mean square."""
    return float(np.mean(np.square(clip.samples, dtype=np.float64)))


def excerpts(path: Path, seconds: float, most: int, start_s: float = 0.0) -> Iterator[Clip]:
    """Stretches of a file in which something sounds."""
    end = probe(path).duration_s
    while start_s + seconds <= end and most:
        clip = read(path, start_s=start_s, end_s=start_s + seconds)
        start_s += seconds
        if power(clip) > QUIET_RMS**2:
            most -= 1
            yield clip


def hosts(data: Path, seconds: float) -> list[tuple[Clip, Clip]]:
    """Voices, each with a band as loud as it."""
    pairs = []
    for song, start in SONGS:
        folder = data / "album" / song
        for n, voice in enumerate(excerpts(folder / "vocals.opus", seconds, 4, start)):
            at = start + n * seconds
            stems = [read(folder / f"{name}.opus", start_s=at, end_s=at + seconds) for name in BAND]
            pairs.append((voice, Clip(np.sum([stem.samples for stem in stems], axis=0), voice.sample_rate)))
    bands = [band for _, band in pairs]
    dry = [
        *(clip for name in ("yuki", "alys_002", "erithacus")
          for clip in joined(sorted((data / "singing" / name).glob("*.opus")), seconds, 4)),
        *(clip for path in sorted((data / "speech" / "picovoice_orders").glob("*.opus"))[:1]
          for clip in excerpts(path, seconds, 4)),
    ]  # fmt: skip
    pairs += [(voice, bands[n % len(bands)]) for n, voice in enumerate(dry)]
    return [(voice, levelled(resample(band, voice.sample_rate), voice)) for voice, band in pairs]


def joined(files: list[Path], seconds: float, count: int) -> list[Clip]:
    """Short recordings one after the other, in pieces."""
    held, pieces = np.zeros((1, 0), np.float32), []
    for file in files[20:]:
        clip = read(file, channels=1)
        held = np.concatenate([held, clip.samples], axis=1)
        size = round(seconds * clip.sample_rate)
        if held.shape[1] >= size:
            pieces.append(Clip(held[:, :size], clip.sample_rate))
            held = held[:, size:]
        if len(pieces) == count:
            break
    return pieces


def levelled(band: Clip, voice: Clip) -> Clip:
    """The band with the voice's power, length and channels."""
    fitting = band.to_channels(voice.channels).samples[:, : voice.frames]
    gain = np.sqrt(power(voice) / max(float(np.mean(np.square(fitting))), 1e-9))
    return Clip(fitting * np.float32(gain), voice.sample_rate).pad_to(voice.frames)


def noisy(clip: Clip, _: Clip) -> Clip:
    """White noise 20 dB below."""
    noise = np.random.default_rng(7).standard_normal(clip.samples.shape, np.float32) * np.sqrt(power(clip)) * 0.1
    return Clip(clip.samples + noise.astype(np.float32), clip.sample_rate)


def equalised(clip: Clip, _: Clip) -> Clip:
    """Up and down by 3 dB in four places."""
    for hz, gain_db in ((300, 3.0), (1_000, -3.0), (3_000, 3.0)):
        clip = effects.peak(clip, hz, gain_db)
    return effects.high_shelf(clip, 6_000, -3.0)


def mixed(clip: Clip, band: Clip) -> Clip:
    """Under a band as loud as the voice."""
    return Clip(clip.samples + band.samples, clip.sample_rate)


def again(rate: int) -> Callable[[Clip, Clip], Clip]:
    """At another rate and back."""
    return lambda clip, _: resample(resample(resample(clip, RATE), rate), RATE)


def faster(clip: Clip, _: Clip) -> Clip:
    """0.4 % faster and higher, as between two clocks, or a tape."""
    return Clip(resample(clip, round(clip.sample_rate / 1.004)).samples, clip.sample_rate)


def attacks(separator: Separator) -> dict[str, Callable[[Clip, Clip], Clip]]:
    """Name to what happens to a marked voice."""

    def separated(clip: Clip, band: Clip) -> Clip:
        return separator(mixed(clip, band))["vocals"]

    return {
        "as it is": lambda clip, _: clip,
        "16 bit, 20 dB softer": lambda clip, _: Clip(
            np.round(clip.gain(-20.0).samples * 32768) / 32768, clip.sample_rate
        ),
        "MP3 128 kbit/s": lambda clip, _: round_trip(clip, "mp3", 128),
        "Opus 64 kbit/s": lambda clip, _: round_trip(clip, "opus", 64),
        "AAC 96 kbit/s": lambda clip, _: round_trip(clip, "aac", 96),
        "44.1 to 16 kHz and back": again(16_000),
        "44.1 to 48 kHz and back": again(48_000),
        "white noise 20 dB below": noisy,
        "equaliser +-3 dB": equalised,
        "0.4 % faster": faster,
        "under a band as loud": mixed,
        "under a band, MP3 128 kbit/s": lambda clip, band: round_trip(mixed(clip, band), "mp3", 128),
        "under a band, separated again": separated,
    }


def detection(pairs: list[tuple[Clip, Clip]], separator: Separator) -> list[tuple[Cell, ...]]:
    """A row for each attack."""
    marks = [int(mark) for mark in np.random.default_rng(3).integers(1 << 32, size=len(pairs))]
    copies = [marked(voice, mark) for (voice, _), mark in zip(pairs, marks, strict=True)]
    rows: list[tuple[Cell, ...]] = []
    for name, attack in attacks(separator).items():
        found = [detect(attack(copy, band)) for copy, (_, band) in zip(copies, pairs, strict=True)]
        rows.append((name, *rates(found, marks)))
        print("|".join(map(str, rows[-1])), flush=True)
    return rows


def rates(found: list[Finding], marks: list[int]) -> tuple[Cell, ...]:
    """Clips, share found, share read, share read wrongly, share of bits that are right, median log10 p."""
    isthere = np.array([each.log10_p <= LOG10_P for each in found])
    right = np.array([each.mark == mark for each, mark in zip(found, marks, strict=True)]) & isthere
    wrong = np.array([each.mark not in (None, mark) for each, mark in zip(found, marks, strict=True)]) & isthere
    bits = [32 - (each.guess ^ mark).bit_count() for each, mark in zip(found, marks, strict=True)]
    return (len(found), 100.0 * isthere.mean(), 100.0 * right.mean(), 100.0 * wrong.mean(),
            100.0 * np.mean(bits) / 32, float(np.median([each.log10_p for each in found])))  # fmt: skip


def unmarked(data: Path, count: int) -> Iterator[Clip]:
    """Clips of 5 s that nobody marked: songs, stems, singing, speech, instruments; half of them encoded."""
    paths = [*sorted((data / "album").rglob("*.opus")), *sorted((data / "speech").rglob("*.opus")),
             *sorted((data / "multitrack_mdn").rglob("*.mp3"))]  # fmt: skip
    sources = [excerpts(path, SHORT_S, 20, 30.0) for path in paths]
    for folder in (*sorted((data / "singing").iterdir()), *sorted((data / "instruments").iterdir())):
        files = sorted(folder.rglob("*.opus"))
        sources.append(iter(joined(files, SHORT_S, 20)) if files else iter(()))
    n = 0
    while sources and n < count:
        for source in list(sources):
            clip = next(source, None)
            if clip is None:
                sources.remove(source)
            elif n < count:
                yield (clip, round_trip(clip, "mp3", 128), clip, round_trip(clip, "opus", 64))[n % 4]
                n += 1


def hiding(pairs: list[tuple[Clip, Clip]], mark: Callable[[Clip], Clip]) -> list[tuple[Cell, ...]]:
    """How far the mark lies below the voice, and below what the voice masks."""
    segments, margins, strict = [], [], []
    for voice, _ in pairs:
        mono = resample(voice.to_mono(), RATE)
        before = mono.samples[0].astype(np.float64)
        added = mark(mono).samples[0] - before
        segments.append(segmental_snr_db(before, added))
        margins.append(noise_to_mask_db(before, added, strict=False))
        strict.append(noise_to_mask_db(before, added, strict=True))
    every, tones = np.concatenate(margins), np.concatenate(strict)
    return [
        ("segmental SNR, dB: mean; worst clip", f"{np.mean(segments):.1f}; {min(segments):.1f}"),
        ("noise to mask (PEAQ), dB: median; 99 % lie below", f"{np.median(every):.1f}; {np.quantile(every, 0.99):.1f}"),
        ("bands and frames above that mask, %", f"{100.0 * (every > 0).mean():.2f}"),
        ("noise to the mask of pure tones, dB: median", f"{np.median(tones):.1f}"),
    ]


def with_our_mark(clip: Clip) -> Clip:
    """The copy whose inaudibility is measured."""
    return marked(clip, 0x5EED1234)


def perth_found(short: list[tuple[Clip, Clip]], separator: Separator) -> dict[str, list[float]]:
    """Scores of Perth's detector for copies with Perth's mark, by what happened to them."""
    copies = [perth_marked(voice) for voice, _ in short]
    found: dict[str, list[float]] = {}
    for name, attack in attacks(separator).items():
        heard = [attack(copy, band) for copy, (_, band) in zip(copies, short, strict=True)]
        found[name] = [perth_score(clip).score for clip in heard]
        print(f"Perth|{name}|{np.median(found[name]):.3f}", flush=True)
    seconds = [copy.slice(2.0, 3.0) for copy in copies]
    for name, step in CROPPED.items():
        found[f"one second, {name}"] = [perth_score(step(s)).score for s in seconds if power(s) > QUIET_RMS**2]
    return found


def beside_perth(
    ours: list[tuple[Cell, ...]],
    perths: dict[str, list[float]],
    alarms: tuple[np.ndarray, np.ndarray],
    short: list[tuple[Clip, Clip]],
) -> list[Table]:
    """Both detectors: what they find of their own mark, what they find in unmarked clips, how far both marks lie below.

    Args:
        ours: Rows of `detection` and `detection_of_crops`.
        perths: Scores of copies by what happened to them.
        alarms: Of unmarked clips: log10 p of our detector, and Perth's scores.
        short: The voices.
    """
    our_alarms, scores = alarms
    strict = float(np.quantile(scores, 0.99))
    rows: list[tuple[Cell, ...]] = [
        (row[0], row[1], row[2], *(100.0 * float(np.mean(np.array(heard) > bound)) for bound in (THRESHOLD, strict)),
         float(np.median(heard)))
        for row, heard in ((row, perths[str(row[0])]) for row in ours)
    ]  # fmt: skip
    columns = ("what happened", "clips", "Descant found, %", f"Perth found (score over {THRESHOLD:g}), %",
               f"Perth found (score over {strict:.3f}), %", "Perth's score, median")  # fmt: skip
    count = len(scores)
    false = [
        (f"Descant, p <= 10^{LOG10_P:g}", count, 100.0 * float((our_alarms <= LOG10_P).mean())),
        (f"Perth, score over {THRESHOLD:g}", count, 100.0 * float((scores > THRESHOLD).mean())),
        (f"Perth, score over {strict:.3f}", count, 100.0 * float((scores > strict).mean())),
    ]
    both = zip(hiding(short, with_our_mark), hiding(short, perth_marked), strict=True)
    hidden = [(mine[0], mine[1], theirs[1]) for mine, theirs in both]
    return [
        Table("Descant's mark and Perth's on the same voices", columns, tuple(rows)),
        Table("Unmarked clips that are called marked", ("", "clips", "called marked, %"), tuple(false)),
        Table("How far both lie below", ("measure", "Descant", "Perth"), tuple(hidden)),
    ]


def segmental_snr_db(voice: np.ndarray, added: np.ndarray) -> float:
    """Mean over frames of 20 ms within 40 dB of the loudest, each kept to -10..60 dB."""
    size = RATE // 50
    count = len(voice) // size
    power_of = lambda x: np.square(x[: count * size]).reshape(count, size).sum(axis=1)  # noqa: E731
    signal, noise = power_of(voice), power_of(added)
    loud = signal > signal.max() * 1e-4
    return float(np.clip(10.0 * np.log10(signal[loud] / np.maximum(noise[loud], 1e-20)), -10.0, 60.0).mean())


def noise_to_mask_db(voice: np.ndarray, added: np.ndarray, *, strict: bool) -> np.ndarray:
    """Power of what is added over the masking threshold, for each Bark band from 0.5 to 12 kHz and frame that sounds.

    Excitation: Schroeder's spreading of the power in Bark bands. The threshold lies below it by what ITU-R BS.1387
    (PEAQ) takes, 3 dB to 12 Bark and a quarter of a decibel a Bark above, or, `strict`, by what Johnston ("Transform
    coding of audio signals using perceptual noise criteria", 1988) takes for pure tones: 14.5 dB and a decibel a Bark.
    """
    size, hop = 2048, 1024
    window = np.hanning(size)
    hz = np.fft.rfftfreq(size, 1.0 / RATE)
    bark = 13.0 * np.arctan(0.00076 * hz) + 3.5 * np.arctan(np.square(hz / 7500.0))
    bands = np.arange(25)
    members = (np.floor(bark)[np.newaxis] == bands[:, np.newaxis]).astype(float)
    gap = bands[:, np.newaxis] - bands[np.newaxis] + 0.474
    spread = 10.0 ** ((15.81 + 7.5 * gap - 17.5 * np.sqrt(1.0 + np.square(gap))) / 10.0)
    energy, noise = (
        np.square(np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(x, size)[::hop] * window))) @ members.T
        for x in (voice, added)
    )
    offset_db = 14.5 + bands if strict else np.where(bands <= 12, 3.0, 0.25 * bands)
    threshold = (energy @ spread.T) / spread.sum(axis=1) * 10.0 ** (-offset_db / 10.0)
    loud = (energy > energy.max() * 1e-6) & (bands >= 5) & (bands <= 22)
    return 10.0 * np.log10(np.maximum(noise[loud], 1e-20) / threshold[loud])


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=500, help="unmarked clips")
    parser.add_argument("--perth", action="store_true", help="only compare with Perth's mark and detector")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    separator = Separator.load()
    short = hosts(arguments.data, SHORT_S)
    crops = [(voice.slice(2.0, 3.0), band.slice(2.0, 3.0)) for voice, band in short]
    crops = [pair for pair in crops if power(pair[0]) > QUIET_RMS**2]
    found, cropped = detection(short, separator), detection_of_crops(short, crops)
    heard = [
        (detect(clip).log10_p, perth_score(clip).score if arguments.perth else 0.0)
        for clip in unmarked(arguments.data, arguments.clips)
    ]
    alarms, scores = np.array(heard).T
    if arguments.perth:
        named = [(f"one second, {name}", *rest) for name, *rest in cropped]
        tables = beside_perth([*found, *named], perth_found(short, separator), (alarms, scores), short)
    else:
        tables = alone(arguments.data, separator, short, found, cropped, alarms)
    command = f"python benchmarks/mark.py --data {arguments.data}{' --perth' if arguments.perth else ''}"
    report = Report("mark", command, tuple(tables), (
        f"Found means p <= 10^{LOG10_P:g}; the mark's bits are read where their check sum fits.",
    ))  # fmt: skip
    print(report.to_markdown())
    if arguments.out:
        arguments.out.write_text(report.to_markdown(), encoding="utf-8")


def alone(
    data: Path,
    separator: Separator,
    short: list[tuple[Clip, Clip]],
    found: list[tuple[Cell, ...]],
    cropped: list[tuple[Cell, ...]],
    alarms: np.ndarray,
) -> list[Table]:
    """All tables of our own mark."""
    columns = ("what happened", "clips", "found, %", "id read, %", "wrong id, %", "bits right, %", "log10 p, median")
    long = [pair for pair in hosts(data, LONG_S) if pair[0].channels == 2]
    other = np.array([detect(marked(voice, 77, key=b"another")).log10_p for voice, _ in short])
    return [
        Table(f"Marked voices of {SHORT_S:g} s", columns, tuple(found)),
        Table(f"Marked voices of {LONG_S:g} s, of songs", columns, tuple(detection(long, separator))),
        Table("One second cut out of the 5 s", columns, tuple(cropped)),
        Table(
            "Unmarked clips of 5 s, and clips with a mark of another key",
            ("", "clips", "called marked", "lowest log10 p"),
            (
                ("unmarked", len(alarms), int((alarms <= LOG10_P).sum()), float(alarms.min())),
                ("another key", len(other), int((other <= LOG10_P).sum()), float(other.min())),
            ),
        ),
        Table("How far the mark lies below", ("measure", "value"), tuple(hiding(short, with_our_mark))),
    ]


def detection_of_crops(short: list[tuple[Clip, Clip]], crops: list[tuple[Clip, Clip]]) -> list[tuple[Cell, ...]]:
    """Seconds out of marked clips, as they are and after codecs; at a place that no slot begins at."""
    marks = [int(mark) for mark in np.random.default_rng(4).integers(1 << 32, size=len(short))]
    copies = [marked(voice, mark).slice(2.0, 3.0) for (voice, _), mark in zip(short, marks, strict=True)]
    kept = [(copy, mark) for copy, mark in zip(copies, marks, strict=True) if power(copy) > QUIET_RMS**2]
    assert len(kept) == len(crops)
    rows: list[tuple[Cell, ...]] = []
    for name, step in CROPPED.items():
        rows.append((name, *rates([detect(step(copy)) for copy, _ in kept], [mark for _, mark in kept])))
        print("|".join(map(str, rows[-1])), flush=True)
    return rows


if __name__ == "__main__":
    main()
