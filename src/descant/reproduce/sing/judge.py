"""Judging results against the rules of the claims."""

from __future__ import annotations

from collections.abc import Callable

from descant.reproduce.claims import Claim, Finding, Results, Verdict
from descant.reproduce.sing import claims_list as said
from descant.reproduce.spread import Spread, spread

_SEED_MARK = "/seed-"
_ABOUT_SILENT = 0.98

Rule = Callable[[Claim, Results], Finding]


def judge(results: Results) -> tuple[Finding, ...]:
    """One finding per claim, in order."""
    return tuple(_RULES[claim.id](claim, results) for claim in said.CLAIMS)


def over_seeds(results: Results, arm: str, measure: str) -> Spread | None:
    """A measure of an arm over all seeds that were run."""
    start = arm + _SEED_MARK
    return spread(result[measure] for name, result in results.items() if name.startswith(start))


def once(results: Results, arm: str, measure: str) -> float | None:
    """A measure of an arm that has no seeds."""
    found = results.get(arm)
    return None if found is None else float(found[measure])


def is_silent(results: Results, arm: str) -> bool:
    """Whether an arm is no nearer to training notes than silence is: then it learned nothing that could be compared."""
    found, floor = over_seeds(results, arm, "train_spectral"), once(results, "baseline/silence", "train_spectral")
    return found is not None and floor is not None and found.median >= _ABOUT_SILENT * floor


def _finding(claim: Claim, held: bool, text: str, **numbers: object) -> Finding:
    return Finding(claim, Verdict.HELD if held else Verdict.DID_NOT_HOLD, text, numbers)


def _missing(claim: Claim, why: str = "Its arms were not run.") -> Finding:
    return Finding(claim, Verdict.NOT_MEASURED, why)


def _below(ours: str, theirs: str, names: tuple[str, str]) -> Rule:
    """Our median test loss is less than theirs."""

    def rule(claim: Claim, results: Results) -> Finding:
        first, second = (over_seeds(results, arm, "test_spectral") for arm in (ours, theirs))
        floor = once(results, "baseline/silence", "test_spectral")
        if first is None or second is None or floor is None:
            return _missing(claim)
        if first.count != second.count:
            return _missing(claim, f"Not run with the same seeds: {first.count} and {second.count}.")
        text = f"{names[0]} {first}, {names[1]} {second}; silence {floor:.4g}."
        text += _silence_note(results, (ours, theirs), names)
        held = first.median < min(second.median, floor)
        return _finding(claim, held, text, ours=first, theirs=second, silence=floor)

    return rule


def _silence_note(results: Results, arms: tuple[str, ...], names: tuple[str, ...]) -> str:
    silent = [name for arm, name in zip(arms, names, strict=True) if is_silent(results, arm)]
    return f" No nearer to its training notes than silence: {', '.join(silent)}." if silent else ""


def _wave(claim: Claim, results: Results) -> Finding:
    train, test = (over_seeds(results, "generator/wave", f"{split}_wave_mse") for split in ("train", "test"))
    floor = once(results, "baseline/silence", "train_wave_mse")
    if train is None or test is None or floor is None:
        return _missing(claim)
    times = test.median / train.median
    text = f"{train} on training notes (silence {floor:.4g}), {test} on held-out pairs: {times:.2f} times."
    return _finding(claim, times >= said.TIMES_MSE and train.median < floor, text, train=train, test=test, times=times)


def _unseen(claim: Claim, results: Results) -> Finding:
    train, test = (over_seeds(results, "generator/spectral", f"{split}_spectral") for split in ("train", "test"))
    floor = once(results, "baseline/silence", "test_spectral")
    if train is None or test is None or floor is None:
        return _missing(claim)
    above = test.median / train.median - 1.0
    text = f"{train} on training notes, {test} on held-out pairs ({above:+.0%}); silence {floor:.4g}."
    return _finding(claim, above <= said.GAP_WITHIN and test.median < floor, text, train=train, test=test, above=above)


def _sampler(claim: Claim, results: Results) -> Finding:
    ours, theirs = over_seeds(results, "generator/spectral", "test_spectral"), results.get("baseline/nearest_pitch")
    floor = once(results, "baseline/silence", "test_spectral")
    if ours is None or theirs is None or floor is None:
        return _missing(claim)
    text = (
        f"Generator {ours}, sampler {theirs['test_spectral']:.4g}, which moved its recordings by "
        f"{theirs['semitones_moved']:.1f} semitones on average; silence {floor:.4g}."
    )
    held = ours.median < min(theirs["test_spectral"], floor)
    return _finding(claim, held, text, ours=ours, sampler=theirs["test_spectral"])


def _speed(claim: Claim, results: Results) -> Finding:
    found = results.get("speed/published")
    if found is None:
        return _missing(claim)
    fast, real = found["seconds_per_processor_second"], found["seconds_per_second"]
    text = f"{fast:.1f} s of audio a second of processor time ({real:.1f} by the clock)"
    trained = results.get("speed/trained")
    text += "." if trained is None else f"; {trained['seconds_per_processor_second']:.0f} s at the size trained here."
    return _finding(claim, fast >= said.FASTER_THAN_REAL_TIME, text, seconds_per_second=fast)


def _size(claim: Claim, results: Results) -> Finding:
    found = results.get("speed/published")
    if found is None:
        return _missing(claim)
    size, numbers = found["mebibytes"], found["numbers_of_a_note"]
    text = (
        f"{found['parameters']:,} parameters, {size:.1f} MiB in float32; a note of 64,000 samples is said by {numbers} "
        f"numbers, {found['compression']:,.0f} times fewer."
    )
    held = abs(size - said.PUBLISHED_MIB) <= 0.05 and numbers == said.PUBLISHED_NUMBERS
    return _finding(claim, held, text, mebibytes=size, numbers=numbers)


def _unmeasured(why: str) -> Rule:
    def rule(claim: Claim, _results: Results) -> Finding:
        return _missing(claim, why)

    return rule


_RULES: dict[str, Rule] = {
    said.LOSS.id: _below("generator/spectral", "generator/wave", ("Spectral", "waveform")),
    said.WAVE.id: _wave,
    said.TIME.id: _below("generator/spectral", "generator/no_time", ("With the table", "without")),
    said.AUTOENCODER.id: _below("autoencoder/spectral", "generator/spectral", ("Autoencoder", "generator")),
    said.UNSEEN.id: _unseen,
    said.SAMPLER.id: _sampler,
    said.SPEED.id: _speed,
    said.SIZE.id: _size,
    said.LISTENERS.id: _unmeasured("It needs listeners: `descant listen` is the tool, the notes are in arms/pictures."),
    said.TRAINING.id: _unmeasured("It needs NSynth and a GPU: recipes/sing/paper_*.toml."),
}
