"""Miniatures of published sets in their own layouts, so that each loader is proven without the download."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import mido
import numpy as np
import soundfile

RATE = 44_100


def sound(path: Path, *, seconds: float = 0.2, rate: int = RATE, channels: int = 2, seed: int = 0) -> Path:
    """A file of quiet noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = 0.1 * np.random.default_rng(seed).standard_normal((round(seconds * rate), channels))
    soundfile.write(path, noise, rate, subtype=None if path.suffix in {".mp3", ".ogg"} else "PCM_16")
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return path


def midi(path: Path, pitches: tuple[int, ...] = (60, 64, 67), *, pedal: bool = False, bpm: float = 120.0) -> Path:
    """Quarter notes one after another, written by mido."""
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm)))
    if pedal:
        track.append(mido.Message("control_change", control=64, value=127))
    for pitch in pitches:
        track.append(mido.Message("note_on", note=pitch, velocity=70, time=0))
        track.append(mido.Message("note_off", note=pitch, velocity=0, time=480))
    if pedal:
        track.append(mido.Message("control_change", control=64, value=0, time=480))
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(path)
    return path


def rows(path: Path, table: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    return path


MUSDB_SONGS = {
    "train": ("A Classic Education - NightOwl", "ANiMAL - Rockshow"),
    "test": ("AM Contra - Heart Peripheral",),
}
MUSDB_FILES = ("mixture", "vocals", "drums", "bass", "other")


def build_stems(root: Path) -> None:
    for song in ("b side", "a side"):
        for index, stem in enumerate(("mix", "voice", "band")):
            sound(root / song / f"{stem}.flac", seed=index)


def build_musdb_hq(root: Path, seconds: float = 0.2) -> None:
    for split, songs in MUSDB_SONGS.items():
        for song in songs:
            for index, stem in enumerate(MUSDB_FILES):
                sound(root / split / song / f"{stem}.wav", seconds=seconds, seed=index)


def build_musdb(root: Path) -> None:
    """One MP4 of five AAC streams per song, each stream a tone of its own."""
    for split, songs in MUSDB_SONGS.items():
        for song in songs:
            write_stem_mp4(root / split / f"{song}.stem.mp4")


def write_stem_mp4(path: Path, *, streams: int = 5, frames: int = RATE // 2) -> Path:
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    times = np.arange(frames) / RATE
    with av.open(str(path), "w", format="mp4") as container:
        made = [container.add_stream("aac", rate=RATE, layout="stereo") for _ in range(streams)]
        for index, stream in enumerate(made):
            tone = np.float32(0.3) * np.sin(2 * np.pi * 220 * (index + 1) * times)
            frame = av.AudioFrame.from_ndarray(
                np.stack([tone, tone]).astype(np.float32), format="fltp", layout="stereo"
            )
            frame.sample_rate = RATE
            frame.pts = 0
            for packet in (*stream.encode(frame), *stream.encode(None)):
                container.mux(packet)
    return path


def build_nsynth(root: Path) -> None:
    for part, instruments in {
        "train": ("bass_synthetic_033", "guitar_acoustic_010"),
        "test": ("organ_electronic_1",),
    }.items():
        index = {}
        for instrument in instruments:
            name = f"{instrument}-060-100"
            family, source = instrument.split("_")[:2]
            index[name] = {
                "note": 1, "note_str": name, "instrument": 2, "instrument_str": instrument, "pitch": 60,
                "velocity": 100, "sample_rate": 16_000, "qualities": [0, 1], "qualities_str": ["dark"],
                "instrument_family": 0, "instrument_family_str": family, "instrument_source": 0,
                "instrument_source_str": source,
            }  # fmt: skip
            sound(root / f"nsynth-{part}" / "audio" / f"{name}.wav", rate=16_000, channels=1)
        text(root / f"nsynth-{part}" / "examples.json", json.dumps(index))


def build_maestro(root: Path) -> None:
    table: list[dict[str, object]] = []
    for year, split in ((2004, "train"), (2006, "validation"), (2008, "test")):
        name = f"{year}/MIDI-Unprocessed_{year}_01"
        midi(root / f"{name}.midi", pedal=True)
        sound(root / f"{name}.wav")
        table.append(
            {
                "canonical_composer": "Frédéric Chopin",
                "canonical_title": 'Étude, Op. 10 "No. 3"',
                "split": split,
                "year": year,
                "midi_filename": f"{name}.midi",
                "audio_filename": f"{name}.wav",
                "duration": 0.2,
            }
        )
    rows(root / "maestro-v3.0.0.csv", table)


def build_lakh(root: Path) -> None:
    midi(root / "lmd_full" / "0" / "000a.mid")
    midi(root / "lmd_full" / "f" / "ff01.mid", (40, 41))


def build_lpd(root: Path) -> None:
    write_lpd(root / "lpd_5_cleansed" / "A" / "B" / "TRAB1" / "0a.npz")


def write_lpd(path: Path, *, resolution: int = 24, key: str = "beat_resolution") -> Path:
    """Two tracks: C4 for a beat, then for half of one at another loudness; and a drum. Columns made by SciPy."""
    import scipy.sparse

    steps = 8 * resolution
    piano, drums = np.zeros((steps, 128), np.uint8), np.zeros((steps, 128), np.uint8)
    piano[:resolution, 60] = 80
    piano[resolution : resolution + resolution // 2, 60] = 90
    piano[4 * resolution :, 64] = 70
    drums[[0, resolution], 36] = 100
    arrays: dict[str, np.ndarray] = {
        "tempo": np.repeat([120.0, 60.0], 4 * resolution),
        "downbeat": np.isin(np.arange(steps), [0, 4 * resolution]),
    }
    for index, roll in enumerate((piano, drums)):
        columns = scipy.sparse.csc_matrix(roll)
        for part in ("data", "indices", "indptr", "shape"):
            arrays[f"pianoroll_{index}_csc_{part}"] = np.asarray(getattr(columns, part))
    info = {
        "0": {"program": 1, "is_drum": False, "name": "Piano"},
        "1": {"program": 0, "is_drum": True, "name": "Drums"},
        key: resolution,
        "name": "song",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("info.json", json.dumps(info))
    return path


def build_pop909(root: Path) -> None:
    for song in ("001", "002"):
        folder = root / "POP909" / song
        file = mido.MidiFile(ticks_per_beat=480)
        for name in ("MELODY", "BRIDGE", "PIANO"):
            track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
            for pitch in (60, 62, 64, 65) * 4:
                track += [
                    mido.Message("note_on", note=pitch, velocity=80),
                    mido.Message("note_off", note=pitch, time=480),
                ]
            file.tracks.append(track)
        folder.mkdir(parents=True)
        file.save(folder / f"{song}.mid")
        text(
            folder / "beat_midi.txt", "".join(f"{i * 0.5} {float(i % 2 == 0)} {float(i % 4 == 0)}\n" for i in range(17))
        )
        text(folder / "chord_midi.txt", "0.0\t2.0\tC:maj\n2.0\t4.0\tA:min7\n4.0\t8.0\tN\n")
        text(folder / "key_audio.txt", "0.0\t8.0\tC:maj\n")


SLAKH_METADATA = """UUID: 1a81ae09
audio_dir: stems
stems:
  S00: {audio_rendered: true, inst_class: Guitar, integrated_loudness: -20.1, is_drum: false, midi_program_name: G,
    midi_saved: true, plugin_name: g.nkm, program_num: 25}
  S01: {audio_rendered: true, inst_class: Drums, is_drum: true, midi_saved: true, program_num: 128}
  S02: {audio_rendered: false, inst_class: Sound Effects, is_drum: false, midi_saved: true, program_num: 120}
"""


def build_slakh(root: Path) -> None:
    for split, track in (
        ("train", "Track00001"),
        ("validation", "Track01501"),
        ("test", "Track01876"),
        ("omitted", "Track9"),
    ):
        folder = root / split / track
        text(folder / "metadata.yaml", SLAKH_METADATA)
        sound(folder / "mix.flac", channels=1)
        midi(folder / "all_src.mid")
        for stem in ("S00", "S01"):
            sound(folder / "stems" / f"{stem}.flac", channels=1)
        for stem in ("S00", "S01", "S02"):
            midi(folder / "MIDI" / f"{stem}.mid")


MEDLEYDB_METADATA = """album: ''
artist: Alexander Ross
genre: Singer/Songwriter
has_bleed: 'no'
mix_filename: AlexanderRoss_GoodbyeBolero_MIX.wav
stem_dir: AlexanderRoss_GoodbyeBolero_STEMS
stems:
  S01:
    component: melody
    filename: AlexanderRoss_GoodbyeBolero_STEM_01.wav
    instrument: male singer
    raw: {R01: {filename: AlexanderRoss_GoodbyeBolero_RAW_01_01.wav, instrument: male singer}}
  S02:
    component: ''
    filename: AlexanderRoss_GoodbyeBolero_STEM_02.wav
    instrument: [viola, violin]
title: Goodbye Bolero
version: 1.2
"""


def build_medleydb(root: Path) -> None:
    name = "AlexanderRoss_GoodbyeBolero"
    track = root / "Audio" / name
    text(track / f"{name}_METADATA.yaml", MEDLEYDB_METADATA)
    sound(track / f"{name}_MIX.wav")
    for stem in ("01", "02"):
        sound(track / f"{name}_STEMS" / f"{name}_STEM_{stem}.wav")
    melody = root / "Annotations" / "Melody_Annotations" / "MELODY2" / f"{name}_MELODY2.csv"
    text(melody, "0.0,0.0\n0.0058,220.0\n0.0116,221.5\n")


def build_jamendo(root: Path) -> None:
    rows(
        root / "JamendoLyrics.csv",
        [
            {
                "URL": "https://example.org",
                "Filepath": "Avercage_-_Embers.mp3",
                "Artist": "Avercage",
                "Title": "Embers",
                "Genre": "Metal",
                "LicenseType": "BY-NC-SA",
                "Language": "English",
                "LyricOverlap": "false",
                "Polyphonic": "true",
                "NonLexical": "false",
            }
        ],
    )
    sound(root / "mp3" / "Avercage_-_Embers.mp3")
    text(root / "lyrics" / "Avercage_-_Embers.txt", "you watch\nme\n")
    text(root / "lyrics" / "Avercage_-_Embers.words.txt", "you\nwatch\nme\n")
    text(
        root / "annotations" / "words" / "Avercage_-_Embers.csv",
        "word_start,word_end,line_end\n13.1,13.4,nan\n13.4,14.0,14.0\n15.25,15.5,15.5\n",
    )


def build_giantsteps_key(root: Path) -> None:
    for name, key in (("1004923.LOFI", "Eb minor"), ("10089.LOFI", "D major")):
        text(root / "annotations" / "key" / f"{name}.key", key)
        text(root / "annotations" / "genre" / f"{name}.genre", "techno\n")
        sound(root / "audio" / f"{name}.mp3")


def build_giantsteps_tempo(root: Path) -> None:
    for name, old, new in (("1030011.LOFI", "139", "138.9"), ("3041381.LOFI", "120", "0.0")):
        text(root / "annotations" / "tempo" / f"{name}.bpm", old)
        text(root / "annotations_v2" / "tempo" / f"{name}.bpm", new)
        sound(root / "audio" / f"{name}.mp3")


GTZAN_GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")


def build_gtzan(root: Path) -> None:
    """All thousand names, since the set is whole only then: one sound, linked."""
    one = sound(root / "one.wav", rate=22_050, channels=1, seconds=0.05)
    for genre in GTZAN_GENRES:
        (root / "genres" / genre).mkdir(parents=True)
        for index in range(100):
            (root / "genres" / genre / f"{genre}.{index:05}.wav").hardlink_to(one)
    one.unlink()
    text(root / "gtzan_tempo_beat-main" / "beats" / "gtzan_blues_00000.beats", "0.1\t2\n0.6\t3\n1.1\t4\n1.6\t1\n")
    text(root / "gtzan_tempo_beat-main" / "tempo" / "gtzan_blues_00000.bpm", "120.0\n")
    text(root / "train_filtered.txt", "blues/blues.00000.wav\nrock/rock.00007.wav\n")
    text(root / "valid_filtered.txt", "jazz/jazz.00001.wav\n")
    text(root / "test_filtered.txt", "pop/pop.00099.wav\n")


def build_musiccaps(root: Path) -> None:
    def row(ytid: str, start: int, aspects: str, caption: str, *, is_eval: bool) -> dict[str, object]:
        return {
            "ytid": ytid, "start_s": start, "end_s": start + 1, "audioset_positive_labels": "/m/0140xf",
            "aspect_list": aspects, "caption": caption, "author_id": 4, "is_balanced_subset": False,
            "is_audioset_eval": is_eval,
        }  # fmt: skip

    table = [
        row("-0Gj8-vB1q4", 1, "['low quality', 'piano']", 'A piano, "tinny", plays.\nIt is old.', is_eval=True),
        row("-0SdAVK79lg", 30, "['guitar']", "A guitar.", is_eval=False),
        row("-0vPFx-wRRI", 30, "no list", "Gone from the web.", is_eval=False),
    ]
    rows(root / "musiccaps-public.csv", table)
    sound(root / "audio" / "-0Gj8-vB1q4.wav", seconds=3.0)
    sound(root / "audio" / "[-0SdAVK79lg]-[30-31].wav", seconds=1.0)


def build_band_set(root: Path) -> None:
    """Two items as `descant data band` writes them, one of them sung; tests/data/band reads real ones."""
    text(root / "band.json", json.dumps({"format": 1}))
    for number, split in enumerate(("train", "test")):
        folder = root / "items" / "0000" / f"{number:07d}"
        is_sung = number == 0
        parts = ["parts/piano", *(("parts/lead", "parts/lead_dry", "parts/backing") if is_sung else ())]
        names = ["mixture", "vocals", "drums", "bass", "other", *parts]
        for seed, name in enumerate(names):
            sound(folder / f"{name}.flac", seed=seed)
        midi(folder / "score.mid")
        np.save(folder / "f0.npy", np.array([0.0, 220.0, 221.0, 0.0], np.float32))
        syllables = [
            {"text": "he", "start_s": 0.0, "vowel_s": 0.02, "end_s": 0.05},
            {"text": "llo", "start_s": 0.05, "vowel_s": 0.06, "end_s": 0.1},
        ]
        labels = {
            "number": number,
            "split": split,
            "song": "invented/1",
            "audio": "flac",
            "bpm": 120.0,
            "meter": [4, 4],
            "key": "C major" if is_sung else None,
            "style": "pop",
            "beats": [[0.0, 1], [0.1, 2], [0.2, 3]],
            "chords": [[0.0, 0.1, "C:maj/3"], [0.1, 0.2, "G:7"]],
            "singer": {"id": "anna", "kind": "recorded", "licence": "CC0-1.0"} if is_sung else None,
            "words": [{"text": "hello", "start_s": 0.0, "end_s": 0.1, "line": 0, "syllables": syllables}] * is_sung,
            "language": "en" if is_sung else "",
            "text": "Greeting, Nobody" if is_sung else "",
            "instruments": [{"part": part, "id": f"gm/{part}"} for part in ("piano", "drums", "bass")],
            "caption": "A mid-tempo pop song.",
            "files": {f"{name}.flac": "" for name in names},
        }
        text(folder / "item.json", json.dumps(labels))


BUILDERS: dict[str, Callable[[Path], None]] = {
    "stems": build_stems,
    "band": build_band_set,
    "band-parts": build_band_set,
    "musdb18": build_musdb,
    "musdb18-hq": build_musdb_hq,
    "slakh": build_slakh,
    "medleydb": build_medleydb,
    "nsynth": build_nsynth,
    "maestro": build_maestro,
    "lakh": build_lakh,
    "lpd": build_lpd,
    "pop909": build_pop909,
    "jamendo-lyrics": build_jamendo,
    "giantsteps-key": build_giantsteps_key,
    "giantsteps-tempo": build_giantsteps_tempo,
    "gtzan": build_gtzan,
    "musiccaps": build_musiccaps,
}
