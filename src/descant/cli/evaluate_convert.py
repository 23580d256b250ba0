"""`descant evaluate convert`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from descant.errors import InputNotFound

if TYPE_CHECKING:
    from descant.convert.api import Converter

_MOST_S = 600.0


def evaluate_convert(
    *,
    data: Path,
    model: str = "descant-voice",
    spoken: int = 4,
    sung: int = 2,
    targets: int = 6,
    adapt: str = "",
    minutes: float = 10.0,
    work: Path = Path("adapted"),
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
        adapt: Also train decoders on these of them ("pt_BR/Enrico Nicoletto"), separated by commas.
        minutes: How long each, at most.
        work: Folder of these trainings; the same command goes on where it was stopped.
        out: Folder for convert.md and convert.json.
        quiet: Print no progress.
    """
    from descant.cli.lists import names_in
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
    names = names_in(adapt)
    if names:
        command += f' --adapt "{adapt}" --minutes {minutes:g}'
    test = ConvertTest(data, spoken, sung, targets)
    adapted = {name: _adapted(name, data, converter, minutes, work, quiet=quiet) for name in names}
    with progress_bar("evaluate convert", quiet=quiet) as progress:
        report = measure(test, converter, command=command, adapted=adapted, progress=progress)
    print(report.to_markdown())
    if out is not None:
        report.save(out)


def _adapted(name: str, data: Path, base: Converter, minutes: float, work: Path, *, quiet: bool) -> Converter:
    """A converter whose decoder was trained on a person's recordings, up to ten minutes of them."""
    from descant.cli.terminal import progress_bar
    from descant.convert.api import Converter
    from descant.data.voices import find_voices
    from descant.nets.source_filter import SAMPLE_RATE
    from descant.nets.voice_decoder import VoiceDecoder
    from descant.train.own_voice import OwnVoiceOptions, train_own_voice

    found = {voice.name: voice for voice in find_voices(data)}
    if name not in found:
        raise InputNotFound(f"{data} holds no voice {name}.", f"It has {', '.join(sorted(found)[:5])} and others.")
    clips = list(found[name].pieces(sample_rate=SAMPLE_RATE, most_s=_MOST_S))
    with progress_bar(f"training {name}", quiet=quiet) as progress:
        own = train_own_voice(clips, work / name.replace("/", "__"), base, OwnVoiceOptions(minutes), progress=progress)
    decoder = VoiceDecoder(base.decoder.config)
    decoder.load_state_dict(dict(own.decoder))
    return Converter(decoder, base.encoder, base.tracker, base.embedder, model=f"{base.model}, {name}")
