"""SING as a system to reproduce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from descant.errors import InvalidOption
from descant.evaluate.report import Cell, Table
from descant.reproduce.claims import Arm, Claim, Finding, Results, Verdict
from descant.reproduce.plots import Drawing, Plot
from descant.reproduce.runner import kept, work_folder
from descant.reproduce.sing.arms import AUTOENCODERS, GENERATORS, Setting, make_arms
from descant.reproduce.sing.claims_list import CLAIMS, SIZE
from descant.reproduce.sing.embeddings import require_sklearn
from descant.reproduce.sing.judge import judge, once, over_seeds
from descant.reproduce.sing.material import Material
from descant.reproduce.sing.pictures import draw_map, draw_notes
from descant.reproduce.sing.scale import read_scale
from descant.reproduce.systems import Options, folder_of

_PUBLISHED = {
    "autoencoder/wave": ("autoencoder, waveform loss", 0.026, 0.028, 0.0002, 0.0003),
    "generator/wave": ("SING, waveform loss", 0.075, 0.084, 0.006, 0.039),
    "autoencoder/spectral": ("autoencoder, spectral loss", 0.028, 0.032, None, None),
    "generator/spectral": ("SING, spectral loss", 0.039, 0.051, None, None),
    "generator/no_time": ("SING, spectral loss, no time table", 0.050, 0.063, None, None),
}
"""Labels; spectral loss on training notes and held-out pairs, squared error likewise (sheet 9.1 and addendum)."""
_MEASURES = ("train_spectral", "test_spectral", "train_wave_mse", "test_wave_mse")
_TOO_SMALL = "At this scale the arms only prove that they run; their numbers are in the tables."
_DATA_NOTE = (
    "Published figures are NSynth's: 1,006 instruments, 289,205 notes at five velocities. Ours are other notes (see "
    "docs/data_notes.md) and another level: compare orders and ratios, not digits. The split is the published draw; "
    "held-out pairs are its test part."
)
_EXACT_NOTE = (
    "Layers, lengths, loss (natural logarithm, 1 + power, mean absolute difference), stages and truncated "
    "backpropagation over 32 steps are as published, and Adam with its betas; stages begin with fresh optimisers."
)


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
        return CLAIMS

    def arms(self) -> Sequence[Arm]:
        """Measurements, trainings, and what is looked at."""
        self.setting.material.require()
        return make_arms(self.setting)

    def require(self, arms: Sequence[str]) -> None:
        """The notes; the autoencoders that generators begin with, and the generators that are looked at.

        Raises:
            InputNotFound: There is no set of notes, or it is too small to hold pitches out.
            MissingDependency: scikit-learn is not installed.
            InvalidOption: An arm is to be run before what it needs.
        """
        finished = {arm.name for arm in self.arms() if kept(arm, self.setting.out) is not None}
        for name in arms:
            if missing := [n for n in _needs(name) if n not in finished and n not in arms]:
                raise InvalidOption(f"{name} begins with what {missing[0]} has trained.", "Run that one, too.")
        if any(name.startswith("embeddings/") for name in arms):
            require_sklearn()

    def judge(self, results: Results) -> Sequence[Finding]:
        """One finding per claim; the smallest scale can only show what is exact."""
        findings = judge(results)
        if self.options.scale != "smoke":
            return findings
        return [f if f.claim is SIZE else Finding(f.claim, Verdict.NOT_MEASURED, _TOO_SMALL) for f in findings]

    def tables(self, results: Results) -> Sequence[Table]:
        """Distances beside the published ones, instruments' neighbours, and what the trainings took."""
        return [table for table in (_distances(results), _neighbours(results), self._costs(results)) if table.rows]

    def plots(self, results: Results) -> Sequence[Plot | Drawing]:
        """The map of instruments, and rainbowgrams of held-out notes."""
        drawings = []
        for arm in self.arms():
            found = results.get(arm.name)
            if found is None:
                continue
            kind, name = arm.name.split("/")[0], arm.name.replace("/", "-")
            if kind == "embeddings":
                title = "Instruments as SING has learned them (t-SNE)"
                drawings.append(Drawing(name, partial(draw_map, found["points"], found["families"], title)))
            if kind == "pictures":
                folder = work_folder(arm, self.setting.out)
                drawings.append(Drawing(name, partial(draw_notes, folder, found["notes"])))
        return drawings

    def notes(self) -> Sequence[str]:
        """Conditions."""
        scale, net = self.setting.scale, self.setting.scale.net
        stages = (scale.autoencoder, scale.sequence, scale.end_to_end)
        sizes = (
            f"Nets of {net.channels} channels and LSTMs of {net.layers} x {net.hidden} (published: 4,096 and "
            f"3 x 1,024), computed in {scale.loop.precision}, sound compared in float32; updates in the three stages: "
            f"{', '.join(f'{stage.steps} of {stage.batch} notes' for stage in stages)}."
        )
        begins = (
            "The autoencoders begin as rough copies of their input (`train.sing_start`), not with PyTorch's weights: "
            "at this width those fall silent. The learning rate follows a cosine, gradients are clipped, and a step "
            f"hears excerpts of {scale.autoencoder.excerpt} and {scale.end_to_end.excerpt} frames; published are whole "
            "notes, a constant rate and no clipping."
        )
        data = self.setting.material.described
        own = (begins,) if scale.loop.begin == "copy" else ()
        return data, _DATA_NOTE, _EXACT_NOTE, sizes, *own

    def _costs(self, results: Results) -> Table:
        rows: list[tuple[Cell, ...]] = []
        minutes: dict[str, float] = {}
        for arm in (*(f"autoencoder/{a}" for a in AUTOENCODERS), *(f"generator/{g}" for g in GENERATORS)):
            spent, busy = over_seeds(results, arm, "training_s"), over_seeds(results, arm, "processor_s")
            if spent is None or busy is None:
                continue
            minutes[arm] = spent.median / 60.0
            rows.append((arm, spent.median / 60.0, busy.median / 60.0))
        if {"autoencoder/spectral", "generator/spectral"} <= minutes.keys():
            whole = minutes["autoencoder/spectral"] + minutes["generator/spectral"]
            rows.append(("SING, spectral loss, all three stages", whole, None))
        columns = ("arm", "minutes of training", "minutes of processor time")
        return Table(f"What the trainings took, threads: {self.setting.threads}", columns, tuple(rows))


def _needs(arm: str) -> tuple[str, ...]:
    """Arms that must be finished before one."""
    kind, *names = arm.split("/")
    if kind == "generator":
        return (f"autoencoder/{GENERATORS[names[0]][0]}/{names[1]}",)
    if kind == "embeddings":
        return (f"generator/spectral/{names[0]}",)
    return tuple(f"generator/{name}/{names[0]}" for name in GENERATORS) if kind == "pictures" else ()


def _distances(results: Results) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name in ("silence", "nearest_pitch"):
        if (found := results.get(f"baseline/{name}")) is not None:
            ours = [f"{found[m]:.4g}" if m in found else None for m in _MEASURES]
            label = "nearest-pitch sampler" if name == "nearest_pitch" else name
            rows.append((label, *(cell for mine in ours for cell in (None, mine))))
    for arm, (label, *published) in _PUBLISHED.items():
        ours = [None if (s := over_seeds(results, arm, m)) is None else str(s) for m in _MEASURES]
        if any(ours):
            theirs = [None if value is None else f"{value:g}" for value in published]
            rows.append((label, *(cell for pair in zip(theirs, ours, strict=True) for cell in pair)))
    named = ("spectral L1, training", "spectral L1, held out", "squared error, training", "squared error, held out")
    columns = ("system", *(f"{measure}, {whose}" for measure in named for whose in ("paper", "ours")))
    floor = once(results, "baseline/silence", "test_spectral")
    title = "Distance from the true notes: the paper's figures on NSynth beside ours on other notes"
    return Table(title, columns, tuple(rows) if floor is not None else ())


def _neighbours(results: Results) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, found in results.items():
        if name.startswith("embeddings/"):
            rows.append((name, found["share"], found["chance"], f"{found['p']:.4f}", int(found["judged"])))
    columns = ("arm", "share", "chance", "p", "instruments judged")
    return Table("Instruments whose nearest neighbour, by embedding, is of their own family", columns, tuple(rows))
