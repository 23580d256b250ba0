"""Options of transcription."""

from __future__ import annotations

from dataclasses import dataclass

from descant.dsp.segment import SegmentOptions
from descant.errors import InvalidOption
from descant.text.language_codes import language_code


@dataclass(frozen=True, slots=True)
class NoteOptions:
    """How note maps become notes; the defaults are those Basic Pitch was published with.

    Attributes:
        onset_threshold: How sure the net must be that a note starts, 0..1; lower finds more notes.
        frame_threshold: How sure it must be that a note goes on, 0..1; lower makes longer notes.
        shortest_s: Notes that are not longer are dropped.
        lowest_pitch: Lowest MIDI number that is written.
        highest_pitch: Highest MIDI number that is written.
        infer_onsets: Whether a sudden growth of the note map counts as an onset too.
        fill_in: Whether sound that no onset explains still becomes notes (the "melodia trick").
        bends: Whether notes get pitch curves.
        multiple_bends: Whether notes that sound together keep their curves; a MIDI channel has one wheel for all its
            notes, so by default only notes that sound alone are bent.
    """

    onset_threshold: float = 0.5
    frame_threshold: float = 0.3
    shortest_s: float = 0.1277
    lowest_pitch: int = 21
    highest_pitch: int = 108
    infer_onsets: bool = True
    fill_in: bool = True
    bends: bool = True
    multiple_bends: bool = False

    def __post_init__(self) -> None:
        for name in ("onset_threshold", "frame_threshold"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise InvalidOption(f"{name} must lie between 0 and 1; got {getattr(self, name)}.")
        if not 0.0 <= self.shortest_s < 60.0:
            raise InvalidOption(f"shortest_s must lie between 0 and 60 seconds; got {self.shortest_s}.")
        if not 0 <= self.lowest_pitch <= self.highest_pitch <= 127:
            raise InvalidOption(
                f"The pitch range {self.lowest_pitch}..{self.highest_pitch} is empty or outside MIDI's 0..127.",
                "Give the lower number first; 60 is middle C.",
            )


@dataclass(frozen=True, slots=True)
class MelodyOptions(SegmentOptions):
    """How a pitch curve becomes sung notes: `dsp.segment.SegmentOptions`, and how they are written.

    Attributes:
        follow_tuning: Whether note numbers are rounded on the singer's own scale, as it drifts and where it is
            clear, instead of on A = 440 Hz: intervals come out right more often, absolute pitches less often. The
            bends keep the exact pitch either way.
        bends: Whether notes get pitch curves.
    """

    follow_tuning: bool = False
    bends: bool = True


@dataclass(frozen=True, slots=True)
class WordOptions:
    """How words are heard.

    Attributes:
        shortest_pause_s: A pause this long starts a new line.
        longest_line_s: A line is broken when it lasts longer.
        lowest_confidence: Lines whose words are less likely than this on average are dropped, 0..1.
        language: What is sung, by code or name ("de", "German"), kept as its code; empty to find out.
        model: Name of the Whisper card.
    """

    shortest_pause_s: float = 0.8
    longest_line_s: float = 8.0
    lowest_confidence: float = 0.3
    language: str = ""
    model: str = "whisper-base"

    def __post_init__(self) -> None:
        if not 0.0 <= self.lowest_confidence <= 1.0:
            raise InvalidOption(f"lowest_confidence must lie between 0 and 1; got {self.lowest_confidence}.")
        for name in ("shortest_pause_s", "longest_line_s"):
            if not 0.0 < getattr(self, name) < 600.0:
                raise InvalidOption(f"{name} must lie between 0 and 600 seconds; got {getattr(self, name)}.")
        object.__setattr__(self, "language", language_code(self.language))
