"""Where pieces with words come from: recordings of short texts strung together, and the synthetic band's singers."""

from __future__ import annotations

import gzip
import hashlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.audio.resample import resample
from descant.data.band.folder import LABELS
from descant.data.lyrics_set import SAMPLE_RATE, Mix, Piece, as_float, as_samples
from descant.data.sets.band_set import BandSet
from descant.data.sets.item import Item, Split
from descant.data.sets.layout import read_csv, read_json, read_text
from descant.errors import InputNotFound
from descant.text.lyrics import Line, Lyrics, Word

Floats = NDArray[np.float32]

_FRAME = 220
_HEARD_DB = 36.0
_PAUSES_S, _BETWEEN_LINES_S = (0.06, 0.35), (0.5, 2.5)
_LONGEST_S, _SHORTEST_S = 7.0, 0.15
_BRACKETED = re.compile(r"\[[^\]]*\]|\([^)]*\)|\{[^}]*\}")
_UNSPOKEN = ("…", '"', "“", "”", "«", "»", ".", ",", ";", ":", "!", "?", "¿", "¡")
_TEST_SHARE, _VALIDATION_SHARE = 0.12, 0.04


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """A recording of a short text, without the silence around it: mono at `SAMPLE_RATE`."""

    words: tuple[str, ...]
    samples: Floats

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class StringShape:
    """How utterances are strung together to songs.

    Attributes:
        most_in_line: Utterances in a line, at most.
        line_s: A line takes no further utterance beyond this.
        song_s: Length of a song.
        interlude_s: Longest pause without words, which every song has once.
    """

    most_in_line: int = 3
    line_s: float = 4.5
    song_s: float = 50.0
    interlude_s: float = 8.0


def part_of(text: str, *, test_share: float = _TEST_SHARE, validation_share: float = _VALIDATION_SHARE) -> Split:
    """The part that a text belongs to, the same everywhere: by a hash of it, so that no text is in two parts."""
    place = int.from_bytes(hashlib.sha256(text.casefold().encode()).digest()[:4]) / 2**32
    if place < test_share:
        return "test"
    return "validation" if place < test_share + validation_share else "train"


def spoken(text: str) -> tuple[str, ...]:
    """The words of a transcript: without what brackets explain, and without quotation marks and stops."""
    plain = _BRACKETED.sub(" ", text)
    for mark in _UNSPOKEN:
        plain = plain.replace(mark, " ")
    return tuple(plain.split())


def trimmed(samples: Floats) -> Floats:
    """What lies between the first and the last frame (10 ms) that is heard: 36 dB below the loudest, and above."""
    frames = len(samples) // _FRAME
    if frames == 0:
        return samples[:0]
    power = np.square(samples[: frames * _FRAME]).reshape(frames, _FRAME).mean(1)
    level = 10.0 * np.log10(scipy.ndimage.uniform_filter1d(power, 3) + 1e-12)
    heard = np.flatnonzero(level > level.max() - _HEARD_DB)
    return samples[heard[0] * _FRAME : (heard[-1] + 1) * _FRAME]


def packed_prompts(root: Path, language: str, voice: str) -> list[Utterance]:
    """The prompts of a language as Debian packs them.

    Args:
        root: Where `dpkg -x` unpacked asterisk-core-sounds-LANGUAGE-g722 and asterisk-core-sounds-LANGUAGE, which holds
            the transcripts.
        language: As in the names of the packages.
        voice: Folder of the recordings ("en_US_f_Allison").

    Raises:
        InputNotFound: The packages are not there.
    """
    name = f"asterisk-core-sounds-{language}"
    packed = root / f"usr/share/doc/{name}/core-sounds-{language}.txt.gz"
    sounds = root / "usr/share/asterisk/sounds" / voice
    for path in (packed, sounds):
        if not path.exists():
            raise InputNotFound(f"There is no {path}.", f"Unpack {name} and {name}-g722 into {root}: dpkg -x.")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        as_flac(sounds, work)
        text = work / "text.txt"
        text.write_text(gzip.decompress(packed.read_bytes()).decode("utf-8-sig"), encoding="utf-8")
        return list(prompts(work, text))


def as_flac(sounds: Path, folder: Path) -> None:
    """Every G.722 file of a folder (16 kHz) as FLAC at the same place of another."""
    for path in sorted(sounds.rglob("*.g722")):
        with av.open(str(path), format="g722") as opened:
            blocks = [frame.to_ndarray()[0] for frame in opened.decode(audio=0)]
        if blocks:
            target = (folder / path.relative_to(sounds)).with_suffix(".flac")
            target.parent.mkdir(parents=True, exist_ok=True)
            write(target, Clip((np.concatenate(blocks) / 32_768.0).astype(np.float32)[np.newaxis], 16_000))


def prompts(sounds: Path, transcript: Path) -> Iterator[Utterance]:
    """The prompts of an Asterisk sound package.

    Args:
        sounds: Its folder of recordings, which `audio.io.read` must know: not G.722, see `as_flac`.
        transcript: Its text, "name: what is said".

    Texts with figures are left out (nobody knows how they are read), and those longer than 7 s.
    """
    for row in read_text(transcript).splitlines():
        name, colon, said = row.partition(":")
        path = sounds / f"{name.strip()}.flac"
        words = spoken(said)
        if not colon or row.startswith(";") or not words or not path.is_file() or any(c.isdigit() for c in said):
            continue
        found = _utterance(words, read(path, channels=1))
        if found is not None:
            yield found


def indexed_words(speech: Path, language: str) -> Iterator[tuple[str, Utterance]]:
    """Words of the GCompris recordings whose text is known: speaker and recording.

    Args:
        speech: The folder with `index.csv`.
        language: As in the index ("en").
    """
    rows = read_csv(speech / "index.csv", ("language", "start_s", "end_s", "text", "speaker"))
    wanted = [row for row in rows if row["language"] == language and row["text"].strip()]
    sound = read(speech / f"{language}.opus", channels=1)
    for row in wanted:
        words = spoken(row["text"])
        if not words or any(c.isdigit() for c in row["text"]):
            continue
        first, last = (round(float(row[end]) * sound.sample_rate) for end in ("start_s", "end_s"))
        found = _utterance(words, Clip(np.ascontiguousarray(sound.samples[:, first:last]), sound.sample_rate))
        if found is not None:
            yield row["speaker"], found


def _utterance(words: tuple[str, ...], clip: Clip) -> Utterance | None:
    samples = trimmed(resample(clip, SAMPLE_RATE).samples[0])
    if not _SHORTEST_S * SAMPLE_RATE <= len(samples) <= _LONGEST_S * SAMPLE_RATE:
        return None
    level = np.sqrt(np.mean(np.square(samples)))
    return Utterance(words, (samples * (0.08 / max(level, 1e-6))).astype(np.float32)) if level > 1e-5 else None


def strung(
    utterances: Sequence[Utterance], shape: StringShape, rng: np.random.Generator
) -> Iterator[tuple[Lyrics, Floats]]:
    """Songs of all utterances in a drawn order: words and the voice.

    A word's time is known where an utterance begins with it, and its end where the utterance has no other.
    """
    waiting = [utterances[i] for i in rng.permutation(len(utterances))]
    while waiting:
        lines: list[Line] = []
        sound: list[Floats] = []
        now, interlude_at = 0.0, float(rng.uniform(0.3, 0.7)) * shape.song_s
        is_interlude_due = True

        def pause(seconds: float, sound: list[Floats] = sound) -> float:
            sound.append(np.zeros(round(seconds * SAMPLE_RATE), np.float32))
            return len(sound[-1]) / SAMPLE_RATE

        now += pause(float(rng.uniform(0.5, 4.0)))
        while waiting and now < shape.song_s:
            words: list[Word] = []
            start_s, count = now, int(rng.integers(1, shape.most_in_line + 1))
            while waiting and len(words) < 12 and count and (not words or now - start_s < shape.line_s):
                one, count = waiting.pop(), count - 1
                if words:
                    now += pause(float(rng.uniform(*_PAUSES_S)))
                ends = now + one.duration_s
                words.append(Word(one.words[0], now, ends if len(one.words) == 1 else None))
                words += [Word(text) for text in one.words[1:]]
                sound.append(one.samples)
                now = ends
            lines.append(Line(tuple(words), start_s, now))
            now += pause(float(rng.uniform(*_BETWEEN_LINES_S)))
            if is_interlude_due and now > interlude_at:
                now += pause(float(rng.uniform(0.5, 1.0)) * shape.interlude_s)
                is_interlude_due = False
        yield Lyrics(tuple(lines)), np.concatenate(sound)


def band_pieces(item: Item, *, singer: str) -> Iterator[Piece]:
    """The voice of a band's item alone and with the band, and the band alone."""
    assert item.mix is not None, "every item of a band has a mixture"
    mixture = item.mix.read(sample_rate=SAMPLE_RATE, channels=1).samples[0]
    vocals = item.read_stems(("vocals",), sample_rate=SAMPLE_RATE, channels=1)["vocals"].samples[0]
    frames = min(len(mixture), len(vocals))
    mixture, vocals = mixture[:frames], vocals[:frames]
    backing = mixture - vocals
    lyrics = item.lyrics() if item.lyrics is not None else Lyrics()
    lyrics = lyrics.with_lines(line for line in lyrics.lines if line.words)
    sounds: dict[Mix, Floats] = {"vocals": vocals, "mixture": mixture, "backing": backing}
    for mix, sound in sounds.items():
        told = lyrics if mix != "backing" else Lyrics()
        yield Piece(f"band-{item.id}", mix, "band", singer, item.split or "train", told, as_samples(sound))


def mixed(voice: Floats, backing: Floats, voice_db: float) -> Floats:
    """A voice over a band that is repeated as long as the voice lasts.

    Args:
        voice: [frames].
        backing: [frames].
        voice_db: How much louder the voice is than the band, over frames that are heard.
    """
    under = np.resize(backing, len(voice))
    gain = 10.0 ** (-voice_db / 20.0) * _active_level(voice) / max(_active_level(under), 1e-6)
    both: Floats = (voice + gain * under).astype(np.float32)
    return both


def _active_level(sound: Floats) -> float:
    power = np.square(sound[: len(sound) // _FRAME * _FRAME]).reshape(-1, _FRAME).mean(1)
    loud = power[power > 1e-3 * power.max(initial=0.0)]
    return float(np.sqrt(loud.mean())) if len(loud) else 0.0


def over_band(piece: Piece, backing: Piece, voice_db: float) -> Piece:
    """The piece with a band under it."""
    sound = mixed(as_float(piece.samples), as_float(backing.samples), voice_db)
    return replace(piece, mix="mixture", samples=as_samples(sound))


def band_items(root: Path) -> Iterator[tuple[Item, str, str]]:
    """Items of a set of `descant data band`, with the singer and how well that singer knows the language.

    "native": recorded in it; "approximate": by the sounds of another; "": nobody sings.
    """
    for item in BandSet(root, whole=False).items():
        assert item.mix is not None, "every item of a band has a mixture"
        labels = read_json(item.mix.path.parent / LABELS)
        singer = labels["singer"]
        yield item, "" if singer is None else str(singer["id"]), str(labels["pronunciation"])
