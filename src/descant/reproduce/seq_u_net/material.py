"""The data of the experiments, read when an arm first asks for them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from descant.data.music21_corpus import chorales, fiddle_tunes, find_corpus
from descant.data.note_audio import Classes, encode_mu_law, render_notes
from descant.data.piano_rolls import PianoRoll, Splits, split
from descant.instrument.api import find_soundfont
from descant.reproduce.seq_u_net.scale import AudioScale
from descant.score.notes import Score

VERSION = 1
"""Part of every fingerprint: raise it when what is read or how it is split changes."""
_CHORALE_FRAME, _TUNE_FRAME = 1.0, 0.25  # quarters
_SHORTEST_TUNE = 64


class Material:
    """The data.

    Args:
        audio: How much to render.
        corpus: music21's corpus folder, in place of the installed one.
        soundfont: In place of the one that `play` takes.
    """

    def __init__(self, audio: AudioScale, corpus: Path | None, soundfont: Path | None) -> None:
        self._audio = audio
        self._corpus = corpus
        self._soundfont = soundfont

    @property
    def settings(self) -> dict[str, Any]:
        """What decides the data: a set of one's own gives results of its own."""
        given = {"corpus": self._corpus, "soundfont": self._soundfont}
        return {"data": VERSION, **{name: str(path) for name, path in given.items() if path is not None}}

    @cached_property
    def _chorale_scores(self) -> dict[str, Score]:
        return dict(chorales(find_corpus(self._corpus)))

    @cached_property
    def chorales(self) -> Splits:
        """One frame a quarter."""
        return split(self._chorale_scores.items(), _CHORALE_FRAME)

    @cached_property
    def tunes(self) -> Splits:
        """One frame a sixteenth."""
        return split(fiddle_tunes(find_corpus(self._corpus)), _TUNE_FRAME, fewest_frames=_SHORTEST_TUNE)

    @cached_property
    def audio(self) -> dict[str, Classes]:
        """Chorales played by the SoundFont's piano; training, validation and test are other chorales."""
        font = find_soundfont(self._soundfont)
        music = {}
        for part in ("training", "validation", "test"):
            pieces: tuple[PianoRoll, ...] = getattr(self.chorales, part)
            scores = [self._chorale_scores[piece.name] for piece in pieces]
            seconds = self._audio.training_s if part == "training" else self._audio.held_out_s
            played = render_notes(scores, font, seconds=seconds, sample_rate=self._audio.sample_rate)
            music[part] = encode_mu_law(played)
        return music
