"""Judging results against the rules of the claims."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from descant.reproduce.claims import Claim, Finding, Results, Verdict
from descant.reproduce.seq_u_net import claims_list as said
from descant.reproduce.spread import Spread, spread

_SEED_MARK = "/seed-"

Rule = Callable[[Claim, Results], Finding]


def judge(results: Results) -> tuple[Finding, ...]:
    """One finding per claim, in order."""
    return tuple(_RULES[claim.id](claim, results) for claim in said.CLAIMS)


def over_seeds(results: Results, arm: str, measure: str) -> Spread | None:
    """A measure of an arm over all seeds that were run."""
    return spread(seeds_of(results, arm, measure).values())


def seeds_of(results: Results, arm: str, measure: str) -> dict[int, float]:
    """A measure of an arm, by seed."""
    start = arm + _SEED_MARK
    return {int(name.removeprefix(start)): r[measure] for name, r in results.items() if name.startswith(start)}


def other_seeds(results: Results, arms: str, nets: tuple[str, str], measure: str) -> str:
    """Why two nets cannot be compared, where they were not run with the same seeds; empty where they were."""
    seeds = {net: sorted(seeds_of(results, f"{arms}/{net}", measure)) for net in nets}
    first, second = seeds.values()
    if not first or not second or first == second:
        return ""
    return "Not run with the same seeds: " + "; ".join(f"{n} {', '.join(map(str, s))}" for n, s in seeds.items()) + "."


def ratios(results: Results, arms: str, measure: str, baseline: str) -> list[float] | None:
    """Baseline over Seq-U-Net, for each length or depth; None where they were not measured."""
    ours, theirs = results.get(f"{arms}/seq_u_net"), results.get(f"{arms}/{baseline}")
    if ours is None or theirs is None:
        return None
    return [t / o for o, t in zip(ours[measure], theirs[measure], strict=True)]


def _finding(claim: Claim, held: bool, text: str, **numbers: object) -> Finding:
    return Finding(claim, Verdict.HELD if held else Verdict.DID_NOT_HOLD, text, numbers)


def _missing(claim: Claim, why: str = "Its arms were not run.") -> Finding:
    return Finding(claim, Verdict.NOT_MEASURED, why)


def _causal(claim: Claim, results: Results) -> Finding:
    found = results.get("exact/causality")
    if found is None:
        return _missing(claim)
    ours = {name: f for name, f in found.items() if name.startswith("seq_u_net")}
    leak, echo = max(f["leak"] for f in ours.values()), min(f["least_echo"] for f in ours.values())
    text = f"Largest change before t: {leak:g}; least change at t: {echo:.1e}."
    return _finding(claim, leak == 0.0 and echo > 0.0, text, leak=leak, least_echo=echo)


def _cached(claim: Claim, results: Results) -> Finding:
    equal, speed = results.get("exact/caching"), results.get("generation/seq_u_net")
    if equal is None or speed is None:
        return _missing(claim)
    double, single = equal["seq_u_net_float64"], equal["seq_u_net_float32"]
    faster = speed["full_ms"] / speed["cached_ms"]
    text = (
        f"Difference {double:.0e} in float64, {single:.0e} in float32; {speed['cached_ms']:.2f} ms a sample cached, "
        f"{speed['full_ms']:.2f} ms with full passes ({faster:.1f} times)."
    )
    held = max(double, single) <= said.EXACT and faster > 1.0
    return _finding(claim, held, text, float64=double, float32=single, times_faster=faster)


def _likelihood(arms: str, within: float) -> Rule:
    def rule(claim: Claim, results: Results) -> Finding:
        ours = over_seeds(results, f"{arms}/seq_u_net", "test_nats_per_frame")
        theirs = over_seeds(results, f"{arms}/tcn", "test_nats_per_frame")
        sizes = [over_seeds(results, f"{arms}/{net}", "parameters") for net in ("seq_u_net", "tcn")]
        if ours is None or theirs is None or sizes[0] is None or sizes[1] is None:
            return _missing(claim)
        if unlike := other_seeds(results, arms, ("seq_u_net", "tcn"), "test_nats_per_frame"):
            return _missing(claim, unlike)
        above = ours.median / theirs.median - 1.0
        size = sizes[0].median / sizes[1].median
        text = (
            f"Seq-U-Net {ours}, TCN {theirs} nats per frame over {ours.count} seeds: {above:+.1%}; "
            f"{sizes[0].median:,.0f} and {sizes[1].median:,.0f} parameters."
        )
        held = above <= within and abs(size - 1.0) <= said.SAME_SIZE
        return _finding(claim, held, text, seq_u_net=ours, tcn=theirs, above=above, size_ratio=size)

    return rule


def _text(claim: Claim, _results: Results) -> Finding:
    return _missing(
        claim, "No text corpus comes with the package index's data; the text models' sizes and lengths are tested."
    )


def _cheaper(measure: str, word: str) -> Rule:
    def rule(claim: Claim, results: Results) -> Finding:
        found = {name: ratios(results, f"costs/{name}", measure, "tcn") for name in ("chorales", "tunes")}
        both = {name: f for name, f in found.items() if f is not None}
        if len(both) < len(found):
            return _missing(claim)
        parts = [f"{name} {', '.join(f'{r:.2f}' for r in f)}" for name, f in both.items()]
        lengths = results["costs/tunes/seq_u_net"]["frames"]
        text = f"TCN / Seq-U-Net, {word}, at {', '.join(map(str, lengths))} frames: {'; '.join(parts)}."
        return _finding(claim, all(r > 1.0 for f in both.values() for r in f), text, **both)

    return rule


def _growing(arms: str, axis: str) -> Rule:
    def rule(claim: Claim, results: Results) -> Finding:
        time = ratios(results, arms, "milliseconds", "tcn")
        memory = ratios(results, arms, "peak_mib", "tcn")
        if time is None or memory is None:
            return _missing(claim)
        values = results[f"{arms}/seq_u_net"][axis]
        text = (
            f"From {values[0]} to {values[-1]} {axis}: time {time[0]:.2f} to {time[-1]:.2f}, "
            f"memory {memory[0]:.2f} to {memory[-1]:.2f}."
        )
        held = time[-1] > time[0] and memory[-1] > memory[0]
        return _finding(claim, held, text, time=time, memory=memory)

    return rule


def _audio_training(claim: Claim, results: Results) -> Finding:
    time = ratios(results, "costs/audio", "milliseconds", "wavenet")
    memory = ratios(results, "costs/audio", "peak_mib", "wavenet")
    if time is None:
        return _missing(claim)
    lengths = results["costs/audio/seq_u_net"]["samples"]
    text = f"At {', '.join(map(str, lengths))} samples {', '.join(f'{r:.1f}' for r in time)} times faster"
    text += "." if memory is None else f", with {', '.join(f'{r:.1f}' for r in memory)} times less memory."
    return _finding(claim, min(time) >= said.TIMES_FASTER, text, time=time, memory=memory)


def _audio_generation(claim: Claim, results: Results) -> Finding:
    ours, theirs = results.get("generation/seq_u_net"), results.get("generation/wavenet")
    if ours is None or theirs is None:
        return _missing(claim)
    faster = theirs["cached_ms"] / ours["cached_ms"]
    text = f"{ours['cached_ms']:.2f} ms against {theirs['cached_ms']:.2f} ms a sample: {faster:.1f} times."
    return _finding(claim, faster >= said.TIMES_FASTER, text, times_faster=faster)


def _audio_bits(claim: Claim, results: Results) -> Finding:
    ours = over_seeds(results, "audio/seq_u_net", "test_bits_per_sample")
    theirs = over_seeds(results, "audio/wavenet", "test_bits_per_sample")
    floor = over_seeds(results, "audio/wavenet", "unigram_bits_per_sample")
    if ours is None or theirs is None or floor is None:
        return _missing(claim)
    if unlike := other_seeds(results, "audio", ("seq_u_net", "wavenet"), "test_bits_per_sample"):
        return _missing(claim, unlike)
    above = ours.median / theirs.median - 1.0
    text = (
        f"Seq-U-Net {ours}, WaveNet {theirs} bits over {ours.count} seeds: {above:+.1%}; "
        f"frequencies alone {floor.median:.2f}."
    )
    held = above <= said.BITS_WITHIN and max(ours.median, theirs.median) < floor.median
    return _finding(claim, held, text, seq_u_net=ours, wavenet=theirs, above=above)


def _by_gap(speed: str, chosen: Callable[[Iterable[float]], float], name: str, holds: Callable[[float], bool]) -> Rule:
    """A rule for the gap of Seq-U-Net above TCN on the copying task, in its worst seed."""

    def rule(claim: Claim, results: Results) -> Finding:
        arms, measure = f"lag/{speed}", "test_nats_per_symbol"
        ours, theirs = (seeds_of(results, f"{arms}/{net}", measure) for net in ("seq_u_net", "tcn"))
        our_spread, their_spread = spread(ours.values()), spread(theirs.values())
        if our_spread is None or their_spread is None:
            return _missing(claim)
        if unlike := other_seeds(results, arms, ("seq_u_net", "tcn"), measure):
            return _missing(claim, unlike)
        gaps = [ours[seed] - theirs[seed] for seed in ours]
        worst = chosen(gaps)
        text = (
            f"Seq-U-Net {our_spread}, TCN {their_spread} nats per symbol; {name} gap of {len(gaps)} seeds {worst:.3f}."
        )
        return _finding(claim, holds(worst), text, gaps=gaps)

    return rule


_RULES: dict[str, Rule] = {
    said.CAUSAL.id: _causal,
    said.CACHED.id: _cached,
    said.CHORALES.id: _likelihood("chorales", said.CHORALES_WITHIN),
    said.TUNES.id: _likelihood("tunes", said.TUNES_WITHIN),
    said.TEXT.id: _text,
    said.MEMORY.id: _cheaper("peak_mib", "peak memory"),
    said.TIME.id: _cheaper("milliseconds", "processor time"),
    said.LONGER.id: _growing("costs/tunes", "frames"),
    said.DEEPER.id: _growing("costs/depth", "levels"),
    said.AUDIO_TRAINING.id: _audio_training,
    said.AUDIO_GENERATION.id: _audio_generation,
    said.AUDIO_BITS.id: _audio_bits,
    said.FAST.id: _by_gap("fast", min, "smallest", lambda gap: gap >= said.FAST_GAP),
    said.SLOW.id: _by_gap("slow", max, "largest", lambda gap: gap <= said.SLOW_GAP),
}
