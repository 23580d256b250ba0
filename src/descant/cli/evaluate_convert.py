"""`descant evaluate convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def evaluate_convert(
    *,
    data: Path,
    model: str = "descant-voice",
    spoken: int = 4,
    sung: int = 2,
    targets: int = 6,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Measure voice conversion on sources and voices that no training heard.

    Args:
        data: Folder with speech/, singing/ and album/.
        model: Card of the voice decoder, or a folder that `descant export` wrote.
        spoken: Pieces of English speech, about 10 s each.
        sung: Stretches of singing, 12 s each.
        targets: How many held-out voices, up to 6.
        out: Folder for convert.md and convert.json.
        quiet: Print no progress.
    """
    from descant.cli.terminal import progress_bar
    from descant.convert.api import Converter
    from descant.evaluate.convert import ConvertTest
    from descant.evaluate.convert import evaluate_convert as measure
    from descant.evaluate.report import require_counts, require_place

    require_counts(spoken=spoken, targets=targets)
    if out is not None:
        require_place(out, "convert")
    converter = Converter.from_folder(Path(model)) if Path(model).is_dir() else Converter.load(model)
    command = f"descant evaluate convert --data {data.name} --spoken {spoken} --sung {sung} --targets {targets}"
    test = ConvertTest(data, spoken, sung, targets)
    with progress_bar("evaluate convert", quiet=quiet) as progress:
        report = measure(test, converter, command=command, progress=progress)
    print(report.to_markdown())
    if out is not None:
        report.save(out)
