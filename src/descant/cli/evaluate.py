"""`descant evaluate <what>`: measurements of verbs in `descant.cli.evaluate_<verb>`, of files in `evaluate_files`."""

from __future__ import annotations

import cyclopts

MEASURED = {
    "separate": "Run the separator on songs with known stems.",
    "analyze": "Run the analysis on rendered songs: beats, tempo, key, chords and melody.",
    "transcribe": "Run the transcription on human annotations and rendered scores.",
    "align": "Word times against references, of files or of aligners run on songs.",
    "convert": "Run the voice conversion to voices that no training heard.",
    "accompany": "Run the band against retrieval, a shuffled pairing and the human arrangement.",
    "instrument": "Play held-out notes, against SING, a sampler and the recordings.",
    "continuation": "Continue songs, against counted models, an LSTM and the songs themselves.",
}
"""Verbs that are run on data and measured."""

COMPARED = {
    "stems": "Separated stems on disk against true ones.",
    "notes": "MIDI or note lists on disk.",
    "beats": "Beats on disk.",
    "chords": "Chords on disk.",
    "key": "Keys on disk.",
    "pitch": "f0 on disk.",
    "lyrics": "Timed words on disk.",
    "similarity": "Recordings on disk, pair by pair: the same music?",
    "sets": "Two folders of recordings as sets (FAD, KAD).",
}
"""Kinds of files that are compared, whoever made them."""

evaluate = cyclopts.App(name="evaluate", help="Measure a verb on data, or files of any system against references.")
for _verb, _help in MEASURED.items():
    evaluate.command(f"descant.cli.evaluate_{_verb}:evaluate_{_verb}", name=_verb, help=_help, group="Run and measure")
for _kind, _help in COMPARED.items():
    evaluate.command(f"descant.cli.evaluate_files:evaluate_{_kind}", name=_kind, help=_help, group="Compare files")
