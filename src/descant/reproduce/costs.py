"""What a training step costs: processor time, and the most memory its tensors took.

Processor time, not wall-clock time, since machines are shared. Memory is counted by PyTorch's own allocator, tensor by
tensor, as the publications count it on a GPU (peak allocated memory): the figure is the same in every run, which the
growth of a process is not. What a kernel takes for itself outside the allocator is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

_MEMORY_EVENT = "[memory]"


@dataclass(frozen=True, slots=True)
class StepCost:
    """Of one step: forward, backward, update.

    Attributes:
        seconds: Processor time, median.
        peak_bytes: Activations, gradients and everything else that a step allocates, at its highest; the weights and
            the optimiser's memory were there before and are not counted.
    """

    seconds: float
    peak_bytes: int


def step_cost(model: nn.Module, loss: Callable[[], Tensor], *, repeats: int, threads: int = 1) -> StepCost:
    """Measure a training step.

    Args:
        model: What is trained; its weights change.
        loss: Computes the loss of a batch.
        repeats: Timed steps, after one that warms up.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    optimiser = torch.optim.Adam(model.parameters())

    def step() -> None:
        loss().backward()  # type: ignore[no-untyped-call]
        optimiser.step()

    step()
    seconds = []
    for _ in range(repeats):
        optimiser.zero_grad(set_to_none=True)
        started = time.process_time()
        step()
        seconds.append(time.process_time() - started)
    optimiser.zero_grad(set_to_none=True)
    return StepCost(float(np.median(seconds)), peak_bytes(step))


def peak_bytes(work: Callable[[], object]) -> int:
    """The most bytes of CPU tensors that were there at once, beyond those from before."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        work()
    assert recorded.profiler is not None, "the block above has ended"
    results = recorded.profiler.kineto_results
    events = [e for e in results.events() if e.name() == _MEMORY_EVENT] if results is not None else []
    changes = np.array([e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())], np.int64)
    return int(max(np.cumsum(changes).max(initial=0), 0))
