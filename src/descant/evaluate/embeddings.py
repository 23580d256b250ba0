"""Embeddings of recordings for distances between sets: which one was used must stand beside every number.

An embedder maps a clip to a matrix of one row per window of about a second. Three come with Descant, none of them
made for music quality alone: the encoder of Whisper tiny.en (made for speech: good for singing), the features of our
own listening net (beats and harmony; deaf to timbre of a single note), and any ONNX network that takes VGGish's
log-mel patches or plain samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.errors import CheckpointError, InvalidAudio, InvalidOption, MissingDependency

Floats = NDArray[np.float64]
Samples = NDArray[np.float32]

WHISPER_RATE = 16_000
VGGISH_RATE, VGGISH_FRAMES, VGGISH_BANDS = 16_000, 96, 64
EMBEDDERS = ("whisper", "listener")

_WHISPER_WINDOW_S, _WHISPER_FPS = 30.0, 50
_VGGISH_SIZE, _VGGISH_HOP, _VGGISH_FFT = 400, 160, 512
_VGGISH_LOW_HZ, _VGGISH_HIGH_HZ, _VGGISH_OFFSET = 125.0, 7500.0, 0.01
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Embedder:
    """A clip to embeddings.

    Attributes:
        name: What to write beside the numbers: network, version, window.
        embed: A clip of any rate and channel count to [windows, dimensions]; no rows for less than one window.
    """

    name: str
    embed: Callable[[Clip], Floats]

    def __call__(self, clip: Clip) -> Floats:
        """Embeddings of a clip, shape [windows, dimensions].

        Raises:
            InvalidAudio: The clip is shorter than a window.
        """
        rows = self.embed(clip)
        if not len(rows):
            raise InvalidAudio(f"It lasts {clip.duration_s:.2f} s, less than a window.", "Leave it out, or join clips.")
        return rows


def load_embedder(name: str) -> Embedder:
    """An embedder by its name, or from an ONNX file.

    Args:
        name: "whisper", "listener", or the path of an ONNX network. The network takes float32 of [batch, 96, 64] or
            [batch, 1, 96, 64] (VGGish's log-mel patches), or [batch, samples] at 16 kHz (0.96 s at a time).

    Raises:
        InvalidOption: It is neither.
        MissingDependency: Whisper needs faster-whisper.
        ModelNotFound, CheckpointError: The network is missing or takes something else.
    """
    if name == "whisper":
        return _whisper()
    if name == "listener":
        return _listener()
    path = Path(name)
    if path.suffix.lower() == ".onnx":
        return _onnx(path)
    raise InvalidOption(f"There is no embedder {name!r}.", f"Choose {', '.join(EMBEDDERS)}, or name an .onnx file.")


def per_second(frames: Floats, frames_per_s: float) -> Floats:
    """Means of whole seconds of a feature sequence, shape [frames, dimensions] to [seconds, dimensions]."""
    seconds = int(len(frames) / frames_per_s + 1e-9)
    edges = np.round(np.arange(seconds + 1) * frames_per_s).astype(int)
    if not seconds:
        return np.zeros((0, frames.shape[1]))
    means: Floats = np.stack([frames[a:b].mean(axis=0) for a, b in pairwise(edges)])
    return means


def _whisper() -> Embedder:
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise MissingDependency(
            "This embedder needs the package faster-whisper.", 'Install it with: pip install "descant[words]"'
        ) from error
    from descant.hub.store import fetch

    folder = fetch("whisper-tiny-en")
    place = next((p.parent for p in sorted(folder.rglob("model.bin"))), folder)
    model: Any = WhisperModel(str(place), device="cpu", compute_type="float32", cpu_threads=2, local_files_only=True)

    def embed(clip: Clip) -> Floats:
        mono = _mono(clip, WHISPER_RATE)
        step = round(_WHISPER_WINDOW_S * WHISPER_RATE)
        rows = []
        for start in range(0, len(mono), step):
            part = mono[start : start + step]
            features = model.feature_extractor(np.pad(part, (0, step - len(part))))[:, : round(_WHISPER_WINDOW_S * 100)]
            encoded = np.asarray(model.encode(features))[0]  # [1500, 384], 50 a second
            rows.append(per_second(encoded.astype(np.float64), _WHISPER_FPS)[: len(part) // WHISPER_RATE])
        return np.concatenate(rows) if rows else np.zeros((0, 1))

    return Embedder("Whisper tiny.en encoder, mean of each second, 384 dimensions", embed)


def _listener() -> Embedder:
    import torch

    from descant.analyze.evidence import load_listener
    from descant.analyze.features import PITCH_FPS, PULSE_FPS, extract_features, mono_for_listening
    from descant.hub.store import fetch

    net = load_listener(fetch("descant-analysis"))
    heard: dict[str, Any] = {}
    net.pulse.heads.register_forward_pre_hook(lambda _, inputs: heard.update(pulse=inputs[0]))
    net.harmony.tone.register_forward_pre_hook(lambda _, inputs: heard.update(harmony=inputs[0]))

    def embed(clip: Clip) -> Floats:
        if clip.duration_s < 1.0:
            return np.zeros((0, 1))
        features = extract_features(mono_for_listening(clip))
        with torch.inference_mode():
            net.pulse(torch.from_numpy(features.mel)[None])
            net.harmony(torch.from_numpy(features.pitch)[None])
        pulse = heard["pulse"][0].T.double().numpy()  # [frames, channels]
        # The mean over pitch classes does not change when the music is transposed.
        harmony = heard["harmony"][0].mean(dim=2).T.double().numpy()
        sides = per_second(pulse, PULSE_FPS), per_second(harmony, PITCH_FPS)
        seconds = min(map(len, sides))
        return np.concatenate([side[:seconds] for side in sides], axis=1)

    return Embedder("Descant's listening net (descant-analysis), last hidden layers, mean of each second", embed)


def _onnx(path: Path) -> Embedder:
    from descant.nets.onnx import open_session

    session = open_session(path, card=path.name)
    asked = session.get_inputs()[0]
    shape = list(asked.shape)
    takes_patches = shape[-2:] == [VGGISH_FRAMES, VGGISH_BANDS] and len(shape) in (3, 4)
    if not takes_patches and len(shape) != 2:
        raise CheckpointError(
            f"{path} takes an input of the shape {shape}.", "Expected [batch, 96, 64], [batch, 1, 96, 64] or samples."
        )

    def embed(clip: Clip) -> Floats:
        mono = _mono(clip, VGGISH_RATE)
        patches = vggish_patches(mono) if takes_patches else _windows(mono)
        if takes_patches and len(shape) == 4:
            patches = patches[:, np.newaxis]
        rows = [
            np.asarray(session.run(None, {asked.name: patches[i : i + _BATCH]})[0], np.float64)
            for i in range(0, len(patches), _BATCH)
        ]
        return np.concatenate([row.reshape(len(row), -1) for row in rows]) if rows else np.zeros((0, 1))

    kind = "log-mel patches" if takes_patches else "samples"
    return Embedder(f"{path.name}, {kind} of 0.96 s at 16 kHz", embed)


def vggish_patches(mono: Samples) -> Samples:
    """VGGish's input (Hershey et al. 2017): log-mel patches of 0.96 s, shape [patches, 96, 64].

    Windows of 25 ms every 10 ms (periodic Hann), FFT 512, 64 triangles in mel from 125 to 7,500 Hz over magnitudes,
    log(x + 0.01); patches do not overlap and a rest is dropped.

    Args:
        mono: At 16 kHz, shape [samples].
    """
    if len(mono) < _VGGISH_SIZE:
        return np.zeros((0, VGGISH_FRAMES, VGGISH_BANDS), np.float32)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_VGGISH_SIZE) / _VGGISH_SIZE)
    frames = np.lib.stride_tricks.sliding_window_view(mono, _VGGISH_SIZE)[::_VGGISH_HOP]
    magnitudes = np.abs(np.fft.rfft(frames * window, _VGGISH_FFT, axis=1))
    logs = np.log(magnitudes @ _vggish_filters() + _VGGISH_OFFSET).astype(np.float32)
    patches = len(logs) // VGGISH_FRAMES
    return logs[: patches * VGGISH_FRAMES].reshape(patches, VGGISH_FRAMES, VGGISH_BANDS)


@cache
def _vggish_filters() -> Floats:
    """Triangles with corners equally spaced in mel and sides straight in mel, height one, shape [bins, bands]."""

    def mel(hz: Any) -> Any:
        return 1127.0 * np.log1p(np.asarray(hz) / 700.0)

    bins = mel(np.arange(_VGGISH_FFT // 2 + 1) * VGGISH_RATE / _VGGISH_FFT)[:, np.newaxis]
    corners = np.linspace(mel(_VGGISH_LOW_HZ), mel(_VGGISH_HIGH_HZ), VGGISH_BANDS + 2)
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    weights: Floats = np.maximum(0.0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    weights[0] = 0.0
    return weights


def _windows(mono: Samples) -> Samples:
    size = round(0.96 * VGGISH_RATE)
    count = len(mono) // size
    return np.ascontiguousarray(mono[: count * size].reshape(count, size), np.float32)


def _mono(clip: Clip, sample_rate: int) -> Samples:
    return np.ascontiguousarray(resample(clip.to_mono(), sample_rate).samples[0])
