"""`convert` on sources and targets that no training heard, beside doing nothing and shifting pitch and formants."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.convert.api import Converter
from descant.convert.consent import Permit, Subject, Terms, embedding_text, give_consent
from descant.convert.features import features_of
from descant.convert.options import ConvertOptions
from descant.convert.signing import Authority
from descant.convert.speaker import likeness
from descant.convert.voice import Voice
from descant.data.band.vocoder import HOP, SAMPLE_RATE, Envelopes, analyse, synthesise
from descant.data.voices import Voice as Recordings
from descant.data.voices import find_voices
from descant.errors import InputNotFound
from descant.evaluate.convert_metrics import evaluate
from descant.evaluate.lyrics_metrics import character_error_rate
from descant.evaluate.report import Cell, Report, Table
from descant.evaluate.second_speaker import embed as second_embed
from descant.nets.source_filter import FPS
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.transcribe.words import WordRecognizer

TARGETS = (
    "pt_BR/Enrico Nicoletto",
    "zh_CN/Feng Jie 2010",
    "sv/Ulrika Uddeborg 2005",
    "it/Gabriella Agrusti 2004",
    "cs/Martin Šín",
    "erithacus",
)
SPOKEN, SUNG = "orders/late", "album/3_sodium"
COLUMNS = (
    "f0 correlation",
    "f0 error, cents",
    "GE2E",
    "GE2E before",
    "CAM++",
    "CAM++ before",
    "CER, points",
    "floor, dB",
)

Row = dict[str, float | None]
"""One conversion: column to value."""

_REFERENCE_S, _SUNG_S = 30.0, 12.0
_ENGLISH = "English speech"


@dataclass(frozen=True, slots=True)
class ConvertTest:
    """What is measured on.

    Attributes:
        data: Folder with speech/, singing/ and album/.
        spoken: How many pieces of about 10 s of English speech.
        sung: How many stretches of 12 s of singing.
        targets: How many held-out voices.
    """

    data: Path
    spoken: int = 4
    sung: int = 2
    targets: int = len(TARGETS)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A voice to convert to.

    Attributes:
        name: Whose.
        voice: As the converter knows it.
        permit: The recordings are openly licensed.
        second: As the other encoder knows it.
    """

    name: str
    voice: Voice
    permit: Permit
    second: np.ndarray


System = Callable[[Clip, Target, bool], tuple[Clip, float]]
"""Source, target, whether it is sung -> result and transposition in semitones."""


def evaluate_convert(
    test: ConvertTest,
    converter: Converter,
    *,
    command: str,
    adapted: Mapping[str, Converter] | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Report:
    """Measure conversion.

    Args:
        test: What on.
        converter: The zero-shot one.
        command: How to measure it again, for the report.
        adapted: Converters trained on a target, by its name.
        progress: Receives `Progress` events.
        cancel: Stops the work when raised.

    Raises:
        InputNotFound: The recordings are not there.
        MissingDependency: Words need faster-whisper.
    """
    monitor = Monitor(progress, cancel, "measuring")
    found = {voice.name: voice for voice in find_voices(test.data)}
    missing = sorted({SPOKEN, SUNG, *TARGETS} - set(found))
    if missing:
        raise InputNotFound(f"{test.data} lacks {', '.join(missing)}.", "shared/data has them all.")
    sources = [(clip, False) for clip in islice(found[SPOKEN].pieces(sample_rate=SAMPLE_RATE), test.spoken)]
    sources += [(clip, True) for clip in sung_stretches(found[SUNG], test.sung)]
    targets = [target_of(found[name], converter) for name in TARGETS[: test.targets]]
    systems: dict[str, System] = {
        "descant convert, zero-shot": partial(_converted, converter),
        "the same, no retrieval": partial(_converted, converter, retrieval=0.0),
        "copy": lambda clip, _target, _is_sung: (clip, 0.0),
        "pitch and formants shifted": partial(_shifted, converter),
    }
    recogniser = WordRecognizer.load("whisper-tiny-en")
    judge = _Judge(converter, recogniser)
    jobs = [(name, target) for name in systems for target in targets]
    results: dict[tuple[str, bool], list[Row]] = {}
    for done, (name, target) in enumerate(jobs):
        monitor.report(done / len(jobs), f"{name}, {target.name}")
        for clip, is_sung in sources:
            results.setdefault((name, is_sung), []).append(
                judge(systems[name], clip, target, is_sung=is_sung, is_english=not is_sung)
            )
    kinds = {False: f"English speech, {test.spoken} pieces", True: f"singing, {test.sung} stretches"}
    tables = [
        Table(
            f"{title}, to {len(targets)} voices that no training heard",
            ("", *COLUMNS),
            tuple(_row(name, found) for (name, is_sung), found in results.items() if is_sung is kind),
        )
        for kind, title in kinds.items()
        if any(is_sung is kind for _, is_sung in sources)
    ]
    if adapted:
        others = [(next(found[name].pieces(sample_rate=SAMPLE_RATE)), name) for name in TARGETS]
        tables += [
            _adapted(
                target, converter, adapted[target.name], sources, [c for c, n in others if n != target.name], judge
            )
            for target in targets
            if target.name in adapted
        ]
    speeds = [row["speed"] for kind in (False, True) for row in results.get((next(iter(systems)), kind), [])]
    same = np.mean([same_person(found[target.name], target, converter) for target in targets], axis=0)
    notes = (
        "GE2E and CAM++: cosine of result and target; before: of source and target. No training used CAM++.",
        "CER: characters that Whisper tiny.en hears otherwise than in the unconverted source, in points.",
        f"Another {_REFERENCE_S:.0f} s of the same person: GE2E {same[0][0]:.3f}, CAM++ {same[0][1]:.3f} on average.",
        f"Ten seconds of the same person, as the tables' results are: {same[1][0]:.3f}, {same[1][1]:.3f}.",
        f"Speed of the first row: {np.median([x for x in speeds if x]):.1f} s of audio per second of processor time.",
    )
    return Report("convert", command, tuple(tables), notes)


def sung_stretches(voice: Recordings, count: int) -> Iterator[Clip]:
    """The stretches in which most is sung, that do not overlap, loudest first."""
    whole = read(voice.spans[0].path, sample_rate=SAMPLE_RATE, channels=1).samples
    seconds = whole.shape[1] // SAMPLE_RATE
    power = np.square(whole[0, : seconds * SAMPLE_RATE], dtype=np.float64).reshape(seconds, -1).mean(axis=1)
    length = round(_SUNG_S)
    filled = np.convolve((power > 1e-5).astype(float) + power / max(power.max(), 1e-12), np.ones(length), "valid")
    for _ in range(count):
        start = int(np.argmax(filled))
        yield Clip(whole[:, start * SAMPLE_RATE : (start + length) * SAMPLE_RATE], SAMPLE_RATE)
        filled[max(0, start - length) : start + length] = -1.0


def target_of(recordings: Recordings, converter: Converter) -> Target:
    """A voice from 30 s of it."""
    clip = _joined(recordings.pieces(sample_rate=SAMPLE_RATE, most_s=_REFERENCE_S))
    voice = converter.voice(clip)
    digest = hashlib.sha256(clip.samples.tobytes()).hexdigest()
    subject = Subject(recordings.name, recordings.name, digest, embedding_text(voice.speaker))
    terms = Terms("licence", licence=recordings.licence or "see the set", source=str(recordings.spans[0].path.name))
    authority = Authority.load()
    return Target(
        recordings.name, voice, Permit(give_consent(authority, subject, terms), authority), second_embed(clip)
    )


def same_person(recordings: Recordings, target: Target, converter: Converter) -> tuple[tuple[float, float], ...]:
    """How alike a voice is to other recordings of it, by both encoders: as near as a conversion could come.

    Returns:
        Of as much as the target was known by, and of pieces as long as those that are converted, on average.
    """
    pieces = list(recordings.pieces(sample_rate=SAMPLE_RATE, most_s=2 * _REFERENCE_S))
    others = pieces[len(pieces) // 2 :]

    def alike(clip: Clip) -> tuple[float, float]:
        return likeness(converter.embedder(clip), target.voice.speaker), likeness(second_embed(clip), target.second)

    short = np.mean([alike(piece) for piece in others], axis=0)
    return alike(_joined(others)), (float(short[0]), float(short[1]))


def _joined(pieces: Iterable[Clip]) -> Clip:
    return Clip(np.concatenate([piece.samples for piece in pieces], axis=1), SAMPLE_RATE)


@dataclass(frozen=True, slots=True)
class _Judge:
    converter: Converter
    words: WordRecognizer

    def __call__(self, system: System, source: Clip, target: Target, *, is_sung: bool, is_english: bool) -> Row:
        """All columns of one conversion, and its speed; words are compared where English is spoken."""
        began = time.process_time()
        out, semitones = system(source, target, is_sung)
        speed = source.duration_s / max(time.process_time() - began, 1e-9)
        who = self.converter
        found = evaluate(source, out, target.voice.speaker, semitones, track=who.tracker, embed=who.embedder)
        errors = character_error_rate(self.words(source).text, self.words(out).text) if is_english else None
        return {
            **found,
            "GE2E": found["likeness"],
            "GE2E before": found["likeness before"],
            "CAM++": likeness(second_embed(out), target.second),
            "CAM++ before": likeness(second_embed(source), target.second),
            "CER, points": None if errors is None else 100.0 * errors,
            "speed": speed,
        }


def _row(name: str, found: Sequence[Row]) -> tuple[Cell, ...]:
    """The means of all columns."""
    cells: list[Cell] = []
    for column in COLUMNS:
        values = [value for value in (row[column] for row in found) if value is not None]
        cells.append(float(np.mean(values)) if values else None)
    return (name, *cells)


def _converted(
    converter: Converter, clip: Clip, target: Target, is_sung: bool, retrieval: float | None = None
) -> tuple[Clip, float]:
    options = ConvertOptions(keep_key=is_sung)
    if retrieval is not None:
        options = ConvertOptions(keep_key=is_sung, retrieval=retrieval)
    out = converter(clip, target.voice, target.permit, options)
    return out.clip, out.semitones


def _shifted(converter: Converter, clip: Clip, target: Target, is_sung: bool) -> tuple[Clip, float]:
    """Pitch moved to the target's and formants by what their pitches make likely, through a vocoder."""
    samples = clip.samples[0]
    found = features_of(clip, converter.encoder, converter.tracker)
    voiced = found.f0_hz[found.voiced > 0.5]
    middle = 69.0 + 12.0 * math.log2(float(np.median(voiced)) / 440.0)
    semitones = ConvertOptions(keep_key=is_sung).transposition(middle, target.voice.middle_for(singing=is_sung))
    # Throats shrink by about a sixth where pitch rises by an octave (Peterson and Barney 1952).
    factor = 2.0 ** ((target.voice.middle - middle) / 12.0 * 0.25)
    envelopes = analyse(samples)
    bins = np.arange(envelopes.power.shape[1])
    at = np.clip(bins / factor, 0, bins[-1])
    low = np.minimum(at.astype(int), bins[-1] - 1)
    share = (at - low).astype(np.float32)
    moved = Envelopes(envelopes.power[:, low] * (1 - share) + envelopes.power[:, low + 1] * share, envelopes.voiced)
    times = np.arange(envelopes.frames) * HOP / SAMPLE_RATE
    f0 = np.interp(times, np.arange(found.frames) / FPS, found.f0_hz.astype(float)) * 2.0 ** (semitones / 12.0)
    sound = synthesise(moved, f0, np.random.default_rng(0))[: clip.frames]
    padded = np.pad(sound, (0, clip.frames - len(sound)))
    return Clip(padded[np.newaxis], SAMPLE_RATE), semitones


def _adapted(
    target: Target,
    zero_shot: Converter,
    trained: Converter,
    sources: Sequence[tuple[Clip, bool]],
    others: Sequence[Clip],
    judge: _Judge,
) -> Table:
    """One person's voice, zero-shot and trained, sung and spoken by English speakers, a singer, and other persons."""
    kinds = {
        _ENGLISH: ([clip for clip, is_sung in sources if not is_sung], False),
        "speech of the other persons": (list(others), False),
        "singing": ([clip for clip, is_sung in sources if is_sung], True),
    }
    rows = []
    for label, system in (("zero-shot", zero_shot), ("trained", trained)):
        run = partial(_converted, system)
        for kind, (clips, is_sung) in kinds.items():
            if clips:
                found = [judge(run, clip, target, is_sung=is_sung, is_english=kind == _ENGLISH) for clip in clips]
                rows.append(_row(f"{label}: {kind}", found))
    return Table(f"The voice of {target.name}, trained on some minutes of it", ("", *COLUMNS), tuple(rows))
