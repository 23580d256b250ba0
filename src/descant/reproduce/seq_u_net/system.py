"""Seq-U-Net as a system to reproduce."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from descant.data.music21_corpus import find_corpus
from descant.evaluate.report import Cell, Table
from descant.instrument.api import find_soundfont
from descant.reproduce.claims import Arm, Claim, Finding, Results, Verdict
from descant.reproduce.plots import Line, Plot
from descant.reproduce.seq_u_net.arms import make_arms
from descant.reproduce.seq_u_net.claims_list import CAUSAL, CLAIMS
from descant.reproduce.seq_u_net.judge import judge, over_seeds, seeds_of
from descant.reproduce.seq_u_net.scale import SeqUNetScale, read_scale
from descant.reproduce.systems import Options

_TRAINED = (
    ("chorales", ("seq_u_net", "tcn"), "nats_per_frame", "frequency_nats_per_frame"),
    ("tunes", ("seq_u_net", "tcn"), "nats_per_frame", "frequency_nats_per_frame"),
    ("audio", ("seq_u_net", "wavenet"), "bits_per_sample", "unigram_bits_per_sample"),
    ("lag/fast", ("seq_u_net", "tcn"), "nats_per_symbol", ""),
    ("lag/slow", ("seq_u_net", "tcn"), "nats_per_symbol", ""),
)
_COSTS = (("chorales", "frames"), ("tunes", "frames"), ("depth", "levels"), ("audio", "samples"))
_DATA_NOTE = (
    "Chorales (one frame a quarter) and fiddle tunes (one frame a sixteenth) are music21's corpus: Bach's chorales in "
    "four voices and Ryan's Mammoth Collection, split 60/20/20 by a hash of the file's name, without pieces that begin "
    "like an earlier one in any key. They are not the published JSB and Nottingham sets: compare the two nets, not the "
    "numbers with the publication's."
)
_TRAINING_NOTE = (
    "The learning rate is fixed before and falls along a cosine; the publication searched it with 20 to 50 trials per "
    "net. Weights are those of the best validation."
)
_TOO_SMALL = "At this scale the arms only prove that they run; their numbers are in the tables."
_NAMES = {"seq_u_net": "Seq-U-Net", "tcn": "TCN", "wavenet": "WaveNet"}


def make(options: Options) -> SeqUNetSystem:
    """The system at a scale."""
    scale = read_scale(options.scale)
    seeds = scale.seeds if options.seeds is None else options.seeds
    return SeqUNetSystem(SeqUNetScale(seeds, scale.chorales, scale.tunes, scale.audio, scale.lag, scale.costs), options)


@dataclass(frozen=True, slots=True)
class SeqUNetSystem:
    """See `descant.reproduce.claims.System`."""

    scale: SeqUNetScale
    options: Options

    @property
    def name(self) -> str:
        """As on the command line."""
        return "seq_u_net"

    @property
    def title(self) -> str:
        """With its publication."""
        return "Seq-U-Net (Stoller et al., IJCAI 2020, arXiv 1911.06393)"

    @property
    def claims(self) -> Sequence[Claim]:
        """In order of the sheet."""
        return CLAIMS

    def arms(self) -> Sequence[Arm]:
        """Measurements, then trainings."""
        return make_arms(self.scale, self.options)

    def require(self, arms: Sequence[str]) -> None:
        """The corpus, and the SoundFont where audio is rendered.

        Raises:
            MissingDependency, InputNotFound: There is no music21 corpus.
            DescantError: As `find_soundfont` does.
        """
        kinds = {name.split("/")[0] for name in arms}
        if kinds & {"chorales", "tunes", "audio"}:
            find_corpus(self.options.data)
        if "audio" in kinds:
            find_soundfont(self.options.soundfont)

    def judge(self, results: Results) -> Sequence[Finding]:
        """One finding per claim; the smallest scale can only show what is exact."""
        findings = judge(results)
        if self.options.scale != "smoke":
            return findings
        return [f if f.claim is CAUSAL else Finding(f.claim, Verdict.NOT_MEASURED, _TOO_SMALL) for f in findings]

    def tables(self, results: Results) -> Sequence[Table]:
        """Losses, costs and generation."""
        tables = [_losses(results), *(_costs(results, name, axis) for name, axis in _COSTS), _generation(results)]
        return [table for table in tables if table.rows]

    def plots(self, results: Results) -> Sequence[Plot]:
        """Time and memory by length and depth; losses seed by seed."""
        costs = [plot for name, axis in _COSTS for plot in _cost_plots(results, name, axis)]
        return [*costs, *(plot for task, nets, unit, _ in _TRAINED for plot in _loss_plot(results, task, nets, unit))]

    def notes(self) -> Sequence[str]:
        """Conditions."""
        threads = self.options.threads
        audio, costs = self.scale.audio, self.scale.costs
        hearing = (
            f"Audio: chorales on the SoundFont's piano at {audio.sample_rate} Hz, mu-law, {audio.training_s:g} s to "
            "learn from; both nets make equally many updates on excerpts of equal scored length."
        )
        timing = (
            f"Times are processor time in float32, threads: {threads}, medians of {costs.repeats} steps of batch 1; "
            "memory is the most that tensors took at once in a step (PyTorch's allocator, without weights and "
            "optimiser). Another processor, thread count or a GPU gives other ratios."
        )
        return _DATA_NOTE, _TRAINING_NOTE, hearing, timing


def _losses(results: Results) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for task, nets, unit, floor in _TRAINED:
        for net in nets:
            arm = f"{task}/{net}"
            test = over_seeds(results, arm, f"test_{unit}")
            size = over_seeds(results, arm, "parameters")
            if test is None or size is None:
                continue
            training = over_seeds(results, arm, f"training_{unit}") if unit == "nats_per_frame" else None
            known = over_seeds(results, arm, floor) if floor else None
            rows.append(
                (
                    f"{task}, {unit.replace('_', ' ')}",
                    _NAMES[net],
                    f"{size.median:,.0f}",
                    str(test),
                    None if training is None else str(training),
                    None if known is None else f"{known.median:.4g}",
                    test.count,
                )
            )
    columns = ("task and unit", "net", "parameters", "test", "training", "frequencies alone", "seeds")
    return Table("Losses: median (lowest to highest of the seeds)", columns, tuple(rows))


def _costs(results: Results, name: str, axis: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for net, label in _NAMES.items():
        found = results.get(f"costs/{name}/{net}")
        if found is None:
            continue
        cells = zip(found["milliseconds"], found["peak_mib"], strict=True)
        rows.append((label, *(f"{ms:.1f} ms, {mib:.1f} MiB" for ms, mib in cells)))
        values = found[axis]
    columns = ("net", *(f"{v} {axis}" for v in values)) if rows else ("net",)
    return Table(f"A training step, nets of {name}: processor time and peak memory", columns, tuple(rows))


def _generation(results: Results) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for net, label in _NAMES.items():
        found = results.get(f"generation/{net}")
        if found is not None:
            rows.append((label, float(found["cached_ms"]), float(found["full_ms"])))
    return Table("Generation of audio, processor ms per sample", ("net", "cached", "full pass per sample"), tuple(rows))


def _loss_plot(results: Results, task: str, nets: tuple[str, ...], unit: str) -> list[Plot]:
    lines = []
    for net in nets:
        losses = seeds_of(results, f"{task}/{net}", f"test_{unit}")
        if len(losses) > 1:
            lines.append(Line(_NAMES[net], tuple(losses), tuple(losses.values())))
    name = task.replace("/", "-")
    return [Plot(f"{name}-loss", f"Test loss: {task}", "seed", unit.replace("_", " "), tuple(lines))] if lines else []


def _cost_plots(results: Results, name: str, axis: str) -> list[Plot]:
    found = {label: results[f"costs/{name}/{net}"] for net, label in _NAMES.items() if f"costs/{name}/{net}" in results}
    plots = []
    for measure, unit in (("milliseconds", "processor time of a training step, ms"), ("peak_mib", "peak memory, MiB")):
        if len(found) > 1:
            lines = tuple(Line(label, tuple(f[axis]), tuple(f[measure])) for label, f in found.items())
            kind = "time" if measure == "milliseconds" else "memory"
            plots.append(Plot(f"{name}-{kind}", f"Nets of {name}", axis, unit, lines, is_log=axis != "levels"))
    return plots
