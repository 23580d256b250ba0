"""The players of a score together: instruments that were asked for, and the SoundFont for the other tracks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from descant.audio.clip import Clip, Stems
from descant.instrument.find import find_player
from descant.instrument.line_up import LineUp, Seat, seats
from descant.instrument.neural import NeuralInstruments, NeuralPlayer
from descant.instrument.neural_score import play_tracks
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.notes import Score
from descant.score.render import render_score, stem_names


@dataclass(frozen=True, slots=True, eq=False)
class NeuralBand:
    """Who plays a score.

    Attributes:
        seats: Places of the tracks that they play; see `line_up.seats`.
    """

    seats: Mapping[int, Seat]

    @classmethod
    def gather(cls, score: Score, instruments: NeuralInstruments, line_up: LineUp) -> NeuralBand:
        """The players that a line-up wants, the user's own instruments and sound sets among them.

        Raises:
            DescantError: As `line_up.seats` and `find_player` do.
        """
        return cls(seats(score, instruments, line_up, lambda source: find_player(source, instruments)))

    def left(self, score: Score) -> Score:
        """The tracks that nobody here plays, under the names of their stems."""
        named = zip(stem_names(score), score.tracks, strict=True)
        return score.with_tracks(
            replace(track, name=name) for place, (name, track) in enumerate(named) if place not in self.seats
        )

    def play(
        self,
        score: Score,
        soundfont: Path | None,
        sample_rate: int,
        *,
        length_s: float | None = None,
        vibrato: float = 1.0,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Stems:
        """One stereo stem per track, in their order, all of one length.

        Args:
            score: The score.
            soundfont: Plays what is `left`; None if that is nothing.
            sample_rate: In Hz.
            length_s: Exact length; None lets everything ring out.
            vibrato: Of the neural instruments: 1 as recorded, 0 none.
            progress: Receives progress events.
            cancel: Stops the work.

        Raises:
            DescantError: As `render_score` and `play_tracks` do.
        """
        monitor = Monitor(progress, cancel)
        left = self.left(score)
        neural = {place: s.player for place, s in self.seats.items() if isinstance(s.player, NeuralPlayer)}
        turn = len(neural) / max(len(score.tracks), 1)
        clips: dict[str, Clip] = {}
        if neural:
            clips.update(
                play_tracks(
                    score,
                    neural,
                    sample_rate,
                    length_s=length_s,
                    vibrato=vibrato,
                    progress=monitor.part("playing", 0.0, turn).sink,
                    cancel=cancel,
                )
            )
        rest = monitor.part("playing", turn, 1.0).sink
        for place, seat in self.seats.items():
            if not isinstance(seat.player, NeuralPlayer):
                part = score.with_tracks([replace(score.tracks[place], name=seat.track)])
                sounds = seat.player.sounds
                clips.update(render_score(part, sounds, sample_rate, length_s=length_s, cancel=cancel))
        if left.tracks:
            assert soundfont is not None
            clips.update(render_score(left, soundfont, sample_rate, length_s=length_s, progress=rest, cancel=cancel))
        frames = max(clip.frames for clip in clips.values())
        return Stems({name: clips[name].pad_to(frames) for name in stem_names(score)})
