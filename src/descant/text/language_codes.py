"""Codes of languages, as a person may give them: "de", "pt-BR", "German", "deutsch"; anything else is refused."""

from __future__ import annotations

import difflib

from descant.errors import InvalidOption
from descant.text.phones.reader import LANGUAGES

# The languages whose codes Whisper knows; Javanese has an old code there.
_NAMES = (
    "af Afrikaans, am Amharic, ar Arabic, as Assamese, az Azerbaijani, ba Bashkir, be Belarusian, bg Bulgarian, "
    "bn Bengali, bo Tibetan, br Breton, bs Bosnian, ca Catalan, cs Czech, cy Welsh, da Danish, de German, el Greek, "
    "en English, es Spanish, et Estonian, eu Basque, fa Persian, fi Finnish, fo Faroese, fr French, gl Galician, "
    "gu Gujarati, ha Hausa, haw Hawaiian, he Hebrew, hi Hindi, hr Croatian, ht Haitian, hu Hungarian, hy Armenian, "
    "id Indonesian, is Icelandic, it Italian, ja Japanese, jw Javanese, ka Georgian, kk Kazakh, km Khmer, kn Kannada, "
    "ko Korean, la Latin, lb Luxembourgish, ln Lingala, lo Lao, lt Lithuanian, lv Latvian, mg Malagasy, mi Maori, "
    "mk Macedonian, ml Malayalam, mn Mongolian, mr Marathi, ms Malay, mt Maltese, my Burmese, ne Nepali, nl Dutch, "
    "nn Nynorsk, no Norwegian, oc Occitan, pa Punjabi, pl Polish, ps Pashto, pt Portuguese, ro Romanian, ru Russian, "
    "sa Sanskrit, sd Sindhi, si Sinhala, sk Slovak, sl Slovenian, sn Shona, so Somali, sq Albanian, sr Serbian, "
    "su Sundanese, sv Swedish, sw Swahili, ta Tamil, te Telugu, tg Tajik, th Thai, tk Turkmen, tl Tagalog, tr Turkish, "
    "tt Tatar, uk Ukrainian, ur Urdu, uz Uzbek, vi Vietnamese, yi Yiddish, yo Yoruba, zh Chinese"
)
LANGUAGE_NAMES = dict(each.split(" ") for each in _NAMES.split(", "))
"""Code -> English name of every language that can be named."""

_OWN_NAMES = {
    "en": "eng british american", "de": "deu ger deutsch", "fr": "fra fre français francais",
    "es": "spa español espanol castellano castilian", "it": "ita italiano", "pt": "por português portugues brazilian",
    "jw": "jv jav", "no": "nb nob bokmål norsk", "nl": "nld dut nederlands flemish", "fa": "farsi", "zh": "mandarin",
    "ro": "moldavian", "si": "sinhalese", "tl": "fil filipino", "ru": "rus русский", "pl": "pol polski",
    "sv": "swe svenska", "da": "dan dansk", "fi": "fin suomi", "tr": "tur türkçe", "cs": "ces cze čeština",
}  # fmt: skip
_CODES = (
    {code: code for code in LANGUAGE_NAMES}
    | {name.lower(): code for code, name in LANGUAGE_NAMES.items()}
    | {name: code for code, names in _OWN_NAMES.items() for name in names.split()}
)
_CLOSE = 0.75


def known_language(text: str) -> str:
    """The code of a language by its code ("de", with a country too: "pt-BR") or name ("German"); empty if unknown."""
    name = text.strip().lower().replace("_", "-")
    return _CODES.get(name) or _CODES.get(name.partition("-")[0], "")


def language_code(text: str) -> str:
    """The code of the language that a person names; empty text stays empty.

    Raises:
        InvalidOption: No language is known by that name.
    """
    if not text.strip():
        return ""
    if code := known_language(text):
        return code
    near = dict.fromkeys(_CODES[name] for name in difflib.get_close_matches(text.strip().lower(), _CODES, 3, _CLOSE))
    meant = f"Did you mean {' or '.join(f'{code} ({LANGUAGE_NAMES[code]})' for code in near)}? " if near else ""
    first = ", ".join(f"{code} ({LANGUAGE_NAMES[code]})" for code in LANGUAGES)
    others = ", ".join(code for code in LANGUAGE_NAMES if code not in LANGUAGES)
    raise InvalidOption(f"{text!r} is no language that is known.", f"{meant}Known are {first}; and {others}.")
