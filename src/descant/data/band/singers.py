"""Singers: what sings a syllable. Recorded syllables, recorded words, or formants where no recording is given."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import scipy.ndimage
import scipy.signal
import soxr

from descant.audio.io import read
from descant.data.band.formants import SyntheticSinger
from descant.data.band.units import Asked, Unit, evened
from descant.data.band.vocoder import FFT, HOP_S, SAMPLE_RATE, Envelopes, analyse
from descant.data.band.words import Mora, Word, divide, mora
from descant.data.resinging import SAMPLE_RATE as BANK_RATE
from descant.data.resinging import OtoEntry, VoiceBank
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


class Singer(Protocol):
    """Who sings.

    Attributes:
        name: Who it is, and of a speaker in which language.
        person: Whose recordings they are; one person is in one split.
        kind: "bank", "lexicon" or "synthetic".
        f0_hz: Where the voice lies.
        licence: Of the recordings.
    """

    name: str
    person: str
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
        self.name = self.person = name
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
        person: Who speaks, whatever the language; None takes the name.
    """

    kind = "lexicon"

    def __init__(
        self,
        name: str,
        file: Path,
        words: dict[str, tuple[float, float]],
        *,
        language: str,
        licence: str,
        person: str | None = None,
    ) -> None:
        self.name = name
        self.person = name if person is None else person
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
            person=speaker,
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
