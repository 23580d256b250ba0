"""The folder that `accompany` leaves: mix, stems, score, analysis, picture, page, and further takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from descant.analyze.export import write_json
from descant.audio.io import write
from descant.files import atomic_output
from descant.pipelines.accompany import AccompanyOptions, Heard, Performance
from descant.pipelines.page import write_page
from descant.pipelines.parts import write_parts
from descant.pipelines.picture import draw_song
from descant.progress import CancelToken
from descant.score.midi import write_midi
from descant.score.musicxml import write_musicxml
from descant.score.notes import Score
from descant.score.tempo import BeatGrid

_PIXELS_PER_SECOND = 40
_README_WIDTH, _WIDEST = 1200, 12_000
_DOWNLOADS = ("score.mid", "score.musicxml", "chords.txt", "analysis.json", "picture.svg")


@dataclass(frozen=True, slots=True, eq=False)
class SongFolder:
    """Where a song is written, and what its page says about it.

    Attributes:
        path: The folder.
        title: Heading of the page.
        heard: The recording.
        options: What was asked for.
        take_values: The value of each take, best first.
    """

    path: Path
    title: str
    heard: Heard
    options: AccompanyOptions
    take_values: tuple[float, ...]

    def write(self, best: Performance, *, cancel: CancelToken | None = None) -> None:
        """Write everything about the best take but its chord sheet."""
        score, analysis = best.take.score, self.heard.analysis
        parts, remarks = write_parts(self.path, best.mixed, cancel=cancel)
        write_midi(self.path / "score.mid", score)
        write_musicxml(self.path / "score.musicxml", score)
        write_json(self.path / "analysis.json", analysis)
        write_text(self.path / "picture.svg", self._picture(best, _README_WIDTH))
        width = max(_README_WIDTH, min(round(best.mixed.clip.duration_s * _PIXELS_PER_SECOND), _WIDEST))
        page = write_page(
            self.title,
            facts=self._facts(score),
            picture=self._picture(best, width),
            parts=parts,
            downloads=_DOWNLOADS,
            notes=(*analysis.remarks, *remarks),
        )
        write_text(self.path / "index.html", page)

    def write_take(self, number: int, performance: Performance) -> None:
        """Write mix and score of a further take."""
        takes = self.path / "takes"
        write(takes / f"{number}.flac", performance.mixed.clip)
        write_midi(takes / f"{number}.mid", performance.take.score)

    def _picture(self, best: Performance, width: int) -> str:
        waves = {"vocals": best.mixed.stems["vocals"], "mix": best.mixed.clip}
        beats = self.heard.beats
        return draw_song(best.take.score, waves, beats_s=beats.times_s, downbeats_s=beats.downbeats_s, width=width)

    def _facts(self, score: Score) -> dict[str, str]:
        band = self.options.band
        return {
            **facts_of(score, self.heard.beats),
            "style": band.style,
            "seed": str(band.seed),
            "takes": " ".join(f"{value:.2f}" for value in self.take_values if math.isfinite(value)),
            "voice": "taken out of the song" if self.heard.is_song else "as recorded",
        }


def facts_of(score: Score, beats: BeatGrid) -> dict[str, str]:
    """Tempo, metre, key and the chords that occur, for people."""
    symbols = dict.fromkeys(
        span.chord.symbol(flats=bool(score.key and score.key.uses_flats))
        for span in score.chords
        if not span.chord.is_none
    )
    return {
        "tempo": f"{beats.bpm:.1f} BPM",
        "metre": f"{beats.beats_per_bar}/4",
        "key": score.key.name if score.key else "unknown",
        "chords": " ".join(symbols),
    }


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with atomic_output(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
