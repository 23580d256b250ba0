"""Where a run stands: all that changes while it trains, saved to a checkpoint and continued from one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from descant.errors import CheckpointError
from descant.hub.checkpoint import load_tensors
from descant.train import checkpoint as files
from descant.train.average import Average
from descant.train.batches import Batches
from descant.train.best import Best
from descant.train.config import LoopConfig
from descant.train.lesson import Lesson, players_of
from descant.train.machine import gathered, generator_states, set_generator_states
from descant.train.resume import refuse_other_settings, way_out
from descant.train.schedule import Patience
from descant.train.seat import Table, seated

if TYPE_CHECKING:
    from lightning_fabric import Fabric


@dataclass(slots=True)
class State:
    """The small part, kept as JSON.

    Attributes:
        step: Steps made.
        elapsed_s: Seconds of training, over all parts.
        pending: Player -> its losses since the last row of the log.
        measured: The last validation, and the last row's loss.
        patience: How long the watched measure has stood still.
    """

    step: int = 0
    elapsed_s: float = 0.0
    pending: dict[str, list[float]] = field(default_factory=dict)
    measured: dict[str, float] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)


class Standing:
    """Players, optimisers, average, batches and state of a run; continues the checkpoint in its folder.

    Args:
        lesson: Model, data and loss.
        config: Of the loop.
        folder: The run's folder.
        asked: Goes into the checkpoint as `config.json`.
        fabric: The machine.

    Raises:
        InvalidOption: The run was begun with other settings.
        CardError: The checkpoint belongs to another model.
        CheckpointError: It is damaged; the hint says what of it can be kept.
    """

    def __init__(
        self, lesson: Lesson, config: LoopConfig, folder: Path, asked: Mapping[str, Any], fabric: Fabric
    ) -> None:
        self._model, self._fabric, self._asked = lesson.model, fabric, asked
        self.checkpoint = folder / files.CHECKPOINT
        self.state = State()
        self.best = Best(folder, config.watch)
        self.batches = Batches(lesson, config.seed, fabric.global_rank, fabric.world_size, config.prefetch)
        players = players_of(lesson)
        self.names = [player.name for player in players]
        inside = {id(parameter) for parameter in lesson.model.parameters()}
        self._outside = {
            f"weights-{player.name}.safetensors": player.module
            for player in players
            if any(id(parameter) not in inside for parameter in player.module.parameters())
        }
        if config.machine.strategy != "fsdp":  # which lays its parts out itself
            fabric.to_device(lesson.model)
        if fabric.is_global_zero:
            files.recover(self.checkpoint)
        fabric.barrier()
        is_resumed = self.checkpoint.is_dir()
        if is_resumed:
            refuse_other_settings(self.checkpoint, asked)
            self._load_weights()  # before the strategy lays them out
        self.table = Table(seated(players, config, fabric), self.batches, config, fabric)
        self.average = Average(lesson.model, config.average) if config.average else None
        if is_resumed:
            self._resume()
        if fabric.is_global_zero:
            self.best.tidy()

    def _load_weights(self) -> None:
        with way_out(self.checkpoint):
            files.load_weights(self._model, self.checkpoint, average=False)
            for name, module in self._outside.items():
                files.load_module(module, self.checkpoint / name)

    @contextmanager
    def judged(self) -> Iterator[None]:
        """The weights to measure and export in place, and random generators that measuring does not move."""
        devices = [self._fabric.device] if self._fabric.device.type == "cuda" else []
        in_place = self.average.in_place() if self.average is not None else nullcontext()
        with in_place, self._fabric.autocast(), torch.random.fork_rng(devices):
            yield

    def keep_if_best(self, value: float, measured: Mapping[str, float]) -> bool:
        """Write the weights in place if they are among the best; the next `save` makes it known."""
        if not self.best.takes(value):
            return False
        self.best.add(value, self.state.step)
        weights = files.whole_state(self._model.state_dict())
        if self._fabric.is_global_zero:
            self.best.write(self.state.step, weights, measured, self._asked)
        return True

    def save(self) -> None:
        """Write the checkpoint; all processes must call it."""
        tensors = {files.WEIGHTS: files.whole_state(self._model.state_dict())}
        if self.average is not None:
            tensors[files.AVERAGE] = files.whole_state(self.average.state())
        for name, module in self._outside.items():
            tensors[name] = files.whole_state(module.state_dict())
        tensors[files.OPTIMISERS] = {
            f"{seat.player.name}.{key}": value
            for seat in self.table.seats
            for key, value in files.optimiser_state(seat.plain).items()
        }
        tensors[files.GENERATORS] = generator_states(self._fabric)
        state = {**asdict(self.state), "best": self.best.entries}
        state["places"] = gathered(self._fabric, self.batches.place())

        def fill(folder: Path) -> None:
            files.save_files(folder, tensors)
            files.write_json(folder / files.STATE, state)
            files.write_json(folder / files.CONFIG, self._asked)

        if self._fabric.is_global_zero:
            files.write_folder(self.checkpoint, fill)
            self.best.tidy()
        self._fabric.barrier()

    def _resume(self) -> None:
        with way_out(self.checkpoint):
            try:
                self._go_on()
            except (KeyError, TypeError, ValueError, RuntimeError) as error:
                raise CheckpointError(f"It is damaged, or of another version of Descant: {error}.") from error

    def _go_on(self) -> None:
        saved = files.read_json(self.checkpoint / files.STATE)
        places = saved.pop("places")
        self.best.entries = [(float(value), int(step)) for value, step in saved.pop("best")]
        self.state = State(**{**saved, "patience": Patience(**saved["patience"])})
        if self._fabric.global_rank < len(places):
            self.batches.go_to(places[self._fabric.global_rank])
        set_generator_states(self._fabric, load_tensors(self.checkpoint / files.GENERATORS))
        for seat in self.table.seats:
            memory = load_tensors(self.checkpoint / files.OPTIMISERS, prefix=f"{seat.player.name}.")
            files.set_optimiser_state(seat.plain, memory, self.checkpoint)
        if self.average is not None:
            self.average.load(load_tensors(self.checkpoint / files.AVERAGE))
