"""Songs whose words are known to the sound: scores with words, sung by a speaker through a vocoder, over their piano.

    python recipes/phones/sung_scores.py -o SUNG --scores lieder.zip --wheels WHEELS --soundfont FluidR3_GM.sf2

Words, melody, rhythm and accompaniment are those of real songs (OpenScore Lieder: German, English, French, some
Portuguese and Italian); the voice is a speech synthesiser's (`kokoro.py`). espeak-ng pronounces, not the rules by which
Descant reads, so that where those are wrong it counts. `SUNG/test` and `SUNG/train` are folders of
`descant.data.sung_songs`, which `descant evaluate align --data` reads. The test's songs and voice are in no training.
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
from kokoro import Speaker, pronounced

from descant.data.band import vocoder
from descant.data.lyrics_sources import mixed
from descant.data.sung_songs import SungSong, write_song
from descant.data.sung_speech import Floats, SungLine, breaths, later, notes_of, nuclei, sung_line
from descant.errors import ScoreReadError, TextReadError
from descant.score.musicxml_reader import score_from_musicxml, unpack
from descant.score.notes import Score
from descant.score.render import render_score
from descant.text.language import guess_language
from descant.text.lyrics import Line, Lyrics
from descant.text.musicxml_lyrics import MusicXmlLyricsFormat

HELD_OUT_VOICE = "jf_nezumi"
TRAINING_VOICES = ("jf_alpha", "jf_gongitsune", "jf_tebukuro", "jm_kumo")
OTHER_SHARE = 0.35
TEST_SHARE = 0.15
MIDDLE_OF_MEN, MIDDLE_OF_WOMEN = 56.0, 65.0
VOICE_DB = (-2.0, 8.0)
SONG_S, LEAD_S, RING_S = 80.0, 1.0, 2.0
SPEED = 0.9
FEWEST_WORDS = 15
MOST_BYTES = 1 << 26
LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*['’]?")
UNSUNG = re.compile(r"^\d+\.\s*|[-–_]\s+|\s+(?=[^\w\s\ue551\u035c]+$)")
JOINED = re.compile(r"[\s\ue551\u035c]+")
SUNG_E = re.compile("(e|es|ent)$")


@dataclass(frozen=True, eq=False)
class Song:
    """A score that one voice sings."""

    name: str
    score: Score
    lyrics: Lyrics

    @property
    def digest(self) -> bytes:
        """Decides what is drawn for it, and which part it belongs to."""
        return hashlib.sha256(self.name.encode()).digest()

    @property
    def part(self) -> str:
        """ "test" or "train"."""
        return "test" if int.from_bytes(self.digest[4:8]) / 2**32 < TEST_SHARE else "train"


def songs(archive: Path) -> Iterator[Song]:
    """Those of an archive that one voice sings in a language that can be told."""
    with zipfile.ZipFile(archive) as packed:
        for name in sorted(n for n in packed.namelist() if n.endswith(".mxl")):
            data = packed.read(name)
            try:
                score = score_from_musicxml(unpack(data, name, max_bytes=MOST_BYTES), name)
                lyrics = MusicXmlLyricsFormat().read_bytes(data, name)
            except (ScoreReadError, TextReadError):
                continue
            lyrics = lyrics.with_lines(whole(line) for line in lyrics.lines)
            sung = [track for track in score.tracks if any(note.lyric for note in track.notes)]
            guess = guess_language(lyrics.text)
            words = sum(len(line.words) for line in lyrics.lines)
            if len(sung) == 1 and words >= 2 * FEWEST_WORDS and guess.code != "other" and guess.confidence > 0.9:
                yield Song(Path(name).parent.name, score, Lyrics(lyrics.lines, guess.code))


def whole(line: Line) -> Line:
    """Words without the numbers of strophes, with one hyphen where two share a note and none where they are divided."""
    return Line(
        tuple(replace(word, text=JOINED.sub("-", UNSUNG.sub("", word.text)) or word.text) for word in line.words)
    )


def sing(
    song: Song, speaker: Speaker, soundfont: Path, voice: str, rng: np.random.Generator, name: str
) -> SungSong | None:
    """A song's first `SONG_S` seconds; None where too little of it can be sung."""
    style = speaker.style(style_of(voice, rng))
    lyrics = later(song.lyrics, LEAD_S)
    median = float(np.median([note.pitch for line in lyrics.lines for note in notes_of(line)]))
    middle = MIDDLE_OF_MEN if voice.startswith("jm") else MIDDLE_OF_WOMEN
    octaves = 12 * round((middle - median) / 12.0)
    sung: list[SungLine] = []
    for line in (part for whole in lyrics.lines for part in breaths(whole)):
        notes = notes_of(line)
        if notes and notes[-1].end_s > SONG_S:
            break
        try:
            speech = speaker.say(sung_words(line, lyrics.language), style, speed=SPEED)
            sung.append(sung_line(line, speech, rng, transposed=octaves))
        except ValueError:  # a number or a dash: such songs are left out
            return None
    played = song.score.with_tracks(t for t in song.score.tracks if not any(note.lyric for note in t.notes))
    if sum(len(one.line.words) for one in sung) < FEWEST_WORDS or not any(track.notes for track in played.tracks):
        return None
    alone = laid_out(sung)
    lead = round(LEAD_S * vocoder.SAMPLE_RATE)
    stems = render_score(played, soundfont, length_s=(len(alone) - lead) / vocoder.SAMPLE_RATE)
    under = np.pad(np.sum([clip.samples.mean(0) for clip in stems.values()], axis=0), (lead, 0))
    both = mixed(alone, under.astype(np.float32), float(rng.uniform(*VOICE_DB)))
    gain = np.float32(0.9 / max(np.abs(both).max(), 1e-6))
    timed = Lyrics(tuple(one.line for one in sung), lyrics.language)
    return SungSong(name, timed, alone * gain, both * gain, vocoder.SAMPLE_RATE)


def laid_out(sung: Sequence[SungLine]) -> Floats:
    """All lines at their times, and some silence."""
    rate = vocoder.SAMPLE_RATE
    sound = np.zeros(round(((sung[-1].line.end_s or 0.0) + RING_S) * rate), np.float32)
    for one in sung:
        first = round(one.start_s * rate)
        part = one.samples[: len(sound) - first]
        sound[first : first + len(part)] += part
    return sound


def style_of(voice: str, rng: np.random.Generator) -> dict[str, float]:
    """The held-out voice as it is; the others a little mixed, so that there are more."""
    if voice == HELD_OUT_VOICE:
        return {voice: 1.0}
    other = str(rng.choice([name for name in TRAINING_VOICES if name != voice]))
    share = float(rng.uniform(0.0, OTHER_SHARE))
    return {voice: 1.0 - share, other: share}


def sung_words(line: Line, language: str) -> list[str]:
    """IPA of a line; French words get their last e where it has a note of its own, though speakers drop it."""
    words = [plain(word.text) for word in line.words]
    if not all(words):
        raise ValueError("a word without letters")
    found = pronounced(words, language)
    if language != "fr":
        return found
    return [
        ipa + "ə" if len(word.syllables) > len(nuclei([s for s in ipa if s.isalpha()])) and SUNG_E.search(text) else ipa
        for ipa, word, text in zip(found, line.words, words, strict=True)
    ]


def plain(text: str) -> str:
    """A word as a speaker is given it: letters and apostrophes in lower case."""
    return "".join(LETTERS.findall(unicodedata.normalize("NFC", text).lower().replace("’", "'")))


def main() -> None:
    """Read options, sing, and say what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--soundfont", type=Path, required=True)
    parser.add_argument("--test", type=int, default=6, help="songs of each language for the test")
    parser.add_argument("--train", type=int, default=16, help="songs of each language for training")
    parser.add_argument("--languages", default="de,en,es,fr,it,pt", help="codes with commas between")
    options = parser.parse_args()
    speaker = Speaker(options.wheels)
    counts: Counter[tuple[str, str]] = Counter()
    started = time.time()
    found = sorted(songs(options.scores), key=lambda song: song.digest)
    print(len(found), "songs with words:", dict(Counter(song.lyrics.language for song in found)), flush=True)
    for song in found:
        key = song.part, song.lyrics.language
        if key[1] not in options.languages.split(","):
            continue
        if counts[key] >= (options.test if song.part == "test" else options.train):
            continue
        rng = np.random.default_rng(int.from_bytes(song.digest[8:16]))
        voice = HELD_OUT_VOICE if song.part == "test" else str(rng.choice(TRAINING_VOICES))
        name = f"{key[1]}_{counts[key] + 1:02d}_{slug(song.name)}"
        sung = sing(song, speaker, options.soundfont, voice, rng, name)
        if sung is not None:
            counts[key] += 1
            write_song(options.out / song.part, sung)
            print(*key, song.name, voice, f"{time.time() - started:.0f} s", flush=True)


def slug(name: str) -> str:
    """A name in plain small letters."""
    return re.sub(r"[^a-z0-9]+", "_", unicodedata.normalize("NFKD", name).lower()).strip("_")[:40]


if __name__ == "__main__":
    main()
