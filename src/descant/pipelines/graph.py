"""`Graph`: steps that need each other's results, each kept under an address of all that decides on it.

A step is a pure function of the folders it needs, the files it reads and its options. Its address is a hash of the
contents of all these, of the models' cards and of the code that it reaches, so that a step whose result cannot differ
is never made twice, whatever else changed; a run that was killed goes on where it was, to the same bytes.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from descant.errors import CheckpointError, InvalidOption
from descant.files import input_error
from descant.fingerprint import code_digest
from descant.hub.card import load_card
from descant.hub.files import sha256_of
from descant.pipelines.artefacts import Artefacts
from descant.pipelines.records import plain
from descant.progress import CancelToken, Monitor, ProgressSink

Inputs = Mapping[str, Path]
"""What a step works on: folders of the steps it needs and files from outside, by name."""

MANIFEST = "artefact.json"
_NUMBERS_COME_FROM = ("numpy", "scipy", "torch", "onnxruntime", "soxr")


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: Unique in its graph.
        make: Called with the inputs, the options, an empty folder to fill, and a monitor. The result must follow from
            the first two alone.
        needs: Names of steps.
        files: Files from outside by name; their content counts, not their path.
        options: A frozen dataclass of plain values; all of it counts.
        cards: Names of the models and assets that it uses.
        share: How long it takes beside the others.
    """

    name: str
    make: Callable[[Inputs, Any, Path, Monitor], None]
    needs: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    options: Any = None
    cards: tuple[str, ...] = ()
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A step's result.

    Attributes:
        step: Its name.
        folder: Where it lies. Do not write into it.
        digest: SHA-256 of its content.
        address: SHA-256 of all that decides on it.
        cards: The models and assets that it used.
        seconds: How long it took now; 0 when it was there already.
        was_there: Whether it was.
    """

    step: str
    folder: Path
    digest: str
    address: str
    cards: tuple[str, ...]
    seconds: float
    was_there: bool


class Graph:
    """Steps in an order in which each comes after those it needs.

    Args:
        steps: In such an order.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        self.steps = {step.name: step for step in steps}
        known: set[str] = set()
        for step in self.steps.values():
            missing = [name for name in step.needs if name not in known]
            if missing:
                raise InvalidOption(f"The step {step.name} needs {missing[0]}, which does not come before it.")
            known.add(step.name)

    def with_step(self, step: Step) -> Graph:
        """The graph with another step in the place of the one of its name."""
        self.require(step.name)
        return Graph(step if step.name == old.name else old for old in self.steps.values())

    def given(self, name: str, folder: Path) -> Graph:
        """The graph with what is in a folder as the result of a step.

        Raises:
            InvalidOption: There is no such step, or nothing in the folder.
        """
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        files.pop(MANIFEST, None)
        if not files:
            raise InvalidOption(f"{folder} holds no files, so it is no result of {name}.", "Give a folder of files.")
        return self.with_step(replace(self.require(name), make=_take, needs=(), files=files, options=None, cards=()))

    def require(self, name: str) -> Step:
        """The step of a name.

        Raises:
            InvalidOption: There is none.
        """
        if name not in self.steps:
            raise InvalidOption(f"There is no step {name!r} here.", f"The steps are {', '.join(self.steps)}.")
        return self.steps[name]

    def leading_to(self, names: Sequence[str]) -> tuple[Step, ...]:
        """Some steps and all that they need, in order."""
        wanted = set(names)
        for step in reversed(self.steps.values()):
            if step.name in wanted:
                wanted.update(step.needs)
        return tuple(step for step in self.steps.values() if step.name in wanted)

    def run(
        self,
        artefacts: Artefacts,
        *,
        until: str | None = None,
        only: str | None = None,
        progress: ProgressSink | None = None,
        cancel: CancelToken | None = None,
    ) -> dict[str, Finished]:
        """Make what is not there yet.

        Args:
            artefacts: Where results are kept.
            until: The last step to make; None makes all.
            only: The one step to make; what it needs must be there.
            progress: Receives events.
            cancel: Checked often; finished steps stay.

        Returns:
            The steps that were made or found, by name.

        Raises:
            InvalidOption: A step has no such name, or what `only` needs is not there.
            InputNotFound, PermissionRefused: A file cannot be read.
            DescantError: As the steps raise.
        """
        last = only or until
        steps = tuple(self.steps.values()) if last is None else self.leading_to([self.require(last).name])
        monitor = Monitor(progress, cancel)
        finished: dict[str, Finished] = {}
        total = sum(step.share for step in steps)
        done = 0.0
        for step in steps:
            part = monitor.part(step.name, done / total, (done + step.share) / total)
            part.report(0.0)
            finished[step.name] = _made(step, finished, artefacts, part, may_work=only in (None, step.name))
            done += step.share
            monitor.part(step.name, 0.0, done / total).report(1.0)
        return finished


def _made(
    step: Step, finished: Mapping[str, Finished], artefacts: Artefacts, monitor: Monitor, *, may_work: bool
) -> Finished:
    address = address_of(step, {name: finished[name].digest for name in step.needs})
    name = f"{step.name}-{address[:16]}"
    found = artefacts.find(name)
    digest = None if found is None else _sound_digest(found)
    if found is not None and digest is not None:
        return Finished(step.name, found, digest, address, step.cards, 0.0, was_there=True)
    artefacts.discard(name)
    if not may_work:
        raise InvalidOption(f"The step {step.name} has not been made yet.", f"Make it with --until {step.name} first.")
    inputs = {need: finished[need].folder for need in step.needs} | dict(step.files)
    started = time.perf_counter()

    def work(folder: Path) -> None:
        step.make(inputs, step.options, folder, monitor)
        _write_manifest(folder)

    folder = artefacts.make(name, work)
    digest = _sound_digest(folder)
    assert digest is not None
    return Finished(step.name, folder, digest, address, step.cards, time.perf_counter() - started, was_there=False)


def address_of(step: Step, needs: Mapping[str, str]) -> str:
    """SHA-256 of all that decides on a step's result: of the digests of what it needs, too."""
    identity = {
        "step": step.name,
        "code": _code_of(step.make),
        "versions": _versions(),
        "threads": _threads(),
        "options": plain(step.options),
        "cards": {name: card_digest(name) for name in step.cards},
        "files": {name: _file_digest(path) for name, path in step.files.items()},
        "needs": dict(needs),
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _code_of(make: Callable[..., None]) -> str:
    """Of what Descant does all that is reached; of what a user put in its place the function itself."""
    if make.__module__.startswith("descant."):
        return code_digest((make.__module__,))
    with suppress(OSError):
        return hashlib.sha256(inspect.getsource(make).encode()).hexdigest()
    return make.__qualname__


def card_digest(name: str) -> str:
    """SHA-256 of the digests of a card's files: another for other weights, the same for other words about them."""
    files = [(file.path, file.sha256, file.size) for file in load_card(name).files]
    return hashlib.sha256(json.dumps(sorted(files)).encode()).hexdigest()


@cache
def _versions() -> dict[str, str]:
    """The libraries whose rounding decides on the last bit."""
    found = {"python": ".".join(platform.python_version_tuple()[:2]), "machine": platform.machine()}
    for name in _NUMBERS_COME_FROM:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def _threads() -> int:
    """Sums that are shared among another number of threads round otherwise."""
    import torch

    return torch.get_num_threads()


def _file_digest(path: Path) -> str:
    try:
        state = path.stat()
        return _file_digest_once(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise input_error(error, path) from error


@cache
def _file_digest_once(path: Path, _size: int, _changed: int) -> str:
    return sha256_of(path)


def _contents(folder: Path) -> dict[str, str]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}


def _write_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text(json.dumps(_contents(folder), sort_keys=True, indent=1) + "\n", encoding="utf-8")


def _sound_digest(folder: Path) -> str | None:
    """SHA-256 of a folder's content; None where it is not what was put there (power was lost, a hand was curious)."""
    try:
        stated = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        contents = _contents(folder)
    except (OSError, ValueError, RecursionError):
        return None
    if stated != contents:
        return None
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()


def _take(inputs: Inputs, _options: Any, folder: Path, monitor: Monitor) -> None:
    for name, source in inputs.items():
        target = folder / name
        if not target.resolve().is_relative_to(folder.resolve()):
            raise CheckpointError(f"{name!r} is not the name of a file in a folder.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
        monitor.report(0.0)
