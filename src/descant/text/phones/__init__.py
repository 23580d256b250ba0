"""From written words to phones: syllables and their sounds in six languages, and a reading of any Latin letters."""

from descant.text.phones.inventory import PHONES, VOWELS
from descant.text.phones.reader import LANGUAGES, SpokenSyllable, spoken_syllables
from descant.text.phones.written import scripts

__all__ = ["LANGUAGES", "PHONES", "VOWELS", "SpokenSyllable", "scripts", "spoken_syllables"]
