"""What is exported, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from descant.audio.clip import MAX_SAMPLE_RATE
from descant.errors import InvalidOption
from descant.score.wav_folder import name_of_key

Format = Literal["sfz", "wav", "wavetable"]
FORMATS: tuple[Format, ...] = ("sfz", "wav", "wavetable")
Looping = Literal["auto", "always", "never"]
LOOPING: tuple[Looping, ...] = ("auto", "always", "never")
MOST_FRAMES = 256
"""Of a wavetable; Serum reads no more."""

_MOST_NOTES = 2_000


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What is exported.

    Attributes:
        formats: "wav": notes with their loops; "sfz": those and a mapping; "wavetable".
        lowest: Lowest key.
        highest: Highest key.
        every: Only every so many semitones; players fill the keys between.
        velocities: How hard keys are struck, a layer each, rising.
        held_s: How long keys are held, in seconds.
        longest_s: How long those of instruments are held that decay, at most, in seconds.
        sample_rate: In Hz; None is the instrument's own.
        loop: "auto" loops instruments whose held notes do not decay.
        own_tuning: Leave notes that are out of tune as they are, and say so in the files; else they are played in tune.
        table_key: The key that the wavetable is made of; None is C3, or the nearest that the instrument plays well.
        table_frames: Frames of the wavetable, at most.
    """

    formats: tuple[Format, ...] = ("sfz",)
    lowest: int = 36
    highest: int = 84
    every: int = 3
    velocities: tuple[int, ...] = (40, 80, 120)
    held_s: float = 3.0
    longest_s: float = 10.0
    sample_rate: int | None = None
    loop: Looping = "auto"
    own_tuning: bool = False
    table_key: int | None = None
    table_frames: int = MOST_FRAMES

    def __post_init__(self) -> None:
        if not self.formats or not {*self.formats} <= {*FORMATS}:
            raise InvalidOption(f"The formats {','.join(self.formats)!r} are not known.", f"Use {', '.join(FORMATS)}.")
        if not 0 <= self.lowest <= self.highest <= 127:
            raise InvalidOption(
                f"Keys {_named(self.lowest)} to {_named(self.highest)} are no span of keys.", "Use C2:C6."
            )
        if not 1 <= self.every <= 24:
            raise InvalidOption(f"Every {self.every} semitones is out of range.", "Use 1 to 24, for instance 3.")
        rising = tuple(sorted({*self.velocities}))
        if not rising or self.velocities != rising or not 1 <= rising[0] <= rising[-1] <= 127:
            raise InvalidOption("Velocities rise from 1 to 127.", "Use 40,80,120.")
        if not 0.5 <= self.held_s <= 30.0 or not self.held_s <= self.longest_s <= 60.0:
            raise InvalidOption("Keys are held for 0.5 to 30 s, and decaying notes for at most 60 s.", "Use 3 and 10.")
        if self.sample_rate is not None and not 8_000 <= self.sample_rate <= min(192_000, MAX_SAMPLE_RATE):
            raise InvalidOption(f"A sample rate of {self.sample_rate} Hz is out of range.", "Use 44100 or 48000.")
        if self.loop not in LOOPING:
            raise InvalidOption(f"There is no way to loop {self.loop!r}.", f"Use {', '.join(LOOPING)}.")
        if self.table_key is not None and not 0 <= self.table_key <= 127:
            raise InvalidOption(f"There is no key {self.table_key}.", "Use C-1 to G9.")
        if not 1 <= self.table_frames <= MOST_FRAMES:
            raise InvalidOption(f"{self.table_frames} frames are out of range.", f"Use 1 to {MOST_FRAMES}.")
        if len(self.keys) * len(self.velocities) > _MOST_NOTES:
            raise InvalidOption(f"That would be more than {_MOST_NOTES} notes.", "Take fewer keys or velocities.")

    @property
    def keys(self) -> tuple[int, ...]:
        """Those that are rendered."""
        return tuple(range(self.lowest, self.highest + 1, self.every))


def _named(key: int) -> str:
    return name_of_key(key) if 0 <= key <= 127 else str(key)
