"""`Blender`: two to four sounds to one between them.

Sounds that are one note at a time are made anew from their mixed codes, with one pitch between theirs (`tone`); of all
others the fine structure is kept, under a mixed timbre and loudness (`texture`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.limiter import limit
from descant.audio.loudness import integrated_lufs
from descant.audio.resample import resample
from descant.errors import InvalidAudio, NothingHeard
from descant.instrument.blend.bands import SAMPLE_RATE
from descant.instrument.blend.coder import DEFAULT_CARD, Coder
from descant.instrument.blend.frames import FINER, Contours
from descant.instrument.blend.heard import Heard, hear, stretched
from descant.instrument.blend.listen import loudness
from descant.instrument.blend.mixing import mixed_codes, mixed_contours
from descant.instrument.blend.options import DEFAULT_OPTIONS, BlendOptions, Mode
from descant.instrument.blend.pitch import PitchListener
from descant.instrument.blend.spectra import spectra
from descant.instrument.blend.texture import blend_textures, fitted
from descant.instrument.blend.tone import blocks, render
from descant.instrument.blend.weights import weights_at
from descant.nets.partial_synth import HOP
from descant.nets.swift_f0 import SwiftF0
from descant.progress import CancelToken, Monitor, ProgressSink

Floats = NDArray[np.float32]

_SILENCE_PEAK, _LOUDEST_PEAK = 1e-4, 1e6
_SHORTEST_S = 0.05
_NOTE_S = 5.0
_SCAN = 4096
_NARROW_HZ, _NARROW_SHARE = 4_300.0, 1e-7
_CEILING_DB = -1.0
_MOST_CORRECTION_DB = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A sound that can be blended.

    Attributes:
        samples: [2, samples] at 48 kHz.
        name: For messages.
        contours: Its pitch and loudness.
        line: What the net hears in it as one line of notes.
    """

    samples: Floats
    name: str
    contours: Contours
    line: Heard

    @property
    def length_s(self) -> float:
        """Its length."""
        return float(self.samples.shape[1] / SAMPLE_RATE)


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """A blend.

    Attributes:
        clip: 48 kHz, stereo.
        mode: How it was made.
        weights: Of the sounds.
    """

    clip: Clip
    mode: Mode
    weights: tuple[float, ...]


class Blender:
    """See the module.

    Args:
        coder: The timbre net.
        listener: For pitch.
    """

    def __init__(self, coder: Coder, listener: PitchListener) -> None:
        self.coder = coder
        self._listener = listener

    @classmethod
    def load(cls, name: str = DEFAULT_CARD) -> Blender:
        """From the card of a timbre net."""
        return cls(Coder.load(name), PitchListener(SwiftF0.load()))

    def __call__(
        self,
        clips: Sequence[Clip],
        at: Sequence[float] | None = None,
        options: BlendOptions = DEFAULT_OPTIONS,
        *,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Blend:
        """Blend clips.

        Args:
            clips: Two to four, of any rate and length, mono or stereo.
            at: Where between them, see `weights.weights_at`.
            options: How.
            progress: Receives the share that is done.
            cancel: Stops within a block.

        Raises:
            InvalidOption: `at` does not fit the clips.
            InvalidAudio, NothingHeard: A clip is too short, or silent.

        Example:
            >>> blend = Blender.load()([flute, voice], [0.5])  # doctest: +SKIP
        """
        weights = weights_at(len(clips), at)
        monitor = Monitor(progress, cancel, "blending")
        listening = monitor.part("listening", 0.0, 0.5)
        sounds = []
        for done, clip in enumerate(clips):
            listening.report(done / len(clips))
            sounds.append(self.listen(clip, f"sound {done + 1}"))
        return self.blend(sounds, weights, options, monitor=monitor.part("blending", 0.5, 1.0))

    def listen(self, clip: Clip, name: str) -> Sound:
        """Hear a clip.

        Args:
            clip: Of any rate and length; more than two channels are mixed down.
            name: For messages.

        Raises:
            InvalidAudio, NothingHeard: It is too short, or silent.
        """
        if clip.duration_s < _SHORTEST_S:
            raise InvalidAudio(f"{name} lasts {clip.duration_s:.3f} s.", f"Give at least {_SHORTEST_S} s.")
        if clip.peak < _SILENCE_PEAK:
            raise NothingHeard(f"{name} is silent.", "Check that the right file was exported.")
        if clip.peak > _LOUDEST_PEAK:
            raise InvalidAudio(f"{name} has a peak of {clip.peak:.3g}; full scale is 1.", "Export it again.")
        samples = resample(clip.to_channels(2) if clip.channels != 2 else clip, SAMPLE_RATE).samples
        contours = self._listener(samples)
        return Sound(samples, name, contours, hear(samples, contours, self.coder))

    def mode_of(self, sounds: Sequence[Sound], options: BlendOptions) -> Mode:
        """How these sounds are blended.

        Raises:
            NothingHeard: `tone` is asked for, and none of them has a pitch.
        """
        if options.mode == "auto":
            return "tone" if all(sound.line.is_line for sound in sounds) else "texture"
        if options.mode == "tone" and not any(sound.contours.pitched.any() for sound in sounds):
            raise NothingHeard("None of the sounds has a pitch.", "Use --mode texture.")
        return options.mode

    def blend(
        self, sounds: Sequence[Sound], weights: Sequence[float], options: BlendOptions, *, monitor: Monitor
    ) -> Blend:
        """Blend what was heard.

        Args:
            sounds: Two to four.
            weights: As many, sum 1.
            options: How.
            monitor: Receives the share that is done.
        """
        mode = self.mode_of(sounds, options)
        length = _length([sound.samples.shape[1] for sound in sounds], weights, options)
        made = (self._tone if mode == "tone" else self._texture)(sounds, weights, length, options, monitor)
        clip = Clip(made, SAMPLE_RATE).gain(_correction_db(made, [sound.samples for sound in sounds], weights))
        if clip.peak > 10.0 ** (_CEILING_DB / 20.0) and clip.peak > max(np.abs(s.samples).max() for s in sounds):
            clip = limit(clip, _CEILING_DB)
        monitor.report(1.0)
        return Blend(clip, mode, tuple(weights))

    def mixed_line(
        self, sounds: Sequence[Sound], weights: Sequence[float], options: BlendOptions
    ) -> tuple[Heard, float]:
        """The blend before it is sound: codes and contours, and the gain in dB that brings it to the mean loudness."""
        length = _length([sound.samples.shape[1] for sound in sounds], weights, options)
        line = _mixed_line(sounds, weights, length)
        timbre = self.coder.decode(line.codes, line.contours.pitched[::FINER][: len(line.codes)])
        made = render(timbre, line.contours, seed=options.seed)
        return line, _correction_db(made, [sound.samples for sound in sounds], weights)

    def _tone(
        self, sounds: Sequence[Sound], weights: Sequence[float], length: int, options: BlendOptions, monitor: Monitor
    ) -> Floats:
        line = _mixed_line(sounds, weights, length)
        timbre = self.coder.decode(line.codes, line.contours.pitched[::FINER][: len(line.codes)])
        made = np.zeros((2, length), np.float32)
        at = 0
        for block in blocks(timbre, line.contours, seed=options.seed):
            monitor.report(at / length)
            part = block[:, : length - at]
            made[:, at : at + part.shape[1]] = part
            at += part.shape[1]
        return made

    def _texture(
        self, sounds: Sequence[Sound], weights: Sequence[float], length: int, _options: BlendOptions, monitor: Monitor
    ) -> Floats:
        fitting = monitor.part("fitting", 0.0, 0.4)
        used = [(sound, weight) for sound, weight in zip(sounds, weights, strict=True) if weight > 0]
        samples, wholes = [], []
        for done, (sound, _) in enumerate(used):
            fitting.report(done / len(used))
            samples.append(fitted(sound.samples, length))
            wholes.append(hear(samples[-1], unpitched(samples[-1]), self.coder))
        shares = [weight for _, weight in used]
        return blend_textures(samples, wholes, shares, self.coder, monitor.part("blending", 0.4, 1.0))


def blend(
    clips: Sequence[Clip],
    at: Sequence[float] | None = None,
    options: BlendOptions = DEFAULT_OPTIONS,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Clip:
    """Blend clips with the default net; see `Blender.__call__`."""
    return Blender.load()(clips, at, options, progress=progress, cancel=cancel).clip


def _mixed_line(sounds: Sequence[Sound], weights: Sequence[float], length: int) -> Heard:
    """Sounds as one line of codes and contours, that lasts so many samples."""
    used = [(sound.line, weight) for sound, weight in zip(sounds, weights, strict=True) if weight > 0]
    shares = [weight for _, weight in used]
    onset = sum(line.onset_s * weight for line, weight in used)
    lines = [stretched(line, length, onset) for line, _ in used]
    return Heard(mixed_codes(lines, shares), mixed_contours(lines, shares), length, is_line=True)


def unpitched(samples: Floats) -> Contours:
    """The contours of a sound that is heard as a whole."""
    level = loudness(samples)
    return Contours(np.full(len(level), 100.0, np.float32), np.zeros(len(level), np.float32), level)


def _correction_db(made: Floats, samples: Sequence[Floats], weights: Sequence[float]) -> float:
    """What is missing to the mean loudness of the sounds; nothing where one sound has all the weight."""
    if max(weights) >= 1.0:
        return 0.0
    used = [(part, w) for part, w in zip(samples, weights, strict=True) if w > 0]
    wanted = sum(w * integrated_lufs(Clip(part, SAMPLE_RATE)) for part, w in used)
    found = integrated_lufs(Clip(made, SAMPLE_RATE))
    if not np.isfinite(wanted - found):  # shorter than what loudness is measured over
        return 0.0
    return float(np.clip(wanted - found, -_MOST_CORRECTION_DB, _MOST_CORRECTION_DB))


def _length(lengths: Sequence[int], weights: Sequence[float], options: BlendOptions) -> int:
    """In samples."""
    rule = options.length
    if rule == "auto":
        rule = "mixed" if max(lengths) < _NOTE_S * SAMPLE_RATE else "longest"
    if rule == "mixed":
        return max(HOP, round(sum(w * n for w, n in zip(weights, lengths, strict=True))))
    return max(lengths) if rule == "longest" else min(lengths)


def caveats(sound: Sound) -> str:
    """What should be known of a sound before it is used: empty, or a sentence."""
    bins = np.arange(_SCAN // 2 + 1) * (SAMPLE_RATE / _SCAN)
    length = sound.samples.shape[1]
    shares = []
    for _, found in spectra(sound.samples, np.arange(min(_SCAN, length) // 2, length, _SCAN), _SCAN):
        power = (found.real**2 + found.imag**2).sum(axis=0)
        shares.append(power[:, bins > _NARROW_HZ].sum(axis=1) / np.maximum(power.sum(axis=1), 1e-20))
    # In the median moment: where a recording begins and ends, it clicks.
    if np.median(np.concatenate(shares)) < _NARROW_SHARE:
        return f"{sound.name} holds nothing above 4 kHz, as telephones do: the blend is as dull to that degree."
    return ""
