"""Recorded sample sets in SFZ: the keys, layers and tunings of a mapping, offered the way a SoundFont offers its own.

Read are samples, key and velocity ranges, tuning, level, loops, offset and release; what controllers would add (pedal
resonance, release noise, microphones) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio.io import probe, read
from descant.errors import ScoreReadError
from descant.score.soundfont import Preset
from descant.score.zones import Region, Sample, Zone, resolve_region

_MOST_INCLUDES = 64
_NOTE = re.compile(r"([a-gA-G])([#b]?)(-?\d+)")
_OPCODE = re.compile(r"(\w+)=(.*?)(?=\s+\w+=|$)")
_DEFAULT_RELEASE_S = 0.15
_LOUDEST_DB = 24.0
_LOOPED = ("loop_continuous", "loop_sustain")


class SampleSet:
    """A sample set.

    Args:
        path: The .sfz file.

    Raises:
        ScoreReadError: It maps no sample that is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._preset = Preset(0, 0, path.stem)
        self._places: dict[int, tuple[Path, int]] = {}
        self._regions = tuple(self._read())
        if not self._regions:
            raise ScoreReadError(f"{path} maps no sample that is there.", "Is the sample set whole?")

    @property
    def keys(self) -> tuple[int, int]:
        """Lowest and highest key."""
        return min(r.keys[0] for r in self._regions), max(r.keys[1] for r in self._regions)

    def choose(self, program: int, *, is_drum: bool) -> Preset:  # noqa: ARG002 - there is only one sound
        """The one sound."""
        return self._preset

    def regions(self, preset: Preset) -> tuple[Region, ...]:  # noqa: ARG002
        """All regions."""
        return self._regions

    def wave(self, sample: Sample) -> NDArray[np.float32]:
        """One channel of a sample."""
        return _channel(*self._places[sample.row])

    def _read(self) -> Iterator[Region]:
        rates: dict[Path, tuple[int, int]] = {}
        for opcodes in _regions(self.path):
            file = Path(opcodes["sample"])
            if file not in rates:
                if not file.is_file():
                    continue
                info = probe(file)
                rates[file] = (info.sample_rate, info.channels)
            rate, channels = rates[file]
            for channel in range(min(channels, 2)):
                row = len(self._places)
                self._places[row] = (file, channel)
                region = _region(opcodes, row, rate, pan=0 if channels == 1 else (-500, 500)[channel])
                if region is not None:
                    yield region


def find_sample_sets(folder: Path) -> list[Path]:
    """The .sfz files below a folder that no other one includes and that map something."""
    found = sorted(folder.rglob("*.sfz"))
    included = {(f.parent / name).resolve() for f in found for name in _included(f)}
    return [f for f in found if f.resolve() not in included]


def _included(path: Path) -> list[str]:
    return [m.replace("\\", "/") for m in re.findall(r'#include\s+"([^"]+)"', _text(path))]


def _regions(path: Path) -> Iterator[dict[str, str]]:
    """The opcodes of each region with those of its groups, samples as full paths."""
    default = ""
    levels: dict[str, dict[str, str]] = {"global": {}, "master": {}, "group": {}}
    for header, body in _sections(_expanded(path, path.parent, {}, [0])):
        opcodes = {name: value.strip() for line in body.splitlines() for name, value in _OPCODE.findall(line.strip())}
        if header == "control":
            default = opcodes.get("default_path", default).replace("\\", "/")
        elif header in levels:
            for lower in list(levels)[list(levels).index(header) :]:
                levels[lower] = {}
            levels[header] = opcodes
        elif header == "region":
            merged = {**levels["global"], **levels["master"], **levels["group"], **opcodes}
            if "sample" in merged and _is_plain(merged):
                merged["sample"] = str(path.parent / (default + merged["sample"].replace("\\", "/")))
                yield merged


def _is_plain(opcodes: dict[str, str]) -> bool:
    """Whether a region sounds when a key is struck, without a controller's help."""
    held = any(re.fullmatch(r"(locc|on_locc)\w+", name) and value != "0" for name, value in opcodes.items())
    first = opcodes.get("seq_position", "1") == "1"
    return not held and first and opcodes.get("trigger", "attack") == "attack"


def _region(opcodes: dict[str, str], row: int, rate: int, *, pan: int) -> Region | None:
    key = opcodes.get("key")
    low, high = _key(opcodes.get("lokey", key or "0")), _key(opcodes.get("hikey", key or "127"))
    root = _key(opcodes.get("pitch_keycenter", key or "60"))
    quiet, loud = int(_number(opcodes, "lovel", 0)), int(_number(opcodes, "hivel", 127))
    release = max(_number(opcodes, "ampeg_release", _DEFAULT_RELEASE_S), 0.05)
    level = _number(opcodes, "volume", 0.0) + _number(opcodes, "group_volume", 0.0)
    offset = int(_number(opcodes, "offset", 0))
    amounts = {
        43: low | high << 8, 44: quiet | loud << 8, 58: root, 17: pan, 54: 0, 0: offset % 32_768, 4: offset // 32_768,
        51: int(_number(opcodes, "transpose", 0)), 52: int(_number(opcodes, "tune", 0)),
        38: round(1200 * np.log2(min(release, 5.0))),
    }  # fmt: skip
    # As with compressed samples of a SoundFont, the end is known when it is decoded.
    loop_start, loop_end = (int(_number(opcodes, name, -1)) for name in ("loop_start", "loop_end"))
    if opcodes.get("loop_mode") in _LOOPED and 0 <= loop_start < loop_end:
        amounts[54] = 1
    if opcodes.get("amp_veltrack") == "0":
        amounts[47] = 127  # the velocity chooses the recording, and does not change its level
    sample = Sample(row, opcodes["sample"], 0, 1, loop_start, loop_end + 1, rate, root, 0, is_vorbis=True)
    region = resolve_region(Zone({}, 0), Zone(amounts, 0), sample)
    # A SoundFont can only attenuate; an SFZ can also be made louder.
    return None if region is None else replace(region, gain_db=min(level, _LOUDEST_DB))


def _key(text: str) -> int:
    match = _NOTE.fullmatch(text)
    if match:
        step = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}[match[1].lower()]
        return max(0, min(127, 12 * (int(match[3]) + 1) + step + {"#": 1, "b": -1, "": 0}[match[2]]))
    return max(0, min(127, int(text))) if re.fullmatch(r"-?\d+", text) else 60


def _number(opcodes: dict[str, str], name: str, default: float) -> float:
    try:
        return float(opcodes[name])
    except (KeyError, ValueError):
        return default


def _expanded(path: Path, root: Path, defined: dict[str, str], count: list[int]) -> str:
    """The text with includes and definitions filled in, comments left out."""
    count[0] += 1
    if count[0] > _MOST_INCLUDES:
        raise ScoreReadError(f"{root} includes too many files.", "Does a mapping include itself?")
    lines = []
    for line in re.sub(r"/\*.*?\*/", "", _text(path), flags=re.DOTALL).splitlines():
        line = re.sub(r"//.*", "", line).strip()
        define = re.match(r"#define\s+(\$\w+)\s+(\S+)", line)
        if define:
            defined[define[1]] = define[2]
            continue
        for name in sorted(defined, key=len, reverse=True):
            line = line.replace(name, defined[name])
        include = re.match(r'#include\s+"([^"]+)"', line)
        if include:
            lines.append(_expanded(root / include[1].replace("\\", "/"), root, defined, count))
        else:
            lines.append(line)
    return "\n".join(lines)


def _sections(text: str) -> Iterator[tuple[str, str]]:
    parts = re.split(r"<(\w+)>", text)
    return zip(parts[1::2], (body.strip() for body in parts[2::2]), strict=True)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


@lru_cache(maxsize=64)
def _channel(file: Path, channel: int) -> NDArray[np.float32]:
    wave: NDArray[np.float32] = read(file).samples[channel]
    return wave
