"""A player at its place in the loop: its loss on the devices, its optimiser, and its turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from descant.train.batches import Batches
from descant.train.config import LoopConfig, Optimiser
from descant.train.lesson import Player
from descant.train.machine import Loss

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer


@dataclass(frozen=True)
class Seat:
    """See the module.

    Attributes:
        player: Who sits here.
        loss: Its loss, wrapped for the strategy.
        plain: Its optimiser as PyTorch knows it.
        optimiser: The same, wrapped for the precision.
        learning_rate: At its highest.
    """

    player: Player
    loss: _FabricModule
    plain: torch.optim.Optimizer
    optimiser: _FabricOptimizer
    learning_rate: float

    def set_rate(self, factor: float) -> None:
        """Scale the learning rate."""
        for group in self.plain.param_groups:
            group["lr"] = self.learning_rate * factor


def seated(players: Sequence[Player], config: LoopConfig, fabric: Fabric) -> tuple[Seat, ...]:
    """Bring every player's module to the devices and give it an optimiser."""
    seats = []
    for player in players:
        loss = fabric.setup(Loss(player.module, player.loss))
        asked = player.optimiser or config.own_optimiser()
        plain = make_optimiser(player.module, asked)
        optimiser = cast("_FabricOptimizer", fabric.setup_optimizers(plain))
        seats.append(Seat(player, loss, plain, optimiser, asked.learning_rate))
    return tuple(seats)


def make_optimiser(module: nn.Module, asked: Optimiser) -> torch.optim.Optimizer:
    """An optimiser of a module's parameters that decays matrices only."""
    groups = [
        {"params": [p for p in module.parameters() if p.ndim >= 2], "weight_decay": asked.weight_decay},
        {"params": [p for p in module.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if asked.kind == "sgd":
        return torch.optim.SGD(groups, lr=asked.learning_rate, momentum=asked.betas[0])
    kind = torch.optim.AdamW if asked.kind == "adamw" else torch.optim.Adam
    return kind(groups, lr=asked.learning_rate, betas=asked.betas, eps=1e-8)


class Table:
    """All players around one stream of batches.

    Args:
        seats: In the order of their turns.
        batches: What they learn from.
        config: Accumulation and clipping.
        fabric: The machine.
    """

    def __init__(self, seats: Sequence[Seat], batches: Batches, config: LoopConfig, fabric: Fabric) -> None:
        self.seats = tuple(seats)
        self._batches = batches
        self._config = config
        self._fabric = fabric
        self._learning = {
            seat.player.name: [p for p in seat.player.module.parameters() if p.requires_grad] for seat in seats
        }

    def begin(self) -> None:
        """Everybody learns (a validation leaves modules in evaluation mode)."""
        for seat in self.seats:
            seat.player.module.train()

    def play(self, step: int, factor: float) -> dict[str, Tensor]:
        """One step of the loop, counted from 1; returns each player's mean loss, still on the device."""
        losses = {}
        for seat in self.seats:
            if step % seat.player.every:
                continue
            seat.set_rate(factor)
            self._let_learn(seat)
            turns = [self._update(seat) for _ in range(seat.player.updates)]
            losses[seat.player.name] = turns[0] if len(turns) == 1 else torch.stack(turns).mean()
        return losses

    def _let_learn(self, learner: Seat) -> None:
        """Gradients for one player only: the others' part of its loss is a given."""
        if len(self.seats) > 1:
            for seat in self.seats:
                for parameter in self._learning[seat.player.name]:
                    parameter.requires_grad_(seat is learner)

    def _update(self, seat: Seat) -> Tensor:
        parts = self._config.accumulate
        total: Tensor | None = None
        for part in range(parts):
            batch = self._fabric.to_device(self._batches.next())
            with self._fabric.no_backward_sync(seat.loss, enabled=part < parts - 1):
                loss = seat.loss(*batch)
                self._fabric.backward(loss if parts == 1 else loss / parts)
            total = loss.detach() if total is None else total + loss.detach()
        assert total is not None
        if self._config.clip:
            self._fabric.clip_gradients(seat.loss, seat.optimiser, max_norm=self._config.clip, error_if_nonfinite=False)
        seat.optimiser.step()
        seat.optimiser.zero_grad(set_to_none=True)
        return total if parts == 1 else total / parts
