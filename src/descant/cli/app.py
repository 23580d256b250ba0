"""The `descant` command: a table of verbs, each loaded when it is called, and the border where errors end."""

from __future__ import annotations

import io
import signal
import sys
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import NoReturn

import cyclopts

from descant import __version__
from descant.cli.terminal import hide_library_messages, say
from descant.errors import Cancelled, DescantError, InvalidOption, OutOfMemory

VERBS = {
    "separate": "Song to stems that sum to the song.",
    "analyze": "Melody, beats, tempo, key, chords, sections of a recording.",
    "transcribe": "Recording to MIDI and MusicXML, or to words.",
    "align": "Song and lyrics to words with times.",
    "accompany": "Singing to a finished mix with a band.",
    "compose": "Melody in a score to a score with a band, or a song to more of it.",
    "play": "Score to audio.",
    "instrument": "Instruments: train your own, list, delete; export as SFZ, WAV notes and wavetables.",
    "blend": "Two or four sounds to a sound, a grid or an instrument between them.",
    "mix": "Stems to a loudness-true mix.",
    "convert": "Vocals in another voice.",
    "voice": "Voices by name: add, consent, train, list, show, export, import, delete.",
    "verify": "Whether a recording is marked, and where it comes from.",
    "karaoke": "Song and words to a karaoke video, a backing track and a guide melody.",
    "remix": "Song to a new song: another band, another voice.",
    "models": "List, fetch, verify, export and import weights and sound sets.",
    "evaluate": "Measure a verb against references.",
    "bench": "Time and memory of a verb, beside installed peers.",
    "train": "Train a recipe's weights.",
    "export": "A training's weights to a card that `models import` takes.",
    "reproduce": "Measure a published system's claims.",
    "data": "Published data sets, and songs with perfect labels.",
}
"""Each verb lives in `descant.cli.<verb>` as a function or app of the verb's name."""

_OUTPUT = ("-o", "--out")

app = cyclopts.App(
    name="descant",
    help="Sing a tune and it answers with a band; give it a song and it takes it apart.",
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # `run` says that the work was cancelled
)
for _verb, _help in VERBS.items():
    app.command(f"descant.cli.{_verb}:{_verb}", name=_verb, help=_help)
app.command("descant.cli.models:import_models", name="import", help="Short for `models import`.")


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        _refuse_empty_names(given)
        app(given, exit_on_error=False, print_error=False)
    except cyclopts.CycloptsError as error:
        say(_usage_error(error, given))
        return InvalidOption.code
    except DescantError as error:
        say(error)
        return error.code
    except KeyboardInterrupt as interrupt:
        say(Cancelled())
        return 128 + next(iter(interrupt.args), signal.SIGINT)
    except BrokenPipeError:
        return 0
    except MemoryError:
        say(OutOfMemory("Memory ran out.", "Close other programs or work on a shorter file."))
        return OutOfMemory.code
    return 0


def main() -> NoReturn:
    """Run the command line of this process, and end it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file's name may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    hide_library_messages()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    sys.exit(run())


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    """Being told to end is like Ctrl-C: what is half-written is removed."""
    raise KeyboardInterrupt(number)


def _refuse_empty_names(given: list[str]) -> None:
    """An empty name comes from an unset variable in a script; as a path it would mean the folder one is in.

    Options may be empty, but for the one that every verb writes to.
    """
    for before, word in pairwise(["", *given]):
        is_value = before.startswith("-") and before not in {"--", *_OUTPUT}
        if (not word and not is_value) or word in {f"{name}=" for name in _OUTPUT}:
            raise InvalidOption("The name of a file is empty.", "Check the variable it came from.")


def _usage_error(error: cyclopts.CycloptsError, given: list[str]) -> InvalidOption:
    """The parser's complaint in the form of all others, with help for names that it takes for options."""
    error.verbose = False
    message = " ".join(str(error).split())
    for word in given:
        if word.startswith("-") and Path(word).is_file() and word in message:
            return InvalidOption(message, f"If the file is meant: a name that begins with a dash needs ./ -> ./{word}")
    verb = " ".join(("descant", *(error.command_chain or ())))
    return InvalidOption(message or "The command line cannot be read.", f"`{verb} --help` shows what can be given.")
