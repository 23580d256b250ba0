"""`Sheet`: a score as bars of four parts (bass, chords, second voice, melody), the form in which songs are continued.

Who plays which part is told from names, programs and pitches (`cast_of`). Where nobody plays the bass, the low notes
below the chords (a pianist's left hand) are read as one, and go back to the chords' track when they are written.
Drums are no part: they are kept aside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from descant.compose.grid import TICKS, BarSpan, GridNote, lay_out
from descant.errors import NothingHeard, ScoreReadError
from descant.score.harmony import Key
from descant.score.notes import Note, Score, Track
from descant.score.tonality import key_of_notes

ROLES = ("bass", "chords", "bridge", "melody")
"""The parts, from low to high."""
MELODY_NAMES = ("melody", "vocals", "vocal", "voice", "voc", "lead vocal", "sing", "singer", "lead", "soprano")
"""Names of tracks that are melodies."""
LONGEST_QUARTERS = 40_000
"""Six hours of a fast song."""
_BRIDGE_NAMES = ("bridge", "answer", "second voice", "counter melody", "countermelody")
_BASS_PROGRAMS = range(32, 40)
_LEFT_HAND_BELOW = 52
_KEY_QUARTERS = 128.0
_OVERLAP_QUARTERS = 0.1
_OVERLAPPING_SHARE = 0.05

Parts = tuple[tuple[GridNote, ...], ...]


@dataclass(frozen=True, slots=True)
class SheetBar:
    """One bar.

    Attributes:
        span: Where it lies.
        parts: The notes of each of `ROLES`.
    """

    span: BarSpan
    parts: Parts

    @property
    def count(self) -> int:
        """Notes of all parts."""
        return sum(map(len, self.parts))

    @property
    def ticks(self) -> int:
        """Length on the grid."""
        return round(self.span.quarters * TICKS)

    def transpose(self, semitones: int) -> SheetBar:
        """The bar moved by semitones."""
        moved = tuple(tuple(replace(note, pitch=note.pitch + semitones) for note in part) for part in self.parts)
        return SheetBar(self.span, moved)

    @property
    def figure(self) -> frozenset[tuple[int, int, int]]:
        """What is compared to find repeated bars: part, place and pitch of each note."""
        return frozenset((role, note.position, note.pitch) for role, part in enumerate(self.parts) for note in part)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A score in bars.

    Attributes:
        bars: From the start of the score to the bar of its last note.
        key: The score's, or the one that its last notes suggest; None if they suggest none.
        bpm: Mean tempo over all bars.
        tracks: For each of `ROLES` the index of the track that plays it; None where nobody does.
    """

    bars: tuple[SheetBar, ...]
    key: Key | None
    bpm: float
    tracks: tuple[int | None, ...]

    @property
    def home_shift(self) -> int:
        """Semitones (-6..5) that bring its key to C major or A minor."""
        if self.key is None:
            return 0
        home = 0 if self.key.mode == "major" else 9
        return (home - self.key.tonic + 6) % 12 - 6


def sheet_of(score: Score) -> Sheet:
    """A score as bars of parts.

    Raises:
        NothingHeard: It has no pitched notes.
        ScoreReadError: It is too long to be music.
    """
    pitched = [(index, track) for index, track in enumerate(score.tracks) if track.notes and not track.is_drum]
    if not pitched:
        raise NothingHeard("The score has no notes to go on from.", "Give a score with at least one pitched note.")
    last = max(note.start for _, track in pitched for note in track.notes)
    if last > LONGEST_QUARTERS:
        raise ScoreReadError(
            f"The score lasts {last:.0f} quarter notes, more than {LONGEST_QUARTERS}.",
            "Look for a stray note at its end, or cut the score.",
        )
    cast = cast_of([track for _, track in pitched])
    notes: dict[str, list[Note]] = {role: [] for role in ROLES}
    players: dict[str, int] = {}
    for (index, track), role in zip(pitched, cast, strict=True):
        notes[role] += track.notes
        if role not in players or len(track.notes) > len(score.tracks[players[role]].notes):
            players[role] = index
    if not notes["bass"]:
        notes["bass"], notes["chords"] = left_hand(notes["chords"])
        if notes["bass"]:
            players["bass"] = players["chords"]
    recent = (note for role in ROLES for note in notes[role] if note.start > last - _KEY_QUARTERS)
    key = score.key or key_of_notes(recent)
    spans, placed = lay_out(notes, score.time_signatures)
    bars = tuple(SheetBar(span, tuple(placed[role][i] for role in ROLES)) for i, span in enumerate(spans))
    seconds = score.tempo.seconds(spans[-1].end)
    return Sheet(bars, key, 60.0 * spans[-1].end / max(seconds, 1e-6), tuple(players.get(role) for role in ROLES))


def cast_of(tracks: Sequence[Track]) -> list[str]:
    """The role of each pitched track: by name or program, else the highest that plays one note at a time leads."""
    names = [track.name.strip().lower() for track in tracks]
    roles = ["chords"] * len(tracks)
    free = set(range(len(tracks)))
    leads = [i for known in MELODY_NAMES for i in sorted(free) if names[i] == known]
    basses = [i for i in free if ("bass" in names[i] or tracks[i].program in _BASS_PROGRAMS) and i not in leads]
    for i in basses:
        roles[i] = "bass"
    free -= set(basses)
    if not leads:
        singing = [i for i in free if _one_at_a_time(tracks[i]) and names[i] not in _BRIDGE_NAMES]
        leads = sorted(singing, key=lambda i: (-_mean_pitch(tracks[i]), i))[:1]
    for place, i in enumerate(leads):
        roles[i] = "bridge" if place else "melody"
    for i in free - set(leads):
        if names[i] in _BRIDGE_NAMES:
            roles[i] = "bridge"
    return roles


def left_hand(notes: Sequence[Note]) -> tuple[list[Note], list[Note]]:
    """Chords divided into a bass (of the notes that start together the lowest, if it is low) and the rest."""
    low: list[Note] = []
    rest: list[Note] = []
    for _, group in groupby(sorted(notes), key=lambda note: round(note.start * TICKS)):
        together = sorted(group, key=lambda note: note.pitch)
        is_low = together[0].pitch < _LEFT_HAND_BELOW
        low += together[:1] if is_low else []
        rest += together[1:] if is_low else together
    return low, rest


def notes_of(bars: Sequence[SheetBar], levels: Mapping[tuple[int, int], int]) -> dict[str, list[Note]]:
    """The notes of each role in quarters.

    Args:
        bars: As written.
        levels: Velocity in place of another one, by (role, velocity); others stay.
    """
    notes: dict[str, list[Note]] = {role: [] for role in ROLES}
    for bar in bars:
        for index, role in enumerate(ROLES):
            for note in bar.parts[index]:
                velocity = levels.get((index, note.velocity), note.velocity)
                start = bar.span.start + note.position / TICKS
                notes[role].append(Note(start, note.duration / TICKS, note.pitch, velocity))
    return notes


def _one_at_a_time(track: Track) -> bool:
    notes = track.notes
    overlaps = sum(b.start < a.end - _OVERLAP_QUARTERS for a, b in pairwise(notes))
    return overlaps <= _OVERLAPPING_SHARE * len(notes)


def _mean_pitch(track: Track) -> float:
    return sum(note.pitch for note in track.notes) / len(track.notes)
