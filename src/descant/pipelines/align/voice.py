"""The voice that words are looked for in: 16 kHz mono of a file of any length, and whether there is one at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import probe, read_blocks
from descant.audio.resample import Resampler
from descant.errors import NothingHeard
from descant.progress import CancelToken

RATE = 16_000
_BLOCK_S = 10
LEVEL_S = 0.5
_NEAR_DB = 10.0
_QUIET_DB = 40.0
_LEAST_SHARE = 0.005


def mono_of(path: Path, cancel: CancelToken | None = None) -> Clip:
    """A recording at 16 kHz in one channel, read block by block: an hour is 230 MB.

    Raises:
        DescantError: As for `read_blocks`.
    """
    info = probe(path)
    stream = Resampler(info.sample_rate, RATE, 1)
    parts = []
    for block in read_blocks(path, _BLOCK_S * info.sample_rate):
        if cancel is not None:
            cancel.check()
        parts.append(stream.push(block.to_mono()).samples)
    rest = Clip.silence(0, info.sample_rate)
    return Clip(np.concatenate([*parts, stream.push(rest, last=True).samples], axis=1), RATE)


@dataclass(frozen=True, slots=True)
class VoiceLevel:
    """How much of a song is the voice that separation found in it.

    Attributes:
        share: Part of the time in which the voice lies at most 10 dB below the song, 0..1.
        level_db: Energy of the voice against that of the song.
    """

    share: float
    level_db: float

    def require_voice(self) -> None:
        """Refuse what is clearly an instrumental, before any text is held against it.

        What separation leaves of an instrumental is not silent: guitars alone come out 18 dB below the song and near
        it for an eighth of the time, as a quiet singer does. So only the clear cases are told from this.

        Raises:
            NothingHeard: The song is silent, or for less than 0.5 % of the time the voice lies near it.
        """
        if self.level_db == -math.inf:
            raise NothingHeard("The recording is silent, so no words can be found in it.", "Choose another recording.")
        if self.share < _LEAST_SHARE:
            raise NothingHeard(
                f"No voice was heard: what separation took for one lies {-self.level_db:.0f} dB below the song, and "
                f"comes near it for {self.share:.1%} of the time.",
                "Is it an instrumental? If the voice is there but faint, give it alone: --vocals.",
            )


def level_of(blocks: Iterable[tuple[Clip, Clip]]) -> VoiceLevel:
    """Measure a voice against its song.

    Args:
        blocks: (song, voice), half a second each.
    """
    energies = np.array([[float(np.mean(np.square(c.samples, dtype=np.float64))) for c in pair] for pair in blocks])
    song, voice = energies.reshape(-1, 2).T
    sounding = song > song.max(initial=0.0) * 10.0 ** (-_QUIET_DB / 10.0)
    if not sounding.any():
        return VoiceLevel(0.0, -math.inf)
    near = voice[sounding] >= song[sounding] * 10.0 ** (-_NEAR_DB / 10.0)
    return VoiceLevel(float(near.mean()), 10.0 * math.log10(max(float(voice.sum() / song.sum()), 1e-12)))


def blocks_of(song: Clip, voice: Clip) -> Iterator[tuple[Clip, Clip]]:
    """Two clips of one shape in blocks for `level_of`."""
    size = round(LEVEL_S * song.sample_rate)
    for first in range(0, song.frames, size):
        part = slice(first, first + size)
        yield Clip(song.samples[:, part], song.sample_rate), Clip(voice.samples[:, part], voice.sample_rate)


def blocks_in(song: Path, voice: Path, gain_db: float) -> Iterator[tuple[Clip, Clip]]:
    """Two files of one rate and length in blocks for `level_of`, the voice amplified."""
    size = round(LEVEL_S * probe(song).sample_rate)
    for one, other in zip(read_blocks(song, size), read_blocks(voice, size), strict=False):
        yield one, other.gain(gain_db)
