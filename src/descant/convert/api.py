"""`Converter`: one voice to another, from a clip to a clip.

The gate is here, under everything that is public: without a permit for the voice nothing is converted, and what is
converted is logged first and carries a mark that leads back to the log.
"""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant import __version__
from descant.audio.clip import Clip
from descant.audio.provenance import Provenance
from descant.audio.resample import Resampler, resample
from descant.convert.consent import Permit, require_permit
from descant.convert.content import ContentEncoder
from descant.convert.features import HIGHEST_HZ, LOWEST_HZ, pitch_frames
from descant.convert.options import DEFAULT_OPTIONS, ConvertOptions
from descant.convert.renders import Render, log, log_path
from descant.convert.speaker import SpeakerEmbedder
from descant.convert.stream import BlockConverter, Blocks, Melody, middle_of
from descant.convert.voice import Voice, is_sung, voice_of
from descant.dsp.pitch import PitchTrack
from descant.dsp.watermark import Marker
from descant.errors import CardError, CheckpointError, ConsentMissing, InvalidAudio
from descant.hub.card import load_card
from descant.hub.checkpoint import load_into
from descant.hub.store import fetch
from descant.nets.source_filter import FPS
from descant.nets.source_filter import SAMPLE_RATE as VOICE_RATE
from descant.nets.swift_f0 import HOP, SwiftF0
from descant.nets.voice_decoder import VoiceDecoder, VoiceDecoderConfig
from descant.nets.whisper_encoder import SAMPLE_RATE
from descant.progress import CancelToken, Monitor, ProgressSink

Floats = NDArray[np.float32]

DEFAULT_CARD = "descant-voice"

_TRACKED_HOPS, _MARGIN_HOPS = 7_500, 32
_TRACKING = 0.15
_HASHED = 1 << 20
_LARGEST = 4096
"""Of a decoder's sizes: ten times those that are shipped, and no danger to memory."""

_ON_DAMAGE = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Converted:
    """How a conversion was made.

    Attributes:
        clip: The new voice, of the rate, channel count and length of the old one.
        semitones: By how much it was transposed.
        provenance: What its file should say (`AudioWriter`'s comment); the mark in it is in the sound.
    """

    clip: Clip
    semitones: float
    provenance: Provenance


class VoiceConverter(ABC):
    """What every kind of net has in common: the gate, the melody, the mark, the log; shapes stay what they were.

    Args:
        tracker: For the pitch.
        model: Where the weights come from, for the log and for what files say.
        adapted_to: Digest of what the one voice was made from that the weights sing with; they then sing with no
            other's consent. Empty for weights of many voices.
    """

    def __init__(self, tracker: SwiftF0, *, model: str, adapted_to: str) -> None:
        self.tracker = tracker
        self.model = model
        self.adapted_to = adapted_to

    @abstractmethod
    def _blocks(self, voice: Voice, options: ConvertOptions, melody: Melody) -> Blocks:
        """A conversion that makes blocks of sound; whoever calls this has been through the gate."""

    def _transposition(self, melody: Melody, voice: Voice, options: ConvertOptions) -> float:
        """By how many semitones a melody is moved: singing to where the voice sings, speech to where it speaks.

        Raises:
            InvalidOption: The weights cannot do what is asked for.
        """
        singing = is_sung(melody.f0_hz, melody.voiced)
        return options.transposition(middle_of(melody), voice.middle_for(singing=singing))

    def __call__(
        self,
        clip: Clip,
        voice: Voice,
        permit: Permit,
        options: ConvertOptions = DEFAULT_OPTIONS,
        *,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Converted:
        """Sing a clip with another voice.

        Args:
            clip: One voice, dry and alone.
            voice: Whose voice to sing with.
            permit: By whose consent.
            options: How.
            progress: Receives the share that is done.
            cancel: Stops within a block.

        Raises:
            ConsentMissing, ConsentInvalid, ConsentExpired, ConsentRevoked: The permit does not hold for the voice.
            OutputError: The log of renders cannot be written.
            InvalidAudio: The clip is empty, or holds no pitch.
            Cancelled: It was asked to stop.
        """
        require_permit(permit, voice)  # before any work
        if clip.frames == 0:
            raise InvalidAudio("There is no audio to convert: its length is zero.", "Record or export it again.")
        low = resample(clip.to_mono(), SAMPLE_RATE).samples[0]
        monitor = Monitor(progress, cancel, "converting")
        job = self.job(low, voice, permit, options, monitor)
        up = Resampler(VOICE_RATE, clip.sample_rate, 1)
        parts = [up.push(Clip(sound[np.newaxis], VOICE_RATE)).samples for sound in job.blocks]
        parts.append(up.push(Clip(np.zeros((1, 0), np.float32), VOICE_RATE), last=True).samples)
        mono = fitted(np.concatenate(parts, axis=1), clip.frames)
        return Converted(Clip(mono, clip.sample_rate).to_channels(clip.channels), job.semitones, job.provenance)

    def job(self, low: Floats, voice: Voice, permit: Permit, options: ConvertOptions, monitor: Monitor) -> Job:
        """A conversion of samples at 16 kHz that makes its blocks when they are asked for; they are marked.

        Args:
            low: [samples] at 16 kHz; an array in a file will do.
            voice: Whose voice to sing with.
            permit: By whose consent.
            options: How.
            monitor: Receives the share that is done.

        Raises:
            ConsentMissing, ConsentInvalid, ConsentExpired, ConsentRevoked: The permit does not hold for the voice.
            OutputError: The log of renders cannot be written.
            InvalidAudio: Nothing has a pitch.
        """
        consent = require_permit(permit, voice).consent
        if self.adapted_to not in {"", consent.subject.audio_sha256}:
            raise ConsentMissing(
                f"The model {self.model} sings with one voice only, and the consent is for another.",
                "Use the weights that belong to the voice, or those of many voices.",
            )
        frames = -(-len(low) * FPS // SAMPLE_RATE)
        f0_hz, voiced = pitch_frames(self._track(low, monitor.part("melody", 0.0, _TRACKING)), frames)
        heard = Melody(f0_hz, voiced)
        if math.isnan(middle_of(heard)):
            raise InvalidAudio("Nothing in it has a pitch: there is no voice to convert.", "Give a voice alone.")
        semitones = self._transposition(heard, voice, options)
        melody = Melody((f0_hz * 2.0 ** (semitones / 12.0)).astype(np.float32), voiced)
        blocks = self._blocks(voice, options, melody)
        mark = _mark(low, consent.number, self.model, options)
        name = consent.subject.voice
        log(Render(datetime.now(UTC).isoformat(), self.model, name, consent.number, f"{mark:08x}"), log_path())
        provenance = Provenance(f"Descant {__version__}", self.model, name, consent.number, f"{mark:08x}")
        sung = _run(blocks, low, frames, monitor.part("singing", _TRACKING, 1.0))
        return Job(semitones, _marked(_at_voice_rate(sung, blocks.sample_rate), mark), provenance)

    def _track(self, low: Floats, monitor: Monitor) -> PitchTrack:
        """Pitch of everything, two minutes at a time."""
        hops = max(1, len(low) // HOP)
        tracks = []
        for start in range(0, hops, _TRACKED_HOPS):
            monitor.report(start / hops)
            first, stop = max(0, start - _MARGIN_HOPS), min(hops, start + _TRACKED_HOPS)
            end = len(low) if stop == hops else (stop + _MARGIN_HOPS) * HOP
            part = Clip(np.array(low[first * HOP : end], np.float32)[np.newaxis], SAMPLE_RATE)
            track = self.tracker(part, lowest_hz=LOWEST_HZ, highest_hz=HIGHEST_HZ)
            kept = slice(start - first, stop - first)
            tracks.append((track.f0_hz[kept], track.confidence[kept], track.voiced[kept]))
        f0, confidence, voiced = (np.concatenate(column) for column in zip(*tracks, strict=True))
        times = np.arange(len(f0), dtype=np.float64) * (HOP / SAMPLE_RATE)
        return PitchTrack(times, f0.astype(np.float64), confidence.astype(np.float64), voiced.astype(np.bool_))


class Converter(VoiceConverter):
    """Voices to voices by Descant's own decoder.

    Args:
        decoder: With its weights.
        encoder: For the content.
        tracker: For the pitch.
        embedder: For whose voice it is.
        model: Where the weights come from, for the log and for what files say.
        adapted_to: Digest of the recordings of the one voice that the decoder was adapted to; it then sings with no
            other's consent. Empty for a decoder of many voices.

    Example:
        >>> converter, someone = Converter.load(), VoiceStore.load().get("someone")  # doctest: +SKIP
        >>> sung = converter(read("vocals.wav"), someone.voice, someone.permit())  # doctest: +SKIP
        >>> write("sung.wav", sung.clip, comment=sung.provenance.to_comment())  # doctest: +SKIP
    """

    def __init__(
        self,
        decoder: VoiceDecoder,
        encoder: ContentEncoder,
        tracker: SwiftF0,
        embedder: SpeakerEmbedder,
        *,
        model: str = "unnamed",
        adapted_to: str = "",
    ) -> None:
        super().__init__(tracker, model=model, adapted_to=adapted_to)
        self.decoder = decoder.eval().requires_grad_(requires_grad=False)
        self.encoder = encoder
        self.embedder = embedder

    @classmethod
    def load(cls, name: str = DEFAULT_CARD) -> Converter:
        """With the weights of a card of the task "convert"; what it needs is fetched if it is not there yet.

        Raises:
            CardError: The card is for something else.
            CheckpointError: Its files are damaged.
            DescantError: As for `hub.store.fetch`.
        """
        card = load_card(name)
        if card.task != "convert" or card.architecture != "voice-decoder":
            raise CardError(f"The card {name} is no voice decoder.", "See `descant models list --task convert`.")
        return cls.from_folder(fetch(name), model=name)

    @classmethod
    def from_folder(cls, folder: Path, *, model: str = "") -> Converter:
        """With the weights in a folder; raises as `load`.

        Args:
            folder: It.
            model: What the log calls it; empty for the folder's name.
        """
        decoder, layer = load_decoder(folder)
        parts = ContentEncoder.load(layer), SwiftF0.load(), SpeakerEmbedder.load()
        return cls(decoder, *parts, model=model or folder.name, adapted_to=adapted_to(folder))

    def voice(self, reference: Clip) -> Voice:
        """A voice from 3 s or more of it alone; see `convert.voice.voice_of`."""
        return voice_of(reference, self.encoder, self.tracker, self.embedder)

    def _blocks(self, voice: Voice, options: ConvertOptions, melody: Melody) -> Blocks:
        """See `VoiceConverter`."""
        return BlockConverter(self.decoder, self.encoder, voice, options, melody)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A conversion under way.

    Attributes:
        semitones: By how much it is transposed.
        blocks: Samples at 44.1 kHz, block after block; all together 441 for each 10 ms begun.
        provenance: What the file should say.
    """

    semitones: float
    blocks: Iterator[Floats]
    provenance: Provenance


def _mark(low: Floats, consent: str, model: str, options: ConvertOptions) -> int:
    """The mark of a render: the same for the same render, as the same input gives the same bytes."""
    digest = hashlib.sha256(f"{consent}\n{model}\n{options}\n".encode())
    for start in range(0, len(low), _HASHED):
        digest.update(np.ascontiguousarray(low[start : start + _HASHED], "<f4").tobytes())
    return int.from_bytes(digest.digest()[:4], "big")


def _at_voice_rate(blocks: Iterator[Floats], sample_rate: int) -> Iterator[Floats]:
    """Blocks at the rate of marks, 44.1 kHz."""
    if sample_rate == VOICE_RATE:
        yield from blocks
        return
    change = Resampler(sample_rate, VOICE_RATE, 1)
    for sound in blocks:
        yield change.push(Clip(sound[np.newaxis], sample_rate)).samples[0]
    yield change.push(Clip(np.zeros((1, 0), np.float32), sample_rate), last=True).samples[0]


def _marked(blocks: Iterator[Floats], mark: int) -> Iterator[Floats]:
    marker = Marker(mark)
    for sound in blocks:
        yield marker.push(sound[np.newaxis])[0]
    yield marker.push(np.zeros((1, 0), np.float32), last=True)[0]


def _run(blocks: Blocks, low: Floats, frames: int, monitor: Monitor) -> Iterator[Floats]:
    for start, stop in blocks.plan():
        monitor.report(start / frames)
        first, last = blocks.window(start, stop)
        mono = np.array(low[max(first, 0) : last], np.float32)
        yield blocks(start, stop, np.pad(mono, (max(-first, 0), last - max(first, 0) - len(mono))))
    monitor.report(1.0)


def fitted(samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Cut, or followed by silence: the last 10 ms begun are mostly not whole."""
    return np.pad(samples[:, :frames], ((0, 0), (0, max(0, frames - samples.shape[1]))))


def adapted_to(folder: Path) -> str:
    """Digest of the recordings of the one voice that the decoder in a folder was adapted to; empty for many voices.

    Its `config.json` says so: `{"voice": {"audio_sha256": "..."}}`.

    Raises:
        CheckpointError: The configuration is damaged.
    """
    path = folder / "config.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8")).get("voice", {}).get("audio_sha256", ""))
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be used: {error}.", "Fetch or export the voice again.") from error


def load_decoder(folder: Path) -> tuple[VoiceDecoder, int]:
    """The decoder in a folder, and which layer of the encoder it reads.

    Raises:
        CheckpointError: Its configuration or weights are damaged.
    """
    path = folder / "config.json"
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        config = VoiceDecoderConfig(**{name: int(value) for name, value in stated["network"].items()})
        layer = int(stated["content"]["layer"])
        if not all(1 <= size <= _LARGEST for size in asdict(config).values()):
            raise ValueError("a size is impossible")
        decoder = VoiceDecoder(config)
    except _ON_DAMAGE as error:
        raise CheckpointError(f"{path} cannot be used: {error}.", "Fetch or export the voice again.") from error
    load_into(decoder, folder / "weights.safetensors")
    return decoder, layer
