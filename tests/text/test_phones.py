from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.text.phones import LANGUAGES, PHONES, VOWELS, scripts, spoken_syllables
from descant.text.phones.numbers import spoken_number
from descant.text.phones.rules import RuleTable, Sound

CODES = [*LANGUAGES, "pt-BR", "pl", ""]


def sounds(word: str, language: str) -> str:
    """All phones of a word, the optional ones in brackets, parts separated by a dot."""
    return ".".join(
        "".join(f"({phone})" if place in part.optional else phone for place, phone in enumerate(part.phones))
        for part in spoken_syllables(word, language)
    )


def parts(word: str, language: str) -> str:
    return "|".join(part.text for part in spoken_syllables(word, language))


@given(st.text(max_size=30), st.sampled_from(CODES))
@settings(max_examples=400, deadline=None)
def test_any_text_is_read_and_its_parts_join(word: str, language: str) -> None:
    read = spoken_syllables(word, language)
    assert "".join(part.text for part in read) == word
    assert {phone for part in read for phone in part.phones} <= set(PHONES)
    assert all(0 <= place < len(part.phones) for part in read for place in part.optional)


LETTERS = "abcdefghijklmnopqrstuvwxyzàâäãåæçéèêëíìîïñóòôöõøœúùûüýÿßşğıłšžđþ'’-,!?ABCÉÖß0123456789ЖαΩ"


@given(st.text(alphabet=LETTERS, min_size=1, max_size=14), st.sampled_from(CODES))
@settings(max_examples=600, deadline=None)
def test_whatever_has_a_letter_or_a_digit_sounds(word: str, language: str) -> None:
    read = spoken_syllables(word, language)
    assert "".join(part.text for part in read) == word
    if any(sign.isalnum() for sign in word):
        assert any(part.phones for part in read)
        assert all(part.text for part in read)


@given(st.text(alphabet="bdklmnprstaeioué", min_size=1, max_size=12), st.sampled_from(LANGUAGES))
@settings(max_examples=300, deadline=None)
def test_syllables_have_one_vowel_or_one_diphthong(word: str, language: str) -> None:
    for part in spoken_syllables(word, language):
        places = [place for place, phone in enumerate(part.phones) if phone in VOWELS]
        assert len(places) <= 2
        assert not places or places == list(range(places[0], places[-1] + 1))


# Written down from what dictionaries of each language give (German: Duden, French: Petit Robert, and so on), in the
# broad symbols of the inventory.
@pytest.mark.parametrize(
    ("language", "word", "heard"),
    [
        ("es", "corazón", "ko.ra.son"),
        ("es", "guitarra", "ɡi.ta.ra"),
        ("es", "ciudad", "sju.dad"),
        ("es", "hoy", "oɪ"),
        ("es", "pingüino", "piŋ.ɡwi.no"),
        ("es", "país", "pa.is"),
        ("it", "gioia", "dʒo.ja"),
        ("it", "figlia", "fi.ʎa"),
        ("it", "scena", "ʃe.na"),
        ("it", "anche", "aŋ.ke"),
        ("it", "mio", "mi.o"),
        ("it", "più", "pju"),
        ("it", "dell'anima", "de.la.ni.ma"),
        ("pt", "coração", "ko.ra.sɑ̃ʊ"),
        ("pt", "cidade", "si.da.dʒi"),
        ("pt", "Brasil", "bra.ziw"),
        ("pt", "mulher", "mu.ʎer"),
        ("de", "Mädchen", "mɛt.çen"),
        ("de", "Herz", "hɛʁts"),
        ("de", "Sonne", "zɔ.nə"),
        ("de", "Ewigkeit", "e.vɪç.kaɪt"),
        ("de", "gesungen", "ɡə.zʊ.ŋən"),
        ("de", "freundlich", "fʁɔɪnt.lɪç"),
        ("de", "durch", "dʊʁç"),
        ("fr", "petite", "pə.ti.t(ə)"),
        ("fr", "chantent", "ʃɑ̃.t(ə)"),
        ("fr", "souvent", "su.vɑ̃"),
        ("fr", "l'amour", "la.muʁ"),
        ("fr", "soleil", "sɔ.lɛj"),
        ("fr", "hiver", "i.vɛʁ"),
        ("fr", "tranquille", "tʁɑ̃.ki.l(ə)"),
        ("fr", "bien", "bjɛ̃"),
        ("en", "heaven", "hɛv.ən"),
        ("en", "through", "θɹu"),
        ("en", "knight", "naɪt"),
        ("en", "lovin'", "lʌv.ɪn"),
        ("en", "world's", "wɜɹldz"),
        ("en", "don't", "doʊnt"),
        ("en", "gonna", "ɡɑ.nə"),
        ("en", "nooooo", "noʊ"),
        ("es", "amooor", "a.mor"),
    ],
)
def test_words_of_each_language(language: str, word: str, heard: str) -> None:
    assert sounds(word, language) == heard


@pytest.mark.parametrize(
    ("language", "word", "divided"),
    [
        ("it", "festa", "fe|sta"),
        ("it", "bello", "bel|lo"),
        ("es", "¡canción!", "¡can|ción!"),
        ("es", "calle", "ca|lle"),
        ("de", "Mutter", "Mut|ter"),
        ("de", "gehen", "ge|hen"),
        ("fr", "belle", "bel|le"),
        ("fr", "quand", "quand"),
        ("pt", "carro", "car|ro"),
        ("en", "summer", "sum|mer"),
        ("en", "lovely,", "love|ly,"),
        ("en", "unknown", "un|known"),
        ("en", "oh-oh-oh", "oh-|oh-|oh"),
    ],
)
def test_words_are_divided_as_under_notes(language: str, word: str, divided: str) -> None:
    assert parts(word, language) == divided


@pytest.mark.parametrize("word", ["bcdfg" * 2000, "aaabbb" * 1500, "lala" * 2500, "ж" * 5 + "щю" * 5000, "9" * 10_000])
@pytest.mark.parametrize("language", ["en", "de", "pt", "pl"])
def test_a_word_without_end_is_read_at_once(word: str, language: str) -> None:
    """Rules look at all that stands before a letter: in such a word that took minutes, and runs within runs no end."""
    spoken = spoken_syllables.__wrapped__(word, language)
    assert "".join(part.text for part in spoken) == word
    assert sum(len(part.phones) for part in spoken) >= 10


def test_a_number_of_more_digits_than_python_turns_into_one_is_read() -> None:
    assert spoken_number("9" * 5000, "en") == " ".join(["nine"] * 5000)
    assert spoken_number("1" + ",000" * 2000, "en").startswith("one zero zero zero zero")


def test_other_scripts_are_read_where_they_can_be_and_named() -> None:
    assert sounds("Привет", "ru") == "pri.vet"
    assert sounds("Ελλάδα", "el") == "e.la.da"
    assert [part.phones for part in spoken_syllables("你好", "zh")] == [()]
    assert spoken_syllables("", "en") == ()
    assert scripts("Привет, wörld 你") == {"CYRILLIC", "LATIN", "CJK"}


def test_accents_written_as_signs_of_their_own_sound_alike() -> None:
    assert sounds("cafe\u0301", "fr") == sounds("café", "fr") == "ka.fe"
    assert parts("e\u0301te\u0301", "fr") == "e\u0301|te\u0301"


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("en", "1984", "nineteen eighty four"),
        ("en", "2024", "two thousand twenty four"),
        ("en", "$5", "five dollars"),
        ("en", "7.30", "seven point thirty"),
        ("en", "10,000", "ten thousand"),
        ("de", "1984", "neunzehn hundert vier und achtzig"),
        ("de", "21", "ein und zwanzig"),
        ("fr", "96", "quatre vingt seize"),
        ("fr", "71", "soixante et onze"),
        ("fr", "81", "quatre vingt un"),
        ("es", "100", "cien"),
        ("es", "131", "ciento treinta y uno"),
        ("it", "28", "ventotto"),
        ("it", "2000", "due mila"),
        ("pt", "1984", "mil novecentos e oitenta e quatro"),
        ("pt", "50%", "cinquenta por cento"),
        ("en", "007", "zero zero seven"),
        ("en", "&", "and"),
    ],
)
def test_numbers_are_said(language: str, number: str, said: str) -> None:
    assert spoken_number(number, language) == said


def test_a_number_keeps_its_text() -> None:
    (part,) = spoken_syllables("1984!", "es")
    assert part.text == "1984!"
    assert "".join(part.phones) == "milnobesjentosotʃentaikwatro"


def test_the_first_rule_that_fits_is_taken() -> None:
    table = RuleTable("<ch>V tʃ\n<ch> k  # before consonants\na<s>$ z\n", {"V": "aeiou"}, same="as")
    assert table.read("chas") == [Sound("ch", ("tʃ",)), Sound("a", ("a",)), Sound("s", ("z",))]
    assert table.read("chr")[0] == Sound("ch", ("k",))
    assert table.read("chr")[1] == Sound("r", ())
    with pytest.raises(ValueError, match="not a rule"):
        RuleTable("ch k", {})
