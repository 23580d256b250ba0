"""`align`: known words to the times at which they are sung.

The ladder: `Aligner.load()`, `aligner(clip, lyrics)`, and `descant.pipelines.align_song` for files, with separation.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from descant.align.chain import Chain, Kind, SungWord, build_chain
from descant.align.config import AlignOptions, Anchor, Costs
from descant.align.hearing import Floats, Heard, hear
from descant.align.lattice import Moves, best_path, fewest_moves
from descant.align.reading import Read, read_along
from descant.align.scores import SongScores, anchored_frame
from descant.align.times import Placed, place_words, sung_lyrics, timed_lyrics
from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.errors import CheckpointError, InvalidOption, MissingDependency, NothingHeard, TextReadError
from descant.hub.card import load_card
from descant.hub.checkpoint import load_tensors
from descant.hub.ctranslate2 import read_tensors
from descant.hub.store import fetch
from descant.nets.phone_reader import PhoneReader, PhoneReaderConfig
from descant.nets.whisper_decoder import WhisperDecoder
from descant.nets.whisper_encoder import FPS, SAMPLE_RATE, WhisperEncoder, WhisperEncoderConfig
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.text.language import guess_language
from descant.text.lyrics import Lyrics
from descant.text.phones import PHONES
from descant.text.sheet import Sheet

if TYPE_CHECKING:
    from tokenizers import Tokenizer

READER = "descant-phones"
WHISPER = "whisper-base"
ARCHITECTURE = "phone-reader"
_BASE = WhisperEncoderConfig(layers=6, width=512, heads=8)
_HEADS = ((3, 1), (4, 2), (4, 3), (4, 7), (5, 1), (5, 2), (5, 4), (5, 6))
"""(layer, head) pairs of base that OpenAI lists as following the audio."""

_SILENT_PEAK = 1e-3
_SURE = 0.5
ENOUGH = 0.97
"""Share of words heard with which nothing more need be listened to."""
_TURNS, _MOVED_S = 2, 1.0
"""How often the words are read along, and how far one must move for another turn: it was read in the wrong place."""

_LOST_S = 30.0
"""How far from where it was placed a line that is not heard there is looked for."""

_MOST_WORDS_A_SECOND = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """All that is known of a recording and a text; from it words are placed anew in a fraction of a second.

    Attributes:
        heard: The recording.
        reads: Where the decoder looked for the words of the text.
        chain: The text.
    """

    heard: Heard
    reads: tuple[Read, ...]
    chain: Chain


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Words in a recording.

    Attributes:
        lyrics: What is sung, line by line as in the text, with times of lines, words and syllables, and a confidence
            for each line and word. Words that were not heard have no times: their lines keep them as `unsung`.
        guessed: The same with a time for every word of the text: one that was not heard stands where the word before it
            ends.
        fit: Share of the words that are heard where they were placed; backing words that are not sung do not count.
        placed: Every word of the text, those that are not sung, too.
        evidence: To place them anew.
    """

    lyrics: Lyrics
    guessed: Lyrics
    fit: float
    placed: tuple[Placed, ...]
    evidence: Evidence

    @property
    def unsung(self) -> tuple[int, ...]:
        """Numbers of the lines, from 0, of which words were not heard."""
        return tuple(n for n, line in enumerate(self.lyrics.lines) if line.unsung)

    @property
    def unsure(self) -> tuple[int, ...]:
        """Numbers of the lines, from 0, that are more likely misplaced than not."""
        return tuple(
            n for n, line in enumerate(self.lyrics.lines) if line.confidence is not None and line.confidence < _SURE
        )


class Aligner:
    """Whisper base and Descant's phone reader with their weights loaded.

    Args:
        encoder: Whisper's.
        decoder: Whisper's.
        tokenizer: Of the same model.
        reader: From the encoder's states to phones.
    """

    def __init__(
        self, encoder: WhisperEncoder, decoder: WhisperDecoder, tokenizer: Tokenizer, reader: PhoneReader
    ) -> None:
        self._encoder = encoder.eval().requires_grad_(requires_grad=False)
        self._decoder = decoder.eval().requires_grad_(requires_grad=False)
        self._reader = reader.eval().requires_grad_(requires_grad=False)
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, name: str = READER) -> Aligner:
        """From a card's name; what is not in the cache yet is fetched.

        Raises:
            MissingDependency: The package tokenizers is not installed.
            CheckpointError: A file holds another model.
            DescantError: As for `hub.store.fetch`.
        """
        return _aligner(name)

    def __call__(
        self,
        clip: Clip,
        lyrics: Lyrics | Sheet,
        *,
        options: AlignOptions | None = None,
        anchors: Sequence[Anchor] = (),
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Alignment:
        """Find where lyrics are sung.

        Args:
            clip: Any rate and channel count, best a voice without its band.
            lyrics: What is sung, in order; a `Sheet` also tells which words are backing vocals and may be missing.
            options: Language, prices.
            anchors: Points fixed by hand.
            progress: Receives `Progress` events.
            cancel: Stops the work when raised.

        Raises:
            NothingHeard: The recording is silent, or the lyrics do not fit it; the message gives the measured reason.
            TextReadError: The lyrics are empty, or too long for the recording.
            InvalidOption: An anchor names no word, or lies outside the recording or out of order.
        """
        options = options or AlignOptions()
        monitor = Monitor(progress, cancel, "aligning")
        _prepared(lyrics, options, math.ceil(clip.duration_s * FPS), anchors)  # what cannot be is refused at once
        heard = self.hear(clip, options, monitor.part("listening", 0.0, 0.6))
        return self.align(heard, lyrics, options=options, anchors=anchors, monitor=monitor.part("reading", 0.6, 1.0))

    def best_of(
        self,
        clips: Sequence[Clip],
        lyrics: Lyrics | Sheet,
        *,
        options: AlignOptions | None = None,
        anchors: Sequence[Anchor] = (),
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Alignment:
        """Find where lyrics are sung, listening to versions of one recording: the one that they fit best decides.

        Args:
            clips: One or more of equal length, such as (separated voice, mix): what separation takes from a voice may
                be missed more than the band that it takes away. Once nearly all words are heard, the rest is spared.
            lyrics: As for a call, and so are the other arguments and the errors.
            options: Language, prices.
            anchors: Points fixed by hand.
            progress: Receives `Progress` events.
            cancel: Stops the work when raised.
        """
        options = options or AlignOptions()
        monitor = Monitor(progress, cancel, "aligning")
        any_fit = replace(options, lowest_fit=0.0)
        best: Alignment | None = None
        for number, clip in enumerate(clips):
            part = monitor.part("aligning", number / len(clips), (number + 1) / len(clips)).sink
            found = self(clip, lyrics, options=any_fit, anchors=anchors, progress=part, cancel=cancel)
            best = found if best is None or found.fit > best.fit else best
            if best.fit >= ENOUGH:
                break
        if best is None:
            raise InvalidOption("There is no recording to look for the words in.")
        if not anchors:
            require_fit(best, options)
        monitor.report(1.0)
        return best

    def hear(self, clip: Clip, options: AlignOptions, monitor: Monitor) -> Heard:
        """Listen to a recording, whatever its words are.

        Args:
            clip: Any rate and channel count.
            options: Prices.
            monitor: Reports progress, can cancel.

        Raises:
            NothingHeard: It is silent.
        """
        if clip.peak < _SILENT_PEAK:
            raise NothingHeard("The recording is silent, so no words can be found in it.", "Choose another recording.")
        mono: Floats = resample(clip.to_mono(), SAMPLE_RATE).samples[0]
        return hear(mono, self._encoder, self._reader, prior=options.costs.prior, monitor=monitor)

    def align(
        self,
        heard: Heard,
        lyrics: Lyrics | Sheet,
        *,
        options: AlignOptions,
        anchors: Sequence[Anchor] = (),
        monitor: Monitor,
    ) -> Alignment:
        """Place lyrics in a recording that was listened to; arguments and errors as for a call."""
        evidence = self.read(heard, lyrics, options=options, anchors=anchors, monitor=monitor)
        found = realign(evidence, lyrics, options=options, anchors=anchors, cancel=monitor.cancel)
        monitor.report(1.0)
        return found

    def read(
        self,
        heard: Heard,
        lyrics: Lyrics | Sheet,
        *,
        options: AlignOptions,
        anchors: Sequence[Anchor] = (),
        monitor: Monitor,
    ) -> Evidence:
        """All that `realign` needs of a recording that was listened to; arguments and errors as for a call."""
        text, words, chain = _prepared(lyrics, options, heard.frames, anchors)
        scores = SongScores(heard, chain, options.costs, anchors=anchors)
        unread = replace(options.costs, unsung=0.0)  # by sounds alone, a line that is not there takes another's place
        path = best_path(scores, heard.frames, _moves(chain, unread), cancel=monitor.cancel)
        places = _places(path, chain, words, scores)
        reads: tuple[Read, ...] = ()
        for turn in range(_TURNS):
            reads = read_along(
                heard.windows,
                words,
                places,
                chain,
                self._decoder,
                self._tokenizer,
                _HEADS,
                text.language,
                monitor.part("reading", turn / _TURNS, (turn + 1) / _TURNS),
                before=reads,
            )
            scores = SongScores(heard, chain, options.costs, reads=reads, anchors=anchors)
            path = _path(scores, chain, heard, options, monitor.cancel)
            before, places = places, _places(path, chain, words, scores)
            if np.abs(places - before).max() < _MOVED_S:
                break  # the words were read where they are
        return Evidence(heard, reads, chain)


def realign(
    evidence: Evidence,
    lyrics: Lyrics | Sheet,
    *,
    options: AlignOptions | None = None,
    anchors: Sequence[Anchor] = (),
    cancel: CancelToken | None = None,
) -> Alignment:
    """Place the same words anew, with other anchors or prices; the recording is not listened to again.

    Args:
        evidence: Of an earlier alignment of the same words.
        lyrics: The words.
        options: Language, prices.
        anchors: Points fixed by hand.
        cancel: Stops the work when raised.

    Raises:
        DescantError: As for `Aligner`.
    """
    options = options or AlignOptions()
    heard = evidence.heard
    text, words, chain = _prepared(lyrics, options, heard.frames, anchors)
    if not np.array_equal(chain.phones, evidence.chain.phones):
        raise InvalidOption("The words are others than those that were read along.", "Align them as a whole.")
    scores = SongScores(heard, chain, options.costs, reads=evidence.reads, anchors=anchors)
    placed = place_words(_path(scores, chain, heard, options, cancel), chain, scores)
    timed = timed_lyrics(text, placed, chain)
    alignment = Alignment(sung_lyrics(timed, placed), timed, _fit(placed, words), placed, evidence)
    if not anchors:
        require_fit(alignment, options)
    return alignment


def _fit(placed: Sequence[Placed], words: Sequence[SungWord]) -> float:
    """Share of the words that are heard: of a line that is passed over none is, and backing words may be missing."""
    return _heard(place for place, word in zip(placed, words, strict=True) if not (place.is_unsung and word.is_backing))


def _heard(placed: Iterable[Placed]) -> float:
    """Share of those that somebody could hear."""
    sure = [place.confidence >= _SURE for place in placed if place.confidence is not None]
    return float(np.mean(sure)) if sure else 0.0


def require_fit(alignment: Alignment, options: AlignOptions) -> None:
    """Refuse lyrics that are not those of the recording.

    Raises:
        NothingHeard: Fewer of the words are heard than `options.lowest_fit`, or of those that were not left out fewer
            than `options.fit_needed`.
    """
    placed = [place for place in alignment.placed if not place.is_unsung]
    needed = options.fit_needed(len(placed))
    if alignment.fit < options.lowest_fit or _heard(placed) < needed:
        raise NothingHeard(
            f"These lyrics do not fit the recording: {alignment.fit:.0%} of the words are heard where they would have "
            f"to be sung, and of {len(placed)} at least {needed:.0%} must be.",
            "Are they of another song or language, or of more than is recorded here? If not, fix a word with --anchor.",
        )


def require_room(lyrics: Lyrics | Sheet, duration_s: float) -> None:
    """Refuse lyrics that no recording of this length can hold; costs nothing, so it can be said first.

    Raises:
        TextReadError: The lyrics are empty, or too long.
    """
    words = _sung_words(lyrics)
    if not words:
        raise TextReadError("The lyrics are empty.", "Write what is sung, line by line.")
    if len(words) > _MOST_WORDS_A_SECOND * duration_s:
        raise _too_long(len(words), round(duration_s * FPS))


def chain_of(lyrics: Lyrics | Sheet, options: AlignOptions) -> Chain:
    """The states of a text, as `Evidence` of it needs them."""
    return _as_chain(lyrics, options)[1]


def _as_chain(lyrics: Lyrics | Sheet, options: AlignOptions) -> tuple[Lyrics, Chain]:
    text = lyrics.lyrics if isinstance(lyrics, Sheet) else lyrics
    language = options.language or text.language or guess_language(text.text).code
    return replace(text, language=language), build_chain(_sung_words(lyrics), language)


def _path(
    scores: SongScores, chain: Chain, heard: Heard, options: AlignOptions, cancel: CancelToken | None
) -> np.ndarray:
    return best_path(scores, heard.frames, _moves(chain, options.costs), cancel=cancel)


def _moves(chain: Chain, costs: Costs, *, whole_lines: bool = False) -> Moves:
    """Where a path may go; with whole lines, past none but backing words."""
    jumps = [jump for jump in chain.jumps if jump.is_backing or not whole_lines]
    prices = [-jump.phones * (costs.backing if jump.is_backing else costs.unsung) for jump in jumps]
    ways = np.array([(jump.source, jump.target) for jump in jumps], np.int32).reshape(-1, 2)
    return Moves(chain.optional, ways, np.array(prices, np.float32))


def _places(path: np.ndarray, chain: Chain, words: Sequence[SungWord], scores: SongScores) -> np.ndarray:
    """Where the middles of words may be in seconds, earliest and latest, [words, 2].

    Both are where it was found, if its line is likely to be sung there. If not, it may be half a minute away, up to the
    nearest words that are sure; one that the path passed over, anywhere between these.
    """
    numbers = np.arange(len(chain.spoken))
    sung = np.flatnonzero(chain.kinds[path] == Kind.PHONE)
    first, last = (np.searchsorted(chain.words[path[sung]], numbers, side=side) for side in ("left", "right"))
    is_sung = first < last
    starts = np.where(is_sung, np.append(sung, 0)[first], np.nan)
    ends = np.where(is_sung, np.append(0, sung + 1)[last], np.nan)
    middles = (starts + ends) / 2
    is_known = is_sung & _are_sure(place_words(path, chain, scores), words)
    before = np.maximum.accumulate(np.where(is_known, ends, 0))
    behind = np.minimum.accumulate(np.where(is_known, starts, len(path))[::-1])[::-1]
    earliest = np.where(is_known, middles, np.fmax(before, middles - _LOST_S * FPS))
    latest = np.where(is_known, middles, np.fmin(behind, middles + _LOST_S * FPS))
    rising = np.maximum.accumulate(earliest), np.minimum.accumulate(latest[::-1])[::-1]
    places: np.ndarray = np.stack(rising, axis=1) / FPS
    return places


def _are_sure(placed: Sequence[Placed], words: Sequence[SungWord]) -> np.ndarray:
    """Whether the lines of words are more likely sung where they were placed than not."""
    lines = np.array([word.line for word in words])
    sure = np.array([np.nan if place.confidence is None else place.confidence for place in placed])
    heard = ~np.isnan(sure)
    sums, counts = (np.bincount(lines[heard], each, lines[-1] + 1) for each in (sure[heard], None))
    found: np.ndarray = (sums >= _SURE * counts)[lines]
    return found


def _prepared(
    lyrics: Lyrics | Sheet, options: AlignOptions, frames: int, anchors: Sequence[Anchor]
) -> tuple[Lyrics, tuple[SungWord, ...], Chain]:
    require_room(lyrics, frames / FPS)
    text, chain = _as_chain(lyrics, options)
    words = _sung_words(lyrics)
    if len(chain) == 1:
        raise TextReadError("The lyrics have no word that can be sung.", "Write them in Latin letters.")
    if _fewest(_moves(chain, options.costs, whole_lines=True), _START, _end(chain)) >= frames:
        raise _too_long(len(words), frames)
    _require_possible(anchors, text, chain, _moves(chain, options.costs), frames)
    return text, words, chain


def _sung_words(lyrics: Lyrics | Sheet) -> tuple[SungWord, ...]:
    if isinstance(lyrics, Sheet):
        return tuple(SungWord(w.text, n, w.is_backing) for n, line in enumerate(lyrics.lines) for w in line.words)
    return tuple(SungWord(word.text, n) for n, line in enumerate(lyrics.lines) for word in line.words)


def _too_long(words: int, frames: int) -> TextReadError:
    return TextReadError(
        f"The lyrics have {words} words, more than can be sung in {frames / FPS:.1f} s.",
        "Are they of this recording, and is it whole?",
    )


_START = (0, 1)
"""States in which a path may start: the first rest, or the first phone."""


def _end(chain: Chain) -> tuple[int, ...]:
    return (len(chain) - 2, len(chain) - 1)


def _fewest(moves: Moves, sources: Sequence[int], targets: Sequence[int]) -> int:
    return min(fewest_moves(moves, source, target) for source in sources for target in targets if source <= target)


def _require_possible(anchors: Sequence[Anchor], text: Lyrics, chain: Chain, moves: Moves, frames: int) -> None:
    starts = chain.first_states()
    before: tuple[int, Sequence[int]] = (0, _START)
    for anchor in sorted(anchors, key=lambda each: each.word):
        if not 0 <= anchor.word < len(text.words):
            raise InvalidOption(f"There is no word {anchor.word + 1}: the lyrics have {len(text.words)}.")
        word = text.words[anchor.word].text
        if not chain.is_sounding(anchor.word):
            raise InvalidOption(f"{word!r} has no sound, so it cannot be fixed.", "Fix the word after it.")
        if not 0.0 <= anchor.start_s < frames / FPS:
            raise InvalidOption(
                f"{word!r} cannot start at {anchor.start_s:g} s: the recording lasts {frames / FPS:.1f} s."
            )
        here = (anchored_frame(anchor, frames), (int(starts[anchor.word]),))
        if here[1][0] in before[1][:1] or here[0] < before[0] + _fewest(moves, before[1], here[1]):
            raise InvalidOption(
                f"{word!r} cannot start at {anchor.start_s:g} s: the words before it do not fit between it and "
                f"{'the start' if before[1] is _START else 'the fixed word before it'}.",
                "Fix words in the order in which they are sung, not closer than they can be sung.",
            )
        before = here
    if anchors and frames - 1 < before[0] + _fewest(moves, before[1], _end(chain)):
        raise InvalidOption(
            f"The words after the last fixed one do not fit into the {(frames - before[0]) / FPS:.2f} s that are left."
        )


@cache
def _aligner(name: str) -> Aligner:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingDependency(
            "Aligning words needs the package tokenizers.", 'Install it with: pip install "descant[words]"'
        ) from error
    load_card(name).require_architecture(ARCHITECTURE)
    reader = load_reader(fetch(name))
    whisper = fetch(WHISPER)
    encoder, decoder = WhisperEncoder(_BASE), WhisperDecoder()
    try:
        encoder.load_converted(read_tensors(whisper / "model.bin", "encoder/"))
        decoder.load_converted(read_tensors(whisper / "model.bin", "decoder/"))
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(
            f"The files of '{WHISPER}' hold another model: {error}.", f"Run `descant models verify --repair {WHISPER}`."
        ) from error
    return Aligner(encoder, decoder, Tokenizer.from_file(str(whisper / "tokenizer.json")), reader)


def load_reader(folder: Path) -> PhoneReader:
    """The phone reader of a folder with `config.json` and `weights.safetensors`.

    Raises:
        CheckpointError: They do not belong together, or the phones are not those of this Descant.
    """
    try:
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        config = PhoneReaderConfig(
            states=told["states"], width=told["width"], kernel=told["kernel"], layers=tuple(told["layers"])
        )
        if tuple(told["phones"]) != PHONES:
            raise CheckpointError("The phone reader knows other phones than this Descant.", "Update Descant.")
        reader = PhoneReader(config)
        tensors = load_tensors(folder / "weights.safetensors")
        reader.load_state_dict({key: value.float() for key, value in tensors.items()})
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{folder} holds no sound phone reader: {error}.", "Get it again.") from error
    return reader
