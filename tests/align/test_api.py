"""The aligner as a whole on a real song."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from descant.align.api import Aligner, load_reader, realign
from descant.align.config import AlignOptions, Anchor
from descant.audio.clip import Clip
from descant.audio.io import read
from descant.audio.resample import resample
from descant.errors import Cancelled, CheckpointError, InvalidOption, NothingHeard, TextReadError
from descant.hub.store import fetch
from descant.progress import CancelToken, Progress
from descant.text.lyrics import Lyrics
from descant.text.sheet import read_sheet

pytestmark = pytest.mark.weights

SUNG = Lyrics.from_text("It always seems like time stands still when I'm with you")
# Starts that Whisper base, recognising the words without knowing them, gives to those of which it has a clear view.
HEARD_S = {
    "seems": 3.06,
    "like": 3.56,
    "time": 4.04,
    "stands": 4.6,
    "still": 5.24,
    "when": 5.66,
    "with": 8.26,
    "you": 8.38,
}


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    pytest.importorskip("tokenizers")
    return Aligner.load()


@pytest.fixture(scope="module")
def song() -> Clip:
    return read(fetch("song-excerpt") / "song.mp3")


def _starts(lyrics: Lyrics) -> list[float]:
    return [word.start_s for word in lyrics.words]


def test_words_of_a_real_song_with_its_band(aligner: Aligner, song: Clip) -> None:
    before = song.samples.copy()
    events: list[Progress] = []
    found = aligner(song, SUNG, progress=events.append)
    assert np.array_equal(song.samples, before)
    assert found.lyrics.text == SUNG.text
    assert found.lyrics.language == "en"
    assert found.fit > 0.6
    off = [abs(word.start_s - HEARD_S[word.text]) for word in found.lyrics.words if word.text in HEARD_S]
    assert np.median(off) < 0.35
    assert max(off) < 1.0
    times = [at for word in found.lyrics.words for at in (word.start_s, word.end_s)]
    assert times == sorted(times)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    again = aligner(song, SUNG)
    assert again.lyrics == found.lyrics
    assert again.evidence.heard.phones.tobytes() == found.evidence.heard.phones.tobytes()
    assert realign(found.evidence, SUNG).lyrics == found.lyrics


@pytest.mark.parametrize(
    "change",
    [
        Clip.to_mono,
        lambda clip: resample(clip, 48_000),
        lambda clip: resample(clip, 16_000),
        lambda clip: clip.gain(-12.0),
        lambda clip: Clip(clip.to_mono().samples * np.float32([[1.0], [-1.0]]), clip.sample_rate),
    ],
    ids=["mono", "48 kHz", "16 kHz", "quiet", "miswired"],
)
def test_the_same_words_however_it_was_stored(
    aligner: Aligner, song: Clip, change: Callable[[Clip], Clip], placed: list[float]
) -> None:
    other = _starts(aligner(change(song), SUNG).lyrics)
    assert np.median(np.abs(np.subtract(other, placed))) <= 0.04


@pytest.fixture(scope="module")
def placed(aligner: Aligner, song: Clip) -> list[float]:
    return _starts(aligner(song, SUNG).lyrics)


def test_a_telephone_is_enough_for_most_words(aligner: Aligner, song: Clip, placed: list[float]) -> None:
    other = _starts(aligner(resample(song, 8_000), SUNG, options=AlignOptions(lowest_fit=0.0)).lyrics)
    assert np.median(np.abs(np.subtract(other, placed))) <= 0.3


def test_a_fixed_word_starts_at_its_time(aligner: Aligner, song: Clip) -> None:
    found = aligner(song, SUNG, anchors=[Anchor(0, 1.6)])
    assert found.lyrics.words[0].start_s == pytest.approx(1.6, abs=0.011)
    moved = realign(found.evidence, SUNG, anchors=[Anchor(0, 1.6), Anchor(7, 7.5)])
    assert [moved.lyrics.words[word].start_s for word in (0, 7)] == pytest.approx([1.6, 7.5], abs=0.011)
    times = [at for word in moved.lyrics.words for at in (word.start_s, word.end_s)]
    assert times == sorted(times)


def test_a_sheet_with_words_that_nobody_sings(aligner: Aligner, song: Clip) -> None:
    sheet = read_sheet("[Verse]\nIt always seems (tomorrow) like time stands still\nwhen I'm with you")
    found = aligner(song, sheet)
    words = {word.text: word for word in found.lyrics.words}
    assert [word.text for line in found.lyrics.lines for word in line.unsung] == ["(tomorrow)"]
    assert words["stands"].start_s == pytest.approx(HEARD_S["stands"], abs=0.4)


def test_the_words_of_another_song_are_refused_with_the_measure(aligner: Aligner, song: Clip) -> None:
    other = Lyrics.from_text("Freude schöner Götterfunken\nTochter aus Elysium\nwir betreten feuertrunken")
    with pytest.raises(NothingHeard, match=r"do not fit the recording: \d+% of the words"):
        aligner(song, other)


def test_what_cannot_be_is_refused_before_the_song_is_heard(aligner: Aligner, song: Clip) -> None:
    events: list[Progress] = []
    long = Lyrics.from_text("la " * 400)
    phones = Lyrics.from_text("strengths " * 100)
    for lyrics, anchors, error in (
        (Lyrics(), (), TextReadError),
        (long, (), TextReadError),
        (phones, (), TextReadError),
        (Lyrics.from_text("愛"), (), TextReadError),
        (SUNG, (Anchor(99, 1.0),), InvalidOption),
        (SUNG, (Anchor(10, 0.0),), InvalidOption),
    ):
        with pytest.raises(error):
            aligner(song, lyrics, anchors=anchors, progress=events.append)
    assert events == []


@pytest.mark.parametrize("frames", [0, 1, 200, 480_000])
def test_silence_and_nothing(aligner: Aligner, frames: int) -> None:
    with pytest.raises((NothingHeard, TextReadError)):
        aligner(Clip.silence(frames, 48_000), Lyrics.from_text("a"))


@pytest.mark.parametrize("seconds", [0.1, 0.15, 0.3])
def test_a_scrap_of_sound_is_an_answer_or_a_refusal(aligner: Aligner, song: Clip, seconds: float) -> None:
    found = aligner(song.slice(4.0, 4.0 + seconds), Lyrics.from_text("a"), options=AlignOptions("it", lowest_fit=0.0))
    (word,) = found.guessed.words
    assert 0.0 <= word.start_s <= word.end_s <= seconds + 0.02
    assert found.lyrics.words in ((word,), ())


@pytest.mark.parametrize("stage", ["listening", "reading"])
def test_cancel_stops(aligner: Aligner, song: Clip, stage: str) -> None:
    token, seen = CancelToken(), []

    def stop(event: Progress) -> None:
        seen.append(event.stage)
        if event.stage == stage:
            token.cancel()

    with pytest.raises(Cancelled):
        aligner(song, SUNG, progress=stop, cancel=token)
    assert seen[-1] == stage


def _spoil_phones(told: dict[str, object]) -> None:
    told["phones"] = ["a", "b"]


def _spoil_width(told: dict[str, object]) -> None:
    told["width"] = 7


def _spoil_keys(told: dict[str, object]) -> None:
    del told["layers"]


@pytest.mark.parametrize("spoil", [_spoil_phones, _spoil_width, _spoil_keys])
def test_a_reader_of_another_kind_is_refused(
    spoil: Callable[[dict[str, object]], None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder, sound = tmp_path_factory.mktemp("reader"), fetch("descant-phones")
    told = json.loads((sound / "config.json").read_text(encoding="utf-8"))
    spoil(told)
    (folder / "config.json").write_text(json.dumps(told), encoding="utf-8")
    (folder / "weights.safetensors").write_bytes((sound / "weights.safetensors").read_bytes())
    with pytest.raises(CheckpointError):
        load_reader(folder)
    assert load_reader(sound).config.classes == 54
