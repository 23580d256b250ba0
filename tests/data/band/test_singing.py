import numpy as np
import pytest

from descant.data.band.formants import SyntheticSinger
from descant.data.band.singers import romaji, spellings
from descant.data.band.singing import Manner, Sung, harmony_line, sing
from descant.data.band.vocoder import HOP, HOP_S, SAMPLE_RATE, fundamental
from descant.data.band.words import Mora, place_words, texts
from descant.data.resinging import TrueNote
from descant.score.harmony import Chord

NOTES = [TrueNote(0.5 + 0.5 * i, 0.5 + 0.5 * (i + 1) - 0.02, 55.0 + p) for i, p in enumerate((0, 2, 4, 5, 7, 5, 4, 0))]
NOTES += [TrueNote(6.0, 7.5, 60.0)]
STEADY = Manner(breath=0.1, stretch=1.0, out_of_tune=0.0, lateness_s=0.0, tuning=0.0)


@pytest.fixture(scope="module")
def sung() -> Sung:
    text = texts()[0]
    rng = np.random.default_rng(4)
    placed = place_words(text.words, [n.start_s for n in NOTES], [n.end_s for n in NOTES], rng)
    words = [text.words[i].text for i in range(placed[-1].word + 1)]
    return sing(NOTES, placed, SyntheticSinger(3), words, text.language, STEADY, 8.0, rng)


def test_the_label_is_the_pitch_that_is_heard(sung: Sung) -> None:
    f0, strength = fundamental(sung.samples, lowest_hz=100.0, highest_hz=500.0)
    labelled = sung.f0_hz[: len(f0)]
    sure = (labelled > 0) & (strength[: len(labelled)] > 0.9)
    cents = np.abs(1200 * np.log2(f0[: len(labelled)][sure] / labelled[sure]))
    assert sure.sum() > 0.8 * (labelled > 0).sum()
    assert np.median(cents) < 25  # the estimate is this coarse, the label is not
    assert (cents < 100).mean() > 0.97


def test_notes_are_sung_where_and_as_high_as_written(sung: Sung) -> None:
    for note, wanted in zip(sung.notes, NOTES, strict=True):
        assert note.start_s == pytest.approx(wanted.start_s, abs=1e-9)
        assert note.pitch == pytest.approx(wanted.pitch, abs=0.6)


def test_energy_lies_inside_the_syllables_and_starts_with_their_vowels(sung: Sung) -> None:
    power = sung.samples.astype(float) ** 2
    inside = np.zeros(len(power), bool)
    for s in sung.syllables:
        assert s.start_s <= s.vowel_s < s.end_s
        inside[int(s.start_s * SAMPLE_RATE) : int(s.end_s * SAMPLE_RATE)] = True
        after = power[int(s.vowel_s * SAMPLE_RATE) :][: 5 * HOP].mean()
        assert after > 0.02 * power[inside].mean()
    breathed = power[~inside].sum()
    assert breathed < 0.02 * power.sum()
    assert (sung.f0_hz[int(5.2 / HOP_S) : int(5.8 / HOP_S)] == 0).all()


def test_syllables_never_overlap(sung: Sung) -> None:
    for one, following in zip(sung.syllables, sung.syllables[1:], strict=False):
        assert one.end_s <= following.start_s + 1e-9


def test_the_second_voice_sings_tones_of_the_chord() -> None:
    chord = Chord(0, "maj")
    line = harmony_line([TrueNote(0.0, 1.0, 64.0), TrueNote(1.0, 2.0, 67.0)], [(0.0, 2.0, chord)], above=False)
    assert [n.pitch for n in line] == [60.0, 64.0]
    above = harmony_line([TrueNote(0.0, 1.0, 60.0)], [(0.0, 2.0, chord)], above=True)
    assert [n.pitch for n in above] == [64.0]


ALIASES = {
    "- か": "ka", "a kaC4": "ka", "i で2": "de", "きゃ": "kya", "u いぇ": "ye", "うぃ": "wi", "ふぁ": "fa", "てぃ": "",
    "a -": "", "e shi": "si", "o ん": "n", "": "", "a NC4": "n", "breath1": "",
}  # fmt: skip


@pytest.mark.parametrize(("alias", "sound"), ALIASES.items())
def test_aliases_of_voice_banks_are_read(alias: str, sound: str) -> None:
    assert romaji(alias) == sound


def test_what_a_bank_lacks_is_replaced_by_something_near() -> None:
    assert spellings(Mora("sh", "i"))[:2] == ["si", "shi"]
    assert spellings(Mora("v", "a")) == ["va", "ba", "a"]
    assert spellings(Mora("", "n")) == ["n", "u"]


def test_synthetic_singers_differ_and_stay_themselves() -> None:
    assert len({SyntheticSinger(n).f0_hz for n in range(10)}) == 10
    assert SyntheticSinger(2).f0_hz == SyntheticSinger(2).f0_hz
