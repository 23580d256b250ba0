"""Values of a reproduction: claims, the arms that are run for them, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from descant.evaluate.report import Table
from descant.progress import Monitor
from descant.reproduce.plots import Drawing, Plot

Result = Mapping[str, Any]
"""What an arm measured: numbers and lists of numbers by name; plain JSON."""

Results = Mapping[str, Result]
"""Results by the arms' names; an arm that was not run is missing."""

SCALES = ("smoke", "cpu", "paper")
"""`smoke` proves that everything runs, `cpu` takes at most 90 minutes on two cores, `paper` is the published size."""


class Verdict(StrEnum):
    """What can be said of a claim."""

    HELD = "held"
    DID_NOT_HOLD = "did not hold"
    NOT_MEASURED = "not measured at this scale"


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that a publication says and a re-implementation must show.

    Attributes:
        id: Short name, also in `claims.json`.
        sentence: The claim.
        source: Where it is said.
        baselines: What the system is compared with.
        measure: What is measured, and on what.
        rule: What must hold for the numbers, with direction and tolerance.
        hindsight: What was known of the results when the rule was set or reworded; empty where nothing was.
    """

    id: str
    sentence: str
    source: str
    baselines: tuple[str, ...]
    measure: str
    rule: str
    hindsight: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about a claim.

    Attributes:
        claim: The claim.
        verdict: Whether it held.
        said: The numbers in a sentence; or why it was not measured.
        numbers: The same for machines: numbers, lists of them, and `Spread`s.
    """

    claim: Claim
    verdict: Verdict
    said: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arm:
    """One piece of work with a result of its own: a training with one seed, or a measurement.

    Attributes:
        name: Path-like, unique in the system: "chorales/tcn/seed-1". Its folder has the same name.
        settings: All that decides the result beside the code. A kept result with other settings is not used again.
        run: Does the work in a folder of its own, where it may leave what lets it go on after a kill.
        weight: Expected cost relative to the other arms, for the progress bar.
        code: Names of the modules that do the work; they and all that they import count like settings.
    """

    name: str
    settings: Mapping[str, Any]
    run: Callable[[Path, Monitor], Result]
    weight: float = 1.0
    code: tuple[str, ...] = ()


class System(Protocol):
    """A published system: its claims, the arms that test them, and how results are judged."""

    @property
    def name(self) -> str:
        """As on the command line."""

    @property
    def title(self) -> str:
        """With its publication."""

    @property
    def claims(self) -> Sequence[Claim]:
        """All claims, in order."""

    def arms(self) -> Sequence[Arm]:
        """What to run at this system's scale, in order."""

    def require(self, arms: Sequence[str]) -> None:
        """Say, before the long work, which data or assets are missing for the arms of these names."""

    def judge(self, results: Results) -> Sequence[Finding]:
        """One finding per claim, in order."""

    def tables(self, results: Results) -> Sequence[Table]:
        """The numbers behind the findings."""

    def plots(self, results: Results) -> Sequence[Plot | Drawing]:
        """Pictures of them."""

    def notes(self) -> Sequence[str]:
        """What a reader must know: data, sizes, what differs from the publication."""
