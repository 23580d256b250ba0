"""The `descant` command: a table of verbs, each loaded when it is called, and the border where errors end."""

from __future__ import annotations

import sys
from typing import NoReturn

import cyclopts

from descant import __version__
from descant.errors import Cancelled, DescantError

VERBS = {
    "separate": "Song to stems that sum to the song.",
    "analyze": "Melody, beats, tempo, key, chords, sections of a recording.",
    "transcribe": "Recording to MIDI and MusicXML, or to words.",
    "accompany": "Singing to a finished mix with a band.",
    "compose": "Melody in a score to a score with a band.",
    "play": "Score to audio.",
    "mix": "Stems to a loudness-true mix.",
    "models": "List, fetch, verify, export and import weights and sound sets.",
    "evaluate": "Measure a verb against references.",
    "train": "Train a recipe's weights.",
}
"""Each verb lives in `descant.cli.<verb>` as a function or app of the verb's name."""

app = cyclopts.App(
    name="descant",
    help="Sing a tune and it answers with a band; give it a song and it takes it apart.",
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # `run` says that the work was cancelled
)
for _verb, _help in VERBS.items():
    app.command(f"descant.cli.{_verb}:{_verb}", name=_verb, help=_help)


def run(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    try:
        app(arguments, exit_on_error=False, print_error=True)
    except cyclopts.CycloptsError:
        return 2
    except DescantError as error:
        _say(error)
        return error.code
    except KeyboardInterrupt:
        _say(Cancelled())
        return Cancelled.code
    except BrokenPipeError:
        return 0
    except MemoryError:
        print("descant: Memory ran out.\n  Close other programs or work on a shorter file.", file=sys.stderr)
        return 40
    return 0


def main() -> NoReturn:
    """Entry point of the console script."""
    sys.exit(run())


def _say(error: DescantError) -> None:
    print(f"descant: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"  {error.hint}", file=sys.stderr)
