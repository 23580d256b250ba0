"""One item of the set, from its number to samples and labels; nothing here touches the disk it is written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from descant.audio.clip import Clip
from descant.audio.effects.stereo import pan
from descant.data.band.arrangement import Arrangement, arrange_song
from descant.data.band.sounds import Instrument, for_part
from descant.data.band.sources import Song, lead_sheet
from descant.data.band.studio import (
    Mixed,
    Pcm,
    Room,
    Treatment,
    add_up,
    draw_room,
    draw_treatment,
    level_to,
    mix_down,
    role_of_part,
    to_pcm,
    treat,
)
from descant.data.band.vocals import Vocals, sing_song
from descant.data.band.vocoder import SAMPLE_RATE
from descant.data.band.world import World
from descant.data.splits import Split
from descant.errors import ScoreReadError
from descant.progress import CancelToken
from descant.score.notes import Note, Score, Track
from descant.score.render import render_score

TAIL_S = 2.0
STEMS = ("mixture", "vocals", "drums", "bass", "other")
"""Files every item has, as MUSDB18 names them; `vocals + drums + bass + other` is the mixture, to the last bit."""

_STEM_OF = {"lead": "vocals", "backing": "vocals", "drums": "drums", "bass": "bass"}
_TRIES = 200
_STREAMS = 6


def stem_of(part: str) -> str:
    """The one of `STEMS` that a part is in."""
    return _STEM_OF.get(part, "other")


@dataclass(frozen=True, slots=True)
class Player:
    """Who played a part, and how it was set in the mix."""

    part: str
    instrument: Instrument | None
    treatment: Treatment
    cents: float


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A finished item.

    Attributes:
        number: Which one.
        split: Where it belongs.
        song: What is played.
        arrangement: With the score as it was performed; the melody as it was sung.
        vocals: What is sung; None in an instrumental.
        players: The parts.
        room: Where they play.
        cents: Concert pitch above 440 Hz.
        audio: int16 samples, shape [frames, 2], by file: the five of `STEMS`, then "parts/...".
        gain_db: The one gain of the mix.
        lufs: Loudness of the mixture.
    """

    number: int
    split: Split
    song: Song
    arrangement: Arrangement
    vocals: Vocals | None
    players: tuple[Player, ...]
    room: Room
    cents: float
    audio: Mapping[str, Pcm]
    gain_db: float
    lufs: float

    @property
    def score(self) -> Score:
        """What is played and sung."""
        return self.arrangement.score

    @property
    def frames(self) -> int:
        """Length in samples."""
        return len(self.audio["mixture"])


def make_item(world: World, number: int, cancel: CancelToken | None = None) -> Item:
    """Item `number` of a set: depends on the set's options and this number alone; `cancel` stops the work.

    Raises:
        Cancelled: `cancel` was raised.
        ScoreReadError: None of many songs tried could be used.
    """
    # A stream for each concern: another singer must not change the song.
    choosing, arranging, singing, playing, mixing, tuning = (
        np.random.default_rng(s) for s in np.random.SeedSequence((world.asked.seed, number)).spawn(_STREAMS)
    )
    splits = list(world.splits)
    weights = np.array([world.splits[s] for s in splits])
    split = splits[int(choosing.choice(len(splits), p=weights / weights.sum()))]
    song, arrangement = _arranged(world, split, choosing, arranging)
    if cancel is not None:
        cancel.check()
    cents = float(tuning.normal(0.0, 12.0)) if tuning.random() < 0.6 else 0.0
    duration_s = round(arrangement.score.duration_s + TAIL_S, 3)
    frames = round(duration_s * SAMPLE_RATE)
    vocals = None
    if choosing.random() < world.asked.sung:
        singer = world.singer(split, singing)
        vocals = sing_song(arrangement.score, singer, world.singers[split], cents, duration_s, singing, cancel)
        tracks = (vocals.melody, *arrangement.score.tracks[1:])
        arrangement = replace(arrangement, score=arrangement.score.with_tracks(tracks))
    room = draw_room(world.rooms, mixing)
    impulse = room.impulse()
    played, players, score = _played(
        world, split, arrangement.score, vocals is not None, cents, frames, playing, cancel
    )
    standing: dict[str, Clip] = {}
    settings: list[Player] = []
    for part, clip in played.items():
        treatment = draw_treatment(role_of_part(part), mixing)
        standing[part] = treat(clip, role_of_part(part), treatment, impulse, cancel)
        settings.append(replace(players[part], treatment=treatment))
    dry = None
    if vocals is not None:
        dry, voices, how = _voices(vocals, impulse, mixing, cancel)
        standing = {**voices, **standing}
        settings = [*how, *settings]
    if cancel is not None:
        cancel.check()
    sums = [_sum(standing, names) for names in _grouped(standing).values() if len(names) > 1]
    mixed = mix_down(standing, float(mixing.uniform(-24.0, -12.0)), beside=sums if dry is None else [*sums, dry])
    return Item(
        number, split, song, replace(arrangement, score=score), vocals, tuple(settings), room, cents,
        _files(mixed, dry), mixed.gain_db, mixed.lufs,
    )  # fmt: skip


def _arranged(
    world: World, split: Split, choosing: np.random.Generator, arranging: np.random.Generator
) -> tuple[Song, Arrangement]:
    sources: dict[str, list[Song]] = {}
    for one in world.songs[split]:
        sources.setdefault(one.name.split("/", 1)[0], []).append(one)
    for _ in range(_TRIES):
        # The source first: a thousand tunes of one kind must not drown a hundred of another.
        songs = sources[sorted(sources)[int(choosing.integers(len(sources)))]]
        song = songs[int(choosing.integers(len(songs)))]
        try:
            sheet = lead_sheet(song, world.asked.seconds, choosing)
            return song, arrange_song(sheet, world.composer, arranging)
        except ScoreReadError:  # a score without a usable melody or metre: sets have some
            continue
    raise ScoreReadError(
        f"{_TRIES} songs were tried for the split {split!r}, and none has a melody that can be used.",
        "Give other scores: at least eight bars of 2/4, 3/4 or 4/4 with a melody.",
    )


def _played(
    world: World,
    split: Split,
    score: Score,
    is_sung: bool,
    cents: float,
    frames: int,
    rng: np.random.Generator,
    cancel: CancelToken | None,
) -> tuple[dict[str, Clip], dict[str, Player], Score]:
    """Each part alone, stereo; parts for which the split has no instrument are left out of the score too."""
    played: dict[str, Clip] = {}
    players: dict[str, Player] = {}
    tracks: list[Track] = []
    unset = Treatment(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for track in score.tracks:
        if is_sung and track.name == "melody":
            tracks.append(track)
            continue
        instrument = for_part(world.instruments[split], track.name, rng)
        if instrument is None:
            continue
        own_cents = cents + (0.0 if track.is_drum else float(rng.normal(0.0, 3.0)))
        late = np.abs(rng.normal(0.0, rng.uniform(0.0, 0.008), len(track.notes)))
        shown = replace(track, program=instrument.program, notes=_late(track, score, late))
        sounds = instrument.sounds(own_cents)
        stems = render_score(
            score.with_tracks([shown]), sounds, SAMPLE_RATE, length_s=frames / SAMPLE_RATE, cancel=cancel
        )
        tracks.append(shown)
        played[track.name] = stems.mix().to_channels(2)
        players[track.name] = Player(track.name, instrument, unset, own_cents)
    return played, players, score.with_tracks(tracks)


def _late(track: Track, score: Score, late_s: np.ndarray) -> tuple[Note, ...]:
    starts = score.tempo.quarters_at(score.tempo.seconds_at([n.start for n in track.notes]) + late_s)
    return tuple(replace(n, start=float(q)) for n, q in zip(track.notes, starts, strict=True))


def _voices(
    vocals: Vocals, impulse: Clip, rng: np.random.Generator, cancel: CancelToken | None
) -> tuple[Clip, dict[str, Clip], list[Player]]:
    """The lead before the studio (at the level it has in the mix), the lead and the backing as they stand in it."""
    role = role_of_part("lead")
    treatment = draw_treatment(role, rng)
    raw = Clip(vocals.lead.samples, SAMPLE_RATE).to_channels(2)
    wet = treat(raw, role, treatment, impulse, cancel)
    standing = {"lead": wet}
    settings = [Player("lead", None, treatment, 0.0)]
    if vocals.backing:
        behind = role_of_part("backing vocals")
        setting = draw_treatment(behind, rng)
        choir = np.sum([pan(clip.to_channels(2), place).samples for clip, place in vocals.backing], axis=0)
        clip = Clip(choir.astype(np.float32), SAMPLE_RATE)
        standing["backing"] = treat(clip, behind, replace(setting, pan=0.0), impulse, cancel)
        settings.append(Player("backing", None, setting, 0.0))
    return level_to(raw, -22.0 + treatment.level_lu), standing, settings


def _grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """The parts of each of MUSDB's stems."""
    groups: dict[str, list[str]] = {stem: [] for stem in STEMS[1:]}
    for name in names:
        groups[stem_of(name)].append(name)
    return groups


def _sum(clips: Mapping[str, Clip], names: Sequence[str]) -> Clip:
    return Clip(np.sum([clips[name].samples for name in names], axis=0, dtype=np.float32), SAMPLE_RATE)


def _files(mixed: Mixed, dry: Clip | None) -> dict[str, Pcm]:
    groups = _grouped(mixed.stems)
    files = {"mixture": mixed.mixture}
    for stem, names in groups.items():
        files[stem] = add_up([mixed.stems[n] for n in names]) if names else np.zeros_like(mixed.mixture)
    if dry is not None:
        files["parts/lead_dry"] = to_pcm(dry, 10.0 ** (mixed.gain_db / 20.0))
    for name in (*groups["vocals"], *groups["other"]):
        files[f"parts/{name}"] = mixed.stems[name]
    return files
