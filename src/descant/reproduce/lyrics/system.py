"""The two lyrics systems as one system to reproduce: they make claims about each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from descant.evaluate.report import Cell, Table
from descant.reproduce.claims import Arm, Claim, Finding, Results, Verdict
from descant.reproduce.lyrics.arms import VARIANTS, Setting, make_arms
from descant.reproduce.lyrics.claims_list import CLAIMS, LENGTHS, SIZE
from descant.reproduce.lyrics.judge import floor_of, judge, over_songs
from descant.reproduce.lyrics.material import MIXES, Material
from descant.reproduce.lyrics.scale import read_scale
from descant.reproduce.plots import Drawing, Plot
from descant.reproduce.systems import Options, folder_of

_FLOORS = {
    "even": "letters spread evenly",
    "line_starts": "true line starts, letters spread to the next line",
    "lines": "true lines, letters spread inside",
}
_TITLES = {
    "contrastive": "contrastive (D23), characters, C = 1",
    "ctc": "CTC on D23's audio encoder, characters",
    "no_context": "contrastive, characters, C = 0",
    "english_characters": "contrastive, characters, English alone",
    "english_phonemes": "contrastive, phonemes, English alone",
    "wave_u_net": "CTC on the Wave-U-Net (S19), characters",
}
_MEASURES = ("aae", "medae", "pco")
_TOO_SMALL = "At this scale the arms only prove that they run; their numbers are in the tables."
_NOTES = (
    (
        "AAE, MedAE and PCO are those of the sheet: of word starts, per song first, then over songs; only words whose "
        "start is known count (of a prompt, its first word)."
    ),
    "The published figures are of other, real songs; what is compared is the order of systems, not the digits.",
    (
        "Rules were set before any result. How the monotone search counts frames was chosen afterwards, from eleven "
        "songs that the first trained net aligned, six of them held out; all contrastive arms use the same."
    ),
    "Letters stand without accents for all languages, where the paper adds accented ones.",
)


def make(options: Options) -> LyricsSystem:
    """The system at a scale."""
    scale = read_scale(options.scale)
    if options.seeds is not None:
        scale = replace(scale, seeds=options.seeds)
    material = Material(options.data, scale.source, scale.songs)
    return LyricsSystem(
        Setting(scale, material, folder_of("lyrics", options.scale, options.out), options.threads), options
    )


@dataclass(frozen=True, slots=True)
class LyricsSystem:
    """See `descant.reproduce.claims.System`."""

    setting: Setting
    options: Options

    @property
    def name(self) -> str:
        """As on the command line."""
        return "lyrics"

    @property
    def title(self) -> str:
        """With its publications."""
        return (
            "Lyrics alignment (S19: Stoller, Durand, Ewert, ICASSP 2019, arXiv 1902.06797; "
            "D23: Durand, Stoller, Ewert, ICASSP 2023, arXiv 2306.07744)"
        )

    @property
    def claims(self) -> Sequence[Claim]:
        """In order."""
        return CLAIMS

    def arms(self) -> Sequence[Arm]:
        """Measurements, then trainings."""
        return make_arms(self.setting)

    def require(self, arms: Sequence[str]) -> None:
        """The pieces.

        Raises:
            InputNotFound: There is no set of them.
        """
        if any(name != "sizes" for name in arms):
            self.setting.material.require()

    def judge(self, results: Results) -> Sequence[Finding]:
        """One finding per claim; the smallest scale can only show what is exact."""
        findings = judge(results)
        if self.options.scale != "smoke":
            return findings
        exact = (SIZE, LENGTHS)
        return [f if f.claim in exact else Finding(f.claim, Verdict.NOT_MEASURED, _TOO_SMALL) for f in findings]

    def tables(self, results: Results) -> Sequence[Table]:
        """All ways to align all songs, and languages."""
        found = (_ways(results), _languages(results), _costs(results, self.setting.threads))
        return [table for table in found if table.rows]

    def plots(self, results: Results) -> Sequence[Plot | Drawing]:
        """None: the tables say it."""
        del results
        return ()

    def notes(self) -> Sequence[str]:
        """Conditions."""
        scale = self.setting.scale
        net, loop = scale.net, scale.loop
        budgets = {"contrastive": scale.contrastive, "CTC": scale.ctc, "Wave-U-Net": scale.wave_u_net}
        updates = ", ".join(f"{name} {b.steps} of {b.batch} stretches" for name, b in budgets.items())
        sizes = (
            f"Residual blocks of {net.width} filters (published 64), of which {net.halvings} halve the frequency axis "
            f"(published 0); Wave-U-Net with {net.growth} more channels a level; computed in {loop.precision}; "
            f"updates: {updates}. The publications trained for days on GPUs with tens of thousands of songs."
        )
        divided = (
            (
                f"Training lines are divided at words whose time is known into parts of at least "
                f"{loop.shortest_line_s} s: such lines are shorter than the published ones, which tells more."
            ),
        )
        return (self.setting.material.described, *_NOTES, sizes, *(divided if loop.shortest_line_s else ()))


def _ways(results: Results) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, title in _FLOORS.items():
        values = [floor_of(results, name, measure) for measure in _MEASURES]
        if None not in values:
            rows.append((title, "", "", *(f"{value:.3f}" for value in values)))
    for arm in VARIANTS:
        for mix in MIXES:
            for way in ("masked", "plain"):
                found = [over_songs(results, arm, f"{mix}/{way}", measure) for measure in _MEASURES]
                if None not in found:
                    rows.append((_TITLES[arm], mix, "two passes" if way == "masked" else "one", *map(str, found)))
    columns = ("system", "heard", "search", "AAE, s", "MedAE, s", "PCO 0.3 s")
    return Table("Word starts of all held-out songs", columns, tuple(rows))


def _languages(results: Results) -> Table:
    floors = results.get("floors")
    if floors is None:
        return Table("", (), ())
    by_language: dict[str, list[str]] = {}
    for song, language in floors["languages"].items():
        by_language.setdefault(f"{language}, {song.split('-')[0]}", []).append(song)
    rows: list[tuple[Cell, ...]] = []
    for name, title in _FLOORS.items():
        rows.append((title, *(floor_of(results, name, songs=songs) for songs in by_language.values())))
    for arm in VARIANTS:
        found = [over_songs(results, arm, "separated/masked", songs=songs) for songs in by_language.values()]
        if any(found):
            rows.append((_TITLES[arm], *(None if value is None else str(value) for value in found)))
    columns = ("system", *(f"{language} ({len(songs)} songs)" for language, songs in by_language.items()))
    return Table("AAE in seconds by language and source, separated vocals, two passes", columns, tuple(rows))


def _costs(results: Results, threads: int) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for arm in VARIANTS:
        for name, result in results.items():
            if name.startswith(f"{arm}/seed-"):
                minutes = (result["training_s"] / 60.0, result["processor_s"] / 60.0)
                rows.append((name, f"{result['parameters']:,}", *minutes, f"{result['bias_s']:+.3f}"))
    columns = ("arm", "parameters", "minutes of training", "minutes of processor time", "bias on validation songs, s")
    return Table(f"What the trainings took, threads: {threads}", columns, tuple(rows))
