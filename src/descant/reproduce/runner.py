"""Running a system's arms, each once: what is finished stays finished after a kill.

The output folder holds `arms/<name>/result.json` for each finished arm beside whatever the arm needs to go on
(checkpoints), and at the end `claims.json`, `claims.md` and `plots/`.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descant.errors import InvalidOption
from descant.files import atomic_output, output_error
from descant.fingerprint import code_digest
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.reproduce.claims import Arm, Finding, Result, System
from descant.reproduce.plots import draw, require_matplotlib
from descant.reproduce.provenance import conditions
from descant.reproduce.report import MadeWith, Reproduction, write


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished arm's result, what it cost, and what it was made from and with."""

    result: Result
    seconds: float
    processor_seconds: float
    fingerprint: str
    conditions: Mapping[str, str]


def reproduce(
    system: System,
    out: Path,
    *,
    command: str,
    scale: str,
    only: Sequence[str] = (),
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> tuple[Finding, ...]:
    """Run what a system's claims need, judge them, and write the report.

    Args:
        system: At its scale.
        out: The output folder; run again with the same one to go on.
        command: The command line that measures it again, for the report.
        scale: Its name, for the report.
        only: Beginnings of the names of the arms to run; none runs all. Kept results of others are used.
        progress: Receives the share of the arms' expected cost that is done.
        cancel: Stops the work; finished arms are kept.

    Returns:
        One finding per claim.

    Raises:
        InvalidOption: `only` names no arm.
        MissingDependency: matplotlib is not installed; others as the system's `require` says.
        OutputError, PermissionRefused: The folder cannot be written to.
    """
    require_matplotlib()
    wanted = _wanted(system.arms(), only)
    system.require([arm.name for arm in wanted if kept(arm, out) is None])
    monitor = Monitor(progress, cancel, "reproducing")
    _run_all(wanted, out, monitor)
    found = {arm.name: k for arm in system.arms() if (k := kept(arm, out)) is not None}
    findings = _report(system, found, out, command, scale)
    monitor.report(1.0)
    return findings


def _wanted(arms: Sequence[Arm], only: Sequence[str]) -> list[Arm]:
    wanted = [arm for arm in arms if not only or any(arm.name.startswith(beginning) for beginning in only)]
    if not wanted:
        raise InvalidOption(f"No arm begins with {', '.join(only)}.", f"There are {', '.join(a.name for a in arms)}.")
    return wanted


def _run_all(arms: Sequence[Arm], out: Path, monitor: Monitor) -> None:
    """Run those that are not finished."""
    total = sum(arm.weight for arm in arms)
    done = 0.0
    for arm in arms:
        part = monitor.part(arm.name, done / total, (done + arm.weight) / total)
        if kept(arm, out) is None:
            part.report(0.0)
            _run(arm, out, part)
        done += arm.weight


def _report(system: System, found: Mapping[str, Kept], out: Path, command: str, scale: str) -> tuple[Finding, ...]:
    """Judge what was found, and write all that is known of it."""
    results = {name: k.result for name, k in found.items()}
    findings = tuple(system.judge(results))
    plots = draw(system.plots(results), out / "plots")
    reproduction = Reproduction(
        system=system.name,
        title=system.title,
        scale=scale,
        command=command,
        findings=findings,
        tables=tuple(system.tables(results)),
        plots=tuple(p.relative_to(out).as_posix() for p in plots),
        notes=(*system.notes(), _cost_note(found, len(system.arms()))),
        made_with=_made_with(found),
        fingerprints={name: k.fingerprint for name, k in found.items()},
    )
    write(reproduction, out, results)
    return findings


def _made_with(found: Mapping[str, Kept]) -> tuple[MadeWith, ...]:
    """The different conditions under which the arms were run, with how many arms each."""
    counts = Counter(tuple(k.conditions.items()) for k in found.values())
    return tuple(MadeWith(dict(conditions), arms) for conditions, arms in counts.most_common())


def kept(arm: Arm, out: Path) -> Kept | None:
    """The result of an arm that was finished with the same settings, code and libraries."""
    try:
        said = json.loads(_place(arm, out).read_text(encoding="utf-8"))
        if said["fingerprint"] != fingerprint(arm):
            return None
        made_with = {str(name): str(value) for name, value in dict(said["conditions"]).items()}
        return Kept(said["result"], said["seconds"], said["processor_seconds"], said["fingerprint"], made_with)
    except (OSError, ValueError, KeyError, TypeError):  # not there, or half of a file from elsewhere: run it again
        return None


def fingerprint(arm: Arm) -> str:
    """Of all that decides an arm's result: its settings, its code, and the libraries that compute."""
    libraries = {name: value for name, value in conditions().items() if name in ("torch", "numpy", "python")}
    decides = {"settings": dict(arm.settings), "code": code_digest(arm.code), "libraries": libraries}
    text = json.dumps(decides, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def work_folder(arm: Arm, out: Path) -> Path:
    """Where an arm leaves what it trains; other settings never go on from these checkpoints."""
    return out / "arms" / arm.name / fingerprint(arm)


def _run(arm: Arm, out: Path, monitor: Monitor) -> None:
    folder = work_folder(arm, out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(error, folder) from error
    started, used = time.monotonic(), time.process_time()
    result = arm.run(folder, monitor)
    said = {
        "arm": arm.name,
        "fingerprint": fingerprint(arm),
        "settings": arm.settings,
        "conditions": conditions(),
        "result": result,
        "seconds": round(time.monotonic() - started, 2),
        "processor_seconds": round(time.process_time() - used, 2),
    }
    with atomic_output(_place(arm, out)) as temporary:
        temporary.write_text(json.dumps(said, indent=1, default=_plain) + "\n", encoding="utf-8")


def _place(arm: Arm, out: Path) -> Path:
    return out / "arms" / arm.name / "result.json"


def _plain(value: Any) -> Any:
    """What JSON does not know: tuples are lists to it already; NumPy's numbers are not."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no place in a result")


def _cost_note(found: Mapping[str, Kept], arms: int) -> str:
    minutes = sum(k.seconds for k in found.values()) / 60
    busy = sum(k.processor_seconds for k in found.values()) / 60
    return (
        f"{len(found)} of {arms} arms were run, in {minutes:.1f} minutes ({busy:.1f} of processor time; of an arm that "
        "went on after a kill only its last part counts)."
    )
