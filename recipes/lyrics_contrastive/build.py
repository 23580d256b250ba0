"""Build the set of pieces with words that both lyrics recipes learn from and `descant reproduce lyrics` measures on.

    python recipes/lyrics_contrastive/build.py -o lyricset --prompts DEBIAN_ROOT --speech GCOMPRIS --band BAND_SET \\
        --sung SUNG

`DEBIAN_ROOT` is where `dpkg -x` unpacked asterisk-core-sounds-{en,es,fr,it}-g722 and the packages of the same names
without `-g722`, which hold the transcripts; `GCOMPRIS` has `index.csv` and a file a language; `BAND_SET` is what
`descant data band` made; `SUNG` what recipes/phones/sung_scores.py made. Sources, licences and parts are in the README
beside this file.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.data.lyrics_set import SAMPLE_RATE, Mix, Piece, as_float, as_samples, write_set
from descant.data.lyrics_sources import (
    StringShape,
    Utterance,
    band_items,
    band_pieces,
    indexed_words,
    over_band,
    packed_prompts,
    part_of,
    strung,
)
from descant.data.sets.item import Split
from descant.data.sung_songs import sung_songs
from descant.separate.api import Separator
from descant.text.lyrics import Lyrics

VOICES = {
    "en": ("en_US_f_Allison", "Allison Smith"),
    "es": ("es_MX_f_Allison", "Allison Smith"),
    "fr": ("fr_CA_f_June", "June Wallack"),
    "it": ("it_IT_m_Carlo", "Carlo Flora"),
}
HELD_OUT_LANGUAGES = frozenset(("it", "pt"))
"""No training hears them, nor their singers."""
TEST_SONGS, TEST_BACKINGS = 4, 12
VOICE_DB = 3.0


@dataclass(frozen=True)
class Group:
    """Utterances of one voice, language and part."""

    name: str
    kind: str
    singer: str
    language: str
    split: Split
    utterances: Sequence[Utterance]


def prompt_groups(root: Path) -> Iterator[Group]:
    """The prompts of all languages by part; a held-out language has nothing but a test part."""
    for language, (folder, singer) in VOICES.items():
        found = packed_prompts(root, language, folder)
        for split, some in by_part(found, language).items():
            yield Group(f"prompts-{language}", "prompts", singer, language, split, some)


def word_groups(speech: Path) -> Iterator[Group]:
    """Words of the GCompris recordings."""
    for language, code in (("en", "en"), ("pt_BR", "pt")):
        by_speaker: dict[str, list[Utterance]] = {}
        for speaker, one in indexed_words(speech, language):
            by_speaker.setdefault(speaker or "not named", []).append(one)
        for speaker, found in by_speaker.items():
            for split, some in by_part(found, code).items():
                yield Group(f"words-{code}", "words", f"{language}/{speaker}", code, split, some)


def by_part(found: Sequence[Utterance], language: str) -> Mapping[Split, Sequence[Utterance]]:
    """Utterances by the part that their text belongs to."""
    if language in HELD_OUT_LANGUAGES:
        return {"test": [one for one in found if part_of(" ".join(one.words)) != "train"]}
    parts: dict[Split, list[Utterance]] = {}
    for one in found:
        parts.setdefault(part_of(" ".join(one.words)), []).append(one)
    return parts


def strung_pieces(groups: Sequence[Group], rng: np.random.Generator) -> Iterator[Piece]:
    """Songs of strung utterances, as many of each group as it has material for."""
    for number, group in enumerate(groups):
        songs = strung(group.utterances, StringShape(), rng)
        for count, (lyrics, sound) in enumerate(songs):
            if group.split == "test" and count == TEST_SONGS:
                break
            song = f"{group.name}-{group.split}-{number}-{count}"
            told = replace(lyrics, language=group.language)
            yield Piece(song, "vocals", group.kind, group.singer, group.split, told, as_samples(sound))


def pieces_of_band(root: Path) -> Iterator[Piece]:
    """What the band's singers sing in a language they know; and bands alone, those of every item."""
    for item, singer, pronunciation in band_items(root):
        made = {piece.mix: piece for piece in band_pieces(item, singer=singer)}
        is_sung = pronunciation == "native" and item.facts.language in ("en", "ja", "pt")
        wanted = ("vocals", "mixture", "backing") if is_sung else ("backing",)
        for mix in wanted:
            split = made[mix].split
            yield replace(made[mix], split="test" if split == "validation" else split)


def pieces_of_scores(root: Path) -> Iterator[Piece]:
    """Songs of sung scores: of the held-out languages for the test only, for which each language has a few."""
    counts: Counter[tuple[str, str]] = Counter()
    splits: tuple[tuple[str, Split], ...] = (("test", "test"), ("train", "train"))
    for folder, split in splits:
        for song in sung_songs(root / folder, SAMPLE_RATE):
            language = song.lyrics.language
            counts[split, language] += 1
            is_left_out = language in HELD_OUT_LANGUAGES if split == "train" else counts[split, language] > TEST_SONGS
            if is_left_out:
                continue
            backing = song.mix - song.voice
            sounds: dict[Mix, NDArray[np.float32]] = {"vocals": song.voice, "mixture": song.mix, "backing": backing}
            for mix, sound in sounds.items():
                told, name = song.lyrics if mix != "backing" else Lyrics(), f"scores-{folder}-{song.name}"
                yield Piece(name, mix, "scores", f"speaker/{folder}", split, told, as_samples(sound))


def separated(piece: Piece, separator: Separator) -> Piece:
    """The voice of a mixture, as the default separator takes it out again."""
    vocals = separator(Clip(as_float(piece.samples)[np.newaxis], SAMPLE_RATE))["vocals"]
    return replace(piece, mix="separated", samples=as_samples(vocals.samples[0]))


def to_learn_from(groups: Sequence[Group], band: Sequence[Piece], seed: int, backings: int) -> Iterator[Piece]:
    """Training and validation: voices alone, and bands alone that every step mixes under them anew."""
    for kind in ("band", "scores"):
        yield from [p for p in band if p.kind == kind and p.mix == "backing" and p.split == "train"][:backings]
    yield from strung_pieces([g for g in groups if g.split != "test"], np.random.default_rng([seed, 0]))
    yield from (p for p in band if p.mix == "vocals" and p.split == "train")


def to_measure_on(groups: Sequence[Group], band: Sequence[Piece], seed: int) -> Iterator[Piece]:
    """Held-out songs, each as the voice alone, with a band, and separated from it again."""
    rng = np.random.default_rng([seed, 1])
    separator = Separator.load()
    backings = [p for p in band if p.kind == "band" and p.mix == "backing" and p.split == "test"][:TEST_BACKINGS]
    for piece in strung_pieces([g for g in groups if g.split == "test"], rng):
        yield piece
        yield (mixture := over_band(piece, backings[int(rng.integers(len(backings)))], VOICE_DB))
        yield separated(mixture, separator)
    for piece in band:
        if piece.split == "test" and piece.mix in ("vocals", "mixture"):
            yield piece
            if piece.mix == "mixture":
                yield separated(piece, separator)


def main() -> None:
    """Read options, build, and say what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--band", type=Path, required=True)
    parser.add_argument("--sung", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--backings", type=int, default=60, help="bands alone that training mixes under voices")
    options = parser.parse_args()
    groups = [*prompt_groups(options.prompts), *word_groups(options.speech)]
    band = [*pieces_of_band(options.band), *pieces_of_scores(options.sung)]
    parts = {
        "train": lambda: to_learn_from(groups, band, options.seed, options.backings),
        "test": lambda: to_measure_on(groups, band, options.seed),
    }
    for part, made in parts.items():
        pieces = list(made())
        write_set(pieces, options.out / part)
        report(pieces)


def report(pieces: Sequence[Piece]) -> None:
    """Say what there is."""
    sums: dict[tuple[str, ...], list[float]] = {}
    for piece in pieces:
        key = (piece.split, piece.kind, piece.lyrics.language, piece.singer if piece.lyrics.lines else "", piece.mix)
        sums.setdefault(key, []).append(piece.duration_s / 60.0)
    for key, minutes in sorted(sums.items()):
        print(*key, f"{len(minutes)} pieces, {sum(minutes):.1f} min", sep=" | ", flush=True)


if __name__ == "__main__":
    main()
