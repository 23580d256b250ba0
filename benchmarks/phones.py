"""How well words are read and divided, against independent oracles.

`python benchmarks/phones.py sounds de WORDS [--words 2000]` compares with espeak-ng (Debian package of this name; only
asked from outside, never imported): phone error rate over a sample of a list with one word a line, such as those of the
Debian packages wngerman, wfrench, wspanish, witalian, wbrazilian, wamerican. `loose` does not tell open from closed
vowels and glides from vowels, which spelling does not either.

`python benchmarks/phones.py division SCORES.zip...` compares with how words are divided under the notes of MusicXML
scores (OpenScore Lieder, OpenEWLD): share of words with the same number of syllables, and with the same parts. The
language of each song is guessed from its words.
"""

from __future__ import annotations

import argparse
import io
import random
import re
import subprocess
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from descant.text.language import guess_language
from descant.text.phones import PHONES, VOWELS, SpokenSyllable, spoken_syllables

VOICES = {"en": "en-us", "de": "de", "fr": "fr-fr", "es": "es-419", "it": "it", "pt": "pt-br"}
ALIKE = {
    "ɾ": "r", "ɚ": "ə ɹ", "ɝ": "ɜ ɹ", "ᵻ": "ɪ", "β": "b", "ɣ": "ɡ", "ʝ": "j", "ɟ": "j", "œ̃": "ɛ̃", "ɐ̃": "ɑ̃", "ʊ̃": "ʊ",
    "ẽ": "ɛ̃", "õ": "ɔ̃", "ɫ": "l", "g": "ɡ", "ɪ̃": "ɪ", "ĩ": "ĩ", "ũ": "ũ", "ɲ": "ɲ", "ʋ": "v",
}  # fmt: skip
OF_LANGUAGE = {
    "en": {"ɾ": "t", "ɐ": "ə", "r": "ɹ", "a": "a", "o": "o", "ɜ": "ɜ ɹ"},
    "de": {"ɑ": "a", "ɜ": "ɐ", "r": "ʁ", "ɾ": "ʁ", "ɔø": "ɔ ɪ", "ɔʏ": "ɔ ɪ", "??": "ʊ ʁ", "ɒ": "ɔ"},
    "fr": {"r": "ʁ", "ɑ": "a"},
    "es": {"ð": "d", "θ": "s", "ʎ": "j"},
    "it": {"ʊ": "u", "ɪ": "i"},
    "pt": {"ʊ": "u", "ɪ": "i", "æ": "a", "y": "i", "ɐ": "a", "ð": "d", "ɨ": "i", "ə": "a"},
}
LOOSE = dict(zip("ɛɔœʊɪɐʌŋʏɑwj", "eoøuiaənyaui", strict=True))


def heard(words: Sequence[str], language: str) -> list[list[str]]:
    """What espeak-ng says for each word, in the symbols of the package."""
    text = "\n\n".join(words)
    command = ["espeak-ng", "-q", "--ipa=1", "--sep=_", "-v", VOICES[language], "--stdin"]
    rows = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [row for row in rows if row.strip()]
    if len(rows) != len(words):
        raise SystemExit(f"espeak-ng gave {len(rows)} rows for {len(words)} words")
    return [symbols(row, language) for row in rows]


def symbols(row: str, language: str) -> list[str]:
    """A row of IPA in the symbols of the package."""
    names = ALIKE | OF_LANGUAGE[language]
    known = sorted({*names, *PHONES}, key=len, reverse=True)
    row = re.sub(r"\([a-z-]+\)|[ˈˌː_ʔ‿ˑ̩̯͡ \u200d]", "", row)
    result: list[str] = []
    while row:
        sign = next((each for each in known if row.startswith(each)), row[0])
        result += names.get(sign, sign).split()
        row = row[len(sign) :]
    if language == "en":
        result = [p for i, p in enumerate(result) if not (p == "ɹ" and i and result[i - 1] == "ɹ")]
    if language in {"it", "es", "pt", "fr"}:
        result = [p for i, p in enumerate(result) if not (i and p == result[i - 1])]
    return result


def read(word: str, language: str) -> tuple[list[str], list[str]]:
    """The phones of a word, with and without those that may stay unsung."""
    parts = spoken_syllables(word, language)
    full = [phone for part in parts for phone in part.phones]
    short = [phone for part in parts for place, phone in enumerate(part.phones) if place not in part.optional]
    if language in {"it", "es", "pt", "fr"}:
        full, short = ([p for i, p in enumerate(x) if not (i and p == x[i - 1])] for x in (full, short))
    return full, short


def distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Edits from one to the other."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def loose(phones: Sequence[str], language: str) -> list[str]:
    """Phones without what spelling does not tell."""
    text = " ".join(LOOSE.get(phone, phone) for phone in phones)
    if language == "pt":  # espeak-ng writes nasal vowels before a consonant as an oral one and a nasal consonant
        text = text.replace("ɑ̃", "a").replace("ɛ̃ i", "e i").replace("ɛ̃", "e i").replace("ɔ̃", "o").replace("ĩ", "i")
        text = text.replace("ũ", "u")
    return text.split()


def sounds(language: str, path: Path, count: int, show: int) -> None:
    """Print the error rate and the worst words."""
    listed = [w.strip() for w in path.read_text(encoding="utf-8").splitlines()]
    plain = [word for word in listed if re.fullmatch(r"[^\W\d_]{2,}", word) and (language == "de" or word.islower())]
    words = random.Random(7).sample(plain, min(count, len(plain)))
    errors, loose_errors, total, right = 0, 0, 0, 0
    worst: list[tuple[float, str]] = []
    for word, truth in zip(words, heard(words, language), strict=True):
        forms = read(word, language)
        wrong = min(distance(form, truth) for form in forms)
        loosely = min(distance(loose(form, language), loose(truth, language)) for form in forms)
        errors, loose_errors, total = errors + wrong, loose_errors + loosely, total + len(truth)
        right += not loosely
        worst.append((loosely, f"{word}: {' '.join(forms[1])} | {' '.join(truth)}"))
    print(f"{language}: {len(words)} words, phone error rate {errors / total:.4f}, loose {loose_errors / total:.4f}, "
          f"words right (loose) {right / len(words):.3f}")  # fmt: skip
    for _, row in random.Random(1).sample([w for w in worst if w[0]], min(show, sum(bool(w[0]) for w in worst))):
        print("  ", row)


def songs(path: Path, count: int) -> Iterator[list[list[str]]]:
    """The words of each score, each as its parts, of the first strophe."""
    with zipfile.ZipFile(path) as archive:
        scores = [name for name in archive.namelist() if name.endswith(".mxl")]
        for name in random.Random(7).sample(scores, min(count, len(scores))):
            with zipfile.ZipFile(io.BytesIO(archive.read(name))) as score:
                inner = next(n for n in score.namelist() if n.endswith(".xml") and "META-INF" not in n)
                yield list(divided(ET.fromstring(score.read(inner))))


def divided(root: ET.Element) -> Iterator[list[str]]:
    """Words of a score as parts."""
    parts: list[str] = []
    for lyric in root.iter("lyric"):
        if lyric.get("number", "1") not in {"1", "part1verse1"}:
            continue
        texts, kind = [t.text or "" for t in lyric.iter("text")], lyric.findtext("syllabic") or "single"
        if len(texts) != 1:
            parts = []
            continue
        parts.append(texts[0])
        if kind in {"single", "end"}:
            if kind == "end" or len(parts) == 1:
                yield parts
            parts = []


def division(paths: Sequence[Path], count: int, show: int) -> None:
    """Print how often words are divided as in scores, by the language that is guessed for each song."""
    seen: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for path in paths:
        for words in songs(path, count):
            text = " ".join("".join(word) for word in words)
            guess = guess_language(text)
            if len(words) >= 30 and guess.confidence > 0.9:
                seen[guess.code].update(tuple(re.sub(r"[^\w'’]|\d", "", p.lower()) for p in word) for word in words)
    for language, words in sorted(seen.items()):
        number = same = total = 0
        wrong: Counter[str] = Counter()
        for parts, count in words.items():
            if not all(parts) or (len(parts) == 1 and not re.search(r"[^\W\d_]", parts[0])):
                continue
            read_parts = [part.text for part in spoken_syllables("".join(parts), language)]
            can_be_short = [p.text for p in spoken_syllables("".join(parts), language) if not all_optional(p)]
            total += count
            fits = len(parts) in {len(read_parts), len(can_be_short)}
            number += count * fits
            same += count * (list(parts) == read_parts or (fits and len(parts) == 1))
            if list(parts) != read_parts:
                wrong["-".join(parts) + " | " + "-".join(read_parts)] += count
        print(
            f"{language}: {total} words, number of syllables right {number / total:.4f}, parts right {same / total:.4f}"
        )
        for row, count in wrong.most_common(show):
            print("  ", count, row)


def all_optional(part: SpokenSyllable) -> bool:
    """Whether the only vowel of a syllable may stay unsung."""
    return any(phone in VOWELS for phone in part.phones) and not any(
        phone in VOWELS and place not in part.optional for place, phone in enumerate(part.phones)
    )


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    by_sound = commands.add_parser("sounds")
    by_sound.add_argument("language", choices=VOICES)
    by_sound.add_argument("list", type=Path)
    by_sound.add_argument("--words", type=int, default=2000)
    by_score = commands.add_parser("division")
    by_score.add_argument("scores", type=Path, nargs="+")
    by_score.add_argument("--songs", type=int, default=1000, help="of each archive")
    for command in (by_sound, by_score):
        command.add_argument("--show", type=int, default=0, help="how many errors to list")
    arguments = parser.parse_args()
    if arguments.command == "sounds":
        sounds(arguments.language, arguments.list, arguments.words, arguments.show)
    else:
        division(arguments.scores, arguments.songs, arguments.show)


if __name__ == "__main__":
    main()
