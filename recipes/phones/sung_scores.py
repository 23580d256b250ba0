"""Songs whose words are known to the sound: scores with words, sung by a speaker through a vocoder, over their piano.

    python recipes/phones/sung_scores.py -o SUNG --scores lieder.zip --wheels WHEELS --soundfont FluidR3_GM.sf2

Words, melody, rhythm and accompaniment are those of real songs (OpenScore Lieder: German, English, French, Italian,
Portuguese); the voice is a speech synthesiser that says for each sound how long it lasts, slowed to the notes by the
vocoder of the synthetic band. espeak-ng pronounces, not the rules by which Descant reads, so that where those are wrong
it counts. In `SUNG/test` and `SUNG/train` lie NAME.flac (the mix), NAME.vocals.flac, NAME.txt (the words, which is what
aligners are given) and NAME.reference.json (when each is sung), as `descant evaluate align --data` reads them.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import time
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from kokoro import SAMPLE_RATE as SPOKEN_RATE
from kokoro import Floats, Sound, Speaker, pronounced
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.audio.resample import resample
from descant.data.band import vocoder
from descant.errors import ScoreReadError, TextReadError
from descant.score.musicxml_reader import score_from_musicxml, unpack
from descant.score.notes import Score
from descant.score.render import render_score
from descant.text.formats import write_lyrics
from descant.text.language import guess_language
from descant.text.lyrics import Line, Lyrics, SungNote, Syllable, Word
from descant.text.musicxml_lyrics import MusicXmlLyricsFormat

Doubles = NDArray[np.float64]

HELD_OUT_VOICE = "jf_nezumi"
TRAINING_VOICES = ("jf_alpha", "jf_gongitsune", "jf_tebukuro", "jm_kumo")
TEST_SHARE = 0.15
LOWEST = {"jm_kumo": 48.0}
LOWEST_OF_WOMEN = 57.0
VOWELS = frozenset("iɪyʏuʊeøoəɛœɔɜʌɐæaɑɒɨᵻɘɵ")
MOST_WORDS = 12
REST_S = 0.18
REACH_HZ = 11_500.0
VOICE_DB = (-2.0, 8.0)
GLIDE_FRAMES, VIBRATO_HZ = 15, (4.8, 6.2)
SONG_S, LEAD_S = 80.0, 1.0
_LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*['’]?")


@dataclass(frozen=True, slots=True, eq=False)
class SungLine:
    """A line as it was synthesised.

    Attributes:
        samples: Mono at `vocoder.SAMPLE_RATE`.
        start_s: Where they begin in the song.
        line: Its words, with times in the song.
    """

    samples: Floats
    start_s: float
    line: Line


def sung_line(
    line: Line, language: str, speaker: Speaker, style: Floats, octave: int, rng: np.random.Generator
) -> SungLine:
    """One line of a score.

    Args:
        line: Words with syllables on notes.
        language: By which they are pronounced.
        speaker: Says them.
        style: In this voice.
        octave: Semitones to move the melody by.
        rng: Draws vibrato and breath.

    Raises:
        ValueError: A word has no sound, or no notes.
    """
    words = [plain(word.text) for word in line.words]
    speech = speaker.say(_with_sung_endings(pronounced(words, language), line, language), style, speed=0.9)
    spoken, sung = pinned(line, speech.sounds)
    start_s = max(0.0, sung[0] - 0.05)
    end_s = sung[-1] + 0.05
    high = resample(Clip(speech.samples[np.newaxis], SPOKEN_RATE), vocoder.SAMPLE_RATE).samples[0]
    envelopes = vocoder.analyse(high, band_hz=REACH_HZ)
    times = start_s + np.arange(round((end_s - start_s) / vocoder.HOP_S)) * vocoder.HOP_S
    at = np.interp(times, sung, spoken)
    hz = 440.0 * 2.0 ** ((_pitch(line, times, rng) + octave - 69.0) / 12.0)
    sound = vocoder.synthesise(envelopes.at(at / vocoder.HOP_S), hz, rng, breath=float(rng.uniform(0.0, 0.3)))
    sound = sound * np.repeat(_presence(line, times), vocoder.HOP).astype(np.float32)
    timed = _timed(line, speech.sounds, spoken, sung)
    return SungLine(sound, start_s, timed)


def plain(text: str) -> str:
    """A word as a speaker is given it: letters and apostrophes in lower case."""
    found = _LETTERS.findall(unicodedata.normalize("NFC", text).lower().replace("’", "'"))
    return " ".join(found).replace(" ", "")


def _with_sung_endings(ipa: list[str], line: Line, language: str) -> list[str]:
    """French words whose last e is sung, since it has a note of its own, though speakers drop it."""
    if language != "fr":
        return ipa
    found = []
    for sounds, word in zip(ipa, line.words, strict=True):
        is_longer = len(word.syllables) > len(nuclei([s for s in sounds if s.isalpha()]))
        found.append(sounds + "ə" if is_longer and re.search("(e|es|ent)$", plain(word.text)) else sounds)
    return found


def nuclei(symbols: Sequence[str]) -> list[tuple[int, int]]:
    """Runs of vowels, as (first, last left out)."""
    found: list[tuple[int, int]] = []
    for place, symbol in enumerate(symbols):
        if symbol in VOWELS:
            if found and found[-1][1] == place:
                found[-1] = (found[-1][0], place + 1)
            else:
                found.append((place, place + 1))
    return found


def pinned(line: Line, sounds: Sequence[Sound]) -> tuple[Doubles, Doubles]:
    """Moments of the speech and of the song that belong together, rising.

    A vowel begins with its note, and lasts until the consonants before the next vowel must begin; consonants are as long
    as they were said, and shorter where notes follow each other too fast for that.

    Raises:
        ValueError: A word has no sound, or no notes.
    """
    pins: list[tuple[float, float]] = []
    vowels = list(_sung_vowels(line, sounds))
    before = vowels[0][0] - sounds[0].start_s
    pins.append((sounds[0].start_s, vowels[0][2] - min(before, 0.4)))
    for place, (begin, end, note_s, end_s) in enumerate(vowels):
        following = vowels[place + 1] if place + 1 < len(vowels) else None
        pins.append((begin, note_s))
        if following is None:
            after = min(sounds[-1].end_s - end, 0.4)
            pins += [
                (end, max(note_s + 0.05, end_s - after)),
                (sounds[-1].end_s, max(note_s + 0.05, end_s - after) + after),
            ]
        else:
            consonants = min(following[0] - end, 0.45 * (following[2] - note_s))
            pins.append((end, following[2] - consonants))
    spoken, sung = (np.array(column) for column in zip(*pins, strict=True))
    return np.maximum.accumulate(spoken), np.maximum.accumulate(sung + 1e-6 * np.arange(len(sung)))


def _sung_vowels(line: Line, sounds: Sequence[Sound]) -> Iterator[tuple[float, float, float, float]]:
    """Of each vowel that a syllable is sung on: where it is said from and to, and its notes from and to."""
    for number, word in enumerate(line.words):
        said = [sound for sound in sounds if sound.word == number]
        runs = nuclei([sound.symbol for sound in said])
        notes = [note for note in (_span(part) for part in word.syllables) if note]
        if not runs or not notes:
            raise ValueError(f"{word.text!r} has no vowel or no note")
        # Diphthongs that are written apart, or notes that share a vowel: each note takes the run at its place.
        last = -1
        for place, (start_s, end_s) in enumerate(notes):
            run = min(len(runs) - 1, place * len(runs) // len(notes))
            if run == last:
                continue
            last = run
            share = runs[run]
            yield said[share[0]].start_s, said[share[1] - 1].end_s, start_s, end_s


def _span(part: Syllable) -> tuple[float, float] | None:
    return (part.notes[0].start_s, part.notes[-1].end_s) if part.notes else None


def _notes(line: Line) -> list[SungNote]:
    return [note for word in line.words for part in word.syllables for note in part.notes]


def _pitch(line: Line, times: Doubles, rng: np.random.Generator) -> Doubles:
    """MIDI pitch of each frame."""
    notes = _notes(line)
    starts = np.array([note.start_s - 0.03 for note in notes])
    held = np.clip(np.searchsorted(starts, times, "right") - 1, 0, None)
    pitch = np.array([float(note.pitch) for note in notes])[held]
    edge = GLIDE_FRAMES // 2
    pitch = np.convolve(np.pad(pitch, edge, "edge"), np.full(GLIDE_FRAMES, 1.0 / GLIDE_FRAMES), "valid")
    ripening = np.clip((times - starts[held] - 0.25) / 0.3, 0.0, 1.0)
    wave = np.sin(2.0 * np.pi * rng.uniform(*VIBRATO_HZ) * times)
    return pitch + ripening * rng.uniform(0.0, 0.5) * wave


def _presence(line: Line, times: Doubles) -> Doubles:
    """1 where somebody sings, 0 in the line's rests, with fades."""
    there = np.ones(len(times))
    notes = _notes(line)
    for one, following in zip(notes, notes[1:], strict=False):
        if following.start_s - one.end_s > REST_S:
            there[(times > one.end_s + 0.02) & (times < following.start_s - 0.12)] = 0.0
    fade = np.hanning(7)[1:-1]
    smooth: Doubles = np.convolve(np.pad(there, 2, "edge"), fade / fade.sum(), "valid")
    smooth[:2] = smooth[-2:] = 0.0
    return smooth


def _timed(line: Line, sounds: Sequence[Sound], spoken: Doubles, sung: Doubles) -> Line:
    words = []
    for number, word in enumerate(line.words):
        said = [sound for sound in sounds if sound.word == number]
        start_s, end_s = (float(np.interp(t, spoken, sung)) for t in (said[0].start_s, said[-1].end_s))
        rest_s = max(note.end_s for part in word.syllables for note in part.notes) + 0.1
        words.append(Word(word.text, start_s, max(start_s + 0.03, min(end_s, rest_s))))
    return Line(tuple(words), words[0].start_s, words[-1].end_s)


def breaths(line: Line) -> Iterator[Line]:
    """Parts of a line that can be said at once, and that begin where a verse does: with a capital after punctuation."""
    words: list[Word] = []
    for word in line.words:
        is_verse = words and word.text[:1].isupper() and not words[-1].text[-1:].isalnum()
        if words and (len(words) >= MOST_WORDS or (is_verse and len(words) > 2)):
            yield Line(tuple(words))
            words = []
        words.append(word)
    if words:
        yield Line(tuple(words))


def sung_song(score: Score, lyrics: Lyrics, language: str, voice: str, speaker: Speaker, soundfont: Path,
              rng: np.random.Generator) -> tuple[Floats, Floats, Lyrics] | None:  # fmt: skip
    """Voice, mix and words of a song's first `SONG_S` seconds; None where too little of it can be sung."""
    style = speaker.style(_style(voice, rng))
    lowest = LOWEST.get(voice, LOWEST_OF_WOMEN)
    lyrics = later(lyrics)
    pitches = [note.pitch for line in lyrics.lines for note in _notes(line)]
    octave = 12 * round((lowest + 8.0 - float(np.median(pitches))) / 12.0)
    sung: list[SungLine] = []
    for line in (part for whole in lyrics.lines for part in breaths(whole)):
        notes = _notes(line)
        if notes and notes[-1].end_s > SONG_S:
            break
        try:
            sung.append(sung_line(line, language, speaker, style, octave, rng))
        except (ValueError, IndexError):  # nothing to sing in it, such as a number or a dash
            return None
    if sum(len(one.line.words) for one in sung) < 15:
        return None
    rate = vocoder.SAMPLE_RATE
    length = round((sung[-1].line.end_s or 0.0) * rate) + 2 * rate
    voice_sound = np.zeros(length, np.float32)
    for one in sung:
        first = round(one.start_s * rate)
        part = one.samples[: length - first]
        voice_sound[first : first + len(part)] += part
    played = score.with_tracks(track for track in score.tracks if not any(note.lyric for note in track.notes))
    if not any(track.notes for track in played.tracks):
        return None
    lead = round(LEAD_S * rate)
    stems = render_score(played, soundfont, rate, length_s=(length - lead) / rate)
    under = np.pad(np.sum([clip.samples.mean(0) for clip in stems.values()], axis=0), (lead, 0))
    voice_sound *= np.float32(0.1 / max(_level(voice_sound), 1e-6))
    under = under * np.float32(0.1 / max(_level(under), 1e-6)) * np.float32(10.0 ** (-rng.uniform(*VOICE_DB) / 20.0))
    mix = voice_sound + under
    gain = np.float32(min(1.0, 0.97 / np.abs(mix).max()))
    return voice_sound * gain, mix * gain, Lyrics(tuple(one.line for one in sung), language)


def later(lyrics: Lyrics) -> Lyrics:
    """The notes of all words `LEAD_S` later, for consonants sound before the first note."""

    def moved(part: Syllable) -> Syllable:
        notes = (replace(note, start_s=note.start_s + LEAD_S, end_s=note.end_s + LEAD_S) for note in part.notes)
        return Syllable(part.text, notes=tuple(notes))

    return lyrics.with_lines(
        Line(tuple(Word(word.text, syllables=tuple(map(moved, word.syllables))) for word in line.words))
        for line in lyrics.lines
    )


def _level(sound: Floats) -> float:
    power = np.square(sound[: len(sound) // 441 * 441]).reshape(-1, 441).mean(1)
    return float(np.sqrt(power[power > 1e-3 * power.max(initial=0.0)].mean())) if power.any() else 0.0


def _style(voice: str, rng: np.random.Generator) -> dict[str, float]:
    """The held-out voice as it is; the others a little mixed, so that there are more."""
    if voice == HELD_OUT_VOICE:
        return {voice: 1.0}
    other = str(rng.choice([name for name in TRAINING_VOICES if name != voice]))
    share = float(rng.uniform(0.0, 0.35))
    return {voice: 1.0 - share, other: share}


def scores(archive: Path) -> Iterator[tuple[str, Score, Lyrics, str]]:
    """Songs of an archive that one voice sings: name, score, words, language."""
    with zipfile.ZipFile(archive) as packed:
        for name in sorted(n for n in packed.namelist() if n.endswith(".mxl")):
            data = packed.read(name)
            try:
                score = score_from_musicxml(unpack(data, name, max_bytes=1 << 26), name)
                lyrics = MusicXmlLyricsFormat().read_bytes(data, name)
            except (ScoreReadError, TextReadError):
                continue
            sung = [track for track in score.tracks if any(note.lyric for note in track.notes)]
            guess = guess_language(lyrics.text)
            words = sum(len(line.words) for line in lyrics.lines)
            if len(sung) == 1 and words >= 30 and guess.code != "other" and guess.confidence > 0.9:
                yield Path(name).parent.name, score, lyrics, guess.code


def main() -> None:
    """Read options, sing, and say what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--soundfont", type=Path, required=True)
    parser.add_argument("--test", type=int, default=8, help="songs of each language for the test")
    parser.add_argument("--train", type=int, default=24, help="songs of each language for training")
    options = parser.parse_args()
    speaker = Speaker(options.wheels)
    counts: Counter[tuple[str, str]] = Counter()
    started = time.time()
    found = sorted(scores(options.scores), key=lambda song: hashlib.sha256(song[0].encode()).digest())
    print(
        f"{len(found)} songs with words, {Counter(song[3] for song in found)}, {time.time() - started:.0f} s",
        flush=True,
    )
    for name, score, lyrics, language in found:
        digest = hashlib.sha256(name.encode()).digest()
        part = "test" if int.from_bytes(digest[4:8]) / 2**32 < TEST_SHARE else "train"
        if counts[part, language] >= (options.test if part == "test" else options.train):
            continue
        rng = np.random.default_rng(int.from_bytes(digest[8:16]))
        voice = HELD_OUT_VOICE if part == "test" else str(rng.choice(TRAINING_VOICES))
        made = sung_song(score, lyrics, language, voice, speaker, options.soundfont, rng)
        if made is None:
            continue
        counts[part, language] += 1
        _write(options.out / part, f"{language}_{counts[part, language]:02d}_{_slug(name)}", voice, *made)
        print(part, language, name, voice, f"{time.time() - started:.0f} s", flush=True)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", unicodedata.normalize("NFKD", name).lower()).strip("_")[:40]


def _write(folder: Path, name: str, voice: str, vocals: Floats, mix: Floats, lyrics: Lyrics) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rate = vocoder.SAMPLE_RATE
    write(folder / f"{name}.flac", Clip(mix[np.newaxis], rate))
    (folder / "vocals").mkdir(exist_ok=True)
    write(folder / "vocals" / f"{name}.flac", Clip(vocals[np.newaxis], rate))
    write_lyrics(folder / f"{name}.reference.json", lyrics)
    (folder / f"{name}.txt").write_text(lyrics.text + "\n", encoding="utf-8")
    with (folder / "voices.tsv").open("a", encoding="utf-8") as listed:
        listed.write(f"{name}\t{voice}\n")


if __name__ == "__main__":
    main()
