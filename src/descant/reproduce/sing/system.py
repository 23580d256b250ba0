"""SING as a system to reproduce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from descant.evaluate.report import Table
from descant.reproduce.claims import Arm, Claim, Finding, Results
from descant.reproduce.plots import Plot
from descant.reproduce.sing.arms import Setting, make_arms
from descant.reproduce.sing.material import Material
from descant.reproduce.sing.scale import read_scale
from descant.reproduce.systems import Options, folder_of


def make(options: Options) -> SingSystem:
    """The system at a scale."""
    scale = read_scale(options.scale)
    if options.seeds is not None:
        scale = replace(scale, seeds=options.seeds)
    out = folder_of("sing", options.scale, options.out)
    return SingSystem(Setting(scale, Material(options.data, scale.source), out, options.threads), options)


@dataclass(frozen=True, slots=True)
class SingSystem:
    """See `descant.reproduce.claims.System`."""

    setting: Setting
    options: Options

    @property
    def name(self) -> str:
        """As on the command line."""
        return "sing"

    @property
    def title(self) -> str:
        """With its publication."""
        return "SING (Défossez et al., NeurIPS 2018, arXiv 1810.09785)"

    @property
    def claims(self) -> Sequence[Claim]:
        """In order."""
        return ()

    def arms(self) -> Sequence[Arm]:
        """Measurements, then trainings."""
        return make_arms(self.setting)

    def require(self, arms: Sequence[str]) -> None:
        """The notes."""
        self.setting.material.require()

    def judge(self, results: Results) -> Sequence[Finding]:
        return ()

    def tables(self, results: Results) -> Sequence[Table]:
        return ()

    def plots(self, results: Results) -> Sequence[Plot]:
        return ()

    def notes(self) -> Sequence[str]:
        return ()
