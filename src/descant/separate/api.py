"""`Separator`: a song to stems that sum to the song."""

from __future__ import annotations

import numpy as np

from descant.audio.clip import Clip, Stems
from descant.errors import CardError, InvalidAudio
from descant.hub.card import load_card
from descant.hub.store import fetch
from descant.nets.u_net import UNet
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.separate.config import SeparationConfig
from descant.separate.session import Separates, Session
from descant.separate.weights import load_nets

DEFAULT_CARD = "spleeter-2stems"
RESIDUAL = "residual"

_BLOCK_S = 10.0


class Separator:
    """Separates audio of any rate, length and channel count into stems of the same shape.

    The stems sum to the input to float precision, at any rate: all but the last are masked out of it, and the last
    is what remains. Mono is heard as two equal channels. Of more than two channels the first two are heard as left and
    right and each further one (centre, bass, surrounds) by itself.

    Args:
        nets: One net per stem.
        stems: Names of the stems.
        config: Sizes.

    Example:
        >>> separator = Separator.load()  # doctest: +SKIP
        >>> stems = separator(read("song.mp3"))  # doctest: +SKIP
        >>> write("vocals.wav", stems["vocals"])  # doctest: +SKIP
    """

    def __init__(self, nets: tuple[UNet, ...], stems: tuple[str, ...], config: SeparationConfig | None = None) -> None:
        assert len(nets) == len(stems) > 0
        self.nets = nets
        self.stems = stems
        self.config = config or SeparationConfig()

    @classmethod
    def load(
        cls,
        name: str = DEFAULT_CARD,
        *,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Separator:
        """The separator of a card, its weights fetched into the cache if they are not there yet.

        Args:
            name: A card of the task "separate".
            progress: Receives the progress of fetching.
            cancel: Stops fetching.

        Raises:
            DescantError: As for `hub.store.fetch`; or the card is for something else.
        """
        card = load_card(name)
        if card.task != "separate":
            raise CardError(f"The card {name} is for {card.task}, not for separating.", "See `descant models list`.")
        nets, config = load_nets(card, fetch(name, progress=progress, cancel=cancel))
        return cls(nets, tuple(card.stems), config)

    def __call__(
        self,
        clip: Clip,
        *,
        residual: bool = False,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Stems:
        """Separate a clip.

        Args:
            clip: Any clip of at least one frame.
            residual: Also give "residual": what no stem claims, such as noise and reverberation. The stems then sum
                to the clip together with it.
            progress: Receives the share that is done.
            cancel: Stops within a block (well under two seconds).

        Returns:
            The stems in the card's order, each with the clip's rate, channels and length.

        Raises:
            InvalidAudio: The clip is empty.
            OutOfMemory: Memory ran out, also with smaller blocks.
            Cancelled: It was asked to stop.
        """
        return separate_clip(self, clip, residual=residual, progress=progress, cancel=cancel)

    def session(self, sample_rate: int, channels: int, *, residual: bool = False) -> Session:
        """A separation whose audio arrives block by block.

        Args:
            sample_rate: Rate of the blocks in Hz.
            channels: Their channel count.
            residual: Whether to give a residual, as in `__call__`.
        """
        names = (*self.stems, RESIDUAL) if residual else self.stems
        return Session(self.nets, names, self.config, sample_rate, channels)


def separate(
    clip: Clip,
    *,
    residual: bool = False,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Stems:
    """Separate a clip with the default card; see `Separator`."""
    return Separator.load()(clip, residual=residual, progress=progress, cancel=cancel)


def separate_clip(
    separator: Separates,
    clip: Clip,
    *,
    residual: bool = False,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Stems:
    """Separate a clip with whatever separates; see `Separator.__call__`."""
    if clip.frames == 0:
        raise InvalidAudio("There is no audio to separate: its length is zero.", "Record or export it again.")
    monitor = Monitor(progress, cancel, "separating")
    monitor.report(0.0)
    session = separator.session(clip.sample_rate, clip.channels, residual=residual)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in session.names}
    block = round(_BLOCK_S * clip.sample_rate)
    for start in range(0, clip.frames, block):
        piece = Clip(clip.samples[:, start : start + block], clip.sample_rate)
        finished = session.push(piece, last=start + block >= clip.frames)
        for name, samples in finished.items():
            parts[name].append(samples)
        monitor.report(min(1.0, (start + block) / clip.frames), session.remark)
    return Stems({name: Clip(np.concatenate(part, axis=1), clip.sample_rate) for name, part in parts.items()})
