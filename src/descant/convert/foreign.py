"""Voices that RVC and so-vits-svc trained, through the same gate, mark and log as Descant's own.

Such weights sing with one person's voice, so they cannot be used by themselves: they are bound to a voice of the store
(`bind`), and sing only for a consent that names both the recordings of the voice and these weights.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.signal
import torch
from numpy.typing import NDArray

from descant.convert.api import VoiceConverter, adapted_to
from descant.convert.content_vec import ContentVec
from descant.convert.features import level_frames
from descant.convert.options import ConvertOptions
from descant.convert.stream import MARGIN, PER_FRAME, Blocks, Melody, gate, noise_of
from descant.convert.voice import Voice
from descant.errors import CheckpointError, ConsentMissing, InvalidOption
from descant.files import output_error
from descant.hub.card import load_card
from descant.hub.checkpoint import load_onto
from descant.hub.files import sha256_of
from descant.hub.store import fetch
from descant.nets.hubert import HOP as CONTENT_HOP
from descant.nets.hubert import SAMPLE_RATE
from descant.nets.swift_f0 import SwiftF0
from descant.nets.vits_voice import VitsVoice, VitsVoiceConfig, VoiceFrames, VoiceNoise

Floats = NDArray[np.float32]

ARCHITECTURE = "vits-voice"

_BLOCK = 600
"""Frames of a block: these nets are ten times as large as Descant's own."""
_HEARD = 40
"""Frames beside a sample that a generator hears at most: 3 before the first stage, and 60 samples after it."""
_TEMPER = {"rvc": 0.66666, "so-vits-svc": 0.4}
_RUMBLE_HZ, _RUMBLE_ORDER = 48.0, 5
_VOICED = 0.5
_OFFSETS_FRAME = (1 << 20) - 1
"""The frame whose noise the phases of the sines are: the last of a seed, almost three hours on."""


@dataclass(frozen=True, slots=True)
class ForeignVoice:
    """What the `config.json` of imported weights says.

    Attributes:
        network: Sizes of the net.
        speakers: Name -> number, where the program keeps names.
        kind: Program, version and rate in words.
        speaker: Number of the one that sings.
    """

    network: VitsVoiceConfig
    speakers: dict[str, int]
    kind: str
    speaker: int

    @classmethod
    def read(cls, folder: Path) -> ForeignVoice:
        """From a folder.

        Raises:
            CheckpointError: It is damaged.
        """
        stated = _stated(folder)
        try:
            network = VitsVoiceConfig.from_json(stated["network"])
            speakers = {str(name): int(number) for name, number in stated["speakers"].items()}
            speaker = int(stated.get("speaker", 0))
            if not 0 <= speaker < network.speakers:
                raise ValueError(f"there is no speaker {speaker}")
            return cls(network, speakers, str(stated["kind"]), speaker)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(
                f"{folder / 'config.json'} cannot be used: {error}.", "Import the voice again."
            ) from error

    def number_of(self, speaker: str) -> int:
        """The number of a speaker.

        Args:
            speaker: A name, or a number; empty where there is only one.

        Raises:
            InvalidOption: There is none of this name, or it is not clear which one is meant.
        """
        if speaker in self.speakers:
            return self.speakers[speaker]
        known = ", ".join(self.speakers) or f"0 to {self.network.speakers - 1}"
        if not speaker and len(self.speakers) > 1:
            raise InvalidOption(f"These weights sing with several voices: {known}.", "Choose one: --speaker.")
        if not speaker:
            return next(iter(self.speakers.values()), 0)
        if not self.speakers and speaker.isdecimal() and len(speaker) < 7 and int(speaker) < self.network.speakers:
            return int(speaker)
        raise InvalidOption(f"These weights have no speaker {speaker!r}.", f"They have {known}.")


class ForeignConverter(VoiceConverter):
    """One voice to that of imported weights.

    Args:
        net: With its weights.
        content: Makes the content that the net was trained on.
        tracker: For the pitch.
        speaker: Number of the one that sings.
        model: Where the weights come from, for the log and for what files say.
        adapted_to: What a consent must be about; see `bind`.

    Raises:
        ConsentMissing: The weights are bound to no voice.
    """

    def __init__(
        self,
        net: VitsVoice,
        content: ContentVec,
        tracker: SwiftF0,
        *,
        speaker: int = 0,
        model: str = "unnamed",
        adapted_to: str,
    ) -> None:
        if not adapted_to:
            raise ConsentMissing(
                "The weights of another program sing with one person's voice, and these are bound to none.",
                "`descant voice add NAME RECORDINGS --weights CARD` binds them to recordings of that person.",
            )
        super().__init__(tracker, model=model, adapted_to=adapted_to)
        self.net = net.eval().requires_grad_(requires_grad=False)
        self.content = content
        self.speaker = speaker

    @classmethod
    def from_folder(cls, folder: Path, *, model: str = "") -> ForeignConverter:
        """With weights that were bound to a voice.

        Raises:
            ModelNotFound: The content that they need is not here.
            CheckpointError: The weights are damaged.
            ConsentMissing: They are bound to no voice.
        """
        stated = ForeignVoice.read(folder)
        content = ContentVec.load(stated.network.content)  # before much is read
        with torch.device("meta"):
            net = VitsVoice(stated.network)
        load_onto(net, folder / "weights.safetensors")
        return cls(
            net,
            content,
            SwiftF0.load(),
            speaker=stated.speaker,
            model=model or folder.name,
            adapted_to=adapted_to(folder),
        )

    def _blocks(self, voice: Voice, options: ConvertOptions, melody: Melody) -> Blocks:  # noqa: ARG002
        return ForeignBlocks(self.net, self.content, self.speaker, options, melody)

    def _transposition(self, melody: Melody, voice: Voice, options: ConvertOptions) -> float:
        if options.formant:
            raise InvalidOption("The weights of another program have no formant control.", "Leave --formant out.")
        if self.net.config.has_pitch:
            return super()._transposition(melody, voice, options)
        if options.semitones:
            raise InvalidOption(
                "These weights were trained without pitch: they speak, and follow no melody.", "Leave --semitones out."
            )
        return 0.0


class ForeignBlocks(Blocks):
    """One conversion; frames of the net lie at multiples of its hop from the beginning, whatever block they are in.

    Args:
        net: In evaluation mode.
        content: Makes its content.
        speaker: Who sings.
        options: How.
        melody: Pitch of the whole.
    """

    def __init__(
        self, net: VitsVoice, content: ContentVec, speaker: int, options: ConvertOptions, melody: Melody
    ) -> None:
        super().__init__(len(melody.f0_hz), _BLOCK, net.config.sample_rate)
        self._net, self._content, self._options = net, content, options
        self._speaker = torch.tensor([speaker])
        self._step = net.config.hop
        count = -(-self.frames * self._hop // self._step)
        at = np.arange(count) * self._step / self._hop
        known = np.arange(self.frames)
        f0_hz = np.exp(np.interp(at, known, np.log(np.maximum(melody.f0_hz, 1.0))))
        self._voiced = np.interp(at, known, melody.voiced) > _VOICED
        if net.config.program == "rvc":
            f0_hz = np.where(self._voiced, f0_hz, 0.0)
        self._f0_hz = f0_hz.astype(np.float32)
        turns = np.cumsum(self._f0_hz.astype(np.float64) * self._step / self.sample_rate)
        self._cycles = np.concatenate([[0.0], turns[:-1]]) % 1.0
        offsets = noise_of(options.seed, _OFFSETS_FRAME, max(net.config.harmonics, 1)) % 1.0
        offsets[0] = 0.0
        self._offsets = torch.from_numpy(offsets[: net.config.harmonics])

    def _render(self, start: int, stop: int, mono: Floats) -> Floats:
        first, last = max(0, start - MARGIN), min(self.frames, stop + MARGIN)
        begin, end = first * self._hop // self._step, -(-last * self._hop // self._step)
        low = max(begin, start * self._hop // self._step - _HEARD)
        high = min(end, -(-stop * self._hop // self._step) + _HEARD)
        frames, noise = self._frames(begin, end, start - MARGIN, mono), self._noise(begin, end, low, high)
        temper, kept = _TEMPER[self._net.config.program], slice(low - begin, high - begin)
        sound: Floats = self._net(frames, self._speaker, noise, temper, kept)[0].numpy()
        offset = start * self._hop - low * self._step
        wanted = sound[offset : offset + (stop - start) * self._hop]
        level = level_frames(mono, len(mono) // PER_FRAME)[MARGIN : MARGIN + stop - start]
        gated: Floats = (wanted * gate(level, self._hop)).astype(np.float32)
        return gated

    def _frames(self, begin: int, end: int, origin: int, mono: Floats) -> VoiceFrames:
        """Frames `begin` to `end` of the net; `mono` begins at frame `origin` of a hundred a second."""
        heard = _without_rumble(mono) if self._net.config.program == "rvc" else mono
        content = self._content(heard)
        at = (np.arange(begin, end) * self._step - origin * self._hop) * SAMPLE_RATE // self.sample_rate
        near = np.clip(at // CONTENT_HOP, 0, len(content) - 1)
        return VoiceFrames(
            torch.from_numpy(content[near])[None],
            torch.from_numpy(self._f0_hz[begin:end])[None],
            torch.from_numpy(self._voiced[begin:end])[None],
            torch.from_numpy(self._level(mono, at))[None],
            torch.from_numpy(self._cycles[begin:end])[None],
        )

    def _level(self, mono: Floats, at: NDArray[np.int64]) -> Floats:
        """RMS of a frame's length around samples, as so-vits-svc measures it."""
        half = max(1, round(0.5 * self._step * SAMPLE_RATE / self.sample_rate))
        sums = np.concatenate([[0.0], np.cumsum(np.square(mono, dtype=np.float64))])
        low, high = np.clip(at - half, 0, len(mono)), np.clip(at + half, 0, len(mono))
        level: Floats = np.sqrt(np.maximum(sums[high] - sums[low], 0.0) / (2 * half)).astype(np.float32)
        return level

    def _noise(self, begin: int, end: int, low: int, high: int) -> VoiceNoise:
        """For frames `begin` to `end` of the net, of which those from `low` to `high` become sound."""
        config, seed = self._net.config, self._options.seed
        count = config.channels + self._step * config.harmonics
        rows = [noise_of(seed, frame, count if low <= frame < high else config.channels) for frame in range(begin, end)]
        latent = np.stack([row[: config.channels] for row in rows], axis=1)
        source = np.concatenate([row[config.channels :] for row in rows])
        shaped = torch.from_numpy(source).view(1, -1, max(config.harmonics, 1))
        return VoiceNoise(torch.from_numpy(latent)[None], shaped, self._offsets)


def bind(card_name: str, speaker: str, audio_sha256: str, folder: Path) -> str:
    """Make a folder of imported weights that sing with one voice of the store.

    Args:
        card_name: Of the imported weights.
        speaker: Which of their voices; see `ForeignVoice.number_of`.
        audio_sha256: Digest of recordings of the person.
        folder: To make; takes `config.json` and `weights.safetensors`.

    Returns:
        A digest of the recordings and the weights together: what a consent must be about.

    Raises:
        CardError: The card is for something else.
        InvalidOption: There is no such speaker, or it is not clear which one is meant.
        CheckpointError: The weights are damaged.
        OutputError, PermissionRefused: The folder cannot be written.
    """
    load_card(card_name).require_architecture(ARCHITECTURE)
    source = fetch(card_name)
    number = ForeignVoice.read(source).number_of(speaker)
    weights = source / "weights.safetensors"
    digest = hashlib.sha256(f"{audio_sha256}\n{sha256_of(weights)}\n{number}".encode()).hexdigest()
    stated = {**_stated(source), "speaker": number, "voice": {"audio_sha256": digest}}
    try:
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(stated, indent=1) + "\n", encoding="utf-8")
        shutil.copyfile(weights, folder / "weights.safetensors")
    except OSError as error:
        raise output_error(error, folder) from error
    return digest


def is_foreign(folder: Path) -> bool:
    """Whether the weights in a folder are those of another program.

    Raises:
        CheckpointError: Its configuration is damaged.
    """
    return "kind" in _stated(folder)


def _stated(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(stated, dict):
            raise TypeError("it is no table")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be used: {error}.", "Import the voice again.") from error
    return stated


def _without_rumble(mono: Floats) -> Floats:
    """What RVC's nets heard in training: nothing below 48 Hz."""
    sections = scipy.signal.butter(_RUMBLE_ORDER, _RUMBLE_HZ, "highpass", fs=SAMPLE_RATE, output="sos")
    filtered: Floats = scipy.signal.sosfiltfilt(sections, mono).astype(np.float32)
    return filtered
