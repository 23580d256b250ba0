"""Letters to sounds by an ordered table of rules with contexts, the form that readers of a language are written in.

After the idea of Elovitz, Johnson, McHugh and Shore, "Letter-to-sound rules for automatic translation of English text
to phonetics", 1976: at each place of a word the first rule that fits says how many letters are read, and as what.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

OPTIONAL = "?"
_RULE = re.compile(r"(?P<left>[^<>]*)<(?P<letters>[^<>]+)>(?P<right>\S*)")


@dataclass(frozen=True, slots=True)
class Sound:
    """Letters that are read together, with at most one vowel (a diphthong counts as one).

    Attributes:
        letters: As they stand in the word, in lower case.
        phones: What they sound like; none for silent letters. A phone that ends in `?` may stay unsung.
    """

    letters: str
    phones: tuple[str, ...]


# Stands between two parts of a word that are divided whatever their letters are: `ver` and `gnügt`.
BREAK = Sound("", ())


@dataclass(frozen=True, slots=True)
class _Rule:
    left: re.Pattern[str] | None
    letters: str
    right: re.Pattern[str] | None
    phones: tuple[str, ...]

    def fits(self, word: str, place: int) -> bool:
        end = place + len(self.letters)
        return (
            word.startswith(self.letters, place)
            and (self.left is None or self.left.search(word[:place]) is not None)
            and (self.right is None or self.right.match(word, end) is not None)
        )


class RuleTable:
    """An ordered table of rules.

    Each line of the table is `left<letters>right phones`: regular expressions for what stands before and after, where
    the names of `classes` stand for classes of letters (or for a pattern in parentheses), `^` for the start of the
    word and `$` for its end; phones are separated by spaces, `-` is silence. Rules are tried from top to bottom, so
    the special ones stand first.

    Args:
        table: The lines; what follows a `#` and blank lines are left out.
        classes: Capital letters and the letters they stand for.
        same: Letters that sound as they are written wherever no rule fits.

    Raises:
        ValueError: A line of the table is not a rule: our own bug.
    """

    def __init__(self, table: str, classes: dict[str, str], same: str = "") -> None:
        self._rules: dict[str, list[_Rule]] = defaultdict(list)
        for row in [*table.splitlines(), *(f"<{letter}> {letter}" for letter in same)]:
            cells = row.split("#")[0].split()
            if not cells:
                continue
            match = _RULE.fullmatch(cells[0])
            if match is None or len(cells) == 1:
                raise ValueError(f"not a rule: {row!r}")
            left, letters, right = match["left"], match["letters"], match["right"]
            phones = tuple(cell for cell in cells[1:] if cell != "-")
            before = re.compile(f"(?:{_expand(left, classes)})$") if left else None
            after = re.compile(_expand(right, classes)) if right else None
            self._rules[letters[0]].append(_Rule(before, letters, after, phones))

    def read(self, word: str) -> list[Sound]:
        """The sounds of a word; a letter that no rule fits is silent.

        Args:
            word: In lower case.
        """
        sounds, place = [], 0
        while place < len(word):
            rule = next((r for r in self._rules.get(word[place], ()) if r.fits(word, place)), None)
            letters = rule.letters if rule else word[place]
            sounds.append(Sound(letters, rule.phones if rule else ()))
            place += len(letters)
        return sounds


def listed(table: str) -> dict[str, list[Sound]]:
    """A list of exceptions: `word = letters:phones letters:phones`, phones separated by dots.

    Args:
        table: One word a line.
    """
    words: dict[str, list[Sound]] = {}
    for row in filter(str.strip, table.splitlines()):
        cells = row.split("#")[0].split()
        sounds = [
            Sound(letters, tuple(filter(None, phones.split("."))))
            for letters, _, phones in (cell.partition(":") for cell in cells)
        ]
        words["".join(sound.letters for sound in sounds)] = sounds
    return words


def _expand(pattern: str, classes: dict[str, str]) -> str:
    """Capital letters replaced by the classes they name, inside of brackets too."""
    inside, result = False, ""
    for sign in pattern:
        inside = sign == "[" or (inside and sign != "]")
        letters = classes.get(sign)
        is_whole = inside or (letters or "").startswith("(")
        result += sign if letters is None else letters if is_whole else f"[{letters}]"
    return result
