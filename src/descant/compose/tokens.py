"""The composer's language: bars as token sequences and back.

A bar is written as its condition, then what the band plays in it (position, pitch and sound tokens in the manner of
REMI, arXiv 2002.00212):

    Bar_4 Density_3 Dynamics_2 Register_1 Answer_0           what is asked for; "?" leaves it to the model
    Pos_0 Chord_0_min Pos_24 Chord_5_maj                     chords at the beats where they change
    Melody Pos_0 Tune_69_long Pos_12 Tune_71_short           the given melody
    Next Chord_7_maj Pos_0 Tune_72_short                     anticipation: how the next bar begins
    Piano Pos_0 Pitch_45 Sound_12_3 Pitch_60 Sound_6_2 ...   the accompaniment
    Bridge ... End                                           the second voice

Each token of the music is read together with two companions, the chord and the melody note that sound where it stands
(`companions`), so that the model need not search its context for them.

The condition of a bar stands directly before its music and carries the first chord and melody note of the next bar,
so that the band can lead into what is about to be sung (the idea of arXiv 2306.08620 on a grid of bars). Everything
is relative to a tonic at C: the caller transposes (see `home_shift`).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from descant.compose.grid import BAR_BEATS, OFFSETS, TICKS, Bar, GridNote
from descant.compose.network import feature_table
from descant.errors import ScoreReadError
from descant.score.harmony import QUALITIES, Chord

POSITIONS = tuple(beat * TICKS + offset for beat in range(BAR_BEATS) for offset in OFFSETS)
"""Places in a bar, in ticks."""
DURATIONS = (3, 4, 6, 8, 9, 12, 18, 24, 36, 48)
"""Lengths of notes, in ticks."""
VELOCITIES = (42, 56, 68, 80, 92, 106)
"""Loudness of notes."""
PITCHES = range(24, 101)
"""What the band may play."""
TUNE_PITCHES = range(48, 89)
"""What the melody is folded into."""
_LONG_TICKS = 9
_VELOCITY_EDGES = (49, 62, 74, 86, 99)

CHORD_CLASSES = {
    "maj": "maj", "maj6": "maj", "5": "maj", "1": "maj", "maj7": "maj7", "maj9": "maj7", "min": "min", "min6": "min",
    "min7": "min7", "min9": "min7", "minmaj7": "min", "7": "7", "9": "7", "sus4": "sus4", "sus2": "sus4", "dim": "dim",
    "dim7": "dim", "hdim7": "dim", "aug": "aug",
}  # fmt: skip
"""The quality under which the model sees each chord quality."""
_SEEN_CLASSES = tuple(dict.fromkeys(CHORD_CLASSES.values()))


@dataclass(frozen=True, slots=True)
class Controls:
    """What is asked of a bar; None leaves the choice to the model."""

    density: int | None = None
    """0 (nothing) to 5 (more than four notes a beat) for the piano."""
    dynamics: int | None = None
    """0 (soft) to 3 (loud)."""
    register: int | None = None
    """0 (low) to 2 (high) for the piano."""
    answer: int | None = None
    """0 (silent) to 2 (busy) for the bridge."""


DENSITY_EDGES = (0.01, 1.5, 2.5, 3.5, 4.5)
"""Piano notes a quarter at which the next density class begins."""
DYNAMICS_EDGES = (66.0, 77.0, 88.0)
"""Mean velocities at which the next dynamics class begins."""
REGISTER_EDGES = (56.5, 61.0)
"""Mean pitches at which the next register class begins."""
ANSWER_EDGES = (0.01, 1.0)
"""Bridge notes a quarter at which the next answer class begins."""
_CONTROL_SIZES = {"density": 6, "dynamics": 4, "register": 3, "answer": 3}


def _names() -> Iterator[str]:
    yield "Pad"
    yield from (f"Bar_{beats}" for beats in range(1, BAR_BEATS + 1))
    yield from ("Melody", "Next", "Last", "Piano", "Bridge", "End")
    for control, size in _CONTROL_SIZES.items():
        yield from (f"{control.title()}_{value}" for value in (*range(size), "?"))
    yield from (f"Pos_{tick}" for tick in POSITIONS)
    yield "Chord_N"
    yield from (f"Chord_{root}_{quality}" for root in range(12) for quality in _SEEN_CLASSES)
    yield from (f"Bass_{pitch_class}" for pitch_class in range(12))
    yield from (f"Tune_{pitch}_{length}" for pitch in TUNE_PITCHES for length in ("short", "long"))
    yield from (f"Pitch_{pitch}" for pitch in PITCHES)
    yield from (f"Sound_{duration}_{level}" for duration in DURATIONS for level in range(len(VELOCITIES)))


NAMES = tuple(_names())
"""Names of all tokens; a token is an index into it."""
ID = {name: number for number, name in enumerate(NAMES)}
"""Numbers of the tokens by name."""
PAD, MELODY, NEXT, LAST, PIANO, BRIDGE, END = (
    ID[name] for name in ("Pad", "Melody", "Next", "Last", "Piano", "Bridge", "End")
)
FIRST_POSITION = ID["Pos_0"]
FIRST_PITCH = ID[f"Pitch_{PITCHES[0]}"]
FIRST_SOUND = ID[f"Sound_{DURATIONS[0]}_0"]
VOCABULARY = len(NAMES)


def is_position(token: int) -> bool:
    """Whether a token says where in the bar the next notes start."""
    return FIRST_POSITION <= token < FIRST_POSITION + len(POSITIONS)


def is_pitch(token: int) -> bool:
    """Whether a token is a pitch of the band."""
    return FIRST_PITCH <= token < FIRST_PITCH + len(PITCHES)


def is_sound(token: int) -> bool:
    """Whether a token gives the length and loudness of the note before it."""
    return FIRST_SOUND <= token < FIRST_SOUND + len(DURATIONS) * len(VELOCITIES)


def home_shift(bars: Sequence[Bar]) -> int:
    """Semitones (-6..5) that bring the music nearest to the white keys, where the model knows its music best.

    Counted over the melody and the chords, so that a wrong or missing key does no harm: relative major and minor
    have the same home.
    """
    weights = np.zeros(12)
    for bar in bars:
        for note in bar.melody:
            weights[note.pitch % 12] += note.duration
        for _, chord in bar.chords:
            for tone in chord.pitch_classes:
                weights[tone] += TICKS
            if chord.root is not None:
                weights[chord.root] += TICKS
    white = np.array([1.2, 0, 1, 0, 1.1, 1, 0, 1.1, 0, 1.1, 0, 0.9])
    fits = [float(weights @ np.roll(white, tonic)) for tonic in range(12)]
    return (6 - int(np.argmax(fits))) % 12 - 6


def fold(pitch: int, span: range) -> int:
    """A pitch moved by octaves into a range of at least an octave."""
    if pitch < span[0]:
        return pitch + 12 * -((pitch - span[0]) // 12)
    return pitch - 12 * -((span[-1] - pitch) // 12) if pitch > span[-1] else pitch


def measure(bar: Bar) -> Controls:
    """The controls that describe what a bar's band plays."""
    dynamics = register = None
    if bar.piano:
        dynamics = _grade(DYNAMICS_EDGES, sum(n.velocity for n in bar.piano) / len(bar.piano))
        register = _grade(REGISTER_EDGES, sum(n.pitch for n in bar.piano) / len(bar.piano))
    return Controls(
        density=_grade(DENSITY_EDGES, len(bar.piano) / bar.span.quarters),
        dynamics=dynamics,
        register=register,
        answer=_grade(ANSWER_EDGES, len(bar.bridge) / bar.span.quarters),
    )


def _grade(edges: Sequence[float], value: float) -> int:
    return bisect_left(edges, value)


def encode_condition(bar: Bar, following: Bar | None, controls: Controls) -> list[int]:
    """What the model is told before it writes a bar, up to and including the token "Piano".

    Args:
        bar: Its span, chords and melody are told.
        following: The next bar, None at the end of the piece.
        controls: What is asked for.
    """
    tokens = [ID[f"Bar_{bar.span.beats}"]]
    for control in fields(controls):
        value = getattr(controls, control.name)
        tokens.append(ID[f"{control.name.title()}_{'?' if value is None else value}"])
    for tick, chord in bar.chords:
        tokens += [position_token(tick), *_chord_tokens(chord)]
    tokens.append(MELODY)
    for note in bar.melody:
        tokens += [position_token(note.position), _tune_token(note)]
    if following is None:
        tokens.append(LAST)
    else:
        tokens.append(NEXT)
        if following.chords:
            tokens += _chord_tokens(following.chords[0][1])
        if following.melody:
            first = following.melody[0]
            tokens += [position_token(first.position), _tune_token(first)]
    tokens.append(PIANO)
    return tokens


def _chord_tokens(chord: Chord) -> list[int]:
    if chord.root is None:
        return [ID["Chord_N"]]
    tokens = [ID[f"Chord_{chord.root}_{CHORD_CLASSES[chord.quality]}"]]
    if chord.bass is not None and chord.bass != chord.root:
        tokens.append(ID[f"Bass_{chord.bass}"])
    return tokens


def position_token(tick: int) -> int:
    """The token of a place in the bar, the nearest there is."""
    index = bisect_left(POSITIONS, tick)
    near = [i for i in (index - 1, index) if 0 <= i < len(POSITIONS)]
    return FIRST_POSITION + min(near, key=lambda i: abs(POSITIONS[i] - tick))


def _tune_token(note: GridNote) -> int:
    length = "long" if note.duration >= _LONG_TICKS else "short"
    return ID[f"Tune_{fold(note.pitch, TUNE_PITCHES)}_{length}"]


def encode_music(bar: Bar) -> list[int]:
    """What the band plays in a bar: the tokens after "Piano", up to and including "End"."""
    return [*_part_tokens(bar.piano), BRIDGE, *_part_tokens(bar.bridge), END]


def _part_tokens(notes: tuple[GridNote, ...]) -> list[int]:
    tokens: list[int] = []
    last_place = -1
    for note in canonical(notes, PITCHES):
        place = FIRST_POSITION + POSITIONS.index(note.position)
        if last_place != place:
            tokens.append(place)
        last_place = place
        level = VELOCITIES.index(note.velocity)
        sound = FIRST_SOUND + DURATIONS.index(note.duration) * len(VELOCITIES) + level
        tokens += [FIRST_PITCH + note.pitch - PITCHES[0], sound]
    return tokens


def canonical(notes: tuple[GridNote, ...], pitches: range) -> list[GridNote]:
    """The notes as a vocabulary of these pitches can say them: one for each place and pitch, in order."""
    kept: dict[tuple[int, int], GridNote] = {}
    for note in notes:
        position = POSITIONS[position_token(note.position) - FIRST_POSITION]
        pitch = fold(note.pitch, pitches)
        duration = min(DURATIONS, key=lambda d: abs(d - note.duration) / (d + 6))
        velocity = VELOCITIES[bisect_left(_VELOCITY_EDGES, note.velocity)]
        before = kept.get((position, pitch))
        if before is None or before.duration < duration:
            kept[position, pitch] = GridNote(position, pitch, duration, velocity)
    return sorted(kept.values())


def companions(bar: Bar) -> list[tuple[int, int]]:
    """For each of `POSITIONS` the tokens of the chord and the melody note that sound there; `PAD` for none."""
    pairs = []
    for tick in POSITIONS:
        chord = _chord_tokens(bar.chord_at(tick))[0] if bar.chords else PAD
        sounding = [note for note in bar.melody if note.position <= tick < note.position + note.duration]
        pairs.append((chord, _tune_token(sounding[-1]) if sounding else PAD))
    return pairs


def with_companions(bar: Bar, tokens: Sequence[int]) -> list[tuple[int, int]]:
    """The companions of each token of a bar's music; those of the bar's start before the first position.

    "Piano" and "Bridge" start at the bar's beginning again, and the tokens of a condition have none.
    """
    pairs = companions(bar)
    place = 0
    result = []
    for token in tokens:
        if token in (PIANO, BRIDGE):
            place = 0
        elif is_position(token):
            place = token - FIRST_POSITION
        result.append(pairs[place])
    return result


ALONE = (PAD, PAD)
"""The companions of a token that has none."""


def decode_music(tokens: Sequence[int]) -> tuple[tuple[GridNote, ...], tuple[GridNote, ...]]:
    """Inverse of `encode_music`: the notes of piano and bridge.

    Raises:
        ScoreReadError: The tokens are not what `encode_music` writes.
    """
    parts: tuple[list[GridNote], list[GridNote]] = ([], [])
    part, position, pitch = 0, -1, -1
    for token in tokens:
        if is_position(token) and pitch < 0:
            position = POSITIONS[token - FIRST_POSITION]
        elif is_pitch(token) and position >= 0 and pitch < 0:
            pitch = PITCHES[token - FIRST_PITCH]
        elif is_sound(token) and pitch >= 0:
            length, level = divmod(token - FIRST_SOUND, len(VELOCITIES))
            parts[part].append(GridNote(position, pitch, DURATIONS[length], VELOCITIES[level]))
            pitch = -1
        elif token == BRIDGE and part == 0 and pitch < 0:
            part, position = 1, -1
        elif token == END and part == 1 and pitch < 0:
            return tuple(parts[0]), tuple(parts[1])
        else:
            raise ScoreReadError(f"The token {NAMES[token]} cannot stand here.", "The sequence is damaged.")
    raise ScoreReadError("The bar has no end.", "The sequence is damaged.")


def token_features() -> NDArray[np.float32]:
    """[VOCABULARY, F]: what tokens have in common (family, pitch class, octave, place in the beat, chord tones)."""
    return feature_table([_described(name) for name in NAMES])


def _described(name: str) -> list[str]:
    family, *values = re.split("_", name)
    features = [f"family {family}"]
    if family in ("Tune", "Pitch"):
        pitch = int(values[0])
        features += [f"class {pitch % 12}", f"octave {pitch // 12}", *(f"{family} {v}" for v in values[1:])]
    elif family == "Bass":
        features.append(f"class {values[0]}")
    elif family == "Chord" and len(values) == 2:
        root, quality = int(values[0]), values[1]
        tones = [(root + step) % 12 for step in QUALITIES[quality]]
        features += [f"root {root}", f"quality {quality}", *(f"class {tone}" for tone in tones)]
    elif family == "Pos":
        features += [f"beat {int(values[0]) // TICKS}", f"offset {int(values[0]) % TICKS}"]
    elif family == "Sound":
        features += [f"duration {values[0]}", f"level {values[1]}"]
    return features
