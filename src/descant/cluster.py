"""Ray, where it is asked for: the one place that knows how a cluster is reached and tasks are waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from descant.errors import InvalidOption, MissingDependency

LOOK_AGAIN_S = 0.5
"""How often those who wait for tasks look whether they were told to stop."""


def require_ray() -> Any:
    """The Ray package.

    Raises:
        MissingDependency: It is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingDependency("Building on a cluster needs Ray.", 'pip install "descant[cluster]"') from error
    return ray


@contextmanager
def connected(ray: Any, address: str, workers: int | None = None) -> Iterator[None]:
    """A connection to a cluster while the block runs; one that was there before stays.

    Args:
        ray: The package.
        address: Of a cluster, or "auto"; "local" starts one on this machine.
        workers: Cores of a local one; None takes all.

    Raises:
        InvalidOption: No cluster answers.
    """
    started = not ray.is_initialized()
    if started:
        where = {} if address == "local" else {"address": address}
        cores = {"num_cpus": workers} if workers else {}
        local = {"include_dashboard": False, **cores} if address == "local" else {}
        try:
            ray.init(**where, **local, log_to_driver=False)
        except (ConnectionError, ValueError) as error:
            raise InvalidOption(
                f"No Ray cluster answers at {address!r}.", "Start one with `ray start --head`, or use --ray local."
            ) from error
    try:
        yield
    finally:
        if started:
            ray.shutdown()
