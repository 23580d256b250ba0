"""How well voices come apart into lead and backing, and a voice from its room, and what that is worth to a conversion.

    python benchmarks/voices_split.py lead --band BANDSET --data DATA
    python benchmarks/voices_split.py levels --band BANDSET --data DATA
    python benchmarks/voices_split.py dry --band BANDSET --data DATA
    python benchmarks/voices_split.py convert --band BANDSET --data DATA

BANDSET is what `descant data band` made (recipes/separation/README.md says how); its test split is used, which no
training and no choice of a checkpoint saw. DATA has `album/` (real songs with their true lead voices) and `rooms/`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip, Stems
from descant.audio.effects import convolve
from descant.audio.io import read
from descant.audio.loudness import integrated_lufs
from descant.convert.api import Converter
from descant.convert.options import ConvertOptions
from descant.convert.speaker import likeness
from descant.data.rooms import impulse_response, room_files
from descant.data.sets.band_set import BandParts
from descant.data.voices import find_voices
from descant.dsp.reverberation import in_room, reverberation_of
from descant.evaluate.convert import TARGETS, target_of
from descant.evaluate.convert_metrics import evaluate as conversion_scores
from descant.evaluate.lyrics_metrics import character_error_rate
from descant.evaluate.report import Table
from descant.evaluate.sdr import si_sdr
from descant.pipelines.remix.parting import PartingOptions, part_vocals, room_of
from descant.progress import Monitor
from descant.separate.api import Separator
from descant.transcribe.words import WordRecognizer

RATE = 44_100
SECONDS = 12.0
ROOM_LEVELS_DB = (-12.0, -6.0, 0.0)

Split = Callable[[Clip, Stems], Mapping[str, Clip]]


@dataclass(frozen=True, slots=True)
class Song:
    """Two parts whose sum is heard."""

    name: str
    parts: Stems

    @property
    def heard(self) -> Clip:
        """Their sum."""
        return self.parts.mix()


def sdr(true: Clip, found: Clip) -> float:
    """Energy of a part over that of the error, over the whole excerpt, in dB."""
    error = np.square(true.samples - found.samples, dtype=np.float64).sum()
    return 10.0 * math.log10(np.square(true.samples, dtype=np.float64).sum() / max(error, 1e-20))


def half(clip: Clip) -> Clip:
    """Half of what is heard."""
    return Clip(clip.samples * np.float32(0.5), clip.sample_rate)


def minus(one: Clip, other: Clip) -> Clip:
    """What one has and the other has not."""
    return Clip(one.samples - other.samples, one.sample_rate)


def excerpt(first: Clip, second: Clip) -> tuple[Clip, Clip]:
    """Where both sound most: the window with the largest sum of the quieter one's levels."""
    hop = first.sample_rate
    count = min(first.frames, second.frames) // hop
    powers = [
        np.square(clip.samples[:, : count * hop]).reshape(clip.channels, count, hop).mean(axis=(0, 2)) + 1e-9
        for clip in (first, second)
    ]
    both = np.convolve(np.minimum(*powers) ** 0.25, np.ones(min(count, round(SECONDS))), "valid")
    start = float(np.argmax(both))
    return first.slice(start, start + SECONDS), second.slice(start, start + SECONDS)


def band_leads(band: Path) -> Iterator[tuple[str, dict[str, Clip]]]:
    """Sung test songs: the lead, wet and dry, and the backing voices where there are any."""
    for item in BandParts(band).items("test"):
        parts = {stem.name: stem.audio for stem in item.stems}
        if "lead" in parts:
            wanted = [name for name in ("lead", "lead_dry", "backing") if name in parts]
            yield f"{item.id}", {name: read(parts[name].path, sample_rate=RATE, channels=2) for name in wanted}


def album_voices(data: Path) -> Iterator[Song]:
    """Real songs: the lead voice, and what else is sung."""
    for folder in sorted((data / "album").iterdir()):
        if (folder / "lead.opus").exists():
            lead, vocals = (read(folder / f"{n}.opus", sample_rate=RATE, channels=2) for n in ("lead", "vocals"))
            lead, rest = excerpt(lead, minus(vocals, lead))
            if integrated_lufs(lead) > -60.0:
                yield Song(folder.name, Stems({"lead": lead, "backing": rest}))


def in_rooms(band: Path, data: Path) -> Iterator[Song]:
    """Dry leads in recorded rooms, each at another level."""
    rooms = room_files(data / "rooms")
    for number, (name, parts) in enumerate(band_leads(band)):
        room = rooms[(number * 7) % len(rooms)]
        dry, _ = excerpt(parts["lead_dry"], parts["lead_dry"])
        answer = convolve(dry, impulse_response(room, RATE).to_channels(2))
        wanted_db = ROOM_LEVELS_DB[number % len(ROOM_LEVELS_DB)]
        own = [float(np.square(clip.samples, dtype=np.float64).sum()) for clip in (dry, answer)]
        level_db = wanted_db + 10.0 * math.log10(own[0] / own[1])
        yield Song(f"{name} in {room.stem}", Stems({"dry": dry, "room": answer.gain(level_db)}))


def table(title: str, songs: Sequence[Song], card: str) -> Table:
    """SDR and SI-SDR of both parts: of the model, and of what needs none."""
    separator = Separator.load(card)
    first, second = separator.stems
    ways: dict[str, Split] = {
        f"all is {first}": lambda heard, _: {first: heard, second: Clip.silence(heard.frames, RATE, 2)},
        "equal shares": lambda heard, _: dict.fromkeys((first, second), half(heard)),
        card: lambda heard, _: separator(heard),
    }
    rows = []
    for way, split in ways.items():
        found = []
        for song in songs:
            parts = split(song.heard, song.parts)
            one = [sdr(song.parts[name], parts[name]) for name in (first, second)]
            some = [
                si_sdr(song.parts[name], parts[name]) if parts[name].samples.any() else math.nan
                for name in (first, second)
            ]
            found.append((*one, *some))
        rows.append((way, *(_middles(column) for column in np.array(found).T)))
    names = tuple(f"{measure} {name}" for measure in ("SDR", "SI-SDR") for name in (first, second))
    return Table(f"{title}: {len(songs)} excerpts of {SECONDS:g} s, dB, mean / median", ("", *names), tuple(rows))


def _middles(values: np.ndarray) -> str:
    known = values[~np.isnan(values)]
    return f"{known.mean():.1f} / {np.median(known):.1f}" if len(known) else "–"


def duets_and_solos(band: Path, data: Path) -> tuple[list[Song], list[Song], list[tuple[str, Clip]]]:
    """Test songs with backing voices, songs of the album with them, and leads alone."""
    leads, real = list(band_leads(band)), list(album_voices(data))
    duets = []
    for name, parts in leads:
        if "backing" in parts:
            lead, backing = excerpt(parts["lead"], parts["backing"])
            duets.append(Song(name, Stems({"lead": lead, "backing": backing})))
    alone = [(name, excerpt(parts["lead"], parts["lead"])[0]) for name, parts in leads if "backing" not in parts]
    alone += [(song.name, song.parts["lead"]) for song in real]
    least = {song.name: integrated_lufs(song.parts["lead"]) - 20.0 for song in real}
    return duets, [song for song in real if integrated_lufs(song.parts["backing"]) > least[song.name]], alone


def measure_lead(band: Path, data: Path) -> None:
    """Lead from backing voices, in rendered and in real songs."""
    duets, real, _ = duets_and_solos(band, data)
    print(table("Test songs of the band with backing voices", duets, "descant-lead").to_markdown())
    print(table("Songs of the album", real, "descant-lead").to_markdown())


def measure_levels(band: Path, data: Path) -> None:
    """What is taken for backing voices where there are some, and where there are none."""
    separator = Separator.load("descant-lead")
    duets, real, alone = duets_and_solos(band, data)
    for label, some in (
        ("the band, with backing voices", [song.heard for song in duets]),
        ("the album, with backing voices", [song.heard for song in real]),
        ("either, lead alone", [clip for _, clip in alone]),
    ):
        levels = []
        for clip in some:
            parts = separator(clip)
            levels.append(integrated_lufs(parts["backing"]) - integrated_lufs(parts["lead"]))
        print(f"Backing beside lead, LU, songs of {label}:", *(f"{x:.0f}" for x in sorted(levels)), "\n", flush=True)


def measure_dry(band: Path, data: Path) -> None:
    """Voice from room, and what is told of the room."""
    songs = list(in_rooms(band, data))
    print(table("Test voices in recorded rooms", songs, "descant-dry").to_markdown())
    separator = Separator.load("descant-dry")
    for label in ("in rooms", "dry"):
        found = []
        for song in songs:
            parts = separator(song.heard if label == "in rooms" else song.parts["dry"])
            room, true = room_of(parts), reverberation_of(*song.parts.values())
            if room is not None and true is not None:
                found.append((true.level_db, room.level_db, true.decay_s, room.decay_s))
        said = (f"{a:.0f}>{b:.0f} dB {c:.1f}>{d:.1f} s" for a, b, c, d in found)
        print(f"Rooms told of voices {label}, true > found ({len(found)} of {len(songs)}):", "; ".join(said), "\n")
    for folder in sorted((data / "album").iterdir()):
        if (folder / "lead.opus").exists():
            voice = read(folder / "lead.opus", sample_rate=RATE, channels=2)
            voice, _ = excerpt(voice, voice)
            parts = separator(voice)
            print(folder.name, room_of(parts), flush=True)


def measure_conversion(band: Path, data: Path, most: int) -> None:
    """The same voice converted alone, with all that sounds beside it, and parted."""
    converter, words = Converter.load(), WordRecognizer.load()
    voices = {voice.name: voice for voice in find_voices(data)}
    targets = [target_of(voices[name], converter) for name in TARGETS[:2]]
    rows: dict[str, list[tuple[float, ...]]] = {}

    def judge(label: str, lead: Clip, sung: Clip, semitones: float, target: int, heard: str | None) -> None:
        found = conversion_scores(
            lead, sung, targets[target].voice.speaker, semitones, track=converter.tracker, embed=converter.embedder
        )
        correlation, cents = (found[name] for name in ("f0 correlation", "f0 error, cents"))
        errors = math.nan if heard is None else 100.0 * character_error_rate(heard, words(sung).text)
        own = likeness(converter.embedder(sung), converter.embedder(lead))
        row = (correlation, cents, found["likeness"], own, errors)
        rows.setdefault(label, []).append(tuple(math.nan if x is None else float(x) for x in row))
        print(f"{label}:", *(f"{value:.3f}" for value in rows[label][-1]), flush=True)

    def sing(voice: Clip, target: int) -> tuple[Clip, float]:
        made = converter(voice, targets[target].voice, targets[target].permit, ConvertOptions())
        return made.clip, made.semitones

    def compare(kind: str, number: int, lead: Clip, heard: Clip, text: str | None = None) -> None:
        target = number % len(targets)
        for label, voice in (("the lead alone, dry", lead), ("all that is heard", heard)):
            judge(f"{kind}: {label}", lead, *sing(voice, target), target, text)
        parts = part_vocals(heard, PartingOptions(), Monitor())
        sung, semitones = sing(parts.voice, target)
        judge(f"{kind}: parted", lead, sung, semitones, target, text)
        print(kind, number, parts.found, flush=True)
        if parts.found.room is not None and parts.backing is None:
            sung = sung.to_channels(lead.channels)
            judge(
                f"{kind}: parted, in a room made anew", lead, in_room(sung, parts.found.room), semitones, target, text
            )
            old = Clip(sung.samples + minus(heard, parts.voice).samples, RATE)
            judge(f"{kind}: parted, with the old room's answer", lead, old, semitones, target, text)

    def show(title: str) -> None:
        columns = (
            "",
            "songs",
            "f0 correlation",
            "f0 error, cents",
            "GE2E to target",
            "GE2E to old singer",
            "CER, points",
        )
        made = tuple((label, len(found), *map(_mean, np.array(found).T)) for label, found in rows.items())
        print(Table(title, columns, made).to_markdown(), flush=True)
        rows.clear()

    duets = [parts for _, parts in band_leads(band) if "backing" in parts][:most]
    for number, parts in enumerate(duets):
        lead, backing = excerpt(parts["lead_dry"], parts["backing"])
        compare("harmonies", number, lead, Clip(lead.samples + backing.samples, RATE))
    show("Test voices with harmonies")
    for number, song in enumerate(islice(in_rooms(band, data), most)):
        compare("room", number, song.parts["dry"], song.heard)
    show("Test voices in recorded rooms")
    for number, song in enumerate(islice(album_voices(data), most)):
        compare("album", number, song.parts["lead"], song.heard, words(song.parts["lead"]).text)
    show("Real songs, converted and held against the lead voice alone")


def _mean(values: np.ndarray) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("lead", "levels", "dry", "convert"))
    parser.add_argument("--band", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int, default=6, help="songs of each kind to convert")
    given = parser.parse_args()
    if given.what == "lead":
        measure_lead(given.band, given.data)
    elif given.what == "levels":
        measure_levels(given.band, given.data)
    elif given.what == "dry":
        measure_dry(given.band, given.data)
    else:
        measure_conversion(given.band, given.data, given.most)


if __name__ == "__main__":
    main()
