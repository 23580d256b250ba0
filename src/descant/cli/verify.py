"""`descant verify`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from descant.convert.renders import Render
    from descant.mark.api import Verdict
    from descant.mark.perth import PerthVerdict


def verify(
    recordings: Annotated[list[Path], Parameter(negative=())],
    *,
    perth: Annotated[bool, Parameter(negative=())] = False,
    as_json: Annotated[bool, Parameter("--json", negative=())] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Whether recordings carry Descant's mark, which one, and what their files say about where they come from.

    Args:
        recordings: Audio files, or folders of them.
        perth: Also ask the detector of Perth, the mark of Resemble AI's tools; 34 MB are fetched the first time.
        as_json: Print a line of JSON for each file.
        quiet: Print no progress.
    """
    from descant.cli.batch import run_batch
    from descant.cli.terminal import one_line, progress_bar
    from descant.convert.renders import log_path, renders_with
    from descant.mark.api import verify_file
    from descant.mark.perth import perth_score_file

    def one(recording: Path, _: Path) -> None:
        with progress_bar(recording.name, quiet=quiet) as progress:
            verdict = verify_file(recording, progress=progress)
            second = perth_score_file(recording, progress=progress) if perth else None
        renders = renders_with(verdict.mark_text, log_path()) if verdict.mark_text else ()
        if as_json:
            print(json.dumps(_facts(recording, verdict, renders, second)))
            return
        for line in (f"{recording}: {_said(verdict)}", *_details(verdict, renders), *_perth_said(second)):
            print(one_line(line))

    run_batch(recordings, None, one)


def _said(verdict: Verdict) -> str:
    if not verdict.is_marked:
        return "no mark is found."
    chance = f"an unmarked recording looks like this less than once in 10^{int(-verdict.log10_p)}"
    if verdict.mark is None:
        return f"marked by Descant ({chance}); which mark cannot be read."
    return f"marked by Descant, {verdict.mark_text} ({chance})."


def _details(verdict: Verdict, renders: tuple[Render, ...]) -> list[str]:
    lines = [
        f"  made here on {render.time[:19]} UTC with {render.model}: voice {render.voice}, consent {render.consent}"
        for render in renders
    ]
    stated = verdict.provenance
    if stated is None:
        return [*lines, "  the file says nothing about where it comes from"]
    agrees = "" if verdict.mark_text in {"", stated.mark} else "; this is not the mark in the sound"
    lines.append(
        f"  the file says: {stated.source_type}, {stated.software}, {stated.model}, voice {stated.voice}, "
        f"consent {stated.consent}, mark {stated.mark or 'none'}{agrees}"
    )
    return lines


def _perth_said(second: PerthVerdict | None) -> list[str]:
    if second is None:
        return []
    said = "takes it for marked with Perth" if second.is_marked else "finds no mark of Perth"
    return [f"  Perth's detector {said} (score {second.score:.2f} of 1)"]


def _facts(
    recording: Path, verdict: Verdict, renders: tuple[Render, ...], second: PerthVerdict | None
) -> dict[str, object]:
    return {
        "file": str(recording),
        "marked": verdict.is_marked,
        "mark": verdict.mark_text or None,
        "log10_p": round(verdict.log10_p, 2),
        "speed": verdict.speed,
        "provenance": asdict(verdict.provenance) if verdict.provenance else None,
        "renders": [asdict(render) for render in renders],
        **({} if second is None else {"perth": {"marked": second.is_marked, "score": round(second.score, 4)}}),
    }
