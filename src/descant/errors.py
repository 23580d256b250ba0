"""The whole exception tree.

Every error a user can cause says *what* happened (`message`) and *what to do* (`hint`), and carries the exit
status of the command line (`code`). Broad excepts live only at the command line border; everything below raises
one of these. Asserts are for our own bugs, never for input.
"""

from __future__ import annotations

from typing import ClassVar


class DescantError(Exception):
    """Base of all errors Descant raises on purpose.

    Args:
        message: One line that says what happened, naming the file, option or value.
        hint: One line that says what to do about it; may be empty.
    """

    code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type[DescantError], tuple[str, str]]:
        return type(self), (self.message, self.hint)


class InvalidOption(DescantError):
    """An option or argument has a value that cannot be used."""

    code = 2


# --- files ------------------------------------------------------------------------------------------------------


class InputNotFound(DescantError):
    """The input path does not exist, or is a folder where a file is needed."""

    code = 10


class PermissionRefused(DescantError):
    """The operating system does not allow reading or writing the path."""

    code = 11


class AudioReadError(DescantError):
    """The file claims to be audio but cannot be decoded (empty, truncated, text renamed, damaged, encrypted)."""

    code = 12


class UnsupportedFormat(DescantError):
    """The format is known but cannot be handled by what is installed, or is not known at all."""

    code = 13


class InvalidAudio(DescantError):
    """The audio decodes but cannot be worked on (no samples, NaN or infinite samples, impossible rate)."""

    code = 14


class OutputError(DescantError):
    """The result cannot be written (read-only folder, disk full, a file where a folder is needed)."""

    code = 15


class OutputIsInput(DescantError):
    """Writing would overwrite the file that is being read."""

    code = 16


class ScoreReadError(DescantError):
    """A MIDI, MusicXML or chord file is damaged or makes no musical sense."""

    code = 17


class TextReadError(DescantError):
    """A lyrics or timed-text file is damaged or in an unknown encoding."""

    code = 18


class BatchFailed(DescantError):
    """Some files of a batch failed; the others were finished."""

    code = 19


# --- what is heard ----------------------------------------------------------------------------------------------


class NothingHeard(DescantError):
    """The audio holds none of what the task needs (no voice, no beat, no notes, silence)."""

    code = 20


# --- weights and assets -----------------------------------------------------------------------------------------


class CardError(DescantError):
    """A card is malformed, from a newer version, or names an unknown architecture."""

    code = 30


class ModelNotFound(DescantError):
    """No card or file has this name."""

    code = 31


class ChecksumMismatch(DescantError):
    """A file is not what its card says it is."""

    code = 32


class DownloadFailed(DescantError):
    """Fetching failed (no network, refused certificate, interrupted, a web page instead of weights)."""

    code = 33


class OfflineRefused(DescantError):
    """Fetching is needed but DESCANT_OFFLINE forbids it."""

    code = 34


class MissingDependency(DescantError):
    """An optional package or system library is needed for this."""

    code = 35


class UnsafeCheckpoint(DescantError):
    """A checkpoint holds more than tensors and plain values, so it is not loaded."""

    code = 36


class CheckpointError(DescantError):
    """A checkpoint is damaged, or its tensors do not fit the architecture."""

    code = 37


# --- training ---------------------------------------------------------------------------------------------------


class TrainingFailed(DescantError):
    """A training diverged, or did not reach what its recipe expects."""

    code = 38


# --- consent ----------------------------------------------------------------------------------------------------


class ConsentMissing(DescantError):
    """A voice is to be used without a permit, or with one that is for another voice or another use."""

    code = 50


class ConsentInvalid(DescantError):
    """A consent record is damaged, was edited, or is signed by a key that is not trusted here."""

    code = 51


class ConsentExpired(DescantError):
    """A consent record is past its date."""

    code = 52


class ConsentRevoked(DescantError):
    """A consent was taken back."""

    code = 53


class ConsentRefused(DescantError):
    """A spoken consent does not hold the words that were asked for, or is another person's voice."""

    code = 54


class VoiceNotFound(DescantError):
    """No stored voice has this name, or what is stored under it is damaged."""

    code = 55


# --- resources --------------------------------------------------------------------------------------------------


class OutOfMemory(DescantError):
    """Memory ran out, also with smaller chunks."""

    code = 40


class Cancelled(DescantError):
    """The user stopped the work."""

    code = 130

    def __init__(self, message: str = "Cancelled.", hint: str = "") -> None:
        super().__init__(message, hint)
