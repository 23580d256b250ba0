"""Where a recording comes from, as a comment in its file: what made it, whose voice it has, and by which permission.

Comments survive copying, not editing or conversion to other formats; the mark in the sound is for those. WAV and RF64
(LIST INFO), FLAC, Ogg Vorbis and Opus (comments), MP3 (ID3), AIFF, CAF and M4A hold them; Wave64 cannot.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

import soundfile

from descant.audio.io import probe
from descant.files import PathLike, as_path

SYNTHETIC = "trainedAlgorithmicMedia"
"""What IPTC calls media made by a trained model (NewsCodes, digital source type); C2PA uses the same word."""

_KEY = "descant_provenance"


@dataclass(frozen=True, slots=True)
class Provenance:
    """See the module.

    Attributes:
        software: "Descant 0.1.0".
        model: Card or folder of the weights.
        voice: Name of the voice.
        consent: Number of the consent record.
        mark: The mark in the sound, eight hexadecimal digits; empty if there is none.
        source_type: IPTC's word for what it is.
    """

    software: str
    model: str
    voice: str
    consent: str
    mark: str
    source_type: str = SYNTHETIC

    def to_comment(self) -> str:
        """As the text of a comment, in plain ASCII, which every format keeps."""
        return json.dumps({_KEY: asdict(self)})

    @classmethod
    def from_comment(cls, comment: str) -> Self | None:
        """What a comment says, None if it is about something else; what follows it is ignored."""
        start = comment.find(f'{{"{_KEY}"')
        if start < 0:
            return None
        with suppress(ValueError, LookupError, TypeError, RecursionError):
            stated = json.JSONDecoder().raw_decode(comment, start)[0][_KEY]
            names = [field.name for field in fields(cls)]
            return cls(**{name: str(stated[name])[:200] for name in names})
        return None


def read_provenance(path: PathLike) -> Provenance | None:
    """What an audio file says about where it comes from; None if it says nothing. Anyone can write such a comment.

    Raises:
        DescantError: As for `audio.io.probe`.
    """
    place = as_path(path)
    info = probe(place)
    return Provenance.from_comment(_comment(place, info.format))


def _comment(path: Path, container: str) -> str:
    with suppress(soundfile.LibsndfileError), path.open("rb") as file, soundfile.SoundFile(file) as sound:
        return sound.comment or ""
    from descant.audio.media import comment_of

    return comment_of(path) if container != "W64" else ""
