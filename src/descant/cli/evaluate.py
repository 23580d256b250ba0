"""`descant evaluate <verb>`: each measurement lives in `descant.cli.evaluate_<verb>`."""

from __future__ import annotations

import cyclopts

MEASURED = {
    "separate": "Stems against true stems.",
    "analyze": "Beats, tempo, key, chords and melody against rendered songs.",
    "transcribe": "Notes against human annotations and rendered scores.",
    "accompany": "The band against retrieval, a shuffled pairing and the human arrangement.",
}

evaluate = cyclopts.App(name="evaluate", help="Measure a verb against references.")
for _verb, _help in MEASURED.items():
    evaluate.command(f"descant.cli.evaluate_{_verb}:evaluate_{_verb}", name=_verb, help=_help)
