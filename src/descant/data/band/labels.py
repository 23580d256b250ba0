"""What is known of an item, as JSON: every time in seconds of its audio."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descant.data.band.item import Item, stem_of
from descant.data.band.options import FORMAT
from descant.data.band.singing import SungSyllable
from descant.data.band.vocals import Vocals
from descant.data.band.vocoder import HOP_S, SAMPLE_RATE
from descant.data.songs import true_beats
from descant.score.harmony import Chord

F0_HOP_S = 0.01
_LANGUAGES = {"ja": "Japanese", "en": "English", "de": "German", "fr": "French", "it": "Italian", "pt": "Portuguese"}
_LARGE_ROOM_S = 1.2
_MIDDLE_C = 60
_DEGREES = ("1", "b2", "2", "b3", "3", "4", "b5", "5", "b6", "6", "b7", "7")


def labels_of(item: Item) -> dict[str, Any]:
    """All labels but f0 and the score, which have files of their own."""
    score = item.score
    seconds = score.tempo.seconds_at
    beats = true_beats(score)
    flats = score.key is not None and score.key.uses_flats
    spans = [(seconds([c.start, c.end]), chord_label(c.chord, flats=flats)) for c in score.chords]
    sections = [(seconds([s.start, s.end]), s.label) for s in score.sections]
    length = item.frames / SAMPLE_RATE
    labels: dict[str, Any] = {
        "format": FORMAT,
        "number": item.number,
        "split": item.split,
        "song": item.song.name,
        "sample_rate": SAMPLE_RATE,
        "frames": item.frames,
        "duration_s": round(length, 6),
        "bpm": round(beats.bpm, 3),
        "meter": [score.time_signatures[0].numerator, score.time_signatures[0].denominator],
        "key": None if score.key is None else score.key.name,
        "style": item.arrangement.style,
        "tuning_cents": round(item.cents, 3),
        "beats": [[_s(t), p] for t, p in zip(beats.times_s, beats.bar_positions, strict=True)],
        "chords": [[_s(a), _s(min(b, length)), label] for (a, b), label in spans],
        "sections": [[_s(a), _s(min(b, length)), label] for (a, b), label in sections],
        "singer": None,
        "backing_singers": [],
        "backing_persons": [],
        "melody": [],
        "words": [],
        "language": "",
        "pronunciation": "",
        "text": "",
        "instruments": _instruments(item),
        "room": {"name": item.room.name, "decay_s": round(item.room.decay_s, 3)},
        "gain_db": round(item.gain_db, 4),
        "lufs": round(item.lufs, 2),
        "facts": {
            "key_from": "the score" if item.arrangement.key_is_given else "the melody, by the harmoniser",
            "chords_from": "the score" if item.arrangement.chords_are_given else "the harmoniser; the band plays them",
            "human_parts": list(item.arrangement.human_parts),
        },
        "files": list(item.audio),
    }
    if item.vocals is not None:
        labels |= _of_vocals(item.vocals)
    labels["caption"] = caption(labels)
    return labels


def chord_label(chord: Chord, *, flats: bool) -> str:
    """In the syntax of Harte et al. (ISMIR 2005), which mir_eval reads: the bass is a degree ("C:maj/3")."""
    if chord.root is None or chord.bass is None or chord.bass == chord.root:
        return chord.label(flats=flats)
    return f"{replace(chord, bass=None).label(flats=flats)}/{_DEGREES[(chord.bass - chord.root) % 12]}"


def f0_of(item: Item) -> NDArray[np.float32]:
    """f0 of the lead voice in Hz every 10 ms, float32, 0 where no pitch sounds; all 0 in an instrumental."""
    count = int(item.frames / SAMPLE_RATE / F0_HOP_S) + 1
    if item.vocals is None:
        return np.zeros(count, np.float32)
    truth = item.vocals.lead.f0_hz
    at = np.arange(count) * F0_HOP_S / HOP_S
    low = np.minimum(at.astype(int), len(truth) - 2)
    share = at - low
    both = (truth[low] > 0) & (truth[low + 1] > 0)
    between = truth[low] * (1.0 - share) + truth[low + 1] * share
    return np.where(both, between, 0.0).astype(np.float32)


def caption(labels: dict[str, Any]) -> str:
    """One sentence for people and for captioning models, made of the facts alone."""
    key = f" in {labels['key']}" if labels["key"] else ""
    tempo = "slow" if labels["bpm"] < 80 else "fast" if labels["bpm"] > 130 else "mid-tempo"
    start = (
        f"A {tempo} {labels['style']} song{key}, {labels['meter'][0]}/{labels['meter'][1]} at {labels['bpm']:.0f} BPM"
    )
    singer = labels["singer"]
    if singer is None:
        voice = ", without voice"
    else:
        middle = float(np.median([pitch for *_, pitch in labels["melody"]]))
        register = "low" if middle < _MIDDLE_C - 5 else "high" if middle > _MIDDLE_C + 4 else "middle"
        language = _LANGUAGES.get(labels["language"], "")
        words = f" in {language}" if language else ""
        behind = len(labels["backing_singers"])
        choir = "" if not behind else f" with {behind} backing voice{'s' if behind > 1 else ''}"
        voice = f", sung by a {register} voice{words}{choir}"
    played = list(dict.fromkeys(_plain_name(i) for i in labels["instruments"] if i["id"]))
    band = f", with {_listed(played)}" if played else ""
    decay = labels["room"]["decay_s"]
    where = ", in a large room" if decay > _LARGE_ROOM_S else ", in a small room" if 0 < decay < 0.5 else ""
    return f"{start}{voice}{band}{where}."


def _of_vocals(vocals: Vocals) -> dict[str, Any]:
    sheet = vocals.sheet
    return {
        "singer": {
            "id": vocals.singer.name,
            "person": vocals.singer.person,
            "kind": vocals.singer.kind,
            "f0_hz": round(vocals.singer.f0_hz, 1),
            "licence": vocals.singer.licence,
            "manner": {name: round(value, 5) for name, value in asdict(vocals.manner).items()},
        },
        "backing_singers": [s.name for s in vocals.backing_singers],
        "backing_persons": [s.person for s in vocals.backing_singers],
        "melody": [[_s(n.start_s), _s(n.end_s), round(n.pitch, 3)] for n in vocals.lead.notes],
        "words": _words(vocals.lead.syllables, sheet.words),
        "language": sheet.language,
        "pronunciation": vocals.singer.pronounces(sheet.language),
        "text": f"{sheet.title}, {sheet.author}" if sheet.author else sheet.title,
    }


def _words(syllables: tuple[SungSyllable, ...], words: tuple[str, ...]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    last = -1
    for one in syllables:
        if one.word != last:
            found.append({"text": words[one.word], "start_s": one.start_s, "end_s": 0.0, "line": one.line,
                          "syllables": []})  # fmt: skip
            last = one.word
        found[-1]["end_s"] = one.end_s
        found[-1]["syllables"].append(
            {"text": one.text, "start_s": one.start_s, "vowel_s": one.vowel_s, "end_s": one.end_s}
        )
    return found


def _instruments(item: Item) -> list[dict[str, Any]]:
    return [
        {
            "part": player.part,
            "stem": stem_of(player.part),
            "id": "" if player.instrument is None else player.instrument.name,
            "tuning_cents": round(player.cents, 3),
            **{name: round(value, 4) for name, value in asdict(player.treatment).items()},
        }
        for player in item.players
    ]


def _plain_name(instrument: dict[str, Any]) -> str:
    if instrument["part"] == "drums":
        return "drums"
    name: str = instrument["id"].split("/")[-1].removesuffix(".sfz")
    return name.split(" ", 1)[-1] if name[:1].isdigit() else name


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _s(seconds: float) -> float:
    return round(max(0.0, float(seconds)), 4)
