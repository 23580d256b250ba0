"""What a recording's file says that it is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import soundfile

from descant.files import input_error


@dataclass(frozen=True, slots=True)
class Tags:
    """Names of a song.

    Attributes:
        title: May be empty.
        artist: May be empty.
    """

    title: str = ""
    artist: str = ""


def tags_of(path: Path) -> Tags:
    """The title and the artist in a file that libsndfile reads (WAV, FLAC, Ogg, Opus, MP3); empty in all others.

    Raises:
        InputNotFound: It is not there.
    """
    try:
        with path.open("rb") as data, soundfile.SoundFile(data) as file:
            return Tags(file.title.strip(), file.artist.strip())
    except soundfile.LibsndfileError:
        return Tags()
    except OSError as error:
        raise input_error(error, path) from error
