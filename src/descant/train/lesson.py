"""What is taught: a model, its data and its loss; and what a lesson may offer beyond that.

The loop asks for the four members of `Lesson`. Whatever else a lesson has is found by its name: `players` (several
optimisers, as in adversarial training), `position` and `go_to` (where it is in its data), `share_out` (which of several
processes it serves), `examples` (what to show), `close` (processes of its own to end).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from descant.errors import InvalidOption
from descant.train.config import Optimiser

Batch = tuple[Tensor, ...]


class Lesson(Protocol):
    """What is learned: a model, its data and its loss."""

    @property
    def model(self) -> nn.Module:
        """What is trained, averaged, validated and exported."""

    def batch(self, generator: np.random.Generator) -> Batch:
        """Draw a batch, by this generator alone; the loop moves it to the device."""

    def loss(self, batch: Batch) -> Tensor:
        """Scalar loss of a batch."""

    def validate(self) -> Mapping[str, float]:
        """Named measurements on held-out data; the loop calls it with the averaged weights where it keeps any."""


@dataclass(frozen=True)
class Player:
    """One of several who learn in turns, each with its own loss and optimiser.

    In its turn only its own parameters are updated and have gradients: a generator's loss may pass through a critic.

    Attributes:
        name: In logs and checkpoints; lower-case letters, digits and dashes.
        module: Holds exactly the parameters that it updates; no parameter belongs to two players.
        loss: Scalar loss of a batch.
        optimiser: Its own, or None for the loop's.
        updates: Updates in one step of the loop, each on a fresh batch (a Wasserstein critic has 5).
        every: Plays only in every so many steps.
    """

    name: str
    module: nn.Module
    loss: Callable[[Batch], Tensor]
    optimiser: Optimiser | None = None
    updates: int = 1
    every: int = 1

    def __post_init__(self) -> None:
        if self.updates < 1 or self.every < 1:
            raise InvalidOption(f"updates and every of the player '{self.name}' must be positive.")


@runtime_checkable
class HasPlayers(Protocol):
    """A lesson with several players; its `loss` is not called."""

    def players(self) -> Sequence[Player]:
        """In the order of their turns."""


@runtime_checkable
class KeepsPosition(Protocol):
    """A lesson that remembers where it is in its data (an epoch's order, a shard)."""

    def position(self) -> Mapping[str, Any]:
        """Plain values that JSON holds."""

    def go_to(self, position: Mapping[str, Any]) -> None:
        """Continue from there."""


@runtime_checkable
class SharesOut(Protocol):
    """A lesson whose data come in an order of their own, not from the generator: each process must take its part."""

    def share_out(self, rank: int, world: int) -> None:
        """Serve process `rank` of `world`; called before the first batch."""


@runtime_checkable
class Closes(Protocol):
    """A lesson that holds processes or files."""

    def close(self) -> None:
        """Let go of them; called when the training ends, however it ends."""


@dataclass(frozen=True)
class Sound:
    """An example to hear and see: float samples [frames] or [channels, frames] within -1..1."""

    name: str
    samples: NDArray[np.float32]
    sample_rate: int


@dataclass(frozen=True)
class Picture:
    """An example to see: [height, width] of any range, first row at the bottom."""

    name: str
    values: NDArray[np.float32]


@runtime_checkable
class HasExamples(Protocol):
    """A lesson that can show what it has learned."""

    def examples(self) -> Sequence[Sound | Picture]:
        """Made after each validation, with the same weights."""


def players_of(lesson: Lesson) -> tuple[Player, ...]:
    """The lesson's players; a plain lesson is a game of one, named "model".

    Raises:
        InvalidOption: There is none, two have one name, or a parameter belongs to two.
    """
    if not isinstance(lesson, HasPlayers):
        return (Player("model", lesson.model, lesson.loss),)
    players = tuple(lesson.players())
    owners: dict[int, str] = {}
    for player in players:
        for parameter in player.module.parameters():
            if owners.setdefault(id(parameter), player.name) != player.name:
                raise InvalidOption(f"A parameter belongs to the players {owners[id(parameter)]} and {player.name}.")
    if not players or len({player.name for player in players}) != len(players):
        raise InvalidOption("A lesson's players need a name each.")
    return players


def on_device_of(model: nn.Module, batch: Batch) -> Batch:
    """The batch where the model is: for `validate`, as the loop moves only what it draws itself."""
    device = next(model.parameters()).device
    return tuple(tensor.to(device) for tensor in batch)
