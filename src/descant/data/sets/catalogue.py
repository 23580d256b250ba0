"""The sets Descant reads, by name: what each is, where its splits come from, and the class that reads it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import import_module

from descant.data.sets.dataset import Dataset
from descant.errors import InvalidOption
from descant.files import PathLike


@dataclass(frozen=True, slots=True)
class SetCard:
    """One line of the catalogue.

    Attributes:
        name: What commands and recipes call it.
        title: For people.
        holds: What is in it.
        layout: What its folder looks like.
        splits: Where its splits come from.
        licence: Under which terms its publishers give it away, as far as they say.
        loader: "module:Class".
    """

    name: str
    title: str
    holds: str
    layout: str
    splits: str
    licence: str
    loader: str


_HERE = "descant.data.sets"
_ALL = (
    SetCard(
        "stems", "Folders of stems", "mixtures and stems of any number", "[train|test/]<song>/<stem>.<audio>",
        "the folders train, validation (valid, val), test", "yours", f"{_HERE}.stems:StemFolders",
    ),
    SetCard(
        "band", "A synthetic band", "rendered songs: mixture, vocals, drums, bass, other, every label exact",
        "band.json, items/<thousand>/<number>/", "ours, by song, singer and instrument",
        "per song, singer and sound, as band.json says", f"{_HERE}.band_set:BandSet",
    ),
    SetCard(
        "band-parts", "A synthetic band, by parts", "the same by lead (wet and dry), backing voices and instruments",
        "band.json, items/<thousand>/<number>/", "ours, by song, singer and instrument",
        "per song, singer and sound, as band.json says", f"{_HERE}.band_set:BandParts",
    ),
    SetCard(
        "musdb18", "MUSDB18", "150 songs: mixture, vocals, drums, bass, other (AAC)", "train|test/<song>.stem.mp4",
        "published; validation is the 14 songs named by the package musdb", "per song, mostly non-commercial",
        f"{_HERE}.stems:Musdb18",
    ),
    SetCard(
        "musdb18-hq", "MUSDB18-HQ", "150 songs: mixture, vocals, drums, bass, other", "train|test/<song>/<stem>.wav",
        "published; validation is the 14 songs named by the package musdb", "per song, mostly non-commercial",
        f"{_HERE}.stems:MusdbHq",
    ),
    SetCard(
        "slakh", "Slakh2100", "rendered multitracks: mix, stems, MIDI, instruments",
        "train|validation|test/Track*/", "published (orig, split2 or redux, as the folder is)", "CC BY 4.0",
        f"{_HERE}.slakh:Slakh",
    ),
    SetCard(
        "medleydb", "MedleyDB", "multitracks: mix, stems, instruments, melody", "Audio/<Artist_Title>/",
        "none published", "CC BY-NC-SA 4.0", f"{_HERE}.medleydb:MedleyDb",
    ),
    SetCard(
        "nsynth", "NSynth", "305,979 notes: instrument, family, pitch, velocity, qualities",
        "nsynth-train|valid|test/examples.json, audio/", "published", "CC BY 4.0", f"{_HERE}.nsynth:NSynth",
    ),
    SetCard(
        "maestro", "MAESTRO", "piano performances: audio and MIDI", "maestro-v*.csv, <year>/", "published",
        "CC BY-NC-SA 4.0", f"{_HERE}.maestro:Maestro",
    ),
    SetCard(
        "lakh", "Lakh MIDI", "MIDI files", "lmd_full/<letter>/<md5>.mid", "none published", "CC BY 4.0",
        f"{_HERE}.lakh:Lakh",
    ),
    SetCard(
        "lpd", "Lakh Pianoroll Dataset", "piano rolls as scores, beats, tempi", ".../<md5>.npz", "none published",
        "CC BY 4.0", f"{_HERE}.lakh:Lpd",
    ),
    SetCard(
        "pop909", "POP909", "scores in three tracks, beats, chords, keys", "pop909.zip or POP909/001/...",
        "none published; ours is a hash of the song's number", "MIT", f"{_HERE}.pop909:Pop909Set",
    ),
    SetCard(
        "jamendo-lyrics", "JamendoLyrics", "songs with every word timed", "JamendoLyrics.csv, mp3/, annotations/",
        "all test", "per song, Creative Commons", f"{_HERE}.jamendo_lyrics:JamendoLyrics",
    ),
    SetCard(
        "giantsteps-key", "GiantSteps (key)", "604 previews with keys", "annotations/key/, audio/", "all test",
        "audio belongs to its labels", f"{_HERE}.giantsteps:GiantStepsKey",
    ),
    SetCard(
        "giantsteps-tempo", "GiantSteps (tempo)", "664 previews with tempi", "annotations[_v2]/tempo/, audio/",
        "all test", "audio belongs to its labels", f"{_HERE}.giantsteps:GiantStepsTempo",
    ),
    SetCard(
        "gtzan", "GTZAN", "1,000 excerpts in ten genres, beats, tempi", "genres/<genre>/<genre>.00000.wav",
        "lists you put beside it (fault-filtered: train_filtered.txt ...)", "unknown", f"{_HERE}.gtzan:Gtzan",
    ),
    SetCard(
        "musiccaps", "MusicCaps", "captions and aspects of 5,521 stretches", "musiccaps-public.csv, audio/",
        "published (AudioSet's evaluation part is test)", "CC BY-SA 4.0 (captions)", f"{_HERE}.captions:MusicCaps",
    ),
)  # fmt: skip

CATALOGUE: dict[str, SetCard] = {card.name: card for card in _ALL}
"""Every set by its name."""


def open_set(name: str, root: PathLike, *, whole: bool = True) -> Dataset:
    """A set in its folder.

    Args:
        name: As in the catalogue ("musdb18-hq").
        root: The folder (of POP909: or its zip file).
        whole: Whether all of the set must be there. If not (a part, taken on purpose), items that lack a file are
            left out.

    Raises:
        InvalidOption: No set has this name.
        InputNotFound: The folder is not there, or holds something else.

    Example:
        >>> items = open_set("musdb18-hq", "/data/musdb18hq").items("train")  # doctest: +SKIP
    """
    card = CATALOGUE.get(name)
    if card is None:
        near = difflib.get_close_matches(name.lower(), CATALOGUE, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(CATALOGUE)}."
        raise InvalidOption(f"There is no data set {name!r}.", hint)
    module, _, loader = card.loader.partition(":")
    made = getattr(import_module(module), loader)(root, whole=whole)
    assert isinstance(made, Dataset)
    return made
