from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.errors import InputNotFound, InvalidOption, OutputIsInput
from descant.pipelines.transcribe_file import TranscribeOptions, is_finished, transcribe_file
from descant.score.midi import read_midi
from descant.score.musicxml import read_musicxml
from descant.text.lyrics import Line, Lyrics, Word
from descant.transcribe.config import WordOptions
from descant.transcribe.language import HeardLanguage
from descant.transcribe.note_list import read_note_list
from descant.transcribe.words import HeardWords

RATE = 22_050
NOTES = [(0.5 + 0.5 * i, 0.5 + 0.5 * i + 0.4, p) for i, p in enumerate((60, 64, 67, 72, 67, 64, 60, 55))]


def tune(path: Path, *, channels: int = 2) -> Path:
    out = np.zeros(5 * RATE)
    for start, end, pitch in NOTES:
        first, t = int(start * RATE), np.arange(int((end - start) * RATE)) / RATE
        phase = 2 * np.pi * 440.0 * 2 ** ((pitch - 69) / 12) * t
        tone = sum(np.sin(k * phase) / k for k in range(1, 7))
        out[first : first + len(t)] += tone * np.exp(-3.0 * t) * np.minimum(1.0, t / 0.005)
    return write(path, Clip(np.repeat(0.2 * out[np.newaxis], channels, axis=0).astype(np.float32), RATE))


@pytest.mark.parametrize(
    "bad",
    [
        {"bpm": 120.0, "beats": Path("x")},
        {"bpm": 0.0},
        {"bpm": float("nan")},
        {"voice": True, "song": True},
        {"lyric_formats": ("docx",)},
    ],
)
def test_contradictory_options_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        TranscribeOptions(**bad)  # type: ignore[arg-type]


def test_nothing_is_written_for_a_missing_recording(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        transcribe_file(tmp_path / "none.wav", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_recording_is_never_overwritten(tmp_path: Path) -> None:
    path = tune(tmp_path / "song.wav")
    disguised = path.rename(tmp_path / "song.mid")
    with pytest.raises(OutputIsInput):
        transcribe_file(disguised, tmp_path)


@pytest.mark.weights
def test_notes_sit_on_the_given_bars(tmp_path: Path) -> None:
    path = tune(tmp_path / "a tune é🎹.wav")
    options = TranscribeOptions(csv=True, musicxml=True, bpm=120.0)
    assert not is_finished(path, tmp_path / "out", options)
    result = transcribe_file(path, tmp_path / "out", options)
    assert is_finished(path, tmp_path / "out", options)
    assert sorted(p.name for p in result.paths) == ["a tune é🎹.csv", "a tune é🎹.mid", "a tune é🎹.musicxml"]
    score = read_midi(tmp_path / "out" / "a tune é🎹.mid")
    notes = [n for n in score.tracks[0].notes if n.pitch in {p for _, _, p in NOTES}]
    assert result.notes == len(score.tracks[0].notes)
    assert score.tempo.bpm_at(0.0) == pytest.approx(120.0)
    starts = [(n.start, n.pitch) for n in notes]
    for start, _, pitch in NOTES:
        assert any(abs(at - 2.0 * start) < 0.08 and p == pitch for at, p in starts)
    assert len(read_note_list(tmp_path / "out" / "a tune é🎹.csv")) == result.notes
    printed = {n.pitch for t in read_musicxml(tmp_path / "out" / "a tune é🎹.musicxml").tracks for n in t.notes}
    assert {p for _, _, p in NOTES} <= printed


@pytest.mark.weights
def test_beats_from_a_file_place_the_notes(tmp_path: Path) -> None:
    path = tune(tmp_path / "tune.wav", channels=1)
    beats = tmp_path / "beats.txt"
    beats.write_text("".join(f"{0.5 + 0.5 * i},{i % 3 + 1}\n" for i in range(9)))
    transcribe_file(path, tmp_path / "out", TranscribeOptions(beats=beats))
    score = read_midi(tmp_path / "out" / "tune.mid")
    assert score.time_signatures[0].numerator == 3
    first = min(n.start for n in score.tracks[0].notes)
    assert first == pytest.approx(3.0, abs=0.1)  # the first beat is a downbeat, after a lead-in of one bar


@pytest.mark.weights
@pytest.mark.parametrize("voice", [False, True])
def test_silence_gives_an_empty_score_and_says_so(tmp_path: Path, voice: bool) -> None:
    path = write(tmp_path / "silence.wav", Clip.silence(2 * RATE, RATE))
    result = transcribe_file(path, tmp_path / "out", TranscribeOptions(voice=voice, csv=True))
    assert result.notes == 0
    assert any("No notes" in remark for remark in result.remarks)
    assert all(not t.notes for t in read_midi(tmp_path / "out" / "silence.mid").tracks)


@pytest.mark.weights
def test_speech_gives_few_notes_and_says_so(tmp_path: Path) -> None:
    at = np.arange(6 * RATE) / RATE
    hz = 180.0 * 2.0 ** (-1.2 * (at % 0.25) / 0.25)  # every syllable falls by more than an octave
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    sound = sum(np.sin(k * phase) / k for k in range(1, 12)) * np.clip(np.sin(np.pi * (at % 0.25) / 0.2), 0.0, 1.0)
    path = write(tmp_path / "talk.wav", Clip((0.1 * sound).astype(np.float32), RATE))
    result = transcribe_file(path, tmp_path / "out", TranscribeOptions(voice=True, bpm=100.0))
    assert result.notes is not None
    assert result.notes <= 3
    assert any("as in speech" in remark for remark in result.remarks)
    song = transcribe_file(tune(tmp_path / "tune.wav"), tmp_path / "out", TranscribeOptions(voice=True, bpm=120.0))
    assert song.notes == len(NOTES)
    assert song.remarks == ()


@pytest.mark.weights
def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tune(tmp_path / "tune.wav")
    before = path.read_bytes()
    for out in ("one", "two"):
        transcribe_file(path, tmp_path / out, TranscribeOptions(bpm=100.0, csv=True))
    for name in ("tune.mid", "tune.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert path.read_bytes() == before


@pytest.mark.weights
def test_a_song_is_separated_first(tmp_path: Path) -> None:
    path = tune(tmp_path / "tune.wav")
    long = read(path, sample_rate=44_100)
    path = write(tmp_path / "song.wav", Clip(np.tile(long.samples, 2), 44_100))
    result = transcribe_file(path, tmp_path / "out", TranscribeOptions(song=True, bpm=120.0))
    score = read_midi(tmp_path / "out" / "song.mid")
    assert {t.name for t in score.tracks} <= {"melody", "band"}
    assert result.notes


@pytest.mark.parametrize("song", [False, True])
def test_the_words_of_a_song_are_heard_in_it_and_in_its_voice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, song: bool
) -> None:
    path = write(tmp_path / "a.wav", Clip(np.full((2, 16_000), 0.25, np.float32), 16_000))
    asked: list[tuple[float, float | None, str]] = []

    def halved(clip: Clip, **_: object) -> dict[str, Clip]:
        return {"vocals": Clip(clip.samples * 0.5, clip.sample_rate)}

    def listen(clip: Clip, *, mix: Clip | None, options: WordOptions, **_: object) -> HeardWords:
        asked.append((round(clip.peak, 3), round(mix.peak, 3) if mix else None, options.language))
        return HeardWords(Lyrics(language=options.language))

    monkeypatch.setattr("descant.pipelines.transcribe_file.Separator.load", lambda: halved)
    monkeypatch.setattr("descant.pipelines.transcribe_file.hear_words", listen)
    options = TranscribeOptions(midi=False, words=True, song=song, hearing=WordOptions(language="de"))
    assert transcribe_file(path, tmp_path / "out", options).words == 0
    assert asked == [(0.125, 0.25, "de") if song else (0.25, None, "de")]


@pytest.mark.parametrize(("confidence", "said"), [(0.8, "was heard: English (80% sure)"), (0.3, "is unsure: English")])
def test_the_language_that_was_heard_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, confidence: float, said: str
) -> None:
    path = write(tmp_path / "a.wav", Clip(np.full((1, 16_000), 0.25, np.float32), 16_000))
    lyrics = Lyrics((Line((Word("oh", 0.1, 0.2),)),), "en")
    heard = HeardWords(lyrics, HeardLanguage("en", confidence, "ms"))
    monkeypatch.setattr("descant.pipelines.transcribe_file.hear_words", lambda *_, **__: heard)
    (remark,) = transcribe_file(path, tmp_path / "out", TranscribeOptions(midi=False, words=True)).remarks
    assert said in remark
    assert ("--language" in remark and "Malay" in remark) == (confidence < 0.5)
