"""Numbers and signs as they are said."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MILLION = 10**6
_SIGNS = "&%$€£¥+=@#°"


@dataclass(frozen=True, slots=True)
class _Words:
    """Words for numbers in one language.

    Attributes:
        small: 0 to 19, or as far as they are words of their own.
        tens: 20, 30 ... 90.
        hundreds: 100, 200 ... 900.
        thousand: 1,000.
        million: One of them.
        millions: Several.
        signs: What `_SIGNS` are called.
        point: Between a number and its decimals.
        joint: Between hundreds and the rest; may be empty.
        linked: Between tens and ones; may be empty.
        only_hundred: 100 alone, where it is another word than in 101.
    """

    small: tuple[str, ...]
    tens: tuple[str, ...]
    hundreds: tuple[str, ...]
    thousand: str
    million: str
    millions: str
    signs: dict[str, str]
    point: str
    joint: str = ""
    linked: str = ""
    only_hundred: str = ""


def _words(
    small: str,
    tens: str,
    hundreds: str,
    large: str,
    signs: str,
    linked: str = "",
    joint: str = "",
    only_hundred: str = "",
) -> _Words:
    """Words from lists with spaces between; a hyphen parts what is said as two words."""
    thousand, million, millions, point = large.split()
    return _Words(
        small=_said(small),
        tens=_said(tens),
        hundreds=_said(hundreds),
        thousand=thousand,
        million=million,
        millions=millions,
        signs=dict(zip(_SIGNS, _said(signs), strict=True)),
        point=point,
        joint=joint,
        linked=linked,
        only_hundred=only_hundred,
    )


def _said(names: str) -> tuple[str, ...]:
    return tuple(name.replace("-", " ") for name in names.split())


_LANGUAGES = {
    "en": _words(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen",
        "twenty thirty forty fifty sixty seventy eighty ninety",
        "one-hundred two-hundred three-hundred four-hundred five-hundred six-hundred seven-hundred eight-hundred "
        "nine-hundred",
        "thousand million million point",
        "and percent dollars euros pounds yen plus equals at number degrees",
    ),
    "de": _words(
        "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn "
        "siebzehn achtzehn neunzehn",
        "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
        "hundert zwei-hundert drei-hundert vier-hundert fünf-hundert sechs-hundert sieben-hundert acht-hundert "
        "neun-hundert",
        "tausend million millionen komma",
        "und prozent dollar euro pfund yen plus gleich at nummer grad",
        linked="und",
    ),
    "fr": _words(
        "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept "
        "dix-huit dix-neuf",
        "vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt",
        "cent deux-cent trois-cent quatre-cent cinq-cent six-cent sept-cent huit-cent neuf-cent",
        "mille million millions virgule",
        "et pourcent dollars euros livres yens plus égale arobase numéro degrés",
    ),
    "es": _words(
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
        "diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis "
        "veintisiete veintiocho veintinueve",
        "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
        "ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos",
        "mil millón millones coma",
        "y por-ciento dólares euros libras yenes más igual arroba número grados",
        linked="y",
        only_hundred="cien",
    ),
    "it": _words(
        "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici "
        "diciassette diciotto diciannove",
        "venti trenta quaranta cinquanta sessanta settanta ottanta novanta",
        "cento duecento trecento quattrocento cinquecento seicento settecento ottocento novecento",
        "mila milione milioni virgola",
        "e percento dollari euro sterline yen più uguale chiocciola numero gradi",
    ),
    "pt": _words(
        "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete "
        "dezoito dezenove",
        "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa",
        "cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos",
        "mil milhão milhões vírgula",
        "e por-cento dólares euros libras ienes mais igual arroba número graus",
        linked="e",
        joint="e",
        only_hundred="cem",
    ),
}
_NUMBER = re.compile(r"(?P<before>[$€£¥]?)(?P<digits>\d+(?:[.,:]\d+)*)(?P<after>\D?)")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3}){1,9}")
"""Longer ones are no numbers that anybody says as one."""


def spoken_number(number: str, language: str) -> str:
    """The words for a number or a sign, separated by spaces.

    Args:
        number: Such as "1984", "7.30", "$5", "10,000", "50%" or "&".
        language: Code; others than those with a reader of their own are read in Italian.
    """
    words = _LANGUAGES.get(language, _LANGUAGES["it"])
    match = _NUMBER.fullmatch(number)
    if match is None:
        return " ".join(words.signs.get(sign, words.small[0]) for sign in number)
    sign = words.signs.get(match["after"] or match["before"], "")
    return f"{_digits(match['digits'], words, language)} {sign}".strip()


def _digits(digits: str, words: _Words, language: str) -> str:
    if _THOUSANDS.fullmatch(digits):
        return _cardinal(int(re.sub(r"\D", "", digits)), words, language)
    groups = re.split(r"[.,:]", digits)
    spoken = [_year(group, words, language) for group in groups]
    separator = " " if ":" in digits or len(groups) > 2 else f" {words.point} "
    return separator.join(spoken)


def _year(group: str, words: _Words, language: str) -> str:
    """A group of digits: years by hundreds where that is said, leading zeros and long numbers digit by digit."""
    if (group[0] == "0" and len(group) > 1) or len(group) > 9:
        return " ".join(words.small[int(digit)] for digit in group)
    value = int(group)
    if language == "en" and len(group) == 4 and 1100 <= value < 2100 and value // 100 != 20 and value % 1000:
        rest = "hundred" if not value % 100 else _below_hundred(value % 100, words, language)
        return f"{words.small[value // 100]} {'oh ' if 0 < value % 100 < 10 else ''}{rest}"
    if language == "de" and len(group) == 4 and 1100 <= value < 2000:
        return f"{words.small[value // 100]} hundert {_below_hundred(value % 100, words, language)}".strip()
    return _cardinal(value, words, language)


def _cardinal(value: int, words: _Words, language: str) -> str:
    if value == 0:
        return words.small[0]
    parts = []
    millions, rest = divmod(value, _MILLION)
    if millions:
        one = {"de": "eine", "es": "un"}.get(language, words.small[1])
        parts += [one, words.million] if millions == 1 else [_cardinal(millions, words, language), words.millions]
    thousands, rest = divmod(rest, 1000)
    if thousands == 1:
        parts.append({"en": "one thousand", "it": "mille"}.get(language, words.thousand))
    elif thousands:
        parts += [_below_thousand(thousands, words, language), words.thousand]
    if rest:
        if words.joint and parts and (rest < 100 or rest % 100 == 0):
            parts.append(words.joint)
        parts.append(_below_thousand(rest, words, language))
    return " ".join(parts)


def _below_thousand(value: int, words: _Words, language: str) -> str:
    hundreds, rest = divmod(value, 100)
    if value == 100 and words.only_hundred:
        return words.only_hundred
    parts = [words.hundreds[hundreds - 1]] if hundreds else []
    if hundreds and rest and words.joint:
        parts.append(words.joint)
    if rest:
        parts.append(_below_hundred(rest, words, language))
    return " ".join(parts)


def _below_hundred(value: int, words: _Words, language: str) -> str:
    if value == 0:
        return ""
    if value < len(words.small):
        return words.small[value]
    tens, ones = divmod(value, 10)
    if language == "fr":
        return _french_below_hundred(value, words)
    if not ones:
        return words.tens[tens - 2]
    if language == "de":
        return f"{'ein' if ones == 1 else words.small[ones]} und {words.tens[tens - 2]}"
    if language == "it":
        stem = words.tens[tens - 2]
        return (stem[:-1] if ones in {1, 8} else stem) + words.small[ones]
    return " ".join(filter(None, (words.tens[tens - 2], words.linked, words.small[ones])))


def _french_below_hundred(value: int, words: _Words) -> str:
    """Seventies and nineties go on from sixty and eighty with ten to nineteen."""
    tens = ("vingt", "trente", "quarante", "cinquante", "soixante", "soixante", "quatre vingt", "quatre vingt")
    decade = value // 10
    rest = value % 20 if decade in {7, 9} else value % 10
    link = "et" if rest in {1, 11} and decade < 8 else ""
    return " ".join(filter(None, (tens[decade - 2], link, words.small[rest] if rest else "")))
