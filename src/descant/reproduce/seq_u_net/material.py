"""The data of the experiments, read when an arm first asks for them."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

from descant.data.music21_corpus import chorales, fiddle_tunes, find_corpus
from descant.data.note_audio import Classes, encode_mu_law, render_notes
from descant.data.piano_rolls import PianoRoll, Splits, split
from descant.errors import InputNotFound, MissingDependency
from descant.hub.files import sha256_of
from descant.instrument.api import find_soundfont, soundfont_digest
from descant.reproduce.seq_u_net.scale import AudioScale
from descant.score.notes import Score
from descant.train.next_frame import CHORALE_FRAME, SHORTEST_TUNE, TUNE_FRAME


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

    @cached_property
    def scores_digest(self) -> str:
        """Of the collections' files: what decides the piano rolls. Empty where there are none."""
        try:
            corpus = find_corpus(self._corpus)
        except (InputNotFound, MissingDependency):  # said later, by those who need it
            return ""
        digest = hashlib.sha256()
        for name in ("bach", "ryansMammoth"):
            for file in sorted(path for path in (corpus / name).iterdir() if path.is_file()):
                digest.update(f"{name}/{file.name} {sha256_of(file)}\n".encode())
        return digest.hexdigest()

    @cached_property
    def soundfont_digest(self) -> str:
        """Of the SoundFont that plays them."""
        return soundfont_digest(self._soundfont)

    @cached_property
    def _chorale_scores(self) -> dict[str, Score]:
        return dict(chorales(find_corpus(self._corpus)))

    @cached_property
    def chorales(self) -> Splits:
        """One frame a quarter."""
        return split(self._chorale_scores.items(), CHORALE_FRAME)

    @cached_property
    def tunes(self) -> Splits:
        """One frame a sixteenth."""
        return split(fiddle_tunes(find_corpus(self._corpus)), TUNE_FRAME, fewest_frames=SHORTEST_TUNE)

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
