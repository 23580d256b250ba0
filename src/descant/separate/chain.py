"""`Chain`: one separator behind another, the second taking apart one stem of the first.

A chain is used like a `Separator`. Each link's stems sum to what it hears to float precision, so those of the chain
sum to the song. Blocks run through both links; the other stems wait until the second link, which hears later, has
caught up, so that memory stays bounded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from descant.audio.clip import Clip, Samples, Stems
from descant.errors import InvalidOption
from descant.hub.card import load_card
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.separate.api import Separator, separate_clip
from descant.separate.session import Running, Separates

LEAD_CARD, DRY_CARD = "descant-lead", "descant-dry"
VOCALS, LEAD, BACKING, DRY, ROOM = "vocals", "lead", "backing", "dry", "room"
VOICES = (LEAD, BACKING)
"""What the vocals come apart into."""


@dataclass(frozen=True, slots=True)
class Link:
    """One more separator in a chain.

    Attributes:
        stem: What it takes apart.
        card: Which separator does.
        parts: What comes out.
    """

    stem: str
    card: str
    parts: tuple[str, ...]


class Chain:
    """See the module.

    Args:
        first: Hears the song.
        stem: Which of its stems is taken apart.
        then: What takes it apart; its stems stand where that one stood.

    Raises:
        InvalidOption: The first has no such stem, or two stems would have one name.

    Example:
        >>> chain = Chain(Separator.load(), "vocals", Separator.load("descant-lead"))  # doctest: +SKIP
        >>> chain(read("song.mp3"))["backing"]  # doctest: +SKIP
    """

    def __init__(self, first: Separates, stem: str, then: Separates) -> None:
        self.first, self.stem, self.then = first, stem, then
        self.stems = replaced(first.stems, stem, then.stems)

    def __call__(
        self,
        clip: Clip,
        *,
        residual: bool = False,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> Stems:
        """Separate a clip; see `Separator`."""
        return separate_clip(self, clip, residual=residual, progress=progress, cancel=cancel)

    def session(self, sample_rate: int, channels: int, *, residual: bool = False) -> ChainSession:
        """A separation whose audio arrives block by block; see `Separator.session`."""
        return ChainSession(
            self.first.session(sample_rate, channels, residual=residual),
            self.stem,
            self.then.session(sample_rate, channels),
            sample_rate,
            channels,
        )


class ChainSession:
    """One separation under way through two links; see `separate.session.Session`."""

    def __init__(self, first: Running, stem: str, then: Running, sample_rate: int, channels: int) -> None:
        self.names = replaced(first.names, stem, then.names)
        self._first, self._stem, self._then = first, stem, then
        self._rate = sample_rate
        self._waiting = {name: np.zeros((channels, 0), np.float32) for name in first.names if name != stem}

    @property
    def remark(self) -> str:
        """What the user should know about how it went; empty if nothing."""
        return self._first.remark or self._then.remark

    def push(self, mix: Clip, *, last: bool = False) -> dict[str, Samples]:
        """Take the next block of the mix and return what is finished of every stem; see `Session.push`."""
        heard = self._first.push(mix, last=last)
        finished = self._then.push(Clip(heard.pop(self._stem), self._rate), last=last)
        count = next(iter(finished.values())).shape[1]
        for name, samples in heard.items():
            whole = np.concatenate((self._waiting[name], samples), axis=1)
            finished[name], self._waiting[name] = whole[:, :count], whole[:, count:].copy()
        return {name: finished[name] for name in self.names}


def replaced(stems: tuple[str, ...], stem: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    """The names of stems when one of them has come apart.

    Raises:
        InvalidOption: There is none of that name, or two would have one name.
    """
    if stem not in stems:
        raise InvalidOption(f"There are no {stem} among the stems {', '.join(stems)}.", "Choose a model that has them.")
    at = stems.index(stem)
    names = (*stems[:at], *parts, *stems[at + 1 :])
    if len({*names}) != len(names):
        raise InvalidOption(f"Two stems would be called alike: {', '.join(names)}.", "Choose another model.")
    return names


def links_of(stems: tuple[str, ...], *, voices: tuple[str, ...] = (), dry: bool = False) -> tuple[Link, ...]:
    """What takes the voice of a separator further apart.

    Args:
        stems: What the separator gives.
        voices: `("lead", "backing")` to part them, or nothing.
        dry: Whether to part the lead voice, or else the vocals, from their room.

    Raises:
        InvalidOption: There is no such parting, or nothing to part.
    """
    links: list[Link] = []
    if voices:
        if sorted(voices) != sorted(VOICES):
            raise InvalidOption(
                f"The vocals do not come apart into {', '.join(voices)}.",
                f"They come apart into {', '.join(VOICES)}; --stems says which of them are written.",
            )
        if VOCALS not in stems:
            raise InvalidOption(
                f"There are no vocals among {', '.join(stems)} to take apart.",
                f"A recording of voices alone needs no other model than {LEAD_CARD}: --model {LEAD_CARD}.",
            )
        links.append(Link(VOCALS, LEAD_CARD, load_card(LEAD_CARD).stems))
        stems = replaced(stems, VOCALS, links[-1].parts)
    if dry:
        voice = next((name for name in (LEAD, VOCALS) if name in stems), None)
        if voice is None:
            raise InvalidOption(
                f"There is no voice among {', '.join(stems)} to part from its room.",
                f"A recording of one voice alone needs no other model than {DRY_CARD}: --model {DRY_CARD}.",
            )
        links.append(Link(voice, DRY_CARD, load_card(DRY_CARD).stems))
        replaced(stems, voice, links[-1].parts)  # refuses names that meet
    return tuple(links)


def stems_of(stems: tuple[str, ...], links: tuple[Link, ...]) -> tuple[str, ...]:
    """What comes out at the end of the links."""
    for link in links:
        stems = replaced(stems, link.stem, link.parts)
    return stems


def load_chain(
    name: str,
    links: tuple[Link, ...] = (),
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Separator | Chain:
    """The separator of a card with links behind it; without links the separator alone.

    Args:
        name: Card of the first.
        links: Of `links_of`.
        progress: Receives the progress of fetching.
        cancel: Stops fetching.

    Raises:
        DescantError: As for `Separator.load`.

    Example:
        >>> links = links_of(("vocals", "accompaniment"), voices=("lead", "backing"), dry=True)  # doctest: +SKIP
        >>> load_chain("spleeter-2stems", links).stems  # doctest: +SKIP
        ('dry', 'room', 'backing', 'accompaniment')
    """
    monitor = Monitor(progress, cancel, "loading")
    count = 1 + len(links)
    part = monitor.part("loading", 0.0, 1.0 / count)
    first: Separator | Chain = Separator.load(name, progress=part.sink, cancel=cancel)
    for number, link in enumerate(links, 1):
        part = monitor.part("loading", number / count, (number + 1) / count)
        first = Chain(first, link.stem, Separator.load(link.card, progress=part.sink, cancel=cancel))
    return first
