"""Numbers and signs as they are said."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MILLION = 10**6


@dataclass(frozen=True, slots=True)
class _Words:
    """Words for numbers in one language, each list without spaces inside of a word.

    Attributes:
        small: 0 to 19 or as far as they are words of their own.
        tens: 20, 30 ... 90.
        hundreds: 100, 200 ... 900.
        thousand, million, millions: As words.
        joint: Between hundreds and the rest.
        linked: Between tens and ones.
        signs: What signs are called.
        point: Between a number and its decimals.
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


def _signs(names: str) -> dict[str, str]:
    return dict(zip("&%$€£¥+=@#°", names.split(","), strict=True))


_ENGLISH_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_GERMAN_ONES = "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn"
_FRENCH_ONES = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf"

_LANGUAGES = {
    "en": _Words(
        tuple(_ENGLISH_ONES.split()),
        tuple("twenty thirty forty fifty sixty seventy eighty ninety".split()),
        tuple(f"{one} hundred" for one in _ENGLISH_ONES.split()[1:10]),
        "thousand", "million", "million",
        _signs("and,percent,dollars,euros,pounds,yen,plus,equals,at,number,degrees"), "point",
    ),
    "de": _Words(
        tuple(_GERMAN_ONES.split()),
        tuple("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()),
        ("hundert", *(f"{one} hundert" for one in _GERMAN_ONES.split()[2:10])),
        "tausend", "million", "millionen",
        _signs("und,prozent,dollar,euro,pfund,yen,plus,gleich,at,nummer,grad"), "komma", linked="und",
    ),
    "fr": _Words(
        tuple(_FRENCH_ONES.replace("-", " ").split()[:17]) + ("dix sept", "dix huit", "dix neuf"),
        tuple("vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt".replace("-", " ").split()),
        ("cent", *(f"{one} cent" for one in _FRENCH_ONES.split()[2:10])),
        "mille", "million", "millions",
        _signs("et,pourcent,dollars,euros,livres,yens,plus,égale,arobase,numéro,degrés"), "virgule",
    ),
    "es": _Words(
        tuple(
            (
                "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
                "diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco "
                "veintiséis veintisiete veintiocho veintinueve"
            ).split()
        ),
        tuple("veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()),
        tuple("ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos".split()),
        "mil", "millón", "millones",
        _signs("y,por ciento,dólares,euros,libras,yenes,más,igual,arroba,número,grados"), "coma", linked="y",
        only_hundred="cien",
    ),
    "it": _Words(
        tuple(
            (
                "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici "
                "sedici diciassette diciotto diciannove"
            ).split()
        ),
        tuple("venti trenta quaranta cinquanta sessanta settanta ottanta novanta".split()),
        tuple("cento duecento trecento quattrocento cinquecento seicento settecento ottocento novecento".split()),
        "mila", "milione", "milioni",
        _signs("e,percento,dollari,euro,sterline,yen,più,uguale,chiocciola,numero,gradi"), "virgola",
    ),
    "pt": _Words(
        tuple(
            (
                "zero um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis "
                "dezessete dezoito dezenove"
            ).split()
        ),
        tuple("vinte trinta quarenta cinquenta sessenta setenta oitenta noventa".split()),
        tuple("cento duzentos trezentos quatrocentos quinhentos seiscentos setecentos oitocentos novecentos".split()),
        "mil", "milhão", "milhões",
        _signs("e,por cento,dólares,euros,libras,ienes,mais,igual,arroba,número,graus"), "vírgula", joint="e",
        linked="e", only_hundred="cem",
    ),
}  # fmt: skip
_NUMBER = re.compile(r"(?P<before>[$€£¥]?)(?P<digits>\d+(?:[.,:]\d+)*)(?P<after>\D?)")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_EDGE = "€$£¥"


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
    value = int(group)
    if (group[0] == "0" and len(group) > 1) or len(group) > 9:
        return " ".join(words.small[int(digit)] for digit in group)
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
