"""`claims.json` and `claims.md`: the findings of a reproduction, for machines and for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from descant.evaluate.report import Table
from descant.files import atomic_output
from descant.reproduce.claims import Claim, Finding, Results, Verdict


@dataclass(frozen=True, slots=True)
class MadeWith:
    """Versions and machine (see `descant.reproduce.provenance.conditions`), and how many arms were run with them."""

    conditions: Mapping[str, str]
    arms: int

    def __str__(self) -> str:
        versions = ", ".join(f"{name} {value}" for name, value in self.conditions.items() if name != "machine")
        return f"{self.arms} arms with {versions} on {self.conditions.get('machine', 'a machine without a name')}"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """All that a reproduction found.

    Attributes:
        system: Its name on the command line.
        title: With its publication.
        scale: "smoke", "cpu" or "paper".
        command: The command line that measures it again.
        findings: One per claim.
        tables: The numbers behind them.
        plots: Files, relative to the report.
        notes: Conditions a reader must know.
        made_with: Versions and machines.
        fingerprints: Of each arm's settings, code and libraries.
    """

    system: str
    title: str
    scale: str
    command: str
    findings: tuple[Finding, ...]
    tables: tuple[Table, ...]
    plots: tuple[str, ...]
    notes: tuple[str, ...]
    made_with: tuple[MadeWith, ...]
    fingerprints: Mapping[str, str]

    def to_markdown(self) -> str:
        """The report as a page."""
        counts = {v: sum(f.verdict is v for f in self.findings) for v in Verdict}
        rows = tuple((f.claim.id, f.claim.sentence, f"**{f.verdict}**", f.said, _rule(f.claim)) for f in self.findings)
        claims = Table("Claims", ("claim", "what is said", "verdict", "what was found", "rule"), rows)
        parts = [
            f"# {self.title}: claims, measured at the scale `{self.scale}`",
            "",
            f"Measured with `{self.command}`.",
            "",
            f"Of {len(self.findings)} claims " + ", ".join(f"{n} {v}" for v, n in counts.items() if n) + ".",
            "",
            claims.to_markdown(),
        ]
        parts += [table.to_markdown() for table in self.tables]
        parts += [f"![{Path(plot).stem}]({plot})" for plot in self.plots]
        parts += ["", *(f"- {note}" for note in self.notes)]
        parts += [f"- Made: {'; '.join(map(str, self.made_with))}."] if self.made_with else []
        return "\n".join(parts).rstrip() + "\n"

    def to_json(self, results: Results) -> str:
        """The report and every arm's result, as JSON."""
        return json.dumps({**asdict(self), "arms": dict(results)}, indent=1, ensure_ascii=False) + "\n"


def write(reproduction: Reproduction, out: Path, results: Results) -> None:
    """Write `claims.json` and `claims.md` into a folder."""
    for name, text in (("claims.json", reproduction.to_json(results)), ("claims.md", reproduction.to_markdown())):
        with atomic_output(out / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _rule(claim: Claim) -> str:
    """The rule, its source, and what makes it less than blind."""
    hindsight = f"; not blind: {claim.hindsight}" if claim.hindsight else ""
    return f"{claim.rule} ({claim.source}){hindsight}"
