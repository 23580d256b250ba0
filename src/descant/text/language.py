"""Which of the languages with a reader lyrics are written in, from their little words and their letters."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

from descant.text.phones.written import scripts

# The commonest words of songs in each language; those that two languages share count for both.
_WORDS = {
    "en": (
        "the and you i to a me my it in is of that on your we for all be so no with but this love can know oh "
        "don't i'm it's what when just do now like are was have not will if up down go get got let one out they "
        "he she her his there never yeah you're i'll baby from at by o thou thee thy where who why how then than "
        "our us as or"
    ),
    "de": (
        "die und ich der das nicht du ist in es ein zu wir mit den so mich sie dich wie auf mir was dir ja nur "
        "von dem für bin wenn doch dass im alles mein hat kann noch da aber eine nein bist auch nie schon hab er "
        "sich an aus meine dein deine war ach o ihr uns am mehr hier zum ins nach wo einen als über liebe herz "
        "daß will"
    ),
    "fr": (
        "je de la le et les que tu un pas à des est en l' j'ai c'est qui une on ne dans pour me il mon ma moi toi "
        "se te mais du sur plus tout avec ce si ta nous vous comme sans ton mes son au par elle où sa bien ça "
        "d'un tes ses quand même fait être suis leur aux jamais nos votre notre ô cœur"
    ),
    "es": (
        "que de no la y el en me te tu a mi un es lo se por con yo los una si para las mí ya más como del al todo "
        "ti amor sin corazón pero quiero porque esta eres soy cuando sé nada vida qué está le hay estoy su hasta "
        "tú él muy nunca siempre o ay ni donde mis tus este nos"
    ),
    "it": (
        "che e di non la il mi un è per in sei ma ti a una le si con più come se io no amore tu sono del lo da i "
        "della perché mia te me ho quando solo dove mio cosa al qui ci ancora anche tutto gli sempre hai o chi "
        "questo nel tuo cuor cuore ah dell l' d' nella sul senza poi mai"
    ),
    "pt": (
        "que eu não o de a e você do me pra no um é da meu se te na com em mais por uma os só minha ela mim vou "
        "vai tudo tem quem amor quando seu vem ser como bem já tá foi ele mas sem coração as ao meus sou nada "
        "aqui até isso dos há teu tua muito nem à são"
    ),
}
_LETTERS = {
    "en": "", "de": "äöüß", "fr": "àâçéèêëîïôœùûÿ", "es": "áéíñóúü¿¡", "it": "àèéìòù", "pt": "ãõáâàçéêíóôú",
}  # fmt: skip
_ENDINGS = {
    "en": ("ing", "ght", "wn", "th", "ll", "ly"),
    "de": ("en", "ch", "icht", "ung", "lich", "tz", "eit", "st"),
    "fr": ("eux", "ais", "ait", "ez", "ent", "eur", "ours", "que", "aux", "oir"),
    "es": ("ción", "ado", "ando", "os", "as", "dad", "ar", "iendo"),
    "it": ("zione", "are", "ere", "ato", "ello", "ella", "etto", "tta", "tto", "zza", "gli", "ndo"),
    "pt": ("ção", "ão", "inho", "inha", "ado", "ou", "ei", "ndo", "em"),
}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*['’]?")
_MISS = 0.012


@dataclass(frozen=True, slots=True)
class LanguageGuess:
    """What language lyrics are in.

    Attributes:
        code: "en", "de", "fr", "es", "it", "pt", or "other".
        confidence: 0..1 that it is this one.
    """

    code: str
    confidence: float


def guess_language(text: str) -> LanguageGuess:
    """The language of lyrics, from how many of their words are common words of a language, and from their letters.

    Args:
        text: A few lines are enough; of a single word little can be said.
    """
    words = [word.lower().replace("’", "'") for word in _WORD.findall(text)]
    latin = [word for word in words if scripts(word) == {"LATIN"}]
    if not latin or len(latin) * 2 < len(words):
        return LanguageGuess("other", 1.0 if words else 0.0)
    counts = Counter(latin)
    scores = {code: _score(counts, code) for code in _WORDS}
    best = max(scores, key=lambda code: scores[code])
    total = sum(math.exp(scores[code] - scores[best]) for code in scores)
    known = sum(count for word, count in counts.items() if _hits(word, best))
    share = known / len(latin)
    if len(latin) >= 8 and share < _OTHER_SHARE:
        return LanguageGuess("other", 1.0 - 0.5 * share / _OTHER_SHARE)
    return LanguageGuess(best, 1.0 / total if known else min(1.0 / total, 0.5))


_OTHER_SHARE = 0.12
_SETS = {code: frozenset(words.split()) for code, words in _WORDS.items()}
_ALL_LETTERS = frozenset("".join(_LETTERS.values()))


def _hits(word: str, code: str) -> bool:
    """Whether a word is a common one of a language, or starts with an article of it ("l'amour")."""
    known = _SETS[code]
    head, apostrophe, _ = word.partition("'")
    return word in known or bool(apostrophe and head in {"l", "d", "j", "qu", "dell", "all"} and code in {"fr", "it"})


def _score(counts: Counter[str], code: str) -> float:
    """The logarithm of how likely the words are in a language; a repeated word counts less each time."""
    known, size = _SETS[code], len(_SETS[code])
    score = 0.0
    for word, count in counts.items():
        chance = _MISS / 10
        if _hits(word, code):
            chance = 0.5 / size
        elif word.endswith(_ENDINGS[code]) and len(word) > 3:
            chance = _MISS / 4
        foreign = (_ALL_LETTERS & set(word)) - set(_LETTERS[code])
        if foreign and word not in known:
            chance /= 10.0
        elif set(_LETTERS[code]) & set(word):
            chance *= 2.0
        score += math.log(chance) * (1.0 + math.log(count))
    return score
