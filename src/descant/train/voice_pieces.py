"""`Piece`: some seconds of one voice with all that the voice lesson needs, and files of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import soxr
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.convert.content import ContentEncoder
from descant.convert.features import features_of
from descant.convert.speaker import SpeakerEmbedder
from descant.errors import TextReadError
from descant.files import atomic_output
from descant.nets.swift_f0 import SwiftF0
from descant.nets.whisper_encoder import FPS as CONTENT_FPS
from descant.nets.whisper_encoder import SAMPLE_RATE

Floats = NDArray[np.float32]

_SPEEDS = ((0.72, 0.92), (1.08, 1.38))
_FIELDS = ("samples", "content", "f0_hz", "voiced", "level_db", "speaker", "is_sung")


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """See the module.

    Attributes:
        samples: int16 at 44.1 kHz, [samples].
        content: The states of several versions of it, in the piece's own time,
            [versions, frames at 50 a second, width]; the first is the piece itself, the others come from throats of
            other sizes.
        f0_hz: [frames at 100 a second]; see `convert.features.VoiceFeatures`.
        voiced: [frames].
        level_db: [frames].
        speaker: Embedding, [256].
        is_sung: Whether it is singing.
    """

    samples: NDArray[np.int16]
    content: NDArray[np.float16]
    f0_hz: Floats
    voiced: Floats
    level_db: Floats
    speaker: Floats
    is_sung: bool

    @property
    def frames(self) -> int:
        """At 100 a second."""
        return len(self.f0_hz)


@dataclass(frozen=True, slots=True)
class Analyst:
    """Makes pieces of clips.

    Attributes:
        encoder: For the content.
        tracker: For the pitch.
        embedder: For whose voice it is.
    """

    encoder: ContentEncoder
    tracker: SwiftF0
    embedder: SpeakerEmbedder

    @classmethod
    def load(cls) -> Analyst:
        """With the nets of the cards, which are fetched if they are not there yet."""
        return cls(ContentEncoder.load(), SwiftF0.load(), SpeakerEmbedder.load())

    def __call__(self, clip: Clip, generator: np.random.Generator, *, is_sung: bool) -> Piece:
        """The piece of a clip.

        Args:
            clip: Some seconds of one voice at 44.1 kHz, mono.
            generator: Draws the sizes of the other throats.
            is_sung: Whether it is singing.

        Raises:
            InvalidAudio: There is too little sound in it to know whose it is.
        """
        found = features_of(clip, self.encoder, self.tracker)
        speeds = [float(generator.uniform(*span)) for span in _SPEEDS]
        contents = [found.content, *(content_at_speed(clip, speed, self.encoder) for speed in speeds)]
        samples = np.round(clip.samples[0].clip(-1, 1) * 32767).astype(np.int16)
        states = np.stack(contents).astype(np.float16)
        return Piece(samples, states, found.f0_hz, found.voiced, found.level_db, self.embedder(clip), is_sung)


def resized(clip: Clip, size: float) -> Clip:
    """Played faster by `size`: pitch, formants and tempo together, as from a smaller throat."""
    if size == 1.0:
        return clip
    rate = clip.sample_rate
    return Clip(np.ascontiguousarray(soxr.resample(clip.samples.T, size * rate, rate).T, np.float32), rate)


def content_at_speed(clip: Clip, speed: float, encoder: ContentEncoder) -> Floats:
    """What the encoder hears when the clip is played faster or slower, brought back to the clip's own time.

    Playing faster moves pitch and formants up, as a smaller throat does: what stays is content. (The idea of perturbing
    the speaker is that of Choi et al., "NANSY", NeurIPS 2021.)

    Returns:
        [ceil(samples at 16 kHz / 320), width].
    """
    mono = resample(clip.to_mono(), SAMPLE_RATE).samples[0]
    frames = -(-len(mono) * CONTENT_FPS // SAMPLE_RATE)
    played = soxr.resample(mono, speed * SAMPLE_RATE, SAMPLE_RATE).astype(np.float32)
    states = encoder(played)
    at = np.minimum(np.arange(frames) / speed, len(states) - 1)
    low = np.minimum(at.astype(int), max(len(states) - 2, 0))
    share = (at - low).astype(np.float32)[:, np.newaxis]
    moved: Floats = states[low] * (1 - share) + states[np.minimum(low + 1, len(states) - 1)] * share
    return moved


def save_pieces(path: Path, pieces: Sequence[Piece]) -> None:
    """Write the pieces of one voice.

    Raises:
        OutputError, PermissionRefused: The file cannot be written.
    """
    arrays = {f"{number}.{name}": getattr(piece, name) for number, piece in enumerate(pieces) for name in _FIELDS}
    with atomic_output(path) as part, part.open("wb") as file:
        np.savez(file, **arrays)


def load_pieces(path: Path) -> tuple[Piece, ...]:
    """The pieces of one voice.

    Raises:
        TextReadError: The file is damaged.
    """
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            count = 1 + max((int(name.split(".")[0]) for name in file.files), default=-1)
            return tuple(
                Piece(**{name: file[f"{n}.{name}"] for name in _FIELDS[:-1]}, is_sung=bool(file[f"{n}.is_sung"]))
                for n in range(count)
            )
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise TextReadError(
            f"{path} holds no pieces of a voice: {error}.", "Run recipes/voice/build.py again."
        ) from error
