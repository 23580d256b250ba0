"""Build the windows that the phone lesson learns from: speech, speech as singing, and bands, as Whisper hears them.

    python recipes/phones/build.py -o WINDOWS --prompts DEBIAN_ROOT --speech GCOMPRIS --band BAND_SET --sung SUNG

`DEBIAN_ROOT` is where `dpkg -x` unpacked asterisk-core-sounds-{en,es,fr,it,ru}-g722 and the packages of the same names
without `-g722`, which hold the transcripts; `GCOMPRIS` has `index.csv` and a file a language; `BAND_SET` is what
`descant data band` made; `SUNG` what `sung_scores.py` beside this file made. Sources, licences and parts are in the
README.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.align.hearing import encode
from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.data.lyrics_set import SAMPLE_RATE, as_float
from descant.data.lyrics_sources import (
    Utterance,
    band_items,
    band_pieces,
    indexed_words,
    mixed,
    packed_prompts,
    part_of,
)
from descant.data.phone_strings import WindowShape, cut, strung_window
from descant.data.phone_windows import Part, PhoneWindow, Said, write_windows
from descant.data.sung_songs import sung_songs
from descant.hub.ctranslate2 import read_tensors
from descant.hub.store import fetch
from descant.nets.whisper_encoder import SAMPLE_RATE as HEARD_RATE
from descant.nets.whisper_encoder import WhisperEncoder, WhisperEncoderConfig
from descant.text.lyrics import Word

Floats = NDArray[np.float32]

VOICES = {
    "en": ("en_US_f_Allison", "Allison Smith"),
    "es": ("es_MX_f_Allison", "Allison Smith"),
    "fr": ("fr_CA_f_June", "June Wallack"),
    "it": ("it_IT_m_Carlo", "Carlo Flora"),
    "ru": ("ru_RU_f_IvrvoiceRU", "Ivrvoice"),
}
WORDS = {"en": "en", "pt_BR": "pt"}
HELD_OUT_VOICE = "Julia Wycherley"
HELD_OUT_TEXTS = 0.06
"""Share of the texts; they are among the tenth that recipes/lyrics_contrastive keeps for its test, too."""
LAYERS = (3, 6)
BASE = WhisperEncoderConfig(layers=6, width=512, heads=8)
PIECE_S, REST_S = 24.0, 6.0
BACKING_S, BACKING_GAIN = 20.0, (0.02, 1.0)


@dataclass(frozen=True)
class Group:
    """Utterances of one voice, language and part."""

    language: str
    voice: str
    part: Part
    utterances: Sequence[Utterance]


def groups(prompts: Path, speech: Path) -> Iterator[Group]:
    """All utterances by language, voice and part."""
    for language, (folder, voice) in VOICES.items():
        yield from by_part(packed_prompts(prompts, language, folder), language, voice)
    for language, code in WORDS.items():
        by_speaker: dict[str, list[Utterance]] = {}
        for speaker, one in indexed_words(speech, language):
            by_speaker.setdefault(speaker or "not named", []).append(one)
        for speaker, found in by_speaker.items():
            yield from by_part(found, code, speaker)


def by_part(found: Sequence[Utterance], language: str, voice: str) -> Iterator[Group]:
    """Utterances of a voice by the part they belong to; names of letters are left out: they are not how these sound."""
    parts: dict[Part, list[Utterance]] = {}
    for one in found:
        text = " ".join(one.words)
        if len(text) > 1:
            is_train = part_of(text, test_share=HELD_OUT_TEXTS, validation_share=0.0) == "train"
            part: Part = "voices" if voice.startswith(HELD_OUT_VOICE) else "train" if is_train else "texts"
            parts.setdefault(part, []).append(one)
    for part, some in parts.items():
        yield Group(language, voice, part, some)


def windows_of(
    group: Group, bands: Sequence[Floats], shape: WindowShape, encoder: WhisperEncoder, rng: np.random.Generator
) -> Iterator[PhoneWindow]:
    """All utterances of a group in a drawn order, a few in each window."""
    order = rng.permutation(len(group.utterances))
    for first in range(0, len(order), shape.utterances):
        numbers = order[first : first + shape.utterances]
        made = strung_window([group.utterances[n] for n in numbers], bands, shape, rng)
        if made.said:
            states = heard(made.samples, encoder)
            yield PhoneWindow(states, made.said, group.language, group.voice, group.part, made.is_sung, made.has_band)


def song_windows(
    root: Path, part: Part, bands: Sequence[Floats], shape: WindowShape, encoder: WhisperEncoder, seed: int
) -> Iterator[PhoneWindow]:
    """Songs of `sung_scores.py` in pieces that begin and end between words, each word between its own times.

    A third is the voice alone, a third the song, a third the voice with a band that knows nothing of it.
    """
    for song in sung_songs(root, SAMPLE_RATE):
        rng = np.random.default_rng([seed, *song.name.encode()])
        for words in pieces(song.lyrics.words):
            first_s = max(0.0, (words[0].start_s or 0.0) - float(rng.uniform(0.1, 1.0)))
            last_s = (words[-1].end_s or 0.0) + float(rng.uniform(0.1, 1.0))
            turn = int(rng.integers(3))
            first, last = round(first_s * SAMPLE_RATE), round(last_s * SAMPLE_RATE)
            sound = (song.mix if turn == 1 else song.voice)[first:last]
            if turn == 2 and bands:
                under = cut(bands[int(rng.integers(len(bands)))], len(sound), rng)
                sound = mixed(sound, under, float(rng.uniform(*shape.voice_db)))
            loud = sound * np.float32(rng.uniform(0.3, 0.9) / (np.abs(sound).max(initial=0.0) + 1e-6))
            said = tuple(Said(w.text, (w.start_s or 0.0) - first_s, (w.end_s or 0.0) - first_s) for w in words)
            yield PhoneWindow(heard(loud, encoder), said, song.lyrics.language, "Kokoro", part, True, turn > 0)


def pieces(words: Sequence[Word]) -> Iterator[Sequence[Word]]:
    """Words in order, as many at a time as fit into `PIECE_S`, without long rests between them."""
    found: list[Word] = []
    for word in words:
        start_s, end_s = word.start_s or 0.0, word.end_s or 0.0
        if found and (end_s - (found[0].start_s or 0.0) > PIECE_S or start_s - (found[-1].end_s or 0.0) > REST_S):
            yield found
            found = []
        found.append(word)
    if found:
        yield found


def backing_windows(
    bands: Sequence[Floats], count: int, encoder: WhisperEncoder, rng: np.random.Generator
) -> Iterator[PhoneWindow]:
    """Bands alone, loud and soft: what no word sounds like."""
    nothing: tuple[Said, ...] = ()
    for _ in range(count if bands else 0):
        sound = cut(bands[int(rng.integers(len(bands)))], round(BACKING_S * SAMPLE_RATE), rng)
        states = heard(sound * np.float32(rng.uniform(*BACKING_GAIN)), encoder)
        yield PhoneWindow(states, nothing, "en", "", "train", has_band=True)


def heard(samples: Floats, encoder: WhisperEncoder) -> NDArray[np.float16]:
    """The states of a sound, those of `LAYERS` side by side."""
    mono = resample(Clip(samples[np.newaxis], SAMPLE_RATE), HEARD_RATE).samples[0]
    states = encode(mono, encoder)
    return np.concatenate([states[layer][0].float().numpy() for layer in LAYERS], axis=1).astype(np.float16)


def backings(root: Path, most: int) -> list[Floats]:
    """Bands of a set's training items without their singers."""
    found: list[Floats] = []
    for item, singer, _ in band_items(root):
        if len(found) == most:
            break
        found += [
            as_float(piece.samples)
            for piece in band_pieces(item, singer=singer)
            if piece.mix == "backing" and piece.split == "train" and np.abs(piece.samples).max() > 300
        ]
    return found


def main() -> None:
    """Read options, build, and say what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--band", type=Path, required=True)
    parser.add_argument("--sung", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--passes", type=int, default=2, help="how often each training utterance is used, each time anew"
    )
    parser.add_argument("--bands", type=int, default=60, help="bands that may play along")
    parser.add_argument("--backings", type=int, default=60, help="windows of bands alone")
    parser.add_argument("--most", type=int, help="utterances of each group, to try the way")
    options = parser.parse_args()
    encoder = WhisperEncoder(BASE)
    encoder.load_converted(read_tensors(fetch("whisper-base") / "model.bin", "encoder/"))
    encoder.eval()
    bands = backings(options.band, options.bands)
    found = list(groups(options.prompts, options.speech))
    started = time.time()
    sums: dict[tuple[str, ...], list[float]] = {}

    def made() -> Iterator[PhoneWindow]:
        for turn in range(options.passes):
            for number, group in enumerate(found):
                if turn and group.part != "train":
                    continue
                some = Group(group.language, group.voice, group.part, group.utterances[: options.most])
                rng = np.random.default_rng([options.seed, turn, number])
                yield from windows_of(some, bands, WindowShape(), encoder, rng)
        for turn in range(options.passes):
            yield from song_windows(options.sung / "train", "train", bands, WindowShape(), encoder, turn)
        yield from song_windows(options.sung / "test", "songs", bands, WindowShape(), encoder, 0)
        yield from backing_windows(
            bands, options.backings, encoder, np.random.default_rng([options.seed, options.passes])
        )

    def told(windows: Iterator[PhoneWindow]) -> Iterator[PhoneWindow]:
        for count, window in enumerate(windows, 1):
            sums.setdefault((window.part, window.language, window.voice), []).append(len(window.states) / 3000.0)
            if count % 50 == 0:
                print(f"{count} windows, {time.time() - started:.0f} s", flush=True)
            yield window

    write_windows(told(made()), LAYERS, options.out)
    for key, minutes in sorted(sums.items()):
        print(*key, f"{len(minutes)} windows, {sum(minutes):.1f} min", sep=" | ", flush=True)


if __name__ == "__main__":
    main()
