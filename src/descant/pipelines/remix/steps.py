"""The graph of a remix, from what a person decided."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from descant.convert.options import ConvertOptions
from descant.instrument.api import find_soundfont
from descant.pipelines.graph import Graph, Step
from descant.pipelines.remix.band import COMPOSER, PlayingOptions, compose_new, play_band
from descant.pipelines.remix.going_on import CONTINUER, OnOptions, compose_on
from descant.pipelines.remix.judging import judge
from descant.pipelines.remix.listening import (
    ListenOptions,
    SeparateOptions,
    listen,
    separate,
    take_voice_alone,
    transcribe,
)
from descant.pipelines.remix.mixing import MixingOptions, mix_new_band, mix_old_band, mix_played_on
from descant.pipelines.remix.options import RemixOptions
from descant.pipelines.remix.parting import PartingOptions, part, rejoin
from descant.pipelines.remix.singing import CONVERTER, convert, voice_files
from descant.pipelines.remix.strangers import StrangerOptions, invent
from descant.progress import CancelToken
from descant.separate.chain import DRY_CARD, LEAD_CARD

LISTENER, PITCH, NOTES = "descant-analysis", "swift-f0", "basic-pitch"
CONTENT, SPEAKER = "whisper-tiny-en", "ge2e-speaker"
INSTRUMENTS = "descant-instruments"


def remix_graph(song: Path, options: RemixOptions, *, cancel: CancelToken | None = None) -> Graph:
    """The steps that make a remix of a song, in order.

    Args:
        song: The recording.
        options: What is asked for.
        cancel: Stops fetching a SoundFont.

    Raises:
        DescantError: A SoundFont or card that is named cannot be had.
    """
    source = {"song": song}
    listening = options.skip
    is_song = "separate" not in listening
    steps = [
        Step("separate", separate, files=source, options=SeparateOptions(options.separator),
             cards=(options.separator,), share=15.0)
        if is_song
        else Step("separate", take_voice_alone, files=source),
        Step("listen", listen, ("separate",), source, ListenOptions(options.bpm), (LISTENER, PITCH), share=15.0),
    ]  # fmt: skip
    if "transcribe" not in options.skip:
        steps.append(Step("transcribe", transcribe, ("separate", "listen"), cards=(NOTES,), share=12.0))
    if options.voice is not None and "convert" not in options.skip:
        steps += _another_singer(options.voice, has_parts="part" not in options.skip)
    needs = ("separate", *(step.name for step in steps if step.name in ("convert", "rejoin")))
    mixing = MixingOptions(options.lufs, options.mix)
    has_report = "report" not in options.skip
    sounds = {}
    if has_report or options.band != "keep":
        sounds = {"soundfont": find_soundfont(options.soundfont, cancel=cancel)}
    # Weights of instruments count as a SoundFont's content does: by their card.
    players = (PlayingOptions(options.sound), (INSTRUMENTS,) if options.sound == "neural" else ())
    if options.band == "new":
        styles = Path(str(files("descant.compose.arrange").joinpath("styles.toml")))
        steps += [
            Step("compose", compose_new, ("listen", "transcribe"), {"styles": styles}, options.arrangement,
                 (COMPOSER,), share=25.0),
            Step("play", play_band, ("compose",), {**source, **sounds}, *players, share=8.0),
            Step("mix", mix_new_band, (*needs, "play"), options=mixing, share=20.0),
        ]  # fmt: skip
    elif options.band == "continue":
        more = OnOptions(options.bars, options.arrangement.seed)
        steps += [
            Step("compose", compose_on, ("transcribe",), options=more, cards=(CONTINUER,), share=25.0),
            Step("play", play_band, ("compose",), {**source, **sounds}, *players, share=8.0),
            Step("mix", mix_played_on, (*needs, "play"), options=mixing, share=20.0),
        ]
    else:
        steps.append(Step("mix", mix_old_band, needs, options=mixing, share=15.0))
    if has_report:
        steps += [
            Step("strangers", invent, files=sounds, options=StrangerOptions(), share=4.0),
            Step("report", judge, ("separate", "listen", "mix", "strangers"), source, cards=(LISTENER, PITCH),
                 share=25.0),
        ]  # fmt: skip
    return Graph(steps)


def _another_singer(voice: str, *, has_parts: bool) -> list[Step]:
    cards = (CONVERTER, CONTENT, SPEAKER, PITCH)
    given = (voice_files(voice), ConvertOptions(), cards)
    if not has_parts:
        return [Step("convert", convert, ("separate", "listen"), *given, share=60.0)]
    return [
        Step("part", part, ("separate",), options=PartingOptions(), cards=(LEAD_CARD, DRY_CARD), share=15.0),
        Step("convert", convert, ("part", "listen"), *given, share=60.0),
        Step("rejoin", rejoin, ("part", "convert"), share=1.0),
    ]
