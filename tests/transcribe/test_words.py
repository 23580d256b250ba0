from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.errors import CheckpointError, InvalidOption, MissingDependency
from descant.text.lyrics import Word
from descant.transcribe.config import WordOptions
from descant.transcribe.words import WordRecognizer, lines_of, sounding_words, surer_passages, without_loops

RATE = 16_000


def said(text: str, start: float = 0.0, step: float = 0.4) -> list[Word]:
    return [Word(w, start + i * step, start + i * step + 0.3, 0.9) for i, w in enumerate(text.split())]


def test_a_stuck_phrase_is_cut_to_three() -> None:
    kept = without_loops(said("oh " + "take me home " * 12 + "now"))
    assert " ".join(w.text for w in kept) == "oh take me home take me home take me home now"
    assert len(without_loops(said("la " * 50))) == 3


def test_a_refrain_stays() -> None:
    song = said("la la la we sing la la la we sing the end")
    assert without_loops(song) == song
    assert without_loops([]) == []


def test_words_on_silence_are_dropped() -> None:
    mono = np.zeros(4 * RATE, np.float32)
    mono[: 2 * RATE] = 0.3 * np.sin(np.arange(2 * RATE) * 0.1)
    words = said("here and there", 0.2, 1.5)
    assert [w.text for w in sounding_words(words, mono, RATE)] == ["here", "and"]
    assert sounding_words(words, np.zeros(10, np.float32), RATE) == []


def test_lines_break_at_pauses_sentences_and_length() -> None:
    options = WordOptions(shortest_pause_s=1.0, longest_line_s=3.0)
    words = [*said("one two three."), *said("four five", 1.3), *said("six", 5.0), *said("a b c d e f g h i j", 7.0)]
    lines = [line.text for line in lines_of(words, options)]
    assert lines[:3] == ["one two three.", "four five", "six"]
    assert len(lines) == 5
    with pytest.raises(InvalidOption):
        WordOptions(lowest_confidence=2.0)
    with pytest.raises(InvalidOption):
        WordOptions(shortest_pause_s=0.0)


class Model:
    """Stands for Whisper where no weights are."""

    supported_languages = ("en",)

    def __init__(self, segments: list[SimpleNamespace]) -> None:
        self.segments = segments
        self.options: dict[str, object] = {}
        self.heard: list[np.ndarray] = []

    def transcribe(self, mono: np.ndarray, **options: object) -> tuple[list[SimpleNamespace], None]:
        self.options = options
        self.heard.append(mono)
        return self.segments, None


def heard(
    text: str, *, logprob: float = -0.2, silence: float = 0.1, ratio: float = 1.2, sure: float = 0.9
) -> SimpleNamespace:
    words = [
        SimpleNamespace(word=f" {w}", start=0.4 * i, end=0.4 * i + 0.3, probability=sure)
        for i, w in enumerate(text.split())
    ]
    return SimpleNamespace(words=words, end=2.0, avg_logprob=logprob, no_speech_prob=silence, compression_ratio=ratio)


def recognizer(*segments: SimpleNamespace) -> tuple[WordRecognizer, Model]:
    made, model = WordRecognizer.__new__(WordRecognizer), Model(list(segments))
    made._model = model
    return made, model


def tone(seconds: float = 3.0) -> Clip:
    return Clip((0.3 * np.sin(np.arange(int(seconds * RATE)) * 0.2)).astype(np.float32), RATE)


def test_what_whisper_invents_is_not_believed() -> None:
    listen, model = recognizer(
        heard("real words"),
        heard("thanks for watching", logprob=-1.2, silence=0.9),
        heard("yeah yeah yeah", logprob=-0.9, ratio=3.5),
        heard("one two three four four", logprob=-0.09, silence=0.82, ratio=13.1),  # said of drums and bass
    )
    assert listen(tone()).text == "real words"
    assert model.options["temperature"] == 0.0
    assert model.options["vad_filter"] is False
    unsure, _ = recognizer(heard("maybe this", sure=0.1))
    assert unsure(tone()).lines == ()


def test_a_refrain_that_is_sung_is_believed() -> None:
    listen, _ = recognizer(heard("hallelujah hallelujah hallelujah", silence=0.3, ratio=3.5))
    assert listen(tone()).text == "hallelujah hallelujah hallelujah"


def test_silence_has_no_words_and_is_not_even_heard() -> None:
    listen, model = recognizer(heard("you"))
    assert listen(Clip.silence(RATE, RATE)).lines == ()
    assert listen(Clip.silence(0, RATE)).lines == ()
    assert model.options == {}


def test_a_scrap_at_the_end_does_not_lose_the_words() -> None:
    def segments() -> Iterator[SimpleNamespace]:
        yield heard("kept words")
        raise IndexError("boolean index did not match")

    listen, model = recognizer()
    model.segments = segments()  # type: ignore[assignment]
    assert listen(tone()).text == "kept words"


def test_without_faster_whisper_the_hint_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MissingDependency) as error:
        WordRecognizer(Path("anywhere"))
    assert "descant[words]" in error.value.hint


def test_the_surer_hearing_wins_passage_by_passage() -> None:
    def sung(text: str, start: float, sure: float) -> list[Word]:
        return [Word(w.text, w.start_s, w.end_s, sure) for w in said(text, start)]

    voice = [*sung("I peeled of", 0.0, 0.6), *sung("felt the heady rush", 5.0, 0.9), *sung("thank you", 12.0, 0.3)]
    mix = [*sung("I peeled off", 0.1, 0.9), *sung("fell", 5.0, 0.95), *sung("of virtual wind", 20.0, 0.7)]
    chosen = surer_passages(voice, mix)
    assert " ".join(word.text for word in chosen) == "I peeled off felt the heady rush of virtual wind"
    assert surer_passages(mix, voice) == chosen
    assert surer_passages(voice, voice) == voice
    assert surer_passages([], []) == []


def test_a_song_is_heard_with_its_band_and_without() -> None:
    listen, model = recognizer(heard("real words"))
    voice, mix = tone(), Clip(tone().samples * 0.5, RATE)
    assert listen(voice, mix=mix).text == "real words"
    assert [float(np.abs(mono).max()) for mono in model.heard] == pytest.approx([0.3, 0.15], rel=0.01)


def test_the_language_is_kept_and_an_unknown_one_is_refused() -> None:
    listen, model = recognizer(heard("real words"))
    assert listen(tone()).language == "en"
    with pytest.raises(InvalidOption, match="'de'") as caught:
        listen(tone(), options=WordOptions(language="de"))
    assert "whisper-base" in caught.value.hint
    model.supported_languages = ("en", "de")  # type: ignore[assignment]
    assert listen(tone(), options=WordOptions(language="de")).language == "de"
    assert model.options["language"] == "de"
    with pytest.raises(InvalidOption, match="'fr'") as caught:
        listen(tone(), options=WordOptions(language="french"))
    assert "de, en" in caught.value.hint
    with pytest.raises(InvalidOption, match="'xx'"):
        WordOptions(language="xx")
    assert listen(Clip.silence(RATE, RATE)).language == ""


@pytest.mark.weights
@pytest.mark.slow
def test_the_real_model_hears_no_words_in_noise_and_hum() -> None:
    pytest.importorskip("faster_whisper")
    listen = WordRecognizer.load()
    rng = np.random.default_rng(0)
    noise = Clip((0.05 * rng.standard_normal(5 * RATE)).astype(np.float32), RATE)
    assert len(listen(noise).words) <= 2
    assert len(listen(tone(5.0)).words) <= 2
    assert listen(noise) == listen(noise)
    for frames in (1, 40, 400, 2_000):
        assert len(listen(Clip(noise.samples[:, :frames], RATE)).words) <= 1


def test_a_damaged_model_is_refused(tmp_path: Path) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt"):
        (tmp_path / name).write_bytes(b"{broken")
    with pytest.raises(CheckpointError):
        WordRecognizer(tmp_path)
