"""The whole: a folder of a song's karaoke version, and what is refused."""

from __future__ import annotations

import errno
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import mido
import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import probe, read, write
from descant.errors import (
    Cancelled,
    DescantError,
    InvalidAudio,
    InvalidOption,
    OutputError,
    OutputIsInput,
    TextReadError,
)
from descant.files import output_error
from descant.pipelines.karaoke.api import karaoke_file
from descant.pipelines.karaoke.guide import GuideVoice, guide_midi, notes_of, one_at_a_time
from descant.pipelines.karaoke.options import KaraokeOptions
from descant.pipelines.karaoke.rows import rows_of
from descant.pipelines.karaoke.sound import Backing, vocals_gain
from descant.pipelines.karaoke.video import Screen
from descant.pipelines.vocals import VOCALS
from descant.progress import CancelToken, Progress
from descant.score.midi import read_midi
from descant.text.formats import read_lyrics, write_lyrics
from descant.text.lyrics import Line, Lyrics, SungNote, Syllable, Word

RATE = 44_100
SMALL = KaraokeOptions(vocals="on", screen=Screen(160, 90, 10), beats=False)


def _lyrics() -> Lyrics:
    note = (SungNote(69, 1.0, 1.5), SungNote(71, 1.5, 2.0))
    sung = Word("Hello", 1.0, 2.0, None, (Syllable("Hel", 1.0, 1.5, note[:1]), Syllable("lo", 1.5, 2.0, note[1:])))
    return Lyrics((Line((sung, Word("you", 2.2, 2.8))),), "en", "A Song", "Someone")


@pytest.fixture
def song(tmp_path: Path) -> Path:
    times = np.arange(4 * RATE) / RATE
    tone = 0.2 * np.sin(2 * np.pi * 220 * times)
    return write(tmp_path / "song.wav", Clip(np.stack([tone, 0.5 * tone]).astype(np.float32), RATE))


@pytest.fixture
def words(tmp_path: Path) -> Path:
    return write_lyrics(tmp_path / "words.json", _lyrics())


def _melody(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes are not yet kept by the lyrics' JSON of all versions: what the voice sings is given here."""
    notes = notes_of(_lyrics())
    monkeypatch.setattr("descant.pipelines.karaoke.api.notes_of", lambda _: notes)
    assert path.exists()


@pytest.mark.weights
def test_a_folder_with_everything(song: Path, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _melody(song, monkeypatch)
    events: list[Progress] = []
    result = karaoke_file(song, words, tmp_path / "new" / "out", replace(SMALL, guide=True), progress=events.append)
    names = sorted(path.name for path in result.folder.iterdir())
    assert names == sorted(path.name for path in result.paths)
    assert {"karaoke.mp4", "backing.flac", "guide.flac", "guide.mid", "lyrics.json", "lyrics.lrc"} <= set(names)
    assert (result.rows, result.frames, result.notes, result.remarks) == (1, 40, 2, ())
    assert probe(result.folder / "backing.flac").frames == probe(song).frames
    assert probe(result.folder / "karaoke.mp4").duration_s == pytest.approx(4.0, abs=0.05)
    assert read_lyrics(result.folder / "lyrics.json").text == "Hello you"
    guide = read_midi(result.folder / "guide.mid").tracks[0]
    assert [(note.pitch, note.lyric) for note in guide.notes] == [(69, "Hel"), (71, "lo")]
    added = read(result.folder / "backing.flac").samples - read(song).samples
    alone = read(result.folder / "guide.flac").samples
    assert np.allclose(added, alone * 10 ** (-14 / 20), atol=2e-4)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    stages = [stage for stage, _ in groupby(event.stage for event in events) if not stage.startswith("fetching")]
    assert stages == list(dict.fromkeys(stages)), "each stage comes once"
    assert stages == [
        "reading the files",
        "playing the guide melody",
        "writing the sound",
        "drawing the video",
        "finished",
    ]


def test_without_a_video_no_letters_are_needed(
    song: Path, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _melody(song, monkeypatch)
    result = karaoke_file(song, words, tmp_path / "out", replace(SMALL, videos=()))
    assert result.frames == 0
    assert np.allclose(read(tmp_path / "out" / "backing.flac").samples, read(song).samples, atol=1e-4)


def test_the_voice_is_taken_out_and_turned_down_exactly(song: Path, tmp_path: Path) -> None:
    voice = np.random.default_rng(0).uniform(-0.3, 0.3, (2, 4 * RATE)).astype(np.float32)
    both = write(tmp_path / "both.wav", Clip(read(song).samples + voice, RATE), subtype="FLOAT")
    kept = write(tmp_path / VOCALS, Clip(0.5 * voice, RATE), subtype="PCM_24")
    for text in ("off", "-12dB", "-6"):
        blocks = list(Backing(both, kept, vocals_gain(text)).blocks())
        expected = read(song).samples + vocals_gain(text) * voice
        assert np.allclose(np.concatenate([b.samples for b in blocks], axis=1), expected, atol=1e-5)
    assert vocals_gain("-12 dB") == pytest.approx(0.2512, abs=1e-4)


@pytest.mark.parametrize("text", ["", "loud", "nan", "40dB"])
def test_levels_of_the_voice_that_are_none(text: str) -> None:
    with pytest.raises(InvalidOption):
        KaraokeOptions(vocals=text)


def test_cancelling_leaves_nothing(song: Path, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _melody(song, monkeypatch)
    cancel = CancelToken()

    def stop(event: Progress) -> None:
        if event.fraction > 0.5:
            cancel.cancel()

    with pytest.raises(Cancelled):
        karaoke_file(song, words, tmp_path / "new" / "out", SMALL, progress=stop, cancel=cancel)
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "karaoke.mp4").write_bytes(b"before")
    with pytest.raises(Cancelled):
        karaoke_file(song, words, tmp_path / "old", SMALL, cancel=cancel)
    assert [(p.name, p.read_bytes()) for p in (tmp_path / "old").iterdir()] == [("karaoke.mp4", b"before")]


def test_what_is_refused(song: Path, words: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("[Chorus]\n", encoding="utf-8")
    late = write_lyrics(tmp_path / "late.lrc", Lyrics((Line((Word("late"),), 100.0),)))
    cases: list[tuple[Path, Path, Path, type[DescantError]]] = [
        (song, plain, tmp_path / "out", TextReadError),
        (song, late, tmp_path / "out", InvalidAudio),
        (song, write_lyrics(tmp_path / "o" / "lyrics.json", _lyrics()), tmp_path / "o", OutputIsInput),
        (tmp_path / "no.wav", words, tmp_path / "out", DescantError),
        (song, tmp_path / "no.lrc", tmp_path / "out", DescantError),
        (song, words, song, DescantError),
    ]
    for recording, lyrics, out, error in cases:
        with pytest.raises(error):
            karaoke_file(recording, lyrics, out, replace(SMALL, vocals="on"))
    assert not (tmp_path / "out").exists()
    (tmp_path / "taken" / "karaoke.mp4").mkdir(parents=True)
    for out, message in ((tmp_path / "taken", r"karaoke\.mp4 is a folder"), (tmp_path / ("x" * 300), "too long")):
        with pytest.raises(OutputError, match=message):
            karaoke_file(song, words, out, SMALL)
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["karaoke.mp4"]


def test_a_full_disk_is_said_of_the_file_that_people_know(
    song: Path, words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object, **__: object) -> None:
        raise output_error(OSError(errno.ENOSPC, "No space left on device"), path)

    monkeypatch.setattr("descant.pipelines.karaoke.api.write_lyrics", full)
    _melody(song, monkeypatch)
    with pytest.raises(OutputError) as caught:
        karaoke_file(song, words, tmp_path / "out", SMALL)
    assert caught.value.message == f"The disk is full: {tmp_path / 'out' / 'lyrics.json'} was not written."
    assert not (tmp_path / "out").exists()


def test_the_guide_has_no_step_at_block_borders_and_the_right_pitch() -> None:
    voice = GuideVoice((SungNote(69, 0.5, 1.5), SungNote(81, 1.5, 1.9)), RATE)
    whole = voice.block(0, 3 * RATE).samples[0]
    parts = np.concatenate([voice.block(i, 4_410).samples[0] for i in range(0, 3 * RATE, 4_410)])
    assert np.array_equal(whole, parts)
    spectrum = np.abs(np.fft.rfft(whole[round(0.6 * RATE) : round(1.4 * RATE)]))
    assert np.argmax(spectrum) / 0.8 == pytest.approx(440.0, abs=1.3)
    assert np.abs(whole[: RATE // 2]).max() == 0.0
    assert np.abs(whole[2 * RATE :]).max() == 0.0
    assert 0.05 < np.abs(whole).max() <= 0.3


def test_notes_are_sung_one_at_a_time() -> None:
    notes = one_at_a_time([SungNote(60, 0.0, 2.0), SungNote(62, 1.0, 1.5), SungNote(64, 1.0, 3.0)])
    assert [(n.pitch, n.start_s, n.end_s) for n in notes] == [(60, 0.0, 1.0), (64, 1.0, 3.0)]
    assert one_at_a_time([]) == ()


def test_the_guide_divides_words_as_the_picture_does(tmp_path: Path) -> None:
    # "a" is too short for a note of its own, "très" has none, and the accents are those of Windows-1252
    texts = (("Hel", 1.0), ("lo", 1.5), ("a", 1.96), ("bro", 2.0), ("ken", 2.5), ("“très”", 4.0), ("l’âme", 6.02))
    syllable = {text: Syllable(text, at, at + 0.4) for text, at in texts}

    def word(*parts: str) -> Word:
        return Word("".join(parts), syllable[parts[0]].start_s, None, None, tuple(syllable[part] for part in parts))

    lyrics = Lyrics((Line((word("Hel", "lo"), word("a"), word("bro", "ken"))), Line((word("“très”"), word("l’âme")))))
    notes = [SungNote(60 + i, at, at + 0.4) for i, at in enumerate((1.0, 1.5, 2.0, 2.5, 6.0))]
    path = tmp_path / "guide.mid"
    path.write_bytes(guide_midi(notes, rows_of(lyrics)))
    at, sung, played = 0.0, [], []
    for message in mido.MidiFile(path, charset="latin-1"):
        at += message.time
        if message.type == "lyrics":
            sung.append((round(at, 3), message.text))
        elif message.type == "note_on":
            played.append((round(at, 3), message.note))
    assert sung == [
        (1.0, "Hel"), (1.5, "lo "), (1.96, "a "), (2.0, "bro"), (2.5, "ken\r"), (4.0, '"très" '), (6.0, "l'âme\r")
    ]  # fmt: skip
    assert played == [(1.0, 60), (1.5, 61), (2.0, 62), (2.5, 63), (6.0, 64)]
    assert [line.text for line in read_lyrics(path).lines] == ["Hello a broken", '"très" l\'âme']


def test_a_guide_without_notes_still_has_the_words(tmp_path: Path) -> None:
    path = tmp_path / "guide.mid"
    path.write_bytes(guide_midi((), rows_of(_lyrics())))
    assert read_lyrics(path).text == "Hello you"
