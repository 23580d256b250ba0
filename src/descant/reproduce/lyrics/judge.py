"""Judging results against the rules of the claims."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import numpy as np

from descant.reproduce.claims import Claim, Finding, Results, Verdict
from descant.reproduce.lyrics import claims_list as said
from descant.reproduce.spread import Spread, spread

_SEED = "/seed-"
Rule = Callable[[Claim, Results], Finding]
Songs = Mapping[str, Mapping[str, float]]


def judge(results: Results) -> tuple[Finding, ...]:
    """One finding per claim, in order."""
    return tuple(_RULES[claim.id](claim, results) for claim in said.CLAIMS)


def over_songs(
    results: Results, arm: str, way: str, measure: str = "aae", songs: Collection[str] | None = None
) -> Spread | None:
    """Mean over songs of a measure, for all seeds of an arm.

    Args:
        results: Of all arms.
        arm: Its name.
        way: What is heard, and how: "separated/masked", "separated/plain" (one pass), "separated/unbiased".
        measure: "aae", "medae" or "pco".
        songs: Only these.
    """
    values = []
    for name, result in results.items():
        if name.startswith(arm + _SEED):
            found: Songs = result["songs"].get(way, {})
            kept = [row[measure] for song, row in found.items() if songs is None or song in songs]
            if kept:
                values.append(float(np.mean(kept)))
    return spread(values)


def floor_of(results: Results, name: str, measure: str = "aae", songs: Collection[str] | None = None) -> float | None:
    """Mean over songs, or some of them, of a floor."""
    found = results.get("floors")
    if found is None:
        return None
    rows = found["ways"][name].items()
    kept = [row[measure] for song, row in rows if songs is None or song in songs]
    return float(np.mean(kept)) if kept else None


def _finding(claim: Claim, held: bool, text: str, **numbers: object) -> Finding:
    return Finding(claim, Verdict.HELD if held else Verdict.DID_NOT_HOLD, text, numbers)


def _missing(claim: Claim, why: str = "Its arms were not run.") -> Finding:
    return Finding(claim, Verdict.NOT_MEASURED, why)


def _size(claim: Claim, results: Results) -> Finding:
    found = results.get("sizes")
    if found is None:
        return _missing(claim)
    low, high = said.PARAMETERS
    text = (
        f"{found['parameters']:,} parameters; {found['reach_frames']} frames of {found['frame_ms']:.1f} ms to each "
        "side (the norms, which see a whole stretch, left out)."
    )
    held = low <= found["parameters"] < high and found["reach_frames"] == said.REACH_FRAMES
    return _finding(claim, held, text, parameters=found["parameters"], reach=found["reach_frames"])


def _lengths(claim: Claim, results: Results) -> Finding:
    found = results.get("sizes")
    if found is None:
        return _missing(claim)
    text = (
        f"{found['frames']} frames, {found['frames_of_one_less']} of one sample less; 225,501 / {found['step']:,} is "
        f"{found['frames_told']:.2f}. {found['wave_parameters']:,} parameters with 24 more channels a level."
    )
    held = found["frames"] == int(np.ceil(found["frames_told"])) and found["frames_of_one_less"] < found["frames"]
    return _finding(claim, held, text, frames=found["frames"])


def _less(
    ours: tuple[str, str],
    theirs: tuple[str, str],
    names: tuple[str, str],
    languages: Callable[[str], bool] | None = None,
    *,
    ties: bool = False,
) -> Rule:
    """The mean absolute error of one arm and way is less than that of another."""

    def rule(claim: Claim, results: Results) -> Finding:
        songs = _songs_in(results, languages)
        first, second = over_songs(results, *ours, songs=songs), over_songs(results, *theirs, songs=songs)
        even = floor_of(results, "even", songs=songs)
        if first is None or second is None or even is None:
            return _missing(claim)
        held = first.median <= second.median if ties else first.median < second.median
        text = f"{names[0]} {first} s, {names[1]} {second} s; even spread {even:.2f} s."
        if min(first.median, second.median) >= even:
            text += " Neither is better than the even spread, so nothing follows."
            held = False
        return _finding(claim, held, text, ours=first, theirs=second, even=even)

    return rule


def _songs_in(results: Results, languages: Callable[[str], bool] | None) -> frozenset[str] | None:
    found = results.get("floors")
    if languages is None or found is None:
        return None
    return frozenset(song for song, language in found["languages"].items() if languages(language))


def _order_free(claim: Claim, results: Results) -> Finding:
    found = [r for name, r in results.items() if name.startswith("contrastive" + _SEED)]
    if not found:
        return _missing(claim)
    inside, chance = (spread(r[name] for r in found) for name in ("inside", "inside_by_chance"))
    assert inside is not None, "there is a result"
    assert chance is not None, "there is a result"
    text = f"{inside.median:.1%} of {found[0]['symbols']:,} symbols; by chance {chance.median:.1%}."
    return _finding(claim, inside.median > chance.median, text, inside=inside, chance=chance)


def _bias(claim: Claim, results: Results) -> Finding:
    parts, held = [], True
    for arm in ("contrastive", "ctc"):
        before, after = over_songs(results, arm, "separated/masked"), over_songs(results, arm, "separated/unbiased")
        bias = spread(r["bias_s"] for name, r in results.items() if name.startswith(arm + _SEED))
        if before is None or after is None or bias is None:
            return _missing(claim)
        parts.append(f"{arm}: bias {bias.median:+.3f} s, AAE {before} s before and {after} s after")
        held &= after.median <= before.median
    return _finding(claim, held, "; ".join(parts) + ".")


def _floor(claim: Claim, results: Results) -> Finding:
    ours, share = (over_songs(results, "contrastive", "separated/masked", m) for m in ("aae", "pco"))
    floors = {name: floor_of(results, name) for name in ("even", "line_starts", "lines")}
    if ours is None or share is None or floors["line_starts"] is None:
        return _missing(claim)
    names = {"even": "even spread", "line_starts": "true line starts", "lines": "true lines"}
    told = ", ".join(f"{names[name]} {value:.2f}" for name, value in floors.items())
    text = f"{ours} s, {share.median:.0%} within {said.WITHIN_S} s; {told} s."
    return _finding(claim, ours.median < floors["line_starts"], text, ours=ours, **floors)


def _wave(claim: Claim, results: Results) -> Finding:
    ours, even = over_songs(results, "wave_u_net", "separated/masked"), floor_of(results, "even")
    if ours is None or even is None:
        return _missing(claim)
    return _finding(claim, ours.median < even, f"{ours} s; even spread {even:.2f} s.", ours=ours, even=even)


def _unmeasured(why: str) -> Rule:
    def rule(claim: Claim, _results: Results) -> Finding:
        return _missing(claim, why)

    return rule


_BEST = ("contrastive", "separated/masked")
_RULES: dict[str, Rule] = {
    said.SIZE.id: _size,
    said.LENGTHS.id: _lengths,
    said.CONTRASTIVE.id: _less(_BEST, ("ctc", "separated/masked"), ("Contrastive", "CTC")),
    said.CONTEXT.id: _less(_BEST, ("no_context", "separated/masked"), ("C = 1", "C = 0")),
    said.MASK.id: _less(_BEST, ("contrastive", "separated/plain"), ("With the mask", "without")),
    said.MASK_ON_CTC.id: _less(("ctc", "separated/masked"), ("ctc", "separated/plain"), ("With the mask", "without")),
    said.SEPARATION.id: _less(_BEST, ("contrastive", "mixture/masked"), ("Separated", "mix")),
    said.TRANSFER.id: _less(
        ("english_characters", "separated/masked"),
        ("english_phonemes", "separated/masked"),
        ("Characters", "phonemes"),
        lambda language: language != "en",
    ),
    said.LANGUAGES.id: _less(
        _BEST,
        ("english_characters", "separated/masked"),
        ("All languages", "English alone"),
        lambda language: language in ("fr", "es"),
    ),
    said.ORDER_FREE.id: _order_free,
    said.BIAS.id: _bias,
    said.FLOOR.id: _floor,
    said.S19_LEARNS.id: _wave,
    said.BENCHMARK.id: _unmeasured("JamendoLyrics is not among the data here; `--data` takes a set built from it."),
}
