"""The machine that Lightning Fabric gives: devices, processes, precision; and tensors that may lie there in shards."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn

from descant.errors import InvalidOption, MissingDependency
from descant.train.config import Machine

if TYPE_CHECKING:
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.strategy import Strategy
    from torch.distributed.device_mesh import DeviceMesh

T = TypeVar("T")

_PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}


class Loss(nn.Module):
    """A player's loss as a forward pass, so that DDP and FSDP see one module whose output is differentiated."""

    def __init__(self, module: nn.Module, loss: Callable[[tuple[Tensor, ...]], Tensor]) -> None:
        super().__init__()
        self.module = module
        self._loss = loss

    def forward(self, *batch: Tensor) -> Tensor:
        """The loss of a batch."""
        return self._loss(batch)


def start(machine: Machine) -> Fabric:
    """Start the processes (each runs the program's own command line again) and connect them.

    Raises:
        MissingDependency: Lightning Fabric is not installed.
        InvalidOption: This machine has no such devices.
    """
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.utilities.exceptions import MisconfigurationException
    except ImportError as error:
        raise MissingDependency(
            "Training needs Lightning Fabric.", "Install it: pip install 'descant[train]'."
        ) from error
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # a precision that was asked for is no news
    try:
        fabric = Fabric(
            accelerator=machine.device,
            devices=machine.devices,
            num_nodes=machine.nodes,
            strategy=_strategy(machine),
            precision=_PRECISIONS[machine.precision],  # type: ignore[arg-type]
        )
    except (MisconfigurationException, RuntimeError, ValueError) as error:
        raise InvalidOption(
            f"This machine has no {machine.devices} x {machine.device}: {error}",
            "Change device and devices in [loop.machine], or give --device cpu and --devices 1.",
        ) from error
    fabric.launch()
    return fabric


def _strategy(machine: Machine) -> str | Strategy:
    several = machine.devices * machine.nodes > 1
    if not several:
        return "auto"
    if machine.strategy != "fsdp":
        return "ddp"
    from lightning_fabric.strategies.model_parallel import ModelParallelStrategy

    # Parameters are sharded over all processes; there is no tensor parallelism.
    return ModelParallelStrategy(_shard, data_parallel_size=machine.devices * machine.nodes, tensor_parallel_size=1)


def _shard(module: Loss, mesh: DeviceMesh) -> Loss:
    from torch.distributed.fsdp import fully_shard

    over = mesh["data_parallel"]
    for part in module.module.modules():
        if isinstance(part, nn.ModuleList):
            for layer in part:
                fully_shard(layer, mesh=over)
    # In shards again after each pass, also after one without gradients: the average and checkpoints count on it.
    fully_shard(module.module, mesh=over, reshard_after_forward=True)
    return module


def whole(tensor: Tensor) -> Tensor:
    """A tensor on the CPU, gathered from all processes if it lies in shards."""
    from torch.distributed.tensor import DTensor

    gathered = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
    return gathered.detach().cpu()


def laid_out_like(value: Tensor, example: Tensor) -> Tensor:
    """A whole tensor on the device of another, in the same shards if that one lies in shards."""
    from torch.distributed.tensor import DTensor, distribute_tensor

    there = value.to(example.device)
    if isinstance(example, DTensor) and value.shape == example.shape:
        return distribute_tensor(there, example.device_mesh, example.placements)
    return there


def generator_states(fabric: Fabric) -> dict[str, Tensor]:
    """PyTorch's random generators of all processes: "torch.0", "cuda.0", "torch.1" ..."""
    own = {f"torch.{fabric.global_rank}": torch.get_rng_state()}
    if fabric.device.type == "cuda":
        own[f"cuda.{fabric.global_rank}"] = torch.cuda.get_rng_state(fabric.device)
    return {name: state for part in gathered(fabric, own) for name, state in part.items()}


def set_generator_states(fabric: Fabric, states: dict[str, Tensor]) -> None:
    """Continue this process's random generators; one that the states do not know keeps its own."""
    if (state := states.get(f"torch.{fabric.global_rank}")) is not None:
        torch.set_rng_state(state)
    if fabric.device.type == "cuda" and (state := states.get(f"cuda.{fabric.global_rank}")) is not None:
        torch.cuda.set_rng_state(state, fabric.device)


def gathered(fabric: Fabric, value: T) -> list[T]:
    """Each process's value, in the order of their ranks."""
    if fabric.world_size == 1:
        return [value]
    values: list[T | None] = [None] * fabric.world_size
    torch.distributed.all_gather_object(values, value)
    return [one for one in values if one is not None]


def agreed(fabric: Fabric, values: tuple[float, ...]) -> tuple[float, ...]:
    """The first process's numbers, for all: what depends on the clock or on a signal must be decided once."""
    if fabric.world_size == 1:
        return values
    tensor = torch.tensor(values, dtype=torch.float64, device=fabric.device)
    torch.distributed.broadcast(tensor, src=0)
    return tuple(tensor.tolist())
