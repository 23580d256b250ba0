"""Sung words with Whisper (Radford et al. 2022, arXiv 2212.04356), with times per word, in the language that is sung.

Whisper was made for speech and invents words where there are none: on silence, on instrumentals, and as loops of one
phrase. So what it says is only kept where something sounds, where its own certainty is high enough, and loops are cut.
A song may be heard twice, as it is and without its band: neither is always the better, so passage by passage the surer
hearing is taken.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.errors import CheckpointError, InvalidOption, MissingDependency
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.text.lyrics import Line, Lyrics, Word
from descant.transcribe.config import WordOptions
from descant.transcribe.language import SAMPLE_RATE, HeardLanguage, sung_language

_SILENT_PEAK = 1e-3
_QUIET_RMS_DB = -50.0
_LOOP_REPEATS = 3
_LOOP_WORDS = 8
_COMPRESSION_LIMIT = 2.4
_NO_SPEECH = 0.6
_NO_SPEECH_IN_LOOPS = 0.5  # of noise and of bands without a singer it is 0.58 to 0.99, of a voice 0.02 to 0.29
_TAIL_FRAMES = SAMPLE_RATE // 2  # silence after the end, so that the last window is not a scrap
_PASSAGE_PAUSE_S = 0.5
_WORTH = 0.5  # a word less sure than this speaks against its hearing


@dataclass(frozen=True, slots=True)
class HeardWords:
    """Words, and the language they were heard in.

    Attributes:
        lyrics: The words with their times.
        language: How sure their language is; None where it was given, and in silence.
    """

    lyrics: Lyrics
    language: HeardLanguage | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know, in sentences; nothing of a language in which no word was heard."""
        return () if self.language is None or not self.lyrics.words else (str(self.language),)


class WordRecognizer:
    """Whisper with its weights loaded.

    Args:
        folder: The converted model: `model.bin`, `config.json`, `tokenizer.json`, `vocabulary.txt`.
        threads: Threads of the runtime.

    Raises:
        MissingDependency: faster-whisper is not installed.
        CheckpointError: The model is damaged.
    """

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise MissingDependency(
                "Words need the package faster-whisper.", 'Install it with: pip install "descant[words]"'
            ) from error
        try:
            self._model: Any = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError) as error:  # what its C++ core and its tokenizer raise at broken files
            raise CheckpointError(
                f"{folder} holds no sound Whisper model.",
                "`descant models verify` with the model's name says what is damaged.",
            ) from error

    @classmethod
    def load(cls, name: str = "whisper-base") -> WordRecognizer:
        """From a card's name; the weights are fetched when they are not in the cache yet."""
        from descant.hub.card import load_card
        from descant.hub.store import fetch

        load_card(name).require_architecture("whisper")
        folder = fetch(name)
        return cls(next((p.parent for p in sorted(folder.rglob("model.bin"))), folder))

    def __call__(
        self,
        clip: Clip,
        *,
        mix: Clip | None = None,
        options: WordOptions | None = None,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Lyrics:
        """Words of a voice, the same ones for the same recording every time.

        Args:
            clip: Any rate and channel count, best a voice without its band.
            mix: The same with its band, where `clip` was separated from it: heard as well, and the surer words win.
            options: How sure the words must be, how lines break, the language.
            progress: Receives `Progress` events.
            cancel: Stops the work when raised.

        Returns:
            Lines of timed words, with their language; without lines when no words are heard.

        Raises:
            InvalidOption: The model does not know the language.
        """
        return self.hear(clip, mix=mix, options=options, progress=progress, cancel=cancel).lyrics

    def hear(
        self,
        clip: Clip,
        *,
        mix: Clip | None = None,
        options: WordOptions | None = None,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> HeardWords:
        """Words as a call gives them, and how sure their language is; arguments and errors as there."""
        options = options or WordOptions()
        monitor = Monitor(progress, cancel, "words")
        monitor.report(0.0)
        self._check_language(options.language)
        if clip.peak < _SILENT_PEAK:
            return HeardWords(Lyrics(language=options.language))
        mono = resample(clip.to_mono(), SAMPLE_RATE).samples[0]
        heard = None if options.language else self._language_of(mono)
        language = options.language if heard is None else heard.code
        share = 0.5 if mix else 1.0
        words = self._hear(mono, language, monitor.part("words", 0.1, 0.1 + 0.9 * share))
        if mix:
            band = resample(mix.to_mono(), SAMPLE_RATE).samples[0]
            words = surer_passages(words, self._hear(band, language, monitor.part("words", 0.55, 1.0)))
        monitor.report(1.0)
        return HeardWords(Lyrics(tuple(_confident(lines_of(words, options), options)), language), heard)

    def _check_language(self, language: str) -> None:
        known = self._model.supported_languages
        if language and language not in known:
            raise InvalidOption(
                f"This model does not know the language '{language}'.",
                f"It knows: {', '.join(sorted(known))}." if len(known) > 1 else "Use the model whisper-base.",
            )

    def _language_of(self, mono: NDArray[np.float32]) -> HeardLanguage:
        known = self._model.supported_languages
        return sung_language(self._model, mono) if len(known) > 1 else HeardLanguage(str(known[0]), 1.0)

    def _hear(self, mono: NDArray[np.float32], language: str, monitor: Monitor) -> list[Word]:
        duration_s = len(mono) / SAMPLE_RATE
        segments, _ = self._model.transcribe(
            np.pad(mono, (0, _TAIL_FRAMES)),
            language=language,
            beam_size=5,
            temperature=0.0,
            word_timestamps=True,
            vad_filter=False,
            condition_on_previous_text=False,
            no_speech_threshold=_NO_SPEECH,
            compression_ratio_threshold=_COMPRESSION_LIMIT,
        )
        words: list[Word] = []
        for segment in _until_exhausted(segments):
            monitor.report(min(segment.end / duration_s, 1.0))
            if _is_believable(segment):
                words += _words(segment, duration_s)
        return without_loops(sounding_words(words, mono, SAMPLE_RATE))


def surer_passages(first: Sequence[Word], second: Sequence[Word]) -> list[Word]:
    """Of two hearings of one recording the surer one, passage by passage.

    Passages end where neither hears a word for half a second. A hearing is as sure as its words are more likely than
    not, added up: so more words win if they are sure ones, and where one hears nothing the other must be sure.

    Args:
        first: Timed words in order; it wins where both are equally sure.
        second: Those of the other hearing.
    """
    heard = sorted(
        [(word, 0) for word in first] + [(word, 1) for word in second], key=lambda pair: pair[0].start_s or 0.0
    )
    kept: list[Word] = []
    passage: tuple[list[Word], list[Word]] = ([], [])
    end_s = 0.0
    for word, which in heard:
        if (word.start_s or 0.0) - end_s >= _PASSAGE_PAUSE_S:
            kept += _surer(*passage)
            passage = ([], [])
        passage[which].append(word)
        end_s = max(end_s, word.end_s or 0.0)
    return kept + _surer(*passage)


def _surer(first: list[Word], second: list[Word]) -> list[Word]:
    return first if _sureness(first) >= _sureness(second) else second


def _sureness(words: Sequence[Word]) -> float:
    return sum((word.confidence if word.confidence is not None else 1.0) - _WORTH for word in words)


def without_loops(words: Sequence[Word]) -> list[Word]:
    """The words with phrases of up to eight words that repeat more than three times in a row cut to three times.

    A sung refrain repeats two or three times; a stuck decoder repeats until its window is full.
    """
    kept: list[Word] = []
    for word in words:
        kept.append(word)
        for length in range(1, _LOOP_WORDS + 1):
            span = length * (_LOOP_REPEATS + 1)
            if len(kept) < span:
                break
            tail = [w.text.lower().strip(".,!?") for w in kept[-span:]]
            if all(tail[i] == tail[i % length] for i in range(span)):
                del kept[-length:]
                break
    return kept


def sounding_words(words: Sequence[Word], mono: NDArray[np.float32], sample_rate: int) -> list[Word]:
    """The words during which something sounds louder than -50 dB below the recording's loud parts."""
    block = sample_rate // 20
    count = max(1, len(mono) // block)
    power = np.square(mono[: count * block].astype(float)).reshape(count, -1).mean(axis=1) if len(mono) >= block else []
    level = 10.0 * np.log10(np.asarray(power) + 1e-12)
    if not len(level):
        return []
    loud = float(np.percentile(level, 95))
    kept = []
    for word in words:
        if word.start_s is None or word.end_s is None:
            continue
        first, last = int(word.start_s * 20), math.ceil(word.end_s * 20) + 1
        if level[first:last].max(initial=-np.inf) > loud + _QUIET_RMS_DB:
            kept.append(word)
    return kept


def lines_of(words: Iterable[Word], options: WordOptions) -> list[Line]:
    """Words as lines, broken at pauses, at the end of sentences, and when they grow too long."""
    lines: list[list[Word]] = []
    for word in words:
        line = lines[-1] if lines else None
        if line is None or _starts_line(line, word, options):
            lines.append([word])
        else:
            line.append(word)
    return [Line(tuple(line)) for line in lines]


def _starts_line(line: Sequence[Word], word: Word, options: WordOptions) -> bool:
    first, last = line[0], line[-1]
    if word.start_s is None or last.end_s is None or first.start_s is None or word.end_s is None:
        return False
    is_sentence_end = last.text.endswith((".", "!", "?")) and len(line) > 2
    return (
        word.start_s - last.end_s >= options.shortest_pause_s
        or word.end_s - first.start_s > options.longest_line_s
        or is_sentence_end
    )


def _until_exhausted(segments: Iterable[Any]) -> Iterator[Any]:
    """The segments, also when faster-whisper stumbles over the rest of a recording.

    Its word alignment fails with an IndexError (1.2.1) when the last window is shorter than one of its frames, 20 ms;
    nothing can be sung in that.
    """
    with contextlib.suppress(IndexError):
        yield from segments


def _is_believable(segment: Any) -> bool:
    """Whether somebody sings it: a loop is sure of itself, so what tells it from a refrain is that nobody is heard."""
    is_loop = segment.compression_ratio > _COMPRESSION_LIMIT
    if is_loop and (segment.avg_logprob < -0.5 or segment.no_speech_prob > _NO_SPEECH_IN_LOOPS):
        return False
    return not (segment.no_speech_prob > _NO_SPEECH and segment.avg_logprob < -0.7)


def _words(segment: Any, duration_s: float) -> list[Word]:
    words = []
    for word in segment.words or ():
        text = word.word.strip()
        start = min(max(float(word.start), 0.0), duration_s)
        end = min(max(float(word.end), start), duration_s)
        if end > start and any(sign.isalnum() for sign in text):
            words.append(Word(text, start, end, min(max(float(word.probability), 0.0), 1.0)))
    return words


def _confident(lines: Iterable[Line], options: WordOptions) -> list[Line]:
    kept = []
    for line in lines:
        sure = [word.confidence for word in line.words if word.confidence is not None]
        if not sure or sum(sure) / len(sure) >= options.lowest_confidence:
            kept.append(line)
    return kept
