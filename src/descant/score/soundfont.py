"""`SoundFont`: the presets and samples of an .sf2 or .sf3 file, read without trusting it.

A SoundFont (E-mu's SoundFont 2.04 specification) is a RIFF file: presets hold zones that point to instruments, whose
zones point to samples; zones carry *generators* (tuning, envelopes, filter, loops), and those of a preset are added
to those of its instrument. `SoundFont.regions` resolves all that into flat `Region`s. The .sf3 variant stores each
sample as an Ogg Vorbis stream. Samples stay on disk (memory-mapped) until they are played.

Not read: custom modulators (controllers mapped to generators) and the extra 8 bits of 24-bit samples.
"""

from __future__ import annotations

import io
import mmap
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from descant.errors import InputNotFound, ScoreReadError
from descant.files import input_error
from descant.score.zones import DRUM_BANK, Region, Sample, Zone, resolve_region

_RECORDS = {
    "phdr": np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("rest", "V12")]),
    "pbag": np.dtype([("gen", "<u2"), ("mod", "<u2")]),
    "pgen": np.dtype([("id", "<u2"), ("amount", "<i2")]),
    "inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    "ibag": np.dtype([("gen", "<u2"), ("mod", "<u2")]),
    "igen": np.dtype([("id", "<u2"), ("amount", "<i2")]),
    "shdr": np.dtype([
        ("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"), ("loop_end", "<u4"),
        ("rate", "<u4"), ("key", "u1"), ("correction", "i1"), ("link", "<u2"), ("type", "<u2"),
    ]),
}  # fmt: skip
_INSTRUMENT, _SAMPLE = 41, 53
_VORBIS_FLAG, _ROM_FLAG = 0x10, 0x8000
_MAX_CHUNKS = 64
_LONG_LOOP_FRAMES = 32


@dataclass(frozen=True, slots=True)
class Preset:
    """One sound of a SoundFont: its place (bank and program) and its name."""

    bank: int
    program: int
    name: str


class SoundFont:
    """An open SoundFont.

    Args:
        path: An .sf2 or .sf3 file.

    Raises:
        InputNotFound: There is no such file, or it is a folder.
        PermissionRefused: It may not be read.
        ScoreReadError: It is no SoundFont, or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._data = _map_file(self.path)
        chunks = _sound_chunks(self._data, self.path)
        self._records = {name: _records(self._data, chunks, name, self.path) for name in _RECORDS}
        self._wave_start, wave_bytes = chunks["smpl"]
        self._waves: NDArray[np.int16] = np.frombuffer(
            self._data, "<i2", count=wave_bytes // 2, offset=self._wave_start
        )
        self.presets: dict[tuple[int, int], Preset] = {}
        self._preset_rows: dict[tuple[int, int], int] = {}
        for row, header in enumerate(self._records["phdr"][:-1]):
            place = (int(header["bank"]), int(header["program"]))
            self.presets.setdefault(place, Preset(*place, _text(header["name"])))
            self._preset_rows.setdefault(place, row)
        if not self.presets:
            raise ScoreReadError(f"{self.path} holds no sounds.", "Choose another SoundFont with --soundfont.")
        self._regions: dict[tuple[int, int], tuple[Region, ...]] = {}
        self._samples: dict[int, Sample] = {}

    def regions(self, preset: Preset) -> tuple[Region, ...]:
        """All playable zones of a preset; those that point outside the file are left out."""
        place = (preset.bank, preset.program)
        if place not in self._regions:
            self._regions[place] = tuple(self._resolve(self._preset_rows[place]))
        return self._regions[place]

    def choose(self, program: int, *, is_drum: bool) -> Preset:
        """The preset for a General MIDI program, or the nearest one there is.

        Looked for in this order: the program itself; the other programs of its family (eight programs make one:
        pianos, organs, basses, ...), nearest first; any program of the same bank, nearest first; any at all.
        For drums the program is the kit, and the standard kit comes second.
        """
        wanted_bank = DRUM_BANK if is_drum else 0

        def distance(preset: Preset) -> tuple[bool, bool, bool, int, int]:
            same = preset.program == program
            if is_drum:
                near = preset.program == 0
                return preset.bank != wanted_bank, not same, not near, abs(preset.program - program), preset.bank
            near = preset.program // 8 == program // 8
            return (
                preset.bank == DRUM_BANK,
                not near,
                preset.bank != wanted_bank,
                abs(preset.program - program),
                preset.bank,
            )

        return min(self.presets.values(), key=distance)

    def wave(self, sample: Sample) -> NDArray[np.float32]:
        """A sample's frames as float32 within about -1..1, without the offset that some recordings carry.

        The offset (measured over the loop, which holds whole periods) would make a thump of every note and take
        headroom from the mix.
        """
        frames = (
            self._vorbis(sample) if sample.is_vorbis else self._waves[sample.start : sample.end] / np.float32(32768)
        )
        looped = frames[max(0, sample.loop_start) : max(0, sample.loop_end)]
        offset = looped.mean(dtype=np.float64) if len(looped) >= _LONG_LOOP_FRAMES else 0.0
        result: NDArray[np.float32] = frames.astype(np.float32, copy=False) - np.float32(offset)
        return result

    def _vorbis(self, sample: Sample) -> NDArray[np.float32]:
        first = self._wave_start + sample.start
        try:
            frames, _ = soundfile.read(
                io.BytesIO(self._data[first : self._wave_start + sample.end]), dtype="float32", always_2d=True
            )
        except soundfile.LibsndfileError as error:
            raise ScoreReadError(
                f"{self.path} is damaged: its sample {sample.name!r} cannot be decoded.", "Fetch the SoundFont again."
            ) from error
        result: NDArray[np.float32] = frames[:, 0]
        return result

    def _resolve(self, preset_row: int) -> list[Region]:
        regions: list[Region] = []
        for outer in self._zones("phdr", "pbag", "pgen", preset_row, _INSTRUMENT):
            instrument = outer.target
            if instrument >= len(self._records["inst"]) - 1:
                continue
            for inner in self._zones("inst", "ibag", "igen", instrument, _SAMPLE):
                sample = self._sample(inner.target)
                region = resolve_region(outer, inner, sample) if sample is not None else None
                if region is not None:
                    regions.append(region)
        return regions

    def _zones(self, headers: str, bags: str, generators: str, row: int, target: int) -> list[Zone]:
        """The zones of a preset or instrument, its global zone merged into each."""
        first, last = (int(self._records[headers][row + i]["bag"]) for i in (0, 1))
        bag_starts = self._records[bags]["gen"]
        shared: dict[int, int] = {}
        zones: list[Zone] = []
        for bag in range(first, min(last, len(bag_starts) - 1)):
            rows = self._records[generators][int(bag_starts[bag]) : int(bag_starts[bag + 1])]
            own = {int(g): int(a) for g, a in zip(rows["id"], rows["amount"], strict=True)}
            if target in own:
                zones.append(Zone({**shared, **own}, own[target] & 0xFFFF))
            elif bag == first:
                shared = own
        return zones

    def _sample(self, row: int) -> Sample | None:
        if row in self._samples:
            return self._samples[row]
        if row >= len(self._records["shdr"]) - 1:
            return None
        header = self._records["shdr"][row]
        is_vorbis = bool(header["type"] & _VORBIS_FLAG)
        limit = self._waves.nbytes if is_vorbis else len(self._waves)
        start, end = int(header["start"]), int(header["end"])
        if header["type"] & _ROM_FLAG or not 0 <= start < end <= limit or not 400 <= header["rate"] <= 400_000:
            return None
        # Loop points of compressed samples count from the sample's start, others from that of the whole pool.
        origin = 0 if is_vorbis else start
        sample = Sample(
            row=row,
            name=_text(header["name"]),
            start=start,
            end=end,
            loop_start=int(header["loop_start"]) - origin,
            loop_end=int(header["loop_end"]) - origin,
            sample_rate=int(header["rate"]),
            key=int(header["key"]),
            correction_cents=int(header["correction"]),
            is_vorbis=is_vorbis,
        )
        self._samples[row] = sample
        return sample


@lru_cache(maxsize=4)
def _open(path: Path, modified_ns: int, size: int) -> SoundFont:  # noqa: ARG001 - the key of the cache
    return SoundFont(path)


def open_soundfont(path: Path) -> SoundFont:
    """A SoundFont, kept open for the next call as long as the file does not change. Raises as `SoundFont` does."""
    path = Path(path)
    if not path.is_file():
        return SoundFont(path)
    status = path.stat()
    return _open(path.resolve(), status.st_mtime_ns, status.st_size)


def _map_file(path: Path) -> mmap.mmap:
    if path.is_dir():
        raise InputNotFound(f"{path} is a folder, not a SoundFont.", "Name the .sf2 or .sf3 file inside it.")
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:  # an empty file cannot be mapped
        raise ScoreReadError(f"The SoundFont {path} is empty.", "Fetch it again.") from error
    except OSError as error:
        raise input_error(error, path) from error


def _sound_chunks(data: mmap.mmap, path: Path) -> dict[str, tuple[int, int]]:
    """Name to (first byte, bytes) of the chunks inside the three lists of a SoundFont."""
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise ScoreReadError(f"{path} is not a SoundFont.", "Give an .sf2 or .sf3 file.")
    chunks: dict[str, tuple[int, int]] = {}
    for first, size, name in _walk(data, 12, len(data), path):
        if name == b"LIST" and size >= 4:
            for inner_first, inner_size, inner in _walk(data, first + 4, first + size, path):
                chunks[inner.decode("latin-1")] = (inner_first, inner_size)
    missing = [name for name in ("smpl", *_RECORDS) if name not in chunks]
    if missing:
        raise ScoreReadError(
            f"The SoundFont {path} is damaged: its part {missing[0]!r} is missing.", "Fetch the file again."
        )
    return chunks


def _walk(data: mmap.mmap, start: int, end: int, path: Path) -> list[tuple[int, int, bytes]]:
    found: list[tuple[int, int, bytes]] = []
    while start + 8 <= end and len(found) < _MAX_CHUNKS:
        name, size = data[start : start + 4], int.from_bytes(data[start + 4 : start + 8], "little")
        if start + 8 + size > end:
            raise ScoreReadError(
                f"The SoundFont {path} is cut off: its part {name.decode('latin-1')!r} ends after the file.",
                "Fetch the file again.",
            )
        found.append((start + 8, size, name))
        start += 8 + size + size % 2
    return found


def _records(data: mmap.mmap, chunks: dict[str, tuple[int, int]], name: str, path: Path) -> NDArray[Any]:
    first, size = chunks[name]
    layout = _RECORDS[name]
    if size % layout.itemsize or size == 0:
        raise ScoreReadError(
            f"The SoundFont {path} is damaged: its part {name!r} has {size} bytes.", "Fetch the file again."
        )
    return np.frombuffer(data, layout, count=size // layout.itemsize, offset=first)


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("latin-1").strip()
