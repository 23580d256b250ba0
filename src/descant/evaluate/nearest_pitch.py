"""What a producer has without a neural instrument: a sampler that plays the nearest recorded pitch faster or slower.

The baseline for notes of held-out pitches, which SING's authors leave out (Défossez et al., NeurIPS 2018): the same
instrument's note of the nearest pitch that was recorded, resampled to the pitch that is asked for. The key is still let
go at its time: a sample that got shorter is held by a loop with crossfades, one that got longer is cut.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.data.notes.note_set import NoteItem
from descant.data.notes.rendering import HELD_S
from descant.errors import InputNotFound

Floats = NDArray[np.float32]

_LOOP_S = 0.4
_FADE_S = 0.05
_SLACK_S = 0.025  # a period of 40 Hz: within it two stretches of one tone can be brought into phase
_RELEASE_FADE_S = 0.01
_RELEASE_SLACK_S = 0.005
_END_S = 0.01  # sets of notes fade what rings on out within so much of their end
_LEVEL_S = 0.1
_LARGEST_GAIN = 10.0
_SILENT = 1e-5


class NearestPitch:
    """A sampler.

    Args:
        notes: Those that it has recordings of.
        high: It plays those at 48 kHz in stereo, not those at 16 kHz mono.
    """

    name = "nearest-pitch sampler"

    def __init__(self, notes: Iterable[NoteItem], *, high: bool = False) -> None:
        self._high = high
        self._notes: dict[str, list[NoteItem]] = {}
        for note in notes:
            self._notes.setdefault(note.instrument, []).append(note)

    def nearest(self, instrument: str, pitch: int, velocity: int) -> NoteItem:
        """The recording that is played: of the nearest pitch, then of the nearest velocity, the lower one in a tie.

        Raises:
            InputNotFound: There is no note of that instrument.
        """
        own = self._notes.get(instrument)
        if not own:
            raise InputNotFound(f"The sampler has no recording of {instrument}.", "Give it the training notes.")
        return min(own, key=lambda n: (abs(n.pitch - pitch), n.pitch, abs(n.velocity - velocity), n.velocity, n.name))

    def play(self, instrument: str, pitch: int, velocity: int) -> Clip:
        """A note.

        Args:
            instrument: Its name in the set.
            pitch: MIDI number.
            velocity: 1 to 127.

        Returns:
            As long as the recording.

        Raises:
            InputNotFound: There is no note of that instrument.
            DescantError: The recording cannot be read.
        """
        found = self.nearest(instrument, pitch, velocity)
        clip = found.read(high=self._high)
        return Clip(transposed(clip.samples, clip.sample_rate, pitch - found.pitch), clip.sample_rate)


def transposed(samples: Floats, sample_rate: int, semitones: float, *, held_s: float = HELD_S) -> Floats:
    """A recorded note at another pitch, as a sampler plays it: faster or slower, the key let go at the same time.

    Args:
        samples: [channels, samples].
        sample_rate: In Hz.
        semitones: Up, if positive.
        held_s: When the key is let go, in the recording and in the result.

    Returns:
        The same shape; at 0 semitones the same samples.
    """
    if semitones == 0:
        return samples
    wanted, held = samples.shape[1], min(round(held_s * sample_rate), samples.shape[1])
    # Read at another rate a recording has another pitch; rounding to whole Hz is at most 0.06 cents off at 16 kHz.
    read_at = round(sample_rate * 2.0 ** (semitones / 12.0))
    played = resample(Clip(samples, read_at), sample_rate).samples
    let_go = min(round(held_s * sample_rate * sample_rate / read_at), played.shape[1])
    fade = round(_RELEASE_FADE_S * sample_rate)
    tone = continued(played[:, :let_go], sample_rate, held)[:, :held]
    end = played.shape[1] - round(_END_S * sample_rate) if semitones > 0 else played.shape[1]
    ringing = played[:, : max(end, let_go)]
    if held <= 2 * fade or let_go <= 2 * fade:
        sound = np.concatenate([tone, ringing[:, let_go:]], axis=1)
    else:
        slack = min(round(_RELEASE_SLACK_S * sample_rate), let_go - fade)
        begin = _in_phase(tone[:, -fade:], ringing, let_go - fade - slack, let_go - fade)
        rest = ringing[:, begin:] * np.float32(_gain(tone, played[:, :let_go], sample_rate))
        sound = _joined(tone, rest, fade)
    sound = continued(sound, sample_rate, wanted, loop_from=held)[:, :wanted]
    last = min(round(_END_S * sample_rate), wanted)
    sound[:, wanted - last :] *= np.linspace(1.0, 0.0, last, dtype=np.float32)
    return sound


def continued(part: Floats, sample_rate: int, frames: int, *, loop_from: int = 0) -> Floats:
    """A stretch of a note, held on by a loop of its end: phases fit, ends are faded over, and what decays decays on.

    Args:
        part: [channels, samples].
        sample_rate: In Hz.
        frames: How long it shall be at least.
        loop_from: Sample before which nothing is looped.

    Returns:
        [channels, samples], `frames` or more of them; the part itself if it is long enough.
    """
    length = part.shape[1]
    fade, slack = round(_FADE_S * sample_rate), round(_SLACK_S * sample_rate)
    loop = min(round(_LOOP_S * sample_rate), length - loop_from - fade - 2 * slack)
    if length >= frames:
        return part
    if loop < 2 * fade:
        return np.pad(part, ((0, 0), (0, frames - length)))
    begin = _in_phase(part[:, -fade:], part, length - fade - loop - slack, length - fade - loop + slack)
    piece = part[:, begin:]
    # What decays while it is recorded decays as fast in the loop; what swells (a tremolo) only stays.
    fall = min(1.0, _rms(part[:, -fade:]) / max(_rms(piece[:, :fade]), _SILENT))
    found, gain = part, 1.0
    while found.shape[1] < frames:
        gain *= fall
        found = _joined(found, piece * np.float32(gain), fade)
    return found


def _in_phase(tail: Floats, source: Floats, first: int, last: int) -> int:
    """Where in first..last the source is most like the tail."""
    first, last = max(first, 0), max(last, 0)
    size = tail.shape[1]
    inside = source[:, first : last + size].astype(np.float64)
    products = sum(
        np.correlate(one, other, "valid") for one, other in zip(inside, tail.astype(np.float64), strict=True)
    )
    powers = np.cumsum(np.pad(np.square(inside).sum(axis=0), (1, 0)))
    norms = np.sqrt(np.maximum(powers[size:] - powers[:-size], 1e-12))
    return first + int(np.argmax(products / norms))


def _joined(first: Floats, second: Floats, fade: int) -> Floats:
    """Two stretches, crossfaded so that the power stays whether they are in phase or strangers to each other."""
    one, other = first[:, -fade:], second[:, :fade]
    likeness = float(np.vdot(one, other)) / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12)
    rise = (np.arange(fade, dtype=np.float32) + 0.5) / fade
    norm = np.sqrt(rise**2 + (1 - rise) ** 2 + 2 * max(likeness, 0.0) * rise * (1 - rise))
    crossed = (one * (1 - rise) + other * rise) / norm
    return np.concatenate([first[:, :-fade], crossed, second[:, fade:]], axis=1).astype(np.float32, copy=False)


def _gain(tone: Floats, recorded: Floats, sample_rate: int) -> float:
    """How much louder the tone is when the key is let go than the recording was."""
    size = round(_LEVEL_S * sample_rate)
    ratio = _rms(tone[:, -size:]) / max(_rms(recorded[:, -size:]), _SILENT)
    return min(max(ratio, 1.0 / _LARGEST_GAIN), _LARGEST_GAIN)


def _rms(samples: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
