"""Singers: what sings a syllable. Recorded syllables, recorded words, or formants where no recording is given."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import scipy.ndimage
import scipy.signal
import soxr

from descant.audio.io import read
from descant.data.band.splits import digest_of
from descant.data.band.vocoder import BINS, FFT, FLOOR, HOP_S, SAMPLE_RATE, Envelopes, Floats, analyse
from descant.data.band.words import Mora, Word, divide, mora
from descant.data.resinging import SAMPLE_RATE as BANK_RATE
from descant.data.resinging import OtoEntry, VoiceBank
from descant.data.singer import BANDWIDTHS_HZ, FORMANTS_HZ
from descant.errors import InputNotFound

_FEWEST_WORDS = 40
_SYNTHETIC = 40
_REMEMBERED = 400
_SHORTEST_SYLLABLE = 16
_BANK_BAND_HZ, _SPEECH_BAND_HZ = 15_500.0, 7_600.0
_SILENT_PEAK, _LEAST_VOICE_S = 1e-3, 0.06
_LEXICON_HZ = 210.0
_KANA = {
    "": "あいうえお", "k": "かきくけこ", "s": "さしすせそ", "t": "たちつてと", "n": "なにぬねの", "h": "はひふへほ",
    "m": "まみむめも", "r": "らりるれろ", "g": "がぎぐげご", "z": "ざじずぜぞ", "d": "だぢづでど", "b": "ばびぶべぼ",
    "p": "ぱぴぷぺぽ",
}  # fmt: skip
_ROMAJI = {kana: c + v for c, row in _KANA.items() for v, kana in zip("aiueo", row, strict=True)} | {
    "や": "ya", "ゆ": "yu", "よ": "yo", "わ": "wa", "を": "o", "ん": "n",
}  # fmt: skip
_SMALL = {"ゃ": "ya", "ゅ": "yu", "ょ": "yo", "ぁ": "a", "ぃ": "i", "ぅ": "u", "ぇ": "e", "ぉ": "o"}
_SAME = {"shi": "si", "chi": "ti", "tsu": "tu", "ji": "zi", "fu": "hu", "di": "zi", "du": "zu", "wo": "o", "dzu": "zu"}
_NEAREST = {"f": "h", "w": "", "y": "", "j": "z", "sh": "s", "ch": "t", "ts": "s", "v": "b", "p": "b", "d": "t"}


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A syllable as a voice has it.

    Attributes:
        envelopes: The sound without its pitch, vowels at a common loudness.
        vowel: Frame at which the vowel starts.
        coda: Frame at which what follows the vowel starts.
    """

    envelopes: Envelopes
    vowel: int
    coda: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A syllable to sing: its text, its word in full with its place there, and the language."""

    text: str
    word: str
    index: int
    language: str


class Singer(Protocol):
    """Who sings.

    Attributes:
        name: Who it is; all recordings of one person share it.
        kind: "bank", "lexicon" or "synthetic".
        f0_hz: Where the voice lies.
        licence: Of the recordings.
    """

    name: str
    kind: str
    f0_hz: float
    licence: str

    def unit(self, asked: Asked, rng: np.random.Generator) -> Unit:
        """A syllable."""
        ...

    def vocabulary(self) -> Sequence[Word]:
        """The only words it can sing; empty when it sings any text."""
        ...

    def can_sing(self, word: Word) -> bool:
        """Whether one of its own words was recorded well enough."""
        ...

    def pronounces(self, language: str) -> str:
        """How well it sings a language: "native", "approximate"."""
        ...


class _Memory:
    """The last units, so that a song pays for a syllable once."""

    def __init__(self) -> None:
        self._units: OrderedDict[object, Unit] = OrderedDict()

    def get(self, key: object) -> Unit | None:
        """A unit that is remembered."""
        if key in self._units:
            self._units.move_to_end(key)
        return self._units.get(key)

    def put(self, key: object, unit: Unit) -> Unit:
        """Remember it."""
        self._units[key] = unit
        if len(self._units) > _REMEMBERED:
            self._units.popitem(last=False)
        return unit


class BankSinger:
    """A singer's recorded syllables, from one or more voice banks of the same person.

    Args:
        name: Who it is.
        folders: Folders with `oto.ini` and `voice.json`.
    """

    kind = "bank"

    def __init__(self, name: str, folders: Sequence[Path]) -> None:
        self.name = name
        self._banks = [VoiceBank(folder) for folder in folders]
        self.f0_hz = float(np.median([bank.f0_hz for bank in self._banks]))
        about = json.loads((folders[0] / "voice.json").read_text(encoding="utf-8"))
        self.licence = str(about.get("licence", ""))
        self._entries: dict[str, list[tuple[int, OtoEntry]]] = {}
        for number, bank in enumerate(self._banks):
            for entry in bank.entries:
                sound = romaji(entry.alias)
                if sound:
                    self._entries.setdefault(sound, []).append((number, entry))
        if not self._entries:
            raise InputNotFound(f"{folders[0]} names no syllable that is known.", "Expected kana or Latin syllables.")
        self._memory = _Memory()

    def unit(self, asked: Asked, rng: np.random.Generator) -> Unit:
        """The recorded syllable, or the nearest one the bank has."""
        for sound in (*spellings(mora(asked.text, asked.language)), *"aoeui"):
            found = self._entries.get(sound, [])
            for choice in rng.permutation(len(found))[:4].tolist():
                number, entry = found[choice]
                unit = self._memory.get((number, entry)) or self._cut(number, entry)
                if unit is not None:
                    return unit
        raise InputNotFound(f"The voice {self.name} holds no usable vowel.", "Leave it out of --voices.")

    def vocabulary(self) -> Sequence[Word]:
        """Any text."""
        return ()

    def can_sing(self, word: Word) -> bool:  # noqa: ARG002
        """Any text."""
        return True

    def pronounces(self, language: str) -> str:
        """Japanese as recorded, the rest with an accent."""
        return "native" if language == "ja" else "approximate"

    def _cut(self, number: int, entry: OtoEntry) -> Unit | None:
        bank = self._banks[number]
        cut = bank.cut(entry)
        if cut is None:
            return None
        samples = soxr.resample(cut[0].astype(np.float32), BANK_RATE, SAMPLE_RATE)
        envelopes = analyse(samples, lowest_hz=0.75 * bank.f0_hz, highest_hz=1.35 * bank.f0_hz, band_hz=_BANK_BAND_HZ)
        vowel = round(cut[1] / BANK_RATE / HOP_S)
        return self._memory.put((number, entry), evened(Unit(envelopes, vowel, envelopes.frames)))


class LexiconSinger:
    """A speaker whose recorded words are known: they sing the words that they have said.

    Args:
        name: Who it is.
        file: Audio of all words.
        words: For each word its first and last second in the file.
        language: Of the words.
        licence: Of the recordings.
    """

    kind = "lexicon"

    def __init__(
        self, name: str, file: Path, words: dict[str, tuple[float, float]], *, language: str, licence: str
    ) -> None:
        self.name = name
        self.licence = licence
        self.f0_hz = _LEXICON_HZ
        self._file, self._words, self._language = file, words, language
        self._memory = _Memory()

    def unit(self, asked: Asked, rng: np.random.Generator) -> Unit:  # noqa: ARG002 - one recording of each word
        """A syllable of a recorded word."""
        key = (asked.word, asked.index)
        found = self._memory.get(key)
        if found is None:
            found = self._cut(asked.word)[asked.index]
        return found

    def vocabulary(self) -> Sequence[Word]:
        """The recorded words."""
        return tuple(Word(word, divide(word), 0) for word in sorted(self._words))

    def can_sing(self, word: Word) -> bool:
        """Whether the recording of a word is there and holds a voice."""
        return bool(self._cut(word.text))

    def pronounces(self, language: str) -> str:
        """Its own words."""
        return "native" if language == self._language else "approximate"

    def _cut(self, word: str) -> list[Unit]:
        """The syllables of a word; none where its recording is silent or a whisper."""
        start_s, end_s = self._words[word]
        sound = read(self._file, sample_rate=SAMPLE_RATE, channels=1, start_s=start_s, end_s=end_s).samples[0]
        peak = float(np.abs(sound).max(initial=0.0))
        if peak < _SILENT_PEAK:
            return []
        envelopes = analyse(sound / np.float32(peak), band_hz=_SPEECH_BAND_HZ)
        if float(envelopes.voiced.sum()) * HOP_S < _LEAST_VOICE_S:
            return []
        pieces = _syllables(envelopes, len(divide(word)))
        return [self._memory.put((word, i), evened(unit)) for i, unit in enumerate(pieces)]


class SyntheticSinger:
    """A voice of formants, for where no recording is given; its number decides on everything.

    Args:
        number: Which voice.
    """

    kind = "synthetic"
    licence = "none needed"

    def __init__(self, number: int) -> None:
        self.name = f"synthetic/{number:02d}"
        rng = np.random.default_rng(digest_of(self.name))
        self.f0_hz = float(rng.choice([130.0, 165.0, 220.0, 280.0]) * rng.uniform(0.9, 1.1))
        self._stretch = float(np.interp(self.f0_hz, [120.0, 300.0], [0.92, 1.17]) * rng.uniform(0.95, 1.05))
        self._tilt_db = float(rng.uniform(8.0, 13.0))
        self._formants = np.asarray(FORMANTS_HZ) * rng.uniform(0.94, 1.06, (len(FORMANTS_HZ), 3)) * self._stretch
        self._singers_db = float(rng.uniform(-6.0, 8.0))

    def unit(self, asked: Asked, rng: np.random.Generator) -> Unit:
        """Formants of the vowel after a burst, hiss or hum of the consonant."""
        sound = mora(asked.text, asked.language)
        vowel = self._vowel(sound.vowel)
        consonant, voiced = self._consonant(sound, vowel, rng)
        frames = round(0.4 / HOP_S)
        power = np.concatenate([consonant, np.repeat(vowel[None], frames, axis=0)])
        power = scipy.ndimage.gaussian_filter1d(power, 1.5, axis=0, mode="nearest").astype(np.float32)
        flags = np.concatenate([np.full(len(consonant), voiced), np.ones(frames)]).astype(np.float32)
        return evened(Unit(Envelopes(power, flags), len(consonant), len(power)))

    def vocabulary(self) -> Sequence[Word]:
        """Any text."""
        return ()

    def can_sing(self, word: Word) -> bool:  # noqa: ARG002
        """Any text."""
        return True

    def pronounces(self, language: str) -> str:  # noqa: ARG002 - the same accent everywhere
        """Five vowels for all languages."""
        return "approximate"

    def _vowel(self, vowel: str) -> Floats:
        hz = np.arange(BINS) * SAMPLE_RATE / FFT
        if vowel == "n":
            hum = _peaks(hz, (280.0, 1_100.0, 2_300.0), (80.0, 250.0, 300.0)) - _fall(hz, 16.0)
            return np.asarray(hum, np.float32)
        level = _peaks(hz, tuple(self._formants["aeiou".index(vowel)]), BANDWIDTHS_HZ)
        level += self._singers_db * np.exp(-(((hz - 3_000.0) / 600.0) ** 2)) * np.log(10.0) / 10.0
        return np.asarray(level - _fall(hz, self._tilt_db), np.float32)

    def _consonant(self, sound: Mora, vowel: Floats, rng: np.random.Generator) -> tuple[Floats, float]:
        hz = np.arange(BINS) * SAMPLE_RATE / FFT
        kind = sound.onset[:1]
        if kind == "":
            return np.zeros((0, BINS), np.float32), 0.0
        if kind in "mnrlwyjbdgz":
            frames = round(rng.uniform(0.04, 0.08) / HOP_S)
            murmur = _peaks(hz, (270.0, 1_200.0, 2_400.0), (90.0, 300.0, 400.0)) - _fall(hz, 14.0) - 1.5
            glide = np.linspace(0.0, 1.0, frames)[:, None] ** 2
            return (murmur * (1.0 - glide) + vowel * glide).astype(np.float32), 1.0
        frames = round((rng.uniform(0.06, 0.11) if kind in "sfhc" else rng.uniform(0.03, 0.05)) / HOP_S)
        centre = {"s": 6_500.0, "c": 3_800.0, "f": 5_000.0, "h": 1_600.0, "t": 4_500.0, "k": 2_000.0}.get(kind, 900.0)
        hiss = -0.5 * ((np.log2(np.maximum(hz, 50.0) / centre)) / 0.8) ** 2 + vowel.max() - 3.5
        shape = np.interp(np.arange(frames), [0, 0.3 * frames, frames], [-4.0, 0.0, -1.0])[:, None]
        return np.maximum(hiss[None] + shape, FLOOR).astype(np.float32), 0.0


def evened(unit: Unit) -> Unit:
    """The unit at a common loudness of its vowel, and the vowel without swells longer than a syllable."""
    voiced = slice(unit.vowel, max(unit.coda, unit.vowel + 1))
    level = np.log(np.exp(unit.envelopes.power).mean(axis=1) + 1e-9)
    target = float(np.median(level[voiced]))
    gain = np.full(len(level), -target)
    settled = slice(unit.vowel + 12, max(unit.coda - 8, unit.vowel + 12))
    gain[settled] = -scipy.ndimage.uniform_filter1d(level, 9, mode="nearest")[settled]
    gain = scipy.ndimage.uniform_filter1d(np.clip(gain, -target - 1.5, -target + 1.5), 5, mode="nearest")
    power = unit.envelopes.power + gain[:, None].astype(np.float32)
    return replace(unit, envelopes=Envelopes(np.maximum(power, np.float32(FLOOR)), unit.envelopes.voiced))


def romaji(alias: str) -> str:
    """The syllable of an alias ("- か", "a kaC4", "i で2") in Latin letters; empty for breaths and endings."""
    text = re.sub(r"(?:[A-G]#?\d)?\d*$", "", alias.split()[-1] if alias.split() else "")
    if not text or text in ("-", "R"):
        return ""
    if text.isascii():
        text = text.lower()
        return _SAME.get(text, text) if re.fullmatch(r"n|[bcdfghjkmnprstvwyz]*[aiueo]", text) else ""
    first = _ROMAJI.get(text[0], "")
    if not first or len(text) > 2:
        return ""
    if len(text) == 1:
        return _SAME.get(first, first)
    small = _SMALL.get(text[1], "")
    if small.startswith("y"):
        return first[:-1] + small if len(first) > 1 and first.endswith("i") else ""
    # Only where a small vowel makes a consonant that Latin spelling has: ye, wi, fa.
    onset = {"i": "y", "u": "w", "hu": "f"}.get(first, "")
    return onset + small if onset and small else ""


def spellings(sound: Mora) -> list[str]:
    """Syllables to look for, the nearest first, the bare vowel last."""
    if sound.vowel == "n":
        return ["n", "u"]
    whole = sound.onset + sound.vowel
    near = sound.onset
    found = [_SAME.get(whole, whole), whole]
    while near:
        near = _NEAREST.get(near, near[1:] if len(near) > 1 else "")
        found.append(_SAME.get(near + sound.vowel, near + sound.vowel))
    return list(dict.fromkeys(found))


def find_singers(folder: Path) -> tuple[Singer, ...]:
    """All singers below a folder of voice banks (`oto.ini`) and speech with known words (`index.csv`).

    Raises:
        InputNotFound: There are none.
    """
    if not folder.is_dir():
        raise InputNotFound(f"{folder} is not a folder.", "Give the folder of speech and singing.")
    people: dict[str, list[Path]] = {}
    for about in sorted(folder.rglob("voice.json")):
        if (about.parent / "oto.ini").is_file():
            name = str(json.loads(about.read_text(encoding="utf-8")).get("name", about.parent.name))
            people.setdefault(name.split(",")[0].strip(), []).append(about.parent)
    singers: list[Singer] = [BankSinger(name, folders) for name, folders in sorted(people.items())]
    for index in sorted(folder.rglob("index.csv")):
        singers += _lexicons(index)
    if not singers:
        raise InputNotFound(
            f"{folder} holds no voice.", "Expected folders with oto.ini and voice.json, or index.csv with words."
        )
    return tuple(singers)


def synthetic_singers() -> tuple[Singer, ...]:
    """The voices that need no recording."""
    return tuple(SyntheticSinger(number) for number in range(_SYNTHETIC))


def _lexicons(index: Path) -> list[Singer]:
    with index.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"language", "start_s", "end_s", "text", "speaker"} <= set(rows[0]):
        return []
    found: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}
    licences: dict[tuple[str, str], str] = {}
    for row in rows:
        word = row["text"].strip().lower()
        if len(word) > 1 and word.isalpha() and row["speaker"] and _says(word):
            who = (row["language"], row["speaker"])
            found.setdefault(who, {})[word] = (float(row["start_s"]), float(row["end_s"]))
            licences[who] = row.get("licence", "")
    return [
        LexiconSinger(
            f"{language}/{speaker}",
            index.parent / f"{language}.opus",
            words,
            language=language.split("_")[0],
            licence=licences[language, speaker],
        )
        for (language, speaker), words in sorted(found.items())
        if len(words) >= _FEWEST_WORDS and (index.parent / f"{language}.opus").is_file()
    ]


def _says(word: str) -> bool:
    return bool(re.search("[aeiouy]", word)) and len(divide(word)) <= 4


def _syllables(envelopes: Envelopes, count: int) -> list[Unit]:
    """A word cut at its weakest moments: as many voiced humps as it has syllables."""
    band = slice(round(200 * FFT / SAMPLE_RATE), round(3_000 * FFT / SAMPLE_RATE))
    power = np.exp(envelopes.power[:, band]).mean(axis=1) * (0.05 + envelopes.voiced)
    level = scipy.ndimage.gaussian_filter1d(np.log(power + 1e-7), 4.0)
    loud = np.flatnonzero(level > level.max() - 9.0)
    first, last = int(loud[0]), int(loud[-1]) + 1
    peaks, facts = scipy.signal.find_peaks(np.pad(level, 1, constant_values=-20.0), distance=16, prominence=0.1)
    strongest = peaks[np.argsort(-facts["prominences"])[:count]] - 1
    humps = sorted(strongest.tolist())
    if len(humps) < count:  # spoken too fast: equal parts
        humps = [round(first + (i + 0.5) * (last - first) / count) for i in range(count)]
    cuts = [first, *(a + int(np.argmin(level[a : b + 1])) for a, b in itertools.pairwise(humps)), last]
    if min(b - a for a, b in itertools.pairwise(cuts)) < _SHORTEST_SYLLABLE:
        cuts = [round(first + i * (last - first) / count) for i in range(count + 1)]
        humps = [a + int(np.argmax(level[a:b])) for a, b in itertools.pairwise(cuts)]
    units = []
    for hump, start, end in zip(humps, cuts, cuts[1:], strict=False):
        end = max(end, start + 12)
        part = Envelopes(envelopes.power[start:end], envelopes.voiced[start:end])
        inside = level[start:end] > level[min(hump, len(level) - 1)] - 2.5
        sung = np.flatnonzero(inside & (part.voiced > 0.5)) if (inside & (part.voiced > 0.5)).any() else [0]
        vowel, coda = int(sung[0]), int(sung[-1]) + 1
        units.append(Unit(part, min(vowel, part.frames - 6), min(max(coda, vowel + 6), part.frames)))
    return units


def _peaks(hz: np.ndarray, formants: tuple[float, ...], widths: tuple[float, ...]) -> np.ndarray:
    """Natural logarithm of the power of a few resonances."""
    power = 1e-4 + sum(
        weight / (1.0 + ((hz - centre) / width) ** 2) ** 2
        for weight, centre, width in zip((1.0, 0.5, 0.2), formants, widths, strict=True)
    )
    return np.asarray(np.log(power))


def _fall(hz: np.ndarray, db_per_octave: float) -> np.ndarray:
    """What is lost above 500 Hz, as a natural logarithm of power."""
    return np.asarray(np.log2(np.maximum(hz / 500.0, 1.0)) * db_per_octave * 0.5 * np.log(10.0) / 10.0)
