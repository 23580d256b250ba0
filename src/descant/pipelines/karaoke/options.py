"""What a person decides about a karaoke version."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from descant.errors import InvalidOption
from descant.pipelines.karaoke.plan import PlanOptions
from descant.pipelines.karaoke.sound import vocals_gain
from descant.pipelines.karaoke.video import CONTAINERS, Screen
from descant.text.formats import text_format

_LOUDEST_GUIDE_DB, _QUIETEST_GUIDE_DB = 12.0, -60.0


@dataclass(frozen=True, slots=True)
class KaraokeOptions:
    """What a person decides.

    Attributes:
        vocals: "off", "on", or a level such as "-12dB".
        guide: Whether the guide melody is mixed in, too; its own files are written in any case.
        guide_db: Its level.
        videos: Kinds of video files: "mp4", "webm", or none.
        screen: Their size.
        plan: Rows on the screen and their times.
        font: A font file; None takes Source Sans.
        background: Empty for a gradient, a colour, or the path of a picture or a video.
        title: Of the song; empty takes what the lyrics say, or else the file's name.
        artist: Of the song; empty takes what the lyrics say.
        beats: Whether count-ins follow the beats that are heard; they count seconds otherwise.
        lyrics: Formats in which the timed lyrics are written.
    """

    vocals: str = "off"
    guide: bool = False
    guide_db: float = 0.0
    videos: tuple[str, ...] = ("mp4",)
    screen: Screen = field(default_factory=Screen)
    plan: PlanOptions = field(default_factory=PlanOptions)
    font: Path | None = None
    background: str = ""
    title: str = ""
    artist: str = ""
    beats: bool = True
    lyrics: tuple[str, ...] = ("json", "lrc", "elrc", "srt")

    def __post_init__(self) -> None:
        vocals_gain(self.vocals)
        if not _QUIETEST_GUIDE_DB <= self.guide_db <= _LOUDEST_GUIDE_DB:
            raise InvalidOption(f"A guide melody at {self.guide_db} dB is not sensible.", "Choose -60 to 12.")
        for kind in self.videos:
            if kind not in CONTAINERS:
                raise InvalidOption(f"There is no video format {kind!r} here.", f"Choose of {', '.join(CONTAINERS)}.")
        for name in self.lyrics:
            text_format(name)
